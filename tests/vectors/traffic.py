"""Vectors of sections 7 to 9 and 15: entries, direct channel, frames."""

from dataclasses import replace

import cast
import protocol as p
from cast import (
    ADA,
    ADA_BODY,
    ADA_CERT,
    ADA_ID,
    BEN,
    BEN_BODY,
    BEN_CERT,
    BEN_ID,
    CLEO,
    CLEO_CERT,
    CLEO_ID,
    EPOCH_SECRET,
    EPOCH_SECRETS,
    INTERACT_SHARE,
    OWN_SHARE,
    ROOT,
    SESSION,
    START,
    run,
)
from identity import flipped
from protocol import Entry, Member, u8, varint

PANE = 3


# 7. Entries


class Lane:
    """One author's lane under the secret of its epoch."""

    def __init__(self, name: str, member: Member, cert: bytes, channel: int, epoch: int = 0) -> None:
        self.name, self.member, self.cert, self.channel, self.epoch = name, member, cert, channel, epoch
        self.author = p.author_id(cert)
        self.secret = EPOCH_SECRETS[epoch]
        self.key = p.entry_key(self.secret, self.author, channel)
        self.entries: list[Entry] = []
        self.payloads: list[bytes | None] = []

    def make(self, kind: int, plaintext: bytes, **other) -> Entry:
        live, durable = self.channel >= 16, self.channel in p.DURABLE
        linked = self.entries and (durable or live and kind not in (p.KEY_FIRST, p.KEY_WHOLE))
        fields = {
            "kind": kind,
            "seq": len(self.entries),
            "prev": self.entries[-1].digest if linked else p.ZERO32,
            "channel": self.channel,
            "epoch": self.epoch,
            "author": self.author,
            "plaintext": plaintext,
            **other,
        }
        session, key = fields.pop("session", SESSION), fields.pop("key", self.key)
        return p.seal_entry(session, key, fields.pop("signer", self.member.signer), **fields)

    def add(self, kind: int, plaintext: bytes) -> Entry:
        self.entries.append(self.make(kind, plaintext))
        self.payloads.append(None)
        return self.entries[-1]

    def add_durable(self, payload: bytes) -> None:
        self.add(1, p.pad_durable(payload))
        self.payloads[-1] = payload

    def dump(self) -> dict:
        return {
            "name": self.name,
            "channel": self.channel,
            "epoch": self.epoch,
            "epoch_secret": self.secret,
            "author_id": self.author,
            "key": self.key,
            "member_seed": self.member.seed,
            "sign_public": self.member.signer.public,
            "member_cert": self.cert,
            "entries": [
                dump_entry(entry) | ({"payload": payload} if payload is not None else {})
                for entry, payload in zip(self.entries, self.payloads, strict=True)
            ],
        }


def dump_entry(entry: Entry) -> dict:
    return {
        "kind": entry.kind,
        "seq": entry.seq,
        "prev": entry.prev,
        "plaintext": entry.plaintext,
        "header": entry.header,
        "body": entry.body,
        "digest": entry.digest,
        "signature": entry.signature,
        "wire": entry.wire,
    }


