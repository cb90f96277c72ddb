"""Vectors of section 4: certificates and chains, and what must not pass for one."""

from dataclasses import replace

import cast
from cast import (
    ADA,
    ADA_CERT,
    BEN,
    BEN_BODY,
    BEN_CERT,
    BEN_ID,
    CLEO,
    CLEO_BODY,
    CLEO_CERT,
    CLEO_ID,
    DAN,
    DAN_BODY,
    DAN_CERT,
    DAN_ID,
    HOUR,
    INTERACT,
    INTERACT_CERT,
    INTERACT_SHARE,
    INTERACT_TERMS,
    OTHER_ROOT,
    OWN,
    OWN_CERT,
    OWN_SHARE,
    OWN_TERMS,
    ROOT,
    SECOND_CERT,
    SECOND_SHARE,
    SECOND_TERMS,
    SESSION,
    START,
    THIRD_CERT,
    VIEW,
    VIEW_CERT,
    VIEW_SHARE,
    VIEW_TERMS,
    run,
)
from identity import flipped
from protocol import (
    ZERO32,
    H,
    Share,
    Terms,
    author_id,
    blake3,
    member_body,
    member_cert,
    share_cert,
)


def certificates() -> dict:
    shares = [
        ("own, under the root", OWN_CERT, OWN_SHARE, OWN_TERMS, None),
        ("interact, under the root", INTERACT_CERT, INTERACT_SHARE, INTERACT_TERMS, None),
        ("view, under the root, public", VIEW_CERT, VIEW_SHARE, VIEW_TERMS, None),
        ("second, under own", SECOND_CERT, SECOND_SHARE, SECOND_TERMS, OWN_CERT),
        ("members let in one by one", cast.PORCH_CERT, cast.PORCH_SHARE, cast.PORCH_TERMS, None),
        ("passed on below it", cast.LODGE_CERT, cast.LODGE_SHARE, cast.LODGE_TERMS, cast.PORCH_CERT),
        ("for one, with a passphrase", cast.LOCKED_CERT, cast.LOCKED_SHARE, cast.LOCKED_TERMS, None),
    ]
    members = [
        ("Ada", ADA_CERT, ADA, OWN_SHARE),
        ("Ben", BEN_CERT, BEN, INTERACT_SHARE),
        ("Cleo", CLEO_CERT, CLEO, SECOND_SHARE),
        ("Dan", DAN_CERT, DAN, cast.FOURTH_SHARE),
        ("Ida", cast.IDA_CERT, cast.IDA, cast.LOCKED_SHARE),
    ]
    return {
        "session_id": SESSION,
        "root_public": ROOT.public,
        "root_seed": ROOT.seed,
        "share_certs": [
            {
                "name": name,
                "bytes": cert,
                "hash": blake3(cert).digest(),
                "share_seed": share.seed,
                "flags": share.flags,
                "passphrase": share.passphrase,
                "share_id": share.id,
                "public": share.signer.public,
                "rights": terms.rights,
                "depth_left": terms.depth_left,
                "not_before": terms.not_before,
                "expires": terms.expires,
                "max_members": terms.max_members,
                "parent": blake3(parent).digest() if parent else ZERO32,
                "issuer": cert[121:153],
                "signed": H("share certificate", cert[:153]),
            }
            for name, cert, share, terms, parent in shares
        ],
        "member_certs": [
            {
                "name": name,
                "bytes": cert,
                "author_id": author_id(cert),
                "member_seed": member.seed,
                "share_seed": share.seed,
                "share_flags": share.flags,
                "passphrase": share.passphrase,
                "share_id": share.id,
                "sign_public": member.signer.public,
                "kem_public": member.kem_public,
                "rights": cert[98],
                "not_before": int.from_bytes(cert[100:108], "little"),
                "expires": int.from_bytes(cert[108:116], "little"),
                "incarnation": member.incarnation,
                "signed": H("member certificate", cert[:132]),
            }
            for name, cert, member, share in members
        ],
        "chains": [
            {"name": "Ben, one hand away", "body": BEN_BODY, "author_id": BEN_ID, "rights": INTERACT, "shares": 1},
            {"name": "Cleo, two hands away", "body": CLEO_BODY, "author_id": CLEO_ID, "rights": INTERACT, "shares": 2},
            {"name": "Dan, four hands away", "body": DAN_BODY, "author_id": DAN_ID, "rights": 1, "shares": 4},
            {"name": "Gus, to be let in", "body": cast.GUS_BODY, "author_id": cast.GUS_ID, "rights": INTERACT, "shares": 2},
        ],
        "live": {
            "body": BEN_BODY,
            "at": [
                {"now": now, "live": live}
                for now, live in [
                    (START - 120_001, False),
                    (START - 120_000, True),
                    (START, True),
                    (START + 4 * HOUR, True),
                    (START + 4 * HOUR + 120_000, True),
                    (START + 4 * HOUR + 120_001, False),
                ]
            ],
        },
        "refused_certs": refused_certs(),
        "refused_chains": refused_chains(),
    }


