"""Vectors of sections 12 to 16: what entries hold, and discovery."""

import changes
import protocol as p
from cast import ADA_ID, BEN_ID, SESSION, START, run
from protocol import u8, u16, varint

# 14. Terminal streams


class Stream:
    def __init__(self, name: str, first_offset: int = 0) -> None:
        self.name, self.offset, self.window = name, first_offset, p.Window()
        self.stale = True
        self.exit_status: int | None = None
        self.entries: list[dict] = []

    def _add(self, kind: int, data: bytes, packed: bool, size=None, exit_status=None) -> None:
        flags = 0 if exit_status is None else p.ENDED
        if packed and self.stale:
            self.window, self.stale = p.Window(), False
            flags |= p.WINDOW_ANEW
        coded = self.window.deflate(data) if packed else data
        flags |= p.DEFLATED if packed else 0
        plaintext = p.terminal_plaintext(flags, self.offset, coded, size, exit_status)
        case = {"kind": kind, "flags": flags, "offset": self.offset, "data": data, "plaintext": plaintext}
        case |= {"cols": size[0], "rows": size[1]} if size else {}
        case |= {"exit_status": exit_status} if exit_status is not None else {}
        self.entries.append(case)

    def keyframe(self, size: tuple[int, int], parts: list[bytes], packed: bool = False) -> "Stream":
        self.stale = True
        for index, part in enumerate(parts):
            first, last = index == 0, index == len(parts) - 1
            kind = {(True, True): 5, (True, False): 2, (False, False): 3, (False, True): 4}[first, last]
            self._add(kind, part, packed, size if first else None, self.exit_status if last else None)
        return self

    def input(self) -> "Stream":
        self.stale = True
        return self

    def output(self, data: bytes, packed: bool = False) -> "Stream":
        self._add(p.OUTPUT, data, packed)
        self.offset += len(data)
        return self

    def end(self, exit_status: int) -> "Stream":
        self.exit_status = exit_status
        self._add(p.OUTPUT, b"", False, exit_status=exit_status)
        return self

    def dump(self) -> dict:
        return {"name": self.name, "entries": self.entries}


