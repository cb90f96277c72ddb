// What is asked before something leaves the page or reaches the host.

import { command, confirming, leaving, pasting, type Question } from "../state/store";
import { screens } from "../terminal/screens";
import { Dialog } from "./Dialog";

const LINES_SHOWN = 12;

export function Questions() {
  if (confirming.value !== null) return <Confirm question={confirming.value} />;
  if (pasting.value !== null && screens.value.has(pasting.value.pane)) return <PasteGuard {...pasting.value} />;
  if (leaving.value !== null) return <LeaveGuard address={leaving.value} />;
  return null;
}

/** Nobody is cut off by a slip of the finger. */
function Confirm({ question }: { question: Question }) {
  const close = () => {
    confirming.value = null;
  };
  const act = () => {
    close();
    command(question.command);
  };
  return (
    <Dialog title={question.title} onClose={close}>
      <p>{question.text}</p>
      <div class="actions">
        <button type="button" class="quiet" onClick={close} autoFocus>Cancel</button>
        <button type="button" class="primary danger" onClick={act}>{question.yes}</button>
      </div>
    </Dialog>
  );
}

/** A shell runs each pasted line at once: nobody should find that out afterwards. */
function PasteGuard({ pane, text }: { pane: number; text: string }) {
  const runs = text.endsWith("\n");
  const lines = text.replace(/\n$/, "").split("\n");
  const close = () => {
    pasting.value = null;
  };
  const paste = () => {
    close();
    screens.peek().get(pane)?.paste(text);
  };
  const oneLine = () => {
    close();
    screens.peek().get(pane)?.paste(lines.map((line) => line.trim()).filter((line) => line !== "").join(" "));
  };
  return (
    <Dialog title={lines.length === 1 ? "Paste and run this line?" : `Paste ${lines.length} lines?`} onClose={close}>
      <p>
        Each line may run at once on the host's machine{runs && lines.length > 1 ? ", the last one too" : ""}.
      </p>
      <pre class="preview" tabIndex={0}>
        {lines.slice(0, LINES_SHOWN).join("\n")}
        {lines.length > LINES_SHOWN && `\n… ${lines.length - LINES_SHOWN} more`}
      </pre>
      <div class="actions">
        <button type="button" class="quiet" onClick={close} autoFocus>Cancel</button>
        <button type="button" class="quiet" onClick={oneLine}>{lines.length === 1 ? "Paste without running" : "Paste as one line"}</button>
        <button type="button" class="primary" onClick={paste}>Paste</button>
      </div>
    </Dialog>
  );
}

/** What an address looks like in a terminal and where it leads are two things: the second is shown. */
function LeaveGuard({ address }: { address: string }) {
  const url = new URL(address);
  const close = () => {
    leaving.value = null;
  };
  const open = () => {
    close();
    window.open(address, "_blank", "noopener,noreferrer");
  };
  return (
    <Dialog title={`Open ${url.host}?`} onClose={close}>
      <p>This address comes from the session, not from this page. It opens in a new tab.</p>
      <pre class="preview address" tabIndex={0}>{address}</pre>
      {url.protocol === "http:" && <p class="warn">It is not encrypted on its way (http).</p>}
      <div class="actions">
        <button type="button" class="quiet" onClick={close} autoFocus>Stay here</button>
        <button type="button" class="primary" onClick={open}>Open</button>
      </div>
    </Dialog>
  );
}
