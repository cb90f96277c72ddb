// Where somebody is between opening a link and leaving, and what that is called.

import type { By, How, Invitation, LinkReport, Scene, Way } from "../shared/messages";
import type { PageEvent } from "./events";

export type Stage =
  | { at: "reading" }
  | { at: "noLink" }
  | { at: "badLink"; text: string }
  | { at: "broken"; text: string }
  | { at: "door"; invitation: Invitation }
  | { at: "joining" }
  | { at: "waiting" }
  | { at: "here" }
  | { at: "ended"; how: How | "refused"; text: string };

export function reduceStage(stage: Stage, event: PageEvent): Stage {
  // What ended stays so: a relay that goes on talking changes nothing.
  if (stage.at === "ended" || stage.at === "broken") return stage;
  switch (event.kind) {
    case "noLink":
      return { at: "noLink" };
    case "invitation":
      return { at: "door", invitation: event.invitation };
    case "badLink":
      return { at: "badLink", text: event.text };
    case "broken":
      return { at: "broken", text: event.text };
    case "joinAsked":
      return { at: "joining" };
    case "waiting":
      return { at: "waiting" };
    case "letIn":
      return stage.at === "waiting" ? { at: "joining" } : stage;
    case "scene":
      return stage.at === "joining" && isHere(event.scene) ? { at: "here" } : stage;
    case "ended":
      return { at: "ended", how: event.how, text: event.text };
    case "link":
      return event.link.phase === "over" ? { at: "ended", how: "refused", text: event.link.reason } : stage;
    default:
      return stage;
  }
}

/** The session shows itself once its host is proven or there is something to see. */
function isHere(scene: Scene): boolean {
  return scene.me !== null && (scene.live || scene.panes.length > 0 || scene.members.length > 1);
}

export interface Status {
  tone: "good" | "busy" | "bad";
  /** One or two words for the header. */
  label: string;
  /** What is the case, and what to do. */
  sentence: string;
  /** Where trying again makes sense. */
  canRetry: boolean;
}

const CONNECTING: Status = {
  tone: "busy",
  label: "Connecting",
  sentence: "Finding the session. This takes a moment.",
  canRetry: false,
};

const OFFLINE: Status = {
  tone: "bad",
  label: "Offline",
  sentence: "There is no way to the relay: this device seems to be offline. It goes on by itself; nothing that you wrote is lost.",
  canRetry: false,
};

const BY: Record<By | Way, string> = {
  websocket: "by WebSocket",
  webtransport: "by WebTransport",
  loopback: "straight to the host, on this machine",
  lan: "straight to the host, over the local network",
  relay: "through the relay, by your own program",
};

/** Says how the session is doing, for the header and the banner. `now` is in milliseconds since 1970. */
export function describe(
  stage: Stage,
  link: LinkReport | null,
  scene: Scene | null,
  rtt: number | null,
  now: number,
  online = true,
): Status {
  if (stage.at === "ended") return { tone: "bad", ...ending(stage.how, stage.text), canRetry: false };
  if (stage.at === "waiting") {
    return {
      tone: "busy",
      label: "Waiting",
      sentence: "The owner was asked to let you in. Keep this page open.",
      canRetry: false,
    };
  }
  if (!online && link?.phase !== "open" && stage.at !== "door") return OFFLINE;
  if (link?.phase === "waiting") {
    const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1_000));
    const when = seconds > 0 ? `Trying again in ${seconds} s` : "Trying again now";
    return {
      tone: "busy",
      label: "Reconnecting",
      sentence: `${capital(link.reason)}. ${when}; nothing that you wrote is lost.`,
      canRetry: true,
    };
  }
  if (link === null || link.phase !== "open" || scene === null) {
    if (link?.phase === "dialling" && link.attempt > 1) {
      return { ...CONNECTING, label: "Reconnecting", sentence: "Reaching the relay again." };
    }
    return CONNECTING;
  }
  if (!scene.linked) return { ...CONNECTING, sentence: "Reached the relay; proving that this link is good." };
  if (!scene.live) {
    return {
      tone: "busy",
      label: "Host away",
      sentence: "The relay is there, but the host is silent. What you see may be old; it goes on when the host is back.",
      canRetry: false,
    };
  }
  const time = rtt === null ? "" : ` · ${rtt < 1 ? "<1" : Math.round(rtt)} ms`;
  const sentence = `You see what the host sees. Connected ${BY[link.by]}.`;
  return { tone: "good", label: `Live${time}`, sentence, canRetry: false };
}

/** Says how it ended: a title, and a sentence with what to do. */
export function ending(how: How | "refused", text: string): { label: string; sentence: string } {
  switch (how) {
    case "expired":
      return { label: "Link expired", sentence: "This link's time is up. Ask whoever sent it for a new one." };
    case "revoked":
      return { label: "Link revoked", sentence: "The owner closed this link. Ask for a new one if you should be here." };
    case "kicked":
      return { label: "Removed", sentence: "The owner removed you from the session. Talk to them before you try again." };
    case "turnedAway":
      return { label: "Not let in", sentence: "The owner did not let you in. If they expected you, tell them your name and open the link again." };
    case "left":
      return { label: "You left", sentence: "Open the link again to come back." };
    case "over":
      return { label: "Session ended", sentence: "The owner ended the session. There is nothing more to see here." };
    case "refused":
      return refusal(text);
  }
}

function refusal(text: string): { label: string; sentence: string } {
  switch (text) {
    case "session not found":
      return {
        label: "No such session",
        sentence: "The relay does not know this session. It has ended, or its host is not connected: ask them, then open the link again.",
      };
    case "the link has expired":
      return ending("expired", text);
    case "the link was revoked":
      // All that the relay knows: it is told neither why nor for whom.
      return {
        label: "Link closed",
        sentence: "The owner closed this link or removed you. Ask them for a new one if you should be here.",
      };
    case "the session has ended":
      return ending("over", text);
    case "the owner did not let this member in":
      return ending("turnedAway", text);
    case "proof of possession failed":
      return {
        label: "Link refused",
        sentence: "The relay did not accept this link. If it has a passphrase, it was mistyped; else copy the whole link again.",
      };
    case "this link was never issued for the session":
      return { label: "Link refused", sentence: "The session knows no such link, or the passphrase was mistyped. Copy the whole link again." };
    case "the other side speaks another protocol version":
      return { label: "Other version", sentence: "This page and the relay are of different versions. Reload the page and open the link again." };
    case "replaced by a newer connection of the same member":
      return { label: "Open elsewhere", sentence: "You opened this session a second time; the newer one goes on." };
    default:
      return { label: "Disconnected", sentence: `${capital(text)}. Open the link again to retry.` };
  }
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
