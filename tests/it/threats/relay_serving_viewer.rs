//! A relay that also serves the viewer to people with browsers, and so has all that such a member has: its link, its keys,
//! its words. What it can do to Wendy, who uses that viewer, no protocol can help; nobody else must suffer by it.
//!
//! Wendy looks on. The relay holds her token and her member keys, and all the powers of a lying relay besides.

use super::canary::{contains, found};
use super::held::{Held, Trial};
use super::helped::*;
use super::keyring::Keyring;
use super::malicious_relay;
use super::stage::{SAID, Stage, TYPED, entry_of};
use crate::attacks::eve::Eve;
use crate::attacks::table::{ADA, START};
use cahoots::proto::doc::{DocKind, Document};
use cahoots::proto::id::Channel;
use cahoots::proto::token::Access;
use cahoots::proto::wire::Frame;

/// A session with Wendy in it, and what the relay knows by her.
fn with_wendy() -> (Stage, Eve, Keyring) {
    let mut stage = Stage::new();
    let wendys = stage.table.share(Access::View, DAY_MS);
    let wendy = Eve::join(&mut stage.table, &wendys).unwrap();
    have_nothing(&mut stage.table, &wendy);
    let frames = stage.table.frames();
    let mut ring = Keyring::empty(stage.session()).with_share(&wendy.secret);
    ring = ring.with_member(wendy.me(), wendy.keys.clone());
    assert!(ring.study(&frames) > 0, "Wendy's link opens the session");
    (stage, wendy, ring)
}

/// What Wendy may not read, the relay cannot read by her: another session, at the same relay.
fn other_session_stays_closed(channel: Channel) -> Held {
    let mut trial = Trial::default();
    let (stage, _, ring) = with_wendy();
    let is_it = |frame: &Frame| entry_of(frame).is_none_or(|entry| entry.lane.channel == channel);
    let own: Vec<Frame> = stage.table.frames().into_iter().filter(is_it).collect();
    trial.works("Wendy's keys open her own session", !ring.read(&own).is_empty());

    let other = Stage::of_another_owner();
    let frames: Vec<Frame> = other.table.frames().into_iter().filter(is_it).collect();
    let mut ring = ring.secrets().fold(Keyring::empty(other.session()), |ring, secret| ring.with_secret(*secret));
    trial.fails("they open a wrap of another", ring.study(&frames), 0);
    trial.gets_nothing("they open another", ring.read(&frames));
    trial.held()
}

#[test]
fn output_of_other_sessions_cannot_be_read() -> Held {
    other_session_stays_closed(Channel::terminal(PANE).unwrap())
}

#[test]
fn documents_of_other_sessions_cannot_be_read() -> Held {
    other_session_stays_closed(Channel::CHAT)
}

/// With Wendy's keys and the relay's place, what native people are shown is still the host's.
#[test]
fn output_cannot_be_forged_for_natives() -> Held {
    let mut trial = Trial::default();
    let (mut stage, wendy, _) = with_wendy();
    for author in [stage.author(ADA), wendy.me()] {
        let forged = forged_screen(&wendy, author);
        past_relay(&mut stage.table, stage.cat, &wendy, &forged);
        trial.fails("the relay draws on Cat's screen", stage.screen_of(stage.cat), stage.true_screen());
    }
    // What a page would be served means nothing to a program that takes frames and nothing else.
    for kind in 20..200 {
        stage.table.inject(stage.cat, Frame::Unknown { kind });
    }
    trial.fails("something else than frames is taken", stage.screen_of(stage.cat), stage.true_screen());
    let now = stage.table.now;
    stage.table.peers[ADA].output(PANE, b"genuine", now).unwrap();
    stage.table.pass(1_000_000);
    trial.works("the host draws", stage.screen_of(stage.cat).concat().contains("genuine"));
    trial.held()
}

/// Wendy's keys make no replay, no hole and no older state good: natives notice what they notice of any lying relay.
fn stage_with_wendy() -> Stage {
    with_wendy().0
}

#[test]
fn output_cannot_be_replayed_to_natives() -> Held {
    malicious_relay::output_is_not_replayed(stage_with_wendy())
}

#[test]
fn output_cannot_be_truncated_unseen_by_natives() -> Held {
    malicious_relay::output_is_not_truncated_unseen(stage_with_wendy)
}

#[test]
fn input_of_natives_cannot_be_replayed() -> Held {
    malicious_relay::input_is_not_replayed(stage_with_wendy())
}

#[test]
fn documents_cannot_be_rolled_back_unseen_by_natives() -> Held {
    malicious_relay::documents_are_not_rolled_back_unseen(stage_with_wendy)
}