def terminal() -> dict:
    line = b"the same line again and again, the same line again and again\r\n"
    home = b"\x1b[2J\x1b[H"
    streams = [
        Stream("raw").keyframe((80, 24), [home]).output(b"$ ").output(b"ls\r\n").end(0),
        Stream("deflated").keyframe((80, 24), [home + line], True).output(line, True).output(line, True).end(-1),
        Stream("window starts anew after input")
        .keyframe((80, 24), [home], True)
        .output(line, True)
        .input()
        .output(b"l")
        .output(line, True)
        .output(line, True)
        .end(130),
        Stream("raw entry leaves the window as it is")
        .keyframe((80, 24), [line], True)
        .output(b"x")
        .output(line, True)
        .end(1),
        Stream("keyframe in three parts", 1 << 20)
        .keyframe((1000, 500), [line * 2, line, b"\x1b[5;5H"], True)
        .output(line, True)
        .end(2**31 - 1),
        Stream("keyframe in two raw parts, a second keyframe", 70_000)
        .keyframe((2, 2), [b"\x1b[H", b"ab"])
        .output(b"c")
        .output(line, True)
        .keyframe((3, 2), [b"\x1b[Habc"])
        .output(line, True)
        .end(-(2**31)),
        Stream("keyframes after the end tell it too")
        .keyframe((80, 24), [home])
        .output(b"bye\r\n")
        .end(3)
        .keyframe((80, 24), [home + b"bye"])
        .keyframe((80, 24), [home, b"bye"], True),
    ]
    refused = [
        ("empty", 1, b""),
        ("flag 8", 1, p.terminal_plaintext(8, 0, b"x")),
        ("window anew without deflate", 1, p.terminal_plaintext(2, 0, b"x")),
        ("window anew without deflate at a keyframe start", 5, p.terminal_plaintext(2, 0, b"x", (80, 24))),
        ("end in the first part of a keyframe", 2, p.terminal_plaintext(4, 0, b"x", (80, 24), 0)),
        ("end in a middle part of a keyframe", 3, p.terminal_plaintext(4, 0, b"x", exit_status=0)),
        ("offset not in its shortest form", 1, u8(0) + varint(0, 2) + b"x"),
        ("keyframe start without a whole size", 5, u8(0) + varint(0) + b"\x50\x00\x18"),
        ("end without a whole status", 1, u8(4) + varint(0) + b"\0\0\0"),
        ("kind 0", 0, p.terminal_plaintext(0, 0, b"x")),
        ("kind 6", 6, p.terminal_plaintext(0, 0, b"x")),
    ]
    started = Stream("").keyframe((80, 24), [home]).output(b"abc").entries
    ended = Stream("").keyframe((80, 24), [home]).end(0).entries
    in_keyframe = Stream("").keyframe((80, 24), [home, b"x"]).entries[:1]
    refused_next = [
        ("output after the end", ended, p.OUTPUT, p.terminal_plaintext(0, 0, b"x")),
        ("output left out", started, p.OUTPUT, p.terminal_plaintext(0, 4, b"x")),
        ("output again", started, p.OUTPUT, p.terminal_plaintext(0, 2, b"x")),
        ("output inside a keyframe", in_keyframe, p.OUTPUT, p.terminal_plaintext(0, 0, b"x")),
        ("part of a keyframe at another offset", in_keyframe, p.KEY_LAST, p.terminal_plaintext(0, 1, b"x")),
        ("part of a keyframe without its start", started, p.KEY_LAST, p.terminal_plaintext(0, 3, b"x")),
        ("keyframe before what was shown", started, p.KEY_WHOLE, p.terminal_plaintext(0, 2, b"x", (80, 24))),
        ("deflate that is none", started, p.OUTPUT, p.terminal_plaintext(3, 3, b"\xff\xff")),
    ]
    return {
        "streams": [stream.dump() for stream in streams],
        "refused_next": [
            {"why": why, "entries": before, "kind": kind, "plaintext": raw} for why, before, kind, raw in refused_next
        ],
        "refused": [{"why": why, "kind": kind, "plaintext": raw} for why, kind, raw in refused],
    }


# 12, 13, 16. Documents, presence and discovery


def chat() -> dict:
    valid = []
    for kind, text, reply, anchor, name in [
        (1, "hello", None, None, None),
        (1, "", None, None, None),
        (1, "schön, 日本, 🦀", (ADA_ID, 0), None, None),
        (1, "look here", None, (2, 1_000_000, 23), None),
        (1, "both", (BEN_ID, 16_384), (63, 0, 499), None),
        (2, "👍", (BEN_ID, 130), None, None),
        (1, "it is me", None, None, "Zoë 🦀"),
        (1, "all of it", (ADA_ID, 1), (1, 64, 2), "x" * 64),
        (1, "", None, None, "b"),
    ]:
        raw = p.chat_message(kind, START, text, reply, anchor, name and name.encode())
        case = {"kind": kind, "time": START, "text": text, "bytes": raw}
        case |= {"name": name} if name else {}
        case |= {"reply": {"author_id": reply[0], "n": reply[1]}} if reply else {}
        case |= {"anchor": dict(zip(("pane", "offset", "row"), anchor))} if anchor else {}
        valid.append(case)
    good = p.chat_message(1, START, "hello")
    refused = [
        ("empty", b""),
        ("version 2", u8(2) + good[1:]),
        ("kind 0", good[:1] + u8(0) + good[2:]),
        ("kind 3", good[:1] + u8(3) + good[2:]),
        ("flag 8", good[:10] + u8(8) + good[11:]),
        ("cut in the time", good[:9]),
        ("reply cut", p.chat_message(1, START, "", (ADA_ID, 0))[:-1]),
        ("reply not in its shortest form", good[:10] + u8(1) + ADA_ID + varint(0, 2)),
        ("anchor cut", p.chat_message(1, START, "", None, (1, 2, 3))[:-1]),
        ("name of no bytes", p.chat_message(1, START, "hello", name=b"")),
        ("name of 65 bytes", p.chat_message(1, START, "hello", name=b"x" * 65)),
        ("name cut", p.chat_message(1, START, "", name=b"Ben")[:-1]),
        ("name not UTF-8", p.chat_message(1, START, "hello", name=b"\xff")),
        ("text not UTF-8", good + b"\xff"),
    ]
    lines = changes.chat_lines(BEN_ID, [case["bytes"] for case in valid])
    return {
        "author_id": BEN_ID,
        "genesis": dict(zip(("chunk", "hash"), changes.chat_genesis())),
        "valid": [case | {"payload": chunk, "hash": digest} for case, (chunk, digest) in zip(valid, lines)],
        "refused": [
            {"why": why, "bytes": raw, "payload": changes.chat_lines(BEN_ID, [raw])[0][0]} for why, raw in refused
        ],
        # Refused once so many zeros follow.
        "refused_with_zeros": [{"why": "text over 4 KiB", "bytes": p.chat_message(1, START, ""), "zeros": 4097}],
    }


