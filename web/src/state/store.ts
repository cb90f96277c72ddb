// All that is shown, as signals. Messages of the worker go through pure reducers; nothing else changes them.

import { computed, signal } from "@preact/signals";
import type { Command, LinkReport, Scene, ToPage, ToWorker } from "../shared/messages";
import { NO_CHAT, reduceChat, unread } from "./chat";
import type { PageEvent } from "./events";
import { commandOf, NO_OWNER, outcome, reduceOwner } from "./owner";
import { type Person, remember } from "./people";
import { rememberedPerson, rememberedTheme, rememberedTiles, type Theme } from "./settings";
import { describe, reduceStage, type Stage } from "./stage";

export interface Hint {
  id: number;
  tone: "info" | "warn";
  text: string;
}

export type Panel = "chat" | "people" | "notes" | "manage";

/** Something that cannot be undone, about to be done. */
export interface Question {
  title: string;
  text: string;
  yes: string;
  command: Command;
}

export const stage = signal<Stage>({ at: "reading" });
export const link = signal<LinkReport | null>(null);
export const rtt = signal<number | null>(null);
export const scene = signal<Scene | null>(null);
export const chat = signal(NO_CHAT);
export const owner = signal(NO_OWNER);
export const people = signal<ReadonlyMap<string, Person>>(new Map());
export const hints = signal<Hint[]>([]);
/** The terminal that is shown. */
export const pane = signal<number | null>(null);
/** Whether somebody wants all terminals side by side; only where there is room for it. */
export const tiled = signal(rememberedTiles());
export const isWide = signal(false);
/** Whether this device has a network at all. */
export const online = signal(navigator.onLine);
/** Whether the server has another page than the one that is kept and runs. */
export const newerPage = signal(false);
/** Whether the terminal is searched. */
export const searching = signal(false);
/** The panel beside the terminal; on a phone the sheet over it. */
export const panel = signal<Panel | null>(null);
export const person = signal<Person | null>(rememberedPerson());
export const theme = signal<Theme>(rememberedTheme());
export const now = signal(Date.now());
/** What somebody is about to say in the chat. */
export const draft = signal("");
/** An address from the terminal or the chat that somebody is about to open. */
export const leaving = signal<string | null>(null);
/** Several lines that somebody is about to paste, and the terminal that they are for. */
export const pasting = signal<{ pane: number; text: string } | null>(null);

/** What the owner is asked before the host is. */
export const confirming = signal<Question | null>(null);

/** How many edits of the notes were told to the worker, and how many of them the scene has. */
export const edits = { told: 0, seen: 0 };

export const status = computed(() => describe(stage.value, link.value, scene.value, rtt.value, now.value, online.value));
export const isTiled = computed(() => tiled.value && isWide.value && (scene.value?.panes.length ?? 0) > 1);
/** The terminals in sight. */
export const shownPanes = computed(() => {
  const all = (scene.value?.panes ?? []).map((one) => one.pane);
  return isTiled.value ? all : all.filter((one) => one === pane.value);
});
export const unreadCount = computed(() => unread(chat.value));

let send: (message: ToWorker, transfer?: Transferable[]) => void = () => {};

/** Says something to the worker. */
export function tell(message: ToWorker, transfer: Transferable[] = []): void {
  send(message, transfer);
}

export function connect(to: (message: ToWorker, transfer?: Transferable[]) => void): void {
  send = to;
}

export function happen(event: PageEvent): void {
  stage.value = reduceStage(stage.value, event);
  chat.value = reduceChat(chat.value, event);
  owner.value = reduceOwner(owner.value, event);
}

const ANSWER_MS = 15_000;
let commandsEver = 0;
/** What the host has answered, and the terminals do not show yet. */
const answeredEver = new Set<number>();

/** Has the host do something. */
export function command(asked: Command): void {
  const id = ++commandsEver;
  happen({ kind: "commanded", id, command: asked });
  tell({ kind: "command", id, command: asked });
  setTimeout(() => {
    const isAnswered = answeredEver.delete(id);
    if (!owner.value.asked.has(id)) return;
    if (!isAnswered) hint("warn", "The host has not answered yet. It does it once it is back.");
    happen({ kind: "unanswered", id });
  }, ANSWER_MS);
}

export function nameOfAuthor(author: string): string {
  return people.value.get(author)?.name ?? author.slice(0, 8);
}

/** Takes what the worker says, except terminals' contents. */
export function take(message: ToPage): void {
  const asked = message.kind === "answered" ? commandOf(owner.value, message.id) : undefined;
  happen(message);
  switch (message.kind) {
    case "link":
      link.value = message.link;
      if (message.link.phase === "open") online.value = true;
      if (message.link.phase !== "open") rtt.value = null;
      break;
    case "rtt":
      rtt.value = message.ms;
      break;
    case "scene":
      edits.seen = message.edits;
      takeScene(message.scene);
      break;
    case "answered": {
      if (owner.value.asked.has(message.id)) answeredEver.add(message.id);
      const said = asked === undefined ? null : outcome(asked, message.answer, nameOfAuthor);
      if (said !== null) hint(message.answer.what === "not" ? "warn" : "info", said);
      break;
    }
    case "hint":
      hint(message.tone, message.text);
      break;
    case "chat":
      if (panel.value === "chat" && document.visibilityState === "visible") sawChat();
      break;
  }
}

function takeScene(next: Scene): void {
  scene.value = next;
  people.value = remember(people.value, next.members);
  const exists = next.panes.some((one) => one.pane === pane.value);
  if (!exists) pane.value = next.panes[0]?.pane ?? null;
}

export function sawChat(): void {
  chat.value = reduceChat(chat.value, { kind: "chatSeen" });
}

const HINT_MS = 6_000;
const HINTS_MAX = 3;
let hintsEver = 0;

/** Shows a sentence for a moment. */
export function hint(tone: Hint["tone"], text: string): void {
  if (hints.value.some((one) => one.text === text)) return;
  const id = ++hintsEver;
  hints.value = [...hints.value, { id, tone, text }].slice(-HINTS_MAX);
  setTimeout(() => {
    hints.value = hints.value.filter((one) => one.id !== id);
  }, HINT_MS);
}
