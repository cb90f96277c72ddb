//! P3, without chance: every one of the 128 sets of rights, every kind of message, with an honest relay and past it.
//!
//! Eve has a link that the owner recorded with just these rights, and the newest epoch's key. What she has no right to
//! must change nothing at anybody honest; what she has the right to must, or the test would show nothing.

use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::{ADA, START, Table};
use bytes::Bytes;
use cahoots::proto::authlog::{AuthLog, Record};
use cahoots::proto::doc::{DocKind, Document, Message, Presence, StateView};
use cahoots::proto::epoch::EpochSecret;
use cahoots::proto::id::{AuthorId, Channel, Epoch, PaneId};
use cahoots::proto::key::{SessionRoot, ShareSecret};
use cahoots::proto::lane::proof::Proof;
use cahoots::proto::member::{Chain, MemberCert};
use cahoots::proto::seal::pad_durable;
use cahoots::proto::session::Event;
use cahoots::proto::share::{Rights, ShareCert, ShareFlags, ShareTerms};
use cahoots::proto::terminal::{DirectDown, DirectUp, Screen, Size, StreamEncoder, Wish};
use cahoots::proto::time::Wall;
use cahoots::proto::token::Access;
use cahoots::proto::wire::{Ack, CloseCode, Frame, Have, LaneNext, PassedOn, WireEntry};
use std::collections::BTreeSet;

const DAY_MS: u64 = 86_400_000;
const PANE: PaneId = PaneId(0);

/// The root that [`Table::new`] gives the owner.
fn root() -> SessionRoot {
    SessionRoot::from_seed([1; 32])
}

/// What it takes for a message to change something.
#[derive(Clone, Copy, Debug)]
enum Takes {
    /// This right, and it does.
    Right(Rights),
    /// What nobody has who is not the host, the owner or the author.
    MoreThanAnyRight,
}

/// A kind of message that Eve sends.
struct Message1 {
    name: &'static str,
    takes: Takes,
    make: fn(&Stage, &Eve) -> Vec<Frame>,
}
