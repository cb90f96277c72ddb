// Several people at once: where they point, what they write, and that all see the same in the end.

import { expect, test } from "./harness/test";

test("where somebody points is seen by the others, on the cell", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const [kay, tom] = [await visit(links.view, { as: "Kay" }), await visit(links.view, { seat: "phone", as: "Tom" })];
  await Promise.all([kay.isLive(), tom.isLive()]);
  const screen = kay.page.locator(".xterm-screen");
  const box = await screen.boundingBox();
  if (box === null) throw new Error("nothing is drawn");
  const [column, row] = [10, 5];
  const at = [box.x + (box.width / 80) * (column + 0.5), box.y + (box.height / 24) * (row + 0.5)] as const;
  const pointer = tom.page.locator(".pointer");
  await expect(async () => {
    await kay.page.mouse.move(at[0] - 2, at[1]);
    await kay.page.mouse.move(...at);
    await expect(pointer).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await expect(pointer).toHaveText("Kay");
  const cell = () => pointer.evaluate((pointer) => {
    const [mine, all] = [pointer.getBoundingClientRect(), document.querySelector(".xterm-screen")?.getBoundingClientRect()];
    if (all === undefined) throw new Error("nothing is drawn");
    return [Math.round(((mine.left - all.left) / all.width) * 80), Math.round(((mine.top - all.top) / all.height) * 24)];
  });
  await expect.poll(cell).toEqual([column, row]);
  await kay.page.mouse.move(5, 5);
  await expect(pointer).toHaveCount(0);
});

test("two browsers and a native guest see the same screen and the same chat", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const ben = await stage.join(links.interact, "Ben");
  const kay = await visit(links.interact, { as: "Kay" });
  const tom = await visit(links.interact, { seat: "phone", as: "Tom" });
  await Promise.all([kay.isLive(), tom.isLive()]);
  await tom.open("Chat");

  // All talk at once, and each line is somebody's own.
  for (let turn = 0; turn < 5; turn++) {
    ben.say(`ben ${turn}`);
    await Promise.all([kay.say(`kay ${turn}`), tom.say(`tom ${turn}`)]);
  }
  const all = ["ben", "kay", "tom"].flatMap((name) => [0, 1, 2, 3, 4].map((turn) => `${name} ${turn}`));
  await expect.poll(async () => (await kay.said()).sort()).toEqual(all);
  await expect.poll(async () => JSON.stringify(await tom.said()) === JSON.stringify(await kay.said())).toBe(true);
  for (const line of all.filter((line) => !line.startsWith("ben"))) await ben.hears(line);
  const own = (await kay.said()).filter((line) => line.startsWith("tom"));
  expect(own).toEqual(all.filter((line) => line.startsWith("tom")));

  // All type at once, so that their keys come in any order; none is missing and none comes twice.
  await tom.closePanel();
  for (const letter of "bbbbbbbb") ben.type(letter);
  await Promise.all([kay.type("kkkkkkkk"), tom.type("tttttttt")]);
  const letters = async () => [...(await ben.screen()).join("").replace("$ ", "")].sort().join("");
  await expect.poll(letters).toBe("bbbbbbbbkkkkkkkktttttttt");

  ben.type("\u0015clear; seq 1 5; echo all the same\r");
  for (const viewer of [kay, tom]) await viewer.showsLine("all the same");
  const screens = async () => new Set((await Promise.all([ben.screen(), kay.lines(), tom.lines()])).map((lines) => lines.join("\n")));
  await expect.poll(async () => (await screens()).size).toBe(1);
});

test("notes written together are the same for all, with nothing lost", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const ben = await stage.join(links.interact, "Ben");
  const [kay, tom] = [await visit(links.interact, { as: "Kay" }), await visit(links.interact, { as: "Tom" })];
  await Promise.all([kay.isLive(), tom.isLive()]);
  await Promise.all([kay.open("Notes"), tom.open("Notes")]);
  await kay.notes.pressSequentially("# Findings\n- wide 😀\n");
  await expect(tom.notes).toHaveValue("# Findings\n- wide 😀\n");
  await expect.poll(() => ben.notes()).toBe("# Findings\n- wide 😀\n");

  await tom.notes.evaluate((area: HTMLTextAreaElement) => area.setSelectionRange(0, 0));
  await kay.notes.evaluate((area: HTMLTextAreaElement) => area.setSelectionRange(area.value.length, area.value.length));
  // A place in the notes is before a character, and an emoji is one.
  ben.write("# Findings\n".length, "- ben's own\n");
  await Promise.all([
    kay.notes.pressSequentially("kay at the end 字", { delay: 20 }),
    tom.notes.pressSequentially("tom at the start é ", { delay: 25 }),
  ]);
  const whole = "tom at the start é # Findings\n- ben's own\n- wide 😀\nkay at the end 字";
  for (const viewer of [kay, tom]) await expect(viewer.notes).toHaveValue(whole);
  await expect.poll(() => ben.notes()).toBe(whole);

  const late = await visit(links.view, { seat: "phone", as: "Lea" });
  await late.isLive();
  await late.open("Notes");
  await expect(late.notes).toHaveValue(whole);
  await expect(late.notes).toHaveAttribute("readonly");
});
