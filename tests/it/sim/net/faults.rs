//! What goes wrong, and how it is made good.

use super::super::dice::Dice;
use super::super::pipe::{Pipe, Weather};
use super::{Happening, Way, Wire, World};
use bytes::Bytes;
use cahoots::proto::relay::{Hall, HallLimits, MemoryStore, Shelf, Store};
use cahoots::proto::wire::{Frame, FrameDecoder};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

impl World {
    /// Stops a member's machine: no timer, no frame, nothing sent; what arrives waits.
    pub(crate) fn sleep(&mut self, member: usize, us: u64) {
        self.members[member].asleep_until_us = self.now_us + us;
        self.plan(self.now_us + us, Happening::WakeUp(member));
    }

    pub(super) fn wake_up(&mut self, member: usize) {
        if self.members[member].is_asleep(self.now_us) {
            return;
        }
        let wires: Vec<u64> = self.members[member].wires.values().copied().collect();
        for id in wires {
            self.plan(self.now_us, Happening::Arrive(id, Way::Down));
            self.plan(self.now_us, Happening::Pump(id, Way::Up));
        }
        // Timers and sockets become ready in either order.
        self.members[member].timer_at_us = None;
        if self.dice.chance(50) {
            let now = self.now_of(member);
            self.members[member].peer.handle_timeout(now);
        }
        self.settle_peer(member);
        for hall in self.members[member].halls.clone() {
            self.plan(self.now_us, Happening::Dial(member, hall));
        }
    }

    pub(super) fn is_blocked(&self, member: usize, hall: usize) -> bool {
        self.blocked.get(&(member, hall)).is_some_and(|until_us| *until_us > self.now_us)
    }

    fn wires_between(&self, member: Option<usize>, hall: usize) -> Vec<u64> {
        let between = |wire: &Wire| wire.hall == hall && member.is_none_or(|member| wire.peer == member);
        self.wires.iter().filter(|(_, wire)| between(wire)).map(|(id, _)| *id).collect()
    }

    /// Lets nothing through between a member and a hall for a while; nobody is told.
    pub(crate) fn silence(&mut self, member: usize, hall: usize, us: u64) {
        let until_us = self.now_us + us;
        self.blocked.insert((member, hall), until_us);
        self.wires_between(Some(member), hall).into_iter().for_each(|id| self.hold_wire(id, until_us));
    }

    /// Delays everything between a member and a hall by a burst of loss.
    pub(crate) fn hold(&mut self, member: usize, hall: usize, us: u64) {
        let until_us = self.now_us + us;
        self.wires_between(Some(member), hall).into_iter().for_each(|id| self.hold_wire(id, until_us));
    }

    fn hold_wire(&mut self, id: u64, until_us: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        wire.up.hold(until_us);
        wire.down.hold(until_us);
        for way in [Way::Up, Way::Down] {
            self.plan(until_us, Happening::Arrive(id, way));
        }
    }

    /// Breaks the connections between a member and a hall; one end notices before the other.
    pub(crate) fn cut(&mut self, member: Option<usize>, hall: usize) {
        for id in self.wires_between(member, hall) {
            let notice_us = if self.dice.chance(50) {
                self.break_at_hall(id);
                self.dice.below(3_000_000)
            } else {
                // As when an address changes: the hall keeps the seat until it is replaced or silent for too long.
                self.darken(id);
                self.dice.below(300_000)
            };
            self.plan(self.now_us + notice_us, Happening::Lost(id));
        }
        self.settle_hall(hall);
    }

    fn darken(&mut self, id: u64) {
        if let Some(wire) = self.wires.get_mut(&id) {
            wire.is_dark = true;
            (wire.up, wire.down) = (Pipe::new(wire.up.weather), Pipe::new(wire.down.weather));
        }
    }

