import { describe, expect, it } from "vitest";
import type { Member } from "../src/shared/messages";
import { initials, inOrder, remember, typingSentence } from "../src/state/people";
import { cleanName, NAME_BYTES_MAX } from "../src/state/settings";

const member = (name: string, more: Partial<Member> = {}): Member => ({
  author: name, name, colour: 0, isMe: false, isHost: false, canType: false, typing: false, focus: null, cursor: null,
  notesCursor: null, share: "", ...more,
});

describe("people", () => {
  it("have initials, whatever their script", () => {
    const names = ["Ann", "ann b. clark", "ann-marie", "", "李雷", "👩‍👩‍👧 fam", "élan vital"];
    expect(names.map(initials)).toEqual(["A", "AC", "AM", "?", "李", "👩‍👩‍👧F", "ÉV"]);
  });

  it("stand in order: me, the host, the others by name", () => {
    const all = [member("Zoe"), member("Host", { isHost: true }), member("Ann"), member("Me", { isMe: true })];
    expect(inOrder(all).map(({ name }) => name)).toEqual(["Me", "Host", "Ann", "Zoe"]);
  });

  it("are remembered after they left, and nothing changes when nothing did", () => {
    const known = remember(new Map(), [member("Ann")]);
    expect(remember(known, [])).toBe(known);
    expect(remember(known, [member("Ann")])).toBe(known);
    expect(remember(known, [member("Bob")]).size).toBe(2);
  });

  it("are named while they type", () => {
    const typing = (...names: string[]) => typingSentence(names.map((name) => member(name, { typing: true })));
    expect(typing()).toBe("");
    expect(typing("Ann")).toBe("Ann is typing…");
    expect(typing("Ann", "Bob")).toBe("Ann and Bob are typing…");
    expect(typing("Ann", "Bob", "Cy")).toBe("Ann and 2 others are typing…");
  });
});

describe("names", () => {
  it("are one visible line of a bounded length", () => {
    expect(cleanName("  a\n\tb\u202e ")).toBe("a b");
    const long = cleanName("😀".repeat(40));
    expect(new TextEncoder().encode(long).length).toBeLessThanOrEqual(NAME_BYTES_MAX);
    expect(long).toBe("😀".repeat(16));
  });
});
