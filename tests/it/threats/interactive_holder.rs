//! Somebody who may type, and so runs code as the host's user, and who has the relay's help: still not the host, not the
//! owner, nobody else, and no danger to anybody's program.

use super::held::{Held, Trial};
use super::helped::*;
use super::stage::{Stage, TYPED, entry_of};
use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::{ADA, START, Table};
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::doc::{DocKind, Document};
use cahoots::proto::id::Channel;
use cahoots::proto::key::SessionRoot;
use cahoots::proto::token::Access;
use cahoots::proto::wire::{CloseCode, Frame, WireEntry};

/// Output is the host's alone, and so are its answers: nobody with any link speaks for it.
#[test]
fn output_cannot_be_forged_as_host() -> Held {
    let mut trial = Trial::default();
    for access in [Access::Interact, Access::Own] {
        let mut stage = Stage::new();
        let token = stage.table.share(access, DAY_MS);
        let eve = Eve::join(&mut stage.table, &token).unwrap();
        for author in [stage.author(ADA), eve.me()] {
            let forged = forged_screen(&eve, author);
            past_relay(&mut stage.table, stage.cat, &eve, &forged);
            trial.fails("Eve draws on the screen", stage.screen_of(stage.cat), stage.true_screen());
        }
        let eve = Eve::join(&mut stage.table, &token).unwrap();
        let code = through_relay(&mut stage.table, &eve, &forged_screen(&eve, eve.me()));
        trial.fails("an honest relay helps", code, Some(CloseCode::NoRight));
        trial.fails("an answer of Eve's counts as the host's", answered_by_eve(&token), 3);
    }
    let (mut stage, now) = (Stage::new(), START);
    stage.table.peers[ADA].output(PANE, b"genuine", now).unwrap();
    stage.table.pass(1_000_000);
    trial.works("the host draws", stage.screen_of(stage.cat).concat().contains("genuine"));
    trial.held()
}

/// Withholds what Ben types from the host, has Eve say that it was taken, and returns how much Ben still waits for.
fn answered_by_eve(_: &cahoots::Token) -> usize {
    let mut table = Table::new();
    let token = table.share(Access::Own, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    let is_direct = |frame: &Frame| {
        let channel = entry_of(frame).map(|entry| entry.lane.channel);
        channel == Some(Channel::TO_HOST) || channel == Some(Channel::FROM_HOST)
    };
    table.tap = Some(Box::new(move |_, _, frame| if is_direct(&frame) { vec![] } else { vec![frame] }));
    table.peers[ben].type_bytes(PANE, b"ls\n").unwrap();
    table.settle();
    let [_, typed] = eve.seal_direct(3, &input());
    let body = [table.peers[ben].me().unwrap().as_bytes(), typed.body()].concat();
    for author in [eve.me(), table.peers[ADA].me().unwrap()] {
        let lane = eve.lane(Channel::FROM_HOST, author);
        let forged = WireEntry::encode(1, lane, 0, &body, typed.signature());
        past_relay(&mut table, ben, &eve, std::slice::from_ref(&forged));
    }
    table.peers[ben].unconfirmed_bytes()
}

/// That two people may type does not mean that either may read what the other types.
#[test]
fn keys_typed_by_others_cannot_be_read() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let eve = Eve::join(&mut stage.table, &stage.interact.clone()).unwrap();
    let own = eve.seal_direct(3, &input());
    past_relay(&mut stage.table, ADA, &eve, &own);
    have_nothing(&mut stage.table, &eve);
    let frames = stage.table.frames();
    let direct = |channel: Channel| channel == Channel::TO_HOST || channel == Channel::FROM_HOST;
    let typed: Vec<Frame> =
        frames.iter().filter(|frame| entry_of(frame).is_none_or(|entry| direct(entry.lane.channel))).cloned().collect();
    let mut ring = stage.ring_of_reader().with_share(&eve.secret).with_member(eve.me(), eve.keys.clone());
    ring.study(&frames);
    trial.gets_nothing("Eve's keys open what Ben types", ring.read(&typed));
    // An honest relay does not even send it to her.
    let heard = stage.table.read(eve.conn);
    let is_hers = |entry: &WireEntry| entry.body().starts_with(eve.me().as_bytes());
    let others = heard.iter().filter_map(entry_of).filter(|entry| direct(entry.lane.channel) && !is_hers(entry));
    trial.gets_nothing("the relay brings it", others.map(|entry| entry.lane));
    let read = stage.ring_of_host().read(&typed);
    trial
        .works("the host's do", read.iter().any(|opened| super::canary::contains(&opened.plaintext, TYPED.as_bytes())));
    trial.held()
}

