#!/bin/sh
# Compiles the core and makes its JavaScript side: core/build.sh FOLDER [FEATURES]
#
# The same sources and locks give the same bytes in any folder of any machine; `check.mjs` relies on it. Needs the
# compiler that rust-toolchain.toml names, which rustup brings; with features, which are for tests, any other will do.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
features=${2:-}
cd "$(dirname "$0")"

has_library() { [ -d "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library" ]; }
if has_library; then
  is_small=yes
elif [ -n "$features" ]; then
  is_small=no
  RUSTUP_TOOLCHAIN=$(cd ../.. && rustup show active-toolchain | cut -d' ' -f1)
  export RUSTUP_TOOLCHAIN
  echo "core/build.sh: no compiler as in rust-toolchain.toml; the tests get a core by $RUSTUP_TOOLCHAIN" >&2
else
  echo "core/build.sh: no compiler as in rust-toolchain.toml, with rust-src; run \`rustup toolchain install\` in web/core" >&2
  exit 1
fi

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
# The viewer never hosts: what only hosts do is left out, but for the tests.
[ -n "$features" ] || flags="$flags$flag--cfg=cahoots_guest_only"

set -- build --locked --release --target wasm32-unknown-unknown --target-dir target ${features:+--features "$features"}
if [ $is_small = yes ]; then
  # The standard library is built small as well, and without words for panics: a page has nowhere to show them. That
  # takes flags of the pinned compiler that are not stable yet; they change no byte of what the code computes.
  export RUSTC_BOOTSTRAP=1
  flags="-Zunstable-options$flag-Cpanic=immediate-abort$flag-Zlocation-detail=none$flag$flags"
  set -- "$@" -Z build-std=std,panic_abort -Z build-std-features=optimize_for_size
fi
CARGO_ENCODED_RUSTFLAGS=$flags RUSTC_WRAPPER="$PWD/rustc.sh" cargo "$@"
unset RUSTC_BOOTSTRAP
cd ../bindgen
CARGO_ENCODED_RUSTFLAGS='' cargo run --quiet --locked --target-dir target -- \
  ../core/target/wasm32-unknown-unknown/release/cahoots_web.wasm "$folder"
