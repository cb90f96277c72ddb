// The page as an app: kept by the browser, open without a network, and back in the session after a reload.

import { chromium } from "./harness/chromium";
import { expect, test } from "./harness/test";

// Pages of this machine's own names are not kept, and no page is whose certificate the browser minds.
const NAME = "relay.example";
test.use({ launchOptions: chromium(`--host-resolver-rules=MAP ${NAME} 127.0.0.1`, "--ignore-certificate-errors") });

/** What Chromium says of a relay that is gone. */
const GONE = /WebSocket connection|WebTransport|net::ERR_|Failed to load resource|Failed to fetch/;

test("a reload leads back into the session without the link, and the page opens without a network", async ({ stage, visit }) => {
  const relay = await stage.relay(["--host", NAME]);
  const { links } = await stage.share({ address: relay.address.replace(NAME, "127.0.0.1") });
  const kay = await visit(links.interact.replace("127.0.0.1", NAME), { as: "Kay", mayComplainOf: GONE });
  await kay.isLive();
  await kay.type("echo before the reload\n");
  await kay.showsLine("before the reload");
  await kay.page.evaluate(() => navigator.serviceWorker.ready);
  await expect.poll(() => kay.page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe("activated");

  for (const turn of ["once", "twice"]) {
    await kay.page.reload();
    await kay.isLive();
    await kay.showsLine("before the reload");
    await kay.type(`echo ${turn} more\n`);
    await kay.showsLine(`${turn} more`);
  }
  expect(kay.page.url()).toBe(`https://${NAME}:${relay.port}/j`);
  const kept = await kay.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]));
  expect(kept).not.toContain(links.interact.split("#")[1]?.slice(4, 24));

  // Another tab of the same page is nobody's reload.
  const other = await kay.page.context().newPage();
  await other.goto(`https://${NAME}:${relay.port}/j`);
  await expect(other.getByRole("heading", { name: "Open a session" })).toBeVisible();

  await relay.program.kill("SIGKILL");
  await other.reload();
  await expect(other.getByRole("heading", { name: "Open a session" })).toBeVisible();
  await other.getByLabel("Link").fill(links.interact.replace("127.0.0.1", NAME));
  await other.getByRole("button", { name: "Open" }).click();
  await other.getByRole("button", { name: "Join" }).click();
  await expect(other.locator(".door h1")).toHaveText(/Offline|Reconnecting/);
});
