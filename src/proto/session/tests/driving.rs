//! Who may type: policies, turns and lines, as host and guests see them.

use super::*;
use crate::proto::doc::PanePolicy;
use crate::proto::id::AuthorId;
use crate::proto::terminal::Waits;

const ONE: DriverPolicy = DriverPolicy::One { lapse_ms: 60_000 };

/// A host with one terminal, and two guests who may type.
struct Stage {
    wire: Wire,
    pane: PaneId,
    ben: usize,
    eve: usize,
    token: Token,
}

fn stage(policy: DriverPolicy) -> Stage {
    let mut wire = Wire::new();
    let pane = wire.host().open_pane("shell", "sh", SIZE).unwrap();
    let token = wire.share(Access::Interact);
    let (ben, eve) = (wire.join(&token), wire.join(&token));
    let now = wire.now;
    wire.host().set_driver_policy(pane, policy, now).unwrap();
    wire.pass(300_000);
    let mut stage = Stage { wire, pane, ben, eve, token };
    stage.host_events();
    stage
}

impl Stage {
    fn author(&self, index: usize) -> AuthorId {
        self.wire.peers[index].me().unwrap()
    }

    fn ask(&mut self, index: usize) {
        let now = self.wire.now;
        self.wire.peers[index].ask_to_drive(self.pane, now).unwrap();
        self.wire.pass(100_000);
    }

    fn type_text(&mut self, index: usize, text: &[u8]) -> Vec<u8> {
        self.wire.peers[index].type_bytes(self.pane, text).unwrap();
        self.wire.pass(200_000);
        typed(&self.host_events())
    }

    fn host_events(&mut self) -> Vec<Event> {
        self.wire.events(0)
    }

    fn refusals(&mut self, index: usize) -> Vec<Refusal> {
        let events = self.wire.events(index).into_iter();
        events
            .filter_map(|event| if let Event::InputRefused(_, reason) = event { Some(reason) } else { None })
            .collect()
    }

    fn shown_driver(&self, index: usize) -> Option<AuthorId> {
        self.wire.peers[index].state().drivers.get(&self.pane).copied()
    }
}

/// One driver at a time: the other's keys never reach the program, and everybody sees who drives.
#[test]
fn only_the_driver_reaches_the_program() {
    let mut stage = stage(ONE);
    let (ben, eve) = (stage.ben, stage.eve);
    assert_eq!(stage.type_text(ben, b"early"), b"", "a free pane is nobody's");
    assert_eq!(stage.refusals(ben), [Refusal::Driven]);
    stage.ask(ben);
    let driver = stage.author(ben);
    assert!(stage.host_events().contains(&Event::DriverChanged(stage.pane, Some(driver))));
    assert_eq!(stage.shown_driver(eve), Some(driver));
    assert_eq!(stage.wire.peers[eve].state().policies[&stage.pane], PanePolicy::OneDriver);
    assert_eq!(stage.type_text(eve, b"mine"), b"");
    assert_eq!(stage.type_text(ben, b"ls\r"), b"ls\r");

    stage.ask(eve);
    assert!(stage.host_events().contains(&Event::DriveWished(stage.pane, stage.author(eve))));
    assert!(stage.wire.events(eve).contains(&Event::InputWaits(stage.pane, Waits::Drive)));
    let now = stage.wire.now;
    stage.wire.peers[ben].stop_driving(stage.pane, now).unwrap();
    stage.wire.pass(100_000);
    assert_eq!(stage.shown_driver(ben), Some(stage.author(eve)), "who waited is next");
    assert_eq!((stage.type_text(ben, b"no"), stage.type_text(eve, b"yes")), (b"".to_vec(), b"yes".to_vec()));
}

/// The owner has the last word: it gives the wheel to whom it likes and takes it back.
#[test]
fn owner_grants_and_takes_back() {
    let mut stage = stage(ONE);
    let (ben, eve, pane, now) = (stage.ben, stage.eve, stage.pane, stage.wire.now);
    let [ada, ben_id, eve_id] = [0, ben, eve].map(|index| stage.author(index));
    stage.wire.host().grant(pane, Some(eve_id), now).unwrap();
    stage.ask(ben);
    assert_eq!(stage.wire.host().wishes(pane), [ben_id]);
    stage.wire.host().grant(pane, None, now).unwrap();
    stage.wire.pass(100_000);
    assert_eq!(stage.refusals(ben), [Refusal::Driven], "nobody waits for what was taken back");
    assert_eq!((stage.type_text(eve, b"x"), stage.wire.host().driver(pane)), (b"".to_vec(), None));
    let now = stage.wire.now;
    stage.wire.host().ask_to_drive(pane, now).unwrap();
    stage.ask(ben);
    stage.wire.pass(120_000_000);
    assert_eq!(stage.shown_driver(ben), Some(ada), "the host does not lapse");
    let nobody = AuthorId([9; 16]);
    let now = stage.wire.now;
    assert_eq!(stage.wire.host().grant(pane, Some(nobody), now), Err(DrivingError::MayNotDrive(nobody)));
    assert_eq!(stage.wire.peers[ben].grant(pane, Some(ben_id), now), Err(DrivingError::NotHost));
    assert_eq!(stage.wire.host().grant(PaneId(9), None, now), Err(DrivingError::NoPane(PaneId(9))));
}