def presence() -> dict:
    head = run(0x21, 32)
    rows = [
        {"name": "Ben", "colour": 1, "focus": None},
        {"name": "", "colour": 0, "focus": 0},
        {"name": "Zoë 🦀", "colour": 255, "focus": 63, "typing": True},
        {"name": "Ada", "colour": 7, "focus": 2, "cursor": (2, 499, 999)},
        {"name": "Ada", "colour": 7, "focus": 2, "notes_cursor": "2@00112233"},
        {"name": "Ada", "colour": 7, "focus": 2, "log_head": (5, head)},
        {
            "name": "Ada",
            "colour": 7,
            "focus": 2,
            "cursor": (1, 2, 3),
            "notes_cursor": "e",
            "typing": True,
            "log_head": (1 << 33, head),
        },
        {"name": "Ben", "colour": 1, "focus": None, "leaving": True},
        {"name": "x" * 64, "colour": 1, "focus": None},
        {"name": "Ben", "colour": 1, "focus": None, "holdings": (2, 300, 70_000, run(0x51, 16))},
        {
            "name": "Ada",
            "colour": 7,
            "focus": 1,
            "cursor": (1, 2, 3),
            "log_head": (9, head),
            "holdings": (0, 0, 0xFFFF_FFFF, run(0x52, 16)),
        },
    ]
    valid = []
    for row in rows:
        case = {"typing": False, "leaving": False, **row, "bytes": p.presence(**row)}
        if "cursor" in row:
            case["cursor"] = dict(zip(("pane", "row", "column"), row["cursor"]))
        if "log_head" in row:
            case["log_head"] = {"next": row["log_head"][0], "digest": row["log_head"][1]}
        if "holdings" in row:
            case["holdings"] = dict(zip(("epoch", "state", "chat", "held"), row["holdings"]))
        valid.append(case)
    good = p.presence("Ben", 1, None)
    refused = [
        ("empty", b""),
        ("version 2", u8(2) + good[1:]),
        ("flag 64", good[:1] + u8(64) + good[2:]),
        ("holdings cut", p.presence("Ben", 1, None, holdings=(0, 1, 2, run(0x51, 16)))[:-1]),
        ("name longer than what follows", good[:3] + u8(40) + good[4:]),
        ("name not UTF-8", good[:4] + b"\xff" + good[5:]),
        ("one byte short", good[:-1]),
        ("one byte more", good + b"\0"),
        ("log head cut", p.presence("Ben", 1, None, log_head=(5, head))[:-1]),
    ]
    return {
        "author_id": BEN_ID,
        "valid": [case | {"chunk": changes.presence(BEN_ID, case["bytes"])} for case in valid],
        "refused": [{"why": why, "bytes": raw, "chunk": changes.presence(BEN_ID, raw)} for why, raw in refused],
        "held": held(),
    }