def refused_certs() -> list[dict]:
    """Bytes that are no certificate, though every signature is right."""
    strange_flags = Share(SESSION, run(0x30, 16), 32)
    window = (START, START + 4 * HOUR)
    share = [
        ("version 2", share_cert(SESSION, OWN_SHARE, OWN_TERMS, ROOT, None, version=2)),
        ("type 2", share_cert(SESSION, OWN_SHARE, OWN_TERMS, ROOT, None, kind=2)),
        ("right 128", share_cert(SESSION, OWN_SHARE, replace(OWN_TERMS, rights=0x87), ROOT, None)),
        ("depth 4", share_cert(SESSION, OWN_SHARE, replace(OWN_TERMS, depth_left=4), ROOT, None)),
        ("flag 32", share_cert(SESSION, strange_flags, OWN_TERMS, ROOT, None)),
        ("one byte short", OWN_CERT[:-1]),
        ("one byte more", OWN_CERT + b"\0"),
    ]
    member = [
        ("version 2", member_cert(SESSION, INTERACT_SHARE, BEN, INTERACT, *window, version=2)),
        ("type 1", member_cert(SESSION, INTERACT_SHARE, BEN, INTERACT, *window, kind=1)),
        ("right 128", member_cert(SESSION, INTERACT_SHARE, BEN, 0x87, *window)),
        ("byte 99 not zero", member_cert(SESSION, INTERACT_SHARE, BEN, INTERACT, *window, reserved=1)),
        ("one byte short", BEN_CERT[:-1]),
        ("one byte more", BEN_CERT + b"\0"),
    ]
    return [{"type": "share", "why": why, "bytes": cert} for why, cert in share] + [
        {"type": "member", "why": why, "bytes": cert} for why, cert in member
    ]


