//! A hall with real certificates, sealed entries and clocks that stand still. Ada hosts, Ben guests, Eve attacks.

mod admission;
mod blindness;
mod checkpoints;
mod direct;
mod durable;
mod ends;
mod guesses;
mod hostile;
mod inquiries;
mod live;
mod passed_on;
mod presence;
mod proofs;
mod restart;
mod revocation;
mod waiting;
mod wraps;

use super::*;
use crate::proto::authlog::{AuthLog, Cut, Record};
use crate::proto::epoch::EpochSecret;
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, PaneId, SessionId, ShareId};
use crate::proto::key::{MemberKeys, SessionRoot, ShareSecret};
use crate::proto::lane::LaneVerifier;
use crate::proto::member::{Chain, MemberCert};
use crate::proto::seal::LaneWriter;
use crate::proto::share::{Rights, ShareCert, ShareFlags, ShareTerms};
use crate::proto::time::{Now, Wall};
use crate::proto::verify::channel_binding;
use crate::proto::wire::{
    Ack, Auth, Frame, FrameDecoder, Have, Hello, LaneNext, Ready, Standing, Welcome, Whereabouts, WireEntry,
};
use bytes::Bytes;

const START: Now = Now { mono: Mono(1_000_000), wall: Wall(1_900_000_000_000) };
const HOUR_MS: u64 = 3_600_000;
const SECOND_US: u64 = 1_000_000;

/// A share that the owner issued.
pub(crate) struct Share {
    pub(crate) secret: ShareSecret,
    pub(crate) cert: ShareCert,
}

/// Somebody with a token and keys.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) keys: MemberKeys,
    pub(crate) chain: Chain,
}

impl Person {
    pub(crate) fn author(&self) -> AuthorId {
        self.chain.member.author()
    }

    pub(crate) fn lane(&self, channel: Channel) -> LaneId {
        LaneId { channel, author: self.author(), epoch: Epoch(0) }
    }

    pub(crate) fn hello(&self, nonce: [u8; 32]) -> Frame {
        let (session, share) = (self.chain.member.session, self.chain.member.share);
        Frame::Hello(Hello { nonce, session, share })
    }

    pub(crate) fn auth(&self, binding: &[u8; 32]) -> Frame {
        let signature = self.keys.sign(&self.chain.member.auth_digest(binding));
        Frame::Auth(Auth { chain: self.chain.encode(), signature })
    }

    pub(crate) fn member_frame(&self) -> Frame {
        Frame::Member(self.chain.encode())
    }
}

/// A session as its owner sees it.
pub(crate) struct Session {
    root: SessionRoot,
    epoch: EpochSecret,
    pub(crate) log: AuthLog,
    people: u8,
}

impl Session {
    pub(crate) fn new(seed: u8) -> Self {
        let root = SessionRoot::from_seed([seed; 32]);
        let log = AuthLog::new(root.session_id());
        Self { root, epoch: EpochSecret::from_bytes([seed; 32]), log, people: seed }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.root.session_id()
    }

    pub(crate) fn write(&mut self, record: &Record) -> Bytes {
        self.log.write(&self.root, record, START.wall).expect("the owner writes a valid record")
    }

    pub(crate) fn terms(rights: Rights) -> ShareTerms {
        Self::terms_at(START.wall, rights)
    }

    pub(crate) fn terms_at(now: Wall, rights: Rights) -> ShareTerms {
        let expires = now.after_ms(HOUR_MS);
        let not_before = Wall(now.0 - 1_000);
        ShareTerms { rights, depth_left: 1, not_before, expires, max_members: 0, flags: ShareFlags::NONE }
    }

    /// Issues a share without recording it.
    pub(crate) fn share(&mut self, terms: ShareTerms) -> Share {
        self.people += 1;
        let secret = ShareSecret::new(&self.id(), [self.people; 16], terms.flags, None);
        let cert = ShareCert::issue_root(&self.root, &secret, terms);
        Share { secret, cert }
    }

    pub(crate) fn record_share(&mut self, terms: ShareTerms) -> (Share, Bytes) {
        let share = self.share(terms);
        let record = self.write(&Record::Share(share.cert.clone()));
        (share, record)
    }

