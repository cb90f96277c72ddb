//! A relay that lies: it alters, replays, redirects, reorders, withholds, and invents clients and records.
//!
//! That it may stay silent is in its nature; that nobody notices is not.

use super::canary::contains;
use super::held::{Held, Trial};
use super::keyring::Keyring;
use super::stage::{DAY_MS, OUTPUT, PANE, SAID, Stage, TYPED, entry_of};
use crate::attacks::table::{ADA, Heading, START, Table};
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::{Channel, Class, Epoch};
use cahoots::proto::key::{MemberKeys, SessionRoot, ShareSecret};
use cahoots::proto::member::{Chain, MemberCert};
use cahoots::proto::seal::LaneWriter;
use cahoots::proto::session::{Alarm, Ending, Peer};
use cahoots::proto::share::{ShareCert, ShareFlags};
use cahoots::proto::terminal::{Screen, Size, StreamEncoder};
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, PassedOn, Standing, Welcome, WireEntry};

mod keys;
mod log;
mod rollback;

pub(super) use rollback::documents_are_not_rolled_back_unseen;

/// Every how many bytes of an entry a bit is flipped: prime to eight, so that all bits get their turn.
const STRIDE: usize = 3;

/// Sets a tap that does `change` to each entry on `channel` that the relay sends.
fn alter(table: &mut Table, channel: Channel, mut change: impl FnMut(Vec<u8>) -> Vec<u8> + 'static) {
    table.tap = Some(Box::new(move |_, heading, frame| {
        let is_meant = entry_of(&frame).is_some_and(|entry| entry.lane.channel == channel);
        match frame {
            Frame::Entry(raw) if is_meant && heading == Heading::FromRelay => {
                vec![Frame::Entry(change(raw.to_vec()).into())]
            }
            frame => vec![frame],
        }
    }));
}

/// Returns a copy of each entry with one bit flipped, at every third byte.
fn flipped(entry: &WireEntry) -> impl Iterator<Item = Frame> {
    let raw = entry.as_bytes().clone();
    (0..raw.len()).step_by(STRIDE).map(move |at| {
        let mut raw = raw.to_vec();
        raw[at] ^= 1 << (at % 8);
        Frame::Entry(raw.into())
    })
}

/// Asks for a wrap as somebody that the relay made up, and for all entries: a client of its own is no member.
fn reads_nothing_with_clients_of_its_own(channel: Channel, word: &str) -> Held {
    let (stage, mut trial) = (Stage::new(), Trial::default());
    let own = ShareSecret::new(&stage.session(), [0x66; 16], ShareFlags::NONE, None);
    let keys = MemberKeys::from_seed([0x67; 32]);
    let frames = stage.table.frames();
    let mut ring = Keyring::empty(stage.session()).with_share(&own).with_all_that_is_public(&frames);
    ring = ring.with_member(stage.author(ADA), keys);
    trial.fails("a made-up share opens a wrap", ring.study(&frames), 0);
    trial.gets_nothing("made-up keys open something", ring.read(&frames));

    let mut entitled = stage.ring_of_host();
    entitled = stage.ring_of_reader().secrets().fold(entitled, |ring, secret| ring.with_secret(*secret));
    let read = entitled.read(&frames);
    let is_it = |opened: &super::keyring::Opened| {
        opened.lane.channel == channel && contains(&opened.plaintext, word.as_bytes())
    };
    trial.works("members' keys open it", read.iter().any(is_it));
    trial.held()
}

#[test]
fn output_cannot_be_read() -> Held {
    reads_nothing_with_clients_of_its_own(Channel::terminal(PANE).unwrap(), OUTPUT)
}

#[test]
fn input_cannot_be_read() -> Held {
    reads_nothing_with_clients_of_its_own(Channel::TO_HOST, TYPED)
}

#[test]
fn documents_cannot_be_read() -> Held {
    reads_nothing_with_clients_of_its_own(Channel::CHAT, SAID)
}

