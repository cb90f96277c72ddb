//! How a listener that starts again tells those who still send to the one before that it is gone.
//!
//! It answers packets of connections that it does not know with a token that only it, and it before, can make: a
//! stateless reset (RFC 9000, section 10.3). Whoever gets one dials again at once instead of waiting for silence.
//!
//! Always: the key of these tokens comes from the identity, so a listener with a kept one makes them alike for ever.

use crate::io::tls::Identity;
use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};
use std::sync::Arc;
use std::time::Duration;

/// Context of the key that reset tokens are made with.
const RESET_KEY: &str = "cahoots 2026-01-01 v1 stateless reset key";
/// Length of a connection id, in bytes: nobody guesses one that is in use.
const ID_BYTES: usize = 8;

/// Returns the configuration of an endpoint that shows `identity`.
pub(super) fn endpoint_config(identity: &Identity) -> Result<EndpointConfig, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &identity.derive(RESET_KEY));
    let mut config = EndpointConfig::new(Arc::new(key));
    // QUIC's own ids are marked with a key that ends with the process: those of the one before would be ignored.
    config.cid_generator(move || Box::new(ConnectionIds { seed, count: 0 }));
    Ok(config)
}

/// Makes connection ids that tell nothing: a keyed count.
#[derive(Debug)]
struct ConnectionIds {
    seed: [u8; 32],
    count: u64,
}

impl ConnectionIdGenerator for ConnectionIds {
    fn generate_cid(&mut self) -> ConnectionId {
        self.count += 1;
        let mut id = [0; ID_BYTES];
        blake3::Hasher::new_keyed(&self.seed).update(&self.count.to_le_bytes()).finalize_xof().fill(&mut id);
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}
