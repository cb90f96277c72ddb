// The host's terminals: the one that was chosen, or all of them side by side.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Pane } from "../shared/messages";
import { rememberTiles } from "../state/settings";
import { columnsFor } from "../state/tiles";
import { isTiled, pane, scene, searching, stage, status, tell, tiled } from "../state/store";
import { screens, shownScreen } from "../terminal/screens";
import { Icon } from "./Icon";
import { PaneView } from "./PaneView";
import { SearchBar } from "./SearchBar";
import { nameOf } from "./Tabs";

export function TerminalView() {
  const { tone, sentence, canRetry } = status.value;
  const isStale = tone !== "good" && stage.value.at !== "ended";
  const panes = scene.value?.panes ?? [];
  const current = panes.find((one) => one.pane === pane.value);
  const screen = shownScreen();
  return (
    <div class={isStale ? "terminal-area stale" : "terminal-area"}>
      {isStale && (
        <div class="banner" role="status">
          <span>{sentence}</span>
          {canRetry && (
            <button type="button" onClick={() => tell({ kind: "wake", reason: "asked" })}>Try now</button>
          )}
        </div>
      )}
      {searching.value && <SearchBar />}
      {current === undefined ? (
        <p class="empty">The host shows no terminal right now.</p>
      ) : isTiled.value ? (
        <Tiles panes={panes} />
      ) : (
        <PaneView key={current.pane} number={current.pane} name={nameOf(current)} />
      )}
      {screen?.hasSelection.value === true && !searching.value && (
        <div class="selection">
          <button type="button" onClick={() => screen.copySelection()}><Icon name="copy" /> Copy</button>
          <button type="button" aria-label="Mark nothing" onClick={() => screen.clearSelection()}><Icon name="close" /></button>
        </div>
      )}
    </div>
  );
}

/** Where terminals were never seen their size is that of the state document, so that nothing jumps. */
function Tiles({ panes }: { panes: Pane[] }) {
  const grid = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState({ width: 1_000, height: 600 });
  useEffect(() => {
    if (grid.current === null) return;
    const watcher = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setBox({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    watcher.observe(grid.current);
    return () => watcher.disconnect();
  }, []);
  const cols = Math.max(...panes.map((one) => one.cols));
  const rows = Math.max(...panes.map((one) => one.rows));
  const columns = columnsFor(panes.length, box, { cols, rows });
  const over = panes.length % columns;
  return (
    <div ref={grid} class="tiles" style={{ "--columns": columns }}>
      {panes.map((one, index) => (
        <section
          key={one.pane}
          class={one.pane === pane.value ? "tile chosen" : "tile"}
          aria-label={nameOf(one)}
          // The last one takes what is left of its line.
          style={index < panes.length - 1 || over === 0 ? undefined : { gridColumn: `span ${columns - over + 1}` }}
        >
          <header class="tile-head">
            <b>{nameOf(one)}</b>
            {one.exit !== null && <span class="exit">ended</span>}
            <span class="space" />
            <button
              type="button"
              class="icon-button small"
              aria-label={`Show ${nameOf(one)} alone`}
              title="Show it alone"
              onClick={() => {
                pane.value = one.pane;
                tiled.value = false;
                rememberTiles(false);
                screens.peek().get(one.pane)?.focus();
              }}
            >
              <Icon name="fit" />
            </button>
          </header>
          <div class="tile-body">
            <PaneView number={one.pane} name={nameOf(one)} isTile />
          </div>
        </section>
      ))}
    </div>
  );
}
