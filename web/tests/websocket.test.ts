import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WebSocketTransport } from "../src/worker/transport/websocket";

/** The browser's end of a socket, as the other side would hear it. */
class FakeSocket {
  static readonly OPEN = 1;
  static newest: FakeSocket;
  readyState = FakeSocket.OPEN;
  protocol = "cahoots";
  bufferedAmount = 0;
  binaryType = "";
  sent: Uint8Array[] = [];
  closedWith: number | undefined;
  onopen = () => {};

  constructor(
    readonly url: URL,
    readonly protocols: string[],
  ) {
    FakeSocket.newest = this;
  }

  send(bytes: Uint8Array) {
    this.sent.push(bytes.slice());
  }

  close(code?: number) {
    this.closedWith = code;
  }
}

const events = () => ({ opened: vi.fn(), received: vi.fn(), closed: vi.fn() });

describe("a WebSocket", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", FakeSocket);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("cuts what is long into messages that a relay takes, and loses nothing", () => {
    // A page that sends what no relay takes is cut off, comes back, and sends the same again.
    const transport = new WebSocketTransport("https://relay.example/", events());
    FakeSocket.newest.onopen();
    for (const length of [1, 65_536, 65_537, 3 * 65_536]) {
      FakeSocket.newest.sent = [];
      const bytes = Uint8Array.from({ length }, (_, at) => at % 251);
      transport.send(bytes);
      const { sent } = FakeSocket.newest;
      expect(Math.max(...sent.map((message) => message.length))).toBeLessThanOrEqual(65_536);
      expect(sent).toHaveLength(Math.ceil(length / 65_536));
      expect(sent.flatMap((message) => [...message])).toEqual([...bytes]);
    }
    transport.close();
  });

  it("says in closing whom it gives up", () => {
    const transport = new WebSocketTransport("https://relay.example/", events());
    FakeSocket.newest.onopen();
    transport.giveUp();
    expect(FakeSocket.newest.closedWith).toBe(4000);
  });
});
