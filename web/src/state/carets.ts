// Carets of others in a text.

export interface Piece {
  text: string;
  /** Instead of text: whose caret, by its number among the places. */
  who: number | null;
}

/** Cuts a text at places in code points; those beyond its end stand there. */
export function cutAt(text: string, places: number[]): Piece[] {
  const chars = [...text];
  const order = places.map((_, who) => who).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const pieces: Piece[] = [];
  let done = 0;
  for (const who of order) {
    const place = Math.min(chars.length, places[who] ?? 0);
    if (place > done) pieces.push({ text: chars.slice(done, place).join(""), who: null });
    pieces.push({ text: "", who });
    done = Math.max(done, place);
  }
  if (done < chars.length) pieces.push({ text: chars.slice(done).join(""), who: null });
  return pieces;
}
