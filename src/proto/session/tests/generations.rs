//! Documents that begin anew cost nobody a word, and say who said it.

use super::*;
use crate::proto::audit::{self, Contents, Source, What};
use crate::proto::doc::StateItem;
use crate::proto::wire::WireEntry;

/// No chat of these tests has so many.
const ALL: u32 = 1_000;

fn roll(wire: &mut Wire, lines: u32) {
    let now = wire.now;
    wire.host().begin_generation(lines, now).unwrap();
}

fn generations(peer: &Peer) -> [u32; 2] {
    Channel::DURABLE.map(|channel| peer.document(channel).unwrap().generation())
}

/// Ben and Cat go on as if nothing had happened, and so does who comes later and never saw the old documents.
#[test]
fn edits_on_their_way_when_documents_begin_anew_are_not_lost() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(ben, "arrives");
    wire.peers[ben].edit_notes(0, 0, "shared notes").unwrap();
    wire.pass(100_000);
    let hidden = wire.id(cat);
    wire.sieve = Some(Box::new(move |index, frame| match frame {
        Frame::Entry(raw) => index != 0 || WireEntry::decode(raw.clone()).unwrap().lane.author != hidden,
        _ => true,
    }));
    wire.say(cat, "late");
    wire.peers[cat].edit_notes(6, 0, " by cat:").unwrap();
    wire.peers[cat].set_app("key", "1").unwrap();
    wire.pass(100_000);
    let reply = Draft { reply: Some((wire.id(cat), 0)), ..Draft::from("an answer to that") };
    let now = wire.now;
    wire.peers[ben].say(&reply, now).unwrap();
    wire.pass(100_000);
    roll(&mut wire, ALL);
    wire.sieve = None;
    wire.pass(5_000_000);
    let dan = wire.join(&token);
    wire.pass(3_000_000);
    let all = ["arrives", "late", "an answer to that"];
    assert_eq!(wire.assert_equal(&[ben, cat, dan]), all);
    assert_eq!(wire.peers[dan].messages()[2].reply, Some((wire.id(cat), 0)));
    let (ben_id, cat_id) = (wire.id(ben), wire.id(cat));
    for index in [0, ben, cat, dan] {
        let peer = &wire.peers[index];
        assert_eq!((peer.state().notes.as_str(), generations(peer)), ("shared by cat: notes", [1, 1]));
        let authors = [StateItem::Note(0), StateItem::Note(7), StateItem::App("key")];
        assert_eq!(authors.map(|item| peer.author_of(item)), [Some(ben_id), Some(cat_id), Some(cat_id)]);
        let events = wire.events(index);
        let told = events.iter().filter(|event| matches!(event, Event::Message(_))).count();
        assert_eq!(told, 3, "each once: {events:?}");
        assert!(!events.iter().any(|event| matches!(event, Event::Alarm(_))), "{events:?}");
        assert_eq!(events.contains(&Event::CheckpointTaken(Channel::STATE)), index == dan, "{events:?}");
    }
    // And on, in this generation and the next.
    wire.say(dan, "hello");
    wire.peers[dan].edit_notes(0, 6, "our").unwrap();
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.say(ben, "well");
    wire.pass(40_000_000);
    roll(&mut wire, ALL);
    wire.pass(40_000_000);
    wire.say(cat, "bye");
    let eve = wire.join(&token);
    wire.pass(3_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat, dan, eve])[3..], ["hello", "well", "bye"]);
    assert_eq!((wire.peers[eve].state().notes.as_str(), generations(&wire.peers[eve])), ("our by cat: notes", [2, 2]));
    for index in [0, ben, cat, dan, eve] {
        assert_eq!(wire.alarms(index), []);
    }
}

/// A laptop that was closed while the documents began anew, twice, opens again, and what was written on it is there.
#[test]
fn edits_made_offline_over_two_generations_are_not_lost() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "before");
    wire.peers[cat].edit_notes(0, 0, "one two").unwrap();
    wire.pass(100_000);
    wire.cut(cat);
    wire.say(cat, "on the train");
    wire.peers[cat].edit_notes(3, 0, " and a half").unwrap();
    for round in ["first", "second"] {
        wire.say(ben, round);
        wire.peers[ben].set_title(round).unwrap();
        roll(&mut wire, ALL);
        wire.pass(40_000_000);
    }
    wire.say(cat, "still on the train");
    wire.connect(cat);
    wire.pass(10_000_000);
    let said = wire.assert_equal(&[ben, cat]);
    assert_eq!(said, ["before", "first", "second", "on the train", "still on the train"]);
    assert_eq!((wire.host().state().notes.as_str(), generations(&wire.peers[cat])), ("one and a half two", [2, 2]));
    let told = wire.events(cat).iter().filter(|event| matches!(event, Event::Message(_))).count();
    assert_eq!((told, wire.alarms(0), wire.alarms(ben)), (5, vec![], vec![]));
}

