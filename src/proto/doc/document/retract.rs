//! What the owner's cuts take back, and how the same bytes come again.
//!
//! keep per author --`retract`--> a shorter log, own changes owed --`flush`--> those that stand again, to be published
//!
//! Always: what is left of the log is in an order in which each change follows what it builds on; the same admitted set
//! gives the same document, whatever was taken back on the way. PROTOCOL.md 5, 12.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;

use super::roll::Moved;
use super::{Document, Entry};
use crate::proto::doc::chat::Message;
use crate::proto::doc::gate::scan::Scan;
use crate::proto::doc::view::View;
use crate::proto::id::AuthorId;

/// Own changes that a cut took back and that are still to be said again.
#[derive(Debug)]
pub(super) struct Owed {
    /// The payloads, in order.
    pub(super) payloads: VecDeque<Bytes>,
    /// The view as it was with them, of a document that has one.
    pub(super) before: Option<View>,
    /// The lines that went with them, by author and number.
    pub(super) lines: HashMap<(AuthorId, u64), Message>,
    /// Since the document has begun anew: where the characters of its notes are now. None of the payloads can stand there
    /// as it is.
    pub(super) moved: Option<Moved>,
}

impl Document {
    /// Takes back what the owner's cuts leave out: of each author in `keep` all changes but the first so many, and what
    /// builds on them. Returns those left out: author, number and payload, in order.
    ///
    /// A listed author's lane starts anew behind the cut: what was refused of it, or waited, is forgotten. A change that
    /// only built on something taken back waits for that. Own changes are owed: [`flush`](Self::flush) takes those again
    /// that can stand as they are, [`resay`](Self::resay) makes the others anew, and until then nothing can be edited.
    ///
    /// Costs as much as all changes that stay, if any is taken back; next to nothing if none is.
    pub fn retract(&mut self, keep: &BTreeMap<AuthorId, u64>) -> Vec<(AuthorId, u64, Bytes)> {
        // What is owed from an earlier cut can be cut short itself only once it was said.
        if self.owed.is_some() {
            self.again = self.resay();
        }
        self.admit_ready();
        self.apply_batch();
        let mut lost = if self.is_cut_short(keep) { self.cut_log(keep) } else { Vec::new() };
        for (&author, &kept) in keep {
            let Some(lane) = self.lanes.get_mut(&author) else { continue };
            let behind = lane.waiting.split_off(&(kept + 1));
            self.waiting_bytes -= behind.values().map(super::Waiting::bytes).sum::<usize>();
            lane.muted = false;
            lost.extend(behind.into_iter().map(|(seq, waiting)| (author, seq, waiting.payload)));
        }
        self.again.retain(|said| !lost.iter().any(|(.., payload)| payload == said));
        lost
    }

    /// Returns whether own changes that a cut took back wait to be said again.
    #[must_use]
    pub const fn owes(&self) -> bool {
        self.owed.is_some()
    }

    fn is_cut_short(&self, keep: &BTreeMap<AuthorId, u64>) -> bool {
        keep.iter().any(|(&author, &kept)| self.admitted_of(author) > kept)
    }

    /// Takes the log through a new gate, but for what is behind the cuts.
    fn cut_log(&mut self, keep: &BTreeMap<AuthorId, u64>) -> Vec<(AuthorId, u64, Bytes)> {
        let entries = std::mem::take(&mut self.log);
        let said = if keep.contains_key(&self.me) { self.messages.clone() } else { Vec::new() };
        let before = self.reset();
        let (mut lost, mut seqs) = (Vec::new(), BTreeMap::new());
        for entry in entries {
            let seq = seqs.entry(entry.author).or_insert(0_u64);
            *seq += 1;
            if keep.get(&entry.author).is_some_and(|kept| *seq > *kept) {
                lost.push((entry.author, *seq, entry.payload));
            } else {
                self.take_again(entry);
            }
        }
        self.look_again();
        self.changed = true;
        self.apply_batch();
        let own = lost.iter().filter(|(author, ..)| *author == self.me);
        let payloads: VecDeque<Bytes> = own.map(|(.., payload)| payload.clone()).collect();
        if !payloads.is_empty() {
            let mut lines: HashMap<_, _> = said.into_iter().map(|line| ((line.author, line.n), line)).collect();
            self.messages.iter().for_each(|line| drop(lines.remove(&(line.author, line.n))));
            self.owed = Some(Owed { payloads, before, lines, moved: None });
        }
        lost
    }

    /// Admits an entry that was admitted before; it waits if what it builds on is gone.
    pub(super) fn take_again(&mut self, entry: Entry) {
        match self.gate.admit(entry.author, &entry.payload) {
            Ok(admission) => self.record(entry, admission),
            Err(_) => {
                if let Err(reason) = self.enqueue(entry.author, entry.payload) {
                    self.refuse(entry.author, reason);
                }
            }
        }
    }

    /// Takes own changes again that were taken back and can stand as they are, and returns them.
    pub(super) fn restore(&mut self) -> Vec<Bytes> {
        let mut again = Vec::new();
        while let Some(payload) = self.pop_owed() {
            let Ok(admission) = self.gate.admit(self.me, &payload) else {
                // The place is taken, or what it builds on has changed: it has to be said anew.
                self.owed.iter_mut().for_each(|owed| owed.payloads.push_front(payload.clone()));
                break;
            };
            self.record(Entry { author: self.me, payload: payload.clone() }, admission);
            again.push(payload);
            // What others had built on it may be what the next one builds on.
            self.admit_ready();
        }
        self.owed.take_if(|owed| owed.payloads.is_empty());
        again
    }

    /// Takes the first of the owed changes if all that it builds on is here.
    fn pop_owed(&mut self) -> Option<Bytes> {
        let owed = self.owed.as_mut().filter(|owed| owed.moved.is_none())?;
        let deps = Scan::parse(owed.payloads.front()?).ok()?.deps;
        if deps.iter().all(|dep| self.gate.knows(dep)) { owed.payloads.pop_front() } else { None }
    }
}
