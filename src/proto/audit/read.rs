//! Checks an audit file from the file alone, and tells what it proves. PROTOCOL.md 19.

use super::event::Audit;
use super::file::{Parts, SealedLane};
use super::journal::{Note, Record};
use super::tell::Checked;
use crate::proto::authlog::{AuthLog, LaneEnd, LogError, Record as LogRecord};
use crate::proto::id::{AuthorId, Channel, LaneId};
use crate::proto::lane::verify::{EntryError, LaneVerifier};
use crate::proto::member::{Chain, ChainError, VerifiedMember};
use crate::proto::seal::{LaneReader, unpad_durable};
use crate::proto::share::Rights;
use crate::proto::time::Wall;
use crate::proto::wire::{DecodeError, WireEntry};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// Why a file proves nothing. Whoever made it, or had it since, has to act.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The file ends early.
    #[error("the file is cut off: {missing} bytes or more are missing")]
    Truncated {
        /// How many the field needs in which it ends.
        missing: usize,
    },
    /// The bytes are no audit file.
    #[error("not an audit file: {0}")]
    Malformed(DecodeError),
    /// The owner did not write this log.
    #[error("auth log, record {seq}: {reason}")]
    Log {
        /// Which record.
        seq: u64,
        /// What is wrong.
        reason: LogError,
    },
    /// A member's certificates do not hold.
    #[error("member {index} of the file: {reason}")]
    Member {
        /// Which one.
        index: usize,
        /// What is wrong.
        reason: ChainError,
    },
    /// A member's certificates are malformed, or not in their place.
    #[error("member {index} of the file is malformed or out of order")]
    MemberForm {
        /// Which one.
        index: usize,
    },
    /// The host did not write this journal.
    #[error("journal, record {seq}: {reason}")]
    Journal {
        /// Which record.
        seq: u64,
        /// What is wrong.
        reason: JournalError,
    },
    /// A lane is not what its author wrote.
    #[error("channel {}, member {}, epoch {}: {reason}", lane.channel.number(), lane.author, lane.epoch.0)]
    Lane {
        /// Which one.
        lane: LaneId,
        /// What is wrong.
        reason: LaneError,
    },
    /// The file's writer is none of its members.
    #[error("the file's writer {0} is not among its members")]
    Writer(AuthorId),
    /// The file was changed after it was written.
    #[error("the file's signature is wrong: it was changed after it was written")]
    Signature,
}

impl From<DecodeError> for AuditError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Truncated { missing } => Self::Truncated { missing },
            other => Self::Malformed(other),
        }
    }
}

/// What is wrong with a journal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The bytes are no record.
    #[error("malformed: {0}")]
    Decode(#[from] DecodeError),
    /// It does not follow the record before it.
    #[error("does not follow the record before it")]
    Place,
    /// The owner never made its writer the host, or it is another one than before.
    #[error("written by {0}, who is not the host")]
    Host(AuthorId),
    /// The host did not sign it.
    #[error("wrong signature")]
    Signature,
    /// It is about somebody whose certificate is not in the file, or says something else.
    #[error("names {0}, of whom the file knows nothing, or something else")]
    Stranger(AuthorId),
    /// The member did not sign what it is said to have typed, may not type, or it is told twice.
    #[error("{0} did not sign this, may not type, or it is told twice")]
    Receipt(AuthorId),
}

/// What is wrong with a lane.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LaneError {
    /// It is not in its place in the file.
    #[error("lane out of order")]
    Order,
    /// Its author's certificate is not in the file, or does not allow to write there.
    #[error("its author may not write there")]
    Right,
    /// The owner never began this epoch.
    #[error("no such epoch")]
    Epoch,
    /// An entry is malformed.
    #[error("malformed entry: {0}")]
    Decode(#[from] DecodeError),
    /// An entry is not its author's, or not in its place.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// It goes on behind the owner's cut, or is another one than the owner cut.
    #[error("not the lane that the owner has cut")]
    Cut,
}

/// Checks a file and tells what it proves. All of it holds, or it is refused.
///
/// # Errors
///
/// [`AuditError`] names the first thing that does not hold.
pub fn read(bytes: &[u8]) -> Result<Audit, AuditError> {
    let parts = Parts::decode(bytes)?;
    let log = read_log(&parts)?;
    let members = read_members(&parts, &log)?;
    let records = read_journal(&parts, &log, &members)?;
    let lanes = read_lanes(&parts, &log, &members)?;
    let writer = members.get(&parts.writer).ok_or(AuditError::Writer(parts.writer))?;
    if !writer.verify_key().verify(&parts.digest, &parts.signature) {
        return Err(AuditError::Signature);
    }
    Ok(Checked { parts: &parts, log, members, records, lanes }.tell())
}

fn read_log(parts: &Parts<'_>) -> Result<AuthLog, AuditError> {
    let mut log = AuthLog::new(parts.session);
    for (seq, raw) in (0..).zip(&parts.log) {
        log.append(Bytes::copy_from_slice(raw)).map_err(|reason| AuditError::Log { seq, reason })?;
    }
    log.root().ok_or(AuditError::Log { seq: 0, reason: LogError::Genesis })?;
    Ok(log)
}

pub(super) type Members = BTreeMap<AuthorId, VerifiedMember>;

fn read_members(parts: &Parts<'_>, log: &AuthLog) -> Result<Members, AuditError> {
    let mut members = Members::new();
    for (index, raw) in parts.members.iter().enumerate() {
        let chain = Chain::decode(raw).map_err(|_| AuditError::MemberForm { index })?;
        let wrong = |reason| AuditError::Member { index, reason };
        let member = chain.verify(&parts.session).map_err(wrong)?;
        log.records_chain(&member).map_err(wrong)?;
        if members.last_key_value().is_some_and(|(before, _)| *before >= member.author()) {
            return Err(AuditError::MemberForm { index });
        }
        members.insert(member.author(), member);
    }
    Ok(members)
}

