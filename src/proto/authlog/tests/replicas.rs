//! All who hold the same records decide alike.

use super::*;
use crate::proto::share::ShareFlags;
use std::collections::BTreeMap;

/// Doors 2 and 3 are the owner's, the second one with knocking; three people came by each.
const PEOPLE: [(u8, u8); 6] = [(2, 20), (2, 21), (2, 22), (3, 23), (3, 24), (3, 25)];

fn cert(door: u8) -> ShareCert {
    let flags = if door == 3 { ShareFlags::APPROVE } else { ShareFlags::NONE };
    ShareCert::issue_root(&root(), &share(door), ShareTerms { flags, ..terms(Rights::OWN, 3) })
}

fn people() -> Vec<VerifiedMember> {
    let of = |(door, seed): (u8, u8)| {
        let member = MemberCert::issue(&share(door), &keys(seed), Rights::INTERACT, START, END);
        Chain { member, shares: vec![cert(door)] }.verify(&session()).expect("holds")
    };
    PEOPLE.map(of).to_vec()
}

/// One decision of the owner's, in small numbers.
#[derive(Clone, Copy, Debug)]
enum Step {
    Epoch,
    Admit(usize),
    /// Which door, and a bit per person that stays.
    Close(u8, u8),
    /// Whose lane of which document, how many epochs back, and where.
    Cut(usize, bool, u32, u64),
    Checkpoint(bool, u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0..PEOPLE.len();
    let step = prop_oneof![
        3 => Just(Step::Epoch),
        2 => who.clone().prop_map(Step::Admit),
        2 => (2..4_u8, any::<u8>()).prop_map(|(door, stay)| Step::Close(door, stay)),
        3 => (who, any::<bool>(), 0..3_u32, 0..4_u64).prop_map(|(who, chat, back, at)| Step::Cut(who, chat, back, at)),
        1 => (any::<bool>(), 1..3_u32).prop_map(|(chat, segments)| Step::Checkpoint(chat, segments)),
    ];
    vec(step, 0..16)
}

const fn document(chat: bool) -> Channel {
    if chat { Channel::CHAT } else { Channel::STATE }
}

impl Step {
    fn record(self, people: &[VerifiedMember], newest: u32) -> Record {
        match self {
            Self::Epoch => epoch(newest + 1),
            Self::Admit(who) => Record::Admit(people[who].author()),
            Self::Close(door, stay) => {
                let stays = people.iter().enumerate().filter(|(at, _)| stay >> at & 1 == 1);
                let stay: BTreeSet<_> = stays.map(|(_, who)| who.author()).collect();
                Record::Close { share: share(door).share_id(), stay: stay.into_iter().collect() }
            }
            Self::Cut(who, chat, back, next) => {
                let epoch = Epoch(newest.saturating_sub(back));
                let lane = LaneId { channel: document(chat), author: people[who].author(), epoch };
                let digest = if next == 0 { [0; 32] } else { [next as u8; 32] };
                Record::Cut(vec![Cut { lane, next, digest }])
            }
            Self::Checkpoint(chat, segments) => {
                let (channel, epoch) = (document(chat), Epoch(newest));
                Record::Checkpoint(Checkpoint { channel, epoch, segments, last: [5; 32], heads: [6; 32] })
            }
        }
    }
}

/// Writes what the steps say, at times that `clock` gives; what does not hold is left out.
fn written(people: &[VerifiedMember], steps: &[Step], mut clock: impl FnMut() -> Wall) -> AuthLog {
    let mut log = AuthLog::new(session());
    for record in [genesis(), Record::Share(cert(2)), Record::Share(cert(3)), epoch(0), Record::Host(host(2, 10))] {
        log.write(&root(), &record, clock()).expect("the fixture's log holds");
    }
    for step in steps {
        let newest = log.epoch().map_or(0, |epoch| epoch.0);
        let _ = log.write(&root(), &step.record(people, newest), clock());
    }
    log
}

/// All that the log decides about these people.
fn verdicts(log: &AuthLog, people: &[VerifiedMember]) -> Vec<(Result<(), ChainError>, Vec<LaneEnd>)> {
    let newest = log.epoch().map_or(0, |epoch| epoch.0);
    let of = |who: &VerifiedMember| {
        let lanes = Channel::RECONCILED.into_iter().flat_map(|channel| {
            (0..=newest + 1).map(move |epoch| LaneId { channel, author: who.author(), epoch: Epoch(epoch) })
        });
        (log.admits(who), lanes.map(|lane| log.end_of(&lane, who)).collect())
    };
    people.iter().map(of).collect()
}

/// The rules of PROTOCOL.md 5 read off a list of records, with nothing kept on the way.
struct Model(Vec<Record>);

impl Model {
    fn newest(&self) -> u32 {
        self.0.iter().filter(|record| matches!(record, Record::Epoch { .. })).count() as u32 - 1
    }

