//! A page in some browser of somebody who uses cahoots: it can send HTTP, WebSockets, WebTransport and WebRTC's UDP to any
//! address, and reads what a server lets it. Where browsers are not let in on purpose, nothing of ours answers any of them.
//!
//! What concerns the gateways and the viewer (framing it, reading its address bar, Origin and Host checks, rebinding names)
//! is tried in a browser: web/e2e/threats/hostile_page.e2e.ts; the checks of WebTransport beside its code.

use super::canary::{Canary, found};
use super::held::{Held, Trial};
use super::network_attacker::handshake;
use super::stage::Stage;
use super::wire::{PATIENCE, comes_true};
use crate::attacks::table::Heading;
use crate::e2e::stage::{Process, Stage as Processes, text};
use cahoots::proto::wire::Frame;
use cahoots::{Link, RelayAddress};
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;

/// How long somebody who answers at all would take, on loopback.
const ANSWER: Duration = Duration::from_millis(300);

/// What a page can make a browser send in one datagram, and what looks like other protocols.
fn datagrams() -> Vec<Vec<u8>> {
    let stun = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    let dtls = [&[22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100][..], &[1; 100]].concat();
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n".to_vec();
    let dns = [&[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x05local\x00\x00\x01\x00\x01"].concat();
    vec![stun, dtls, http, dns]
}

/// Whether an answer is a stateless reset (RFC 9000, 10.3): what anybody gets from any relay for a datagram that looks
/// like one of a forgotten connection. It is shorter than the question and, but for two bits, random.
fn is_reset(answer: &[u8], question_bytes: usize) -> bool {
    answer.len() < question_bytes && answer.first().is_some_and(|first| first >> 6 == 1)
}

/// Tries all that a page can; returns what was answered.
async fn reached(server: SocketAddr) -> Vec<String> {
    let mut reached = Vec::new();
    for alpn in ["h3", "h3-29", "webtransport", "wt", "http/1.1"] {
        reached.extend(handshake(server, alpn.as_bytes()).await.map(|_| format!("{alpn} over QUIC")));
    }
    let page = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in datagrams() {
        page.send_to(&datagram, server).await.unwrap();
    }
    let longest = datagrams().iter().map(Vec::len).max().unwrap_or_default();
    let mut buffer = [0; 2_048];
    while let Ok(Ok((length, _))) = tokio::time::timeout(ANSWER, page.recv_from(&mut buffer)).await {
        if !is_reset(&buffer[..length], longest) {
            reached.push(format!("{length} bytes over UDP"));
        }
    }
    // HTTP, WebSockets and EventSource begin with TCP.
    if tokio::net::TcpStream::connect(server).await.is_ok() {
        reached.push("TCP".into());
    }
    reached
}

/// A session of real programs, and the addresses that they listen on.
struct Party {
    relay: crate::e2e::stage::RelayNode,
    share: crate::e2e::stage::Share,
    join: Process,
    _stage: Processes,
}

impl Party {
    async fn new() -> Self {
        let stage = Processes::new();
        let relay = stage.relay_without_web().await;
        let share = stage.share(Some(&relay), &[], &["sh", "-c", "echo up; read go"]).await;
        let mut join = stage.join(share.link("interact"), &["--no-lan", "--json"]);
        join.shows("up").await;
        Self { relay, share, join, _stage: stage }
    }

    fn relay_at(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.relay.address.port))
    }

    fn processes(&self) -> [u32; 3] {
        [self.relay.process.id(), self.share.process.id(), self.join.id()]
    }
}

/// Returns the sockets of a process that listen for TCP, by what the kernel says of its network.
fn tcp_listeners(process: u32) -> Vec<String> {
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    // The fourth column is the state, 0A to listen; the tenth is the inode.
    let columns = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listening = columns.filter(|columns| columns[3] == "0A" && inodes.contains(&columns[9].to_owned()));
    listening.map(|columns| columns[1].to_owned()).collect()
}

/// A page that could open a socket to the relay would see what passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_cannot_be_read() -> Held {
    let mut trial = Trial::default();
    let party = Party::new().await;
    trial.gets_nothing("a page reaches the relay", reached(party.relay_at()).await);
    let native = handshake(party.relay_at(), b"cahoots/1").await;
    trial.works("a native program does", native.is_some());
    trial.held()
}

/// A page that could open a socket to the host's machine would type: nobody there listens to anything a page can say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let party = Party::new().await;
    for process in party.processes() {
        trial.gets_nothing("a program listens for TCP", tcp_listeners(process));
    }
    let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trial.works("a listener would be seen", !tcp_listeners(std::process::id()).is_empty());
    drop(own);
    trial.held()
}

