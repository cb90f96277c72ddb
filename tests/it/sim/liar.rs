//! A relay that lies: it spoils the frames that pass through it, or chooses who gets which.

use super::dice::Dice;
use super::net::Way;
use bytes::Bytes;
use cahoots::proto::wire::{Frame, FrameDecoder};
use std::collections::VecDeque;
use std::fmt;

/// Frames that it remembers, to replay them to anybody.
const REMEMBERED_MAX: usize = 64;

/// Says of a frame to or from a member whether it passes.
pub(crate) type Sieve = Box<dyn Fn(usize, Way, &Frame) -> bool + Send>;

/// What makes an honest relay dishonest.
pub(crate) enum Liar {
    /// It doubles, swaps, drops, repeats and corrupts frames.
    Spoils(Spoiler),
    /// It keeps some of them back.
    Sieves(Sieve),
}

impl fmt::Debug for Liar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spoils(_) => "spoils",
            Self::Sieves(_) => "sieves",
        })
    }
}

impl Liar {
    pub(crate) fn spoiler(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "liar");
        let percent = *dice.pick(&[1, 5, 20]);
        Self::Spoils(Spoiler { dice, remembered: VecDeque::new(), percent })
    }

    /// Does to the frames of one batch, to or from a member, what it likes.
    pub(crate) fn treat(&mut self, member: usize, way: Way, frames: &mut Vec<Bytes>) {
        match self {
            Self::Spoils(spoiler) => spoiler.tamper(frames),
            Self::Sieves(passes) => frames.retain(|frame| {
                let mut decoder = FrameDecoder::new();
                decoder.push(frame);
                decoder.next_frame().ok().flatten().is_none_or(|frame| passes(member, way, &frame))
            }),
        }
    }
}

/// Spoils what passes, by chance.
#[derive(Debug)]
pub(crate) struct Spoiler {
    dice: Dice,
    remembered: VecDeque<Bytes>,
    /// Chance that it touches a frame.
    percent: u64,
}

impl Spoiler {
    fn tamper(&mut self, frames: &mut Vec<Bytes>) {
        let mut out = Vec::with_capacity(frames.len());
        for frame in frames.drain(..) {
            self.remember(&frame);
            if !self.dice.chance(self.percent) {
                out.push(frame);
                continue;
            }
            match self.dice.below(5) {
                0 => out.extend([frame.clone(), frame]),
                1 => out.insert(self.dice.index(out.len() + 1), frame),
                2 => {}
                3 => {
                    let old = self.dice.pick(self.remembered.make_contiguous()).clone();
                    out.extend([frame, old]);
                }
                _ => out.push(flip(&frame, &mut self.dice)),
            }
        }
        *frames = out;
    }

    fn remember(&mut self, frame: &Bytes) {
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.remove(self.dice.index(REMEMBERED_MAX));
        }
        self.remembered.push_back(frame.clone());
    }
}

/// Turns some bits of a frame around.
pub(crate) fn flip(frame: &Bytes, dice: &mut Dice) -> Bytes {
    let mut bytes = frame.to_vec();
    for _ in 0..dice.between(1, 3) {
        // Mostly behind type and length, or nothing but the decoder would ever be tried.
        let at =
            if dice.chance(90) && bytes.len() > 4 { 3 + dice.index(bytes.len() - 3) } else { dice.index(bytes.len()) };
        bytes[at] ^= 1 << dice.below(8);
    }
    bytes.into()
}
