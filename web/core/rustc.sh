#!/bin/sh
# Stands between cargo and rustc: RUSTC_WRAPPER of build.sh.
#
# Cargo tells crates that come from no registry, ours and the standard library's, from others by their absolute path, and
# rustc orders code by what cargo says: the same sources in another folder would come out as other bytes. Their names
# tell them apart as well.
set -eu
case "${CARGO_MANIFEST_DIR:-/registry/src/}" in
*/registry/src/*) ;;
*)
  for argument; do
    shift
    case "$argument" in metadata=*) argument="metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION-$CARGO_CRATE_NAME" ;; esac
    set -- "$@" "$argument"
  done
  ;;
esac
exec "$@"
