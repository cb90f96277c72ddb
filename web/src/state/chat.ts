// The chat as it is shown: messages, who came and went between them, and what was not read yet.

import { CHAT_LINES_MAX, type Line } from "../shared/messages";
import type { PageEvent } from "./events";

export interface Passing {
  what: "joined" | "left";
  author: string;
  time: number;
  /** How many messages there were when it happened: its place among them. */
  after: number;
}

export interface Chat {
  /** The number of the first line that is here. */
  from: number;
  lines: Line[];
  passings: Passing[];
  /** How many messages somebody has had on the screen. */
  seen: number;
  /** What was said before is history, not news. */
  since: number;
}

export const NO_CHAT: Chat = { from: 0, lines: [], passings: [], seen: 0, since: Number.POSITIVE_INFINITY };

/** Notices of who comes and goes that are kept: a crowd must not fill the memory. */
const PASSINGS_MAX = 200;

export function reduceChat(chat: Chat, event: PageEvent): Chat {
  switch (event.kind) {
    case "joinAsked":
      return { ...chat, since: event.time };
    case "chat": {
      const end = chat.from + chat.lines.length;
      // Over a hole, or where messages have other numbers by now, nothing that is here counts.
      const isAnew = event.whole || event.from <= chat.from || event.from > end;
      const all = isAnew ? event.lines : [...chat.lines.slice(0, event.from - chat.from), ...event.lines];
      const lines = all.slice(-CHAT_LINES_MAX);
      const from = (isAnew ? event.from : chat.from) + all.length - lines.length;
      return { ...chat, from, lines, seen: Math.min(chat.seen, from + lines.length) };
    }
    case "joined":
    case "left": {
      const passing: Passing = {
        what: event.kind,
        author: event.author,
        time: event.time,
        after: chat.from + chat.lines.length,
      };
      return { ...chat, passings: [...chat.passings, passing].slice(-PASSINGS_MAX) };
    }
    case "chatSeen": {
      const seen = chat.from + chat.lines.length;
      return seen === chat.seen ? chat : { ...chat, seen };
    }
    default:
      return chat;
  }
}

export function unread(chat: Chat): number {
  const news = chat.lines.slice(Math.max(0, chat.seen - chat.from));
  return news.filter((line) => !line.isMine && line.time >= chat.since).length;
}

export type Entry =
  | { kind: "line"; key: string; line: Line; /** Whether it goes on where its author just spoke. */ goesOn: boolean }
  | { kind: "passing"; key: string; passing: Passing }
  | { kind: "day"; key: string; time: number };

/** Messages by one author within this time stand together under one name. */
const TOGETHER_MS = 3 * 60_000;

/** Returns what to show, in order. */
export function timeline(chat: Chat): Entry[] {
  const entries: Entry[] = [];
  let last: Line | null = null;
  let day = "";
  let next = 0;
  const passingsUpTo = (place: number) => {
    for (; next < chat.passings.length; next++) {
      const passing = chat.passings[next] as Passing;
      if (passing.after > place) return;
      entries.push({ kind: "passing", key: `p${next}-${passing.time}`, passing });
      last = null;
    }
  };
  chat.lines.forEach((line, index) => {
    passingsUpTo(chat.from + index);
    const today = new Date(line.time).toDateString();
    if (today !== day) {
      entries.push({ kind: "day", key: `d${chat.from + index}-${today}`, time: line.time });
      day = today;
      last = null;
    }
    const goesOn = last?.author === line.author && line.time - last.time < TOGETHER_MS;
    entries.push({ kind: "line", key: `${line.author}/${line.n}`, line, goesOn });
    last = line;
  });
  passingsUpTo(Number.POSITIVE_INFINITY);
  return entries;
}

/** Returns the messages that have `query` in their text or their author's name, whatever its case. */
export function search(chat: Chat, query: string): Line[] {
  const wanted = query.toLowerCase();
  return chat.lines.filter(({ text, name }) => `${name}\n${text}`.toLowerCase().includes(wanted));
}

/** Splits a text where `query` stands in it. */
export function hits(text: string, query: string): { text: string; isHit: boolean }[] {
  const [lower, wanted] = [text.toLowerCase(), query.toLowerCase()];
  // A few scripts change their length with their case: found, but not marked.
  if (wanted === "" || lower.length !== text.length) return [{ text, isHit: false }];
  const found: { text: string; isHit: boolean }[] = [];
  let done = 0;
  for (let at = lower.indexOf(wanted); at !== -1; at = lower.indexOf(wanted, done)) {
    if (at > done) found.push({ text: text.slice(done, at), isHit: false });
    done = at + wanted.length;
    found.push({ text: text.slice(at, done), isHit: true });
  }
  if (done < text.length) found.push({ text: text.slice(done), isHit: false });
  return found;
}

export type Part = { text: string; href: string | null };

/** Splits a message into plain text and http(s) addresses. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let place = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'`]+/gi)) {
    // What ends a sentence belongs to it, not to the address.
    const address = match[0].replace(/[.,;:!?)\]}»”’]+$/u, "");
    if (!URL.canParse(address)) continue;
    if (match.index > place) found.push({ text: text.slice(place, match.index), href: null });
    found.push({ text: address, href: address });
    place = match.index + address.length;
  }
  if (place < text.length) found.push({ text: text.slice(place), href: null });
  return found;
}