/// Nobody speaks in another's name: not in the other's lane, not in one's own, not with the other's own ciphertext.
#[test]
fn entries_of_others_cannot_be_forged() -> Held {
    let mut trial = Trial::default();
    for channel in Channel::DURABLE {
        let mut stage = Stage::new();
        let (ada, said, state) = (stage.author(ADA), stage.said_at(ADA), stage.table.peers[ADA].state());
        let made = |actor| {
            if channel == Channel::CHAT {
                Document::new(DocKind::Chat, actor).say(&"I resign".into(), START.wall).unwrap().unwrap()
            } else {
                Document::new(DocKind::State, actor).set_app("mine", "1").unwrap().unwrap()
            }
        };
        for is_own_lane in [false, true] {
            let eve = Eve::join(&mut stage.table, &stage.interact.clone()).unwrap();
            let lane = if is_own_lane { eve.me() } else { ada };
            let entry = eve.seal_as(lane, channel, 1, &cahoots::proto::seal::pad_durable(&made(ada)));
            through_relay(&mut stage.table, &eve, std::slice::from_ref(&entry));
            past_relay(&mut stage.table, stage.cat, &eve, &[entry]);
        }
        // Signing somebody's ciphertext makes it neither readable nor one's own.
        let eve = Eve::join(&mut stage.table, &stage.interact.clone()).unwrap();
        let original = stage.entries(channel).into_iter().find(|entry| entry.lane.author == stage.author(stage.ben));
        let (original, lane) = (original.unwrap(), eve.lane(channel, eve.me()));
        let header = cahoots::proto::wire::header(&stage.session(), 1, &lane, 0, &[0; 32], original.body().len());
        let digest = cahoots::proto::lane::verify::entry_digest(&header, original.body());
        let adopted = WireEntry::encode(1, lane, 0, original.body(), &eve.keys.sign(&digest));
        through_relay(&mut stage.table, &eve, &[adopted]);
        for victim in [ADA, stage.ben, stage.cat] {
            trial.fails("a forged line is read", stage.said_at(victim), said.clone());
            trial.fails("a forged title is shown", stage.table.peers[victim].state(), state.clone());
        }
        let eve = Eve::join(&mut stage.table, &stage.interact.clone()).unwrap();
        let own = eve.seal(channel, 1, &made(eve.me()));
        through_relay(&mut stage.table, &eve, &[own]);
        let took = stage.said_at(ADA) != said || stage.table.peers[ADA].state() != state;
        trial.works("an entry of her own counts", took);
    }
    trial.held()
}

/// What was said stays said: a second history reaches nobody who has the first, and costs nobody a link.
#[test]
fn history_cannot_be_rewritten() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let ben = table.join(&token);
    let eve = Eve::join(&mut table, &token).unwrap();
    let said = |text: &str| {
        let payload = Document::new(DocKind::Chat, eve.me()).say(&text.into(), START.wall).unwrap().unwrap();
        eve.seal(Channel::CHAT, 1, &payload)
    };
    let (yes, no) = (said("yes"), said("no"));
    through_relay(&mut table, &eve, &[yes, no.clone()]);
    trial.works("the first history is read", table.chat(ADA) == ["yes"] && table.chat(ben) == ["yes"]);
    past_relay(&mut table, ben, &eve, std::slice::from_ref(&no));
    past_relay(&mut table, ADA, &eve, &[no]);
    for victim in [ADA, ben] {
        trial.fails("a second history is read", table.chat(victim), vec!["yes".to_owned()]);
    }
    let now = table.now;
    table.peers[ben].say(&"still here".into(), now).unwrap();
    table.pass(1_000_000);
    for victim in [ADA, ben] {
        trial.fails("the others cannot go on", table.chat(victim), ["yes", "still here"].map(String::from).to_vec());
    }
    trial.held()
}

