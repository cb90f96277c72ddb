// The same bytes as over QUIC, in binary messages cut wherever it suits. PROTOCOL.md 10.2.

import { type Bound, DIAL_MS_MAX, type Transport, type TransportEvents } from "../transport";

/** Reads the first message of a bound socket. PROTOCOL.md 10.2. */
export function readBound(text: string): Bound | null {
  const [, hex, way] = /^([0-9a-f]{64}) (loopback|lan|relay)$/.exec(text) ?? [];
  if (hex === undefined || way === undefined) return null;
  const exporter = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  return { exporter, way: way as Bound["way"] };
}

/** Says why a socket was closed, as far as its code tells. PROTOCOL.md 10.2. */
export function whyClosed(code: number): string {
  switch (code) {
    case 4001:
      return "the host is not found nearby, and the link names no relay";
    case 4002:
      return "the relay does not answer";
    case 4003:
      return "somebody else answers in the relay's place";
    default:
      return "the connection broke off";
  }
}

const BOUND = "cahoots.bound";
const GIVEN_UP = 4000;
/** Bytes of one message: the other side closes on a longer one. A frame can be longer, by its head. */
const MESSAGE_BYTES_MAX = 65_536;
/** Only a server on the reader's own machine is believed what it says of a connection: its page came from there, too. */
const OWN_MACHINE = /^(localhost|127\.0\.0\.1|\[::1\])$/;

export class WebSocketTransport implements Transport {
  acceptor: string;
  bound: Bound | null = null;
  #socket: WebSocket;
  #events: TransportEvents | null;
  #dialling: ReturnType<typeof setTimeout>;

  /** Opens the socket of whoever serves `page`, a folder. */
  constructor(page: string, events: TransportEvents) {
    const url = new URL("ws", page);
    this.acceptor = page;
    this.#events = events;
    const mayBeBound = OWN_MACHINE.test(url.hostname);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, mayBeBound ? [BOUND, "cahoots"] : ["cahoots"]);
    this.#socket = socket;
    this.#dialling = setTimeout(() => this.#end("the relay does not answer"), DIAL_MS_MAX);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      // A bound one is open once it has said what it is bound to.
      if (socket.protocol !== BOUND) this.#open();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (socket.protocol === BOUND && this.bound === null && typeof data === "string") {
        this.bound = readBound(data);
        if (this.bound === null) return this.#end("the program that serves this page speaks another language");
        // The link's relay, or the host itself: two who remember different things.
        this.acceptor = this.bound.way === "relay" ? "relay" : "host";
        return this.#open();
      }
      // Whoever sends text speaks something else.
      if (data instanceof ArrayBuffer) this.#events?.received(new Uint8Array(data));
      else this.#end("the relay speaks another language");
    };
    socket.onclose = ({ code }) => this.#end(whyClosed(code));
    socket.onerror = () => this.#end("the relay cannot be reached");
  }

  waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    for (let at = 0; at < bytes.length; at += MESSAGE_BYTES_MAX) {
      this.#socket.send(bytes.subarray(at, at + MESSAGE_BYTES_MAX));
    }
  }

  giveUp(): void {
    this.#events = null;
    this.#socket.close(GIVEN_UP);
  }

  close(): void {
    clearTimeout(this.#dialling);
    this.#events = null;
    this.#socket.close();
  }

  #open(): void {
    clearTimeout(this.#dialling);
    this.#events?.opened("websocket");
  }

  #end(reason: string): void {
    const events = this.#events;
    this.close();
    events?.closed(reason);
  }
}