/// What Ben types natively stays between Ben and the host.
#[test]
fn input_of_natives_cannot_be_read() -> Held {
    let mut trial = Trial::default();
    let (stage, _, ring) = with_wendy();
    let is_direct = |channel: Channel| channel == Channel::TO_HOST || channel == Channel::FROM_HOST;
    let direct: Vec<Frame> = stage
        .table
        .frames()
        .into_iter()
        .filter(|frame| entry_of(frame).is_none_or(|entry| is_direct(entry.lane.channel)))
        .collect();
    trial.gets_nothing("Wendy's keys open what Ben types", ring.read(&direct));
    let read = stage.ring_of_host().read(&direct);
    trial.works("the host's do", read.iter().any(|opened| contains(&opened.plaintext, TYPED.as_bytes())));
    trial.held()
}

/// Wendy may not type, so the relay may not.
#[test]
fn input_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let (mut stage, wendy, _) = with_wendy();
    let typed = stage.typed();
    for kind in [2, 3] {
        past_relay(&mut stage.table, ADA, &wendy, &wendy.another([kind; 32]).seal_direct(kind, &input()));
        past_relay(&mut stage.table, ADA, &wendy, &wendy.seal_direct(kind, &input()));
    }
    trial.fails("the relay types", stage.typed(), typed);
    stage.table.peers[stage.ben].type_bytes(PANE, b"ls").unwrap();
    stage.table.pass(1_000_000);
    trial.works("Ben types", stage.typed().ends_with(b"ls"));
    trial.held()
}

/// The relay can speak as Wendy, and as nobody else.
#[test]
fn documents_of_natives_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let (mut stage, wendy, _) = with_wendy();
    let (said, state) = (stage.said_at(stage.cat), stage.table.peers[stage.cat].state());
    let ben = stage.author(stage.ben);
    let chat = |author| Document::new(DocKind::Chat, author).say(&"I resign".into(), START.wall).unwrap().unwrap();
    let title = Document::new(DocKind::State, ben).set_app("mine", "1").unwrap().unwrap();
    let pad = |payload: &[u8]| cahoots::proto::seal::pad_durable(payload);
    let forged = [
        wendy.seal_as(ben, Channel::CHAT, 1, &pad(&chat(ben))),
        wendy.seal_as(ben, Channel::STATE, 1, &pad(&title)),
        wendy.seal(Channel::STATE, 1, &title),
    ];
    for entry in forged {
        past_relay(&mut stage.table, stage.cat, &wendy, &[entry]);
    }
    trial.fails("the relay speaks as Ben", stage.said_at(stage.cat), said);
    trial.fails("the relay edits as Ben", stage.table.peers[stage.cat].state(), state);
    let own = wendy.seal(Channel::CHAT, 1, &chat(wendy.me()));
    past_relay(&mut stage.table, stage.cat, &wendy, &[own]);
    trial.works("as Wendy it can", stage.said_at(stage.cat).contains(&"I resign".to_owned()));
    trial.held()
}

/// Of native people's links and keys nothing passes by Wendy.
#[test]
fn keys_of_natives_cannot_be_stolen() -> Held {
    let mut trial = Trial::default();
    let (stage, wendy, ring) = with_wendy();
    let heard: Vec<u8> = stage.table.frames().iter().flat_map(Frame::encode).collect();
    let opened: Vec<u8> = ring.read(&stage.table.frames()).into_iter().flat_map(|opened| opened.plaintext).collect();
    trial.works("Wendy's keys open her session", contains(&opened, SAID.as_bytes()));
    let natives: Vec<_> = stage.secrets().into_iter().filter(|secret| secret.name != "secret of a reader").collect();
    trial.gets_nothing("a native's secret is sent", found(&natives, &heard));
    trial.gets_nothing("a native's secret is inside what Wendy reads", found(&natives, &opened));
    let theirs = [&stage.interact, &stage.view].map(|token| *token.secret().unwrap().kek().expose());
    let known: Vec<_> = ring.secrets().filter(|secret| theirs.contains(secret)).collect();
    trial.gets_nothing("Wendy's ring has another link's key", known);
    trial.works("it has her own", ring.secrets().any(|secret| secret == wendy.secret.kek().expose()));
    trial.held()
}

/// What Wendy is not told, the relay does not learn by her: the words of what natives type, and where they are.
#[test]
fn metadata_stays_within_the_list() -> Held {
    let mut trial = Trial::default();
    let (stage, _, ring) = with_wendy();
    let opened: Vec<u8> = ring.read(&stage.table.frames()).into_iter().flat_map(|opened| opened.plaintext).collect();
    trial.works("Wendy's keys open her session", contains(&opened, SAID.as_bytes()));
    trial.fails("what Ben types is told to Wendy", contains(&opened, TYPED.as_bytes()), false);
    trial.fails("an address is told to Wendy", contains(&opened, b"127.0.0."), false);
    trial.held()
}
