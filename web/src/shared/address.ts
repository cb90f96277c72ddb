// The link, as it came in the address bar. What is behind the # is a key: it is read once, and kept in memory alone.

import { signal } from "@preact/signals";
import type { Invitation } from "./messages";

/** The link that somebody is about to use. */
export const givenLink = signal<string | null>(null);
/** The link of the session that is open, for a reload of the page. */
export const openLink = signal<string | null>(null);
/** Whether the page was reloaded with a session open: who was in is not asked again. */
export const isReopened = signal(false);

/**
 * Returns a link of this session as others open it: where it leads to this page's own host, by this page's own scheme.
 * A page that somebody's own program serves, in a folder of its own, is for nobody else; then it is for programs.
 */
export function shareable(link: string, place: { origin: string; host: string; pathname: string }): string {
  const [begin = "", fragment = ""] = link.split("#");
  if (!["/", "/j"].includes(place.pathname)) return `cahoots://join#${fragment.split("&")[0]}`;
  const isHere = begin === `https://${place.host}/j` || begin.startsWith("cahoots://");
  return isHere ? `${place.origin}/j#${fragment}` : link;
}

/** Reads what is behind the `#` of this page's address: a token, whose relay is who serves the page, or a whole link. */
export function linkOf(fragment: string, host: string): string | null {
  if (fragment === "") return null;
  return /^(https|cahoots):\/\//i.test(fragment) ? fragment : `https://${host}/j#${fragment}`;
}

/**
 * Says whose socket to open: `told` is what a copy of the page says of itself, `link` for the link's own relay or that
 * relay's address; without it the page's own folder.
 */
export function gatewayFor(told: string | null, relay: Invitation["relay"], page: string): string {
  if (told === null) return new URL(".", page).href;
  if (told !== "link") return new URL("/", told).href;
  if (relay === null) throw new Error("This link names no relay. Paste it whole, with its https://.");
  const [host, port] = relay;
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}

/** Takes the link out of the address bar, so that it is in no screenshot, bookmark or history. */
export function takeLink(): string | null {
  const fragment = location.hash.slice(1);
  if (fragment === "") return null;
  history.replaceState(null, "", location.pathname);
  givenLink.value = linkOf(fragment, location.host);
  return givenLink.value;
}
