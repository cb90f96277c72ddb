// A program under test: started with its own environment, heard line by line, and ended by its own process id.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A line of `--json`: always an object with the field `event`. */
export type Entry = { event: string; [field: string]: unknown };

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Long after everything should have come, even on a machine that does ten other things. */
export const PATIENCE_MS = 30_000;
/** Whoever does not end by SIGTERM within this time is ended by SIGKILL. */
const FAREWELL_MS = 3_000;

export class Program {
  readonly entries: Entry[] = [];
  /** All that it wrote to stdout that is no entry. */
  output = "";
  /** All that it wrote to stderr, for who wonders why it failed. */
  complaints = "";
  readonly ended: Promise<Exit>;
  #child: ChildProcessWithoutNullStreams;
  #listeners = new Set<() => void>();
  #exit: Exit | null = null;

  constructor(readonly command: string[], options: { cwd: string; env: Record<string, string> }) {
    const [program = "", ...args] = command;
    this.#child = spawn(program, args, { ...options, stdio: "pipe" });
    // A pipe that nobody reads any more is the program's end, which is heard of anyway.
    this.#child.stdin.on("error", () => {});
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#hear(line));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.complaints += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        this.#exit = { code, signal };
        for (const listener of this.#listeners) listener();
        resolve(this.#exit);
      });
    });
    this.ended.catch((error: Error) => {
      this.complaints += error.message;
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  #hear(line: string): void {
    const entry = line.startsWith("{") ? (JSON.parse(line) as Entry) : null;
    if (entry === null) this.output += `${line}\n`;
    else this.entries.push(entry);
    for (const listener of this.#listeners) listener();
  }

  /** Returns the first entry from number `from` on that is the one looked for, once it is there. */
  entry(event: string, is: (entry: Entry) => boolean = () => true, from = 0): Promise<Entry> {
    const look = () => this.entries.slice(from).find((entry) => entry.event === event && is(entry));
    return this.#until(`the entry \`${event}\``, look);
  }

  /** Waits until what it wrote to stdout, other than entries, has `text` in it. */
  async prints(text: string): Promise<void> {
    await this.#until(`\`${text}\``, () => this.output.includes(text) || undefined);
  }

  /** Returns the first `count` lines that it wrote to stdout and that are no entries. */
  lines(count: number): Promise<string[]> {
    const whole = () => this.output.split("\n").slice(0, -1);
    return this.#until(`${count} lines`, () => (whole().length < count ? undefined : whole().slice(0, count)));
  }

  #until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.#listeners.delete(again);
      };
      const fail = (why: string) => {
        stop();
        reject(new Error(`${this.command.slice(0, 3).join(" ")}: no ${what}: ${why}\n${this.complaints}`));
      };
      const again = () => {
        const found = look();
        if (found !== undefined) {
          stop();
          resolve(found);
        } else if (this.#exit !== null) fail(`it ended with ${this.#exit.code ?? this.#exit.signal}`);
      };
      const timer = setTimeout(() => fail(`nothing for ${PATIENCE_MS / 1_000} s`), PATIENCE_MS);
      this.#listeners.add(again);
      again();
    });
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Closes its stdin: what was written is all there is. */
  wroteAll(): void {
    this.#child.stdin.end();
  }

  /** Says one line of `--json` to it. */
  ask(request: { do: string; [field: string]: unknown }): void {
    this.write(`${JSON.stringify(request)}\n`);
  }

  kill(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return this.ended;
  }

  /** Ends it, politely at first. */
  async end(): Promise<void> {
    if (this.#exit !== null || this.#child.pid === undefined) return;
    const force = setTimeout(() => this.#child.kill("SIGKILL"), FAREWELL_MS);
    await this.kill("SIGTERM");
    clearTimeout(force);
  }
}
