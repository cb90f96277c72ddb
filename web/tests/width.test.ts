import { afterEach, describe, expect, it } from "vitest";
import { AS_HOST, setWidths, widthOf } from "../src/terminal/width";

const LIST = Uint32Array.of(0, 1, 0x300, 0, 0x370, 1, 0x1100, 2, 0x1160, 0, 0x1200, 1, 0x1f300, 2, 0x1fb00, 1);

describe("widths of characters", () => {
  afterEach(() => setWidths(Uint32Array.of(0, 1)));

  it("are the host's, from each code point of its list on", () => {
    setWidths(LIST);
    const widths = [0x41, 0x2ff, 0x300, 0x36f, 0x370, 0x10ff, 0x1100, 0x115f, 0x1160, 0x1f600, 0x1faff, 0x10ffff];
    expect(widths.map(widthOf)).toEqual([1, 1, 0, 0, 1, 1, 2, 2, 0, 2, 2, 1]);
  });

  it("are one before the list has come", () => {
    expect([0x41, 0x301, 0x1f600].map(widthOf)).toEqual([1, 1, 1]);
  });

  it("are kept when a mark joins what stands before it", () => {
    setWidths(LIST);
    const wide = AS_HOST.charProperties(0x1f600, 0);
    const narrow = AS_HOST.charProperties(0x41, wide);
    const facts = (properties: number) => ({ joins: properties & 1, width: (properties >> 1) & 3 });
    expect(facts(AS_HOST.charProperties(0x301, wide))).toEqual({ joins: 1, width: 2 });
    expect(facts(AS_HOST.charProperties(0x301, narrow))).toEqual({ joins: 1, width: 1 });
    expect(facts(AS_HOST.charProperties(0x301, 0))).toEqual({ joins: 0, width: 0 });
  });
});
