//! Whom a dialer believes: a pinned certificate, the system's authorities, or nobody until the session's keys speak.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, PeerIncompatible, SignatureScheme};

use super::{ALPN, fingerprint, provider};

/// Whom a dialer believes.
#[derive(Clone)]
pub struct Trust(Anchor);

#[derive(Clone)]
enum Anchor {
    Fingerprint([u8; 32]),
    Roots(Arc<WebPkiServerVerifier>),
    SessionKeys,
}

/// Why the system's roots cannot be used; the environment or a fingerprint in the link helps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The system has no usable root certificate.
    #[error("no root certificate on this system: {reason}")]
    NoRoots {
        /// What was tried.
        reason: String,
    },
}

impl TrustError {
    /// Returns what to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoRoots { .. } => "install the system's root certificates, or use the relay's address with its #fp=…",
        }
    }
}

impl Trust {
    /// Believes exactly the end-entity certificate with this SHA-256, whatever its names and dates.
    #[must_use]
    pub fn fingerprint(pinned: [u8; 32]) -> Self {
        Self(Anchor::Fingerprint(pinned))
    }

    /// Believes whom the system's root certificates vouch for. Reads files: a few milliseconds.
    ///
    /// # Errors
    ///
    /// [`TrustError::NoRoots`] if the system has none, as in a bare container.
    pub fn system() -> Result<Self, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let tried = found.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Self::authorities(found.certs)
            .map_err(|reason| TrustError::NoRoots { reason: if tried.is_empty() { reason } else { tried } })
    }

    /// Believes whom these root certificates vouch for. The error says why none is usable.
    pub(crate) fn authorities(certificates: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        verifier.map(|verifier| Self(Anchor::Roots(verifier))).map_err(|error| error.to_string())
    }

    /// Takes any certificate, for dialling a host on the local network or on this machine.
    ///
    /// No authority vouches for a laptop. Who sits in between gains nothing: the host's records are signed by the key
    /// that the token commits to, everything said is sealed end to end, and a proof of possession is bound to the
    /// connection it was made on, so it cannot be passed on. PROTOCOL.md 10.
    #[must_use]
    pub fn session_keys() -> Self {
        Self(Anchor::SessionKeys)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Anchor::Fingerprint(_) => "Trust(fingerprint)",
            Anchor::Roots(_) => "Trust(system)",
            Anchor::SessionKeys => "Trust(session keys)",
        })
    }
}

/// What a dialer held against the certificate it was shown.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// Another certificate than the pinned one.
    Fingerprint {
        /// The hash that the link names.
        expected: [u8; 32],
        /// The hash of what was shown.
        found: [u8; 32],
    },
    /// No authority vouches for it.
    Untrusted(String),
}

/// Where a verifier leaves its reason; the TLS alert that the caller sees says less.
pub(crate) type RefusalSlot = Arc<Mutex<Option<Refusal>>>;

/// Builds the dialer's half of the handshake, for one dial.
pub(crate) fn client_config(trust: &Trust) -> Result<(rustls::ClientConfig, RefusalSlot), rustls::Error> {
    client_config_with(trust, ALPN)
}

/// Builds it for HTTP over TCP.
#[cfg(feature = "web")]
pub(crate) fn web_client_config(trust: &Trust) -> Result<(rustls::ClientConfig, RefusalSlot), rustls::Error> {
    client_config_with(trust, b"http/1.1")
}

fn client_config_with(trust: &Trust, alpn: &[u8]) -> Result<(rustls::ClientConfig, RefusalSlot), rustls::Error> {
    let refusal = RefusalSlot::default();
    let verifier = Verifier { anchor: trust.0.clone(), provider: provider(), refusal: Arc::clone(&refusal) };
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    Ok((config, refusal))
}

struct Verifier {
    anchor: Anchor,
    provider: Arc<CryptoProvider>,
    refusal: RefusalSlot,
}

impl Verifier {
    fn refuse(&self, refusal: Refusal) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.anchor {
            Anchor::SessionKeys => Ok(ServerCertVerified::assertion()),
            Anchor::Fingerprint(expected) => {
                let found = fingerprint(end_entity);
                if found == *expected {
                    return Ok(ServerCertVerified::assertion());
                }
                self.refuse(Refusal::Fingerprint { expected: *expected, found });
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            Anchor::Roots(roots) => roots
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .inspect_err(|error| self.refuse(Refusal::Untrusted(error.to_string()))),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    /// Checked under every kind of trust: the shown certificate's key must be the other side's own.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