/// The auth log is the owner's: neither a guest nor a co-owner adds a line to it, or revokes, or ends anything.
#[test]
fn owner_cannot_be_impersonated() -> Held {
    let mut trial = Trial::default();
    for access in [Access::Interact, Access::Own] {
        let mut stage = Stage::new();
        let token = stage.table.share(access, DAY_MS);
        let root = SessionRoot::from_seed([0xee; 32]);
        let head = stage.table.peers[ADA].log().head();
        let mut forked = AuthLog::new(root.session_id());
        forked.write(&root, &Record::Genesis { root: root.public() }, START.wall).unwrap();
        let close = Record::Close { share: stage.view.secret().unwrap().share_id(), stay: vec![] };
        let records = [close, Record::End].map(|record| {
            let mut log = forked.clone();
            let raw = log.write(&root, &record, START.wall).unwrap();
            // In this session's name, as the record that comes next.
            let mut raw = raw.to_vec();
            raw[2..18].copy_from_slice(stage.session().as_bytes());
            raw[18..26].copy_from_slice(&stage.table.peers[ADA].log().next_seq().to_le_bytes());
            raw[26..58].copy_from_slice(&head);
            Frame::Log(raw.into())
        });
        for record in records {
            let eve = Eve::join(&mut stage.table, &token).unwrap();
            stage.table.send(eve.conn, &record);
            trial.fails("Eve writes the log", stage.table.closed_with(eve.conn).is_some(), true);
            stage.table.inject(stage.cat, record);
            for victim in [ADA, stage.ben, stage.cat] {
                let peer = &stage.table.peers[victim];
                trial.fails("Eve's record counts", (peer.log().head(), peer.ended()), (head, None));
            }
            stage.table.connect(stage.cat);
        }
        stage.table.revoke(&stage.view.clone());
        trial.works("the owner's record counts", stage.table.peers[stage.cat].ended().is_some());
    }
    trial.held()
}

/// Who may type now must not be able to make it for ever.
#[test]
fn longer_share_cannot_be_made() -> Held {
    let mut trial = cannot_be_widened(Access::Interact);
    let mut table = Table::new();
    let token = table.share(Access::Interact, 10_000);
    let eve = Eve::join(&mut table, &token).unwrap();
    let typed = eve.seal_direct(3, &input());
    for entry in &typed {
        table.send(eve.conn, &frame(entry));
    }
    trial.works("before the time is up she types", table.inputs().len() == 1);
    // The clocks of others may be two minutes behind; after that it is over, whoever helps.
    table.pass(140_000_000);
    let late = Eve::join(&mut table, &token).err();
    trial.fails("an expired link joins", late, Some(CloseCode::Expired));
    let [open, again] = eve.another([9; 32]).seal_direct(3, &input());
    past_relay(&mut table, ADA, &eve.another([9; 32]), &[open, again]);
    trial.fails("an expired link types", table.inputs().len(), 1);
    trial.held()
}

/// Who types is told by name, not by address.
#[test]
fn addresses_of_others_cannot_be_learned() -> Held {
    super::wire::addresses_cannot_be_learned(Access::Interact)
}

/// Crafted CRDT bytes, signed as they should be: nobody panics, nobody hangs, and only Eve is silenced.
#[test]
fn crafted_bytes_stop_nobody() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    for channel in Channel::DURABLE {
        let eve = Eve::join(&mut stage.table, &stage.interact.clone()).unwrap();
        let honest = if channel == Channel::CHAT {
            Document::new(DocKind::Chat, eve.me()).say(&"a".into(), START.wall).unwrap().unwrap()
        } else {
            Document::new(DocKind::State, eve.me()).set_title("a").unwrap().unwrap()
        };
        for (number, payload) in crafted(&honest).into_iter().enumerate() {
            let seed = *blake3::hash(&(number as u64).to_le_bytes()).as_bytes();
            let eve = eve.another(seed);
            let entry = eve.seal(channel, 1, &payload);
            past_relay(&mut stage.table, ADA, &eve, &[entry]);
        }
        let eve = Eve::join(&mut stage.table, &stage.interact.clone()).unwrap();
        for payload in crafted(&honest).into_iter().take(3) {
            let entry = eve.seal(channel, 1, &payload);
            through_relay(&mut stage.table, &eve, &[entry]);
        }
    }
    let now = stage.table.now;
    stage.table.peers[ADA].set_title("calm").unwrap();
    stage.table.peers[stage.ben].say(&"undisturbed".into(), now).unwrap();
    stage.table.pass(2_000_000);
    for victim in [ADA, stage.ben, stage.cat] {
        trial.fails("the chat has stopped", stage.said_at(victim).last().map(String::as_str), Some("undisturbed"));
        trial.fails("the state has stopped", stage.table.peers[victim].state().title.as_str(), "calm");
    }
    trial.works("Eve is silenced", stage.table.alarms(ADA).iter().any(|alarm| alarm.contains("muted")));
    trial.held()
}

