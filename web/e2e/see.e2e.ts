// What the host's terminal shows is what the browser shows.

import { existsSync } from "node:fs";
import { expect, test } from "./harness/test";
import type { Viewer } from "./harness/viewer";

/** Where a text stands in the terminal, in cells, and the colour it is drawn in. */
async function drawn(viewer: Viewer, text: string): Promise<{ column: number; color: string; background: string }> {
  await viewer.shows(text);
  return viewer.page.locator(".xterm-screen").evaluate((screen, text) => {
    const walker = document.createTreeWalker(screen.querySelector(".xterm-rows") as Node, NodeFilter.SHOW_TEXT);
    const cols = 80;
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const at = (node.textContent ?? "").indexOf(text);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      const box = screen.getBoundingClientRect();
      const column = ((range.getBoundingClientRect().left - box.left) / box.width) * cols;
      const style = getComputedStyle(node.parentElement as Element);
      return { column, color: style.color, background: style.backgroundColor };
    }
    throw new Error(`${text} is nowhere in one piece`);
  }, text);
}

test("output of a real shell is seen, on a desk and on a phone", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const typing = await stage.join(links.interact, "Ben");
  typing.type("echo $((6 * 7)) is the answer\r");
  for (const seat of ["desk", "phone"] as const) {
    const viewer = await visit(links.view, { seat, as: "Kay" });
    await viewer.isLive();
    await viewer.showsLine("42 is the answer");
    typing.type(`echo live on a ${seat}\r`);
    await viewer.showsLine(`live on a ${seat}`);
    expect(await viewer.page.title()).toBe("cahoots · bash --norc --noprofile");
  }
});

test("colours are the program's, true ones to the shade", async ({ stage, visit }) => {
  const script = String.raw`printf '\033[38;2;255;100;50mfine\033[0m \033[31msimple\033[0m \033[48;5;25mground\033[0m\n'; read wait`;
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", script]);
  const viewer = await visit(links.view, { as: "Kay" });
  await viewer.isLive();
  expect((await drawn(viewer, "fine")).color).toBe("rgb(255, 100, 50)");
  // Of the sixteen, each theme has its own shades.
  expect((await drawn(viewer, "simple")).color).toBe("rgb(255, 138, 128)");
  expect((await drawn(viewer, "ground")).background).toBe("rgb(0, 95, 175)");
});

test("wide and combining characters take the cells that the host gives them", async ({ stage, visit }) => {
  const rows = ["\u6f22\u5b57=1", "e\u0301a\u0308=2", "\u{1f600}\u{1f680}=3", "\uff21\uff22=4"];
  const columns = [4, 2, 4, 4];
  stage.write("wide", `${rows.join("\n")}\n`);
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "cat wide; read wait"]);
  const viewer = await visit(links.view, { as: "Kay" });
  await viewer.isLive();
  for (const [index, column] of columns.entries()) {
    expect((await drawn(viewer, `=${index + 1}`)).column).toBeCloseTo(column, 0);
  }
  const lines = await viewer.lines();
  expect(lines.slice(0, 4)).toEqual(rows);
});

test("vim is drawn, driven and left as on the host", async ({ stage, visit }) => {
  const vim = ["/usr/bin/vim", "/usr/bin/vim.tiny"].find((path) => existsSync(path)) ?? "vim";
  stage.write("poem", "first line\nsecond line\n");
  const { links } = await stage.share(await stage.relay());
  const viewer = await visit(links.interact, { as: "Kay" });
  await viewer.isLive();
  await viewer.type(`echo before; ${vim} -u NONE -N poem\n`);
  await viewer.shows("second line");
  await viewer.showsLine("~");
  await viewer.type("Othe zeroth");
  await viewer.showsLine("the zeroth");

  const late = await visit(links.view, { seat: "phone", as: "Lea" });
  await late.isLive();
  await expect.poll(async () => JSON.stringify(await late.lines()) === JSON.stringify(await viewer.lines())).toBe(true);

  await viewer.page.keyboard.press("Escape");
  await viewer.type(":wq\n");
  await viewer.showsLine("before");
  await viewer.type("cat poem\n");
  await viewer.shows("the zeroth\nfirst line");
});

test("who comes late sees the newest screen; who was there scrolls back, and jumps to live again", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "read go; seq 1 100; read wait"]);
  const early = await visit(links.interact, { as: "Kay" });
  await early.isLive();
  await early.type("go\n");
  await early.showsLine("100");
  await early.focusTerminal();
  await early.page.keyboard.press("Shift+PageUp");
  await early.page.keyboard.press("Shift+PageUp");
  await early.showsLine("40");
  await early.page.getByRole("button", { name: "Back to live" }).click();
  await early.showsLine("100");

  const late = await visit(links.view, { as: "Lea" });
  await late.isLive();
  await late.showsLine("100");
  expect(await late.lines()).toEqual(await early.lines());
});
