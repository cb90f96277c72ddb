// The page's side of public/sw.js, which keeps the page as it was seen first.

/** What a program on this machine serves is as old as that program; and another one may have its port tomorrow. */
export function isKept(place: { hostname: string }, isSecure: boolean): boolean {
  const { hostname } = place;
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
  return isSecure && !isLoopback;
}

/** What the keeper tells: the server has another page than this one, cannot be reached, or its page is the one kept now. */
export interface Told {
  newer(): void;
  alone(): void;
  renewed(): void;
}

/** Starts it. */
export async function startKeeper(script: string, parts: string[], tell: Told): Promise<void> {
  const keeper = navigator.serviceWorker;
  keeper.addEventListener("message", ({ data }: MessageEvent<{ kind: string }>) => {
    if (data.kind === "newer") tell.newer();
    if (data.kind === "alone") tell.alone();
    if (data.kind === "renewed") tell.renewed();
  });
  keeper.startMessages();
  await keeper.register(script);
  const { active } = await keeper.ready;
  // Their names stand in no page: the script has them.
  active?.postMessage({ kind: "keep", urls: parts });
}

const TAB = "cahoots.tab";
/** A browser that has to start the keeper first needs this long. */
const FETCH_MS = 1_000;

/** Leaves a link with the keeper for some seconds, so that a reload finds it. Like the page it has it in memory alone. */
export function leaveLink(link: string): void {
  const keeper = navigator.serviceWorker?.controller;
  if (keeper == null) return;
  const tab = crypto.randomUUID();
  // Only this tab knows what to ask for; that by itself opens nothing.
  sessionStorage.setItem(TAB, tab);
  keeper.postMessage({ kind: "leave", tab, link });
}

/** Returns the link that this tab has just left, if it is still there. */
export async function fetchLink(): Promise<string | null> {
  const keeper = navigator.serviceWorker?.controller;
  const tab = keeper == null ? null : sessionStorage.getItem(TAB);
  if (keeper == null || tab === null) return null;
  sessionStorage.removeItem(TAB);
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = ({ data }: MessageEvent<string | null>) => done(data);
    setTimeout(() => done(null), FETCH_MS);
    keeper.postMessage({ kind: "fetch", tab }, [port2]);
  });
}

/** Takes the server's page for this one, and opens it. */
export function renew(): void {
  navigator.serviceWorker.controller?.postMessage({ kind: "renew" });
}
