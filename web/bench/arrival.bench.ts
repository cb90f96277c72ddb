// From navigation to the first right screen, for somebody whose name is known and who joins at once.

import { expect, test } from "../e2e/harness/test";
import { figures } from "./figures";

const VISITS = 15;

test("arrival", async ({ stage, browser }) => {
  const script = "seq 1 22; printf 'the last line'; read wait";
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", script]);
  const times: Record<"door" | "screen", number[]> = { door: [], screen: [] };
  const warm: number[] = [];
  for (let visit = 0; visit < VISITS; visit++) {
    // A browser of somebody's own has nothing in its cache; the second page of it has.
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 } });
    await context.addInitScript(() => {
      localStorage.setItem("cahoots.person", JSON.stringify({ name: "Kay", colour: 1 }));
      const marks: Record<string, number> = {};
      Object.assign(window, { marks });
      const look = () => {
        const button = [...document.querySelectorAll<HTMLButtonElement>("form button")].find((one) => one.textContent === "Join");
        if (button?.disabled === false && marks["door"] === undefined) {
          marks["door"] = performance.now();
          button.click();
        }
        const rows = document.querySelector(".xterm-rows");
        if (rows?.textContent?.includes("the last line") === true) marks["screen"] ??= performance.now();
      };
      new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
    });
    for (const cache of ["cold", "warm"] as const) {
      const page = await context.newPage();
      await page.goto(links.view);
      const marks = () => page.evaluate(() => (window as unknown as { marks: Record<string, number> }).marks);
      await expect.poll(async () => (await marks())["screen"], { intervals: [50] }).toBeDefined();
      const { door = 0, screen = 0 } = await marks();
      if (cache === "cold") {
        times.door.push(door);
        times.screen.push(screen);
      } else warm.push(screen);
      await page.close();
    }
    await context.close();
  }
  console.log(`navigation to the door, nothing cached: ${figures(times.door)}`);
  console.log(`navigation to the right screen, nothing cached: ${figures(times.screen)}`);
  console.log(`navigation to the right screen, cached: ${figures(warm)}`);
});
