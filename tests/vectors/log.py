"""Vectors of section 5: the auth log, whom it admits and where it lets lanes end."""

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
    CLEO_BODY,
    CLEO_CERT,
    DAN_BODY,
    FAY_BODY,
    FAY_CERT,
    FAY_ID,
    GUS_BODY,
    GUS_ID,
    HAL_BODY,
    HAL_ID,
    HOUR,
    IDA_BODY,
    INTERACT_CERT,
    INTERACT_SHARE,
    LOCKED_CERT,
    OTHER_ROOT,
    OWN,
    OWN_CERT,
    OWN_SHARE,
    PORCH_CERT,
    PORCH_SHARE,
    ROOT,
    SECOND_CERT,
    SECOND_SHARE,
    SESSION,
    START,
    VIEW_CERT,
    run,
)
from identity import flipped
from protocol import CHAT, STATE, ZERO32, u8, u16, u32, u64

GENESIS, SHARE, EPOCH, HOST, CLOSE, END = range(1, 7)
CUT, CHECKPOINT, ADMIT, ROLL = range(7, 11)


class Log:
    """Writes records one after the other, and notes what must not follow and what holds so far."""

    def __init__(self) -> None:
        self.records: list[dict] = []
        self.refused: list[dict] = []
        self.admits: list[dict] = []
        self.ends: list[dict] = []
        self.prev = ZERO32

    def make(self, kind: int, body: bytes, signer=ROOT, session: bytes = SESSION, **other) -> bytes:
        return self._make(kind, body, signer, session, **other)[0]

    def _make(self, kind: int, body: bytes, signer, session: bytes, **other) -> tuple[bytes, bytes]:
        seq = other.pop("seq", len(self.records))
        prev = other.pop("prev", self.prev)
        return p.log_record(signer, session, kind, seq, prev, START + 1000 * len(self.records), body, **other)

    def add(self, name: str, kind: int, body: bytes = b"") -> None:
        record, digest = self._make(kind, body, ROOT, SESSION)
        self.records.append(
            {
                "name": name,
                "type": kind,
                "seq": len(self.records),
                "time": START + 1000 * len(self.records),
                "prev": self.prev,
                "body": body,
                "bytes": record,
                "digest": digest,
            }
        )
        self.prev = digest

    def refuse(self, why: str, record: bytes) -> None:
        """Notes a record that must not follow what stands so far."""
        self.refused.append({"why": why, "after": len(self.records), "bytes": record})

    def refuse_body(self, why: str, kind: int, body: bytes) -> None:
        self.refuse(why, self.make(kind, body))

    def judge(self, verdict: str, *bodies: bytes) -> None:
        """Notes what the log says so far about members: "yes", "unknown share", "closed" or "not let in"."""
        self.admits.extend({"after": len(self.records), "chain": body, "verdict": verdict} for body in bodies)

    def lane(self, body: bytes, channel: int, epoch: int, end: tuple[int, bytes | None] | None) -> None:
        """Notes where a member's lane ends so far; None is nowhere."""
        case = {"after": len(self.records), "chain": body, "channel": channel, "epoch": epoch, "end": None}
        if end is not None:
            case["end"] = {"next": end[0], "digest": end[1]}
        self.ends.append(case)


def commit(epoch: int) -> bytes:
    return p.epoch_commit(cast.EPOCH_SECRETS[epoch])


def authlog() -> dict:
    log = Log()
    beginning(log)
    first_cuts(log)
    closing(log)
    second_epoch(log)
    passed_on(log)
    ending(log)
    return {
        "session_id": SESSION,
        "root_seed": ROOT.seed,
        "records": log.records,
        "head": log.prev,
        "next_seq": len(log.records),
        "commits": [commit(epoch) for epoch in range(3)],
        "host": ADA_ID,
        "shares": [OWN_SHARE.id, INTERACT_SHARE.id, PORCH_SHARE.id, cast.VIEW_SHARE.id, cast.LOCKED_SHARE.id],
        "closed": [INTERACT_SHARE.id, PORCH_SHARE.id],
        "refused": log.refused,
        "admits": log.admits,
        "ends": log.ends,
    }


