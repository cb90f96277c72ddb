//! Steers a running `cahoots share` from a second terminal, over a socket that only its user can open.
//!
//! `cahoots links …` -> [`client`] --one JSON object per line--> [`socket`] -> the running host
//!
//! Always: the socket lies in a folder of this user alone, under a random name that tells nothing of the session; who
//! connects is the same user; a line has an end, and so has the patience with who does not finish one.

pub(crate) mod act;
pub(crate) mod client;
pub(crate) mod message;
pub(crate) mod socket;
