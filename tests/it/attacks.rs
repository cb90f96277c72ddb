//! What an attacker may try, against the real machines: each test fails if the attack works. SECURITY.md 1.
//!
//! Ada hosts, Ben is an honest guest, Eve attacks: with a token of her own, with none, or as the relay itself.

mod disturb;
pub(crate) mod eve;
mod handshake;
mod member;
pub(crate) mod table;
