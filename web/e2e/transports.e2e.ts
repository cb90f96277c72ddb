// Both ways to a relay, and the race between them.

import { expect, test } from "./harness/test";
import type { Viewer } from "./harness/viewer";

/** What Chromium says of a relay that is gone, or of a request that was kept from it. */
const GONE = /WebSocket|WebTransport|net::ERR_|Failed to load resource/;
const WAYS = [["wt", "by WebTransport"], ["ws", "by WebSocket"]] as const;

async function comesBy(viewer: Viewer, way: string | RegExp): Promise<void> {
  await viewer.isLive();
  await expect(viewer.page.locator(".pill")).toHaveAttribute("title", new RegExp(way));
}

for (const [asked, way] of WAYS) {
  test(`a session ${way} is all there, and comes back when the relay does`, async ({ stage, visit }) => {
    const relay = await stage.relay();
    const { links } = await stage.share(relay);
    const link = links.interact.replace("/j#", `/j?transport=${asked}#`);
    const kay = await visit(link, { as: "Kay", mayComplainOf: GONE });
    await comesBy(kay, way);
    await kay.type("echo first\n");
    await kay.showsLine("first");
    const ben = await stage.join(links.view, "Ben");
    await kay.say("does it arrive?");
    await ben.hears("does it arrive?");

    await relay.program.kill("SIGKILL");
    await expect(kay.page.locator(".pill")).not.toContainText("Live");
    await relay.startAgain();
    await comesBy(kay, way);
    await kay.type("echo second\n");
    await kay.showsLine("second");
  });
}

test("where WebTransport does not get through, WebSocket does, without anybody asking for it", async ({ stage, visit }) => {
  const relay = await stage.relay();
  const { links } = await stage.share(relay);
  const either = await visit(links.view, { as: "Kay" });
  await comesBy(either, "by Web(Transport|Socket)");

  const cut = await visit(`${relay.origin}/`, { mayComplainOf: GONE });
  await cut.page.context().route("**/webtransport", (route) => route.abort());
  await cut.page.getByLabel("Link").fill(links.view);
  await cut.page.getByRole("button", { name: "Open" }).click();
  await cut.join("Tom");
  await comesBy(cut, "by WebSocket");
});
