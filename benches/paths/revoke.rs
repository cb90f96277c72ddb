//! From the owner's "revoke" to the last byte that the revoked can read: in virtual time, and on loopback.
//!
//! The honest relay cuts the revoked off; one that conspires with it hands over all it ever hears. What opens then,
//! sent after the owner's record, was sealed by those whom the record had not reached yet.

use crate::figures::{Samples, head, row, times, us};
use crate::keystroke::wait_linked;
use crate::room::{ADA, Ears, Heard, Room};
use crate::{Effort, Outcome, ours};
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::doc::Draft;
use cahoots::proto::epoch::open_wrap;
use cahoots::proto::id::{Class, LaneId, SessionId};
use cahoots::proto::key::{Secret32, derive};
use cahoots::proto::lane::verify::{entry_digest, starts_keyframe};
use cahoots::proto::session::{Peer, ShareTerms};
use cahoots::proto::terminal::Size;
use cahoots::proto::token::Access;
use cahoots::proto::wire::{Frame, WireEntry};
use cahoots::{Guest, Host, Lan, Terms};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often the program writes a line.
const OUTPUT_US: u64 = 1_000;
/// How often a guest who stays says something.
const CHAT_US: u64 = 20_000;
/// How long everybody goes on before the revocation, and behind it.
const BUSY_US: u64 = 1_000_000;
const LINE: &str = "a line of output, and what follows it\r\n";

/// Runs this part.
pub(crate) async fn run(effort: Effort) -> Outcome {
    simulated()?;
    println!();
    on_loopback(effort).await
}

fn simulated() -> Outcome {
    head(&[
        "one way",
        "the revoked reads until",
        "to two ways",
        "frames, bytes that were on their way",
        "a helping relay: of the host's",
        "of those who stay",
        "the last of them sealed",
    ]);
    for one_way_us in [1_000, 20_000, 100_000] {
        let mut room = Room::new(one_way_us, true)?;
        let share = |peer: &mut Peer, now| peer.share(&ShareTerms::new(Access::Interact), now);
        let (token, other) = (room.act(ADA, share)?, room.act(ADA, share)?);
        let pane = room.act(ADA, |peer, _| peer.open_pane("shell", "sh", Size::new(80, 24)))?;
        room.pass(4 * one_way_us);
        let (eve, ben) = (room.join(&token, Ears::Open)?, room.join(&other, Ears::Open)?);
        for seat in [eve, ben] {
            room.act(seat, |peer, _| peer.watch(pane));
        }
        room.seats[eve].keeps = true;
        room.pass(2_000_000);
        let busy = |room: &mut Room, us: u64| -> Outcome {
            for at_us in (0..us).step_by(1_000) {
                if at_us % OUTPUT_US == 0 {
                    room.act(ADA, |peer, now| peer.output(pane, LINE.as_bytes(), now))?;
                }
                if at_us % CHAT_US == 0 {
                    room.act(ben, |peer, now| peer.say(&Draft::from(LINE), now))?;
                }
                room.pass(1_000);
            }
            Ok(())
        };
        busy(&mut room, BUSY_US)?;
        let revoked_us = room.now.mono.0;
        let secret = token.secret()?;
        room.act(ADA, |peer, now| peer.revoke(secret.share_id(), now))?;
        busy(&mut room, BUSY_US)?;

        let (session, host) = (room.seats[ADA].peer.session(), room.seats[ADA].peer.me());
        let me = room.seats[eve].peer.me();
        let eve_heard = std::mem::take(&mut room.seats[eve].heard);
        let at_eve = opened(session, secret.kek(), &[&room.heard, &eve_heard], 1);
        let late: Vec<_> = at_eve.iter().filter(|entry| entry.at_us > revoked_us).collect();
        let until_us = late.iter().map(|entry| entry.at_us - revoked_us).max().unwrap_or(0);
        let bytes: usize = late.iter().map(|entry| entry.bytes).sum();

        let at_relay = opened(session, secret.kek(), &[&room.heard, &[]], 0);
        if at_relay.iter().all(|entry| entry.sent_us > revoked_us) {
            return Err("the keys of the revoked open nothing that was said before".into());
        }
        let late_there = at_relay.iter().filter(|entry| entry.sent_us > revoked_us);
        let late_there = late_there.filter(|entry| Some(entry.lane.author) != me);
        let (hosts, others): (Vec<&Opened>, Vec<&Opened>) =
            late_there.partition(|entry| Some(entry.lane.author) == host);
        let last_us = others.iter().map(|entry| entry.sent_us - revoked_us).max().unwrap_or(0);
        row(&[
            &us(one_way_us as f64),
            &us(until_us as f64),
            &times(until_us as f64, 2.0 * one_way_us as f64),
            &format!("{}, {bytes} B", late.len()),
            &hosts.len(),
            &others.len(),
            &us(last_us as f64),
        ]);
    }
    Ok(())
}

/// An entry that opened.
struct Opened {
    lane: LaneId,
    sent_us: u64,
    at_us: u64,
    bytes: usize,
}

