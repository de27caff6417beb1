//! Where a page is, in one word: the entry of the page table in memory and of the map on disk.
//!
//! ```text
//! bits 63..32  block of the newest image on disk (0: none), or the frame
//! bits 31..2   epoch of that image
//! bits  1..0   0 on disk, 1 being read in, 2 resident
//! ```
//!
//! An id that is free has block 0 and the epoch in which it became free, so that an image from before that is still on its way
//! to the disk can be told from a newer one.

use std::fmt;

/// A place in the data file, counted in pages from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(pub u32);

impl Block {
    /// Block 0 holds a superblock, so no page.
    pub const NONE: Block = Block(0);

    pub fn offset(self, page_bytes: usize) -> u64 {
        u64::from(self.0) * page_bytes as u64
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The time between two freezes. A checkpoint has the number of the epoch that its freeze ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// Of a frame whose content is on disk; and of what was before the first epoch.
    pub const NONE: Epoch = Epoch(0);
    pub const MAX: Epoch = Epoch((1 << 30) - 1);

    pub fn next(self) -> Epoch {
        assert!(self < Epoch::MAX, "a data file has at most 2^30 checkpoints");
        Epoch(self.0 + 1)
    }
}

/// The newest image of a page that is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Home {
    pub block: Block,
    pub epoch: Epoch,
}

impl Home {
    pub const NONE: Home = Home { block: Block::NONE, epoch: Epoch::NONE };

    pub fn word(self) -> u64 {
        u64::from(self.block.0) << 32 | u64::from(self.epoch.0) << 2
    }

    pub fn of_word(word: u64) -> Home {
        Home { block: Block((word >> 32) as u32), epoch: Epoch(word as u32 >> 2) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Disk(Home),
    /// One thread reads it in; the others wait.
    Loading(Home),
    Resident(u32),
}

const LOADING: u64 = 1;
const RESIDENT: u64 = 2;
const TAG: u64 = 3;

impl Place {
    pub fn word(self) -> u64 {
        match self {
            Place::Disk(home) => home.word(),
            Place::Loading(home) => home.word() | LOADING,
            Place::Resident(frame) => resident(frame),
        }
    }

    pub fn of_word(word: u64) -> Place {
        match word & TAG {
            0 => Place::Disk(Home::of_word(word)),
            LOADING => Place::Loading(Home::of_word(word)),
            _ => Place::Resident((word >> 32) as u32),
        }
    }
}

/// The word of a page in a frame.
pub fn resident(frame: u32) -> u64 {
    u64::from(frame) << 32 | RESIDENT
}

/// The frame of a resident page's word.
#[inline]
pub fn frame_of(word: u64) -> Option<u32> {
    (word & TAG == RESIDENT).then_some((word >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        let home = Home { block: Block(u32::MAX), epoch: Epoch::MAX };
        for place in [Place::Disk(home), Place::Loading(home), Place::Disk(Home::NONE), Place::Resident(u32::MAX)] {
            assert_eq!(Place::of_word(place.word()), place);
            assert_eq!(frame_of(place.word()).is_some(), matches!(place, Place::Resident(_)));
        }
        assert_eq!(Place::Disk(Home::NONE).word(), 0);
        assert_eq!(Home { block: Block(2), epoch: Epoch(3) }.word(), 0x2_0000_000c);
    }
}
