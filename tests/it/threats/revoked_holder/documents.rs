//! What she would like to have said, noted or shown: now, or long ago.

use super::*;

/// What documents say, at everybody.
fn contents(gone: &Gone) -> Vec<(Vec<String>, cahoots::StateView)> {
    let of = |index: usize| (gone.stage.said_at(index), gone.stage.table.peers[index].state());
    gone.victims().map(of).into()
}

/// Seals a line of chat, a title and a presence in a lane of some epoch, by keys that she has.
fn in_her_name(eve: &Eve, epoch: Epoch, secret: &[u8; 32]) -> Vec<WireEntry> {
    use cahoots::proto::doc::{DocKind, Document};
    let secret = cahoots::proto::epoch::EpochSecret::from_bytes(*secret);
    let seal = |channel: Channel, plaintext: &[u8]| {
        let lane = LaneId { channel, author: eve.me(), epoch };
        LaneWriter::new(eve.secret.session(), lane, &secret).seal(1, &eve.keys, plaintext)
    };
    let said =
        Document::new(DocKind::Chat, eve.me()).say(&"I am still here".into(), cahoots::Wall(1)).unwrap().unwrap();
    let title = Document::new(DocKind::State, eve.me()).set_title("mine").unwrap().unwrap();
    let presence = Presence { name: "eve".into(), ..Presence::default() }.encode(eve.me());
    vec![
        seal(Channel::CHAT, &cahoots::proto::seal::pad_durable(&said)),
        seal(Channel::STATE, &cahoots::proto::seal::pad_durable(&title)),
        seal(Channel::PRESENCE, &presence),
    ]
}

/// Whoever reaches a member past the relay says nothing to it: not under the new epoch, whose key is lacking, nor under
/// the old one, in whatever guise; and is not seen to be there.
#[test]
fn documents_cannot_be_forged() -> Held {
    in_all_cases(|gone, trial| {
        let before = contents(gone);
        let old = *gone.eve.epoch_secret().expose();
        for guise in gone.guises() {
            let entries: Vec<WireEntry> =
                [Epoch(0), Epoch(1), Epoch(2)].into_iter().flat_map(|epoch| in_her_name(&guise, epoch, &old)).collect();
            for victim in gone.victims() {
                for entry in &entries {
                    past_relay(&mut gone.stage.table, victim, &guise, std::slice::from_ref(entry));
                }
                gone.stage.table.inject(victim, Frame::Peer(guise.me(), Whereabouts::Here));
                let is_here = gone.stage.table.peers[victim].roster().presence(&guise.me()).is_some();
                trial.fails("she is seen to be there", is_here, false);
            }
            through_honest_relay(gone, trial, &guise, &entries);
        }
        gone.stage.table.pass(3_000_000);
        trial.fails("she says something", contents(gone), before);
        let (dan, now) = (gone.dan, gone.stage.table.now);
        gone.stage.table.peers[dan].say(&"undisturbed".into(), now).unwrap();
        gone.stage.table.pass(1_000_000);
        let last = contents(gone).into_iter().map(|(said, _)| said.last().cloned());
        trial.works("a newcomer does", last.into_iter().all(|last| last.as_deref() == Some("undisturbed")));
    })
}

/// The next line of her own lane, dated when she was a member, signed by her key, linked to what everybody has: it
/// comes too late, for members and for newcomers.
#[test]
fn changes_cannot_be_back_dated() -> Held {
    in_all_cases(|gone, trial| {
        let before = contents(gone);
        let late = gone.back_dated();
        let eve = gone.eve.clone();
        for victim in gone.victims() {
            past_relay(&mut gone.stage.table, victim, &eve, std::slice::from_ref(&late));
        }
        let dans = gone.dans.clone();
        let newcomer = gone.stage.table.join(&dans);
        past_relay(&mut gone.stage.table, newcomer, &eve, &[late]);
        trial.fails("a back-dated line is read", contents(gone), before);
        let said = gone.stage.said_at(newcomer);
        trial.gets_nothing("a newcomer reads it", said.iter().filter(|line| *line == "I said so before"));
        trial.works("what she said in time stays", said.contains(&"eve was here".to_owned()));
    })
}

