use super::*;
use crate::Relay;
use crate::io::quic::{Endpoint, ListenLimits, Target};
use crate::io::tls::Trust;
use crate::proto::id::{Channel as Lane, ShareId};
use crate::proto::relay::HallLimits;
use crate::proto::relay::tests::{Founded, Person};
use crate::proto::verify::channel_binding;
use crate::proto::wire::{Have, Hello, WireEntry};

const NONCE: [u8; 32] = [7; 32];

fn node() -> Node {
    Node::start(Hall::new(HallLimits::default(), [1; 32]), Clock::start())
}

fn founded() -> Founded {
    Founded::at(Clock::start().now().wall)
}

/// The dialing end of a channel, as plain as can be.
struct Dialer {
    reader: BoxRead,
    writer: BoxWrite,
    binder: Binder,
    decoder: FrameDecoder,
}

impl Dialer {
    fn new(channel: Channel) -> Self {
        let Channel { reader, writer, binder, .. } = channel;
        Self { reader, writer, binder, decoder: FrameDecoder::new() }
    }

    /// Dials `node` through memory.
    fn open(node: &Node, capacity: usize) -> Self {
        let (here, there) = Channel::pair(capacity);
        let node = node.clone();
        tokio::spawn(async move { node.serve(there).await });
        Self::new(here)
    }

    async fn send(&mut self, frame: &Frame) {
        self.writer.write_all(&frame.encode()).await.expect("the node reads");
        self.writer.flush().await.expect("the node reads");
    }

    /// Returns the next frame, `None` at the end of the channel.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("the node sends frames") {
                return Some(frame);
            }
            let mut buffer = [0; 4_096];
            match self.reader.read(&mut buffer).await {
                Ok(count @ 1..) => self.decoder.push(&buffer[..count]),
                _ => return None,
            }
        }
    }

    async fn wait_for<T>(&mut self, mut wanted: impl FnMut(&Frame) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(&self.next().await.expect("the channel is open until then")) {
                return found;
            }
        }
    }

    async fn wait_for_entry(&mut self) -> WireEntry {
        let raw = self.wait_for(|frame| if let Frame::Entry(raw) = frame { Some(raw.clone()) } else { None }).await;
        WireEntry::decode(raw).expect("what the node parsed")
    }

    async fn wait_for_close(&mut self) -> CloseCode {
        let code = self.wait_for(|frame| if let Frame::Close(code) = frame { Some(*code) } else { None }).await;
        assert_eq!(self.next().await, None, "nothing follows CLOSE");
        code
    }

    async fn join(&mut self, person: &Person) {
        self.send(&person.hello(NONCE)).await;
        let welcome = self.wait_for(|frame| if let Frame::Welcome(welcome) = frame { Some(*welcome) } else { None });
        let nonce = welcome.await.nonce;
        let exporter = self.binder.exporter(&person.chain.member.session);
        let exporter = exporter.as_ref().map_or(&[][..], |exporter| exporter);
        self.send(&person.auth(&channel_binding(exporter, &NONCE, &nonce))).await;
        self.wait_for(|frame| matches!(frame, Frame::Ready(_)).then_some(())).await;
        for channel in Lane::DURABLE {
            self.send(&Frame::Have(Have { channel, last: true, lanes: Vec::new() })).await;
        }
    }

    /// Joins as the host and brings the session.
    async fn host(&mut self, founded: &Founded) {
        self.join(&founded.ada).await;
        for record in founded.session.log.records() {
            self.send(&Frame::Log(record.clone())).await;
        }
        // Handled in order: once this is answered, the records are in.
        self.send(&Frame::Ping([9; 8])).await;
        self.wait_for(|frame| (*frame == Frame::Pong([9; 8])).then_some(())).await;
    }
}

async fn quic(relay: &Relay) -> Channel {
    let address = relay.local_addrs()[0];
    let target = Target::relay(address.ip().to_string(), address.port(), Trust::fingerprint(relay.fingerprint()));
    Endpoint::new().dial(&target).await.expect("the relay listens")
}

