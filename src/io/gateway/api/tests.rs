//! The API as scripts meet it: a relay on loopback, asked in plain text; each answer is held to `openapi.json`.

mod description;

use super::*;
use crate::io::gateway::{Gateway, GatewayOptions, Names};
use crate::io::quic::ListenLimits;
use crate::proto::relay::{Counts, HallStats, SessionStats};
use crate::proto::share::ShareFlags;
use crate::proto::token::{Link, Token};
use crate::{Access, Guest, Host, Lan, Passphrase, Relay, Size, Terms};
use description::Description;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const OPERATOR: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A relay that serves browsers, with and without TLS.
struct Stage {
    relay: Relay,
    description: Description,
}

/// What came back.
#[derive(Debug)]
struct Told {
    status: u16,
    head: String,
    body: Value,
}

impl Stage {
    async fn open() -> Self {
        Self::with(Names::default().host("relay.example"), Some(OPERATOR)).await
    }

    async fn with(names: Names, operator: Option<&str>) -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let builder = Relay::builder().listen(loopback).web_without_tls(loopback, names);
        let builder = operator.into_iter().fold(builder, |builder, token| builder.operator(operator_token(token)));
        Self { relay: builder.start().await.unwrap(), description: Description::read() }
    }

    fn address(&self) -> SocketAddr {
        self.relay.web_addrs()[0]
    }

    fn client(&self) -> RelayClient {
        RelayClient::without_tls(self.address()).unwrap()
    }

    async fn host(&self) -> Host {
        let host = Host::builder().lan(Lan::Off).relay(self.relay.address("127.0.0.1")).start().await.unwrap();
        host.relay_dialled().await;
        host
    }

    /// Asks for a path below `/api/v1`, and holds the answer to the description.
    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Told {
        let told = self.ask_raw(method, &format!("{BASE}{path}"), headers, body).await;
        self.description.check(method, path.split('?').next().unwrap(), told.status, &told.body);
        told
    }

    async fn ask_raw(&self, method: &str, path: &str, headers: &str, body: &str) -> Told {
        let host = if headers.contains("host:") { String::new() } else { format!("host: {}\r\n", self.address()) };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        ask_at(self.address(), &request).await
    }

    async fn get(&self, path: &str) -> Told {
        self.ask("GET", path, "", "").await
    }

    async fn operate(&self, path: &str) -> Told {
        self.ask("GET", path, &format!("authorization: Bearer {OPERATOR}\r\n"), "").await
    }

    /// Asks as the holder of `token`, by the name of `host`, if it is one of those that are allowed.
    async fn inquire(&self, token: &Token, host: &str) -> Told {
        let challenge = self.ask("POST", "/challenges", "", "").await.body["challenge"].clone();
        let challenge = Challenge(hex::parse(challenge.as_str().unwrap()).unwrap());
        let place = Place { host, request: COUNTS_REQUEST };
        self.send(&Inquiry::sign(&token.secret().unwrap(), challenge, place), host).await
    }

    async fn send(&self, inquiry: &Inquiry, host: &str) -> Told {
        let headers = format!("host: {host}\r\ncontent-type: application/json\r\n");
        self.ask("POST", "/counts", &headers, &written(inquiry).to_string()).await
    }
}

fn written(inquiry: &Inquiry) -> Value {
    json!({
        "session": inquiry.session,
        "share": inquiry.share,
        "challenge": hex::Hex(&inquiry.challenge.0).to_string(),
        "signature": hex::Hex(&inquiry.signature).to_string(),
    })
}

fn operator_token(text: &str) -> OperatorToken {
    OperatorToken::new(text).unwrap()
}

async fn ask_at(address: SocketAddr, request: &str) -> Told {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Told { status, head: head.to_ascii_lowercase(), body: serde_json::from_str(body).unwrap_or_default() }
}

fn view_link(host: &Host) -> Link {
    host.share(Terms::new(Access::View)).unwrap()
}

/// A link that nobody made.
fn strange_link(session: SessionId) -> Token {
    Token::new(Access::View, &session, [8; 16], ShareFlags::NONE)
}

/// Whoever watches over machines asks this, and nothing that it says may be of use to anybody else.
#[tokio::test]
async fn anybody_is_told_that_it_runs_and_what_can_be_asked() {
    let stage = Stage::open().await;
    let health = stage.get("/health").await;
    assert_eq!((health.status, &health.body), (200, &json!({ "status": "ok" })));
    assert!(health.head.contains("cache-control: no-store") && health.head.contains("nosniff"), "{}", health.head);
    assert!(!health.head.contains("access-control"), "{}", health.head);
    assert_eq!(stage.get("/openapi.json").await.body, serde_json::from_str::<Value>(answer::OPENAPI).unwrap());
    assert_eq!(stage.ask_raw("HEAD", "/api/v1/health", "", "").await.status, 200);
}

