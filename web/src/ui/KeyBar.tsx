// Keys that a phone has not, above its keyboard.

import { Fragment } from "preact";
import { shownScreen } from "../terminal/screens";
import { Icon } from "./Icon";

const KEYS: { label: string; key: string; name?: string }[] = [
  { label: "Esc", key: "\x1b" },
  { label: "Tab", key: "\t" },
  { label: "←", key: "Left", name: "Left arrow" },
  { label: "↓", key: "Down", name: "Down arrow" },
  { label: "↑", key: "Up", name: "Up arrow" },
  { label: "→", key: "Right", name: "Right arrow" },
  { label: "^C", key: "\x03", name: "Control C" },
  { label: "/", key: "/", name: "Slash" },
  { label: "|", key: "|", name: "Pipe" },
  { label: "-", key: "-", name: "Dash" },
  { label: "~", key: "~", name: "Tilde" },
];

export function KeyBar() {
  const screen = shownScreen();
  if (screen === undefined) return null;
  const ctrl = (
    <button
      type="button"
      class="key"
      aria-pressed={screen.ctrl.value}
      aria-label="Ctrl, for the next key"
      onClick={() => {
        screen.ctrl.value = !screen.ctrl.value;
        screen.focus();
      }}
    >
      Ctrl
    </button>
  );
  return (
    // The terminal keeps the keyboard: a key of the bar must not close the phone's.
    <div class="keybar" role="toolbar" aria-label="Keys" onPointerDown={(event) => event.preventDefault()}>
      <button type="button" class="key" aria-label="Show the keyboard" onClick={() => screen.focus()}>
        <Icon name="keyboard" />
      </button>
      {KEYS.map(({ label, key, name }, index) => (
        <Fragment key={label}>
          {index === 2 && ctrl}
          <button type="button" class="key" aria-label={name ?? label} onClick={() => screen.press(key)}>
            {label}
          </button>
        </Fragment>
      ))}
    </div>
  );
}
