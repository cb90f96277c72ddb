//! Certificates that browsers take by their hash alone, without any authority: WebTransport's `serverCertificateHashes`.
//!
//! Such a certificate is of ECDSA P-256 and valid for at most 14 days (W3C WebTransport, 6.12), so it changes while the
//! node runs. Always: a hash is told for [`LEAD`] before the certificate is shown, so that whoever asked for hashes
//! just before a change finds what it was told.

use super::fingerprint;
use super::identity::{Identity, IdentityError, make_browser_pair};
use super::provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How far a browser's clock may be behind ours: a certificate is valid from that long before it was made.
const SKEW: Duration = DAY;
/// How long a certificate is valid after it was made.
const LIFE: Duration = Duration::from_secs(12 * 24 * 3_600);
/// Age at which the next one is made and told of.
const NEXT_AFTER: Duration = Duration::from_secs(6 * 24 * 3_600);
/// How long the next one is told of before it is shown.
const LEAD: Duration = HOUR;
/// Age at which a certificate is not worth showing any more, for browsers whose clock is ahead of ours.
const STALE_AFTER: Duration = Duration::from_secs(11 * 24 * 3_600);

const _: () = assert!(SKEW.as_secs() + LIFE.as_secs() <= 14 * DAY.as_secs(), "browsers take 14 days and no more");
const _: () = assert!(NEXT_AFTER.as_secs() + LEAD.as_secs() < STALE_AFTER.as_secs(), "the next one comes in time");

/// The certificate that browsers are shown, and the one after it.
pub(crate) struct BrowserCertificates(Mutex<Rotation>);

struct Rotation {
    shown: Pair,
    /// Told of, but not shown yet.
    next: Option<Pair>,
}

struct Pair {
    key: Arc<CertifiedKey>,
    hash: [u8; 32],
    made: SystemTime,
}

impl BrowserCertificates {
    /// Makes the first one.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Generate`] if the system has no randomness.
    pub(crate) fn generate(now: SystemTime) -> Result<Self, IdentityError> {
        Ok(Self(Mutex::new(Rotation { shown: Pair::make(now)?, next: None })))
    }

    /// Returns the SHA-256 of each certificate that may be shown within the next hour.
    pub(crate) fn hashes(&self, now: SystemTime) -> Vec<[u8; 32]> {
        let rotation = self.at(now);
        [Some(&rotation.shown), rotation.next.as_ref()].into_iter().flatten().map(|pair| pair.hash).collect()
    }

    fn shown(&self, now: SystemTime) -> Arc<CertifiedKey> {
        Arc::clone(&self.at(now).shown.key)
    }

    fn at(&self, now: SystemTime) -> MutexGuard<'_, Rotation> {
        let mut rotation = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = rotation.turn(now) {
            // The one that is shown may have days left; the next caller tries again.
            tracing::warn!(%error, "no new certificate for browsers");
        }
        rotation
    }
}

impl fmt::Debug for BrowserCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserCertificates")
    }
}

impl Rotation {
    /// Does what is due at `now`. Nothing need call it at any particular time.
    fn turn(&mut self, now: SystemTime) -> Result<(), IdentityError> {
        if self.next.as_ref().is_some_and(|next| next.age(now) >= LEAD)
            && let Some(next) = self.next.take()
        {
            self.shown = next;
        }
        if self.shown.age(now) >= STALE_AFTER || self.shown.is_of_the_future(now) {
            // Nobody has asked for days, or the clock was set: there is nobody to tell.
            *self = Self { shown: Pair::make(now)?, next: None };
        } else if self.shown.age(now) >= NEXT_AFTER && self.next.is_none() {
            self.next = Some(Pair::make(now)?);
        }
        Ok(())
    }
}

impl Pair {
    fn make(now: SystemTime) -> Result<Self, IdentityError> {
        let identity = make_browser_pair(now - SKEW, now + LIFE)?;
        let hash = fingerprint(identity.certificate_der());
        let key = certified(&identity).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        Ok(Self { key, hash, made: now })
    }

    fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.made).unwrap_or_default()
    }

    /// Whether browsers with the right time do not take it yet.
    fn is_of_the_future(&self, now: SystemTime) -> bool {
        self.made.duration_since(now).is_ok_and(|ahead| ahead >= SKEW)
    }
}

fn certified(identity: &Identity) -> Result<Arc<CertifiedKey>, rustls::Error> {
    CertifiedKey::from_der(identity.chain().to_vec(), identity.key(), &provider()).map(Arc::new)
}

/// Shows peers the identity that their links name, and browsers the one whose hash they were told.
#[derive(Debug)]
pub(super) struct ByProtocol {
    native: Arc<CertifiedKey>,
    browsers: Arc<BrowserCertificates>,
}

impl ByProtocol {
    pub(super) fn new(identity: &Identity, browsers: Arc<BrowserCertificates>) -> Result<Self, rustls::Error> {
        Ok(Self { native: certified(identity)?, browsers })
    }
}

impl ResolvesServerCert for ByProtocol {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Who offers both gets the first of our list, which is the native one.
        let is_native = hello.alpn().is_some_and(|mut offered| offered.any(|one| one == super::ALPN));
        Some(if is_native { Arc::clone(&self.native) } else { self.browsers.shown(SystemTime::now()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(certificates: &BrowserCertificates, now: SystemTime) -> [u8; 32] {
        fingerprint(certificates.shown(now).end_entity_cert().unwrap())
    }

    /// A relay runs for months, a certificate for days: whoever asks for hashes and then dials must be let in, always.
    #[test]
    fn whatever_is_shown_was_told_for_an_hour() {
        let start = SystemTime::now();
        let certificates = BrowserCertificates::generate(start).unwrap();
        let (mut changes, mut before) = (0, shown(&certificates, start));
        for half_hours in 1..24 * 2 * 40 {
            let now = start + HOUR / 2 * half_hours;
            let told = certificates.hashes(now);
            for ahead in [Duration::ZERO, HOUR / 4, HOUR / 2 - Duration::from_secs(1)] {
                assert!(told.contains(&shown(&certificates, now + ahead)), "{half_hours} half hours after the start");
            }
            changes += usize::from(std::mem::replace(&mut before, shown(&certificates, now)) != before);
        }
        assert_eq!(changes, 6, "in 40 days");
    }

    /// On a relay that no browser visits nothing turns: the first one after weeks must find a certificate that is valid.
    #[test]
    fn neglected_one_is_replaced_at_once() {
        let start = SystemTime::now();
        let certificates = BrowserCertificates::generate(start).unwrap();
        let late = start + DAY * 30;
        let told = certificates.hashes(late);
        assert_eq!(told, [shown(&certificates, late)]);
        assert_ne!(told, [shown(&BrowserCertificates::generate(start).unwrap(), start)]);
    }

    /// A machine that starts with a wrong clock and is put right must not be shut to browsers for years.
    #[test]
    fn clock_that_was_ahead_is_survived() {
        let now = SystemTime::now();
        let certificates = BrowserCertificates::generate(now + DAY * 1_000).unwrap();
        let ahead = certificates.hashes(now + DAY * 1_000);
        assert_ne!(certificates.hashes(now), ahead);
        assert_eq!(certificates.hashes(now), [shown(&certificates, now)]);
    }
}
