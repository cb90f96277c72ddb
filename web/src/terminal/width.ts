// How many columns a character takes: the host's count, told by the core, since a line on which two emulators differ is
// torn from there on. An emulator of its own goes by the Unicode of 2010, in which pictures are narrow.

import type { IUnicodeVersionProvider } from "@xterm/xterm";

let starts: Uint32Array = new Uint32Array([0]);
let columns: Uint8Array = new Uint8Array([1]);

/** Takes the core's list: code points in order, each followed by the columns taken from there on. */
export function setWidths(changes: Uint32Array): void {
  starts = changes.filter((_, index) => index % 2 === 0);
  columns = Uint8Array.from(changes.filter((_, index) => index % 2 === 1));
}

export function widthOf(codePoint: number): 0 | 1 | 2 {
  if (codePoint < 0x300) return 1;
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= codePoint) low = middle;
    else high = middle - 1;
  }
  return columns[low] as 0 | 1 | 2;
}

// What xterm keeps of a character in one number: whether it joins the one before it, and how wide both are then.
const widthIn = (properties: number) => (properties >> 1) & 3;
const properties = (width: number, joins: boolean) => (width << 1) | Number(joins);

/** The host's count, as xterm asks for it. */
export const AS_HOST: IUnicodeVersionProvider = {
  version: "host",
  wcwidth: widthOf,
  charProperties(codePoint, before) {
    const width = widthOf(codePoint);
    const joins = width === 0 && widthIn(before) > 0;
    return properties(joins ? widthIn(before) : width, joins);
  },
};