    pub(crate) fn person(&mut self, share: &Share) -> Person {
        self.people += 1;
        let keys = MemberKeys::from_seed([self.people; 32]);
        let ShareCert { rights, not_before, expires, .. } = share.cert;
        let member = MemberCert::issue(&share.secret, &keys, rights, not_before, expires);
        Person { keys, chain: Chain { member, shares: vec![share.cert.clone()] } }
    }

    pub(crate) fn writer(&self, person: &Person, channel: Channel) -> LaneWriter {
        LaneWriter::new(self.id(), person.lane(channel), &self.epoch)
    }

    /// Seals one entry of `person` at the beginning of a lane.
    pub(crate) fn first_entry(&self, person: &Person, channel: Channel) -> WireEntry {
        self.writer(person, channel).seal(1, &person.keys, b"first")
    }

    /// Seals a lane from its beginning. All epochs have one secret here: a relay could not tell.
    fn entries(&self, person: &Person, channel: Channel, epoch: u32, texts: &[&str]) -> Vec<WireEntry> {
        let lane = LaneId { epoch: Epoch(epoch), ..person.lane(channel) };
        let mut writer = LaneWriter::new(self.id(), lane, &self.epoch);
        texts.iter().map(|text| writer.seal(1, &person.keys, text.as_bytes())).collect()
    }

    /// Ends the lane of `entries` behind them.
    fn cut(&self, person: &Person, entries: &[WireEntry]) -> Cut {
        let lane = entries[0].lane;
        let key = person.chain.verify(&self.id()).expect("the fixture's chain holds").verify_key().clone();
        let mut verifier = LaneVerifier::new(self.id(), lane, key);
        let digest = entries.iter().map(|entry| verifier.check(entry).expect("the fixture's lane holds")).last();
        Cut { lane, next: entries.len() as u64, digest: digest.expect("at least one entry") }
    }

    /// The record that begins the next epoch.
    fn next_epoch(&self) -> Record {
        let epoch = self.log.epoch().map_or(Epoch(0), |newest| Epoch(newest.0 + 1));
        Record::Epoch { epoch, commit: self.epoch.commit() }
    }

    pub(crate) fn wrap(&self, share: &Share) -> Frame {
        Frame::Wrap(self.wrap_in(0, share))
    }

    fn wrap_in(&self, epoch: u32, share: &Share) -> Bytes {
        let recipient = share.secret.share_id();
        self.epoch.wrap(Epoch(epoch), share.secret.kek(), recipient.as_bytes(), &self.id())
    }
}

/// A session with a log, three shares and a host.
pub(crate) struct Founded {
    pub(crate) session: Session,
    pub(crate) own: Share,
    pub(crate) interact: Share,
    pub(crate) view: Share,
    pub(crate) ada: Person,
}

impl Founded {
    pub(crate) fn at(now: Wall) -> Self {
        let mut session = Session::new(1);
        let root = session.root.public();
        session.write(&Record::Genesis { root });
        let presets = [Rights::OWN, Rights::INTERACT, Rights::VIEW];
        let [own, interact, view] = presets.map(|rights| session.record_share(Session::terms_at(now, rights)).0);
        let commit = session.epoch.commit();
        session.write(&Record::Epoch { epoch: Epoch(0), commit });
        let ada = session.person(&own);
        session.write(&Record::Host(ada.chain.member.clone()));
        Self { session, own, interact, view, ada }
    }
}

/// What a connection got.
#[derive(Debug, Default)]
struct Mail {
    frames: Vec<Frame>,
    bytes: usize,
    close: Option<CloseCode>,
}

impl Mail {
    fn entries(&self) -> Vec<WireEntry> {
        let raw = self.frames.iter().filter_map(|frame| match frame {
            Frame::Entry(raw) => Some(raw.clone()),
            _ => None,
        });
        raw.map(|raw| WireEntry::decode(raw).expect("the hall passes on what it could parse")).collect()
    }

    fn seqs(&self) -> Vec<u64> {
        self.entries().iter().map(|entry| entry.seq).collect()
    }

    fn welcome(&self) -> Welcome {
        match self.frames.first() {
            Some(Frame::Welcome(welcome)) => *welcome,
            other => panic!("WELCOME comes first, not {other:?}"),
        }
    }

