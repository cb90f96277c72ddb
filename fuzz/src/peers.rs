//! Peers behind a relay that delivers, drops, repeats and invents as the input says, one of them a traitor: nobody is
//! made to say, type or show what they did not.

mod checks;
mod world;

use crate::cast;
use world::World;

const STEPS_MAX: usize = 128;

/// Steps, each behind its length as a `u16`: what, at whom, and its argument.
pub fn run(data: &[u8]) {
    let mut world = World::new();
    for step in cast::pieces(data).take(STEPS_MAX) {
        let Some((&[what, who], argument)) = step.split_first_chunk() else { continue };
        world.step(what, usize::from(who), argument);
    }
    world.settle();
}