def entries() -> dict:
    chat = Lane("durable", BEN, BEN_CERT, p.CHAT)
    refused = []

    def refuse(why: str, wire: bytes) -> None:
        """Notes an entry that must not follow what stands so far in the chat lane."""
        refused.append({"why": why, "after": len(chat.entries), "wire": wire})

    text = p.pad_durable(b"next")
    chat.add_durable(b"first payload, nothing to pad at 4" + b"4")
    refuse("kind 2 on a durable channel", chat.make(2, text).wire)
    refuse("gap in seq", chat.make(1, text, seq=2).wire)
    refuse("prev left out", chat.make(1, text, prev=p.ZERO32).wire)
    refuse("signed by another member", chat.make(1, text, signer=CLEO.signer).wire)
    refuse("of another session", chat.make(1, text, session=ROOT.public[:16]).wire)
    refuse("signed over the body itself", signed_over_the_body(chat.make(1, text)))
    # Signed into this place by the author, so a relay counts them; nobody can read them.
    unreadable = [
        {"why": why, "after": 1, **dump_entry(chat.make(1, text, key=key))}
        for why, key in [
            ("sealed with the key of another channel", p.entry_key(EPOCH_SECRET, BEN_ID, p.STATE)),
            ("sealed with another secret", p.entry_key(run(1, 32), BEN_ID, p.CHAT)),
        ]
    ]
    good = chat.make(1, text).wire
    for why, at in [("kind", 0), ("author", 3), ("body", 25), ("tag", len(good) - 65), ("signature", len(good) - 1)]:
        refuse(f"flipped bit in the {why}", flipped(good, at))
    chat.add_durable(bytes(range(200)))
    chat.add_durable(b"")

    # The same author starts each epoch at 0.
    later = Lane("durable, epoch 1", BEN, BEN_CERT, p.CHAT, 1)
    later.add_durable(b"after the first epoch")
    later.add_durable(b"and more")
    checkpoint = Lane("checkpoint", ADA, ADA_CERT, p.STATE_CHECKPOINT, 1)
    checkpoint.add_durable(bytes(300))
    checkpoint.add_durable(b"the last segment")

    terminal = Lane("live", ADA, ADA_CERT, p.terminal_channel(PANE))
    terminal.add(p.KEY_WHOLE, p.terminal_plaintext(0, 0, b"\x1b[H", size=(80, 24)))
    terminal.add(p.OUTPUT, p.terminal_plaintext(0, 0, b"$ ls\r\n"))
    terminal.add(p.OUTPUT, p.terminal_plaintext(0, 6, b"a b c\r\n"))
    terminal.add(p.KEY_FIRST, p.terminal_plaintext(0, 13, b"\x1b[H$ ls\r\n", size=(80, 24)))
    terminal.add(p.KEY_MIDDLE, p.terminal_plaintext(0, 13, b"a b"))
    terminal.add(p.KEY_LAST, p.terminal_plaintext(0, 13, b" c\r\n"))
    terminal.add(p.OUTPUT, p.terminal_plaintext(0, 13, b"$ "))
    terminal.add(p.OUTPUT, p.terminal_plaintext(p.ENDED, 15, b"", exit_status=0))

    latest = Lane("latest", BEN, BEN_CERT, p.PRESENCE)
    for name in ("Ben", "Ben, here"):
        latest.add(1, p.presence(name, 2, 0))
    latest.add(1, p.presence("Ben", 2, None, leaving=True))

    large = {"channel": 79, "epoch": 0xFFFFFFFF, "seq": (1 << 62) - 1}
    far = p.seal_entry(SESSION, run(5, 32), ADA.signer, kind=1, author=ADA_ID, plaintext=b"", **large)
    return {
        "session_id": SESSION,
        "lanes": [lane.dump() for lane in (chat, later, checkpoint, terminal, latest)],
        "refused_durable": refused,
        "unreadable_durable": unreadable,
        "wire_only": [{"author_id": ADA_ID, **large, **dump_entry(far)}],
        "refused_wire": refused_wire(chat.entries[0]),
        "padding": padding(),
    }


def signed_over_the_body(entry: Entry) -> bytes:
    """What the digest is not: it covers the hash of the body, so that a proof need not hold the body."""
    signature = BEN.signer.sign(p.H("entry", entry.header, entry.body))
    return entry.wire[:-64] + signature


