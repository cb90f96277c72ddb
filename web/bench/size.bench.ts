// What a browser loads, as it goes over the wire.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "@playwright/test";

const PAGE = join(import.meta.dirname, "../dist/page");

test("size", () => {
  const names = (readdirSync(PAGE, { recursive: true }) as string[]).filter((name) => statSync(join(PAGE, name)).isFile());
  const sent = names.filter((name) => name.endsWith(".br") || !/\.(br|gz)$/.test(name) && !names.includes(`${name}.br`));
  const size = (name: string) => statSync(join(PAGE, name)).size;
  const core = sent.filter((name) => name.includes(".wasm"));
  const shell = sent.filter((name) => !core.includes(name));
  const sum = (some: string[]) => (some.reduce((bytes, name) => bytes + size(name), 0) / 1000).toFixed(1);
  for (const name of sent) console.log(`  ${(size(name) / 1000).toFixed(1).padStart(7)} kB  ${name}`);
  console.log(`shell and terminal ${sum(shell)} kB, core ${sum(core)} kB, brotli`);
});
