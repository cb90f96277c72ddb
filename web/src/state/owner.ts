// What a holder of an own link sees besides: links, what waits for a word, and what the host was asked to do.

import type { Answer, Command, Desk, LinkLine, Pane } from "../shared/messages";
import type { PageEvent } from "./events";

export interface Made {
  link: string;
  share: string;
  /** As it was asked for. */
  terms: Extract<Command, { do: "makeLink" }>;
}

export interface Owner {
  desk: Desk;
  links: LinkLine[];
  /** What the host has not answered yet, by our number. */
  asked: ReadonlyMap<number, Command>;
  /** What it has not answered for so long that nobody waits for it any more. It does it once it is back. */
  late: ReadonlyMap<number, Command>;
  /** The link that was made last, until somebody puts it away. */
  made: Made | null;
}

export const NO_OWNER: Owner = {
  desk: { waiting: [], wishes: [], lines: [] },
  links: [],
  asked: new Map(),
  late: new Map(),
  made: null,
};

export function reduceOwner(owner: Owner, event: PageEvent): Owner {
  switch (event.kind) {
    case "links":
      return { ...owner, links: event.links };
    case "desk":
      return { ...owner, desk: event.desk };
    case "commanded":
      return { ...owner, asked: new Map(owner.asked).set(event.id, event.command) };
    case "unanswered": {
      const command = owner.asked.get(event.id);
      if (command === undefined) return owner;
      return { ...owner, asked: without(owner.asked, event.id), late: new Map(owner.late).set(event.id, command) };
    }
    case "answered": {
      const command = commandOf(owner, event.id);
      if (command === undefined) return owner;
      // What is chosen stays so until the terminals show it: between the two it would flicker.
      const isShownLater = command.do === "setPolicy" && event.answer.what === "done";
      const asked = isShownLater ? owner.asked : without(owner.asked, event.id);
      const next = { ...owner, asked, late: without(owner.late, event.id) };
      if (command.do !== "makeLink" || event.answer.what !== "made") return next;
      return { ...next, made: { link: event.answer.link, share: event.answer.share, terms: command } };
    }
    case "scene": {
      const isShown = (command: Command) =>
        command.do === "setPolicy" &&
        event.scene.panes.some(({ pane, policy }) => pane === command.pane && policy === command.policy);
      const asked = [...owner.asked].filter(([, command]) => !isShown(command));
      return asked.length === owner.asked.size ? owner : { ...owner, asked: new Map(asked) };
    }
    case "madeSeen":
      return { ...owner, made: null };
    case "ended":
      // Whoever is out has nothing to decide.
      return NO_OWNER;
    default:
      return owner;
  }
}

function without(commands: ReadonlyMap<number, Command>, id: number): ReadonlyMap<number, Command> {
  return new Map([...commands].filter(([other]) => other !== id));
}

/** Returns what the host was asked to do by this number, and has not answered. */
export function commandOf(owner: Owner, id: number): Command | undefined {
  return owner.asked.get(id) ?? owner.late.get(id);
}

/** How many things wait for a word. */
export function waitingCount({ desk }: Owner): number {
  return desk.waiting.length + desk.wishes.length + desk.lines.length;
}

/** Open links first, the newest ones on top; then those that are over. */
export function linksInOrder(links: LinkLine[], now: number): { open: LinkLine[]; over: LinkLine[] } {
  const isOver = (link: LinkLine) => link.isClosed || link.expires <= now;
  const newestFirst = [...links].reverse();
  return { open: newestFirst.filter((link) => !isOver(link)), over: newestFirst.filter(isOver) };
}

export function isAsked(owner: Owner, command: Partial<Command>): boolean {
  const fits = (asked: Command) =>
    Object.entries(command).every(([key, value]) => (asked as Record<string, unknown>)[key] === value);
  return [...owner.asked.values()].some(fits);
}

/** Returns whose keys a terminal is about to take, as far as the host was asked and has not answered. */
export function policyAsked(owner: Owner, pane: number): Pane["policy"] | null {
  const asked = [...owner.asked.values()].findLast((one) => one.do === "setPolicy" && one.pane === pane);
  return asked?.do === "setPolicy" ? asked.policy : null;
}

/** Says what came of a command, where that is not seen anyway. */
export function outcome(command: Command, answer: Answer, nameOf: (author: string) => string): string | null {
  if (answer.what === "not") return `Not done: ${answer.reason}.`;
  switch (command.do) {
    case "kick":
      return `${nameOf(command.member)} was removed. Others by the same link stay; nobody new comes in by it.`;
    case "revoke":
      return "The link is closed, and who came by it is cut off.";
    case "admit":
      return command.accept ? "Let in." : "Not let in.";
    default:
      return null;
  }
}

/** An author's name as two people compare it over the phone: the host shows the same. */
export function keyOf(author: string): string {
  return `${author.slice(0, 4)} ${author.slice(4, 8)}`;
}

/** A time that is left, in one word or two. */
export function spell(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
