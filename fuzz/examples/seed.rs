//! Writes the seeds of all corpora from `tests/vectors`: `cargo run --manifest-path fuzz/Cargo.toml --example seed`.
//!
//! Seeds that stand there already are written again, findings beside them stay.

use cahoots::proto::doc::{DocKind, Document, PaneInfo, PaneStatus};
use cahoots::proto::id::{AuthorId, PaneId};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn main() {
    certificates();
    log_and_wraps();
    frames();
    entries();
    tokens();
    terminals();
    direct_payloads();
    documents();
    relays();
    sessions();
    growth();
    proofs_and_shares();
    checkpoints();
    generations();
    audits();
}

/// Fields of JSON objects, by path, of all elements of a list.
fn hex_of(list: &Value, field: &str) -> Vec<Vec<u8>> {
    list.as_array().into_iter().flatten().map(|case| hex(&case[field])).collect()
}

fn certificates() {
    let file = vectors("certificates");
    let certs = hex_of(&file["share_certs"], "bytes");
    save("share_cert", "good", certs);
    let members = [hex_of(&file["member_certs"], "bytes"), hex_of(&file["chains"], "body")].concat();
    save("member_cert", "good", members);
    save("member_cert", "refused", hex_of(&file["refused_chains"], "body"));
    for case in file["refused_certs"].as_array().into_iter().flatten() {
        let target = if case["type"] == "share" { "share_cert" } else { "member_cert" };
        save(target, &format!("refused-{}", slug(&case["why"])), vec![hex(&case["bytes"])]);
    }
}

fn log_and_wraps() {
    let file = vectors("authlog");
    let records = hex_of(&file["records"], "bytes");
    save("authlog", "good", vec![pieces(&records)]);
    for case in file["refused"].as_array().into_iter().flatten() {
        let after = case["after"].as_u64().unwrap_or_default() as usize;
        let log = [&records[..after], &[hex(&case["bytes"])]].concat();
        save("authlog", &format!("refused-{}", slug(&case["why"])), vec![pieces(&log)]);
    }
    let file = vectors("epoch");
    save("wrap", "good", hex_of(&file["wraps"], "wrap"));
    save("wrap", "refused", hex_of(&file["refused"], "wrap"));
}

fn frames() {
    let file = vectors("frames");
    let valid = hex_of(&file["valid"], "frame");
    save("frame_decoder", "all", vec![[&[7], &valid.concat()[..]].concat()]);
    save("frame_decoder", "good", valid.iter().map(|frame| [&[3], &frame[..]].concat()).collect());
    let refused = hex_of(&file["refused"], "frame");
    save("frame_decoder", "refused", refused.iter().map(|frame| [&[1], &frame[..]].concat()).collect());
}

fn entries() {
    let file = vectors("entries");
    for lane in file["lanes"].as_array().into_iter().flatten() {
        save("entry", &slug(&lane["name"]), vec![pieces(&hex_of(&lane["entries"], "wire"))]);
    }
    for list in ["refused_durable", "refused_wire", "wire_only"] {
        save(
            "entry",
            list,
            hex_of(&file[list], "wire").iter().map(|wire| pieces(std::slice::from_ref(wire))).collect(),
        );
    }
}

fn tokens() {
    let file = vectors("token");
    for (list, field) in [("valid", "token"), ("refused", "text"), ("links", "link")] {
        let texts = file[list].as_array().into_iter().flatten();
        save("token", list, texts.map(|case| case[field].as_str().unwrap_or_default().into()).collect());
    }
    save("token", "relay", vec![b"relay.example:4434#fp=00".to_vec(), b"[2001:db8::1]:9".to_vec()]);
}

