//! Content secrets: how the owner commits to one and how the holders of a token, or one member, get it.
//!
//! [`EpochSecret`] --wrap, under a KEK--> 68 bytes --open--> [`EpochSecret`]
//!
//! Always: an opened secret is the one that the auth log commits to; so a wrap needs no signature. PROTOCOL.md 6.

use super::hex::Hex;
use super::id::{AuthorId, Epoch, SessionId};
use super::key::{Secret32, ShareSecret};
use super::seal::aead;
use super::wire::{DecodeError, Reader};
use bytes::Bytes;
use zeroize::Zeroizing;

/// Length of a wrap, in bytes.
pub const WRAP_BYTES: usize = 68;

/// The secret that all content keys of one epoch come from.
#[derive(Clone, Debug)]
pub struct EpochSecret(Secret32);

impl EpochSecret {
    /// Takes 32 random bytes over, of which no copy is left.
    #[must_use]
    pub const fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// Returns what is wrapped where there is nothing to tell yet: 32 zero bytes, which open nothing. PROTOCOL.md 10.1.
    pub(crate) const fn blank() -> Self {
        Self(Secret32::from_bytes([0; 32]))
    }

    /// Takes 32 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret32::from_bytes(bytes))
    }

    /// Returns the bytes; each use deserves a second look.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Returns what the auth log says about the secret without telling it.
    #[must_use]
    pub fn commit(&self) -> [u8; 32] {
        *Secret32::derive("epoch commitment", &[self.expose()]).expose()
    }

    /// Wraps the secret for the holders of `kek`; `recipient` is their share's id or the member's own, for routing.
    #[must_use]
    pub fn wrap(&self, epoch: Epoch, kek: &Secret32, recipient: &[u8; 16], session: &SessionId) -> Bytes {
        let mut out = Vec::with_capacity(WRAP_BYTES);
        out.extend_from_slice(&epoch.0.to_le_bytes());
        out.extend_from_slice(recipient);
        let start = out.len();
        out.extend_from_slice(self.expose());
        aead::seal(kek, nonce(epoch), &associated_data(session, epoch, &self.commit()), &mut out, start);
        out.into()
    }
}

/// Why a wrap gave no secret. The owner, or who forwarded the wrap, has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// The bytes are no wrap.
    #[error("malformed wrap: {0}")]
    Decode(#[from] DecodeError),
    /// It is for the holders of another token, or for another member.
    #[error("wrap is for {}", Hex(found))]
    Recipient {
        /// The share or member that it names.
        found: [u8; 16],
    },
    /// It was made under another key, for another session, epoch or commitment; or altered.
    #[error("wrap cannot be opened")]
    Seal,
    /// The secret inside is not the one that the owner committed to.
    #[error("wrap holds another secret than the owner committed to")]
    Commitment,
}

/// Opens a wrap and checks the secret against `commit` of the auth log's Epoch record.
///
/// The recipient is not looked at; [`open_share_wrap`] and [`open_member_wrap`] do.
///
/// # Errors
///
/// [`WrapError`], never [`WrapError::Recipient`].
pub fn open_wrap(raw: &[u8], kek: &Secret32, session: &SessionId, commit: &[u8; 32]) -> Result<EpochSecret, WrapError> {
    let wrap = Wrap::decode(raw)?;
    let aad = associated_data(session, wrap.epoch, commit);
    let opened = Zeroizing::new(aead::open(kek, nonce(wrap.epoch), &aad, wrap.sealed).map_err(|_| WrapError::Seal)?);
    let secret = EpochSecret::from_bytes(opened.as_slice().try_into().map_err(|_| WrapError::Seal)?);
    // Two keys can be found under which one ciphertext opens; the commitment settles which secret it is.
    if secret.commit() == *commit { Ok(secret) } else { Err(WrapError::Commitment) }
}

/// Opens the wrap made for the holders of `share`.
///
/// # Errors
///
/// [`WrapError`].
pub fn open_share_wrap(raw: &[u8], share: &ShareSecret, commit: &[u8; 32]) -> Result<EpochSecret, WrapError> {
    let (recipient, session) = (share.share_id(), share.session());
    open_wrap_for(recipient.as_bytes(), raw, share.kek(), &session, commit)
}

/// Opens the wrap made for one member alone; `kek` is what it agreed on with the host. PROTOCOL.md 15.
///
/// # Errors
///
/// [`WrapError`].
pub fn open_member_wrap(
    raw: &[u8],
    member: &AuthorId,
    kek: &Secret32,
    session: &SessionId,
    commit: &[u8; 32],
) -> Result<EpochSecret, WrapError> {
    open_wrap_for(member.as_bytes(), raw, kek, session, commit)
}

fn open_wrap_for(
    recipient: &[u8; 16],
    raw: &[u8],
    kek: &Secret32,
    session: &SessionId,
    commit: &[u8; 32],
) -> Result<EpochSecret, WrapError> {
    match Wrap::decode(raw)?.recipient {
        found if found != *recipient => Err(WrapError::Recipient { found }),
        _ => open_wrap(raw, kek, session, commit),
    }
}

