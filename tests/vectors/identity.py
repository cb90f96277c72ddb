"""Vectors of sections 1 to 3, 5, 6 and 10: numbers, keys, tokens, auth log, wraps, proof of possession."""

import cast
from cast import (
    ADA,
    ADA_CERT,
    BEN,
    BEN_BODY,
    BEN_CERT,
    CLEO,
    CLEO_BODY,
    CLEO_CERT,
    DAN,
    EPOCH_SECRET,
    HOUR,
    INTERACT_CERT,
    INTERACT_SHARE,
    OTHER_ROOT,
    OWN,
    OWN_CERT,
    OWN_SHARE,
    ROOT,
    SECOND_CERT,
    SESSION,
    START,
    VIEW_CERT,
    VIEW_SHARE,
    run,
)
from protocol import (
    BECH32_CONST,
    LOG_CLOSE,
    LOG_END,
    LOG_EPOCH,
    LOG_GENESIS,
    LOG_HOST,
    LOG_SHARE,
    ZERO32,
    H,
    Member,
    Share,
    auth_digest,
    author_id,
    bech32m,
    binding,
    epoch_commit,
    log_record,
    member_cert,
    token_payload,
    u8,
    u32,
    varint,
    wrap,
)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + u8(data[at] ^ 1) + data[at + 1 :]


def varints() -> dict:
    edges = [
        0,
        1,
        37,
        63,
        64,
        15293,
        16383,
        16384,
        494878333,
        (1 << 30) - 1,
        1 << 30,
        151288809941952652,
        (1 << 62) - 1,
    ]
    return {
        "valid": [{"value": value, "bytes": varint(value)} for value in edges],
        "refused": [
            {"why": "not the shortest form", "bytes": varint(value, length)}
            for value, length in [(0, 2), (63, 2), (37, 4), (16383, 4), (5, 8), ((1 << 30) - 1, 8)]
        ]
        + [{"why": "truncated", "bytes": varint(value)[:-1]} for value in (0, 64, 16384, 1 << 30)],
    }


def derive() -> dict:
    cases = [
        ("session id", []),
        ("session id", [b""]),
        ("session id", [run(0, 32)]),
        ("auth", [b"", b"a", b"bc"]),
        ("auth", [b"a", b"", b"bc"]),
        ("entry key", [run(0, 32), run(0x40, 16), b"\x10\x00"]),
        ("entry", [run(0, 84), run(0, 1000)]),
    ]
    return {"cases": [{"label": label, "parts": parts, "hash": H(label, *parts)} for label, parts in cases]}


def keys() -> dict:
    shares = [
        {
            "seed": share.seed,
            "flags": share.flags,
            "share_root": share.root,
            "share_id": share.id,
            "signing_seed": share.signer.seed,
            "public": share.signer.public,
            "kek": share.kek,
        }
        for share in (OWN_SHARE, INTERACT_SHARE, VIEW_SHARE, cast.THIRD_SHARE)
    ]
    members = [
        {
            "seed": member.seed,
            "signing_seed": member.signer.seed,
            "sign_public": member.signer.public,
            "kem_private": member.kem_private,
            "kem_public": member.kem_public,
            "incarnation": member.incarnation,
        }
        for member in (ADA, BEN, CLEO, DAN)
    ]
    return {
        "root": {"seed": ROOT.seed, "public": ROOT.public, "session_id": SESSION},
        "shares": shares,
        "members": members,
        "signatures": signatures(),
    }


