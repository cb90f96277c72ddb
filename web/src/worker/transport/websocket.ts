// The same bytes as over QUIC, in binary messages cut wherever it suits. PROTOCOL.md 10.2.

import { DIAL_MS_MAX, type Transport, type TransportEvents } from "../transport";

export class WebSocketTransport implements Transport {
  readonly acceptor: string;
  #socket: WebSocket;
  #events: TransportEvents | null;
  #dialling: ReturnType<typeof setTimeout>;

  constructor(origin: string, events: TransportEvents) {
    this.acceptor = origin;
    this.#events = events;
    const url = new URL("/ws", origin);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#dialling = setTimeout(() => this.#end("the relay does not answer"), DIAL_MS_MAX);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      clearTimeout(this.#dialling);
      this.#events?.opened("websocket");
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      // Whoever sends text speaks something else.
      if (data instanceof ArrayBuffer) this.#events?.received(new Uint8Array(data));
      else this.#end("the relay speaks another language");
    };
    socket.onclose = () => this.#end("the connection broke off");
    socket.onerror = () => this.#end("the relay cannot be reached");
  }

  waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bytes);
  }

  close(): void {
    clearTimeout(this.#dialling);
    this.#events = null;
    this.#socket.close();
  }

  #end(reason: string): void {
    const events = this.#events;
    this.close();
    events?.closed(reason);
  }
}
