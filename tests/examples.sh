#!/usr/bin/env bash
# Runs the five examples for real, against each other and against the program, and checks what they print.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --locked --bins --examples
bin=$(realpath "${CARGO_TARGET_DIR:-target}/debug")
folder=$(mktemp -d)
started=()
cleanup() {
    for pid in "${started[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT
mkdir -m 700 "$folder/run"
export XDG_RUNTIME_DIR="$folder/run"
unset CAHOOTS_RELAY CAHOOTS_LINK CAHOOTS_NAME
cd "$folder"

run() { # run NAME COMMAND...: in the background; prints to NAME.out and NAME.err, reads what is written to NAME.in
    local name=$1
    shift
    mkfifo "$name.in"
    # No other process may hold the pipes open: their end says something.
    "$@" <"$name.in" >"$name.out" 2>"$name.err" 8>&- 9>&- &
    started+=($!)
}

fail() {
    echo "examples: $*" >&2
    tail -n 20 ./*.out ./*.err >&2
    exit 1
}

expect() { # expect FILE PATTERN: waits until a line of the file matches
    for _ in $(seq 600); do
        grep -qE "$2" "$1" && return
        sleep 0.1
    done
    fail "never in $1: $2"
}

ended() { # ended PID CODE: waits for its end
    local code=0
    for _ in $(seq 600); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    ! kill -0 "$1" 2>/dev/null || fail "process $1 does not end"
    wait "$1" || code=$?
    [ "$code" = "$2" ] || fail "process $1 ended with $code instead of $2"
}

echo "own_transport"
timeout 60 "$bin/examples/own_transport" >own_transport.out 2>own_transport.err || fail "own_transport ended with $?"
grep -qx "over our own wire" own_transport.out || fail "own_transport printed something else"

echo "host and join"
run host "$bin/examples/host" sh -c 'echo greetings; until [ -e stop ]; do sleep 0.1; done; exit 3'
host=$!
exec 8>host.in
expect host.out '^cahoots://join#chi1'
run join "$bin/examples/join" "$(cat host.out)"
join=$!
exec 9>join.in
expect join.out greetings
expect host.err 'ben joined'
touch stop
ended "$host" 3
ended "$join" 3
exec 8>&- 9>&-

echo "chat, twice"
run ada "$bin/examples/chat"
ada=$!
exec 8>ada.in
expect ada.out '^cahoots://join#chr1'
run ben "$bin/examples/chat" "$(head -n 1 ada.out)"
ben=$!
exec 9>ben.in
echo "hello from ben" >&9
expect ada.out '^<ben> hello from ben$'
echo "hello from ada" >&8
expect ben.out '^<ada> hello from ada$'
exec 8>&-
ended "$ada" 0
expect ben.out '^the owner ended the session$'
ended "$ben" 0
exec 9>&-

echo "relay"
run relay "$bin/examples/relay"
relay=$!
exec 8>relay.in
expect relay.out '^127\.0\.0\.1:[0-9]+#fp='
run share "$bin/cahoots" share -q --no-lan --relay "$(cat relay.out)" -- sh -c 'echo through the relay; exec sleep 100'
exec 9>share.in
expect share.out '^https://127\.0\.0\.1'
timeout 60 "$bin/cahoots" join --dump --no-lan <share.out >dump.out 2>dump.err || fail "join ended with $?"
grep -qx "through the relay" dump.out || fail "another screen"
kill -INT "$relay"
ended "$relay" 0

echo "all examples do what they say"
