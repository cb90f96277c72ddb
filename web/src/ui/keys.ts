// What keys mean in more than one place.

/** Says whether a key belongs to an input method: WebKit says so of the last one by its number alone. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Returns which of `count` tabs an arrow leads to from one, or `null` for other keys. */
export function tabAfter(event: KeyboardEvent, index: number, count: number): number | null {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  return step === undefined ? null : (index + step + count) % count;
}
