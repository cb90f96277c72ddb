// The worker's door: loads the core while the page is still being drawn, and passes messages on.

import type { ToPage, ToWorker } from "../shared/messages";
import { invitation, loadCore, widths } from "./core";
import { Session } from "./session";
import type { By } from "./transport";
import { Dialler } from "./transport/race";
import { WebSocketTransport } from "./transport/websocket";
import { takesWebTransport, WebTransportTransport } from "./transport/webtransport";

// The worker's own global scope; its types clash with the page's, which the rest of the code is checked against.
const scope = self as unknown as {
  postMessage(message: ToPage, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};

const post = (message: ToPage, transfer: Transferable[] = []) => scope.postMessage(message, transfer);
const sentence = (error: unknown) => (error instanceof Error ? error.message : String(error));
const loaded = loadCore().then(() => post({ kind: "widths", changes: widths() }));
let session: Session | null = null;
let dialler = dialBy(takesWebTransport(navigator.userAgent) ? null : "websocket");

function dialBy(only: By | null): Dialler {
  return new Dialler(
    {
      webtransport: (page, events) => new WebTransportTransport(page, events),
      websocket: (page, events) => new WebSocketTransport(page, events),
    },
    only,
  );
}

scope.onmessage = async ({ data: message }) => {
  if (message.kind === "only") dialler = dialBy(message.by);
  if (message.kind === "wake" && message.reason === "online") dialler.forget();
  try {
    await loaded;
  } catch (error) {
    return post({ kind: "broken", text: `The viewer's core did not load: ${sentence(error)}.` });
  }
  try {
    if (message.kind === "read") {
      post({ kind: "invitation", invitation: invitation(message.link) });
    } else if (message.kind === "join") {
      session ??= new Session(message, (events) => dialler.dial(message.gateway, events), post);
    } else {
      session?.handle(message);
    }
  } catch (error) {
    if (message.kind === "read" || message.kind === "join") post({ kind: "badLink", text: sentence(error) });
    else post({ kind: "hint", tone: "warn", text: sentence(error) });
  }
};
