// A copy of the viewer on somebody's own site: its files checked by their published hashes, and a way through to the
// relay, which hears nothing but what the viewer's sockets say.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { gunzipSync } from "node:zlib";
import type { Relay } from "./stage";

const DIST = join(import.meta.dirname, "../../dist");

/** What browsers are told of a file. */
export const KINDS: Record<string, string> = {
  html: "text/html", js: "text/javascript", css: "text/css", wasm: "application/wasm", svg: "image/svg+xml", webmanifest: "application/manifest+json",
};

/** Returns the viewer's files by name, each of them what the list of hashes says. */
function published(): Map<string, Buffer> {
  const { files } = JSON.parse(readFileSync(join(DIST, "build.json"), "utf8")) as { files: Record<string, string> };
  const found = new Map<string, Buffer>();
  for (const [name, hash] of Object.entries(files).filter(([name]) => name.startsWith("page/"))) {
    const packed = join(DIST, `${name}.gz`);
    const data = existsSync(packed) ? gunzipSync(readFileSync(packed)) : readFileSync(join(DIST, name));
    if (createHash("sha256").update(data).digest("hex") !== hash) throw new Error(`${name} is not what was published`);
    found.set(name.slice("page/".length), data);
  }
  return found;
}

export class Copy {
  /** All that went through to the relay, as the browser sent it. */
  #up: Buffer[] = [];
  #server: Server;
  #sockets = new Set<Duplex>();

  private constructor(relay: () => Relay) {
    const files = published();
    this.#server = createServer(({ url }, response) => {
      const name = new URL(url ?? "", "http://copy").pathname.slice(1);
      const path = name === "" || name === "j" ? "index.html" : name;
      const data = files.get(path);
      response.writeHead(data === undefined ? 404 : 200, { "content-type": KINDS[path.split(".").pop() ?? ""] ?? "text/plain" });
      response.end(data);
    });
    this.#server.on("upgrade", (request, socket) => this.#passOn(request, socket, relay()));
  }

  /** Serves it; `relay` is asked for when somebody connects. */
  static async open(relay: () => Relay): Promise<Copy> {
    const copy = new Copy(relay);
    await new Promise<void>((done) => copy.#server.listen(0, "127.0.0.1", done));
    return copy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #passOn({ method, url, rawHeaders }: IncomingMessage, socket: Duplex, relay: Relay): void {
    const host = `127.0.0.1:${relay.port}`;
    const lines = [`${method} ${url} HTTP/1.1`];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
      lines.push(`${name}: ${name.toLowerCase() === "host" ? host : value}`);
    }
    const up = connect({ port: relay.port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] }, () => {
      const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
      this.#up.push(head);
      up.write(head);
      socket.on("data", (piece: Buffer) => {
        this.#up.push(piece);
        up.write(piece);
      });
      up.pipe(socket);
    });
    for (const end of [socket, up]) {
      this.#sockets.add(end);
      end.on("error", () => {});
      end.on("close", () => {
        socket.destroy();
        up.destroy();
      });
    }
  }

  /** What the relay was told: the request, and the messages' contents. */
  told(): Buffer {
    const all = Buffer.concat(this.#up);
    const head = all.indexOf("\r\n\r\n") + 4;
    return Buffer.concat([all.subarray(0, head), ...unmasked(all.subarray(head))]);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

/** Returns the contents of a browser's WebSocket frames, which it masks (RFC 6455, 5.3). */
function unmasked(bytes: Buffer): Buffer[] {
  const contents: Buffer[] = [];
  for (let at = 0; at + 6 <= bytes.length; ) {
    const short = bytes.readUInt8(at + 1) & 0x7f;
    const wide = { 126: 2, 127: 8 }[short] ?? 0;
    const length = wide === 0 ? short : bytes.readUIntBE(at + 2 + (wide === 8 ? 2 : 0), wide === 8 ? 6 : 2);
    const mask = at + 2 + wide;
    const data = bytes.subarray(mask + 4, mask + 4 + length);
    contents.push(Buffer.from(data.map((byte, index) => byte ^ bytes.readUInt8(mask + (index % 4)))));
    at = mask + 4 + length;
  }
  return contents;
}
