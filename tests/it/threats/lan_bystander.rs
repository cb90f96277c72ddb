//! Somebody on the same network, without a link: hears all that is announced, can dial whoever listens, can announce
//! whatever it likes, and can stand between two who find each other.

use super::canary::{Canary, contains, found};
use super::held::{Held, Trial};
use super::helped::{forged_screen, input};
use super::keyring::Keyring;
use super::stage::{DAY_MS, SAID, Stage};
use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::ADA;
use cahoots::Access;
use cahoots::proto::discovery::Hint;
use cahoots::proto::id::{SessionId, ShareId};
use cahoots::proto::session::LinkId;
use cahoots::proto::wire::{Frame, Hello, Ready, Standing, Welcome};

mod air;

/// Where a second link of a peer would be, in these tables.
const WAY: LinkId = LinkId(99);

/// Dials as a stranger, with whatever it could have heard as session and share, and returns all that it is told.
fn told_to_a_stranger(stage: &mut Stage) -> Vec<Frame> {
    let hint = Hint::new(&stage.session(), [5; 16]).encode();
    let halves = [&hint[..16], &hint[16..], &[0; 16]].map(|half| <[u8; 16]>::try_from(half).unwrap());
    let mut told = Vec::new();
    let sessions = halves.into_iter().map(SessionId).chain([stage.session()]);
    for session in sessions {
        for share in halves.map(ShareId) {
            let conn = stage.table.connect_hand();
            stage.table.send(conn, &Frame::Hello(Hello { nonce: [7; 32], session, share }));
            // Without an answer to the challenge, as if it had been given.
            stage.table.send(
                conn,
                &Frame::Have(cahoots::proto::wire::Have {
                    channel: cahoots::proto::id::Channel::CHAT,
                    last: true,
                    lanes: vec![],
                }),
            );
            told.extend(stage.table.read(conn));
        }
    }
    told
}

/// Who knows no link is told of no member, no record and no entry, even if it knew the session's id.
fn stranger_is_told_nothing() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let told = told_to_a_stranger(&mut stage);
    let is_more = |frame: &Frame| !matches!(frame, Frame::Welcome(_) | Frame::Close(_));
    trial.gets_nothing("a stranger is told something", told.iter().filter(|frame| is_more(frame)));
    let bytes: Vec<u8> = told.iter().flat_map(Frame::encode).collect();
    trial.gets_nothing("a word is told", found(&Stage::canaries(), &bytes));
    let share = stage.view.secret().unwrap().share_id();
    let conn = stage.table.connect_hand();
    let hello = Frame::Hello(Hello { nonce: [7; 32], session: stage.session(), share });
    stage.table.send(conn, &hello);
    trial.works("who knows a link is told the log", stage.table.read(conn).len() > 3);
    trial.held()
}

#[test]
fn output_cannot_be_read() -> Held {
    stranger_is_told_nothing()
}

/// The same between the two who may: whoever passes their handshake on is not on their connection.
#[test]
fn documents_cannot_be_read() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let token = stage.view.clone();
    let victim = stage.table.add(cahoots::proto::session::Peer::guest(token.secret().unwrap(), [77; 32]));
    stage.table.connect_through_middle(victim);
    trial.fails("a handshake passed on is taken", stage.table.peers[victim].is_linked(), false);
    trial.fails("what follows is told", stage.said_at(victim), Vec::<String>::new());
    stage.table.connect(victim);
    stage.table.pass(1_000_000);
    trial.works("on a connection of its own it is", stage.said_at(victim) == [SAID]);
    trial.held()
}

/// Stands where Ben looks for the host, and says what it likes.
fn in_the_hosts_place(frames: impl Fn(&Eve) -> Vec<Frame>) -> (Stage, Trial) {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    // What Eve signs here she could sign without a link; with one she would be a holder, not a bystander.
    let helper = stage.table.share(Access::View, DAY_MS);
    let eve = Eve::join(&mut stage.table, &helper).unwrap();
    let log = stage.table.peers[ADA].log().next_seq();
    let now = stage.table.now;
    let peer = &mut stage.table.peers[stage.cat];
    peer.handle_link_open(WAY, None, now);
    peer.expect_host(WAY);
    let welcome = Welcome { nonce: [1; 32], standing: Standing::Known, records: 0, shares: 0, wraps: 0 };
    peer.handle_frame(WAY, Frame::Welcome(welcome), now);
    peer.handle_frame(WAY, Frame::Ready(Ready { log_next: log }), now);
    for frame in frames(&eve) {
        peer.handle_frame(WAY, frame, now);
    }
    stage.table.pass(6_000_000);
    let linked = stage.table.events[stage.cat].contains(&cahoots::proto::session::Event::Linked(WAY));
    trial.fails("who answers for the host is taken for it", linked, false);
    trial.works("the real one still is", stage.table.peers[stage.cat].is_linked());
    (stage, trial)
}

