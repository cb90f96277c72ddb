// What a program's output may do in a viewer: be seen, and nothing else. It asks the terminal for nothing that would be
// answered, sets no title, reads and writes no clipboard, and opens no address by itself.

import type { IDisposable, Terminal } from "@xterm/xterm";

/** OSC numbers that stay: 8 is a link, which is asked about before it opens. */
const OSC_KEPT = new Set([8]);
const OSC_MAX = 2_048;

/** Sequences that terminals answer, by prefix, intermediates and final. */
const ASKING = [
  { final: "c" },
  { prefix: "?", final: "c" },
  { prefix: ">", final: "c" },
  { prefix: "=", final: "c" },
  { final: "n" },
  { prefix: "?", final: "n" },
  { prefix: ">", final: "n" },
  { final: "x" },
  { final: "t" },
  { prefix: ">", final: "t" },
  { prefix: ">", final: "q" },
  { prefix: "?", final: "u" },
  { prefix: ">", final: "u" },
  { prefix: "<", final: "u" },
  { prefix: "=", final: "u" },
  { prefix: ">", final: "m" },
  { prefix: "?", final: "m" },
  { prefix: "?", final: "S" },
  { intermediates: "$", final: "p" },
  { prefix: "?", intermediates: "$", final: "p" },
  { intermediates: "$", final: "w" },
  { intermediates: "*", final: "y" },
  { intermediates: "$", final: "u" },
  { intermediates: "&", final: "u" },
];

const ASKING_STRINGS = [
  { intermediates: "$", final: "q" },
  { intermediates: "+", final: "q" },
  { intermediates: "+", final: "p" },
  { intermediates: "$", final: "t" },
  { final: "q" },
  { final: "{" },
  { final: "|" },
];

/** Makes a terminal swallow all of that. */
export function tame(terminal: Terminal): IDisposable[] {
  const swallow = () => true;
  const tamed: IDisposable[] = [];
  for (let number = 0; number < OSC_MAX; number++) {
    if (!OSC_KEPT.has(number)) tamed.push(terminal.parser.registerOscHandler(number, swallow));
  }
  for (const id of ASKING) tamed.push(terminal.parser.registerCsiHandler(id, swallow));
  for (const id of ASKING_STRINGS) tamed.push(terminal.parser.registerDcsHandler(id, swallow));
  // DECID, the oldest way to ask.
  tamed.push(terminal.parser.registerEscHandler({ final: "Z" }, swallow));
  return tamed;
}

/** How U+0080 and its like begin in UTF-8, and what is drawn in their place. */
const C1_LEAD = 0xc2;
const C1_LAST = 0x9f;
const REPLACEMENT = [0xef, 0xbf, 0xbd];

/**
 * Takes the controls U+0080 to U+009F out of a stream of UTF-8: xterm obeys them, the host's emulator knows none and
 * draws U+FFFD, so that a program could show viewers something else than what the host sees. Raw bytes of that range
 * are no UTF-8, which both draw alike.
 */
export class C1Filter {
  /** Whether the stream ended on what may begin one. */
  #isPending = false;

  pass(data: Uint8Array): Uint8Array {
    if (data.length === 0 || (!this.#isPending && !data.includes(C1_LEAD))) return data;
    const out: number[] = [];
    for (const byte of data) {
      if (this.#isPending) {
        this.#isPending = false;
        if (byte >= 0x80 && byte <= C1_LAST) {
          out.push(...REPLACEMENT);
          continue;
        }
        out.push(C1_LEAD);
      }
      if (byte === C1_LEAD) this.#isPending = true;
      else out.push(byte);
    }
    return Uint8Array.from(out);
  }
}

/**
 * Says whether what an emulator emits is an answer instead of a key: the second wall, should a later version answer
 * something new. No key or mouse event looks like these.
 */
export function isAnswer(data: string): boolean {
  return (
    // Device attributes, status, modes, sizes, colours of the system, keyboard flags. Shift+F3 ends in R like a
    // cursor report and must pass; that report is swallowed above.
    /^\x1b\[[?>=]?[\d;:]*\$?[cntxyu]$/.test(data) ||
    // Cursor reports of the private kind, and focus coming and going.
    /^\x1b\[(\?[\d;]*R|[IO])$/.test(data) ||
    // Strings: settings, colours, versions, clipboards. Alt+P and Alt+] are two characters long.
    /^\x1b[P\]_^X][\s\S]/.test(data)
  );
}

/** Returns an address as it is to be shown before it opens, or null if it must not be opened. */
export function safeAddress(text: string): string | null {
  if (/\p{C}/u.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
}

/** Returns pasted text without what a program could take for keys: only line ends and tabs control anything. */
export function cleanPaste(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
}

export function isSeveralLines(text: string): boolean {
  return text.includes("\n");
}
