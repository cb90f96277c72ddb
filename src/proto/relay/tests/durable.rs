//! Entries that everybody gets, in order, for good.

use super::*;
use crate::proto::limits::DURABLE_KEPT_BYTES_MAX;
use crate::proto::relay::store::{Head, Shelf, StoreError, StoredEntry};
use std::ops::ControlFlow;

fn chat(world: &World, person: &Person, count: usize) -> Vec<WireEntry> {
    let mut writer = world.session.writer(person, Channel::CHAT);
    (0..count).map(|n| writer.seal(1, &person.keys, format!("message {n}").as_bytes())).collect()
}

/// The heart of it: stored once, acknowledged, passed on to all but the sender, the chain first.
#[test]
fn entry_is_acknowledged_and_passed_on_behind_its_chain() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (sender, reader) = (world.connect(&ben), world.connect_unread(&cat));
    world.drain(reader);
    world.drain(sender);
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    assert_eq!(world.send_entry(sender, &entry), Flow::Continue);

    let ack = Frame::Ack(Ack { lane: ben.lane(Channel::CHAT), next: 1 });
    assert_eq!(world.drain(sender).frames, [ack]);
    assert_eq!(world.drain(reader).entries(), std::slice::from_ref(&entry));
    let frames = world.drain(world.host).frames;
    let member = frames.iter().position(|frame| *frame == ben.member_frame());
    let body = frames.iter().position(|frame| *frame == Frame::Entry(entry.as_bytes().clone()));
    assert!(member.is_some() && member < body, "{frames:?}");
}

/// A newcomer waits for no dependency: entries come in the order in which they arrived, over all authors.
#[test]
fn newcomer_gets_all_entries_in_order_of_arrival() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.guest());
    let conns = [world.connect(&ben), world.connect(&cat)];
    let entries = [chat(&world, &ben, 20), chat(&world, &cat, 20)];
    let mut sent = Vec::new();
    for pair in entries[0].iter().zip(&entries[1]) {
        for (conn, entry) in conns.into_iter().zip([pair.0, pair.1]) {
            let _ = world.send_entry(conn, entry);
            sent.push(entry.clone());
        }
    }
    let dan = world.viewer();
    let conn = world.connect_unread(&dan);
    let mut got = Vec::new();
    loop {
        let (mail, has_more) = world.pop(conn, 1_000);
        assert!(mail.bytes < 1_000 + 500, "a helping is bounded, however much waits");
        got.extend(mail.entries());
        if !has_more {
            break;
        }
    }
    assert_eq!(got, sent);
}

/// After a reconnection only what is new crosses the wire.
#[test]
fn member_gets_only_what_it_lacks() {
    let mut world = World::new();
    let ben = world.guest();
    let sender = world.connect(&ben);
    for entry in chat(&world, &ben, 10) {
        let _ = world.send_entry(sender, &entry);
    }
    let cat = world.viewer();
    let (conn, mail) = world.dial(&cat);
    let have = mail.frames.iter().find_map(|frame| match frame {
        Frame::Have(have) if have.channel == Channel::CHAT => Some(have.clone()),
        _ => None,
    });
    let lane = LaneNext { author: ben.author(), epoch: Epoch(0), next: 10 };
    assert_eq!(have, Some(Have { channel: Channel::CHAT, last: true, lanes: vec![lane] }));
    assert_eq!(world.drain(conn).entries(), [], "nothing before its own HAVE");
    world.announce(conn, &[(ben.lane(Channel::CHAT), 7)]);
    assert_eq!(world.drain(conn).seqs(), [7, 8, 9]);
}

/// The same entry comes twice after every reconnection: that is no fault, and the sender needs its ACK.
#[test]
fn duplicate_is_acknowledged_and_not_passed_on() {
    let mut world = World::new();
    let ben = world.guest();
    let sender = world.connect(&ben);
    let entries = chat(&world, &ben, 3);
    for entry in &entries {
        let _ = world.send_entry(sender, entry);
    }
    world.drain(sender);
    assert_eq!(world.drain(world.host).seqs(), [0, 1, 2]);
    assert_eq!(world.send_entry(sender, &entries[0]), Flow::Continue);
    assert_eq!(world.drain(sender).count(|frame| matches!(frame, Frame::Ack(ack) if ack.next == 3)), 1);
    assert_eq!(world.drain(world.host).entries(), []);
}

