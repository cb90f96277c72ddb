import { describe, expect, it } from "vitest";
import type { Scene } from "../src/shared/messages";
import { describe as say, ending, reduceStage, type Stage } from "../src/state/stage";

const scene: Scene = {
  live: true, linked: true, me: "me", canType: false, canChat: true, canEdit: false, canCommand: false, since: null, expires: null, title: "", notes: "",
  members: [], panes: [], messages: 0, unconfirmed: 0,
};
const open = { phase: "open", since: 0, by: "webtransport" } as const;
const here: Stage = { at: "here" };

describe("the stage", () => {
  it("goes from the link over the door into the session", () => {
    const invitation = { access: "view", needsPassphrase: false, lanOnly: false, relay: null } as const;
    let stage: Stage = { at: "reading" };
    stage = reduceStage(stage, { kind: "invitation", invitation });
    expect(stage).toEqual({ at: "door", invitation });
    stage = reduceStage(stage, { kind: "joinAsked", time: 0 });
    stage = reduceStage(stage, { kind: "scene", scene: { ...scene, me: null }, edits: 0 });
    expect(stage.at).toBe("joining");
    stage = reduceStage(stage, { kind: "scene", scene, edits: 0 });
    expect(stage.at).toBe("here");
  });

  it("waits while the owner is asked, whatever else comes", () => {
    const waiting = reduceStage({ at: "joining" }, { kind: "waiting" });
    expect(reduceStage(waiting, { kind: "scene", scene, edits: 0 }).at).toBe("waiting");
    expect(reduceStage(waiting, { kind: "letIn" }).at).toBe("joining");
  });

  it("keeps the first reason of an end", () => {
    const ended = reduceStage(here, { kind: "ended", how: "kicked", text: "" });
    expect(reduceStage(ended, { kind: "link", link: { phase: "over", reason: "the link was revoked" } })).toBe(ended);
    expect(reduceStage(ended, { kind: "scene", scene, edits: 0 })).toBe(ended);
  });

  it("stays when the way is lost for a moment", () => {
    const link = { phase: "waiting", attempt: 1, retryAt: 9, reason: "lost" } as const;
    expect(reduceStage(here, { kind: "link", link })).toBe(here);
  });
});

describe("the status", () => {
  it("says how live it is", () => {
    expect(say(here, open, scene, 12.4, 0).label).toBe("Live · 12 ms");
    expect(say(here, open, scene, null, 0).label).toBe("Live");
    expect(say(here, open, { ...scene, live: false }, 12, 0).label).toBe("Host away");
  });

  it("counts down to the next try, and offers one now", () => {
    const link = { phase: "waiting", attempt: 3, retryAt: 4_200, reason: "the connection broke off" } as const;
    const status = say(here, link, scene, null, 1_000);
    expect(status.sentence).toContain("in 4 s");
    expect(status.canRetry).toBe(true);
  });

  it("has a sentence with advice for every end", () => {
    const hows = ["expired", "revoked", "kicked", "turnedAway", "left", "over"] as const;
    const reasons = [
      "session not found", "the link has expired", "the link was revoked", "the session has ended",
      "the owner did not let this member in", "proof of possession failed", "this link was never issued for the session",
      "the other side speaks another protocol version", "something new",
    ];
    const all = [...hows.map((how) => ending(how, "")), ...reasons.map((reason) => ending("refused", reason))];
    for (const { label, sentence } of all) {
      expect(label).not.toBe("");
      expect(sentence).toMatch(/\.$/);
    }
    expect(ending("refused", "the link has expired")).toEqual(ending("expired", ""));
  });
});
