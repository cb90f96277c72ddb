import { describe, expect, it } from "vitest";
import { beginCompositions, Halves } from "../src/terminal/typed";

describe("what is typed", () => {
  it("is whole where a browser presses half of it at a time", () => {
    const halves = new Halves();
    expect([..."a\ud83d\ude00b"].flatMap((one) => one.split("")).map((unit) => halves.join(unit))).toEqual(["a", "", "😀", "b"]);
    expect(halves.join("字😀")).toBe("字😀");
    expect([halves.join("\ud83d"), halves.join("x")]).toEqual(["", "\ud83dx"]);
  });
});

describe("a composition", () => {
  /** Returns what xterm hears when a browser says this. */
  function heard(...said: string[]): string[] {
    const field = new EventTarget();
    beginCompositions(field);
    const all: string[] = [];
    for (const type of ["compositionstart", "compositionend"]) field.addEventListener(type, () => all.push(type));
    for (const type of said) {
      const event = type.startsWith("composition") ? new Event(type) : Object.assign(new Event("beforeinput"), { inputType: type });
      field.dispatchEvent(event);
    }
    return all;
  }

  it("has a beginning where WebKitGTK only ends it", () => {
    expect(heard("insertFromComposition", "compositionend", "insertFromComposition", "compositionend")).toEqual(
      ["compositionstart", "compositionend", "compositionstart", "compositionend"],
    );
  });

  it("begins once where a browser says so", () => {
    const whole = ["compositionstart", "insertCompositionText", "deleteCompositionText", "insertFromComposition", "compositionend"];
    expect(heard(...whole, "insertText", ...whole)).toEqual(["compositionstart", "compositionend", "compositionstart", "compositionend"]);
  });
});
