//! What a peer notes of a session, and the file that others can check it by. PROTOCOL.md 19.

mod archive;

pub(super) use archive::Archive;

use super::{Event, Peer};
use crate::proto::audit::{Contents, LaneOf, Note, Writer};
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, PaneId, ShareId};
use crate::proto::key::Secret32;
use crate::proto::limits::NAME_BYTES_MAX;
use crate::proto::member::VerifiedMember;
use crate::proto::seal::lane_key;
use crate::proto::share::Rights;
use crate::proto::terminal::sanitise_line;
use crate::proto::time::{Now, Wall};
use std::collections::BTreeMap;

impl Peer {
    /// Remembers the time for what is noted as it is told.
    pub(super) fn note_time(&mut self, now: Now) {
        if let Some(hosting) = self.hosting.as_mut() {
            hosting.clock = now.wall;
        }
    }

    /// Writes into the journal, at the host. Of whom nobody could check the certificate, nothing is noted.
    pub(super) fn note(&mut self, note: &Note, time: Wall) {
        let (Some(me), Some(hosting)) = (&self.me, self.hosting.as_mut()) else { return };
        if !hosting.journal.takes(note) {
            return;
        }
        let named = note.names();
        named
            .and_then(|author| self.roster.member(&author))
            .into_iter()
            .for_each(|member| hosting.journal.know(member));
        if named.is_none_or(|author| hosting.journal.knows(&author)) {
            hosting.journal.write(&self.session, &self.keys, me.author(), note, time);
        }
    }

    /// Notes what the program is told: journal and screen say the same.
    pub(super) fn note_event(&mut self, event: &Event) {
        let Some(time) = self.hosting.as_ref().map(|hosting| hosting.clock) else { return };
        let note = match event {
            Event::Joined(author) => self.joined(*author),
            Event::Knocked(author) => Note::Knocked(*author),
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

    fn end_bursts(&mut self, time: Wall, is_over: impl Fn(PaneId, AuthorId) -> bool) {
        let ended = self.hosting.as_mut().map(|hosting| hosting.bursts.end(is_over)).unwrap_or_default();
        ended.into_iter().for_each(|drove| self.note(&Note::Drove(drove), time));
    }

    /// Writes what this peer holds of the session's history into a file that [`audit::read`](crate::proto::audit::read)
    /// checks; `None` before it has joined. The host's file has its journal: who came and went, and who typed where.
    ///
    /// With contents, whoever has the file can read the chat, and what was recorded of the session's sealed traffic.
    #[must_use]
    pub fn export_audit(&mut self, contents: Contents, now: Now) -> Option<Vec<u8>> {
        let me = self.me.clone()?;
        self.flush_documents();
        self.end_bursts(now.wall, |_, _| true);
        let recorded = |member: &&VerifiedMember| self.log.records_chain(member).is_ok();
        let noted = self.hosting.iter().flat_map(|hosting| hosting.journal.people());
        let known = self.roster.all().chain(noted).chain(self.log.host_member()).filter(recorded);
        let members: BTreeMap<_, _> = known.chain([&me]).map(|member| (member.author(), member)).collect();
        let lanes = match contents {
            Contents::LeftOut => Vec::new(),
            Contents::Included => self.lanes_for_audit(&members),
        };
        let writer = Writer {
            session: self.session,
            made: now.wall,
            log: self.log.records(),
            members: members.values().map(|member| member.chain()).collect(),
            journal: self.hosting.as_ref().map_or(&[], |hosting| hosting.journal.records()),
            lanes,
        };
        Some(writer.write(me.author(), &self.keys))
    }

    pub(super) fn lanes_for_audit(&self, members: &BTreeMap<AuthorId, &VerifiedMember>) -> Vec<LaneOf<'_>> {
        let archived = self.hosting.iter().flat_map(|hosting| hosting.archive.lanes());
        let held = Channel::RECONCILED.into_iter().flat_map(|channel| {
            let lanes = self.replica.lanes_of(channel);
            lanes.map(|(lane, next)| (lane, (0..next).map_while(|seq| self.replica.entry(&lane, seq)).collect()))
        });
        // What is held now is newer than what was put away of the same lane.
        let lanes: BTreeMap<LaneId, Vec<_>> = archived.chain(held).collect();
        let lanes = lanes.into_iter().filter_map(|(lane, mut entries)| {
            let end = self.log.end_of(&lane, members.get(&lane.author)?);
            entries.retain(|entry| end.takes(entry.seq));
            (!entries.is_empty()).then(|| LaneOf { lane, key: self.lane_key(&lane), entries })
        });
        lanes.collect()
    }

    fn lane_key(&self, lane: &LaneId) -> Option<Secret32> {
        let archived = self.hosting.as_ref().and_then(|hosting| hosting.archive.key(lane)).cloned();
        self.epochs.get(lane.epoch).map(|secret| lane_key(lane, secret)).or(archived)
    }

    /// Puts the keys of the documents' lanes aside, at the host, before the secrets of past epochs are forgotten.
    pub(super) fn keep_lane_keys(&mut self) {
        let Some(hosting) = self.hosting.as_mut() else { return };
        for (epoch, secret) in self.epochs.iter() {
            let lanes = Channel::RECONCILED.into_iter().flat_map(|channel| self.replica.lanes_of(channel));
            hosting.archive.keep_keys(epoch, secret, lanes.map(|(lane, _)| lane));
        }
    }

    /// Puts the lanes of a document aside, at the host, before they are forgotten because their epoch is over.
    pub(super) fn archive_lanes(&mut self, document: Channel, epoch: Epoch) {
        self.keep_lane_keys();
        let Some(hosting) = self.hosting.as_mut() else { return };
        for (lane, next) in self.replica.lanes_of(document).filter(|(lane, _)| lane.epoch < epoch) {
            let Some(member) = self.roster.member(&lane.author) else { continue };
            let entries = (0..next).map_while(|seq| self.replica.entry(&lane, seq).cloned());
            hosting.journal.know(member);
            hosting.archive.keep(lane, entries.collect());
        }
    }
}
