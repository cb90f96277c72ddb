//! How the holder of a link shows a relay that it holds one, without joining: a signature by the share key.
//!
//! relay --[`Challenge`]--> holder --[`Inquiry`]--> relay --> how many are there
//!
//! Always: an inquiry counts once, at the place that it was signed for; it tells the relay nothing that HELLO does not.
//! PROTOCOL.md 20.

use super::id::{SessionId, ShareId};
use super::key::ShareSecret;
use super::verify::{PublicKey, derive};

/// What a relay wants to have signed: good for a short while and for one inquiry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Challenge(pub [u8; 32]);

/// Where an inquiry counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place<'a> {
    /// The host as the request's `Host` field has it, port and all, in lower case.
    pub host: &'a str,
    /// Method and path of the request, such as `POST /api/v1/counts`.
    pub request: &'a str,
}

/// The question of somebody who says that it holds a share's key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Inquiry {
    /// The session that it asks about.
    pub session: SessionId,
    /// The share whose key it holds.
    pub share: ShareId,
    /// What the relay gave it to sign.
    pub challenge: Challenge,
    /// The proof.
    pub signature: [u8; 64],
}

impl Inquiry {
    /// Asks about the session of `secret` as its holder.
    #[must_use]
    pub fn sign(secret: &ShareSecret, challenge: Challenge, place: Place<'_>) -> Self {
        let (session, share) = (secret.session(), secret.share_id());
        let signature = secret.sign_digest(&digest(&session, &share, challenge, place));
        Self { session, share, challenge, signature }
    }

    /// Says whether who asks holds the key whose public half is `public`, and means this place.
    #[must_use]
    pub fn holds(&self, public: &PublicKey, place: Place<'_>) -> bool {
        public.verify(&digest(&self.session, &self.share, self.challenge, place), &self.signature)
    }
}

fn digest(session: &SessionId, share: &ShareId, Challenge(challenge): Challenge, place: Place<'_>) -> [u8; 32] {
    let Place { host, request } = place;
    let parts = [&challenge[..], host.as_bytes(), request.as_bytes(), session.as_bytes(), share.as_bytes()];
    derive("inquiry", &parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::share::ShareFlags;

    const PLACE: Place<'_> = Place { host: "relay.example:4433", request: "POST /api/v1/counts" };

    fn secret(seed: u8) -> ShareSecret {
        ShareSecret::new(&SessionId([1; 16]), [seed; 16], ShareFlags::NONE, None)
    }

    /// A relay that is asked could ask another one in the holder's name, were the signature good at both.
    #[test]
    fn inquiry_holds_for_its_place_its_share_and_its_challenge_alone() {
        let inquiry = Inquiry::sign(&secret(2), Challenge([3; 32]), PLACE);
        let public = secret(2).public();
        assert!(inquiry.holds(&public, PLACE));
        assert!(!inquiry.holds(&secret(4).public(), PLACE), "another's key");
        for other in [Place { host: "eve.example:4433", ..PLACE }, Place { request: "POST /api/v1/node", ..PLACE }] {
            assert!(!inquiry.holds(&public, other), "{other:?}");
        }
        for other in [
            Inquiry { session: SessionId([9; 16]), ..inquiry },
            Inquiry { share: ShareId([9; 16]), ..inquiry },
            Inquiry { challenge: Challenge([9; 32]), ..inquiry },
        ] {
            assert!(!other.holds(&public, PLACE), "{other:?}");
        }
    }
}
