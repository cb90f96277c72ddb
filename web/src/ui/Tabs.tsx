import type { Pane } from "../shared/messages";
import { rememberTiles } from "../state/settings";
import { isTiled, isWide, pane, scene, tiled } from "../state/store";
import { Icon } from "./Icon";
import { tabAfter } from "./keys";

/** Returns a terminal's name; of several of one name each has a number as well. */
export function nameOf(one: Pane): string {
  const name = (pane: Pane) => pane.title || pane.command || "Terminal";
  const alike = (scene.value?.panes ?? []).filter((other) => name(other) === name(one));
  return alike.length < 2 ? name(one) : `${name(one)} ${alike.findIndex(({ pane: number }) => number === one.pane) + 1}`;
}

/** The host's terminals, if there are several. */
export function Tabs() {
  const panes = scene.value?.panes ?? [];
  if (panes.length < 2) return null;
  const move = (event: KeyboardEvent, index: number) => {
    const next = panes[tabAfter(event, index, panes.length) ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    pane.value = next.pane;
    document.getElementById(`tab-${next.pane}`)?.focus();
  };
  return (
    <div class="tabs-bar">
    <div class="tabs" role="tablist" aria-label="Terminals">
      {panes.map((one, index) => {
        const selected = one.pane === pane.value;
        const watching = scene.value?.members.filter((member) => !member.isMe && member.focus === one.pane).length ?? 0;
        return (
          <button
            key={one.pane}
            id={`tab-${one.pane}`}
            type="button"
            role="tab"
            aria-selected={selected}
            aria-controls={isTiled.value ? `terminal-${one.pane}` : "terminal"}
            tabIndex={selected ? 0 : -1}
            title={one.command}
            onClick={() => {
              pane.value = one.pane;
            }}
            onKeyDown={(event) => move(event, index)}
          >
            {nameOf(one)}
            {one.exit !== null && <span class="exit">ended</span>}
            {watching > 0 && <span class="watching" title={`${watching} looking at it`}>{watching}</span>}
          </button>
        );
      })}
    </div>
    {isWide.value && (
      <button
        type="button"
        class="icon-button small"
        aria-pressed={isTiled.value}
        aria-label="All terminals side by side"
        title="All terminals side by side"
        onClick={() => {
          tiled.value = !tiled.value;
          rememberTiles(tiled.value);
        }}
      >
        <Icon name="tiles" />
      </button>
    )}
    </div>
  );
}