fn terminals() {
    let entry =
        |case: &Value| [&[case["kind"].as_u64().unwrap_or_default() as u8], &hex(&case["plaintext"])[..]].concat();
    let file = vectors("terminal");
    for stream in file["streams"].as_array().into_iter().flatten() {
        let parts: Vec<_> = stream["entries"].as_array().into_iter().flatten().map(entry).collect();
        save("terminal_stream", &slug(&stream["name"]), vec![pieces(&parts)]);
    }
    for case in file["refused"].as_array().into_iter().flatten() {
        save("terminal_stream", &format!("refused-{}", slug(&case["why"])), vec![pieces(&[entry(case)])]);
    }
    let outputs: [&str; 8] = [
        "plain text\r\nand more\r\n",
        "\x1b[?1049h\x1b[2J\x1b[1;31mred\x1b[0m\x1b[10;10Hthere\x1b[?1049l",
        "\x1b]2;a title\x07\x1b[22t\x1b]2;another\x1b\\\x1b[23t",
        "w\u{301}界👩\u{200d}👧\x1b[5b\x1b[3D\x1b[2P\x1b[4@",
        "\x1b[2;4r\n\n\n\x1bM\x1bM\x1b[3L\x1b[2M\x1b[r",
        "\x1b[38;5;200m\x1b[48;2;1;2;3mx\x1b[7;9m\x1b[?25l\x1b[?2004h\x1b[?1003h\x1b[?1006h",
        "\x1b(0lqqk\x1b(B\x1b7\x1b[20;70Hfar\x1b8near\x1bc",
        "\x1b[?7l0123456789012345678901234567890\x1b[?7h\x1b[4hinsert\x1b[4l\t\t\x1b[I\x08\x1b#8",
    ];
    let seed = |output: &&str| [&[20, 5, 3], output.as_bytes()].concat();
    save("screen", "output", outputs.iter().map(seed).collect());
}

/// Payloads behind the kind of their entry; what goes down has none, and is tried both ways.
fn direct_payloads() {
    let kind = |case: &Value| case["kind"].as_u64().unwrap_or(2) as u8;
    let seed = |case: &Value| [&[kind(case)], &hex(&case["bytes"])[..]].concat();
    let seeds = |list: &Value| list.as_array().into_iter().flatten().map(seed).collect::<Vec<_>>();
    let file = vectors("directpayload");
    for list in ["up", "down", "refused_up", "refused_down"] {
        save("direct_payload", list, seeds(&file[list]));
    }
    let file = vectors("owning");
    for list in ["commands", "answered", "desks", "refused_commands", "refused_answered", "refused_desks"] {
        save("direct_payload", list, seeds(&file[list]));
    }
    // A few lines of many, good and bad, say enough: the rest is for the fuzzer to find.
    let lines = [&file["lines"], &file["refused_lines"]].into_iter().filter_map(Value::as_array);
    let lines: Vec<&Value> = lines.flat_map(|list| list.iter().take(8)).collect();
    for field in ["answer", "desk"] {
        let seeds = lines.iter().map(|case| [&[2], &hex(&case[field])[..]].concat());
        save("direct_payload", &format!("line-{field}"), seeds.collect());
    }
}

fn documents() {
    let file = vectors("chat");
    let lines: Vec<Vec<u8>> =
        hex_of(&file["valid"], "payload").iter().map(|line| [&[0x81], &line[..]].concat()).collect();
    save("gate", "chat", vec![[vec![1], pieces(&lines)].concat()]);
    let refused = hex_of(&file["refused"], "payload");
    let refused = refused.iter().map(|line| [vec![1], pieces(&[[&[0x81], &line[..]].concat()])].concat());
    save("gate", "chat-refused", refused.collect());
    save("gate", "state", vec![[vec![0], pieces(&state_changes())].concat()]);
    let cut = |mode: u8, changes: &[Vec<u8>]| [&[mode, 1, 2, 0], &pieces(changes)[..]].concat();
    let (chat, state) = ([3, 5, 9], [2, 4, 6, 14]);
    save("retract", "chat", chat.iter().map(|mode| cut(*mode, &lines)).collect());
    save("retract", "state", state.iter().map(|mode| cut(*mode, &state_changes())).collect());

    let file = vectors("presence");
    let seed = |chunk: &Vec<u8>| [&[1], &chunk[..]].concat();
    save("presence", "good", hex_of(&file["valid"], "chunk").iter().map(seed).collect());
    save("presence", "refused", hex_of(&file["refused"], "chunk").iter().map(seed).collect());
}

