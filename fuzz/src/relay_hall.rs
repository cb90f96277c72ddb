//! A relay among strangers and members who say anything at any time: nobody gets what is not theirs.

use crate::cast;
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Checkpoint, Cut, LaneEnd, Record};
use cahoots::proto::epoch::{EpochSecret, wrap_recipient};
use cahoots::proto::id::{Channel, Class, Epoch, LaneId};
use cahoots::proto::key::{MemberKeys, Secret32, VerifyKey};
use cahoots::proto::lane::proof::Proof;
use cahoots::proto::lane::verify::{entry_digest, has_kind};
use cahoots::proto::member::{Chain, MemberCert, VerifiedMember};
use cahoots::proto::relay::{ConnId, Flow, Hall, HallLimits};
use cahoots::proto::seal::LaneWriter;
use cahoots::proto::share::Rights;
use cahoots::proto::time::{Mono, Now, Wall};
use cahoots::proto::verify::channel_binding;
use cahoots::proto::wire::{Auth, CloseCode, Frame, FrameDecoder, Hello, PassedOn, WireEntry, header};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const SEATS: usize = 4;
const STEPS_MAX: usize = 256;
/// Which of [`cast::chains`] the log names as host.
const HOST: usize = 0;

/// Steps, each behind its length as a `u16`: what, on which connection, and its argument.
pub fn run(data: &[u8]) {
    let mut world = World::new();
    for step in cast::pieces(data).take(STEPS_MAX) {
        let Some((&[what, seat], argument)) = step.split_first_chunk() else { continue };
        world.step(what, usize::from(seat) % SEATS, argument);
        world.deliver();
    }
}

struct World {
    hall: Hall,
    seats: [Option<Seat>; SEATS],
    opened: u64,
    now: Now,
    chains: Vec<Chain>,
    writers: BTreeMap<(usize, LaneId), LaneWriter>,
    direct_next: u64,
    log: &'static [Bytes],
    members: Vec<VerifiedMember>,
}

/// The far end of one connection.
struct Seat {
    id: ConnId,
    sent: FrameDecoder,
    paused_until: Mono,
    who: usize,
    /// What WELCOME said.
    nonce: Option<[u8; 32]>,
    is_ready: bool,
    /// Records of the log that it was sent, or has brought.
    known: usize,
}

impl World {
    fn new() -> Self {
        let members = cast::people();
        let chains: Vec<Chain> = members.iter().map(|member| member.chain().clone()).collect();
        Self {
            hall: Hall::new(HallLimits::default(), [7; 32]),
            seats: [const { None }; SEATS],
            opened: 0,
            now: Now { mono: Mono(1), wall: Wall(cast::START + 1) },
            log: &owners().0,
            chains,
            writers: BTreeMap::new(),
            direct_next: 0,
            members,
        }
    }

    fn step(&mut self, what: u8, at: usize, argument: &[u8]) {
        let first = usize::from(argument.first().copied().unwrap_or_default());
        match what % 16 {
            0 => self.open(at, first),
            1 => self.send(at, argument),
            2 => self.hang_up(at),
            3 => self.wait(argument),
            4 => self.hello(at),
            5 => self.auth(at),
            6 => self.entry(at, argument),
            8 => self.pass_on(at, argument),
            9 => self.prove(at, argument),
            10 => self.wrap(at, first),
            _ => {
                let record = self.log[first % self.log.len()].clone();
                self.send(at, &Frame::Log(record).encode());
            }
        }
    }

    fn open(&mut self, at: usize, who: usize) {
        if self.seats[at].is_some() {
            return;
        }
        self.opened += 1;
        let (id, who) = (ConnId(self.opened), who % self.chains.len());
        let (sent, paused_until, known) = (FrameDecoder::new(), Mono(0), 0);
        self.seats[at] = Some(Seat { id, sent, paused_until, who, nonce: None, is_ready: false, known });
        self.hall.handle_open(id, self.now);
    }