def beginning(log: Log) -> None:
    log.judge("unknown share", ADA_BODY)
    log.refuse_body("genesis missing", SHARE, OWN_CERT)
    log.refuse("genesis of another root", log.make(GENESIS, OTHER_ROOT.public, signer=OTHER_ROOT))
    log.refuse("genesis with a prev", log.make(GENESIS, ROOT.public, prev=run(1, 32)))
    log.add("genesis", GENESIS, ROOT.public)
    log.refuse_body("second genesis", GENESIS, ROOT.public)
    log.refuse("gap in seq", log.make(SHARE, OWN_CERT, seq=2))
    log.refuse("seq again", log.make(SHARE, OWN_CERT, seq=0))
    log.refuse("prev of another record", log.make(SHARE, OWN_CERT, prev=run(1, 32)))
    log.refuse("signed by another key", log.make(SHARE, OWN_CERT, signer=OTHER_ROOT))
    log.refuse("of another session", log.make(SHARE, OWN_CERT, session=OTHER_ROOT.session_id))
    log.refuse("version 2", log.make(SHARE, OWN_CERT, version=2))
    log.refuse("one byte more", log.make(SHARE, OWN_CERT) + b"\0")
    log.refuse("one byte short", log.make(SHARE, OWN_CERT)[:-1])
    log.refuse("time changed after signing", flipped(log.make(SHARE, OWN_CERT), 58))
    log.refuse_body("share body one byte short", SHARE, OWN_CERT[:-1])
    log.refuse_body("share not issued by the root", SHARE, SECOND_CERT)
    log.refuse_body("share signature flipped", SHARE, flipped(OWN_CERT, 216))
    log.refuse_body("host before its share", HOST, ADA_CERT)
    log.refuse_body("epoch 1 before epoch 0", EPOCH, u32(1) + commit(0))
    log.refuse_body("checkpoint before epoch 0", CHECKPOINT, p.checkpoint_body(STATE, 0, 1, run(1, 32), run(2, 32)))
    log.refuse_body("roll before epoch 0", ROLL, p.roll_body(STATE, 0, 0))
    log.refuse_body("cut before epoch 0", CUT, p.cut(STATE, ADA_ID, 0, 0, ZERO32))
    log.add("own share", SHARE, OWN_CERT)
    log.add("interact share", SHARE, INTERACT_CERT)
    log.add("share whose members are let in one by one", SHARE, PORCH_CERT)
    log.lane(ADA_BODY, STATE, 0, (0, None))
    log.add("epoch 0", EPOCH, u32(0) + commit(0))
    log.refuse_body("epoch 0 again", EPOCH, u32(0) + commit(0))
    log.refuse_body("epoch 2 after epoch 0", EPOCH, u32(2) + commit(2))
    log.refuse_body("epoch one byte short", EPOCH, (u32(1) + commit(1))[:-1])
    wide = p.member_cert(SESSION, INTERACT_SHARE, ADA, OWN, START, START + HOUR)
    log.refuse_body("host wider than its share", HOST, wide)
    log.refuse_body("host of a share that is not in the log", HOST, CLEO_CERT)
    log.refuse_body("host that is not let in", HOST, FAY_CERT)
    log.add("host Ada", HOST, ADA_CERT)
    log.add("unknown type", 200, b"for a later version")
    log.add("unknown type 0", 0)
    # It can be recorded; no chain with it holds, see certificates.json.
    wide = p.share_cert(SESSION, cast.VIEW_SHARE, replace(cast.VIEW_TERMS, rights=0x0F), ROOT, None)
    log.add("public share with a right to type", SHARE, wide)


