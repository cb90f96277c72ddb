"""Vectors of section 15.1: what holders of own links have the host do, what comes of it, and what waits for them."""

import protocol as p
from cast import BEN_ID, CLEO_ID, DAN_ID, FAY_ID, GUS_ID, INTERACT_SHARE, SESSION, run
from protocol import bech32m, u8, u16, varint

NOBODY = bytes(16)
REQUEST = 2
SEED = run(0x90, 16)
MOST_MEMBERS, MOST_LINES, MOST_LINE_BYTES = 64, 12, 4_096


def owning() -> dict:
    return {
        "session_id": SESSION,
        "commands": commands(),
        "refused_commands": [{"why": why, "kind": kind, "bytes": raw} for why, kind, raw in refused_commands()],
        "answered": answered(),
        "refused_answered": [{"why": why, "bytes": raw} for why, raw in refused_answered()],
        "desks": desks(),
        "refused_desks": [{"why": why, "bytes": raw} for why, raw in refused_desks()],
        "lines": [with_line(line.encode()) | {"line": line} for line in LINES],
        "refused_lines": [with_line(line) | {"why": why} for why, line in refused_lines()],
    }


def commands() -> list[dict]:
    def share(access: str, flags: int, seconds: int, members: int) -> dict:
        return {
            "type": "share",
            "access": access,
            "approve": flags & 1 != 0,
            "once": flags & 2 != 0,
            "seconds": seconds,
            "members": members,
            "bytes": p.command_share(["view", "interact"].index(access), flags, seconds, members),
        }

    def answer(pane: int, author: bytes, passes: bool, line: str) -> dict:
        raw = p.command_answer(pane, author, int(passes), line.encode())
        return {"type": "answer", "pane": pane, "author_id": author, "passes": passes, "line": line, "bytes": raw}

    def grant(pane: int, author: bytes | None) -> dict:
        raw = p.command_grant(pane, author or NOBODY)
        return {"type": "grant", "pane": pane, "author_id": author, "bytes": raw}

    return [
        {"type": "show desk", "bytes": p.command_show_desk()},
        share("view", 0, 0, 0),
        share("interact", 1, 3_600, 16),
        share("view", 2, 0x0102_0304, 1),
        share("interact", 3, (1 << 32) - 1, (1 << 32) - 1),
        {"type": "revoke", "share_id": INTERACT_SHARE.id, "bytes": p.command_revoke(INTERACT_SHARE.id)},
        {"type": "kick", "author_id": BEN_ID, "bytes": p.command_kick(BEN_ID)},
        {"type": "let in", "author_id": FAY_ID, "bytes": p.command_let_in(FAY_ID)},
        {"type": "turn away", "author_id": GUS_ID, "bytes": p.command_turn_away(GUS_ID)},
        {"type": "revoke all", "bytes": p.command_revoke_all()},
        *(
            {"type": "drive", "pane": pane, "whose": whose, "bytes": p.command_drive(pane, whose)}
            for pane, whose in [(0, 0), (63, 1), (0x0102, 2)]
        ),
        grant(2, BEN_ID),
        grant(63, None),
        answer(1, BEN_ID, True, "rm -rf build"),
        answer(0x0102, CLEO_ID, False, "echo 'größe' | 数える"),
    ]


def refused_commands() -> list[tuple[str, int, bytes]]:
    link = p.command_share(1, 3, 3_600, 16)
    answer = p.command_answer(1, BEN_ID, 1, b"ls")
    closed = p.command_revoke_all()
    fixed = [
        ("share", link),
        ("revoke", p.command_revoke(INTERACT_SHARE.id)),
        ("kick", p.command_kick(BEN_ID)),
        ("let in", p.command_let_in(FAY_ID)),
        ("turn away", p.command_turn_away(GUS_ID)),
        ("drive", p.command_drive(1, 2)),
        ("grant", p.command_grant(1, BEN_ID)),
    ]
    return [
        ("no command", REQUEST, u8(5)),
        ("unknown command", REQUEST, u8(5) + u8(10)),
        ("under the kind of an open", 1, closed),
        ("under the kind of input", 3, closed),
        ("under a kind that is none", 4, closed),
        ("link with own access", REQUEST, u8(5) + u8(1) + u8(2) + link[3:]),
        ("link with flag 4", REQUEST, p.command_share(1, 4, 3_600, 16)),
        ("link with flag 128", REQUEST, p.command_share(1, 129, 3_600, 16)),
        ("driving 3", REQUEST, p.command_drive(1, 3)),
        ("answer 2", REQUEST, p.command_answer(1, BEN_ID, 2, b"ls")),
        ("answer without whether it passes", REQUEST, answer[:20]),
        ("show desk one byte more", REQUEST, p.command_show_desk() + b"\0"),
        ("revoke all one byte more", REQUEST, closed + b"\0"),
        *((f"{name} one byte short", REQUEST, raw[:-1]) for name, raw in fixed),
        *((f"{name} one byte more", REQUEST, raw + b"\0") for name, raw in fixed),
    ]


def answered() -> list[dict]:
    def made(seq: int, access: str, seed: bytes) -> dict:
        hrp = {"view": "chr", "interact": "chi"}[access]
        return {
            "type": "made",
            "seq": seq,
            "access": access,
            "seed": seed,
            "token": bech32m(hrp, p.token_payload(SESSION, seed, 0)),
            "bytes": p.answered_made(seq, ["view", "interact"].index(access), seed),
        }

    return [
        *({"type": "done", "seq": seq, "bytes": p.answered_done(seq)} for seq in (1, 63, 64, 100_000, 1 << 40)),
        made(2, "view", SEED),
        made(300, "interact", SEED[::-1]),
        *(
            {"type": "not", "seq": 70 + reason, "reason": reason, "bytes": p.answered_not(70 + reason, reason)}
            for reason in (1, 2, 3, 4, 5, 6, 99)
        ),
    ]


