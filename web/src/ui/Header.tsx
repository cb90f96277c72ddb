import { inOrder } from "../state/people";
import { rememberTheme } from "../state/settings";
import { panel, scene, status, tell, theme } from "../state/store";
import { isLight } from "../terminal/screens";
import { Avatar } from "./Avatar";
import { Icon, Mark } from "./Icon";

const FACES_MAX = 5;

export function Header() {
  const title = scene.value?.title ?? "";
  return (
    <header class="header">
      <Mark />
      <h1 class="title" title={title}>{title === "" ? "Shared session" : title}</h1>
      <AccessBadge />
      <StatusPill />
      <span class="space" />
      <Faces />
      <ThemeSwitch />
      <button
        type="button"
        class="icon-button wide-only"
        aria-pressed={panel.value !== null}
        aria-label="Side panel"
        title="Side panel"
        onClick={() => {
          panel.value = panel.value === null ? "chat" : null;
        }}
      >
        <Icon name="panel" />
      </button>
    </header>
  );
}

function AccessBadge() {
  const can = scene.value?.canType === true;
  const owns = scene.value?.canCommand === true;
  const text = owns ? "Owner" : can ? "Interact" : "View only";
  const why = owns
    ? "You may type, make links and remove people."
    : can
      ? "You may type into the terminal."
      : "You may look, not type.";
  return (
    <span class={can ? "badge can" : "badge"} title={why}>
      <Icon name={owns ? "key" : can ? "keyboard" : "eye"} />
      <span class="badge-text">{text}</span>
    </span>
  );
}

function StatusPill() {
  const { tone, label, sentence, canRetry } = status.value;
  const retry = () => tell({ kind: "wake", reason: "asked" });
  // Read out when it changes, not at every measured round trip.
  const spoken = label.split(" · ")[0];
  return (
    <>
      <button type="button" class={`pill ${tone}`} title={sentence} onClick={canRetry ? retry : undefined} aria-label={`${label}. ${sentence}`}>
        <span class="dot" aria-hidden="true" />
        <span class="pill-text">{label}</span>
      </button>
      <span class="unseen" role="status">{spoken}</span>
    </>
  );
}

function Faces() {
  const members = inOrder(scene.value?.members ?? []);
  const more = members.length - FACES_MAX;
  return (
    <button
      type="button"
      class="faces"
      title="Who is here"
      onClick={() => {
        panel.value = "people";
      }}
    >
      {members.slice(0, FACES_MAX).map((member) => (
        <Avatar key={member.author} name={member.name} colour={member.colour} />
      ))}
      {more > 0 && <span class="avatar more" aria-hidden="true">+{more}</span>}
      <span class="unseen">{members.length} {members.length === 1 ? "person" : "people"} here</span>
    </button>
  );
}

function ThemeSwitch() {
  const next = isLight.value ? "dark" : "light";
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={`Switch to the ${next} theme`}
      title={`Switch to the ${next} theme`}
      onClick={() => {
        theme.value = next;
        rememberTheme(next);
      }}
    >
      <Icon name={isLight.value ? "moon" : "sun"} />
    </button>
  );
}
