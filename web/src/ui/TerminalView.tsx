// The terminal as large as it fits, with others' pointers on it; zoomed in, it is moved about under the fingers.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { colourOf } from "../state/people";
import { pane, pasting, scene, stage, status, tell } from "../state/store";
import type { Box } from "../terminal/fit";
import { cleanPaste, isSeveralLines } from "../terminal/safe";
import type { Screen } from "../terminal/screen";
import { shownScreen, zoom } from "../terminal/screens";
import { followFingers } from "../terminal/touch";
import { Icon } from "./Icon";

/** Room for xterm's scrollbar beside the last column. */
const SCROLLBAR = 10;
const POINT_MS = 100;
/** Whoever moved the terminal is left alone for so long. */
const PANNED_MS = 5_000;

export function TerminalView() {
  const box = useRef<HTMLDivElement>(null);
  const holder = useRef<HTMLDivElement>(null);
  const screen = shownScreen();

  const fit = () => {
    const current = shownScreen();
    if (box.current === null || holder.current === null || current === undefined) return;
    const room = inside(box.current);
    const around = padding(holder.current);
    const most = { width: room.width - around.width - SCROLLBAR, height: room.height - around.height };
    const drawn = current.fit(most, zoom.peek());
    holder.current.style.width = `${drawn.width + SCROLLBAR}px`;
    holder.current.style.height = `${drawn.height}px`;
  };

  useEffect(() => {
    if (holder.current === null || screen === undefined) return;
    screen.show(holder.current);
    fit();
    return () => screen.hide();
  }, [screen]);

  useEffect(() => {
    if (box.current === null) return;
    const watcher = new ResizeObserver(fit);
    watcher.observe(box.current);
    const stop = followFingers(box.current, {
      scroll: (lines) => shownScreen()?.scroll(lines),
      cellHeight: () => shownScreen()?.cell.peek().height ?? 16,
      zoom: (factor) => {
        zoom.value = Math.min(4, Math.max(1, zoom.peek() * factor));
      },
      twice: (x, y) => {
        zoom.value = zoom.peek() > 1 ? 1 : 2;
        // What was under the finger comes to the middle.
        const area = box.current;
        area?.scrollTo(x * area.scrollWidth - area.clientWidth / 2, y * area.scrollHeight - area.clientHeight / 2);
      },
    });
    return () => {
      watcher.disconnect();
      stop();
    };
  }, []);

  useSignalEffect(() => {
    void zoom.value;
    void shownScreen()?.size.value;
    fit();
  });

  // Larger than its box, the terminal moves with the program's cursor, unless somebody just moved it elsewhere.
  const pannedAt = useRef(Number.NEGATIVE_INFINITY);
  useSignalEffect(() => {
    const current = shownScreen();
    if (current === undefined || box.current === null) return;
    const { col, row } = current.cursor.value;
    const { width, height } = current.cell.value;
    if (!current.isAtEnd.value || performance.now() - pannedAt.current < PANNED_MS) return;
    keepInSight(box.current, col * width, row * height, width, height);
  });

  const onPaste = (event: ClipboardEvent) => {
    const text = cleanPaste(event.clipboardData?.getData("text/plain") ?? "");
    // Ours to handle either way, before xterm sees it.
    event.preventDefault();
    event.stopPropagation();
    if (scene.peek()?.canType !== true || text === "") return;
    if (isSeveralLines(text)) pasting.value = text;
    else shownScreen()?.paste(text);
  };

  const { tone, sentence, canRetry } = status.value;
  const showBanner = tone !== "good" && stage.value.at !== "ended";
  return (
    <div class="terminal-area">
      {showBanner && (
        <div class="banner" role="status">
          <span>{sentence}</span>
          {canRetry && (
            <button type="button" onClick={() => tell({ kind: "wake", reason: "asked" })}>Try now</button>
          )}
        </div>
      )}
      <div
        id="terminal"
        ref={box}
        class={showBanner ? "terminal-box stale" : "terminal-box"}
        role="region"
        aria-label={`Terminal, ${scene.value?.canType === true ? "you may type" : "view only"}`}
        onPasteCapture={onPaste}
        onWheel={() => {
          pannedAt.current = performance.now();
        }}
        onTouchMove={() => {
          pannedAt.current = performance.now();
        }}
      >
        <div ref={holder} class="holder" onPointerMove={pointer(screen)} onPointerLeave={() => tell({ kind: "point", at: null })}>
          {screen !== undefined && <Pointers screen={screen} />}
        </div>
        {pane.value === null && <Empty text="The host shows no terminal right now." />}
        {screen !== undefined && !screen.hasContent.value && pane.value !== null && <Empty text="Fetching the screen…" />}
      </div>
      {screen !== undefined && !screen.isAtEnd.value && (
        <button type="button" class="to-live" onClick={() => screen.toEnd()}>
          <Icon name="down" /> Back to live
        </button>
      )}
    </div>
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

function Empty({ text }: { text: string }) {
  return <p class="empty">{text}</p>;
}

let pointedAt = 0;

/** Shows others where the mouse is; fingers point at nothing when they scroll. */
function pointer(screen: Screen | undefined) {
  return (event: PointerEvent) => {
    const { timeStamp } = event;
    const cell = screen?.cell.peek();
    if (event.pointerType !== "mouse" || cell === undefined || cell.width === 0 || timeStamp - pointedAt < POINT_MS) return;
    if (pane.peek() === null || screen?.isAtEnd.peek() !== true) return;
    pointedAt = timeStamp;
    const drawing = (event.currentTarget as HTMLElement).querySelector(".xterm-screen");
    if (drawing === null) return;
    const place = drawing.getBoundingClientRect();
    const { cols, rows } = screen.size.peek();
    const col = Math.min(cols - 1, Math.max(0, Math.floor((event.clientX - place.left) / cell.width)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor((event.clientY - place.top) / cell.height)));
    tell({ kind: "point", at: { pane: pane.peek() as number, row, col } });
  };
}

/** Where others point. */
function Pointers({ screen }: { screen: Screen }) {
  const { width, height } = screen.cell.value;
  const { cols, rows } = screen.size.value;
  // Places are on the newest screen: scrolled back, they would point at something else.
  if (width === 0 || !screen.isAtEnd.value) return null;
  const pointing = (scene.value?.members ?? []).filter(({ cursor, isMe }) => {
    return !isMe && cursor !== null && cursor.pane === pane.value && cursor.row < rows && cursor.col < cols;
  });
  return (
    <div class="pointers" aria-hidden="true">
      {pointing.map(({ author, name, colour, cursor }) => (
        <div
          key={author}
          class={(cursor?.row ?? 0) === 0 ? "pointer below" : "pointer"}
          style={{
            transform: `translate(${(cursor?.col ?? 0) * width}px, ${(cursor?.row ?? 0) * height}px)`,
            width: `${width}px`,
            height: `${height}px`,
            "--person": colourOf(colour),
          }}
        >
          <span class={(cursor?.col ?? 0) > cols * 0.75 ? "pointer-name left" : "pointer-name"}>{name}</span>
        </div>
      ))}
    </div>
  );
}
