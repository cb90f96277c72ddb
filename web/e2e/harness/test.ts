// The tests' own `test`: with a stage, and browsers that must not complain or ask anybody else for anything.

import { type BrowserContextOptions, expect, test as base } from "@playwright/test";
import { Stage } from "./stage";
import { Viewer } from "./viewer";

export { expect };

/** How somebody sits in front of the viewer. */
export type Seat = "desk" | "phone";

const SEATS: Record<Seat, BrowserContextOptions> = {
  desk: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

export interface VisitOptions extends BrowserContextOptions {
  seat?: Seat;
  /** Goes through the door by this name. */
  as?: string;
  /** Had chosen it before; else it is the page's choice. */
  theme?: "dark" | "light";
  /** What the page may complain about: a relay that is gone is worth an entry in the browser's console. */
  mayComplainOf?: RegExp;
}

interface Fixtures {
  stage: Stage;
  /** Opens a link in a browser of somebody's own. */
  visit: (link: string, options?: VisitOptions) => Promise<Viewer>;
}

export const test = base.extend<Fixtures>({
  // Playwright reads from the argument's pattern what a fixture depends on; this one depends on nothing.
  stage: async ({}, use, info) => {
    const stage = new Stage();
    await use(stage);
    const complaints = stage.complaints();
    await stage.end();
    if (info.status !== info.expectedStatus && complaints !== "") {
      await info.attach("what the programs said", { body: complaints, contentType: "text/plain" });
    }
  },

  visit: async ({ browser }, use) => {
    const complaints: string[] = [];
    const strangers: string[] = [];
    await use(async (link, { seat = "desk", as, theme, mayComplainOf, ...options } = {}) => {
      const context = await browser.newContext({ ...SEATS[seat], ignoreHTTPSErrors: true, ...options });
      // As somebody who chose it on an earlier visit.
      if (theme !== undefined) await context.addInitScript((chosen) => localStorage.setItem("cahoots.theme", chosen), theme);
      const page = await context.newPage();
      const complain = (text: string) => {
        if (mayComplainOf?.test(text) !== true) complaints.push(text);
      };
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complain(message.text());
      });
      page.on("pageerror", (error) => complain(error.stack ?? error.message));
      const { host } = new URL(link);
      context.on("request", (request) => {
        const url = new URL(request.url());
        if (!["data:", "blob:"].includes(url.protocol) && url.host !== host) strangers.push(url.href);
      });
      await page.goto(link);
      const viewer = new Viewer(page);
      if (as !== undefined) await viewer.join(as);
      return viewer;
    });
    for (const context of browser.contexts()) await context.close();
    expect(complaints, "the browser's console").toEqual([]);
    expect(strangers, "requests to anybody else").toEqual([]);
  },
});