    fn is_ready(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Ready(_)))
    }

    fn count(&self, wanted: impl Fn(&Frame) -> bool) -> usize {
        self.frames.iter().filter(|frame| wanted(frame)).count()
    }
}

/// A hall, the session in it, and the host's connection.
struct World {
    hall: Hall,
    now: Now,
    conns: u64,
    session: Session,
    own: Share,
    interact: Share,
    view: Share,
    ada: Person,
    host: ConnId,
}

impl World {
    /// Ada has created the session on an empty hall and is connected.
    fn new() -> Self {
        let mut world = Self::without_host(HallLimits::default());
        world.host = world.connect_host();
        world
    }

    /// The session exists, the hall does not know it yet.
    fn without_host(limits: HallLimits) -> Self {
        let Founded { session, own, interact, view, ada } = Founded::at(START.wall);
        let hall = Hall::new(limits, [9; 32]);
        Self { hall, now: START, conns: 0, session, own, interact, view, ada, host: ConnId(0) }
    }

    fn advance(&mut self, us: u64) {
        self.now.mono = self.now.mono.after_us(us);
        self.now.wall = self.now.wall.after_ms(us / 1_000);
        self.hall.handle_timeout(self.now);
    }

    /// Lets `s` seconds pass while the connections of `awake` show that they live.
    fn pass_s(&mut self, s: u64, awake: &[ConnId]) {
        for _ in 0..s {
            for conn in awake {
                let _ = self.hall.handle_received(*conn, 1, self.now);
            }
            self.advance(SECOND_US);
        }
    }

    /// The owner writes a record and the host brings it.
    #[track_caller]
    fn record(&mut self, record: &Record) -> Bytes {
        let raw = self.session.write(record);
        assert_eq!(self.send(self.host, Frame::Log(raw.clone())), Flow::Continue);
        raw
    }

    /// Closes the share for all but `stay`.
    fn close_share(&mut self, share: ShareId, stay: &[AuthorId]) -> Bytes {
        let mut stay = stay.to_vec();
        stay.sort_unstable();
        self.record(&Record::Close { share, stay })
    }

    /// The owner issues a share, records it and brings the wrap for it.
    fn new_share(&mut self, terms: ShareTerms) -> Share {
        let (share, record) = self.session.record_share(terms);
        let wrap = self.session.wrap(&share);
        assert_eq!(self.send(self.host, Frame::Log(record)), Flow::Continue);
        assert_eq!(self.send(self.host, wrap), Flow::Continue);
        share
    }

    #[track_caller]
    fn send_all(&mut self, conn: ConnId, entries: &[WireEntry]) {
        for entry in entries {
            assert_eq!(self.send_entry(conn, entry), Flow::Continue, "entry {}", entry.seq);
        }
    }

    /// What a newcomer who has nothing is sent of a channel.
    fn served(&mut self, channel: Channel) -> Vec<WireEntry> {
        let person = self.session.person(&self.view);
        let conn = self.connect_unread(&person);
        let entries = self.drain(conn).entries();
        self.hall.handle_close(conn, self.now);
        entries.into_iter().filter(|entry| entry.lane.channel == channel).collect()
    }

    /// The node starts anew with what it has stored; all connections are gone.
    fn restart(&mut self) {
        let old = std::mem::replace(&mut self.hall, Hall::new(HallLimits::default(), [0; 32]));
        self.hall = Hall::with_store(HallLimits::default(), [11; 32], old.into_store(), self.now);
    }

    fn open(&mut self) -> ConnId {
        self.conns += 1;
        self.hall.handle_open(ConnId(self.conns), self.now);
        ConnId(self.conns)
    }

    fn send(&mut self, conn: ConnId, frame: Frame) -> Flow {
        self.hall.handle_frame(conn, frame, self.now)
    }

    fn send_entry(&mut self, conn: ConnId, entry: &WireEntry) -> Flow {
        self.send(conn, Frame::Entry(entry.as_bytes().clone()))
    }

    fn hello(&mut self, conn: ConnId, person: &Person) -> Mail {
        let _ = self.send(conn, person.hello([3; 32]));
        self.drain(conn)
    }