def refused_wire(entry: Entry) -> list[dict]:
    """Bytes that are no entry, whoever signed them."""
    tail = entry.body + entry.signature
    head = u8(1) + varint(p.CHAT)
    cases = [
        ("channel 0", u8(1) + varint(0) + varint(0) + BEN_ID + varint(0) + tail),
        ("channel 8", u8(1) + varint(8) + varint(0) + BEN_ID + varint(0) + tail),
        ("channel 15", u8(1) + varint(15) + varint(0) + BEN_ID + varint(0) + tail),
        ("channel 80", u8(1) + varint(80) + varint(0) + BEN_ID + varint(0) + tail),
        ("channel not in its shortest form", u8(1) + varint(p.CHAT, 2) + varint(0) + BEN_ID + varint(0) + tail),
        ("epoch beyond 32 bits", head + varint(1 << 32) + BEN_ID + varint(0) + tail),
        ("epoch not in its shortest form", head + varint(0, 2) + BEN_ID + varint(0) + tail),
        ("seq not in its shortest form", head + varint(0) + BEN_ID + varint(0, 4) + tail),
        ("body shorter than its tag", head + varint(0) + BEN_ID + varint(0) + entry.body[:15] + entry.signature),
        ("nothing", b""),
        ("header alone", head + varint(0) + BEN_ID + varint(0)),
    ]
    return [{"why": why, "wire": wire} for why, wire in cases]


def begun_otherwise(entry: Entry) -> Entry:
    header = b"\xc0" + entry.header[1:]
    digest = p.H("entry", header, p.blake3(entry.body).digest())
    return replace(entry, header=header, digest=digest, signature=BEN.signer.sign(digest))


def proofs() -> dict:
    def fork(lane: Lane, kind: int, texts: list[bytes], **other) -> list[Entry]:
        return [lane.make(kind, text, **other) for text in texts]

    chat, state = Lane("", BEN, BEN_CERT, p.CHAT), Lane("", CLEO, CLEO_CERT, p.STATE, 1)
    for lane in (chat, state):
        lane.add_durable(b"what both histories begin with")
    hello, other = fork(chat, 1, [p.pad_durable(text) for text in (b"hello", b"another thing")])
    same_text = chat.make(1, p.pad_durable(b"hello"), prev=run(0x31, 32))
    presence = fork(Lane("", BEN, BEN_CERT, p.PRESENCE), 1, [p.presence(name, 1, None) for name in ("Ben", "Bill")])
    pane = Lane("", ADA, ADA_CERT, p.terminal_channel(PANE))
    shown = [pane.make(p.OUTPUT, text) for text in (b"one", b"two")]
    segments = fork(Lane("", ADA, ADA_CERT, p.CHAT_CHECKPOINT, 2), 1, [p.pad_durable(b""), p.pad_durable(b"x")])
    valid = [
        ("two texts", BEN, BEN_ID, hello, other),
        ("one text, two histories", BEN, BEN_ID, hello, same_text),
        ("sealed with a key of its own", BEN, BEN_ID, hello, chat.make(1, p.pad_durable(b"hello"), key=run(3, 32))),
        ("in a later epoch", CLEO, CLEO_ID, *fork(state, 1, [p.pad_durable(b""), p.pad_durable(b"x")])),
        ("in segments of a checkpoint", ADA, ADA_ID, *segments),
    ]
    good = p.proof(hello, other)
    low, high = good[:180], good[180:]
    far = chat.make(1, p.pad_durable(b"x"), seq=2)
    elsewhere = [entry for entry in fork(Lane("", BEN, BEN_CERT, p.STATE), 1, [b"\0"], seq=1)]
    later = Lane("", BEN, BEN_CERT, p.CHAT, 1).make(1, b"\0", seq=1)
    by_cleo = chat.make(1, p.pad_durable(b"x"), author=CLEO_ID)
    strange = [chat.make(1, text, session=ROOT.public[:16]) for text in (b"\0", b"\1x")]
    unsigned = chat.make(1, p.pad_durable(b"another thing"), signer=CLEO.signer)
    by_body = replace(other, signature=BEN.signer.sign(p.H("entry", other.header, other.body)))
    no_lane = [chat.make(1, text, channel=8) for text in (b"\0", b"\1x")]
    of_ada = p.proof(*shown)
    refused = [
        ("one entry twice", low + low),
        ("the wrong way round", high + low),
        ("two places", p.proof(hello, far)),
        ("two channels", p.proof(hello, elsewhere[0])),
        ("two epochs", p.proof(hello, later)),
        ("two authors", p.proof(hello, by_cleo)),
        ("two sessions", p.proof(hello, strange[0])),
        ("of another session", p.proof(*strange)),
        ("of a channel that does not exist", p.proof(*no_lane)),
        ("of a terminal", of_ada),
        ("of presence", p.proof(*presence)),
        ("of kind 2", p.proof(*[chat.make(2, text) for text in (b"\0", b"\1x")])),
        ("one signed by another", p.proof(hello, unsigned)),
        ("signed over the body itself", p.proof(hello, by_body)),
        ("flipped bit in the first header", flipped(good, 40)),
        ("flipped bit in the first hash", flipped(good, 90)),
        ("flipped bit in the first signature", flipped(good, 130)),
        ("flipped bit in the second header", flipped(good, 225)),
        ("flipped bit in the second hash", flipped(good, 270)),
        ("flipped bit in the second signature", flipped(good, 359)),
        ("headers that begin with another byte", p.proof(*(begun_otherwise(entry) for entry in (hello, other)))),
        ("one byte short", good[:-1]),
        ("one byte more", good + b"\0"),
        ("nothing", b""),
    ]
    return {
        "session_id": SESSION,
        "valid": [
            {
                "name": name,
                "sign_public": member.signer.public,
                "author_id": author,
                "channel": one.channel,
                "epoch": one.epoch,
                "seq": one.seq,
                "entries": [dump_entry(one), dump_entry(two)],
                "proof": p.proof(one, two),
            }
            for name, member, author, one, two in valid
        ],
        "refused": [
            {"why": why, "sign_public": (ADA if raw == of_ada else BEN).signer.public, "proof": raw}
            for why, raw in refused
        ],
    }


