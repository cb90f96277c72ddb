#!/usr/bin/env bash
# Everything that must hold before a change lands, with the set-up it needs. Run from anywhere; takes about 30 min on
# two cores from nothing. Needs Rust by rustup, a C compiler, Node from 20.19 on and npm; what else is missing is
# installed from Debian's packages, as root or by sudo. The tests of local networks make network namespaces, which takes
# root: whoever has not got it says CAHOOTS_NO_NETNS=1 and goes without them. The first step that fails ends it.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTFLAGS="${RUSTFLAGS:-} -D warnings" RUSTDOCFLAGS="-D warnings" CARGO_TERM_COLOR=never

step() { printf '\n== %s\n' "$*"; }

install() { # install PACKAGE: says what it does, for it may ask for a password
    local as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    echo "installing $1"
    if [ -z "${apt_is_fresh:-}" ]; then
        $as_root apt-get update -qq
        apt_is_fresh=1
    fi
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

has() { command -v "$1" >/dev/null; }

rust_is_ready() {
    cargo fmt --version && cargo clippy --version && [ -d "$(rustc --print target-libdir --target wasm32-unknown-unknown)" ]
} >/dev/null 2>&1

may_make_networks() {
    ip netns add "cahoots-all-$$" && ip netns delete "cahoots-all-$$"
} >/dev/null 2>&1

node_is_ready() {
    has npm && node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)'
} 2>/dev/null

step "set-up"
has cc || install gcc
if ! node_is_ready; then
    echo "the viewer is built and tested by Node 20.19 or newer, with npm: found $(node --version 2>/dev/null || echo none)" >&2
    exit 1
fi
has ip || install iproute2
has vim || has vim.tiny || install vim-tiny
[ -n "${CHROMIUM:-}" ] || has chromium || has chromium-browser || has google-chrome || install chromium
has python3 || install python3
python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
if ! rust_is_ready; then
    rustup component add rustfmt clippy
    rustup target add wasm32-unknown-unknown
fi
# The viewer's core has a compiler of its own, named in rust-toolchain.toml there. Where it cannot be fetched, what is
# shipped is held to its sources by digests alone, and the tests run on a core by the compiler of everything else.
(cd web/core && { rustc --version || rustup toolchain install; }) || echo "no compiler for the viewer's core as it is shipped"

if may_make_networks; then
    unset CAHOOTS_NO_NETNS
elif [ "${CAHOOTS_NO_NETNS:-}" != 1 ]; then
    echo "no network namespaces here: run as root, or set CAHOOTS_NO_NETNS=1 to go without the tests of local networks" >&2
    exit 1
fi

step "format"
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
cargo fmt --manifest-path web/core/Cargo.toml --check
cargo fmt --manifest-path web/bindgen/Cargo.toml --check

step "lints"
cargo clippy --locked --all-targets
cargo clippy --locked --no-default-features --all-targets
cargo clippy --locked --manifest-path web/core/Cargo.toml --all-targets
cargo clippy --locked --manifest-path web/core/Cargo.toml --features tests
cargo clippy --locked --manifest-path web/bindgen/Cargo.toml

step "features"
cargo check --locked --no-default-features --target wasm32-unknown-unknown
for features in net lan relay web; do
    cargo check --locked --no-default-features --features "$features"
done

step "documentation"
cargo doc --locked --no-deps
cargo doc --locked --no-deps --no-default-features

step "tests"
cargo test --locked --lib --bins --test it
cargo test --locked --doc

step "examples"
bash tests/examples.sh

step "package: what is published builds by itself, viewer included"
rm -rf target/package
cargo package --locked --no-verify --allow-dirty --quiet
tar -xzf target/package/cahoots-*.crate -C target/package
cargo check --locked --manifest-path target/package/cahoots-*/Cargo.toml --target-dir target

step "viewer: the committed bundle belongs to the sources"
npm --prefix web ci
node web/check.mjs --rebuild

step "viewer: core, types and units"
cargo test --locked --manifest-path web/core/Cargo.toml
npm --prefix web run check
npm --prefix web test

step "viewer: vectors and documents in WebAssembly"
npm --prefix web run proof

step "viewer: a real browser, a real relay, a real shell"
npm --prefix web run e2e

step "fuzz corpora, replayed on stable"
cargo test --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz

step "benches compile and run once"
CAHOOTS_BENCH_QUICK=1 cargo bench --locked --bench paths

step "test vectors, made again by the independent generator"
[ -x target/vectors/bin/pip ] || python3 -m venv target/vectors
target/vectors/bin/pip install -q -r tests/vectors/requirements.txt
target/vectors/bin/python tests/vectors/generate.py --check

step "done${CAHOOTS_NO_NETNS:+, but for the tests of local networks: no network namespaces here}"
