// Runs the shared test vectors through the core as WebAssembly: the tests of tests/it/vectors, compiled for a page.
//
//   node proof/vectors.mjs             in Node
//   node proof/vectors.mjs --browser   in Chromium, too
//
// Each file of tests/vectors has to be read by some case, and each has to be noticed when it is changed: a run that
// cannot fail shows nothing.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process, { argv } from "node:process";
import { ROOT } from "../bundle.mjs";
import { Bench } from "./bench.js";
import { BUILT, buildCore, loadCore, PROOF } from "./core.mjs";

/** Changes tried per file. */
const CHANGES = 6;

/** Where Chromium is looked for. */
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Returns the text of each file of vectors, by name. */
function vectorFiles() {
  const folder = join(ROOT, "tests/vectors");
  const names = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  return Object.fromEntries(names.map((name) => [name.slice(0, -5), readFileSync(join(folder, name), "utf8")]));
}

async function inNode() {
  const bench = new Bench(loadCore);
  return { where: `node ${process.version}`, cases: () => bench.cases(), run: (...what) => bench.run(...what), close() {} };
}

/** Serves what a page needs to run the vectors, and nothing else. */
async function serve() {
  const files = {
    "/": ["text/html", "<!doctype html><title>vectors</title>"],
    "/bench.js": ["text/javascript", readFileSync(join(PROOF, "bench.js"))],
    "/cahoots_web.js": ["text/javascript", readFileSync(join(BUILT, "cahoots_web.js"))],
    "/cahoots_web_bg.wasm": ["application/wasm", readFileSync(join(BUILT, "cahoots_web_bg.wasm"))],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[new URL(request.url, "http://x").pathname] ?? ["text/plain", null];
    response.writeHead(body === null ? 404 : 200, { "content-type": type }).end(body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}

async function inChromium() {
  const { chromium } = await import("@playwright/test");
  const executablePath = process.env.CHROMIUM ?? CHROMIUM.find((path) => existsSync(path));
  if (!executablePath) throw new Error("no chromium here: apt-get install chromium, or set CHROMIUM");
  // Chromium refuses to run as root with its sandbox; the page is ours.
  const browser = await chromium.launch({ executablePath, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  const server = await serve();
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.evaluate(async () => {
    const { Bench } = await import("/bench.js");
    const module = await WebAssembly.compileStreaming(fetch("/cahoots_web_bg.wasm"));
    let loaded = 0;
    window.bench = new Bench(async () => {
      const core = await import(`/cahoots_web.js?${loaded++}`);
      core.initSync({ module });
      return core;
    });
  });
  return {
    where: `Chromium ${browser.version()}`,
    cases: () => page.evaluate(() => window.bench.cases()),
    run: (cases, files) => page.evaluate(([cases, files]) => window.bench.run(cases, files), [cases, files]),
    async close() {
      await browser.close();
      server.close();
    },
  };
}

/** Returns `text` with one digit changed of one of its longer runs of hexadecimal digits, `part` of the way through. */
function change(text, part) {
  const runs = [...text.matchAll(/"([0-9a-f]{2}){4,}"/g)];
  const run = runs[Math.floor(part * runs.length)];
  const at = run.index + Math.floor(run[0].length / 2);
  const digit = text[at] === "0" ? "1" : "0";
  return text.slice(0, at) + digit + text.slice(at + 1);
}

async function check(bench, files) {
  const cases = await bench.cases();
  const results = await bench.run(cases, files);
  const failed = results.filter(({ failure }) => failure !== null);
  if (failed.length > 0) {
    throw new Error(failed.map(({ name, failure }) => `${name} fails in ${bench.where}:\n  ${failure}`).join("\n"));
  }
  for (const [file, text] of Object.entries(files)) {
    const readers = results.filter(({ read }) => read.includes(file)).map(({ name }) => name);
    if (readers.length === 0) throw new Error(`no case reads ${file}.json`);
    if (!(await notices(bench, readers, files, file, text))) {
      throw new Error(`no case notices that ${file}.json was changed, in ${bench.where}`);
    }
  }
  const count = Object.keys(files).length;
  console.log(`${bench.where}: ${cases.length} cases hold over ${count} files, and a change to any file is noticed`);
}

/** Changes a digit here and there until some case fails over it; what must be refused may well still be. */
async function notices(bench, readers, files, file, text) {
  for (let at = 0; at < CHANGES; at++) {
    const changed = await bench.run(readers, { ...files, [file]: change(text, at / CHANGES) });
    if (changed.some(({ failure }) => failure !== null)) return true;
  }
  return false;
}

buildCore();
const files = vectorFiles();
for (const open of argv.includes("--browser") ? [inNode, inChromium] : [inNode]) {
  const bench = await open();
  try {
    await check(bench, files);
  } finally {
    await bench.close();
  }
}