/// Returns everybody whom the owner ever made the host.
fn hosts(log: &AuthLog) -> BTreeSet<AuthorId> {
    let records = log.decoded().filter_map(|(_, _, record)| match record {
        LogRecord::Host(cert) => Some(cert.author()),
        _ => None,
    });
    records.collect()
}

fn read_journal(parts: &Parts<'_>, log: &AuthLog, members: &Members) -> Result<Vec<(Wall, Note)>, AuditError> {
    let hosts = hosts(log);
    let mut notes = Vec::new();
    let mut before: Option<Record> = None;
    let mut receipts = BTreeSet::new();
    for (seq, raw) in (0..).zip(&parts.journal) {
        let wrong = |reason| AuditError::Journal { seq, reason };
        let record = Record::decode(raw, &parts.session).map_err(|error| wrong(error.into()))?;
        let follows = match &before {
            Some(before) => record.prev == before.digest && before.host == record.host && before.note != Note::Full,
            None => record.prev == [0; 32],
        };
        if !follows || record.seq != seq {
            return Err(wrong(JournalError::Place));
        }
        let host = members.get(&record.host).filter(|host| hosts.contains(&host.author()));
        let host = host.ok_or(wrong(JournalError::Host(record.host)))?;
        if !host.verify_key().verify(&record.digest, &record.signature) {
            return Err(wrong(JournalError::Signature));
        }
        check_note(&record.note, members, &mut receipts).map_err(wrong)?;
        notes.push((record.time, record.note.clone()));
        before = Some(record);
    }
    Ok(notes)
}

fn check_note(note: &Note, members: &Members, receipts: &mut BTreeSet<(AuthorId, u64)>) -> Result<(), JournalError> {
    if let Some(stranger) = note.names().find(|author| !members.contains_key(author)) {
        return Err(JournalError::Stranger(stranger));
    }
    let Some((author, member)) = note.who().and_then(|author| Some((author, members.get(&author)?))) else {
        return Ok(());
    };
    match note {
        Note::Joined { share, rights, .. } if (*share, *rights) != (member.share(), member.rights()) => {
            Err(JournalError::Stranger(author))
        }
        Note::Drove(drove) => {
            let may_type = member.rights().contains(Rights::INPUT);
            let is_new = receipts.insert((author, drove.receipt.seq()));
            let holds = may_type && is_new && drove.receipt.verify(member.verify_key());
            if holds { Ok(()) } else { Err(JournalError::Receipt(author)) }
        }
        Note::Commanded(..) if !member.rights().contains(Rights::ADMIN) => Err(JournalError::Stranger(author)),
        _ => Ok(()),
    }
}

/// One lane whose signatures hold.
pub(super) struct Lane {
    pub(super) id: LaneId,
    pub(super) entries: u64,
    /// The digest of the last entry.
    pub(super) head: [u8; 32],
    /// What opened and was padded as it should be, in order.
    pub(super) payloads: Vec<Bytes>,
}

fn read_lanes(parts: &Parts<'_>, log: &AuthLog, members: &Members) -> Result<Vec<Lane>, AuditError> {
    let mut lanes: Vec<Lane> = Vec::new();
    for sealed in &parts.lanes {
        let is_in_order = lanes.last().is_none_or(|before| before.id < sealed.lane);
        let lane = if is_in_order { read_lane(sealed, log, members) } else { Err(LaneError::Order) };
        lanes.push(lane.map_err(|reason| AuditError::Lane { lane: sealed.lane, reason })?);
    }
    Ok(lanes)
}

fn read_lane(sealed: &SealedLane<'_>, log: &AuthLog, members: &Members) -> Result<Lane, LaneError> {
    let id = sealed.lane;
    let member = members.get(&id.author).ok_or(LaneError::Right)?;
    let may_write = match id.channel {
        Channel::STATE => member.rights().contains(Rights::CONTROL),
        Channel::CHAT => member.rights().contains(Rights::CHAT),
        _ => hosts(log).contains(&id.author),
    };
    if !may_write {
        return Err(LaneError::Right);
    }
    log.commit(id.epoch).ok_or(LaneError::Epoch)?;
    let (session, verify_key) = (log.session(), member.verify_key().clone());
    let mut verifier = LaneVerifier::new(session, id, verify_key.clone());
    let mut reader = sealed.key.as_ref().map(|key| LaneReader::with_key(session, id, verify_key, key.clone()));
    let (mut payloads, mut head) = (Vec::new(), [0; 32]);
    for raw in &sealed.entries {
        let entry = WireEntry::decode(Bytes::copy_from_slice(raw))?;
        head = verifier.check(&entry)?;
        // An entry that does not open has no content, and counts all the same.
        let plaintext = reader.as_mut().and_then(|reader| reader.open(&entry).ok());
        let payload = plaintext.as_deref().and_then(|plaintext| unpad_durable(plaintext).ok());
        payloads.extend(payload.map(Bytes::copy_from_slice));
    }
    let entries = sealed.entries.len() as u64;
    let fits = match log.end_of(&id, member) {
        LaneEnd::Open => true,
        LaneEnd::At { next, .. } if entries < next => true,
        LaneEnd::At { next, digest } => entries == next && digest.is_none_or(|digest| digest == head),
    };
    if fits { Ok(Lane { id, entries, head, payloads }) } else { Err(LaneError::Cut) }
}
