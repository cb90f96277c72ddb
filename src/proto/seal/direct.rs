//! The direct channel: what one guest types, sealed to the host alone, and what the host answers. PROTOCOL.md 15.

use super::agreement;
use super::entry::{self, Outline, PREFIX_BYTES_MAX};
use crate::proto::id::{AuthorId, Channel, Epoch, LaneId, SessionId};
use crate::proto::key::{MemberKeys, Secret32};
use crate::proto::lane::verify::{EntryError, check_signature, has_kind};
use crate::proto::member::VerifiedMember;
use crate::proto::verify::VerifyKey;
use crate::proto::wire::WireEntry;
use hpke::HpkeError;
use zeroize::Zeroizing;

/// Kind of the entry that opens channel 4.
const OPEN: u8 = 1;
/// The only kind on channel 5.
const ANSWER: u8 = 1;
/// Nothing on direct channels is chained: entries are to one addressee, who keeps their order.
const PREV: [u8; 32] = [0; 32];
const ADDRESSEE_BYTES: usize = 16;

/// The keys between one guest and the host.
#[derive(Debug)]
struct Keys {
    up: Secret32,
    down: Secret32,
    kek: Secret32,
}

impl Keys {
    fn export(export: impl Fn(&[u8], &mut [u8]) -> Result<(), HpkeError>) -> Result<Self, EntryError> {
        let derive = |label: &[u8]| {
            let mut key = Zeroizing::new([0; 32]);
            export(label, &mut *key).map_err(|_| EntryError::Agreement)?;
            Ok(Secret32::from_bytes(*key))
        };
        Ok(Self { up: derive(b"up")?, down: derive(b"down")?, kek: derive(b"kek")? })
    }
}

fn info(session: &SessionId, guest: AuthorId, host: AuthorId) -> Vec<u8> {
    [b"cahoots v1 direct", &session.0[..], &guest.0, &host.0].concat()
}

const fn lane(channel: Channel, author: AuthorId) -> LaneId {
    // Direct keys come from no epoch's secret, so they outlast all epochs.
    LaneId { channel, author, epoch: Epoch(0) }
}

/// Checks all but order and key: lane, kind and signature.
fn check(session: &SessionId, wire: &WireEntry, expected: LaneId, key: &VerifyKey) -> Result<[u8; 84], EntryError> {
    if wire.lane != expected {
        return Err(EntryError::Lane);
    }
    if !has_kind(expected.channel, wire.kind) {
        return Err(EntryError::Kind { found: wire.kind, channel: expected.channel.number() });
    }
    Ok(check_signature(session, wire, PREV, key)?.header)
}

/// The guest's end.
#[derive(Debug)]
pub struct DirectGuest {
    session: SessionId,
    me: AuthorId,
    host: AuthorId,
    encapsulated: [u8; PREFIX_BYTES_MAX],
    keys: Keys,
    next_up: u64,
    next_down: u64,
    scratch: Vec<u8>,
}

impl DirectGuest {
    /// Agrees on keys with the host of this KEM key. `seed` is 32 fresh random bytes, used once.
    ///
    /// # Errors
    ///
    /// [`EntryError::Agreement`] if the host's key is none.
    pub fn new(
        session: SessionId,
        me: AuthorId,
        host: AuthorId,
        host_kem: &[u8; 32],
        seed: [u8; 32],
    ) -> Result<Self, EntryError> {
        let agreed = agreement::send(host_kem, &info(&session, me, host), seed);
        let (encapsulated, context) = agreed.map_err(|_| EntryError::Agreement)?;
        let keys = Keys::export(|label, key| context.export(label, key))?;
        Ok(Self { session, me, host, encapsulated, keys, next_up: 0, next_down: 0, scratch: Vec::new() })
    }

    /// Returns the host that this channel leads to.
    #[must_use]
    pub const fn host(&self) -> AuthorId {
        self.host
    }

    /// Returns the key by which the host wraps epoch secrets for this guest alone. PROTOCOL.md 6.
    #[must_use]
    pub const fn kek(&self) -> &Secret32 {
        &self.keys.kek
    }

    /// Returns the seq of the entry that comes next.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_up
    }

    /// Seals and signs the next entry to the host. The first one is of kind 1, and no later one is.
    pub fn seal(&mut self, kind: u8, keys: &MemberKeys, plaintext: &[u8]) -> WireEntry {
        debug_assert!((kind == OPEN) == (self.next_up == 0), "kind {kind} at seq {}", self.next_up);
        let prefix: &[u8] = if kind == OPEN { &self.encapsulated } else { &[] };
        let lane = lane(Channel::TO_HOST, self.me);
        let outline = Outline { session: &self.session, kind, lane, seq: self.next_up, prev: &PREV, prefix };
        let (entry, _) = outline.seal(&self.keys.up, keys, plaintext, &mut self.scratch);
        self.next_up += 1;
        entry
    }

    /// Seals an entry of any kind at any place, as a guest could that breaks the rules.
    #[cfg(test)]
    pub(super) fn forge(&mut self, kind: u8, seq: u64, keys: &MemberKeys) -> WireEntry {
        let prefix: &[u8] = if seq == 0 { &self.encapsulated } else { &[] };
        let lane = lane(Channel::TO_HOST, self.me);
        let outline = Outline { session: &self.session, kind, lane, seq, prev: &PREV, prefix };
        outline.seal(&self.keys.up, keys, b"forged", &mut self.scratch).0
    }

    /// Tells whether an answer, an old one too, is the host's to this guest.
    #[must_use]
    pub fn is_answer(&self, wire: &WireEntry, host_key: &VerifyKey) -> bool {
        wire.body().first_chunk::<ADDRESSEE_BYTES>() == Some(self.me.as_bytes())
            && check(&self.session, wire, lane(Channel::FROM_HOST, self.host), host_key).is_ok()
    }

    /// Checks and opens an answer of the host, whose signing key is `host_key`.
    ///
    /// # Errors
    ///
    /// [`EntryError::Addressee`] if it is for another guest, [`EntryError::Duplicate`] if it is not later than the
    /// last one, and what a wrong lane, kind, signature or key gives. The position is then as before.
    pub fn open(&mut self, wire: &WireEntry, host_key: &VerifyKey) -> Result<Vec<u8>, EntryError> {
        let seq = wire.seq;
        if wire.body().first_chunk::<ADDRESSEE_BYTES>() != Some(self.me.as_bytes()) {
            return Err(EntryError::Addressee { seq });
        }
        if seq < self.next_down {
            return Err(EntryError::Duplicate { seq, next: self.next_down });
        }
        let header = check(&self.session, wire, lane(Channel::FROM_HOST, self.host), host_key)?;
        let plaintext = entry::open(&self.keys.down, &header, wire, ADDRESSEE_BYTES)?;
        self.next_down = seq + 1;
        Ok(plaintext)
    }
}

