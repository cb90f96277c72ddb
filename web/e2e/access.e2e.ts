// For everybody: axe-core finds nothing to complain about in any state, and the keyboard leads everywhere.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { expect, type Seat, test } from "./harness/test";
import type { Viewer } from "./harness/viewer";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Checks the page as it is now. */
async function isAccessible(viewer: Viewer, state: string): Promise<void> {
  // What is on its way in is half transparent, and has no contrast yet.
  await viewer.isStill();
  await viewer.page.evaluate(AXE);
  const { violations } = await viewer.page.evaluate((values): Promise<AxeResults> => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    return axe.run(document, { runOnly: { type: "tag", values } });
  }, RULES);
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
  expect(told, state).toEqual([]);
}

for (const seat of ["desk", "phone"] as Seat[]) {
  for (const theme of ["dark", "light"] as const) {
    test(`axe finds nothing on a ${seat}, ${theme}`, async ({ stage, visit }) => {
      // Its own script is no part of the page, and the page's policy would refuse it.
      const options = { seat, theme, bypassCSP: true };
      const relay = await stage.relay();
      const { program, links } = await stage.share(relay);
      const none = await visit(`${relay.origin}/`, options);
      await none.page.getByLabel("Link").fill("nonsense");
      await expect(none.page.locator("html")).toHaveAttribute("data-theme", theme);
      await isAccessible(none, "no link");
      await none.page.getByRole("button", { name: "Open" }).click();
      await none.page.getByRole("heading", { name: "This link does not work" }).waitFor();
      await isAccessible(none, "bad link");

      const kay = await visit(links.interact, options);
      await kay.page.getByLabel("Your name").fill("Kay");
      await isAccessible(kay, "the door");
      await kay.page.getByRole("button", { name: "Join" }).click();
      await kay.isLive();
      const ben = await stage.join(links.view, "Ben");
      ben.say("have a look: https://docs.example/");
      await kay.type("printf '\\033[31mred\\033[0m \\033[7mturned\\033[0m\\n'\n");
      await kay.showsLine("red turned");
      await isAccessible(kay, "the terminal");
      await kay.open("Chat");
      await kay.say("I will");
      await kay.hears("I will");
      await isAccessible(kay, "the chat");
      await kay.page.getByRole("link", { name: "https://docs.example/" }).click();
      await isAccessible(kay, "the question before an address opens");
      await kay.page.keyboard.press("Escape");
      await kay.open("People");
      await kay.page.getByRole("button", { name: "Change" }).click();
      await isAccessible(kay, "people");
      await kay.open("Notes");
      await kay.notes.fill("# Findings");
      await isAccessible(kay, "notes");
      await kay.closePanel();
      await kay.paste("one\ntwo\n");
      await isAccessible(kay, "the question before a paste");
      await kay.page.keyboard.press("Escape");
      await kay.page.getByRole("button", { name: "Screen-reader mode" }).click();
      await isAccessible(kay, "screen-reader mode");
      await program.kill("SIGKILL");
      await expect(kay.page.locator(".banner")).toBeVisible();
      await isAccessible(kay, "the host is away");
    });
  }
}

test("axe finds nothing at the end", async ({ stage, visit }) => {
  const { program, links } = await stage.share(await stage.relay());
  const viewers = [await visit(links.view, { as: "Kay", bypassCSP: true }), await visit(links.view, { as: "Lea", seat: "phone", bypassCSP: true })];
  for (const viewer of viewers) await viewer.isLive();
  await program.end();
  for (const viewer of viewers) {
    await viewer.isToldTheEnd("Session ended");
    await isAccessible(viewer, "the end");
  }
});

test("the keyboard leads through the door, into the terminal and out of it", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.interact);
  const { keyboard } = kay.page;
  await expect(kay.page.getByLabel("Your name")).toBeFocused();
  await keyboard.type("Kay");
  await keyboard.press("Enter");
  await kay.isLive();
  const isInTerminal = () => kay.page.evaluate(() => document.activeElement?.closest(".xterm") !== null);
  for (let step = 0; step < 20 && !(await isInTerminal()); step++) await keyboard.press("Tab");
  expect(await isInTerminal()).toBe(true);
  // Within, Tab is the program's.
  await keyboard.type("echo only by ke");
  await keyboard.press("Tab");
  await keyboard.type("ys\n");
  await kay.showsLine("only by keys");
  await keyboard.press("Control+Shift+Period");
  expect(await isInTerminal()).toBe(false);
  for (let step = 0; step < 30 && !(await kay.composer.evaluate((field) => field === document.activeElement)); step++) {
    await keyboard.press("Tab");
  }
  await keyboard.type("hello from the keyboard");
  await keyboard.press("Enter");
  await kay.hears("hello from the keyboard");
});

test("screen-reader mode reads the terminal's lines out", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.interact, { as: "Kay" });
  await kay.isLive();
  await kay.page.getByRole("button", { name: "Screen-reader mode" }).click();
  await kay.type("echo read to me\n");
  await expect(kay.page.locator(".xterm-accessibility-tree")).toContainText("read to me");
});
