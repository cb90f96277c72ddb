//! A store that ends with its process.

use super::{Head, Shelf, Store, StoreError, StoredEntry};
use crate::proto::id::{Channel, Epoch, LaneId, SessionId};
use crate::proto::time::Wall;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

#[derive(Clone, Debug, Default)]
struct Kept {
    records: Vec<Bytes>,
    shelves: BTreeMap<Shelf, BTreeMap<[u8; 16], Bytes>>,
    entries: BTreeMap<u64, StoredEntry>,
    end: u64,
    /// Lane → the positions of its entries, from seq 0 on.
    lanes: BTreeMap<LaneId, Vec<u64>>,
    entry_bytes: u64,
}

impl Kept {
    fn entry(&self, lane: &LaneId, seq: u64) -> Option<&StoredEntry> {
        let position = self.lanes.get(lane)?.get(usize::try_from(seq).ok()?)?;
        self.entries.get(position)
    }

    /// Forgets the entries of `lane` from `next` on; returns their bytes.
    fn truncate(&mut self, lane: &LaneId, next: u64) -> u64 {
        let Some(positions) = self.lanes.get_mut(lane) else { return 0 };
        let keep = usize::try_from(next).unwrap_or(usize::MAX).min(positions.len());
        let gone: Vec<_> = positions.drain(keep..).collect();
        if positions.is_empty() {
            self.lanes.remove(lane);
        }
        let bytes = gone.iter().filter_map(|position| self.entries.remove(position));
        let bytes = bytes.map(|entry| entry.frame.len() as u64).sum();
        self.entry_bytes -= bytes;
        bytes
    }
}

/// Keeps everything in memory, up to a bound over all sessions.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    sessions: BTreeMap<SessionId, Kept>,
    bytes: u64,
    bytes_max: u64,
    wall: Wall,
}

