#!/bin/sh
# Builds the viewer into dist/: the core from Rust, the page around it, and both compressed.
#
# Needs the wasm32-unknown-unknown target, wasm-bindgen of the version in core/Cargo.toml, and Node. What it makes is
# committed, so that building the program needs none of them. `build.sh page` leaves the core as it was built before.
set -eu
cd "$(dirname "$0")"

wanted=$(sed -n 's/^wasm-bindgen = "=\(.*\)"$/\1/p' core/Cargo.toml)
found=$(wasm-bindgen --version | cut -d' ' -f2)
if [ "$wanted" != "$found" ]; then
  echo "build.sh: wasm-bindgen is $found, core/Cargo.toml wants $wanted" >&2
  echo "  cargo install wasm-bindgen-cli --version $wanted" >&2
  exit 1
fi

if [ "${1:-all}" != page ]; then
  cargo build --manifest-path core/Cargo.toml --locked --release --target wasm32-unknown-unknown
fi
wasm-bindgen --target web --out-dir src/core core/target/wasm32-unknown-unknown/release/cahoots_web.wasm

[ -d node_modules ] || npm ci
npx tsc --noEmit
npx vite build --emptyOutDir
node compress.mjs dist
