// One edit between two texts, in characters as the document counts them: Unicode code points, not UTF-16 units.

/** At `position`, `remove` characters go and `insert` comes. */
export interface Edit {
  position: number;
  remove: number;
  insert: string;
}

/** Returns the smallest single edit that makes `after` of `before`, or null if nothing changed. */
export function diff(before: string, after: string): Edit | null {
  if (before === after) return null;
  const old = [...before];
  const now = [...after];
  let begin = 0;
  while (begin < old.length && begin < now.length && old[begin] === now[begin]) begin++;
  let end = 0;
  while (
    end < old.length - begin &&
    end < now.length - begin &&
    old[old.length - 1 - end] === now[now.length - 1 - end]
  ) {
    end++;
  }
  return { position: begin, remove: old.length - begin - end, insert: now.slice(begin, now.length - end).join("") };
}

export function apply(text: string, edit: Edit): string {
  const chars = [...text];
  chars.splice(edit.position, edit.remove, ...edit.insert);
  return chars.join("");
}

/** Returns where a place in a text is after `edit`. */
export function moved(place: number, edit: Edit): number {
  if (place <= edit.position) return place;
  const inserted = [...edit.insert].length;
  if (place >= edit.position + edit.remove) return place - edit.remove + inserted;
  return edit.position + inserted;
}

/**
 * Returns `edit`, which was made on `base`, as it is to be made on `current`: what others wrote since is kept, and
 * what they removed already is not removed again.
 */
export function rebase(edit: Edit, base: string, current: string): Edit {
  const other = diff(base, current);
  if (other === null) return edit;
  const end = edit.position + edit.remove;
  const otherEnd = other.position + other.remove;
  // Somebody wrote inside what goes here: only what is around it goes, as one piece the part before it.
  if (other.position >= edit.position && otherEnd <= end && edit.remove > 0 && other.insert !== "") {
    return { ...edit, remove: other.position - edit.position };
  }
  const position = moved(edit.position, other);
  return { position, remove: Math.max(0, moved(end, other) - position), insert: edit.insert };
}

/** Returns the place in code points of a place in UTF-16 units, as a text field counts. */
export function codePointsBefore(text: string, units: number): number {
  return [...text.slice(0, units)].length;
}

/** Returns the place in UTF-16 units of a place in code points. */
export function unitsBefore(text: string, place: number): number {
  return [...text].slice(0, place).join("").length;
}
