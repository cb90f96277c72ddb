//! Members that break the rules, with all the keys that they rightly have.

use super::super::super::liar::flip;
use super::super::super::model::everybody_in;
use super::super::super::net::Way;
use super::super::super::script::RELAY;
use super::super::super::spy::member_keys;
use super::super::Play;
use super::{Poison, SOON_US};
use bytes::Bytes;
use cahoots::proto::doc::{DocKind, Document, Draft};
use cahoots::proto::id::{AuthorId, Channel, Epoch, LaneId};
use cahoots::proto::seal::{LaneWriter, pad_durable};
use cahoots::proto::session::Alarm;
use cahoots::proto::time::Wall;
use cahoots::proto::wire::Frame;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write;

/// How long a new epoch takes to be everybody's, in microseconds: those cut short have said again what they had to.
const SETTLED_US: u64 = 6_000_000;
/// How many lines make a flood.
const FLOOD: usize = 300;
/// What a bomb unpacks to, in bytes.
const BOMB_BYTES: usize = 30_000_000;

/// Returns a packed change as Automerge would unpack it: 30 kB that say thirty million.
fn bomb() -> Bytes {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    let block = vec![0; 100_000];
    (0..BOMB_BYTES / block.len()).for_each(|_| packed.write_all(&block).unwrap());
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 60_000 && packed.len() >= 1 << 14);
    let length = [packed.len() as u8 | 0x80, (packed.len() >> 7) as u8 | 0x80, (packed.len() >> 14) as u8];
    let head = [0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 2];
    Bytes::from([&head[..], &length, &packed].concat())
}

