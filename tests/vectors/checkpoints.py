"""Vectors of section 12.1: checkpoints, the segments that carry them and the record that vouches for them."""

from dataclasses import dataclass, replace

import changes
import protocol as p
from cast import (
    ADA,
    ADA_CERT,
    ADA_ID,
    BEN_CERT,
    BEN_ID,
    CLEO_CERT,
    CLEO_ID,
    INTERACT_CERT,
    OWN_CERT,
    SECOND_CERT,
    START,
)
from protocol import u8, varint
from traffic import Lane

EPOCH = 1
TEXTS = ["hello", "schön, 日本, 🦀", "x" * 400]
PEOPLE = [
    (ADA_CERT, [OWN_CERT], "Ada"),
    (BEN_CERT, [INTERACT_CERT], "Ben, in 64 bytes: " + "ü" * 23),
    (CLEO_CERT, [SECOND_CERT, OWN_CERT], ""),
]


@dataclass(frozen=True)
class Talk:
    """A document's changes in the order in which they came, and the hash of its genesis change."""

    kind: str
    channel: int
    genesis: bytes
    said: list[tuple[bytes, bytes, bytes]]

    def heads(self) -> list[bytes]:
        built_on = {dep for _, chunk, _ in self.said for dep in changes.parse(chunk).deps}
        return [digest for _, _, digest in self.said if digest not in built_on]

    def parts(self) -> tuple[list[bytes], list[p.Head], list[bytes]]:
        """Authors by their first change, which is one order of many; the changes as they came."""
        authors = list(dict.fromkeys(author for author, _, _ in self.said))
        number = {changes.GENESIS_ACTOR: 0} | {author: 1 + at for at, author in enumerate(authors)}
        places = {self.genesis: 0} | {digest: 1 + at for at, (_, _, digest) in enumerate(self.said)}
        heads, columns = [], []
        for place, (author, chunk, _) in enumerate(self.said, 1):
            parsed = changes.parse(chunk)
            deps = [place - places[dep] for dep in parsed.deps]
            others = [number[other] for other in parsed.others]
            heads.append(p.Head(number[author], deps, others, len(parsed.columns)))
            columns.append(parsed.columns)
        return authors, heads, columns

    def packed(self) -> bytes:
        return p.packed_changes(*self.parts())


def chat_talk() -> Talk:
    of_ben, of_ada = (
        [(author, *line) for line in changes.chat_lines(author, [p.chat_message(1, START + n, t) for n, t in said])]
        for author, said in [(BEN_ID, enumerate(TEXTS)), (ADA_ID, [(1, "and hello")])]
    )
    return Talk("chat", p.CHAT, changes.chat_genesis()[1], [of_ben[0], *of_ada, *of_ben[1:]])


def state_talk() -> Talk:
    return Talk("state", p.STATE, changes.state_genesis()[1], changes.state_talk(ADA_ID, BEN_ID))


def checkpoints() -> dict:
    chat, state = chat_talk(), state_talk()
    hashes = [digest for _, _, digest in chat.said]
    return {
        "documents": [dump(talk) for talk in (chat, state)],
        "refused": refused(chat, state),
        "named": named(),
        "digests": [
            {"heads": heads, "digest": p.document_heads(heads)}
            for heads in ([chat.genesis], hashes[:1], hashes[:2], hashes[1::-1])
        ],
        "sizes": [
            {"plaintext": size, "segments": [len(part) for part in p.segments(bytes(size))]}
            for size in (1, 59_999, 60_000, 60_001, 120_000, 150_000)
        ],
    }