def refused_answered() -> list[tuple[str, bytes]]:
    made = p.answered_made(2, 1, SEED)
    return [
        ("no seq", u8(4)),
        ("no outcome", u8(4) + varint(7)),
        ("unknown outcome", u8(4) + varint(7) + u8(3)),
        ("seq not in its shortest form", u8(4) + varint(7, 2) + u8(0)),
        ("done one byte more", p.answered_done(7) + b"\0"),
        ("link with own access", p.answered_made(2, 2, SEED)),
        ("link without its seed", made[:-16]),
        ("link one byte short", made[:-1]),
        ("link one byte more", made + b"\0"),
        ("not done without a reason", p.answered_not(7, 1)[:-1]),
        ("not done one byte more", p.answered_not(7, 1) + b"\0"),
    ]


def desks() -> list[dict]:
    def case(waiting: list[bytes], wishes: list[tuple[int, bytes]], lines: list[tuple[int, bytes, str]]) -> dict:
        return {
            "waiting": waiting,
            "wishes": [{"pane": pane, "author_id": author} for pane, author in wishes],
            "lines": [{"pane": pane, "author_id": author, "line": line} for pane, author, line in lines],
            "bytes": p.desk(waiting, wishes, [(pane, author, line.encode()) for pane, author, line in lines]),
        }

    return [
        case([], [], []),
        case([FAY_ID], [], []),
        case([], [(63, BEN_ID), (0, CLEO_ID)], []),
        case([], [], [(0x0102, BEN_ID, "ls")]),
        case([GUS_ID, FAY_ID], [(1, DAN_ID)], [(1, CLEO_ID, ""), (1, BEN_ID, "größe"), (2, BEN_ID, "␃ Ctrl-C")]),
        case(
            [run(n, 16) for n in range(MOST_MEMBERS)],
            [(n, run(n, 16)) for n in range(MOST_MEMBERS)],
            [(n, BEN_ID, "x" * n) for n in range(MOST_LINES)],
        ),
    ]


def refused_desks() -> list[tuple[str, bytes]]:
    full = p.desk([FAY_ID], [(1, DAN_ID)], [(2, BEN_ID, b"ls")])
    return [
        ("no counts", u8(5)),
        ("two counts", u8(5) + bytes(2)),
        ("fewer who wait than counted", u8(5) + bytes([1, 0, 0])),
        ("fewer wishes than counted", u8(5) + bytes([0, 2, 0]) + u16(1) + DAN_ID),
        ("fewer lines than counted", u8(5) + bytes([0, 0, 2]) + full[-22:]),
        ("line longer than the rest", full[:-4] + u16(3) + b"ls"),
        ("line shorter than the rest", full[:-4] + u16(1) + b"ls"),
        ("one byte short", full[:-1]),
        ("one byte more", full + b"\0"),
        ("65 who wait", p.desk([FAY_ID] * (MOST_MEMBERS + 1), [], [])),
        ("65 who would like to drive", p.desk([], [(1, DAN_ID)] * (MOST_MEMBERS + 1), [])),
        ("13 lines", p.desk([], [], [(1, BEN_ID, b"ls")] * (MOST_LINES + 1))),
    ]


# What a line is


# White space but for U+0020, and what acts unseen, first and last of each range.
SPACES = [(0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)]
CONTROLS = [(0x00, 0x1F), (0x7F, 0x9F)]
UNSEEN = [
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
]
FORBIDDEN = SPACES + CONTROLS + UNSEEN


def is_forbidden(point: int) -> bool:
    return any(first <= point <= last for first, last in FORBIDDEN)


# The neighbours of each range are characters like any other.
BESIDE = [point for ends in FORBIDDEN for point in (ends[0] - 1, ends[1] + 1) if point > 0x20 and not is_forbidden(point)]

LINES = [
    "",
    "x",
    "two  spaces inside",
    "größe 数える שלום",
    "e\u0301 \u0e01\u0e33",
    # More marks than are shown: for who shows it to see to, as versions of Unicode differ in what belongs together.
    "z" + "\u0301" * 20,
    "\U0001f469\U0001f467",
    "␃ Ctrl-C",
    "x" * MOST_LINE_BYTES,
    *(f"a{chr(point)}b" for point in BESIDE),
]


def refused_lines() -> list[tuple[str, bytes]]:
    points = sorted({point for ends in FORBIDDEN for point in ends} | {0x09, 0x0A, 0x0D, 0x1B, 0x202E})
    return [
        ("begins with a space", b" ls"),
        ("ends with a space", b"ls "),
        ("nothing but a space", b" "),
        ("over 4,096 bytes", b"x" * (MOST_LINE_BYTES + 1)),
        ("over 4,096 bytes, of fewer characters", "ü".encode() * (MOST_LINE_BYTES // 2) + b"x"),
        ("no UTF-8", b"\xff"),
        ("half a character", "ü".encode()[:1]),
        ("a surrogate", b"\xed\xa0\x80"),
        ("a longer form of a character", b"\xc1\xa1"),
        *((f"has U+{point:04X}", f"a{chr(point)}b".encode()) for point in points),
    ]


def with_line(line: bytes) -> dict:
    """The payloads that hold a line: one up, one down."""
    return {"answer": p.command_answer(1, BEN_ID, 1, line), "desk": p.desk([], [], [(1, BEN_ID, line)])}
