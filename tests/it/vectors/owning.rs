//! What holders of own links have the host do, what comes of it, and what waits for their word.

use super::fields::{Fields, bytes};
use super::vectors;
use cahoots::proto::id::{AuthorId, PaneId, SessionId, ShareId};
use cahoots::proto::share::ShareFlags;
use cahoots::proto::terminal::{Command, Desk, DirectDown, DirectUp, Driving, Objection, Outcome, Seed, Wanted};
use cahoots::proto::token::{Access, Token};
use serde_json::Value;

/// The kind of entry that carries a command: what types is checked by another.
const REQUEST: u8 = 2;

/// A link that is closed in place of another, or somebody let in who was to be turned away, cannot be taken back.
#[test]
fn commands_have_their_bytes() {
    for case in vectors!("owning").list("commands") {
        let up = DirectUp::Command(command(case));
        assert_eq!(up.kind(), REQUEST, "{case}");
        assert_eq!(up.encode(), case.bytes("bytes"), "{case}");
        assert_eq!(DirectUp::decode(REQUEST, &case.bytes("bytes")), Ok(up), "{case}");
    }
}

/// The host does what it was told or nothing.
#[test]
fn malformed_commands_are_refused() {
    for case in vectors!("owning").list("refused_commands") {
        DirectUp::decode(case.small("kind"), &case.bytes("bytes")).map(drop).expect_err(case.text("why"));
    }
}

/// The link that somebody gives away is the one that the host made.
#[test]
fn answers_to_commands_have_their_bytes() {
    let file = vectors!("owning");
    for case in file.list("answered") {
        let outcome = match case.text("type") {
            "made" => {
                let (access, seed) = (access(case), case.array("seed"));
                let token = Token::new(access, &SessionId(file.array("session_id")), seed, ShareFlags::NONE);
                assert_eq!(token.reveal(), case.text("token"));
                Outcome::Made { access, seed: Seed(seed) }
            }
            "not" => Outcome::Not(objection(case.number("reason"))),
            _ => Outcome::Done,
        };
        let down = DirectDown::Answered { seq: case.number("seq"), outcome };
        assert_eq!(down.encode(), case.bytes("bytes"), "{case}");
        assert_eq!(DirectDown::decode(&case.bytes("bytes")), Ok(down), "{case}");
    }
    for case in file.list("refused_answered") {
        DirectDown::decode(&case.bytes("bytes")).map(drop).expect_err(case.text("why"));
    }
}

/// Who is let in, who drives and which line passes is said by what the desk shows.
#[test]
fn desks_have_their_bytes() {
    let file = vectors!("owning");
    for case in file.list("desks") {
        let waiting = case.list("waiting").iter().map(|author| AuthorId(bytes(author).try_into().expect("16 bytes")));
        let line = |line: &Value| (pane(line), author(line), line.text("line").to_owned());
        let desk = Desk {
            waiting: waiting.collect(),
            wishes: case.list("wishes").iter().map(|wish| (pane(wish), author(wish))).collect(),
            lines: case.list("lines").iter().map(line).collect(),
        };
        let lines = desk.lines.iter().map(|(pane, author, line)| (*pane, *author, line.as_str()));
        assert_eq!(Desk::new(desk.waiting.clone(), desk.wishes.clone(), lines), desk, "{case}");
        let down = DirectDown::Desk(desk);
        assert_eq!(down.encode(), case.bytes("bytes"), "{case}");
        assert_eq!(DirectDown::decode(&case.bytes("bytes")), Ok(down), "{case}");
    }
    for case in file.list("refused_desks") {
        DirectDown::decode(&case.bytes("bytes")).map(drop).expect_err(case.text("why"));
    }
}

/// What a line is must not hang on which version of Unicode somebody's browser was built with: a line that one host
/// shows and another's viewer refuses would take the whole desk with it.
#[test]
fn lines_are_what_anybody_can_show() {
    let file = vectors!("owning");
    for case in file.list("lines") {
        let up = DirectUp::decode(REQUEST, &case.bytes("answer")).unwrap_or_else(|error| panic!("{error}: {case}"));
        assert!(matches!(&up, DirectUp::Command(Command::Answer { line, .. }) if line == case.text("line")), "{case}");
        assert_eq!(up.encode(), case.bytes("answer"), "{case}");
        let down = DirectDown::decode(&case.bytes("desk")).unwrap_or_else(|error| panic!("{error}: {case}"));
        assert!(matches!(&down, DirectDown::Desk(desk) if desk.lines[0].2 == case.text("line")), "{case}");
        assert_eq!(down.encode(), case.bytes("desk"), "{case}");
    }
    for case in file.list("refused_lines") {
        DirectUp::decode(REQUEST, &case.bytes("answer")).map(drop).expect_err(case.text("why"));
        DirectDown::decode(&case.bytes("desk")).map(drop).expect_err(case.text("why"));
    }
}

fn command(case: &Value) -> Command {
    match case.text("type") {
        "show desk" => Command::ShowDesk,
        "share" => Command::Share(Wanted {
            access: access(case),
            lasts_s: case.small("seconds"),
            members_max: case.small("members"),
            approve: case.holds("approve"),
            once: case.holds("once"),
        }),
        "revoke" => Command::Revoke(ShareId(case.array("share_id"))),
        "kick" => Command::Kick(author(case)),
        "let in" => Command::LetIn(author(case)),
        "turn away" => Command::TurnAway(author(case)),
        "revoke all" => Command::RevokeAll,
        "drive" => Command::Drive(pane(case), driving(case.number("whose"))),
        "grant" => Command::Grant(pane(case), case.maybe("author_id").map(|_| author(case))),
        _ => Command::Answer {
            pane: pane(case),
            author: author(case),
            accept: case.holds("passes"),
            line: case.text("line").to_owned(),
        },
    }
}

fn access(case: &Value) -> Access {
    if case.text("access") == "interact" { Access::Interact } else { Access::View }
}

fn pane(case: &Value) -> PaneId {
    PaneId(case.small("pane"))
}

fn author(case: &Value) -> AuthorId {
    AuthorId(case.array("author_id"))
}

/// PROTOCOL.md 15.1, spelled out so that a reordered enum shows.
fn driving(whose: u64) -> Driving {
    match whose {
        0 => Driving::All,
        1 => Driving::One,
        _ => Driving::Lines,
    }
}

/// PROTOCOL.md 15.1, spelled out for the same reason.
fn objection(reason: u64) -> Objection {
    match reason {
        1 => Objection::Gone,
        2 => Objection::Full,
        3 => Objection::Host,
        4 => Objection::NoDriver,
        5 => Objection::NotOwner,
        6 => Objection::Unknown,
        other => Objection::Other(other.try_into().expect("one byte")),
    }
}
