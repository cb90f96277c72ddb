//! What a peer notes of a session, and the file that others can check it by. PROTOCOL.md 19.

use super::{Event, Peer};
use crate::proto::audit::Note;
use crate::proto::id::{AuthorId, ShareId};
use crate::proto::limits::NAME_BYTES_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::share::Rights;
use crate::proto::terminal::sanitise_line;
use crate::proto::time::{Now, Wall};

impl Peer {
    /// Remembers the time for what is noted as it is told.
    pub(super) fn note_time(&mut self, now: Now) {
        if let Some(hosting) = &mut self.hosting {
            hosting.clock = now.wall;
        }
    }

    /// Writes into the journal, at the host.
    pub(super) fn note(&mut self, note: &Note, time: Wall) {
        let (Some(me), Some(hosting)) = (&self.me, &mut self.hosting) else { return };
        hosting.journal.write(&self.session, &self.keys, me.author(), note, time);
    }

    /// Notes what the program is told: journal and screen say the same.
    pub(super) fn note_event(&mut self, event: &Event) {
        let Some(time) = self.hosting.as_ref().map(|hosting| hosting.clock) else { return };
        let note = match event {
            Event::Joined(author) => self.joined(*author),
            Event::Left(author) => {
                self.end_bursts(time, |_, typist| typist == *author);
                Note::Left(*author)
            }
            Event::DriverChanged(pane, driver) => {
                self.end_bursts(time, |typed, _| typed == *pane);
                Note::Driver(*pane, *driver)
            }
            _ => return,
        };
        self.note(&note, time);
    }

    fn joined(&self, author: AuthorId) -> Note {
        let member = self.roster.member(&author);
        Note::Joined {
            author,
            share: member.map_or(ShareId([0; 16]), VerifiedMember::share),
            rights: member.map_or(Rights::NONE, VerifiedMember::rights),
            name: sanitise_line(self.roster.last_name(&author).unwrap_or_default(), NAME_BYTES_MAX),
        }
    }

    fn end_bursts(&mut self, time: Wall, is_over: impl Fn(crate::proto::id::PaneId, AuthorId) -> bool) {
        let ended = self.hosting.as_mut().map(|hosting| hosting.bursts.end(is_over)).unwrap_or_default();
        ended.into_iter().for_each(|drove| self.note(&Note::Drove(drove), time));
    }
}