/// The host embeds the relay in its own process: memory is a transport like any other.
#[tokio::test]
async fn entry_crosses_the_node_in_memory() {
    let (node, mut founded) = (node(), founded());
    let ben = founded.session.person(&founded.interact);
    let mut host = Dialer::open(&node, 65_536);
    host.host(&founded).await;
    let mut guest = Dialer::open(&node, 65_536);
    guest.join(&ben).await;
    let entry = founded.session.first_entry(&ben, Lane::CHAT);
    guest.send(&Frame::Entry(entry.as_bytes().clone())).await;
    assert_eq!(host.wait_for_entry().await, entry);
    assert_eq!(node.stats().members, 2);
    drop((host, guest));
    node.wait_empty().await;
    assert_eq!(node.stats().connections, 0);
}

/// The front door end to end: QUIC, pinned certificate, a proof bound to the connection, goodbye.
#[tokio::test]
async fn relay_serves_over_quic_and_says_goodbye() {
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let relay =
        Relay::builder().listen(loopback).listen_limits(ListenLimits::RELAY).start().await.expect("a free port");
    let mut founded = founded();
    let ben = founded.session.person(&founded.interact);
    let mut host = Dialer::new(quic(&relay).await);
    host.host(&founded).await;
    let mut guest = Dialer::new(quic(&relay).await);
    guest.join(&ben).await;
    let entry = founded.session.first_entry(&founded.ada, Lane::STATE);
    host.send(&Frame::Entry(entry.as_bytes().clone())).await;
    assert_eq!(guest.wait_for_entry().await, entry);
    assert_eq!((relay.stats().sessions, relay.stats().members), (1, 2));

    let (_, host_code, guest_code) = tokio::join!(relay.shutdown(), host.wait_for_close(), guest.wait_for_close());
    assert_eq!((host_code, guest_code), (CloseCode::GoingAway, CloseCode::GoingAway));
}

/// A proof without this connection's exporter must fail on QUIC, or the relay could be relayed.
#[tokio::test]
async fn proof_that_ignores_the_exporter_fails_over_quic() {
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = Relay::builder().listen(loopback).start().await.expect("a free port");
    let founded = founded();
    let mut eve = Dialer::new(quic(&relay).await);
    eve.binder = Binder::none();
    eve.send(&founded.ada.hello(NONCE)).await;
    let nonce =
        eve.wait_for(|frame| if let Frame::Welcome(welcome) = frame { Some(welcome.nonce) } else { None }).await;
    eve.send(&founded.ada.auth(&channel_binding(&[], &NONCE, &nonce))).await;
    assert_eq!(eve.wait_for_close().await, CloseCode::AuthFailed);
    relay.shutdown().await;
}

/// Guesses are counted where they come from: over QUIC that is an address, and a new connection is no new start.
#[tokio::test]
async fn guesses_from_one_address_come_to_an_end() {
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = Relay::builder().listen(loopback).start().await.expect("a free port");
    let founded = founded();
    let mut host = Dialer::new(quic(&relay).await);
    host.host(&founded).await;
    let hello = |share| Frame::Hello(Hello { nonce: NONCE, session: founded.session.id(), share });
    for n in 0..=5 {
        let mut eve = Dialer::new(quic(&relay).await);
        eve.send(&hello(ShareId([n; 16]))).await;
        let is_greeted = matches!(eve.next().await, Some(Frame::Welcome(_)));
        assert_eq!(is_greeted, n < 5, "guess {n}");
    }
    let mut eve = Dialer::new(quic(&relay).await);
    eve.send(&hello(founded.view.secret.share_id())).await;
    assert_eq!(eve.next().await, Some(Frame::Close(CloseCode::ShareUnknown)), "not even the right one");
    relay.shutdown().await;
}

