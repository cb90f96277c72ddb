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

/** Known once the server was asked. */
export const servedBy = signal<ServedBy | null>(null);

/** Reads the answer to `served-by`. PROTOCOL.md 10.2. */
export function readServedBy(ok: boolean, text: string): ServedBy {
  const word = text.trim();
  return ok && (word === "viewer" || word === "host" || word === "relay") ? word : "copy";
}

/** Asks whoever served the page what they are; a copy has told already. */
export async function askServedBy(told: string | null, page: string): Promise<void> {
  if (told !== null) {
    servedBy.value = "copy";
    return;
  }
  try {
    const answer = await fetch(new URL("served-by", page), { cache: "no-store" });
    servedBy.value = readServedBy(answer.ok, await answer.text());
  } catch {
    // Offline: it is said once there is an answer.
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