impl Play<'_> {
    /// A member writes two histories. Who gets to see both tells everybody; with a relay that gives one of them to one
    /// member alone, what members say that they hold tells on it. The next epoch puts an end to it.
    pub(super) fn equivocate(&mut self, with_relay: bool) {
        let Some((eve, other)) = self.victim_and_another() else { return };
        let Some((id, epoch)) = self.begin_quietly(eve) else { return };
        if self.said_by(id) > 0 {
            return self.dismiss(eve);
        }
        let histories = ["one", "another"].map(|text| {
            self.world.model.said.push((eve, text.into()));
            let payload = Document::new(DocKind::Chat, id).say(&Draft::from(text), Wall(0)).unwrap().unwrap();
            self.seal_as(eve, id, epoch, &[payload])
        });
        let [Some(one), Some(another)] = histories else { return self.dismiss(eve) };
        let honest = everybody_in(&self.world);
        if with_relay && self.world.members[other].halls == [RELAY] {
            let first = one.concat();
            self.lie(Box::new(move |to, way, frame| to != other || way == Way::Up || *frame.encode() != *first));
            self.world.inject(other, RELAY, Way::Down, &another);
            self.world.inject(eve, RELAY, Way::Up, &one);
            self.await_alarm(&honest, SOON_US, |alarm| matches!(alarm, Alarm::Diverged(_)));
            self.rekey();
            self.run_for(SETTLED_US);
        } else {
            let other = if self.world.members[other].halls.contains(&RELAY) { other } else { 0 };
            self.world.inject(eve, RELAY, Way::Up, &one);
            self.run_for(1_000_000);
            self.world.inject(other, RELAY, Way::Down, &another);
            for index in &honest {
                self.await_alarm(&[*index], SOON_US, |alarm| *alarm == Alarm::Equivocated(id));
            }
        }
        self.exchange(&honest);
        self.dismiss(eve);
        self.stop_lying(None);
    }

    /// Begins an epoch in which a member has written nothing; from now on it is up to no good.
    fn begin_quietly(&mut self, eve: usize) -> Option<(AuthorId, Epoch)> {
        let epoch = self.rekey();
        self.run_for(SETTLED_US);
        self.world.model.false_members.insert(eve);
        Some((self.world.members[eve].peer.me()?, epoch))
    }

    fn said_by(&self, author: AuthorId) -> u64 {
        self.world.members[0].peer.document(Channel::CHAT).unwrap().admitted_of(author)
    }

    fn dismiss(&mut self, who: usize) {
        self.leave(who);
        self.settle_all();
    }

    /// A member seals with its own keys, in its own lane, what no honest program writes.
    pub(super) fn poison(&mut self, poison: Poison) {
        let Some((eve, other)) = self.victim_and_another() else { return };
        let Some((id, epoch)) = self.begin_quietly(eve) else { return };
        let ids = [id, self.world.members[other].peer.me().unwrap()];
        let payloads = self.payloads(poison, eve, ids);
        let epoch = if matches!(poison, Poison::BackDated) { Epoch(epoch.0 - 1) } else { epoch };
        let Some(frames) = self.seal_as(eve, id, epoch, &payloads) else { return self.dismiss(eve) };
        self.world.inject(eve, RELAY, Way::Up, &frames);
        let honest = everybody_in(&self.world);
        if poison.mutes() {
            for index in &honest {
                self.await_alarm(&[*index], SOON_US, |alarm| *alarm == Alarm::Muted(id));
            }
        }
        self.exchange(&honest);
        self.dismiss(eve);
    }

    /// Makes up what to write.
    fn payloads(&mut self, poison: Poison, eve: usize, ids: [AuthorId; 2]) -> Vec<Bytes> {
        // She has written nothing in this epoch, but perhaps before: her changes go on from there.
        let said = self.said_by(ids[0]);
        let change = |author: AuthorId, number: u64, text: &str| {
            let mut chat = Document::new(DocKind::Chat, author);
            let mut payload = None;
            for n in 0..=number {
                let text = if n == number { text.to_owned() } else { format!("{n}") };
                payload = chat.say(&Draft::from(text.as_str()), Wall(0)).unwrap();
            }
            payload.unwrap()
        };
        match poison {
            Poison::Noise => vec![Bytes::from(self.dice.array().to_vec())],
            Poison::ForgedActor => vec![change(ids[1], said, "not mine")],
            Poison::WrongPlace => vec![change(ids[0], said + 1 + self.dice.below(3), "from the future")],
            Poison::Flipped => {
                let line = change(ids[0], said, "spoilt");
                let spoilt = std::iter::repeat_with(|| flip(&line, &mut self.dice)).find(|spoilt| *spoilt != line);
                spoilt.into_iter().collect()
            }
            Poison::Bomb => vec![bomb()],
            Poison::BackDated => vec![change(ids[0], said, "long ago")],
            Poison::Repeated | Poison::Flood if said > 0 => vec![Bytes::from_static(b"again"); FLOOD],
            Poison::Repeated => {
                let line = change(ids[0], 0, "once");
                self.world.model.said.push((eve, "once".into()));
                vec![line.clone(), line]
            }
            Poison::Flood => {
                let mut chat = Document::new(DocKind::Chat, ids[0]);
                let lines = (0..FLOOD).map(|n| {
                    let text = format!("flood {n}");
                    self.world.model.said.push((eve, text.clone()));
                    chat.say(&Draft::from(text.as_str()), Wall(0)).unwrap().unwrap()
                });
                lines.collect()
            }
        }
    }

    fn seal_as(&self, eve: usize, id: AuthorId, epoch: Epoch, payloads: &[Bytes]) -> Option<Vec<Bytes>> {
        let (log, peer) = (self.world.members[0].peer.log(), &self.world.members[eve].peer);
        let secret = self.world.spy.secret(&self.world.model.shares, log, eve, peer, epoch)?;
        let keys = member_keys(self.world.spy.seeds[eve]);
        let lane = LaneId { channel: Channel::CHAT, author: id, epoch };
        let mut writer = LaneWriter::new(peer.session(), lane, &secret);
        let entries = payloads.iter().map(|payload| writer.seal(1, &keys, &pad_durable(payload)));
        Some(entries.map(|entry| Frame::Entry(entry.as_bytes().clone()).encode()).collect())
    }
}
