//! What the relay tries to become a member, or the owner.

use super::*;

/// A secret that the owner did not commit to must not be taken, or the relay could read along.
#[test]
fn keys_cannot_be_swapped_for_the_relays_own() -> Held {
    let mut trial = Trial::default();
    let mut honest = Table::new();
    let token = honest.share(Access::Interact, DAY_MS);
    let ben = honest.join(&token);
    trial.works("with the true wrap the guest is in", honest.peers[ben].is_linked());

    let own = EpochSecret::from_bytes([7; 32]);
    for attack in 0..3 {
        let mut table = Table::new();
        let token = table.share(Access::Interact, DAY_MS);
        let (secret, own) = (token.secret().unwrap(), own.clone());
        let kek = cahoots::proto::key::Secret32::from_bytes([8; 32]);
        table.tap = Some(Box::new(move |conn, _, frame| match frame {
            Frame::Wrap(raw) if conn == 2 => {
                let mut raw = raw.to_vec();
                match attack {
                    0 => raw[40] ^= 1,
                    1 => raw = own.wrap(Epoch(0), &kek, secret.share_id().as_bytes(), &secret.session()).to_vec(),
                    // Even with the right key, which it has not: another secret than the one committed to.
                    _ => {
                        raw =
                            own.wrap(Epoch(0), secret.kek(), secret.share_id().as_bytes(), &secret.session()).to_vec();
                    }
                }
                vec![Frame::Wrap(raw.into())]
            }
            frame => vec![frame],
        }));
        let ben = table.join(&token);
        let now = table.now;
        table.peers[ben].say(&SAID.into(), now).unwrap();
        table.pass(9_000_000);
        let is_sealed =
            |frame: &Frame| entry_of(frame).is_some_and(|entry| entry.lane.channel.class() != Class::Direct);
        let sealed = table.frames_of(2, Heading::ToRelay).into_iter().filter(is_sealed).count();
        trial.fails("something is sealed under a swapped key", sealed, 0);
        trial.fails("a swapped wrap is taken", table.peers[ben].is_live(table.now), false);
        let alarm = Alarm::KeyWithheld(Epoch(0)).to_string();
        trial.works("the guest is told", table.alarms(ben) == [alarm]);
    }
    trial.held()
}

/// A relay that brings its own session instead of the one that the token names gets nowhere.
#[test]
fn owner_cannot_be_substituted() -> Held {
    let mut trial = Trial::default();
    let mut table = Table::new();
    let token = table.share(Access::Interact, DAY_MS);
    let mut served = foreign_log(&SessionRoot::from_seed([6; 32])).into_iter();
    table.tap = Some(Box::new(move |conn, _, frame| match frame {
        Frame::Log(raw) if conn == 2 => vec![Frame::Log(served.next().unwrap_or(raw))],
        frame => vec![frame],
    }));
    let ben = table.join(&token);
    trial.fails(
        "another owner's log is believed",
        (table.peers[ben].me(), table.peers[ben].log().next_seq()),
        (None, 0),
    );
    trial.works("the guest is told", !table.alarms(ben).is_empty());
    table.tap = None;
    table.connect(ben);
    trial.works("the true log is believed", table.peers[ben].is_linked());
    trial.held()
}

/// An AUTH passed on to another relay, or played again here, would be a second Ben.
#[test]
fn auth_cannot_be_replayed() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let conn = stage.table.conn_of(stage.ben);
    let proofs: Vec<Frame> = stage.table.frames_of(conn, Heading::ToRelay);
    let is_proof = |frame: &&Frame| matches!(frame, Frame::Hello(_) | Frame::Auth(_));
    let proofs: Vec<Frame> = proofs.iter().filter(is_proof).cloned().collect();
    trial.works("both were heard", proofs.len() == 2);
    let again = stage.table.connect_hand();
    proofs.iter().for_each(|frame| stage.table.send(again, frame));
    trial.fails("a proof counts twice", stage.table.closed_with(again), Some(CloseCode::AuthFailed));

    // To another honest relay, as a relay in the middle would.
    let mut other = Table::new();
    let elsewhere = other.connect_hand();
    proofs.iter().for_each(|frame| other.send(elsewhere, frame));
    let closed = other.closed_with(elsewhere);
    trial.fails("a proof counts elsewhere", closed.is_some_and(|code| code != CloseCode::Bye), true);
    trial.works("Ben's own connection stays", stage.table.peers[stage.ben].is_linked());
    trial.held()
}
