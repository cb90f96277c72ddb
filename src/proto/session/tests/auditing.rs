//! The audit of a session: what the file tells, and that nobody can make it tell something else.

use super::*;
use crate::proto::audit::{self, Audit, AuditError, Contents, JournalError, LaneError, LaneOf, Source, What, Writer};
use crate::proto::id::Epoch;
use crate::proto::lane::verify::EntryError;
use crate::proto::limits::JOURNAL_BYTES_MAX;
use crate::proto::seal::pad_durable;
use crate::proto::wire::WireEntry;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A session in which Ben came by a link, drove, spoke and was cut off.
fn session() -> (Wire, usize, Token) {
    let mut wire = Wire::new();
    wire.host().present(|presence| presence.name = "ada".into());
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.peers[ben].present(|presence| presence.name = "ben".into());
    let now = wire.now;
    wire.host().set_driver_policy(pane, DriverPolicy::ONE, now).unwrap();
    pass(&mut wire, 100_000);
    wire.peers[ben].ask_to_drive(pane, now).unwrap();
    pass(&mut wire, 100_000);
    for text in ["make", " test\r"] {
        wire.peers[ben].type_bytes(pane, text.as_bytes()).unwrap();
        pass(&mut wire, 1_000_000);
    }
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("it is\x1b[2J green"), now).unwrap();
    pass(&mut wire, 100_000);
    (wire, ben, token)
}

/// Lets time pass for a host whose program listens: what it is told is noted then.
fn pass(wire: &mut Wire, us: u64) {
    wire.pass(us);
    wire.events(0);
}

fn export(wire: &mut Wire, index: usize, contents: Contents) -> Vec<u8> {
    let now = wire.now;
    wire.peers[index].export_audit(contents, now).unwrap()
}

fn told(audit: &Audit, name: &str) -> Vec<What> {
    let by_name = |who: &audit::Person| who.name.as_deref() == Some(name);
    let events = audit.events.iter().filter(|event| event.who.as_ref().is_some_and(by_name));
    events.map(|event| event.what.clone()).collect()
}

/// After an accident people ask who typed that, and by which link that person came.
#[test]
fn audit_tells_who_did_what_by_which_link() {
    let (mut wire, ben, token) = session();
    let share = token.secret().unwrap().share_id();
    let (author, now) = (wire.peers[ben].me().unwrap(), wire.now);
    wire.peers[ben].leave(now);
    pass(&mut wire, 100_000);
    let audit = audit::read(&export(&mut wire, 0, Contents::Included)).unwrap();
    let deeds = told(&audit, "ben");
    let kinds: Vec<_> = deeds.iter().map(ToString::to_string).collect();
    let starts = ["joined", "drives terminal 0", "typed 10 bytes into terminal 0", "said: it is", "left"];
    assert_eq!(kinds.len(), starts.len(), "{kinds:?}");
    assert!(kinds.iter().zip(starts).all(|(kind, start)| kind.starts_with(start)), "{kinds:?}");
    assert!(kinds[3].ends_with("green") && !kinds[3].contains('\x1b'), "{kinds:?}");
    let person = audit.members.iter().find(|person| person.author == author).unwrap();
    assert_eq!((person.share, person.rights), (share, Rights::INTERACT));
    let said = audit.events.iter().find(|event| matches!(event.what, What::Said { .. })).unwrap();
    assert_eq!(said.source, Source::Member, "by its own signature");
    assert!(audit.events.is_sorted_by_key(|event| event.time));
    assert_eq!(
        audit.edits.iter().filter(|edits| edits.who.author == author).map(|edits| edits.changes).sum::<u64>(),
        1
    );
    let json = serde_json::to_value(&audit).unwrap();
    assert!(json["events"].as_array().unwrap().iter().any(|event| event["what"] == "drove" && event["bytes"] == 10));
    assert!(json.to_string().contains(&share.to_string()));
}

/// Who was thrown out with a link is told from the owner's record alone.
#[test]
fn audit_tells_whom_a_closed_link_cut_off() {
    let (mut wire, ben, token) = session();
    let share = token.secret().unwrap().share_id();
    let (author, now) = (wire.peers[ben].me().unwrap(), wire.now);
    wire.host().revoke(share, now).unwrap();
    pass(&mut wire, 100_000);
    let audit = audit::read(&export(&mut wire, 0, Contents::LeftOut)).unwrap();
    let person = audit.members.iter().find(|person| person.author == author).unwrap().clone();
    let closed = What::LinkClosed { link: share, cut_off: vec![person], stay: 0 };
    assert!(audit.events.iter().any(|event| event.what == closed && event.source == Source::Owner));
    assert!(told(&audit, "ben").contains(&What::Left));
}

