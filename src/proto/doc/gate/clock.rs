//! What a change had seen: per author, how many of its changes.
//!
//! Always: clocks of neighbouring changes share what is equal, so one more costs a block and a row of pointers, however
//! many changes there are.

use std::sync::Arc;

/// Authors per shared block.
const BLOCK: usize = 32;

type Block = [u32; BLOCK];

/// Number of changes seen, by the index's number of the author.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    blocks: Box<[Arc<Block>]>,
}

impl Clock {
    /// Returns how many changes of `author` were seen.
    pub(super) fn seen(&self, author: u32) -> u32 {
        let (block, place) = split(author);
        self.blocks.get(block).map_or(0, |block| block[place])
    }

    /// Returns this clock with `seq` changes of `author` seen.
    #[must_use]
    pub(super) fn with(self, author: u32, seq: u32) -> Self {
        let (block, place) = split(author);
        let mut blocks = Vec::from(self.blocks);
        while blocks.len() <= block {
            blocks.push(Arc::new([0; BLOCK]));
        }
        Arc::make_mut(&mut blocks[block])[place] = seq;
        Self { blocks: blocks.into() }
    }

    /// Adds what `other` saw.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.blocks.len() > self.blocks.len() {
            let longer = other.blocks[self.blocks.len()..].iter();
            self.blocks = self.blocks.iter().chain(longer).cloned().collect();
        }
        for (mine, theirs) in self.blocks.iter_mut().zip(&other.blocks) {
            if !Arc::ptr_eq(mine, theirs) {
                merge_block(mine, theirs);
            }
        }
    }
}

const fn split(author: u32) -> (usize, usize) {
    (author as usize / BLOCK, author as usize % BLOCK)
}

/// Makes `mine` the maximum of both, by sharing `theirs` if that is it.
fn merge_block(mine: &mut Arc<Block>, theirs: &Arc<Block>) {
    let max: Block = std::array::from_fn(|place| mine[place].max(theirs[place]));
    if max == **theirs {
        *mine = Arc::clone(theirs);
    } else if max != **mine {
        *mine = Arc::new(max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reference is admitted only if the clock covers it, so a merge must neither forget nor invent.
    #[test]
    fn merged_clock_has_seen_what_either_has() {
        let ada = Clock::default().with(0, 3).with(70, 1);
        let ben = Clock::default().with(0, 2).with(33, 5);
        let mut both = ada.clone();
        both.merge(&ben);
        assert_eq!([0, 1, 33, 70, 99].map(|author| both.seen(author)), [3, 0, 5, 1, 0]);
        let mut again = ben;
        again.merge(&ada);
        assert_eq!([0, 1, 33, 70, 99].map(|author| again.seen(author)), [3, 0, 5, 1, 0]);
    }

    /// Ten thousand changes with full clocks of their own would be most of a document's memory.
    #[test]
    fn clocks_share_what_did_not_change() {
        let base = Clock::default().with(0, 1).with(40, 1);
        let next = base.clone().with(0, 2);
        assert!(Arc::ptr_eq(&base.blocks[1], &next.blocks[1]));
        let mut merged = base;
        merged.merge(&next);
        assert!(Arc::ptr_eq(&merged.blocks[0], &next.blocks[0]));
    }
}
