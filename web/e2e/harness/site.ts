// Somebody else's site: a server that hands out the pages of a test and writes down what browsers tell it.

import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { KINDS } from "./copy";

export interface Asked {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export class Site {
  readonly asked: Asked[] = [];
  #server: Server;

  private constructor(pages: Record<string, string | Buffer>) {
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => {
        body += piece.toString();
      });
      request.on("end", () => {
        const url = request.url ?? "";
        this.asked.push({ url, headers: request.headers, body });
        const { pathname } = new URL(url, "http://site");
        const page = pages[pathname];
        response.writeHead(page === undefined ? 404 : 200, { "content-type": KINDS[pathname.split(".").pop() ?? ""] ?? "text/html" });
        response.end(page);
      });
    });
  }

  static async open(pages: Record<string, string | Buffer>): Promise<Site> {
    const site = new Site(pages);
    await new Promise<void>((done) => site.#server.listen(0, "127.0.0.1", done));
    return site;
  }

  /** Serves the files of a folder; links lead to `j`. */
  static ofFolder(folder: string): Promise<Site> {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => join(parentPath, name));
    const pages = Object.fromEntries(paths.map((path) => [path.slice(folder.length), readFileSync(path)]));
    const index = pages["/index.html"] ?? "";
    return Site.open({ ...pages, "/": index, "/j": index });
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
