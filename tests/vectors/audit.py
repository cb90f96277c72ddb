"""Vectors of section 19: the audit file and the host's journal."""

from dataclasses import replace
from os.path import commonprefix

import cast
import changes
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
    CLEO_BODY,
    CLEO_CERT,
    CLEO_ID,
    HOUR,
    INTERACT,
    INTERACT_CERT,
    INTERACT_SHARE,
    OTHER_ROOT,
    OWN_CERT,
    PORCH_CERT,
    ROOT,
    SECOND_SHARE,
    SESSION,
    START,
    VIEW_SHARE,
    run,
)
from identity import flipped
from log import CHECKPOINT, CLOSE, CUT, EPOCH, GENESIS, HOST, SHARE, Log, commit
from protocol import AuditFile, Entry, u8, u16, u32, u64, varint
from traffic import Lane

MADE = START + HOUR
TEXTS = ["make it so", "schön 🦀"]


class Journal:
    """Writes records one after the other."""

    def __init__(self, member=ADA, host: bytes = ADA_ID) -> None:
        self.signer, self.host = member.signer, host
        self.notes: list[dict] = []
        self.records: list[bytes] = []
        self.prev = p.ZERO32

    def make(self, kind: int, body: bytes, signer=None, session: bytes = SESSION, **other) -> tuple[bytes, bytes]:
        fields = {"seq": len(self.records), "prev": self.prev, "host": self.host, **other}
        time = fields.pop("time", self.time())
        return p.journal_record(signer or self.signer, session, kind, time=time, body=body, **fields)

    def time(self) -> int:
        return START + 60_000 * (1 + len(self.records))

    def add(self, kind: int, body: bytes = b"", **told) -> None:
        record, digest = self.make(kind, body)
        self.notes.append({"type": kind, "time": self.time(), "digest": digest, **told})
        self.records.append(record)
        self.prev = digest

    def with_next(self, kind: int, body: bytes = b"", **other) -> list[bytes]:
        return [*self.records, self.make(kind, body, **other)[0]]


def typed(member, author: bytes, seq: int, **other) -> Entry:
    """An entry that typed; of what it says, the file keeps a hash."""
    place = {"kind": 3, "channel": p.TO_HOST, "author": author, "seq": seq}
    fields = place | {"plaintext": p.up_input(1, b"ls\r")} | other
    return p.seal_entry(fields.pop("session", SESSION), run(9, 32), member.signer, **fields)


def joined(
    author: bytes = BEN_ID, share: bytes = INTERACT_SHARE.id, rights: int = INTERACT, name: bytes = b"Ben"
) -> bytes:
    return author + share + u8(rights) + name


def driven(
    pane: int = 1, first: int = 500_000, last: int = 500_004, seq: int = 2, receipt: bytes | None = None
) -> bytes:
    receipt = typed(BEN, BEN_ID, 4).proven if receipt is None else receipt
    return p.drove(pane, START + first, START + last, 12, seq, receipt)


def commanded(command: int, about: bytes = b"", author: bytes = ADA_ID) -> bytes:
    return author + u8(command) + about


def short_journal() -> Journal:
    journal = Journal()
    journal.add(p.JOINED, joined(), author_id=BEN_ID, name="Ben")
    return journal


def journal() -> Journal:
    journal = short_journal()
    zoe = joined(CLEO_ID, SECOND_SHARE.id, INTERACT, "Zoë 🦀".encode())
    journal.add(p.JOINED, zoe, author_id=CLEO_ID, name="Zoë 🦀")
    journal.add(p.KNOCKED, CLEO_ID, author_id=CLEO_ID)
    journal.add(p.TURNED_AWAY, CLEO_ID, author_id=CLEO_ID)
    for policy, lapse in ((1, 60_000), (2, 0), (0, 0)):
        journal.add(p.POLICY, u16(63) + u8(policy) + u64(lapse), pane=63, policy=policy, lapse=lapse)
    journal.add(p.DRIVER, u16(1) + BEN_ID, pane=1, author_id=BEN_ID)
    first, last = START + 500_000, START + 500_004
    told = {"first": first, "last": last, "bytes": 12, "first_seq": 2, "last_seq": 4}
    journal.add(p.DROVE, driven(), pane=1, author_id=BEN_ID, **told)
    journal.add(p.DRIVER, u16(1), pane=1)
    # One entry that typed stands here alone: its first is its last.
    alone = driven(0, 610_000, 610_000, 9, typed(BEN, BEN_ID, 9).proven)
    told = {"first": START + 610_000, "last": START + 610_000, "bytes": 12, "first_seq": 9, "last_seq": 9}
    journal.add(p.DROVE, alone, pane=0, author_id=BEN_ID, **told)
    journal.add(p.LEFT, BEN_ID, author_id=BEN_ID)
    for command, share in ((1, SECOND_SHARE.id), (2, INTERACT_SHARE.id)):
        journal.add(p.COMMANDED, commanded(command, share), author_id=ADA_ID, command=command, share_id=share)
    for command, other in ((3, BEN_ID), (4, CLEO_ID), (5, CLEO_ID)):
        journal.add(p.COMMANDED, commanded(command, other), author_id=ADA_ID, command=command, other_id=other)
    journal.add(p.COMMANDED, commanded(6), author_id=ADA_ID, command=6)
    journal.add(p.FULL)
    return journal


