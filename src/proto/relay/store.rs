//! Where a relay keeps what must outlive a connection: auth log, wraps, members and durable entries.
//!
//! room --append, put--> [`Store`] --visit--> outboxes; after a restart --> room
//!
//! Always: a store trusts its caller, who has verified everything; it sees only what is sealed or public.

use crate::proto::id::{LaneId, SessionId};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

/// Why something was not stored; the operator has to act.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot take more.
    #[error("store is full: {bytes} bytes held, at most {bytes_max} allowed")]
    Full {
        /// What it holds.
        bytes: u64,
        /// What it may hold.
        bytes_max: u64,
    },
    /// The medium failed.
    #[error("store failed: {reason}")]
    Medium {
        /// What it said.
        reason: String,
    },
}

/// One durable entry as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEntry {
    /// Its lane.
    pub lane: LaneId,
    /// Its place in the lane.
    pub seq: u64,
    /// Its digest: the `prev` of the next one.
    pub digest: [u8; 32],
    /// The whole ENTRY frame, as it goes to every subscriber.
    pub frame: Bytes,
}

/// The newest entry of a lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The lane.
    pub lane: LaneId,
    /// The seq that comes next.
    pub next: u64,
    /// Digest of the newest entry.
    pub digest: [u8; 32],
}

/// Keeps sessions. Entries of a session have positions 0, 1, 2, … in the order of their arrival: an entry comes after
/// everything its author had seen, so who reads in this order never waits for a dependency.
pub trait Store: fmt::Debug + Send {
    /// Lists the sessions kept.
    fn sessions(&self) -> Vec<SessionId>;

    /// Appends one auth log record.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn put_record(&mut self, session: &SessionId, record: &Bytes) -> Result<(), StoreError>;

    /// Keeps the wrap of one recipient in place of the one before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn put_wrap(&mut self, session: &SessionId, recipient: &[u8; 16], wrap: &Bytes) -> Result<(), StoreError>;

    /// Keeps one member's chain.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn put_member(&mut self, session: &SessionId, chain: &Bytes) -> Result<(), StoreError>;

    /// Appends one verified entry.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn append(&mut self, session: &SessionId, entry: StoredEntry) -> Result<(), StoreError>;

    /// Returns the auth log.
    fn records(&self, session: &SessionId) -> Vec<Bytes>;

    /// Returns all wraps.
    fn wraps(&self, session: &SessionId) -> Vec<Bytes>;

    /// Returns the chains of all members.
    fn members(&self, session: &SessionId) -> Vec<Bytes>;

    /// Returns the newest entry of every lane.
    fn heads(&self, session: &SessionId) -> Vec<Head>;

    /// Returns the position after the last entry.
    fn end(&self, session: &SessionId) -> u64;

    /// Shows the entries from `position` on until `visit` breaks.
    fn visit(&self, session: &SessionId, position: u64, visit: &mut dyn FnMut(&StoredEntry) -> ControlFlow<()>);

    /// Returns the bytes of all entries of a session.
    fn entry_bytes(&self, session: &SessionId) -> u64;

    /// Returns the bytes of all entries of all sessions.
    fn total_bytes(&self) -> u64;

    /// Forgets the entries and members of a session and keeps its auth log.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the medium failed.
    fn clear_entries(&mut self, session: &SessionId) -> Result<(), StoreError>;

    /// Forgets a session.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the medium failed.
    fn remove(&mut self, session: &SessionId) -> Result<(), StoreError>;
}

#[derive(Debug, Default)]
struct Kept {
    records: Vec<Bytes>,
    wraps: BTreeMap<[u8; 16], Bytes>,
    members: Vec<Bytes>,
    entries: Vec<StoredEntry>,
    heads: BTreeMap<LaneId, Head>,
    entry_bytes: u64,
}

/// Keeps everything in memory, up to a bound over all sessions.
#[derive(Debug)]
pub struct MemoryStore {
    sessions: BTreeMap<SessionId, Kept>,
    bytes: u64,
    bytes_max: u64,
}

