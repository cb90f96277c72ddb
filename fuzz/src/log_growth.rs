//! A log that grows by records which the owner did sign, sensible or not: who reads it twice reads the same, a refused
//! record leaves no trace, and what was taken away stays taken away.

use crate::cast;
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, LaneEnd, Record};
use cahoots::proto::id::{Channel, Epoch, LaneId, ShareId};
use cahoots::proto::member::VerifiedMember;
use cahoots::proto::verify::derive;
use std::collections::BTreeMap;

const RECORDS_MAX: usize = 128;
/// Epochs whose lanes are looked at.
const EPOCHS: u32 = 4;

/// Records to be, each behind its length as a `u16`: a type and a body, or, with the high bit, what to make of the cast.
pub fn run(data: &[u8]) {
    let people = cast::people();
    let mut log = AuthLog::new(cast::session());
    for piece in cast::pieces(data).take(RECORDS_MAX) {
        let Some((&what, argument)) = piece.split_first() else { continue };
        let (kind, body) =
            if what < 0x80 { (what, argument.to_vec()) } else { cast_body(what, argument, &log, &people) };
        let raw = cast::record(log.next_seq(), &log.head(), kind, &body);
        let before = Standing::of(&log, &people);
        let taken = log.append(raw);
        let after = Standing::of(&log, &people);
        match taken {
            Ok(record) => before.check_growth(&after, &record),
            Err(_) => assert_eq!(before, after, "a refused record leaves no trace"),
        }
    }
    let mut again = AuthLog::new(cast::session());
    for raw in log.records() {
        again.append(raw.clone()).expect("what was taken once is taken again");
    }
    assert_eq!(Standing::of(&again, &people), Standing::of(&log, &people));
}

/// A body that names people, shares and lanes which exist.
fn cast_body(what: u8, argument: &[u8], log: &AuthLog, people: &[VerifiedMember]) -> (u8, Vec<u8>) {
    let byte = |at: usize| argument.get(at).copied().unwrap_or_default();
    let person = |number: u8| &people[usize::from(number) % people.len()];
    let next = log.epoch().map_or(0, |epoch| epoch.0 + 1);
    match what % 10 {
        0 | 1 => (1, cast::root().public().as_bytes().to_vec()),
        2 => {
            let shares = &person(byte(0)).chain().shares;
            (2, shares.last().map_or_else(Vec::new, |share| share.as_bytes().to_vec()))
        }
        3 => (3, [&next.to_le_bytes()[..], &derive("fuzz", &[&[next as u8]])].concat()),
        4 => (4, person(byte(0)).chain().member.as_bytes().to_vec()),
        5 => {
            let shares = &person(byte(0)).chain().shares;
            let share = shares[usize::from(byte(1)) % shares.len()].share;
            let mut stay: Vec<_> = (0..8).filter(|bit| byte(2) >> bit & 1 == 1).map(|n| person(n).author()).collect();
            stay.sort_unstable();
            stay.dedup();
            (
                5,
                [&share.as_bytes()[..], stay.iter().flat_map(|id| *id.as_bytes()).collect::<Vec<_>>().as_slice()]
                    .concat(),
            )
        }
        6 => (6, Vec::new()),
        7 => (7, cuts(argument, people)),
        8 => {
            let (epoch, segments) = (next.saturating_sub(1), u32::from(byte(1)));
            let place = [&u16::from(byte(0) % 4).to_le_bytes()[..], &epoch.to_le_bytes(), &segments.to_le_bytes()];
            (8, [place.concat(), vec![byte(2); 32], vec![byte(3); 32]].concat())
        }
        _ => (9, person(byte(0)).author().as_bytes().to_vec()),
    }
}

