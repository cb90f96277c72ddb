// What page and worker say to each other. The worker owns the session; the page only shows it.

import type { Edit } from "./diff";

export type Access = "view" | "interact" | "own";

/** A link, read before anybody is asked. */
export interface Invitation {
  access: Access;
  needsPassphrase: boolean;
  lanOnly: boolean;
  relay: [host: string, port: number] | null;
}

export interface Cursor {
  pane: number;
  row: number;
  col: number;
}

export interface Member {
  author: string;
  name: string;
  colour: number;
  isMe: boolean;
  isHost: boolean;
  canType: boolean;
  typing: boolean;
  focus: number | null;
  cursor: Cursor | null;
  /** Before which character of the notes they write, in code points. */
  notesCursor: number | null;
  /** The link that they came by. */
  share: string;
}

export interface Pane {
  pane: number;
  title: string;
  command: string;
  cols: number;
  rows: number;
  exit: number | null;
  policy: "all" | "one" | "line";
  driver: string | null;
}

/** Everything but terminals and chat. The core made it fit to be shown: no control characters. */
export interface Scene {
  live: boolean;
  linked: boolean;
  me: string | null;
  canType: boolean;
  canChat: boolean;
  canEdit: boolean;
  /** Whether the host does what is commanded from here: with an own link. */
  canCommand: boolean;
  expires: number | null;
  /** When the session began. */
  since: number | null;
  title: string;
  notes: string;
  members: Member[];
  panes: Pane[];
  messages: number;
  unconfirmed: number;
}

/** A chat message. */
export interface Line {
  author: string;
  name: string;
  n: number;
  isMine: boolean;
  isReaction: boolean;
  time: number;
  text: string;
  reply: [author: string, n: number] | null;
}

/** A link of the session; not its secret. */
export interface LinkLine {
  share: string;
  access: Access;
  expires: number;
  membersMax: number | null;
  passphrase: boolean;
  approve: boolean;
  once: boolean;
  isClosed: boolean;
  isMine: boolean;
  passedOn: boolean;
  here: number;
}

/** What waits for an owner's word. */
export interface Desk {
  waiting: string[];
  wishes: [pane: number, author: string][];
  lines: [pane: number, author: string, line: string][];
}

/** What only the host can do, and does for an own link. */
export type Command =
  | { do: "makeLink"; mayType: boolean; lastsS: number; membersMax: number; approve: boolean; once: boolean }
  | { do: "revoke"; share: string }
  | { do: "revokeAll" }
  | { do: "kick"; member: string }
  | { do: "admit"; member: string; accept: boolean }
  | { do: "setPolicy"; pane: number; policy: Pane["policy"] }
  | { do: "grant"; pane: number; member: string | null }
  | { do: "answerLine"; pane: number; member: string; line: string; accept: boolean };

/** What came of a command. */
export type Answer =
  | { what: "done" }
  | { what: "made"; link: string; share: string }
  | { what: "not"; reason: string };

/** How a session came to its end. */
export type How = "expired" | "revoked" | "kicked" | "turnedAway" | "left" | "over";

/** How bytes go to the relay: over UDP, or over TCP where UDP gets nowhere. */
export type By = "webtransport" | "websocket";

/** Which way one's own program has taken, where it serves the page. */
export type Way = "loopback" | "lan" | "relay";

/** How the way to the relay is doing. */
export type LinkReport =
  | { phase: "dialling"; attempt: number }
  | { phase: "open"; since: number; by: By | Way }
  | { phase: "waiting"; attempt: number; retryAt: number; reason: string }
  | { phase: "over"; reason: string };