/// Who lacks but a little waits for that, takes nothing of the new generation before it, and makes the base itself.
#[test]
fn what_comes_before_the_base_waits_for_it() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "one");
    let hidden = wire.id(cat);
    // The relay hands out the past last.
    wire.sieve = Some(Box::new(move |index, frame| match frame {
        Frame::Entry(raw) => {
            let lane = WireEntry::decode(raw.clone()).unwrap().lane;
            index != ben || lane.author != hidden || lane.epoch > Epoch(0)
        }
        _ => true,
    }));
    wire.say(cat, "two");
    wire.peers[cat].set_title("title").unwrap();
    wire.pass(100_000);
    roll(&mut wire, ALL);
    wire.say(cat, "three");
    wire.say(0, "four");
    wire.pass(100_000);
    assert_eq!((lines(&wire.peers[ben]), generations(&wire.peers[ben])), (vec!["one"], [0, 0]));
    let now = wire.now;
    wire.peers[ben].say(&Draft::from("five"), now).unwrap();
    wire.pass(100_000);
    assert_eq!(lines(wire.host()), ["one", "two", "three", "four"], "nothing is sealed from the old document");
    wire.sieve = None;
    wire.connect(ben);
    wire.pass(1_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["one", "two", "three", "four", "five"]);
    let events = wire.events(ben);
    assert!(!events.iter().any(|event| matches!(event, Event::CheckpointTaken(_) | Event::Alarm(_))), "{events:?}");
}

/// A chat that nobody can scroll through any more loses its oldest lines, and no others; numbers stay.
#[test]
fn oldest_lines_go_and_numbers_stay() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "early");
    for n in 0..200 {
        let now = wire.now;
        wire.peers[ben].say(&Draft::from(&*format!("line {n}")), now).unwrap();
    }
    wire.pass(100_000);
    roll(&mut wire, 50);
    wire.pass(3_000_000);
    let dan = wire.join(&token);
    wire.say(cat, "late");
    wire.pass(3_000_000);
    let said = wire.assert_equal(&[ben, cat, dan]);
    assert_eq!((said.len(), said[0], said[72]), (73, "line 128", "late"));
    let line = &wire.peers[dan].messages()[0];
    assert_eq!((line.author, line.n), (wire.id(ben), 128));
    assert_eq!(wire.peers[dan].messages()[72].n, 128, "no number stands for two lines");
    for index in [0, ben, cat, dan] {
        assert_eq!(wire.alarms(index), []);
    }
}

/// Nobody has to ask for it: what was typed over a hundred times is forgotten with the next key.
#[test]
fn documents_begin_anew_by_themselves_when_little_of_them_shows() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    let large = "x".repeat(4_000);
    wire.peers[ben].edit_notes(0, 0, &large).unwrap();
    for _ in 0..7 {
        wire.peers[ben].edit_notes(0, 4_000, "").unwrap();
        wire.peers[ben].edit_notes(0, 0, &large).unwrap();
    }
    wire.pass(100_000);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.pass(3_000_000);
    wire.assert_equal(&[ben]);
    assert_eq!((generations(&wire.peers[ben]), wire.peers[ben].state().notes.len()), ([1, 0], 4_000));
    assert_eq!(wire.peers[ben].document(Channel::STATE).unwrap().len_ops(), 4_000);
    assert_eq!((wire.alarms(0), wire.alarms(ben)), (vec![], vec![]));
}

/// Whatever was forgotten since, the host can prove who said it.
#[test]
fn audit_tells_what_was_said_in_every_generation() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    for round in ["one", "two", "three"] {
        wire.say(ben, round);
        wire.pass(100_000);
        roll(&mut wire, 0);
        wire.pass(40_000_000);
    }
    wire.say(ben, "four");
    assert_eq!(wire.assert_equal(&[ben]), ["four"]);
    let now = wire.now;
    let file = wire.host().export_audit(Contents::Included, now).unwrap();
    let audit = audit::read(&file).unwrap();
    let said = audit.events.iter().filter_map(|event| match &event.what {
        What::Said { text, .. } => Some((text.as_str(), event.source, event.who.as_ref()?.share)),
        _ => None,
    });
    let share = share_of(&token);
    assert_eq!(said.collect::<Vec<_>>(), ["one", "two", "three", "four"].map(|text| (text, Source::Member, share)));
    let anew = audit.events.iter().filter(|event| matches!(event.what, What::BeganAnew { .. })).count();
    assert_eq!(anew, 6);
}