/// A hole in a lane would make every later entry uncheckable.
#[test]
fn gap_closes_the_connection() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entries = chat(&world, &ben, 2);
    world.assert_closed_by(conn, Frame::Entry(entries[1].as_bytes().clone()), CloseCode::Protocol);
}

/// Nobody writes in another's name, and a flipped bit is not stored.
#[test]
fn forged_entry_is_not_stored() {
    let mut world = World::new();
    let (ben, eve) = (world.guest(), world.guest());
    let conn = world.connect(&eve);
    let forged = world.session.writer(&ben, Channel::CHAT).seal(1, &eve.keys, b"Ben says hi");
    world.connect(&ben);
    world.drain(world.host);
    world.assert_closed_by(conn, Frame::Entry(forged.as_bytes().clone()), CloseCode::Protocol);

    let conn = world.connect(&eve);
    let mut bytes = world.session.first_entry(&eve, Channel::CHAT).as_bytes().to_vec();
    bytes[25] ^= 1;
    world.assert_closed_by(conn, Frame::Entry(bytes.into()), CloseCode::Protocol);
    assert_eq!(world.hall.stats().bytes_stored, 0);
}

/// An entry of another session, signed for that session, does not verify in this one.
#[test]
fn entry_of_another_session_is_not_stored() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let other = SessionId([4; 16]);
    let entry = LaneWriter::new(other, ben.lane(Channel::CHAT), &world.session.epoch).seal(1, &ben.keys, b"replay");
    world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::Protocol);
}

/// The relay enforces what the certificate says, so that a viewer cannot even cause work.
#[test]
fn viewer_may_chat_but_not_change_the_state() {
    let mut world = World::new();
    let cat = world.viewer();
    let conn = world.connect(&cat);
    let entry = world.session.first_entry(&cat, Channel::CHAT);
    assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
    let entry = world.session.first_entry(&cat, Channel::STATE);
    world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::NoRight);
}

/// An epoch without a commitment in the log has no key that anybody could know.
#[test]
fn entry_of_an_epoch_that_the_log_lacks_is_refused() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let lane = LaneId { epoch: Epoch(1), ..ben.lane(Channel::CHAT) };
    let entry = LaneWriter::new(world.session.id(), lane, &world.session.epoch).seal(1, &ben.keys, b"later");
    world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::Protocol);
}

/// A script that floods the chat is slowed to the rate; nothing is lost and nobody is thrown out.
#[test]
fn flood_is_paused_after_the_burst() {
    let mut world = World::new();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    let flows: Vec<_> = (0..20_003).map(|_| world.send_entry(conn, &entry)).collect();
    assert!(flows[..20_000].iter().all(|flow| *flow == Flow::Continue));
    assert_eq!(flows[20_000], Flow::Pause { until: world.now.mono.after_us(1_000) });
    assert_eq!(flows[20_002], Flow::Pause { until: world.now.mono.after_us(3_000) });
    assert_eq!(world.drain(conn).close, None);
}

/// After a restart of the relay a member brings a long history, its own and that of others: its keys must not wait for
/// that, and what it brings of others must not slow these down.
#[test]
fn catching_up_delays_neither_bearer_nor_author() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.guest());
    let conns = [world.connect(&ben), world.connect(&cat)];
    let entry = world.session.first_entry(&cat, Channel::CHAT);
    for _ in 0..10_000 {
        assert_eq!(world.send_entry(conns[0], &entry), Flow::Continue);
    }
    let flows: Vec<_> = (0..20_000).map(|_| world.send_entry(conns[1], &entry)).collect();
    assert!(flows.iter().all(|flow| *flow == Flow::Continue), "Ben's bringing is his own");
}

/// A member may be at the host's place and at the relay at once: what it floods here must not hold the host up, whose
/// connection carries the terminals.
#[test]
fn host_is_not_paused_for_what_others_wrote() {
    let mut world = World::new();
    let eve = world.viewer();
    let conn = world.connect(&eve);
    let entry = world.session.first_entry(&eve, Channel::CHAT);
    while world.send_entry(conn, &entry) == Flow::Continue {}
    let presence = world.session.first_entry(&eve, Channel::PRESENCE);
    world.drain(world.host);
    assert_eq!(world.send_entry(world.host, &entry), Flow::Continue);
    assert_eq!(world.send_entry(world.host, &presence), Flow::Continue);
}

