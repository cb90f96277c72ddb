//! What a checkpoint covers is forgotten, and who lacks it gets the checkpoint.

use super::*;
use crate::proto::authlog::Checkpoint;

const SEGMENTS: [&str; 3] = ["one", "two", "three"];

/// A chat of two epochs: what was said in the first, its cut, and the checkpoint that the host makes of it.
struct Past {
    world: World,
    ben: Person,
    conn: ConnId,
    said: Vec<WireEntry>,
    later: Vec<WireEntry>,
    segments: Vec<WireEntry>,
}

impl Past {
    /// Ben has said something in either epoch; the checkpoint is not there yet.
    fn new() -> Self {
        let mut world = World::new();
        let ben = world.guest();
        let conn = world.connect(&ben);
        let said = world.session.entries(&ben, Channel::CHAT, 0, &["a", "b", "c"]);
        world.send_all(conn, &said);
        let cut = world.session.cut(&ben, &said[..2]);
        let epoch = world.session.next_epoch();
        world.record(&Record::Cut(vec![cut]));
        world.record(&epoch);
        let later = world.session.entries(&ben, Channel::CHAT, 1, &["d"]);
        world.send_all(conn, &later);
        let ada = world.ada.clone();
        let segments = world.session.entries(&ada, Channel::CHAT_CHECKPOINT, 1, &SEGMENTS);
        Self { world, ben, conn, said, later, segments }
    }

    /// The owner's word for the checkpoint.
    fn vouched(&self) -> Record {
        self.vouched_in(1, &self.segments)
    }

    fn vouched_in(&self, epoch: u32, segments: &[WireEntry]) -> Record {
        let last = self.world.session.cut(&self.world.ada, segments).digest;
        let (channel, epoch, count) = (Channel::CHAT, Epoch(epoch), segments.len() as u32);
        Record::Checkpoint(Checkpoint { channel, epoch, segments: count, last, heads: [7; 32] })
    }

    fn bring_segments(&mut self) {
        let (host, segments) = (self.world.host, self.segments.clone());
        self.world.send_all(host, &segments);
    }

    fn whole() -> Self {
        let mut past = Self::new();
        past.bring_segments();
        let record = past.vouched();
        past.world.record(&record);
        past
    }

    /// What somebody gets who asks for the checkpoint and has nothing.
    fn watched(&mut self) -> Vec<WireEntry> {
        let person = self.world.viewer();
        let conn = self.world.connect(&person);
        let _ = self.world.send(conn, Frame::Watch(Channel::CHAT_CHECKPOINT));
        let entries = self.world.drain(conn).entries();
        self.world.hall.handle_close(conn, self.world.now);
        entries
    }
}

/// A session of months must fit: once the owner vouches for the whole checkpoint, what it covers goes.
#[test]
fn covered_epochs_are_forgotten_once_record_and_segments_are_here() {
    for is_record_first in [false, true] {
        let mut past = Past::new();
        let record = past.vouched();
        if is_record_first {
            past.world.record(&record);
            assert_eq!(past.world.served(Channel::CHAT).len(), 3, "not before all segments are here");
            past.bring_segments();
        } else {
            past.bring_segments();
            assert_eq!(past.world.served(Channel::CHAT).len(), 3, "not before the owner's word");
            assert_eq!(past.watched(), [], "nobody gets half of it");
            past.world.record(&record);
        }
        assert_eq!(past.world.served(Channel::CHAT), past.later, "what was said since stays");
        assert_eq!(past.watched(), past.segments);
    }
}

/// Nothing of the newest epoch may go, whatever a checkpoint says: nobody else may have it yet.
#[test]
fn late_checkpoint_takes_nothing_of_its_own_epoch() {
    let mut past = Past::new();
    let record = past.vouched();
    past.world.record(&record);
    let cut = past.world.session.cut(&past.ben, &past.later);
    let epoch = past.world.session.next_epoch();
    past.world.record(&Record::Cut(vec![cut]));
    past.world.record(&epoch);
    let newest = past.world.session.entries(&past.ben, Channel::CHAT, 2, &["e"]);
    past.world.send_all(past.conn, &newest);
    past.bring_segments();
    assert_eq!(past.world.served(Channel::CHAT), [past.later.clone(), newest].concat());
    assert_eq!(past.watched(), past.segments, "an older one is better than none");
}

/// A host that vouches for something else than it sent must not make the relay forget.
#[test]
fn wrong_digest_or_missing_segment_forgets_nothing() {
    let mut past = Past::new();
    let other = past.world.session.entries(&past.world.ada, Channel::CHAT_CHECKPOINT, 1, &["x", "y", "z"]);
    let record = past.vouched_in(1, &other);
    past.bring_segments();
    past.world.record(&record);
    assert_eq!((past.world.served(Channel::CHAT).len(), past.watched()), (3, vec![]));

    let mut past = Past::new();
    let (record, host, segments) = (past.vouched(), past.world.host, past.segments.clone());
    past.world.send_all(host, &segments[..2]);
    past.world.record(&record);
    assert_eq!((past.world.served(Channel::CHAT).len(), past.watched()), (3, vec![]));
    past.world.send_all(host, &segments[2..]);
    assert_eq!(past.watched(), segments);
}

