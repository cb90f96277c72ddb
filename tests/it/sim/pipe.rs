//! One direction of a connection: a reliable, ordered stream of bytes over a bad path.
//!
//! frames --`send`--> pieces with arrival times --`arrived`--> whoever reads
//!
//! A stream over QUIC never loses or reorders; what the path does to packets shows as delay. So loss is an extra
//! delay of a retransmission timeout, a partition holds everything back, a slow path takes its time per byte.

use super::dice::Dice;
use std::collections::VecDeque;

/// Bytes on their way after which the sender has to wait, as a stream's flow control has it.
const WINDOW_BYTES: usize = 131_072;
/// How far ahead of the path a sender may write, in microseconds.
const AHEAD_US: u64 = 50_000;

/// What a path is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) delay_us: u64,
    pub(crate) jitter_us: u64,
    pub(crate) bytes_per_s: u64,
    /// Chance that a batch waits for a retransmission.
    pub(crate) loss_percent: u64,
}

impl Weather {
    pub(crate) const FINE: Self = Self { delay_us: 5_000, jitter_us: 1_000, bytes_per_s: 20_000_000, loss_percent: 0 };

    /// Tells whether a few seconds of typing fill the path for longer than a difference may last unnoticed.
    pub(crate) const fn is_slow(&self) -> bool {
        self.bytes_per_s < 200_000
    }

    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let bytes_per_s = *dice.pick(&[20_000, 200_000, 2_000_000, 20_000_000, 20_000_000]);
        let delay_us = *dice.pick(&[100, 1_000, 20_000, 80_000, 400_000]);
        Self { delay_us, jitter_us: dice.below(delay_us + 1), bytes_per_s, loss_percent: *dice.pick(&[0, 0, 1, 5, 30]) }
    }
}

/// What arrives.
#[derive(Debug)]
pub(crate) enum Load {
    Bytes(Vec<u8>),
    /// The sender has closed the stream.
    End,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) weather: Weather,
    queue: VecDeque<(u64, Load)>,
    in_flight_bytes: usize,
    busy_until_us: u64,
    last_arrival_us: u64,
}

impl Pipe {
    pub(crate) const fn new(weather: Weather) -> Self {
        Self { weather, queue: VecDeque::new(), in_flight_bytes: 0, busy_until_us: 0, last_arrival_us: 0 }
    }

    /// Returns when the sender may write again; `None`: once the reader has read.
    pub(crate) fn room_at(&self) -> Option<u64> {
        (self.in_flight_bytes < WINDOW_BYTES).then(|| self.busy_until_us.saturating_sub(AHEAD_US))
    }

    /// Sends bytes, cut at random so that no reader can rely on where a frame ends.
    pub(crate) fn send(&mut self, bytes: &[u8], now_us: u64, dice: &mut Dice) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let cut = if dice.chance(50) { rest.len() } else { dice.between(1, rest.len() as u64) as usize };
            let (piece, after) = rest.split_at(cut);
            rest = after;
            let arrival_us = self.arrival_us(piece.len(), now_us, dice);
            self.in_flight_bytes += piece.len();
            self.queue.push_back((arrival_us, Load::Bytes(piece.to_vec())));
        }
    }

    /// Closes the stream behind everything sent.
    pub(crate) fn end(&mut self, now_us: u64, dice: &mut Dice) {
        let arrival_us = self.arrival_us(0, now_us, dice);
        self.queue.push_back((arrival_us, Load::End));
    }

    fn arrival_us(&mut self, bytes: usize, now_us: u64, dice: &mut Dice) -> u64 {
        let Weather { delay_us, jitter_us, bytes_per_s, loss_percent } = self.weather;
        self.busy_until_us = self.busy_until_us.max(now_us) + bytes as u64 * 1_000_000 / bytes_per_s;
        let retransmission_us = if dice.chance(loss_percent) { (2 * delay_us).max(200_000) } else { 0 };
        let arrival_us = self.busy_until_us + delay_us + dice.below(jitter_us + 1) + retransmission_us;
        self.last_arrival_us = arrival_us.max(self.last_arrival_us);
        self.last_arrival_us
    }

    /// Holds back everything until `until_us`: a partition, or a burst of loss.
    pub(crate) fn hold(&mut self, until_us: u64) {
        self.busy_until_us = self.busy_until_us.max(until_us);
        self.last_arrival_us = self.last_arrival_us.max(until_us);
        self.queue.iter_mut().for_each(|(arrival_us, _)| *arrival_us = until_us.max(*arrival_us));
    }

    /// Lets go of what was held, for a path that is well again.
    pub(crate) fn release(&mut self, now_us: u64) {
        self.busy_until_us = self.busy_until_us.min(now_us);
        self.last_arrival_us = self.last_arrival_us.min(now_us);
        self.queue.iter_mut().for_each(|(arrival_us, _)| *arrival_us = now_us.min(*arrival_us));
    }

    /// Returns when the next piece arrives.
    pub(crate) fn next_us(&self) -> Option<u64> {
        self.queue.front().map(|(arrival_us, _)| *arrival_us)
    }

    /// Takes the next piece if it is there.
    pub(crate) fn arrived(&mut self, now_us: u64) -> Option<Load> {
        self.next_us().filter(|arrival_us| *arrival_us <= now_us)?;
        let (_, load) = self.queue.pop_front()?;
        if let Load::Bytes(piece) = &load {
            self.in_flight_bytes -= piece.len();
        }
        Some(load)
    }
}