    /// Does what a shell does with bytes that arrive.
    fn send(&mut self, at: usize, bytes: &[u8]) {
        let (hall, now) = (&mut self.hall, self.now);
        let Some(seat) = self.seats[at].as_mut().filter(|seat| seat.paused_until <= now.mono) else { return };
        let mut flow = hall.handle_received(seat.id, bytes.len(), now);
        seat.sent.push(bytes);
        while flow != Flow::Stop {
            flow = match seat.sent.next_frame() {
                Ok(Some(Frame::Hello(hello))) => hall.handle_hello(seat.id, hello, None, now),
                Ok(Some(frame)) => {
                    let brought = self.log.iter().position(|record| frame == Frame::Log(record.clone()));
                    let flow = hall.handle_frame(seat.id, frame, now);
                    let is_kept = brought == Some(seat.known) && hall.records(&cast::session()) > seat.known as u64;
                    seat.known += usize::from(is_kept);
                    flow
                }
                Ok(None) => return,
                Err(_) => return hall.handle_violation(seat.id, CloseCode::Protocol, now),
            };
            if let Flow::Pause { until } = flow {
                seat.paused_until = until;
            }
        }
    }

    fn hang_up(&mut self, at: usize) {
        if let Some(seat) = self.seats[at].take() {
            self.hall.handle_close(seat.id, self.now);
        }
    }

    /// Lets up to a minute pass.
    fn wait(&mut self, argument: &[u8]) {
        let ms = argument.first_chunk().map_or(1, |ms| u64::from(u16::from_le_bytes(*ms)) % 60_000);
        self.now = Now { mono: self.now.mono.after_us(ms * 1_000), wall: self.now.wall.after_ms(ms) };
        self.hall.handle_timeout(self.now);
    }

    fn hello(&mut self, at: usize) {
        let Some(seat) = &self.seats[at] else { return };
        let share = self.chains[seat.who].member.share;
        let hello = Hello { nonce: [at as u8; 32], session: cast::session(), share };
        self.send(at, &Frame::Hello(hello).encode());
    }

    fn auth(&mut self, at: usize) {
        let Some(Seat { who, nonce: Some(nonce), .. }) = self.seats[at] else { return };
        let chain = &self.chains[who];
        let digest = chain.member.auth_digest(&channel_binding(&[], &[at as u8; 32], &nonce));
        let signature = keys_of(who).sign(&digest);
        self.send(at, &Frame::Auth(Auth { chain: chain.encode(), signature }).encode());
    }

    /// Sends an honest entry: channel and kind take a byte each, the rest is content. The high bit of the channel is for
    /// epoch 1.
    fn entry(&mut self, at: usize, argument: &[u8]) {
        let (Some(seat), Some((&[channel, kind], plaintext))) = (&self.seats[at], argument.split_first_chunk()) else {
            return;
        };
        let (number, epoch) = (channel & 0x7f, Epoch(u32::from(channel >> 7)));
        let Some(channel) = Channel::parse(number.into()).filter(|channel| has_kind(*channel, kind)) else { return };
        let who = seat.who;
        let lane = LaneId { channel, author: self.chains[who].member.author(), epoch };
        let entry = match channel.class() {
            Class::Direct => self.direct(who, lane, kind, plaintext),
            _ => {
                let new = || LaneWriter::new(cast::session(), lane, &cast::epoch_secret());
                self.writers.entry((who, lane)).or_insert_with(new).seal(kind, &keys_of(who), plaintext)
            }
        };
        self.send(at, &Frame::Entry(entry.as_bytes().clone()).encode());
    }

    /// Signs what only the two ends could read; for the relay any bytes will do.
    fn direct(&mut self, who: usize, lane: LaneId, kind: u8, content: &[u8]) -> WireEntry {
        let guest = self.chains[1].member.author();
        let prefix: &[u8] = if lane.channel == Channel::FROM_HOST { guest.as_bytes() } else { &[] };
        let seq = self.direct_next;
        self.direct_next += 1;
        cast::signed(&cast::session(), &keys_of(who), kind, lane, seq, &[prefix, content].concat())
    }

    /// Passes a share on, or another's again: whose, and what to make of the seal.
    fn pass_on(&mut self, at: usize, argument: &[u8]) {
        let &[whose, seal, ..] = argument else { return };
        let certs = &self.chains[usize::from(whose) % self.chains.len()].shares;
        if let [leaf, _, ..] = &certs[..] {
            let wrap = wrap_for(leaf.share.as_bytes());
            let passed = PassedOn { certs: certs.clone(), wrap, sealed_kek: [seal; 80] };
            self.send(at, &Frame::Share(passed).encode());
        }
    }

