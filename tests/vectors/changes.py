"""Automerge chunks of the few shapes that the vectors need, from the Automerge binary format specification."""

import hashlib
from dataclasses import dataclass

from protocol import u8

MAP, SET, LIST, TEXT = 0, 1, 2, 4
INT, BYTES = 4, 7


@dataclass(frozen=True)
class Op:
    """One operation without predecessors. Objects and elements are of the change's own author; None is root or head."""

    action: int
    key: str | None = None
    object: int | None = None
    after: int | None = None
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
    columns = [
        (0x01, rle([None if op.object is None else 0 for op in ops], uleb)),
        (0x02, rle([op.object for op in ops], uleb)),
        (0x11, rle([None if op.after is None else 0 for op in ops], uleb)),
        (0x13, delta([(op.after or 0) if listed else None for op, listed in zip(ops, in_list)])),
        (0x15, rle([op.key for op in ops], text)),
        (0x34, booleans(in_list)),
        (0x42, rle([op.action for op in ops], uleb)),
        (0x56, rle([0 if value is None else len(value[1]) << 4 | value[0] for value in values], uleb)),
        (0x57, b"".join(value[1] for value in values if value)),
        (0x70, rle([0 for _ in ops], uleb)),
    ]
    names, data = packed(columns)
    time, message, other_actors = sleb(0), text(""), uleb(0)
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


def chat_document(author: bytes, messages: list[bytes]) -> bytes:
    """All of `chat_lines` in one document chunk."""
    lines = chat_lines(author, messages)
    # The author's page sorts before `v`; its messages come after all of the root.
    page, count = (2, 1), len(messages)
    rows = [{"key": f"{author.hex()}/0", "id": page, "action": LIST}]
    rows.append({"key": "v", "id": (1, 0), "action": SET, "value": (INT, sleb(1))})
    for n, message in enumerate(messages):
        row = {"object": page, "id": (3 + n, 1), "action": SET, "value": (BYTES, message)}
        rows.append(row | {"after": (2 + n, 1) if n else None})
    values = [row.get("value") for row in rows]
    listed = ["key" not in row for row in rows]

    def of(row: dict, name: str, part: int) -> int | None:
        return row[name][part] if row.get(name) else None

    after = [of(row, "after", 0) or 0 if in_list else None for row, in_list in zip(rows, listed)]
    operations = [
        (0x01, rle([of(row, "object", 1) for row in rows], uleb)),
        (0x02, rle([of(row, "object", 0) for row in rows], uleb)),
        (0x11, rle([of(row, "after", 1) for row in rows], uleb)),
        (0x13, delta(after)),
        (0x15, rle([row.get("key") for row in rows], text)),
        (0x21, rle([row["id"][1] for row in rows], uleb)),
        (0x23, delta([row["id"][0] for row in rows])),
        (0x34, booleans(listed)),
        (0x42, rle([row["action"] for row in rows], uleb)),
        (0x56, rle([0 if value is None else len(value[1]) << 4 | value[0] for value in values], uleb)),
        (0x57, b"".join(value[1] for value in values if value)),
        (0x80, rle([0 for _ in rows], uleb)),
    ]
    all_changes = range(count + 1)
    history = [
        (0x01, rle([0] + [1] * count, uleb)),
        (0x03, delta([1, *range(1, count + 1)])),
        (0x13, delta([1, *range(3, 3 + count)])),
        (0x23, delta([0 for _ in all_changes])),
        (0x40, rle([0] + [1] * count, uleb)),
        (0x43, delta(list(range(count)))),
        (0x56, rle([BYTES for _ in all_changes], uleb)),
    ]
    history_names, history_data = packed(history)
    operation_names, operation_data = packed(operations)
    actors = b"".join(uleb(len(actor)) + actor for actor in sorted([GENESIS_ACTOR, author]))
    body = uleb(2) + actors + uleb(1) + lines[-1][1] + history_names + operation_names
    return chunk(0, body + history_data + operation_data + uleb(count))[0]