/// Two members who edit the state in turn, each change behind the byte that names its author.
fn state_changes() -> Vec<Vec<u8>> {
    let file = vectors("direct");
    let id = |field: &str| AuthorId(hex(&file[field]).try_into().expect("an author id"));
    let mut documents = [Document::new(DocKind::State, id("host_id")), Document::new(DocKind::State, id("guest_id"))];
    let mut changes = Vec::new();
    for step in 0..8 {
        let who = step % 2;
        let payload = edit(&mut documents[who], step).expect("each step changes something");
        let author = documents[who].author();
        documents[1 - who].handle_payload(author, payload.clone().into());
        documents[1 - who].flush();
        changes.push([&[0x80 | who as u8], &payload[..]].concat());
    }
    changes
}

fn edit(document: &mut Document, step: usize) -> Option<Vec<u8>> {
    let pane =
        PaneInfo { title: "shell".into(), command: "sh".into(), cols: 80, rows: 24, status: PaneStatus::Running };
    let payload = match step {
        0 => document.set_title("a title"),
        1 => document.edit_notes(0, 0, "some notes"),
        2 => document.set_pane(PaneId(0), &pane),
        3 => document.edit_notes(2, 3, "more"),
        4 => document.set_app("key", "{\"a\":1}"),
        5 => document.set_title("another title"),
        6 => document.set_pane(PaneId(0), &PaneInfo { status: PaneStatus::Exited { code: 3 }, ..pane }),
        _ => document.remove_pane(PaneId(0)),
    };
    payload.expect("the edit is fine").map(|payload| payload.to_vec())
}

