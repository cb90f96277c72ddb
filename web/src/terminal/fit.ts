// How large a terminal is drawn. Its columns and rows are the host's; only the letters can give way.

export interface Box {
  width: number;
  height: number;
}

/** Smaller letters cannot be read: what does not fit then is reached by panning. */
export const FONT_MIN = 7;
export const FONT_MAX = 18;
export const FONT_ZOOMED_MAX = 40;
export const ZOOMS = [1, 1.25, 1.5, 2, 2.5, 3, 4];

/**
 * Returns the size of letters for a terminal in `box`, given how large it is now with letters of `font` pixels.
 * `zoom` 1 means that all of it is seen.
 */
export function fontFor(box: Box, now: Box, font: number, zoom: number): number {
  if (now.width <= 0 || now.height <= 0 || box.width <= 0 || box.height <= 0) return font;
  const whole = font * Math.min(box.width / now.width, box.height / now.height);
  const fitting = Math.min(FONT_MAX, Math.max(FONT_MIN, whole));
  return Math.floor(Math.min(FONT_ZOOMED_MAX, fitting * zoom) * 4) / 4;
}

/** Returns the next zoom in a direction. */
export function zoomStep(zoom: number, direction: 1 | -1): number {
  const further = direction === 1 ? ZOOMS.find((one) => one > zoom + 0.01) : ZOOMS.findLast((one) => one < zoom - 0.01);
  return further ?? zoom;
}
