// The same bytes over HTTP/3, on one bidirectional stream that the page opens. PROTOCOL.md 10.2.

import { DIAL_MS_MAX, type Transport, type TransportEvents } from "../transport";

/** What a gateway tells of its way by WebTransport. */
interface Offer {
  url: string;
  hashes: string[];
}

/** First byte on the stream, both ways: when it is back, bytes come through. */
const PROBE = 0;
/** How long the other side may take to read what was sent last. */
const FAREWELL_MS = 1_000;

/** Says whether a browser's WebTransport is to be trusted with a session. */
export function takesWebTransport(userAgent: string): boolean {
  // WebKit's stops delivering in the middle of sessions. On iOS all browsers are it, whatever they are called.
  const isWebKit = userAgent.includes("AppleWebKit/") && !/Chrom(e|ium)\//.test(userAgent);
  return typeof WebTransport === "function" && !isWebKit;
}

export class WebTransportTransport implements Transport {
  readonly acceptor: string;
  readonly bound = null;
  #events: TransportEvents | null;
  #dialling: ReturnType<typeof setTimeout>;
  /** Ends the question to the gateway, and in time whatever came of it. */
  #over = new AbortController();
  #session: WebTransport | null = null;
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | null = null;
  /** Settles when the other side says no more. */
  #heard: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(page: string, events: TransportEvents) {
    this.acceptor = page;
    this.#events = events;
    this.#dialling = setTimeout(() => this.#end("the relay does not answer"), DIAL_MS_MAX);
    this.#dial(page).catch(() => this.#end("the relay cannot be reached"));
  }

  waitingBytes(): number {
    return this.#waiting;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#writer === null) return;
    this.#waiting += bytes.length;
    this.#writer.write(bytes).then(
      () => {
        this.#waiting -= bytes.length;
      },
      () => this.#end("the connection broke off"),
    );
  }

  giveUp(): void {
    this.close();
  }

  close(): void {
    clearTimeout(this.#dialling);
    this.#events = null;
    this.#over.abort();
    const session = this.#session;
    const writer = this.#writer;
    this.#session = null;
    this.#writer = null;
    if (session === null) return;
    if (writer === null) return session.close();
    // A session that is closed takes along what was not read yet: who has read everything ends its own direction.
    const late = new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
    const said = writer.close().then(() => this.#heard);
    Promise.race([said, late]).then(
      () => session.close(),
      () => session.close(),
    );
  }

  async #dial(page: string): Promise<void> {
    // Certificates change with time and with every start of a relay: what was told before may lead nowhere.
    const offer = await ask(page, this.#over.signal);
    if (this.#events === null) return;
    const session = new WebTransport(offer.url, {
      serverCertificateHashes: offer.hashes.map((hash) => ({ algorithm: "sha-256", value: bytesOf(hash) })),
    });
    this.#session = session;
    session.closed.then(
      () => this.#end("the connection broke off"),
      () => this.#end("the connection broke off"),
    );
    await session.ready;
    const stream = await session.createBidirectionalStream();
    if (this.#events === null) return;
    const writer = stream.writable.getWriter() as WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
    this.#writer = writer;
    this.#heard = this.#read(stream.readable as ReadableStream<Uint8Array>);
    await writer.write(Uint8Array.of(PROBE));
  }

  async #read(readable: ReadableStream<Uint8Array>): Promise<void> {
    const reader = readable.getReader();
    let isProven = false;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        let bytes = value;
        if (!isProven && bytes.length > 0) {
          if (bytes[0] !== PROBE) return this.#end("the relay speaks another language");
          isProven = true;
          bytes = bytes.subarray(1);
          clearTimeout(this.#dialling);
          this.#events?.opened("webtransport");
        }
        if (bytes.length > 0) this.#events?.received(bytes);
      }
    } catch {
      // How it ended says nothing that its end does not.
    }
    this.#end("the connection broke off");
  }

  #end(reason: string): void {
    const events = this.#events;
    if (events === null) return;
    this.close();
    events.closed(reason);
  }
}

/** Asks the gateway how to come by WebTransport; throws if it has no such way. */
async function ask(page: string, signal: AbortSignal): Promise<Offer> {
  const response = await fetch(new URL("webtransport", page), { cache: "no-store", credentials: "omit", signal });
  if (!response.ok) throw new Error(`no WebTransport here: ${response.status}`);
  return (await response.json()) as Offer;
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
