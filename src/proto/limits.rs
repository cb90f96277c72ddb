//! The bounds of PROTOCOL.md 17, with their units in their names. Those of one node are in `relay::HallLimits`, those of a
//! listener in `io::quic::ListenLimits`.
//!
//! Always: section 17 says the same; `tests/it/tidy.rs` compares.

/// Longest frame body: 64 KiB of content and 256 bytes of overhead.
pub const FRAME_BODY_BYTES_MAX: usize = 65_792;
/// What a connection may send before it has proven possession.
pub const UNPROVEN_BYTES_MAX: usize = 4_096;
/// How long a connection may take to prove possession, in microseconds.
pub const UNPROVEN_US_MAX: u64 = 3_000_000;
/// Longest payload of a durable entry: leaves room for padding and header in a frame.
pub const DURABLE_PAYLOAD_BYTES_MAX: usize = 65_000;
/// How long a dialer waits for READY before it gives a connection up, in microseconds.
pub const HANDSHAKE_US_MAX: u64 = 10_000_000;
/// Operations in one change.
pub const CHANGE_OPS_MAX: usize = 4_096;
/// Dependencies of one change.
pub const CHANGE_DEPS_MAX: usize = 64;
/// Other actors that one change names.
pub const CHANGE_ACTORS_MAX: usize = 64;
/// Predecessors in one change: four values overwritten per operation.
pub const CHANGE_PREDS_MAX: usize = 4 * CHANGE_OPS_MAX;
/// Longest key of a map in a document, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 256;
/// Operations of one author in one document: a few bytes can hold thousands, and each takes memory at every replica.
pub const AUTHOR_OPS_MAX: u32 = 1 << 20;
/// Objects around an object of a document, and itself.
pub const OBJECT_DEPTH_MAX: u32 = 16;
/// Records of an auth log.
pub const LOG_RECORDS_MAX: usize = 4_096;
/// Bytes of an auth log, envelopes included: everybody reads all of it at every start.
pub const LOG_BYTES_MAX: usize = 4_194_304;
/// Lanes that one Cut record ends: its body stays below the 65,535 bytes that its length can say.
pub const CUTS_PER_RECORD_MAX: usize = 1_000;
/// Shares of a session.
pub const SHARES_MAX: usize = 64;
/// Members of a session that are connected at one time.
pub const MEMBERS_MAX: usize = 1_000;
/// Authors that a session has ever had.
pub const AUTHORS_MAX: usize = 4_096;
/// Of these, authors of durable entries: so that newcomers find a place whatever was written before.
pub const AUTHORS_STORED_MAX: usize = AUTHORS_MAX - 2 * MEMBERS_MAX;
/// Wraps of a session: one per share, passed-on ones included, and one per member that is wrapped for alone.
pub const WRAPS_MAX: usize = 2_048;
/// Shares that members passed on, in a session.
pub const PASSED_ON_MAX: usize = 64;
/// Names of unknown shares that one network may try within a minute: guesses at a passphrase.
pub const SHARE_GUESSES_PER_MINUTE: u32 = 5;
/// Inquiries of one network within a minute that a relay refuses before it looks at no more.
pub const INQUIRIES_REFUSED_PER_MINUTE: u32 = 5;
/// How long a challenge can be answered at least, in microseconds; twice as long at most.
pub const CHALLENGE_US: u64 = 30_000_000;
/// Challenges that are remembered because they have served, of those made within [`CHALLENGE_US`].
pub const CHALLENGES_SERVED_MAX: usize = 65_536;
/// Lanes that a connection may announce in HAVE frames: each author has two.
pub const HAVE_LANES_MAX: usize = 2 * AUTHORS_MAX;
/// Panes of a session.
pub const PANES_MAX: u16 = 64;
/// Fewest and most columns of a terminal.
pub const COLS: std::ops::RangeInclusive<u16> = 2..=1_000;
/// Fewest and most rows of a terminal.
pub const ROWS: std::ops::RangeInclusive<u16> = 2..=500;
/// Longest chat message, in bytes of UTF-8.
pub const CHAT_TEXT_BYTES_MAX: usize = 4_096;
/// Messages in one chat page; pages keep the cost of a remote message flat (Automerge pays per object).
pub const CHAT_PAGE_MESSAGES_MAX: usize = 128;
/// Longest name of a person, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 64;
/// Longest title, in bytes of UTF-8.
pub const TITLE_BYTES_MAX: usize = 256;
/// Raw terminal bytes in one entry.
pub const OUTPUT_BYTES_MAX: usize = 32_768;
/// Raw bytes of one keyframe, its parts joined.
pub const KEYFRAME_BYTES_MAX: usize = 1_048_576;
/// Lines that scrolled off, as escape sequences, that a newcomer is told, in bytes: a thousand, with some colour.
pub const HISTORY_BYTES_MAX: usize = 262_144;
/// One part of the answer with these lines and the screen, deflated, in bytes: what is typed waits behind one at most.
pub const HISTORY_PART_BYTES_MAX: usize = 16_384;
/// Parts of such an answer: together less than a relay lets wait for one connection.
pub const HISTORY_PARTS_MAX: u8 = 16;
/// Output that a newcomer keeps until the answer is here, in bytes; with more than that it fills its lines by itself.
pub const HISTORY_KEPT_BYTES_MAX: usize = 262_144;
/// Bytes typed in one entry.
pub const INPUT_BYTES_MAX: usize = 16_384;
/// Typed bytes that may wait at a member for the host to take them: a large paste.
pub const TYPED_BYTES_MAX: usize = 1_048_576;
/// Typed bytes on their way to the host before it has to confirm some: a queue of this size is nothing to a relay.
pub const TYPED_WINDOW_BYTES: usize = 262_144;
/// First wait for the host to confirm something before it is sent again, in microseconds.
///
/// Longer than a round trip over a bad path and the host's own wait; a host that comes back is noticed at once.
pub const TYPED_RETRY_US_MIN: u64 = 2_000_000;
/// Longest such wait, in microseconds; each is twice the one before.
pub const TYPED_RETRY_US_MAX: u64 = 16_000_000;
/// Typed bytes that may wait at the host for the programs to read them.
pub const TYPED_UNREAD_BYTES_MAX: usize = 1_048_576;
/// A line that a member types where the owner is asked about each, in bytes; as long as a terminal takes at most.
pub const LINE_BYTES_MAX: usize = 4_096;
/// Lines of one member on one pane that may wait for the owner.
pub const LINES_MAX: usize = 64;
/// Members of one pane whose lines are gathered at one time.
pub const LINE_MEMBERS_MAX: usize = 64;
/// The host's journal of one session, in bytes: a day of comings and goings of a hundred people.
pub const JOURNAL_BYTES_MAX: usize = 4_194_304;
/// Entries of epochs that are over which a host keeps for the audit, in bytes.
pub const ARCHIVE_BYTES_MAX: usize = 33_554_432;
/// A presence entry on the wire, in bytes: a name, a colour and a few places; what is longer is something else.
pub const PRESENCE_ENTRY_BYTES_MAX: usize = 4_096;
/// Direct entries waiting for one connection from which on their senders are slowed down, in bytes.
pub const DIRECT_QUEUE_BYTES_HIGH: usize = 262_144;
/// Direct entries that may wait for one connection, in bytes; beyond it somebody has to go.
pub const DIRECT_QUEUE_BYTES_MAX: usize = 2_097_152;
/// Live entries queued for one connection, in bytes.
pub const LIVE_QUEUE_BYTES_MAX: usize = 262_144;
/// Live entries that a relay keeps after the newest keyframe of a channel, in bytes.
pub const LIVE_KEPT_BYTES_MAX: usize = 2_097_152;
/// A publisher is asked for a keyframe of one channel no more often than this, in microseconds.
pub const KEYFRAME_WANT_US: u64 = 1_000_000;
/// Durable entries that a relay keeps for all its sessions, in bytes, where it keeps them in memory.
pub const MEMORY_STORE_BYTES_MAX: u64 = 4 * 1_073_741_824;
/// Durable entries that a relay keeps for one session, in bytes.
pub const DURABLE_KEPT_BYTES_MAX: usize = 268_435_456;
/// One part in so many of these is for the host's own: nobody's chat keeps it from saying what it shows.
pub const DURABLE_HOST_PART: u64 = 8;
/// What waits for its dependencies in one document, in bytes: all of a session, since a newcomer gets it lane by lane
/// and each lane builds on the others.
pub const ORPHANS_BYTES_MAX: usize = DURABLE_KEPT_BYTES_MAX;
/// Tolerated difference between clocks at live admission, in milliseconds. SECURITY: skew bound.
pub const CLOCK_SKEW_MS_MAX: u64 = 120_000;
/// Interval between heartbeats of a member at rest, in microseconds.
pub const HEARTBEAT_US: u64 = 5_000_000;
/// Silence after which a member or a connection counts as gone, in microseconds: three heartbeats.
pub const SILENCE_US_MAX: u64 = 3 * HEARTBEAT_US;