def signatures() -> list[dict]:
    digest = H("entry", b"to sign")
    good = ROOT.sign(digest)
    order = 2**252 + 27742317777372353535851937790883648493
    malleable = good[:32] + (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
    identity = b"\x01" + bytes(31)
    identity_spelled_twice = b"\xee" + b"\xff" * 30 + b"\x7f"
    return [
        {"name": "good", "public": ROOT.public, "digest": digest, "signature": good, "holds": True},
        {"name": "other key", "public": OTHER_ROOT.public, "digest": digest, "signature": good, "holds": False},
        {
            "name": "other digest",
            "public": ROOT.public,
            "digest": flipped(digest, 0),
            "signature": good,
            "holds": False,
        },
        {"name": "s not reduced", "public": ROOT.public, "digest": digest, "signature": malleable, "holds": False},
        {
            "name": "small-order key signs anything",
            "public": identity,
            "digest": digest,
            "signature": identity + bytes(32),
            "holds": False,
        },
        {
            "name": "key in a non-canonical encoding",
            "public": identity_spelled_twice,
            "digest": digest,
            "signature": identity + bytes(32),
            "holds": False,
        },
    ]


def token() -> dict:
    hosts = [("chr", "view", VIEW_SHARE), ("chi", "interact", INTERACT_SHARE), ("cho", "own", OWN_SHARE)]
    valid = []
    for hrp, access, share in hosts:
        for flags in (0, 1, 2, 4, 7):
            named = Share(SESSION, share.seed, flags)
            text = bech32m(hrp, token_payload(SESSION, share.seed, flags))
            assert len(text) == 63
            valid.append(
                {
                    "token": text,
                    "access": access,
                    "flags": flags,
                    "session_id": SESSION,
                    "seed": share.seed,
                    "share_id": named.id,
                }
            )
    payload = token_payload(SESSION, INTERACT_SHARE.seed, 0)
    good = bech32m("chi", payload)
    fingerprint = run(0x11, 32)
    refused = [
        ("length", good[:-1]),
        ("length", good + "q"),
        ("length", ""),
        ("character", good[:20] + "b" + good[21:]),
        ("character", good[:20] + "é" + good[21:]),
        ("checksum", good[:20] + ("q" if good[20] != "q" else "p") + good[21:]),
        ("checksum", "cho" + good[3:]),
        ("checksum", bech32m("chi", payload, BECH32_CONST)),
        ("prefix", bech32m("chx", payload)),
        ("mixed case", good[:30] + good[30:].upper()),
        ("version", bech32m("chi", token_payload(SESSION, INTERACT_SHARE.seed, 0, version=2))),
        ("version", bech32m("chi", token_payload(SESSION, INTERACT_SHARE.seed, 0, version=0))),
        ("flags", bech32m("chi", token_payload(SESSION, INTERACT_SHARE.seed, 8))),
        ("padding", bech32m("chi", payload, padding=1)),
    ]
    links = [
        (f"https://relay.example/j#{good}", "relay.example", 4433, None),
        (f"https://relay.example:8443/j#{good}", "relay.example", 8443, None),
        (f"https://192.0.2.7/j#{good}&fp={fingerprint.hex()}", "192.0.2.7", 4433, fingerprint),
        (f"https://[2001:db8::7]:4434/j#{good}&fp={fingerprint.hex()}", "2001:db8::7", 4434, fingerprint),
        (f"cahoots://join#{good}", None, None, None),
    ]
    return {
        "valid": valid,
        "upper": {"text": good.upper(), "same_as": good},
        "refused": [{"mistake": mistake, "text": text} for mistake, text in refused],
        "links": [
            {"link": link, "token": good, "host": host, "port": port, "fingerprint": pin}
            for link, host, port, pin in links
        ],
    }


class Log:
    """Writes records one after the other."""

    def __init__(self) -> None:
        self.records: list[dict] = []
        self.prev = ZERO32

    def make(self, kind: int, body: bytes, signer=ROOT, session: bytes = SESSION, **other) -> tuple[bytes, bytes]:
        seq = other.pop("seq", len(self.records))
        prev = other.pop("prev", self.prev)
        return log_record(signer, session, kind, seq, prev, START + 1000 * len(self.records), body, **other)

    def add(self, name: str, kind: int, body: bytes) -> None:
        record, digest = self.make(kind, body)
        self.records.append(
            {
                "name": name,
                "type": kind,
                "seq": len(self.records),
                "time": START + 1000 * len(self.records),
                "prev": self.prev,
                "body": body,
                "bytes": record,
                "digest": digest,
            }
        )
        self.prev = digest


def authlog() -> dict:
    log, refused = Log(), []

    def refuse(why: str, record: bytes) -> None:
        """Notes a record that must not follow what stands so far."""
        refused.append({"why": why, "after": len(log.records), "bytes": record})

    commit = epoch_commit(EPOCH_SECRET)
    refuse("genesis missing", log.make(LOG_SHARE, OWN_CERT)[0])
    refuse("genesis of another root", log.make(LOG_GENESIS, OTHER_ROOT.public, signer=OTHER_ROOT)[0])
    refuse("genesis with a prev", log.make(LOG_GENESIS, ROOT.public, prev=run(1, 32))[0])
    log.add("genesis", LOG_GENESIS, ROOT.public)
    refuse("second genesis", log.make(LOG_GENESIS, ROOT.public)[0])
    refuse("gap in seq", log.make(LOG_SHARE, OWN_CERT, seq=2)[0])
    refuse("seq again", log.make(LOG_SHARE, OWN_CERT, seq=0)[0])
    refuse("prev of another record", log.make(LOG_SHARE, OWN_CERT, prev=run(1, 32))[0])
    refuse("signed by another key", log.make(LOG_SHARE, OWN_CERT, signer=OTHER_ROOT)[0])
    refuse("of another session", log.make(LOG_SHARE, OWN_CERT, session=OTHER_ROOT.session_id)[0])
    refuse("version 2", log.make(LOG_SHARE, OWN_CERT, version=2)[0])
    refuse("one byte more", log.make(LOG_SHARE, OWN_CERT)[0] + b"\0")
    refuse("one byte short", log.make(LOG_SHARE, OWN_CERT)[0][:-1])
    refuse("time changed after signing", flipped(log.make(LOG_SHARE, OWN_CERT)[0], 58))
    refuse("share body one byte short", log.make(LOG_SHARE, OWN_CERT[:-1])[0])
    refuse("share not issued by the root", log.make(LOG_SHARE, SECOND_CERT)[0])
    refuse("share signature flipped", log.make(LOG_SHARE, flipped(OWN_CERT, 216))[0])
    refuse("host before its share", log.make(LOG_HOST, ADA_CERT)[0])
    refuse("epoch 1 before epoch 0", log.make(LOG_EPOCH, u32(1) + commit)[0])
    log.add("own share", LOG_SHARE, OWN_CERT)
    log.add("interact share", LOG_SHARE, INTERACT_CERT)
    log.add("epoch 0", LOG_EPOCH, u32(0) + commit)
    refuse("epoch 0 again", log.make(LOG_EPOCH, u32(0) + commit)[0])
    refuse("epoch 2 after epoch 0", log.make(LOG_EPOCH, u32(2) + commit)[0])
    refuse(
        "host wider than its share",
        log.make(LOG_HOST, member_cert(SESSION, INTERACT_SHARE, ADA, OWN, START, START + HOUR))[0],
    )
    refuse("host of a share that is not in the log", log.make(LOG_HOST, CLEO_CERT)[0])
    log.add("host Ada", LOG_HOST, ADA_CERT)
    log.add("unknown type", 200, b"for a later version")
    refuse("close body one byte short", log.make(LOG_CLOSE, INTERACT_SHARE.id[:-1])[0])
    log.add("close interact share", LOG_CLOSE, INTERACT_SHARE.id)
    refuse("own share again", log.make(LOG_SHARE, OWN_CERT)[0])
    refuse("host of a closed share", log.make(LOG_HOST, BEN_CERT)[0])
    refuse("end with a body", log.make(LOG_END, b"\0")[0])
    log.add("end", LOG_END, b"")
    refuse("after the end", log.make(LOG_SHARE, VIEW_CERT)[0])
    return {
        "session_id": SESSION,
        "root_seed": ROOT.seed,
        "records": log.records,
        "head": log.prev,
        "next_seq": len(log.records),
        "commit": commit,
        "host": author_id(ADA_CERT),
        "closed": [INTERACT_SHARE.id],
        "refused": refused,
    }


def epoch() -> dict:
    def case(share: Share) -> dict:
        return {
            "epoch": 0,
            "recipient": share.id,
            "kek": share.kek,
            "wrap": wrap(EPOCH_SECRET, 0, share.id, share.kek, SESSION),
        }

    good = case(OWN_SHARE)
    other_session = wrap(EPOCH_SECRET, 0, OWN_SHARE.id, OWN_SHARE.kek, OTHER_ROOT.session_id)
    other_secret = wrap(run(0x91, 32), 0, OWN_SHARE.id, OWN_SHARE.kek, SESSION)
    forged = wrap(run(0x91, 32), 0, OWN_SHARE.id, OWN_SHARE.kek, SESSION, commit=epoch_commit(EPOCH_SECRET))
    refused = [
        ("another secret under the right commitment", forged),
        ("sealed for another share", case(INTERACT_SHARE)["wrap"]),
        ("sealed for another session", other_session),
        ("another secret than the committed one", other_secret),
        ("flipped bit", flipped(good["wrap"], 30)),
        ("one byte short", good["wrap"][:-1]),
        ("one byte more", good["wrap"] + b"\0"),
    ]
    return {
        "session_id": SESSION,
        "epoch_secret": EPOCH_SECRET,
        "commit": epoch_commit(EPOCH_SECRET),
        "wraps": [case(share) for share in (OWN_SHARE, INTERACT_SHARE, VIEW_SHARE)],
        "refused": [{"why": why, "kek": OWN_SHARE.kek, "wrap": raw} for why, raw in refused],
    }


def auth() -> dict:
    def case(name: str, exporter: bytes, member: Member, body: bytes) -> dict:
        cert = body[:196]
        bound = binding(exporter, run(0x01, 32), run(0x41, 32))
        digest = auth_digest(bound, SESSION, cert)
        signature = member.signer.sign(digest)
        return {
            "name": name,
            "exporter": exporter,
            "dialer_nonce": run(0x01, 32),
            "acceptor_nonce": run(0x41, 32),
            "session_id": SESSION,
            "member_cert": cert,
            "member_seed": member.seed,
            "binding": bound,
            "digest": digest,
            "signature": signature,
            "body": body + signature,
        }

    return {
        "exporter_label": "EXPORTER-cahoots-auth-v1",
        "cases": [
            case("with an exporter", run(0xB0, 32), BEN, BEN_BODY),
            case("transport without an exporter", b"", BEN, BEN_BODY),
            case("two shares", run(0xB0, 32), CLEO, CLEO_BODY),
        ],
    }