/// Members keep what they have for a while, and may bring it: it is neither needed nor wrong.
#[test]
fn covered_entries_are_not_asked_for_and_acknowledged_if_they_come() {
    let mut past = Past::whole();
    past.world.drain(past.conn);
    past.world.send_all(past.conn, &past.said.clone());
    let lane = past.said[0].lane;
    assert_eq!(past.world.drain(past.conn).frames, [Frame::Ack(Ack { lane, next: 2 })]);
    assert_eq!(past.world.served(Channel::CHAT), past.later);
    let cat = past.world.viewer();
    let (_, mail) = past.world.dial(&cat);
    let named = mail.frames.iter().filter_map(|frame| match frame {
        Frame::Have(have) if have.channel == Channel::CHAT => Some(have.lanes.clone()),
        _ => None,
    });
    let named = named.flatten().map(|lane| (lane.author, lane.epoch.0, lane.next)).collect::<Vec<_>>();
    assert_eq!(named, [(past.ben.author(), 0, 2), (past.ben.author(), 1, 1)]);
}

/// Segments are large: they go to who asks, whole and in order, and a newer checkpoint follows by itself.
#[test]
fn segments_go_to_watchers_alone_and_newer_ones_follow() {
    let mut past = Past::new();
    let (cat, dan) = (past.world.viewer(), past.world.viewer());
    let (watcher, other) = (past.world.connect(&cat), past.world.connect(&dan));
    let _ = past.world.send(watcher, Frame::Watch(Channel::CHAT_CHECKPOINT));
    past.bring_segments();
    let record = past.vouched();
    past.world.record(&record);
    assert_eq!(past.world.drain(watcher).entries(), past.segments);
    assert_eq!(past.world.drain(other).entries(), []);

    let epoch = past.world.session.next_epoch();
    past.world.record(&epoch);
    assert_eq!(past.watched(), past.segments, "an epoch begins without a checkpoint of its own");
    let ada = past.world.ada.clone();
    let newer = past.world.session.entries(&ada, Channel::CHAT_CHECKPOINT, 2, &["four"]);
    let (record, host) = (past.vouched_in(2, &newer), past.world.host);
    past.world.send_all(host, &newer);
    past.world.record(&record);
    assert_eq!(past.world.drain(watcher).entries(), newer);
    assert_eq!(past.watched(), newer, "the older one is forgotten");
    let _ = past.world.send(watcher, Frame::Unwatch(Channel::CHAT_CHECKPOINT));
}

/// A newcomer on a slow link takes a large checkpoint in small helpings.
#[test]
fn segments_are_drawn_as_there_is_room() {
    let mut past = Past::whole();
    let cat = past.world.viewer();
    let conn = past.world.connect(&cat);
    let _ = past.world.send(conn, Frame::Watch(Channel::CHAT_CHECKPOINT));
    let mut got = Vec::new();
    for _ in 0..SEGMENTS.len() {
        let (mail, has_more) = past.world.pop(conn, 1);
        got.extend(mail.entries());
        assert_eq!(has_more, got.len() < SEGMENTS.len());
    }
    assert_eq!(got, past.segments);
}

/// Only the host makes checkpoints, and only its own word brings them.
#[test]
fn checkpoints_come_from_the_host_alone() {
    let mut world = World::new();
    let (eve, ben, ada) = (world.session.person(&world.own), world.guest(), world.ada.clone());
    let forged = world.session.first_entry(&eve, Channel::STATE_CHECKPOINT);
    let conn = world.connect(&eve);
    world.assert_closed_by(conn, Frame::Entry(forged.as_bytes().clone()), CloseCode::NoRight);
    let real = world.session.first_entry(&ada, Channel::STATE_CHECKPOINT);
    let conn = world.connect(&ben);
    world.assert_closed_by(conn, Frame::Entry(real.as_bytes().clone()), CloseCode::NoRight);
}

/// The host has to know what of its checkpoints it must bring; nobody else is told of them.
#[test]
fn host_alone_is_told_which_segments_are_here() {
    let mut past = Past::new();
    past.bring_segments();
    let haves = |mail: &Mail| -> Vec<Have> {
        let haves = mail.frames.iter().filter_map(|frame| match frame {
            Frame::Have(have) if have.channel.is_checkpoint() => Some(have.clone()),
            _ => None,
        });
        haves.collect()
    };
    let (ada, admin) = (past.world.ada.clone(), past.world.session.person(&past.world.own));
    let (_, mail) = past.world.dial(&admin);
    assert_eq!(haves(&mail), []);
    let (conn, mail) = past.world.dial(&ada);
    let lanes = vec![LaneNext { author: ada.author(), epoch: Epoch(1), next: 3 }];
    let state = Have { channel: Channel::STATE_CHECKPOINT, last: true, lanes: Vec::new() };
    assert_eq!(haves(&mail), [state, Have { channel: Channel::CHAT_CHECKPOINT, last: true, lanes }]);

    let other = past.world.connect(&admin);
    past.world.host = conn;
    past.world.record(&Record::Host(admin.chain.member.clone()));
    assert_eq!(haves(&past.world.drain(other)).len(), 2, "also who becomes the host later");
}

/// After a restart nothing that was forgotten comes back, and newcomers still get the checkpoint.
#[test]
fn restarted_relay_has_its_checkpoints() {
    let mut past = Past::whole();
    past.world.restart();
    assert_eq!(past.watched(), past.segments);
    past.conn = past.world.connect(&past.ben.clone());
    past.world.send_all(past.conn, &past.said.clone());
    assert_eq!(past.world.served(Channel::CHAT), past.later);
}

/// A fresh relay may get the segments of the newest checkpoint even if another epoch has begun since.
#[test]
fn fresh_relay_takes_the_newest_checkpoint_there_is() {
    let mut past = Past::whole();
    let epoch = past.world.session.next_epoch();
    past.world.record(&epoch);
    past.world.hall = Hall::new(HallLimits::default(), [12; 32]);
    past.world.host = past.world.connect_host();
    past.bring_segments();
    assert_eq!(past.watched(), past.segments);
}