/// Steps of `relay_hall`: what, which connection, argument.
fn relays() {
    let have = [0x0b, 2, 1, 1, 0x0b, 2, 2, 1];
    let have = |seat: u8| [&[1, seat], &have[..]].concat();
    let join = |seat: u8, who: u8| vec![vec![0, seat, who], vec![4, seat], vec![5, seat], have(seat)];
    let log: Vec<Vec<u8>> = (0..5).map(|n| vec![7, 0, n]).collect();
    let entry = |seat: u8, channel: u8, kind: u8, content: &[u8]| [&[6, seat, channel, kind], content].concat();
    let start = [join(0, 0), log, join(1, 1)].concat();
    let talk = vec![
        entry(0, 1, 1, b"state"),
        entry(1, 2, 1, b"chat"),
        entry(1, 2, 1, b"more chat"),
        entry(0, 3, 1, b"presence"),
        entry(1, 4, 1, &[1; 40]),
        entry(0, 5, 1, &[2; 40]),
        [&[1, 1], &hex(&Value::from("0e0110"))[..]].concat(),
        entry(0, 16, 5, b"keyframe"),
        entry(0, 16, 1, b"output"),
        vec![3, 0, 0x88, 0x13],
    ];
    let frames = hex_of(&vectors("frames")["valid"], "frame");
    let say = |frame: &Vec<u8>| [&[1, 2], &frame[..]].concat();
    save("relay_hall", "join", vec![pieces(&start)]);
    save("relay_hall", "talk", vec![pieces(&[start.clone(), talk.clone()].concat())]);
    let back = [vec![vec![2, 1]], join(2, 1), talk.clone()].concat();
    save("relay_hall", "rejoin", vec![pieces(&[start.clone(), talk.clone(), back].concat())]);
    let records = |numbers: std::ops::Range<u8>| numbers.map(|n| vec![7, 0, n]).collect::<Vec<_>>();
    let later = |epoch: u8| {
        vec![
            entry(0, 1 | epoch << 7, 1, b"state"),
            entry(1, 2 | epoch << 7, 1, b"chat"),
            entry(2, 2 | epoch << 7, 1, b"knocking"),
            entry(0, 6 | epoch << 7, 1, b"segment"),
        ]
    };
    let rekey = [start.clone(), talk.clone(), records(5..10), later(1), later(0), records(10..15)].concat();
    save("relay_hall", "rekey", vec![pieces(&rekey)]);
    let knock = [start.clone(), records(5..6), join(2, 4), talk.clone(), later(0), records(6..7), later(0), join(3, 5)];
    save("relay_hall", "knock", vec![pieces(&knock.concat())]);
    let pass_on = vec![vec![8, 0, 3, 9], vec![8, 0, 5, 9], vec![10, 0, 1], vec![10, 0, 0x81], vec![10, 1, 1]];
    save("relay_hall", "passed-on", vec![pieces(&[start.clone(), pass_on, join(2, 3), later(0)].concat())]);
    let prove = vec![vec![9, 1, 1, 2, 0, 1], vec![9, 0, 0, 1, 0, 0], vec![9, 1, 1, 2, 0, 1]];
    save("relay_hall", "proof", vec![pieces(&[start.clone(), talk.clone(), prove, later(0)].concat())]);
    save("relay_hall", "close", vec![pieces(&[start.clone(), records(5..15), talk].concat())]);
    let silence = vec![vec![3, 0, 0x98, 0x3a]; 3];
    save("relay_hall", "silence", vec![pieces(&[start.clone(), silence].concat())]);
    let strangers = [vec![vec![0, 2, 0]], frames.iter().map(say).collect()].concat();
    save("relay_hall", "stranger", vec![pieces(&strangers)]);
    let anything = frames.iter().map(|frame| [&[1, 1], &frame[..]].concat());
    save("relay_hall", "member", anything.map(|frame| pieces(&[start.clone(), vec![frame]].concat())).collect());
}

/// Steps of `peers`: what, at whom, argument.
fn sessions() {
    let step = |what: u8, who: u8, argument: &[u8]| [&[what, who], argument].concat();
    let (settle, tick) = (step(0, 0, &[]), step(9, 0, &100_u16.to_le_bytes()));
    let talk = vec![
        step(10, 0, b"hello"),
        step(11, 1, b"edit"),
        step(12, 1, b"ls\r"),
        tick.clone(),
        settle.clone(),
        step(13, 0, b"a b c\r\n"),
        tick.clone(),
        settle.clone(),
        step(10, 1, b"hi"),
        tick.clone(),
        settle.clone(),
    ];
    save("peers", "talk", vec![pieces(&talk)]);
    let late = vec![step(8, 1, &[]), step(2, 1, &[]), step(3, 1, &[]), settle.clone(), step(10, 3, b"may not")];
    save("peers", "reconnect", vec![pieces(&[talk.clone(), late].concat())]);
    let traitor = (1..4).map(|channel| step(14, 0, &[channel, 1, 0])).chain([settle.clone()]).collect();
    save("peers", "traitor", vec![pieces(&[talk.clone(), traitor].concat())]);
    let repeats = (0..40_u16).map(|n| step(6, (n % 4) as u8, &(7 * n).to_le_bytes())).collect();
    save("peers", "repeats", vec![pieces(&[talk.clone(), repeats].concat())]);
    let revoke = vec![step(15, 2, &[0]), settle.clone(), step(10, 0, b"without you"), tick, settle.clone()];
    save("peers", "revoke", vec![pieces(&[talk.clone(), revoke].concat())]);
    let end = vec![step(15, 0, &[2]), settle];
    save("peers", "end", vec![pieces(&[talk.clone(), end].concat())]);
    let frames = hex_of(&vectors("frames")["valid"], "frame");
    let anything = frames.iter().enumerate().map(|(n, frame)| step(7, n as u8, frame)).collect();
    save("peers", "frames", vec![pieces(&[talk, anything].concat())]);
}

