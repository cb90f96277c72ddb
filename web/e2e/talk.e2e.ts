// Chat, both ways, with somebody who has the program instead of a browser.

import { expect, test } from "./harness/test";

test("chat goes both ways with a native guest, in one order for everybody", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const ben = await stage.join(links.view, "Ben");
  const kay = await visit(links.view, { as: "Kay" });
  await kay.isLive();
  await expect(kay.page.getByRole("log", { name: "Chat" })).toContainText("Nothing was said yet");
  await kay.say("does the parser count *bytes*? é 字 😀");
  await ben.hears("does the parser count *bytes*? é 字 😀");
  ben.say("cells, I think");
  await kay.hears("cells, I think");
  expect(await kay.said()).toEqual(["does the parser count *bytes*? é 字 😀", "cells, I think"]);
  await expect(kay.page.locator(".message header b")).toHaveText(["Kay (you)", "Ben"]);

  const late = await visit(links.view, { seat: "phone", as: "Lea" });
  await late.isLive();
  await late.open("Chat");
  await expect.poll(() => late.said()).toEqual(await kay.said());
  // What was said before somebody came is history, not news.
  await late.closePanel();
  await expect(late.page.locator(".dock .news")).toHaveCount(0);
  ben.say("anybody on a phone?");
  await expect(late.page.locator(".dock .news")).toHaveText("1");
  await late.open("Chat");
  await expect(late.page.locator(".dock .news")).toHaveCount(0);
});

test("who types is shown while they do", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const [kay, tom] = [await visit(links.view, { as: "Kay" }), await visit(links.view, { as: "Tom" })];
  await Promise.all([kay.isLive(), tom.isLive()]);
  await kay.composer.pressSequentially("I wond");
  await expect(tom.page.locator(".typing")).toHaveText("Kay is typing…");
  await kay.composer.fill("");
  await expect(tom.page.locator(".typing")).toHaveText("");
});

test("who comes, goes and is here is shown", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.view, { as: "Kay" });
  await kay.isLive();
  const ben = await stage.join(links.interact, "Ben");
  await expect(kay.page.locator(".passing")).toHaveText([/^Ben joined/]);
  await kay.open("People");
  const people = kay.page.getByRole("list", { name: "People here" }).getByRole("listitem");
  await expect(people).toContainText([/Kay \(you\).*Views/, /Ada.*Host/, /Ben.*May type/]);
  await ben.program.end();
  await expect(people).toHaveCount(2);
  await kay.open("Chat");
  await expect(kay.page.locator(".passing")).toHaveText([/^Ben joined/, /^Ben left/]);
});

test("an address in the chat opens only after it was shown, and nothing else is one", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.view, { as: "Kay" });
  await kay.isLive();
  const ben = await stage.join(links.view, "Ben");
  ben.say("see https://docs.example/a?b=1. or javascript:alert(1) <b>bold</b>");
  const anchors = kay.page.locator(".message a");
  await expect(anchors).toHaveText(["https://docs.example/a?b=1"]);
  await expect(kay.page.locator(".message b", { hasText: "bold" })).toHaveCount(0);
  await anchors.click();
  const dialog = kay.page.getByRole("dialog", { name: "Open docs.example?" });
  await expect(dialog).toContainText("https://docs.example/a?b=1");
  await dialog.getByRole("button", { name: "Stay here" }).click();
  await expect(dialog).toBeHidden();
  // Nor does the wheel open it behind one's back.
  await anchors.click({ button: "middle" });
  await expect(dialog).toContainText("https://docs.example/a?b=1");
  await dialog.getByRole("button", { name: "Stay here" }).click();
  expect(kay.page.context().pages()).toHaveLength(1);
});

test("name and colour are chosen once and remembered, and changed while in", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.view);
  await kay.page.getByRole("radio", { name: "Teal" }).check({ force: true });
  await kay.join("Kay");
  await kay.isLive();
  await kay.page.goto(links.view.replace("/j#", "/?again#"));
  await expect(kay.page.getByLabel("Your name")).toHaveValue("Kay");
  await expect(kay.page.getByRole("radio", { name: "Teal" })).toBeChecked();
  await kay.page.getByRole("button", { name: "Join" }).click();
  await kay.isLive();
  const ben = await stage.join(links.view, "Ben");
  await kay.open("People");
  await kay.page.getByRole("button", { name: "Change" }).click();
  await kay.page.getByLabel("Your name").fill("Katharina");
  await kay.page.getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => (await stage.members()).map((member) => member["name"])).toContain("Katharina");
  expect(ben.program.entries.some((entry) => entry["name"] === "Kay")).toBe(false);
});
