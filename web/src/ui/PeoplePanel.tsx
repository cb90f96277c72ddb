import { useState } from "preact/hooks";
import type { Member } from "../shared/messages";
import { inOrder } from "../state/people";
import { cleanName, rememberPerson } from "../state/settings";
import { spell } from "../state/owner";
import { confirming, now, pane, person, scene, stage, tell } from "../state/store";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";
import { PersonFields } from "./PersonFields";
import { nameOf } from "./Tabs";
import { Trust } from "./Trust";

export function PeoplePanel() {
  const members = inOrder(scene.value?.members ?? []);
  return (
    <div class="people">
      <ul aria-label="People here">
        {members.map((member) => <Row key={member.author} member={member} />)}
      </ul>
      <About />
    </div>
  );
}

function Row({ member }: { member: Member }) {
  const looksAt = scene.value?.panes.find((one) => one.pane === member.focus);
  const several = (scene.value?.panes.length ?? 0) > 1;
  const driving = scene.value?.panes.some((one) => one.driver === member.author) === true;
  const facts = [
    member.isHost ? "Host" : member.isMe && scene.value?.canCommand === true ? "Owner" : member.canType ? "May type" : "Views",
    driving ? "drives" : "",
    member.typing ? "is typing" : "",
    several && looksAt !== undefined && looksAt.pane !== pane.value ? `looks at ${nameOf(looksAt)}` : "",
  ];
  return (
    <li>
      <Avatar name={member.name} colour={member.colour} />
      <span class="who">
        <b>{member.name}{member.isMe && <span class="you"> (you)</span>}</b>
        <small>{facts.filter((fact) => fact !== "").join(" · ")}</small>
      </span>
      {member.isMe && <EditMe />}
      {!member.isMe && !member.isHost && scene.value?.canCommand === true && <Remove member={member} />}
    </li>
  );
}

function Remove({ member }: { member: Member }) {
  return (
    <button
      type="button"
      class="link-button danger"
      aria-label={`Remove ${member.name}`}
      onClick={() => {
        confirming.value = {
          title: `Remove ${member.name}?`,
          text: "They are cut off at once. The link they came by is closed for newcomers; others who are here by it stay.",
          yes: "Remove",
          command: { do: "kick", member: member.author },
        };
      }}
    >
      Remove
    </button>
  );
}

function EditMe() {
  const [me, setMe] = useState(person.value);
  const [open, setOpen] = useState(false);
  if (!open || me === null) {
    return <button type="button" class="link-button" onClick={() => { setMe(person.value); setOpen(true); }}>Change</button>;
  }
  const save = (event: Event) => {
    event.preventDefault();
    const name = cleanName(me.name);
    if (name === "") return;
    person.value = { name, colour: me.colour };
    rememberPerson(person.value);
    tell({ kind: "introduce", name, colour: me.colour });
    setOpen(false);
  };
  return (
    <form class="edit-me" onSubmit={save}>
      <PersonFields person={me} onChange={setMe} />
      <div class="actions">
        <button type="button" class="quiet" onClick={() => setOpen(false)}>Cancel</button>
        <button type="submit" class="primary">Save</button>
      </div>
    </form>
  );
}

function About() {
  const expires = scene.value?.expires ?? null;
  const left = expires === null ? null : expires - now.value;
  const since = scene.value?.since ?? null;
  return (
    <section class="about" aria-label="About this session">
      {since !== null && <p>The session began {spell(Math.max(0, now.value - since))} ago.</p>}
      {left !== null && left > 0 && <p>Your link works for {spell(left)} more.</p>}
      <Trust />
      {stage.value.at !== "ended" && (
        <button type="button" class="quiet" onClick={() => tell({ kind: "leave" })}>
          <Icon name="leave" /> Leave
        </button>
      )}
    </section>
  );
}
