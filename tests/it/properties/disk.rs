//! What a relay keeps, watched from outside: who was told that something is stored, and what was forgotten.
//!
//! hall --`Store`--> [`Disk`] --`gone`--> the model, which says whether it might go
//!
//! Always: it outlives its relay, as a disk would. It ends with its process, as a disk would not: of power cuts in the
//! middle of a write it says nothing.

use bytes::Bytes;
use cahoots::proto::id::{Channel, Epoch, LaneId, SessionId};
use cahoots::proto::relay::store::{Head, StoreError, StoredEntry};
use cahoots::proto::relay::{MemoryStore, Shelf, Store};
use cahoots::proto::time::Wall;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard};

const BYTES_MAX: u64 = 64 * 1_048_576;

/// Entries of one lane that were forgotten: from `first` on, below `end`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Gone {
    pub(crate) lane: LaneId,
    pub(crate) first: u64,
    pub(crate) end: u64,
}

#[derive(Debug)]
struct Platter {
    store: MemoryStore,
    gone: Vec<Gone>,
    /// How far each lane was ever stored.
    stored: BTreeMap<LaneId, u64>,
}

/// A store that several relays can have, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    pub(crate) fn new() -> Self {
        let store = MemoryStore::new(BYTES_MAX);
        Self(Arc::new(Mutex::new(Platter { store, gone: Vec::new(), stored: BTreeMap::new() })))
    }

    /// Makes a backup.
    pub(crate) fn copy(&self) -> Self {
        let platter = self.platter();
        let (store, stored) = (platter.store.clone(), platter.stored.clone());
        Self(Arc::new(Mutex::new(Platter { store, gone: Vec::new(), stored })))
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap()
    }

    /// Takes what was forgotten since the last call.
    pub(crate) fn take_gone(&self) -> Vec<Gone> {
        std::mem::take(&mut self.platter().gone)
    }

    /// Returns how far a lane was ever stored here.
    pub(crate) fn stored(&self, lane: &LaneId) -> u64 {
        self.platter().stored.get(lane).copied().unwrap_or(0)
    }
}

impl Platter {
    /// Returns the lanes of which `is_concerned` says so, with how far they go.
    fn ends(&self, session: &SessionId, is_concerned: impl Fn(&LaneId) -> bool) -> Vec<(LaneId, u64)> {
        let heads = self.store.heads(session).into_iter().filter(|head| is_concerned(&head.lane));
        heads.map(|head| (head.lane, head.next)).collect()
    }
}

impl Store for Disk {
    fn sessions(&self) -> Vec<SessionId> {
        self.platter().store.sessions()
    }

    fn put_record(&mut self, session: &SessionId, record: &Bytes) -> Result<(), StoreError> {
        self.platter().store.put_record(session, record)
    }

    fn records(&self, session: &SessionId) -> Vec<Bytes> {
        self.platter().store.records(session)
    }

    fn put(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16], item: &Bytes) -> Result<(), StoreError> {
        self.platter().store.put(session, shelf, name, item)
    }

    fn discard(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16]) -> Result<(), StoreError> {
        self.platter().store.discard(session, shelf, name)
    }

    fn items(&self, session: &SessionId, shelf: Shelf) -> Vec<Bytes> {
        self.platter().store.items(session, shelf)
    }

    fn append(&mut self, session: &SessionId, entry: StoredEntry) -> Result<(), StoreError> {
        let (lane, next) = (entry.lane, entry.seq + 1);
        let mut platter = self.platter();
        platter.store.append(session, entry)?;
        platter.stored.insert(lane, next);
        Ok(())
    }

    fn truncate(&mut self, session: &SessionId, lane: &LaneId, next: u64) -> Result<(), StoreError> {
        let mut platter = self.platter();
        let ends = platter.ends(session, |other| other == lane);
        let gone = ends.into_iter().map(|(lane, end)| Gone { lane, first: next, end });
        platter.gone.extend(gone.filter(|gone| gone.first < gone.end));
        platter.store.truncate(session, lane, next)
    }

    fn forget_below(&mut self, session: &SessionId, channel: Channel, epoch: Epoch) -> Result<(), StoreError> {
        let mut platter = self.platter();
        let ends = platter.ends(session, |lane| lane.channel == channel && lane.epoch < epoch);
        platter.gone.extend(ends.into_iter().map(|(lane, end)| Gone { lane, first: 0, end }));
        platter.store.forget_below(session, channel, epoch)
    }

    fn heads(&self, session: &SessionId) -> Vec<Head> {
        self.platter().store.heads(session)
    }

    fn entry(&self, session: &SessionId, lane: &LaneId, seq: u64) -> Option<StoredEntry> {
        self.platter().store.entry(session, lane, seq)
    }

    fn end(&self, session: &SessionId) -> u64 {
        self.platter().store.end(session)
    }

    fn visit(&self, session: &SessionId, position: u64, visit: &mut dyn FnMut(u64, &StoredEntry) -> ControlFlow<()>) {
        self.platter().store.visit(session, position, visit);
    }

    fn entry_bytes(&self, session: &SessionId) -> u64 {
        self.platter().store.entry_bytes(session)
    }

    fn total_bytes(&self) -> u64 {
        self.platter().store.total_bytes()
    }

    fn clear_entries(&mut self, session: &SessionId) -> Result<(), StoreError> {
        self.platter().store.clear_entries(session)
    }

    fn remove(&mut self, session: &SessionId) -> Result<(), StoreError> {
        self.platter().store.remove(session)
    }

    fn put_wall(&mut self, wall: Wall) -> Result<(), StoreError> {
        self.platter().store.put_wall(wall)
    }

    fn wall(&self) -> Wall {
        self.platter().store.wall()
    }
}
