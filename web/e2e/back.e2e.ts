// Away and back again: whatever breaks off goes on without loss and without anything twice.

import { expect, test } from "./harness/test";

/** What Chromium says of a connection that breaks off. */
const GONE = /WebSocket connection|WebTransport|net::ERR_|Failed to load resource/;

test("after a reload everything is there, and the name is known", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.interact, { as: "Kay" });
  await kay.isLive();
  await kay.say("before the reload");
  await kay.type("echo still here\n");
  await kay.showsLine("still here");
  await kay.reopen(links.interact);
  await kay.isLive();
  await kay.showsLine("still here");
  await kay.hears("before the reload");
  await kay.type("echo and again\n");
  await kay.showsLine("and again");
});

test("a relay that is killed and started again loses nothing and doubles nothing", async ({ stage, visit }) => {
  const relay = await stage.relay();
  const { links } = await stage.share(relay);
  const kay = await visit(links.interact, { as: "Kay", mayComplainOf: GONE });
  const tom = await visit(links.view, { seat: "phone", as: "Tom", mayComplainOf: GONE });
  await Promise.all([kay.isLive(), tom.isLive()]);
  await kay.say("before");
  await tom.open("Chat");
  await tom.hears("before");

  await relay.program.kill("SIGKILL");
  for (const viewer of [kay, tom]) await expect(viewer.page.locator(".pill")).toContainText("Reconnecting");
  await expect(kay.page.locator(".banner")).toContainText(/Trying again/);
  await kay.say("said while away");
  await kay.type("echo typed-while-away\n");

  await relay.startAgain();
  await kay.page.getByRole("button", { name: "Try now" }).click();
  await Promise.all([kay.isLive(), tom.isLive()]);
  await tom.hears("said while away");
  await kay.showsLine("typed-while-away");
  await kay.type("echo after\n");
  await kay.showsLine("after");
  for (const viewer of [kay, tom]) expect(await viewer.said()).toEqual(["before", "said while away"]);
  const typed = (await kay.lines()).filter((line) => line === "typed-while-away");
  expect(typed).toHaveLength(1);
  await expect.poll(async () => (await tom.lines()).filter((line) => line !== "")).toEqual((await kay.lines()).filter((line) => line !== ""));
});

test("a relay that falls silent is dialled again, by either way, until it speaks", async ({ stage, visit }) => {
  const relay = await stage.relay();
  const { links } = await stage.share(relay);
  const ways = await Promise.all(["wt", "ws"].map((way) => visit(links.view.replace("#", `?transport=${way}#`), { as: way, mayComplainOf: GONE })));
  for (const viewer of ways) await viewer.isLive();
  // Like a way through which nothing comes any more: nobody closes anything.
  process.kill(relay.program.pid, "SIGSTOP");
  try {
    for (const viewer of ways) await expect(viewer.page.locator(".pill")).toContainText("Reconnecting");
  } finally {
    process.kill(relay.program.pid, "SIGCONT");
  }
  for (const viewer of ways) await viewer.isLive();
});

test("a network that goes and comes is noticed at once", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const ben = await stage.join(links.interact, "Ben");
  const kay = await visit(links.view, { as: "Kay", mayComplainOf: GONE });
  await kay.isLive();
  await kay.page.context().setOffline(true);
  ben.type("echo while she was away\r");
  ben.say("are you there?");
  await kay.page.context().setOffline(false);
  await kay.showsLine("while she was away");
  await kay.hears("are you there?");
  await kay.isLive();
});

test("a host that is killed is away, not the end; the chat goes on", async ({ stage, visit }) => {
  const { program, links } = await stage.share(await stage.relay());
  const kay = await visit(links.view, { as: "Kay" });
  const tom = await visit(links.view, { as: "Tom" });
  await Promise.all([kay.isLive(), tom.isLive()]);
  await program.kill("SIGKILL");
  await expect(kay.page.locator(".pill")).toHaveText("Host away");
  await expect(kay.page.locator(".banner")).toContainText("the host is silent");
  await kay.say("is it gone?");
  await tom.hears("is it gone?");
});

test("a tab in the background slows nobody, and is up to date when it is looked at again", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const ben = await stage.join(links.interact, "Ben");
  const kay = await visit(links.view, { as: "Kay" });
  await kay.isLive();
  const session = await kay.page.context().newCDPSession(kay.page);
  // A frozen page gets nothing done, like one that a phone has put away.
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  ben.type("seq 1 200000; echo the flood is over\r");
  await expect.poll(async () => (await ben.screen()).includes("the flood is over"), { timeout: 40_000 }).toBe(true);
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await kay.showsLine("the flood is over");
  await kay.isLive();
});
