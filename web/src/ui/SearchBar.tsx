// Looking for text in the terminal, up to where its scrollback begins.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { searching } from "../state/store";
import { PLACES_MAX } from "../terminal/find";
import { shownScreen } from "../terminal/screens";
import { Icon } from "./Icon";
import { isComposing } from "./keys";

export function SearchBar() {
  const field = useRef<HTMLInputElement>(null);
  const [query, setQuery] = useState("");
  const [found, setFound] = useState({ count: 0, at: -1 });
  useLayoutEffect(() => field.current?.focus(), []);

  /** Looks anew each time: the program may have written since. */
  const look = (wanted: string, step: -1 | 0 | 1) => {
    const screen = shownScreen();
    if (screen === undefined) return;
    const { places, nearest } = screen.find(wanted);
    const count = places.length;
    const at = count === 0 ? -1 : step === 0 || found.at === -1 ? nearest : (found.at + step + count) % count;
    const place = places[at];
    if (place === undefined) screen.clearSelection();
    else screen.showPlace(place);
    setFound({ count, at });
  };
  const close = () => {
    searching.value = false;
    shownScreen()?.clearSelection();
    shownScreen()?.focus();
  };
  const { count, at } = found;
  const said = query === "" ? "" : count === 0 ? "Nothing found" : `${at + 1} of ${count === PLACES_MAX ? `${count}+` : count}`;
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        look(query, -1);
      }}
      onKeyDown={(event) => {
        if (isComposing(event)) return;
        if (event.key === "Escape") close();
        if (event.key !== "Enter" || !event.shiftKey) return;
        event.preventDefault();
        look(query, 1);
      }}
    >
      <Icon name="search" />
      <input
        ref={field}
        type="text"
        aria-label="Find in the terminal"
        placeholder="Find in the terminal"
        autoComplete="off"
        spellcheck={false}
        value={query}
        onInput={(event) => {
          setQuery(event.currentTarget.value);
          look(event.currentTarget.value, 0);
        }}
      />
      <span class="found" role="status">{said}</span>
      <button type="submit" class="icon-button small" aria-label="The one before" title="The one before (Enter)" disabled={count === 0}>
        <Icon name="up" />
      </button>
      <button type="button" class="icon-button small" aria-label="The next one" title="The next one (Shift+Enter)" disabled={count === 0} onClick={() => look(query, 1)}>
        <Icon name="down" />
      </button>
      <button type="button" class="icon-button small" aria-label="Close the search" title="Close (Esc)" onClick={close}>
        <Icon name="close" />
      </button>
    </form>
  );
}