/// A prompt that the relay made up would be believed: whatever it does to a frame, nobody shows the result.
#[test]
fn output_cannot_be_forged() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let channel = Channel::terminal(PANE).unwrap();
    let genuine = stage.entries(channel).pop().unwrap();
    let mut forged: Vec<Frame> = flipped(&genuine).collect();
    // The next one that the host would sign, with another's body; and one that the relay signs in the host's name.
    forged.push(as_entry(&genuine, 5, genuine.body(), genuine.signature()));
    let mut screen = Screen::new(Size::new(20, 5));
    screen.write(b"[sudo] password: ");
    let mut own = LaneWriter::new(stage.session(), genuine.lane, &EpochSecret::from_bytes([7; 32]));
    for part in StreamEncoder::new().keyframe(&screen) {
        let entry = own.seal(part.kind, &MemberKeys::from_seed([0x67; 32]), &part.plaintext);
        forged.push(as_entry(&genuine, part.kind, entry.body(), entry.signature()));
    }
    for frame in forged {
        stage.table.inject(stage.cat, frame);
        // A viewer that was disturbed asks for a keyframe, which is genuine.
        stage.table.pass(100_000);
        trial.fails("altered output is shown", stage.screen_of(stage.cat), stage.true_screen());
    }
    let now = stage.table.now;
    stage.table.peers[ADA].output(PANE, b"genuine", now).unwrap();
    stage.table.pass(1_000_000);
    trial.works("genuine output is shown", stage.screen_of(stage.cat).concat().contains("genuine"));
    trial.held()
}

/// Returns the entry that would follow, with this body.
fn as_entry(before: &WireEntry, kind: u8, body: &[u8], signature: &[u8; 64]) -> Frame {
    Frame::Entry(WireEntry::encode(kind, before.lane, before.seq + 1, body, signature).as_bytes().clone())
}

/// Old output played again as new would show a prompt that is long gone.
#[test]
fn output_cannot_be_replayed() -> Held {
    output_is_not_replayed(Stage::new())
}

pub(super) fn output_is_not_replayed(mut stage: Stage) -> Held {
    let mut trial = Trial::default();
    for line in [&b"one\r\n"[..], b"two\r\n"] {
        let now = stage.table.now;
        stage.table.peers[ADA].output(PANE, line, now).unwrap();
        stage.table.pass(500_000);
    }
    let before = stage.shown(stage.cat);
    trial.works("it was shown once", before.ends_with(b"two\r\n"));
    let recorded = stage.entries(Channel::terminal(PANE).unwrap());
    for entry in recorded.iter().chain(recorded.iter().rev()) {
        stage.table.inject(stage.cat, Frame::Entry(entry.as_bytes().clone()));
    }
    stage.table.pass(1_000_000);
    trial.fails("old output is shown again", stage.shown(stage.cat), before);
    trial.held()
}

/// Who is shown nothing more must not take the last thing shown for the present.
#[test]
fn output_cannot_be_truncated_unseen() -> Held {
    output_is_not_truncated_unseen(Stage::new)
}

pub(super) fn output_is_not_truncated_unseen(stage: impl Fn() -> Stage) -> Held {
    let (new, mut trial) = (stage, Trial::default());
    let mut stage = new();
    stage.table.pass(6_000_000);
    trial.works("what is shown counts as live", stage.table.peers[stage.cat].is_live(stage.table.now));
    let victim = stage.table.conn_of(stage.cat);
    stage.table.tap = Some(Box::new(move |conn, heading, frame| {
        let is_withheld = conn == victim && heading == Heading::FromRelay && matches!(frame, Frame::Entry(_));
        if is_withheld { vec![] } else { vec![frame] }
    }));
    stage.table.pass(30_000_000);
    trial.fails("a frozen screen counts as live", stage.table.peers[stage.cat].is_live(stage.table.now), false);

    // Only the output is withheld, heartbeats pass: the first entry that does pass shows that there was a gap.
    let (mut stage, channel) = (new(), Channel::terminal(PANE).unwrap());
    let mut dropped = 0;
    alter(&mut stage.table, channel, move |raw| {
        dropped += 1;
        if dropped == 1 { vec![] } else { raw }
    });
    let before = stage.shown(stage.cat).len();
    for line in [&b"rm -rf /\r\n"[..], b"done\r\n"] {
        let now = stage.table.now;
        stage.table.peers[ADA].output(PANE, line, now).unwrap();
        stage.table.pass(500_000);
    }
    let shown = stage.shown(stage.cat)[before..].to_vec();
    trial.fails(
        "output with a hole in it is shown",
        contains(&shown, b"done") && !contains(&shown, b"rm -rf /"),
        false,
    );
    trial.held()
}

