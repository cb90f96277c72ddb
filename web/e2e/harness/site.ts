// Somebody else's site: a server that hands out the pages of a test and writes down what browsers tell it.

import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export class Site {
  readonly asked: Asked[] = [];
  #server: Server;

  private constructor(pages: Record<string, string>) {
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => {
        body += piece.toString();
      });
      request.on("end", () => {
        const url = request.url ?? "";
        this.asked.push({ url, headers: request.headers, body });
        const page = pages[new URL(url, "http://site").pathname];
        response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html" });
        response.end(page);
      });
    });
  }

  static async open(pages: Record<string, string>): Promise<Site> {
    const site = new Site(pages);
    await new Promise<void>((done) => site.#server.listen(0, "127.0.0.1", done));
    return site;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  at(name: string): string {
    return `http://${name}:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
