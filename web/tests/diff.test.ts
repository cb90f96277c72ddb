import { describe, expect, it } from "vitest";
import { apply, codePointsBefore, diff, moved, rebase, unitsBefore } from "../src/shared/diff";

describe("a difference", () => {
  it("is the smallest single edit", () => {
    expect(diff("one three", "one two three")).toEqual({ position: 5, remove: 0, insert: "wo t" });
    expect(diff("same", "same")).toBeNull();
    expect(diff("", "all")).toEqual({ position: 0, remove: 0, insert: "all" });
  });

  it("counts characters, not halves of them", () => {
    expect(diff("a😀c", "a😀bc")).toEqual({ position: 2, remove: 0, insert: "b" });
    // Both begin with the same half.
    expect(diff("😀", "😁")).toEqual({ position: 0, remove: 1, insert: "😁" });
  });

  it("leads from one text to the other, whatever they are", () => {
    const texts = ["", "a", "aa", "aba", "abba", "😀a😀", "line\nline\n", "line\n\nline"];
    for (const before of texts) {
      for (const after of texts) {
        const edit = diff(before, after);
        expect(edit === null ? before : apply(before, edit)).toBe(after);
      }
    }
  });
});

describe("an edit that others were quicker than", () => {
  it("moves along with what was written before it", () => {
    const edit = { position: 3, remove: 0, insert: "!" };
    expect(apply("xxabc", rebase(edit, "abc", "xxabc"))).toBe("xxabc!");
  });

  it("stays where it is when others wrote behind it", () => {
    const edit = { position: 0, remove: 1, insert: "A" };
    expect(apply("abcd", rebase(edit, "abc", "abcd"))).toBe("Abcd");
  });

  it("removes nothing that others removed already", () => {
    const edit = { position: 1, remove: 3, insert: "" };
    expect(apply("aef", rebase(edit, "abcdef", "aef"))).toBe("aef");
  });

  it("keeps what others wrote inside of what it removes", () => {
    const edit = diff("one two three", "one") ?? { position: 0, remove: 0, insert: "" };
    expect(apply("one two NEW three", rebase(edit, "one two three", "one two NEW three"))).toContain("NEW");
  });
});

describe("a place", () => {
  it("is kept when a text changes around it", () => {
    const edit = { position: 2, remove: 3, insert: "xy" };
    expect([1, 2, 3, 5, 9].map((place) => moved(place, edit))).toEqual([1, 2, 4, 4, 8]);
  });

  it("translates between characters and a text field's units", () => {
    expect(codePointsBefore("😀ab", 3)).toBe(2);
    expect(unitsBefore("😀ab", 2)).toBe(3);
  });
});
