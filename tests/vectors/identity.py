"""Vectors of sections 1 to 3, 6 and 10: numbers, keys, tokens, wraps, proof of possession."""

import cast
from cast import (
    ADA,
    BEN,
    BEN_BODY,
    BEN_ID,
    CLEO,
    CLEO_BODY,
    DAN,
    EPOCH_SECRET,
    INTERACT_SHARE,
    OTHER_ROOT,
    OWN_SHARE,
    ROOT,
    SESSION,
    VIEW_SHARE,
    run,
)
from protocol import (
    BECH32_CONST,
    H,
    Member,
    Share,
    auth_digest,
    bare_passphrase,
    bech32m,
    binding,
    epoch_commit,
    inquiry_digest,
    passphrase_hash,
    passphrase_salt,
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
            "passphrase": share.passphrase,
            "share_root": share.root,
            "share_id": share.id,
            "signing_seed": share.signer.seed,
            "public": share.signer.public,
            "kek": share.kek,
        }
        for share in (
            OWN_SHARE,
            INTERACT_SHARE,
            VIEW_SHARE,
            cast.THIRD_SHARE,
            cast.PORCH_SHARE,
            cast.LOCKED_SHARE,
            Share(SESSION, run(0x28, 16), 17, "another"),
        )
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
        "passphrases": passphrases(),
        "signatures": signatures(),
    }


def passphrases() -> list[dict]:
    """Texts that one person may type in place of another's, and some that are not the same."""
    seed = run(0x28, 16)
    cases = [
        "correct horse battery staple",
        "\t correct\u3000 horse\r\nbattery\u2028\u00a0staple \u0085",
        "correct horse battery\u200bstaple",
        "Übermaß 🦀",
        "U\u0308bermaß\x1f🦀",
        "",
    ]
    return [
        {
            "passphrase": passphrase,
            "counts": bare_passphrase(passphrase),
            "session_id": SESSION,
            "seed": seed,
            "salt": passphrase_salt(SESSION, seed),
            "hash": passphrase_hash(SESSION, seed, passphrase),
        }
        for passphrase in cases
    ]


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
            passphrase = access if flags & 1 else None
            named = Share(SESSION, share.seed, flags, passphrase)
            text = bech32m(hrp, token_payload(SESSION, share.seed, flags))
            assert len(text) == 63
            valid.append(
                {
                    "token": text,
                    "access": access,
                    "flags": flags,
                    "passphrase": passphrase,
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
        (f"https://relay.example:4433/j#{good}", "relay.example", 4433, None),
        (f"https://relay.example:8443/j#{good}", "relay.example", 8443, None),
        (f"https://192.0.2.7:4433/j#{good}&fp={fingerprint.hex()}", "192.0.2.7", 4433, fingerprint),
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


def epoch() -> dict:
    def case(name: str, number: int, recipient: bytes, kek: bytes) -> dict:
        secret = cast.EPOCH_SECRETS[number]
        return {
            "name": name,
            "epoch": number,
            "recipient": recipient,
            "kek": kek,
            "secret": secret,
            "commit": epoch_commit(secret),
            "wrap": wrap(secret, number, recipient, kek, SESSION),
        }

    shares = [("own", OWN_SHARE), ("interact", INTERACT_SHARE), ("view", VIEW_SHARE)]
    wraps = [case(f"{name}, epoch {n}", n, share.id, share.kek) for n in (0, 1) for name, share in shares]
    wraps.append(case("share with a passphrase", 2, cast.LOCKED_SHARE.id, cast.LOCKED_SHARE.kek))
    wraps.append(case("a member alone", 2, BEN_ID, run(0x3B, 32)))
    good = wraps[0]["wrap"]
    other = EPOCH_SECRET[:-1] + b"\0"

    def sealed(secret: bytes = EPOCH_SECRET, number: int = 0, session: bytes = SESSION, **more) -> bytes:
        return wrap(secret, number, OWN_SHARE.id, OWN_SHARE.kek, session, **more)

    refused = [
        ("another secret under the right commitment", sealed(other, commit=epoch_commit(EPOCH_SECRET))),
        ("sealed for another share", wraps[1]["wrap"]),
        ("sealed for another session", sealed(session=OTHER_ROOT.session_id)),
        ("another secret than the committed one", sealed(other)),
        ("of epoch 1 under the number of epoch 0", u32(0) + sealed(number=1)[4:]),
        ("flipped bit", flipped(good, 30)),
        ("one byte short", good[:-1]),
        ("one byte more", good + b"\0"),
    ]
    return {
        "session_id": SESSION,
        "commit": epoch_commit(EPOCH_SECRET),
        "wraps": wraps,
        "refused": [{"why": why, "kek": OWN_SHARE.kek, "wrap": raw} for why, raw in refused],
    }


def inquiry() -> dict:
    """Section 20: who holds a link asks a relay about its session."""
    challenge, host, request = run(0xD0, 32), "relay.example.org:4433", "POST /api/v1/counts"

    def signed(share: Share, by: Share | None = None, **other: object) -> dict:
        told = {"challenge": challenge, "host": host, "request": request, "session_id": SESSION, "share_id": share.id}
        digest = inquiry_digest(**{**told, **other})
        return {**told, "share_pub": share.signer.public, "digest": digest, "signature": (by or share).signer.sign(digest)}

    def seeded(name: str, share: Share, at: str) -> dict:
        told = {"name": name, "share_seed": share.seed, "flags": share.flags, "passphrase": share.passphrase}
        return {**told, **signed(share, host=at), "host": at}

    good = signed(VIEW_SHARE)
    return {
        "cases": [
            seeded("view link", VIEW_SHARE, host),
            seeded("interact link, at an address", INTERACT_SHARE, "[2001:db8::1]:443"),
            seeded("with a passphrase, without a port", cast.LOCKED_SHARE, "relay.example.org"),
        ],
        "refused": [
            {"why": "signed for another relay", **signed(VIEW_SHARE, host="eve.example:4433")},
            {"why": "signed for another port", **signed(VIEW_SHARE, host="relay.example.org:443")},
            {"why": "signed for another request", **signed(VIEW_SHARE, request="POST /api/v1/challenges")},
            {"why": "signed for another session", **signed(VIEW_SHARE, session_id=OTHER_ROOT.session_id)},
            {"why": "signed for another share", **signed(VIEW_SHARE, share_id=INTERACT_SHARE.id)},
            {"why": "signed for another challenge", **signed(VIEW_SHARE, challenge=run(0xD1, 32))},
            {"why": "signed by another share's key", **signed(VIEW_SHARE, by=INTERACT_SHARE)},
            {"why": "flipped bit", **good, "signature": flipped(good["signature"], 40)},
        ],
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
