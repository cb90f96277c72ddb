//! Passing a share on: a narrower one below this peer's own, made without any network. PROTOCOL.md 10.1.
//!
//! `pass_on` --> token; SHARE on every link from then on, by which relay and owner learn of it

use super::Peer;
use super::owner::{ShareTerms, wants_approval};
use crate::proto::authlog::AuthLog;
use crate::proto::epoch::EpochSecret;
use crate::proto::key::{PassphraseHash, ShareSecret};
use crate::proto::limits::{CLOCK_SKEW_MS_MAX, PASSED_ON_MAX};
use crate::proto::member::VerifiedShare;
use crate::proto::seal::seal_share_kek;
use crate::proto::share::{DEPTH_LEFT_MAX, Rights, ShareCert, ShareFlags};
use crate::proto::time::{Now, Wall};
use crate::proto::token::Token;
use crate::proto::wire::{Frame, PassedOn, SEALED_KEK_BYTES};

/// Why a share could not be passed on; the caller has to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PassOnError {
    /// The peer has not joined yet; the caller waits for the first link.
    #[error("not joined yet")]
    NotJoined,
    /// The session is over.
    #[error("the session is over")]
    Ended,
    /// The link may not be passed on; the owner has to give another.
    #[error("this link may not be passed on: it is for {0}")]
    NoRight(Rights),
    /// The link was passed on as often as it may be.
    #[error("this link may not be passed on any further")]
    TooDeep,
    /// It would allow more than the link it is below.
    #[error("a link below this one cannot be for {wanted}: this one is for {own}")]
    Wider {
        /// What it would allow.
        wanted: Rights,
        /// What the link above allows.
        own: Rights,
    },
    /// The link is closed, but for those who stay: nobody could come by one below it.
    #[error("the owner has closed this link; nobody could come by one below it")]
    Closed,
    /// The link's own time is up.
    #[error("this link has expired")]
    Expired,
    /// Too many were passed on already.
    #[error("{PASSED_ON_MAX} links are the most that can be passed on")]
    TooMany,
    /// The host's key is none; its owner has to start anew.
    #[error("the host's key is unusable")]
    HostKey,
}

/// A share passed on from here.
#[derive(Debug)]
struct Passed {
    secret: ShareSecret,
    certs: Vec<ShareCert>,
    sealed_kek: [u8; SEALED_KEK_BYTES],
}

impl Passed {
    /// Tells whether somebody may still come by it.
    fn is_open(&self, log: &AuthLog, now: Wall) -> bool {
        let is_over = |cert: &ShareCert| now > cert.expires.after_ms(CLOCK_SKEW_MS_MAX) || log.is_closed(&cert.share);
        !self.certs.iter().any(is_over)
    }
}

/// The shares above and below this peer.
#[derive(Debug, Default)]
pub(super) struct Passing {
    /// The certificates of the share that this peer came by, its own first, if a member passed that on.
    own: Vec<ShareCert>,
    passed: Vec<Passed>,
}

impl Peer {
    /// Passes this peer's share on: makes the token of a narrower one below it, which ends with it. No link has to be
    /// up; the token works once this peer has been linked since.
    ///
    /// # Errors
    ///
    /// [`PassOnError`]; nothing was made.
    pub fn pass_on(&mut self, terms: &ShareTerms, now: Now) -> Result<Token, PassOnError> {
        let seed = self.draw_share_seed();
        self.pass_on_with(terms, seed, None, now)
    }

    /// Passes this peer's share on by a token of this seed, which was [drawn](Self::draw_share_seed) for it, and a
    /// passphrase.
    ///
    /// # Errors
    ///
    /// As [`pass_on`](Self::pass_on).
    pub fn pass_on_with(
        &mut self,
        terms: &ShareTerms,
        seed: [u8; 16],
        passphrase: Option<&PassphraseHash>,
        now: Now,
    ) -> Result<Token, PassOnError> {
        let flags = terms.flags(passphrase.is_some());
        let terms_below = self.terms_below(terms, flags, now.wall)?;
        let host_seed = self.draw();
        let me = self.me.as_ref().ok_or(PassOnError::NotJoined)?;
        let above = me.chain().shares.clone();
        let parent = above.first().ok_or(PassOnError::NotJoined)?;
        let secret = ShareSecret::new(&self.session, seed, flags, passphrase);
        let cert = ShareCert::issue_below(parent, &self.secret, &secret, terms_below);
        let host = *self.log.host_member().ok_or(PassOnError::NotJoined)?.kem_public();
        let sealed_kek = seal_share_kek(&host, &self.session, &secret.share_id(), secret.kek(), *host_seed.expose())
            .map_err(|_| PassOnError::HostKey)?;
        let certs = std::iter::once(cert).chain(above).collect();
        self.passing.passed.push(Passed { secret, certs, sealed_kek });
        self.bring_passed_on(now.wall);
        Ok(Token::new(terms.access, &self.session, seed, flags))
    }

