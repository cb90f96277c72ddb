// For holders of an own link: what waits for a word, links, who may type, and the way out in an emergency.

import { useState } from "preact/hooks";
import { shareable } from "../shared/address";
import { server } from "../state/trust";
import type { LinkLine, Pane } from "../shared/messages";
import { isAsked, linksInOrder, type Made, policyAsked, spell } from "../state/owner";
import { command, confirming, happen, nameOfAuthor, now, owner, pane, scene, stage } from "../state/store";
import { copy } from "../terminal/screens";
import { Desk } from "./Desk";
import { Icon } from "./Icon";
import { nameOf } from "./Tabs";

export function ManagePanel() {
  if (stage.value.at === "ended") return <p class="nothing">The session is over.</p>;
  return (
    <div class="manage">
      <Desk at="panel" />
      {owner.value.made === null ? <NewLink /> : <MadeLink made={owner.value.made} />}
      <Links />
      <Driving />
      <section class="part" aria-labelledby="emergency">
        <h2 id="emergency">Emergency</h2>
        <p class="dim">Closes every link at once, this one too. The host's own terminal goes on.</p>
        <button
          type="button"
          class="quiet danger"
          onClick={() => {
            confirming.value = {
              title: "Cut everybody off?",
              text: "Every link is closed, also the one you came by. Only the host itself can share again.",
              yes: "Cut everybody off",
              command: { do: "revokeAll" },
            };
          }}
        >
          Cut everybody off
        </button>
      </section>
    </div>
  );
}

const LASTING: [label: string, seconds: number][] = [
  ["1 hour", 3_600],
  ["8 hours", 8 * 3_600],
  ["1 day", 24 * 3_600],
  ["1 week", 7 * 24 * 3_600],
];

function NewLink() {
  const [mayType, setMayType] = useState(false);
  const [lastsS, setLastsS] = useState(24 * 3_600);
  const [approve, setApprove] = useState(false);
  const [once, setOnce] = useState(false);
  const busy = isAsked(owner.value, { do: "makeLink" });
  // No link outlasts the own link that makes it.
  const mine = scene.value?.expires ?? null;
  const shortened = mine !== null && lastsS * 1_000 > (mine - now.value) * 1.1;
  return (
    <form
      class="part"
      aria-labelledby="new-link"
      onSubmit={(event) => {
        event.preventDefault();
        command({ do: "makeLink", mayType, lastsS, membersMax: 0, approve, once });
      }}
    >
      <h2 id="new-link">Invite somebody</h2>
      <fieldset class="choice">
        <legend class="unseen">What the link allows</legend>
        <label>
          <input type="radio" name="access" checked={!mayType} onChange={() => setMayType(false)} />
          <span><Icon name="eye" /> View</span>
        </label>
        <label>
          <input type="radio" name="access" checked={mayType} onChange={() => setMayType(true)} />
          <span><Icon name="keyboard" /> Interact</span>
        </label>
      </fieldset>
      {mayType && <p class="dim">Whoever has it can run anything on the host, as its user.</p>}
      <label class="row">
        <span>Works for</span>
        <select value={lastsS} onChange={(event) => setLastsS(Number(event.currentTarget.value))}>
          {LASTING.map(([label, seconds]) => <option key={seconds} value={seconds}>{label}</option>)}
        </select>
      </label>
      {shortened && mine !== null && (
        <p class="dim">Your own link ends in {spell(mine - now.value)}, and this one with it.</p>
      )}
      <label class="tick">
        <input type="checkbox" checked={approve} onChange={() => setApprove(!approve)} />
        Ask before letting anybody in
      </label>
      <label class="tick">
        <input type="checkbox" checked={once} onChange={() => setOnce(!once)} />
        For one person, once
      </label>
      <button type="submit" class="primary" disabled={busy}>{busy ? "Making it…" : "Make a link"}</button>
    </form>
  );
}

function MadeLink({ made }: { made: Made }) {
  // A page of one's own program, or a copy, is nowhere that others could come to by the link.
  const isServedThere = server.value?.by === "relay" || server.value?.by === "host";
  const link = isServedThere ? shareable(made.link, location) : made.link;
  const facts = [
    made.terms.mayType ? "lets type" : "lets watch",
    made.terms.once ? "one person" : "",
    made.terms.approve ? "asks first" : "",
  ];
  const pass = () => {
    // Whoever closes the sheet of the system changes their mind: nothing to say about it.
    navigator.share?.({ title: "A terminal session", url: link }).catch(() => {});
  };
  return (
    <section class="part made" aria-labelledby="made-link">
      <h2 id="made-link">Your new link</h2>
      <p class="dim">{facts.filter((fact) => fact !== "").join(" · ")}. It is the key: whoever has it can come in.</p>
      {link.startsWith("cahoots:") && (
        <p class="dim">For <code>cahoots join</code> or <code>cahoots view</code>; browsers need it behind your relay's address.</p>
      )}
      <input
        type="text"
        readOnly
        autoFocus
        value={link}
        aria-label="The link"
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="actions">
        <button type="button" class="quiet" onClick={() => happen({ kind: "madeSeen" })}>Done</button>
        {"share" in navigator && <button type="button" class="quiet" onClick={pass}>Send…</button>}
        <button type="button" class="primary" onClick={() => void copy(link)}>Copy</button>
      </div>
    </section>
  );
}

