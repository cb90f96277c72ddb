//! A new epoch costs nobody a word.

use super::*;
use crate::proto::wire::WireEntry;
use std::cell::RefCell;
use std::rc::Rc;

/// The type of an Epoch record.
const EPOCH_RECORD: u8 = 3;

/// Keeps the chat of `author` from arriving at the host.
fn hide_chat_from_host(author: AuthorId) -> Sieve {
    Box::new(move |index, frame| match frame {
        Frame::Entry(raw) => {
            let lane = WireEntry::decode(raw.clone()).unwrap().lane;
            index != 0 || lane.author != author || lane.channel != Channel::CHAT
        }
        _ => true,
    })
}

fn rekey(wire: &mut Wire) {
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.settle();
}

/// A line on its way while the owner revokes somebody else is not lost, nor said twice.
#[test]
fn line_that_the_owner_did_not_get_in_time_is_said_again() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "arrives");
    wire.sieve = Some(hide_chat_from_host(wire.id(cat)));
    wire.say(cat, "late");
    wire.say(cat, "later");
    assert_eq!(lines(wire.host()), ["arrives"]);
    let now = wire.now;
    wire.host().rekey(now).unwrap();
    wire.sieve = None;
    wire.pass(5_000_000);
    assert_eq!(wire.assert_equal(&[ben, cat]), ["arrives", "late", "later"]);
    for index in [ben, cat] {
        let events = wire.events(index);
        let told = events.iter().filter(|event| matches!(event, Event::Message(_))).count();
        assert_eq!(told, 3, "each once: {events:?}");
        assert!(!events.iter().any(|event| matches!(event, Event::Alarm(_))), "{events:?}");
    }
    assert_eq!(wire.alarms(0), []);
}

/// A laptop that was closed over two revocations opens again, and what was written on it is there.
#[test]
fn line_written_offline_over_two_epochs_is_not_lost() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.say(cat, "before");
    wire.host().set_title("before").unwrap();
    wire.pass(100_000);
    wire.cut(cat);
    wire.say(cat, "on the train");
    wire.peers[cat].edit_notes(0, 0, "from the train").unwrap();
    for round in ["one", "two"] {
        wire.say(ben, round);
        rekey(&mut wire);
        wire.pass(40_000_000);
    }
    wire.say(cat, "still on the train");
    wire.connect(cat);
    wire.pass(10_000_000);
    let mut said: Vec<String> = wire.assert_equal(&[ben, cat]).into_iter().map(Into::into).collect();
    said.sort();
    assert_eq!(said, ["before", "on the train", "one", "still on the train", "two"]);
    assert_eq!(wire.host().state().notes, "from the train");
    assert_eq!((wire.alarms(0), wire.alarms(ben), wire.alarms(cat)), (vec![], vec![], vec![]));
}

/// The records of a new epoch can come in pieces. What stands on something that the first piece cuts off, in a lane that
/// ends only with the last, is not lost in between.
#[test]
fn records_that_come_in_pieces_lose_nothing() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let (ben, cat) = (wire.join(&token), wire.join(&token));
    wire.peers[cat].edit_notes(0, 0, "known").unwrap();
    wire.pass(1_000_000);
    let late: Rc<RefCell<Vec<Frame>>> = Rc::default();
    let kept = late.clone();
    wire.sieve = Some(Box::new(move |index, frame| {
        let begins = matches!(frame, Frame::Log(raw) if raw[1] == EPOCH_RECORD);
        if index == ben && (begins || !kept.borrow().is_empty()) {
            kept.borrow_mut().push(frame.clone());
            return false;
        }
        let Frame::Entry(raw) = frame else { return true };
        let lane = WireEntry::decode(raw.clone()).unwrap().lane;
        index != 0 || (lane.channel, lane.epoch) != (Channel::STATE, Epoch(0))
    }));
    wire.peers[cat].edit_notes(5, 0, ", not known").unwrap();
    wire.pass(100_000);
    wire.peers[ben].set_app("stands", "\"on it\"").unwrap();
    wire.pass(100_000);
    rekey(&mut wire);
    wire.pass(100_000);
    wire.sieve = None;
    let now = wire.now;
    let late: Vec<_> = late.borrow_mut().drain(..).collect();
    assert!(late.len() >= 2, "{late:?}");
    late.into_iter().for_each(|frame| wire.peers[ben].handle_frame(link(ben), frame, now));
    wire.pass(10_000_000);
    wire.assert_equal(&[ben, cat]);
    let state = wire.host().state();
    assert_eq!((state.notes.as_str(), state.app.len()), ("known, not known", 1));
}

