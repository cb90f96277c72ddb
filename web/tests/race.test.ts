import { beforeEach, describe, expect, it, vi } from "vitest";
import type { By, Transport, TransportEvents, Way } from "../src/worker/transport";
import { Dialler, HEAD_START_MS, STEADY_MS } from "../src/worker/transport/race";
import { takesWebTransport } from "../src/worker/transport/webtransport";

/** An attempt by one way, which does what the test says. */
interface Attempt {
  by: By;
  events: TransportEvents;
  isClosed: boolean;
  sent: number;
}

function track(only: By | null = null) {
  const attempts: Attempt[] = [];
  const way =
    (by: By): Way =>
    (acceptor, events): Transport => {
      const attempt: Attempt = { by, events, isClosed: false, sent: 0 };
      attempts.push(attempt);
      return {
        acceptor,
        bound: null,
        giveUp: () => {
          attempt.isClosed = true;
        },
        waitingBytes: () => attempt.sent,
        send: (bytes) => {
          attempt.sent += bytes.length;
        },
        close: () => {
          attempt.isClosed = true;
        },
      };
    };
  const dialler = new Dialler({ webtransport: way("webtransport"), websocket: way("websocket") }, only);
  const log: string[] = [];
  const dial = () =>
    dialler.dial("https://relay.example", {
      opened: (by) => log.push(`opened by ${by}`),
      received: (bytes) => log.push(`received ${bytes.length}`),
      closed: (reason) => log.push(`closed: ${reason}`),
    });
  /** Returns the newest attempt by a way. */
  const last = (by: By) => attempts.filter((attempt) => attempt.by === by).at(-1) as Attempt;
  const ways = () => attempts.map((attempt) => attempt.by);
  return { dialler, dial, log, last, ways };
}

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

describe("a race", () => {
  it("leaves WebSocket alone when WebTransport is quick", () => {
    const { dial, log, last, ways } = track();
    const transport = dial();
    vi.advanceTimersByTime(HEAD_START_MS - 1);
    last("webtransport").events.opened("webtransport");
    vi.advanceTimersByTime(60_000);
    expect(ways()).toEqual(["webtransport"]);
    transport.send(new Uint8Array(7));
    last("webtransport").events.received(new Uint8Array(3));
    expect(last("webtransport").sent).toBe(7);
    expect(transport.waitingBytes()).toBe(7);
    expect(log).toEqual(["opened by webtransport", "received 3"]);
  });

  it("is won by WebSocket where UDP falls into a black hole", () => {
    const { dial, log, last, ways } = track();
    const transport = dial();
    vi.advanceTimersByTime(HEAD_START_MS);
    expect(ways()).toEqual(["webtransport", "websocket"]);
    last("websocket").events.opened("websocket");
    expect(last("webtransport").isClosed).toBe(true);
    transport.send(new Uint8Array(5));
    expect(last("websocket").sent).toBe(5);
    expect(log).toEqual(["opened by websocket"]);
  });

  it("does not wait for the head start to end once WebTransport has failed", () => {
    const { dial, log, last, ways } = track();
    dial();
    last("webtransport").events.closed("the relay cannot be reached");
    expect(ways()).toEqual(["webtransport", "websocket"]);
    last("websocket").events.opened("websocket");
    expect(log).toEqual(["opened by websocket"]);
  });

  it("is kept by whoever opens first, though the other is slow only", () => {
    const { dial, log, last } = track();
    dial();
    vi.advanceTimersByTime(HEAD_START_MS);
    last("webtransport").events.opened("webtransport");
    expect(last("websocket").isClosed).toBe(true);
    expect(log).toEqual(["opened by webtransport"]);
  });

  it("ends once, when both have failed", () => {
    const { dial, log, last } = track();
    dial();
    vi.advanceTimersByTime(HEAD_START_MS);
    last("websocket").events.closed("the relay cannot be reached");
    expect(log).toEqual([]);
    last("webtransport").events.closed("the relay does not answer");
    expect(log).toEqual(["closed: the relay does not answer"]);
  });

  it("starts nothing after it was called off", () => {
    const { dial, log, last, ways } = track();
    dial().close();
    expect(last("webtransport").isClosed).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(ways()).toEqual(["webtransport"]);
    expect(log).toEqual([]);
  });
});

describe("a dialler", () => {
  it("leaves WebTransport alone after it was beaten twice in a row, until the network is another one", () => {
    const { dialler, dial, last, ways } = track();
    for (let round = 0; round < 2; round += 1) {
      dial();
      vi.advanceTimersByTime(HEAD_START_MS);
      last("websocket").events.opened("websocket");
    }
    dial();
    expect(ways()).toEqual(["webtransport", "websocket", "webtransport", "websocket", "websocket"]);
    dialler.forget();
    dial();
    expect(ways().at(-1)).toBe("webtransport");
  });

  it("does not hold it against WebTransport that the relay was away", () => {
    const { dial, last, ways } = track();
    for (let round = 0; round < 5; round += 1) {
      dial();
      last("webtransport").events.closed("the relay cannot be reached");
      last("websocket").events.closed("the relay cannot be reached");
    }
    dial();
    expect(ways().at(-1)).toBe("webtransport");
  });

  it("does not hold it against WebTransport that a relay was restarted", () => {
    const { dial, last, ways } = track();
    for (let round = 0; round < 5; round += 1) {
      dial();
      last("webtransport").events.opened("webtransport");
      last("webtransport").events.closed("the connection broke off");
    }
    expect(ways()).not.toContain("websocket");
  });

  it("leaves WebTransport alone that falls silent twice, whoever notices, unless it has held meanwhile", () => {
    const { dial, last, ways } = track();
    const falls = (notice: "browser" | "core", heardAfter: number) => {
      const transport = dial();
      last("webtransport").events.opened("webtransport");
      vi.advanceTimersByTime(heardAfter);
      last("webtransport").events.received(new Uint8Array(1));
      vi.advanceTimersByTime(15_000);
      if (notice === "core") transport.close();
      else last("webtransport").events.closed("the connection broke off");
    };
    falls("core", STEADY_MS - 1);
    falls("browser", STEADY_MS);
    dial().close();
    expect(ways()).not.toContain("websocket");
    falls("browser", 20);
    dial();
    expect(ways().at(-1)).toBe("websocket");
  });

  it("has no choice where there is one way only", () => {
    const { dial, log, last, ways } = track("websocket");
    dial();
    vi.advanceTimersByTime(60_000);
    expect(ways()).toEqual(["websocket"]);
    last("websocket").events.closed("the relay cannot be reached");
    expect(log).toEqual(["closed: the relay cannot be reached"]);
  });
});

describe("WebTransport", () => {
  it("is taken of Chromium and Firefox, and of no WebKit by whatever name", () => {
    vi.stubGlobal("WebTransport", class {});
    const chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
    const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
    const safari = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.4 Safari/605.1.15";
    const ios = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/156.0 Mobile/15E148 Safari/604.1";
    expect([chromium, firefox, safari, ios].map(takesWebTransport)).toEqual([true, true, false, false]);
    vi.unstubAllGlobals();
    expect(takesWebTransport(chromium)).toBe(false);
  });
});
