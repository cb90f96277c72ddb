// What waits for the owner's word, where it cannot be missed.

import type { ComponentChildren } from "preact";
import type { Command } from "../shared/messages";
import { isAsked, keyOf } from "../state/owner";
import { command, nameOfAuthor, owner, scene } from "../state/store";
import { nameOf } from "./Tabs";

/** Above the terminal only the first ones: it must stay in sight. */
const BANNERS_MAX = 2;

export function Desk({ at }: { at: "banner" | "panel" }) {
  const { waiting, wishes, lines } = owner.value.desk;
  const cards = [
    ...lines.map(([number, author, line]) => {
      const answer = (accept: boolean): Command => ({ do: "answerLine", pane: number, member: author, line, accept });
      return (
        <Card key={`l${number}${author}${line}`} no="No" yes="Let it run" refuse={answer(false)} accept={answer(true)}>
          <b>{nameOfAuthor(author)}</b> would like to run{inPane(number)}: <code class="line">{line}</code>
        </Card>
      );
    }),
    ...waiting.map((author) => {
      const admit = (accept: boolean): Command => ({ do: "admit", member: author, accept });
      return (
        <Card key={`w${author}`} no="Turn away" yes="Let in" refuse={admit(false)} accept={admit(true)}>
          Somebody asks to come in. Their key is <b class="key-text">{keyOf(author)}</b>
        </Card>
      );
    }),
    ...wishes.map(([number, author]) => (
      <Card key={`d${number}${author}`} yes="Let drive" accept={{ do: "grant", pane: number, member: author }}>
        <b>{nameOfAuthor(author)}</b> would like to drive{inPane(number)}.
      </Card>
    )),
  ];
  if (cards.length === 0) return null;
  const shown = at === "banner" ? cards.slice(0, BANNERS_MAX) : cards;
  return (
    <section class={`desk in-${at}`} aria-label="Waiting for you" {...(at === "banner" ? { "aria-live": "polite" as const } : {})}>
      {shown}
      {shown.length < cards.length && <p class="dim">and {cards.length - shown.length} more under Manage</p>}
    </section>
  );
}

function inPane(number: number): string {
  const panes = scene.value?.panes ?? [];
  const one = panes.find(({ pane }) => pane === number);
  return panes.length < 2 || one === undefined ? "" : ` in ${nameOf(one)}`;
}

function Card({ children, no, yes, refuse, accept }: {
  children: ComponentChildren;
  no?: string;
  yes: string;
  refuse?: Command;
  accept: Command;
}) {
  const busy = isAsked(owner.value, accept) || (refuse !== undefined && isAsked(owner.value, refuse));
  return (
    <div class="desk-card">
      <p>{children}</p>
      <span class="desk-actions">
        {refuse !== undefined && (
          <button type="button" class="quiet" disabled={busy} onClick={() => command(refuse)}>{no}</button>
        )}
        <button type="button" class="primary" disabled={busy} onClick={() => command(accept)}>{yes}</button>
      </span>
    </div>
  );
}