def dump(talk: Talk) -> dict:
    packed, heads = talk.packed(), p.document_heads(talk.heads())
    lane = Lane("checkpoint", ADA, ADA_CERT, talk.channel + 5, EPOCH)
    members = p.named_members([(cert, chain, name) for cert, chain, name in PEOPLE if cert != CLEO_CERT])
    for segment in p.segments(members + p.checkpoint(packed)):
        lane.add_durable(segment)
    body = p.checkpoint_body(talk.channel, EPOCH, len(lane.entries), lane.entries[-1].digest, heads)
    return {
        "kind": talk.kind,
        "changes": [
            {"author_id": author, "payload": chunk, "hash": digest} for author, chunk, digest in talk.said
        ],
        "heads": talk.heads(),
        "heads_digest": heads,
        "packed": packed,
        # Deflate has many ways to say one thing, and so has the order of authors: to be read, not repeated.
        "plaintexts": [
            {"name": "well deflated", "plaintext": p.checkpoint(packed, 9)},
            {"name": "not deflated, only stored", "plaintext": p.checkpoint(packed, 0)},
            {"name": "authors in another order", "plaintext": p.checkpoint(other_order(talk))},
        ],
        "members": members,
        "record": {"channel": talk.channel, "epoch": EPOCH, "segments": len(lane.entries), "body": body},
        "lane": lane.dump(),
    }


def named() -> dict:
    """Who wrote what, as a checkpoint says it."""
    ada, ben, cleo = PEOPLE
    good = p.named_members(PEOPLE)
    one = p.named_members([ada])
    at = 1 + 217 + 1 + 196
    cases = [
        ("nothing", b""),
        ("cut", good[:-1]),
        ("a place that is not in the list", one[:at] + u8(1) + varint(1) + one[at + 2 :]),
        ("without a share", one[:at] + u8(0) + one[at + 2 :]),
        ("with five shares", one[:at] + u8(5) + varint(0) * 5 + one[at + 2 :]),
        ("a place not in its shortest form", one[:at] + u8(1) + varint(0, 2) + one[at + 2 :]),
        ("a name of 65 bytes", one[: at + 2] + u8(65) + b"x" * 65),
        ("a name that is no UTF-8", one[: at + 2] + u8(1) + b"\xff"),
        ("a share certificate of version 2", varint(1) + u8(2) + one[2:]),
        ("a member certificate of version 2", one[: at - 196] + u8(2) + one[at - 195 :]),
    ]
    return {
        "valid": [
            {
                "members": [
                    {"chain": p.member_body(cert, chain), "author_id": p.author_id(cert), "name": name}
                    for cert, chain, name in some
                ],
                "bytes": p.named_members(some),
            }
            for some in ([], [ada], [ben, ada], [cleo, ada, ben])
        ],
        "refused": [{"why": why, "bytes": raw} for why, raw in cases],
    }


def other_order(talk: Talk) -> bytes:
    """Two authors, named the other way round."""
    authors, heads, columns = talk.parts()
    turned = [
        replace(head, author=3 - head.author, others=[3 - other if other else 0 for other in head.others])
        for head in heads
    ]
    return p.packed_changes(authors[::-1], turned, columns)


