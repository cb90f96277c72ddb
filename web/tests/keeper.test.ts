import { describe, expect, it } from "vitest";
import { isKept } from "../src/shared/keeper";
import { describe as say } from "../src/state/stage";

describe("the page that is kept", () => {
  it("is one of a server, not of a program on this machine, whose port is another's tomorrow", () => {
    const kept = (hostname: string, isSecure = true) => isKept({ hostname }, isSecure);
    expect(["relay.example", "10.0.0.7"].map((name) => kept(name))).toEqual([true, true]);
    expect(["localhost", "127.0.0.1", "127.8.8.8", "[::1]"].some((name) => kept(name))).toBe(false);
    expect(kept("relay.example", false)).toBe(false);
  });

  it("says that it is offline where it would else count seconds", () => {
    const waiting = { phase: "waiting", attempt: 1, retryAt: 5_000, reason: "no way" } as const;
    expect(say({ at: "joining" }, waiting, null, null, 0, false).label).toBe("Offline");
    expect(say({ at: "joining" }, waiting, null, null, 0, true).label).toBe("Reconnecting");
    expect(say({ at: "ended", how: "revoked", text: "" }, waiting, null, null, 0, false).label).toBe("Link revoked");
  });
});