def held() -> list[dict]:
    """What one holds, in any order, and its hash."""
    lanes = [
        p.HeldLane(p.CHAT, BEN_ID, 1 << 33, run(0x42, 32)),
        p.HeldLane(p.STATE, max(ADA_ID, BEN_ID), 2, run(0x43, 32)),
        p.HeldLane(p.STATE, min(ADA_ID, BEN_ID), 1, run(0x41, 32)),
    ]
    return [
        {
            "lanes": [
                {"channel": lane.channel, "author_id": lane.author, "next": lane.next, "digest": lane.digest}
                for lane in some
            ],
            "held": p.held(some),
        }
        for some in ([], lanes[:1], lanes)
    ]


def state() -> dict:
    return {"genesis": dict(zip(("chunk", "hash"), changes.state_genesis()))}


def hint() -> dict:
    cases = [(SESSION, run(0x55, 16)), (SESSION, run(0x56, 16)), (run(0xF0, 16), run(0x55, 16))]
    return {
        "cases": [{"session_id": session, "nonce": nonce, "hint": p.hint(session, nonce)} for session, nonce in cases],
        "strangers": [{"session_id": run(0xF0, 16), "hint": p.hint(SESSION, run(0x55, 16))}],
    }


# 15. Direct payloads


def directpayload() -> dict:
    return {
        "up": [
            {"type": "nothing", "kind": 1, "bytes": b"\0"},
            {"type": "input", "kind": 3, "pane": 0, "data": b"ls -l\r", "bytes": p.up_input(0, b"ls -l\r")},
            {
                "type": "input",
                "kind": 3,
                "pane": 63,
                "data": "ü\x1b[A".encode(),
                "bytes": p.up_input(63, "ü\x1b[A".encode()),
            },
            {"type": "size", "kind": 2, "pane": 2, "cols": 300, "rows": 50, "bytes": p.up_size(2, 300, 50)},
            {"type": "keyframe", "kind": 2, "pane": 1, "bytes": p.up_keyframe(1)},
            {"type": "nothing", "kind": 2, "bytes": b"\0"},
            {"type": "drive", "kind": 2, "pane": 63, "wish": True, "bytes": p.up_drive(63, 1)},
            {"type": "drive", "kind": 2, "pane": 0, "wish": False, "bytes": p.up_drive(0, 0)},
            {"type": "history", "kind": 2, "pane": 63, "bytes": p.up_history(63)},
        ],
        "down": [{"type": "ack", "next": value, "bytes": p.down_ack(value)} for value in (0, 63, 64, 100_000, 1 << 40)]
        + [
            {"type": "refused", "reason": reason, "seq": 7 + reason, "bytes": p.down_refused(reason, 7 + reason)}
            for reason in (1, 2, 3, 4, 5, 6, 99)
        ]
        + [
            {"type": "waiting", "what": what, "pane": pane, "bytes": p.down_waiting(what, pane)}
            for what, pane in [(1, 0), (2, 0), (2, 63), (3, 7), (99, 0)]
        ]
        + [
            {
                "type": "history",
                "pane": pane,
                "epoch": epoch,
                "seq": seq,
                "part": part,
                "parts": parts,
                "piece": piece,
                "bytes": p.down_history(pane, (epoch, seq), part, parts, piece),
            }
            for pane, epoch, seq, part, parts, piece in [
                (0, 0, 1, 0, 1, b"x"),
                (63, 70_000, 1 << 33, 15, 16, run(0x71, 40)),
                (2, 1, 64, 0, 2, run(0x72, 16_384)),
            ]
        ],
        "histories": histories(),
        "refused_histories": refused_histories(),
        "refused_up": [
            {"why": why, "kind": kind, "bytes": raw}
            for why, kind, raw in [
                ("empty", 2, b""),
                ("unknown type", 2, u8(7) + b"\0\0\0"),
                ("history one byte short", 2, p.up_history(1)[:-1]),
                ("history one byte more", 2, p.up_history(1) + b"\0"),
                ("history under the kind of input", 3, p.up_history(1)),
                ("drive with wish 2", 2, p.up_drive(1, 2)),
                ("drive one byte short", 2, p.up_drive(1, 1)[:-1]),
                ("drive one byte more", 2, p.up_drive(1, 1) + b"\0"),
                ("drive under the kind of input", 3, p.up_drive(1, 1)),
                ("nothing with something", 1, b"\0\0"),
                ("input without a pane", 3, u8(1) + b"\1"),
                ("input under the kind of a request", 2, p.up_input(0, b"x")),
                ("request under the kind of input", 3, p.up_keyframe(1)),
                ("request under the kind of an open", 1, p.up_keyframe(1)),
                ("size one byte short", 2, p.up_size(2, 300, 50)[:-1]),
                ("size one byte more", 2, p.up_size(2, 300, 50) + b"\0"),
                ("keyframe one byte more", 2, p.up_keyframe(1) + b"\0"),
            ]
        ],
        # Refused once so many zeros follow.
        "refused_up_with_zeros": [
            {"why": "input over 16,384 bytes", "kind": 3, "bytes": p.up_input(0, b""), "zeros": 16_385}
        ],
        "refused_down": [
            {"why": why, "bytes": raw}
            for why, raw in [
                ("empty", b""),
                ("unknown type", u8(7) + varint(1)),
                ("history without a piece", p.down_history(1, (0, 1), 0, 1, b"")),
                ("history of no parts", p.down_history(1, (0, 1), 0, 0, b"x")),
                ("history of 17 parts", p.down_history(1, (0, 1), 0, 17, b"x")),
                ("part beyond the last", p.down_history(1, (0, 1), 2, 2, b"x")),
                ("piece over 16,384 bytes", p.down_history(1, (0, 1), 0, 1, bytes(16_385))),
                ("epoch of more than 32 bits", p.down_history(1, (1 << 32, 1), 0, 1, b"x")),
                ("waiting one byte short", p.down_waiting(2, 1)[:-1]),
                ("waiting one byte more", p.down_waiting(2, 1) + b"\0"),
                ("ack not in its shortest form", u8(1) + varint(1, 2)),
                ("ack one byte more", p.down_ack(1) + b"\0"),
                ("refused without seq", u8(2) + u8(1)),
            ]
        ],
    }