/// The whole story of a holder: asks without joining, over TLS, by the address that the link has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holder_asks_how_many_are_there() {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let relay = Relay::builder().listen(loopback).web(Names::default()).start().await.unwrap();
    let address = relay.address("127.0.0.1");
    let host = Host::builder().lan(Lan::Off).relay(address.clone()).start().await.unwrap();
    host.relay_dialled().await;
    let pane = host.open_pane("demo", "built in", Size::new(20, 3)).unwrap();
    pane.write(b"hello").unwrap();
    let words = || Passphrase::new("open sesame").unwrap();
    let locked = host.share_with_passphrase(Terms::new(Access::View), words()).await.unwrap();
    let link = view_link(&host);

    // Once a guest is in by the newest link, the relay knows both.
    let guest = Guest::builder(link.clone()).lan(Lan::Off).watch(pane.id()).start().await.unwrap();
    let client = RelayClient::new(&address).unwrap();
    let expected = Counts { members: 2, members_most: 2, watching: 1, views: 1 };
    until("the guest", async || client.counts(&link.token, None).await.unwrap() == expected).await;
    assert!(matches!(client.counts(&locked.token, None).await, Err(AskError::PassphraseNeeded)));
    assert_eq!(client.counts(&locked.token, Some(words())).await.unwrap(), expected);
    let wrong = Some(Passphrase::new("open barley").unwrap());
    assert!(matches!(client.counts(&locked.token, wrong).await, Err(AskError::Refused)));

    host.revoke(host.id_of(&link).unwrap()).unwrap();
    until("the end", async || matches!(client.counts(&link.token, None).await, Err(AskError::Refused))).await;
    let mut eve = address;
    eve.fingerprint = Some([9; 32]);
    let refused = RelayClient::new(&eve).unwrap().counts(&link.token, None).await;
    assert!(matches!(refused, Err(AskError::Untrusted { .. })), "{refused:?}");
    drop(guest);
    relay.shutdown().await;
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..1_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never came: {what}");
}

/// The name of a session in an answer, a byte more or a word else: enough to tell who shares here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stranger_cannot_tell_what_there_is() {
    let stage = Stage::open().await;
    let host = stage.host().await;
    let link = view_link(&host);
    let authority = stage.address().to_string();
    let known = link.token.session;
    until("the session", async || stage.relay.stats().sessions == 1).await;
    let mut answers = Vec::new();
    for token in [&strange_link(SessionId([7; 16])), &strange_link(known)] {
        answers.push(stage.inquire(token, &authority).await);
    }
    let Told { body: challenge, .. } = stage.ask("POST", "/challenges", "", "").await;
    let challenge = Challenge(hex::parse(challenge["challenge"].as_str().unwrap()).unwrap());
    let share = link.token.secret().unwrap().share_id();
    answers.push(stage.send(&Inquiry { session: known, share, challenge, signature: [0; 64] }, &authority).await);
    for told in &answers {
        let first = &answers[0];
        assert_eq!((told.status, dateless(&told.head), &told.body), (403, dateless(&first.head), &first.body));
    }

    let without = Stage::with(Names::default(), None).await;
    let mut answers = Vec::new();
    for path in ["/node", "/sessions", "/sessions/00000000000000000000000000000000", &format!("/sessions/{known}")] {
        for headers in ["", "authorization: Bearer wrong\r\n", "authorization: Basic QWxhZGRpbg==\r\n"] {
            answers.push(stage.ask("GET", path, headers, "").await);
        }
        let own = format!("authorization: Bearer {OPERATOR}\r\n");
        answers.push(without.ask("GET", path, &own, "").await);
    }
    for told in &answers {
        let first = &answers[0];
        assert_eq!((told.status, dateless(&told.head), &told.body), (401, dateless(&first.head), &first.body));
    }
    assert!(answers[0].head.contains("www-authenticate: bearer"), "{}", answers[0].head);
}

/// The head but for the moment at which it was written.
fn dateless(head: &str) -> Vec<&str> {
    head.lines().filter(|line| !line.starts_with("date:")).collect()
}