def lane(name: str, member, cert: bytes, channel: int, epoch: int, payloads: list[bytes]) -> Lane:
    made = Lane(name, member, cert, channel, epoch)
    for payload in payloads:
        made.add_durable(payload)
    return made


def encode(made: Lane, key: bytes | None) -> bytes:
    entries = [entry.wire for entry in made.entries]
    return p.audit_lane(made.channel, made.author, made.epoch, [key] if key else [], entries)


def chat_of(author: bytes, texts: list[str]) -> list[bytes]:
    messages = [p.chat_message(1, START + 1000 * n, text) for n, text in enumerate(texts)]
    return [chunk for chunk, _ in changes.chat_lines(author, messages)]


def lanes() -> list[Lane]:
    first = changes.state_talk(ADA_ID, BEN_ID)[0]
    return [
        lane("state", ADA, ADA_CERT, p.STATE, 0, [first[1]]),
        lane("chat", BEN, BEN_CERT, p.CHAT, 0, chat_of(BEN_ID, TEXTS)),
        lane("chat of somebody whose key is not in the file", CLEO, CLEO_CERT, p.CHAT, 0, chat_of(CLEO_ID, ["hush"])),
        lane("segments", ADA, ADA_CERT, p.CHAT_CHECKPOINT, 1, [b"one segment", b"and another"]),
    ]


def records(chat: Lane, cut_digest: bytes | None = None) -> list[bytes]:
    """A log in which Ben's share is closed, and his chat cut behind what he said; Cleo's lacks one entry here."""
    log = Log()
    log.add("genesis", GENESIS, ROOT.public)
    log.add("own share", SHARE, OWN_CERT)
    log.add("interact share", SHARE, INTERACT_CERT)
    log.add("epoch 0", EPOCH, u32(0) + commit(0))
    log.add("host", HOST, ADA_CERT)
    cuts = [
        p.cut(p.STATE, ADA_ID, 0, 1, lanes()[0].entries[-1].digest),
        p.cut(p.CHAT, BEN_ID, 0, len(chat.entries), cut_digest or chat.entries[-1].digest),
        p.cut(p.CHAT, CLEO_ID, 0, 2, run(0x44, 32)),
    ]
    log.add("cuts", CUT, b"".join(sorted(cuts, key=lambda cut: (cut[0], cut[2:18]))))
    log.add("close", CLOSE, INTERACT_SHARE.id)
    log.add("epoch 1", EPOCH, u32(1) + commit(1))
    log.add("checkpoint", CHECKPOINT, p.checkpoint_body(p.CHAT, 1, 2, lanes()[3].entries[-1].digest, run(0x45, 32)))
    return [record["bytes"] for record in log.records]


def in_order(members: list[bytes]) -> list[bytes]:
    return sorted(members, key=lambda body: p.author_id(body[:196]))


def sealed(some: list[Lane]) -> list[bytes]:
    """Lanes in the order of a file, all but Cleo's with their keys."""
    ordered = sorted(some, key=lambda made: (made.channel, made.author, made.epoch))
    return [encode(made, None if made.author == CLEO_ID else made.key) for made in ordered]