/// Opens what opens of the frames in `heard[of]`, with the keys of all epochs that `kek` unwraps from any of them.
fn opened(session: SessionId, kek: &Secret32, heard: &[&[Heard]; 2], of: usize) -> Vec<Opened> {
    let all = || heard.iter().flat_map(|heard| heard.iter()).map(|heard| &heard.frame);
    let mut log = AuthLog::new(session);
    let mut commits = Vec::new();
    for raw in all().filter_map(|frame| if let Frame::Log(raw) = frame { Some(raw) } else { None }) {
        if let Ok(Record::Epoch { commit, .. }) = log.append(raw.clone()) {
            commits.push(commit);
        }
    }
    let wraps = all().filter_map(|frame| if let Frame::Wrap(raw) = frame { Some(raw) } else { None });
    let unwrap = |raw: &Bytes| commits.iter().find_map(|commit| open_wrap(raw, kek, &session, commit).ok());
    let secrets: Vec<[u8; 32]> = wraps.filter_map(unwrap).map(|secret| *secret.expose()).collect();

    let mut digests: BTreeMap<(LaneId, u64), [u8; 32]> = BTreeMap::new();
    let mut opened = Vec::new();
    for (is_asked, heard) in
        heard.iter().enumerate().flat_map(|(at, heard)| heard.iter().map(move |one| (at == of, one)))
    {
        let Frame::Entry(raw) = &heard.frame else { continue };
        let Ok(entry) = WireEntry::decode(raw.clone()) else { continue };
        let (lane, seq) = (entry.lane, entry.seq);
        let is_chained =
            matches!(lane.channel.class(), Class::Durable | Class::Live) && !starts_keyframe(lane.channel, entry.kind);
        let before = seq.checked_sub(1).and_then(|before| digests.get(&(lane, before)));
        let prev = before.filter(|_| is_chained).copied().unwrap_or_default();
        let header = entry.header(&session, &prev);
        digests.insert((lane, seq), entry_digest(&header, entry.body()));
        if is_asked && secrets.iter().any(|secret| opens(secret, &header, &entry)) {
            let Heard { sent_us, at_us, .. } = *heard;
            opened.push(Opened { lane, sent_us, at_us, bytes: raw.len() });
        }
    }
    opened
}

fn opens(secret: &[u8; 32], header: &[u8; 84], entry: &WireEntry) -> bool {
    let channel = entry.lane.channel.number().to_le_bytes();
    let key = derive("entry key", &[secret, entry.lane.author.as_bytes(), &channel]);
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&entry.seq.to_le_bytes());
    let sealed = Payload { msg: entry.body(), aad: header };
    ChaCha20Poly1305::new(&key.into()).decrypt(&nonce.into(), sealed).is_ok()
}

/// Has the host write without rest, revokes, and sees when the revoked one's screen stands still.
async fn on_loopback(effort: Effort) -> Outcome {
    let rounds = effort.pick(15, 2);
    let [mut verb, mut screen, mut told] = [const { Samples::new() }; 3];
    let mut bytes_max = 0;
    let relay = ours::Server::start()?;
    let host = Host::builder().name("ada").lan(Lan::Off).relay(relay.address.clone()).start().await?;
    let pane = host.open_pane("log", "built in", Size::new(80, 24))?;
    wait_linked(&host).await?;
    let id = pane.id();
    let writes = tokio::spawn(async move {
        let mut turn = tokio::time::interval(Duration::from_micros(OUTPUT_US));
        while pane.write(LINE.as_bytes()).is_ok() {
            turn.tick().await;
        }
    });
    let stays = Guest::builder(host.share(Terms::new(Access::View))?).lan(Lan::Off).start().await?;
    let mut kept = stays.watch(id);
    for _ in 0..rounds {
        let link = host.share(Terms::new(Access::View))?;
        let share = host.id_of(&link).ok_or("the link was just issued")?;
        let guest = Guest::builder(link).lan(Lan::Off).start().await?;
        let mut view = guest.watch(id);
        while !view.is_live() && view.changed().await {}
        tokio::time::sleep(Duration::from_millis(100)).await;

        let watched = tokio::spawn(async move {
            let mut last = (Instant::now(), view.offset());
            while let Ok(true) = tokio::time::timeout(Duration::from_millis(500), view.changed()).await {
                if view.offset() > last.1 {
                    last = (Instant::now(), view.offset());
                }
            }
            last
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        host.revoke(share)?;
        verb.push(start.elapsed());
        let before = kept.offset();
        while guest.session().status().ended.is_none() && start.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        told.push(start.elapsed());
        let (last, offset) = watched.await?;
        screen.push(last.saturating_duration_since(start));
        bytes_max = bytes_max.max(offset.saturating_sub(before));
        // Those who stay go on seeing what is written.
        while kept.offset() <= offset {
            if !kept.changed().await {
                return Err("the one who stays was cut off, too".into());
            }
        }
    }
    writes.abort();
    head(&["on loopback", "p50", "most"]);
    for (name, samples) in
        [("the verb", &verb), ("last change of its screen", &screen), ("told that it is revoked", &told)]
    {
        row(&[&name, &us(samples.median()), &us(samples.quantile(1.0))]);
    }
    println!("\nIts screen went at most {bytes_max} B beyond what another guest had when the verb returned.");
    host.end().await;
    Ok(())
}