impl MemoryStore {
    /// Starts empty; all entries together may take `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        Self { sessions: BTreeMap::new(), bytes: 0, bytes_max, wall: Wall(0) }
    }

    fn kept(&mut self, session: &SessionId) -> &mut Kept {
        self.sessions.entry(*session).or_default()
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

    fn records(&self, session: &SessionId) -> Vec<Bytes> {
        self.sessions.get(session).map(|kept| kept.records.clone()).unwrap_or_default()
    }

    fn put(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16], item: &Bytes) -> Result<(), StoreError> {
        self.kept(session).shelves.entry(shelf).or_default().insert(*name, item.clone());
        Ok(())
    }

    fn discard(&mut self, session: &SessionId, shelf: Shelf, name: &[u8; 16]) -> Result<(), StoreError> {
        if let Some(items) = self.sessions.get_mut(session).and_then(|kept| kept.shelves.get_mut(&shelf)) {
            items.remove(name);
        }
        Ok(())
    }

    fn items(&self, session: &SessionId, shelf: Shelf) -> Vec<Bytes> {
        let items = self.sessions.get(session).and_then(|kept| kept.shelves.get(&shelf));
        items.map(|items| items.values().cloned().collect()).unwrap_or_default()
    }

    fn append(&mut self, session: &SessionId, entry: StoredEntry) -> Result<(), StoreError> {
        let (bytes, bytes_max) = (entry.frame.len() as u64, self.bytes_max);
        if self.bytes.saturating_add(bytes) > bytes_max {
            return Err(StoreError::Full { bytes: self.bytes, bytes_max });
        }
        self.bytes += bytes;
        let kept = self.kept(session);
        kept.lanes.entry(entry.lane).or_default().push(kept.end);
        kept.entries.insert(kept.end, entry);
        kept.end += 1;
        kept.entry_bytes += bytes;
        Ok(())
    }

    fn truncate(&mut self, session: &SessionId, lane: &LaneId, next: u64) -> Result<(), StoreError> {
        if let Some(kept) = self.sessions.get_mut(session) {
            self.bytes -= kept.truncate(lane, next);
        }
        Ok(())
    }

    fn forget_below(&mut self, session: &SessionId, channel: Channel, epoch: Epoch) -> Result<(), StoreError> {
        if let Some(kept) = self.sessions.get_mut(session) {
            let lanes = kept.lanes.keys().filter(|lane| lane.channel == channel && lane.epoch < epoch);
            for lane in lanes.copied().collect::<Vec<_>>() {
                self.bytes -= kept.truncate(&lane, 0);
            }
        }
        Ok(())
    }

    fn heads(&self, session: &SessionId) -> Vec<Head> {
        let Some(kept) = self.sessions.get(session) else { return Vec::new() };
        let newest = kept.lanes.values().filter_map(|positions| kept.entries.get(positions.last()?));
        newest.map(|entry| Head { lane: entry.lane, next: entry.seq.saturating_add(1), digest: entry.digest }).collect()
    }

    fn entry(&self, session: &SessionId, lane: &LaneId, seq: u64) -> Option<StoredEntry> {
        self.sessions.get(session)?.entry(lane, seq).cloned()
    }

    fn end(&self, session: &SessionId) -> u64 {
        self.sessions.get(session).map_or(0, |kept| kept.end)
    }

    fn visit(&self, session: &SessionId, position: u64, visit: &mut dyn FnMut(u64, &StoredEntry) -> ControlFlow<()>) {
        let Some(kept) = self.sessions.get(session) else { return };
        let _ = kept.entries.range(position..).try_for_each(|(position, entry)| visit(*position, entry));
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

    fn put_wall(&mut self, wall: Wall) -> Result<(), StoreError> {
        self.wall = wall;
        Ok(())
    }

    fn wall(&self) -> Wall {
        self.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::id::AuthorId;

    const HOME: SessionId = SessionId([1; 16]);

    fn lane(author: u8, epoch: u32) -> LaneId {
        LaneId { channel: Channel::CHAT, author: AuthorId([author; 16]), epoch: Epoch(epoch) }
    }

    fn store_of(lanes: &[(LaneId, u64)]) -> MemoryStore {
        let mut store = MemoryStore::new(1_000);
        let seqs = |(lane, seqs): &(LaneId, u64)| (0..*seqs).map(|seq| (*lane, seq)).collect::<Vec<_>>();
        for (lane, seq) in lanes.iter().flat_map(seqs) {
            let entry = StoredEntry { lane, seq, digest: [seq as u8; 32], frame: vec![0; 10].into() };
            store.append(&HOME, entry).expect("there is room");
        }
        store
    }

    fn seen(store: &MemoryStore, from: u64) -> Vec<(u64, u64)> {
        let mut seen = Vec::new();
        store.visit(&HOME, from, &mut |position, entry| {
            seen.push((position, entry.seq));
            ControlFlow::Continue(())
        });
        seen
    }

    /// Readers stand somewhere in the middle: what is forgotten behind or before them must not move them.
    #[test]
    fn forgotten_entries_leave_the_others_in_their_places() {
        let (ada, ben) = (lane(1, 0), lane(2, 0));
        let mut store = store_of(&[(ada, 3), (ben, 2)]);
        store.truncate(&HOME, &ada, 1).unwrap();
        assert_eq!(seen(&store, 0), [(0, 0), (3, 0), (4, 1)]);
        assert_eq!((store.end(&HOME), store.total_bytes(), store.entry_bytes(&HOME)), (5, 30, 30));
        assert_eq!(store.entry(&HOME, &ada, 0).map(|entry| entry.seq), Some(0));
        assert_eq!(store.entry(&HOME, &ada, 1), None);
        let heads = store.heads(&HOME);
        assert_eq!(heads.iter().map(|head| (head.lane, head.next)).collect::<Vec<_>>(), [(ada, 1), (ben, 2)]);
        store.truncate(&HOME, &ada, 0).unwrap();
        assert_eq!(store.heads(&HOME).len(), 1, "an empty lane is none");
    }

    /// What a checkpoint covers is given up as a whole, and nothing else.
    #[test]
    fn epochs_below_are_forgotten_on_one_channel() {
        let state = LaneId { channel: Channel::STATE, ..lane(1, 0) };
        let mut store = store_of(&[(lane(1, 0), 2), (lane(1, 1), 1), (lane(2, 2), 1), (state, 1)]);
        store.forget_below(&HOME, Channel::CHAT, Epoch(1)).unwrap();
        assert_eq!(seen(&store, 0).iter().map(|(position, _)| *position).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(store.total_bytes(), 30);
    }
}
