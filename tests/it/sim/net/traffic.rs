//! Bytes on their way: from machines into pipes, and out of pipes into machines.

use super::super::pipe::Load;
use super::{Happening, Way, World};
use bytes::Bytes;
use cahoots::proto::relay::Flow;
use cahoots::proto::wire::{CloseCode, Frame};

impl World {
    fn note_delivery(&mut self, wire: u64, way: Way, piece: &[u8]) {
        self.trace.update(&self.now_us.to_le_bytes());
        self.trace.update(&wire.to_le_bytes());
        self.trace.update(&[way as u8]);
        self.trace.update(blake3::hash(piece).as_bytes());
    }

    pub(super) fn arrive_up(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if wire.paused_until_us > now_us {
            let at_us = wire.paused_until_us;
            return self.plan(at_us, Happening::Arrive(id, Way::Up));
        }
        let (hall, conn, is_deaf) = (wire.hall, wire.conn, wire.hall_is_gone || wire.hall_is_deaf);
        if !self.read_at_hall(id) {
            return;
        }
        let Some(load) = self.wires.get_mut(&id).and_then(|wire| wire.up.arrived(now_us)) else { return };
        let now = self.now_of_hall(hall);
        match load {
            Load::Bytes(piece) => {
                self.note_delivery(id, Way::Up, &piece);
                if !is_deaf {
                    let flow = self.nodes[hall].hall.handle_received(conn, piece.len(), now);
                    let wire = self.wires.get_mut(&id).unwrap();
                    wire.hall_is_deaf |= flow == Flow::Stop;
                    wire.up_decoder.push(&piece);
                    self.read_at_hall(id);
                }
                self.settle_hall(hall);
            }
            Load::End => {
                self.nodes[hall].hall.handle_close(conn, now);
                self.wires.get_mut(&id).unwrap().hall_is_gone = true;
                self.settle_hall(hall);
                self.forget_if_gone(id);
            }
        }
        self.after_arrival(id, Way::Up);
    }

    /// Hands whole frames to the hall; false if it does not want to read on now.
    fn read_at_hall(&mut self, id: u64) -> bool {
        loop {
            let Some(wire) = self.wires.get_mut(&id) else { return false };
            if wire.hall_is_gone || wire.hall_is_deaf {
                return true;
            }
            let (hall, conn, exporter) = (wire.hall, wire.conn, wire.exporter);
            let frame = wire.up_decoder.next_frame();
            let now = self.now_of_hall(hall);
            let machine = &mut self.nodes[hall].hall;
            let flow = match frame {
                Ok(None) => return true,
                Ok(Some(Frame::Hello(hello))) => machine.handle_hello(conn, hello, exporter, now),
                Ok(Some(frame)) => machine.handle_frame(conn, frame, now),
                Err(_) => {
                    machine.handle_violation(conn, CloseCode::Protocol, now);
                    Flow::Stop
                }
            };
            match flow {
                Flow::Continue => {}
                Flow::Stop => self.wires.get_mut(&id).unwrap().hall_is_deaf = true,
                Flow::Pause { until } => {
                    let until_us = until.0 - 1_000_000_000 * hall as u64;
                    self.wires.get_mut(&id).unwrap().paused_until_us = until_us;
                    self.plan(until_us, Happening::Arrive(id, Way::Up));
                    self.settle_hall(hall);
                    return false;
                }
            }
        }
    }

    pub(super) fn arrive_down(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(wire) = self.wires.get_mut(&id) else { return };
        let (member, link) = (wire.peer, wire.link);
        if self.members[member].is_asleep(now_us) {
            return;
        }
        let Some(load) = wire.down.arrived(now_us) else { return };
        let now = self.now_of(member);
        match load {
            Load::Bytes(piece) => {
                self.note_delivery(id, Way::Down, &piece);
                let Some(wire) = self.wires.get_mut(&id) else { return };
                wire.down_decoder.push(&piece);
                while !wire.peer_is_gone && !wire.peer_is_deaf {
                    match wire.down_decoder.next_frame() {
                        Ok(Some(frame)) => self.members[member].peer.handle_frame(link, frame, now),
                        Ok(None) => break,
                        Err(_) => {
                            wire.peer_is_deaf = true;
                            self.members[member].peer.close_link(link, CloseCode::Protocol);
                        }
                    }
                }
                self.settle_peer(member);
            }
            Load::End => self.lose_at_peer(id),
        }
        self.after_arrival(id, Way::Down);
    }

