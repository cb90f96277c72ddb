//! Transport security: who a node is to TLS, and whom a dialer believes.
//!
//! [`Identity`] (certificate and key) ──▶ listener;  [`Trust`] (fingerprint, system roots, session keys) ──▶ dialer.
//!
//! Always: TLS 1.3 with ring, ALPN `cahoots/1` (`h3` for browsers), no early data, no resumption; the provider is passed
//! explicitly, so that an embedding program's default is neither used nor set. PROTOCOL.md 3, 10.

#[cfg(feature = "web")]
mod browser;
mod identity;
mod trust;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::WantsServerCert;

#[cfg(feature = "web")]
pub(crate) use browser::BrowserCertificates;
pub use identity::{Identity, IdentityError};
#[cfg(feature = "web")]
pub(crate) use trust::web_client_config;
pub(crate) use trust::{Refusal, RefusalSlot, client_config};
pub use trust::{Trust, TrustError};

/// The protocol's name in the TLS handshake. PROTOCOL.md 10.
pub const ALPN: &[u8] = b"cahoots/1";
/// What browsers speak over QUIC.
#[cfg(feature = "web")]
pub(crate) const ALPN_BROWSER: &[u8] = b"h3";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Returns the SHA-256 of a certificate in DER: what a link's `fp` pins. PROTOCOL.md 3.
#[must_use]
pub fn fingerprint(certificate_der: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate_der);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

/// Builds the listener's half of the handshake.
pub(crate) fn server_config(identity: &Identity) -> Result<rustls::ServerConfig, rustls::Error> {
    server_config_with(identity, ALPN)
}

/// Builds the listener's half of the handshake where browsers come to the same port.
#[cfg(feature = "web")]
pub(crate) fn server_config_for_all(
    identity: &Identity,
    browsers: Arc<BrowserCertificates>,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let certificates = browser::ByProtocol::new(identity, browsers)?;
    Ok(finish(server_builder()?.with_cert_resolver(Arc::new(certificates)), &[ALPN, ALPN_BROWSER]))
}

fn server_config_with(identity: &Identity, alpn: &[u8]) -> Result<rustls::ServerConfig, rustls::Error> {
    let config = server_builder()?.with_single_cert(identity.chain().to_vec(), identity.key())?;
    Ok(finish(config, &[alpn]))
}

fn server_builder() -> Result<rustls::ConfigBuilder<rustls::ServerConfig, WantsServerCert>, rustls::Error> {
    let builder = rustls::ServerConfig::builder_with_provider(provider());
    Ok(builder.with_protocol_versions(&[&rustls::version::TLS13])?.with_no_client_auth())
}

fn finish(mut config: rustls::ServerConfig, alpn: &[&[u8]]) -> rustls::ServerConfig {
    config.alpn_protocols = alpn.iter().map(|one| one.to_vec()).collect();
    // A resumed connection would save 0.1 ms and make visits linkable.
    config.send_tls13_tickets = 0;
    config
}

/// Builds the listener's half of a browser's handshake over TCP.
#[cfg(feature = "web")]
pub(crate) fn web_config(identity: &Identity) -> Result<rustls::ServerConfig, rustls::Error> {
    server_config_with(identity, b"http/1.1")
}

/// A listener that speaks another protocol, for tests of the refusal.
#[cfg(test)]
pub(crate) fn foreign_server_config(identity: &Identity) -> rustls::ServerConfig {
    server_config_with(identity, b"h3").unwrap()
}