/// Who runs the relay has to see who takes its room, all of it, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operator_lists_sessions() {
    let stage = Stage::open().await;
    let (one, two) = (stage.host().await, stage.host().await);
    let ids = [view_link(&one), view_link(&two)].map(|link| link.token.session);
    let (client, token) = (stage.client(), operator_token(OPERATOR));
    let is_whole = |stats: &SessionStats| stats.is_host_here && stats.log_records > 4 && stats.bytes_out > 0;
    let are_whole = |all: &[SessionStats]| all.len() == 2 && all.iter().all(is_whole);
    until("both", async || are_whole(&client.sessions(&token).await.unwrap())).await;

    let first = stage.operate("/sessions?limit=1").await.body;
    let next = first["next"].as_str().unwrap();
    assert_eq!(first["sessions"].as_array().unwrap().len(), 1);
    let second = stage.operate(&format!("/sessions?limit=1&after={next}")).await.body;
    assert_eq!((second["sessions"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));

    let all = client.sessions(&token).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.is_sorted_by_key(|stats| stats.session));
    for stats in &all {
        assert!(ids.contains(&stats.session) && stats.counts.members == 1 && stats.bytes_in > 0, "{stats:?}");
        let alone = stage.operate(&format!("/sessions/{}", stats.session)).await.body;
        assert_eq!(alone["since_ms"], stats.since.0);
    }
    let node = client.node(&token).await.unwrap();
    assert_eq!((node.sessions, node.members), (2, 2));
    let eve = operator_token(&OPERATOR.replace('0', "1"));
    assert!(matches!(client.sessions(&eve).await, Err(AskError::NotTheOperator)));
    assert_eq!(stage.operate("/sessions/00000000000000000000000000000000").await.status, 404);
    for wrong in ["limit=0", "limit=1001", "limit=x", "after=x"] {
        assert_eq!(stage.operate(&format!("/sessions?{wrong}")).await.status, 400, "{wrong}");
    }
}

/// What is signed for an address of ours could be asked of us by somebody in between, were every address ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inquiry_counts_by_a_name_of_our_own_alone() {
    let stage = Stage::open().await;
    let host = stage.host().await;
    let link = view_link(&host);
    let port = stage.address().port();
    // The relay knows the link once somebody is in by it.
    let guest = Guest::builder(link.clone()).lan(Lan::Off).start().await.unwrap();
    for name in [format!("127.0.0.1:{port}"), format!("localhost:{port}"), "relay.example".to_owned()] {
        let told = stage.inquire(&link.token, &name).await;
        assert_eq!((told.status, &told.body["members"]), (200, &json!(2)), "{name}: {told:?}");
    }
    for name in ["192.0.2.1:4433", "eve.localhost", "[::1]:4433", "eve.example"] {
        assert_eq!(stage.inquire(&link.token, name).await.status, 421, "{name}");
    }
    drop(guest);
}

/// Scripts make mistakes; each has to be told its own, and none may cost the relay anything.
#[tokio::test]
async fn mistakes_are_named() {
    let stage = Stage::open().await;
    let json = "content-type: application/json\r\n";
    let good = written(&Inquiry {
        session: SessionId([1; 16]),
        share: ShareId([2; 16]),
        challenge: Challenge([3; 32]),
        signature: [4; 64],
    });
    assert_eq!(stage.ask("POST", "/counts", json, &good.to_string()).await.status, 409, "the challenge is nobody's");
    assert_eq!(stage.ask("POST", "/counts", "", &good.to_string()).await.status, 415);
    assert_eq!(stage.ask("POST", "/counts", json, &"x".repeat(BODY_BYTES_MAX + 1)).await.status, 413);
    for wrong in ["", "{}", "[]", "null", &good.to_string().replace("share", "sahre")] {
        assert_eq!(stage.ask("POST", "/counts", json, wrong).await.status, 400, "{wrong}");
    }
    for field in ["session", "share", "challenge", "signature"] {
        let mut wrong = good.clone();
        wrong[field] = "00".into();
        let told = stage.ask("POST", "/counts", json, &wrong.to_string()).await;
        assert!(told.status == 400 && told.body["detail"].as_str().unwrap().starts_with(field), "{told:?}");
    }
    let told = stage.ask_raw("GET", "/api/v1/counts", "", "").await;
    assert!(told.status == 405 && told.head.contains("allow: post") && told.body["hint"] == "use POST", "{told:?}");
    for path in ["/api/v1", "/api/v1/", "/api/v2/health", "/api/v1/sessions/", "/api/v1/sessions/a/b", "/api/x"] {
        let told = stage.ask_raw("GET", path, "", "").await;
        assert_eq!((told.status, &told.body["status"]), (404, &json!(404)), "{path}");
    }
    let none = ask_at(stage.address(), "GET /api/v1/health HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert_eq!((none.status, &none.body["title"]), (400, &json!("Bad Request")));
    assert_eq!(stage.ask("GET", "/health", "host: evil.example\r\n", "").await.status, 421);
}

/// Whoever says that more follows, and sends nothing, would hold a place for ever.
#[tokio::test(start_paused = true)]
async fn body_that_does_not_come_is_not_waited_for() {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().unwrap())]);
    let body = Body::from_stream(futures_util::stream::pending::<Result<String, std::io::Error>>());
    let problem = read_inquiry(&headers, body).await.unwrap_err();
    assert_eq!(axum::response::IntoResponse::into_response(problem).status(), StatusCode::REQUEST_TIMEOUT);
}