    /// Returns what the certificate below this peer's may say: nothing wider, sooner over, less deep.
    fn terms_below(
        &self,
        terms: &ShareTerms,
        flags: ShareFlags,
        now: Wall,
    ) -> Result<crate::proto::share::ShareTerms, PassOnError> {
        let me = self.me.as_ref().ok_or(PassOnError::NotJoined)?;
        let above = &me.chain().shares;
        let parent = above.first().ok_or(PassOnError::NotJoined)?;
        let wanted = terms.certified(flags, now);
        if self.ended.is_some() {
            return Err(PassOnError::Ended);
        }
        if !parent.rights.may_delegate() {
            return Err(PassOnError::NoRight(parent.rights));
        }
        if parent.depth_left <= wanted.depth_left || above.len() > usize::from(DEPTH_LEFT_MAX) {
            return Err(PassOnError::TooDeep);
        }
        if !parent.rights.contains(wanted.rights) {
            return Err(PassOnError::Wider { wanted: wanted.rights, own: parent.rights });
        }
        if above.iter().any(|cert| self.log.is_closed(&cert.share)) {
            return Err(PassOnError::Closed);
        }
        if parent.expires <= now {
            return Err(PassOnError::Expired);
        }
        if self.passing.passed.iter().filter(|passed| passed.is_open(&self.log, now)).count() >= PASSED_ON_MAX {
            return Err(PassOnError::TooMany);
        }
        let (not_before, expires) = (wanted.not_before.max(parent.not_before), wanted.expires.min(parent.expires));
        Ok(crate::proto::share::ShareTerms { not_before, expires, ..wanted })
    }

    /// Forgets the shares passed on here by which nobody can come any more, and their keys.
    fn forget_passed_on(&mut self, now: Wall) {
        let log = &self.log;
        let is_open: Vec<bool> = self.passing.passed.iter().map(|passed| passed.is_open(log, now)).collect();
        for state in self.links.values_mut() {
            state.brought = is_open.iter().take(state.brought).filter(|is_open| **is_open).count();
        }
        self.passing.passed.retain(|passed| passed.is_open(log, now));
    }

    /// Brings the shares passed on here to links that do not know them. Needs the key of the newest epoch, for them; those
    /// that are over get none, or who was cut off by the epoch would have its key from here.
    pub(super) fn bring_passed_on(&mut self, now: Wall) {
        self.forget_passed_on(now);
        let Some((epoch, secret)) = self.newest_secret() else { return };
        let blank = EpochSecret::blank();
        let wrap = |passed: &Passed| {
            let share = passed.secret.share_id();
            // Who has to be let in gets the key from the owner, and not before.
            let secret = if wants_approval(&passed.certs) { &blank } else { secret };
            secret.wrap(epoch, passed.secret.kek(), share.as_bytes(), &self.session)
        };
        let frame = |passed: &Passed| {
            Frame::Share(PassedOn { certs: passed.certs.clone(), wrap: wrap(passed), sealed_kek: passed.sealed_kek })
        };
        let frames: Vec<Frame> = self.passing.passed.iter().map(frame).collect();
        for state in self.links.values_mut().filter(|state| state.has_greeted) {
            frames.iter().skip(state.brought).for_each(|frame| state.send(frame));
            state.brought = frames.len();
        }
    }

    /// Returns the certificates of the share that this peer came by, its own first, once they are known.
    pub(super) fn own_shares(&self) -> Option<Vec<ShareCert>> {
        match self.log.share(&self.secret.share_id()) {
            Some(cert) => Some(vec![cert.clone()]),
            None => Some(self.passing.own.clone()).filter(|own| !own.is_empty()),
        }
    }

    /// Learns the certificates of the share that this peer came by, which a member passed on.
    pub(super) fn learn_own_share(&mut self, frame: PassedOn, now: Now) {
        // Whoever passes a share on chooses its name; its key only who holds the token has.
        let is_own = frame
            .certs
            .first()
            .is_some_and(|cert| (cert.share, cert.public) == (self.secret.share_id(), self.secret.public()));
        if is_own && self.passing.own.is_empty() && VerifiedShare::verify(&frame.certs, &self.session).is_ok() {
            self.passing.own = frame.certs;
            self.take_wrap(&frame.wrap, now);
        }
    }
}
