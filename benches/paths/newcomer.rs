//! What a checkpoint saves a newcomer to a long talk: joining before and after the host makes one, in the same session.

use crate::figures::{head, kilobytes, row, times, us};
use crate::room::{ADA, Ears, Room};
use crate::{Effort, Outcome};
use cahoots::proto::doc::Draft;
use cahoots::proto::id::Channel;
use cahoots::proto::session::{Peer, ShareTerms};
use cahoots::proto::token::{Access, Token};
use std::time::Duration;

/// Guests who talk beside the host.
const GUESTS: usize = 2;
/// Changes that are said between two looks at the clock: so many as a relay takes in one second.
const PER_SECOND: usize = 1_000;
/// Changes that come after the checkpoint.
const TAIL: usize = 500;

/// What a newcomer cost.
struct Cost {
    newcomer: Duration,
    hall: Duration,
    bytes: usize,
}

/// Runs this part.
pub(crate) fn run(effort: Effort) -> Outcome {
    head(&[
        "chat changes",
        "the newcomer's CPU, by every change",
        "by checkpoint and tail",
        "ratio",
        "down",
        "by checkpoint and tail",
        "ratio",
        "the relay's CPU, ratio",
        "the host made it in",
    ]);
    for changes in [effort.pick(10_000, 1_000), effort.pick(100_000, 5_000)] {
        let mut room = Room::new(0, false)?;
        let token = room.act(ADA, |peer, now| peer.share(&ShareTerms::new(Access::Interact), now))?;
        for _ in 0..GUESTS {
            room.join(&token, Ears::Open)?;
            room.pass(1_000_000);
        }
        talk(&mut room, 0, changes)?;
        let all = join(&mut room, &token, changes)?;
        let spent = room.seats[ADA].spent;
        room.act(ADA, Peer::rekey)?;
        let made = room.seats[ADA].spent.saturating_sub(spent);
        room.pass(3_000_000);
        talk(&mut room, changes, TAIL)?;
        let short = join(&mut room, &token, changes + TAIL)?;
        let [by_all, by_checkpoint] = [&all, &short].map(|cost| cost.newcomer.as_secs_f64() * 1e6);
        row(&[
            &changes,
            &us(by_all),
            &us(by_checkpoint),
            &times(by_all, by_checkpoint),
            &kilobytes(all.bytes as f64),
            &kilobytes(short.bytes as f64),
            &times(all.bytes as f64, short.bytes as f64),
            &times(all.hall.as_secs_f64(), short.hall.as_secs_f64()),
            &us(made.as_secs_f64() * 1e6),
        ]);
    }
    Ok(())
}

/// Has everybody say something in turn, until there is `count` more in the chat and at the relay.
fn talk(room: &mut Room, said: usize, count: usize) -> Outcome {
    for n in 0..count {
        let text = format!("message {n}: what people say to each other");
        room.act(n % (GUESTS + 1), |peer, now| peer.say(&Draft::from(text.as_str()), now))?;
        if n % PER_SECOND == PER_SECOND - 1 {
            room.pass(1_000_000);
        }
    }
    room.pass_until(|room| (0..=GUESTS).all(|seat| knows(room, seat, said + count)))?;
    room.pass(2_000_000);
    Ok(())
}

/// Has somebody new join, and stay until it knows all that was said.
fn join(room: &mut Room, token: &Token, messages: usize) -> Outcome<Cost> {
    let hall = room.hall_spent;
    let seat = room.join(token, Ears::Open)?;
    room.pass_until(|room| knows(room, seat, messages))?;
    let cost = Cost {
        newcomer: room.seats[seat].spent,
        hall: room.hall_spent.saturating_sub(hall),
        bytes: room.seats[seat].bytes_down,
    };
    if room.seats[seat].peer.messages() != room.seats[ADA].peer.messages() {
        return Err("a newcomer does not hold all that was said".into());
    }
    room.act(seat, Peer::leave);
    room.pass(1_000_000);
    Ok(cost)
}

fn knows(room: &Room, seat: usize, messages: usize) -> bool {
    let chat = room.seats[seat].peer.document(Channel::CHAT);
    chat.is_some() && room.seats[seat].peer.messages().len() >= messages
}
