// Loads the core: Rust, compiled to WebAssembly. Everything that is secret or checked happens in there.

import init, { columns, PassphraseWords, readLink, Viewer } from "../core/cahoots_web";
import wasmUrl from "../core/cahoots_web_bg.wasm?url";
import type { Invitation, Line, LinkLine, Notice, Scene } from "../shared/messages";

/** The core with the types of what it hands out. */
export interface Core extends Viewer {
  notices(): Notice[];
  scene(): Scene;
  links(): LinkLine[];
  messages(from: number): Line[];
}

export async function loadCore(): Promise<void> {
  await init({ module_or_path: fetch(wasmUrl) });
}

/** Where the width of characters changes, as the host counts it: code points, each followed by its columns. */
export function widths(): Uint32Array<ArrayBuffer> {
  return columns() as Uint32Array<ArrayBuffer>;
}

export function invitation(link: string): Invitation {
  return readLink(link) as Invitation;
}

/** Makes a guest. With a passphrase this takes about a second and 64 MiB. */
export function makeViewer(link: string, words: string | null): Core {
  const hashed = words === null ? null : new PassphraseWords(link, words);
  const seed = crypto.getRandomValues(new Uint8Array(32));
  try {
    return new Viewer(link, seed, hashed) as Core;
  } finally {
    seed.fill(0);
  }
}
