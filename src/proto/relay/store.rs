//! Where a relay keeps what must outlive a connection: auth log, wraps, shares, members and durable entries.
//!
//! room --append, put--> [`Store`] --visit--> outboxes; after a restart --> room
//!
//! Always: a store trusts its caller, who has verified everything; it sees only what is sealed or public.

mod memory;

pub use memory::MemoryStore;

use crate::proto::id::{Channel, Epoch, LaneId, SessionId};
use crate::proto::time::Wall;
use bytes::Bytes;
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

/// What is kept of a session under names of 16 bytes, for each name the newest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Shelf {
    /// Wraps, by recipient.
    Wraps,
    /// SHARE frames, by share.
    Shares,
    /// Chains of members with durable entries, by author.
    Members,
    /// Proofs, by author.
    Proofs,
}

impl Shelf {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Wraps, Self::Shares, Self::Members, Self::Proofs];
}

/// Keeps sessions. Entries of a session have rising positions in the order of their arrival: an entry comes after
/// everything its author had seen, so who reads in this order never waits for a dependency. What is forgotten leaves
/// its position empty.
pub trait Store: fmt::Debug + Send {
    /// Lists the sessions kept.
    fn sessions(&self) -> Vec<SessionId>;

    /// Appends one auth log record.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn put_record(&mut self, session: &SessionId, record: &Bytes) -> Result<(), StoreError>;

    /// Returns the auth log.
    fn records(&self, session: &SessionId) -> Vec<Bytes>;

    /// Keeps `item` in place of the one before with this name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn put(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16], item: &Bytes) -> Result<(), StoreError>;

    /// Forgets the item with this name, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the medium failed.
    fn discard(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16]) -> Result<(), StoreError>;

    /// Returns all items of a shelf.
    fn items(&self, session: &SessionId, shelf: Shelf) -> Vec<Bytes>;

    /// Appends one verified entry, the next of its lane.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn append(&mut self, session: &SessionId, entry: StoredEntry) -> Result<(), StoreError>;

    /// Forgets the entries of `lane` from `next` on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the medium failed.
    fn truncate(&mut self, session: &SessionId, lane: &LaneId, next: u64) -> Result<(), StoreError>;

    /// Forgets all entries of `channel` in epochs before `epoch`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the medium failed.
    fn forget_below(&mut self, session: &SessionId, channel: Channel, epoch: Epoch) -> Result<(), StoreError>;

    /// Returns the newest entry of every lane.
    fn heads(&self, session: &SessionId) -> Vec<Head>;

    /// Returns one entry of a lane.
    fn entry(&self, session: &SessionId, lane: &LaneId, seq: u64) -> Option<StoredEntry>;

    /// Returns the position after the last entry.
    fn end(&self, session: &SessionId) -> u64;

    /// Shows the entries from `position` on, each with its own, until `visit` breaks.
    fn visit(&self, session: &SessionId, position: u64, visit: &mut dyn FnMut(u64, &StoredEntry) -> ControlFlow<()>);

    /// Returns the bytes of all entries of a session.
    fn entry_bytes(&self, session: &SessionId) -> u64;

    /// Returns the bytes of all entries of all sessions.
    fn total_bytes(&self) -> u64;

    /// Forgets all of a session but its auth log.
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

    /// Keeps the latest time that the node saw.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not stored.
    fn put_wall(&mut self, wall: Wall) -> Result<(), StoreError>;

    /// Returns the time kept, zero if there is none. A node's time begins no earlier, whatever its clock says.
    fn wall(&self) -> Wall;
}
