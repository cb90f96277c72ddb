// A way to carry a link's bytes. What each way is lies in transport/; which one is taken, in transport/race.ts.

import type { By, Way as BoundWay } from "../shared/messages";

export type { By };

export interface TransportEvents {
  /** Bytes come through, both ways. */
  opened(by: By): void;
  received(bytes: Uint8Array): void;
  /** Comes once, whatever happened; nothing comes after it. */
  closed(reason: string): void;
}

/** What a page of one's own program hears of the connection that its bytes go on by. */
export interface Bound {
  exporter: Uint8Array;
  way: BoundWay;
}

export interface Transport {
  /** Whom it leads to: the same words whenever it leads there again. */
  readonly acceptor: string;
  /** Known once it is open. */
  readonly bound: Bound | null;
  /** Bytes handed over that are still here. */
  waitingBytes(): number;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Closes, and says that whoever is at the other end was not the right one. */
  giveUp(): void;
  /** Closes, once what was sent has left; no event comes any more. */
  close(): void;
}

/** Makes a transport to the gateway of a page's folder, which tells how it fares. */
export type Way = (page: string, events: TransportEvents) => Transport;

/** A gateway that does not answer within this time is given up. */
export const DIAL_MS_MAX = 10_000;
