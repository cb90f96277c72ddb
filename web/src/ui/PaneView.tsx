// One terminal in its box: drawn as large as fits, panned where it is larger, with what others point at.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { pane, pasting, scene } from "../state/store";
import type { Box } from "../terminal/fit";
import { cleanPaste, isSeveralLines } from "../terminal/safe";
import { screens, zoom } from "../terminal/screens";
import { followFingers } from "../terminal/touch";
import { Icon } from "./Icon";
import { cellAt, Pointers, pointNowhere, pointWithFinger, pointWithMouse } from "./Pointers";

/** Room for xterm's scrollbar beside the last column. */
const SCROLLBAR = 10;
/** Whoever moved the terminal is left alone for so long. */
const PANNED_MS = 5_000;
const ZOOM_MAX = 4;

export function PaneView({ number, name, isTile = false }: { number: number; name: string; isTile?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const holder = useRef<HTMLDivElement>(null);
  const screen = screens.value.get(number);

  const zoomed = () => (isTile ? 1 : zoom.peek());
  const fit = () => {
    const current = screens.peek().get(number);
    if (box.current === null || holder.current === null || current === undefined) return;
    const room = inside(box.current);
    const around = padding(holder.current);
    const most = { width: room.width - around.width - SCROLLBAR, height: room.height - around.height };
    const drawn = current.fit(most, zoomed());
    holder.current.style.width = `${drawn.width + SCROLLBAR}px`;
    holder.current.style.height = `${drawn.height}px`;
  };

  useEffect(() => {
    if (holder.current === null || screen === undefined) return;
    screen.show(holder.current);
    fit();
    return () => screen.hide();
  }, [screen]);

  /** Zooms so that what is at a place of the page stays there. */
  const zoomAround = (next: number, x: number, y: number) => {
    const area = box.current;
    if (area === null || isTile) return;
    const place = area.getBoundingClientRect();
    const before = { x: area.scrollLeft + x - place.left, y: area.scrollTop + y - place.top };
    const width = holder.current?.offsetWidth ?? 1;
    // Before it grows: nothing else may move it then.
    pannedAt.current = performance.now();
    zoom.value = Math.min(ZOOM_MAX, Math.max(1, next));
    // The signal's own effects come later than the scrolling that depends on it.
    fit();
    const grown = (holder.current?.offsetWidth ?? 1) / width;
    area.scrollTo(before.x * grown - (x - place.left), before.y * grown - (y - place.top));
  };

  useEffect(() => {
    if (box.current === null) return;
    const watcher = new ResizeObserver(fit);
    watcher.observe(box.current);
    const here = () => screens.peek().get(number);
    const mark = (x: number, y: number, act: "markWord" | "markTo") => {
      const current = here();
      const cell = current === undefined ? null : cellAt(current, x, y);
      if (cell !== null) current?.[act](cell.col, cell.row);
    };
    const stop = followFingers(box.current, {
      scroll: (lines) => here()?.scroll(lines),
      cellHeight: () => here()?.cell.peek().height ?? 16,
      zoom: (factor, x, y) => zoomAround(zoom.peek() * factor, x, y),
      twice: (x, y) => zoomAround(zoom.peek() > 1 ? 1 : 2, x, y),
      tap: (x, y) => {
        pane.value = number;
        const current = here();
        if (current === undefined) return;
        current.clearSelection();
        pointWithFinger(current, number, x, y);
      },
      hold: (x, y) => {
        mark(x, y, "markWord");
        navigator.vibrate?.(10);
      },
      drag: (x, y) => mark(x, y, "markTo"),
    });
    return () => {
      watcher.disconnect();
      stop();
    };
  }, []);

  useSignalEffect(() => {
    void zoom.value;
    void screens.value.get(number)?.size.value;
    fit();
  });

  // Larger than its box, the terminal moves with the program's cursor, unless somebody just moved it elsewhere.
  const pannedAt = useRef(Number.NEGATIVE_INFINITY);
  useSignalEffect(() => {
    const current = screens.value.get(number);
    if (current === undefined || box.current === null) return;
    const { col, row } = current.cursor.value;
    const { width, height } = current.cell.value;
    if (!current.isAtEnd.value || performance.now() - pannedAt.current < PANNED_MS) return;
    keepInSight(box.current, col * width, row * height, width, height);
  });
  const panned = () => {
    pannedAt.current = performance.now();
  };

  const onPaste = (event: ClipboardEvent) => {
    const text = cleanPaste(event.clipboardData?.getData("text/plain") ?? "");
    // Ours to handle either way, before xterm sees it.
    event.preventDefault();
    event.stopPropagation();
    if (scene.peek()?.canType !== true || text === "") return;
    if (isSeveralLines(text)) pasting.value = { pane: number, text };
    else screens.peek().get(number)?.paste(text);
  };

  return (
    <>
      <div
        ref={box}
        id={isTile ? `terminal-${number}` : "terminal"}
        class="terminal-box"
        role="region"
        aria-label={`${name}, ${scene.value?.canType === true ? "you may type" : "view only"}`}
        onPasteCapture={onPaste}
        onWheel={panned}
        onTouchMove={panned}
        onFocusIn={() => {
          pane.value = number;
        }}
      >
        <div
          ref={holder}
          class="holder"
          onPointerMove={(event) => screen !== undefined && pointWithMouse(screen, number, event)}
          onPointerLeave={(event) => event.pointerType === "mouse" && pointNowhere()}
        >
          {screen !== undefined && <Pointers screen={screen} number={number} />}
        </div>
        {screen?.hasContent.value !== true && <p class="empty">Fetching the screen…</p>}
      </div>
      {screen !== undefined && !screen.isAtEnd.value && (
        <button type="button" class="to-live" onClick={() => screen.toEnd()}>
          <Icon name="down" /> Back to live
        </button>
      )}
    </>
  );
}

/** Scrolls a box just so far that a place in it is seen, with a few cells around it. */
function keepInSight(area: HTMLElement, x: number, y: number, width: number, height: number): void {
  const [right, below] = [x + width * 6, y + height * 3];
  if (right > area.scrollLeft + area.clientWidth) area.scrollLeft = right - area.clientWidth;
  if (x - width * 2 < area.scrollLeft) area.scrollLeft = x - width * 2;
  if (below > area.scrollTop + area.clientHeight) area.scrollTop = below - area.clientHeight;
  if (y - height < area.scrollTop) area.scrollTop = y - height;
}

function padding(element: HTMLElement): Box {
  const { paddingLeft, paddingRight, paddingTop, paddingBottom } = getComputedStyle(element);
  const sum = (one: string, other: string) => Number.parseFloat(one) + Number.parseFloat(other);
  return { width: sum(paddingLeft, paddingRight), height: sum(paddingTop, paddingBottom) };
}

function inside(element: HTMLElement): Box {
  const { width, height } = padding(element);
  return { width: element.clientWidth - width, height: element.clientHeight - height };
}
