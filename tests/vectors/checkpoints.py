"""Vectors of section 12.1: checkpoints, the segments that carry them and the record that vouches for them."""

import changes
import protocol as p
from cast import ADA, ADA_CERT, ADA_ID, BEN_ID, START
from protocol import varint
from traffic import Lane

EPOCH = 1


def checkpoint() -> dict:
    messages = [p.chat_message(1, START + n, text) for n, text in enumerate(["hello", "schön, 日本, 🦀", "x" * 400])]
    lines = changes.chat_lines(BEN_ID, messages)
    saved, genesis = changes.chat_document(BEN_ID, messages), changes.chat_genesis()
    as_changes = b"".join(chunk for chunk, _ in lines)
    heads = p.document_heads([lines[-1][1]])
    plaintext = p.checkpoint(saved)
    lane = Lane("checkpoint", ADA, ADA_CERT, p.CHAT_CHECKPOINT, EPOCH)
    # Only a small document stays readable here: one segment. `sizes` says how larger ones are cut.
    for segment in p.segments(plaintext):
        lane.add_durable(segment)
    body = p.checkpoint_body(p.CHAT, EPOCH, len(lane.entries), lane.entries[-1].digest, heads)
    first, other = (changes.chat_lines(author, messages[:1]) for author in (BEN_ID, ADA_ID))
    return {
        "author_id": BEN_ID,
        "other_id": ADA_ID,
        "line": first[0][0],
        "other_line": other[0][0],
        "lines": [chunk for chunk, _ in lines],
        "texts": ["hello", "schön, 日本, 🦀", "x" * 400],
        "document": saved,
        "heads": heads,
        "record": {"channel": p.CHAT, "epoch": EPOCH, "segments": len(lane.entries), "body": body},
        "lane": lane.dump(),
        "digests": [
            {"heads": hashes, "digest": p.document_heads(hashes)}
            for hashes in ([genesis[1]], [lines[-1][1]], [first[0][1], other[0][1]], [other[0][1], first[0][1]])
        ],
        # Deflate has many ways to say one thing: these are to be read, not repeated.
        "plaintexts": [
            {"name": "well deflated", "plaintext": p.checkpoint(saved, 9)},
            {"name": "not deflated, only stored", "plaintext": p.checkpoint(saved, 0)},
        ],
        "refused": refused(saved, plaintext, as_changes, heads, genesis),
        "sizes": [
            {"plaintext": size, "segments": [len(part) for part in p.segments(bytes(size))]}
            for size in (1, 59_999, 60_000, 60_001, 120_000, 150_000)
        ],
    }


def refused(saved: bytes, good: bytes, as_changes: bytes, heads: bytes, genesis: tuple[bytes, bytes]) -> list[dict]:
    deflated = p.raw_deflate(saved)
    start = b"\1" + varint(len(saved))
    bad_heads = p.document_heads([changes.chat_lines(BEN_ID, [b"\2"])[-1][1]])
    damaged = saved[:-40] + bytes([saved[-40] ^ 1]) + saved[-39:]
    cases = [
        ("nothing", b"", heads),
        ("version 2", b"\2" + good[1:], heads),
        ("length not in its shortest form", b"\1" + varint(len(saved), 4) + deflated, heads),
        ("length one too low", b"\1" + varint(len(saved) - 1) + deflated, heads),
        ("length one too high", b"\1" + varint(len(saved) + 1) + deflated, heads),
        ("length over the limit", b"\1" + varint((64 << 20) + 1) + deflated, heads),
        ("deflate cut", good[:-1], heads),
        ("a byte behind the deflated", good + b"\0", heads),
        ("deflate that is none", start + b"\xff" * 40, heads),
        ("length alone", start, heads),
        ("a document that is damaged", p.checkpoint(damaged), heads),
        ("no document at all", p.checkpoint(b"not a document"), heads),
        ("half a document", p.checkpoint(saved[: len(saved) // 2]), heads),
        ("of other heads", good, p.document_heads([genesis[1]])),
        ("without the genesis change", p.checkpoint(as_changes), heads),
        ("a chat line that the gate refuses", p.checkpoint(changes.chat_document(BEN_ID, [b"\2"])), bad_heads),
        ("a document with a byte behind it", p.checkpoint(saved + b"\0"), heads),
    ]
    return [{"why": why, "plaintext": raw, "heads": digest} for why, raw, digest in cases]
