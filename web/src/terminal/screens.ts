// All terminals that were looked at, and what is done with them: their contents never pass through signals.

import { computed, effect, signal } from "@preact/signals";
import type { Scene, ToPage } from "../shared/messages";
import { hint, leaving, pane, scene, shownPanes, stage, tell, theme } from "../state/store";
import { Screen } from "./screen";
import { safeAddress } from "./safe";
import { DARK, LIGHT } from "./theme";
import { setWidths } from "./width";

const SCROLLBACK = matchMedia("(max-width: 720px)").matches ? 1_000 : 5_000;

export const screens = signal<ReadonlyMap<number, Screen>>(new Map());
export const zoom = signal(1);
/** For those who listen: the terminal's lines are read out as they come. */
export const readsAloud = signal(false);
export const isLight = computed(() => theme.value === "light");

export function shownScreen(): Screen | undefined {
  return pane.value === null ? undefined : screens.value.get(pane.value);
}

/** Takes what belongs to terminals; says whether it did. */
export function takeTerminal(message: ToPage): boolean {
  switch (message.kind) {
    case "widths":
      setWidths(message.changes);
      return true;
    case "keyframe":
      screens.peek().get(message.pane)?.keyframe(message.cols, message.rows, message.data);
      return true;
    case "output":
      screens.peek().get(message.pane)?.output(message.data);
      return true;
    case "past":
      screens.peek().get(message.pane)?.past(message.cols, message.rows, message.lines, message.data);
      return true;
    case "caughtUp":
      screens.peek().get(message.pane)?.catchUp();
      return true;
    case "skipped":
      hint("info", "The output came faster than it can be shown: jumped to the newest screen.");
      return true;
    default:
      return false;
  }
}

/** Opens an address after asking, whoever wrote it. */
export function follow(address: string): void {
  const safe = safeAddress(address);
  if (safe === null) hint("warn", "This address is not opened: only http and https are.");
  else leaving.value = safe;
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages of plain http have no clipboard of their own; the old way still works there.
    const before = document.activeElement;
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (before instanceof HTMLElement) before.focus();
    if (!done) return hint("warn", "This browser does not let the page copy. Mark it, and copy it yourself.");
  }
  hint("info", "Copied.");
}

function make(number: number): Screen {
  const screen = new Screen(isLight.peek() ? LIGHT : DARK, SCROLLBACK, {
    input: (data) => tell({ kind: "input", pane: number, data }, [data.buffer]),
    parsed: (bytes) => tell({ kind: "credit", pane: number, bytes }),
    follow,
    copy: (text) => void copy(text),
  });
  screen.canType = scene.peek()?.canType ?? false;
  return screen;
}

/** Keeps terminals in step with the rest of the page; called once. */
export function keepScreens(): void {
  effect(() => {
    const looked = shownPanes.value;
    const panes = (scene.value as Scene | null)?.panes;
    const gone = [...screens.peek().keys()].filter((number) => !panes?.some((one) => one.pane === number));
    const news = looked.filter((number) => !screens.peek().has(number));
    if (gone.length === 0 && news.length === 0) return;
    const next = new Map(screens.peek());
    for (const number of gone) {
      next.get(number)?.dispose();
      next.delete(number);
      tell({ kind: "unwatch", pane: number });
    }
    for (const number of news) {
      next.set(number, make(number));
      tell({ kind: "watch", pane: number });
    }
    screens.value = next;
  });
  effect(() => {
    if (stage.value.at === "here") tell({ kind: "focus", pane: pane.value });
  });
  effect(() => {
    const can = (scene.value?.canType ?? false) && stage.value.at !== "ended";
    for (const screen of screens.value.values()) screen.canType = can;
  });
  effect(() => {
    for (const screen of screens.value.values()) screen.readsAloud = readsAloud.value;
  });
  effect(() => {
    document.documentElement.dataset["theme"] = isLight.value ? "light" : "dark";
    for (const screen of screens.value.values()) screen.theme = isLight.value ? LIGHT : DARK;
  });
}
