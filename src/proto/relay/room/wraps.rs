//! Wraps, and the shares that members passed on: what a newcomer needs before it can show who it is. PROTOCOL.md 6, 10.1.
//!
//! Always: one wrap per recipient, never of an older epoch than the one before; a share is taken if its certificates
//! lead to one that the owner recorded, and none of them is closed. One that is closed later is kept while there is room,
//! so that who dials by it can be told why it is turned away.

use super::super::Flow;
use super::super::store::Shelf;
use super::{ConnId, Context, Room};
use crate::proto::id::{Epoch, ShareId};
use crate::proto::limits::{CLOCK_SKEW_MS_MAX, PASSED_ON_MAX, WRAPS_MAX};
use crate::proto::member::VerifiedShare;
use crate::proto::share::ShareCert;
use crate::proto::wire::PassedOn;
use crate::proto::wire::{CloseCode, Frame, FrameDecoder, Reader};
use bytes::Bytes;

/// Length of a wrap in bytes. PROTOCOL.md 6.
const WRAP_BYTES: usize = 68;

/// The newest wrap of one recipient.
#[derive(Debug)]
pub(in super::super) struct KeptWrap {
    epoch: Epoch,
    pub frame: Bytes,
}

/// A share that a member passed on.
#[derive(Debug)]
pub(super) struct KeptShare {
    share: VerifiedShare,
    pub frame: Bytes,
}

/// Whose word a wrap is; anybody may be mistaken, and who opens it notices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Word {
    /// An administrator's: it replaces any other of its epoch.
    Administrator,
    /// That of a member who passed a share on: it counts where there is none of its epoch.
    Member,
}

impl Room {
    /// Returns the wrap for `share`, framed.
    pub(in super::super) fn wrap(&self, share: &ShareId) -> Option<&Bytes> {
        self.wraps.get(share.as_bytes()).map(|wrap| &wrap.frame)
    }

    /// Returns the SHARE frame of a share that was passed on.
    pub(in super::super) fn passed_on(&self, share: &ShareId) -> Option<&Bytes> {
        self.passed_on.get(share).map(|kept| &kept.frame)
    }

    /// Returns the SHARE frames of all shares that were passed on and are not closed to everybody.
    pub(super) fn passed_on_frames(&self) -> impl Iterator<Item = &Bytes> {
        self.passed_on.values().filter(|kept| !self.is_over(kept)).map(|kept| &kept.frame)
    }

    /// Tells whether a share was passed on below one that is closed to everybody.
    pub(super) fn is_below_closed(&self, share: &ShareId) -> bool {
        self.passed_on.get(share).is_some_and(|kept| self.is_over(kept))
    }

    /// Returns the certificates of a share, its own first; none if only its name is known.
    pub(super) fn certs_of(&self, share: &ShareId) -> &[ShareCert] {
        let owners = self.log.share(share).map(std::slice::from_ref);
        owners.or_else(|| Some(self.passed_on.get(share)?.share.certs())).unwrap_or_default()
    }

    fn is_over(&self, kept: &KeptShare) -> bool {
        kept.share.certs().iter().any(|cert| self.is_closed_to_all(&cert.share))
    }

    pub(super) fn is_closed_to_all(&self, share: &ShareId) -> bool {
        self.log.is_closed(share) && !self.log.stays_open_for_some(share)
    }

