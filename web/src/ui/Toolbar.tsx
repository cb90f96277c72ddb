// Below the terminal: what it is, who drives it, and how large it is drawn.

import type { Pane } from "../shared/messages";
import { isTiled, pane, people, scene, searching, tell } from "../state/store";
import { zoomStep } from "../terminal/fit";
import { readsAloud, shownScreen, zoom } from "../terminal/screens";
import { Icon, type IconName } from "./Icon";
import { nameOf } from "./Tabs";

export function Toolbar() {
  const current = scene.value?.panes.find((one) => one.pane === pane.value);
  const screen = shownScreen();
  return (
    <div class="toolbar" role="toolbar" aria-label="Terminal">
      {current !== undefined && (
        <span class="what">
          <b>{nameOf(current)}</b>
          <span class="size">{current.cols}×{current.rows}</span>
          {current.exit !== null && <span class="exit">ended with {current.exit}</span>}
        </span>
      )}
      {current !== undefined && <Driver current={current} />}
      {(scene.value?.unconfirmed ?? 0) > 0 && <span class="sending">sending…</span>}
      <span class="space" />
      {screen?.hasSelection.value === true && (
        <span class="wide-only"><Tool icon="copy" label="Copy the selection" onClick={() => screen.copySelection()} /></span>
      )}
      <Tool
        icon="search"
        label="Find in the terminal (Ctrl+Shift+F)"
        pressed={searching.value}
        onClick={() => {
          searching.value = !searching.value;
        }}
      />
      <Tool icon="minus" label="Zoom out" onClick={() => zoomBy(-1)} disabled={zoom.value <= 1 || isTiled.value} />
      <button
        type="button"
        class="zoom"
        aria-label="Fit the terminal"
        title="Fit the terminal"
        // The keyboard comes here from the terminal; the buttons beside it cannot always take it.
        data-after-terminal
        onClick={() => {
          zoom.value = 1;
        }}
      >
        {zoom.value === 1 ? "Fit" : `${Math.round(zoom.value * 100)}%`}
      </button>
      <Tool icon="plus" label="Zoom in" onClick={() => zoomBy(1)} disabled={zoom.value >= 4 || isTiled.value} />
      <Tool
        icon="speaker"
        label="Screen-reader mode"
        pressed={readsAloud.value}
        onClick={() => {
          readsAloud.value = !readsAloud.value;
        }}
      />
    </div>
  );
}

function zoomBy(direction: 1 | -1): void {
  zoom.value = zoomStep(zoom.peek(), direction);
}

function Tool({ icon, label, onClick, disabled = false, pressed }: {
  icon: IconName;
  label: string;
  onClick: () => void;
  disabled?: boolean;
  pressed?: boolean;
}) {
  return (
    <button
      type="button"
      class="icon-button small"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
    >
      <Icon name={icon} />
    </button>
  );
}

function Driver({ current }: { current: Pane }) {
  const { me, canType } = scene.value ?? { me: null, canType: false };
  if (current.policy === "line") return <span class="driver">each line is read before it runs</span>;
  if (current.policy === "all") return null;
  const mine = current.driver !== null && current.driver === me;
  const name = current.driver === null ? "Nobody" : mine ? "You" : (people.value.get(current.driver)?.name ?? "Somebody");
  return (
    <span class="driver">
      {name} {mine ? "drive" : "drives"}
      {canType && (
        <button type="button" class="link-button" onClick={() => tell({ kind: mine ? "stopDriving" : "askToDrive", pane: current.pane })}>
          {mine ? "Let go" : "Ask to drive"}
        </button>
      )}
    </span>
  );
}