/// A link that was passed on, and a door that somebody stood at: the audit has the way that everybody came.
#[test]
fn audit_tells_the_way_of_everybody() {
    let mut wire = Wire::new();
    let terms = ShareTerms { lasts_ms: HOUR_MS, may_pass_on: true, ..ShareTerms::new(Access::Interact) };
    let token = wire.share_by(&terms);
    let ben = wire.join(&token);
    let now = wire.now;
    let below = wire.peers[ben].pass_on(&ShareTerms::new(Access::View), now).unwrap();
    wire.settle();
    let cat = wire.join(&below);
    pass(&mut wire, 100_000);
    let door = wire.share_by(&ShareTerms { lasts_ms: HOUR_MS, approve: true, ..ShareTerms::new(Access::View) });
    let eve = wire.join(&door);
    pass(&mut wire, 6_000_000);
    let (now, cat, eve) = (wire.now, wire.id(cat), wire.id(eve));
    wire.host().turn_away(eve, now).unwrap();
    let audit = audit::read(&export(&mut wire, 0, Contents::Included)).unwrap();
    let share = |token: &Token| token.secret().unwrap().share_id();
    let person = |author| audit.members.iter().find(|person| person.author == author).unwrap();
    assert_eq!((person(cat).share, &person(cat).below), (share(&below), &vec![share(&token)]));
    let told = |author, what| {
        audit.events.iter().any(|event| event.who.as_ref() == Some(person(author)) && event.what == what)
    };
    assert!(told(cat, What::Joined) && told(eve, What::Knocked) && told(eve, What::TurnedAway));
    assert!(!told(eve, What::Joined));
}

/// A new key makes peers forget the entries before it: the host keeps what proves who wrote them.
#[test]
fn words_stay_signed_across_new_keys() {
    let (mut wire, ben, _) = session();
    let author = wire.peers[ben].me().unwrap();
    for round in 0..3 {
        let now = wire.now;
        wire.peers[ben].say(&Draft::from(format!("round {round}").as_str()), now).unwrap();
        pass(&mut wire, 100_000);
        let now = wire.now;
        wire.host().rekey(now).unwrap();
        for _ in 0..10 {
            pass(&mut wire, 10_000_000);
        }
    }
    assert_eq!(wire.host().epochs.len(), 1, "the old secrets are gone");
    let audit = audit::read(&export(&mut wire, 0, Contents::Included)).unwrap();
    let said = audit.events.iter().filter(|event| matches!(event.what, What::Said { .. }));
    let sources: Vec<_> = said.map(|event| event.source).collect();
    assert_eq!(sources, [Source::Member; 4]);
    assert!(audit.edits.iter().all(|edits| (edits.unreadable, edits.missing) == (0, 0)), "{:?}", audit.edits);
    assert_eq!(
        audit.edits.iter().filter(|edits| edits.who.author == author).map(|edits| edits.changes).sum::<u64>(),
        4
    );

    let ben_file = audit::read(&export(&mut wire, ben, Contents::Included)).unwrap();
    assert!(ben_file.events.iter().any(|event| matches!(event.what, What::EpochBegan { epoch: Epoch(3) })));
}

/// Without contents the file tells no word of the chat, and holds no key to it.
#[test]
fn file_without_contents_holds_none() {
    let (mut wire, _, _) = session();
    let file = export(&mut wire, 0, Contents::LeftOut);

    let audit = audit::read(&file).unwrap();
    assert!(!audit.has_contents && audit.edits.is_empty());
    assert!(told(&audit, "ben").iter().all(|what| !matches!(what, What::Said { .. })));
    assert!(told(&audit, "ben").iter().any(|what| matches!(what, What::Drove { bytes: 10, .. })));
}

/// A guest has no journal, but can prove what was said and by whom.
#[test]
fn guest_exports_what_it_holds() {
    let (mut wire, ben, _) = session();
    let now = wire.now;
    assert_eq!(
        Peer::guest(wire.share(Access::View).secret().unwrap(), [9; 32]).export_audit(Contents::Included, now),
        None
    );
    let audit = audit::read(&export(&mut wire, ben, Contents::Included)).unwrap();
    assert_eq!(Some(audit.writer.author), wire.peers[ben].me());
    assert!(audit.events.iter().any(|event| matches!(&event.what, What::Said { text, .. } if text.ends_with("green"))));
    assert!(audit.events.iter().all(|event| event.source != Source::Host));
}

