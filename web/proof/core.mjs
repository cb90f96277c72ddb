// The core with what tests ask of it beside, in Node.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { WEB } from "../bundle.mjs";

export const PROOF = dirname(fileURLToPath(import.meta.url));
/** Where the core is built to. */
export const BUILT = join(WEB, "core/target/tests");

let module = null;
let loaded = 0;

/** Builds it from the sources as they are. */
export function buildCore() {
  execFileSync(join(WEB, "core/build.sh"), [BUILT, "tests"], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Returns a core that nothing has run on. */
export async function loadCore() {
  module ??= await WebAssembly.compile(readFileSync(join(BUILT, "cahoots_web_bg.wasm")));
  // Under another name it is another instance of the module: each holds one core.
  const core = await import(`${pathToFileURL(join(BUILT, "cahoots_web.js"))}?${loaded++}`);
  core.initSync({ module });
  return core;
}