/// Records of `log_growth`: a type and a body, or what to make of the cast.
fn growth() {
    let file = vectors("authlog");
    let records = file["records"].as_array().into_iter().flatten();
    let plain: Vec<_> = records
        .map(|record| [&[record["type"].as_u64().unwrap_or_default() as u8], &hex(&record["body"])[..]].concat())
        .collect();
    save("log_growth", "vectors", vec![pieces(&plain)]);
    let start: [&[u8]; 6] = [&[0x80], &[0x82, 0], &[0x82, 1], &[0x82, 4], &[0x83], &[0x84, 0]];
    let epochs: [&[u8]; 12] = [
        &[0x89, 4],
        &[0x87, 1, 0, 0, 3, 2, 1, 0, 5],
        &[0x85, 1, 0, 2],
        &[0x83],
        &[0x88, 1, 2, 7],
        &[0x88, 2, 1, 7],
        &[0x85, 3, 0, 0],
        &[0x87, 2, 1, 1, 9],
        &[0x89, 5],
        &[0x85, 4, 0, 0],
        &[0x83],
        &[0x86],
    ];
    let seed: Vec<Vec<u8>> = start.iter().chain(&epochs).map(|piece| piece.to_vec()).collect();
    save("log_growth", "epochs", vec![pieces(&seed)]);
}

fn proofs_and_shares() {
    let file = vectors("proof");
    save("proof", "good", hex_of(&file["valid"], "proof"));
    save("proof", "refused", hex_of(&file["refused"], "proof"));
    let halves = |one: &[u8], two: &[u8]| [vec![0x83], pieces(&[one.to_vec(), two.to_vec()])].concat();
    save(
        "proof",
        "signed",
        vec![halves(&[1, 2, 0, 1, 0, 7], &[1, 2, 0, 1, 0, 8]), halves(&[1, 2, 0, 1, 0], &[1, 2, 1, 1, 0])],
    );
    let file = vectors("passedon");
    save("passed_on", "good", hex_of(&file["cases"], "body"));
    save("passed_on", "sealed", vec![vec![0x80, 0x50, 7, 31, 0x80], vec![0x80, 0x50, 7, 0, 0, 3, 1, 200, 1]]);
}

/// What a host saved, whole and with a change at some place; and what is none, in the form that is refused.
fn checkpoints() {
    let file = vectors("checkpoint");
    let plaintexts = |list: &Value| hex_of(list, "plaintext");
    let mut taken = plaintexts(&file["refused"]);
    for (mode, document) in [(1, &file["documents"][0]), (0, &file["documents"][1])] {
        taken.extend(plaintexts(&document["plaintexts"]));
        let author = |case: &Value| if case["author_id"] == vectors("direct")["host_id"] { 0x80 } else { 0x81 };
        let changes = document["changes"].as_array().into_iter().flatten();
        let changes: Vec<Vec<u8>> =
            changes.map(|case| [&[author(case)], &hex(&case["payload"])[..]].concat()).collect();
        let places: [&[u8]; 6] =
            [&[], &[0, 0, 1, 1], &[33, 0, 1, 3], &[36, 0, 1, 2], &[60, 0, 0, 7], &[0xff, 0xff, 0, 0]];
        let seeds = places.map(|place| [&[mode], &pieces(&[&[place.to_vec()], &changes[..]].concat())[..]].concat());
        save("checkpoint", if mode == 1 { "chat" } else { "state" }, seeds.to_vec());
    }
    let seeds = taken.iter().map(|plaintext| [&[3], &plaintext[..]].concat());
    save("checkpoint", "plaintext", seeds.collect());
    save(
        "checkpoint",
        "edits",
        vec![[&[0], &pieces(&[&[vec![40, 0, 2, 1]], &state_changes()[..]].concat())[..]].concat()],
    );
}