def padding() -> dict:
    lengths = [
        0,
        1,
        2,
        3,
        4,
        8,
        9,
        10,
        15,
        16,
        17,
        31,
        33,
        63,
        64,
        65,
        100,
        127,
        129,
        1000,
        16383,
        16384,
        40000,
        64999,
        65000,
    ]
    payload = bytes(index & 0xFF or 1 for index in range(9))
    good = p.pad_durable(payload)
    return {
        "sizes": [
            {"payload": length, "padded": p.padme(length), "plaintext": len(p.pad_durable(bytes(length)))}
            for length in lengths
        ],
        "cases": [
            {"payload": payload[:length], "plaintext": p.pad_durable(payload[:length])} for length in (0, 1, 2, 9)
        ],
        "refused": [
            {"why": why, "plaintext": plaintext}
            for why, plaintext in [
                ("nothing", b""),
                ("one zero short", good[:-1]),
                ("one zero more", good + b"\0"),
                ("padding not zero", good[:-1] + b"\1"),
                ("length not in its shortest form", varint(9, 2) + good[1:]),
                ("length beyond the end", varint(40) + good[1:]),
            ]
        ],
    }


# 15. Direct channel

# A choice of the implementation under test, which takes a seed: any X25519 private key serves.
EPHEMERAL_SEED = run(0xD0, 32)
EPHEMERAL = p.derive_ephemeral(p.chacha20_keystream(EPHEMERAL_SEED, 32))


