#!/bin/sh
# Builds the viewer into dist/: the core from Rust, the page around it, both compressed, and what they were made from.
#
# Needs rustup and Node. What it makes is committed, so that building the program needs neither. `build.sh page` leaves
# the core as it was built before and needs Node alone.
set -eu
cd "$(dirname "$0")"

if [ "${1:-all}" != page ]; then
  ./core/build.sh src/core
  node bundle.mjs core
elif [ ! -e src/core/build.json ]; then
  node bundle.mjs unpack
fi

[ -d node_modules ] || npm ci
npx tsc --noEmit
npx vite build --emptyOutDir
node compress.mjs dist/page
node bundle.mjs
