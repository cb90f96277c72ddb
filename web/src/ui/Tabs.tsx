import type { Pane } from "../shared/messages";
import { pane, scene } from "../state/store";

export function nameOf(one: Pane): string {
  return one.title || one.command || `Terminal ${one.pane + 1}`;
}

/** The host's terminals, if there are several. */
export function Tabs() {
  const panes = scene.value?.panes ?? [];
  if (panes.length < 2) return null;
  const move = (event: KeyboardEvent, index: number) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = panes[(index + step + panes.length) % panes.length] as Pane;
    pane.value = next.pane;
    document.getElementById(`tab-${next.pane}`)?.focus();
  };
  return (
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
            aria-controls="terminal"
            tabIndex={selected ? 0 : -1}
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
  );
}