/// A file is evidence only if no byte of it can be changed unnoticed.
#[test]
fn every_changed_byte_is_found() {
    let (mut wire, _, _) = session();
    let file = export(&mut wire, 0, Contents::Included);
    assert!(audit::read(&file).is_ok());
    for at in 0..file.len() {
        let mut other = file.clone();
        other[at] ^= 1 << (at % 8);
        assert!(audit::read(&other).is_err(), "byte {at} of {}", file.len());
    }
}

/// A disk that was full leaves half a file: that is no forgery, and is said so.
#[test]
fn truncation_is_named() {
    let (mut wire, _, _) = session();
    let file = export(&mut wire, 0, Contents::Included);
    for length in 0..file.len() {
        let error = audit::read(&file[..length]).unwrap_err();
        assert!(matches!(error, AuditError::Truncated { .. }), "{length} bytes: {error}");
    }
    let longer = [&file[..], b"x"].concat();
    assert!(matches!(audit::read(&longer), Err(AuditError::Malformed(_))));
}

/// The parts of the host's file, to be put together otherwise by a host that cheats.
fn with_parts<'a>(wire: &'a mut Wire, cheat: impl FnOnce(&mut Writer<'a>)) -> Result<Audit, AuditError> {
    export(wire, 0, Contents::Included);
    let (now, host) = (wire.now, &wire.peers[0]);
    let members: BTreeMap<_, _> = host.roster.all().map(|member| (member.author(), member)).collect();
    let mut writer = Writer {
        session: host.session,
        made: now.wall,
        log: host.log.records(),
        members: members.values().map(|member| member.chain()).collect(),
        journal: host.hosting.as_ref().unwrap().journal.records(),
        lanes: host.lanes_for_audit(&members),
    };
    cheat(&mut writer);
    audit::read(&writer.write(host.me().unwrap(), &host.keys))
}

fn lane_of<'a, 'b>(writer: &'b mut Writer<'a>, channel: Channel, host: AuthorId) -> &'b mut LaneOf<'a> {
    writer.lanes.iter_mut().find(|of| of.lane.channel == channel && of.lane.author != host).unwrap()
}

/// Whoever writes the file holds the pen: it can leave things out at the end, and can invent nothing.
#[test]
fn writer_cannot_invent_or_leave_out_in_the_middle() {
    let (mut wire, ben, _) = session();
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("second"), now).unwrap();
    wire.pass(100_000);
    let host = wire.host().me().unwrap();
    assert!(with_parts(&mut wire, |_| {}).is_ok());

    let thinned: Vec<_> = {
        export(&mut wire, 0, Contents::LeftOut);
        let records = wire.peers[0].hosting.as_ref().unwrap().journal.records();
        records.iter().enumerate().filter(|(n, _)| *n != 1).map(|(_, record)| record.clone()).collect()
    };
    let journal = with_parts(&mut wire, |writer| writer.journal = &thinned);
    assert!(matches!(journal, Err(AuditError::Journal { seq: 1, reason: JournalError::Place })), "{journal:?}");

    let lane = with_parts(&mut wire, |writer| {
        lane_of(writer, Channel::CHAT, host).entries.remove(0);
    });
    let gap =
        |error: &AuditError| matches!(error, AuditError::Lane { reason: LaneError::Entry(EntryError::Gap { .. }), .. });
    assert!(lane.as_ref().err().is_some_and(gap), "{lane:?}");

    let lane = with_parts(&mut wire, |writer| writer.lanes.reverse());
    assert!(matches!(lane, Err(AuditError::Lane { reason: LaneError::Order, .. })), "{lane:?}");
    let nobody = with_parts(&mut wire, |writer| writer.members.clear());
    assert!(matches!(nobody, Err(AuditError::Journal { reason: JournalError::Host(_), .. })), "{nobody:?}");
    let log = with_parts(&mut wire, |writer| writer.log = &writer.log[..1]);
    assert!(matches!(log, Err(AuditError::Member { .. })), "{log:?}");
    let key = with_parts(&mut wire, |writer| {
        lane_of(writer, Channel::CHAT, host).key = Some(Secret32::from_bytes([7; 32]));
    });
    let unreadable: u64 = key.unwrap().edits.iter().map(|edits| edits.unreadable).sum();
    assert_eq!(unreadable, 2, "another key opens nothing, so it can make nobody say something else");
}

