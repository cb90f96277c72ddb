// How it ends: each time with a plain sentence that says what to do.

import { mistyped } from "./harness/stage";
import { expect, test } from "./harness/test";

test("a link that is revoked while it is open says so, and does not work again", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const link = await stage.addLink("view", "--label", "ops");
  const kay = await visit(link, { as: "Kay" });
  const tom = await visit(links.view, { seat: "phone", as: "Tom" });
  await Promise.all([kay.isLive(), tom.isLive()]);
  await stage.owner("links", "revoke", "ops");
  await kay.isToldTheEnd("Link revoked");
  await expect(kay.page.locator(".ended")).toContainText("Ask for a new one");
  await expect(kay.composer).toHaveCount(0);

  const again = await visit(link, { seat: "phone", as: "Kay" });
  await expect(again.page.locator(".ended h1")).toHaveText(/Link (closed|revoked)/);
  await tom.isLive();
  await tom.open("Chat");
  await tom.say("I am still here");
  await tom.hears("I am still here");
});

test("who is removed is told", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.view, { seat: "phone", as: "Kay" });
  await kay.isLive();
  await expect.poll(async () => (await stage.members()).some((member) => member["name"] === "Kay")).toBe(true);
  await stage.owner("members", "kick", await stage.memberNamed("Kay"));
  await expect(kay.page.locator(".ended h1")).toHaveText(/Removed|Link revoked/);
});

test("who knocks waits, and is let in or not", async ({ stage, visit }) => {
  await stage.share(await stage.relay());
  const link = await stage.addLink("view", "--approve");
  const knocks = async (name: string) => {
    const viewer = await visit(link, { as: name });
    await expect(viewer.page.getByRole("heading", { name: "Knocking" })).toBeVisible();
    const waits = async () => (await stage.members()).find((member) => member["waiting"] === true);
    return { viewer, waits };
  };
  const kay = await knocks("Kay");
  await expect.poll(kay.waits).toBeDefined();
  await stage.owner("members", "admit", String((await kay.waits())?.["member"]));
  await kay.viewer.isLive();

  const tom = await knocks("Tom");
  await expect.poll(tom.waits).toBeDefined();
  await stage.owner("members", "deny", String((await tom.waits())?.["member"]));
  await tom.viewer.isToldTheEnd("Not let in");
});

test("a session that ends says so, and leaves its last screen in sight", async ({ stage, visit }) => {
  const { program, links } = await stage.share(await stage.relay(), ["sh", "-c", "echo last words; read wait"]);
  const kay = await visit(links.view, { as: "Kay" });
  await kay.isLive();
  await kay.showsLine("last words");
  await program.end();
  await kay.isToldTheEnd("Session ended");
  await kay.showsLine("last words");
  const late = await visit(links.view, { as: "Lea" });
  await expect(late.page.locator(".ended h1")).toHaveText(/Session ended|No such session/);
});

test("who leaves is gone for the others", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const [kay, tom] = [await visit(links.view, { as: "Kay" }), await visit(links.view, { as: "Tom" })];
  await Promise.all([kay.isLive(), tom.isLive()]);
  await kay.open("People");
  await expect(kay.page.getByRole("list", { name: "People here" })).toContainText("Tom");
  await tom.open("People");
  await tom.page.getByRole("button", { name: "Leave" }).click();
  await tom.isToldTheEnd("You left");
  await expect(kay.page.getByRole("list", { name: "People here" })).not.toContainText("Tom");
});

test("a wrong link says what is wrong with it", async ({ stage, visit }) => {
  const relay = await stage.relay();
  const { links } = await stage.share(relay);
  const heading = (name: string) => ({ name, exact: true });

  for (const [wrong, told] of [[mistyped(links.view), /typo|mistyped|checksum|copy/i], [links.view.slice(0, -4), /64/]] as const) {
    const viewer = await visit(wrong);
    await expect(viewer.page.getByRole("heading", heading("This link does not work"))).toBeVisible();
    await expect(viewer.page.locator("form p")).toContainText(told);
  }

  const none = await visit(`${relay.origin}/`);
  await expect(none.page.getByRole("heading", heading("Open a session"))).toBeVisible();
  await none.page.getByLabel("Link").fill("what is this");
  await none.page.getByRole("button", { name: "Open" }).click();
  await expect(none.page.getByRole("heading", heading("This link does not work"))).toBeVisible();
  // The right one, at last.
  await none.page.getByLabel("Link").fill(links.view);
  await none.page.getByRole("button", { name: "Open" }).click();
  await none.join("Kay");
  await none.isLive();
});

test("a link to a session that the relay does not know says so", async ({ stage, visit }) => {
  const relay = await stage.relay();
  const { program, links } = await stage.share(relay);
  await program.end();
  // The relay forgets with its process.
  await relay.program.kill("SIGKILL");
  await relay.startAgain();
  const kay = await visit(links.view, { as: "Kay" });
  await kay.isToldTheEnd("No such session");
});

test("a passphrase is asked for, and a wrong one is refused", async ({ stage, visit }) => {
  await stage.share(await stage.relay());
  const link = await stage.addLink("view", "--passphrase-file", stage.write("words", "correct horse battery\n"));
  const wrong = await visit(link);
  await wrong.page.getByLabel("Passphrase").fill("incorrect horse");
  await wrong.join("Eve");
  await wrong.isToldTheEnd("Link refused");
  const right = await visit(link, { seat: "phone" });
  await right.page.getByLabel("Passphrase").fill("correct horse battery");
  await right.join("Kay");
  await right.isLive();
});