def first_cuts(log: Log) -> None:
    again = p.share_cert(SESSION, INTERACT_SHARE, replace(cast.INTERACT_TERMS, max_members=17), ROOT, None)
    log.judge("yes", ADA_BODY, BEN_BODY, CLEO_BODY, DAN_BODY, HAL_BODY)
    log.judge("unknown share", IDA_BODY, p.member_body(BEN_CERT, [again]))
    log.judge("not let in", FAY_BODY, GUS_BODY)
    log.lane(ADA_BODY, STATE, 0, None)
    log.lane(CLEO_BODY, CHAT, 0, None)
    log.lane(FAY_BODY, CHAT, 0, (0, None))
    log.lane(IDA_BODY, CHAT, 0, (0, None))
    log.lane(ADA_BODY, STATE, 1, (0, None))
    log.refuse_body("admit one byte short", ADMIT, FAY_ID[:-1])
    log.refuse_body("admit one byte more", ADMIT, FAY_ID + b"\0")
    log.add("let Fay in", ADMIT, FAY_ID)
    log.judge("yes", FAY_BODY)
    log.judge("not let in", GUS_BODY)
    log.lane(FAY_BODY, CHAT, 0, None)
    log.add("share for one", SHARE, LOCKED_CERT)
    log.judge("yes", IDA_BODY)

    lanes = [(STATE, ADA_ID, 3, run(0x61, 32)), (CHAT, BEN_ID, 2, run(0x62, 32)), (CHAT, FAY_ID, 0, ZERO32)]
    cuts = [p.cut(channel, author, 0, next_seq, digest) for channel, author, next_seq, digest in lanes]
    cuts.sort(key=lambda cut: (cut[0], cut[2:18]))
    whole = b"".join(cuts)
    log.refuse_body("cut empty", CUT, b"")
    log.refuse_body("cut one byte short", CUT, whole[:-1])
    log.refuse_body("cut one byte more", CUT, whole + b"\0")
    log.refuse_body("cuts not ascending", CUT, b"".join(reversed(cuts)))
    log.refuse_body("cuts not ascending by author", CUT, b"".join(cuts[index] for index in (0, 2, 1)))
    log.refuse_body("one lane twice in a cut", CUT, cuts[0] + cuts[0])
    log.refuse_body("cut in an unknown epoch", CUT, p.cut(STATE, ADA_ID, 1, 3, run(0x61, 32)))
    for channel in (0, p.PRESENCE, p.TO_HOST, p.STATE_CHECKPOINT, p.CHAT_CHECKPOINT, 8, 16, STATE + 256):
        log.refuse_body(f"cut of channel {channel}", CUT, p.cut(channel, ADA_ID, 0, 3, run(0x61, 32)))
    log.refuse_body("cut before the first entry with a digest", CUT, p.cut(STATE, ADA_ID, 0, 0, run(0x61, 32)))
    log.add("cut of three lanes", CUT, whole)
    log.refuse_body("cut again", CUT, cuts[0])
    log.refuse_body("cut again, elsewhere", CUT, p.cut(STATE, ADA_ID, 0, 2, run(0x61, 32)))
    log.lane(ADA_BODY, STATE, 0, (3, run(0x61, 32)))
    log.lane(ADA_BODY, CHAT, 0, None)
    log.lane(BEN_BODY, CHAT, 0, (2, run(0x62, 32)))
    log.lane(FAY_BODY, CHAT, 0, (0, ZERO32))


def closing(log: Log) -> None:
    stay = sorted([BEN_ID, HAL_ID])
    log.refuse_body("close body one byte short", CLOSE, INTERACT_SHARE.id[:-1])
    log.refuse_body("close body one byte more", CLOSE, INTERACT_SHARE.id + b"\0")
    log.refuse_body("close with half an author", CLOSE, INTERACT_SHARE.id + BEN_ID + HAL_ID[:8])
    log.refuse_body("close with authors not ascending", CLOSE, INTERACT_SHARE.id + stay[1] + stay[0])
    log.refuse_body("close with one author twice", CLOSE, INTERACT_SHARE.id + BEN_ID + BEN_ID)
    log.add("close interact share but for Ben", CLOSE, INTERACT_SHARE.id + BEN_ID)
    log.judge("yes", BEN_BODY)
    log.judge("closed", HAL_BODY)
    log.lane(BEN_BODY, STATE, 0, None)
    log.lane(BEN_BODY, CHAT, 0, (2, run(0x62, 32)))
    log.lane(HAL_BODY, CHAT, 0, (0, None))
    ben = p.member_cert(SESSION, INTERACT_SHARE, BEN, 1, START, START + HOUR)
    log.refuse_body("host of a share that is closed to it", HOST, ben)


