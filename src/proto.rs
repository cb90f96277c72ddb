//! The pure storey: what is said on the wire and what it means, as values and state machines.
//!
//! Always: no socket, file, clock, randomness or tokio in here; the machines take time and seeds as arguments.

pub(crate) mod hex;
pub mod id;
pub mod key;
pub mod lane;
pub mod limits;
pub mod seal;
pub mod share;
pub mod sorted;
pub mod time;
pub mod token;
pub mod verify;
pub mod wire;

pub mod audit;
pub mod authlog;
pub mod discovery;
pub mod doc;
pub mod epoch;
pub mod inquiry;
pub mod member;
pub mod path;
pub mod relay;
pub mod session;
pub mod terminal;
