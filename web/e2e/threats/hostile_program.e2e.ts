// A program in the shared terminal that writes whatever it likes, before somebody with a browser.

import { readFile } from "node:fs/promises";
import { expect } from "../harness/test";
import { attack } from "../harness/trial";

const CLIPBOARD = ["\x1b]52;c;ZXZpbA==\x07", "\x1b]52;p;ZXZpbA==\x1b\\", "\x1b]52;c;?\x07", "\u009d52;c;ZXZpbA==\u009c"];
const TITLES = ["\x1b]0;Your bank\x07", "\x1b]1;Your bank\x07", "\x1b]2;Your bank\x1b\\", "\x1b]21;Your bank\x07", "\x1b[22;0t\x1b[23;0t"];
const QUERIES = [
  "\x1b[c", "\x1b[>c", "\x1b[=c", "\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[?15n", "\x1b[?996n", "\x1b[?2026$p", "\x1b[4$p",
  "\x1b[>q", "\x1b[14t", "\x1b[18t", "\x1b[21t", "\x1b]10;?\x07", "\x1b]11;?\x1b\\", "\x1b]4;1;?\x07", "\x1bP$qm\x1b\\",
  "\x1bP+q544e\x1b\\", "\x1bZ", "\x05", "\x1b[?u", "\x1b[x", "\u009b6n", "\x1b[?1004h",
];

/** Asks everything, and writes down what comes in up to a `#`, in hexadecimal. */
const ASK = [
  "read -r go",
  "stty raw -echo",
  "cat queries",
  "printf '\\r\\nasked\\r\\n'",
  "IFS= read -rd '#' heard",
  "printf %s \"$heard\" | od -An -v -tx1 > heard",
  "printf '\\r\\nnoted\\r\\n'",
  "read -r wait",
].join("; ");

attack("a program cannot make a browser type", async ({ stage, visit, trial }) => {
  stage.write("queries", QUERIES.join(""));
  const relay = await stage.relay();
  const heard = async () => (await readFile(stage.path("heard"), "utf8")).replaceAll(/\s/g, "");
  // The host answers some of it itself, whoever looks on: that is what nothing may be added to.
  const alone = await stage.share(relay, ["bash", "-c", ASK]);
  const ben = await stage.join(alone.links.interact, "Ben");
  ben.type("\r");
  await expect.poll(() => ben.screen()).toContain("asked");
  ben.type("key#");
  await expect.poll(() => ben.screen()).toContain("noted");
  const without = await heard();
  const key = Buffer.from("key").toString("hex");
  trial.works("keys of who may type come in", without.endsWith(key));
  await alone.program.end();

  const share = await stage.share(relay, ["bash", "-c", ASK]);
  const looks = await visit(share.links.view, { as: "Lea" });
  const types = await visit(share.links.interact, { as: "Kay" });
  await Promise.all([looks.isLive(), types.isLive()]);
  await types.type("\n");
  await Promise.all([looks.shows("asked"), types.shows("asked")]);
  // Focus that comes and goes is an answer, too, where a program asked for it.
  await types.composer.focus();
  await types.type("key#");
  await types.shows("noted");
  trial.fails("an emulator answers", await heard(), without);
});

attack("a program cannot touch a browser's clipboard", async ({ stage, visit, trial }) => {
  stage.write("clipboard", CLIPBOARD.join(""));
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "read go; cat clipboard; echo; echo written; read wait"]);
  const viewer = await visit(links.interact, { as: "Kay", permissions: ["clipboard-read", "clipboard-write"] });
  await viewer.isLive();
  const clipboard = () => viewer.page.evaluate(() => navigator.clipboard.readText());
  await viewer.page.evaluate(() => navigator.clipboard.writeText("mine"));
  await viewer.type("go\n");
  await viewer.showsLine("written");
  trial.fails("the program writes the clipboard", await clipboard(), "mine");
  const { x, y } = await viewer.place("written");
  await viewer.page.mouse.dblclick(x, y);
  await viewer.page.getByRole("button", { name: "Copy the selection" }).click();
  await expect.poll(clipboard).toBe("written");
  trial.works("somebody copies by hand", true);
});

attack("a program cannot name a browser's tab", async ({ stage, visit, trial }) => {
  stage.write("titles", TITLES.join(""));
  const options = ["--title", "honest work"];
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "cat titles; echo named; read wait"], options);
  const viewer = await visit(links.view, { as: "Kay" });
  await viewer.isLive();
  await viewer.showsLine("named");
  const title = await viewer.page.title();
  trial.fails("the tab is named by the program", title.startsWith("cahoots"), true);
  trial.fails("the page's head is named by the program", await viewer.page.locator("h1.title").textContent(), "honest work");
  trial.works("the host names the session", title === "cahoots · honest work");
});

attack("what a program writes is text to a browser, and nothing else", async ({ stage, visit, trial }) => {
  const html = '<img src=x onerror="document.title=1"><script>document.title=2</script><b>bold</b>';
  const address = (to: string, word: string) => `\x1b]8;;${to}\x07${word}\x1b]8;;\x07`;
  const hidden = [address("javascript:document.title=3", "click"), address("file:///etc/passwd", "here"), address("https://docs.example/", "there")].join(" ");
  stage.write("page", `${html}\n${hidden}\n`);
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "read go; cat page; read wait"], ["--title", html]);
  const viewer = await visit(links.interact, { as: "Kay" });
  await viewer.isLive();
  // Who comes later has a screen without addresses: keyframes have none.
  await viewer.type("go\n");
  const dialog = viewer.page.getByRole("dialog");
  const underMouse = viewer.page.locator(".xterm-cursor-pointer");
  const approach = async (word: string) => {
    const { x, y } = await viewer.place(word);
    await viewer.page.mouse.move(x - 2, y);
    await viewer.page.mouse.move(x, y);
    return { click: () => viewer.page.mouse.click(x, y) };
  };
  /** Clicks on the address that is one, once the terminal has seen the mouse on it, and puts the question away. */
  const asksAboutTheWeb = async () => {
    await expect(async () => {
      await approach("there");
      await expect(underMouse).toHaveCount(1, { timeout: 500 });
    }).toPass();
    await (await approach("there")).click();
    await expect(dialog).toContainText("https://docs.example/");
    await dialog.getByRole("button", { name: "Stay here" }).click();
    await expect(dialog).toBeHidden();
    return true;
  };
  trial.works("an address of the web is offered", await asksAboutTheWeb());
  for (const word of ["click", "here"]) await (await approach(word)).click();
  trial.fails("it makes elements", await viewer.page.locator("script:not([src]), img[onerror], .xterm-rows b").count(), 0);
  trial.fails("it runs as a script", await viewer.page.title(), `cahoots · ${html}`);
  trial.fails("an address of another kind is offered", await dialog.count(), 0);
  trial.works("it is still offered where the others are not", await asksAboutTheWeb());
  trial.works("it is shown as what it is", (await viewer.lines()).join("").includes(html));
});
