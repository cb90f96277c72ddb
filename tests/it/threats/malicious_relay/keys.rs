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

/// The relay asks members for secrets by all frames that make them seal one: shares passed on, newcomers, members who
/// open a direct channel. Of all that they send nothing opens for it.
#[test]
fn keys_cannot_be_stolen() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let (session, keys) = (stage.session(), MemberKeys::from_seed([0x67; 32]));
    let own = ShareSecret::new(&session, [0x66; 16], ShareFlags::NONE, None);
    let real = stage.table.peers[ADA].log().shares().next().unwrap().clone();
    let host = stage.table.peers[ADA].log().host_member().unwrap().clone();
    let terms = cahoots::proto::share::ShareTerms {
        rights: real.rights,
        depth_left: 0,
        not_before: real.not_before,
        expires: real.expires,
        max_members: 0,
        flags: ShareFlags::NONE,
    };
    // Below a share of the owner's, whose key it lacks, and below one of its own.
    let share_id = own.share_id();
    let root = SessionRoot::from_seed([0x68; 32]);
    let chains = [
        vec![ShareCert::issue_below(&real, &own, &own, terms), real.clone()],
        vec![ShareCert::issue_root(&root, &own, terms), real],
    ];
    let secret = EpochSecret::from_bytes([7; 32]);
    let wrap = secret.wrap(Epoch(0), own.kek(), share_id.as_bytes(), &session);
    let sealed_kek =
        cahoots::proto::seal::seal_share_kek(host.kem_public(), &session, &share_id, own.kek(), [6; 32]).unwrap();
    for shares in chains {
        let member = MemberCert::issue(&own, &keys, terms.rights, terms.not_before, terms.expires);
        let chain = Chain { member, shares: shares.clone() };
        let author = chain.member.author();
        let direct = cahoots::proto::seal::DirectGuest::new(session, author, host.author(), host.kem_public(), [5; 32]);
        let opening = direct.unwrap().seal(1, &keys, &[]);
        for frame in [
            Frame::Share(PassedOn { certs: shares, wrap: wrap.clone(), sealed_kek }),
            Frame::Member(chain.encode()),
            Frame::Entry(opening.as_bytes().clone()),
            Frame::Wrap(wrap.clone()),
        ] {
            for victim in [ADA, stage.ben, stage.cat] {
                if !stage.table.peers[victim].is_linked() {
                    stage.table.connect(victim);
                }
                stage.table.inject(victim, frame.clone());
            }
        }
    }
    let now = stage.table.now;
    stage.table.peers[ADA].rekey(now).unwrap();
    stage.table.pass(3_000_000);
    let frames = stage.table.frames();
    let mut ring = Keyring::empty(session).with_share(&own).with_member(stage.author(ADA), keys);
    trial.fails("a wrap is made for the relay", ring.study(&frames), 0);
    trial.gets_nothing("something opens for the relay", ring.read(&frames));
    let bytes: Vec<u8> = frames.iter().flat_map(Frame::encode).collect();
    trial.gets_nothing("a secret is sent", super::super::canary::found(&stage.secrets(), &bytes));
    trial.works("for a holder a wrap is made", stage.ring_of_reader().secrets().count() > 2);
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
