// How several terminals stand beside each other.

/** A letter is about half as wide as its line is high. */
const CELL = { width: 0.6, height: 1.2 };

/** Returns into how many columns `count` terminals of a size go, so that their letters are as large as can be. */
export function columnsFor(
  count: number,
  box: { width: number; height: number },
  size: { cols: number; rows: number },
): number {
  let best = 1;
  let largest = 0;
  for (let columns = 1; columns <= count; columns++) {
    const lines = Math.ceil(count / columns);
    const letters = Math.min(
      box.width / columns / (size.cols * CELL.width),
      box.height / lines / (size.rows * CELL.height),
    );
    if (letters > largest) [best, largest] = [columns, letters];
  }
  return best;
}
