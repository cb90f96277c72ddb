//! From a checked file to facts in the order of their times. PROTOCOL.md 19.

use super::event::{Audit, AuditEvent, Edits, Source, What};
use super::file::Parts;
use super::journal::Note;
use super::people::Person;
use super::read::{Lane, Members};
use crate::proto::authlog::{AuthLog, Record as LogRecord};
use crate::proto::doc::{DocKind, Document, Message};
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, ShareId};
use crate::proto::member::{VerifiedMember, decode_named};
use crate::proto::share::Rights;
use crate::proto::time::Wall;
use crate::proto::wire::Reader;
use std::collections::{BTreeMap, BTreeSet};

/// A file of which all holds.
pub(super) struct Checked<'a> {
    pub(super) parts: &'a Parts<'a>,
    pub(super) log: AuthLog,
    pub(super) members: Members,
    /// The journal.
    pub(super) records: Vec<(Wall, Note)>,
    pub(super) lanes: Vec<Lane>,
}

impl Checked<'_> {
    pub(super) fn tell(self) -> Audit {
        let people = self.people();
        // Each source is in its own order, whatever its clock did meanwhile.
        let mut events = in_order(self.log_events(&people));
        events.extend(in_order(self.journal_events(&people)));
        events.extend(self.chat_events(&people).into_iter().map(|event| (event.time.min(self.parts.made), event)));
        events.sort_by_key(|(time, _)| *time);
        Audit {
            session: self.parts.session,
            made: self.parts.made,
            writer: self.person(&people, self.parts.writer),
            has_contents: !self.lanes.is_empty(),
            edits: self.edits(&people),
            members: people.into_values().collect(),
            events: events.into_iter().map(|(_, event)| event).collect(),
        }
    }

    fn people(&self) -> BTreeMap<AuthorId, Person> {
        let names: BTreeMap<AuthorId, &String> = self
            .records
            .iter()
            .filter_map(|(_, note)| match note {
                Note::Joined { author, name, .. } => Some((*author, name)),
                _ => None,
            })
            .collect();
        let people = self.members.values().map(|member| {
            let author = member.author();
            let name = names.get(&author).map(|name| (*name).clone());
            let below = member.chain().shares.iter().skip(1).map(|cert| cert.share).collect();
            (author, Person { author, name, share: member.share(), below, rights: member.rights() })
        });
        people.collect()
    }

    /// Returns a person; of one who is no member of the file, the id.
    fn person(&self, people: &BTreeMap<AuthorId, Person>, author: AuthorId) -> Person {
        let unknown = Person { author, name: None, share: ShareId([0; 16]), below: Vec::new(), rights: Rights::NONE };
        people.get(&author).cloned().unwrap_or(unknown)
    }

    fn log_events(&self, people: &BTreeMap<AuthorId, Person>) -> Vec<AuditEvent> {
        let mut events = Vec::new();
        for (_, time, record) in self.log.decoded() {
            let (who, what) = match record {
                LogRecord::Genesis { .. } => (None, What::Began),
                LogRecord::Share(cert) => {
                    let (link, rights, expires) = (cert.share, cert.rights, cert.expires);
                    (None, What::LinkMade { link, rights, expires, members_max: cert.max_members, flags: cert.flags })
                }
                LogRecord::Epoch { epoch, .. } => (None, What::EpochBegan { epoch }),
                LogRecord::Host(cert) => (Some(cert.author()), What::BecameHost),
                LogRecord::Close { share, stay } => {
                    let came_by = |member: &&VerifiedMember| {
                        let mut shares = member.chain().shares.iter();
                        shares.any(|cert| cert.share == share) && !stay.contains(&member.author())
                    };
                    let cut_off = self.members.values().filter(came_by);
                    let cut_off = cut_off.map(|member| self.person(people, member.author())).collect();
                    (None, What::LinkClosed { link: share, cut_off, stay: stay.len() })
                }
                LogRecord::End => (None, What::Ended),
                LogRecord::Checkpoint(checkpoint) => (None, What::Checkpointed { document: checkpoint.channel }),
                LogRecord::Roll(roll) => (None, What::BeganAnew { document: roll.channel }),
                LogRecord::Admit(author) => (Some(author), What::LetIn),
                LogRecord::Cut(_) | LogRecord::Unknown { .. } => continue,
            };
            let who = who.map(|author| self.person(people, author));
            events.push(AuditEvent { time, source: Source::Owner, who, what });
        }
        events
    }

    fn journal_events(&self, people: &BTreeMap<AuthorId, Person>) -> Vec<AuditEvent> {
        let events = self.records.iter().map(|(time, note)| {
            let (time, what) = match note {
                Note::Joined { .. } => (*time, What::Joined),
                Note::Left(_) => (*time, What::Left),
                Note::Knocked(_) => (*time, What::Knocked),
                Note::TurnedAway(_) => (*time, What::TurnedAway),
                Note::Policy(pane, policy) => (*time, What::PolicySet { pane: *pane, policy: *policy }),
                Note::Driver(pane, Some(_)) => (*time, What::TookTheWheel { pane: *pane }),
                Note::Driver(pane, None) => (*time, What::WheelFree { pane: *pane }),
                Note::Drove(drove) => {
                    let (pane, until, bytes) = (drove.pane, drove.last, drove.bytes);
                    let (first_entry, last_entry) = (drove.from, drove.receipt.seq());
                    (drove.first, What::Drove { pane, until, bytes, first_entry, last_entry })
                }
                Note::Full => (*time, What::JournalFull),
                Note::Commanded(_, deed) => {
                    let member = deed.member().map(|author| self.person(people, author));
                    (*time, What::Commanded { deed: *deed, link: deed.link(), member })
                }
            };
            let who = note.who().map(|author| self.person(people, author));
            AuditEvent { time, source: Source::Host, who, what }
        });
        events.collect()
    }

    /// Tells what was said: by the members' own signatures as far as their entries are in the file, and by the host's
    /// checkpoint where they are not.
    fn chat_events(&self, people: &BTreeMap<AuthorId, Person>) -> Vec<AuditEvent> {
        let mut known: BTreeSet<(AuthorId, u64)> = BTreeSet::new();
        let mut events = Vec::new();
        let said = self.signed().into_iter().map(|message| (message, Source::Member));
        let whole = self.checkpointed().map(|document| document.messages().to_vec()).unwrap_or_default();
        for (message, source) in said.chain(whole.into_iter().map(|message| (message, Source::Checkpoint))) {
            if known.insert((message.author, message.n)) {
                let who = Some(self.person(people, message.author));
                events.push(AuditEvent { time: message.time, source, who, what: What::from(&message) });
            }
        }
        events
    }

    /// Returns the lines whose entries are in the file, through all generations of the chat of which it has everything.
    fn signed(&self) -> Vec<Message> {
        let mut document = Document::new(DocKind::Chat, self.parts.writer);
        let mut said = Vec::new();
        let mut since = Epoch(0);
        for roll in self.log.rolls(Channel::CHAT) {
            self.say_lanes(&mut document);
            said.extend_from_slice(document.messages());
            let mut left = document.based().clone();
            for cut in self.log.cuts(Channel::CHAT).filter(|cut| (since..roll.epoch).contains(&cut.lane.epoch)) {
                *left.entry(cut.lane.author).or_default() += cut.next;
            }
            if document.roll(&left, roll.lines).is_err() {
                return said;
            }
            since = roll.epoch;
        }
        self.say_lanes(&mut document);
        said.extend_from_slice(document.messages());
        said
    }

    /// Gives a chat the entries of its generation.
    fn say_lanes(&self, document: &mut Document) {
        let is_of_it = |lane: &&Lane| {
            let is_chat = lane.id.channel == Channel::CHAT;
            is_chat && self.log.generation(Channel::CHAT, lane.id.epoch) == document.generation()
        };
        let lanes: Vec<_> = self.lanes.iter().filter(is_of_it).collect();
        for lane in lanes {
            for payload in &lane.payloads {
                document.handle_payload(lane.id.author, payload.clone());
            }
        }
        document.flush();
    }

    /// Builds the chat on the newest checkpoint, if the file has all of it.
    fn checkpointed(&self) -> Option<Document> {
        let checkpoint = self.log.checkpoint(Channel::CHAT)?;
        let is_it = |lane: &&Lane| {
            let is_place = lane.id.channel == Channel::CHAT_CHECKPOINT && lane.id.epoch == checkpoint.epoch;
            is_place && lane.head == checkpoint.last && lane.entries == u64::from(checkpoint.segments)
        };
        let plaintext = self.lanes.iter().find(is_it)?.payloads.concat();
        let mut reader = Reader::new(&plaintext);
        decode_named(&mut reader).ok()?;
        let mut document = Document::new(DocKind::Chat, self.parts.writer);
        let generation = self.log.generation(Channel::CHAT, checkpoint.epoch);
        document.adopt_generation(generation, &BTreeMap::new(), reader.rest(), &checkpoint.heads).ok()?;
        self.say_lanes(&mut document);
        Some(document)
    }

    fn edits(&self, people: &BTreeMap<AuthorId, Person>) -> Vec<Edits> {
        let mut counts: BTreeMap<LaneId, (u64, u64, u64)> = BTreeMap::new();
        if self.lanes.is_empty() {
            return Vec::new();
        }
        for channel in Channel::DURABLE {
            for cut in self.log.cuts(channel).filter(|cut| cut.next > 0 && self.members.contains_key(&cut.lane.author))
            {
                counts.insert(cut.lane, (0, 0, cut.next));
            }
            for lane in self.lanes.iter().filter(|lane| lane.id.channel == channel) {
                let (changes, unreadable, missing) = counts.entry(lane.id).or_default();
                (*changes, *unreadable) = (lane.entries, lane.entries - lane.payloads.len() as u64);
                *missing = missing.saturating_sub(lane.entries);
            }
        }
        let edits = counts.into_iter().map(|(lane, (changes, unreadable, missing))| {
            let who = self.person(people, lane.author);
            Edits { who, document: lane.channel, epoch: lane.epoch, changes, unreadable, missing }
        });
        edits.collect()
    }
}

/// Pairs each event with a time that never goes back.
fn in_order(events: Vec<AuditEvent>) -> Vec<(Wall, AuditEvent)> {
    let mut latest = Wall(0);
    let pair = |event: AuditEvent| match event.what {
        // It is noted when it is over, and belongs where it began.
        What::Drove { .. } => (event.time, event),
        _ => {
            latest = latest.max(event.time);
            (latest, event)
        }
    };
    events.into_iter().map(pair).collect()
}
