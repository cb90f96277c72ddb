//! What documents promise: edits show at once, replicas agree, a bad lane hurts nobody else.

mod checkpoints;
mod cuts;
mod forge;
mod generations;
mod hostile;
mod merge;
mod mutants;

use super::chat::{Anchor, Draft, MessageKind};
use super::edit::EditError;
use super::gate::GateError;
use super::presence::{CursorAt, Holdings, Presence};
use super::state::{PaneInfo, PaneStatus, StateView};
use super::{DocKind, Document, Refusal};
use crate::proto::id::{AuthorId, Epoch, PaneId};
use crate::proto::time::Wall;
use bytes::Bytes;

const ADA: AuthorId = AuthorId([0xad; 16]);
const BEN: AuthorId = AuthorId([0xbe; 16]);
const EVE: AuthorId = AuthorId([0xee; 16]);

fn text(text: &str) -> Draft {
    Draft { text: text.into(), ..Draft::default() }
}

fn say(document: &mut Document, line: &str) -> Bytes {
    document.say(&text(line), Wall(7)).unwrap().unwrap()
}

fn lines(document: &Document) -> Vec<&str> {
    document.messages().iter().map(|message| message.text.as_str()).collect()
}

/// The session layer signs and sends what an edit returns; everything else rests on this round trip.
#[test]
fn an_edit_shows_at_once_and_at_every_replica_that_takes_its_payload() {
    let (mut ada, mut ben) = (Document::new(DocKind::State, ADA), Document::new(DocKind::State, BEN));
    let info = PaneInfo {
        title: "vim".into(),
        command: "vim notes.txt".into(),
        cols: 120,
        rows: 40,
        status: PaneStatus::Exited { code: -1 },
    };
    let payloads = [
        ada.set_title("review").unwrap(),
        ada.set_pane(PaneId(3), &info).unwrap(),
        ada.set_app("todo", "[1]").unwrap(),
        ada.edit_notes(0, 0, "héllo").unwrap(),
        ada.edit(|tx| tx.set_driver(PaneId(3), Some(BEN))).unwrap(),
    ];
    assert_eq!(ada.set_title("review"), Ok(None), "what is so already is no change");
    for payload in payloads {
        ben.handle_payload(ADA, payload.unwrap());
    }
    let applied = ben.flush();
    assert!(applied.changed && applied.refused.is_empty());
    assert_eq!((ben.state(), ben.heads()), (ada.state(), ada.heads()));
    let state = ben.state();
    assert_eq!((state.title.as_str(), state.notes.as_str()), ("review", "héllo"));
    assert_eq!((state.panes.get(&PaneId(3)), state.drivers.get(&PaneId(3))), (Some(&info), Some(&BEN)));
    let (again, ada_state) = (ben.edit(|tx| tx.remove_pane(PaneId(3))).unwrap(), ada.state());
    ada.handle_payload(BEN, again.unwrap());
    ada.flush();
    assert!(!ada_state.panes.is_empty() && ada.state().panes.is_empty() && ada.state().drivers.is_empty());
}