/// Whatever a page sends to the relay, it learns nothing of a session there and changes nothing in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_cannot_be_read() -> Held {
    let mut trial = Trial::default();
    let party = Party::new().await;
    trial.gets_nothing("a page reaches the relay", reached(party.relay_at()).await);
    // The right protocol, but without the name of a share, which a page cannot know.
    let members = hello_of_a_stranger(&party.relay.address).await;
    trial.fails("who knows no link is told of the session", members, None);
    let token = Link::parse(party.share.link("interact")).unwrap().token;
    let (session, share) = (token.session, token.secret().unwrap().share_id());
    let told = super::native::hello(&party.relay.address, session, share).await;
    trial.works("who knows one is", told.is_some_and(|frames| frames > 3));
    trial.held()
}

async fn hello_of_a_stranger(relay: &RelayAddress) -> Option<usize> {
    let (session, share) = (cahoots::SessionId([0; 16]), cahoots::ShareId([0; 16]));
    super::native::hello(relay, session, share).await.filter(|frames| *frames > 2)
}

/// Whatever a page sends, the session goes on as if nothing were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let mut party = Party::new().await;
    let before = party.share.process.records().len();
    let _ = reached(party.relay_at()).await;
    let after = party.share.process.records();
    trial.gets_nothing("the host's session changes", after.get(before..).into_iter().flatten());
    party.join.ask(&serde_json::json!({ "do": "say", "text": "still here" }));
    let heard = || party.share.process.records().iter().any(|record| record["text"] == "still here");
    trial.works("a member changes it", comes_true(heard, PATIENCE).await);
    trial.held()
}

/// The secret of a link is in its fragment, which no browser and none of our programs ever sends.
#[test]
fn fragment_cannot_be_stolen() -> Held {
    let (stage, mut trial) = (Stage::new(), Trial::default());
    for token in [&stage.view, &stage.interact] {
        let link = Link { token: token.clone(), relay: Some(RelayAddress::parse("relay.example.org").unwrap()) };
        let url = link.reveal();
        let (sent, fragment) = url.split_once('#').expect("a link has a fragment");
        let secret = Canary::text("token", &token.reveal()[31..]);
        trial.fails("a browser sends the token", secret.is_in(sent.as_bytes()), false);
        trial.works("the fragment has it", secret.is_in(fragment.as_bytes()));
        let up = stage.table.wire.iter().filter(|passed| passed.heading == Heading::ToRelay);
        let up: Vec<u8> = up.flat_map(|passed| passed.frame.encode()).collect();
        trial.gets_nothing("our programs send the token", found(&[secret], &up));
    }
    let hello = |frame: &Frame| matches!(frame, Frame::Hello(_));
    trial.works("they said HELLO", stage.table.wire.iter().any(|passed| hello(&passed.frame)));
    trial.held()
}

/// That a session exists shows in no answer: a relay is as silent to a page with one as without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn existence_of_a_session_cannot_be_learned() -> Held {
    let mut trial = Trial::default();
    let party = Party::new().await;
    let stage = Processes::new();
    let empty = stage.relay_without_web().await;
    let nobody = SocketAddr::from(([127, 0, 0, 1], empty.address.port));
    let (with, without) = (reached(party.relay_at()).await, reached(nobody).await);
    trial.fails("a relay with a session answers a page otherwise", with, without);
    // The folder where a host leaves its port is no page's to read.
    let token = Link::parse(party.share.link("interact")).unwrap().token;
    let (session, share) = (token.session, token.secret().unwrap().share_id());
    let told = super::native::hello(&party.relay.address, session, share).await;
    let stranger = super::native::hello(&empty.address, session, share).await;
    trial.works("a native program with the link sees the difference", told != stranger);
    trial.held()
}

/// A page that sends all it can, over and over, keeps nobody out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_cannot_be_stopped() -> Held {
    let mut trial = Trial::default();
    let mut party = Party::new().await;
    let page = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for _ in 0..500 {
        for datagram in datagrams() {
            let _ = page.send_to(&datagram, party.relay_at()).await;
        }
    }
    party.join.ask(&serde_json::json!({ "do": "say", "text": "still here" }));
    let heard = party.share.process.record("the words", |record| record["text"] == "still here").await;
    trial.fails("a flood silences members", text(&heard["text"]), "still here");
    let native = handshake(party.relay_at(), b"cahoots/1").await;
    trial.works("newcomers get in", native.is_some());
    trial.held()
}