    fn admits(&self, who: &VerifiedMember, door: u8) -> bool {
        let (author, share) = (who.author(), share(door).share_id());
        let stays = |record: &Record| match record {
            Record::Close { share: closed, stay } => *closed != share || stay.contains(&author),
            _ => true,
        };
        let is_named = self.0.contains(&Record::Admit(author));
        self.0.iter().all(stays) && (is_named || !cert(door).flags.contains(ShareFlags::APPROVE))
    }

    fn end_of(&self, lane: LaneId, is_admitted: bool) -> LaneEnd {
        let cuts: BTreeMap<_, _> = self.0.iter().filter_map(Self::cuts).flatten().map(|cut| (cut.lane, cut)).collect();
        match cuts.get(&lane) {
            Some(cut) => LaneEnd::At { next: cut.next, digest: Some(cut.digest) },
            None if lane.epoch.0 == self.newest() && is_admitted => LaneEnd::Open,
            None => LaneEnd::NOTHING,
        }
    }

    const fn cuts(record: &Record) -> Option<&Vec<Cut>> {
        match record {
            Record::Cut(cuts) => Some(cuts),
            _ => None,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Clocks decide nothing: owners whose clocks differ, and everybody who copies the log, come to the same.
    #[test]
    fn same_records_give_the_same_verdicts(steps in steps(), times in vec(any::<u64>(), 32)) {
        let people = people();
        let steady = written(&people, &steps, || NOW);
        let mut times = times.into_iter().cycle().map(Wall);
        let jumping = written(&people, &steps, || times.next().unwrap_or(NOW));
        let records = |log: &AuthLog| log.decoded().map(|(_, _, record)| record).collect::<Vec<_>>();
        prop_assert_eq!(records(&steady), records(&jumping));
        prop_assert_eq!(verdicts(&steady, &people), verdicts(&jumping, &people));

        let mut copy = AuthLog::new(session());
        for raw in steady.records() {
            prop_assert!(copy.append(raw.clone()).is_ok());
        }
        prop_assert_eq!(verdicts(&copy, &people), verdicts(&steady, &people));
    }

    /// The log keeps sums of its records; they must say what the records say.
    #[test]
    fn verdicts_follow_from_the_records_alone(steps in steps()) {
        let people = people();
        let log = written(&people, &steps, || NOW);
        let model = Model(log.decoded().map(|(_, _, record)| record).collect());
        for (who, (door, _)) in people.iter().zip(PEOPLE) {
            let is_admitted = model.admits(who, door);
            prop_assert_eq!(log.admits(who).is_ok(), is_admitted);
            for channel in Channel::DURABLE {
                for number in 0..=model.newest() + 1 {
                    let lane = LaneId { channel, author: who.author(), epoch: Epoch(number) };
                    prop_assert_eq!(log.end_of(&lane, who), model.end_of(lane, is_admitted), "{:?}", lane);
                }
            }
        }
    }

    /// Whoever was cut off stays out, and an end that the owner named stays where it is, whatever comes after.
    #[test]
    fn nothing_that_was_closed_opens_again(steps in steps()) {
        let people = people();
        let mut log = AuthLog::new(session());
        let whole = written(&people, &steps, || NOW);
        let (mut out, mut ends) = (BTreeSet::new(), BTreeMap::new());
        for raw in whole.records() {
            prop_assert!(log.append(raw.clone()).is_ok());
            for who in &people {
                let is_out = matches!(log.admits(who), Err(ChainError::Closed { .. }));
                prop_assert!(is_out || !out.contains(&who.author()));
                out.extend(is_out.then(|| who.author()));
            }
            for cut in Channel::DURABLE.into_iter().flat_map(|channel| log.cuts(channel)) {
                prop_assert_eq!(*ends.entry(cut.lane).or_insert(*cut), *cut);
            }
        }
    }
}
