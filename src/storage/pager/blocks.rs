//! Which blocks of the data file are taken: a bitmap in memory that is derived from the map whenever the file is opened, so
//! that no crash can leak a block.
//!
//! Blocks are handed out in runs, from a place that moves round the file, so that what is written together lies together
//! as far as the holes allow.

use super::word::Block;

/// Blocks 0 and 1 hold the superblocks.
pub const SUPERBLOCKS: u32 = 2;

pub struct Blocks {
    /// One bit for each block, set when it is taken. Bits behind the last block are set.
    words: Vec<u64>,
    total: u32,
    free: u32,
    cursor: u32,
}

impl Blocks {
    /// Everything is free but the superblocks.
    pub fn new(total: u32) -> Blocks {
        let mut blocks = Blocks { words: Vec::new(), total: 0, free: 0, cursor: 0 };
        blocks.extend(total.max(SUPERBLOCKS));
        for n in 0..SUPERBLOCKS {
            blocks.mark(Block(n));
        }
        blocks
    }

    pub fn total(&self) -> u32 {
        self.total
    }

    pub fn free(&self) -> u32 {
        self.free
    }

    pub fn is_taken(&self, block: Block) -> bool {
        block.0 >= self.total || self.words[block.0 as usize / 64] >> (block.0 % 64) & 1 == 1
    }

    /// Takes a certain block; false when there is none or it is taken already.
    pub fn mark(&mut self, block: Block) -> bool {
        let was_free = !self.is_taken(block);
        if was_free {
            self.words[block.0 as usize / 64] |= 1 << (block.0 % 64);
            self.free -= 1;
        }
        was_free
    }

    pub fn give_back(&mut self, block: Block) {
        assert!(block.0 >= SUPERBLOCKS && block.0 < self.total && self.is_taken(block), "block {block} is not taken");
        self.words[block.0 as usize / 64] &= !(1 << (block.0 % 64));
        self.free += 1;
    }

    /// The file grew.
    pub fn extend(&mut self, by: u32) {
        let total = self.total.checked_add(by).expect("a file has less than 2^32 blocks");
        self.words.resize((total as usize).div_ceil(64), u64::MAX);
        for n in self.total..total {
            self.words[n as usize / 64] &= !(1 << (n % 64));
        }
        self.total = total;
        self.free += by;
    }

    /// The first block from `from` on whose bit is `taken`, or the end.
    fn find(&self, from: u32, taken: bool) -> u32 {
        let mut at = from;
        while at < self.total {
            let word = self.words[at as usize / 64];
            let wanted = (if taken { word } else { !word }) >> (at % 64);
            if wanted != 0 {
                return (at + wanted.trailing_zeros()).min(self.total);
            }
            at = (at / 64 + 1) * 64;
        }
        self.total
    }

    /// Takes up to `max` blocks, ascending but for one turn-over at the end of the file.
    pub fn take(&mut self, max: usize, out: &mut Vec<Block>) {
        let mut left = max.min(self.free as usize);
        while left > 0 {
            let mut start = self.find(self.cursor, false);
            if start == self.total {
                start = self.find(0, false);
            }
            let end = self.find(start, true).min(start.saturating_add(left as u32));
            for n in start..end {
                self.mark(Block(n));
                out.push(Block(n));
            }
            left -= (end - start) as usize;
            self.cursor = end;
        }
    }

    /// Takes `n` blocks in a row, the first such place in the file.
    pub fn take_row(&mut self, n: u32) -> Option<Block> {
        let mut start = self.find(0, false);
        while start < self.total {
            let end = self.find(start, true);
            if end - start >= n {
                (start..start + n).for_each(|b| assert!(self.mark(Block(b)), "the row is free"));
                return Some(Block(start));
            }
            start = self.find(end, false);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(blocks: &mut Blocks, max: usize) -> Vec<u32> {
        let mut out = Vec::new();
        blocks.take(max, &mut out);
        out.iter().map(|b| b.0).collect()
    }

    #[test]
    fn runs_go_round_the_file() {
        let mut blocks = Blocks::new(130);
        assert_eq!((blocks.free(), blocks.total()), (128, 130));
        assert_eq!(take(&mut blocks, 100), (2..102).collect::<Vec<_>>());
        (10..20).for_each(|n| blocks.give_back(Block(n)));
        assert_eq!(take(&mut blocks, 30), [(102..130).collect::<Vec<_>>(), vec![10, 11]].concat());
        assert_eq!(take(&mut blocks, 30), (12..20).collect::<Vec<_>>());
        assert_eq!((take(&mut blocks, 1), blocks.free()), (vec![], 0));
        blocks.extend(3);
        assert_eq!(take(&mut blocks, 9), [130, 131, 132]);
    }

    #[test]
    fn rows_are_unbroken() {
        let mut blocks = Blocks::new(20);
        assert!(blocks.mark(Block(5)) && !blocks.mark(Block(5)) && !blocks.mark(Block(20)));
        assert_eq!(blocks.take_row(4), Some(Block(6)));
        assert_eq!(blocks.take_row(3), Some(Block(2)));
        assert_eq!(blocks.take_row(11), None);
        assert_eq!(blocks.take_row(10), Some(Block(10)));
        assert_eq!(blocks.free(), 0);
    }

    #[test]
    #[should_panic(expected = "is not taken")]
    fn a_block_is_given_back_once() {
        let mut blocks = Blocks::new(20);
        blocks.give_back(Block(7));
    }
}