def audit() -> dict:
    held, noted = lanes(), journal()
    members = in_order([ADA_BODY, BEN_BODY, CLEO_BODY])
    whole = AuditFile(SESSION, MADE, records(held[1]), members, noted.records, sealed(held), ADA_ID)
    of_ben = replace(whole, journal=[], lanes=[], writer=BEN_ID)
    unreadable = replace(whole, lanes=[encode(held[1], run(3, 32))])
    control = short_journal().with_next(p.JOINED, joined(name="two\nlines\u202e".encode()))
    short = replace(whole, log=whole.log[:1], members=[], journal=[], lanes=[])
    return {
        "session_id": SESSION,
        "made": MADE,
        "log_records": len(whole.log),
        "members": [p.author_id(body[:196]) for body in members],
        "journal": noted.notes,
        "texts": TEXTS,
        "lanes": [
            {"channel": made.channel, "author_id": made.author, "epoch": made.epoch, "entries": len(made.entries)}
            for made in held
        ],
        "whole": whole.signed(ADA.signer),
        "by_a_guest": of_ben.signed(BEN.signer),
        "with_a_key_that_opens_nothing": unreadable.signed(ADA.signer),
        # How a name is made fit to be shown is not the file's business.
        "with_a_name_that_cannot_be_shown": replace(whole, journal=control, lanes=[]).signed(ADA.signer),
        # Each begins with so many bytes of `whole`, and goes on with `rest`.
        "refused": [
            {"why": why, **behind(whole.signed(ADA.signer), raw)}
            for why, raw in refused_files(whole, short) + refused_journals(whole) + refused_lanes(whole, held)
        ],
    }


def behind(whole: bytes, other: bytes) -> dict:
    same = len(commonprefix([whole, other]))
    return {"same": same, "rest": other[same:]}


def dump(cases: list[tuple[str, AuditFile]]) -> list[tuple[str, bytes]]:
    return [(why, file.signed(ADA.signer)) for why, file in cases]


def refused_files(whole: AuditFile, short: AuditFile) -> list[tuple[str, bytes]]:
    good, unsigned = whole.signed(ADA.signer), whole.unsigned()
    slim = replace(whole, journal=[], lanes=[])
    ada, ben, cleo = ADA_BODY, BEN_BODY, CLEO_BODY
    cases = [
        ("nothing", b""),
        ("another magic", p.audit_signed(b"CAHOOTSB" + unsigned[8:], ADA.signer)),
        ("version 2", p.audit_signed(unsigned[:8] + u8(2) + unsigned[9:], ADA.signer)),
        ("one byte short", good[:-1]),
        ("one byte more", good + b"\0"),
        ("one byte more before the signature", p.audit_signed(unsigned + b"\0", ADA.signer)),
        ("flipped bit in the signature", flipped(good, len(good) - 1)),
        ("another time", flipped(good, 25)),
        ("signed by another member", whole.signed(BEN.signer)),
        ("signed over all of it instead of its hash", unsigned + ADA.signer.sign(p.H("audit file", unsigned))),
        ("count not in its shortest form", p.audit_signed(unsigned[:33] + b"\x40" + unsigned[33:], ADA.signer)),
    ]
    files = [
        ("of another session", replace(slim, session_id=OTHER_ROOT.session_id)),
        ("without a log", replace(slim, log=[])),
        ("without its genesis", replace(slim, log=slim.log[1:])),
        ("a record of the log left out", replace(slim, log=slim.log[:5] + slim.log[6:])),
        ("a record of the log changed", replace(slim, log=[*slim.log[:-1], flipped(slim.log[-1], 70)])),
        ("members not ascending", replace(slim, members=slim.members[::-1])),
        ("a member twice", replace(slim, members=in_order([ada, ada, ben]))),
        ("a member whose share the log does not record", replace(slim, members=in_order([ada, cast.FAY_BODY]))),
        ("a member whose chain does not hold", replace(slim, members=in_order([ada, flipped(ben, 100)]))),
        ("a member with a byte behind it", replace(slim, members=in_order([ada, ben + b"\0"]))),
        ("written by nobody in it", replace(slim, members=in_order([ben, cleo]))),
        ("no members at all", short),
    ]
    assert PORCH_CERT not in slim.log
    return cases + dump(files)