/// A page that people happen to have open must not ask in their name, unless the operator wants it to.
#[tokio::test]
async fn foreign_pages_ask_only_if_they_are_listed() {
    let closed = Stage::with(Names::default().origin("https://view.example"), Some(OPERATOR)).await;
    let preflight = "access-control-request-method: POST\r\naccess-control-request-headers: authorization\r\n";
    for origin in ["https://board.example", "https://view.example", "null"] {
        let from = format!("origin: {origin}\r\n");
        for (method, headers) in [("GET", from.clone()), ("OPTIONS", format!("{from}{preflight}"))] {
            let told = closed.ask_raw(method, "/api/v1/health", &headers, "").await;
            assert!(told.status == 403 && !told.head.contains("access-control"), "{method} {origin}: {told:?}");
        }
    }
    let own = format!("origin: http://{}\r\n", closed.address());
    assert_eq!(closed.ask("GET", "/health", &own, "").await.status, 200);

    let open = Stage::with(Names::default().cors_origin("https://board.example/"), Some(OPERATOR)).await;
    let from = "origin: https://board.example\r\n";
    let told = open.ask_raw("OPTIONS", "/api/v1/sessions", &format!("{from}{preflight}"), "").await;
    assert_eq!(told.status, 204);
    for line in [
        "access-control-allow-origin: https://board.example",
        "access-control-allow-headers: authorization, content-type",
        "access-control-allow-methods: get, post",
    ] {
        assert!(told.head.contains(line), "{}", told.head);
    }
    let told = open.ask("GET", "/sessions", from, "").await;
    assert_eq!(told.status, 401, "a page gets no more than who asks without one");
    assert!(told.head.contains("access-control-allow-origin: https://board.example"), "it may read why");
    assert!(told.head.contains("vary: origin"), "{}", told.head);
    assert_eq!(open.ask("GET", "/health", "origin: https://board.example.evil\r\n", "").await.status, 403);
    let socket = "origin: https://board.example\r\nupgrade: websocket\r\nconnection: upgrade\r\n";
    assert_eq!(open.ask_raw("GET", "/ws", socket, "").await.status, 403, "it may ask, not join");
}

/// One script that loops must not be felt by anybody, and must be told when to go on.
#[tokio::test]
async fn network_that_asks_too_much_is_told_to_wait() {
    let stage = Stage::open().await;
    let mut stream = TcpStream::connect(stage.address()).await.unwrap();
    let request = format!("POST /api/v1/challenges HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", stage.address());
    let requests = request.repeat(2 * API_RATE.burst as usize);
    let (mut reader, mut writer) = stream.split();
    let mut heard = String::new();
    let reads = async {
        let mut buffer = [0; 4_096];
        while heard.matches("HTTP/1.1 ").count() < 2 * API_RATE.burst as usize {
            let count = reader.read(&mut buffer).await.unwrap();
            heard.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        }
    };
    let (written, ()) = tokio::join!(writer.write_all(requests.as_bytes()), reads);
    written.unwrap();
    let refused = heard.matches("HTTP/1.1 429").count();
    assert!(refused > 0 && heard.matches("HTTP/1.1 200").count() >= API_RATE.burst as usize, "{refused} refused");
    assert!(heard.contains("retry-after: 1\r\n"), "{heard}");
    assert_eq!(stage.get("/health").await.status, 200, "whoever watches over the relay is not held up");
}

/// Behind a proxy one board that asks without end must not silence everybody's.
#[tokio::test]
async fn visitors_of_a_trusted_proxy_have_quotas_of_their_own() {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let builder = Relay::builder().listen(loopback).trust_proxy(loopback.ip());
    let relay = builder.web_without_tls(loopback, Names::default()).start().await.unwrap();
    let stage = Stage { relay, description: Description::read() };
    while stage.ask("POST", "/challenges", "x-forwarded-for: 192.0.2.1\r\n", "").await.status != 429 {}
    assert_eq!(stage.ask("POST", "/challenges", "x-forwarded-for: 192.0.2.2\r\n", "").await.status, 200);
}

/// A host that serves the viewer to its network is no relay: nobody operates it.
#[tokio::test]
async fn gateway_without_api_has_none() {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = GatewayOptions { limits: ListenLimits::default(), ..GatewayOptions::default() };
    let gateway = Gateway::bind(&[loopback], None, options).await.unwrap();
    let address = gateway.local_addresses()[0];
    let request = format!("GET /api/v1/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    assert_eq!(ask_at(address, &request).await.status, 404);
}
