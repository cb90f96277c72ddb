//! Real announcements on a real network, in namespaces: a bystander hears them, repeats them and floods them.

use super::super::canary::{Canary, contains, found};
use super::super::held::{Held, Trial};
use crate::e2e::nearby::net::Net;
use crate::e2e::stage::{Process, Stage, text};
use cahoots::Link;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5_353;

/// Somebody who hears all that is multicast on a machine's network.
struct Ear {
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    socket: UdpSocket,
}

impl Ear {
    fn on(net: &Net, machine: &str, address: Ipv4Addr) -> Self {
        let socket = net.on(machine, || {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).expect("nobody else listens there");
            socket.join_multicast_v4(&GROUP, &address).expect("the network can multicast");
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            socket
        });
        let (heard, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, ears, flag) = (heard.clone(), socket.try_clone().unwrap(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 9_000];
            while !flag.load(Ordering::Relaxed) {
                if let Ok((length, _)) = ears.recv_from(&mut buffer) {
                    log.lock().unwrap().push(buffer[..length].to_vec());
                }
            }
        });
        Self { heard, stop, thread: Some(thread), socket }
    }

    fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().clone()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// Starts a session on one machine, and has somebody on a second join it by the bare token.
async fn meet(net: &Net, stages: &[Stage; 2]) -> (Process, Process, String) {
    let args = [
        "share",
        "--json",
        "--name",
        "name-of-the-ocelot",
        "--title",
        "title-of-the-badger",
        "--",
        "sh",
        "-c",
        "read go",
    ];
    let share = Process::start(net.within("ada", &stages[0].cahoots(&args)));
    let sharing = share.record("the links", |record| record["event"] == "sharing").await;
    let token = Link::parse(text(&sharing["links"]["interact"])).unwrap().token.reveal();
    let join = join(net, &stages[1], &token).await;
    (share, join, token)
}

async fn join(net: &Net, stage: &Stage, token: &str) -> Process {
    let mut join =
        Process::start(net.within("ben", &stage.cahoots(&["join", "--json", "--name", "name-of-the-okapi"])));
    join.write(token);
    join.record("its membership", |record| record["event"] == "in").await;
    join
}

/// That some program of this kind is there can be heard; not which session, whose, on what machine, of which user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn session_cannot_be_learned() -> Held {
    let mut trial = Trial::default();
    let Some(net) = Net::new(&["ada", "ben", "eve"]) else { return Held::not_run() };
    let ear = Ear::on(&net, "eve", Ipv4Addr::new(10, 77, 0, 3));
    let stages = [Stage::new(), Stage::new()];
    let (mut share, mut ben, token) = meet(&net, &stages).await;
    ben.types("\r");
    assert_eq!((share.end().await.code, ben.end().await.code), (Some(0), Some(0)));
    let heard = ear.heard();
    let bytes = heard.concat();
    trial.works("they found each other over the air", contains(&bytes, b"_p2p"));
    let token = Link::parse(&token).unwrap().token;
    let mut canaries = vec![
        Canary::text("name", "name-of-the-ocelot"),
        Canary::text("guest", "name-of-the-okapi"),
        Canary::text("title", "title-of-the-badger"),
        Canary::text("token", &token.reveal()[31..]),
        Canary::text("session in the token", &token.reveal()[6..30]),
        Canary::new("session", token.session.as_bytes()),
        Canary::new("share", token.secret().unwrap().share_id().as_bytes()),
        Canary::text("program", "cahoots-"),
    ];
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    if hostname.len() >= 8 {
        canaries.push(Canary::text("machine", &hostname));
    }
    trial.gets_nothing("it is on the air", found(&canaries, &bytes));
    // A guest announces nothing: of its own address nothing is told, but to the host that it dials.
    trial.fails("the guest announces itself", contains(&bytes, b"/ip4/10.77.0.2/"), false);
    trial.works("the host does", contains(&bytes, b"/ip4/10.77.0.1/"));
    trial.held()
}

/// Announcements cost nothing to make: thousands of them, and a repeated one with another address, keep nobody from the
/// host and fill no memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discovery_cannot_be_stopped() -> Held {
    let mut trial = Trial::default();
    let Some(net) = Net::new(&["ada", "ben", "eve"]) else { return Held::not_run() };
    let ear = Ear::on(&net, "eve", Ipv4Addr::new(10, 77, 0, 3));
    let stages = [Stage::new(), Stage::new()];
    let (mut share, mut ben, token) = meet(&net, &stages).await;
    let heard = ear.heard();
    let announced = heard.iter().rev().find(|packet| contains(packet, b"/ip4/10.77.0.1/")).cloned();
    let announced = announced.expect("the host announces itself");
    let flood = |count: u32| {
        let place = find(&announced, b"10.77.0.1").unwrap();
        let name = find(&announced, b"/p2p/").map(|at| at + 20).unwrap();
        for n in 0..count {
            let mut lie = announced.clone();
            // Elsewhere; for half of them under another name.
            lie[place..place + 9].copy_from_slice(b"10.77.0.3");
            if n % 2 == 0 {
                let digits = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
                for (at, byte) in lie[name..name + 12].iter_mut().enumerate() {
                    *byte = digits[(n as usize >> (at * 3)) % digits.len()];
                }
            }
            let _ = ear.socket.send_to(&lie, (GROUP, PORT));
        }
    };
    let before = resident_bytes(ben.id());
    flood(20_000);
    let eve = join(&net, &stages[1], &token).await;
    trial.fails("a flood keeps guests from the host", eve.records().iter().any(|record| record["event"] == "in"), true);
    ben.ask(&serde_json::json!({ "do": "say", "text": "still here" }));
    share.record("the words", |record| record["text"] == "still here").await;
    trial.works("the flood was heard", ear.heard().len() > 100);
    for process in [share.id(), ben.id(), eve.id()] {
        let grown = resident_bytes(process).saturating_sub(before);
        trial.fails("a flood fills memory", grown < 256 << 20, true);
    }
    ben.types("\r");
    assert_eq!(share.end().await.code, Some(0));
    trial.held()
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// What a process has in memory now.
fn resident_bytes(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1_024
}
