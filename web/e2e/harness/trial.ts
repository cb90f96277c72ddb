// What a test of the negative suite has to show before it counts: an attack that failed, and the same procedure working
// where it should. The table of attacks is tests/it/threats/matrix.rs.

import { expect } from "@playwright/test";
import { test as base } from "./test";

export class Trial {
  #attacks = 0;
  #controls = 0;

  /** Checks what is true if, and only if, the attack did not work. */
  fails(attack: string, found: unknown, unharmed: unknown): void {
    expect(found, `the attack works: ${attack}`).toEqual(unharmed);
    this.#attacks += 1;
  }

  /** Checks that the same procedure does work for somebody entitled, or without the protection. */
  works(control: string, does: boolean): void {
    expect(does, `the control does not work, so the attack proves nothing: ${control}`).toBe(true);
    this.#controls += 1;
  }

  wasHeld(): void {
    expect(this.#attacks, "attacks that failed").toBeGreaterThan(0);
    expect(this.#controls, "controls that worked").toBeGreaterThan(0);
  }
}

export const attack = base.extend<{ trial: Trial }>({
  // Playwright reads from the argument's pattern what a fixture depends on; this one depends on nothing.
  trial: async ({}, use, info) => {
    const trial = new Trial();
    await use(trial);
    if (info.status === info.expectedStatus) trial.wasHeld();
  },
});
