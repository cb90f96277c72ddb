//! The audit file, as another implementation writes it.

use super::fields::{Fields, bytes};
use super::vectors;
use cahoots::audit::{self, Audit, AuditEvent, Source, What};
use cahoots::proto::id::{AuthorId, Channel, Epoch, PaneId, ShareId};
use cahoots::proto::session::DriverPolicy;
use cahoots::proto::terminal::Deed;
use cahoots::proto::time::Wall;
use serde_json::Value;

/// A file is read years later, by another build: it must still tell who did what.
#[test]
fn file_tells_what_its_writer_put_in() {
    let file = vectors!("audit");
    let audit = audit::read(&file.bytes("whole")).expect("the file holds");
    assert_eq!(audit.session.as_bytes(), &file.array("session_id"));
    assert_eq!(audit.made, Wall(file.number("made")));
    assert_eq!(audit.writer.name, None);
    assert!(audit.has_contents);
    let members: Vec<Vec<u8>> = audit.members.iter().map(|person| person.author.as_bytes().to_vec()).collect();
    assert_eq!(members, file.list("members").iter().map(bytes).collect::<Vec<_>>());
    assert!(of(&audit, Source::Owner).any(|event| event.what == What::Began));
    assert!(
        of(&audit, Source::Owner)
            .any(|event| matches!(&event.what, What::LinkClosed { cut_off, .. } if cut_off.len() == 1))
    );
}

/// Whose word is whose, and what it was, must not depend on who reads it.
#[test]
fn journal_is_told_record_by_record() {
    let file = vectors!("audit");
    let audit = audit::read(&file.bytes("whole")).expect("the file holds");
    let told: Vec<_> = of(&audit, Source::Host).collect();
    assert_eq!(told.len(), file.list("journal").len());
    for (event, case) in told.into_iter().zip(file.list("journal")) {
        assert_eq!(event.what, noted(case, &audit), "{case}");
        assert_eq!(event.who.as_ref().map(|who| who.author), maybe_author(case), "{case}");
        if let Some(name) = case.maybe("name") {
            assert_eq!(event.who.as_ref().and_then(|who| who.name.as_deref()), name.as_str());
        }
    }
}

/// Chat opens to whoever has the file, for the keys in it, and nothing else does.
#[test]
fn contents_open_with_the_keys_of_the_file() {
    let file = vectors!("audit");
    let texts: Vec<&str> = file.list("texts").iter().filter_map(Value::as_str).collect();
    let audit = audit::read(&file.bytes("whole")).expect("the file holds");
    assert_eq!(said(&audit), texts);
    for case in file.list("lanes") {
        let channel = Channel::parse(case.number("channel")).expect("the channel exists");
        let author = AuthorId(case.array("author_id"));
        let epoch = Epoch(case.small("epoch"));
        let edits = audit
            .edits
            .iter()
            .find(|edits| (edits.document, edits.who.author, edits.epoch) == (channel, author, epoch));
        match channel {
            // What the host vouches for is no edit of its own.
            Channel::CHAT_CHECKPOINT => assert_eq!(edits, None),
            _ => assert_eq!(edits.map(|edits| edits.changes), Some(case.number("entries")), "{case}"),
        }
    }
    // Cleo's one entry is there without its key, and the owner counted two.
    let lacking = audit.edits.iter().find(|edits| edits.unreadable == 1).expect("an entry without a key");
    assert_eq!((lacking.changes, lacking.missing), (1, 1));

    let sealed = audit::read(&file.bytes("with_a_key_that_opens_nothing")).expect("the signatures hold all the same");
    assert!(said(&sealed).is_empty());
}

/// A member has no journal, and its file holds all the same.
#[test]
fn guest_writes_a_file_as_well() {
    let audit = audit::read(&vectors!("audit").bytes("by_a_guest")).expect("the file holds");
    assert!(!audit.has_contents && of(&audit, Source::Host).next().is_none());
}

/// What may be shown changes with the version of Unicode; what a file proves does not.
#[test]
fn name_that_cannot_be_shown_is_no_reason_to_refuse_a_file() {
    let audit = audit::read(&vectors!("audit").bytes("with_a_name_that_cannot_be_shown")).expect("the file holds");
    let shown: Vec<&str> = audit.members.iter().filter_map(|person| person.name.as_deref()).collect();
    assert_eq!(shown, ["two lines"]);
}

/// What convinces one reader must convince the other, and a doctored file neither.
#[test]
fn broken_files_are_refused() {
    let file = vectors!("audit");
    let whole = file.bytes("whole");
    for case in file.list("refused") {
        let same = case.small::<usize>("same");
        let broken = [&whole[..same], &case.bytes("rest")].concat();
        audit::read(&broken).map(drop).expect_err(case.text("why"));
    }
}

fn of(audit: &Audit, source: Source) -> impl Iterator<Item = &AuditEvent> {
    audit.events.iter().filter(move |event| event.source == source)
}

fn said(audit: &Audit) -> Vec<&str> {
    let said = of(audit, Source::Member).filter_map(|event| match &event.what {
        What::Said { text, .. } => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

fn maybe_author(case: &Value) -> Option<AuthorId> {
    case.maybe("author_id").map(|_| AuthorId(case.array("author_id")))
}

/// PROTOCOL.md 19, spelled out so that a reordered enum shows.
fn noted(case: &Value, audit: &Audit) -> What {
    let pane = || PaneId(case.small("pane"));
    match case.number("type") {
        1 => What::Joined,
        2 => What::Left,
        3 => What::Knocked,
        4 => What::TurnedAway,
        5 => What::PolicySet { pane: pane(), policy: policy(case) },
        6 if maybe_author(case).is_some() => What::TookTheWheel { pane: pane() },
        6 => What::WheelFree { pane: pane() },
        7 => What::Drove {
            pane: pane(),
            until: Wall(case.number("last")),
            bytes: case.number("bytes"),
            first_entry: case.number("first_seq"),
            last_entry: case.number("last_seq"),
        },
        8 => What::JournalFull,
        _ => {
            let (link, other) = (case.maybe("share_id").map(|_| ShareId(case.array("share_id"))), other(case));
            let deed = match (case.number("command"), link, other) {
                (1, Some(link), None) => Deed::MadeLink(link),
                (2, Some(link), None) => Deed::Revoked(link),
                (3, None, Some(other)) => Deed::Kicked(other),
                (4, None, Some(other)) => Deed::LetIn(other),
                (5, None, Some(other)) => Deed::TurnedAway(other),
                (6, None, None) => Deed::RevokedAll,
                unknown => panic!("{unknown:?}"),
            };
            let find = |author| audit.members.iter().find(|person| person.author == author).cloned();
            What::Commanded { deed, link, member: other.and_then(find) }
        }
    }
}

fn other(case: &Value) -> Option<AuthorId> {
    case.maybe("other_id").map(|_| AuthorId(case.array("other_id")))
}

fn policy(case: &Value) -> DriverPolicy {
    match case.number("policy") {
        0 => DriverPolicy::Everybody,
        1 => DriverPolicy::One { lapse_ms: case.number("lapse") },
        _ => DriverPolicy::ApproveLines,
    }
}