#[test]
fn output_cannot_be_forged() -> Held {
    let (stage, mut trial) = in_the_hosts_place(|eve| {
        let host = eve.log.host().unwrap();
        forged_screen(eve, host).iter().map(frame).collect()
    });
    trial.fails("a bystander draws on the screen", stage.screen_of(stage.cat), stage.true_screen());
    trial.held()
}

#[test]
fn documents_cannot_be_forged() -> Held {
    let (stage, mut trial) = in_the_hosts_place(|eve| {
        let host = eve.log.host().unwrap();
        let said = cahoots::proto::doc::Document::new(cahoots::proto::doc::DocKind::Chat, host)
            .say(&"I resign".into(), cahoots::Wall(1))
            .unwrap()
            .unwrap();
        vec![frame(&eve.seal_as(host, cahoots::proto::id::Channel::CHAT, 1, &cahoots::proto::seal::pad_durable(&said)))]
    });
    trial.fails("a bystander speaks for the host", stage.said_at(stage.cat), vec![SAID.to_owned()]);
    trial.held()
}

/// Somebody who can reach the host's port has reached nothing: no frame counts before the proof.
#[test]
fn input_cannot_be_forged() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let token = stage.interact.clone();
    let eve = Eve::join(&mut stage.table, &token).unwrap();
    let typed = stage.typed();
    let entries = eve.another([9; 32]).seal_direct(3, &input());
    let stranger = stage.table.connect_hand();
    let share = token.secret().unwrap().share_id();
    for early in [true, false] {
        if early {
            stage.table.send(stranger, &Frame::Hello(Hello { nonce: [7; 32], session: stage.session(), share }));
        }
        stage.table.send(stranger, &eve.another([9; 32]).member_frame());
        entries.iter().for_each(|entry| stage.table.send(stranger, &frame(entry)));
    }
    stage.table.pass(1_000_000);
    trial.fails("who has proven nothing types", stage.typed(), typed.clone());
    let own = eve.seal_direct(3, &input());
    own.iter().for_each(|entry| stage.table.send(eve.conn, &frame(entry)));
    stage.table.pass(1_000_000);
    trial.works("who has proven it types", stage.typed().len() > typed.len());
    trial.held()
}

/// What is announced is made of a public id: it opens nothing and is part of nothing secret.
#[test]
fn keys_cannot_be_derived() -> Held {
    let (stage, mut trial) = (Stage::new(), Trial::default());
    let hints: Vec<u8> = (0..64).flat_map(|nonce| Hint::new(&stage.session(), [nonce; 16]).encode()).collect();
    trial.gets_nothing("a secret is announced", found(&stage.secrets(), &hints));
    let frames = stage.table.frames();
    let heard = hints.chunks_exact(16).zip(hints.chunks_exact(16).skip(1));
    let mut ring = Keyring::empty(stage.session());
    for (one, other) in heard {
        ring = ring.with_secret([one, other].concat().try_into().unwrap());
    }
    trial.fails("an announcement opens a wrap", ring.study(&frames), 0);
    trial.gets_nothing("an announcement opens an entry", ring.read(&frames));
    let id = Canary::new("session id", stage.session().as_bytes());
    trial.fails("the session's id is announced", id.is_in(&hints), false);
    trial.works(
        "who knows the session recognises it",
        Hint::new(&stage.session(), [5; 16]).recognises(&stage.session()),
    );
    trial.held()
}

/// What one hears in two hours, or of two sessions, has nothing in common: no byte more than chance.
#[test]
fn sessions_of_one_person_cannot_be_linked() -> Held {
    let mut trial = Trial::default();
    let random = |seed: &[u8]| <[u8; 16]>::try_from(&blake3::hash(seed).as_bytes()[..16]).unwrap();
    let (one, other) = (SessionId(random(b"one")), SessionId(random(b"another")));
    let nonce = |n: u8| random(&[n]);
    let common = |a: &Hint, b: &Hint| a.encode().iter().zip(b.encode()).filter(|(a, b)| *a == b).count();
    let mut same_session = 0;
    let mut two_sessions = 0;
    for n in (0..200).step_by(2) {
        same_session += common(&Hint::new(&one, nonce(n)), &Hint::new(&one, nonce(n + 1)));
        two_sessions += common(&Hint::new(&one, nonce(n)), &Hint::new(&other, nonce(n + 1)));
    }
    // 100 pairs of 32 bytes agree in 12.5 places by chance, and in 32 once in a million runs.
    trial.fails("two hints of one session are alike", same_session < 32, true);
    trial.fails("two hints of two sessions are alike", two_sessions < 32, true);
    let hint = Hint::new(&one, nonce(1));
    trial.fails("a stranger recognises a hint", hint.recognises(&other), false);
    trial.works("who has the link does", hint.recognises(&one) && !contains(&hint.encode(), one.as_bytes()));
    trial.held()
}
