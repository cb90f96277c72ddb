import { describe, expect, it } from "vitest";
import { find, nearest, PLACES_MAX, type Row } from "../src/terminal/find";
import { columnsFor } from "../src/state/tiles";

/** Rows as a terminal of `cols` columns has them; "»" at the begin says that a row goes on. */
function rows(...texts: string[]): (index: number) => Row | undefined {
  return (index) => {
    const text = texts[index];
    if (text === undefined) return undefined;
    const goesOn = text.startsWith("»");
    const shown = goesOn ? text.slice(1) : text;
    return {
      text: shown,
      goesOn,
      columns: () => {
        let column = 0;
        return [...shown].flatMap((char) => {
          const at = column;
          column += /[\u3000-\u9fff]/.test(char) ? 2 : 1;
          return Array(char.length).fill(at) as number[];
        });
      },
    };
  };
}

describe("finding", () => {
  it("looks away from case, and over rows that go on", () => {
    const all = rows("an Error ", "and erro", "»r again", "none");
    expect(find(all, 9, "ERROR")).toEqual([{ row: 0, col: 3, cells: 5 }, { row: 1, col: 4, cells: 6 }]);
    expect(find(all, 9, "")).toEqual([]);
  });

  it("counts cells, not characters", () => {
    expect(find(rows("李雷 x"), 20, "雷")).toEqual([{ row: 0, col: 2, cells: 2 }]);
    expect(find(rows("👍 ok"), 20, "ok")).toEqual([{ row: 0, col: 2, cells: 2 }]);
  });

  it("does not count without end", () => {
    expect(find(rows(...Array<string>(30).fill("a".repeat(80))), 80, "a")).toHaveLength(PLACES_MAX);
  });

  it("begins where somebody looks, and upwards from there", () => {
    const places = [3, 8, 20].map((row) => ({ row, col: 0, cells: 1 }));
    expect([0, 8, 9, 30].map((row) => nearest(places, row))).toEqual([0, 1, 1, 2]);
  });
});

describe("tiles", () => {
  it("stand as they are seen largest", () => {
    const size = { cols: 80, rows: 24 };
    expect(columnsFor(1, { width: 1_000, height: 700 }, size)).toBe(1);
    expect(columnsFor(2, { width: 1_400, height: 500 }, size)).toBe(2);
    expect(columnsFor(2, { width: 800, height: 900 }, size)).toBe(1);
    expect(columnsFor(4, { width: 1_400, height: 800 }, size)).toBe(2);
  });
});
