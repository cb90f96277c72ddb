// What the committed bundle consists of and what it was made from: read by check.mjs, written down by build.sh.
//
//   node bundle.mjs core     writes down what src/core was made from; right after the core was built
//   node bundle.mjs unpack   fills src/core from dist, for whoever changes the page alone
//   node bundle.mjs          writes dist/build.json, and the core's JavaScript side beside it
//
// dist/page is served. dist/core and dist/build.json are for those who check: nobody has to take a bundle on trust.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

export const WEB = dirname(fileURLToPath(import.meta.url));
export const ROOT = dirname(WEB);
export const DIST = join(WEB, "dist");
/** The core as the page's sources import it: made by core/build.sh, or unpacked from dist. */
export const CORE = join(WEB, "src", "core");

/** The core's JavaScript side. The core itself is among the page's assets. */
const GLUE = ["cahoots_web.js", "cahoots_web.d.ts"];
const WASM = "cahoots_web_bg.wasm";
const DEP_INFO = join(WEB, "core/target/wasm32-unknown-unknown/release/cahoots_web.d");

/** What the core is made from beside the sources that rustc names. */
const CORE_RECIPE = [
  "Cargo.toml",
  "web/core/Cargo.toml",
  "web/core/Cargo.lock",
  "web/core/build.sh",
  "web/core/rustc.sh",
  "web/core/rust-toolchain.toml",
  "web/bindgen/Cargo.toml",
  "web/bindgen/Cargo.lock",
  "web/bindgen/src/main.rs",
];
/** What the page is made from beside the core; folders count whole. */
const PAGE_RECIPE = [
  "web/index.html",
  "web/package.json",
  "web/package-lock.json",
  "web/tsconfig.json",
  "web/vite.config.ts",
  "web/public",
  "web/src",
];

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Names the files below a folder, deepest folders included, in an order that is the same everywhere. */
export function filesIn(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((path) => relative(folder, path).split(sep).join("/")).sort();
}

const digests = (names) => Object.fromEntries(names.map((name) => [name, sha256(readFileSync(join(ROOT, name)))]));

/** Returns the digest of every file that the core is made from, by what rustc said that it read of this repository. */
function coreInputs() {
  const [, listed] = readFileSync(DEP_INFO, "utf8").split("\n")[0].split(/:(?= )/);
  const paths = listed.trim().split(/(?<!\\) /).map((path) => path.replaceAll("\\ ", " "));
  const sources = paths.map((path) => relative(ROOT, path).split(sep).join("/"));
  const ours = sources.filter((name) => !name.startsWith("..") && !isAbsolute(name));
  return digests([...new Set([...CORE_RECIPE, ...ours])].sort());
}

/** Returns the digest of every file that the page is made from, but for the core. */
export function pageInputs() {
  const names = PAGE_RECIPE.flatMap((name) => {
    const path = join(ROOT, name);
    return statSync(path).isDirectory() ? filesIn(path).map((inner) => `${name}/${inner}`) : [name];
  });
  return digests(names.filter((name) => !name.startsWith("web/src/core/")).sort());
}

/**
 * Returns the files of a built page as browsers see them, by name. Each form that a file is compressed to has to be of
 * the same content: which of them somebody gets must not matter.
 */
export function pageFiles(folder) {
  const files = new Map();
  for (const path of filesIn(folder)) {
    const packed = readFileSync(join(folder, path));
    const [, name, form] = /^(.*?)(\.br|\.gz)?$/.exec(path);
    const plain = form === ".br" ? brotliDecompressSync(packed) : form === ".gz" ? gunzipSync(packed) : packed;
    const other = files.get(name);
    if (other && !other.equals(plain)) throw new Error(`${path} is of another content than the other forms of ${name}`);
    files.set(name, plain);
  }
  return files;
}

/** Returns the core of a bundle: what core/build.sh makes, by name. */
export function coreFiles(dist = DIST) {
  const files = new Map(GLUE.map((name) => [name, readFileSync(join(dist, "core", name))]));
  const wasm = [...pageFiles(join(dist, "page"))].filter(([name]) => /^assets\/cahoots_web_bg-.*\.wasm$/.test(name));
  if (wasm.length !== 1) throw new Error(`expected one core among the page's assets, found ${wasm.length}`);
  return files.set(WASM, wasm[0][1]);
}

/** Returns what dist/build.json has to say of the files beside it. */
export function outputs(dist = DIST) {
  const page = [...pageFiles(join(dist, "page"))].map(([name, bytes]) => [`page/${name}`, sha256(bytes)]);
  const core = filesIn(join(dist, "core")).map((name) => [`core/${name}`, sha256(readFileSync(join(dist, "core", name)))]);
  return Object.fromEntries([...core, ...page].sort(([one], [other]) => (one < other ? -1 : 1)));
}

export const readBuild = () => JSON.parse(readFileSync(join(DIST, "build.json"), "utf8"));
const write = (path, value) => writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);

/** Asks the compiler that core/rust-toolchain.toml names. */
export function rustc(...args) {
  return execFileSync("rustc", args, { encoding: "utf8", cwd: join(WEB, "core") }).trim();
}

/** Fills src/core from dist: what the page's sources need, without Rust. */
export function unpackCore() {
  mkdirSync(CORE, { recursive: true });
  for (const [name, bytes] of coreFiles()) writeFileSync(join(CORE, name), bytes);
  write(join(CORE, "build.json"), readBuild().core);
}

function writeDown() {
  rmSync(join(DIST, "core"), { recursive: true, force: true });
  for (const name of GLUE) cpSync(join(CORE, name), join(DIST, "core", name));
  const core = JSON.parse(readFileSync(join(CORE, "build.json"), "utf8"));
  const page = { node: `node ${process.version}`, inputs: pageInputs() };
  write(join(DIST, "build.json"), { core, page, files: outputs() });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  if (argv[2] === "core") write(join(CORE, "build.json"), { rustc: rustc("--version"), inputs: coreInputs() });
  else if (argv[2] === "unpack") unpackCore();
  else writeDown();
}
