"""Automerge chunks of the few shapes that the vectors need, from the Automerge binary format specification."""

import hashlib
from dataclasses import dataclass

from protocol import u8

MAP, SET, LIST, TEXT = 0, 1, 2, 4
INT, STR, BYTES = 4, 6, 7

# The counter of an operation, and its author where that is not the change's own.
Id = int | tuple[int, bytes]


@dataclass(frozen=True)
class Op:
    """One operation without predecessors. An object or element that is None is root or head."""

    action: int
    key: str | None = None
    object: Id | None = None
    after: Id | None = None
    value: tuple[int, bytes] | None = None


def uleb(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def sleb(value: int) -> bytes:
    out = bytearray()
    while True:
        low, value = value & 0x7F, value >> 7
        done = value == (-1 if low & 0x40 else 0)
        out.append(low | (0 if done else 0x80))
        if done:
            return bytes(out)


def text(value: str) -> bytes:
    return uleb(len(value.encode())) + value.encode()


def runs(values: list) -> list[list]:
    """Groups equal neighbours."""
    groups: list[list] = []
    for value in values:
        if groups and groups[-1][0] == value:
            groups[-1].append(value)
        else:
            groups.append([value])
    return groups


def rle(values: list, encode) -> bytes:
    """Runs of two and more, nulls, and literal stretches of what is alone."""
    if all(value is None for value in values):
        return b""
    out, alone = b"", []

    def flush() -> bytes:
        literal = sleb(-len(alone)) + b"".join(map(encode, alone)) if alone else b""
        alone.clear()
        return literal

    for group in runs(values):
        if group[0] is None:
            out += flush() + sleb(0) + uleb(len(group))
        elif len(group) > 1:
            out += flush() + sleb(len(group)) + encode(group[0])
        else:
            alone.append(group[0])
    return out + flush()


def delta(values: list[int | None]) -> bytes:
    last, deltas = 0, []
    for value in values:
        deltas.append(None if value is None else value - last)
        last = last if value is None else value
    return rle(deltas, sleb)


def booleans(values: list[bool]) -> bytes:
    groups = runs(values)
    return b"".join(uleb(len(group)) for group in ([[]] if values[0] else []) + groups)


def change(actor: bytes, seq: int, start_op: int, deps: list[bytes], ops: list[Op]) -> tuple[bytes, bytes]:
    """Returns the chunk and its hash."""
    values = [op.value for op in ops]
    in_list = [op.key is None for op in ops]
    others = sorted({id[1] for op in ops for id in (op.object, op.after) if isinstance(id, tuple)})

    def counter(id: Id | None) -> int | None:
        return id[0] if isinstance(id, tuple) else id

    def of(id: Id | None) -> int | None:
        """The place of an author in the change's table: its own, then the others."""
        return None if id is None else 1 + others.index(id[1]) if isinstance(id, tuple) else 0

    columns = [
        (0x01, rle([of(op.object) for op in ops], uleb)),
        (0x02, rle([counter(op.object) for op in ops], uleb)),
        (0x11, rle([of(op.after) for op in ops], uleb)),
        (0x13, delta([(counter(op.after) or 0) if listed else None for op, listed in zip(ops, in_list)])),
        (0x15, rle([op.key for op in ops], text)),
        (0x34, booleans(in_list)),
        (0x42, rle([op.action for op in ops], uleb)),
        (0x56, rle([0 if value is None else len(value[1]) << 4 | value[0] for value in values], uleb)),
        (0x57, b"".join(value[1] for value in values if value)),
        (0x70, rle([0 for _ in ops], uleb)),
    ]
    names, data = packed(columns)
    time, message = sleb(0), text("")
    other_actors = uleb(len(others)) + b"".join(uleb(len(other)) + other for other in others)
    body = (
        uleb(len(deps))
        + b"".join(sorted(deps))
        + uleb(len(actor))
        + actor
        + uleb(seq)
        + uleb(start_op)
        + time
        + message
        + other_actors
        + names
        + data
    )
    return chunk(1, body)


def packed(columns: list[tuple[int, bytes]]) -> tuple[bytes, bytes]:
    """Returns the columns' names and lengths, and their data; empty ones are left out."""
    columns = [(spec, data) for spec, data in columns if data]
    names = b"".join(uleb(spec) + uleb(len(data)) for spec, data in columns)
    return uleb(len(columns)) + names, b"".join(data for _, data in columns)


def chunk(kind: int, body: bytes) -> tuple[bytes, bytes]:
    """Returns the chunk and its hash."""
    hashed = u8(kind) + uleb(len(body)) + body
    digest = hashlib.sha256(hashed).digest()
    return b"\x85\x6f\x4a\x83" + digest[:4] + hashed, digest


@dataclass(frozen=True)
class Parsed:
    """What PROTOCOL.md 12.1 keeps of a change."""

    deps: list[bytes]
    author: bytes
    others: list[bytes]
    columns: bytes


def parse(raw: bytes) -> Parsed:
    """Reads a change chunk that was made here: nothing is checked."""
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        at += count
        return raw[at - count : at]

    def number() -> int:
        low = take(1)[0]
        return low & 0x7F | (number() << 7 if low & 0x80 else 0)

    take(9)  # magic, checksum, type
    number()  # length
    deps = [take(32) for _ in range(number())]
    author = take(number())
    for _ in range(3):  # seq, first operation, time
        number()
    take(number())  # message
    others = [take(number()) for _ in range(number())]
    return Parsed(deps, author, others, raw[at:])


# PROTOCOL.md 12, 13

GENESIS_ACTOR = bytes(16)


def state_genesis() -> tuple[bytes, bytes]:
    roots = [("panes", MAP), ("notes", TEXT), ("app", MAP), ("drivers", MAP)]
    return change(GENESIS_ACTOR, 1, 1, [], [Op(action, key=key) for key, action in roots])


def chat_genesis() -> tuple[bytes, bytes]:
    return change(GENESIS_ACTOR, 1, 1, [], [Op(SET, key="v", value=(INT, sleb(1)))])


def presence(author: bytes, packed: bytes) -> bytes:
    return change(author, 1, 1, [], [Op(SET, key="p", value=(BYTES, packed))])[0]


def chat_lines(author: bytes, messages: list[bytes]) -> list[tuple[bytes, bytes]]:
    """One change per message, all on the author's first page, said by nobody but the author."""
    _, head = chat_genesis()
    page = 2
    ops = [Op(LIST, key=f"{author.hex()}/0"), Op(SET, object=page, value=(BYTES, messages[0]))]
    changes, next_op = [change(author, 1, page, [head], ops)], page + 2
    for message in messages[1:]:
        ops = [Op(SET, object=page, after=next_op - 1, value=(BYTES, message))]
        changes.append(change(author, len(changes) + 1, next_op, [changes[-1][1]], ops))
        next_op += 1
    return changes


def state_talk(ada: bytes, ben: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Two authors edit the state document at one time; returns author, chunk and hash of each change, in order."""
    _, root = state_genesis()
    notes, app = (2, GENESIS_ACTOR), (3, GENESIS_ACTOR)

    def letter(text: str, after: Id | None) -> Op:
        return Op(SET, object=notes, after=after, value=(STR, text.encode()))

    first = change(ada, 1, 5, [root], [letter("h", None), letter("ü", 5)])
    aside = change(ben, 1, 5, [root], [Op(SET, key="build", object=app, value=(STR, b'"ok"'))])
    both = change(ben, 2, 7, [first[1], aside[1]], [letter("!", (6, ada))])
    title = change(ada, 2, 7, [first[1]], [Op(SET, key="title", value=(STR, b"repair"))])
    return [(ada, *first), (ben, *aside), (ben, *both), (ada, *title)]
