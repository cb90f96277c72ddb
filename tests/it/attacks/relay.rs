//! The relay as the attacker: it may withhold and disturb, but not forge, replay, redirect, or hide a revocation.

use super::eve::Eve;
use super::table::{ADA, Heading, START, Table};
use cahoots::proto::id::{Channel, PaneId};
use cahoots::proto::session::{Event, Peer, ShareTerms};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{Frame, WireEntry};
use std::cell::RefCell;
use std::rc::Rc;

const DAY_MS: u64 = 86_400_000;
const PANE: PaneId = PaneId(0);

/// Keeps a copy of every entry on `channel` that goes up.
fn record(table: &mut Table, channel: Channel) -> Rc<RefCell<Vec<Frame>>> {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let tape = heard.clone();
    table.tap = Some(Box::new(move |_, heading, frame| {
        if heading == Heading::ToRelay && channel_of(&frame) == Some(channel) {
            tape.borrow_mut().push(frame.clone());
        }
        vec![frame]
    }));
    heard
}

fn channel_of(frame: &Frame) -> Option<Channel> {
    let Frame::Entry(raw) = frame else { return None };
    WireEntry::decode(raw.clone()).ok().map(|entry| entry.lane.channel)
}

/// `rm` typed once is run once, however often the relay delivers it.
#[test]
fn replayed_input_is_applied_once() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    let heard = record(&mut table, Channel::TO_HOST);
    table.peers[ben].type_bytes(PANE, b"make").unwrap();
    table.peers[ben].type_bytes(PANE, b" clean\n").unwrap();
    table.pass(1_000_000);
    for _ in 0..10 {
        let replay = heard.borrow().clone();
        replay.into_iter().for_each(|frame| table.inject(ADA, frame));
    }
    assert_eq!(table.inputs(), [(PANE, b"make".to_vec()), (PANE, b" clean\n".to_vec())]);
}

/// Input goes to the host that it was typed for: another one, though it holds the guest's chain, cannot take it.
#[test]
fn input_redirected_to_another_host_is_not_taken() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    let heard = record(&mut table, Channel::TO_HOST);
    table.peers[ben].type_bytes(PANE, b"make\n").unwrap();
    table.pass(1_000_000);
    // The same owner and session, but another process: new member keys.
    let mut other = Table::without_host();
    other.add(Peer::host([1; 32], [3; 32], START).unwrap());
    other.open_pane();
    other.connect(ADA);
    let chain = table.peers[ADA].roster().member(&table.peers[ben].me().unwrap()).unwrap().chain().encode();
    other.inject(ADA, Frame::Member(chain));
    heard.borrow().iter().for_each(|frame| other.inject(ADA, frame.clone()));
    other.pass(1_000_000);
    assert_eq!(other.inputs(), []);
}

/// A relay that brings its own session instead of the one that the token names gets nowhere.
#[test]
fn log_of_another_owner_is_refused() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let mut eves = Peer::host([6; 32], [7; 32], START).unwrap();
    let terms = ShareTerms { access: Access::Own, lasts_ms: DAY_MS, members_max: None };
    eves.share(terms, START).unwrap();
    let forged = eves.log().records().to_vec();
    let mut served = forged.into_iter();
    table.tap = Some(Box::new(move |conn, _, frame| match frame {
        Frame::Log(raw) if conn == 2 => vec![Frame::Log(served.next().unwrap_or(raw))],
        frame => vec![frame],
    }));
    let ben = table.join(&token);
    assert!(!table.peers[ben].is_linked());
    assert_eq!((table.peers[ben].me(), table.peers[ben].log().next_seq()), (None, 0));
    assert_eq!(table.alarms(ben).len(), 1);
}

/// A relay may hide that Eve was thrown out, but then Ben is told that what he sees may be old.
#[test]
fn hidden_close_record_shows_as_not_live() {
    let mut table = Table::new();
    let tokens = (table.share(Access::Interact, DAY_MS), table.share(Access::Interact, DAY_MS));
    let ben = table.join(&tokens.0);
    table.pass(6_000_000);
    assert!(table.peers[ben].is_live(table.now));
    table.tap = Some(Box::new(|conn, heading, frame| {
        let is_hidden = conn == 2 && heading == Heading::FromRelay && matches!(frame, Frame::Log(_));
        if is_hidden { vec![] } else { vec![frame] }
    }));
    let now = table.now;
    table.peers[ADA].close_share(tokens.1.secret().unwrap().share_id(), now).unwrap();
    table.pass(1_000_000);
    assert!(!table.peers[ben].is_live(table.now), "the host's heartbeat names a longer log");
    let eve = Eve::join(&mut table, &tokens.1).err();
    assert_eq!(eve, Some(cahoots::proto::wire::CloseCode::ShareClosed));
}

