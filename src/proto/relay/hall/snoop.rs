//! What a thief of this node's memory and disk finds.
//!
//! Always: complete. Whoever adds a place where bytes of others are kept adds it here; the patterns without `..` see to
//! that.

use super::{Conn, Hall, Phase};
use crate::proto::relay::room::Room;
use crate::proto::relay::store::{Shelf, Store};
use std::ops::ControlFlow;

impl Hall {
    /// Returns all bytes of others that this node holds, one after the other, for tests that search them for what a
    /// relay must not know.
    #[doc(hidden)]
    #[must_use]
    pub fn snoop(&self) -> Vec<u8> {
        let mut found = Vec::new();
        for Conn { phase, outbox, .. } in self.conns.values() {
            if let Phase::Greeted(greeting) = phase {
                greeting.snoop(&mut found);
            }
            outbox.snoop(&mut found);
        }
        self.rooms.values().for_each(|room| Room::snoop(room, &mut found));
        snoop_store(self.store.as_ref(), &mut found);
        found
    }
}

fn snoop_store(store: &dyn Store, found: &mut Vec<u8>) {
    for session in store.sessions() {
        found.extend_from_slice(session.as_bytes());
        let items = Shelf::ALL.into_iter().flat_map(|shelf| store.items(&session, shelf));
        store.records(&session).into_iter().chain(items).for_each(|item| found.extend_from_slice(&item));
        store.visit(&session, 0, &mut |_, entry| {
            found.extend_from_slice(&entry.digest);
            found.extend_from_slice(&entry.frame);
            ControlFlow::Continue(())
        });
    }
}