/// Ben is not told yet that she is out: to him she is a member, and what she says is heard. But he is told that his log
/// is old, and when the record comes her line is gone, from his documents and from everybody's.
#[test]
fn back_dated_changes_vanish_when_the_news_comes() -> Held {
    let mut trial = Trial::default();
    let mut stage = Stage::new();
    let token = stage.table.share(Access::Interact, super::super::stage::DAY_MS);
    let eve = Eve::join(&mut stage.table, &token).unwrap();
    let (ben, conn) = (stage.ben, stage.table.conn_of(stage.ben));
    // From now on the relay tells Ben nothing but what Eve says.
    stage.table.tap = Some(Box::new(move |to, heading, frame| {
        let is_withheld = to == conn && heading == crate::attacks::table::Heading::FromRelay;
        if is_withheld { vec![] } else { vec![frame] }
    }));
    stage.table.revoke(&token);
    let before = stage.said_at(ADA);
    let late = in_her_name(&eve, Epoch(0), eve.epoch_secret().expose());
    stage.table.inject(ben, eve.member_frame());
    stage.table.inject(ben, frame(&late[0]));
    stage.table.pass(1_000_000);
    trial.works("Ben cannot know yet", stage.said_at(ben).contains(&"I am still here".to_owned()));
    stage.table.pass(14_000_000);
    trial.fails("Ben takes it for live", stage.table.peers[ben].is_live(stage.table.now), false);
    stage.table.tap = None;
    if stage.table.peers[ben].is_linked() {
        let link = cahoots::proto::session::LinkId(stage.table.conn_of(ben));
        stage.table.peers[ben].close_link(link, CloseCode::TooSlow);
        stage.table.settle();
    }
    stage.table.connect(ben);
    stage.table.pass(3_000_000);
    for victim in [ADA, ben, stage.cat] {
        trial.fails("her line stays", stage.said_at(victim), before.clone());
    }
    trial.works("Ben is in the new epoch", stage.table.peers[ben].log().epoch() == Some(Epoch(1)));
    trial.held()
}

/// She has the lanes' old keys, and no signature: nobody else's line is hers to write, in whatever epoch.
#[test]
fn history_of_others_cannot_be_rewritten() -> Held {
    in_all_cases(|gone, trial| {
        let before = contents(gone);
        let old = Secret32::from_bytes(*gone.eve.epoch_secret().expose());
        for author in [gone.stage.author(ADA), gone.stage.author(gone.stage.ben), gone.stage.author(gone.dan)] {
            for epoch in [Epoch(0), Epoch(1)] {
                let secret = cahoots::proto::epoch::EpochSecret::from_bytes(*old.expose());
                let lane = LaneId { channel: Channel::CHAT, author, epoch };
                let mut writer = LaneWriter::new(gone.stage.session(), lane, &secret);
                let said = cahoots::proto::doc::Document::new(cahoots::proto::doc::DocKind::Chat, author);
                let said = { said }.say(&"I resign".into(), cahoots::Wall(1)).unwrap().unwrap();
                let forged: Vec<WireEntry> =
                    (0..3).map(|_| writer.seal(1, &gone.eve.keys, &cahoots::proto::seal::pad_durable(&said))).collect();
                let eve = gone.eve.clone();
                for victim in gone.victims() {
                    past_relay(&mut gone.stage.table, victim, &eve, &forged);
                }
            }
        }
        trial.fails("she writes in another's name", contents(gone), before);
        trial.works("members go on", gone.victims().iter().all(|victim| gone.stage.table.peers[*victim].is_linked()));
    })
}
