//! A new generation: a document begins anew from what it shows, and forgets how that came about.
//!
//! all that the cuts leave --`roll`--> the base, made here --> new changes on top; own ones in flight are owed
//!
//! Always: replicas that hold the same make the same base, to the byte; who wrote what is kept; nothing of an own change
//! is lost. PROTOCOL.md 12.2.

use std::collections::{BTreeMap, HashMap, HashSet};

use automerge::{Cursor, ReadDoc};

use super::checkpoint::{OPS_MAX, PAYLOAD_BYTES_MAX};
use super::resay::lines_of;
use super::{CheckpointError, Document};
use crate::proto::doc::DocKind;
use crate::proto::doc::base::{Base, kept_lines, write_chat, write_state};
use crate::proto::doc::gate::GateError;
use crate::proto::doc::state::notes;
use crate::proto::doc::view::View;
use crate::proto::id::AuthorId;

/// Operations from which on a new generation pays, if it is a quarter as large.
const ROLL_OPS_MIN: u64 = 50_000;
/// The same for the bytes of all changes.
const ROLL_BYTES_MIN: u64 = 16_777_216;
/// Lines of a chat above which the oldest go.
const LINES_MAX: usize = 100_000;
/// Bytes of a chat above which the oldest lines go: half of what fits in a checkpoint.
const CHAT_BYTES_MAX: u64 = 33_554_432;
/// What a line costs beside its text, in bytes, of those that stay.
const LINE_BYTES: usize = 100;
/// A document this far from its bounds should begin anew soon: a tenth is left, as a fraction of ten.
const NEARLY_TENTHS: u64 = 9;

/// Places in the notes of the generation before, their cursors written out, and where they are now.
pub(super) type Moved = HashMap<String, Cursor>;

impl Document {
    /// Returns how many times the document has begun anew.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns how many of the author's changes are in the base of this generation, or in the checkpoint that was taken
    /// last.
    #[must_use]
    pub fn based_of(&self, author: AuthorId) -> u64 {
        self.based.get(&author).copied().unwrap_or_default()
    }

    /// Returns the same of everybody of whom there are any.
    #[must_use]
    pub const fn based(&self) -> &BTreeMap<AuthorId, u64> {
        &self.based
    }

    /// Returns how many operations the document has been made of, visible or not.
    #[must_use]
    pub const fn len_ops(&self) -> u64 {
        self.ops
    }

    /// Returns whether the document comes near the bounds behind which it has no checkpoint and takes nothing more.
    #[must_use]
    pub const fn is_nearly_full(&self) -> bool {
        self.ops > OPS_MAX / 10 * NEARLY_TENTHS || self.bytes > PAYLOAD_BYTES_MAX / 10 * NEARLY_TENTHS
    }

    /// Returns with how many lines a new generation should begin (0 in a document without lines), if it is time for one:
    /// when little of a long history shows, or a chat is longer than anybody reads.
    #[must_use]
    pub fn roll_due(&mut self) -> Option<u32> {
        self.admit_ready();
        self.apply_batch();
        match self.kind {
            DocKind::State => self.state_is_due().then_some(0),
            DocKind::Chat => {
                let lines = self.lines_to_keep();
                let lines = u32::try_from(lines).ok().filter(|_| lines < self.messages.len());
                lines.filter(|lines| self.can_roll(*lines))
            }
        }
    }

    /// Returns whether the document can begin anew with so many lines.
    #[must_use]
    pub fn can_roll(&self, lines: u32) -> bool {
        self.next_generation(lines as usize).is_ok()
    }

    fn state_is_due(&self) -> bool {
        if self.ops < ROLL_OPS_MIN && self.bytes < ROLL_BYTES_MIN {
            return false;
        }
        // What cannot be proven to show the same goes on as it is.
        let Ok(next) = self.next_generation(0) else { return false };
        let is_smaller = |times: u64| next.ops * times <= self.ops && next.bytes * times <= self.bytes;
        let is_worth_it = next.ops * 4 <= self.ops || next.bytes * 4 <= self.bytes;
        (is_worth_it || self.is_nearly_full() && is_smaller(1)) && next.state() == self.state()
    }

    fn lines_to_keep(&self) -> usize {
        let lines = self.messages.len();
        let kept = if lines > LINES_MAX { LINES_MAX / 2 } else { lines };
        if self.bytes <= CHAT_BYTES_MAX {
            return kept;
        }
        let mut room = CHAT_BYTES_MAX as usize / 2;
        let fits = self.messages.iter().rev().take_while(|line| {
            let left = room.checked_sub(line.text.len() + LINE_BYTES);
            room = left.unwrap_or_default();
            left.is_some()
        });
        kept.min(fits.count())
    }

    /// Begins a new generation of what the owner's cuts leave, in which `keep` says how many changes of each author there
    /// are; a chat keeps its newest `lines` lines. Own changes behind the cuts are owed, and
    /// [`resay`](Self::resay) makes them anew on the base. Who else is cut short says its own again, too.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Incomplete`] if something that the cuts leave is not here, and then nothing has happened; else
    /// what keeps the content from fitting a document: the owner makes sure of that with [`roll_due`](Self::roll_due).
    pub fn roll(&mut self, keep: &BTreeMap<AuthorId, u64>, lines: u32) -> Result<(), CheckpointError> {
        self.admit_ready();
        self.apply_batch();
        let lacking = keep.iter().find(|(author, kept)| self.admitted_of(**author) < **kept);
        if let Some((&author, _)) = lacking {
            return Err(CheckpointError::Incomplete { author });
        }
        self.keep_only(keep);
        let loaded = self.next_generation(lines as usize)?;
        self.begin_generation(loaded, self.generation + 1);
        Ok(())
    }

