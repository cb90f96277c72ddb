import { describe, expect, it } from "vitest";
import { FONT_MAX, FONT_MIN, fontFor, zoomStep } from "../src/terminal/fit";
import { C1Filter, cleanPaste, isAnswer, isSeveralLines, safeAddress } from "../src/terminal/safe";
import { BEHIND_BYTES_MAX, Outlet, WINDOW_BYTES } from "../src/worker/credit";

describe("what an emulator emits", () => {
  it("is held back if it answers a program", () => {
    const answers = [
      "\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[0n", "\x1b[?12;40R", "\x1b[?2026;2$y", "\x1b[8;24;80t", "\x1b[I", "\x1b[O",
      "\x1bP1$r0m\x1b\\", "\x1b]10;rgb:ff/ff/ff\x1b\\", "\x1b]52;c;aGk=\x07", "\x1b[?997;1n", "\x1bP>|xterm\x1b\\",
    ];
    for (const answer of answers) expect(isAnswer(answer), JSON.stringify(answer)).toBe(true);
  });

  it("passes if it is a key or a click", () => {
    const keys = [
      "a", "\r", "\x1b", "\x1b[A", "\x1bOA", "\x1bOP", "\x1b[1;5C", "\x1b[1;2R", "\x1b[3~", "\x1b[15;5~", "\x1bP", "\x1b]", "\x1b[Z",
      "\x1b[<0;10;5M", "\x1b[<0;10;5m", "\x1b[200~text\x1b[201~", "c", "ü", "😀",
    ];
    for (const key of keys) expect(isAnswer(key), JSON.stringify(key)).toBe(false);
  });
});

describe("what a program writes", () => {
  it("has no controls that the host's emulator does not know, wherever it is cut", () => {
    const bytes = new TextEncoder().encode("a\u009b2Jb\u0085é©\u00a0\u009d0;title\u009cz");
    for (let cut = 0; cut <= bytes.length; cut++) {
      const filter = new C1Filter();
      const parts = [filter.pass(bytes.slice(0, cut)), filter.pass(bytes.slice(cut))];
      const text = new TextDecoder().decode(Uint8Array.from(parts.flatMap((part) => [...part])));
      expect(text).toBe("a\ufffd2Jb\ufffdé©\u00a0\ufffd0;title\ufffdz");
    }
  });

  it("is left alone where it has none", () => {
    const bytes = new TextEncoder().encode("日本 \x1b[1mü");
    expect(new C1Filter().pass(bytes)).toBe(bytes);
  });
});

describe("addresses", () => {
  it("open if they are http or https", () => {
    expect(safeAddress("https://a.example/b")).toBe("https://a.example/b");
    for (const bad of ["javascript:alert(1)", "file:///x", "data:text/html,x", "https://a\u202e.example", "nothing"]) {
      expect(safeAddress(bad)).toBeNull();
    }
  });

  it("show where they really lead", () => {
    // Looks like p-a-y, is not.
    expect(safeAddress("https://pаy.example/")).toBe("https://xn--py-7kc.example/");
  });
});

describe("a paste", () => {
  it("brings lines and tabs, and no keys", () => {
    expect(cleanPaste("a\r\nb\tc\x1b[201~\x03d\u009b")).toBe("a\nb\tc[201~d");
    expect(isSeveralLines("one")).toBe(false);
    expect(isSeveralLines("one\n")).toBe(true);
  });
});

describe("letters", () => {
  it("are as large as the host's screen allows, within reason", () => {
    expect(fontFor({ width: 800, height: 400 }, { width: 400, height: 400 }, 14, 1)).toBe(14);
    expect(fontFor({ width: 4_000, height: 4_000 }, { width: 400, height: 400 }, 14, 1)).toBe(FONT_MAX);
    expect(fontFor({ width: 40, height: 40 }, { width: 400, height: 400 }, 14, 1)).toBe(FONT_MIN);
    expect(fontFor({ width: 0, height: 0 }, { width: 400, height: 400 }, 14, 1)).toBe(14);
  });

  it("grow and shrink by steps", () => {
    expect(zoomStep(1, 1)).toBe(1.25);
    expect(zoomStep(1, -1)).toBe(1);
    expect(zoomStep(1.1, -1)).toBe(1);
    expect(zoomStep(4, 1)).toBe(4);
  });
});

describe("output on its way to the page", () => {
  const output = (bytes: number) => ({ kind: "output", data: new Uint8Array(bytes) }) as const;
  const keyframe = { kind: "keyframe", cols: 80, rows: 24, data: new Uint8Array(10) } as const;

  it("stops when the page has its hands full, and goes on", () => {
    const outlet = new Outlet();
    for (let i = 0; i < 3; i++) outlet.push(output(WINDOW_BYTES / 2));
    expect(outlet.take().length).toBe(2);
    expect(outlet.take().length).toBe(0);
    outlet.credit(WINDOW_BYTES / 2);
    expect(outlet.take().length).toBe(1);
  });

  it("jumps to the newest screen instead of growing without bound", () => {
    const outlet = new Outlet();
    expect(outlet.push(output(BEHIND_BYTES_MAX))).toBe("kept");
    expect(outlet.push(output(1))).toBe("skip");
    // Asked for once; what comes until then has a hole before it.
    expect(outlet.push(output(BEHIND_BYTES_MAX * 2))).toBe("kept");
    expect(outlet.take()).toEqual([]);
    outlet.push(keyframe);
    outlet.push(output(5));
    expect(outlet.take().map(({ kind }) => kind)).toEqual(["keyframe", "output"]);
  });

  it("keeps the lines above the screen, and says when it has caught up", () => {
    const past = { kind: "past", cols: 80, rows: 24, lines: new Uint8Array(9), data: new Uint8Array(5) } as const;
    const outlet = new Outlet();
    outlet.push(output(100));
    outlet.push(past);
    outlet.push(output(3));
    outlet.push({ kind: "caughtUp" });
    outlet.push(keyframe);
    expect(outlet.take()).toEqual([past, { kind: "caughtUp" }, keyframe]);
    expect(outlet.push(output(BEHIND_BYTES_MAX - 1))).toBe("kept");
    outlet.push({ kind: "caughtUp" });
    expect(outlet.push(output(2))).toBe("skip");
    expect(outlet.take()).toEqual([{ kind: "caughtUp" }]);
  });

  it("leaves out what a new screen covers", () => {
    const outlet = new Outlet();
    outlet.push(output(100));
    outlet.push(keyframe);
    expect(outlet.take()).toEqual([keyframe]);
  });
});
