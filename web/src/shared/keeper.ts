// The page's side of public/sw.js, which keeps the page as it was seen first.

/** What a program on this machine serves is as old as that program; and another one may have its port tomorrow. */
export function isKept(place: { hostname: string }, isSecure: boolean): boolean {
  const { hostname } = place;
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
  return isSecure && !isLoopback;
}

/** Starts it; it tells when the server has another page than this one, and when it cannot be reached. */
export async function startKeeper(script: string, parts: string[], tell: { newer: () => void; alone: () => void }): Promise<void> {
  const keeper = navigator.serviceWorker;
  keeper.addEventListener("message", ({ data }: MessageEvent<{ kind: string }>) => {
    if (data.kind === "newer") tell.newer();
    if (data.kind === "alone") tell.alone();
    if (data.kind === "renewed") location.reload();
  });
  keeper.startMessages();
  await keeper.register(script);
  const { active } = await keeper.ready;
  // Their names stand in no page: the script has them.
  active?.postMessage({ kind: "keep", urls: parts });
}

/** Takes the server's page for this one, and opens it. */
export function renew(): void {
  navigator.serviceWorker.controller?.postMessage({ kind: "renew" });
}
