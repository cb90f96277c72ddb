// The link, as it came in the address bar. What is behind the # is a key: it is read once and never kept anywhere.

import { signal } from "@preact/signals";

/** The link that somebody is about to use; forgotten once the worker has it. */
export const givenLink = signal<string | null>(null);

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

/** Takes the link out of the address bar, so that it is in no screenshot, bookmark or history. */
export function takeLink(): string | null {
  const fragment = location.hash.slice(1);
  if (fragment === "") return null;
  history.replaceState(null, "", location.pathname);
  givenLink.value = `https://${location.host}/j#${fragment}`;
  return givenLink.value;
}