/// Documents that begin anew.
fn generations() {
    let file = vectors("generation");
    for case in file["cases"].as_array().into_iter().flatten() {
        let kind = u8::from(case["kind"] == "chat") | (case["lines"].as_u64().unwrap_or_default() as u8) << 1;
        let ada = &vectors("direct")["host_id"];
        let changes = case["changes"].as_array().into_iter().flatten();
        let author = |change: &Value| if &change["author_id"] == ada { 0x80 } else { 0x81 };
        let changes: Vec<_> =
            changes.map(|change| [&[author(change)], &hex(&change["payload"])[..]].concat()).collect();
        save("generation", &slug(&case["name"]), vec![[vec![kind], pieces(&changes)].concat()]);
    }
    save("generation", "edits", vec![[vec![0], pieces(&state_changes())].concat()]);
}

/// Files as they are, and what the host and the members sign in one.
fn audits() {
    let file = vectors("audit");
    let whole = ["whole", "by_a_guest", "with_a_key_that_opens_nothing", "with_a_name_that_cannot_be_shown"];
    save("audit", "file", whole.map(|name| hex(&file[name])).to_vec());
    let whole = hex(&file["whole"]);
    // Most differ near their end; a few of each kind say enough.
    for case in file["refused"].as_array().into_iter().flatten().step_by(7) {
        let same = case["same"].as_u64().unwrap_or_default() as usize;
        save("audit", &format!("refused-{}", slug(&case["why"])), vec![[&whole[..same], &hex(&case["rest"])].concat()]);
    }
    let guest = hex(&vectors("direct")["guest_id"]);
    let share = hex(&vectors("keys")["shares"][1]["share_id"]);
    let joined = [&[0, 1], &guest[..], &share, &[0x1f], b"Ben"].concat();
    let typed = [&[1, 4], &[1, 0][..], &5_u64.to_le_bytes(), &9_u64.to_le_bytes(), &3_u64.to_le_bytes(), &[4], &[0; 7]];
    let lines = hex_of(&vectors("chat")["valid"], "payload");
    let said = lines.iter().map(|line| [&[2, 1], &line[..]].concat());
    let policy = [&[0, 5, 1, 0, 1], &60_000_u64.to_le_bytes()[..]].concat();
    let start = vec![joined, policy, [&[0, 6, 1, 0], &guest[..]].concat(), typed.concat(), vec![0, 6, 1, 0]];
    let notes = [start, [2, 3, 4].map(|kind| [&[0, kind], &guest[..]].concat()).to_vec()].concat();
    let all = [notes.clone(), said.collect(), vec![vec![3, 2, 7], vec![0, 8]]].concat();
    let seed = |place: u8, steps: &[Vec<u8>]| [&[0x80 | place], &pieces(steps)[..]].concat();
    save("audit", "signed", vec![seed(0, &notes), seed(20, &all), seed(9, &[vec![2, 1, 0]]), seed(1, &[])]);
}

/// Puts each piece behind its length as a `u16`.
fn pieces(pieces: &[Vec<u8>]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| [&(piece.len() as u16).to_le_bytes(), &piece[..]].concat()).collect()
}

fn save(target: &str, name: &str, seeds: Vec<Vec<u8>>) {
    let folder = here().join("corpus").join(target);
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let many = seeds.len() > 1;
    for (n, seed) in seeds.iter().enumerate() {
        let file = if many { format!("{name}-{n:02}") } else { name.to_owned() };
        std::fs::write(folder.join(file), seed).expect("the seed can be written");
    }
}

fn vectors(name: &str) -> Value {
    let path = here().join("../tests/vectors").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are there")).expect("they are JSON")
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("a digit")).collect()
}

fn slug(name: &Value) -> String {
    let name = name.as_str().unwrap_or_default();
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
