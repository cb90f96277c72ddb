// Every state that people see, on a desk and on a phone. The pictures are looked at, not compared.

import { join } from "node:path";
import { mistyped, type Relay, type Share, type Stage } from "../harness/stage";
import { expect, type Seat, test, type VisitOptions } from "../harness/test";
import type { Viewer } from "../harness/viewer";

const FOLDER = join(import.meta.dirname, "../../screenshots");
const DEMO = ["bash", join(import.meta.dirname, "demo.sh")];
const OPTIONS = ["--title", "Fixing the parser", "--size", "100x30"];
const SEATS: Seat[] = ["desk", "phone"];
/** What Chromium says of a relay that is gone. */
const GONE = /WebSocket|WebTransport|net::ERR_|Failed to load resource/;

type Visit = (link: string, options?: VisitOptions) => Promise<Viewer>;

async function take(viewer: Viewer, name: string): Promise<void> {
  await viewer.isStill();
  await viewer.page.screenshot({ path: join(FOLDER, `${name}.png`), caret: "initial" });
}

async function shared(stage: Stage): Promise<{ relay: Relay; share: Share }> {
  const relay = await stage.relay();
  const share = await stage.share(relay, DEMO, OPTIONS);
  return { relay, share };
}

/** Goes in with the test's result in sight. */
async function enter(visit: Visit, link: string, options: VisitOptions): Promise<Viewer> {
  const viewer = await visit(link, options);
  await viewer.isLive();
  await viewer.shows("1 failed");
  return viewer;
}

for (const seat of SEATS) {
  test(`the door on a ${seat}`, async ({ stage, visit }) => {
    const { relay, share } = await shared(stage);
    const none = await visit(`${relay.origin}/`, { seat });
    await none.page.getByRole("heading", { name: "Open a session" }).waitFor();
    await take(none, `${seat}-no-link`);
    const bad = await visit(mistyped(share.links.view), { seat });
    await bad.page.getByRole("heading", { name: "This link does not work" }).waitFor();
    await take(bad, `${seat}-bad-link`);
    const words = await stage.addLink("interact", "--passphrase-file", stage.write("words", "correct horse\n"));
    const door = await visit(words, { seat });
    await door.page.getByLabel("Your name").fill("Maya Torres");
    await take(door, `${seat}-door`);
    const knocking = await visit(await stage.addLink("view", "--approve"), { seat, as: "Maya Torres" });
    await knocking.page.getByRole("heading", { name: "Knocking" }).waitFor();
    await take(knocking, `${seat}-knocking`);
  });

  test(`the session on a ${seat}`, async ({ stage, visit }) => {
    const { share } = await shared(stage);
    const jo = await enter(visit, share.links.interact, { as: "Jo Park", seat: seat === "desk" ? "phone" : "desk" });
    const maya = await enter(visit, share.links.interact, { as: "Maya Torres", seat });
    await maya.open("Chat");
    await jo.open("Chat");
    await maya.say("Morning! The width test still fails on combining marks.");
    await jo.hears("Morning! The width test still fails on combining marks.");
    await jo.say("It counts code points, I think.");
    await jo.say("See https://docs.example/width#combining");
    await maya.hears("See https://docs.example/width#combining");
    await maya.say("Right: é can be two code points and one cell. Trying a fix.");
    await jo.composer.pressSequentially("Go");
    await expect(maya.page.locator(".typing")).toContainText("Jo Park");
    await take(maya, `${seat}-chat`);
    await maya.page.getByRole("link", { name: "https://docs.example" }).click();
    await take(maya, `${seat}-address`);
    await maya.page.keyboard.press("Escape");
    await maya.open("People");
    await take(maya, `${seat}-people`);
    await maya.open("Notes");
    await maya.notes.fill("# Width\n- é is one cell, whatever it is made of\n- CJK is two\n\n[ ] bench it again");
    await take(maya, `${seat}-notes`);
    await maya.closePanel();
    await maya.type("git diff --st");
    await maya.shows("git diff --st");
    await take(maya, `${seat}-terminal`);
    await maya.paste("cargo test\ngit push --force\n");
    await take(maya, `${seat}-paste`);
    await maya.page.keyboard.press("Escape");
    await maya.page.getByRole("button", { name: /Switch to the light/ }).click();
    await maya.open("Chat");
    await take(maya, `${seat}-light`);
  });

  test(`what goes wrong on a ${seat}`, async ({ stage, visit }) => {
    const { relay, share } = await shared(stage);
    const revoked = await enter(visit, await stage.addLink("view", "--label", "ops"), { as: "Maya Torres", seat });
    await stage.owner("links", "revoke", "ops");
    await revoked.isToldTheEnd("Link revoked");
    await take(revoked, `${seat}-revoked`);
    const maya = await enter(visit, share.links.view, { as: "Maya Torres", seat, mayComplainOf: GONE });
    await relay.program.kill("SIGKILL");
    await expect(maya.page.locator(".banner")).toContainText("Trying again");
    await take(maya, `${seat}-reconnecting`);
    await relay.startAgain();
    await maya.isLive();
    await share.program.end();
    await maya.isToldTheEnd("Session ended");
    await take(maya, `${seat}-ended`);
  });
}
