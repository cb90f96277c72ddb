//! What she can do to the session without her: nothing that costs the others more than it costs the relay that helps.

use super::*;
use cahoots::proto::lane::proof::Proof;

/// Two entries that she signs for one place of the present epoch: a proof against her.
fn proof_of(eve: &Eve, epoch: Epoch) -> Frame {
    let lane = LaneId { channel: Channel::CHAT, author: eve.me(), epoch };
    let seal = |text: &[u8]| {
        let secret = cahoots::proto::epoch::EpochSecret::from_bytes([9; 32]);
        LaneWriter::new(eve.secret.session(), lane, &secret).seal(1, &eve.keys, text)
    };
    let member = eve.chain.verify(&eve.secret.session()).unwrap();
    let proof = Proof::of_fork(&eve.secret.session(), member.verify_key(), &[0; 32], &seal(b"yes"), &seal(b"no"));
    Frame::Proof(proof.expect("two entries for one place").encode())
}

/// Proofs against herself, whom nobody hears any more, make nobody begin an epoch, and are no news to anybody.
#[test]
fn others_cannot_be_kept_busy() -> Held {
    in_all_cases(|gone, trial| {
        let epoch = gone.stage.table.peers[ADA].log().epoch().unwrap();
        let alarms = |gone: &Gone| gone.victims().map(|victim| gone.stage.table.alarms(victim).len());
        let before = alarms(gone);
        for number in 0..8 {
            let guise = gone.eve.another([0x60 + number; 32]);
            for victim in gone.victims() {
                gone.stage.table.inject(victim, guise.member_frame());
                gone.stage.table.inject(victim, proof_of(&guise, epoch));
            }
        }
        gone.stage.table.pass_long(60_000_000);
        trial.fails("epochs begin because of her", gone.stage.table.peers[ADA].log().epoch(), Some(epoch));
        trial.fails("people are told of her", alarms(gone), before);

        // Of a member it is news.
        let another = Eve::join(&mut gone.stage.table, &gone.dans.clone()).unwrap();
        gone.stage.table.inject(ADA, another.member_frame());
        gone.stage.table.inject(ADA, proof_of(&another, epoch));
        gone.stage.table.pass_long(20_000_000);
        let begun = gone.stage.table.peers[ADA].log().epoch();
        trial.works("a member's two histories end in an epoch", begun == Some(Epoch(epoch.0 + 1)));
    })
}

/// She knocks at an honest relay over and over, and puts all kinds of frames on the others' links: they go on.
#[test]
fn session_cannot_be_stopped() -> Held {
    in_all_cases(|gone, trial| {
        let (session, old) = (gone.stage.session(), *gone.eve.epoch_secret().expose());
        for round in 0..25 {
            let guise = gone.eve.another([round; 32]);
            through_honest_relay(gone, trial, &guise, &guise.seal_direct(3, &input()));
        }
        let secret = cahoots::proto::epoch::EpochSecret::from_bytes(old);
        let share = gone.eve.secret.share_id();
        let lane = cahoots::proto::wire::LaneNext { author: gone.eve.me(), epoch: Epoch(1), next: 1 << 40 };
        let nuisances = [
            Frame::Wrap(secret.wrap(Epoch(1), gone.eve.secret.kek(), share.as_bytes(), &session)),
            Frame::Wrap(secret.wrap(Epoch(2), gone.eve.secret.kek(), gone.stage.author(ADA).as_bytes(), &session)),
            share_below(&gone.eve, BELOW_LATE),
            gone.eve.member_frame(),
            Frame::Have(cahoots::proto::wire::Have { channel: Channel::CHAT, last: true, lanes: vec![lane] }),
            Frame::Log(gone.eve.log.records()[0].clone()),
        ];
        for victim in gone.victims() {
            for nuisance in &nuisances {
                gone.stage.table.inject(victim, nuisance.clone());
                let peer = &gone.stage.table.peers[victim];
                trial.fails("a link is lost", (peer.is_linked(), peer.ended()), (true, None));
            }
        }
        gone.go_on();
        let now = gone.stage.table.now;
        for victim in gone.victims() {
            trial.fails(
                "somebody is left behind",
                gone.stage.said_at(victim).last().map(String::as_str),
                Some(SAID_AFTER),
            );
            trial.fails("somebody sees the past", gone.stage.table.peers[victim].is_live(now), true);
        }
        trial.works("newcomers get in", gone.stage.table.peers[gone.dan].is_linked());
    })
}
