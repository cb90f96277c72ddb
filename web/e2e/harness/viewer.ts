// The viewer as somebody in front of it uses it: what is on the screen, and what can be done there.

import { expect, type Locator, type Page } from "@playwright/test";

export class Viewer {
  constructor(readonly page: Page) {}

  /** Goes through the door. */
  async join(name: string): Promise<void> {
    await this.page.getByLabel("Your name").fill(name);
    await this.page.getByRole("button", { name: "Join" }).click();
  }

  /** Reloads a page that its browser does not keep, as it keeps none of this machine's: the link is asked for. */
  async reopen(link: string): Promise<void> {
    await this.page.reload();
    await expect(this.page.getByRole("heading", { name: "Open a session" })).toBeVisible();
    await this.page.getByLabel("Link").fill(link);
    await this.page.getByRole("button", { name: "Open" }).click();
    await this.page.getByRole("button", { name: "Join" }).click();
  }

  /** Waits until the session is in sight and its host is there. */
  async isLive(): Promise<void> {
    await expect(this.page.locator(".pill")).toContainText("Live");
    await expect(this.page.locator(".xterm-rows")).toBeVisible();
  }

  /** What the terminal shows, line by line, without spaces at their ends. */
  lines(): Promise<string[]> {
    return this.page.locator(".xterm-rows").evaluateAll(([rows]) => {
      const lines = [...(rows?.children ?? [])];
      return lines.map((line) => (line.textContent ?? "").replaceAll("\u00a0", " ").trimEnd());
    });
  }

  /** Waits until one of the terminal's lines is this. */
  async showsLine(line: string): Promise<void> {
    await expect.poll(() => this.lines()).toContain(line);
  }

  /** Waits until this is somewhere in the terminal. */
  async shows(text: string): Promise<void> {
    await expect.poll(async () => (await this.lines()).join("\n")).toContain(text);
  }

  /** Returns where on the page the middle of a text in the terminal is, once it is there. */
  async place(text: string): Promise<{ x: number; y: number }> {
    await this.shows(text);
    return this.page.locator(".xterm-rows").evaluate((rows, text) => {
      const walker = document.createTreeWalker(rows, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const at = (node.textContent ?? "").indexOf(text);
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + text.length);
        const { x, y, width, height } = range.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      }
      throw new Error(`${text} is nowhere in one piece`);
    }, text);
  }

  async focusTerminal(): Promise<void> {
    await this.page.locator(".xterm-helper-textarea").focus();
  }

  /** Types into the terminal; `\n` is the Enter key. */
  async type(text: string): Promise<void> {
    await this.focusTerminal();
    await this.page.keyboard.type(text);
  }

  /** Pastes as a browser does, without anybody's clipboard. */
  async paste(text: string): Promise<void> {
    await this.page.locator(".xterm-helper-textarea").evaluate((field, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, text);
  }

  /** Opens chat, people or notes, on a desk or a phone. */
  async open(panel: "Chat" | "People" | "Notes"): Promise<void> {
    const tab = this.page.getByRole("tab", { name: panel });
    if (await tab.isVisible()) return tab.click();
    const dock = this.page.getByRole("navigation", { name: "Panels" });
    if (await dock.isVisible()) return dock.getByRole("button", { name: panel }).click();
    await this.page.getByRole("button", { name: "Side panel" }).click();
    await tab.click();
  }

  async closePanel(): Promise<void> {
    await this.page.getByRole("button", { name: "Close the panel" }).click();
  }

  get composer(): Locator {
    return this.page.getByLabel("Message", { exact: true });
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** What was said, in the order in which it stands. */
  said(): Promise<string[]> {
    return this.page.locator(".message .text").allTextContents();
  }

  async hears(text: string): Promise<void> {
    await expect.poll(() => this.said()).toContain(text);
  }

  get notes(): Locator {
    return this.page.getByLabel("Shared notes");
  }

  /** Waits until nothing is on its way in or out any more; what turns without end is let turn. */
  async isStill(): Promise<void> {
    await this.page.evaluate(async () => {
      const finite = document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
      await Promise.all(finite.map((one) => one.finished.catch(() => {})));
    });
  }

  /** What stands over the page when it is over. */
  async isToldTheEnd(title: string): Promise<void> {
    await expect(this.page.locator(".ended h1")).toHaveText(title);
  }
}
