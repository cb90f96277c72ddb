//! A relay that lies: it doubles, swaps, drops, repeats and corrupts the frames that pass through it.

use super::dice::Dice;
use bytes::Bytes;
use std::collections::VecDeque;

/// Frames that it remembers, to replay them to anybody.
const REMEMBERED_MAX: usize = 64;

/// What makes an honest relay dishonest.
#[derive(Debug)]
pub(crate) struct Liar {
    dice: Dice,
    remembered: VecDeque<Bytes>,
    /// Chance that it touches a frame.
    percent: u64,
}

impl Liar {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "liar");
        let percent = *dice.pick(&[1, 5, 20]);
        Self { dice, remembered: VecDeque::new(), percent }
    }

    /// Does to the frames of one batch what it likes.
    pub(crate) fn tamper(&mut self, frames: &mut Vec<Bytes>) {
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

fn flip(frame: &Bytes, dice: &mut Dice) -> Bytes {
    let mut bytes = frame.to_vec();
    for _ in 0..dice.between(1, 3) {
        // Mostly behind type and length, or nothing but the decoder would ever be tried.
        let at =
            if dice.chance(90) && bytes.len() > 4 { 3 + dice.index(bytes.len() - 3) } else { dice.index(bytes.len()) };
        bytes[at] ^= 1 << dice.below(8);
    }
    bytes.into()
}
