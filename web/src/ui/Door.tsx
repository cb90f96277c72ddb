// Everything before the session is in sight: who you are, the passphrase, and what is wrong with a link.

import { useLayoutEffect, useState } from "preact/hooks";
import { gatewayFor, givenLink, isReopened, openLink } from "../shared/address";
import type { Access, Invitation } from "../shared/messages";
import { cleanName, rememberPerson } from "../state/settings";
import { COLOURS } from "../state/people";
import { capital } from "../state/stage";
import { keyOf } from "../state/owner";
import { askServer, server } from "../state/trust";
import { happen, hint, person, scene, stage, status, tell } from "../state/store";
import { Mark } from "./Icon";
import { PersonFields } from "./PersonFields";
import { Ended } from "./Ended";
import { Trust } from "./Trust";

export function Door() {
  return (
    <main class="door">
      <section class="card" aria-live="polite">
        <header class="brand">
          <Mark /> cahoots
        </header>
        <Inside />
      </section>
      <Trust />
    </main>
  );
}

function Inside() {
  const current = stage.value;
  switch (current.at) {
    case "reading":
      return <Busy title="One moment" text="Reading your link." />;
    case "noLink":
      return <PasteLink title="Open a session" text="Paste the link that you were sent. It stays in this page." />;
    case "badLink":
      return <BadLink text={current.text} />;
    case "broken":
      return (
        <>
          <h1>This page does not work</h1>
          <p>{current.text}</p>
          <p>Reload it; if that does not help, update the browser or use another one.</p>
          <button type="button" class="primary" onClick={() => location.reload()}>Reload</button>
        </>
      );
    case "door":
      return <JoinForm invitation={current.invitation} />;
    case "ended":
      return <Ended />;
    case "waiting":
      return (
        <>
          <Busy title="Knocking" text={status.value.sentence} />
          {scene.value?.me != null && (
            <p>Your key is <b class="key-text">{keyOf(scene.value.me)}</b>; the owner sees the same beside your knock.</p>
          )}
        </>
      );
    case "joining":
    case "here":
      return <Busy title={status.value.label} text={status.value.sentence} canRetry={status.value.canRetry} />;
  }
}

function Busy({ title, text, canRetry = false }: { title: string; text: string; canRetry?: boolean }) {
  return (
    <>
      <div class="spinner" aria-hidden="true" />
      <h1>{title}</h1>
      <p>{text}</p>
      {canRetry && (
        <button type="button" class="primary" onClick={() => tell({ kind: "wake", reason: "asked" })}>Try now</button>
      )}
    </>
  );
}

function BadLink({ text }: { text: string }) {
  const [wrong = "", advice = ""] = text.split("\n");
  const sentences = [wrong, advice].filter((one) => one !== "").map((one) => `${capital(one)}.`);
  return <PasteLink title="This link does not work" text={sentences.join(" ")} />;
}

function PasteLink({ title, text }: { title: string; text: string }) {
  const [pasted, setPasted] = useState("");
  const open = (event: Event) => {
    event.preventDefault();
    givenLink.value = pasted.trim();
    tell({ kind: "read", link: pasted.trim() });
  };
  return (
    <form onSubmit={open}>
      <h1>{title}</h1>
      <p>{text}</p>
      <label class="field">
        Link
        <input
          type="password"
          autoComplete="off"
          spellcheck={false}
          placeholder="https://…/j#…"
          value={pasted}
          onInput={(event) => setPasted(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={pasted.trim() === ""}>Open</button>
    </form>
  );
}

const MAY: Record<Access, string> = {
  view: "You can watch and chat.",
  interact: "You can watch, chat and type into the terminal.",
  own: "This link is the owner's own: it can do everything. Pass it on to nobody.",
};

function JoinForm({ invitation }: { invitation: Invitation }) {
  // Number 0 is what most hosts have.
  const [me, setMe] = useState(person.value ?? { name: "", colour: 1 + Math.floor(Math.random() * (COLOURS.length - 1)) });
  const [words, setWords] = useState("");
  const name = cleanName(me.name);
  const ready = name !== "" && (!invitation.needsPassphrase || words !== "");
  const join = async () => {
    const link = givenLink.value;
    if (!ready || link === null) return;
    // Where the session is, a copy of the page has to be told first.
    if (server.value === null) await askServer(document.baseURI);
    if (server.value === null) return hint("warn", `${location.host} does not answer. Try again in a moment.`);
    if (givenLink.value !== link) return;
    let gateway: string;
    try {
      gateway = gatewayFor(server.value.relay, invitation.relay, document.baseURI);
    } catch (error) {
      return hint("warn", (error as Error).message);
    }
    person.value = { name, colour: me.colour };
    rememberPerson(person.value);
    givenLink.value = null;
    openLink.value = link;
    happen({ kind: "joinAsked", time: Date.now() });
    tell({ kind: "join", link, words: invitation.needsPassphrase ? words : null, name, colour: me.colour, gateway });
  };
  useLayoutEffect(() => {
    if (isReopened.peek()) void join();
    isReopened.value = false;
  }, []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void join();
      }}
    >
      <h1>You are invited</h1>
      <p>Somebody shares a terminal with you. {MAY[invitation.access]}</p>
      <PersonFields person={me} onChange={setMe} autoFocus={me.name === ""} />
      {invitation.needsPassphrase && (
        <label class="field">
          Passphrase
          <input
            type="password"
            autoComplete="off"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
            aria-describedby="words-hint"
          />
          <small id="words-hint">Whoever sent the link knows it. Checking it takes a second.</small>
        </label>
      )}
      <button type="submit" class="primary" disabled={!ready}>Join</button>
    </form>
  );
}