    fn auth(person: &Person, welcome: &Welcome) -> Frame {
        person.auth(&channel_binding(&[], &[3; 32], &welcome.nonce))
    }

    /// Goes through the handshake as far as the hall lets it.
    fn dial(&mut self, person: &Person) -> (ConnId, Mail) {
        let conn = self.open();
        let mut mail = self.hello(conn, person);
        if mail.close.is_none() {
            let _ = self.send(conn, Self::auth(person, &mail.welcome()));
            let rest = self.drain(conn);
            mail.frames.extend(rest.frames);
            mail.close = rest.close;
        }
        (conn, mail)
    }

    /// Connects a member that has nothing yet and reads all it is told.
    fn connect(&mut self, person: &Person) -> ConnId {
        let conn = self.connect_unread(person);
        self.drain(conn);
        conn
    }

    /// Connects a member that has nothing yet and has read nothing since READY.
    fn connect_unread(&mut self, person: &Person) -> ConnId {
        let (conn, mail) = self.dial(person);
        assert!(mail.is_ready(), "{mail:?}");
        self.announce(conn, &[]);
        conn
    }

    fn announce(&mut self, conn: ConnId, has: &[(LaneId, u64)]) {
        for channel in Channel::DURABLE {
            let lanes = has.iter().filter(|(lane, _)| lane.channel == channel);
            let lanes = lanes.map(|(lane, next)| LaneNext { author: lane.author, epoch: lane.epoch, next: *next });
            let _ = self.send(conn, Frame::Have(Have { channel, last: true, lanes: lanes.collect() }));
        }
    }

    /// Ada connects and brings what the hall lacks.
    fn connect_host(&mut self) -> ConnId {
        let ada = self.ada.clone();
        let (conn, mail) = self.dial(&ada);
        let ready = mail.frames.iter().find_map(|frame| match frame {
            Frame::Ready(Ready { log_next }) => Some(*log_next),
            _ => None,
        });
        let missing = ready.unwrap_or_else(|| panic!("{mail:?}"));
        let records: Vec<_> = self.session.log.records().iter().skip(missing as usize).cloned().collect();
        for record in records {
            assert_eq!(self.send(conn, Frame::Log(record)), Flow::Continue);
        }
        for wrap in [&self.own, &self.interact, &self.view].map(|share| self.session.wrap(share)) {
            assert_eq!(self.send(conn, wrap), Flow::Continue);
        }
        self.announce(conn, &[]);
        self.drain(conn);
        conn
    }

    fn guest(&mut self) -> Person {
        self.session.person(&self.interact)
    }

    fn viewer(&mut self) -> Person {
        self.session.person(&self.view)
    }

    /// Takes all that waits for `conn`.
    fn drain(&mut self, conn: ConnId) -> Mail {
        let mut mail = Mail::default();
        loop {
            let (piece, has_more) = self.pop(conn, 65_536);
            mail.frames.extend(piece.frames);
            mail.bytes += piece.bytes;
            mail.close = mail.close.or(piece.close);
            if !has_more {
                return mail;
            }
        }
    }

    fn pop(&mut self, conn: ConnId, bytes_max: usize) -> (Mail, bool) {
        let mut out = Vec::new();
        let popped = self.hall.pop(conn, bytes_max, &mut out);
        let mut decoder = FrameDecoder::new();
        let mut mail = Mail { close: popped.close, ..Mail::default() };
        for frame in out {
            mail.bytes += frame.len();
            decoder.push(&frame);
            mail.frames.push(decoder.next_frame().expect("ours").expect("one frame per buffer"));
        }
        (mail, popped.has_more)
    }

    /// Sends what must cost `conn` its connection, and checks that Ada's does not suffer.
    #[track_caller]
    fn assert_closed_by(&mut self, conn: ConnId, frame: Frame, code: CloseCode) {
        let host = self.host;
        assert_eq!(self.send(conn, frame), Flow::Stop);
        assert_eq!(self.drain(conn).close, Some(code));
        assert_eq!(self.drain(host).close, None, "others do not notice");
    }
}

fn terminal(pane: u16) -> Channel {
    Channel::terminal(PaneId(pane)).expect("a pane below 64")
}