/// People refer to lines by (author, number) and expect the same order everywhere.
#[test]
fn chat_lines_come_in_one_order_with_their_numbers() {
    let (mut ada, mut ben) = (Document::new(DocKind::Chat, ADA), Document::new(DocKind::Chat, BEN));
    for n in 0..200 {
        let payload = say(&mut ada, &format!("a{n}"));
        ben.handle_payload(ADA, payload);
    }
    ben.flush();
    let anchor = Some(Anchor { pane: PaneId(1), offset: 1 << 40, row: 9 });
    let draft = Draft { kind: MessageKind::Reaction, text: "👍".into(), reply: Some((ADA, 130)), anchor };
    let payload = ben.say(&draft, Wall(u64::MAX)).unwrap().unwrap();
    ada.handle_payload(BEN, payload);
    ada.flush();
    assert_eq!(ada.messages(), ben.messages());
    let last = ada.messages().last().unwrap();
    assert_eq!((last.author, last.n, last.time, last.reply), (BEN, 0, Wall(u64::MAX), Some((ADA, 130))));
    assert_eq!((last.kind, last.anchor, last.text.as_str()), (MessageKind::Reaction, anchor, "👍"));
    let numbers: Vec<u64> = ada.messages().iter().filter(|m| m.author == ADA).map(|m| m.n).collect();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

#[test]
fn presence_round_trips() {
    let presence = Presence {
        name: "Ada".into(),
        colour: 3,
        focus: Some(PaneId(2)),
        cursor: Some(CursorAt { pane: PaneId(2), row: 1, col: 70 }),
        notes_cursor: Some("-12@00".into()),
        typing: true,
        leaving: true,
        log_head: Some((5, [9; 32])),
        holdings: Some(Holdings { epoch: Epoch(2), state: 3, chat: 70_000, held: [8; 16] }),
    };
    let plaintext = presence.encode(ADA);
    assert_eq!(Presence::decode(ADA, &plaintext), Ok(presence));
    assert_eq!(Presence::decode(BEN, &plaintext), Err(GateError::Author { claimed: ADA }));
    let nobody = Presence { name: "x".repeat(100), ..Presence::default() };
    assert_eq!(Presence::decode(ADA, &nobody.encode(ADA)).unwrap().name, "x".repeat(64));
}

/// A caller's mistake must cost an error, not the document or the lane.
#[test]
fn edits_out_of_bounds_leave_the_document_as_it_was() {
    let mut ada = Document::new(DocKind::State, ADA);
    ada.edit_notes(0, 0, "notes").unwrap();
    let (heads, state) = (ada.heads(), ada.state());
    assert_eq!(ada.edit_notes(3, 3, ""), Err(EditError::Position { position: 6, length: 5 }));
    assert_eq!(ada.edit_notes(usize::MAX, 1, "").unwrap_err(), EditError::Position { position: usize::MAX, length: 5 });
    assert_eq!(ada.edit_notes(0, 1, &"x".repeat(4_096)), Err(EditError::TooMany { ops: 4_097, ops_max: 4_096 }));
    assert!(matches!(ada.set_title(&"x".repeat(257)), Err(EditError::TooLong { bytes: 257, bytes_max: 256, .. })));
    assert!(matches!(ada.set_app("k", &"x".repeat(60_001)), Err(EditError::TooLong { .. })));
    assert!(matches!(ada.set_app("", "x"), Err(EditError::Refused(_) | EditError::Failed)));
    assert_eq!(ada.say(&text("hi"), Wall(0)), Err(EditError::Kind { found: DocKind::State }));
    let half_done = ada.edit(|tx| {
        tx.set_title("half")?;
        tx.edit_notes(9, 9, "")
    });
    assert!(half_done.is_err());
    // Two values that fit a change each, but not together.
    let both = ada.edit(|tx| {
        tx.set_app("a", Some(&"x".repeat(40_000)))?;
        tx.set_app("b", Some(&"x".repeat(40_000)))
    });
    assert!(matches!(both, Err(EditError::Refused(_))));
    assert_eq!((ada.heads(), ada.state()), (heads, state));
    let mut ben = Document::new(DocKind::State, BEN);
    ada.set_title("fine").unwrap();
    for (author, payload) in ada.log_for_test() {
        ben.handle_payload(author, payload);
    }
    assert_eq!((ben.flush().refused, ben.state()), (Vec::new(), ada.state()));
    let mut chat = Document::new(DocKind::Chat, ADA);
    assert_eq!(chat.set_title("x"), Err(EditError::Kind { found: DocKind::Chat }));
    assert!(matches!(chat.say(&text(&"x".repeat(4_097)), Wall(0)), Err(EditError::TooLong { .. })));
    assert_eq!((chat.len_changes(), chat.state()), (0, StateView::default()));
}

/// A caret shown to others must stay in its word while they type before it.
#[test]
fn a_place_in_the_notes_moves_with_the_text() {
    let (mut ada, mut ben) = (Document::new(DocKind::State, ADA), Document::new(DocKind::State, BEN));
    let payload = ada.edit_notes(0, 0, "day 1").unwrap().unwrap();
    ben.handle_payload(ADA, payload);
    ben.flush();
    let (place, end) = (ada.notes_cursor(4).unwrap(), ada.notes_cursor(5).unwrap());
    ben.edit_notes(0, 0, "préface ").unwrap();
    assert_eq!((ben.notes_position(&place), ben.notes_position(&end)), (Some(12), Some(13)));
    for hostile in ["", "é", "éé@00", "-", "@", "99@", "1@zz", "18446744073709551616@00", "3@ffff", "4294967296@00"]
    {
        assert_eq!(ben.notes_position(hostile), None, "{hostile}");
    }
}