/** What happened, as the core tells it: see `Notice` in core/src/notice.rs. */
export type Notice =
  | { kind: "linked"; link: number }
  | { kind: "unlinked"; link: number; reason: string; retry: boolean }
  | { kind: "keyframe"; pane: number; cols: number; rows: number; offset: number; data: Uint8Array }
  | { kind: "output"; pane: number; offset: number; data: Uint8Array }
  | { kind: "past"; pane: number; cols: number; rows: number; offset: number; lines: Uint8Array; data: Uint8Array }
  | { kind: "paneEnded"; pane: number; code: number }
  | { kind: "joined"; author: string }
  | { kind: "left"; author: string }
  | { kind: "presence" }
  | { kind: "state" }
  | { kind: "chat" }
  | { kind: "waits"; pane: number; what: string }
  | { kind: "refused"; pane: number; reason: string }
  | { kind: "inputLost"; bytes: number }
  | { kind: "waiting" }
  | { kind: "letIn" }
  | { kind: "alarm"; text: string }
  | { kind: "answered"; command: number; answer: Answer }
  | { kind: "desk"; desk: Desk }
  | { kind: "ended"; how: How; text: string };

/** Messages that are shown at most. */
export const CHAT_LINES_MAX = 2_000;
/** What one of them may have at most on the wire. */
export const CHAT_TEXT_BYTES_MAX = 4_096;

/** From the page to the worker. */
export type ToWorker =
  // The one way to take, for tests and for finding out what is wrong; before anything else.
  | { kind: "only"; by: By }
  | { kind: "read"; link: string }
  // `gateway`: the address of whose socket to open, a folder.
  | { kind: "join"; link: string; words: string | null; name: string; colour: number; gateway: string }
  | { kind: "introduce"; name: string; colour: number }
  | { kind: "watch"; pane: number }
  | { kind: "unwatch"; pane: number }
  | { kind: "focus"; pane: number | null }
  | { kind: "point"; at: Cursor | null }
  // Where in the notes somebody writes; null when nowhere.
  | { kind: "pointInNotes"; at: number | null }
  // Something for the host to do; `id` is what the answer names it by.
  | { kind: "command"; id: number; command: Command }
  | { kind: "input"; pane: number; data: Uint8Array }
  | { kind: "askToDrive"; pane: number }
  | { kind: "stopDriving"; pane: number }
  | { kind: "say"; text: string }
  | { kind: "typing"; typing: boolean }
  // `base` is the text that the edit was made on; others may have written since.
  | { kind: "editNotes"; edit: Edit; base: string }
  // The page's emulator has taken this many bytes: the worker may send as many again.
  | { kind: "credit"; pane: number; bytes: number }
  // Something says that the network may be back: dial now.
  | { kind: "wake"; reason: "online" | "visible" | "asked" }
  | { kind: "leave" };

/** From the worker to the page. */
export type ToPage =
  | { kind: "invitation"; invitation: Invitation }
  | { kind: "badLink"; text: string }
  | { kind: "broken"; text: string }
  // Where the width of characters changes: code points, each followed by the columns taken from there on.
  | { kind: "widths"; changes: Uint32Array<ArrayBuffer> }
  | { kind: "link"; link: LinkReport }
  | { kind: "rtt"; ms: number | null }
  // `edits`: how many edits of the notes by this page are in it.
  | { kind: "scene"; scene: Scene; edits: number }
  // The chat's end from message `from` on; what the page has from there on is replaced, or all of it if `whole`.
  | { kind: "chat"; from: number; lines: Line[]; whole: boolean }
  | { kind: "keyframe"; pane: number; cols: number; rows: number; data: Uint8Array<ArrayBuffer> }
  | { kind: "output"; pane: number; data: Uint8Array<ArrayBuffer> }
  // The lines above the screen are here: it begins anew, and what was shown since comes again, up to `caughtUp`.
  | { kind: "past"; pane: number; cols: number; rows: number; lines: Uint8Array<ArrayBuffer>; data: Uint8Array<ArrayBuffer> }
  | { kind: "caughtUp"; pane: number }
  | { kind: "skipped"; pane: number }
  | { kind: "joined"; author: string; time: number }
  | { kind: "left"; author: string; time: number }
  | { kind: "hint"; tone: "info" | "warn"; text: string }
  | { kind: "links"; links: LinkLine[] }
  | { kind: "desk"; desk: Desk }
  | { kind: "answered"; id: number; answer: Answer }
  | { kind: "waiting" }
  | { kind: "letIn" }
  | { kind: "ended"; how: How; text: string };