    fn after_arrival(&mut self, id: u64, way: Way) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if let Some(next_us) = wire.pipe(way).next_us() {
            self.plan(next_us, Happening::Arrive(id, way));
        }
        // The reader has read, so the writer may have room.
        self.plan(self.now_us, Happening::Pump(id, way));
    }

    pub(super) fn lose_at_peer(&mut self, id: u64) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if wire.peer_is_gone {
            return self.forget_if_gone(id);
        }
        let (member, hall, link) = (wire.peer, wire.hall, wire.link);
        if self.members[member].is_asleep(self.now_us) {
            let at_us = self.members[member].asleep_until_us;
            return self.plan(at_us, Happening::Lost(id));
        }
        wire.peer_is_gone = true;
        self.tell(|| format!("member {member} loses wire {id}"));
        let now = self.now_of(member);
        self.members[member].peer.handle_link_close(link, now);
        self.members[member].wires.remove(&link);
        self.settle_peer(member);
        self.dial_later(member, hall);
        self.forget_if_gone(id);
    }

    fn forget_if_gone(&mut self, id: u64) {
        if self.wires.get(&id).is_some_and(|wire| wire.peer_is_gone && wire.hall_is_gone) {
            self.wires.remove(&id);
        }
    }

    pub(super) fn pump_up(&mut self, id: u64) {
        loop {
            let Some(wire) = self.wires.get_mut(&id) else { return };
            let (member, hall, link) = (wire.peer, wire.hall, wire.link);
            if wire.peer_is_gone || self.members[member].is_asleep(self.now_us) {
                return;
            }
            match wire.up.room_at() {
                None => return,
                Some(at_us) if at_us > self.now_us => return self.plan(at_us, Happening::Pump(id, Way::Up)),
                Some(_) => {}
            }
            let bytes_max = self.dice.between(1, 65_536) as usize;
            let mut frames = Vec::new();
            let popped = self.members[member].peer.pop(link, bytes_max, &mut frames);
            self.spy.hear(member, &self.members[member].peer, &frames);
            self.send(id, Way::Up, &mut frames);
            if popped.close {
                let Some(wire) = self.wires.get_mut(&id) else { return };
                wire.up.end(self.now_us, &mut self.dice);
                let next_us = wire.up.next_us().unwrap_or(self.now_us);
                wire.peer_is_gone = true;
                self.plan(next_us, Happening::Arrive(id, Way::Up));
                let now = self.now_of(member);
                self.members[member].peer.handle_link_close(link, now);
                self.members[member].wires.remove(&link);
                self.tell(|| format!("member {member} closes wire {id}"));
                self.settle_peer(member);
                return self.dial_later(member, hall);
            }
            if frames.is_empty() {
                return;
            }
        }
    }

    pub(super) fn pump_down(&mut self, id: u64) {
        loop {
            let Some(wire) = self.wires.get_mut(&id) else { return };
            let (hall, conn) = (wire.hall, wire.conn);
            if wire.hall_is_gone {
                return;
            }
            match wire.down.room_at() {
                None => return,
                Some(at_us) if at_us > self.now_us => return self.plan(at_us, Happening::Pump(id, Way::Down)),
                Some(_) => {}
            }
            let bytes_max = self.dice.between(1, 65_536) as usize;
            let mut frames = Vec::new();
            let popped = self.nodes[hall].hall.pop(conn, bytes_max, &mut frames);
            self.send(id, Way::Down, &mut frames);
            if let Some(code) = popped.close {
                self.tell(|| format!("hall {hall} closes wire {id}: {code}"));
                let Some(wire) = self.wires.get_mut(&id) else { return };
                wire.down.end(self.now_us, &mut self.dice);
                let next_us = wire.down.next_us().unwrap_or(self.now_us);
                wire.hall_is_gone = true;
                self.plan(next_us, Happening::Arrive(id, Way::Down));
                let now = self.now_of_hall(hall);
                self.nodes[hall].hall.handle_close(conn, now);
                return self.settle_hall(hall);
            }
            if !popped.has_more {
                return self.settle_hall(hall);
            }
        }
    }

    pub(super) fn send(&mut self, id: u64, way: Way, frames: &mut Vec<Bytes>) {
        if frames.is_empty() {
            return;
        }
        let Some(wire) = self.wires.get_mut(&id).filter(|wire| !wire.is_dark) else { return };
        if let Some(liar) = &mut self.nodes[wire.hall].liar {
            liar.treat(wire.peer, way, frames);
        }
        let pipe = wire.pipe(way);
        let was_idle = pipe.next_us().is_none();

        pipe.send(&frames.concat(), self.now_us, &mut self.dice);
        if was_idle && let Some(next_us) = pipe.next_us() {
            self.plan(next_us, Happening::Arrive(id, way));
        }
    }
}
