// Lays out a copy of the viewer for any web server: the files of dist/page as browsers see them, each checked against
// the hash in dist/build.json, and `served-by`, which tells the page where sessions are.
//
//   node copy.mjs <folder>                              each link's own relay
//   node copy.mjs <folder> https://relay.example:4433   always this one
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const [folder, relay = "link"] = process.argv.slice(2);
if (folder === undefined || (relay !== "link" && !/^https?:\/\/[^/]+\/?$/.test(relay))) {
  console.error("usage: node copy.mjs <folder> [https://<relay>[:port]]");
  process.exit(2);
}

const dist = fileURLToPath(new URL("dist/", import.meta.url));
const { files } = JSON.parse(readFileSync(join(dist, "build.json"), "utf8"));
for (const [name, expected] of Object.entries(files)) {
  if (!name.startsWith("page/")) continue;
  const packed = join(dist, `${name}.gz`);
  const bytes = existsSync(packed) ? gunzipSync(readFileSync(packed)) : readFileSync(join(dist, name));
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== expected) {
    console.error(`${name} has SHA-256 ${found}, dist/build.json says ${expected}`);
    process.exit(1);
  }
  const path = join(folder, name.slice("page/".length));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  console.log(`${found}  ${name.slice("page/".length)}`);
}
writeFileSync(join(folder, "served-by"), `copy ${relay}\n`);
