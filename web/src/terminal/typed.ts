// What browsers hand over otherwise than xterm expects it.

/** Joins the halves in which Firefox presses keys beyond U+FFFF: each by itself is no character. */
export class Halves {
  #first = "";

  /** Returns what is whole by now. */
  join(data: string): string {
    const text = this.#first + data;
    this.#first = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
    return text.slice(0, text.length - this.#first.length);
  }
}

/**
 * Says that a composition begins where WebKitGTK only says that it ended: an input method that takes one step has
 * nothing to show before. xterm would take all that was typed since the last one for it.
 */
export function beginCompositions(field: EventTarget): void {
  let isOpen = false;
  field.addEventListener("compositionstart", () => {
    isOpen = true;
  });
  field.addEventListener("compositionend", () => {
    isOpen = false;
  });
  field.addEventListener("beforeinput", (event) => {
    const ends = (event as InputEvent).inputType === "insertFromComposition";
    if (ends && !isOpen) field.dispatchEvent(new Event("compositionstart"));
  });
}
