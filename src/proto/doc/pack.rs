//! A log of changes in few bytes: all that follows from what comes before is left out.
//!
//! payloads in order --`pack`--> bytes --`Unpack`--> the same payloads
//!
//! Always: hashes, numbers and counters are never written but made again, so the changes fit together or do not unpack;
//! reading costs no more memory than the bytes and the bounds here. PROTOCOL.md 12.1.

use std::collections::HashMap;

use super::chunk::{self, Head};
use super::gate::scan::Scan;
use super::gate::{GENESIS_AUTHOR, Gate};
use crate::proto::id::AuthorId;
use crate::proto::limits::{AUTHORS_MAX, CHANGE_ACTORS_MAX, CHANGE_DEPS_MAX};
use crate::proto::wire::{DecodeError, Reader, varint};

/// Writes changes, each of which follows what it builds on. Those that do not are written so that they do not unpack.
pub(super) fn pack<'a>(genesis: [u8; 32], log: impl ExactSizeIterator<Item = (AuthorId, &'a [u8])>) -> Vec<u8> {
    let mut numbers: HashMap<AuthorId, u64> = HashMap::from([(GENESIS_AUTHOR, 0)]);
    let mut places: HashMap<[u8; 32], u64> = HashMap::from([(genesis, 0)]);
    let (mut authors, mut heads, mut columns, count) = (Vec::new(), Vec::new(), Vec::new(), log.len() as u64);
    for (place, (author, payload)) in (1..).zip(log) {
        let Ok(scan) = Scan::parse(payload) else { continue };
        let next = numbers.len() as u64;
        let author = *numbers.entry(author).or_insert_with(|| {
            authors.extend_from_slice(author.as_bytes());
            next
        });
        varint::put(&mut heads, author);
        varint::put(&mut heads, scan.deps.len() as u64);
        for dep in scan.deps {
            varint::put(&mut heads, places.get(dep).map_or(0, |dep| place - dep));
        }
        varint::put(&mut heads, scan.actors().count() as u64 - 1);
        for other in scan.actors().skip(1) {
            varint::put(&mut heads, numbers.get(&other).copied().unwrap_or(next + 1));
        }
        varint::put(&mut heads, scan.tail.len() as u64);
        columns.extend_from_slice(scan.tail);
        places.insert(chunk::hash(payload), place);
    }
    let mut out = Vec::with_capacity(16 + authors.len() + heads.len() + columns.len());
    varint::put(&mut out, numbers.len() as u64 - 1);
    out.extend_from_slice(&authors);
    varint::put(&mut out, count);
    out.extend_from_slice(&heads);
    out.extend_from_slice(&columns);
    out
}

/// Reads changes, one after the other.
#[derive(Debug)]
pub(super) struct Unpack<'a> {
    /// By number; the genesis author is number 0.
    authors: Vec<AuthorId>,
    /// Changes of each so far.
    seqs: Vec<u64>,
    /// By place; the genesis change is at place 0.
    hashes: Vec<[u8; 32]>,
    /// How many changes are left.
    left: u64,
    heads: Reader<'a>,
    columns: Reader<'a>,
}

impl<'a> Unpack<'a> {
    /// Reads the list of authors and finds where the columns begin.
    pub(super) fn new(genesis: [u8; 32], packed: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(packed);
        let mut authors = vec![GENESIS_AUTHOR];
        for _ in 0..bounded(&mut reader, "authors", AUTHORS_MAX)? {
            authors.push(AuthorId(reader.array()?));
        }
        let left = reader.varint()?;
        let heads = reader.clone();
        for _ in 0..left {
            reader.varint()?;
            for (what, max) in [("dependencies", CHANGE_DEPS_MAX), ("other actors", CHANGE_ACTORS_MAX)] {
                for _ in 0..bounded(&mut reader, what, max)? {
                    reader.varint()?;
                }
            }
            reader.varint()?;
        }
        let seqs = vec![0; authors.len()];
        Ok(Self { authors, seqs, hashes: vec![genesis], left, heads, columns: reader })
    }

    /// Returns the next change, or nothing after the last. `gate` has admitted all those before.
    pub(super) fn next(&mut self, gate: &Gate) -> Result<Option<(AuthorId, Vec<u8>)>, DecodeError> {
        let Some(left) = self.left.checked_sub(1) else {
            self.columns.clone().finish()?;
            return Ok(None);
        };
        self.left = left;
        let number = self.number("author")?;
        let author = self.authors[number];
        self.seqs[number] += 1;
        let mut deps = Vec::new();
        for _ in 0..self.heads.varint()? {
            let found = self.heads.varint()?;
            let place = (self.hashes.len() as u64).checked_sub(found).filter(|_| found > 0);
            deps.push(self.hashes[place.ok_or(DecodeError::Value { what: "dependency", found })? as usize]);
        }
        deps.sort_unstable();
        let mut others = Vec::new();
        for _ in 0..self.heads.varint()? {
            let other = self.number("other actor")?;
            others.push(self.authors[other]);
        }
        let columns = usize::try_from(self.heads.varint()?).unwrap_or(usize::MAX);
        let columns = self.columns.bytes(columns)?;
        let start_op = 1 + deps.iter().filter_map(|dep| gate.max_op(dep)).max().unwrap_or_default();
        let head = Head { deps, author, seq: self.seqs[number], start_op, others };
        let mut payload = head.encode_unchecked(columns);
        let hash = chunk::hash(&payload);
        chunk::set_checksum(&mut payload, &hash);
        self.hashes.push(hash);
        Ok(Some((author, payload)))
    }

    fn number(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        bounded(&mut self.heads, what, self.authors.len() - 1).map(|number| number as usize)
    }
}

fn bounded(reader: &mut Reader<'_>, what: &'static str, max: usize) -> Result<u64, DecodeError> {
    let found = reader.varint()?;
    if found > max as u64 { Err(DecodeError::Value { what, found }) } else { Ok(found) }
}