def direct() -> dict:
    info = p.direct_info(SESSION, BEN_ID, ADA_ID)
    enc, up, down, kek = p.direct_keys(EPHEMERAL, ADA.kem_public, info)

    def guest(kind: int, seq: int, plaintext: bytes, **other) -> Entry:
        fields = {"channel": p.TO_HOST, "author": BEN_ID, **other}
        signer = fields.pop("signer", BEN.signer)
        return p.seal_entry(SESSION, fields.pop("key", up), signer, kind=kind, seq=seq, plaintext=plaintext, **fields)

    def host(seq: int, plaintext: bytes, **other) -> Entry:
        fields = {"prefix": BEN_ID, **other}
        signer = fields.pop("signer", ADA.signer)
        return p.seal_entry(
            SESSION,
            fields.pop("key", down),
            signer,
            kind=1,
            channel=p.FROM_HOST,
            author=ADA_ID,
            seq=seq,
            plaintext=plaintext,
            **fields,
        )

    up_entries = [
        guest(1, 0, b"\0", prefix=enc),
        guest(2, 1, p.up_size(PANE, 100, 30)),
        guest(3, 2, p.up_input(PANE, b"ls\r")),
        guest(2, 3, p.up_keyframe(PANE)),
        guest(2, 4, p.up_drive(PANE, 1)),
    ]
    down_entries = [host(4, p.down_ack(2)), host(9, p.down_refused(1, 2)), host(10, p.down_waiting(3, PANE))]
    first = up_entries[0].wire
    return {
        "session_id": SESSION,
        "guest_id": BEN_ID,
        "host_id": ADA_ID,
        "guest_cert": BEN_CERT,
        "host_cert": ADA_CERT,
        "guest_body": BEN_BODY,
        "host_body": ADA_BODY,
        "guest_seed": BEN.seed,
        "host_seed": ADA.seed,
        "host_kem_public": ADA.kem_public,
        "host_kem_private": ADA.kem_private,
        "ephemeral_private": EPHEMERAL,
        "ephemeral_seed": EPHEMERAL_SEED,
        "info": info,
        "enc": enc,
        "up": up,
        "down": down,
        "kek": kek,
        "member_wrap": {"epoch": 1, "secret": EPOCH_SECRETS[1], "wrap": p.wrap(EPOCH_SECRETS[1], 1, BEN_ID, kek, SESSION)},
        "up_entries": [dump_entry(entry) for entry in up_entries],
        "down_entries": [dump_entry(entry) for entry in down_entries],
        "refused_open": [
            {"why": why, "wire": wire}
            for why, wire in [
                ("not an open", guest(2, 0, p.up_keyframe(PANE)).wire),
                ("open at seq 1", guest(1, 1, b"\0", prefix=enc).wire),
                ("another enc", guest(1, 0, b"\0", prefix=p.x25519_public(run(1, 32))).wire),
                ("enc of small order", guest(1, 0, b"\0", prefix=bytes(32)).wire),
                ("signed by another member", guest(1, 0, b"\0", prefix=enc, signer=CLEO.signer).wire),
                ("on channel 5", guest(1, 0, b"\0", prefix=enc, channel=p.FROM_HOST).wire),
                ("flipped bit in enc", flipped(first, 20)),
                ("flipped bit in the signature", flipped(first, len(first) - 1)),
            ]
        ],
        "refused_up": [
            {"why": why, "after": after, "wire": entry.wire}
            for why, after, entry in [
                ("open again", 1, guest(1, 1, b"\0", prefix=enc)),
                ("one too high", 1, guest(2, 2, p.up_size(PANE, 100, 30))),
                ("applied before", 2, up_entries[1]),
                ("sealed with the key of the other direction", 1, guest(2, 1, p.up_size(PANE, 100, 30), key=down)),
                ("signed by another member", 1, guest(2, 1, p.up_size(PANE, 100, 30), signer=CLEO.signer)),
            ]
        ],
        "refused_down": [
            {"why": why, "after": after, "wire": entry.wire}
            for why, after, entry in [
                ("for another member", 0, host(4, p.down_ack(2), prefix=CLEO_ID)),
                ("seq again", 1, host(4, p.down_ack(3))),
                ("lower seq", 1, host(3, p.down_ack(3))),
                ("sealed with the key of the other direction", 0, host(4, p.down_ack(2), key=up)),
                ("signed by another member", 0, host(4, p.down_ack(2), signer=BEN.signer)),
            ]
        ],
    }