def refused(chat: Talk, state: Talk) -> list[dict]:
    packed = chat.packed()
    deflated, good, digest = p.raw_deflate(packed), p.checkpoint(packed), p.document_heads(chat.heads())
    cases = [
        ("nothing", b""),
        ("version 2", u8(2) + good[1:]),
        ("length not in its shortest form", u8(1) + varint(len(packed), 4) + deflated),
        ("length one too low", u8(1) + varint(len(packed) - 1) + deflated),
        ("length one too high", u8(1) + varint(len(packed) + 1) + deflated),
        ("length over the limit", u8(1) + varint((64 << 20) + 1) + deflated),
        ("deflate cut", good[:-1]),
        ("a byte behind the deflated", good + b"\0"),
        ("deflate that is none", u8(1) + varint(len(packed)) + b"\xff" * 40),
        ("length alone", u8(1) + varint(len(packed))),
        ("half of it", p.checkpoint(packed[: len(packed) // 2])),
        ("a byte behind the last column", p.checkpoint(packed + b"\0")),
        ("a byte of a column changed", p.checkpoint(packed[:-1] + bytes([packed[-1] ^ 1]))),
        ("of another document", p.checkpoint(state.packed())),
    ]
    cases = [("chat", why, plaintext, digest) for why, plaintext in cases]
    cases += [("chat", "of other heads", good, p.document_heads([chat.genesis]))]
    cases += [("chat", why, p.checkpoint(raw), digest) for why, raw in misnumbered(chat)]
    of_state = p.document_heads(state.heads())
    cases += [("state", why, p.checkpoint(raw), of_state) for why, raw in misnumbered_others(state)]
    cases += [("chat", why, p.checkpoint(talk.packed()), p.document_heads(talk.heads())) for why, talk in unfit(chat)]
    return [{"kind": kind, "why": why, "plaintext": raw, "heads": heads} for kind, why, raw, heads in cases]


def misnumbered(talk: Talk) -> list[tuple[str, bytes]]:
    authors, heads, columns = talk.parts()
    first, last = heads[0], heads[-1]

    def but_first(head: p.Head) -> bytes:
        return p.packed_changes(authors, [head, *heads[1:]], columns)

    def but_last(head: p.Head) -> bytes:
        return p.packed_changes(authors, [*heads[:-1], head], columns)

    early, late = [varint(count) for count in (len(heads) - 1, len(heads) + 1)]
    count_at = 1 + 16 * len(authors)
    twice = p.packed_changes([*authors, BEN_ID], [*heads[:-1], replace(last, author=3)], columns)
    packed = talk.packed()
    return [
        ("an author beyond the list", but_last(replace(last, author=3))),
        ("a change of the genesis author", but_last(replace(last, author=0))),
        ("a change of another author", but_last(replace(last, author=2))),
        ("one that builds on itself", but_last(replace(last, deps=[0]))),
        ("one that builds on another than it did", but_last(replace(last, deps=[3]))),
        ("one that builds on what comes before the genesis", but_first(replace(first, deps=[2]))),
        ("one that builds on nothing", but_first(replace(first, deps=[]))),
        ("one that builds on the same twice", but_last(replace(last, deps=last.deps * 2))),
        ("another actor that its columns do not name", but_last(replace(last, others=[0]))),
        ("columns one byte short", but_last(replace(last, length=last.length - 1))),
        ("columns one byte long", but_last(replace(last, length=last.length + 1))),
        ("changes out of order", p.packed_changes(authors, heads[::-1], columns[::-1])),
        ("one change less than there are", packed[:count_at] + early + packed[count_at + 1 :]),
        ("one change more than there are", packed[:count_at] + late + packed[count_at + 1 :]),
        ("an author without its changes", p.packed_changes([*authors, CLEO_ID], heads, columns[:-1])),
        ("an author named twice", twice),
        ("nobody and nothing", p.packed_changes([], [], [])),
    ]


def misnumbered_others(talk: Talk) -> list[tuple[str, bytes]]:
    authors, heads, columns = talk.parts()
    both = heads[2]

    def but_both(head: p.Head) -> bytes:
        return p.packed_changes(authors, [*heads[:2], head, heads[3]], columns)

    return [
        ("others in another order", but_both(replace(both, others=both.others[::-1]))),
        ("one other left out", but_both(replace(both, others=both.others[:1]))),
        ("an other beyond the list", but_both(replace(both, others=[0, 3]))),
        ("itself among the others", but_both(replace(both, others=[0, 2]))),
    ]


def unfit(talk: Talk) -> list[tuple[str, Talk]]:
    """Checkpoints in order of changes that nobody would have taken one by one."""
    bad = [(BEN_ID, *line) for line in changes.chat_lines(BEN_ID, [b"\2"])]
    foreign = [(CLEO_ID, *changes.change(CLEO_ID, 1, 2, [talk.genesis], [changes.Op(changes.SET, key="v")]))]
    return [
        ("a chat line that the gate refuses", replace(talk, said=bad)),
        ("something else than chat", replace(talk, said=foreign)),
    ]
