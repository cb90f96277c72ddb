// A page in the browser of somebody who uses the viewer: it may frame it, open sockets to its relay, and make names of
// its own mean the relay's address.

import type { Browser, Page } from "@playwright/test";
import { chromium } from "../harness/chromium";
import { Copy } from "../harness/copy";
import { Site } from "../harness/site";
import type { Relay } from "../harness/stage";
import { attack } from "../harness/trial";
import { expect } from "../harness/test";
import { Viewer } from "../harness/viewer";

// All names are this machine's: those of other sites as well as those that they have rebound. Certificates are not what
// is tried here.
const NAMES = "--host-resolver-rules=MAP *.example 127.0.0.1";
attack.use({ launchOptions: chromium(NAMES, "--ignore-certificate-errors") });

async function surf(browser: Browser, url?: string): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  if (url !== undefined) await page.goto(url);
  return page;
}

/** A page that frames `link`, with one that asks for nothing beside it. */
function framing(link: string): Promise<Site> {
  return Site.open({ "/": `<h1>Win</h1><iframe width="900" height="700" src="${link}"></iframe>` });
}

/** Waits until the frame has whatever it gets, and says whether that is the viewer. */
async function isFramed(page: Page): Promise<boolean> {
  const frame = page.frames().find((frame) => frame !== page.mainFrame());
  await frame?.waitForLoadState("load");
  if (frame?.url().startsWith("chrome-error:") !== false) return false;
  await frame.locator("h1").waitFor();
  return true;
}

attack("a page elsewhere cannot frame the viewer", async ({ stage, browser, trial }) => {
  const relay = await stage.relay();
  const { links } = await stage.share(relay);
  const site = await framing(links.interact);
  const page = await surf(browser, site.at("evil.example"));
  trial.fails("the viewer opens in a frame", await isFramed(page), false);
  // The same files, from somebody who forbids nothing.
  const lax = await Copy.open(() => relay);
  const other = await framing(links.interact.replace(relay.origin, lax.origin));
  trial.works("it opens in a frame if nothing forbids it", await isFramed(await surf(browser, other.at("evil.example"))));
  await Promise.all([site.close(), other.close(), lax.close()]);
});

attack("a click on a framed viewer types nothing", async ({ stage, browser, trial }) => {
  let relay: Relay | undefined;
  const lax = await Copy.open(() => relay as Relay);
  relay = await stage.relay(["--origin", lax.origin]);
  const { links } = await stage.share(relay, ["sh", "-c", "echo ready; exec cat"]);
  const ben = await stage.join(links.interact, "Ben");
  await expect.poll(() => ben.screen()).toContain("ready");
  /** Leads somebody through the frame as far as they get: by the name field, the button and the terminal. */
  const lure = async (link: string) => {
    const site = await framing(link);
    const page = await surf(browser, site.at("evil.example"));
    if (await isFramed(page)) {
      const frame = page.frameLocator("iframe");
      await frame.getByLabel("Your name").fill("Wendy");
      await frame.getByRole("button", { name: "Join" }).click();
      await frame.locator(".pill", { hasText: "Live" }).waitFor();
      await frame.locator(".xterm-screen").click();
    } else {
      await page.locator("iframe").click({ position: { x: 450, y: 350 } });
    }
    await page.keyboard.type("lured\n");
    await site.close();
  };
  await lure(links.interact);
  ben.type("asked\r");
  await expect.poll(() => ben.screen()).toContain("asked");
  trial.fails("the click types", (await ben.screen()).includes("lured"), false);
  await lure(links.interact.replace(relay.origin, lax.origin));
  await expect.poll(() => ben.screen()).toContain("lured");
  trial.works("it types if nothing forbids the frame", true);
  await lax.close();
});

