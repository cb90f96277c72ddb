//! Documents: their genesis, chat and presence, down to the bytes of the change.

use super::fields::Fields;
use super::vectors;
use cahoots::proto::doc::{Anchor, CursorAt, DocKind, Document, Draft, Holdings, Message, MessageKind, Presence};
use cahoots::proto::id::{AuthorId, Epoch, PaneId};
use cahoots::proto::time::Wall;
use cahoots::proto::verify::derive16;
use serde_json::Value;

const READER: AuthorId = AuthorId([9; 16]);

/// The genesis change is never sent: replicas that start from two different ones never agree on anything.
#[test]
fn documents_start_from_the_same_change() {
    for (file, kind) in [(vectors!("state"), DocKind::State), (vectors!("chat"), DocKind::Chat)] {
        let document = Document::new(kind, READER);
        assert_eq!(document.heads(), [file.field("genesis").array("hash")]);
        let saved = document.save().expect("a new document can be saved");
        let loaded = automerge::Automerge::load(&saved).expect("Automerge reads its own format");
        let changes = loaded.get_changes(&[]);
        let [genesis] = &changes[..] else { panic!("one change") };
        assert_eq!(genesis.raw_bytes(), file.field("genesis").bytes("chunk"));
    }
}

/// What one build says, every other shows, from the packed message to the change around it.
#[test]
fn chat_lines_have_their_bytes() {
    let file = vectors!("chat");
    let author = AuthorId(file.array("author_id"));
    let (mut writer, mut reader) = (Document::new(DocKind::Chat, author), Document::new(DocKind::Chat, READER));
    for (n, case) in (0..).zip(file.list("valid")) {
        let draft = draft(case);
        let time = Wall(case.number("time"));
        let name = case.maybe("name").and_then(Value::as_str);
        let said = writer.say_as(&draft, name, time).expect("the message is fine").expect("something was said");
        assert_eq!(said, case.bytes("payload"), "{case}");
        assert_eq!(writer.heads(), [case.array("hash")]);

        reader.handle_payload(author, said);
        assert!(reader.flush().changed);
        assert_eq!(writer.messages().last(), reader.messages().last());
        let Some(Message { author: by, n: number, kind, time: at, text, reply, anchor, name: told, .. }) =
            reader.messages().last().cloned()
        else {
            panic!("a message: {case}");
        };
        assert_eq!((by, number, at, told.as_deref()), (author, n, time, name));
        assert_eq!(Draft { kind, text, reply, anchor }, draft);
    }
}

/// A message that one build shows and another hides would split a conversation.
#[test]
fn malformed_chat_lines_are_refused() {
    let file = vectors!("chat");
    let author = AuthorId(file.array("author_id"));
    for case in file.list("refused") {
        let mut reader = Document::new(DocKind::Chat, READER);
        reader.handle_payload(author, case.bytes("payload").into());
        let applied = reader.flush();
        assert!(!applied.changed && applied.refused.len() == 1, "{}", case.text("why"));
        assert!(reader.is_muted(author) && reader.messages().is_empty(), "{}", case.text("why"));
    }
}

/// Presence comes fifteen times a second from strangers' programs.
#[test]
fn presence_has_its_bytes() {
    let file = vectors!("presence");
    let author = AuthorId(file.array("author_id"));
    for case in file.list("valid") {
        let presence = presence(case);
        assert_eq!(presence.encode(author), case.bytes("chunk"), "{case}");
        assert_eq!(Presence::decode(author, &case.bytes("chunk")), Ok(presence), "{case}");
        Presence::decode(READER, &case.bytes("chunk")).map(drop).expect_err("another's presence");
    }
    for case in file.list("refused") {
        Presence::decode(author, &case.bytes("chunk")).map(drop).expect_err(case.text("why"));
    }
}

/// Two members who hold the same and hash it differently would accuse their relay.
#[test]
fn holdings_are_hashed_lane_by_lane() {
    for case in vectors!("presence").list("held") {
        let part = |lane: &Value| {
            let channel: u16 = lane.small("channel");
            let (author, digest) = (lane.array::<16>("author_id"), lane.array::<32>("digest"));
            let next = lane.number("next").to_le_bytes();
            [&channel.to_le_bytes()[..], &author, &next, &digest].concat()
        };
        let mut lanes: Vec<&Value> = case.list("lanes").iter().collect();
        lanes.sort_by_key(|lane| (lane.number("channel"), lane.bytes("author_id")));
        let parts: Vec<Vec<u8>> = lanes.into_iter().map(part).collect();
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        assert_eq!(derive16("held", &parts), case.array("held"), "{case}");
    }
}

fn draft(case: &Value) -> Draft {
    Draft {
        kind: if case.number("kind") == 1 { MessageKind::Text } else { MessageKind::Reaction },
        text: case.text("text").to_owned(),
        reply: case.maybe("reply").map(|to| (AuthorId(to.array("author_id")), to.number("n"))),
        anchor: case.maybe("anchor").map(|at| Anchor {
            pane: PaneId(at.small("pane")),
            offset: at.number("offset"),
            row: at.small("row"),
        }),
    }
}

fn presence(case: &Value) -> Presence {
    Presence {
        name: case.text("name").to_owned(),
        colour: case.small("colour"),
        focus: case.maybe("focus").map(|_| PaneId(case.small("focus"))),
        cursor: case.maybe("cursor").map(|at| CursorAt {
            pane: PaneId(at.small("pane")),
            row: at.small("row"),
            col: at.small("column"),
        }),
        notes_cursor: case.maybe("notes_cursor").map(|_| case.text("notes_cursor").to_owned()),
        typing: case.holds("typing"),
        leaving: case.holds("leaving"),
        log_head: case.maybe("log_head").map(|head| (head.number("next"), head.array("digest"))),
        holdings: case.maybe("holdings").map(|held| Holdings {
            epoch: Epoch(held.small("epoch")),
            state: held.small("state"),
            chat: held.small("chat"),
            held: held.array("held"),
        }),
    }
}
