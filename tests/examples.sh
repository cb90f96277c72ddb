#!/usr/bin/env bash
# Runs the examples that talk to each other, as their heads say, and checks that they do.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --locked --quiet --examples
examples="$(cargo metadata --locked --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/examples"

stage="$(mktemp -d)"
export XDG_RUNTIME_DIR="$stage"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$stage"' EXIT

shown() { # shown FILE TEXT: waits until FILE has TEXT
    for _ in $(seq 600); do
        grep -qF -- "$2" "$1" 2>/dev/null && return
        sleep 0.1
    done
    echo "'$2' never came; there is:" >&2
    cat "$1" >&2
    return 1
}

ended() { # ended CODE PID: waits for the end of PID, which has to be with CODE
    local code=0
    wait "$2" || code=$?
    [ "$code" = "$1" ] || { echo "ended with $code, expected $1" >&2; return 1; }
}

echo "host and join: the guest sees the screen and hears the exit status"
mkfifo "$stage/go"
timeout 90 "$examples/host" sh -c "echo from the host; read go <'$stage/go'; exit 3" >"$stage/host" 2>"$stage/people" &
host=$!
shown "$stage/host" "cahoots://join#"
timeout 90 "$examples/join" "$(head -n 1 "$stage/host")" >"$stage/join" 2>&1 &
join=$!
shown "$stage/join" "from the host"
shown "$stage/people" "ben joined"
echo >"$stage/go"
ended 3 "$join"
ended 3 "$host"

echo "chat: both hear each other"
mkfifo "$stage/ada-says" "$stage/ben-says"
timeout 90 "$examples/chat" <"$stage/ada-says" >"$stage/ada" 2>&1 &
ada=$!
exec 3>"$stage/ada-says"
shown "$stage/ada" "cahoots://join#"
timeout 90 "$examples/chat" "$(head -n 1 "$stage/ada")" <"$stage/ben-says" >"$stage/ben" 2>&1 3>&- &
ben=$!
exec 4>"$stage/ben-says"
echo "hello ben" >&3
shown "$stage/ben" "<ada> hello ben"
echo "hello ada" >&4
shown "$stage/ada" "<ben> hello ada"
exec 3>&-
ended 0 "$ada"
shown "$stage/ben" "the owner ended the session"
exec 4>&-
ended 0 "$ben"

echo "relay: prints the address that pins its certificate, and goes in good order"
"$examples/relay" >"$stage/relay" 2>&1 &
relay=$!
shown "$stage/relay" "#fp="
kill -INT "$relay"
ended 0 "$relay"
