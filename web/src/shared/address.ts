// The link, as it came in the address bar. What is behind the # is a key: it is read once and never kept anywhere.

import { signal } from "@preact/signals";

/** The link that somebody is about to use; forgotten once the worker has it. */
export const givenLink = signal<string | null>(null);

/** Takes the link out of the address bar, so that it is in no screenshot, bookmark or history. */
export function takeLink(): string | null {
  const fragment = location.hash.slice(1);
  if (fragment === "") return null;
  history.replaceState(null, "", location.pathname);
  givenLink.value = `https://${location.host}/j#${fragment}`;
  return givenLink.value;
}
