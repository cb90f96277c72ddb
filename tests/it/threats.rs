//! The negative suite: every attack that SECURITY.md 1 says must fail, made by somebody with everything that its actor has.
//!
//! [`ACTORS`] lists the matrix, 12 actors by 6 assets; each letter of a cell has one test or more, in the module of its
//! actor. A test returns [`Held`](held::Held), which it can make only by an attack that failed and a control that worked.

mod canary;
mod held;
mod keyring;
mod stage;

mod curious_relay;
mod malicious_relay;
