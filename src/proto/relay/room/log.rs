//! What the owner's records change in a room. PROTOCOL.md 5, 10, 11.
//!
//! Always: a record that follows and is signed by the root is true, whoever brings it; it counts once it is stored.

use super::super::members::Admission;
use super::super::outbox::Source;
use super::{ConnId, Context, Room};
use crate::proto::authlog::{AuthLog, LogError, Record};
use crate::proto::wire::{CloseCode, Frame};
use bytes::Bytes;

impl Room {
    /// Takes an auth log record, from whomever.
    pub(in super::super) fn handle_log(
        &mut self,
        conn: ConnId,
        raw: Bytes,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseCode> {
        if self.log.holds(&raw) {
            return Ok(());
        }
        let record = self.log.append(raw.clone()).map_err(|error| match error {
            LogError::Full | LogError::SharesFull => CloseCode::Limit,
            // One in the place of another that is here is a forked log.
            _ => CloseCode::Protocol,
        })?;
        let stored = cx.store.put_record(&self.session, &raw);
        if let Err(code) = cx.stored(stored) {
            self.unread_newest_record();
            return Err(code);
        }
        if matches!(record, Record::End) {
            self.settle_up(cx);
        }
        let frame = Frame::Log(raw).encode();
        self.log_frames.push(frame.clone());
        for (other, seat) in self.seats.iter_mut().filter(|(other, _)| **other != conn) {
            seat.outbox.push_control(frame.clone());
            seat.outbox.list(*other, cx.ready);
        }
        self.apply(&record, cx)
    }

    /// Takes the newest record back: nothing has happened unless it is stored. Reading all of the log again is for a
    /// medium that fails; a copy of the log for each record would be for every day.
    fn unread_newest_record(&mut self) {
        let records = self.log.records();
        let stored = records.iter().take(records.len().saturating_sub(1)).cloned();
        let mut log = AuthLog::new(self.session);
        for raw in stored {
            // Each was taken before, after the same ones.
            let _ = log.append(raw);
        }
        self.log = log;
    }

    fn apply(&mut self, record: &Record, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        match record {
            Record::Share(_) | Record::Admit(_) => self.review_members(cx),
            Record::Close { .. } => {
                self.review_members(cx);
                self.apply_ends(cx);
            }
            Record::Epoch { .. } | Record::Cut(_) => self.apply_ends(cx),
            Record::Checkpoint(checkpoint) => self.settle_checkpoint(checkpoint.channel, cx),
            Record::Host(_) => self.greet_host(cx),
            Record::End => return self.end(cx),
            Record::Genesis { .. } | Record::Roll(_) | Record::Unknown { .. } => {}
        }
        Ok(())
    }

    /// Asks the log about every member anew: cuts off those whose share was closed to them, and seats in full who was
    /// let in.
    fn review_members(&mut self, cx: &mut Context<'_>) {
        let mut let_in = Vec::new();
        for member in self.members.iter_mut() {
            let before = std::mem::replace(&mut member.admission, Admission::of(&member.verified, &self.log));
            let Some(conn) = self.conns.get(&member.verified.author()) else { continue };
            match (before, member.admission) {
                (Admission::In | Admission::Waiting, Admission::Out) => cx.cuts.push((*conn, CloseCode::ShareClosed)),
                (Admission::Waiting, Admission::In) => let_in.push(*conn),
                _ => {}
            }
        }
        let_in.into_iter().for_each(|conn| self.let_in(conn, cx));
    }

    /// Promises every seat what the session still has for it: the last screen, the exit status, the last words.
    fn settle_up(&mut self, cx: &mut Context<'_>) {
        let Self { session, wraps, members, latest, rings, checkpoints, seats, .. } = self;
        let source = Source { session, wraps, members, latest, rings, checkpoints, store: cx.store };
        seats.values_mut().for_each(|seat| seat.outbox.settle_up(&source, cx.counters));
    }

    /// Cuts everybody off; only the log stays, so that late comers learn of the end from the owner's own record.
    fn end(&mut self, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        cx.cuts.extend(self.seats.keys().map(|conn| (*conn, CloseCode::Ended)));
        self.ended = Some(cx.now);
        self.lanes.clear();
        self.checkpoints.clear();
        self.rings.clear();
        self.live_bytes = 0;
        self.latest.clear();
        self.wraps.clear();
        self.passed_on.clear();
        let cleared = cx.store.clear_entries(&self.session);
        cx.stored(cleared)
    }
}
