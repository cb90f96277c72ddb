//! The members that a room knows by their chains, connected or not.
//!
//! Always: whoever is in here was verified. A member has a small number while it is known, so that "who was introduced
//! to whom" costs one bit per pair.

use super::bucket::Bucket;
use crate::proto::authlog::AuthLog;
use crate::proto::id::AuthorId;
use crate::proto::lane::proof::Proof;
use crate::proto::limits::{CHAIN_RATE, DIRECT_BYTES_RATE, DURABLE_BYTES_RATE, DURABLE_RATE, PRESENCE_RATE};
use crate::proto::member::{ChainError, VerifiedMember};
use crate::proto::share::Rights;
use crate::proto::time::Mono;
use crate::proto::wire::Frame;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What the auth log says of a member.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admission {
    /// It counts.
    In,
    /// It may knock: the owner lets members of its share in one by one.
    Waiting,
    /// It was cut off, or its share is not recorded.
    Out,
}

impl Admission {
    pub(super) fn of(member: &VerifiedMember, log: &AuthLog) -> Self {
        match log.admits(member) {
            Ok(()) => Self::In,
            Err(ChainError::NotLetIn { .. }) => Self::Waiting,
            Err(_) => Self::Out,
        }
    }
}

/// One member and how fast it may write.
#[derive(Debug)]
pub(super) struct Member {
    pub verified: VerifiedMember,
    pub admission: Admission,
    /// That it wrote two histories, in the newest epoch known of.
    pub proof: Option<Proof>,
    /// Whether its chain is in the store, because it has written something durable.
    pub is_stored: bool,
    pub chains: Bucket,
    pub durable: Bucket,
    pub durable_bytes: Bucket,
    pub latest: Bucket,
    pub direct: Bucket,
    frame: Bytes,
}

impl Member {
    pub(super) fn new(verified: VerifiedMember, admission: Admission, now: Mono) -> Self {
        let frame = Frame::Member(verified.chain().encode()).encode();
        Self {
            verified,
            admission,
            proof: None,
            is_stored: false,
            chains: Bucket::new(CHAIN_RATE, now),
            durable: Bucket::new(DURABLE_RATE, now),
            durable_bytes: Bucket::new(DURABLE_BYTES_RATE, now),
            latest: Bucket::new(PRESENCE_RATE, now),
            direct: Bucket::new(DIRECT_BYTES_RATE, now),
            frame,
        }
    }

    /// Returns the MEMBER frame.
    pub(super) const fn frame(&self) -> &Bytes {
        &self.frame
    }

    pub(super) fn rights(&self) -> Rights {
        self.verified.rights()
    }
}

/// All members of a room.
#[derive(Debug, Default)]
pub(super) struct Members {
    numbers: BTreeMap<AuthorId, u32>,
    slots: Vec<Option<Member>>,
    free: Vec<u32>,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Adds a member that is not in here; returns its number, which may have been somebody else's.
    pub(super) fn add(&mut self, member: Member) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.numbers.insert(member.verified.author(), number);
        if let Some(slot) = self.slots.get_mut(number as usize) {
            *slot = Some(member);
        }
        number
    }

    pub(super) fn remove(&mut self, author: AuthorId) {
        if let Some(number) = self.numbers.remove(&author) {
            self.free.push(number);
            if let Some(slot) = self.slots.get_mut(number as usize) {
                *slot = None;
            }
        }
    }

    pub(super) fn find(&self, author: AuthorId) -> Option<(u32, &Member)> {
        let number = *self.numbers.get(&author)?;
        self.slots.get(number as usize)?.as_ref().map(|member| (number, member))
    }

    pub(super) fn get(&self, author: AuthorId) -> Option<&Member> {
        self.find(author).map(|(_, member)| member)
    }

    pub(super) fn get_mut(&mut self, author: AuthorId) -> Option<&mut Member> {
        self.slots.get_mut(*self.numbers.get(&author)? as usize)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.slots.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.slots.iter_mut().flatten()
    }

    /// Removes every member that `keep` refuses.
    pub(super) fn retain(&mut self, keep: impl Fn(&Member) -> bool) {
        let gone = self.slots.iter().flatten().filter(|member| !keep(member)).map(|member| member.verified.author());
        for author in gone.collect::<Vec<_>>() {
            self.remove(author);
        }
    }
}

/// A set of member numbers, one bit each.
#[derive(Debug, Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    /// Tells whether `number` was not in the set before.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let (word, bit) = split(number);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let Some(bits) = self.0.get_mut(word) else { return false };
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }

    pub(super) fn remove(&mut self, number: u32) {
        let (word, bit) = split(number);
        if let Some(bits) = self.0.get_mut(word) {
            *bits &= !bit;
        }
    }
}

const fn split(number: u32) -> (usize, u64) {
    (number as usize / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that was given away must not carry "already introduced" over to the next member.
    #[test]
    fn removed_number_is_new_again() {
        let mut numbers = Numbers::default();
        assert!(numbers.insert(130) && !numbers.insert(130) && numbers.insert(2));
        numbers.remove(130);
        assert!(numbers.insert(130) && !numbers.insert(2));
    }
}
