#!/usr/bin/env bash
# Everything that must hold before a change lands, with the set-up it needs. Run from anywhere; takes about 25 min on
# two cores from nothing. Debian's packages are installed where a tool is missing and there is the right to.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTDOCFLAGS="-D warnings" CARGO_TERM_COLOR=never

step() { printf '\n== %s\n' "$*"; }

need() { # need COMMAND PACKAGE: installs the package if the command is missing
    command -v "$1" >/dev/null && return
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    if [ -z "${apt_is_fresh:-}" ]; then
        $sudo apt-get update -qq
        apt_is_fresh=1
    fi
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

step "set-up"
need ip iproute2
need vim vim-tiny
need python3 python3
python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null || need no-such-command python3-venv
rustup component add rustfmt clippy >/dev/null 2>&1 || true
rustup target add wasm32-unknown-unknown >/dev/null 2>&1 || true

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --locked --all-targets -- -D warnings
cargo clippy --locked --no-default-features --all-targets -- -D warnings

step "features"
cargo check --locked --no-default-features --target wasm32-unknown-unknown
for features in net lan relay net,relay; do
    cargo check --locked --no-default-features --features "$features"
done

step "documentation"
cargo doc --locked --no-deps
cargo doc --locked --no-deps --no-default-features

step "tests"
cargo test --locked --lib --bins --test it
cargo test --locked --doc

step "examples"
timeout 60 cargo run --locked --example own_transport
cargo build --locked --examples
bash tests/examples.sh

step "fuzz corpora, replayed on stable"
cargo test --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz

step "benches compile and run once"
CAHOOTS_BENCH_QUICK=1 cargo bench --locked --bench paths

step "test vectors, made again by the independent generator"
[ -d target/vectors ] || python3 -m venv target/vectors
target/vectors/bin/pip install -q -r tests/vectors/requirements.txt
target/vectors/bin/python tests/vectors/generate.py --check

step "done"
