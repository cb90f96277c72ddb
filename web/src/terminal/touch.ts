// Fingers on the terminal: one scrolls lines or moves a zoomed screen, two zoom, one that rests marks text.

export interface Fingers {
  scroll(lines: number): void;
  cellHeight(): number;
  /** Two fingers went apart by `factor`, around a place in the page. */
  zoom(factor: number, x: number, y: number): void;
  /** Two taps in one place. */
  twice(x: number, y: number): void;
  /** One tap. */
  tap(x: number, y: number): void;
  /** A finger rests: what is under it is marked, and up to where it moves from then on. */
  hold(x: number, y: number): void;
  drag(x: number, y: number): void;
}

/** Taps closer together than this, in milliseconds and pixels, are two taps in one place. */
const TWICE_MS = 300;
const TWICE_PX = 24;
/** A finger that rests for so long within so many pixels is not about to scroll. */
const HOLD_MS = 450;
const STILL_PX = 9;

const NO_TAP = { at: Number.NEGATIVE_INFINITY, x: 0, y: 0 };

/** Listens on `box`, which scrolls what is larger than itself; returns how to stop. */
export function followFingers(box: HTMLElement, to: Fingers): () => void {
  const fingers = new Map<number, { x: number; y: number }>();
  let apart = 0;
  /** What is less than a line is kept for the next move. */
  let rest = 0;
  let tap = NO_TAP;
  let began = NO_TAP;
  let moves = false;
  let holds = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const both = () => [...fingers.values()] as [{ x: number; y: number }, { x: number; y: number }];
  const distance = () => {
    if (fingers.size !== 2) return 0;
    const [a, b] = both();
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  const down = (event: PointerEvent) => {
    if (event.pointerType !== "touch") return;
    const { clientX: x, clientY: y, timeStamp: at } = event;
    fingers.set(event.pointerId, { x, y });
    apart = distance();
    rest = 0;
    clearTimeout(timer);
    const again = at - tap.at < TWICE_MS && Math.hypot(x - tap.x, y - tap.y) < TWICE_PX;
    tap = again ? NO_TAP : { at, x, y };
    if (fingers.size > 1) {
      moves = true;
      return;
    }
    [began, moves, holds] = [{ at, x, y }, again, false];
    if (again) {
      // Else the browser makes a double click of it, which marks a word.
      event.preventDefault();
      to.twice(x, y);
      return;
    }
    timer = setTimeout(() => {
      holds = true;
      tap = NO_TAP;
      to.hold(x, y);
    }, HOLD_MS);
  };
  const move = (event: PointerEvent) => {
    const before = fingers.get(event.pointerId);
    if (before === undefined) return;
    const { clientX: x, clientY: y } = event;
    fingers.set(event.pointerId, { x, y });
    if (holds) return to.drag(x, y);
    if (fingers.size === 2) {
      const now = distance();
      const [a, b] = both();
      if (apart > 0 && now > 0) to.zoom(now / apart, (a.x + b.x) / 2, (a.y + b.y) / 2);
      apart = now;
      return;
    }
    if (!moves && Math.hypot(x - began.x, y - began.y) < STILL_PX) return;
    moves = true;
    clearTimeout(timer);
    const dx = x - before.x;
    const dy = y - before.y;
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
    if (!fingers.delete(event.pointerId)) return;
    clearTimeout(timer);
    apart = distance();
    if (fingers.size > 0) return;
    if (holds) {
      // The emulator would take the end of it for a click, and mark nothing.
      event.preventDefault();
    } else if (!moves && event.type === "pointerup") {
      to.tap(began.x, began.y);
    }
    holds = false;
  };
  const menu = (event: Event) => {
    if (fingers.size > 0) event.preventDefault();
  };

  const heard: [string, (event: never) => void][] = [
    ["pointerdown", down],
    ["pointermove", move],
    ["pointerup", up],
    ["pointercancel", up],
    ["contextmenu", menu],
  ];
  for (const [name, listener] of heard) box.addEventListener(name, listener as EventListener);
  return () => {
    clearTimeout(timer);
    for (const [name, listener] of heard) box.removeEventListener(name, listener as EventListener);
  };
}
