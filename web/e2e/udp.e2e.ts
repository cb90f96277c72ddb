// What UDP does to a session: where it gets through, is refused, or falls into a black hole.

import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { expect, test } from "./harness/test";
import { SHELL, type Stage } from "./harness/stage";
import type { Viewer } from "./harness/viewer";

/** What Chromium says of a connection that does not come about or breaks off. */
const GONE = /WebSocket connection|WebTransport|net::ERR_|Failed to load resource/;

/** Says by which way the page is connected, once it is. */
async function way(viewer: Viewer): Promise<string> {
  await viewer.isLive();
  const sentence = await viewer.page.locator(".pill").getAttribute("title");
  return /Connected by (\w+)/.exec(sentence ?? "")?.[1] ?? "";
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/**
 * Shares by a relay whose page is at one address and whose UDP port is at another, where the page does not look: what is
 * at the place where it looks is the test's. Returns the link.
 */
async function shareApart(stage: Stage, udpPort: number): Promise<string> {
  const page = `127.0.0.1:${await freePort()}`;
  const relay = stage.cahoots("relay", "--json", "--listen", `127.0.0.2:${udpPort}`, "--state", "state", "--http", page);
  const { address } = await relay.entry("relay");
  const share = stage.cahoots("share", "--json", "--no-lan", "--relay", String(address), "--size", "80x24", "--", ...SHELL);
  const { links } = (await share.entry("sharing")) as unknown as { links: { interact: string } };
  return `http://${page}/j#${links.interact.split("#")[1]}`;
}

test("UDP is taken where it gets through, and TCP when it is asked for; both are one session", async ({ stage, visit }) => {
  const { links } = await stage.share(await stage.relay());
  const kay = await visit(links.interact, { as: "Kay" });
  const tom = await visit(links.interact.replace("#", "?transport=ws#"), { as: "Tom" });
  expect(await way(kay)).toBe("WebTransport");
  expect(await way(tom)).toBe("WebSocket");
  await kay.type("echo by udp\n");
  await tom.showsLine("by udp");
  await tom.type("echo by tcp\n");
  await kay.showsLine("by tcp");
});

test("where UDP is refused, TCP carries the session", async ({ stage, visit }) => {
  const socket = createSocket("udp4");
  await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
  const { port } = socket.address();
  socket.close();
  const kay = await visit(await shareApart(stage, port), { as: "Kay", mayComplainOf: GONE });
  expect(await way(kay)).toBe("WebSocket");
  await kay.type("echo by tcp\n");
  await kay.showsLine("by tcp");
});

test("where UDP falls into a black hole, nobody waits for it", async ({ stage, visit }) => {
  const hole = createSocket("udp4");
  const fallen = new Promise((done) => hole.once("message", done));
  await new Promise<void>((done) => hole.bind(0, "127.0.0.1", done));
  try {
    const kay = await visit(await shareApart(stage, hole.address().port), { as: "Kay", mayComplainOf: GONE });
    expect(await way(kay)).toBe("WebSocket");
    await kay.type("echo by tcp\n");
    await kay.showsLine("by tcp");
    await fallen;
  } finally {
    hole.close();
  }
});