def refused_journals(whole: AuditFile) -> list[tuple[str, bytes]]:
    base = replace(whole, lanes=[])
    start, full = short_journal(), journal()
    of_ben = Journal(BEN, BEN_ID)
    of_ben.add(p.KNOCKED, BEN_ID)
    by_two = start.with_next(p.LEFT, BEN_ID, signer=BEN.signer, host=BEN_ID)
    twice = short_journal()
    twice.add(p.DROVE, driven())
    view = p.member_cert(SESSION, INTERACT_SHARE, BEN, 7, START, START + HOUR)
    looker = p.author_id(view)
    looks_on = replace(base, members=in_order([*base.members, p.member_body(view, [INTERACT_CERT])]))
    first = start.records[0]
    records = [
        ("journal from seq 1", [start.make(p.LEFT, BEN_ID)[0]]),
        ("journal record left out", [full.records[0], *full.records[2:]]),
        ("journal record again", [first, first]),
        ("journal record of another place", start.with_next(p.LEFT, BEN_ID, seq=2)),
        ("journal record with another prev", start.with_next(p.LEFT, BEN_ID, prev=run(1, 32))),
        ("journal that begins with a prev", [Journal().make(p.LEFT, BEN_ID, prev=run(1, 32))[0]]),
        ("journal record of version 2", start.with_next(p.LEFT, BEN_ID, version=2)),
        ("journal record signed by another", start.with_next(p.LEFT, BEN_ID, signer=BEN.signer)),
        ("journal record of another session", start.with_next(p.LEFT, BEN_ID, session=OTHER_ROOT.session_id)),
        ("journal record changed", [flipped(first, 60)]),
        ("journal record one byte short", [first[:-1]]),
        ("journal record one byte more", [first + b"\0"]),
        ("journal of who was never the host", of_ben.records),
        ("journal of two hosts", by_two),
        ("journal that goes on behind its end", full.with_next(p.LEFT, BEN_ID)),
        ("journal record of an unknown type", start.with_next(10, b"")),
        ("joined without rights", start.with_next(p.JOINED, (BEN_ID + INTERACT_SHARE.id))),
        ("joined with other rights", start.with_next(p.JOINED, joined(rights=7))),
        ("joined by another share", start.with_next(p.JOINED, joined(share=VIEW_SHARE.id))),
        ("joined, nobody of the file", start.with_next(p.JOINED, joined(author=cast.DAN_ID))),
        ("joined with a name that is no UTF-8", start.with_next(p.JOINED, joined(name=b"\xff"))),
        ("joined with a name of 65 bytes", start.with_next(p.JOINED, joined(name=b"x" * 65))),
        ("left one byte short", start.with_next(p.LEFT, BEN_ID[:-1])),
        ("left one byte more", start.with_next(p.LEFT, BEN_ID + b"\0")),
        ("left, nobody of the file", start.with_next(p.LEFT, cast.DAN_ID)),
        ("knocked, nobody of the file", start.with_next(p.KNOCKED, cast.DAN_ID)),
        ("driver, nobody of the file", start.with_next(p.DRIVER, u16(1) + cast.DAN_ID)),
        ("policy 3", start.with_next(p.POLICY, u16(1) + u8(3) + u64(0))),
        ("policy for all with a lapse", start.with_next(p.POLICY, u16(1) + u8(0) + u64(1))),
        ("policy of lines with a lapse", start.with_next(p.POLICY, u16(1) + u8(2) + u64(1))),
        ("policy of pane 64", start.with_next(p.POLICY, u16(64) + u8(0) + u64(0))),
        ("driver of pane 64", start.with_next(p.DRIVER, u16(64))),
        ("driver with half an author", start.with_next(p.DRIVER, u16(1) + BEN_ID[:8])),
        ("full with a body", start.with_next(p.FULL, b"\0")),
        ("commanded by a member who may not", start.with_next(p.COMMANDED, commanded(6, author=BEN_ID))),
        ("commanded by nobody of the file", start.with_next(p.COMMANDED, commanded(6, author=cast.DAN_ID))),
        ("commanded against nobody of the file", start.with_next(p.COMMANDED, commanded(3, cast.DAN_ID))),
        ("commanded to show the desk", start.with_next(p.COMMANDED, commanded(0))),
        ("commanded 7", start.with_next(p.COMMANDED, commanded(7, u16(1) + u8(0)))),
        ("commanded one byte short", start.with_next(p.COMMANDED, commanded(2, SECOND_SHARE.id[:-1]))),
        ("commanded one byte more", start.with_next(p.COMMANDED, commanded(2, SECOND_SHARE.id + b"\0"))),
        ("commanded to revoke all, with an id", start.with_next(p.COMMANDED, commanded(6, SECOND_SHARE.id))),
        ("drove pane 64", start.with_next(p.DROVE, driven(64))),
        ("drove, last before first", start.with_next(p.DROVE, driven(first=9, last=5))),
        ("drove, first seq above its last", start.with_next(p.DROVE, driven(seq=5))),
        ("drove, one byte short", start.with_next(p.DROVE, driven()[:-1])),
        ("drove, one byte more", start.with_next(p.DROVE, driven() + b"\0")),
        ("drove, one receipt twice", twice.with_next(p.DROVE, driven(2))),
    ]
    records += [(f"receipt {why}", start.with_next(p.DROVE, driven(receipt=raw))) for why, raw in receipts()]
    cases = [(why, replace(base, journal=some)) for why, some in records]
    of_looker = start.with_next(p.DROVE, driven(receipt=typed(BEN, looker, 4).proven))
    return dump([*cases, ("receipt of a member who may not type", replace(looks_on, journal=of_looker))])