def second_epoch(log: Log) -> None:
    def body(channel: int = STATE, epoch: int = 1, segments: int = 2) -> bytes:
        return p.checkpoint_body(channel, epoch, segments, run(0x63, 32), run(0x64, 32))

    log.refuse_body("checkpoint of an epoch that is not here yet", CHECKPOINT, body())
    log.refuse_body("roll with the epoch that is here", ROLL, p.roll_body(STATE, 0, 0))
    log.refuse_body("roll with the epoch after the next", ROLL, p.roll_body(STATE, 2, 0))
    for channel in (0, 3, p.STATE_CHECKPOINT, 16):
        log.refuse_body(f"roll of channel {channel}", ROLL, p.roll_body(channel, 1, 0))
    log.refuse_body("roll one byte short", ROLL, p.roll_body(STATE, 1, 0)[:-1])
    log.refuse_body("roll one byte more", ROLL, p.roll_body(STATE, 1, 0) + b"\0")
    log.add("state begins anew", ROLL, p.roll_body(STATE, 1, 0))
    log.refuse_body("roll again", ROLL, p.roll_body(STATE, 1, 0))
    log.refuse_body("roll again, with other lines", ROLL, p.roll_body(STATE, 1, 1))
    log.add("epoch 1", EPOCH, u32(1) + commit(1))
    log.lane(BEN_BODY, STATE, 0, (0, None))
    log.lane(BEN_BODY, CHAT, 0, (2, run(0x62, 32)))
    log.lane(BEN_BODY, STATE, 1, None)
    log.lane(HAL_BODY, STATE, 1, (0, None))
    log.lane(ADA_BODY, STATE, 0, (3, run(0x61, 32)))
    log.lane(ADA_BODY, STATE, 1, None)
    log.refuse_body("checkpoint of the epoch before", CHECKPOINT, body(epoch=0))
    log.refuse_body("checkpoint of an unknown epoch", CHECKPOINT, body(epoch=2))
    for channel in (0, 3, p.STATE_CHECKPOINT, 16):
        log.refuse_body(f"checkpoint of channel {channel}", CHECKPOINT, body(channel))
    log.refuse_body("checkpoint without segments", CHECKPOINT, body(segments=0))
    log.refuse_body("checkpoint one byte short", CHECKPOINT, body()[:-1])
    log.refuse_body("checkpoint one byte more", CHECKPOINT, body() + b"\0")
    log.lane(ADA_BODY, p.STATE_CHECKPOINT, 1, None)
    log.lane(ADA_BODY, p.STATE_CHECKPOINT, 0, (0, None))
    log.add("checkpoint of state", CHECKPOINT, body())
    log.lane(ADA_BODY, p.STATE_CHECKPOINT, 1, None)
    log.lane(ADA_BODY, p.CHAT_CHECKPOINT, 1, None)
    log.refuse_body("checkpoint of state again", CHECKPOINT, body())
    log.refuse_body("checkpoint of state again, another one", CHECKPOINT, body(segments=3))
    log.add("close interact share again, but for two", CLOSE, INTERACT_SHARE.id + b"".join(sorted([BEN_ID, HAL_ID])))
    log.judge("yes", BEN_BODY)
    log.judge("closed", HAL_BODY)
    log.add("cut of Ben's chat", CUT, p.cut(CHAT, BEN_ID, 1, 7, run(0x65, 32)))
    log.lane(BEN_BODY, CHAT, 1, (7, run(0x65, 32)))
    log.add("close interact share for everybody", CLOSE, INTERACT_SHARE.id)
    log.judge("closed", BEN_BODY, HAL_BODY)
    log.lane(BEN_BODY, CHAT, 1, (7, run(0x65, 32)))
    log.lane(BEN_BODY, STATE, 1, (0, None))


def passed_on(log: Log) -> None:
    log.judge("yes", CLEO_BODY, DAN_BODY)
    log.add("close second share, which was passed on", CLOSE, SECOND_SHARE.id + cast.CLEO_ID)
    log.judge("yes", ADA_BODY, CLEO_BODY)
    log.judge("closed", DAN_BODY)
    log.add("let Gus in", ADMIT, GUS_ID)
    log.add("let Gus in again", ADMIT, GUS_ID)
    log.add("let in who needs no leave", ADMIT, HAL_ID)
    log.judge("yes", FAY_BODY, GUS_BODY)
    log.judge("closed", HAL_BODY)
    log.add("chat begins anew", ROLL, p.roll_body(CHAT, 2, 50_000))
    log.add("epoch 2", EPOCH, u32(2) + commit(2))
    log.refuse_body("roll with the epoch that has begun", ROLL, p.roll_body(STATE, 2, 0))
    log.lane(ADA_BODY, p.STATE_CHECKPOINT, 1, (2, run(0x63, 32)))
    log.lane(ADA_BODY, p.CHAT_CHECKPOINT, 1, (0, None))
    log.lane(ADA_BODY, p.CHAT_CHECKPOINT, 2, None)
    log.refuse_body("checkpoint of chat in the epoch before", CHECKPOINT, checkpoint_of_chat(1))
    log.add("checkpoint of chat", CHECKPOINT, checkpoint_of_chat(2))
    log.lane(ADA_BODY, p.STATE_CHECKPOINT, 1, (2, run(0x63, 32)))
    log.lane(ADA_BODY, p.STATE_CHECKPOINT, 3, (0, None))
    log.lane(GUS_BODY, CHAT, 2, None)
    log.lane(GUS_BODY, CHAT, 1, (0, None))
    log.add("close the share of those who were let in", CLOSE, PORCH_SHARE.id)
    log.judge("closed", FAY_BODY, GUS_BODY)
    log.lane(GUS_BODY, CHAT, 2, (0, None))


def checkpoint_of_chat(epoch: int) -> bytes:
    return u16(CHAT) + u32(epoch) + u32(1) + run(0x66, 32) + run(0x67, 32)


def ending(log: Log) -> None:
    log.refuse_body("own share again", SHARE, OWN_CERT)
    log.refuse_body("host of a closed share", HOST, BEN_CERT)
    log.refuse_body("end with a body", END, b"\0")
    log.add("end", END)
    log.refuse_body("after the end", SHARE, VIEW_CERT)
    log.refuse_body("unknown type after the end", 200, u8(0) + u64(0))
