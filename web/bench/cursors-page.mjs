// The same as cursors.mjs with the whole page in a real browser: node web/bench/cursors-page.mjs [MINUTES]
//
// This program is the page's server and its relay, with 50 people on it whose time passes as fast as the page follows:
// after every half second of theirs it says that it has taken everything. Needs `npm ci` and a Chromium.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { argv, getuid } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "@playwright/test";
import { WEB } from "../bundle.mjs";
import { buildCore, loadCore } from "../proof/core.mjs";

const MINUTES = Number(argv[2] ?? 60);
const PEOPLE = 50;
const MINUTE_US = 60_000_000;
/** Fewer than there are people, or the relay would only keep the newest of each. */
const MOVES_AT_ONCE = 25;
const MOVES_AHEAD = 100;
const PATIENCE_MS = 30_000;
const PAGE = join(WEB, "dist/page");
const TYPES = { ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml", ".wasm": "application/wasm" };

/** The far end of one WebSocket, RFC 6455: binary messages, whose bounds mean nothing. */
class Socket {
  #stream;
  #read = Buffer.alloc(0);

  constructor(request, stream, received) {
    this.#stream = stream;
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    stream.write([...lines, `Sec-WebSocket-Accept: ${accept}`, "Sec-WebSocket-Protocol: cahoots", "", ""].join("\r\n"));
    stream.on("error", () => {});
    stream.on("data", (data) => {
      this.#read = Buffer.concat([this.#read, data]);
      for (let payload = this.#next(); payload !== null; payload = this.#next()) received(payload);
    });
  }

  /** Returns what the next frame carries; nothing of those that carry none of ours. */
  #next() {
    const [head, length] = this.#read;
    const [at, size] =
      (length & 127) === 127 ? [10, 8] : (length & 127) === 126 ? [4, 2] : [2, 0];
    if (head === undefined || this.#read.length < at + 4) return null;
    const bytes = size === 8 ? Number(this.#read.readBigUInt64BE(2)) : size === 2 ? this.#read.readUInt16BE(2) : length & 127;
    const end = at + 4 + bytes;
    if (this.#read.length < end) return null;
    const mask = this.#read.subarray(at, at + 4);
    const payload = this.#read.subarray(at + 4, end).map((byte, index) => byte ^ mask[index % 4]);
    this.#read = this.#read.subarray(end);
    return (head & 15) <= 2 ? payload : Buffer.alloc(0);
  }

  send(bytes) {
    if (bytes.length === 0) return;
    const head = bytes.length < 126 ? Buffer.from([0x82, bytes.length]) : Buffer.alloc(bytes.length < 65_536 ? 4 : 10);
    if (head.length > 2) head.set([0x82, head.length === 4 ? 126 : 127]);
    if (head.length === 4) head.writeUInt16BE(bytes.length, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(bytes.length), 2);
    this.#stream.write(Buffer.concat([head, bytes]));
  }
}

function serve(request, response) {
  const { pathname } = new URL(request.url, "http://page");
  const path = join(PAGE, normalize(pathname === "/j" ? "/index.html" : pathname));
  const type = { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" };
  for (const [ending, coded] of [["", {}], [".gz", { "Content-Encoding": "gzip" }]]) {
    try {
      const body = readFileSync(path + ending);
      return response.writeHead(200, { ...type, ...coded }).end(body);
    } catch {
      // Some files are there as they are, some only compressed.
    }
  }
  response.writeHead(404).end();
}

async function until(holds, what) {
  for (const begin = performance.now(); !holds(); await sleep(1)) {
    if (performance.now() - begin > PATIENCE_MS) throw new Error(`waited for nothing: ${what}`);
  }
}

buildCore();
const { Crowd } = await loadCore();
const crowd = new Crowd(PEOPLE, Date.now());
let socket = null;
const server = createServer(serve);
server.on("upgrade", (request, stream) => {
  if (socket !== null) throw new Error("the page came back: it has lost the session");
  socket = new Socket(request, stream, (bytes) => crowd.receive(bytes));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}/j#${crowd.link()}`;

const forRoot = getuid?.() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: forRoot });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, serviceWorkers: "block" });
  const page = await context.newPage();
  const inspector = await context.newCDPSession(page);
  const processes = await browser.newBrowserCDPSession();

  /** Says what the page's thread has on its heap, and what all processes of pages hold, the worker's memory too. */
  const report = async (name) => {
    await inspector.send("HeapProfiler.collectGarbage");
    const { usedSize } = await inspector.send("Runtime.getHeapUsage");
    const { processInfo } = await processes.send("SystemInfo.getProcessInfo");
    const kib = processInfo
      .filter(({ type }) => type === "renderer")
      .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1]));
    const most = Math.max(...kib) / 1024;
    const elements = await page.evaluate(() => document.querySelectorAll("*").length);
    console.log(
      `${name.padEnd(13)} page's heap ${(usedSize / 1e6).toFixed(1)} MB, ${elements} elements, its process ${most.toFixed(0)} MiB, ` +
        `${crowd.delivered()} entries, ${(performance.now() / 1000).toFixed(0)} s`,
    );
  };

  await page.goto(address);
  await page.getByLabel("Your name").fill("Kay");
  await page.getByRole("button", { name: "Join" }).click();
  await until(() => socket !== null, "the page's WebSocket");
  const begun = performance.now();
  while (crowd.here() < PEOPLE + 1 || performance.now() - begun < 3_000) {
    crowd.pass(20_000);
    socket.send(crowd.pop());
    await sleep(20);
    if (performance.now() - begun > PATIENCE_MS) throw new Error("they do not come together");
  }
  crowd.start();
  const begin = crowd.monoUs();
  const marks = [0, 1, 2, 5, 10, 20, 30, 40, 50].filter((minute) => minute < MINUTES).concat(MINUTES);
  for (;;) {
    if (crowd.monoUs() - begin >= marks[0] * MINUTE_US) await report(`${marks.shift()} min`);
    if (marks.length === 0) break;
    for (let moves = 0; moves < MOVES_AHEAD; moves += MOVES_AT_ONCE) {
      crowd.moveCursors(MOVES_AT_ONCE);
      socket.send(crowd.pop());
    }
    const before = crowd.pongs();
    socket.send(crowd.ping());
    await until(() => crowd.pongs() > before, "the page's answer");
  }
  await page.getByText("Live").first().waitFor({ timeout: PATIENCE_MS });
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