/// Idle, gone, silent or thrown out: whoever cannot drive does not block the others.
#[test]
fn wheel_is_free_when_its_driver_is_lost() {
    let lose: [fn(&mut Stage); 4] = [
        |stage| stage.wire.pass(60_000_000),
        |stage| {
            let (ben, now) = (stage.ben, stage.wire.now);
            stage.wire.peers[ben].leave(now);
            stage.wire.pass(100_000);
        },
        |stage| {
            stage.wire.cut(stage.ben);
            stage.wire.pass(3_000_000);
        },
        |stage| {
            let (share, now) = (stage.token.secret().unwrap().share_id(), stage.wire.now);
            stage.wire.host().revoke(share, now).unwrap();
            stage.wire.pass(100_000);
        },
    ];
    for (case, lose) in lose.into_iter().enumerate() {
        let mut stage = stage(ONE);
        stage.ask(stage.ben);
        assert!(stage.wire.host().driver(stage.pane).is_some());
        lose(&mut stage);
        assert_eq!(stage.wire.host().driver(stage.pane), None, "case {case}");
        assert_eq!(stage.shown_driver(0), None, "case {case}");
    }
}

/// The state document is for people, and whoever may control the session can write there: nobody gets to type by it, and
/// the host puts it right.
#[test]
fn claim_in_the_document_moves_nothing() {
    let mut stage = stage(ONE);
    let (ben, eve, pane) = (stage.ben, stage.eve, stage.pane);
    stage.ask(ben);
    stage.wire.pass(1_000_000);
    let forger = stage.author(eve);
    let forged = stage.wire.peers[eve].edit(Channel::STATE, Rights::CONTROL, |document| {
        document.edit(|tx| {
            tx.set_driver(pane, Some(forger))?;
            tx.set_policy(pane, PanePolicy::Everybody)
        })
    });
    forged.unwrap();
    stage.wire.settle();
    assert_eq!(stage.type_text(eve, b"rm -rf ~\r"), b"");
    stage.wire.pass(1_200_000);
    assert_eq!(stage.shown_driver(ben), Some(stage.author(ben)));
    assert_eq!(stage.wire.peers[ben].state().policies[&pane], PanePolicy::OneDriver);
}

/// A view link stays a view link: asking changes nothing, not even with a machine that asks all the same.
#[test]
fn viewer_cannot_ask_for_the_wheel() {
    let mut stage = stage(ONE);
    let token = stage.wire.share(Access::View);
    let viewer = stage.wire.join(&token);
    let now = stage.wire.now;
    assert_eq!(stage.wire.peers[viewer].ask_to_drive(stage.pane, now), Err(TypeError::NoRight));
    let message =
        crate::proto::terminal::DirectUp::Drive { pane: stage.pane, wish: crate::proto::terminal::Wish::Take };
    stage.wire.peers[viewer].send_direct(stage.pane, &message, 0).unwrap();
    stage.wire.pass(100_000);
    assert_eq!((stage.refusals(viewer), stage.wire.host().driver(stage.pane)), (vec![Refusal::NoRight], None));
}

/// Where the owner reads every line, nothing is written before its yes, and exactly what it read after.
#[test]
fn lines_wait_for_the_owner() {
    let mut stage = stage(DriverPolicy::ApproveLines);
    let (ben, pane) = (stage.ben, stage.pane);
    let author = stage.author(ben);
    stage.wire.peers[ben].type_bytes(pane, b"mkae\x7f\x7f\x7fake\rrm x\r").unwrap();
    stage.wire.pass(200_000);
    let events = stage.host_events();
    assert_eq!(typed(&events), b"");
    assert!(events.contains(&Event::LineProposed(pane, author, "make".into())), "{events:?}");
    assert!(stage.wire.events(ben).contains(&Event::InputWaits(pane, Waits::Line)));

    let now = stage.wire.now;
    stage.wire.host().answer_line(pane, author, true, now).unwrap();
    let events = stage.host_events();
    assert_eq!(typed(&events), b"make\r");
    assert!(events.contains(&Event::LineProposed(pane, author, "rm x".into())), "the next one");
    stage.wire.host().answer_line(pane, author, false, now).unwrap();
    stage.wire.pass(200_000);
    assert_eq!((typed(&stage.host_events()), stage.refusals(ben)), (Vec::new(), vec![Refusal::Line]));
    let none = Err(DrivingError::NoLine { pane, author });
    assert_eq!(stage.wire.host().answer_line(pane, author, true, now), none);
}

/// A yes that comes too late: the line of whoever was thrown out meanwhile is not written.
#[test]
fn line_of_a_revoked_member_is_not_written() {
    let mut stage = stage(DriverPolicy::ApproveLines);
    let (ben, pane, now) = (stage.ben, stage.pane, stage.wire.now);
    let author = stage.author(ben);
    stage.type_text(ben, b"make\r");
    let share = stage.token.secret().unwrap().share_id();
    stage.wire.host().revoke(share, now).unwrap();
    assert!(stage.wire.host().answer_line(pane, author, true, now).is_err());
    assert_eq!(typed(&stage.host_events()), b"");
    stage.wire.pass(100_000);
    assert_eq!(stage.wire.host().proposed_lines(), []);
}

/// Back to everybody: lines that wait are refused, and keys pass again.
#[test]
fn another_policy_starts_anew() {
    let mut stage = stage(DriverPolicy::ApproveLines);
    let (ben, pane) = (stage.ben, stage.pane);
    stage.type_text(ben, b"make\r");
    let now = stage.wire.now;
    stage.wire.host().set_driver_policy(pane, DriverPolicy::Everybody, now).unwrap();
    stage.wire.pass(100_000);
    assert_eq!(stage.refusals(ben), [Refusal::Line]);
    assert_eq!(stage.type_text(ben, b"\x1b[A"), b"\x1b[A");
    assert_eq!(stage.wire.peers[ben].state().policies[&pane], PanePolicy::Everybody);
}
