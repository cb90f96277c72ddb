//! What it costs to cut somebody off: the owner, the relay, and each of those who stay.

use crate::figures::{head, kilobytes, row, times, us};
use crate::room::{ADA, Ears, Room};
use crate::{Effort, Outcome};
use cahoots::proto::session::{OwnerError, Peer, ShareTerms};
use cahoots::proto::terminal::Size;
use cahoots::proto::time::Now;
use cahoots::proto::token::{Access, Token};
use std::time::Duration;

/// How often each step is taken.
const ROUNDS: usize = 5;
/// Somebody who hears everything, whose costs are those of each member.
const BEN: usize = 1;

/// What one step cost.
struct Cost {
    owner: Duration,
    hall: Duration,
    member: Duration,
    up: usize,
    down: usize,
}

/// Runs this part.
pub(crate) fn run(effort: Effort) -> Outcome {
    head(&[
        "members",
        "the owner",
        "owner's CPU",
        "per member",
        "owner sends",
        "per member",
        "relay's CPU",
        "per member",
        "a member gets",
        "its CPU",
    ]);
    let mut first: [Option<f64>; 2] = [None; 2];
    for members in [10, effort.pick(100, 30), effort.pick(1_000, 60)] {
        let mut room = fill(members)?;
        let [mut revoked, mut removed] = [const { Vec::new() }; 2];
        for _ in 0..ROUNDS {
            let link = room.act(ADA, share)?.secret()?.share_id();
            room.pass(1_000_000);
            revoked.push(measure(&mut room, |peer, now| peer.revoke(link, now))?);
        }
        for round in 0..ROUNDS {
            let seat = &room.seats[BEN + 1 + round];
            let member = seat.peer.me().ok_or("everybody has joined")?;
            room.pass(1_000_000);
            removed.push(measure(&mut room, |peer, now| peer.kick(member, now).map(|_| ()))?);
        }
        let costs = [revoked, removed].map(|costs| typical(&costs));
        for (step, (name, cost)) in ["revokes another link", "removes one"].into_iter().zip(costs).enumerate() {
            let each = |value: f64| value / members as f64;
            let [owner, hall, member] = [cost.owner, cost.hall, cost.member].map(|spent| spent.as_secs_f64() * 1e6);
            let base = *first[step].get_or_insert(owner);
            row(&[
                &members,
                &name,
                &format!("{} ({})", us(owner), times(owner, base)),
                &us(each(owner)),
                &kilobytes(cost.up as f64),
                &format!("{:.0} B", each(cost.up as f64)),
                &us(hall),
                &us(each(hall)),
                &kilobytes(cost.down as f64),
                &us(member),
            ]);
        }
    }
    Ok(())
}

/// Returns the cost that has as many above it as below, part by part.
fn typical(costs: &[Cost]) -> Cost {
    let part = |of: fn(&Cost) -> Duration| {
        let mut parts: Vec<_> = costs.iter().map(of).collect();
        parts.sort();
        parts[parts.len() / 2]
    };
    let bytes = |of: fn(&Cost) -> usize| costs.iter().map(of).max().unwrap_or_default();
    Cost {
        owner: part(|cost| cost.owner),
        hall: part(|cost| cost.hall),
        member: part(|cost| cost.member),
        up: bytes(|cost| cost.up),
        down: bytes(|cost| cost.down),
    }
}

fn share(peer: &mut Peer, now: Now) -> Result<Token, OwnerError> {
    peer.share(&ShareTerms::new(Access::Interact), now)
}

/// Fills a session: the host, and all others by one link.
fn fill(members: usize) -> Outcome<Room> {
    let mut room = Room::new(0, false)?;
    let token = room.act(ADA, share)?;
    room.act(ADA, |peer, _| peer.open_pane("shell", "sh", Size::new(80, 24)))?;
    for n in 1..members {
        room.join(&token, if n == BEN { Ears::Open } else { Ears::ForTheHost })?;
        room.settle();
    }
    // Their direct channels open with what they ask of the host every ten seconds.
    room.pass(12_000_000);
    let here = room.seats[ADA].peer.roster().here_count();
    if here != members {
        return Err(format!("{here} of {members} are here").into());
    }
    Ok(room)
}

/// Has the owner do something, and counts what that makes everybody do at once.
fn measure(room: &mut Room, step: impl FnOnce(&mut Peer, Now) -> Result<(), OwnerError>) -> Outcome<Cost> {
    room.settle();
    let look = |room: &Room| {
        let (ada, ben) = (&room.seats[ADA], &room.seats[BEN]);
        (ada.spent, room.hall_spent, ben.spent, ada.bytes_up, ben.bytes_down, ben.peer.log().epoch())
    };
    let before = look(room);
    let done = room.act(ADA, step);
    // Only the owner's own part: what comes back to it is read below.
    let owner = room.seats[ADA].spent;
    done?;
    room.settle();
    let after = look(room);
    if before.5 >= after.5 {
        return Err("no epoch began".into());
    }
    Ok(Cost {
        owner: owner.saturating_sub(before.0),
        hall: after.1.saturating_sub(before.1),
        member: after.2.saturating_sub(before.2),
        up: after.3 - before.3,
        down: after.4 - before.4,
    })
}