# 9. Frames


def frames() -> dict:
    def case(name: str, kind: int, direction: str, body: bytes, **fields) -> dict:
        return {
            "name": name,
            "type": kind,
            "direction": direction,
            "fields": fields,
            "body": body,
            "frame": p.frame(kind, body),
        }

    nonce = run(0x33, 32)
    signature = BEN.signer.sign(b"only a frame, see auth.json")
    record, _ = p.log_record(ROOT, SESSION, p.LOG_GENESIS, 0, p.ZERO32, START, ROOT.public)
    lanes = [(ADA_ID, 0, 3), (BEN_ID, 0, 16384)]
    have = b"".join(author + varint(epoch) + varint(next_seq) for author, epoch, next_seq in lanes)
    dumped = [{"author_id": author, "epoch": epoch, "next": next_seq} for author, epoch, next_seq in lanes]
    welcome = u8(1) + nonce
    lane = Lane("durable", BEN, BEN_CERT, p.CHAT)
    lane.add_durable(b"hello")
    wrap = p.wrap(EPOCH_SECRET, 0, OWN_SHARE.id, OWN_SHARE.kek, SESSION)
    sealed_kek = run(0x8F, 80)
    chain_of_four = [cast.FOURTH_CERT, cast.THIRD_CERT, cast.SECOND_CERT, cast.OWN_CERT]
    two, four = (p.share_body(certs, wrap, sealed_kek) for certs in (chain_of_four[2:], chain_of_four))
    cases = [
        case(
            "HELLO",
            1,
            "D",
            u8(1) + nonce + SESSION + INTERACT_SHARE.id,
            nonce=nonce,
            session_id=SESSION,
            share_id=INTERACT_SHARE.id,
        ),
        *[
            case(
                "WELCOME",
                2,
                "A",
                welcome + u8(status) + varint(records) + varint(shares) + varint(wraps),
                nonce=nonce,
                status=status,
                records=records,
                shares=shares,
                wraps=wraps,
            )
            for status, records, shares, wraps in [
                (0, 5, 0, 1),
                (0, 4096, 1, 1),
                (0, 7, 1, 0),
                (0, 7, 0, 0),
                *[(status, 0, 0, 0) for status in range(1, 6)],
                (3, 9, 0, 0),
            ]
        ],
        case("AUTH", 3, "D", BEN_BODY + signature, chain=BEN_BODY, signature=signature),
        case("READY", 4, "A", u8(1) + varint(5), log_next=5),
        case("READY", 4, "A", u8(1) + varint(4096), log_next=4096),
        *[case("CLOSE", 5, "B", varint(code), code=code) for code in (*range(17), 99, 1 << 40)],
        case("PING", 6, "B", run(0x77, 8), payload=run(0x77, 8)),
        case("PONG", 7, "B", run(0x77, 8), payload=run(0x77, 8)),
        case("LOG", 8, "B", record),
        case("WRAP", 9, "B", wrap),
        case("MEMBER", 10, "B", BEN_BODY),
        case("HAVE", 11, "B", varint(1) + u8(1), channel=1, last=True, lanes=[]),
        case("HAVE", 11, "B", varint(2) + u8(0) + have, channel=2, last=False, lanes=dumped),
        *[case("HAVE", 11, "B", varint(n) + u8(1), channel=n, last=True, lanes=[]) for n in (6, 7)],
        case("ENTRY", 12, "B", lane.entries[0].wire),
        case(
            "ACK", 13, "A", varint(2) + BEN_ID + varint(0) + varint(100), channel=2, author_id=BEN_ID, epoch=0, next=100
        ),
        case("WATCH", 14, "D", varint(16), channel=16),
        case("WATCH", 14, "D", varint(79), channel=79),
        *[case("WATCH", 14, "D", varint(n), channel=n) for n in (6, 7)],
        case("UNWATCH", 15, "D", varint(16), channel=16),
        *[case("UNWATCH", 15, "D", varint(n), channel=n) for n in (6, 7)],
        case("WANT_KEYFRAME", 16, "A", varint(19), channel=19),
        case("PEER", 17, "A", BEN_ID + u8(1), author_id=BEN_ID, here=True),
        case("PEER", 17, "A", BEN_ID + u8(0), author_id=BEN_ID, here=False),
        case("SHARE", 18, "B", two, certs=[cast.SECOND_CERT, cast.OWN_CERT], wrap=wrap, sealed_kek=sealed_kek),
        case("SHARE", 18, "B", four, certs=chain_of_four, wrap=wrap, sealed_kek=sealed_kek),
        case("PROOF", 19, "B", run(0x0F, 360)),
        case("unknown", 20, "B", b"of a later version"),
        case("unknown", 100_000, "B", b""),
    ]
    hello = u8(1) + nonce + SESSION + INTERACT_SHARE.id
    refused = [
        ("type not in its shortest form", varint(6, 2) + varint(8) + bytes(8)),
        ("length not in its shortest form", varint(6) + varint(8, 4) + bytes(8)),
        ("body over 65,792 bytes", varint(20) + varint(65_793)),
        ("HELLO one byte short", p.frame(1, hello[:-1])),
        ("HELLO one byte more", p.frame(1, hello + b"\0")),
        ("WELCOME with status 6", p.frame(2, welcome + u8(6) + varint(0) + varint(0) + varint(0))),
        ("WELCOME with two shares", p.frame(2, welcome + u8(0) + varint(5) + varint(2) + varint(1))),
        ("WELCOME with two wraps", p.frame(2, welcome + u8(0) + varint(5) + varint(0) + varint(2))),
        ("WELCOME without a number of wraps", p.frame(2, welcome + u8(0) + varint(5) + varint(1))),
        ("READY one byte more", p.frame(4, u8(1) + varint(5) + b"\0")),
        ("CLOSE not in its shortest form", p.frame(5, varint(1, 2))),
        ("CLOSE empty", p.frame(5, b"")),
        ("PING of 7 bytes", p.frame(6, bytes(7))),
        ("PONG of 9 bytes", p.frame(7, bytes(9))),
        ("HAVE with flag 2", p.frame(11, varint(1) + u8(2))),
        ("HAVE with half a lane", p.frame(11, varint(1) + u8(1) + have[:-1])),
        ("HAVE of channel 8", p.frame(11, varint(8) + u8(1))),
        ("HAVE of a live channel", p.frame(11, varint(16) + u8(1))),
        ("ACK one byte more", p.frame(13, varint(2) + BEN_ID + varint(0) + varint(100) + b"\0")),
        ("WATCH of channel 80", p.frame(14, varint(80))),
        ("WATCH of a durable channel", p.frame(14, varint(2))),
        ("UNWATCH of a durable channel", p.frame(15, varint(1))),
        ("PEER with here 2", p.frame(17, BEN_ID + u8(2))),
        ("SHARE one byte short", p.frame(18, two[:-1])),
        ("SHARE one byte more", p.frame(18, two + b"\0")),
        ("SHARE of one certificate", p.frame(18, p.share_body([cast.OWN_CERT], wrap, sealed_kek))),
        ("SHARE of five certificates", p.frame(18, p.share_body([cast.OWN_CERT, *chain_of_four], wrap, sealed_kek))),
        ("SHARE with fewer certificates than it says", p.frame(18, u8(3) + two[1:])),
        ("SHARE with what is no certificate", p.frame(18, two[:1] + flipped(two[1:], 0))),
        ("PROOF one byte short", p.frame(19, run(0x0F, 359))),
        ("PROOF one byte more", p.frame(19, run(0x0F, 361))),
    ]
    return {"valid": cases, "refused": [{"why": why, "frame": raw} for why, raw in refused]}
