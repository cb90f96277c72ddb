import type { Command, ToPage } from "../shared/messages";

/** All that changes what is shown: what the worker says, and what somebody does on the page. */
export type PageEvent =
  | ToPage
  | { kind: "noLink" }
  | { kind: "joinAsked"; time: number }
  | { kind: "chatSeen" }
  | { kind: "commanded"; id: number; command: Command }
  // The host has said nothing for so long that people may try again.
  | { kind: "unanswered"; id: number }
  | { kind: "madeSeen" };