/// How fast one author may write: a bucket of tokens that fills again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rate {
    /// Tokens that come back in one second.
    pub per_s: u64,
    /// Tokens that a rested bucket holds.
    pub burst: u64,
}

/// Durable entries that one member brings.
///
/// A pause holds back all that the member sends, what it types too. So the rate has to let a member bring a relay that
/// lost everything its own history and that of others; how much an attacker can store is bounded by the room, not by
/// this.
pub const DURABLE_RATE: Rate = Rate { per_s: 1_000, burst: 20_000 };
/// The bytes of these entries.
pub const DURABLE_BYTES_RATE: Rate = Rate { per_s: 4_194_304, burst: 33_554_432 };
/// Chains and shares passed on that one member brings and that have to be checked: up to five signatures each, and
/// whoever holds a link can sign as many members as it likes. All that a session remembers pass at once.
pub const CHAIN_RATE: Rate = Rate { per_s: 500, burst: 5_000 };
/// Presence entries of one author: twice the fastest that PROTOCOL.md 13 asks for.
pub const PRESENCE_RATE: Rate = Rate { per_s: 30, burst: 60 };
/// Bytes of direct entries of one guest: a paste of 1 MiB passes at once.
pub const DIRECT_BYTES_RATE: Rate = Rate { per_s: 65_536, burst: 1_310_720 };
/// Bytes of the lines above screens that one guest is told, each answer counting for 16 KiB at least.
pub const HISTORY_BYTES_RATE: Rate = Rate { per_s: 65_536, burst: 1_048_576 };
/// Requests to a relay's HTTP API from one network: a dashboard that asks every second, a handful of scripts at once.
pub const API_RATE: Rate = Rate { per_s: 10, burst: 100 };

const _: () = assert!(CHAIN_RATE.burst > (AUTHORS_MAX + PASSED_ON_MAX) as u64, "a whole session passes at once");
const _: () = assert!(DIRECT_BYTES_RATE.burst > TYPED_BYTES_MAX as u64, "the largest paste passes at once");
const _: () = assert!(DIRECT_QUEUE_BYTES_MAX > DIRECT_QUEUE_BYTES_HIGH, "slowing down comes before sending away");
const _: () = assert!(HISTORY_PARTS_MAX as usize * HISTORY_PART_BYTES_MAX <= DIRECT_QUEUE_BYTES_HIGH, "one fits");
const _: () = assert!(HISTORY_BYTES_RATE.burst < DIRECT_QUEUE_BYTES_MAX as u64, "no answer cuts who has asked for it");
const _: () = assert!(TYPED_RETRY_US_MIN < TYPED_RETRY_US_MAX, "waits grow");
