"""Writes the test vectors of PROTOCOL.md beside this file; with --check only compares, and exits 1 if one differs."""

import json
import sys
from pathlib import Path

import audit
import certificates
import checkpoints
import contents
import generations
import identity
import log
import owning
import passing
import traffic

FILES = {
    "varint": identity.varints,
    "derive": identity.derive,
    "keys": identity.keys,
    "token": identity.token,
    "certificates": certificates.certificates,
    "authlog": log.authlog,
    "epoch": identity.epoch,
    "auth": identity.auth,
    "inquiry": identity.inquiry,
    "entries": traffic.entries,
    "proof": traffic.proofs,
    "passedon": passing.passed_on,
    "checkpoint": checkpoints.checkpoints,
    "generation": generations.generations,
    "direct": traffic.direct,
    "directpayload": contents.directpayload,
    "owning": owning.owning,
    "frames": traffic.frames,
    "terminal": contents.terminal,
    "state": contents.state,
    "chat": contents.chat,
    "presence": contents.presence,
    "hint": contents.hint,
    "audit": audit.audit,
}


def render(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=bytes.hex) + "\n"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    stale = []
    for name, make in FILES.items():
        path, text = Path(__file__).with_name(f"{name}.json"), render(make())
        if not arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    if stale:
        print("differs from what PROTOCOL.md gives:", *stale, file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
