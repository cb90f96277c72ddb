//! Section 17 of PROTOCOL.md against the constants: a bound that only one of them knows is a bug in the other's peer.

use super::read;
use cahoots::proto::limits::*;
use cahoots::proto::relay::HallLimits;

/// Whoever writes a second implementation has nothing but the text.
#[test]
fn section_17_says_what_the_code_does() {
    let protocol = read("PROTOCOL.md");
    let section = protocol.split("## 17. Limits").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
    });
    let found: Vec<_> = rows.filter(|(_, bound)| bound != "bound").collect();
    let expected: Vec<_> = [connections(), kept(), rates(), content(), typing()].concat();
    let expected: Vec<_> = expected.into_iter().map(|(what, bound)| (what.to_owned(), bound)).collect();
    assert_eq!(found, expected);
}

type Rows = Vec<(&'static str, String)>;

fn connections() -> Rows {
    let hall = HallLimits::default();
    vec![
        ("frame body", format!("{} B", grouped(FRAME_BODY_BYTES_MAX))),
        (
            "connections to a relay, by UDP and TCP together",
            format!("{}; {} from one network", grouped(hall.connections_max), listen::NETWORK),
        ),
        ("of these, not proven yet", grouped(hall.unproven_max)),
        ("handshakes of QUIC and TLS under way", listen::handshakes()),
        ("handshake of QUIC or TLS, first stream of QUIC", listen::times()),
        // QUIC's own, too.
        ("streams of a browser's connection, one-way", "2, 4".to_owned()),
        ("before AUTH", format!("{} B, {}", grouped(UNPROVEN_BYTES_MAX), seconds(UNPROVEN_US_MAX))),
        ("READY, as a dialer waits for it", seconds(HANDSHAKE_US_MAX)),
        // The gateway's own, which it shows to nobody.
        ("head of a request by HTTP; connection without a socket, its last answer", "10 s; 60 s, 120 s".to_owned()),
        ("silence", format!("PING after {}, over after {}", seconds(HEARTBEAT_US), seconds(SILENCE_US_MAX))),
        // QUIC's own, which no constant of the library shows.
        ("idle connection", "30 s, kept alive every 10 s by the dialer".to_owned()),
        ("on the way to an acceptor, to a dialer", "256 KiB, 1 MiB".to_owned()),
    ]
}

fn kept() -> Rows {
    let hall = HallLimits::default();
    let (hours, minutes) = (hall.idle_us_max / 3_600_000_000, hall.ended_us_max / 60_000_000);
    let direct = format!("{}, {}", binary(DIRECT_QUEUE_BYTES_HIGH), binary(DIRECT_QUEUE_BYTES_MAX));
    let (before, after) = (binary(LIVE_QUEUE_BYTES_MAX), binary(LIVE_KEPT_BYTES_MAX));
    let (room, hosts) = (hall.durable_bytes_max as usize, (hall.durable_bytes_max / DURABLE_HOST_PART) as usize);
    let authors = format!("{}; {} with durable entries", grouped(AUTHORS_MAX), grouped(AUTHORS_STORED_MAX));
    let all = binary(MEMORY_STORE_BYTES_MAX as usize);
    let Rate { per_s, burst } = API_RATE;
    let asking = format!("{per_s}/s, burst {burst}; {INQUIRIES_REFUSED_PER_MINUTE} a minute");
    let stored = format!("{}, {} of it for the host's own; {all}", binary(room), binary(hosts));
    vec![
        ("sessions", grouped(hall.sessions_max)),
        ("session without connections, after its End", format!("{hours} h, {minutes} min")),
        ("members connected to a session", grouped(MEMBERS_MAX)),
        ("authors of a session that are remembered", authors),
        ("wraps of a session, passed-on shares", format!("{}, {PASSED_ON_MAX}", grouped(WRAPS_MAX))),
        ("names of unknown shares tried, per network", format!("{SHARE_GUESSES_PER_MINUTE} a minute")),
        ("requests to the HTTP API but `health`, of them refused inquiries, per network", asking),
        ("challenges that have served, of one turn", grouped(CHALLENGES_SERVED_MAX)),
        ("durable entries of a session, of all", stored),
        ("lanes in HAVE of one connection", grouped(HAVE_LANES_MAX)),
        ("live entries of a channel", format!("newest keyframe, {before} before it and {after} after it")),
        ("live entries of a session", binary(hall.live_bytes_max as usize)),
        ("live entries that a connection is behind", before),
        ("direct entries that wait for a connection", direct),
    ]
}

fn rates() -> Rows {
    let entries = |rate: Rate| format!("{}/s, burst {}", grouped(rate.per_s as usize), grouped(rate.burst as usize));
    let bytes = |rate: Rate| format!("{}/s, burst {}", binary(rate.per_s as usize), binary(rate.burst as usize));
    let durable = format!("{}; {}", entries(DURABLE_RATE), bytes(DURABLE_BYTES_RATE));
    vec![
        ("durable entries, its own or not", durable),
        ("chains of members and shares that are new", entries(CHAIN_RATE)),
        ("presence entries", format!("{}; {} B each", entries(PRESENCE_RATE), grouped(PRESENCE_ENTRY_BYTES_MAX))),
        ("bytes of direct entries to the host", bytes(DIRECT_BYTES_RATE)),
        ("bytes of HISTORY to it (15.2), 16 KiB for each answer at least", bytes(HISTORY_BYTES_RATE)),
        ("WANT_KEYFRAME for one channel", format!("{}/s", 1_000_000 / KEYFRAME_WANT_US)),
    ]
}

fn content() -> Rows {
    let change = [CHANGE_OPS_MAX, CHANGE_PREDS_MAX, CHANGE_DEPS_MAX, CHANGE_ACTORS_MAX].map(grouped).join(", ");
    let chat = format!("{}, {CHAT_PAGE_MESSAGES_MAX}", binary(CHAT_TEXT_BYTES_MAX));
    let (cols, rows) = (grouped((*COLS.end()).into()), grouped((*ROWS.end()).into()));
    let size = format!("{}–{cols} columns × {}–{rows} rows", COLS.start(), ROWS.start());
    let output = format!("{} B, {} B", grouped(OUTPUT_BYTES_MAX), grouped(KEYFRAME_BYTES_MAX));
    let passing = binary(JOURNAL_BYTES_MAX / 4 * 3);
    let journal = format!("{}; of who comes and goes (types 1 to 3) none behind {passing}", binary(JOURNAL_BYTES_MAX));
    vec![
        ("auth log", format!("{} records, {}", grouped(LOG_RECORDS_MAX), binary(LOG_BYTES_MAX))),
        ("shares, panes of a session", format!("{SHARES_MAX}, {PANES_MAX}")),
        ("durable payload", format!("{} B", grouped(DURABLE_PAYLOAD_BYTES_MAX))),
        ("operations, predecessors, dependencies, other actors of a change", change),
        ("map key, depth of objects", format!("{KEY_BYTES_MAX} B, {OBJECT_DEPTH_MAX}")),
        ("operations of one author in one document", grouped(AUTHOR_OPS_MAX as usize)),
        ("changes that wait for others, per document", binary(ORPHANS_BYTES_MAX)),
        ("chat message, messages on a page", chat),
        ("name", format!("{NAME_BYTES_MAX} B")),
        ("title", format!("{TITLE_BYTES_MAX} B")),
        ("terminal size", size),
        ("output in one entry, keyframe", output),
        ("lines in HISTORY, as many as a host keeps", format!("{} B, 1,000", grouped(HISTORY_BYTES_MAX))),
        ("output that a guest keeps until HISTORY is there", binary(HISTORY_KEPT_BYTES_MAX)),
        ("input in one entry", format!("{} B", grouped(INPUT_BYTES_MAX))),
        ("journal of a host", journal),
        ("entries of past epochs that a host keeps for the audit", binary(ARCHIVE_BYTES_MAX)),
    ]
}

fn typing() -> Rows {
    let waits = format!("{}, doubled up to {}", seconds(TYPED_RETRY_US_MIN), seconds(TYPED_RETRY_US_MAX));
    let lines = format!("{} B, {LINES_MAX}, {LINE_MEMBERS_MAX}", grouped(LINE_BYTES_MAX));
    vec![
        ("line to be let pass, such lines of a member and pane, members with any on a pane", lines),
        (
            "typed and not acknowledged, of these on the way",
            format!("{}, {}", binary(TYPED_BYTES_MAX), binary(TYPED_WINDOW_BYTES)),
        ),
        ("wait for an ACK before typing is sent again", waits),
        ("taken by the host and not read by its programs", binary(TYPED_UNREAD_BYTES_MAX)),
    ]
}

/// What a listener allows; only there with the transport.
#[cfg(feature = "net")]
mod listen {
    use super::grouped;
    use cahoots::io::quic::ListenLimits;

    const RELAY: ListenLimits = ListenLimits::RELAY;
    pub(super) const NETWORK: usize = RELAY.connections_per_network_max;

    pub(super) fn handshakes() -> String {
        let (all, one) = (RELAY.handshakes_unproven_max, RELAY.handshakes_unproven_per_network_max);
        let proof = format!("by QUIC a sender proves its address (Retry) from {all}, or {one} from one network");
        format!("{}; {proof}", grouped(RELAY.handshakes_max))
    }

    pub(super) fn times() -> String {
        format!("{} s, {} s", RELAY.handshake.as_secs(), RELAY.first_stream.as_secs())
    }
}

#[cfg(not(feature = "net"))]
mod listen {
    pub(super) const NETWORK: usize = 64;

    pub(super) fn handshakes() -> String {
        "1,024; by QUIC a sender proves its address (Retry) from 256, or 8 from one network".to_owned()
    }

    pub(super) fn times() -> String {
        "10 s, 3 s".to_owned()
    }
}

fn seconds(us: u64) -> String {
    format!("{} s", us / 1_000_000)
}

/// Writes `1234567` as `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes bytes in the largest unit that is not below one: `64 KiB`, `1.25 MiB`.
fn binary(bytes: usize) -> String {
    let units = [("GiB", 1_usize << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let (unit, size) = units.into_iter().find(|(_, size)| bytes >= *size).unwrap_or(("B", 1));
    format!("{} {unit}", bytes as f64 / size as f64)
}
