import type { ToPage } from "../shared/messages";

/** All that changes what is shown: what the worker says, and what somebody does on the page. */
export type PageEvent = ToPage | { kind: "noLink" } | { kind: "joinAsked"; time: number } | { kind: "chatSeen" };