function Links() {
  const { open, over } = linksInOrder(owner.value.links, now.value);
  return (
    <section class="part" aria-labelledby="links">
      <h2 id="links">Open links</h2>
      <ul class="links">
        {open.map((link) => <LinkRow key={link.share} link={link} />)}
      </ul>
      {over.length > 0 && <p class="dim">{over.length === 1 ? "One more is" : `${over.length} more are`} closed or over.</p>}
    </section>
  );
}

function LinkRow({ link }: { link: LinkLine }) {
  const names = (scene.value?.members ?? []).filter((member) => member.share === link.share).map(({ name }) => name);
  const facts = [
    `${spell(link.expires - now.value)} left`,
    link.once ? "one person" : "",
    link.approve ? "asks first" : "",
    link.passphrase ? "passphrase" : "",
    link.passedOn ? "passed on" : "",
    link.membersMax === null || link.once ? "" : `${link.membersMax} at most`,
  ];
  const what = { view: "View", interact: "Interact", own: "Own" }[link.access];
  return (
    <li>
      <span class={link.access === "view" ? "badge" : "badge can"}>
        <Icon name={link.access === "view" ? "eye" : link.access === "own" ? "key" : "keyboard"} />
      </span>
      <span class="who">
        <b>{what}{link.isMine && <span class="you"> (yours)</span>}</b>
        <small>{facts.filter((fact) => fact !== "").join(" · ")}</small>
        <small>{names.length === 0 ? "nobody here by it" : names.join(", ")}</small>
      </span>
      <button
        type="button"
        class="link-button danger"
        aria-label={`Revoke the ${what.toLowerCase()} link${names.length > 0 ? ` of ${names.join(", ")}` : ""}`}
        disabled={isAsked(owner.value, { do: "revoke", share: link.share })}
        onClick={() => {
          confirming.value = {
            title: link.isMine ? "Revoke your own link?" : "Revoke this link?",
            text: link.isMine
              ? "You are cut off at once, and nobody comes in by it any more."
              : names.length === 0
                ? "Nobody comes in by it any more."
                : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} cut off at once, and nobody comes in by it any more.`,
            yes: "Revoke",
            command: { do: "revoke", share: link.share },
          };
        }}
      >
        Revoke
      </button>
    </li>
  );
}

const POLICIES: [policy: Pane["policy"], label: string, text: string][] = [
  ["all", "Everybody", "Whoever has an interact link types as they like."],
  ["one", "One at a time", "Whoever drives; others ask for it. After a minute without a key it is free."],
  ["line", "Line by line", "You or the host read each line before it runs."],
];

function Driving() {
  const current = scene.value?.panes.find((one) => one.pane === pane.value);
  if (current === undefined || current.exit !== null) return null;
  const typists = (scene.value?.members ?? []).filter((member) => member.canType);
  const { pane: number, policy, driver } = current;
  const wanted = policyAsked(owner.value, number);
  const several = (scene.value?.panes.length ?? 0) > 1;
  return (
    <section class="part" aria-labelledby="driving">
      <h2 id="driving">Who may type{several ? ` · ${nameOf(current)}` : ""}</h2>
      <fieldset class="policies">
        <legend class="unseen">Whose keys reach the terminal</legend>
        {POLICIES.map(([value, label, text]) => (
          <label key={value} class="tick">
            <input
              type="radio"
              name="policy"
              checked={(wanted ?? policy) === value}
              onChange={() => command({ do: "setPolicy", pane: number, policy: value })}
            />
            <span>{label}<small>{text}</small></span>
          </label>
        ))}
      </fieldset>
      {policy === "one" && (
        <label class="row">
          <span>Drives now</span>
          <select
            value={driver ?? ""}
            onChange={(event) => command({ do: "grant", pane: number, member: event.currentTarget.value || null })}
          >
            <option value="">Nobody</option>
            {driver !== null && !typists.some((member) => member.author === driver) && (
              <option value={driver}>{nameOfAuthor(driver)}</option>
            )}
            {typists.map((member) => (
              <option key={member.author} value={member.author}>{member.isMe ? `${member.name} (you)` : member.name}</option>
            ))}
          </select>
        </label>
      )}
    </section>
  );
}
