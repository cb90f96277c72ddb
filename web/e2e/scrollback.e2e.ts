// What scrolled off before somebody came: the right screen is there first, the lines above it after that.

import { existsSync } from "node:fs";
import { expect, test } from "./harness/test";
import type { Seat } from "./harness/test";
import type { Viewer } from "./harness/viewer";

/** Scrolls back until a line is in sight; the lines may still be under way. */
async function scrollsBackTo(viewer: Viewer, line: string): Promise<void> {
  await viewer.focusTerminal();
  await expect
    .poll(async () => {
      for (let pages = 0; pages < 5; pages++) await viewer.page.keyboard.press("Shift+PageUp");
      return viewer.lines();
    })
    .toContain(line);
}

async function finds(viewer: Viewer, text: string): Promise<void> {
  await viewer.page.getByRole("button", { name: /^Find in the terminal/ }).click();
  const field = viewer.page.getByLabel("Find in the terminal", { exact: true });
  await expect
    .poll(async () => {
      await field.fill("");
      await field.fill(text);
      return viewer.page.locator(".search .found").textContent();
    })
    .toBe("1 of 1");
}

for (const seat of ["desk", "phone"] as const satisfies Seat[]) {
  test(`who comes late scrolls back to the first line and on again, on a ${seat}`, async ({ stage, visit }) => {
    const script = "echo where it began; seq 300; exec cat";
    const { links } = await stage.share(await stage.relay(), ["sh", "-c", script]);
    const early = await stage.join(links.interact, "Ben");
    await expect.poll(() => early.screen()).toContain("300");

    const late = await visit(links.view, { seat, as: "Lea" });
    await late.isLive();
    await late.showsLine("300");
    if (seat === "desk") {
      await scrollsBackTo(late, "where it began");
      expect((await late.lines()).slice(0, 3)).toEqual(["where it began", "1", "2"]);
    } else {
      // The lines of a phone are looked for by a word.
      await finds(late, "where it began");
      await late.showsLine("where it began");
      await late.page.getByRole("button", { name: "Close the search" }).click();
    }

    early.type("and on it goes\r");
    await late.page.getByRole("button", { name: "Back to live" }).click();
    await late.showsLine("and on it goes");
    // Each line once: nothing is doubled where the lines and what goes on meet.
    const seen = await late.lines();
    expect(seen.filter((line) => line === "300")).toHaveLength(1);
    if (seat === "desk") await finds(late, "where it began");
  });
}

test("an editor is open at the join: what was before it is there once it is left", async ({ stage, visit }) => {
  const vim = ["/usr/bin/vim", "/usr/bin/vim.tiny"].find((path) => existsSync(path)) ?? "vim";
  stage.write("poem", "roses are red\n");
  const { links } = await stage.share(await stage.relay());
  const early = await visit(links.interact, { as: "Kay" });
  await early.isLive();
  await early.type(`echo where it be'g'an; seq 100; ${vim} -u NONE -N poem\n`);
  await early.shows("roses are red");
  await early.showsLine("~");

  const late = await visit(links.view, { as: "Lea" });
  await late.isLive();
  await late.shows("roses are red");
  await early.page.keyboard.press("Escape");
  await early.type(":q\n");
  await late.showsLine("100");
  await scrollsBackTo(late, "where it began");
});

test("what was erased before is there for nobody", async ({ stage, visit }) => {
  const script = String.raw`seq 300 | sed s/^/secret/; printf '\033[H\033[2J\033[3J'; seq 3; exec cat`;
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", script]);
  const late = await visit(links.interact, { as: "Lea" });
  await late.isLive();
  await late.showsLine("3");
  await late.type("x\n".repeat(40));
  await scrollsBackTo(late, "1");
  expect((await late.lines())[0]).toBe("1");
});

test("whoever has marked something or scrolled back by then is left where they are", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "seq 300; exec cat"]);
  const early = await stage.join(links.interact, "Ben");
  await expect.poll(() => early.screen()).toContain("300");
  const late = await visit(links.view, { as: "Lea" });
  await late.isLive();
  const at = await late.place("290");
  await late.page.mouse.dblclick(at.x, at.y);
  await expect(late.page.getByRole("button", { name: "Copy" })).toBeVisible();
  await scrollsBackTo(late, "1");
  await late.page.getByRole("button", { name: "Back to live" }).click();
  await late.showsLine("300");
  await expect(late.page.getByRole("button", { name: "Copy" })).toBeVisible();
});

test("the screen stands still while the lines above it come", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "seq 900; exec cat"]);
  const early = await stage.join(links.interact, "Ben");
  await expect.poll(() => early.screen()).toContain("900");
  const late = await visit(links.view);
  // What stands on the screen, whenever that is drawn.
  await late.page.evaluate(() => {
    const drawn: string[] = [];
    Object.assign(window, { drawn });
    const frame = () => {
      const text = document.querySelector(".xterm-rows")?.textContent ?? "";
      if (drawn.at(-1) !== text) drawn.push(text);
      requestAnimationFrame(frame);
    };
    frame();
  });
  await late.join("Lea");
  await late.isLive();
  await late.showsLine("900");
  await scrollsBackTo(late, "1");
  const drawn = await late.page.evaluate(() => (window as unknown as { drawn: string[] }).drawn);
  const first = drawn.findIndex((text) => text.includes("900"));
  const moved = drawn.findIndex((text, at) => at > first && !text.includes("900"));
  // The first thing that ever moves it is the key, by a page.
  expect(drawn[moved]).toMatch(/8[5-9]\d/);
});
