//! What each peer did itself, and what the others were told of it.

use cahoots::proto::id::{AuthorId, PaneId};
use cahoots::proto::session::{Alarm, Event};
use cahoots::proto::terminal::StreamEvent;
use std::collections::{BTreeMap, BTreeSet};

/// The deeds of all honest peers.
#[derive(Default)]
pub(super) struct Deeds {
    honest: BTreeSet<AuthorId>,
    said: BTreeSet<(AuthorId, String)>,
    typed: BTreeMap<AuthorId, Vec<(PaneId, u8)>>,
    taken: BTreeMap<AuthorId, usize>,
    shown: BTreeMap<PaneId, Vec<u8>>,
}

impl Deeds {
    pub(super) fn note_honest(&mut self, author: AuthorId) {
        self.honest.insert(author);
    }

    pub(super) fn note_said(&mut self, author: AuthorId, text: &str) {
        self.said.insert((author, text.to_owned()));
    }

    pub(super) fn note_typed(&mut self, author: AuthorId, pane: PaneId, bytes: &[u8]) {
        self.typed.entry(author).or_default().extend(bytes.iter().map(|byte| (pane, *byte)));
    }

    pub(super) fn note_shown(&mut self, pane: PaneId, bytes: &[u8]) {
        self.shown.entry(pane).or_default().extend_from_slice(bytes);
    }

    /// Holds what a peer is told against what was done.
    pub(super) fn check(&mut self, event: &Event) {
        match event {
            Event::Message(message) if self.honest.contains(&message.author) => {
                let was_said = self.said.contains(&(message.author, message.text.clone()));
                assert!(was_said, "{} never said {:?}", message.author, message.text);
            }
            Event::Input(pane, author, bytes) if self.honest.contains(author) => self.take(*pane, author, bytes),
            Event::Terminal(pane, StreamEvent::Output { offset, data }) => {
                let shown = self.shown.get(pane).map_or(&[][..], Vec::as_slice);
                let from = usize::try_from(*offset).unwrap_or(usize::MAX);
                let as_written = shown.get(from..).is_some_and(|rest| rest.starts_with(data));
                assert!(as_written, "{data:?} was not written at {offset}");
            }
            Event::Alarm(Alarm::Muted(author)) => {
                assert!(!self.honest.contains(author), "an honest member is muted");
            }
            _ => {}
        }
    }

    /// What is typed arrives once and in order, and nothing else does.
    fn take(&mut self, pane: PaneId, author: &AuthorId, bytes: &[u8]) {
        let typed = self.typed.get(author).map_or(&[][..], Vec::as_slice);
        let taken = self.taken.entry(*author).or_default();
        for byte in bytes {
            assert_eq!(typed.get(*taken), Some(&(pane, *byte)), "typed by nobody");
            *taken += 1;
        }
    }
}
