//! Every bound of PROTOCOL.md 17 in one place, with its unit in its name.

/// Longest frame body: 64 KiB of content and 256 bytes of overhead.
pub const FRAME_BODY_BYTES_MAX: usize = 65_792;
/// What a connection may send before it has proven possession.
pub const UNPROVEN_BYTES_MAX: usize = 4_096;
/// How long a connection may take to prove possession, in microseconds.
pub const UNPROVEN_US_MAX: u64 = 3_000_000;
/// Longest payload of a durable entry: leaves room for padding and header in a frame.
pub const DURABLE_PAYLOAD_BYTES_MAX: usize = 65_000;
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
/// Records of an auth log.
pub const LOG_RECORDS_MAX: usize = 4_096;
/// Shares of a session.
pub const SHARES_MAX: usize = 64;
/// Members of a session that are connected at one time.
pub const MEMBERS_MAX: usize = 1_000;
/// Authors that a session has ever had.
pub const AUTHORS_MAX: usize = 4_096;
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
/// Bytes typed in one entry.
pub const INPUT_BYTES_MAX: usize = 16_384;
/// Live entries queued for one connection, in bytes.
pub const LIVE_QUEUE_BYTES_MAX: usize = 262_144;
/// Live entries that a relay keeps after the newest keyframe of a channel, in bytes.
pub const LIVE_KEPT_BYTES_MAX: usize = 2_097_152;
/// Durable entries that a relay keeps for one session, in bytes.
pub const DURABLE_KEPT_BYTES_MAX: usize = 268_435_456;
/// What waits for its dependencies in one document, in bytes: all of a session, since a newcomer gets it lane by lane
/// and each lane builds on the others.
pub const ORPHANS_BYTES_MAX: usize = DURABLE_KEPT_BYTES_MAX;
/// Tolerated difference between clocks at live admission, in milliseconds. SECURITY: skew bound.
pub const CLOCK_SKEW_MS_MAX: u64 = 120_000;
/// Interval between heartbeats of a member at rest, in microseconds.
pub const HEARTBEAT_US: u64 = 5_000_000;
/// Silence after which a member or a connection counts as gone, in microseconds: three heartbeats.
pub const SILENCE_US_MAX: u64 = 3 * HEARTBEAT_US;