/// Makes payloads that no honest program does: cut off, altered with a right checksum, compressed bombs, other types.
fn crafted(honest: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![vec![], vec![0; 60_000], honest[..honest.len() / 2].to_vec()];
    let (header, body) = (8, 10);
    for at in (body..honest.len()).step_by(7) {
        let mut altered = honest.to_vec();
        altered[at] ^= 1 << (at % 8);
        // Automerge names a chunk by the hash of type, length and contents, of which four bytes stand in front.
        use sha2::{Digest, Sha256};
        let checksum = Sha256::digest(&altered[header..]);
        altered[4..8].copy_from_slice(&checksum[..4]);
        all.push(altered);
    }
    for kind in [0_u8, 2, 3, 9] {
        let mut other = honest.to_vec();
        other[header] = kind;
        all.push(other);
    }
    all.push(POISON.to_vec());
    // A change of 64 MiB of zeros in 64 KiB, as Automerge itself would compress it.
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packer, &vec![0; 64 << 20]).unwrap();
    let packed = packer.finish().unwrap();
    assert!(packed.len() < 65_536, "it fits an entry: {}", packed.len());
    let mut bomb = [&honest[..header], &[2]].concat();
    let mut rest = packed.len();
    while rest > 0 {
        bomb.push((rest & 127) as u8 | if rest > 127 { 128 } else { 0 });
        rest >>= 7;
    }
    bomb.extend(&packed[..60_000.min(packed.len())]);
    all.push(bomb);
    all
}

/// A change that Automerge 0.12.0 applies and saves without complaint, and panics on when it loads what it saved.
#[rustfmt::skip]
const POISON: [u8; 158] = [
    0x85, 0x6f, 0x4a, 0x83, 0xdc, 0xf5, 0x1c, 0x83, 0x01, 0x93, 0x01, 0x00, 0x10, 0x07, 0x07, 0x07, 0x07, 0x07, 0x07, 0x07,
    0x07, 0x07, 0x07, 0x07, 0x07, 0x07, 0x07, 0x07, 0x07, 0x01, 0x01, 0x00, 0x00, 0x00, 0x0c, 0x01, 0x06, 0x02, 0x0a, 0x11,
    0x06, 0x13, 0x0a, 0x15, 0x11, 0x34, 0x03, 0x42, 0x08, 0x56, 0x0d, 0x57, 0x12, 0x70, 0x04, 0x71, 0x02, 0x73, 0x02, 0x00,
    0x04, 0x08, 0x00, 0x00, 0x01, 0x00, 0x04, 0x7f, 0x01, 0x06, 0x02, 0x7f, 0x03, 0x00, 0x01, 0x00, 0x06, 0x05, 0x00, 0x00,
    0x02, 0x00, 0x04, 0x02, 0x00, 0x7f, 0x06, 0x04, 0x01, 0x00, 0x02, 0x7c, 0x01, 0x6c, 0x01, 0x74, 0x01, 0x6d, 0x01, 0x63,
    0x00, 0x07, 0x7e, 0x02, 0x6b, 0x30, 0x01, 0x23, 0x04, 0x07, 0x02, 0x7d, 0x02, 0x04, 0x00, 0x09, 0x01, 0x7f, 0x05, 0x03,
    0x00, 0x7c, 0x18, 0x14, 0x16, 0x26, 0x04, 0x16, 0x7e, 0x85, 0x01, 0x14, 0x03, 0x00, 0x68, 0xc3, 0xa9, 0x6c, 0x6c, 0x6f,
    0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x0c, 0x00, 0x7f, 0x01, 0x7f, 0x00, 0x7f, 0x04,
];
