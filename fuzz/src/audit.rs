//! Audit files: reading them is total, what convinces cannot be changed, and it names nobody but its members.

use crate::cast;
use bytes::Bytes;
use cahoots::proto::audit::{Audit, Source, What, read};
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::id::{AuthorId, Channel, Epoch, LaneId};
use cahoots::proto::key::{MemberKeys, derive};
use cahoots::proto::lane::verify::entry_digest;
use cahoots::proto::member::Chain;
use cahoots::proto::seal::{LaneWriter, pad_durable};
use cahoots::proto::time::Wall;
use cahoots::proto::wire::{header, varint};
use std::collections::BTreeMap;

/// A file; or, behind a byte with its high bit set, what the host and the members sign, piece by piece: a journal record
/// (0), one that ends with a receipt of Ben's (1), or a change of Ben's (2) or the host's (3). What is left of the first
/// byte says where to change a file that convinces.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => signed(usize::from(first & 0x7f), rest),
        _ => anything(data),
    }
}

fn anything(file: &[u8]) {
    if let Ok(audit) = read(file) {
        check(&audit);
    }
}

fn signed(place: usize, data: &[u8]) {
    let mut file = File::new();
    for (&what, rest) in cast::pieces(data).filter_map(<[u8]>::split_first) {
        match (what % 4, rest.split_first()) {
            (0, Some((&kind, body))) => file.note(kind, body),
            (1, Some((&seq, body))) => file.note(7, &[body, &receipt(seq.into())[..]].concat()),
            (2 | 3, Some((&channel, content))) => file.write(usize::from(3 - what % 4), channel, content),
            _ => {}
        }
    }
    let bytes = file.encode();
    let Ok(audit) = read(&bytes) else { return };
    check(&audit);
    assert!(audit.events.iter().filter(|event| event.source == Source::Host).count() == file.journal.len());
    // From the end on the places are near each other, and the beginning is the same in all files.
    let mut changed = bytes.clone();
    let at = changed.len() - 1 - place * 7 % changed.len();
    changed[at] ^= 1;
    assert!(read(&changed).is_err(), "a file that was changed proves nothing");
    assert!(read(&bytes[..at]).is_err(), "a file that is cut off proves nothing");
}

fn check(audit: &Audit) {
    let is_member = |author: AuthorId| audit.members.iter().any(|person| person.author == author);
    assert!(is_member(audit.writer.author));
    for event in audit.events.iter().filter(|event| event.source != Source::Owner) {
        // A checkpoint may hold what members said who are not in the file.
        let is_known = event.who.as_ref().is_none_or(|who| is_member(who.author));
        assert!(is_known || event.source == Source::Checkpoint, "{event:?}");
        let is_said = matches!(event.what, What::Said { .. });
        assert_eq!(is_said, event.source != Source::Host, "who says what: {event:?}");
        assert!(!event.to_string().contains(['\x1b', '\n']), "one line for people");
    }
    assert!(audit.edits.iter().all(|edits| is_member(edits.who.author) && edits.unreadable <= edits.changes));
}

/// What Ben signed when he typed. PROTOCOL.md 19.
fn receipt(seq: u64) -> Vec<u8> {
    let lane = LaneId { channel: Channel::TO_HOST, author: cast::ben(), epoch: Epoch(0) };
    let body = [1; 20];
    let header = header(&cast::session(), 3, &lane, seq, &[0; 32], body.len());
    let signature = cast::keys_of(1).sign(&entry_digest(&header, &body));
    [&header[..], blake3::hash(&body).as_bytes(), &signature].concat()
}

struct File {
    journal: Vec<Vec<u8>>,
    head: [u8; 32],
    lanes: BTreeMap<LaneId, (LaneWriter, Vec<Bytes>)>,
}

impl File {
    fn new() -> Self {
        Self { journal: Vec::new(), head: [0; 32], lanes: BTreeMap::new() }
    }

    fn note(&mut self, kind: u8, body: &[u8]) {
        let seq = self.journal.len() as u64;
        let place = [&[1, kind], &cast::ada().as_bytes()[..], &seq.to_le_bytes(), &self.head].concat();
        let time = (cast::START + seq).to_le_bytes();
        let record = [&place[..], &time, &(body.len() as u16).to_le_bytes(), body].concat();
        self.head = derive("journal", &[cast::session().as_bytes(), &record]);
        let signature = cast::keys_of(0).sign(&self.head);
        self.journal.push([&record[..], &signature].concat());
    }

    fn write(&mut self, who: usize, channel: u8, content: &[u8]) {
        let reconciled = Channel::RECONCILED;
        let channel = reconciled[usize::from(channel) % reconciled.len()];
        let author = if who == 0 { cast::ada() } else { cast::ben() };
        let lane = LaneId { channel, author, epoch: Epoch(0) };
        let new = || (LaneWriter::new(cast::session(), lane, &cast::epoch_secret()), Vec::new());
        let (writer, entries) = self.lanes.entry(lane).or_insert_with(new);
        entries.push(writer.seal(1, &cast::keys_of(who), &pad_durable(content)).as_bytes().clone());
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = [b"CAHOOTSA", &[1][..], cast::session().as_bytes(), &(cast::START + 99).to_le_bytes()].concat();
        put_all(&mut out, &log());
        let mut chains = [cast::ada_chain(), cast::ben_chain()];
        chains.sort_by_key(|chain| chain.member.author());
        put_all(&mut out, &chains.map(|chain| chain.encode()));
        put_all(&mut out, &self.journal);
        varint::put(&mut out, self.lanes.len() as u64);
        for (lane, (_, entries)) in &self.lanes {
            varint::put(&mut out, lane.channel.number().into());
            out.extend(lane.author.0);
            varint::put(&mut out, lane.epoch.0.into());
            out.push(1);
            let channel = lane.channel.number().to_le_bytes();
            out.extend(derive("entry key", &[cast::epoch_secret().expose(), lane.author.as_bytes(), &channel]));
            put_all(&mut out, entries);
        }
        out.extend(cast::ada().0);
        let keys: MemberKeys = cast::keys_of(0);
        let signature = keys.sign(&derive("audit file", &[blake3::hash(&out).as_bytes()]));
        out.extend(signature);
        out
    }
}

fn put_all(out: &mut Vec<u8>, items: &[impl AsRef<[u8]>]) {
    varint::put(out, items.len() as u64);
    for item in items {
        varint::put(out, item.as_ref().len() as u64);
        out.extend_from_slice(item.as_ref());
    }
}

/// The host's powers, and the links of both.
fn log() -> Vec<Bytes> {
    let share = |chain: &Chain| Record::Share(chain.shares[0].clone());
    let (ada, ben) = (cast::ada_chain(), cast::ben_chain());
    let records = [
        Record::Genesis { root: cast::root().public() },
        share(&ada),
        share(&ben),
        Record::Epoch { epoch: Epoch(0), commit: cast::epoch_secret().commit() },
        Record::Host(ada.member),
    ];
    let mut log = AuthLog::new(cast::session());
    records.map(|record| log.write(&cast::root(), &record, Wall(cast::START)).expect("the log is valid")).to_vec()
}
