// Several terminals in one session, and looking for text in one.

import { expect, test } from "./harness/test";

const SHELLS = ["echo this is one; exec sh", "echo this is two; exec sh"];

test("several terminals are tabs; each shows its own and takes what is typed there", async ({ stage, visit }) => {
  const links = await stage.sharePanes(await stage.relay(), ...SHELLS);
  for (const seat of ["desk", "phone"] as const) {
    const kay = await visit(links.interact, { seat, as: "Kay" });
    await kay.isLive();
    const tabs = kay.page.getByRole("tablist", { name: "Terminals" }).getByRole("tab");
    await expect(tabs).toHaveText([/1$/, /2$/]);
    await kay.showsLine("this is one");
    await kay.type(`echo first $((1 + 1)) ${seat}\n`);
    await kay.showsLine(`first 2 ${seat}`);
    await tabs.nth(1).click();
    await kay.showsLine("this is two");
    expect((await kay.lines()).join("\n")).not.toContain("first 2");
    await kay.type(`echo second $((1 + 1)) ${seat}\n`);
    await kay.showsLine(`second 2 ${seat}`);
    await tabs.nth(0).click();
    await kay.showsLine(`first 2 ${seat}`);
    expect((await kay.lines()).join("\n")).not.toContain("second 2");
  }
});

test("several terminals side by side, with keys for the one that was clicked, and one that ends", async ({ stage, visit }) => {
  const links = await stage.sharePanes(await stage.relay(), ...SHELLS);
  const kay = await visit(links.interact, { as: "Kay" });
  await kay.isLive();
  await kay.page.getByRole("button", { name: "All terminals side by side" }).click();
  const [tiles, screens] = [kay.page.locator(".xterm-rows"), kay.page.locator(".xterm-screen")];
  await expect(tiles).toHaveCount(2);
  await expect(tiles.nth(0)).toContainText("this is one");
  await expect(tiles.nth(1)).toContainText("this is two");
  await screens.nth(1).click();
  await kay.page.keyboard.type("echo to the $((1 + 1))nd\n");
  await expect(tiles.nth(1)).toContainText("to the 2nd");
  await expect(tiles.nth(0)).not.toContainText("to the");

  // It is how somebody likes it: a reload leaves it so.
  await kay.reopen(links.interact);
  await expect(tiles).toHaveCount(2);
  await expect(tiles.nth(1)).toContainText("to the 2nd");
  await screens.nth(1).click();
  await kay.page.keyboard.type("exit 3\n");
  const ended = kay.page.getByRole("tab").filter({ hasText: "ended" });
  await expect(ended).toHaveCount(1);
  await expect(kay.page.getByRole("toolbar", { name: "Terminal" })).toContainText("ended with 3");
  await screens.nth(0).click();
  await kay.page.keyboard.type("echo goes on\n");
  await expect(tiles.nth(0)).toContainText("goes on");
});

test("a text is found in what has scrolled away, from the newest to the oldest", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "read go; seq 1 200; read wait"]);
  const kay = await visit(links.interact, { as: "Kay" });
  await kay.isLive();
  await kay.type("go\n");
  await kay.showsLine("200");
  await kay.page.keyboard.press("Control+Shift+F");
  const search = kay.page.getByRole("search");
  await search.getByLabel("Find in the terminal").fill("17");
  // 17, 117 and 170 to 179.
  await expect(search.getByRole("status")).toHaveText("12 of 12");
  await kay.showsLine("179");
  for (let turn = 0; turn < 10; turn++) await kay.page.keyboard.press("Enter");
  await expect(search.getByRole("status")).toHaveText("2 of 12");
  await kay.showsLine("117");
  await kay.page.keyboard.press("Enter");
  await kay.showsLine("17");
  await kay.page.keyboard.press("Shift+Enter");
  await kay.showsLine("117");
  await search.getByLabel("Find in the terminal").fill("nowhere");
  await expect(search.getByRole("status")).toHaveText("Nothing found");
  await kay.page.keyboard.press("Escape");
  await expect(search).toHaveCount(0);
  await kay.page.getByRole("button", { name: "Back to live" }).click();
  await kay.showsLine("200");
});
