//! Somebody on the way, with every datagram in hand: real QUIC over real sockets, heard, altered, repeated, impersonated.

use super::canary::{Canary, contains, found};
use super::held::{Held, Trial};
use super::wire::{Middle, PATIENCE, Way, comes_true, guest, host, is_brought_to, relay, relay_at};
use cahoots::io::quic::{DialError, Endpoint, Target};
use cahoots::io::tls::Trust;
use cahoots::{Access, Guest, Host, Link, Pane, PaneId, Relay, Screen, Size, Terms};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::UdpSocket;

const OUTPUT: &str = "output-of-the-zebra";
const SAID: &str = "said-by-the-walrus";
const TYPED: &str = "typed-by-the-okapi";
const NAME: &str = "name-of-the-ocelot";
const PANE: PaneId = PaneId(0);
/// The largest datagram of a handshake.
const DATAGRAM_BYTES: usize = 1_200;

/// Ada and Ben at a relay, both by way of somebody in the middle.
struct Party {
    middle: Middle,
    ada: Host,
    pane: Pane,
    link: Link,
    ben: Guest,
    _relay: Relay,
}

impl Party {
    async fn new(meddle: impl Fn(Way, &[u8]) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let relay = relay().await;
        let middle = Middle::new(relay.local_addrs()[0], Ipv4Addr::LOCALHOST, meddle).await;
        let way = relay_at(&relay, middle.address.port());
        let ada = host(way.clone()).await;
        ada.session().set_name(NAME);
        let pane = ada.open_pane("shell", "sh", Size::new(40, 5)).unwrap();
        let link = ada.share(Terms::new(Access::Interact)).unwrap();
        assert!(is_brought_to(&relay).await, "Ada is at the relay");
        let ben = guest(&link, way).await;
        Self { middle, ada, pane, link, ben, _relay: relay }
    }

    /// Says, shows and types one thing each, and waits until it is where it belongs.
    async fn talk(&mut self) {
        let view = self.ben.watch(PANE);
        self.ada.session().say(SAID).unwrap();
        self.pane.write(OUTPUT.as_bytes()).unwrap();
        self.ben.type_bytes(PANE, TYPED.as_bytes()).unwrap();
        let input = tokio::time::timeout(PATIENCE, self.pane.next_input()).await.unwrap().unwrap();
        assert_eq!(input.bytes, TYPED.as_bytes());
        let shows = || view.with_screen(Screen::text).concat().contains(OUTPUT);
        assert!(comes_true(shows, PATIENCE).await, "the output is shown");
        let hears = || self.ben.session().messages().iter().any(|message| message.text == SAID);
        assert!(comes_true(hears, PATIENCE).await, "the words are heard");
    }

    fn heard(&self) -> Vec<String> {
        self.ben.session().messages().into_iter().map(|message| message.text).collect()
    }
}

fn pass(_: Way, datagram: &[u8]) -> Vec<Vec<u8>> {
    vec![datagram.to_vec()]
}

