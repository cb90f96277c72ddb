import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Notice } from "../src/shared/messages";
import { Session } from "../src/worker/session";
import type { TransportEvents } from "../src/worker/transport";

/** A core that says what a test wants it to, and sends nothing. */
const core = vi.hoisted(() => ({ links: 0, said: [] as unknown[] }));

vi.mock("../src/worker/core", () => ({
  makeViewer: () => ({
    openLink: () => core.links++,
    closeLink: () => {},
    expectHost: () => {},
    receive: () => {},
    setTime: () => {},
    introduce: () => {},
    tick: () => {},
    leave: () => {},
    rtt: () => undefined,
    deadline: () => undefined,
    pop: () => new Uint8Array(),
    notices: () => core.said.splice(0),
    messages: () => [],
    scene: () => ({ live: false, canCommand: false, messages: 0, linked: false, me: null }),
  }),
}));

/** A transport that notes how it was closed. */
class Line {
  readonly acceptor = "host";
  readonly bound = { exporter: new Uint8Array(32), way: "lan" as const };
  readonly ends: string[] = [];

  constructor(readonly events: TransportEvents) {}

  waitingBytes = () => 0;
  send = () => {};
  giveUp = () => this.ends.push("given up");
  close = () => this.ends.push("closed");
}

function begin() {
  const lines: Line[] = [];
  const dial = (events: TransportEvents) => {
    const line = new Line(events);
    lines.push(line);
    return line;
  };
  const join = { kind: "join", link: "", words: null, name: "Ann", colour: 0, gateway: "http://127.0.0.1:1/" } as const;
  const session = new Session(join, dial, () => {});
  const hear = (line: Line, ...said: Notice[]) => {
    core.said.push(...said);
    line.events.received(new Uint8Array());
  };
  return { session, lines, hear };
}

describe("a session", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    core.links = 0;
    core.said = [];
  });
  afterEach(() => vi.useRealTimers());

  it("gives up whoever never proved to be the host", () => {
    const { lines, hear } = begin();
    lines[0]!.events.opened("websocket");
    hear(lines[0]!, { kind: "unlinked", link: 0, reason: "too slow", retry: true });
    expect(lines[0]!.ends[0]).toBe("given up");
  });

  it("does not hold against a host that it says goodbye", () => {
    // Its program would pass the way to it over for a while.
    const { lines, hear } = begin();
    lines[0]!.events.opened("websocket");
    hear(lines[0]!, { kind: "linked", link: 0 });
    hear(lines[0]!, { kind: "unlinked", link: 0, reason: "going away", retry: true });
    expect(lines[0]!.ends).toEqual(["closed"]);

    // What one connection has proven says nothing of the next.
    vi.advanceTimersByTime(1_000);
    lines[1]!.events.opened("websocket");
    hear(lines[1]!, { kind: "unlinked", link: 1, reason: "the other side saw a protocol violation", retry: true });
    expect(lines[1]!.ends[0]).toBe("given up");
  });

  it("opens another connection on another network, so that the best way there is found", () => {
    const { session, lines, hear } = begin();
    lines[0]!.events.opened("websocket");
    hear(lines[0]!, { kind: "linked", link: 0 });
    session.handle({ kind: "wake", reason: "visible" });
    expect(lines).toHaveLength(1);
    session.handle({ kind: "wake", reason: "online" });
    expect(lines).toHaveLength(2);
    expect(lines[0]!.ends).toEqual(["closed"]);
  });
});