/// Each fault gets its code, and the neighbours go on.
#[tokio::test]
async fn garbage_is_answered_with_its_code() {
    let (node, founded) = (node(), founded());
    let mut host = Dialer::open(&node, 65_536);
    host.host(&founded).await;
    let too_long = [12, 0x80, 0x10, 0, 0];
    let other_version = [&[1, 0x40, 65, 9][..], &[0; 64]].concat();
    let padded_varint = [0x40, 1];
    let entry_of_a_stranger = [12, 5, 1, 1, 1, 1, 1];
    for (bytes, code) in [
        (&too_long[..], CloseCode::Limit),
        (&other_version, CloseCode::Version),
        (&padded_varint, CloseCode::Protocol),
        (&entry_of_a_stranger, CloseCode::Protocol),
        (&[63; 5_000], CloseCode::Protocol),
    ] {
        let mut eve = Dialer::open(&node, 65_536);
        eve.writer.write_all(bytes).await.expect("the node reads");
        assert_eq!(eve.wait_for_close().await, code);
    }
    host.send(&Frame::Ping([1; 8])).await;
    host.wait_for(|frame| (*frame == Frame::Pong([1; 8])).then_some(())).await;
}

/// Somebody connects and says nothing: three seconds, then the place is free.
#[tokio::test(start_paused = true)]
async fn silent_stranger_is_sent_away() {
    let node = node();
    let mut stranger = Dialer::open(&node, 1_024);
    assert_eq!(stranger.wait_for_close().await, CloseCode::TooSlow);
    node.wait_empty().await;
}

/// One phone in a tunnel must not hold up the room: its writer waits, nobody else's does.
#[tokio::test]
async fn stalled_reader_holds_nobody_up() {
    let (node, mut founded) = (node(), founded());
    let people = [0, 1].map(|_| founded.session.person(&founded.view));
    let mut host = Dialer::open(&node, 65_536);
    host.host(&founded).await;
    let (mut stalled, mut fast) = (Dialer::open(&node, 1_024), Dialer::open(&node, 65_536));
    let terminal = Lane::terminal(crate::proto::id::PaneId(0)).expect("the first pane");
    for (dialer, person) in [(&mut stalled, &people[0]), (&mut fast, &people[1])] {
        dialer.join(person).await;
        dialer.send(&Frame::Watch(terminal)).await;
    }
    let lane = founded.ada.lane(terminal);
    for seq in 0..200 {
        let kind = if seq % 50 == 0 { 5 } else { 1 };
        let entry = WireEntry::encode(kind, lane, seq, &[0; 10_000], &[0; 64]);
        host.send(&Frame::Entry(entry.as_bytes().clone())).await;
        if seq == 0 {
            continue;
        }
        if seq == 1 {
            assert_eq!(fast.wait_for_entry().await.seq, 0);
        }
        assert_eq!(fast.wait_for_entry().await.seq, seq);
    }
    // The stalled one reads again, misses most, and is up to date.
    let mut seen = Vec::new();
    while seen.last() != Some(&199) {
        seen.push(stalled.wait_for_entry().await.seq);
    }
    assert!(seen.len() < 100 && seen.contains(&150), "{seen:?}");
}

/// A flood is slowed down by not being read: it costs the flooder time, and nothing gets lost.
#[tokio::test(start_paused = true)]
async fn flood_is_read_at_the_rate() {
    let (node, mut founded) = (node(), founded());
    let ben = founded.session.person(&founded.interact);
    let mut host = Dialer::open(&node, 65_536);
    host.host(&founded).await;
    let mut guest = Dialer::open(&node, 4_096);
    guest.join(&ben).await;
    let entry = Frame::Entry(founded.session.first_entry(&ben, Lane::CHAT).as_bytes().clone());
    let start = Instant::now();
    for _ in 0..21_500 {
        guest.send(&entry).await;
    }
    guest.send(&Frame::Ping([4; 8])).await;
    guest.wait_for(|frame| (*frame == Frame::Pong([4; 8])).then_some(())).await;
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(1), "1,500 over the burst at 1,000/s took {waited:?}");
}
