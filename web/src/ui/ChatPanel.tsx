import { useEffect, useRef, useState } from "preact/hooks";
import { CHAT_TEXT_BYTES_MAX } from "../shared/messages";
import { type Entry, hits, parts, search, timeline } from "../state/chat";
import { colourOf, strangersColour, typingSentence } from "../state/people";
import { chat, draft, hint, people, scene, stage, tell } from "../state/store";
import { follow } from "../terminal/screens";
import { Avatar } from "./Avatar";
import { Icon } from "./Icon";
import { isComposing } from "./keys";

/** Somebody who stops typing is not typing any more. */
const TYPING_MS = 3_000;
/** Fewer messages are read faster than searched. */
const SEARCH_FROM = 12;
/** Closer to the end than this, new messages are followed. */
const NEAR_END = 60;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export function ChatPanel() {
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [query, setQuery] = useState("");
  const wanted = query.trim();
  const entries: Entry[] = wanted === ""
    ? timeline(chat.value)
    : search(chat.value, wanted).map((line) => ({ kind: "line", key: `${line.author}/${line.n}`, line, goesOn: false }));
  useEffect(() => {
    if (follows.current && list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  }, [chat.value, query]);
  const onScroll = () => {
    const { scrollHeight = 0, scrollTop = 0, clientHeight = 0 } = list.current ?? {};
    follows.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
  };
  return (
    <div class="chat">
      {chat.value.lines.length >= SEARCH_FROM && (
        <label class="find">
          <Icon name="search" />
          <input
            type="text"
            aria-label="Find in the chat"
            placeholder="Find in the chat"
            autoComplete="off"
            value={query}
            onInput={(event) => {
              follows.current = true;
              setQuery(event.currentTarget.value);
            }}
            onKeyDown={(event) => {
              if (event.key !== "Escape" || query === "" || isComposing(event)) return;
              event.stopPropagation();
              setQuery("");
            }}
          />
          {wanted !== "" && <span class="found" role="status">{entries.length === 0 ? "Nothing found" : entries.length}</span>}
        </label>
      )}
      <div ref={list} class="messages" role="log" aria-label="Chat" tabIndex={0} onScroll={onScroll}>
        {entries.length === 0 && wanted === "" && (
          <p class="nothing">Nothing was said yet. What you write is seen by everybody here, and by nobody else.</p>
        )}
        {entries.map((entry) => <Row key={entry.key} entry={entry} query={wanted} />)}
      </div>
      <Typing />
      <Composer onSent={() => { follows.current = true; }} />
    </div>
  );
}

/** By itself: it changes with every scene, and a long chat does not. */
function Typing() {
  return <p class="typing" aria-live="polite">{typingSentence(scene.value?.members ?? [])}</p>;
}

/** An address opens after a question, with whatever button it is clicked. */
function Address({ href, text }: { href: string; text: string }) {
  const ask = (event: MouseEvent) => {
    event.preventDefault();
    follow(href);
  };
  return (
    <a href={href} rel="noopener noreferrer" onClick={ask} onAuxClick={(event) => event.button === 1 && ask(event)}>
      {text}
    </a>
  );
}

function Row({ entry, query }: { entry: Entry; query: string }) {
  if (entry.kind === "day") return <p class="day">{calendar.format(entry.time)}</p>;
  if (entry.kind === "passing") {
    const { author, what, time } = entry.passing;
    return <p class="passing">{people.value.get(author)?.name ?? author.slice(0, 6)} {what} · {clock.format(time)}</p>;
  }
  const { line, goesOn } = entry;
  const colour = people.value.get(line.author)?.colour ?? strangersColour(line.author);
  return (
    <article class={`message${goesOn ? " goes-on" : ""}${line.isMine ? " mine" : ""}`}>
      {!goesOn && <Avatar name={line.name} colour={colour} />}
      <div class="said">
        {!goesOn && (
          <header>
            <b style={{ color: colourOf(colour) }}>{line.isMine ? `${line.name} (you)` : line.name}</b>
            <time dateTime={new Date(line.time).toISOString()}>{clock.format(line.time)}</time>
          </header>
        )}
        <p class="text">
          {parts(line.text).map(({ text, href }, index) =>
            href === null
              ? hits(text, query).map((hit, at) => (hit.isHit ? <mark key={at}>{hit.text}</mark> : hit.text))
              : <Address key={index} href={href} text={text} />)}
        </p>
      </div>
    </article>
  );
}

function Composer({ onSent }: { onSent: () => void }) {
  const text = draft.value;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const typing = useRef(false);
  const setTyping = (now: boolean) => {
    clearTimeout(timer.current);
    if (now) timer.current = setTimeout(() => setTyping(false), TYPING_MS);
    if (typing.current === now) return;
    typing.current = now;
    tell({ kind: "typing", typing: now });
  };
  useEffect(() => () => setTyping(false), []);
  if (scene.value?.canChat !== true || stage.value.at === "ended") {
    return <p class="nothing">{stage.value.at === "ended" ? "The chat is over." : "This link may read the chat, not write."}</p>;
  }
  const send = () => {
    const said = text.trim();
    if (said === "") return;
    const bytes = new TextEncoder().encode(said).length;
    if (bytes > CHAT_TEXT_BYTES_MAX) {
      return hint("warn", `The message is too long: ${bytes} bytes, and ${CHAT_TEXT_BYTES_MAX} are the most. Send it in parts.`);
    }
    tell({ kind: "say", text: said });
    draft.value = "";
    setTyping(false);
    onSent();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        aria-label="Message"
        placeholder="Message everybody"
        rows={Math.min(5, text.split("\n").length)}
        value={text}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
          setTyping(event.currentTarget.value !== "");
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
          event.preventDefault();
          send();
        }}
      />
      <button type="submit" class="icon-button send" aria-label="Send" disabled={text.trim() === ""}>
        <Icon name="send" />
      </button>
    </form>
  );
}