attack("a page elsewhere cannot open the viewer's socket", async ({ stage, browser, trial }) => {
  const site = await Site.open({ "/": "<h1>Win</h1>" });
  const origin = site.at("evil.example");
  const opens = async (page: Page, url: string) => {
    return page.evaluate((url) => new Promise((done) => {
      const socket = new WebSocket(url);
      socket.onopen = () => done("open");
      socket.onerror = () => done("refused");
    }), url);
  };
  const relay = await stage.relay();
  const socket = `wss://127.0.0.1:${relay.port}/ws`;
  const page = await surf(browser, origin);
  trial.fails("a socket opens from elsewhere", await opens(page, socket), "refused");
  const fetched = await page.evaluate((url) => fetch(url).then(() => "read", () => "refused"), `${relay.origin}/healthz`);
  trial.fails("an answer is read from elsewhere", fetched, "refused");
  trial.works("it opens from the viewer's own page", (await opens(await surf(browser, relay.origin), socket)) === "open");
  await relay.program.end();
  await stage.relay(["--origin", origin]).then(async (trusting) => {
    const opened = await opens(page, `wss://127.0.0.1:${trusting.port}/ws`);
    trial.works("it opens from a page that the operator trusts", opened === "open");
  });
  await site.close();
});

attack("a name rebound to the relay's address is refused", async ({ stage, browser, trial }) => {
  const relay = await stage.relay();
  const page = await surf(browser);
  for (const path of ["/", "/j", "/healthz", "/ws"]) {
    const answer = await page.goto(`https://rebound.example:${relay.port}${path}`);
    trial.fails(`${path} is answered by another name`, answer?.status(), 421);
  }
  // By the rebound name the hostile page is of one origin with what it asks.
  const socket = await page.evaluate((port) => new Promise((done) => {
    const socket = new WebSocket(`wss://rebound.example:${port}/ws`);
    socket.onopen = () => done("open");
    socket.onerror = () => done("refused");
  }), relay.port);
  trial.fails("a socket opens by another name", socket, "refused");
  trial.works("the page is there by the relay's address", (await page.goto(relay.origin))?.status() === 200);
  await relay.program.end();
  const named = await stage.relay(["--host", "rebound.example"]);
  const answer = await page.goto(`https://rebound.example:${named.port}/`);
  trial.works("it is there by a name that the operator gave", answer?.status() === 200);
});

attack("the viewer takes the link off the address bar and sends no Referer", async ({ stage, browser, trial }) => {
  const { links } = await stage.share(await stage.relay());
  const secret = links.view.split("#")[1]?.slice(0, 40) ?? "no fragment";
  const site = await Site.open({ "/landing": "<h1>Landed</h1>", "/leaky": '<a href="/landing" target="_blank">go</a>' });
  const landing = `${site.at("docs.example")}/landing`;
  const page = await surf(browser, links.view);
  const viewer = new Viewer(page);
  await viewer.join("Kay");
  await viewer.isLive();
  trial.fails("the address bar keeps the link", page.url().includes("#"), false);
  const session = await page.context().newCDPSession(page);
  const { entries } = await session.send("Page.getNavigationHistory");
  trial.fails("the history keeps the link", entries.some((entry) => entry.url.includes(secret)), false);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, document.cookie]));
  trial.fails("the browser stores the link", kept.includes(secret), false);

  const ben = await stage.join(links.view, "Ben");
  ben.say(`look: ${landing}`);
  await viewer.hears(`look: ${landing}`);
  await page.getByRole("link", { name: landing }).click();
  const opened = page.context().waitForEvent("page");
  await page.getByRole("dialog").getByRole("button", { name: "Open" }).click();
  const other = await opened;
  await other.getByRole("heading", { name: "Landed" }).waitFor();
  const referers = () => site.asked.filter(({ url }) => url === "/landing").map(({ headers }) => headers.referer);
  trial.fails("the other site learns where somebody came from", referers(), [undefined]);
  trial.fails("the other site has a hold of the viewer", await other.evaluate(() => window.opener === null), true);
  trial.fails("the other site is sent the secret", JSON.stringify(site.asked).includes(secret), false);

  const leaky = await surf(browser, `${site.at("docs.example")}/leaky?${secret}`);
  const next = leaky.context().waitForEvent("page");
  await leaky.getByRole("link").click();
  await (await next).getByRole("heading", { name: "Landed" }).waitFor();
  trial.works("a page that takes no care tells where somebody came from", referers().at(-1) !== undefined);
  await site.close();
});
