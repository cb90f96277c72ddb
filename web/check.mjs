// Checks that the committed bundle belongs to the committed sources, and says what that was seen by.
//
//   node check.mjs             by digests: needs nothing but Node
//   node check.mjs --rebuild   by building it again, too: the page always, the core where rustup is there
//
// `build.sh` makes right what this finds wrong.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { argv } from "node:process";
import * as bundle from "./bundle.mjs";

const HINT = "hint: run web/build.sh and commit web/dist with what it was made from";

class Stale extends Error {}

const say = (what, text) => console.log(`${what}: ${text}`);
const run = (program, ...args) => execFileSync(program, args, { cwd: bundle.WEB, stdio: ["ignore", "ignore", "inherit"] });

/** Compares names and contents; both are by name. */
function compare(what, wanted, found) {
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  const wrong = [...names].filter((name) => wanted[name] !== found[name]).sort();
  if (wrong.length === 0) return;
  const told = wrong.map((name) => {
    const how = !(name in wanted) ? "is new" : !(name in found) ? "is missing" : "differs";
    return `  ${name} ${how}`;
  });
  throw new Stale([what, ...told].join("\n"));
}

const digests = (files) => Object.fromEntries([...files].map(([name, bytes]) => [name, bundle.sha256(bytes)]));

function checkFiles(build) {
  compare("the bundle is not what dist/build.json says", build.files, bundle.outputs());
  say("files", `${Object.keys(build.files).length} are what dist/build.json says, however they are compressed`);
}

function checkInputs(build) {
  const listed = Object.keys(build.core.inputs).map((name) => {
    try {
      return [name, bundle.sha256(readFileSync(join(bundle.ROOT, name)))];
    } catch {
      return [name, undefined];
    }
  });
  const core = Object.fromEntries(listed.filter(([, digest]) => digest));
  compare("the core was built from other sources", build.core.inputs, core);
  const page = bundle.pageInputs();
  compare("the page was built from other sources", build.page.inputs, page);
  say("sources", `${listed.length} files of the core and ${Object.keys(page).length} of the page are those it was built from`);
}

/** Says whether what the core is built with is here: rustc with the sources of its standard library. */
function canBuildCore() {
  try {
    return existsSync(join(bundle.rustc("--print", "sysroot"), "lib/rustlib/src/rust/library"));
  } catch {
    return false;
  }
}

function rebuildCore(build, folder) {
  if (!canBuildCore()) return say("core", "not built again: no rustc with rust-src here, as rustup would bring it");
  run("./core/build.sh", folder);
  const here = bundle.rustc("--version");
  const made = new Map([...bundle.coreFiles().keys()].map((name) => [name, readFileSync(join(folder, name))]));
  if (here === build.core.rustc) {
    compare(`the core, built again by ${here}, is another`, digests(bundle.coreFiles()), digests(made));
    say("core", `built again by ${here}: the same bytes`);
  } else {
    // Another compiler makes other bytes of the same sources; that it makes the same core is for the vectors to show.
    run("node", "proof/vectors.mjs");
    say("core", `built by ${build.core.rustc}; what ${here} makes of the same sources is right by the vectors`);
  }
}

function rebuildPage(folder) {
  bundle.unpackCore();
  run("npx", "vite", "build", "--outDir", folder, "--emptyOutDir", "--logLevel", "error");
  const [wanted, made] = [join(bundle.DIST, "page"), folder].map((page) => digests(bundle.pageFiles(page)));
  compare("the page, built again, is another", wanted, made);
  say("page", `built again by node ${process.version} around that core: the same bytes`);
}

const folder = mkdtempSync(join(tmpdir(), "cahoots-check-"));
try {
  const build = bundle.readBuild();
  checkFiles(build);
  checkInputs(build);
  if (argv.includes("--rebuild")) {
    rebuildCore(build, join(folder, "core"));
    rebuildPage(join(folder, "page"));
  }
} catch (error) {
  console.error(`error: ${error.message}`);
  if (error instanceof Stale) console.error(HINT);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
