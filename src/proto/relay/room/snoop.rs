//! What a thief finds in a room. See `hall::snoop`.

use super::{Latest, Room};

impl Room {
    /// Appends all bytes of others that the room holds beside the store.
    pub(in super::super) fn snoop(&self, found: &mut Vec<u8>) {
        let Self {
            session,
            log,
            log_frames,
            wraps,
            passed_on,
            members,
            seats,
            conns: _,
            lanes,
            checkpoints: _,
            rings,
            live_bytes: _,
            latest,
            is_gathering: _,
            ended: _,
            empty: _,
            tally: _,
        } = self;
        found.extend_from_slice(session.as_bytes());
        log.records().iter().chain(log_frames).for_each(|record| found.extend_from_slice(record));
        wraps.values().for_each(|wrap| found.extend_from_slice(&wrap.frame));
        passed_on.values().for_each(|share| found.extend_from_slice(&share.frame));
        for member in members.iter() {
            found.extend_from_slice(member.frame());
            member.proof.iter().for_each(|proof| found.extend_from_slice(&proof.encode()));
        }
        seats.values().for_each(|seat| seat.outbox.snoop(found));
        lanes.values().for_each(|lane| found.extend_from_slice(&lane.position().1));
        rings.values().for_each(|ring| ring.snoop(found));
        latest.values().for_each(|Latest { frame, .. }| found.extend_from_slice(frame));
    }
}