    /// Takes the checkpoint of a later generation, whose record says `heads`, in the place of what is here, of which it
    /// has the first `keep` of each author's changes. Own ones behind these are owed.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, and leaves the document as it was.
    pub fn adopt_generation(
        &mut self,
        generation: u32,
        keep: &BTreeMap<AuthorId, u64>,
        plaintext: &[u8],
        heads: &[u8; 32],
    ) -> Result<(), CheckpointError> {
        let loaded = Self::load(self.kind, self.me, plaintext)?;
        if loaded.heads_digest() != *heads {
            return Err(CheckpointError::Heads);
        }
        self.keep_only(keep);
        self.begin_generation(loaded, generation);
        Ok(())
    }

    /// Returns whether own changes that are owed can be said anew without waiting for what others say again: they reply
    /// to nothing that is gone.
    #[must_use]
    pub fn can_resay(&self) -> bool {
        let Some(owed) = &self.owed else { return true };
        let lines = owed.payloads.iter().flat_map(|payload| lines_of(self.me, payload));
        let mut replies = lines.filter_map(|line| line.reply).filter(|(author, _)| *author != self.me);
        owed.moved.is_some() && replies.all(|target| self.still_says(target, owed))
    }

    /// Takes back all but the first so many changes of each author, and everything of those who are not listed.
    fn keep_only(&mut self, keep: &BTreeMap<AuthorId, u64>) {
        let cuts = self.lanes.keys().map(|author| (*author, keep.get(author).copied().unwrap_or_default())).collect();
        let earlier = self.owed.take_if(|owed| owed.moved.is_none());
        self.retract(&cuts);
        if let Some(mut owed) = earlier {
            // Those that stood again meanwhile were the first of them.
            let stood = self.owed.take().map(|stood| stood.payloads).unwrap_or_default();
            stood.into_iter().rev().for_each(|payload| owed.payloads.push_front(payload));
            self.owed = Some(owed);
        }
    }

    /// Makes the document that begins with what this one shows.
    fn next_generation(&self, lines: usize) -> Result<Self, CheckpointError> {
        let mut next = Self::new(self.kind, self.me);
        for (author, payload) in self.write_base(lines)? {
            next.load_change(author, payload)?;
        }
        next.finish_loading()
    }

    fn write_base(&self, lines: usize) -> Result<Base, CheckpointError> {
        let Some(view) = &self.view else {
            let pages = kept_lines(&self.messages, lines);
            let next = self.authors().map(|author| (author, self.gate.pages(author).next_n())).collect();
            return Ok(write_chat(self.genesis, &self.messages, &pages, &next));
        };
        let failed = CheckpointError::Change { place: 0, reason: GateError::Failed };
        view.read(|doc| write_state(doc, self.genesis)).map_err(|_| failed)
    }

    /// Goes over to another document that has all of this one but what is owed.
    fn begin_generation(&mut self, loaded: Self, generation: u32) {
        let stays: HashSet<_> = loaded.messages.iter().map(|line| (line.author, line.n)).collect();
        let left_out = self.messages.iter().map(|line| (line.author, line.n)).filter(|line| !stays.contains(line));
        let left_out: Vec<_> = left_out.collect();
        if let Some(owed) = &mut self.owed {
            let views = self.view.as_ref().zip(loaded.view.as_ref());
            owed.moved = Some(views.map(|(from, to)| follow_notes(from, to)).unwrap_or_default());
        }
        self.lanes.clear();
        self.touched.clear();
        self.blocked.clear();
        self.again.clear();
        self.waiting_bytes = 0;
        self.reset();
        self.put_in_place(loaded);
        // They are not lost, but too old to be shown.
        left_out.iter().for_each(|line| drop(self.unsaid.remove(line)));
        self.generation = generation;
        self.changed = true;
    }
}

/// Finds each character of the notes in those of another generation: in the same text each one, else those of the
/// beginning and the end that are the same.
fn follow_notes(from: &View, to: &View) -> Moved {
    let chars = |view: &View| -> Vec<char> {
        view.read(|doc| doc.text(notes())).map(|text| text.chars().collect()).unwrap_or_default()
    };
    let cursor = |view: &View, place| view.read(|doc| doc.get_cursor(notes(), place, None)).ok();
    let (old, new) = (chars(from), chars(to));
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let behind = old.iter().skip(same).rev().zip(new.iter().skip(same).rev());
    let behind = behind.take_while(|(old, new)| old == new).count();
    let begin = (0..same).map(|place| (place, place));
    let end = (1..=behind).map(|back| (old.len() - back, new.len() - back));
    begin.chain(end).filter_map(|(old, new)| Some((cursor(from, old)?.to_string(), cursor(to, new)?))).collect()
}
