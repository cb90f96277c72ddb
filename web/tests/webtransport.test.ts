import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Transport } from "../src/worker/transport";
import { WebTransportTransport } from "../src/worker/transport/webtransport";

/** The relay's end of a session, as the browser would make it. */
class FakeSession {
  static made: FakeSession[] = [];
  static onMade = () => {};
  ready = Promise.resolve();
  isClosed = false;
  #break: () => void = () => {};
  closed = new Promise<void>((resolve) => {
    this.#break = resolve;
  });
  /** What the page has written. */
  written: number[] = [];
  hasPageFinished = false;
  #toPage!: ReadableStreamDefaultController<Uint8Array>;

  constructor(
    readonly url: string,
    readonly options: { serverCertificateHashes: { algorithm: string; value: Uint8Array }[] },
  ) {
    FakeSession.made.push(this);
    FakeSession.onMade();
  }

  async createBidirectionalStream() {
    return {
      readable: new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.#toPage = controller;
        },
      }),
      writable: new WritableStream<Uint8Array>({
        write: (bytes) => {
          this.written.push(...bytes);
        },
        close: () => {
          this.hasPageFinished = true;
        },
      }),
    };
  }

  say(...bytes: number[]) {
    this.#toPage.enqueue(Uint8Array.from(bytes));
  }

  finish() {
    this.#toPage.close();
  }

  lose() {
    this.#toPage.error(new Error("Connection lost."));
    this.#break();
  }

  close() {
    this.isClosed = true;
    this.#break();
  }
}

const HASH = "00ff".repeat(16);
let log: string[];
let asked: string[];

function dial(): Transport {
  return new WebTransportTransport("https://relay.example:4433", {
    opened: (by) => log.push(`opened by ${by}`),
    received: (bytes) => log.push(`received ${[...bytes]}`),
    closed: (reason) => log.push(`closed: ${reason}`),
  });
}

/** Dials, and returns once the page has sent its first byte. */
async function reach(): Promise<[Transport, FakeSession]> {
  const transport = dial();
  await vi.waitUntil(() => FakeSession.made.at(-1)?.written.length === 1);
  return [transport, FakeSession.made.at(-1) as FakeSession];
}

const settled = (what: () => boolean) => vi.waitUntil(what);

beforeEach(() => {
  log = [];
  asked = [];
  FakeSession.made = [];
  FakeSession.onMade = () => {};
  vi.stubGlobal("WebTransport", FakeSession);
  vi.stubGlobal("fetch", async (url: URL) => {
    asked.push(String(url));
    return Response.json({ url: "https://relay.example:4433/wt", hashes: [HASH] });
  });
});
afterEach(() => vi.unstubAllGlobals());

describe("WebTransport", () => {
  it("is open when the first byte is back, and not before", async () => {
    const [transport, session] = await reach();
    expect(session.written).toEqual([0]);
    expect(log).toEqual([]);
    session.say(0, 7, 8);
    await settled(() => log.length === 2);
    expect(log).toEqual(["opened by webtransport", "received 7,8"]);
    transport.send(Uint8Array.of(1, 2));
    expect(transport.waitingBytes()).toBe(2);
    await settled(() => transport.waitingBytes() === 0);
    expect(session.written).toEqual([0, 1, 2]);
  });

  it("asks for the hashes before each dial, since they change with the relay", async () => {
    const [, session] = await reach();
    session.say(0);
    session.lose();
    await settled(() => log.length === 2);
    await reach();
    expect(asked).toEqual(["https://relay.example:4433/webtransport", "https://relay.example:4433/webtransport"]);
    const [hash] = session.options.serverCertificateHashes;
    expect(hash?.algorithm).toBe("sha-256");
    expect([...(hash?.value ?? [])].slice(0, 3)).toEqual([0, 255, 0]);
  });

  it("tells once that it broke off", async () => {
    const [, session] = await reach();
    session.say(0);
    session.lose();
    await settled(() => log.length === 2);
    expect(log).toEqual(["opened by webtransport", "closed: the connection broke off"]);
  });

  it("fails where the gateway has no such way", async () => {
    vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
    dial();
    await settled(() => log.length === 1);
    expect(log).toEqual(["closed: the relay cannot be reached"]);
    expect(FakeSession.made).toEqual([]);
  });

  it("takes nobody who answers something else", async () => {
    const [, session] = await reach();
    session.say(72, 84, 84, 80);
    await settled(() => log.length === 1);
    expect(log).toEqual(["closed: the relay speaks another language"]);
  });

  it("lets the other side read what was said last, before it takes the session away", async () => {
    const [transport, session] = await reach();
    session.say(0);
    await settled(() => log.length === 1);
    transport.send(Uint8Array.of(9));
    transport.close();
    await settled(() => session.hasPageFinished);
    expect(session.written).toEqual([0, 9]);
    expect(session.isClosed).toBe(false);
    session.finish();
    await settled(() => session.isClosed);
    expect(log).toEqual(["opened by webtransport"]);
  });

  it("opens no session when it was called off meanwhile", async () => {
    const made = vi.fn();
    FakeSession.onMade = made;
    dial().close();
    await new Promise((resolve) => setTimeout(resolve));
    expect(made).not.toHaveBeenCalled();
    expect(log).toEqual([]);
  });
});