/// One altered byte of what is typed is another command.
#[test]
fn input_cannot_be_forged() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let last = stage.entries(Channel::TO_HOST).into_iter().max_by_key(|entry| entry.seq).unwrap();
    let typed = stage.typed();
    for frame in flipped(&last) {
        stage.table.inject(ADA, frame);
    }
    // As the next one, with the body and signature of the last.
    stage.table.inject(ADA, as_entry(&last, 3, last.body(), last.signature()));
    stage.table.pass(1_000_000);
    trial.fails("altered input is typed", stage.typed(), typed.clone());
    trial.fails("input goes to another host", redirected(&stage), Vec::new());

    stage.table.peers[stage.ben].type_bytes(PANE, b"genuine").unwrap();
    stage.table.pass(1_000_000);
    trial.works("genuine input is typed", stage.typed() == [&typed[..], b"genuine"].concat());
    trial.held()
}

/// Brings what Ben typed to another process of the same owner, which has other keys, and returns what it takes.
fn redirected(stage: &Stage) -> Vec<u8> {
    let mut other = Table::without_host();
    other.add(Peer::host([1; 32], [3; 32], START).unwrap());
    other.open_pane();
    other.connect(ADA);
    let ben = stage.table.peers[ADA].roster().member(&stage.author(stage.ben)).unwrap().chain().encode();
    other.inject(ADA, Frame::Member(ben));
    for entry in stage.entries(Channel::TO_HOST) {
        other.inject(ADA, Frame::Entry(entry.as_bytes().clone()));
    }
    other.pass(1_000_000);
    other.inputs().into_iter().flat_map(|(_, bytes)| bytes).collect()
}

/// `rm` typed once is run once, however often and in whatever order it is delivered.
#[test]
fn input_cannot_be_replayed() -> Held {
    input_is_not_replayed(Stage::new())
}

pub(super) fn input_is_not_replayed(mut stage: Stage) -> Held {
    let mut trial = Trial::default();
    stage.table.peers[stage.ben].type_bytes(PANE, b" --force\n").unwrap();
    stage.table.pass(1_000_000);
    let typed = [TYPED.as_bytes(), b" --force\n"].concat();
    trial.works("it was typed once", stage.typed() == typed);
    let recorded = stage.entries(Channel::TO_HOST);
    for _ in 0..3 {
        for entry in recorded.iter().chain(recorded.iter().rev()) {
            stage.table.inject(ADA, Frame::Entry(entry.as_bytes().clone()));
        }
        // Anew on another connection, from the opening on, as after a reconnection.
        stage.table.connect(stage.ben);
    }
    stage.table.pass(1_000_000);
    trial.fails("input is typed twice", stage.typed(), typed);
    trial.held()
}

/// What the chat says, somebody said: every byte of every entry is signed.
#[test]
fn documents_cannot_be_forged() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let (ben, cat) = (stage.ben, stage.cat);
    let (state, said) = (stage.table.peers[cat].state(), stage.said_at(cat));
    let now = stage.table.now;
    let heard = stage.table.wire.len();
    stage.table.tap = Some(Box::new(|_, heading, frame| {
        let is_chat = entry_of(&frame).is_some_and(|entry| entry.lane.channel == Channel::CHAT);
        if is_chat && heading == Heading::FromRelay { vec![] } else { vec![frame] }
    }));
    stage.table.peers[ben].say(&"the truth".into(), now).unwrap();
    stage.table.settle();
    let chat = |entry: &WireEntry| entry.lane.channel == Channel::CHAT;
    let new = stage.table.wire[heard..].iter().filter_map(|passed| entry_of(&passed.frame)).find(chat).unwrap();
    for frame in flipped(&new) {
        // Who brings a forgery is left, or its lane is; the relay lies anew on the next connection.
        stage.table.connect(cat);
        stage.table.inject(cat, frame);
    }
    let is_true = |line: &String| line == SAID || line == "the truth";
    trial.gets_nothing("an altered line is read", stage.said_at(cat).into_iter().filter(|line| !is_true(line)));
    trial.fails("an altered state is taken", stage.table.peers[cat].state(), state);
    stage.table.tap = None;
    stage.table.connect(cat);
    stage.table.pass(1_000_000);
    trial.works("the line itself is read", stage.said_at(cat).len() == said.len() + 1);
    trial.held()
}

