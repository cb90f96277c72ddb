#!/bin/sh
# Compiles the core and makes its JavaScript side: core/build.sh FOLDER [FEATURES]
#
# The same sources, lock and rustc give the same bytes in any folder of any machine; `check.mjs` relies on it. Needs the
# wasm32-unknown-unknown target.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
features=${2:-}
cd "$(dirname "$0")"

cargo fetch --quiet --locked --target wasm32-unknown-unknown

# No path of this machine gets into what panics say. Whatever flags the caller's other builds use are not meant here.
flag=$(printf '\037')
remap() { flags="${flags:+$flags$flag}--remap-path-prefix=$1=$2"; }
flags=
remap "$(cd ../.. && pwd)" cahoots
remap "$(rustc --print sysroot)/lib/rustlib/src/rust" "/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')"
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  remap "$registry" crates
done

CARGO_ENCODED_RUSTFLAGS=$flags RUSTC_WRAPPER="$PWD/rustc.sh" \
  cargo build --locked --release --target wasm32-unknown-unknown --target-dir target ${features:+--features "$features"}
cd ../bindgen
CARGO_ENCODED_RUSTFLAGS='' cargo run --quiet --locked --target-dir target -- \
  ../core/target/wasm32-unknown-unknown/release/cahoots_web.wasm "$folder"