impl MemoryStore {
    /// Starts empty; all entries together may take `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        Self { sessions: BTreeMap::new(), bytes: 0, bytes_max }
    }

    fn kept(&mut self, session: &SessionId) -> &mut Kept {
        self.sessions.entry(*session).or_default()
    }

    fn list(&self, session: &SessionId, list: impl Fn(&Kept) -> Vec<Bytes>) -> Vec<Bytes> {
        self.sessions.get(session).map(list).unwrap_or_default()
    }
}

impl Store for MemoryStore {
    fn sessions(&self) -> Vec<SessionId> {
        self.sessions.keys().copied().collect()
    }

    fn put_record(&mut self, session: &SessionId, record: &Bytes) -> Result<(), StoreError> {
        self.kept(session).records.push(record.clone());
        Ok(())
    }

    fn put_wrap(&mut self, session: &SessionId, recipient: &[u8; 16], wrap: &Bytes) -> Result<(), StoreError> {
        self.kept(session).wraps.insert(*recipient, wrap.clone());
        Ok(())
    }

    fn put_member(&mut self, session: &SessionId, chain: &Bytes) -> Result<(), StoreError> {
        self.kept(session).members.push(chain.clone());
        Ok(())
    }

    fn append(&mut self, session: &SessionId, entry: StoredEntry) -> Result<(), StoreError> {
        let (bytes, bytes_max) = (entry.frame.len() as u64, self.bytes_max);
        if self.bytes.saturating_add(bytes) > bytes_max {
            return Err(StoreError::Full { bytes: self.bytes, bytes_max });
        }
        self.bytes += bytes;
        let kept = self.kept(session);
        let head = Head { lane: entry.lane, next: entry.seq.saturating_add(1), digest: entry.digest };
        kept.heads.insert(entry.lane, head);
        kept.entry_bytes += bytes;
        kept.entries.push(entry);
        Ok(())
    }

    fn records(&self, session: &SessionId) -> Vec<Bytes> {
        self.list(session, |kept| kept.records.clone())
    }

    fn wraps(&self, session: &SessionId) -> Vec<Bytes> {
        self.list(session, |kept| kept.wraps.values().cloned().collect())
    }

    fn members(&self, session: &SessionId) -> Vec<Bytes> {
        self.list(session, |kept| kept.members.clone())
    }

    fn heads(&self, session: &SessionId) -> Vec<Head> {
        self.sessions.get(session).map(|kept| kept.heads.values().copied().collect()).unwrap_or_default()
    }

    fn end(&self, session: &SessionId) -> u64 {
        self.sessions.get(session).map_or(0, |kept| kept.entries.len() as u64)
    }

    fn visit(&self, session: &SessionId, position: u64, visit: &mut dyn FnMut(&StoredEntry) -> ControlFlow<()>) {
        let start = usize::try_from(position).unwrap_or(usize::MAX);
        let entries = self.sessions.get(session).and_then(|kept| kept.entries.get(start..)).unwrap_or_default();
        let _ = entries.iter().try_for_each(visit);
    }

    fn entry_bytes(&self, session: &SessionId) -> u64 {
        self.sessions.get(session).map_or(0, |kept| kept.entry_bytes)
    }

    fn total_bytes(&self) -> u64 {
        self.bytes
    }

    fn clear_entries(&mut self, session: &SessionId) -> Result<(), StoreError> {
        if let Some(kept) = self.sessions.get_mut(session) {
            self.bytes -= kept.entry_bytes;
            *kept = Kept { records: std::mem::take(&mut kept.records), ..Kept::default() };
        }
        Ok(())
    }

    fn remove(&mut self, session: &SessionId) -> Result<(), StoreError> {
        if let Some(kept) = self.sessions.remove(session) {
            self.bytes -= kept.entry_bytes;
        }
        Ok(())
    }
}
