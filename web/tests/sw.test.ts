import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const SOURCE = readFileSync(join(import.meta.dirname, "../public/sw.js"), "utf8");
const HOME = "https://relay.example/";

type Asked = string | URL | { url: string };
const address = (asked: Asked) => (typeof asked === "string" ? asked : "url" in asked ? asked.url : asked.href);

/** A cache of a browser, as far as the keeper uses it. */
class Cache {
  readonly kept = new Map<string, string>();
  readonly #fetch: (url: string) => Promise<Response>;

  constructor(fetch: (url: string) => Promise<Response>) {
    this.#fetch = fetch;
  }

  match = async (key: Asked) => {
    const text = this.kept.get(address(key));
    return text === undefined ? undefined : new Response(text);
  };
  put = async (key: Asked, response: Response) => {
    this.kept.set(address(key), await response.text());
  };
  addAll = async (urls: string[]) => {
    for (const url of urls) await this.put(url, await this.#fetch(url));
  };
}

/** The keeper in a browser, with a server whose files can change or be gone. */
function start(server: Map<string, string>) {
  const heard = new Map<string, (event: object) => void>();
  const fetch = async (asked: Asked) => {
    const text = server.get(address(asked));
    if (text === undefined) throw new TypeError("no network");
    return new Response(text);
  };
  const all = new Map<string, Cache>();
  const caches = {
    open: async (name: string) => {
      const cache = all.get(name) ?? new Cache(fetch);
      all.set(name, cache);
      return cache;
    },
    match: async (key: Asked, { cacheName }: { cacheName: string }) => all.get(cacheName)?.match(key),
    delete: async (name: string) => all.delete(name),
  };
  const told: object[] = [];
  const client = { postMessage: (message: object) => told.push(message) };
  const self = {
    location: { href: `${HOME}sw.js` },
    addEventListener: (kind: string, listener: (event: object) => void) => heard.set(kind, listener),
    clients: { claim: async () => {}, get: async () => client },
  };
  new Function("self", "caches", "fetch", SOURCE)(self, caches, fetch);
  /** Lets something happen to it, and waits until it has done all that it does about it. */
  const happen = async (kind: string, event: object = {}) => {
    const busy: Promise<unknown>[] = [];
    let answer: Promise<Response> | undefined;
    const respondWith = (with_: Promise<Response>) => {
      answer = with_;
    };
    heard.get(kind)?.({ waitUntil: (work: Promise<unknown>) => busy.push(work), respondWith, source: client, ...event });
    const text = await answer?.then((response) => response.text());
    await Promise.all(busy);
    return text;
  };
  const open = (url: string, mode = "navigate") => happen("fetch", { request: { method: "GET", url, mode }, resultingClientId: "tab" });
  return { happen, open, told };
}

const page = (script: string) => `<script src="./assets/${script}"></script>`;

describe("the keeper of the page", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("opens the page that it saw first, and says that there is another", async () => {
    const server = new Map([[HOME, page("one.js")], [`${HOME}assets/one.js`, "1"]]);
    const keeper = start(server);
    await keeper.happen("install");
    server.set(HOME, page("two.js"));
    expect(await keeper.open(`${HOME}j`)).toBe(page("one.js"));
    expect(keeper.told).toEqual([{ kind: "newer" }]);
    expect(await keeper.open(`${HOME}assets/one.js`, "no-cors")).toBe("1");
  });

  it("takes another page only when told to, and keeps the one it has if there is none", async () => {
    const server = new Map([[HOME, page("one.js")], [`${HOME}assets/one.js`, "1"]]);
    const keeper = start(server);
    await keeper.happen("install");
    server.clear();
    await keeper.happen("message", { data: { kind: "renew" } });
    expect(keeper.told).toEqual([{ kind: "alone" }]);
    expect(await keeper.open(HOME)).toBe(page("one.js"));
    server.set(HOME, page("two.js")).set(`${HOME}assets/two.js`, "2");
    await keeper.happen("message", { data: { kind: "renew" } });
    expect(keeper.told.at(-1)).toEqual({ kind: "renewed" });
    expect(await keeper.open(HOME)).toBe(page("two.js"));
  });

  it("knows without the server what that said of itself, and asks it first", async () => {
    const saying = `${HOME}served-by`;
    const server = new Map([[saying, "copy link"]]);
    const keeper = start(server);
    expect(await keeper.open(saying, "cors")).toBe("copy link");
    server.set(saying, "relay");
    expect(await keeper.open(saying, "cors")).toBe("relay");
    server.clear();
    expect(await keeper.open(saying, "cors")).toBe("relay");
  });

  it("has a link of a tab that is loaded again for a moment, once, and for nobody else", async () => {
    const keeper = start(new Map());
    const ask = async (tab: string) => {
      const said: unknown[] = [];
      await keeper.happen("message", { data: { kind: "fetch", tab }, ports: [{ postMessage: (one: unknown) => said.push(one) }] });
      return said;
    };
    const leave = (tab: string, link: string) => void keeper.happen("message", { data: { kind: "leave", tab, link } });
    leave("a", "link of a");
    expect(await ask("b")).toEqual([null]);
    expect(await ask("a")).toEqual(["link of a"]);
    expect(await ask("a")).toEqual([null]);
    leave("c", "link of c");
    await vi.advanceTimersByTimeAsync(15_001);
    expect(await ask("c")).toEqual([null]);
  });
});
