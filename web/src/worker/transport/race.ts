// Which way to take: WebTransport, with WebSocket close behind where UDP gets nowhere. A browser reports a black hole
// only after seconds, so the second way starts before the first has failed, and whoever carries bytes first is kept.

import type { Bound, By, Transport, TransportEvents, Way } from "../transport";

/** How long WebTransport is alone on the track. */
export const HEAD_START_MS = 300;
/** WebTransport that has held this long is good. One that ends after as long a silence is not: PINGs are more frequent. */
export const STEADY_MS = 10_000;
/** Faults in a row after which WebTransport is left alone: one may be the relay's, which was just starting. */
const FAULTS_MAX = 2;

type Ways = { readonly [by in By]: Way };

/** Dials, and learns which way is good, for as long as the page is open and the network the same. */
export class Dialler {
  #ways: Ways;
  #only: By | null;
  #faults = 0;

  /** `only` is the one way to take, if there is no choice. */
  constructor(ways: Ways, only: By | null) {
    this.#ways = ways;
    this.#only = only;
  }

  /** Forgets what was learned: another network may let other things through. */
  forget(): void {
    this.#faults = 0;
  }

  dial(page: string, events: TransportEvents): Transport {
    const only = this.#only ?? (this.#faults >= FAULTS_MAX ? "websocket" : null);
    if (only !== null) return this.#ways[only](page, events);
    return new Race(this.#ways, page, events, (outcome) => {
      this.#faults = outcome === "good" ? 0 : this.#faults + 1;
    });
  }
}

/** How WebTransport fared: it held; or it got nowhere while WebSocket did, or fell silent. */
type Outcome = "good" | "bad";

/** One attempt by both ways; after it, the one that won. */
class Race implements Transport {
  #page: string;
  #ways: Ways;
  #events: TransportEvents | null;
  #learn: (outcome: Outcome) => void;
  #running = new Map<By, Transport>();
  #winner: Transport | null = null;
  #by: By | null = null;
  #headStart: ReturnType<typeof setTimeout>;
  #hasFailed = false;
  #openedAt = 0;
  #heardAt = 0;
  #isSteady = false;

  constructor(ways: Ways, page: string, events: TransportEvents, learn: (outcome: Outcome) => void) {
    this.#page = page;
    this.#ways = ways;
    this.#events = events;
    this.#learn = learn;
    this.#headStart = setTimeout(() => this.#start("websocket"), HEAD_START_MS);
    this.#start("webtransport");
  }

  get acceptor(): string {
    return this.#winner?.acceptor ?? this.#page;
  }

  get bound(): Bound | null {
    return this.#winner?.bound ?? null;
  }

  waitingBytes(): number {
    return this.#winner?.waitingBytes() ?? 0;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#winner?.send(bytes);
  }

  giveUp(): void {
    this.#winner?.giveUp();
    this.close();
  }

  close(): void {
    if (this.#by === "webtransport" && Date.now() - this.#heardAt >= STEADY_MS) this.#learn("bad");
    clearTimeout(this.#headStart);
    this.#events = null;
    for (const transport of this.#running.values()) transport.close();
    this.#running.clear();
  }

  #start(by: By): void {
    const transport = this.#ways[by](this.#page, {
      opened: () => this.#won(by),
      received: (bytes) => {
        this.#heard();
        this.#events?.received(bytes);
      },
      closed: (reason) => this.#lost(by, reason),
    });
    this.#running.set(by, transport);
  }

  #won(by: By): void {
    clearTimeout(this.#headStart);
    for (const [other, transport] of this.#running) {
      if (other === by) this.#winner = transport;
      else transport.close();
    }
    this.#running = new Map(this.#winner === null ? [] : [[by, this.#winner]]);
    this.#by = by;
    this.#openedAt = Date.now();
    this.#heardAt = this.#openedAt;
    if (by === "websocket") this.#learn("bad");
    this.#events?.opened(by);
  }

  #heard(): void {
    this.#heardAt = Date.now();
    if (this.#isSteady || this.#by !== "webtransport" || this.#heardAt - this.#openedAt < STEADY_MS) return;
    this.#isSteady = true;
    this.#learn("good");
  }

  #lost(by: By, reason: string): void {
    this.#running.delete(by);
    // Both have to fail, and the first one hastens the second.
    if (this.#winner !== null || this.#hasFailed) return this.#end(reason);
    this.#hasFailed = true;
    clearTimeout(this.#headStart);
    if (!this.#running.has("websocket") && by === "webtransport") this.#start("websocket");
  }

  #end(reason: string): void {
    const events = this.#events;
    this.close();
    events?.closed(reason);
  }
}
