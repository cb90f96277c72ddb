//! What a link says before anybody is asked.

use cahoots::proto::key::PassphraseHash;
use cahoots::proto::share::ShareFlags;
use cahoots::proto::token::{Access, Link};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// A link, read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invitation {
    /// What it says that it is for; the certificate decides.
    access: &'static str,
    /// Whether it needs a passphrase beside it.
    needs_passphrase: bool,
    /// Whether it is for one local network alone.
    lan_only: bool,
    /// Host and port of the relay.
    relay: Option<(String, u16)>,
}

/// Reads a link as people paste it.
///
/// # Errors
///
/// What is wrong with it, and what to do, in two sentences for people.
#[wasm_bindgen(js_name = readLink)]
pub fn read_link(text: &str) -> Result<JsValue, JsError> {
    let link = Link::parse(text).map_err(|error| JsError::new(&format!("{error}\n{}", error.hint())))?;
    crate::to_js(&Invitation {
        access: match link.token.access {
            Access::View => "view",
            Access::Interact => "interact",
            Access::Own => "own",
        },
        needs_passphrase: link.token.needs_passphrase(),
        lan_only: link.token.flags.contains(ShareFlags::LAN_ONLY),
        relay: link.relay.map(|relay| (relay.host, relay.port)),
    })
}

/// A passphrase, hashed for one link. Making it takes 64 MiB and about a second: not on the page's own thread.
#[wasm_bindgen]
pub struct PassphraseWords(PassphraseHash);

#[wasm_bindgen]
impl PassphraseWords {
    /// Hashes what somebody typed for `link`.
    ///
    /// # Errors
    ///
    /// If the link is none.
    #[wasm_bindgen(constructor)]
    pub fn new(link: &str, words: &str) -> Result<Self, JsError> {
        Ok(Self(Link::parse(link).map_err(crate::error)?.token.hash_passphrase(words)))
    }
}

impl PassphraseWords {
    /// Hands the hash over: it is used once.
    pub(crate) fn into_hash(self) -> PassphraseHash {
        self.0
    }
}
