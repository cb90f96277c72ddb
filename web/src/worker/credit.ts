// What waits between the core and the page's emulator. An emulator takes 5 to 30 MB/s, a hidden tab far less, and a
// program may write faster than either: the page gets what it has room for, and who falls too far behind jumps to the
// newest screen instead of catching up with what nobody can read.

/** Bytes that the page may hold unparsed. Smaller windows leave the emulator idle between messages. */
export const WINDOW_BYTES = 1 << 20;
/** Bytes kept here beyond that before the rest is skipped. */
export const BEHIND_BYTES_MAX = 2 << 20;

export type Piece =
  | { kind: "keyframe"; cols: number; rows: number; data: Uint8Array }
  | { kind: "output"; data: Uint8Array }
  | { kind: "past"; cols: number; rows: number; lines: Uint8Array; data: Uint8Array }
  | { kind: "caughtUp" };

function bytesOf(piece: Piece): number {
  if (piece.kind === "caughtUp") return 0;
  return piece.data.length + (piece.kind === "past" ? piece.lines.length : 0);
}

/** One pane's output on its way to the page. */
export class Outlet {
  #queue: Piece[] = [];
  #queued = 0;
  #outstanding = 0;
  #skipping = false;

  /** Takes a piece; returns whether so much waits that the pane should be watched anew. */
  push(piece: Piece): "kept" | "skip" {
    if (piece.kind === "keyframe" || piece.kind === "past") {
      // Whatever came before it is on it, but the lines above the screen.
      this.#keep(piece.kind === "keyframe" ? ["past", "caughtUp"] : []);
      this.#skipping = false;
    } else if (this.#skipping && piece.kind !== "caughtUp") {
      return "kept";
    }
    this.#queue.push(piece);
    this.#queued += bytesOf(piece);
    if (piece.kind === "output" && this.#queued > BEHIND_BYTES_MAX) {
      // A page that has begun anew still has to hear that it is done.
      this.#keep(["caughtUp"]);
      this.#skipping = true;
      return "skip";
    }
    return "kept";
  }

  #keep(kinds: Piece["kind"][]): void {
    this.#queue = this.#queue.filter(({ kind }) => kinds.includes(kind));
    this.#queued = this.#queue.reduce((bytes, piece) => bytes + bytesOf(piece), 0);
  }

  /** Notes that the page has parsed some of what it got. */
  credit(bytes: number): void {
    this.#outstanding = Math.max(0, this.#outstanding - bytes);
  }

  /** Takes what the page has room for. */
  take(): Piece[] {
    const pieces: Piece[] = [];
    while (this.#queue.length > 0 && this.#outstanding < WINDOW_BYTES) {
      const piece = this.#queue.shift() as Piece;
      this.#queued -= bytesOf(piece);
      this.#outstanding += bytesOf(piece);
      pieces.push(piece);
    }
    return pieces;
  }
}
