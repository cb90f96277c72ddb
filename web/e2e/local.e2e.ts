// The viewer without a relay's page: from one's own program, and from the host itself.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Site } from "./harness/site";
import { SHELL } from "./harness/stage";
import { expect, test } from "./harness/test";
import { Viewer } from "./harness/viewer";

test("a page of one's own program shows the session, and says that there is nobody to trust", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const program = stage.cahoots("view", "--json", "--no-lan", "--file", stage.write("link", links.interact));
  const address = String((await program.entry("viewing"))["address"]);
  const kay = await visit(address);
  await expect(kay.page.getByRole("region", { name: "Who served this page" })).toContainText("This page is your own");
  await kay.join("Kay");
  await kay.isLive();
  await kay.type("echo by my own program\n");
  await kay.showsLine("by my own program");
  await program.end();
  await expect(kay.page.locator(".pill")).not.toContainText("Live");
});

test("a host serves the viewer to its network by itself, and the page says so", async ({ stage, visit }) => {
  const host = stage.cahoots("share", "--json", "--name", "Ada", "--web", "127.0.0.1", "--", ...SHELL);
  const { web } = await host.entry("sharing");
  const links = web as Record<"view" | "interact", string>;
  const kay = await visit(links.interact);
  await expect(kay.page.getByRole("region", { name: "Who served this page" })).toContainText("This page comes from the host");
  await kay.join("Kay");
  await kay.isLive();
  const tom = await visit(links.view, { seat: "phone", as: "Tom" });
  await tom.isLive();
  await kay.type("echo without a relay\n");
  await tom.showsLine("without a relay");
  await host.end();
  await kay.isToldTheEnd("Session ended");
});

test("a copy of the page on any server finds the relay that a link names", async ({ stage, browser }) => {
  const folder = stage.path("copy");
  execFileSync(process.execPath, [join(import.meta.dirname, "../copy.mjs"), folder]);
  const site = await Site.ofFolder(folder);
  const origin = site.at("127.0.0.1");
  const { links } = await stage.share(await stage.relay(["--origin", origin]));
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const kay = new Viewer(await context.newPage());
  await kay.page.goto(`${origin}/j#${links.interact}`);
  await expect(kay.page.getByRole("region", { name: "Who served this page" })).toContainText("The relay has no hand in it");
  await kay.join("Kay");
  await kay.isLive();
  await kay.type("echo by a copy\n");
  await kay.showsLine("by a copy");
  const token = new URL(links.interact).hash.slice(5, 25);
  expect(site.asked.some(({ url, headers }) => JSON.stringify([url, headers]).includes(token))).toBe(false);
  await site.close();
});
