// A program that writes without end: the page goes on being used, and what it keeps stays bounded.

import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "./harness/test";

/** One turn of the flood; four of them are 20 MB. */
const TURN_BYTES = 5_000_000;
/** What a page that keeps nothing of it may grow by: its scrollback, and a few MB under way. */
const GROWTH_BYTES_MAX = 100 << 20;

function turn(): string {
  let text = "";
  for (let line = 0; text.length < TURN_BYTES; line++) {
    text += `\x1b[3${line % 8}m${line}\x1b[0m compiling \x1b[1mcrate-${line % 97}\x1b[0m v0.${line % 31}.${line % 7} (checksum ${line * 7919})\n`;
  }
  return text;
}

test("a flood of 20 MB and more leaves the page in use, and what it keeps bounded", async ({ stage, visit }, info) => {
  // A host in a debug build parses and seals a few hundred kB a second on a busy machine.
  test.setTimeout(240_000);
  stage.write("turn", turn());
  stage.write("flood.sh", "n=0; while :; do cat turn; n=$((n + 1)); echo $n > turns; done");
  const turns = () => (existsSync(stage.path("turns")) ? Number(readFileSync(stage.path("turns"), "utf8")) : 0);
  const { links } = await stage.share(await stage.relay());
  const ben = await stage.join(links.interact, "Ben");
  const kay = await visit(links.interact, { as: "Kay" });
  const lea = await visit(links.view, { seat: "phone", as: "Lea" });
  await Promise.all([kay.isLive(), lea.isLive()]);
  const session = await kay.page.context().newCDPSession(kay.page);
  const heap = async () => {
    await session.send("HeapProfiler.collectGarbage");
    return (await session.send("Runtime.getHeapUsage")).usedSize;
  };
  const before = await heap();
  await kay.page.evaluate(() => {
    const gaps: number[] = [];
    Object.assign(window, { gaps });
    let last = performance.now();
    const frame = (now: number) => {
      gaps.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });

  await kay.type("sh flood.sh\n");
  // All of this while it goes on: only a hand stops it.
  await kay.say("does anybody read this?");
  await ben.hears("does anybody read this?");
  ben.say("not a word");
  await kay.hears("not a word");
  await kay.open("People");
  await expect(kay.page.getByRole("list", { name: "People here" })).toContainText("Lea");
  await lea.open("Chat");
  await lea.hears("not a word");
  await expect.poll(turns, { timeout: 180_000 }).toBeGreaterThanOrEqual(4);
  await kay.focusTerminal();
  await kay.page.keyboard.press("Control+c");
  await kay.type("clear; echo stopped by hand\n");
  await kay.showsLine("stopped by hand");
  await lea.closePanel();
  await lea.showsLine("stopped by hand");
  await kay.isLive();

  const gaps = await kay.page.evaluate(() => (window as unknown as { gaps: number[] }).gaps.sort((a, b) => a - b));
  const gap = (part: number) => Math.round(gaps[Math.floor((gaps.length - 1) * part)] ?? 0);
  const grown = (await heap()) - before;
  info.annotations.push({
    type: "figures",
    description: `${turns() * 5} MB; frames ${gap(0.5)} ms p50, ${gap(0.99)} ms p99, ${gap(1)} ms at most; heap grew by ${Math.round(grown / 1e6)} MB`,
  });
  expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
});