def refused_chains() -> list[dict]:
    """Chains of well-formed certificates; but for the flipped ones, every signature is right."""

    def ben(rights: int = INTERACT, start: int = START, end: int = START + 4 * HOUR, **more: int) -> bytes:
        return member_cert(SESSION, INTERACT_SHARE, BEN, rights, start, end, **more)

    def second(issuer=OWN_SHARE.signer, parent: bytes | None = OWN_CERT, **terms: int) -> list[bytes]:
        """A chain to Cleo over a second share with other terms."""
        cert = share_cert(SESSION, SECOND_SHARE, replace(SECOND_TERMS, **terms), issuer, parent)
        return [CLEO_CERT, cert, OWN_CERT]

    def under(other_root, session: bytes) -> list[bytes]:
        share = Share(session, run(0x30, 16), 0)
        cert = share_cert(session, share, INTERACT_TERMS, other_root, None)
        return [member_cert(session, share, BEN, INTERACT, START, START + HOUR), cert]

    def public(rights: int, issuer=ROOT, parent: bytes | None = None) -> list[bytes]:
        cert = share_cert(SESSION, VIEW_SHARE, replace(VIEW_TERMS, rights=rights), issuer, parent)
        return [member_cert(SESSION, VIEW_SHARE, BEN, VIEW, START, START + HOUR), cert, *([parent] if parent else [])]

    admin_second = share_cert(SESSION, SECOND_SHARE, replace(SECOND_TERMS, rights=VIEW), OWN_SHARE.signer, OWN_CERT)
    orphan = share_cert(SESSION, INTERACT_SHARE, INTERACT_TERMS, ROOT, OWN_CERT)
    fifth_terms = Terms(1, 0, START + 2 * HOUR, START + 3 * HOUR)
    fifth = share_cert(SESSION, cast.FIFTH_SHARE, fifth_terms, cast.FOURTH_SHARE.signer, cast.FOURTH_CERT)
    fifth_member = member_cert(SESSION, cast.FIFTH_SHARE, DAN, 1, START + 2 * HOUR, START + 3 * HOUR)
    cases = [
        ("member wider than its share", [ben(rights=OWN), INTERACT_CERT]),
        ("member starts before its share", [ben(start=START - 1), INTERACT_CERT]),
        ("member outlives its share", [ben(end=START + 4 * HOUR + 1), INTERACT_CERT]),
        ("member of another share", [BEN_CERT, OWN_CERT]),
        ("member wider than the narrowed share", [CLEO_CERT, admin_second, OWN_CERT]),
        ("share wider than its parent", [CLEO_CERT, *under_narrow()]),
        ("share starts before its parent", second(not_before=START - 1)),
        ("share outlives its parent", second(expires=OWN_TERMS.expires + 1)),
        ("depth does not fall", second(depth_left=3)),
        ("issuer is the root, parent is not zero", second(issuer=ROOT)),
        ("parent is another certificate", second(parent=INTERACT_CERT)),
        ("issued by another key than the parent's", second(issuer=INTERACT_SHARE.signer)),
        ("under the root with a parent", [BEN_CERT, orphan]),
        ("does not reach the root", [CLEO_CERT, SECOND_CERT]),
        ("root first", [CLEO_CERT, OWN_CERT, SECOND_CERT]),
        ("middle left out", [DAN_CERT, cast.FOURTH_CERT, SECOND_CERT, OWN_CERT]),
        ("one share twice", [CLEO_CERT, SECOND_CERT, SECOND_CERT, OWN_CERT]),
        ("of another session", under(OTHER_ROOT, OTHER_ROOT.session_id)),
        ("root does not hash to the session", under(OTHER_ROOT, SESSION)),
        (
            "member of another session",
            [member_cert(OTHER_ROOT.session_id, INTERACT_SHARE, BEN, INTERACT, START, START + HOUR), INTERACT_CERT],
        ),
        ("member signature flipped", [flipped(BEN_CERT, 195), INTERACT_CERT]),
        ("share signature flipped", [BEN_CERT, flipped(INTERACT_CERT, 216)]),
        (
            "member right added after signing",
            [flipped(DAN_CERT, 98), cast.FOURTH_CERT, THIRD_CERT, SECOND_CERT, OWN_CERT],
        ),
        ("public share with a right to type", public(0x0F)),
        ("public share with a right to pass on", public(0x27)),
        ("public share below, with a right to type", public(0x0F, OWN_SHARE.signer, OWN_CERT)),
        ("no share", [BEN_CERT]),
        ("five shares", [fifth_member, fifth, cast.FOURTH_CERT, THIRD_CERT, SECOND_CERT, OWN_CERT]),
    ]
    bodies = [(why, member_body(chain[0], chain[1:])) for why, chain in cases]
    bodies.append(("one byte more", BEN_BODY + b"\0"))
    bodies.append(("one byte short", BEN_BODY[:-1]))
    return [{"why": why, "session_id": SESSION, "body": body} for why, body in bodies]


def under_narrow() -> list[bytes]:
    """A second share with CONTROL under a share without it."""
    narrow = share_cert(SESSION, OWN_SHARE, replace(OWN_TERMS, rights=OWN & ~16), ROOT, None)
    return [share_cert(SESSION, SECOND_SHARE, SECOND_TERMS, OWN_SHARE.signer, narrow), narrow]
