// What the holder of an own link does from the page: invite, let in, and cut off.

import { expect, test } from "./harness/test";
import type { Viewer } from "./harness/viewer";

/** Opens the owner's panel. */
async function manage(viewer: Viewer): Promise<void> {
  await viewer.page.getByRole("tab", { name: /Manage/ }).click();
}

test("a link made in the browser lets somebody in, and revoking it there cuts them off", async ({ stage, visit }) => {
  await stage.share(await stage.relay());
  const kay = await visit(await stage.addLink("own"), { as: "Kay" });
  await kay.isLive();
  await manage(kay);
  await kay.page.getByRole("radio", { name: "Interact", exact: true }).check({ force: true });
  await kay.page.getByRole("button", { name: "Make a link" }).click();
  const link = await kay.page.getByRole("textbox", { name: "The link" }).inputValue();
  await kay.page.getByRole("button", { name: "Done" }).click();

  const tom = await visit(link, { seat: "phone", as: "Tom" });
  await tom.isLive();
  await tom.type("echo invited by a browser\n");
  await kay.showsLine("invited by a browser");
  await kay.page.getByRole("button", { name: "Revoke the interact link of Tom" }).click();
  await kay.page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(tom.page.locator(".ended h1")).toHaveText(/Link revoked|Link closed/);
  await kay.isLive();
});

test("who knocks is let in from the browser", async ({ stage, visit }) => {
  await stage.share(await stage.relay());
  const kay = await visit(await stage.addLink("own"), { as: "Kay" });
  await kay.isLive();
  const tom = await visit(await stage.addLink("view", "--approve"), { as: "Tom" });
  await expect(tom.page.getByRole("heading", { name: "Knocking" })).toBeVisible();
  await kay.page.getByRole("button", { name: "Let in" }).first().click();
  await tom.isLive();
});

test("who has no own link gets no controls", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.interact, { as: "Kay" });
  await kay.isLive();
  await kay.open("People");
  await expect(kay.page.getByRole("tab", { name: /Manage/ })).toHaveCount(0);
});
