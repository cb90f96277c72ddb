// How much output a viewer keeps up with, against xterm.js alone in the same browser, fed from memory.
//
// The program writes at a steady rate; a viewer that falls behind says that it jumped to the newest screen. What it
// took without a jump is what it keeps up with.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import { expect, test } from "../e2e/harness/test";

const require = createRequire(import.meta.url);
const XTERM = readFileSync(require.resolve("@xterm/xterm/lib/xterm.js"), "utf8");
const STYLE = readFileSync(require.resolve("@xterm/xterm/css/xterm.css"), "utf8");
const RATES = [0.5, 1, 2, 3, 4, 6, 8, 12, 16];
const SECONDS = 6;

function lines(bytes: number): string {
  let text = "";
  for (let line = 0; text.length < bytes; line++) {
    text += `\x1b[3${line % 8}m${line}\x1b[0m compiling \x1b[1mcrate-${line % 97}\x1b[0m v0.${line % 31}.${line % 7} (checksum ${line * 7919})\r\n`;
  }
  return text;
}

/** Feeds xterm alone, a MiB at a time, and returns MB/s. */
async function alone(page: Page): Promise<number> {
  await page.goto("about:blank");
  await page.addStyleTag({ content: STYLE });
  await page.addScriptTag({ content: XTERM });
  return page.evaluate(async ({ text }) => {
    const { Terminal } = window as unknown as { Terminal: new (options: object) => {
      open(place: HTMLElement): void;
      write(data: Uint8Array, done: () => void): void;
    } };
    const place = document.createElement("div");
    document.body.append(place);
    const terminal = new Terminal({ cols: 100, rows: 30, scrollback: 5_000, minimumContrastRatio: 4.5, fontSize: 14 });
    terminal.open(place);
    const bytes = new TextEncoder().encode(text);
    const piece = 64 << 10;
    const rounds = 2;
    const begin = performance.now();
    let [under, at, written] = [0, 0, 0];
    await new Promise<void>((done) => {
      const more = () => {
        while (under < 1 << 20 && written < rounds * bytes.length) {
          const data = bytes.slice(at, at + piece);
          at = at + piece >= bytes.length ? 0 : at + piece;
          written += data.length;
          under += data.length;
          terminal.write(data, () => {
            under -= data.length;
            more();
            if (under === 0 && written >= rounds * bytes.length) done();
          });
        }
      };
      more();
    });
    return written / 1_000 / (performance.now() - begin);
  }, { text: lines(10_000_000) });
}

/** Writes a second's worth a hundred times a second. */
const PACED = `
import os, sys, time
rate, seconds = float(sys.argv[1]) * 1e6, float(sys.argv[2])
text = open("lines", "rb").read()
begin, sent = time.monotonic(), 0
while (now := time.monotonic() - begin) < seconds:
    due = int(rate * now) - sent
    if due > 0:
        at = sent % (len(text) // 2)
        sent += os.write(1, text[at:at + min(due, len(text) // 2)])
    time.sleep(0.005)
took = time.monotonic() - begin
print("\\x1b[0m\\r\\nwritten at %.1f MB/s, turn %s." % (sent / took / 1e6, sys.argv[3]))
`;

test("output", async ({ stage, browser, visit }) => {
  const baseline = await alone(await (await browser.newContext()).newPage());
  console.log(`xterm.js alone: ${baseline.toFixed(1)} MB/s`);
  stage.write("lines", lines(10_000_000));
  stage.write("paced.py", PACED);
  const { links } = await stage.share(await stage.relay(), undefined, ["--size", "100x30"]);
  const kay = await visit(links.interact, { as: "Kay" });
  await kay.isLive();
  await kay.page.evaluate(() => {
    Object.assign(window, { jumps: 0 });
    const hints = document.querySelector(".hints") as Node;
    new MutationObserver((changes) => {
      const added = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.textContent?.includes("jumped"));
      Object.assign(window, { jumps: (window as unknown as { jumps: number }).jumps + added.length });
    }).observe(hints, { childList: true });
  });
  const jumps = () => kay.page.evaluate(() => (window as unknown as { jumps: number }).jumps);
  for (const rate of RATES) {
    const before = await jumps();
    await kay.type(`clear; python3 paced.py ${rate} ${SECONDS} ${rate}\n`);
    await expect.poll(async () => (await kay.lines()).find((line) => line.endsWith(`turn ${rate}.`)), { timeout: 120_000 }).toBeDefined();
    const told = (await kay.lines()).find((line) => line.endsWith(`turn ${rate}.`));
    const behind = (await jumps()) > before;
    console.log(`asked ${rate} MB/s: ${told}${behind ? ": the viewer jumped" : ""}`);
    await expect(kay.page.locator(".hint")).toHaveCount(0);
    if (behind) break;
  }
});
