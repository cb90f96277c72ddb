import { describe, expect, it } from "vitest";
import { cutAt } from "../src/state/carets";

describe("carets", () => {
  it("stand between characters as people count them", () => {
    expect(cutAt("a👍b", [2, 0, 2])).toEqual([
      { text: "", who: 1 },
      { text: "a👍", who: null },
      { text: "", who: 0 },
      { text: "", who: 2 },
      { text: "b", who: null },
    ]);
  });

  it("stand at the end where the text is shorter by now", () => {
    expect(cutAt("ab", [9])).toEqual([{ text: "ab", who: null }, { text: "", who: 0 }]);
    expect(cutAt("", [])).toEqual([]);
  });
});