/// The same for a newcomer, who gets a log that was cut short from the start.
#[test]
fn truncated_log_never_counts_as_live() {
    let mut table = Table::new();
    let tokens = (table.share(Access::Interact, DAY_MS), table.share(Access::Interact, DAY_MS));
    let now = table.now;
    table.peers[ADA].close_share(tokens.1.secret().unwrap().share_id(), now).unwrap();
    table.settle();
    let whole = table.peers[ADA].log().next_seq();
    table.tap = Some(Box::new(move |conn, _, frame| match frame {
        Frame::Welcome(mut welcome) if conn == 2 => {
            welcome.records = whole - 1;
            vec![Frame::Welcome(welcome)]
        }
        Frame::Log(raw) if conn == 2 && raw[1] == 5 => vec![],
        frame => vec![frame],
    }));
    let ben = table.join(&tokens.0);
    assert_eq!(table.peers[ben].log().next_seq(), whole - 1, "the attack is under way");
    for _ in 0..20 {
        table.pass(1_000_000);
        assert!(!table.peers[ben].is_live(table.now));
    }
}

/// A secret that the owner did not commit to must not be taken, or the relay could read along.
#[test]
fn altered_wrap_keeps_the_guest_out() {
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    table.tap = Some(Box::new(|conn, _, frame| match frame {
        Frame::Wrap(raw) if conn == 2 => {
            let mut raw = raw.to_vec();
            raw[40] ^= 1;
            vec![Frame::Wrap(raw.into())]
        }
        frame => vec![frame],
    }));
    let ben = table.join(&token);
    assert_eq!((table.peers[ben].is_linked(), table.peers[ben].me()), (false, None));
}

/// A relay that only says that all is over is not believed: the owner's record must say it.
#[test]
fn end_without_the_owners_record_is_not_believed() {
    use cahoots::proto::wire::{CloseCode, Standing};
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    table.tap = Some(Box::new(|conn, _, frame| match frame {
        Frame::Welcome(mut welcome) if conn == 2 => {
            welcome.standing = Standing::Ended;
            vec![Frame::Welcome(welcome)]
        }
        frame => vec![frame],
    }));
    let ben = table.join(&token);
    assert_eq!(table.peers[ben].ended(), None);
    table.tap = None;
    for code in [CloseCode::Ended, CloseCode::ShareClosed, CloseCode::Expired] {
        let ben = table.join(&token);
        table.inject(ben, Frame::Close(code));
        assert_eq!(table.peers[ben].ended(), None, "{code}");
    }
}

/// Old output replayed as new would show a prompt that is long gone.
#[test]
fn replayed_output_is_not_shown_again() {
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    let ben = table.join(&token);
    table.peers[ben].watch(PANE);
    table.pass(1_000_000);
    let heard = record(&mut table, Channel::terminal(PANE).unwrap());
    for line in [&b"one\r\n"[..], b"two\r\n"] {
        let now = table.now;
        table.peers[ADA].output(PANE, line, now).unwrap();
        table.pass(500_000);
    }
    let shown = |table: &Table| table.events[ben].iter().filter(|event| matches!(event, Event::Terminal(..))).count();
    let before = shown(&table);
    assert!(before >= 3, "a keyframe and two lines");
    let replay = heard.borrow().clone();
    replay.into_iter().for_each(|frame| table.inject(ben, frame));
    assert_eq!(shown(&table), before);
}

/// Everything in a recording is signed by Ada, but she is not there any more: a newcomer must not take it for the
/// present.
#[test]
fn recording_of_a_host_never_counts_as_live() {
    let mut table = Table::new();
    let token = table.share(Access::View, DAY_MS);
    let heard = record(&mut table, Channel::PRESENCE);
    table.pass(60_000_000);
    let (recording, host) = (heard.borrow().clone(), table.peers[ADA].roster().here().next().unwrap().0.clone());
    assert!(recording.len() >= 10);
    table.tap = Some(Box::new(|conn, _, frame| if conn == 1 { vec![] } else { vec![frame] }));
    table.pass(20_000_000);
    let ben = table.join(&token);
    table.inject(ben, Frame::Member(host.chain().encode()));
    for frame in recording {
        table.inject(ben, frame);
        assert_eq!(table.peers[ben].roster().here().filter(|(who, _)| who.author() == host.author()).count(), 1);
        assert!(!table.peers[ben].is_live(table.now));
        table.pass(1_000_000);
    }
}
