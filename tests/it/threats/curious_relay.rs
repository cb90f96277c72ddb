//! A relay that does what it should and reads all that it sees: bytes, sizes, times, public certificates.

use super::canary::{Canary, contains, found};
use super::held::{Held, Trial};
use super::keyring::Keyring;
use super::stage::{OUTPUT, SAID, Stage, TYPED, entry_of};
use crate::attacks::table::{ADA, Heading, Table};
use cahoots::proto::id::{Channel, PaneId};
use cahoots::proto::terminal::Size;
use cahoots::proto::token::Access;
use cahoots::proto::wire::Frame;

mod memory;

/// All that a relay can try: every 32 bytes in a row of what is not sealed, taken for a key of any kind.
fn ring_of_relay(stage: &Stage) -> Keyring {
    Keyring::empty(stage.session()).with_all_that_is_public(&stage.table.frames())
}

/// The frames of some channels, and of what is public all.
fn frames_of(stage: &Stage, channels: &[Channel]) -> Vec<Frame> {
    let is_other = |frame: &Frame| entry_of(frame).is_some_and(|entry| !channels.contains(&entry.lane.channel));
    stage.table.frames().into_iter().filter(|frame| !is_other(frame)).collect()
}

/// What the relay stores and forwards is a conversation in front of it that it must not follow.
fn cannot_be_read(channels: &[Channel], reader: impl Fn(&Stage) -> Keyring, word: &str) -> Held {
    let (stage, mut trial) = (Stage::new(), Trial::default());
    let frames = frames_of(&stage, channels);
    let mut relay = ring_of_relay(&stage);
    trial.fails("some public bytes open a wrap", relay.study(&frames), 0);
    trial.gets_nothing("some public bytes open an entry", relay.read(&frames));
    let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
    trial.gets_nothing("a word is sent as it is", found(&Stage::canaries(), &bytes));

    let read = reader(&stage).read(&frames);
    trial.works("who may read it can", read.iter().any(|opened| contains(&opened.plaintext, word.as_bytes())));
    trial.held()
}

/// What is on the shared screen is why people want a blind relay at all.
#[test]
fn output_cannot_be_read() -> Held {
    let panes = [PaneId(0), PaneId(1)].map(|pane| Channel::terminal(pane).unwrap());
    cannot_be_read(&panes, Stage::ring_of_reader, OUTPUT)
}

/// Passwords are typed into terminals.
#[test]
fn input_cannot_be_read() -> Held {
    cannot_be_read(&[Channel::TO_HOST, Channel::FROM_HOST], Stage::ring_of_host, TYPED)
}

/// Chat, notes, titles, names and cursors are as private as the screen.
#[test]
fn documents_cannot_be_read() -> Held {
    cannot_be_read(&[Channel::STATE, Channel::CHAT, Channel::PRESENCE], Stage::ring_of_reader, SAID)
}

/// A relay that learns a token or an epoch's secret is a member.
#[test]
fn keys_cannot_be_learned() -> Held {
    let (stage, mut trial) = (Stage::new(), Trial::default());
    let (frames, mut relay) = (stage.table.frames(), ring_of_relay(&stage));
    let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
    trial.gets_nothing("a secret is sent in some guise", found(&stage.secrets(), &bytes));
    trial.fails("some public bytes open a wrap", relay.study(&frames), 0);

    let kek = Canary::new("kek", stage.view.secret().unwrap().kek().expose());
    let leaky = [&bytes[..], stage.view.secret().unwrap().kek().expose()].concat();
    trial.works("a secret among the bytes is found", kek.is_in(&leaky));
    let mut entitled = Keyring::empty(stage.session()).with_share(&stage.view.secret().unwrap());
    trial.works("the link's key opens a wrap", entitled.study(&frames) > 0);
    trial.held()
}

/// How long a line or a title is, how large a window, where a cursor is and what was typed, tells a lot: of all this the
/// relay sees sizes in steps, the same for both.
#[test]
fn metadata_stays_within_the_list() -> Held {
    let mut trial = Trial::default();
    let ada = seen_by_relay("a line of 33 characters about Ada", "one title", "yes", Size::new(80, 24));
    let ben = seen_by_relay("this one has 35 and is about nobody", "any title", "no!", Size::new(99, 50));
    trial.fails("two sessions that say different things look different", ada == ben, true);
    let cat = seen_by_relay(&"a whole page ".repeat(40), "one title", "yes", Size::new(80, 24));
    trial.works("what is in another step of sizes does look different", ada != cat);
    trial.held()
}

/// Returns what a relay sees of a session: who sends how many bytes of what kind to whom, in which order.
fn seen_by_relay(line: &str, title: &str, typed: &str, size: Size) -> Vec<(u64, Heading, u64, usize)> {
    let mut table = Table::new();
    let token = table.share(Access::Interact, super::stage::DAY_MS);
    let ben = table.join(&token);
    table.peers[ben].watch(PaneId(0));
    let now = table.now;
    table.peers[ADA].resize_pane(PaneId(0), size, now).unwrap();
    table.peers[ADA].set_title(title).unwrap();
    table.peers[ben].say(&line.into(), now).unwrap();
    table.peers[ben].type_bytes(PaneId(0), typed.as_bytes()).unwrap();
    table.pass(2_000_000);
    let seen = |frame: &Frame| {
        let bytes = frame.encode();
        (u64::from(bytes[0]), bytes.len())
    };
    let seen = table.wire.iter().map(|passed| (passed, seen(&passed.frame)));
    seen.map(|(passed, (kind, bytes))| (passed.conn, passed.heading, kind, bytes)).collect()
}
