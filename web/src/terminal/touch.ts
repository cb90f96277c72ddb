// Fingers on the terminal: one scrolls lines or moves a zoomed screen, two zoom.

export interface Fingers {
  scroll(lines: number): void;
  cellHeight(): number;
  zoom(factor: number): void;
  /** Two taps in one place, which are in parts of the box's size. */
  twice(x: number, y: number): void;
}

/** Taps closer together than this, in milliseconds and pixels, are two taps in one place. */
const TWICE_MS = 300;
const TWICE_PX = 24;

const NO_TAP = { at: Number.NEGATIVE_INFINITY, x: 0, y: 0 };

/** Listens on `box`, which scrolls what is larger than itself; returns how to stop. */
export function followFingers(box: HTMLElement, to: Fingers): () => void {
  const fingers = new Map<number, { x: number; y: number }>();
  let apart = 0;
  /** What is less than a line is kept for the next move. */
  let rest = 0;
  let tap = NO_TAP;

  const distance = () => {
    const [a, b] = [...fingers.values()];
    return a === undefined || b === undefined ? 0 : Math.hypot(a.x - b.x, a.y - b.y);
  };
  const down = (event: PointerEvent) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    apart = distance();
    rest = 0;
    const again = event.timeStamp - tap.at < TWICE_MS && Math.hypot(event.clientX - tap.x, event.clientY - tap.y) < TWICE_PX;
    tap = again ? NO_TAP : { at: event.timeStamp, x: event.clientX, y: event.clientY };
    if (!again || fingers.size > 1) return;
    // Else the browser makes a double click of it, which marks a word.
    event.preventDefault();
    const place = box.getBoundingClientRect();
    to.twice((event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height);
  };
  const move = (event: PointerEvent) => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const dx = event.clientX - before.x;
    const dy = event.clientY - before.y;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2) {
      const now = distance();
      if (apart > 0 && now > 0) to.zoom(now / apart);
      apart = now;
      return;
    }
    box.scrollLeft -= dx;
    const place = box.scrollTop;
    box.scrollTop -= dy;
    // Where the box cannot move any more, the terminal's own lines do.
    const left = dy + (box.scrollTop - place);
    rest -= left;
    const lines = Math.trunc(rest / to.cellHeight());
    if (lines === 0) return;
    rest -= lines * to.cellHeight();
    to.scroll(lines);
  };
  const up = (event: PointerEvent) => {
    fingers.delete(event.pointerId);
    apart = distance();
  };

  box.addEventListener("pointerdown", down);
  box.addEventListener("pointermove", move);
  box.addEventListener("pointerup", up);
  box.addEventListener("pointercancel", up);
  return () => {
    box.removeEventListener("pointerdown", down);
    box.removeEventListener("pointermove", move);
    box.removeEventListener("pointerup", up);
    box.removeEventListener("pointercancel", up);
  };
}
