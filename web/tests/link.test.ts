import { describe, expect, it } from "vitest";
import { delayMs, type LinkEvent, START, step } from "../src/worker/link";

/** Walks the machine; `chance` 1 makes delays as long as they get. */
function walk(...events: [LinkEvent, number][]) {
  let link: { state: (typeof START)["state"]; failures: number } = START;
  const actions: (string | null)[] = [];
  for (const [event, now] of events) {
    const { action, ...next } = step(link, event, now, 1);
    link = next;
    actions.push(action);
  }
  return { ...link, actions };
}

const lost = { kind: "closed", retry: true, reason: "lost" } as const;

describe("delays", () => {
  it("double from half a second up to half a minute", () => {
    expect([1, 2, 3, 4].map((attempt) => delayMs(attempt, 1))).toEqual([500, 1_000, 2_000, 4_000]);
    expect(delayMs(50, 1)).toBe(30_000);
  });

  it("are spread, so that a crowd does not come back at once", () => {
    expect(delayMs(3, 0)).toBe(1_000);
    expect(delayMs(3, 0.5)).toBe(1_500);
  });
});

describe("a link", () => {
  it("dials, opens, and waits before it dials again", () => {
    const { state, actions } = walk([{ kind: "start" }, 0], [{ kind: "opened", by: "websocket" }, 20], [lost, 100]);
    expect(actions).toEqual(["dial", null, "drop"]);
    expect(state).toEqual({ phase: "waiting", attempt: 1, retryAt: 600, reason: "lost" });
  });

  it("dials when the time has come, not before", () => {
    const begin: [LinkEvent, number][] = [[{ kind: "start" }, 0], [lost, 0]];
    expect(walk(...begin, [{ kind: "due" }, 499]).state.phase).toBe("waiting");
    expect(walk(...begin, [{ kind: "due" }, 500]).actions.at(-1)).toBe("dial");
  });

  it("waits longer after each failure, and starts over once it held", () => {
    const failing = walk([{ kind: "start" }, 0], [lost, 0], [{ kind: "due" }, 500], [lost, 500]);
    expect(failing.state).toMatchObject({ attempt: 2, retryAt: 1_500 });
    const held = walk([{ kind: "start" }, 0], [lost, 0], [{ kind: "due" }, 500], [{ kind: "opened", by: "websocket" }, 500], [lost, 20_500]);
    expect(held.state).toMatchObject({ attempt: 1, retryAt: 21_000 });
  });

  it("starts over on another network, too, once it held", () => {
    const failing: [LinkEvent, number][] = [[{ kind: "start" }, 0], [lost, 0], [{ kind: "due" }, 500], [lost, 500], [{ kind: "due" }, 1_500]];
    const open: [LinkEvent, number] = [{ kind: "opened", by: "websocket" }, 1_500];
    const later = walk(...failing, open, [{ kind: "slept", ms: 60_000 }, 90_000], [lost, 90_100]);
    expect(later.state).toMatchObject({ attempt: 1 });
    const atOnce = walk(...failing, open, [{ kind: "networkChanged" }, 1_600], [lost, 1_700]);
    expect(atOnce.state).toMatchObject({ attempt: 3 });
  });

  it("does not hammer a relay that takes it and drops it at once", () => {
    const { state } = walk(
      [{ kind: "start" }, 0],
      [{ kind: "opened", by: "websocket" }, 0],
      [lost, 10],
      [{ kind: "due" }, 510],
      [{ kind: "opened", by: "websocket" }, 520],
      [lost, 530],
    );
    expect(state).toMatchObject({ attempt: 2, retryAt: 1_530 });
  });

  it("dials at once when somebody comes back to the page", () => {
    expect(walk([{ kind: "start" }, 0], [lost, 0], [{ kind: "wake" }, 10]).actions.at(-1)).toBe("dial");
    expect(walk([{ kind: "start" }, 0], [{ kind: "opened", by: "websocket" }, 0], [{ kind: "wake" }, 10]).actions.at(-1)).toBeNull();
  });

  it("leaves a socket behind that the network or a long sleep made useless", () => {
    const open: [LinkEvent, number][] = [[{ kind: "start" }, 0], [{ kind: "opened", by: "websocket" }, 0]];
    expect(walk(...open, [{ kind: "networkChanged" }, 10]).actions.at(-1)).toBe("redial");
    expect(walk(...open, [{ kind: "slept", ms: 60_000 }, 10]).actions.at(-1)).toBe("redial");
    expect(walk(...open, [{ kind: "slept", ms: 4_000 }, 10]).actions.at(-1)).toBeNull();
  });

  it("stays over once it is over", () => {
    const over = walk(
      [{ kind: "start" }, 0],
      [{ kind: "opened", by: "websocket" }, 0],
      [{ kind: "closed", retry: false, reason: "the link was revoked" }, 5],
      [{ kind: "wake" }, 10],
      [{ kind: "networkChanged" }, 20],
    );
    expect(over.state).toEqual({ phase: "over", reason: "the link was revoked" });
    expect(over.actions.slice(3)).toEqual([null, null]);
  });
});