/// Eve shows one history to the relay and another to the host on its own network. Both bring on what they have, in good
/// faith: that must cost neither of them its connection.
#[test]
fn two_histories_cost_only_their_author() {
    let mut world = World::new();
    let eve = world.viewer();
    let conn = world.connect(&eve);
    let write = |world: &World, text: &str| {
        let mut writer = world.session.writer(&eve, Channel::CHAT);
        ["", "a", "b"].map(|more| writer.seal(1, &eve.keys, format!("{text}{more}").as_bytes()))
    };
    let (here, there) = (write(&world, "here"), write(&world, "there"));
    let _ = world.send_entry(conn, &here[0]);
    let host = world.host;
    for entry in &there {
        assert_eq!(world.send_entry(host, entry), Flow::Continue);
    }
    let _ = world.send_entry(conn, &here[1]);
    assert_eq!(world.drain(conn).close, None);
    assert_eq!(world.drain(host).close, None);
    world.assert_closed_by(conn, Frame::Entry(there[2].as_bytes().clone()), CloseCode::Protocol);
}

/// A store that any viewer can fill must not become a way to end the session for the others.
#[test]
fn full_store_closes_no_connection() {
    let mut world = World::without_host(HallLimits::default());
    world.hall = Hall::with_store(HallLimits::default(), [9; 32], Box::new(MemoryStore::new(1_000)), START);
    world.host = world.connect_host();
    let ben = world.guest();
    let conn = world.connect(&ben);
    world.drain(conn);
    let flows = chat(&world, &ben, 20).iter().map(|entry| world.send_entry(conn, entry)).collect::<Vec<_>>();
    assert_eq!(flows, [Flow::Continue; 20]);
    let mail = world.drain(conn);
    assert_eq!(mail.close, None);
    let acked = mail.frames.iter().filter_map(|frame| match frame {
        Frame::Ack(ack) => Some(ack.next),
        _ => None,
    });
    assert_eq!(acked.max(), Some(world.drain(world.host).entries().len() as u64), "no more than is kept");
    assert!(world.hall.stats().bytes_stored <= 1_000);
}

/// What the host says of its terminals must find room after everybody else has filled theirs.
#[test]
fn host_has_room_of_its_own() {
    let mut world = World::without_host(HallLimits { durable_bytes_max: 8_000, ..HallLimits::default() });
    world.host = world.connect_host();
    let eve = world.viewer();
    let conn = world.connect(&eve);
    for entry in chat(&world, &eve, 80) {
        assert_eq!(world.send_entry(conn, &entry), Flow::Continue);
    }
    assert_eq!(world.drain(conn).close, None);
    let before = world.hall.stats().bytes_stored;
    assert!((6_000..=7_000).contains(&before), "{before}");
    let ada = world.ada.clone();
    let entry = world.session.first_entry(&ada, Channel::STATE);
    assert_eq!(world.send_entry(world.host, &entry), Flow::Continue);
    assert!(world.hall.stats().bytes_stored > before);
}

/// A newcomer that never reads must cost nothing but its place.
#[test]
fn unread_history_is_queued_nowhere() {
    let mut world = World::new();
    let (ben, cat) = (world.guest(), world.viewer());
    let (sender, reader) = (world.connect(&ben), world.connect_unread(&cat));
    for entry in chat(&world, &ben, 200) {
        let _ = world.send_entry(sender, &entry);
    }
    let mut listed = 0;
    while let Some(conn) = world.hall.poll_ready() {
        listed += usize::from(conn == reader);
    }
    assert_eq!(listed, 1, "reported once, not once per entry");
    assert_eq!(world.drain(reader).seqs(), (0..200).collect::<Vec<_>>());
}

/// A store that is full or broken costs the writer its connection, and the lane stays where the store is.
#[test]
fn failed_store_moves_no_lane() {
    let mut world = World::without_host(HallLimits::default());
    world.hall = hall_on(Broken { is_burning: true, ..Broken::default() });
    world.host = world.connect_host();
    let ben = world.guest();
    let conn = world.connect(&ben);
    let entry = world.session.first_entry(&ben, Channel::CHAT);
    world.assert_closed_by(conn, Frame::Entry(entry.as_bytes().clone()), CloseCode::Busy);
    assert_eq!(world.hall.stats().store_failures, 1);
    let again = world.connect(&ben);
    assert_eq!(world.send_entry(again, &entry), Flow::Continue);
    assert_eq!(world.drain(world.host).entries(), [entry]);
}