/// The body of a Cut record: four bytes for each lane.
fn cuts(argument: &[u8], people: &[VerifiedMember]) -> Vec<u8> {
    let mut lanes: BTreeMap<(u16, [u8; 16], u32), u8> = BTreeMap::new();
    for &[channel, who, epoch, next] in argument.as_chunks().0 {
        let author = *people[usize::from(who) % people.len()].author().as_bytes();
        lanes.insert((u16::from(channel % 4), author, u32::from(epoch) % EPOCHS), next);
    }
    let cut = |((channel, author, epoch), next): ((u16, [u8; 16], u32), u8)| {
        let digest = [next; 32];
        let place = [&channel.to_le_bytes()[..], &author, &epoch.to_le_bytes()].concat();
        [&place[..], &u64::from(next).to_le_bytes(), &digest].concat()
    };
    lanes.into_iter().flat_map(cut).collect()
}

/// What the log says about everybody.
#[derive(Debug, PartialEq)]
struct Standing {
    head: [u8; 32],
    next: u64,
    epoch: Option<Epoch>,
    host: Option<cahoots::proto::id::AuthorId>,
    is_ended: bool,
    closed: Vec<ShareId>,
    admitted: Vec<bool>,
    let_in: Vec<bool>,
    ends: Vec<(LaneId, LaneEnd)>,
    cuts: Vec<LaneId>,
    records: Vec<Bytes>,
}

impl Standing {
    fn of(log: &AuthLog, people: &[VerifiedMember]) -> Self {
        let shares = people.iter().flat_map(|member| &member.chain().shares).map(|share| share.share);
        let lanes = people.iter().flat_map(|member| {
            let lane = move |channel, epoch| LaneId { channel, author: member.author(), epoch: Epoch(epoch) };
            let of_channel = move |channel| (0..EPOCHS).map(move |epoch| (lane(channel, epoch), member));
            Channel::RECONCILED.into_iter().flat_map(of_channel)
        });
        Self {
            head: log.head(),
            next: log.next_seq(),
            epoch: log.epoch(),
            host: log.host(),
            is_ended: log.is_ended(),
            closed: shares.filter(|share| log.is_closed(share)).collect(),
            admitted: people.iter().map(|member| log.admits(member).is_ok()).collect(),
            let_in: people.iter().map(|member| log.is_let_in(&member.author())).collect(),
            ends: lanes.map(|(lane, member)| (lane, log.end_of(&lane, member))).collect(),
            cuts: Channel::DURABLE.into_iter().flat_map(|channel| log.cuts(channel)).map(|cut| cut.lane).collect(),
            records: log.records().to_vec(),
        }
    }

    /// Holds what one more record did against what it may do.
    fn check_growth(&self, after: &Self, record: &Record) {
        assert!(!self.is_ended, "nothing follows the end");
        assert_eq!(after.next, self.next + 1);
        assert!(after.records.starts_with(&self.records), "nothing that was written changes");
        assert!(self.closed.iter().all(|share| after.closed.contains(share)), "a closed share stays closed");
        let members = self.admitted.iter().zip(&after.admitted);
        for (was, is) in members.filter(|(was, is)| was != is) {
            let may = match record {
                Record::Close { .. } => *was,
                Record::Genesis { .. } | Record::Share(_) | Record::Admit(_) => *is,
                _ => false,
            };
            assert!(may, "{record:?} neither admits nor closes");
        }
        assert!(self.let_in.iter().zip(&after.let_in).all(|(was, is)| !was || *is), "who was let in stays so");
        for ((lane, was), (_, is)) in self.ends.iter().zip(&after.ends) {
            Self::check_lane(*lane, was, is, after.epoch, self.cuts.contains(lane));
        }
    }

    fn check_lane(lane: LaneId, was: &LaneEnd, is: &LaneEnd, newest: Option<Epoch>, was_cut: bool) {
        assert!(*is != LaneEnd::Open || newest == Some(lane.epoch), "only the newest epoch's lanes are open");
        assert!(!was_cut || was == is, "a cut is for good");
        assert!(*was != LaneEnd::Open || !was_cut, "a lane that was cut has an end");
    }
}
