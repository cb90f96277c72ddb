// Finding text among a terminal's lines. A program's line may go over several rows; what is wide takes two cells.

/** One row of the terminal, the oldest first. */
export interface Row {
  text: string;
  /** Whether it goes on where the row before it ended. */
  goesOn: boolean;
  /** The column of each UTF-16 unit of `text`. Asked for only where something was found. */
  columns(): number[];
}

/** Where something was found. */
export interface Place {
  row: number;
  col: number;
  /** How many cells, over the end of rows where it goes on. */
  cells: number;
}

/** More are not counted: nobody steps through them. */
export const PLACES_MAX = 1_000;

/** Returns where `query` stands, whatever its case. */
export function find(rows: (index: number) => Row | undefined, cols: number, query: string): Place[] {
  const places: Place[] = [];
  if (query === "") return places;
  let index = 0;
  let row = rows(index);
  while (row !== undefined && places.length < PLACES_MAX) {
    const first = index;
    const line = [row];
    for (row = rows(++index); row?.goesOn === true; row = rows(++index)) line.push(row);
    findInLine(line, first, cols, query, places);
  }
  return places;
}

function findInLine(line: Row[], first: number, cols: number, query: string, places: Place[]): void {
  const text = line.map((row) => row.text).join("");
  const [inText, wanted] = folded(text, query);
  let at = inText.indexOf(wanted);
  if (at === -1) return;
  // The cell of each unit, counted from the line's begin.
  const cells = line.flatMap((row, index) => row.columns().map((column) => index * cols + column));
  for (; at !== -1 && places.length < PLACES_MAX; at = inText.indexOf(wanted, at + wanted.length)) {
    const begin = cells[at] ?? 0;
    const last = cells[at + wanted.length - 1] ?? begin;
    const end = cells.find((cell, index) => index >= at + wanted.length && cell > last) ?? last + 1;
    places.push({ row: first + Math.floor(begin / cols), col: begin % cols, cells: end - begin });
  }
}

/** Both in lower case, unless that moves letters: few scripts have such. */
function folded(text: string, query: string): [string, string] {
  const lower = text.toLowerCase();
  return lower.length === text.length ? [lower, query.toLowerCase()] : [text, query];
}

/** Returns the last place at or above a row, as a number among `places`, or the first one: people look back from there. */
export function nearest(places: Place[], row: number): number {
  return Math.max(0, places.findLastIndex((place) => place.row <= row));
}