    /// Takes a wrap from an administrator.
    pub(in super::super) fn handle_wrap(
        &mut self,
        conn: ConnId,
        raw: &Bytes,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseCode> {
        let seat = self.seats.get(&conn).ok_or(CloseCode::Protocol)?;
        if !seat.rights.may_administer() {
            return Err(CloseCode::NoRight);
        }
        self.take_wrap(conn, raw, Word::Administrator, cx)
    }

    fn take_wrap(&mut self, conn: ConnId, raw: &Bytes, word: Word, cx: &mut Context<'_>) -> Result<(), CloseCode> {
        let (epoch, recipient) = parse_wrap(raw).ok_or(CloseCode::Protocol)?;
        // A wrap from the future would keep all that come before it away.
        let next = self.log.epoch().map_or(0, |newest| newest.0.saturating_add(1));
        if epoch.0 > next {
            return Ok(());
        }
        let frame = Frame::Wrap(raw.clone()).encode();
        if let Some(kept) = self.wraps.get(&recipient) {
            let is_news = match word {
                Word::Administrator => epoch >= kept.epoch && frame != kept.frame,
                Word::Member => epoch > kept.epoch,
            };
            if !is_news {
                return Ok(());
            }
        } else if self.wraps.len() >= WRAPS_MAX {
            let gone = self.wrap_of_nobody(epoch).ok_or(CloseCode::Limit)?;
            self.wraps.remove(&gone);
            cx.discard(&self.session, Shelf::Wraps, &gone);
        }
        let stored = cx.store.put(&self.session, Shelf::Wraps, &recipient, raw);
        cx.stored(stored)?;
        self.wraps.insert(recipient, KeptWrap { epoch, frame });
        for (other, seat) in self.seats.iter_mut().filter(|(other, _)| **other != conn) {
            let is_recipient = *seat.share.as_bytes() == recipient || *seat.author.as_bytes() == recipient;
            if is_recipient || seat.administers() {
                seat.outbox.note_wrap(recipient);
                seat.outbox.list(*other, cx.ready);
            }
        }
        Ok(())
    }

    /// Returns the recipient whose wrap is of least use: of an epoch before `epoch`, and of no share by which somebody
    /// could still come. Whoever is owed a newer one gets it when it is here.
    fn wrap_of_nobody(&self, epoch: Epoch) -> Option<[u8; 16]> {
        let is_open = |recipient: &[u8; 16]| {
            let share = ShareId(*recipient);
            let is_share = self.log.share(&share).is_some() || self.passed_on.contains_key(&share);
            is_share && !self.log.is_closed(&share) && !self.is_below_closed(&share)
        };
        let old = self.wraps.iter().filter(|(recipient, wrap)| wrap.epoch < epoch && !is_open(recipient));
        old.min_by_key(|(_, wrap)| wrap.epoch).map(|(recipient, _)| *recipient)
    }

    /// Takes a share that a member passed on.
    pub(in super::super) fn handle_share(
        &mut self,
        conn: ConnId,
        passed_on: PassedOn,
        cx: &mut Context<'_>,
    ) -> Result<Flow, CloseCode> {
        let [leaf, above, ..] = &passed_on.certs[..] else { return Err(CloseCode::Protocol) };
        let share = leaf.share;
        let (epoch, recipient) = parse_wrap(&passed_on.wrap).ok_or(CloseCode::Protocol)?;
        let is_sound = recipient == share.0 && self.log.commit(epoch).is_some() && self.log.share(&share).is_none();
        if !is_sound {
            return Err(CloseCode::Protocol);
        }
        let seat = self.seats.get(&conn).ok_or(CloseCode::Protocol)?;
        let own = self.members.get(seat.author).and_then(|member| member.verified.chain().shares.first());
        if self.log.host() != Some(seat.author) && own != Some(above) {
            return Err(CloseCode::NoRight);
        }
        match self.passed_on.get(&share) {
            // Who tells of it again may have wrapped a newer secret for it. Another share of this name comes too late.
            Some(kept) if kept.share.certs() == passed_on.certs && !self.is_over(kept) => {
                self.take_wrap(conn, &passed_on.wrap, Word::Member, cx)?;
                return Ok(Flow::Continue);
            }
            Some(_) => return Ok(Flow::Continue),
            None => {}
        }
        let verified = VerifiedShare::verify(&passed_on.certs, &self.session).map_err(|_| CloseCode::AuthFailed)?;
        // Its bearer's log may be ahead of ours, or behind.
        if self.log.admits_share(&verified).is_ok() && !is_expired(&verified, cx) {
            self.keep_share(conn, verified, passed_on, cx)?;
        }
        Ok(self.pace_checks(conn, cx.now.mono))
    }

    fn keep_share(
        &mut self,
        conn: ConnId,
        verified: VerifiedShare,
        passed_on: PassedOn,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseCode> {
        let Some(share) = verified.certs().first().map(|leaf| leaf.share) else { return Ok(()) };
        if self.passed_on.len() >= PASSED_ON_MAX {
            self.review_passed_on(cx);
            if self.passed_on.len() >= PASSED_ON_MAX {
                return Err(CloseCode::Limit);
            }
        }
        let wrap = passed_on.wrap.clone();
        let frame = Frame::Share(passed_on).encode();
        let stored = cx.store.put(&self.session, Shelf::Shares, share.as_bytes(), &frame);
        cx.stored(stored)?;
        self.passed_on.insert(share, KeptShare { share: verified, frame: frame.clone() });
        for (other, seat) in self.seats.iter_mut().filter(|(other, _)| **other != conn) {
            if seat.administers() {
                seat.outbox.push_control(frame.clone());
                seat.outbox.list(*other, cx.ready);
            }
        }
        self.take_wrap(conn, &wrap, Word::Member, cx)
    }

    /// Forgets passed-on shares by which nobody can come any more.
    pub(super) fn review_passed_on(&mut self, cx: &mut Context<'_>) {
        let over = self.passed_on.iter().filter(|(_, kept)| self.is_over(kept) || is_expired(&kept.share, cx));
        for share in over.map(|(share, _)| *share).collect::<Vec<_>>() {
            self.passed_on.remove(&share);
            cx.discard(&self.session, Shelf::Shares, share.as_bytes());
        }
    }

    /// Picks up what the store has; what does not check is left out.
    pub(super) fn restore_wraps(&mut self, cx: &Context<'_>) {
        for raw in cx.store.items(&self.session, Shelf::Wraps) {
            if let Some((epoch, recipient)) = parse_wrap(&raw) {
                self.wraps.insert(recipient, KeptWrap { epoch, frame: Frame::Wrap(raw).encode() });
            }
        }
        for frame in cx.store.items(&self.session, Shelf::Shares) {
            let mut decoder = FrameDecoder::new();
            decoder.push(&frame);
            let Ok(Some(Frame::Share(passed_on))) = decoder.next_frame() else { continue };
            let Ok(share) = VerifiedShare::verify(&passed_on.certs, &self.session) else { continue };
            if let Some(leaf) = passed_on.certs.first() {
                self.passed_on.insert(leaf.share, KeptShare { share, frame });
            }
        }
    }
}

fn is_expired(share: &VerifiedShare, cx: &Context<'_>) -> bool {
    share.certs().first().is_some_and(|leaf| cx.now.wall > leaf.expires.after_ms(CLOCK_SKEW_MS_MAX))
}

/// Reads epoch and recipient of a wrap; what it wraps is no business of ours. PROTOCOL.md 6.
fn parse_wrap(raw: &[u8]) -> Option<(Epoch, [u8; 16])> {
    let mut reader = Reader::new(raw);
    let epoch = Epoch(reader.u32().ok()?);
    let recipient = reader.array().ok()?;
    (raw.len() == WRAP_BYTES).then_some((epoch, recipient))
}