/// Returns whom a wrap is for, a share or a member, or `None` if the bytes are no wrap.
#[must_use]
pub fn wrap_recipient(raw: &[u8]) -> Option<[u8; 16]> {
    Wrap::decode(raw).ok().map(|wrap| wrap.recipient)
}

/// Returns which epoch a wrap opens, or `None` if the bytes are no wrap.
#[must_use]
pub fn wrap_epoch(raw: &[u8]) -> Option<Epoch> {
    Wrap::decode(raw).ok().map(|wrap| wrap.epoch)
}

struct Wrap<'a> {
    epoch: Epoch,
    recipient: [u8; 16],
    sealed: &'a [u8],
}

impl<'a> Wrap<'a> {
    fn decode(raw: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(raw);
        let (epoch, recipient) = (Epoch(reader.u32()?), reader.array()?);
        let sealed = reader.bytes(32 + aead::TAG_BYTES)?;
        reader.finish()?;
        Ok(Self { epoch, recipient, sealed })
    }
}

fn nonce(epoch: Epoch) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&epoch.0.to_le_bytes());
    nonce
}

fn associated_data(session: &SessionId, epoch: Epoch, commit: &[u8; 32]) -> [u8; 52] {
    let mut out = [0; 52];
    out[..16].copy_from_slice(session.as_bytes());
    out[16..20].copy_from_slice(&epoch.0.to_le_bytes());
    out[20..].copy_from_slice(commit);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::key::SessionRoot;
    use crate::proto::share::ShareFlags;

    const SECRET: [u8; 32] = [0x5e; 32];

    fn share(seed: u8) -> ShareSecret {
        ShareSecret::new(&SessionRoot::from_seed([1; 32]).session_id(), [seed; 16], ShareFlags::NONE, None)
    }

    fn wrapped(share: &ShareSecret, epoch: u32) -> (Bytes, [u8; 32]) {
        let secret = EpochSecret::from_bytes(SECRET);
        let wrap = secret.wrap(Epoch(epoch), share.kek(), share.share_id().as_bytes(), &share.session());
        (wrap, secret.commit())
    }

    /// A token must be all that a guest needs to read.
    #[test]
    fn holder_of_the_token_opens_the_epoch() {
        let ben = share(2);
        let (wrap, commit) = wrapped(&ben, 7);
        assert_eq!(wrap.len(), WRAP_BYTES);
        assert_eq!((wrap_recipient(&wrap), wrap_epoch(&wrap)), (Some(ben.share_id().0), Some(Epoch(7))));
        let opened = open_share_wrap(&wrap, &ben, &commit).expect("Ben holds the token");
        assert_eq!(opened.expose(), &SECRET);
    }

    /// The relay forwards wraps; a bit that it alters must not change what a guest believes.
    #[test]
    fn every_flipped_bit_of_a_wrap_is_refused() {
        let ben = share(2);
        let (wrap, commit) = wrapped(&ben, 0);
        for bit in 0..wrap.len() * 8 {
            let mut other = wrap.to_vec();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(open_share_wrap(&other, &ben, &commit).is_err(), "bit {bit}");
        }
        for length in (0..WRAP_BYTES).chain([WRAP_BYTES + 1]) {
            let cut: Vec<u8> = wrap.iter().copied().chain([0]).take(length).collect();
            assert!(matches!(open_share_wrap(&cut, &ben, &commit), Err(WrapError::Decode(_))), "{length} bytes");
        }
    }

    /// A closed share must not help to read: neither its wrap nor its key fits another's.
    #[test]
    fn wraps_of_others_stay_shut() {
        let (ben, eve) = (share(2), share(3));
        let (wrap, commit) = wrapped(&ben, 0);
        let found = ben.share_id().0;
        assert_eq!(open_share_wrap(&wrap, &eve, &commit).err(), Some(WrapError::Recipient { found }));
        assert_eq!(open_wrap(&wrap, eve.kek(), &eve.session(), &commit).err(), Some(WrapError::Seal));
    }

    /// An old wrap, or one by another token holder, names another secret than the owner committed to.
    #[test]
    fn secret_must_fit_the_commitment_of_the_log() {
        let ben = share(2);
        let (wrap, _) = wrapped(&ben, 0);
        let newer = EpochSecret::from_bytes([9; 32]).commit();
        assert_eq!(open_share_wrap(&wrap, &ben, &newer).err(), Some(WrapError::Seal));

        // A holder of the KEK can claim any commitment in the associated data; the secret gives it away.
        let mut forged = wrap[..20].to_vec();
        forged.extend_from_slice(&SECRET);
        aead::seal(ben.kek(), nonce(Epoch(0)), &associated_data(&ben.session(), Epoch(0), &newer), &mut forged, 20);
        assert_eq!(open_share_wrap(&forged, &ben, &newer).err(), Some(WrapError::Commitment));
    }

    /// Secrets end up in errors and logs through `Debug`.
    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", EpochSecret::from_bytes(SECRET)), "EpochSecret(Secret32(…))");
    }
}
