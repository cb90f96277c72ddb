// Compresses what a gateway serves: <name>.br and <name>.gz in place of <name>, or the file as it is where that saves
// nothing. Prints what each costs.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** What fits one packet anyway stays as it is, for clients that take no compression: the page itself is among it. */
const PACKET_BYTES = 1_200;

const root = process.argv[2];

function* filesIn(folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

for (const path of [...filesIn(root)]) {
  const plain = readFileSync(path);
  const mode = /\.(js|css|html|svg|webmanifest)$/.test(path) ? constants.BROTLI_MODE_TEXT : constants.BROTLI_MODE_GENERIC;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_MODE]: mode,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
  };
  const br = brotliCompressSync(plain, { params });
  // Both or neither: which form a browser takes must not decide whether it finds the file.
  const saves = plain.length > PACKET_BYTES && br.length < plain.length * 0.95;
  if (saves) {
    writeFileSync(`${path}.br`, br);
    writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
    rmSync(path);
  }
  console.log(`${path}: ${plain.length} bytes, ${saves ? `${br.length} as brotli` : "kept"}`);
}
