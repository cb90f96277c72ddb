// How people are shown: initials, colours, and names that outlive their visits.

import type { Member } from "../shared/messages";

export interface Person {
  name: string;
  colour: number;
}

/** The colours by number, in the order that every viewer has them; numbers beyond go round. style/theme.css has their
 * values as --person-0 and on. */
export const COLOURS = [
  "Blue", "Orange", "Green", "Magenta", "Teal", "Ochre", "Violet", "Red", "Olive", "Brown", "Indigo", "Rose",
] as const;

export function colourOf(colour: number): string {
  return `var(--person-${colour % COLOURS.length})`;
}

/** Returns a colour for somebody who left before one came: always the same. */
export function strangersColour(author: string): number {
  return Number.parseInt(author.slice(0, 2), 16) || 0;
}

/** Returns one or two characters that stand for a name. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s._-]+/u).filter((word) => word !== "");
  const first = words[0];
  if (first === undefined) return "?";
  const last = words.length > 1 ? (words[words.length - 1] as string) : "";
  return (firstCharacter(first) + firstCharacter(last)).toUpperCase();
}

function firstCharacter(word: string): string {
  // A flag or a family is several code points and one character.
  const first = new Intl.Segmenter().segment(word)[Symbol.iterator]().next();
  return first.done === true ? "" : first.value.segment;
}

/** Remembers who is here now for when they are gone. */
export function remember(known: ReadonlyMap<string, Person>, members: Member[]): ReadonlyMap<string, Person> {
  const news = members.filter(({ author, name, colour }) => {
    const old = known.get(author);
    return old?.name !== name || old.colour !== colour;
  });
  if (news.length === 0) return known;
  const all = new Map(known);
  for (const { author, name, colour } of news) all.set(author, { name, colour });
  return all;
}

/** Me first, then the host, then the others by name. */
export function inOrder(members: Member[]): Member[] {
  const rank = (member: Member) => (member.isMe ? 0 : member.isHost ? 1 : 2);
  return [...members].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name) || a.author.localeCompare(b.author));
}

/** Says who is typing in the chat, or nothing. */
export function typingSentence(members: Member[]): string {
  const names = members.filter((member) => member.typing && !member.isMe).map((member) => member.name);
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing…`;
  if (names.length === 2) return `${first} and ${second} are typing…`;
  return `${first} and ${names.length - 1} others are typing…`;
}
