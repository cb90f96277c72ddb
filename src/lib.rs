//! Share live terminal sessions with people you trust: end-to-end encrypted, on a LAN or through a blind relay.
//!
//! A [`Host`] publishes terminals and issues [`Link`]s; a [`Guest`] joins by one. Both see the same members, chat and
//! state, which are replicated documents: edits made while offline merge later. A [`Relay`] connects those who cannot
//! reach each other, and can neither read nor forge anything; on one machine or network none is needed.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use cahoots::{Access, Host, Size, Terms};
//!
//! let host = Host::builder().name("ada").title("demo").start().await?;
//! println!("join with: {}", host.share(Terms::new(Access::Interact))?.reveal());
//! let mut pane = host.open_pane("greeter", "built in", Size::new(80, 24))?;
//! pane.write(b"hello, type something\r\n")?;
//! while let Some(input) = pane.next_input().await {
//!     pane.write(&input.bytes)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Code map, bottom up
//!
//! - [`proto`] is pure: no socket, file, clock, randomness or tokio; time and seeds are arguments. It builds alone, for
//!   wasm too, with `default-features = false`.
//! - [`io`] holds the shells that feed it: QUIC, discovery, pseudo-terminals.
//! - [`Host`], [`Guest`], [`Relay`] are the front doors. The `cahoots` program uses this public API alone.
//!
//! The bytes on the wire are described in PROTOCOL.md.

#![cfg_attr(
    not(feature = "relay"),
    allow(rustdoc::broken_intra_doc_links, reason = "this page names the front doors, which are not there without")
)]

pub mod proto;

#[cfg(feature = "net")]
pub mod io;

#[cfg(feature = "net")]
mod guest;
#[cfg(feature = "net")]
mod host;
#[cfg(feature = "net")]
mod passphrase;
#[cfg(feature = "relay")]
mod relay;
#[cfg(feature = "net")]
mod session;
#[cfg(feature = "net")]
mod view;
#[cfg(feature = "web")]
mod viewer;

pub use proto::audit;
pub use proto::doc::{
    Anchor, CursorAt, Draft, Message, MessageKind, PaneInfo, PanePolicy, PaneStatus, StateItem, StateView,
};
pub use proto::id::{AuthorId, Epoch, PaneId, SessionId, ShareId};
pub use proto::path::PathKind;
pub use proto::relay::{Counts, HallStats, SessionStats};
pub use proto::session::{
    Alarm, DRIVER_LAPSE_MS, DriverPolicy, DrivingError, EditRefused, HostingError, OwnerError, PassOnError, TypeError,
};
pub use proto::share::Rights;
pub use proto::terminal::{
    Cell, Color, Deed, Key, KeyPress, Modes, Modifiers, MouseEncoding, MouseMode, Refusal, Row, Screen, Size, Style,
    Waits, encode_key, encode_paste, sanitise_line,
};
pub use proto::time::Wall;
pub use proto::token::{
    Access, Link, LinkError, PORT_DEFAULT as RELAY_PORT, Relay as RelayAddress, RelayError, Token, TokenError,
};
pub use proto::wire::CloseCode;

#[cfg(feature = "net")]
pub use guest::{Guest, GuestBuilder, JoinError};
#[cfg(feature = "net")]
pub use host::{
    Farewell, Host, HostBuilder, HostError, Lan, LinkInfo, Mirror, Pane, SHARE_LASTS, Snapshot, Terminal, Terms,
};
#[cfg(feature = "net")]
pub use io::channel::Channel;
#[cfg(feature = "web")]
pub use io::gateway::Names as WebNames;
#[cfg(feature = "web")]
pub use io::gateway::{AskError, OperatorToken, OperatorTokenError, RelayClient};
#[cfg(feature = "net")]
pub use io::pty::{PtyCommand, PtyWriter};
#[cfg(feature = "net")]
pub use passphrase::{Passphrase, PassphraseError};
#[cfg(feature = "relay")]
pub use relay::{Relay, RelayBuilder, RelayError as RelayStartError};
#[cfg(feature = "net")]
pub use session::{COLOURS, Connection, Ending, Event, Events, Input, Member, RelayReach, Session, Status, Typing};
#[cfg(feature = "net")]
pub use view::View;
#[cfg(feature = "web")]
pub use viewer::{Viewer, ViewerBuilder, ViewerError};

/// The example of the README compiles.
#[cfg(all(doctest, feature = "net"))]
#[doc = include_str!("../README.md")]
struct Readme;
