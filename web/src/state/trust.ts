// Whom this page comes from, and what that means. Who serves a page can change it: people are told whom they trust.

import { signal } from "@preact/signals";

/** What serves the page, as far as it says: a copy elsewhere says nothing. */
export type ServedBy = "viewer" | "host" | "relay" | "copy";

export interface TrustSaid {
  /** How little there is to trust: 3 is nobody. */
  grade: 0 | 1 | 2 | 3;
  title: string;
  text: string;
  /** Whether to say how to do better. */
  canDoBetter: boolean;
}

/** What the server says of itself. */
export interface Server {
  by: ServedBy;
  /** Where a copy says that sessions are: `link` for the link's own relay, or that relay's address. */
  relay: string | null;
}

/** Known once the server was asked. */
export const server = signal<Server | null>(null);

/** Reads the answer to `served-by`. PROTOCOL.md 10.2. */
export function readServer(ok: boolean, text: string): Server {
  const [word, relay = null] = ok ? text.trim().split(" ") : [];
  if (word === "viewer" || word === "host" || word === "relay") return { by: word, relay: null };
  const isTold = word === "copy" && relay !== null && (relay === "link" || URL.canParse(relay));
  return { by: "copy", relay: isTold ? relay : null };
}

/** Longer than this nobody waits at the door for a server that says nothing. */
const ANSWER_MS = 5_000;

/** Asks whoever served the page what they are; says nothing where there is no answer, so that one asks again. */
export async function askServer(page: string): Promise<void> {
  try {
    const answer = await fetch(new URL("served-by", page), { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
    server.value = readServer(answer.ok, await answer.text());
  } catch {
    // Offline, or a server that is.
  }
}

/** Puts into words whom people trust who use the page. */
export function trustOf(by: ServedBy, host: string, isSecure: boolean): TrustSaid {
  switch (by) {
    case "viewer":
      return {
        grade: 3,
        title: "This page is your own",
        text: "It comes from the cahoots program on this machine. There is nobody else to trust.",
        canDoBetter: false,
      };
    case "copy":
      return {
        grade: 2,
        title: `This page comes from ${host}`,
        text: `The relay has no hand in it. Whoever runs ${host} could change it; its files have published hashes.`,
        canDoBetter: true,
      };
    case "host":
      return {
        grade: isSecure ? 1 : 0,
        title: "This page comes from the host",
        text: isSecure
          ? "Whoever shares the terminal sent it."
          : "Whoever shares the terminal sent it, by plain HTTP: who controls this network could change it, and so read along or type as you.",
        canDoBetter: true,
      };
    case "relay":
      return {
        grade: isSecure ? 1 : 0,
        title: `This page comes from the relay ${host}`,
        text: isSecure
          ? "The relay holds no key and cannot read the session. But it sent this page, and could send another that reads along."
          : "The relay holds no key. But it sent this page, by plain HTTP: it or somebody on the way could send another that reads along.",
        canDoBetter: true,
      };
  }
}
