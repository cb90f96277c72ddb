// Keeps the page as this browser saw it first. Without a network it still opens, and says so; where the server has
// another page by now, that one is not run before somebody agreed to it.
//
// A tripwire, not a wall: the server also serves this file, and a browser takes a new one of it sooner or later.

const KEPT = "cahoots-page";
/** The folder that the page is served in. */
const HOME = new URL("./", self.location.href);
/** A link leads to j in it; both are the same file. */
const PAGES = new Set([HOME.href, new URL("j", HOME).href]);
const PARTS = /^(assets\/|icon|app\.webmanifest$)/;
/** What the server says of itself. */
const SAYING = new URL("served-by", HOME).href;

self.addEventListener("install", (event) => event.waitUntil(keepPage()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const url = origin + pathname;
  if (request.method !== "GET" || !url.startsWith(HOME.href)) return;
  if (request.mode === "navigate" && PAGES.has(url)) event.respondWith(page(event));
  else if (url === SAYING) event.respondWith(newestElseKept(request));
  else if (PARTS.test(url.slice(HOME.href.length))) event.respondWith(part(request));
});

self.addEventListener("message", (event) => {
  const { kind, urls, tab, link } = event.data ?? {};
  if (kind === "keep") event.waitUntil(keep(urls));
  if (kind === "leave") event.waitUntil(hold(tab, link));
  if (kind === "fetch") event.ports[0]?.postMessage(take(tab));
  const said = (kind) => event.source?.postMessage({ kind });
  if (kind === "renew") event.waitUntil(renew().then(() => said("renewed"), () => said("alone")));
});

async function newest() {
  const response = await fetch(HOME, { cache: "no-store" });
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return response;
}

/** Keeps the page and what it names; does nothing where one is kept. */
async function keepPage() {
  if (await caches.match(HOME, { cacheName: KEPT })) return;
  await put(await newest());
}

async function put(response) {
  const cache = await caches.open(KEPT);
  const named = [...(await response.clone().text()).matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, name]) => new URL(name, HOME).href);
  await cache.addAll([...new Set(named)]);
  await cache.put(HOME, response);
}

async function keep(urls) {
  const cache = await caches.open(KEPT);
  const lacking = await Promise.all(urls.map(async (url) => ((await cache.match(url)) ? [] : [url])));
  await cache.addAll(lacking.flat());
}

/** Links of tabs that are being reloaded, by a name that the tab alone has. Never on a disk. */
const left = new Map();
/** How long a slow phone takes to load the page again. */
const LEFT_MS = 15_000;

async function hold(tab, link) {
  left.set(tab, link);
  await new Promise((done) => setTimeout(done, LEFT_MS));
  left.delete(tab);
}

function take(tab) {
  const link = left.get(tab) ?? null;
  left.delete(tab);
  return link;
}

/** Forgets the page that is kept for the one that the server has, if it has one. */
async function renew() {
  const response = await newest();
  await caches.delete(KEPT);
  await put(response);
}

async function page(event) {
  const kept = await caches.match(HOME, { cacheName: KEPT });
  if (!kept) return fetch(event.request);
  event.waitUntil(compare(kept.clone(), event.resultingClientId));
  return kept;
}

/** Tells the page that was just opened if the server has another one by now, or cannot be reached. */
async function compare(kept, id) {
  const said = async (kind) => (await self.clients.get(id))?.postMessage({ kind });
  try {
    const [before, now] = await Promise.all([kept.text(), newest().then((response) => response.text())]);
    if (before !== now) await said("newer");
  } catch {
    await said("alone");
  }
}

async function newestElseKept(request) {
  const cache = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (gone) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw gone;
  }
}

async function part(request) {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}
