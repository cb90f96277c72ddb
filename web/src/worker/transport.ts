// A way to carry a link's bytes. WebSocket today; WebTransport fits behind the same words.

export interface TransportEvents {
  opened(): void;
  received(bytes: Uint8Array): void;
  /** Comes once, whatever happened; nothing comes after it. */
  closed(reason: string): void;
}

export interface Transport {
  /** Whom it leads to: the same words whenever it leads there again. */
  readonly acceptor: string;
  /** Bytes handed over that are still here. */
  waitingBytes(): number;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** Closes; no event comes any more. */
  close(): void;
}

/** A gateway that does not answer within this time is given up. */
const DIAL_MS_MAX = 10_000;

/** The same bytes as over QUIC, in binary messages cut wherever it suits. */
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
      this.#events?.opened();
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
