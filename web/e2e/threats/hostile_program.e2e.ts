// A program in the shared terminal that writes whatever it likes, before somebody with a browser.

import { readFile } from "node:fs/promises";
import type { Access } from "../harness/stage";
import { expect } from "../harness/test";
import { attack } from "../harness/trial";

const CLIPBOARD = ["\x1b]52;c;ZXZpbA==\x07", "\x1b]52;p;ZXZpbA==\x1b\\", "\x1b]52;c;?\x07", "\u009d52;c;ZXZpbA==\u009c"];
const TITLES = ["\x1b]0;Your bank\x07", "\x1b]1;Your bank\x07", "\x1b]2;Your bank\x1b\\", "\x1b]21;Your bank\x07", "\x1b[22;0t\x1b[23;0t"];
const QUERIES = [
  "\x1b[c", "\x1b[>c", "\x1b[=c", "\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[?15n", "\x1b[?996n", "\x1b[?2026$p", "\x1b[4$p",
  "\x1b[>q", "\x1b[14t", "\x1b[18t", "\x1b[21t", "\x1b]10;?\x07", "\x1b]11;?\x1b\\", "\x1b]4;1;?\x07", "\x1bP$qm\x1b\\",
  "\x1bP+q544e\x1b\\", "\x1bZ", "\x05", "\x1b[?u", "\x1b[x", "\u009b6n", "\x1b[?1004h",
];

const LINKS: Access[] = ["view", "interact"];

attack("a program cannot make a browser type", async ({ stage, visit, trial }) => {
  stage.write("queries", QUERIES.join(""));
  // All that comes back before somebody types the end of it, in hexadecimal.
  const script = "stty raw -echo; read go < go; cat queries; printf 'asked\\r\\n'; head -c 3 | od -An -tx1 > heard; printf 'noted\\r\\n'; cat";
  const heard = async () => (await readFile(stage.path("heard"), "utf8")).trim();
  const { program: mkfifo } = { program: stage.start(["mkfifo", stage.path("go")]) };
  await mkfifo.ended;
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", script]);
  const viewers = [];
  for (const access of LINKS) {
    const viewer = await visit(links[access], { as: access });
    await viewer.isLive();
    viewers.push(viewer);
  }
  const [looks, types] = viewers;
  if (looks === undefined || types === undefined) throw new Error("nobody came");
  stage.start(["sh", "-c", `echo > ${stage.path("go")}`]);
  for (const viewer of viewers) await viewer.shows("asked");
  // Focus that comes and goes is an answer, too, where a program asked for it.
  await types.focusTerminal();
  await types.composer.focus();
  await types.type("end");
  await types.shows("noted");
  const [answers, keys] = [await heard(), Buffer.from("end").toString("hex").replace(/(..)/g, "$1 ").trim()];
  trial.fails("an emulator answers", answers, keys);
  trial.works("keys of who may type come in", answers.endsWith(keys));
});

attack("a program cannot touch a browser's clipboard", async ({ stage, visit, trial }) => {
  stage.write("clipboard", CLIPBOARD.join(""));
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "read go; cat clipboard; echo written; read wait"]);
  const viewer = await visit(links.interact, { as: "Kay", permissions: ["clipboard-read", "clipboard-write"] });
  await viewer.isLive();
  const clipboard = () => viewer.page.evaluate(() => navigator.clipboard.readText());
  await viewer.page.evaluate(() => navigator.clipboard.writeText("mine"));
  await viewer.type("go\n");
  await viewer.showsLine("written");
  trial.fails("the program writes the clipboard", await clipboard(), "mine");
  const row = viewer.page.locator(".xterm-rows > div", { hasText: "written" });
  await row.dblclick({ position: { x: 10, y: 5 } });
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
  const hidden = "\x1b]8;;javascript:document.title=3\x07click\x1b]8;;\x07 \x1b]8;;file:///etc/passwd\x07here\x1b]8;;\x07";
  stage.write("page", `${html}\n${hidden}\n`);
  const { links } = await stage.share(await stage.relay(), ["sh", "-c", "cat page; read wait"], ["--title", html]);
  const viewer = await visit(links.view, { as: "Kay" });
  await viewer.isLive();
  await viewer.shows("click here");
  await viewer.page.locator(".xterm-rows > div", { hasText: "click here" }).click({ position: { x: 10, y: 5 } });
  await viewer.page.locator(".xterm-rows > div", { hasText: "click here" }).hover({ position: { x: 60, y: 5 } });
  trial.fails("it makes elements", await viewer.page.locator("script:not([src]), img[onerror], .xterm-rows b").count(), 0);
  trial.fails("it runs as a script", await viewer.page.title(), `cahoots · ${html}`);
  trial.fails("an address of another kind is offered", await viewer.page.getByRole("dialog").count(), 0);
  trial.works("it is shown as what it is", (await viewer.lines()).join("").includes(html));
});
