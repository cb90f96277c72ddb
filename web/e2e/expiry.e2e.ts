// A link's time runs out: for who is in as for who comes too late. Clocks may differ by two minutes, which this waits
// for.

import { expect, test } from "./harness/test";

test("a link that expires while it is open says so, and does not work again", async ({ stage, visit }) => {
  await stage.share(await stage.relay());
  const link = await stage.addLink("view", "--expires", "5s");
  const kay = await visit(link, { as: "Kay" });
  await kay.isLive();
  await expect(kay.page.locator(".ended h1")).toHaveText("Link expired", { timeout: 150_000 });
  await expect(kay.page.locator(".ended")).toContainText("Ask whoever sent it for a new one");
  const late = await visit(link, { seat: "phone", as: "Lea" });
  await late.isToldTheEnd("Link expired");
});
