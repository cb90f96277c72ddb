"""Vectors of section 12.2: the base with which a document begins anew."""

import changes
import protocol as p
from cast import ADA_ID, BEN_ID, CLEO_ID, START
from changes import GENESIS_ACTOR, LIST, MAP, SET, STR, Op
from checkpoints import TEXTS, Talk, chat_talk, state_talk

# The name of an operation or object: its counter and its author.
Name = tuple[int, bytes]
CHANGE_BYTES, OP_BYTES = 60_000, 24


class Base:
    """Writes operations one after the other, and takes them apart into changes."""

    def __init__(self, genesis: bytes, genesis_ops: int) -> None:
        self.before, self.next_op = genesis, genesis_ops + 1
        self.author, self.ops, self.size = b"", [], 0
        self.last: dict[bytes, tuple[int, bytes]] = {}
        self.said: list[tuple[bytes, bytes, bytes]] = []

    def write(
        self, author: bytes, action: int, key: str | None, object: Name | None, after: Name | None = None, value=None
    ) -> Name:
        size = OP_BYTES + len((key or "").encode()) + (len(value[1]) if value else 0)
        if author != self.author or self.size + size > CHANGE_BYTES:
            self.end_change()
        self.author, self.size = author, self.size + size
        self.ops.append(Op(action, key, self._own(object), self._own(after), value))
        return (self.next_op + len(self.ops) - 1, author)

    def _own(self, name: Name | None):
        return name[0] if name and name[1] == self.author else name

    def end_change(self) -> None:
        if self.ops:
            seq, own = self.last.get(self.author, (0, self.before))
            deps = list(dict.fromkeys([self.before, own]))
            chunk, digest = changes.change(self.author, seq + 1, self.next_op, deps, self.ops)
            self.said.append((self.author, chunk, digest))
            self.last[self.author], self.before = (seq + 1, digest), digest
            self.next_op += len(self.ops)
        self.ops, self.size = [], 0


def state_base(kept: Talk, content: dict) -> Talk:
    """`content` of each genesis object, and of the root: its values and who wrote them, as people see them."""
    base = Base(kept.genesis, 4)
    objects = {"panes": 1, "notes": 2, "app": 3, "drivers": 4}

    def write_map(values: dict, object: Name | None) -> None:
        for key in sorted(values, key=str.encode):
            value, author = values[key]
            if isinstance(value, dict):
                write_map(value, base.write(author, MAP, key, object))
            else:
                base.write(author, SET, key, object, value=(STR, value.encode()))

    for key in sorted(content.keys() | objects.keys(), key=str.encode):
        object = (objects[key], GENESIS_ACTOR) if key in objects else None
        if key == "notes":
            last = None
            for letter, author in content.get(key, []):
                last = base.write(author, SET, None, object, last, (STR, letter.encode()))
        elif object:
            write_map(content.get(key, {}), object)
        else:
            write_map({key: content[key]}, None)
    base.end_change()
    return Talk(kept.kind, kept.channel, kept.genesis, base.said)


