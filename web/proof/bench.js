// Runs the vectors on a core that was built with the feature `tests`. Knows neither Node nor a page: both bring how to
// load a core.

/** Runs cases, each on a core that is as good as new. */
export class Bench {
  #load;
  #core = null;

  /** Takes what brings a core that nothing has run on. */
  constructor(load) {
    this.#load = load;
  }

  async #fresh() {
    this.#core ??= await this.#load();
    return this.#core;
  }

  /** Names all cases. */
  async cases() {
    return (await this.#fresh()).vectorCases();
  }

  /** Runs cases over files; returns what each read, or how it failed. */
  async run(cases, files) {
    const results = [];
    let taken = null;
    for (const name of cases) {
      const core = await this.#fresh();
      if (taken !== core) for (const [file, text] of Object.entries(files)) core.takeVectors(file, text);
      taken = core;
      try {
        results.push({ name, read: core.runVectorCase(name), failure: null });
      } catch (error) {
        // A core whose code has panicked is not one to go on with.
        this.#core = null;
        results.push({ name, read: [], failure: String(error.message ?? error) });
      }
    }
    return results;
  }
}