    fn break_at_hall(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.hall_is_gone) else { return };
        wire.hall_is_gone = true;
        let (hall, conn) = (wire.hall, wire.conn);
        let now = self.now_of_hall(hall);
        self.nodes[hall].hall.handle_close(conn, now);
    }

    /// Kills a hall's process and starts it anew, with or without what it had stored.
    pub(crate) fn restart(&mut self, hall: usize, keeps_store: bool) {
        self.model.has_lost |= !keeps_store;
        let store = self.take_down(hall);
        self.bring_up(hall, keeps_store.then_some(store));
    }

    /// Starts a hall's process anew, and returns a copy of what it has stored.
    pub(crate) fn back_up(&mut self, hall: usize) -> Box<dyn Store> {
        let store = self.take_down(hall);
        let backup = copy_of(store.as_ref());
        self.bring_up(hall, Some(store));
        Box::new(backup)
    }

    /// Puts an old copy in place of what a hall has stored.
    pub(crate) fn roll_back(&mut self, hall: usize, backup: Box<dyn Store>) {
        self.take_down(hall);
        self.bring_up(hall, Some(backup));
    }

    fn take_down(&mut self, hall: usize) -> Box<dyn Store> {
        for id in self.wires_between(None, hall) {
            self.break_at_hall(id);
            let notice_us = self.dice.below(3_000_000);
            self.plan(self.now_us + notice_us, Happening::Lost(id));
        }
        let node = &mut self.nodes[hall];
        node.seed += 1;
        node.timer_at_us = None;
        let fresh = Hall::new(HallLimits::default(), Dice::new(node.seed, "hall").array());
        std::mem::replace(&mut node.hall, fresh).into_store()
    }

    fn bring_up(&mut self, hall: usize, store: Option<Box<dyn Store>>) {
        let now = self.now_of_hall(hall);
        let node = &mut self.nodes[hall];
        if let Some(store) = store {
            node.hall = Hall::with_store(HallLimits::default(), Dice::new(node.seed, "hall").array(), store, now);
        }
        self.settle_hall(hall);
    }

    /// Slips frames into a connection, as if its one end had sent them.
    pub(crate) fn inject(&mut self, member: usize, hall: usize, way: Way, frames: &[Bytes]) {
        for id in self.wires_between(Some(member), hall) {
            self.send(id, way, &mut frames.to_vec());
        }
    }

    /// Changes the weather of a path, for present and coming connections.
    pub(crate) fn set_weather(&mut self, member: usize, hall: usize, weather: Weather) {
        self.weather.insert((member, hall), weather);
        self.model.has_slow_path |= weather.is_slow();
        for id in self.wires_between(Some(member), hall) {
            let Some(wire) = self.wires.get_mut(&id) else { continue };
            wire.up.weather = weather;
            wire.down.weather = weather;
        }
    }

    /// Ends every fault: fine weather, no partition, everybody awake, all relays honest.
    pub(crate) fn heal(&mut self) {
        self.blocked.clear();
        self.weather.clear();
        for hall in 0..self.nodes.len() {
            if self.nodes[hall].liar.take().is_some() {
                // What it may have taken in while it lied goes with it.
                self.restart(hall, false);
            }
        }
        let now_us = self.now_us;
        let ids: BTreeSet<u64> = self.wires.keys().copied().collect();
        for id in ids {
            for way in [Way::Up, Way::Down] {
                let Some(wire) = self.wires.get_mut(&id) else { continue };
                let pipe = wire.pipe(way);
                pipe.weather = Weather::FINE;
                pipe.release(now_us);
                self.plan(now_us, Happening::Arrive(id, way));
                self.plan(now_us, Happening::Pump(id, way));
            }
        }
        for member in 0..self.members.len() {
            if self.members[member].is_asleep(now_us) {
                self.members[member].asleep_until_us = now_us;
                self.plan(now_us, Happening::WakeUp(member));
            }
            self.members[member].backoff_us.clear();
        }
    }
}

/// Copies what a store holds, by the names that a relay gives to things.
fn copy_of(store: &dyn Store) -> MemoryStore {
    let mut copy = MemoryStore::new(u64::MAX);
    for session in store.sessions() {
        for record in store.records(&session) {
            copy.put_record(&session, &record).unwrap();
        }
        for shelf in Shelf::ALL {
            for item in store.items(&session, shelf) {
                copy.put(&session, shelf, &name_of(shelf, &item), &item).unwrap();
            }
        }
        store.visit(&session, 0, &mut |_, entry| {
            copy.append(&session, entry.clone()).unwrap();
            ControlFlow::Continue(())
        });
    }
    copy
}

fn name_of(shelf: Shelf, item: &Bytes) -> [u8; 16] {
    let part = |at: usize| item[at..at + 16].try_into().unwrap();
    match shelf {
        Shelf::Wraps => part(4),
        Shelf::Members => blake3::hash(&item[..196]).as_bytes()[..16].try_into().unwrap(),
        Shelf::Proofs => part(22),
        Shelf::Shares => {
            let mut decoder = FrameDecoder::new();
            decoder.push(item);
            let Ok(Some(Frame::Share(passed_on))) = decoder.next_frame() else { panic!("a SHARE frame is kept") };
            *passed_on.certs[0].share.as_bytes()
        }
    }
}