/// The host holds every key but Ben's: it cannot put a word into his mouth, nor a key under his fingers.
#[test]
fn host_cannot_speak_or_type_for_a_guest() {
    let (mut wire, ben, _) = session();
    let author = wire.peers[ben].me().unwrap();
    let host_keys = wire.peers[0].keys.clone();
    let lane = LaneId { channel: Channel::CHAT, author, epoch: Epoch(0) };
    let secret = wire.peers[0].epochs.get(Epoch(0)).unwrap().clone();
    let forged = LaneWriter::new(wire.peers[0].session, lane, &secret).seal(1, &host_keys, &pad_durable(b"I did it"));
    let host = wire.host().me().unwrap();
    let said = with_parts(&mut wire, |writer| lane_of(writer, Channel::CHAT, host).entries = vec![&forged]);
    let is_signature = |error: &AuditError| {
        matches!(error, AuditError::Lane { reason: LaneError::Entry(EntryError::Signature { .. }), .. })
    };
    assert!(said.as_ref().err().is_some_and(is_signature), "{said:?}");

    let entry = WireEntry::encode(
        3,
        LaneId { channel: Channel::TO_HOST, author, epoch: Epoch(0) },
        99,
        &[0; 40],
        &host_keys.sign(&[0; 32]),
    );
    let (session, now, me) = (wire.peers[0].session, wire.now, wire.peers[0].me().unwrap());
    let forge = |receipt: audit::Receipt, from: u64| {
        let drove = audit::Drove { pane: PaneId(0), first: now.wall, last: now.wall, bytes: 5, from, receipt };
        let mut journal = audit::Journal::default();
        journal.write(&session, &host_keys, me, &audit::Note::Drove(drove), now.wall);
        journal
    };
    let invented = forge(audit::Receipt::of(&session, &entry), 1);
    let typed = with_parts(&mut wire, |writer| writer.journal = invented.records());
    assert_eq!(typed, Err(AuditError::Journal { seq: 0, reason: JournalError::Receipt(author) }));
}

/// A day of comings and goings must not fill the host's memory; and a reader must know that notes are missing.
#[test]
fn full_journal_says_so_and_stays_small() {
    let (mut wire, ben, _) = session();
    let (author, now) = (wire.peers[ben].me().unwrap(), wire.now);
    let passing = audit::Note::Left(author);
    for _ in 0..JOURNAL_BYTES_MAX / 140 {
        wire.host().note(&passing, now.wall);
    }
    let bytes_of = |records: &[Bytes]| records.iter().map(Bytes::len).sum::<usize>();
    let bytes = bytes_of(wire.peers[0].hosting.as_ref().unwrap().journal.records());
    let bound = JOURNAL_BYTES_MAX / 4 * 3;
    assert!((bound..bound + 1_000).contains(&bytes), "{bytes}: coming and going leaves room for who drives");
    let note = audit::Note::TurnedAway(author);
    for _ in 0..JOURNAL_BYTES_MAX / 140 {
        wire.host().note(&note, now.wall);
    }
    let records = wire.peers[0].hosting.as_ref().unwrap().journal.records();
    let bytes = bytes_of(records);
    assert!((JOURNAL_BYTES_MAX - 1_000..=JOURNAL_BYTES_MAX).contains(&bytes), "{bytes}");
    let before = records.len();
    wire.host().note(&note, now.wall);
    assert_eq!(wire.peers[0].hosting.as_ref().unwrap().journal.records().len(), before);
    let last = wire.peers[0].hosting.as_ref().unwrap().journal.records().last().unwrap();
    assert_eq!(last[1], 8, "the last record says that it is full");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Files come from anywhere: whatever they hold, reading them ends, without a panic.
    #[test]
    fn any_bytes_are_read_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        keep in 0usize..400,
    ) {
        thread_local!(static FILE: Vec<u8> = {
            let (mut wire, _, _) = session();
            export(&mut wire, 0, Contents::Included)
        });
        let file = FILE.with(Clone::clone);
        prop_assert!(audit::read(&bytes).is_err());
        let spliced = [&file[..keep.min(file.len())], &bytes].concat();
        prop_assert!(audit::read(&spliced).is_err());
    }
}
