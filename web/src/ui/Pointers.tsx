// Where people point at in a terminal.

import { colourOf } from "../state/people";
import { scene, tell } from "../state/store";
import type { Screen } from "../terminal/screen";

const POINT_MS = 100;
/** So long a finger's tap is shown. */
const TAP_MS = 4_000;

let pointedAt = 0;
let away: ReturnType<typeof setTimeout> | undefined;

/** Returns the cell of a terminal that is at a place in the page. */
export function cellAt(screen: Screen, x: number, y: number): { col: number; row: number } | null {
  const place = screen.place();
  const { width, height } = screen.cell.peek();
  if (place === null || width === 0) return null;
  const { cols, rows } = screen.size.peek();
  return {
    col: Math.min(cols - 1, Math.max(0, Math.floor((x - place.left) / width))),
    row: Math.min(rows - 1, Math.max(0, Math.floor((y - place.top) / height))),
  };
}

/** Shows others where the mouse is; fingers that scroll point at nothing. */
export function pointWithMouse(screen: Screen, number: number, event: PointerEvent): void {
  if (event.pointerType !== "mouse" || event.timeStamp - pointedAt < POINT_MS || !screen.isAtEnd.peek()) return;
  const cell = cellAt(screen, event.clientX, event.clientY);
  if (cell === null) return;
  pointedAt = event.timeStamp;
  clearTimeout(away);
  tell({ kind: "point", at: { pane: number, ...cell } });
}

/** Shows others for a moment where a finger tapped. */
export function pointWithFinger(screen: Screen, number: number, x: number, y: number): void {
  const cell = cellAt(screen, x, y);
  if (cell === null || !screen.isAtEnd.peek()) return;
  tell({ kind: "point", at: { pane: number, ...cell } });
  clearTimeout(away);
  away = setTimeout(pointNowhere, TAP_MS);
}

export function pointNowhere(): void {
  tell({ kind: "point", at: null });
}

/** Where others point. */
export function Pointers({ screen, number }: { screen: Screen; number: number }) {
  const { width, height } = screen.cell.value;
  const { cols, rows } = screen.size.value;
  // Places are on the newest screen: scrolled back, they would point at something else.
  if (width === 0 || !screen.isAtEnd.value) return null;
  const pointing = (scene.value?.members ?? []).flatMap(({ author, name, colour, cursor, isMe }) => {
    const isHere = !isMe && cursor !== null && cursor.pane === number && cursor.row < rows && cursor.col < cols;
    return isHere ? [{ author, name, colour, ...cursor }] : [];
  });
  return (
    <div class="pointers" aria-hidden="true">
      {pointing.map(({ author, name, colour, row, col }) => (
        <div
          key={author}
          class={row === 0 ? "pointer below" : "pointer"}
          style={{
            transform: `translate(${col * width}px, ${row * height}px)`,
            width: `${width}px`,
            height: `${height}px`,
            "--person": colourOf(colour),
          }}
        >
          <span class={col > cols * 0.75 ? "pointer-name left" : "pointer-name"}>{name}</span>
        </div>
      ))}
    </div>
  );
}
