// What is remembered between visits: a name, a colour and a theme. Never a link.

import { COLOURS, type Person } from "./people";

const PERSON = "cahoots.person";
const THEME = "cahoots.theme";
const TILES = "cahoots.tiles";
/** What a name may have at most on the wire. */
export const NAME_BYTES_MAX = 64;

/** Dark unless somebody chose the other: most terminals are. */
export type Theme = "dark" | "light";

/** A browser may forbid storage; then nothing is remembered and all else works. */
function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See above.
  }
}

/** Returns a name as it can be sent: one line, without what cannot be seen, not too long. */
export function cleanName(name: string): string {
  let clean = name.replace(/\p{C}+/gu, " ").replace(/\s+/gu, " ").trim();
  while (new TextEncoder().encode(clean).length > NAME_BYTES_MAX) clean = [...clean].slice(0, -1).join("");
  return clean;
}

export function rememberedPerson(): Person | null {
  try {
    const { name, colour } = JSON.parse(read(PERSON) ?? "null") as { name: unknown; colour: unknown };
    if (typeof name !== "string" || typeof colour !== "number" || cleanName(name) === "") return null;
    return { name: cleanName(name), colour: Math.abs(Math.trunc(colour)) % COLOURS.length };
  } catch {
    return null;
  }
}

export function rememberPerson(person: Person): void {
  write(PERSON, JSON.stringify(person));
}

export function rememberedTheme(): Theme {
  return read(THEME) === "light" ? "light" : "dark";
}

export function rememberedTiles(): boolean {
  return read(TILES) === "yes";
}

export function rememberTiles(tiled: boolean): void {
  write(TILES, tiled ? "yes" : "no");
}

export function rememberTheme(theme: Theme): void {
  write(THEME, theme);
}