# 15.2 What scrolled off


def histories() -> list[dict]:
    rows = [
        (0, 80, 24, b"", b""),
        (3, 80, 24, b"1\r\n", b"$ "),
        (70_000, 10, 2, b"\x1b[0;1;31mred\x1b[0m\r\n0123456789 \r", "漢字\x1b[2;1H".encode()),
        (1 << 33, 1_000, 500, b"".join(b"%d\r\n" % n for n in range(2_000)), b"\x1b[?1047hvim"),
    ]
    return [
        {
            "offset": offset,
            "cols": cols,
            "rows": rows_,
            "lines": lines,
            "keyframe": keyframe,
            "deflated": p.history(offset, cols, rows_, lines, keyframe, level),
        }
        for (offset, cols, rows_, lines, keyframe) in rows
        for level in (0, 6)
    ]


def refused_histories() -> list[dict]:
    good = p.history(3, 80, 24, b"1\r\n", b"$ ")
    cases = [
        ("empty", b""),
        ("cut", good[:-1]),
        ("a byte behind it", good + b"\0"),
        ("deflate that is none", b"\xff" * 9),
        ("lines longer than all", p.raw_deflate(varint(3) + u16(80) + u16(24) + varint(9) + b"1\r\n")),
        ("size cut", p.raw_deflate(varint(3) + u16(80) + u8(24))),
        ("lines over 262,144 bytes", p.history(3, 80, 24, bytes(262_145), b"")),
        ("keyframe over 1,048,576 bytes", p.history(3, 80, 24, b"", bytes(1_048_577))),
        ("far too long", p.raw_deflate(bytes(16_000_000))),
    ]
    return [{"why": why, "deflated": deflated} for why, deflated in cases]
