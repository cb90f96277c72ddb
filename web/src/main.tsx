// Where the page begins: the link is taken out of sight first, everything else comes after.

import { render } from "preact";
import wasmUrl from "./core/cahoots_web_bg.wasm?url";
import { givenLink, isReopened, openLink, takeLink } from "./shared/address";
import { fetchLink, isKept, leaveLink, startKeeper } from "./shared/keeper";
import type { ToPage, ToWorker } from "./shared/messages";
import { connect, happen, hint, isWide, newerPage, now, online, panel, sawChat, scene, searching, stage, take, tell } from "./state/store";
import { askServer, server } from "./state/trust";
import { keepScreens, takeTerminal } from "./terminal/screens";
import { App } from "./ui/App";
import "./style/theme.css";
import "./style/base.css";
import "./style/door.css";
import "./style/room.css";
import "./style/panel.css";
import "./style/phone.css";
import workerUrl from "./worker/main?worker&url";

const asked = new URLSearchParams(location.search).get("transport");
const link = takeLink();

// The page's policy wants it said which scripts may run: the worker, and what keeps the page.
const KEEPER = new URL("sw.js", document.baseURI).href;
interface Policy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: Policy): Policy;
}
const trusted = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
const policy = trusted?.createPolicy("cahoots", {
  createScriptURL: (url) => {
    if (url !== workerUrl && url !== KEEPER) throw new TypeError("no such script");
    return url;
  },
});
const scriptUrl = (url: string) => policy?.createScriptURL(url) ?? url;
const worker = new Worker(scriptUrl(workerUrl), { type: "module" });
connect((message: ToWorker, transfer = []) => worker.postMessage(message, transfer));
let hasSpoken = false;
worker.onmessage = ({ data }: MessageEvent<ToPage>) => {
  hasSpoken = true;
  if (!takeTerminal(data)) take(data);
};
worker.onerror = ({ message }) => {
  const text = hasSpoken ? `The viewer's worker stopped: ${message}` : "The viewer's worker did not start.";
  happen({ kind: "broken", text });
};

if (asked === "wt" || asked === "ws") tell({ kind: "only", by: asked === "wt" ? "webtransport" : "websocket" });
keepScreens();
const asking = askServer(document.baseURI);
if (link === null) void reopen();
else tell({ kind: "read", link });

/** Goes on where a reload broke off; else there is no link. */
async function reopen(): Promise<void> {
  const [left] = await Promise.all([fetchLink().catch(() => null), asking]);
  // Somebody may have put one into the address bar meanwhile.
  if (givenLink.peek() !== null) return;
  if (left === null) return happen({ kind: "noLink" });
  isReopened.value = true;
  givenLink.value = left;
  tell({ kind: "read", link: left });
}

addEventListener("pagehide", () => {
  if (openLink.value !== null && stage.peek().at !== "ended") leaveLink(openLink.value);
});

addEventListener("online", () => {
  online.value = true;
  if (server.peek() === null) void askServer(document.baseURI);
  tell({ kind: "wake", reason: "online" });
});
addEventListener("offline", () => {
  online.value = false;
});
if ("serviceWorker" in navigator && isKept(location, isSecureContext)) {
  const told = {
    newer: () => {
      newerPage.value = true;
    },
    alone: () => {
      online.value = false;
    },
    renewed: () => {
      // Whoever took it may look at it first.
      openLink.value = null;
      location.reload();
    },
  };
  // A browser that forbids it (in private windows, say) has all else.
  startKeeper(scriptUrl(KEEPER), [workerUrl, wasmUrl], told).catch(() => {});
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  tell({ kind: "wake", reason: "visible" });
  if (panel.value === "chat") sawChat();
});
// A second link pasted into the address bar of the same page.
addEventListener("hashchange", () => {
  const next = takeLink();
  if (next === null) return;
  if (openLink.peek() === null) return tell({ kind: "read", link: next });
  givenLink.value = null;
  hint("warn", "Open the other link in a tab of its own.");
});
// Before the terminal takes it for a key of its own.
const onFind = (event: KeyboardEvent) => {
  if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.key.toLowerCase() !== "f" || scene.peek() === null) return;
  event.preventDefault();
  event.stopPropagation();
  searching.value = true;
};
addEventListener("keydown", onFind, { capture: true });
setInterval(() => {
  now.value = Date.now();
}, 1_000);
const wide = matchMedia("(min-width: 900px)");
if (wide.matches) panel.value = "chat";
const widths = () => {
  isWide.value = wide.matches;
};
wide.addEventListener("change", widths);
widths();

render(<App />, document.getElementById("app") as HTMLElement);
