// What one test stands on: a folder, an environment that knows no other session, and programs that end with it.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Entry, PATIENCE_MS, Program } from "./program";

const BIN = resolve(process.env["CAHOOTS_BIN"] ?? join(import.meta.dirname, "../../../target/debug/cahoots"));

export type Access = "view" | "interact" | "own";

/** A shell without anybody's settings, whose prompt is `$ `. */
export const SHELL = ["bash", "--norc", "--noprofile"];

/** Returns a link with one letter of its token exchanged, as by a hand that copies it. */
export function mistyped(link: string): string {
  const at = link.indexOf("#ch") + 20;
  return `${link.slice(0, at)}${link[at] === "q" ? "p" : "q"}${link.slice(at + 1)}`;
}

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), "cahoots-web-"));
  readonly #env: Record<string, string>;
  readonly #programs: Program[] = [];

  constructor() {
    if (!existsSync(BIN)) throw new Error(`${BIN} is missing: cargo build, or set CAHOOTS_BIN`);
    mkdirSync(this.path("run"), { mode: 0o700 });
    this.#env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.folder,
      XDG_RUNTIME_DIR: this.path("run"),
      TMPDIR: this.folder,
      SHELL: "/bin/bash",
      LC_ALL: "C.UTF-8",
      PS1: "$ ",
      HISTFILE: "/dev/null",
      CAHOOTS_LOG: process.env["CAHOOTS_LOG"] ?? "",
    };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string, mode = 0o600): string {
    writeFileSync(this.path(name), text, { mode });
    return this.path(name);
  }

  start(command: string[], env: Record<string, string> = {}): Program {
    const program = new Program(command, { cwd: this.folder, env: { ...this.#env, ...env } });
    this.#programs.push(program);
    return program;
  }

  cahoots(...args: string[]): Program {
    return this.start([BIN, ...args]);
  }

  /** Runs a command of the owner to its end and returns what it printed. */
  async owner(...args: string[]): Promise<string> {
    return new Promise((done, failed) => {
      const options = { cwd: this.folder, env: this.#env, timeout: PATIENCE_MS };
      execFile(BIN, args, options, (error, stdout, stderr) => {
        if (error === null) done(stdout.trim());
        else failed(new Error(`cahoots ${args.join(" ")}: ${stderr || error.message}`));
      });
    });
  }

  /** Returns a new link of the session. */
  addLink(access: Access, ...conditions: string[]): Promise<string> {
    return this.owner("links", "add", access, ...conditions);
  }

  /** Returns who is in the session, as its owner sees it. */
  async members(): Promise<Entry[]> {
    const lines = (await this.owner("members", "--json")).split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Entry);
  }

  async memberNamed(name: string): Promise<string> {
    const found = (await this.members()).find((member) => member["name"] === name);
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return String(found["member"]);
  }

  /** Starts a relay that keeps its certificate, and with it its links, over restarts. */
  relay(options: string[] = []): Promise<Relay> {
    return Relay.start(this, 0, options);
  }

  /** Shares `command` through `relay`. */
  async share(relay: Pick<Relay, "address">, command = SHELL, options: string[] = []): Promise<Share> {
    const fixed = ["share", "--json", "--no-lan", "--relay", relay.address, "--name", "Ada"];
    const program = this.cahoots(...fixed, ...options, "--", ...command);
    const sharing = await program.entry("sharing");
    return { program, links: sharing["links"] as Share["links"] };
  }

  /** Shares several commands through `relay`, on a terminal each. */
  async sharePanes(relay: Relay, ...commands: string[]): Promise<Record<Access, string>> {
    const example = join(dirname(BIN), "examples/panes");
    if (!existsSync(example)) throw new Error(`${example} is missing: cargo build --examples`);
    const program = this.start([example, "--relay", relay.address, ...commands]);
    const [view = "", interact = "", own = ""] = await program.lines(3);
    return { view, interact, own };
  }

  /** Joins as people without a browser do, in `--json`. */
  async join(link: string, name: string): Promise<Native> {
    // In a file, since a command line is for everybody to see.
    const file = this.write(`link-${name}`, link);
    const program = this.cahoots("join", "--json", "--no-lan", "--name", name, "--file", file);
    await program.entry("in");
    return new Native(program);
  }

  async end(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What all programs complained about. */
  complaints(): string {
    const said = this.#programs.filter((program) => program.complaints !== "");
    return said.map((program) => `${program.command.slice(1, 3).join(" ")}\n${program.complaints}`).join("\n");
  }
}

export interface Share {
  program: Program;
  links: Record<Access, string>;
}

export class Relay {
  private constructor(
    readonly program: Program,
    /** What `share --relay` takes. */
    readonly address: string,
    readonly port: number,
    readonly stage: Stage,
    readonly options: string[],
  ) {}

  static async start(stage: Stage, port: number, options: string[]): Promise<Relay> {
    const program = stage.cahoots("relay", "--json", "--listen", `127.0.0.1:${port}`, "--state", "state", ...options);
    const entry = program.entry("relay");
    const said = await entry.catch((error: Error) => {
      // A UDP port that the system gave may be somebody's for TCP: then another one is asked for.
      if (port === 0 && program.complaints.includes("Address already in use")) return null;
      throw error;
    });
    if (said === null) return Relay.start(stage, port, options);
    const bound = Number((said["listen"] as string[])[0]?.split(":").pop());
    return new Relay(program, String(said["address"]), bound, stage, options);
  }

  /** Where browsers reach it. */
  get origin(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Starts it again where it was, with the certificate that it had. */
  startAgain(): Promise<Relay> {
    return Relay.start(this.stage, this.port, this.options);
  }
}

/** Somebody with the program instead of a browser. */
export class Native {
  constructor(readonly program: Program) {}

  /** Returns its screen's lines. */
  async screen(): Promise<string[]> {
    const from = this.program.entries.length;
    this.program.ask({ do: "screen" });
    return (await this.program.entry("screen", () => true, from))["lines"] as string[];
  }

  type(text: string): void {
    this.program.ask({ do: "type", text });
  }

  say(text: string): void {
    this.program.ask({ do: "say", text });
  }

  /** Returns the shared notes. */
  async notes(): Promise<string> {
    const from = this.program.entries.length;
    this.program.ask({ do: "notes" });
    return String((await this.program.entry("notes", () => true, from))["text"]);
  }

  /** Writes into the shared notes before character `at`. */
  write(at: number, insert: string): void {
    this.program.ask({ do: "edit_notes", at, insert });
  }

  /** Waits until it has heard this message. */
  async hears(text: string): Promise<void> {
    await this.program.entry("message", (entry) => entry["text"] === text);
  }

  /** Returns all messages in the order in which they came. */
  heard(): string[] {
    return this.program.entries.filter((entry) => entry.event === "message").map((entry) => String(entry["text"]));
  }
}