def chat_base(kept: Talk, messages: list[tuple[bytes, int, bytes]], lines: int) -> Talk:
    """`messages`: author, number and bytes, in the order in which people see them."""
    base = Base(kept.genesis, 1)
    pages: dict[bytes, int] = {}
    for author, n, _ in messages[len(messages) - lines :]:
        pages[author] = min(n // 128, pages.get(author, n))
    for author in sorted({author for author, _, _ in messages}):
        if author not in pages:
            above = 1 + max(n // 128 for other, n, _ in messages if other == author)
            base.write(author, LIST, f"{author.hex()}/{above}", None)
    open_pages: dict[bytes, list] = {}
    for author, n, message in messages:
        page = n // 128
        if author not in pages or page < pages[author]:
            continue
        if open_pages.get(author, [None])[0] != page:
            open_pages[author] = [page, base.write(author, LIST, f"{author.hex()}/{page}", None), None]
        _, object, last = open_pages[author]
        open_pages[author][2] = base.write(author, SET, None, object, last, (changes.BYTES, message))
    base.end_change()
    return Talk(kept.kind, kept.channel, kept.genesis, base.said)


def busy_state() -> tuple[Talk, dict]:
    """Two name the session at one time, with operations of one counter; a terminal is opened; the notes are long."""
    _, root = changes.state_genesis()
    panes, notes, app, drivers = ((n, GENESIS_ACTOR) for n in (1, 2, 3, 4))
    pane = {"title": "shell", "command": "sh", "size": "80x24"}

    def put(key: str, value: str, object=None) -> Op:
        return Op(SET, key=key, object=object, value=(STR, value.encode()))

    fields = [put(key, value, 5) for key, value in pane.items()]
    opened = [Op(MAP, key="7", object=panes), *fields, put("title", "ours")]
    of_ada = [(ADA_ID, *changes.change(ADA_ID, 1, 5, [root], opened))]
    of_ben = [put("é", "1", app), put("z", "2", app), put("a", "3", app), put("b", "4", app), put("title", "mine")]
    of_ben = [(BEN_ID, *changes.change(BEN_ID, 1, 5, [root], of_ben))]
    of_cleo = [put("7", BEN_ID.hex(), drivers), Op(SET, object=notes, value=(STR, b"n"))]
    first = changes.change(CLEO_ID, 1, 10, [of_ada[0][2]], of_cleo)
    rest = [Op(SET, object=notes, after=11 + n, value=(STR, b"n")) for n in range(2_499)]
    second = changes.change(CLEO_ID, 2, 12, [first[1]], rest)
    content = {
        "panes": {"7": ({key: (value, ADA_ID) for key, value in pane.items()}, ADA_ID)},
        "notes": [("n", CLEO_ID)] * 2_500,
        "app": {key: (value, BEN_ID) for key, value in (("é", "1"), ("z", "2"), ("a", "3"), ("b", "4"))},
        "drivers": {"7": (BEN_ID.hex(), CLEO_ID)},
        "title": ("mine", max(ADA_ID, BEN_ID)) if BEN_ID > ADA_ID else ("ours", ADA_ID),
    }
    genesis = changes.state_genesis()[1]
    return Talk("state", p.STATE, genesis, [*of_ada, *of_ben, (CLEO_ID, *first), (CLEO_ID, *second)]), content


def long_chat() -> tuple[Talk, list[tuple[bytes, int, bytes]]]:
    """One who said more than fits on a page, and one who said little, long ago."""
    genesis = changes.chat_genesis()[1]
    said = [p.chat_message(1, START + n, str(n)) for n in range(130)]
    page_key = [f"{BEN_ID.hex()}/{page}" for page in (0, 1)]
    messages = [Op(SET, object=2, value=(changes.BYTES, said[0]))]
    messages += [Op(SET, object=2, after=2 + n, value=(changes.BYTES, said[n])) for n in range(1, 128)]
    first = changes.change(BEN_ID, 1, 2, [genesis], [Op(LIST, key=page_key[0]), *messages])
    more = [Op(SET, object=131, value=(changes.BYTES, said[128]))]
    more += [Op(SET, object=131, after=132, value=(changes.BYTES, said[129]))]
    second = changes.change(BEN_ID, 2, 131, [first[1]], [Op(LIST, key=page_key[1]), *more])
    once = p.chat_message(1, START, "long ago")
    of_ada = changes.chat_lines(ADA_ID, [once])[0]
    talk = Talk("chat", p.CHAT, genesis, [(ADA_ID, *of_ada), (BEN_ID, *first), (BEN_ID, *second)])
    # Ada's one message has the counter of Ben's first.
    shown = [(BEN_ID, n, raw) for n, raw in enumerate(said)]
    shown.insert(0 if ADA_ID < BEN_ID else 1, (ADA_ID, 0, once))
    return talk, shown


def generations() -> dict:
    state, chat = state_talk(), chat_talk()
    content = {
        "notes": [("h", ADA_ID), ("ü", ADA_ID), ("!", BEN_ID)],
        "app": {"build": ('"ok"', BEN_ID)},
        "title": ("repair", ADA_ID),
    }
    order = sorted([(3, BEN_ID, 0), (3, ADA_ID, 0), (4, BEN_ID, 1), (5, BEN_ID, 2)])
    texts = {(BEN_ID, n): text for n, text in enumerate(TEXTS)} | {(ADA_ID, 0): "and hello"}
    times = {(ADA_ID, 0): START + 1}
    shown = [
        (author, n, p.chat_message(1, times.get((author, n), START + n), texts[author, n])) for _, author, n in order
    ]
    empty = [Talk("state", p.STATE, state.genesis, []), Talk("chat", p.CHAT, chat.genesis, [])]
    busy, busy_content = busy_state()
    long, long_shown = long_chat()
    cases = [
        ("nothing in the state", empty[0], 0, state_base(empty[0], {})),
        ("nothing in the chat", empty[1], 10, chat_base(empty[1], [], 0)),
        ("notes by two", state, 0, state_base(state, content)),
        ("a long text, a conflict, an object", busy, 0, state_base(busy, busy_content)),
        ("all of a chat", chat, 4, chat_base(chat, shown, 4)),
        ("the newest message, and its page", chat, 1, chat_base(chat, shown, 1)),
        ("no message", chat, 0, chat_base(chat, shown, 0)),
        ("the second page alone", long, 2, chat_base(long, long_shown, 2)),
        ("both pages", long, 3, chat_base(long, long_shown, 3)),
    ]
    return {"cases": [dump(*case) for case in cases]}


def dump(name: str, kept: Talk, lines: int, base: Talk) -> dict:
    heads = base.heads() or [base.genesis]
    return {
        "name": name,
        "kind": kept.kind,
        "changes": [{"author_id": author, "payload": chunk, "hash": digest} for author, chunk, digest in kept.said],
        "lines": lines,
        "base": base.packed(),
        "heads_digest": p.document_heads(heads),
    }
