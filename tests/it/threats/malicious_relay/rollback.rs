//! What the relay tries with time: to keep new lines back, to forget them, to show newcomers an older session.

use super::*;
use cahoots::proto::relay::{Hall, HallLimits};
use cahoots::proto::wire::Have;

/// How soon people are to know, in microseconds.
const SOON_US: u64 = 10_000_000;

/// A line that was said and is not there any more, or only for some, is a lie about what was agreed.
#[test]
fn documents_cannot_be_rolled_back_unseen() -> Held {
    documents_are_not_rolled_back_unseen(Stage::new)
}

pub(in super::super) fn documents_are_not_rolled_back_unseen(new: impl Fn() -> Stage) -> Held {
    let mut trial = Trial::default();
    for attack in [kept_back, forgotten, kept_from_newcomer, past_kept_from_newcomer] {
        attack(new(), &mut trial);
    }
    trial.held()
}

/// Lets none of these entries reach a connection, that of a newcomer if it is not there yet, and announces nothing.
fn keep_back(stage: &mut Stage, conn: u64, hides: impl Fn(&WireEntry) -> bool + 'static) {
    stage.table.tap = Some(Box::new(move |to, heading, frame| match frame {
        frame if to != conn || heading != Heading::FromRelay => vec![frame],
        Frame::Have(have) => vec![Frame::Have(Have { lanes: vec![], ..have })],
        frame if entry_of(&frame).is_some_and(|entry| hides(&entry)) => vec![],
        frame => vec![frame],
    }));
}

/// Says a line as Ben.
fn say(stage: &mut Stage, line: &str) {
    let (ben, now) = (stage.ben, stage.table.now);
    stage.table.peers[ben].say(&line.into(), now).unwrap();
    stage.table.settle();
}

fn is_told(stage: &Stage, index: usize, what: &str) -> bool {
    stage.table.alarms(index).iter().any(|alarm| alarm.contains(what))
}

/// A new line reaches everybody but Cat.
fn kept_back(mut stage: Stage, trial: &mut Trial) {
    let (cat, conn) = (stage.cat, stage.table.conn_of(stage.cat));
    stage.table.pass(12_000_000);
    trial.works("an honest relay is not named", stage.table.alarms(cat).is_empty());
    keep_back(&mut stage, conn, |entry| entry.lane.channel == Channel::CHAT);
    say(&mut stage, "the truth");
    stage.table.pass(SOON_US);
    trial.fails("a line is kept back unseen", is_told(&stage, cat, "withholds 1 entries"), true);
}

/// The relay starts again from an older state, or from none.
fn forgotten(mut stage: Stage, trial: &mut Trial) {
    stage.table.pass(1_000_000);
    let said = stage.said_at(ADA);
    stage.table.replace_hall(Hall::new(HallLimits::default(), [4; 32]));
    stage.table.connect(ADA);
    trial.fails("a line is forgotten unseen", is_told(&stage, ADA, "has lost"), true);
    let view = stage.view.clone();
    let late = stage.table.join(&view);
    for index in [stage.ben, stage.cat] {
        stage.table.connect(index);
    }
    stage.table.pass(3_000_000);
    trial.fails("the line stays forgotten", stage.said_at(late), said);
}

/// A newcomer is shown the session without its newest line.
fn kept_from_newcomer(mut stage: Stage, trial: &mut Trial) {
    say(&mut stage, "the truth");
    stage.table.pass(6_000_000);
    let (view, conn) = (stage.view.clone(), stage.table.wire.iter().map(|passed| passed.conn).max().unwrap() + 1);
    keep_back(&mut stage, conn, |entry| entry.lane.channel == Channel::CHAT && entry.seq > 0);
    let late = stage.table.join(&view);
    trial.works("the newcomer is in", stage.table.conn_of(late) == conn);
    stage.table.pass(SOON_US);
    trial.works("it reads the rest", stage.said_at(late) == [SAID]);
    trial.fails("a newcomer is shown the past", is_told(&stage, late, "withholds"), true);
}

/// A newcomer is shown a session that seems to have begun with the present epoch: neither checkpoint nor entries of
/// before.
fn past_kept_from_newcomer(mut stage: Stage, trial: &mut Trial) {
    let now = stage.table.now;
    stage.table.peers[ADA].rekey(now).unwrap();
    stage.table.pass(3_000_000);
    let (view, conn) = (stage.view.clone(), stage.table.wire.iter().map(|passed| passed.conn).max().unwrap() + 1);
    keep_back(&mut stage, conn, |entry| entry.lane.channel.is_checkpoint());
    let late = stage.table.join(&view);
    trial.works("the newcomer is in", stage.table.conn_of(late) == conn);
    stage.table.pass(20_000_000);
    trial.works("it misses what was said", stage.said_at(late).is_empty());
    trial.fails("a newcomer is kept from the past", is_told(&stage, late, "withholds"), true);
    stage.table.tap = None;
    let honest = stage.table.join(&view);
    stage.table.pass(3_000_000);
    trial.works("another reads it", stage.said_at(honest) == [SAID]);
    trial.works("and nobody is named", stage.table.alarms(honest).is_empty());
}
