import { describe, expect, it } from "vitest";
import { shareable } from "../src/shared/address";
import type { Command, LinkLine, Pane, Scene } from "../src/shared/messages";
import { commandOf, isAsked, linksInOrder, NO_OWNER, outcome, policyAsked, reduceOwner, spell, waitingCount } from "../src/state/owner";

const make: Command = { do: "makeLink", mayType: false, lastsS: 60, membersMax: 0, approve: true, once: false };
const line = (share: string, more: Partial<LinkLine> = {}): LinkLine => ({
  share, access: "view", expires: 100, membersMax: null, passphrase: false, approve: false, once: false, isClosed: false,
  isMine: false, passedOn: false, here: 0, ...more,
});

describe("an owner", () => {
  it("sees the link that was asked for, once, and can put it away", () => {
    let owner = reduceOwner(NO_OWNER, { kind: "commanded", id: 1, command: make });
    expect(isAsked(owner, { do: "makeLink" })).toBe(true);
    const answered = { kind: "answered", id: 1, answer: { what: "made", link: "https://x/j#t", share: "s" } } as const;
    owner = reduceOwner(owner, answered);
    expect(owner.made).toEqual({ link: "https://x/j#t", share: "s", terms: make });
    expect(owner.asked.size).toBe(0);
    owner = reduceOwner(owner, { kind: "madeSeen" });
    expect(reduceOwner(owner, answered)).toBe(owner);
  });

  it("sees a link that was made after nobody waited for it any more", () => {
    let owner = reduceOwner(NO_OWNER, { kind: "commanded", id: 1, command: make });
    owner = reduceOwner(owner, { kind: "unanswered", id: 1 });
    expect(isAsked(owner, { do: "makeLink" })).toBe(false);
    expect(commandOf(owner, 1)).toBe(make);
    owner = reduceOwner(owner, { kind: "answered", id: 1, answer: { what: "made", link: "https://x/j#t", share: "s" } });
    expect(owner.made?.link).toBe("https://x/j#t");
    expect(commandOf(owner, 1)).toBeUndefined();
  });

  it("is told what was not done, and by what name", () => {
    const kick: Command = { do: "kick", member: "ab" };
    expect(outcome(kick, { what: "not", reason: "it is gone already" }, () => "Ben")).toBe("Not done: it is gone already.");
    expect(outcome(kick, { what: "done" }, () => "Ben")).toContain("Ben was removed");
    expect(outcome(make, { what: "made", link: "", share: "" }, () => "")).toBeNull();
  });

  it("has nothing to decide after the end", () => {
    const desk = { waiting: ["a"], wishes: [], lines: [] };
    const owner = reduceOwner(NO_OWNER, { kind: "desk", desk });
    expect(waitingCount(owner)).toBe(1);
    expect(waitingCount(reduceOwner(owner, { kind: "ended", how: "revoked", text: "" }))).toBe(0);
  });

  it("sees what it chose until the host has answered", () => {
    const choose: Command = { do: "setPolicy", pane: 1, policy: "one" };
    const owner = reduceOwner(NO_OWNER, { kind: "commanded", id: 1, command: choose });
    expect([policyAsked(owner, 1), policyAsked(owner, 2)]).toEqual(["one", null]);
    // The answer comes before the terminals show it.
    const answered = reduceOwner(owner, { kind: "answered", id: 1, answer: { what: "done" } });
    expect(policyAsked(answered, 1)).toBe("one");
    const pane: Pane = { pane: 1, title: "", command: "", cols: 80, rows: 24, exit: null, policy: "one", driver: null };
    const shown = reduceOwner(answered, { kind: "scene", edits: 0, scene: { panes: [pane] } as unknown as Scene });
    expect(policyAsked(shown, 1)).toBeNull();
    const refused = reduceOwner(owner, { kind: "answered", id: 1, answer: { what: "not", reason: "gone" } });
    expect(policyAsked(refused, 1)).toBeNull();
  });

  it("sees open links before those that are over", () => {
    const { open, over } = linksInOrder([line("a"), line("b", { isClosed: true }), line("c", { expires: 10 }), line("d")], 50);
    expect([open.map(({ share }) => share), over.map(({ share }) => share)]).toEqual([["d", "a"], ["c", "b"]]);
  });

  it("passes on links that lead to where this page is", () => {
    const place = { origin: "http://10.0.0.2:8080", host: "10.0.0.2:8080", pathname: "/j" };
    expect(shareable("https://10.0.0.2:8080/j#chr1x", place)).toBe("http://10.0.0.2:8080/j#chr1x");
    expect(shareable("cahoots://join#chr1x", place)).toBe("http://10.0.0.2:8080/j#chr1x");
    expect(shareable("https://relay.example/j#chr1x&fp=00", place)).toBe("https://relay.example/j#chr1x&fp=00");
    const own = { origin: "http://127.0.0.1:99", host: "127.0.0.1:99", pathname: "/secret/j" };
    expect(shareable("https://127.0.0.1:99/j#chr1x", own)).toBe("cahoots://join#chr1x");
  });

  it("reads times as people say them", () => {
    expect([30_000, 3_600_000, 86_400_000, 7 * 86_400_000].map(spell)).toEqual(["1 min", "60 min", "24 h", "7 days"]);
  });
});
