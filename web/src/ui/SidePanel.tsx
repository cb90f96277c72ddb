// Chat, people and notes: beside the terminal on a desk, a sheet from below on a phone.

import { useEffect } from "preact/hooks";
import { type Panel, panel, sawChat, scene, unreadCount } from "../state/store";
import { ChatPanel } from "./ChatPanel";
import { Icon, type IconName } from "./Icon";
import { NotesPanel } from "./NotesPanel";
import { PeoplePanel } from "./PeoplePanel";

const PANELS: { id: Panel; name: string; icon: IconName }[] = [
  { id: "chat", name: "Chat", icon: "chat" },
  { id: "people", name: "People", icon: "people" },
  { id: "notes", name: "Notes", icon: "notes" },
];

const close = () => {
  panel.value = null;
};

export function SidePanel() {
  const open = panel.value;
  useEffect(() => {
    if (open === "chat") sawChat();
  }, [open]);
  if (open === null) return null;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") close();
  };
  return (
    <>
      <div class="backdrop" onClick={close} aria-hidden="true" />
      <aside class="panel" aria-label="Side panel" onKeyDown={onKeyDown}>
        <div class="grip" aria-hidden="true" />
        <div class="panel-head">
          <div class="panel-tabs" role="tablist" aria-label="Side panel">
            {PANELS.map(({ id, name }) => (
              <button
                key={id}
                id={`panel-tab-${id}`}
                type="button"
                role="tab"
                aria-selected={open === id}
                aria-controls="panel-body"
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
          {open === "chat" ? <ChatPanel /> : open === "people" ? <PeoplePanel /> : <NotesPanel />}
        </div>
      </aside>
    </>
  );
}

function Count({ id }: { id: Panel }) {
  const unread = unreadCount.value;
  if (id === "people") return <span class="count">{scene.value?.members.length ?? 0}</span>;
  if (id !== "chat" || unread === 0 || panel.value === "chat") return null;
  return <span class="count news" aria-label={`${unread} unread`}>{unread > 99 ? "99+" : unread}</span>;
}

/** The phone's way to the panels. */
export function Dock() {
  return (
    <nav class="dock" aria-label="Panels">
      {PANELS.map(({ id, name, icon }) => (
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
