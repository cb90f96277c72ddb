import { describe, expect, it } from "vitest";
import { gatewayFor, linkOf } from "../src/shared/address";
import { readServer, type ServedBy, trustOf } from "../src/state/trust";
import { readBound, whyClosed } from "../src/worker/transport/websocket";

describe("whom people trust", () => {
  it("is said by whoever serves the page, and a copy says nothing", () => {
    expect(readServer(true, "viewer\n")).toEqual({ by: "viewer", relay: null });
    expect(readServer(true, "<!doctype html>")).toEqual({ by: "copy", relay: null });
    expect(readServer(false, "relay\n")).toEqual({ by: "copy", relay: null });
  });

  it("is not the relay where a copy says which relay to use", () => {
    expect(readServer(true, "copy link\n")).toEqual({ by: "copy", relay: "link" });
    const relay = "https://relay.example:4433";
    expect(readServer(true, `copy ${relay}`)).toEqual({ by: "copy", relay });
    expect(readServer(true, "copy nonsense")).toEqual({ by: "copy", relay: null });
    expect(readServer(true, `relay ${relay}`)).toEqual({ by: "relay", relay: null });
  });

  it("is nobody for one's own program, and more with each grade", () => {
    const grades = (["viewer", "copy", "relay", "host"] as ServedBy[]).map((by) => trustOf(by, "x.example", true).grade);
    expect(grades).toEqual([3, 2, 1, 1]);
    expect(trustOf("viewer", "127.0.0.1:1", true).canDoBetter).toBe(false);
  });

  it("is the whole network where there is no TLS, and people are told so", () => {
    for (const by of ["host", "relay"] as ServedBy[]) {
      const said = trustOf(by, "10.0.0.2:8080", false);
      expect(said.grade).toBe(0);
      expect(said.text).toContain("plain HTTP");
    }
  });
});

describe("a page's address", () => {
  it("holds a token, whose relay serves the page, or a whole link", () => {
    expect(linkOf("", "relay.example")).toBeNull();
    expect(linkOf("chr1x&fp=00", "relay.example:4433")).toBe("https://relay.example:4433/j#chr1x&fp=00");
    expect(linkOf("https://relay.example/j#chr1x", "127.0.0.1:1")).toBe("https://relay.example/j#chr1x");
    expect(linkOf("cahoots://join#chr1x", "127.0.0.1:1")).toBe("cahoots://join#chr1x");
  });

  it("leads to the server's own socket, unless the copy says otherwise", () => {
    const relay: [string, number] = ["relay.example", 4433];
    expect(gatewayFor(null, relay, "https://other.example/j")).toBe("https://other.example/");
    expect(gatewayFor(null, null, "http://127.0.0.1:9/3f/j")).toBe("http://127.0.0.1:9/3f/");
    expect(gatewayFor("link", relay, "https://view.example/j")).toBe("https://relay.example:4433/");
    expect(gatewayFor("link", ["2001:db8::7", 1], "https://view.example/")).toBe("https://[2001:db8::7]:1/");
    expect(gatewayFor("https://relay.example:4433", null, "https://view.example/")).toBe("https://relay.example:4433/");
    expect(() => gatewayFor("link", null, "https://view.example/")).toThrow("names no relay");
  });
});

describe("a bound socket", () => {
  it("begins with the exporter and the way, and nothing else", () => {
    const bound = readBound(`${"0f".repeat(32)} lan`);
    expect(bound?.way).toBe("lan");
    expect(bound?.exporter).toEqual(new Uint8Array(32).fill(15));
    const wrong = ["", "lan", `${"0f".repeat(31)} lan`, `${"0F".repeat(32)} lan`, `${"0f".repeat(32)} moon`];
    for (const text of wrong) expect(readBound(text)).toBeNull();
  });

  it("says why there is no way", () => {
    expect(whyClosed(4001)).toContain("not found nearby");
    expect(whyClosed(4003)).toContain("somebody else");
    expect(whyClosed(1006)).toBe("the connection broke off");
  });
});
