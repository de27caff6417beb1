//! The page table: one atomic word for each page id.
//!
//! Its parts double in size and never move, so a look-up takes no lock: the number of leading zeros names the part.

use crate::base::PageId;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

const FIRST_BITS: u32 = 10;
const PARTS: usize = 33 - FIRST_BITS as usize;

pub struct PageTable {
    parts: [OnceLock<Box<[AtomicU64]>>; PARTS],
}

/// The part of a page's word, and the place in it.
#[inline]
fn locate(pid: PageId) -> (usize, usize) {
    let n = u64::from(pid.0) + (1 << FIRST_BITS);
    let bits = 63 - n.leading_zeros();
    ((bits - FIRST_BITS) as usize, (n - (1 << bits)) as usize)
}

impl PageTable {
    pub fn new() -> PageTable {
        PageTable { parts: [const { OnceLock::new() }; PARTS] }
    }

    /// None for an id beyond all that were ever given out.
    #[inline]
    pub fn get(&self, pid: PageId) -> Option<&AtomicU64> {
        let (part, at) = locate(pid);
        self.parts[part].get().map(|words| &words[at])
    }

    /// Makes the word if need be.
    pub fn word(&self, pid: PageId) -> &AtomicU64 {
        let (part, at) = locate(pid);
        &self.parts[part].get_or_init(|| zeroed(1 << (part as u32 + FIRST_BITS)))[at]
    }
}

/// Memory that is not touched before its first use.
fn zeroed(n: usize) -> Box<[AtomicU64]> {
    // SAFETY: all bits zero is an AtomicU64 of zero.
    unsafe { Box::<[AtomicU64]>::new_zeroed_slice(n).assume_init() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn parts_follow_each_other() {
        let mut next = (0, 0);
        for pid in 0..5000 {
            let (part, at) = locate(PageId(pid));
            if (part, at) != next {
                assert_eq!((part, at), (next.0 + 1, 0));
            }
            next = (part, at + 1);
        }
        assert_eq!(locate(PageId(u32::MAX)).0, PARTS - 1);
    }

    #[test]
    fn words_start_as_zero_and_stay() {
        let table = PageTable::new();
        assert!(table.get(PageId(3000)).is_none());
        table.word(PageId(3000)).store(7, Relaxed);
        assert_eq!(table.get(PageId(3000)).unwrap().load(Relaxed), 7);
        assert_eq!(table.get(PageId(3001)).unwrap().load(Relaxed), 0);
    }
}
