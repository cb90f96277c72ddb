//! The negative suite: every attack that SECURITY.md 1 says must fail, made by somebody with everything that its actor has.
//!
//! [`matrix`] lists 12 actors by 6 assets; each letter of a cell has one test or more, in the module of its actor or, for
//! what takes a browser, in its file in `web/e2e/threats`. A test returns [`Held`](held::Held), which it can make only by an attack that failed and a control that worked.

mod anybody;
mod canary;
mod held;
mod helped;
mod keyring;
mod matrix;
mod native;
pub(crate) mod overheard;
mod stage;
mod wire;

mod curious_relay;
mod hostile_page;
mod hostile_program;
mod interactive_holder;
mod lan_bystander;
mod malicious_relay;
mod member_disk_thief;
mod network_attacker;
mod read_only_holder;
mod relay_disk_thief;
mod relay_serving_viewer;
mod revoked_holder;