def receipts() -> list[tuple[str, bytes]]:
    good = typed(BEN, BEN_ID, 4).proven
    others = [
        ("signed by another", typed(CLEO, BEN_ID, 4)),
        ("of a request", typed(BEN, BEN_ID, 4, kind=2)),
        ("of epoch 1", typed(BEN, BEN_ID, 4, epoch=1)),
        ("of another channel", typed(BEN, BEN_ID, 4, channel=p.FROM_HOST)),
        ("with a prev", typed(BEN, BEN_ID, 4, prev=run(1, 32))),
        ("of another session", typed(BEN, BEN_ID, 4, session=OTHER_ROOT.session_id)),
        ("of nobody in the file", typed(cast.DAN, cast.DAN_ID, 4)),
    ]
    return [(why, entry.proven) for why, entry in others] + [
        ("whose header begins with another byte", b"\xc0" + good[1:]),
        ("with a flipped bit in the hash", flipped(good, 100)),
        ("with a flipped bit in the signature", flipped(good, 179)),
    ]


def refused_lanes(whole: AuditFile, held: list[Lane]) -> list[tuple[str, bytes]]:
    base = replace(whole, journal=[])
    state, chat, hush, segments = held
    entries = [entry.wire for entry in chat.entries]

    def ben(channel: int = p.CHAT, epoch: int = 0, some: list[bytes] = entries, author: bytes = BEN_ID) -> list[bytes]:
        return [p.audit_lane(channel, author, epoch, [], some)]

    behind = chat.make(1, p.pad_durable(b"behind the cut")).wire
    other = lane("", BEN, BEN_CERT, p.CHAT, 0, chat_of(BEN_ID, ["something", "else"]))
    by_ben = lane("", BEN, BEN_CERT, p.CHAT_CHECKPOINT, 1, [b"a segment"])
    later = lane("", BEN, BEN_CERT, p.CHAT, 1, [b"\2"])
    third = lane("", CLEO, CLEO_CERT, p.CHAT, 2, [b"\2"])
    more = lane("", ADA, ADA_CERT, p.CHAT_CHECKPOINT, 0, [b"\2"])
    uncut = lane("", BEN, BEN_CERT, p.STATE, 0, [b"\2"])
    presence = lane("", BEN, BEN_CERT, p.PRESENCE, 0, [b"\2"])
    good = ben()[0]
    view = p.member_cert(SESSION, INTERACT_SHARE, BEN, 3, START, START + HOUR)
    looker = p.author_id(view)
    mute = lane("", BEN, view, p.CHAT, 0, [b"\2"])
    looks_on = replace(base, members=in_order([*base.members, p.member_body(view, [INTERACT_CERT])]))
    cases = [
        ("lanes not ascending", [encode(segments, None), encode(state, None)]),
        ("one lane twice", [good, good]),
        ("lane of presence", [encode(presence, None)]),
        ("lane of a channel that does not exist", ben(channel=8)),
        ("lane without entries", ben(some=[])),
        ("lane with two keys", [good[:18] + u8(2) + bytes(64) + good[19:]]),
        ("lane from seq 1", ben(some=entries[1:])),
        ("lane with an entry twice", ben(some=[entries[0], entries[0]])),
        ("lane with an entry of another author", ben(author=CLEO_ID)),
        ("lane with an entry of another channel", ben(channel=p.STATE)),
        ("lane with a forged entry", ben(some=[entries[0], flipped(entries[1], len(entries[1]) - 1)])),
        ("lane with an entry that was changed", ben(some=[entries[0], flipped(entries[1], 60)])),
        ("lane with bytes that are no entry", ben(some=[entries[0], b"\1"])),
        ("lane of nobody in the file", [encode(lane("", cast.DAN, cast.DAN_CERT, p.CHAT, 0, [b"\2"]), None)]),
        ("lane of an epoch that never began", [encode(third, None)]),
        ("lane that goes on behind its cut", ben(some=[*entries, behind])),
        ("lane that is another than was cut", [encode(other, None)]),
        ("lane behind the close of its share", [encode(later, None)]),
        ("lane that was never cut, of one who was cut off", [encode(uncut, None)]),
        ("segments of a member who is not the host", [encode(by_ben, None)]),
        ("segments without a checkpoint, of an epoch that is over", [encode(more, None)]),
    ]
    refused = [(why, replace(base, lanes=some)) for why, some in cases]
    assert looker != BEN_ID and varint(p.CHAT) == good[:1] and hush.author == CLEO_ID
    return dump([*refused, ("lane of a member who may not write there", replace(looks_on, lanes=[encode(mute, None)]))])