/// The host's end, one per guest.
///
/// The host keeps it as long as it runs, over all reconnections: whoever replays the opening and the input after it
/// to a host that forgot would have all of it typed again.
#[derive(Debug)]
pub struct DirectHost {
    session: SessionId,
    guest: AuthorId,
    guest_key: VerifyKey,
    keys: Keys,
    next_up: u64,
    next_down: u64,
    scratch: Vec<u8>,
}

impl DirectHost {
    /// Takes the opening entry of `guest` and returns its plaintext; `keys` and `host` are the host's own.
    ///
    /// # Errors
    ///
    /// [`EntryError`] if it is not the guest's entry 0 of kind 1, or was sealed to another host or session.
    pub fn accept(
        session: SessionId,
        keys: &MemberKeys,
        host: AuthorId,
        guest: &VerifiedMember,
        wire: &WireEntry,
    ) -> Result<(Self, Vec<u8>), EntryError> {
        let seq = wire.seq;
        let header = check(&session, wire, lane(Channel::TO_HOST, guest.author()), guest.verify_key())?;
        check_kind(wire)?;
        if seq != 0 {
            return Err(EntryError::Gap { seq, next: 0 });
        }
        let encapsulated = wire.body().first_chunk::<PREFIX_BYTES_MAX>().ok_or(EntryError::Seal { seq })?;
        let agreed = agreement::receive(keys, encapsulated, &info(&session, guest.author(), host));
        let context = agreed.map_err(|_| EntryError::Agreement)?;
        let keys = Keys::export(|label, key| context.export(label, key))?;
        let plaintext = entry::open(&keys.up, &header, wire, PREFIX_BYTES_MAX)?;
        let (guest, guest_key) = (guest.author(), guest.verify_key().clone());
        Ok((Self { session, guest, guest_key, keys, next_up: 1, next_down: 0, scratch: Vec::new() }, plaintext))
    }

    /// Returns the guest at the other end.
    #[must_use]
    pub const fn guest(&self) -> AuthorId {
        self.guest
    }

    /// Returns the key by which to wrap epoch secrets for this guest alone. PROTOCOL.md 6.
    #[must_use]
    pub const fn kek(&self) -> &Secret32 {
        &self.keys.kek
    }

    /// Returns the seq that comes next from the guest; all below it was taken.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_up
    }

    /// Checks and opens the guest's next entry: exactly the next one, so that what was typed is applied once.
    ///
    /// # Errors
    ///
    /// [`EntryError::Duplicate`] is to be answered with what was taken so far, [`EntryError::Gap`] to be dropped; else
    /// what a wrong lane, kind, signature or key gives. The position is then as before.
    pub fn open(&mut self, wire: &WireEntry) -> Result<Vec<u8>, EntryError> {
        let (seq, next) = (wire.seq, self.next_up);
        // Before the signature: after a reconnection the guest sends again all that it saw no answer for.
        if seq < next {
            return Err(EntryError::Duplicate { seq, next });
        }
        if seq > next {
            return Err(EntryError::Gap { seq, next });
        }
        check_kind(wire)?;
        let header = check(&self.session, wire, lane(Channel::TO_HOST, self.guest), &self.guest_key)?;
        let plaintext = entry::open(&self.keys.up, &header, wire, 0)?;
        self.next_up += 1;
        Ok(plaintext)
    }

    /// Seals and signs an answer to the guest. `seq` rises over all answers of the host, to whomever they go.
    ///
    /// # Panics
    ///
    /// If `seq` does not rise: it would use a nonce twice.
    pub fn seal(&mut self, seq: u64, host: AuthorId, keys: &MemberKeys, plaintext: &[u8]) -> WireEntry {
        assert!(seq >= self.next_down, "the host's seq rises with every answer");
        self.next_down = seq + 1;
        let lane = lane(Channel::FROM_HOST, host);
        let prefix = self.guest.as_bytes();
        let outline = Outline { session: &self.session, kind: ANSWER, lane, seq, prev: &PREV, prefix };
        outline.seal(&self.keys.down, keys, plaintext, &mut self.scratch).0
    }
}

/// Checks that an entry to the host opens the channel if and only if it is the first.
const fn check_kind(wire: &WireEntry) -> Result<(), EntryError> {
    if (wire.kind == OPEN) == (wire.seq == 0) {
        Ok(())
    } else {
        Err(EntryError::Kind { found: wire.kind, channel: Channel::TO_HOST.number() })
    }
}