    /// Shows two entries that one author wrote in one place: whose, channel, epoch, seq.
    fn prove(&mut self, at: usize, argument: &[u8]) {
        let &[whose, channel, epoch, seq, ..] = argument else { return };
        let whose = usize::from(whose) % self.chains.len();
        // Elsewhere two entries contradict nothing.
        let durable = Channel::parse(channel.into()).filter(|channel| channel.class() == Class::Durable);
        let Some(channel) = durable else { return };
        let lane = LaneId { channel, author: self.chains[whose].member.author(), epoch: Epoch(epoch.into()) };
        let half = |body: [u8; 20]| {
            let header = header(&cast::session(), 1, &lane, seq.into(), &[0; 32], body.len());
            (header, body, keys_of(whose).sign(&entry_digest(&header, &body)))
        };
        let ((a, b), key) = ((half([1; 20]), half([2; 20])), VerifyKey::try_from(keys_of(whose).sign_public()));
        let key = key.expect("the key is one");
        let proof = Proof::find(&cast::session(), &key, (&a.0, &a.1, &a.2), (&b.0, &b.1, &b.2));
        let proof = proof.expect("two entries in one place");
        self.send(at, &Frame::Proof(Bytes::copy_from_slice(&proof.encode()[..])).encode());
    }

    /// Sends a wrap for a share, or for a member.
    fn wrap(&mut self, at: usize, whose: usize) {
        let member = &self.chains[whose % self.chains.len()].member;
        let recipient = if whose & 0x80 == 0 { *member.share.as_bytes() } else { *member.author().as_bytes() };
        self.send(at, &Frame::Wrap(wrap_for(&recipient)).encode());
    }

    /// Takes everything out of the hall and looks at it.
    fn deliver(&mut self) {
        while let Some(id) = self.hall.poll_ready() {
            let mut frames = Vec::new();
            let close = loop {
                let popped = self.hall.pop(id, 16_384, &mut frames);
                if popped.close.is_some() || !popped.has_more {
                    break popped.close;
                }
            };
            let at = self.seats.iter().position(|seat| seat.as_ref().is_some_and(|seat| seat.id == id));
            let Some(at) = at else { continue };
            frames.iter().for_each(|frame| self.look(at, frame));
            if close.is_some() {
                self.hang_up(at);
            }
        }
        let open = self.seats.iter().flatten().count();
        assert_eq!(self.hall.stats().connections, open, "no connection is forgotten or kept");
    }

    fn look(&mut self, at: usize, bytes: &[u8]) {
        let mut decoder = FrameDecoder::new();
        decoder.push(bytes);
        let frame = decoder.next_frame().expect("the hall speaks the protocol").expect("the hall sends whole frames");
        assert_eq!(decoder.buffered_bytes(), 0, "one frame at a time");
        let Some(seat) = &mut self.seats[at] else { return };
        match frame {
            Frame::Welcome(welcome) => seat.nonce = Some(welcome.nonce),
            Frame::Ready(_) => seat.is_ready = true,
            Frame::Log(raw) => {
                let at =
                    self.log.iter().position(|record| *record == raw).expect("the hall passes on what the owner wrote");
                assert!(at <= seat.known, "in order");
                seat.known = seat.known.max(at + 1);
            }
            Frame::Wrap(raw) => {
                let me = &self.chains[seat.who].member;
                let mine = [*me.share.as_bytes(), *me.author().as_bytes()].map(Some);
                assert!(mine.contains(&wrap_recipient(&raw)) || is_admin(me), "a wrap is for its recipient");
            }
            Frame::Share(passed) => {
                let me = &self.chains[seat.who].member;
                let is_mine = passed.certs.first().is_some_and(|leaf| leaf.share == me.share);
                assert!(is_mine || is_admin(me), "a passed-on share is for its members and the owner");
            }
            Frame::Entry(raw) => {
                assert!(seat.is_ready, "content is for members");
                let entry = WireEntry::decode(raw).expect("the hall passes on what it could parse");
                let me = self.chains[seat.who].member.author();
                let log = &owners().1[seat.known];
                let is_let_in = log.admits(&self.members[seat.who]).is_ok();
                assert!(is_let_in || entry.lane.channel.class() == Class::Direct, "content is for who was let in");
                let author = self.members.iter().find(|member| member.author() == entry.lane.author);
                let author = author.expect("nobody else signs");
                if Channel::RECONCILED.contains(&entry.lane.channel) {
                    assert!(log.commit(entry.lane.epoch).is_some(), "an epoch's record comes before its entries");
                    let end = log.end_of(&entry.lane, author);
                    let is_within =
                        matches!(end, LaneEnd::Open) || matches!(end, LaneEnd::At { next, .. } if entry.seq < next);
                    assert!(is_within, "nothing comes from behind the end of a lane");
                }
                match entry.lane.channel {
                    Channel::TO_HOST => assert_eq!(seat.who, HOST, "what is typed is for the host"),
                    Channel::FROM_HOST => assert_eq!(entry.body().first_chunk(), Some(me.as_bytes())),
                    _ => {}
                }
            }
            Frame::Member(_) | Frame::Peer(..) | Frame::Have(_) => assert!(seat.is_ready, "names are for members"),
            _ => {}
        }
    }
}

