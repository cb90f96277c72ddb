//! A document made again from its log: after a failure of Automerge, or when part of the log is taken back.
//!
//! Always: what fails takes its author's lane with it and nothing else. PROTOCOL.md 12.

use std::collections::{BTreeSet, HashSet};

use automerge::Change;

use super::{Document, Entry};
use crate::proto::doc::gate::{Gate, GateError, parse_canonical};
use crate::proto::doc::view::View;

impl Document {
    /// Makes gate and view anew from the log, of which the first `good` entries were fine before: takes the others one by
    /// one, and ends the lane of each that fails.
    pub(super) fn rebuild(&mut self, good: usize) {
        let mut entries = std::mem::take(&mut self.log);
        let mut suspects = entries.split_off(good.min(entries.len()));
        self.reset();
        if !self.replay(&entries) {
            self.reset();
            entries.append(&mut suspects);
            suspects = entries;
        }
        let mut failed = BTreeSet::new();
        for entry in suspects {
            if failed.contains(&entry.author) {
                continue;
            }
            let Ok(admission) = self.gate.admit(entry.author, &entry.payload) else {
                // It builds on one that failed, and waits for what will not come.
                if let Err(reason) = self.enqueue(entry.author, entry.payload) {
                    self.refuse(entry.author, reason);
                }
                continue;
            };
            let author = entry.author;
            self.record(entry, admission);
            if self.apply_to_view() {
                self.settle();
                continue;
            }
            failed.insert(author);
            self.refuse(author, GateError::Failed);
            let mut log = std::mem::take(&mut self.log);
            log.pop();
            self.reset();
            self.replay(&log);
        }
    }

    /// Applies entries that were fine before; returns whether they are so again.
    fn replay(&mut self, entries: &[Entry]) -> bool {
        for entry in entries {
            let Ok(admission) = self.gate.admit(entry.author, &entry.payload) else { return false };
            self.record(entry.clone(), admission);
        }
        let applied = self.apply_to_view();
        self.settle();
        applied
    }

    fn apply_to_view(&mut self) -> bool {
        let batch = std::mem::take(&mut self.batch);
        self.view.as_mut().is_none_or(|view| view.apply(batch).is_ok())
    }

    /// Goes back to the genesis change and returns the view that was. What waits goes on waiting.
    pub(super) fn reset(&mut self) -> Option<View> {
        let (view, genesis) = View::new(self.kind, self.me);
        let before = self.view.as_mut().map(|shown| shown.replace(view));
        self.gate = Gate::new(self.kind, &genesis);
        let untold: HashSet<_> = self.news.iter().map(|message| (message.author, message.n)).collect();
        let told = self.messages.drain(..).map(|message| ((message.author, message.n), message));
        self.unsaid.extend(told.filter(|(id, _)| !untold.contains(id)));
        self.log.clear();
        (self.applied, self.ops, self.bytes) = (0, 0, 0);
        self.batch.clear();
        self.fresh.clear();
        self.news.clear();
        self.last_own = None;
        for lane in self.lanes.values_mut() {
            lane.admitted.clear();
        }
        before
    }

    /// Makes a view of the whole log, where there is none.
    pub(in crate::proto::doc) fn view_of_log(&self) -> Option<View> {
        let (mut view, _) = View::new(self.kind, self.me);
        let changes: Result<Vec<Change>, _> = self.log.iter().map(|entry| parse_canonical(&entry.payload)).collect();
        view.apply(changes.ok()?).ok()?;
        Some(view)
    }
}