/// Records a whole session and looks for one thing in it.
async fn cannot_be_read(canaries: impl Fn(&Party) -> Vec<Canary>) -> Held {
    let mut trial = Trial::default();
    let mut party = Party::new(pass).await;
    party.talk().await;
    let bytes = party.middle.bytes();
    trial.works("everything went by here", bytes.len() > 10_000);
    trial.gets_nothing("it is in the clear", found(&canaries(&party), &bytes));
    trial.held()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_cannot_be_read() -> Held {
    cannot_be_read(|_| vec![Canary::text("output", OUTPUT)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_cannot_be_read() -> Held {
    cannot_be_read(|_| vec![Canary::text("input", TYPED)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_cannot_be_read() -> Held {
    cannot_be_read(|_| vec![Canary::text("chat", SAID), Canary::text("title", "quiet-title")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_cannot_be_stolen() -> Held {
    cannot_be_read(|party| {
        let token = &party.link.token;
        vec![Canary::text("token", &token.reveal()[31..]), Canary::new("kek", token.secret().unwrap().kek().expose())]
    })
    .await
}

/// Not even which session it is, by which link, nor who: all of HELLO is inside TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_tokens_cannot_be_learned() -> Held {
    cannot_be_read(|party| {
        let token = &party.link.token;
        vec![
            Canary::text("name", NAME),
            Canary::new("session", party.ada.session().id().as_bytes()),
            Canary::new("share", token.secret().unwrap().share_id().as_bytes()),
            Canary::new("author", party.ben.session().me().unwrap().as_bytes()),
        ]
    })
    .await
}

/// Flips a bit in every third datagram, cuts some short and repeats others; returns what came of it.
async fn session_under_fire() -> (Party, Vec<String>, Vec<Vec<u8>>) {
    let count = AtomicUsize::new(0);
    let mut party = Party::new(move |_, datagram| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let mut altered = datagram.to_vec();
        if let Some(byte) = altered.get_mut(number * 7 % datagram.len().max(1)) {
            *byte ^= 1 << (number % 8);
        }
        match number % 9 {
            0 | 3 => vec![altered, datagram.to_vec()],
            4 => vec![datagram[..datagram.len() / 2].to_vec(), datagram.to_vec()],
            6 => vec![datagram.to_vec(), datagram.to_vec()],
            8 => vec![altered],
            _ => vec![datagram.to_vec()],
        }
    })
    .await;
    party.talk().await;
    // All of it once more, as a recording: another connection's, and this one's.
    let recording = party.middle.heard.lock().unwrap().clone();
    let replay = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    for (_, datagram) in recording.iter().filter(|(way, _)| *way == Way::ToServer) {
        let _ = replay.send_to(datagram, party.middle.address).await;
    }
    party.ben.type_bytes(PANE, b"the end").unwrap();
    let mut inputs = vec![TYPED.as_bytes().to_vec()];
    while !inputs.concat().ends_with(b"the end") {
        inputs.push(tokio::time::timeout(PATIENCE, party.pane.next_input()).await.unwrap().unwrap().bytes);
    }
    let heard = party.heard();
    (party, heard, inputs)
}

/// What is shown is what was written, whatever is done to the datagrams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let (party, _, _) = session_under_fire().await;
    let view = party.ben.watch(PANE);
    let shows = || view.with_screen(Screen::text).concat().trim_end() == OUTPUT;
    trial.works("the output gets through", comes_true(shows, PATIENCE).await);
    party.pane.write(b"\r\ndone").unwrap();
    let view = party.ben.watch(PANE);
    let shows = || view.with_screen(Screen::text).iter().any(|line| line.trim_end() == "done");
    assert!(comes_true(shows, PATIENCE).await);
    let text: Vec<String> = view.with_screen(Screen::text).iter().map(|line| line.trim_end().to_owned()).collect();
    trial.fails("altered output is shown", text[..2].join("|"), format!("{OUTPUT}|done"));
    trial.held()
}

/// What is typed is typed once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn input_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let (_party, _, inputs) = session_under_fire().await;
    let typed = [TYPED.as_bytes(), b"the end"].concat();
    trial.works("the input gets through", contains(&inputs.concat(), TYPED.as_bytes()));
    trial.fails("altered or repeated input is typed", inputs.concat(), typed);
    trial.held()
}

/// What is said is said once; and who answers in the relay's place is not talked to at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    let (party, heard, _) = session_under_fire().await;
    trial.fails("altered or repeated lines are read", heard, vec![SAID.to_owned()]);
    let other = relay().await;
    let impostor = other.local_addrs()[0].port();
    let real = party.link.relay.clone().unwrap();
    let trust = || Trust::fingerprint(real.fingerprint.unwrap());
    let dialled = Endpoint::new().dial(&Target::relay("127.0.0.1", impostor, trust())).await;
    trial.fails("another certificate is taken", matches!(dialled, Err(DialError::Fingerprint { .. })), true);
    let dialled = Endpoint::new().dial(&Target::relay("127.0.0.1", real.port, trust())).await;
    trial.works("the relay's own is", dialled.is_ok());
    trial.held()
}

/// Who only sends costs the relay less than it spends: no more than three bytes back for one, no state for half a
/// handshake, and room left for honest people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relay_spends_no_more_than_its_attacker() -> Held {
    let mut trial = Trial::default();
    // A first packet of a real client, heard on the way and never let through.
    let relay = relay().await;
    let server = relay.local_addrs()[0];
    let silent = Middle::new(server, Ipv4Addr::LOCALHOST, |_, _| vec![]).await;
    let fingerprint = relay.address("127.0.0.1").fingerprint.unwrap();
    let target = Target::relay("127.0.0.1", silent.address.port(), Trust::fingerprint(fingerprint));
    let endpoint = Endpoint::new();
    let _ = tokio::time::timeout(Duration::from_secs(1), endpoint.dial(&target)).await;
    let heard = silent.heard.lock().unwrap().clone();
    let first = heard.into_iter().map(|(_, datagram)| datagram).find(|datagram| datagram.len() >= DATAGRAM_BYTES);
    let first = first.expect("a client begins with a full datagram");

    let alone = answered(&first, server, 1).await;
    trial.works("the relay answers at all", alone > 0);
    // quinn sends a datagram whole that it has begun within its allowance (quinn#1082): less than one more, once.
    let allowed = 3 * first.len() + DATAGRAM_BYTES - 1;
    trial.fails("an answer is more than three times the question", alone <= allowed, true);
    let all = answered(&first, server, 64).await;
    trial.fails("many answers are more than three times the questions", all <= 64 * 3 * first.len(), true);
    trial.fails("half a handshake is a member", relay.stats().members, 0);

    // Rubbish costs no answer.
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    for length in [1, 21, 100, 1_200] {
        sender.send_to(&vec![0x5a; length], server).await.unwrap();
    }
    let mut buffer = [0; 2_048];
    let answer = tokio::time::timeout(Duration::from_millis(300), sender.recv_from(&mut buffer)).await;
    trial.fails("rubbish is answered with more", answer.is_ok_and(|got| got.unwrap().0 > 1_200), false);

    let ada = host(relay.address("127.0.0.1")).await;
    let link = ada.share(Terms::new(Access::View)).unwrap();
    let ben = guest(&link, relay.address("127.0.0.1")).await;
    trial.works("honest people still get in", ben.session().me().is_some());
    trial.held()
}

/// Sends one datagram from so many sockets, and returns how many bytes come back to all of them.
async fn answered(datagram: &[u8], server: SocketAddr, times: usize) -> usize {
    let mut senders = Vec::new();
    for _ in 0..times {
        let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        sender.send_to(datagram, server).await.unwrap();
        senders.push(sender);
    }
    // Long enough for a server to send its first flight again, twice.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut buffer = [0; 2_048];
    let mut back = |sender: &UdpSocket| std::iter::from_fn(|| sender.try_recv(&mut buffer).ok()).sum::<usize>();
    senders.iter().map(&mut back).sum()
}

/// Another protocol, or an older TLS, is no way in: there is one version, and 0-RTT is not offered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protocol_cannot_be_downgraded() -> Held {
    let mut trial = Trial::default();
    let relay = relay().await;
    let address = relay.address("127.0.0.1");
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, address.port));
    for alpn in [&b"h3"[..], b"cahoots/0", b"http/1.1", b""] {
        trial.fails("another protocol is spoken", handshake(server, alpn).await, None);
    }
    trial.works("ours is", handshake(server, b"cahoots/1").await == Some(false));
    trial.held()
}

/// Shakes hands as a client that takes any certificate; returns whether early data could have been sent, if it is in.
pub(super) async fn handshake(server: SocketAddr, alpn: &[u8]) -> Option<bool> {
    let mut config = super::anybody::client_config();
    if !alpn.is_empty() {
        config.alpn_protocols = vec![alpn.to_vec()];
    }
    let config = quinn::crypto::rustls::QuicClientConfig::try_from(config).unwrap();
    let mut endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(std::sync::Arc::new(config)));
    for is_again in [false, true] {
        let connecting = endpoint.connect(server, "relay").unwrap();
        match connecting.into_0rtt() {
            Ok(_) if is_again => return Some(true),
            Ok(_) => return None,
            Err(connecting) => {
                tokio::time::timeout(PATIENCE, connecting).await.unwrap().ok()?;
            }
        }
    }
    Some(false)
}
