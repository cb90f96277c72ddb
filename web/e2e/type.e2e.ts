// Who may type types, who may not does not; and nothing is typed by accident.

import { readFile } from "node:fs/promises";
import { expect, test } from "./harness/test";

test("what an interact link types takes effect in the host's shell", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const viewer = await visit(links.interact, { as: "Kay" });
  await viewer.isLive();
  await expect(viewer.page.locator(".badge")).toHaveText("Interact");
  await viewer.type("echo made by $((40 + 2)) > proof; cat proof\n");
  await viewer.showsLine("made by 42");
  expect(await readFile(stage.path("proof"), "utf8")).toBe("made by 42\n");
});

test("a view link types nothing", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const looking = await visit(links.view, { as: "Kay" });
  await looking.isLive();
  await expect(looking.page.locator(".badge")).toHaveText("View only");
  await looking.type("touch forged\n");
  await looking.paste("touch forged");
  // What somebody else types afterwards comes after it, if it came at all.
  const typing = await visit(links.interact, { as: "Tom" });
  await typing.isLive();
  await typing.type("ls\n");
  await looking.shows("$ ls");
  await looking.shows("state");
  expect((await looking.lines()).join("\n")).not.toContain("forged");
});

test("a phone's key bar sends the keys that a phone has not", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const viewer = await visit(links.interact, { seat: "phone", as: "Kay" });
  await viewer.isLive();
  const key = (name: string) => viewer.page.getByRole("toolbar", { name: "Keys" }).getByRole("button", { name });
  await viewer.type("echo once\n");
  await viewer.showsLine("once");
  await key("Up arrow").tap();
  await viewer.showsLine("$ echo once");
  await key("Control C").tap();
  await viewer.showsLine("$ echo once^C");
  await viewer.type("cat\n");
  await viewer.showsLine("$ cat");
  await key("Ctrl, for the next key").tap();
  await viewer.page.keyboard.type("d");
  await viewer.type("echo cat has ended\n");
  await viewer.showsLine("cat has ended");
  await viewer.type("echo pr");
  await key("Tab").tap();
  await key("Pipe").tap();
  await viewer.type("cat\n");
  await viewer.showsLine("pr");
});

test("several pasted lines are asked about, one is not", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const viewer = await visit(links.interact, { as: "Kay" });
  await viewer.isLive();
  await viewer.paste("echo straight");
  await viewer.type("\n");
  await viewer.showsLine("straight");

  const dialog = viewer.page.getByRole("dialog");
  await viewer.paste("echo never\necho ever\n");
  await expect(dialog).toContainText("Paste 2 lines?");
  await expect(dialog.getByRole("button", { name: "Cancel" })).toBeFocused();
  await viewer.page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(viewer.page.locator(".xterm-helper-textarea")).toBeFocused();

  await viewer.paste("echo two\necho lines\n");
  await dialog.getByRole("button", { name: "Paste", exact: true }).click();
  // The shell knows a paste when it sees one, and waits for Enter.
  await viewer.type("\n");
  await viewer.showsLine("lines");
  await viewer.paste("echo as\none line\n");
  await dialog.getByRole("button", { name: "Paste as one line" }).click();
  await viewer.type("\n");
  await viewer.showsLine("as one line");
  expect((await viewer.lines()).join("\n")).not.toContain("ever");
});

test("what is pasted cannot end the paste by itself", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const viewer = await visit(links.interact, { as: "Kay" });
  await viewer.isLive();
  await viewer.shows("$");
  await viewer.paste("echo safe\x1b[201~\x03\x0d");
  await viewer.page.getByRole("dialog").getByRole("button", { name: "Paste without running" }).click();
  await viewer.type("\n");
  await viewer.showsLine("safe[201~");
});