/// What the owner wrote, and each beginning of it.
fn owners() -> &'static (Vec<Bytes>, Vec<AuthLog>) {
    static OWNERS: OnceLock<(Vec<Bytes>, Vec<AuthLog>)> = OnceLock::new();
    OWNERS.get_or_init(|| {
        let mut logs = vec![AuthLog::new(cast::session())];
        let write = |record| {
            let mut log = logs.last().expect("there is one").clone();
            let raw = log.write(&cast::root(), &record, Wall(cast::START)).expect("the log is valid");
            logs.push(log);
            raw
        };
        let raw = records().into_iter().map(write).collect();
        (raw, logs)
    })
}

fn records() -> Vec<Record> {
    let members = cast::people();
    let [ada, ben, hal, _, fay, gus] = &members[..] else { panic!("six people") };
    let [ada, ben, hal, fay, gus] = [ada, ben, hal, fay, gus].map(VerifiedMember::chain);
    let secrets = [cast::epoch_secret(), EpochSecret::from_bytes([5; 32])];
    let epoch = |number: u32| Record::Epoch { epoch: Epoch(number), commit: secrets[number as usize].commit() };
    let share = |chain: &Chain| Record::Share(chain.shares[0].clone());
    let lane = |chain: &Chain, channel| LaneId { channel, author: chain.member.author(), epoch: Epoch(0) };
    let cut = |chain, channel, next| Cut { lane: lane(chain, channel), next, digest: [u8::from(next > 0); 32] };
    let mut cuts = vec![cut(ada, Channel::STATE, 1), cut(ben, Channel::CHAT, 0), cut(hal, Channel::CHAT, 2)];
    cuts.sort_by_key(|cut| (cut.lane.channel.number(), cut.lane.author));
    let checkpoint = |channel| Checkpoint { channel, epoch: Epoch(1), segments: 1, last: [6; 32], heads: [7; 32] };
    vec![
        Record::Genesis { root: cast::root().public() },
        share(ada),
        share(ben),
        epoch(0),
        Record::Host(ada.member.clone()),
        share(fay),
        Record::Admit(fay.member.author()),
        Record::Cut(cuts),
        Record::Close { share: ben.member.share, stay: vec![ben.member.author()] },
        epoch(1),
        Record::Checkpoint(checkpoint(Channel::STATE)),
        Record::Checkpoint(checkpoint(Channel::CHAT)),
        Record::Admit(gus.member.author()),
        Record::Close { share: fay.member.share, stay: Vec::new() },
        Record::End,
    ]
}

/// The keys of one of [`cast::people`].
fn keys_of(who: usize) -> MemberKeys {
    cast::member([0x80, 0xa0, 0xc1, 0xc0, 0x81, 0xa1][who])
}

fn is_admin(member: &MemberCert) -> bool {
    member.rights.contains(Rights::ADMIN)
}

/// A relay cannot tell what a wrap holds.
fn wrap_for(recipient: &[u8; 16]) -> Bytes {
    cast::epoch_secret().wrap(Epoch(0), &Secret32::from_bytes([8; 32]), recipient, &cast::session())
}