/// Who knows whom is in the relay's books, but a client that it makes up is nobody: it is on no list and told nothing.
#[test]
fn metadata_stays_within_the_list() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let own = ShareSecret::new(&stage.session(), [0x66; 16], ShareFlags::NONE, None);
    let log = AuthLog::new(stage.session());
    trial.fails("a log without records knows shares", log.shares().count(), 0);
    let root = SessionRoot::from_seed([0x66; 32]);
    let real = stage.table.peers[ADA].log().shares().next().unwrap().clone();
    let terms = cahoots::proto::share::ShareTerms {
        rights: real.rights,
        depth_left: 0,
        not_before: real.not_before,
        expires: real.expires,
        max_members: 0,
        flags: ShareFlags::NONE,
    };
    let share = ShareCert::issue_root(&root, &own, terms);
    let keys = MemberKeys::from_seed([0x67; 32]);
    let member = MemberCert::issue(&own, &keys, share.rights, share.not_before, share.expires);
    let chain = Chain { member, shares: vec![share] };
    let author = chain.member.author();
    let before = stage.table.wire.len();
    stage.table.inject(stage.cat, Frame::Member(chain.encode()));
    stage.table.connect(stage.cat);
    stage.table.inject(stage.cat, Frame::Peer(author, cahoots::proto::wire::Whereabouts::Here));
    stage.table.pass(1_000_000);
    let roster = stage.table.peers[stage.cat].roster();
    trial.fails("a made-up client is a member", roster.member(&author).is_some(), false);
    trial.works("a member is one", roster.member(&stage.author(stage.ben)).is_some());
    let bytes: Vec<u8> = stage.table.wire[before..].iter().flat_map(|passed| passed.frame.encode()).collect();
    trial.gets_nothing("it is told a word", super::canary::found(&Stage::canaries(), &bytes));
    trial.held()
}

/// A relay may cut people off; that is not silence that looks like peace. All of them see within a few heartbeats that
/// what they see is old, and no lie about the owner's will ends the session for them.
#[test]
fn availability_is_denied_visibly() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    stage.table.pass(6_000_000);
    let cat = stage.cat;
    trial.works("what is shown counts as live", stage.table.peers[cat].is_live(stage.table.now));
    for code in [CloseCode::Ended, CloseCode::ShareClosed, CloseCode::Expired] {
        stage.table.inject(cat, Frame::Close(code));
        trial.fails("the relay ends the session", stage.table.peers[cat].ended(), None);
        stage.table.connect(cat);
    }
    stage.table.tap = Some(Box::new(|_, _, frame| match frame {
        Frame::Welcome(welcome) => vec![Frame::Welcome(Welcome { standing: Standing::Ended, ..welcome })],
        frame => vec![frame],
    }));
    let late = stage.table.join(&stage.view.clone());
    trial.fails("the relay says that all is over", stage.table.peers[late].ended(), None);
    let now = stage.table.now;
    stage.table.tap = None;
    stage.table.peers[ADA].end_session(now).unwrap();
    stage.table.settle();
    trial.works("the owner can end it", stage.table.peers[cat].ended() == Some(Ending::ByOwner));

    let mut stage = Stage::new();
    stage.table.pass(6_000_000);
    let cut_off = stage.table.conn_of(stage.cat);
    stage.table.tap = Some(Box::new(move |conn, _, frame| if conn == cut_off { vec![] } else { vec![frame] }));
    stage.table.pass(30_000_000);
    trial.fails("who is cut off sees it live", stage.table.peers[stage.cat].is_live(stage.table.now), false);
    trial.works("the others do not suffer", stage.table.peers[stage.ben].is_live(stage.table.now));
    trial.held()
}

/// Writes a log with a root that is not the owner's.
fn foreign_log(root: &SessionRoot) -> Vec<bytes::Bytes> {
    let mut log = AuthLog::new(root.session_id());
    log.write(root, &Record::Genesis { root: root.public() }, START.wall).unwrap();
    let commit = EpochSecret::from_bytes([7; 32]).commit();
    log.write(root, &Record::Epoch { epoch: Epoch(0), commit }, START.wall).unwrap();
    log.records().to_vec()
}
