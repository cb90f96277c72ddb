import { describe, expect, it } from "vitest";
import type { Line } from "../src/shared/messages";
import { type Chat, hits, NO_CHAT, parts, reduceChat, search, timeline, unread } from "../src/state/chat";

const line = (n: number, more: Partial<Line> = {}): Line => ({
  author: "ann", name: "Ann", n, isMine: false, isReaction: false, time: 1_000 * n, text: `line ${n}`, reply: null, ...more,
});
const chat = (...lines: Line[]): Chat => reduceChat(reduceChat(NO_CHAT, { kind: "joinAsked", time: 0 }), { kind: "chat", whole: false, from: 0, lines });

describe("finding in the chat", () => {
  it("looks at what was said and who said it, and marks it", () => {
    const both = chat(line(1, { text: "The Width test" }), line(2, { name: "Bob" }));
    expect(search(both, "width")).toHaveLength(1);
    expect(search(both, "bob")).toHaveLength(1);
    expect(hits("a Width, width", "width").filter(({ isHit }) => isHit)).toHaveLength(2);
    expect(hits("a Width, width", "width").map(({ text }) => text).join("")).toBe("a Width, width");
  });
});

describe("the chat", () => {
  it("takes its end again from where it changed", () => {
    const grown = reduceChat(chat(line(1), line(2)), { kind: "chat", whole: false, from: 1, lines: [line(5), line(2)] });
    expect(grown.lines.map(({ n }) => n)).toEqual([1, 5, 2]);
  });

  it("begins later once the oldest lines are left out", () => {
    const later = reduceChat({ ...NO_CHAT, from: 10, lines: [line(10), line(11)] }, { kind: "chat", whole: false, from: 11, lines: [line(11), line(12)] });
    expect(later.from).toBe(10);
    expect(later.lines.map(({ n }) => n)).toEqual([10, 11, 12]);
  });

  it("begins where it is sent from, and doubles nothing after it", () => {
    const last = (from: number, count: number) => Array.from({ length: count }, (_, index) => line(from + index));
    let now = reduceChat(NO_CHAT, { kind: "chat", whole: true, from: 500, lines: last(500, 2_000) });
    now = reduceChat(now, { kind: "chat", whole: false, from: 2_450, lines: last(2_450, 51) });
    expect([now.from, now.lines.length, now.lines.at(-1)?.n]).toEqual([501, 2_000, 2_500]);
    expect(new Set(now.lines.map(({ n }) => n)).size).toBe(2_000);
    // After a long time away there is a hole.
    now = reduceChat(now, { kind: "chat", whole: false, from: 3_000, lines: last(3_000, 10) });
    expect([now.from, now.lines.length]).toEqual([3_000, 10]);
  });

  it("forgets what had other numbers before", () => {
    let now = reduceChat(chat(line(1), line(2), line(3)), { kind: "chatSeen" });
    now = reduceChat(now, { kind: "chat", whole: true, from: 0, lines: [line(3)] });
    expect(now.lines.map(({ n }) => n)).toEqual([3]);
    now = reduceChat(now, { kind: "chat", whole: false, from: 0, lines: [line(3), line(4)] });
    expect(unread(now)).toBe(1);
  });

  it("counts what others said since one came, until it was seen", () => {
    let now = reduceChat(NO_CHAT, { kind: "joinAsked", time: 1_500 });
    now = reduceChat(now, { kind: "chat", whole: false, from: 0, lines: [line(1), line(2), line(3, { isMine: true }), line(4)] });
    expect(unread(now)).toBe(2);
    now = reduceChat(now, { kind: "chatSeen" });
    expect(unread(now)).toBe(0);
    now = reduceChat(now, { kind: "chat", whole: false, from: 4, lines: [line(5)] });
    expect(unread(now)).toBe(1);
  });

  it("puts who came where it happened, and lines of one author together", () => {
    let now = chat(line(1), line(2));
    now = reduceChat(now, { kind: "joined", author: "bob", time: 2_500 });
    now = reduceChat(now, { kind: "chat", whole: false, from: 0, lines: [line(1), line(2), line(3)] });
    const shown = timeline(now).map((entry) => (entry.kind === "line" ? `${entry.line.n}${entry.goesOn ? "+" : ""}` : entry.kind));
    expect(shown).toEqual(["day", "1", "2+", "passing", "3"]);
  });

  it("keeps no endless list of who came and went", () => {
    let now = NO_CHAT;
    for (let time = 0; time < 500; time++) now = reduceChat(now, { kind: "joined", author: "bob", time });
    expect(now.passings.length).toBe(200);
    expect(now.passings.at(-1)?.time).toBe(499);
  });
});

describe("addresses in a message", () => {
  it("are found without the sentence around them", () => {
    expect(parts("see https://a.example/x?y=1, or (http://b.example/).")).toEqual([
      { text: "see ", href: null },
      { text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
      { text: ", or (", href: null },
      { text: "http://b.example/", href: "http://b.example/" },
      { text: ").", href: null },
    ]);
  });

  it("are http or https, and nothing else", () => {
    for (const text of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "plain"]) {
      expect(parts(text)).toEqual([{ text, href: null }]);
    }
  });
});
