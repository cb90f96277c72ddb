// When to dial: a machine without clock, socket or chance of its own, so that tests can walk it through a bad day.

import type { By, LinkReport, Way } from "../shared/messages";

export type LinkState = LinkReport | { phase: "idle" };

export type LinkEvent =
  | { kind: "start" }
  | { kind: "opened"; by: By | Way }
  /** The transport is gone; `retry` says whether the other side may take us later. */
  | { kind: "closed"; retry: boolean; reason: string }
  /** The time to dial again has come. */
  | { kind: "due" }
  /** Somebody came back to the page, or asks for it. */
  | { kind: "wake" }
  /** The network changed: what was open leads nowhere. */
  | { kind: "networkChanged" }
  /** The machine slept for this long. */
  | { kind: "slept"; ms: number }
  | { kind: "stop"; reason: string };

export interface LinkStep {
  state: LinkState;
  /** What to do with the transport: `redial` drops the one that is open first. */
  action: "dial" | "redial" | "drop" | null;
}

/** Longer than this, and a socket that looks open is likely to be dead on the other side. */
const SLEEP_MS_MAX = 15_000;
/** An open link that held this long counts as a success: the next failure starts from the first delay. */
const STEADY_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 30_000;

/** Returns how long to wait before dialling for the `attempt`th time; `chance` is in 0..1 and spreads a crowd. */
export function delayMs(attempt: number, chance: number): number {
  const full = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(full * (0.5 + chance / 2));
}

interface Tries {
  state: LinkState;
  /** Failures in a row. */
  failures: number;
}

/** The machine's memory: the state people see, and how often dialling failed since it last held. */
export const START: Tries = { state: { phase: "idle" }, failures: 0 };

export function step(
  { state, failures }: Tries,
  event: LinkEvent,
  now: number,
  chance: number,
): LinkStep & { failures: number } {
  const held = state.phase === "open" && now - state.since >= STEADY_MS;
  const past = held ? 0 : failures;
  const dial = (action: "dial" | "redial") => ({
    state: { phase: "dialling", attempt: past + 1 } as const,
    action,
    failures: past,
  });
  const stay = { state, action: null, failures };

  // What is over stays over: only the page can begin anew.
  if (state.phase === "over") return stay;

  switch (event.kind) {
    case "start":
      return state.phase === "idle" ? dial("dial") : stay;
    case "opened":
      return state.phase === "dialling" ? { state: { phase: "open", since: now, by: event.by }, action: null, failures } : stay;
    case "closed": {
      if (state.phase !== "dialling" && state.phase !== "open") return stay;
      if (!event.retry) return { state: { phase: "over", reason: event.reason }, action: "drop", failures };
      const next = past + 1;
      const retryAt = now + delayMs(next, chance);
      return {
        state: { phase: "waiting", attempt: next, retryAt, reason: event.reason },
        action: "drop",
        failures: next,
      };
    }
    case "due":
      return state.phase === "waiting" && now >= state.retryAt ? dial("dial") : stay;
    case "wake":
      return state.phase === "waiting" ? dial("dial") : stay;
    case "networkChanged":
      if (state.phase === "waiting") return dial("dial");
      return state.phase === "open" || state.phase === "dialling" ? dial("redial") : stay;
    case "slept":
      if (state.phase === "waiting") return dial("dial");
      return event.ms >= SLEEP_MS_MAX && state.phase !== "idle" ? dial("redial") : stay;
    case "stop":
      return { state: { phase: "over", reason: event.reason }, action: "drop", failures };
  }
}
