// One terminal of the host, as xterm draws it. The host says how many columns and rows there are.

import { signal } from "@preact/signals";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { type ITheme, Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { find, nearest, type Place, type Row } from "./find";
import { type Box, fontFor } from "./fit";
import { C1Filter, cleanPaste, isAnswer, tame } from "./safe";
import { beginCompositions, Halves } from "./typed";
import { AS_HOST } from "./width";

export interface ScreenEvents {
  /** Somebody typed. */
  input(data: Uint8Array): void;
  /** The emulator has taken so many bytes. */
  parsed(bytes: number): void;
  /** Somebody follows an address that the program shows. */
  follow(address: string): void;
  copy(text: string): void;
}

/** Makes the terminal as a keyframe expects it, without forgetting what was scrolled away before. */
const AFRESH = [
  "\x1b[?1049l\x1b[!p\x1b[?1;6;9;45;66;1000;1002;1003;1004;1006;2004l\x1b[?7;25h\x1b[4;20l",
  "\x1b[r\x1b(B\x0f\x1b[m\x1b[H\x1b[2J",
].join("");

const FORGET_SCROLLED_OFF = "\x1b[3J";

/** Where somebody was in a terminal, counted from its end: the only place that stays when it begins anew. */
interface Whereabouts {
  /** Lines from the newest screen to what is in sight. */
  back: number;
  marked: { col: number; row: number; cells: number } | null;
}

function joined(pieces: (string | Uint8Array)[]): Uint8Array {
  const parts = pieces.map((piece) => (typeof piece === "string" ? new TextEncoder().encode(piece) : piece));
  if (parts[0] !== undefined && parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const FONT =
  'ui-monospace, "JetBrains Mono", "Cascadia Code", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export class Screen {
  /** Whether the newest lines are in sight. */
  readonly isAtEnd = signal(true);
  readonly hasSelection = signal(false);
  /** One cell's size in pixels, once drawn. */
  readonly cell = signal<Box>({ width: 0, height: 0 });
  readonly size = signal({ cols: 80, rows: 24 });
  /** Where the program's cursor is, on the newest screen. */
  readonly cursor = signal({ col: 0, row: 0 });
  /** Whether anything was shown yet. */
  readonly hasContent = signal(false);
  /** Whether the next key goes with Ctrl: the key bar's own. */
  readonly ctrl = signal(false);

  #terminal: Terminal;
  #events: ScreenEvents;
  #c1 = new C1Filter();
  #halves = new Halves();
  #frame: HTMLElement | null = null;
  #hadKeyboard = false;
  #marked = { row: 0, begin: 0, end: 1 };
  /** The size once all is parsed that was written. */
  #next = { cols: 80, rows: 24 };
  /** While it begins anew: where to return to. */
  #was: Whereabouts | null = null;
  #readsAloud = false;

  constructor(theme: ITheme, scrollback: number, events: ScreenEvents) {
    this.#events = events;
    const terminal = new Terminal({
      cols: 80,
      rows: 24,
      theme,
      scrollback,
      fontFamily: FONT,
      fontSize: 14,
      minimumContrastRatio: 4.5,
      cursorInactiveStyle: "outline",
      disableStdin: true,
      macOptionIsMeta: true,
      // For the widths of characters.
      allowProposedApi: true,
      linkHandler: { activate: (_, address) => events.follow(address), allowNonHttpProtocols: false },
    });
    this.#terminal = terminal;
    tame(terminal);
    terminal.unicode.register(AS_HOST);
    terminal.unicode.activeVersion = AS_HOST.version;
    terminal.loadAddon(new WebLinksAddon((_, address) => events.follow(address)));
    terminal.onData((data) => {
      const typed = isAnswer(data) ? "" : this.#halves.join(data);
      if (typed !== "") events.input(new TextEncoder().encode(this.#withCtrl(typed)));
    });
    terminal.onBinary((data) => events.input(Uint8Array.from(data, (char) => char.charCodeAt(0))));
    terminal.onSelectionChange(() => {
      this.hasSelection.value = terminal.hasSelection();
    });
    terminal.onRender(() => this.#look());
    terminal.onScroll(() => this.#look());
    terminal.attachCustomKeyEventHandler((event) => this.#passes(event));
  }

  /** Draws into `place` from now on. */
  show(place: HTMLElement): void {
    if (this.#frame !== null) {
      place.append(this.#frame);
      if (this.#hadKeyboard) this.focus();
      return;
    }
    this.#frame = document.createElement("div");
    this.#frame.className = "frame";
    place.append(this.#frame);
    this.#terminal.open(this.#frame);
    const field = this.#terminal.textarea;
    if (field === undefined) return;
    field.setAttribute("aria-label", "Terminal. Ctrl+Shift+Full stop leaves it.");
    beginCompositions(field);
  }

  hide(): void {
    // Whoever types there goes on typing when it is shown elsewhere.
    this.#hadKeyboard = this.#frame?.contains(document.activeElement) ?? false;
    this.#frame?.remove();
  }

  dispose(): void {
    this.hide();
    this.#terminal.dispose();
  }

  keyframe(cols: number, rows: number, data: Uint8Array): void {
    this.#resize(cols, rows);
    this.#write([AFRESH, this.#c1.pass(data)], data.length);
  }

  /** Begins anew, with lines above the screen. What was shown since these comes again, up to `catchUp`. */
  past(cols: number, rows: number, lines: Uint8Array, data: Uint8Array): void {
    const terminal = this.#terminal;
    terminal.write("", () => {
      this.#was ??= this.#whereabouts();
      // What was there is not news.
      terminal.options.screenReaderMode = false;
    });
    this.#resize(cols, rows);
    this.#c1 = new C1Filter();
    const pieces = [AFRESH + FORGET_SCROLLED_OFF, this.#c1.pass(lines), "\n".repeat(rows - 1), AFRESH, this.#c1.pass(data)];
    this.#write(pieces, lines.length + data.length, () => this.#return());
  }

  /** Ends that: whoever had scrolled back or marked something finds it where it was. */
  catchUp(): void {
    this.#terminal.write("", () => {
      this.#return();
      this.#was = null;
      this.#terminal.options.screenReaderMode = this.#readsAloud;
      this.#look();
    });
  }

  /** Changes the size, in its turn: what is still being parsed belongs to the screen before. */
  #resize(cols: number, rows: number): void {
    if (this.#next.cols === cols && this.#next.rows === rows) return;
    this.#next = { cols, rows };
    this.#terminal.write(AFRESH, () => {
      this.#terminal.resize(cols, rows);
      this.size.value = { cols, rows };
    });
  }

  /** Writes pieces as one, so that nobody sees half of them. */
  #write(pieces: (string | Uint8Array)[], bytes: number, then = () => {}): void {
    this.#terminal.write(joined(pieces), () => {
      this.#events.parsed(bytes);
      this.hasContent.value = true;
      then();
    });
  }

  #whereabouts(): Whereabouts {
    const { buffer, cols } = this.#terminal;
    const { baseY, viewportY } = buffer.active;
    const selection = this.#terminal.getSelectionPosition();
    const cells = selection === undefined ? 0 : (selection.end.y - selection.start.y) * cols + selection.end.x - selection.start.x;
    const marked = selection === undefined ? null : { col: selection.start.x, row: selection.start.y - baseY, cells };
    return { back: baseY - viewportY, marked };
  }

  #return(): void {
    if (this.#was === null) return;
    const { back, marked } = this.#was;
    const { baseY } = this.#terminal.buffer.active;
    if (marked !== null && baseY + marked.row >= 0) this.#terminal.select(marked.col, baseY + marked.row, marked.cells);
    if (back === 0) this.#terminal.scrollToBottom();
    else this.#terminal.scrollToLine(Math.max(0, baseY - back));
  }

  output(data: Uint8Array): void {
    this.#write([this.#c1.pass(data)], data.length);
  }

  /** Draws as large as fits; returns how large that is. */
  fit(box: Box, zoom: number): Box {
    const { options } = this.#terminal;
    for (let tries = 0; tries < 3; tries++) {
      const now = this.#drawn();
      const font = fontFor(box, now, options.fontSize ?? 14, zoom);
      if (font === options.fontSize) break;
      options.fontSize = font;
    }
    // Cells are whole pixels high: one step down where rounding up made it too large.
    const drawn = this.#drawn();
    if (zoom === 1 && (drawn.width > box.width || drawn.height > box.height) && (options.fontSize ?? 0) > 7.5) {
      options.fontSize = (options.fontSize ?? 14) - 0.5;
    }
    this.#look();
    return this.#drawn();
  }

  /** Where it is drawn in the page. */
  place(): DOMRect | null {
    return this.#frame?.querySelector(".xterm-screen")?.getBoundingClientRect() ?? null;
  }

  #drawn(): Box {
    const drawing = this.#frame?.querySelector<HTMLElement>(".xterm-screen");
    return { width: drawing?.offsetWidth ?? 0, height: drawing?.offsetHeight ?? 0 };
  }

  set theme(theme: ITheme) {
    this.#terminal.options.theme = theme;
  }

  set canType(can: boolean) {
    this.#terminal.options.disableStdin = !can;
    this.#terminal.options.cursorBlink = can && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  set readsAloud(reads: boolean) {
    this.#readsAloud = reads;
    if (this.#was === null) this.#terminal.options.screenReaderMode = reads;
  }

  focus(): void {
    this.#terminal.focus();
  }

  scroll(lines: number): void {
    this.#terminal.scrollLines(lines);
    this.#look();
  }

  toEnd(): void {
    this.#terminal.scrollToBottom();
    this.#look();
  }

  copySelection(): void {
    if (!this.#terminal.hasSelection()) return;
    this.#events.copy(this.#terminal.getSelection());
    this.#terminal.clearSelection();
  }

  clearSelection(): void {
    this.#terminal.clearSelection();
  }

  /** Marks the word at a cell of what is in sight, or the cell. */
  markWord(col: number, row: number): void {
    const { active } = this.#terminal.buffer;
    const text = active.getLine(active.viewportY + row)?.translateToString(false) ?? "";
    const isWord = (at: number) => /\S/.test(text.charAt(at));
    let [begin, end] = [col, col + 1];
    while (isWord(col) && begin > 0 && isWord(begin - 1)) begin--;
    while (isWord(col) && isWord(end)) end++;
    this.#marked = { row: active.viewportY + row, begin, end };
    this.#terminal.select(begin, active.viewportY + row, end - begin);
  }

  /** Marks from that word on up to a cell of what is in sight. */
  markTo(col: number, row: number): void {
    const { cols, buffer } = this.#terminal;
    const begin = this.#marked.row * cols + this.#marked.begin;
    const end = this.#marked.row * cols + this.#marked.end;
    const to = (buffer.active.viewportY + row) * cols + col;
    const first = Math.min(begin, to);
    const last = Math.max(end, to + 1);
    this.#terminal.select(first % cols, Math.floor(first / cols), last - first);
  }

  /** Returns where a text stands, oldest first, and which of these is the last one up to the lowest row in sight. */
  find(query: string): { places: Place[]; nearest: number } {
    const { active } = this.#terminal.buffer;
    const rows = (index: number): Row | undefined => {
      const line = active.getLine(index);
      if (line === undefined) return undefined;
      const columns = () => {
        const all: number[] = [];
        for (let at = 0; at < line.length; at++) {
          const cell = line.getCell(at);
          // The right half of something wide has no text of its own; an empty cell reads as a space.
          const units = cell?.getWidth() === 0 ? 0 : Math.max(1, cell?.getChars().length ?? 1);
          for (let unit = 0; unit < units; unit++) all.push(at);
        }
        return all;
      };
      return { text: line.translateToString(false), goesOn: line.isWrapped, columns };
    };
    const places = find(rows, this.#terminal.cols, query);
    return { places, nearest: nearest(places, active.viewportY + this.#terminal.rows - 1) };
  }

  /** Marks a place and brings it into sight. */
  showPlace({ row, col, cells }: Place): void {
    this.#terminal.select(col, row, cells);
    const { active } = this.#terminal.buffer;
    if (row >= active.viewportY && row < active.viewportY + this.#terminal.rows) return;
    this.#terminal.scrollToLine(Math.max(0, row - Math.floor(this.#terminal.rows / 2)));
    this.#look();
  }

  /** Types what somebody pasted and, if it is several lines, confirmed. */
  paste(text: string): void {
    this.#terminal.paste(cleanPaste(text));
    this.focus();
  }

  /** Types a key of the key bar. */
  press(key: string): void {
    const arrow = { Up: "A", Down: "B", Right: "C", Left: "D" }[key];
    const lead = this.#terminal.modes.applicationCursorKeysMode ? "\x1bO" : "\x1b[";
    const withCtrl = arrow !== undefined && this.ctrl.value;
    if (withCtrl) this.ctrl.value = false;
    this.#terminal.input(arrow === undefined ? key : withCtrl ? `\x1b[1;5${arrow}` : lead + arrow, true);
    this.focus();
  }

  #withCtrl(data: string): string {
    // A finger on the screen may be the program's; the key comes after it.
    if (!this.ctrl.value || data.startsWith("\x1b[<")) return data;
    this.ctrl.value = false;
    const code = data.toUpperCase().charCodeAt(0);
    return data.length === 1 && code >= 0x40 && code < 0x60 ? String.fromCharCode(code & 0x1f) : data;
  }

  /** Says whether xterm gets a key; what it does not get is the browser's. */
  #passes(event: KeyboardEvent): boolean {
    if (event.type !== "keydown") return true;
    const letter = event.key.toLowerCase();
    const forCopy = event.ctrlKey && letter === "c" && (event.shiftKey || this.#terminal.options.disableStdin === true);
    if (forCopy && this.#terminal.hasSelection()) {
      event.preventDefault();
      this.copySelection();
      return false;
    }
    // Keyboards must not be caught in here.
    if (event.ctrlKey && event.shiftKey && (event.key === "." || event.key === ">" || event.key === ":")) {
      event.preventDefault();
      document.querySelector<HTMLElement>("[data-after-terminal]")?.focus();
      return false;
    }
    const scrolls = event.shiftKey && (event.key === "PageUp" || event.key === "PageDown");
    if (this.#terminal.options.disableStdin !== true || scrolls) return true;
    // Nothing can be typed, so that keys scroll as they do in a page.
    const lines = { PageUp: -this.#terminal.rows, PageDown: this.#terminal.rows, ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (lines !== undefined) {
      event.preventDefault();
      this.scroll(lines);
    }
    return false;
  }

  #look(): void {
    if (this.#was !== null) return;
    const { active } = this.#terminal.buffer;
    this.isAtEnd.value = active.viewportY >= active.baseY;
    const at = this.cursor.peek();
    if (at.col !== active.cursorX || at.row !== active.cursorY) {
      this.cursor.value = { col: active.cursorX, row: active.cursorY };
    }
    const { width, height } = this.#drawn();
    const cell = { width: width / this.#terminal.cols, height: height / this.#terminal.rows };
    const old = this.cell.peek();
    if (old.width !== cell.width || old.height !== cell.height) this.cell.value = cell;
  }
}
