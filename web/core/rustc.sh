#!/bin/sh
# Stands between cargo and rustc: RUSTC_WRAPPER of build.sh.
#
# Cargo tells a crate of this repository from others by its absolute path, and rustc orders code by what cargo says:
# the same sources in another folder would come out as other bytes. Their names tell them apart as well.
set -eu
case "${CARGO_PKG_NAME:-}" in cahoots | cahoots-web)
  for argument; do
    shift
    case "$argument" in metadata=*) argument="metadata=$CARGO_PKG_NAME-$CARGO_CRATE_NAME" ;; esac
    set -- "$@" "$argument"
  done
  ;;
esac
exec "$@"