/// A record that is not on disk has not happened: nobody is told of it, and it can come again.
#[test]
fn failed_store_moves_no_log() {
    let mut world = World::without_host(HallLimits::default());
    let records = world.session.log.records().len();
    world.hall = hall_on(Broken { records_left: Some(records), ..Broken::default() });
    world.host = world.connect_host();
    let cat = world.viewer();
    let reader = world.connect(&cat);
    let (share, record) = world.session.record_share(Session::terms(Rights::VIEW));
    let host = world.host;
    assert_eq!(world.send(host, Frame::Log(record.clone())), Flow::Stop);
    assert_eq!(world.drain(host).close, Some(CloseCode::Busy));
    assert_eq!(world.drain(reader).count(|frame| matches!(frame, Frame::Log(_))), 0);
    let newcomer = world.session.person(&share);
    assert_eq!(world.dial(&newcomer).1.close, Some(CloseCode::ShareUnknown));

    world.host = world.connect_host();
    assert!(world.drain(reader).frames.contains(&Frame::Log(record)), "it was brought again");
    assert_eq!(world.hall.records(&world.session.id()), records as u64 + 1);
    assert!(world.dial(&newcomer).1.is_ready());
}

fn hall_on(store: Broken) -> Hall {
    Hall::with_store(HallLimits::default(), [9; 32], Box::new(store), START)
}

/// A store that fails once: at its first entry, or after some records of the log.
#[derive(Debug)]
struct Broken {
    inner: MemoryStore,
    is_burning: bool,
    records_left: Option<usize>,
}

impl Default for Broken {
    fn default() -> Self {
        let inner = MemoryStore::new(DURABLE_KEPT_BYTES_MAX as u64);
        Self { inner, is_burning: false, records_left: None }
    }
}

impl Store for Broken {
    fn append(&mut self, session: &SessionId, entry: StoredEntry) -> Result<(), StoreError> {
        if std::mem::take(&mut self.is_burning) {
            return Err(StoreError::Medium { reason: "disk on fire".to_owned() });
        }
        self.inner.append(session, entry)
    }
    fn sessions(&self) -> Vec<SessionId> {
        self.inner.sessions()
    }
    fn put_record(&mut self, session: &SessionId, record: &Bytes) -> Result<(), StoreError> {
        if self.records_left.take_if(|left| *left == 0).is_some() {
            return Err(StoreError::Medium { reason: "disk on fire".to_owned() });
        }
        self.records_left = self.records_left.map(|left| left - 1);
        self.inner.put_record(session, record)
    }
    fn records(&self, session: &SessionId) -> Vec<Bytes> {
        self.inner.records(session)
    }
    fn put(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16], item: &Bytes) -> Result<(), StoreError> {
        self.inner.put(session, shelf, name, item)
    }
    fn discard(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16]) -> Result<(), StoreError> {
        self.inner.discard(session, shelf, name)
    }
    fn items(&self, session: &SessionId, shelf: Shelf) -> Vec<Bytes> {
        self.inner.items(session, shelf)
    }
    fn truncate(&mut self, session: &SessionId, lane: &LaneId, next: u64) -> Result<(), StoreError> {
        self.inner.truncate(session, lane, next)
    }
    fn forget_below(&mut self, session: &SessionId, channel: Channel, epoch: Epoch) -> Result<(), StoreError> {
        self.inner.forget_below(session, channel, epoch)
    }
    fn heads(&self, session: &SessionId) -> Vec<Head> {
        self.inner.heads(session)
    }
    fn entry(&self, session: &SessionId, lane: &LaneId, seq: u64) -> Option<StoredEntry> {
        self.inner.entry(session, lane, seq)
    }
    fn end(&self, session: &SessionId) -> u64 {
        self.inner.end(session)
    }
    fn visit(&self, session: &SessionId, from: u64, visit: &mut dyn FnMut(u64, &StoredEntry) -> ControlFlow<()>) {
        self.inner.visit(session, from, visit);
    }
    fn entry_bytes(&self, session: &SessionId) -> u64 {
        self.inner.entry_bytes(session)
    }
    fn total_bytes(&self) -> u64 {
        self.inner.total_bytes()
    }
    fn clear_entries(&mut self, session: &SessionId) -> Result<(), StoreError> {
        self.inner.clear_entries(session)
    }
    fn remove(&mut self, session: &SessionId) -> Result<(), StoreError> {
        self.inner.remove(session)
    }
    fn put_wall(&mut self, wall: Wall) -> Result<(), StoreError> {
        self.inner.put_wall(wall)
    }
    fn wall(&self) -> Wall {
        self.inner.wall()
    }
}