/// Whoever answers a line that the owner never got is not silenced for it: what builds on what is cut off is said anew.
#[test]
fn reply_to_a_line_that_is_cut_off_is_said_anew() {
    let mut wire = Wire::new();
    let tokens = [wire.share(Access::Interact), wire.share(Access::Interact)];
    let (eve, cat) = (wire.join(&tokens[0]), wire.join(&tokens[1]));
    wire.sieve = Some(hide_chat_from_host(wire.id(eve)));
    wire.say(eve, "gone");
    wire.pass(10_000);
    assert_eq!(lines(&wire.peers[cat]), ["gone"]);
    wire.say(cat, "what do you mean?");
    wire.revoke(share_of(&tokens[0]));
    wire.sieve = None;
    wire.pass(5_000_000);
    assert_eq!(wire.assert_equal(&[cat]), ["what do you mean?"]);
    wire.say(cat, "well");
    wire.say(0, "well");
    wire.pass(100_000);
    assert_eq!(wire.assert_equal(&[cat]), ["what do you mean?", "well", "well"]);
    assert_eq!((wire.alarms(0), wire.alarms(cat)), (vec![], vec![]));
}

/// Whoever may type goes on typing: its channel to the host is its own.
#[test]
fn typing_goes_on_over_an_epoch() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.peers[ben].watch(pane);
    wire.pass(300_000);
    wire.peers[ben].type_bytes(pane, b"one ").unwrap();
    rekey(&mut wire);
    wire.peers[ben].type_bytes(pane, b"two").unwrap();
    wire.settle();
    let now = wire.now;
    wire.host().output(pane, b"one two", now).unwrap();
    wire.pass(500_000);
    assert_eq!(typed(&wire.events(0)), b"one two");
    let events = wire.events(ben);
    assert_eq!(show(&events).text()[0].trim_end(), "one two");
    assert_eq!(show(&events).snapshot(), wire.host().screen(pane).unwrap().snapshot());
}

/// The screen of an ended program still says so to who comes later.
#[test]
fn ended_terminal_is_shown_in_a_later_epoch() {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let (token, now) = (wire.share(Access::View), wire.now);
    wire.host().output(pane, b"done", now).unwrap();
    wire.host().end_pane(pane, 3, now).unwrap();
    rekey(&mut wire);
    let ben = wire.join(&token);
    wire.peers[ben].watch(pane);
    wire.pass(500_000);
    let events = wire.events(ben);
    assert_eq!(show(&events).text()[0].trim_end(), "done");
    assert!(events.contains(&Event::Terminal(pane, StreamEvent::End { code: 3 })), "{events:?}");
}

/// Nobody asks for it, but a key must not be used for ever.
#[test]
fn an_epoch_lasts_a_day_at_most() {
    let mut wire = Wire::new();
    wire.now.mono = wire.now.mono.after_us(24 * 3_600_000_000 - 10_000_000);
    let now = wire.now;
    wire.host().handle_timeout(now);
    assert_eq!(wire.host().log().epoch(), Some(Epoch(0)));
    wire.pass(10_000_000);
    assert_eq!(wire.host().log().epoch(), Some(Epoch(1)));
}

/// A relay that keeps the key back gains a member's patience, not a crash; and the member is told.
#[test]
fn key_that_does_not_come_is_noticed() {
    let mut wire = Wire::new();
    let token = wire.share(Access::Interact);
    let ben = wire.join(&token);
    wire.pass(1_000_000);
    wire.events(ben);
    wire.sieve = Some(Box::new(move |index, frame| index != ben || !matches!(frame, Frame::Wrap(_))));
    rekey(&mut wire);
    wire.say(0, "sealed");
    let mut alarms = Vec::new();
    for _ in 0..12 {
        wire.pass(1_000_000);
        alarms.extend(wire.alarms(ben));
        if wire.conns[ben].is_none() {
            wire.connect(ben);
        }
    }
    assert_eq!(alarms, [Alarm::KeyWithheld(Epoch(1))]);
    assert_eq!(lines(&wire.peers[ben]), Vec::<&str>::new());
    wire.sieve = None;
    wire.connect(ben);
    wire.pass(1_000_000);
    assert_eq!(wire.assert_equal(&[ben]), ["sealed"], "nothing is lost");
}
