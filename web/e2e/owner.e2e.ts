// Whoever has an own link keeps the session in hand from a browser.

import { expect, test } from "./harness/test";
import type { Viewer } from "./harness/viewer";

const OWN = ["--access", "own", "--access", "interact"];

async function manage(viewer: Viewer): Promise<void> {
  const tab = viewer.page.getByRole("tab", { name: "Manage" });
  if (await tab.isVisible()) return tab.click();
  await viewer.page.getByRole("navigation", { name: "Panels" }).getByRole("button", { name: "Manage" }).click();
}

/** Makes a link and returns it. */
async function invite(viewer: Viewer, access: "View" | "Interact", ...conditions: string[]): Promise<string> {
  await manage(viewer);
  const { page } = viewer;
  const form = page.getByRole("form", { name: "Invite somebody" });
  await form.getByRole("radio", { name: access }).check();
  for (const condition of conditions) await form.getByLabel(condition).check();
  await form.getByRole("button", { name: "Make a link" }).click();
  const made = page.getByLabel("The link", { exact: true });
  await expect(made).toHaveValue(/#/);
  const link = await made.inputValue();
  await page.getByRole("button", { name: "Done" }).click();
  return link;
}

test("a link made on a phone lets in, asks first, and is closed again", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay(), undefined, OWN);
  const owner = await visit(links.own, { seat: "phone", as: "Ada on the train" });
  await owner.isLive();
  await expect(owner.page.locator(".badge")).toHaveAttribute("title", /make links/);
  const link = await invite(owner, "Interact", "Ask before letting anybody in");
  const guest = await visit(link, { as: "Kay" });
  await expect(guest.page.getByRole("heading", { name: "Knocking" })).toBeVisible();
  const key = await guest.page.locator(".key-text").innerText();
  await expect(owner.page.locator(".desk").first()).toContainText(key);
  await owner.page.getByRole("button", { name: "Let in" }).first().click();
  await guest.isLive();
  await guest.type("echo came by phone\n");
  await guest.showsLine("came by phone");
  await owner.page.getByRole("button", { name: "Revoke the interact link of Kay" }).click();
  await owner.page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(guest.page.locator(".ended h1")).toHaveText("Link revoked");
});

test("lines are read before they run", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay(), undefined, OWN);
  const owner = await visit(links.own, { as: "Ada" });
  await owner.isLive();
  await manage(owner);
  await owner.page.getByLabel("Line by line").check();
  await expect(owner.page.locator(".toolbar")).toContainText("each line is read");
  const typing = await visit(links.interact, { as: "Kay" });
  await typing.isLive();
  await typing.type("touch refused\necho let pass\n");
  const card = owner.page.locator(".desk-card").first();
  await expect(card).toContainText("touch refused");
  await card.getByRole("button", { name: "No" }).click();
  await expect(card).toContainText("echo let pass");
  await card.getByRole("button", { name: "Let it run" }).click();
  await typing.showsLine("let pass");
  expect((await typing.lines()).join("\n")).not.toContain("touch refused");
});

test("somebody is removed, others stay", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay(), undefined, OWN);
  const owner = await visit(links.own, { as: "Ada" });
  const [kay, tom] = [await visit(links.interact, { as: "Kay" }), await visit(links.interact, { as: "Tom" })];
  for (const viewer of [owner, kay, tom]) await viewer.isLive();
  await owner.open("People");
  await owner.page.getByRole("button", { name: "Remove Kay" }).click();
  await owner.page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(kay.page.locator(".ended h1")).toHaveText("Removed");
  await tom.isLive();
  await tom.type("echo still here\n");
  await owner.showsLine("still here");
});
