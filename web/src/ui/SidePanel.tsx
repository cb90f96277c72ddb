// Chat, people and notes: beside the terminal on a desk, a sheet from below on a phone.

import { useEffect } from "preact/hooks";
import { waitingCount } from "../state/owner";
import { isWide, owner, type Panel, panel, sawChat, scene, unreadCount } from "../state/store";
import { ChatPanel } from "./ChatPanel";
import { shownScreen } from "../terminal/screens";
import { Icon, type IconName } from "./Icon";
import { isComposing, tabAfter } from "./keys";
import { ManagePanel } from "./ManagePanel";
import { NotesPanel } from "./NotesPanel";
import { PeoplePanel } from "./PeoplePanel";

const PANELS: { id: Panel; name: string; icon: IconName }[] = [
  { id: "chat", name: "Chat", icon: "chat" },
  { id: "people", name: "People", icon: "people" },
  { id: "notes", name: "Notes", icon: "notes" },
];
const MANAGE = { id: "manage", name: "Manage", icon: "key" } as const;

function panels() {
  return scene.value?.canCommand === true ? [...PANELS, MANAGE] : PANELS;
}

/** What had the keyboard goes: on a phone to the button that opened it, as the terminal would raise the soft keyboard. */
const close = () => {
  const button = document.querySelector<HTMLElement>(".dock button[aria-pressed=true]");
  panel.value = null;
  if (isWide.peek()) shownScreen()?.focus();
  else button?.focus();
};

const BODIES = {
  chat: () => <ChatPanel />,
  people: () => <PeoplePanel />,
  notes: () => <NotesPanel />,
  manage: () => <ManagePanel />,
};

/** Arrows go from tab to tab, as everywhere. */
function move(event: KeyboardEvent, index: number): void {
  const all = panels();
  const next = all[tabAfter(event, index, all.length) ?? -1];
  if (next === undefined) return;
  event.preventDefault();
  panel.value = next.id;
  document.getElementById(`panel-tab-${next.id}`)?.focus();
}

export function SidePanel() {
  const open = panel.value;
  useEffect(() => {
    if (open === "chat") sawChat();
  }, [open]);
  if (open === null) return null;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !isComposing(event)) close();
  };
  return (
    <>
      <div class="backdrop" onClick={close} aria-hidden="true" />
      <aside class={scene.value?.canCommand === true ? "panel own" : "panel"} aria-label="Side panel" onKeyDown={onKeyDown}>
        <div class="grip" aria-hidden="true" />
        <div class="panel-head">
          <div class="panel-tabs" role="tablist" aria-label="Side panel">
            {panels().map(({ id, name }, index) => (
              <button
                key={id}
                id={`panel-tab-${id}`}
                type="button"
                role="tab"
                aria-selected={open === id}
                aria-controls="panel-body"
                tabIndex={open === id ? 0 : -1}
                onKeyDown={(event) => move(event, index)}
                onClick={() => {
                  panel.value = id;
                }}
              >
                {name}
                <Count id={id} />
              </button>
            ))}
          </div>
          <button type="button" class="icon-button" aria-label="Close the panel" onClick={close}>
            <Icon name="close" />
          </button>
        </div>
        <div id="panel-body" class="panel-body" role="tabpanel" aria-labelledby={`panel-tab-${open}`}>
          {BODIES[open]()}
        </div>
      </aside>
    </>
  );
}

function Count({ id }: { id: Panel }) {
  const unread = unreadCount.value;
  const waiting = waitingCount(owner.value);
  if (id === "manage" && waiting > 0) return <span class="count news" aria-label={`${waiting} waiting`}>{waiting}</span>;
  if (id === "people") return <span class="count">{scene.value?.members.length ?? 0}</span>;
  if (id !== "chat" || unread === 0 || panel.value === "chat") return null;
  return <span class="count news" aria-label={`${unread} unread`}>{unread > 99 ? "99+" : unread}</span>;
}

/** The phone's way to the panels. */
export function Dock() {
  return (
    <nav class="dock" aria-label="Panels" style={{ "--panels": panels().length }}>
      {panels().map(({ id, name, icon }) => (
        <button
          key={id}
          type="button"
          aria-pressed={panel.value === id}
          onClick={() => {
            panel.value = panel.value === id ? null : id;
          }}
        >
          <span class="dock-icon">
            <Icon name={icon} />
            <Count id={id} />
          </span>
          {name}
        </button>
      ))}
    </nav>
  );
}
