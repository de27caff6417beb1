//! A stretch of the undo stream in memory. Its words are atomics: the one writer fills them while readers read others,
//! and a reader learns a position only through a page's latch or a release store, behind the words it leads to. So
//! relaxed accesses suffice, and no access to a reused segment is worse than a wrong word.

use super::item::{HEAD_WORDS, Item, WORD};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

pub(super) struct Segment {
    words: Box<[AtomicU64]>,
}

impl Segment {
    pub fn new(bytes: u64) -> Segment {
        Segment { words: (0..bytes / WORD).map(|_| AtomicU64::new(0)).collect() }
    }

    pub fn word(&self, at: u64) -> &AtomicU64 {
        &self.words[(at / WORD) as usize]
    }

    pub fn store(&self, at: u64, word: u64) {
        self.word(at).store(word, Release);
    }

    /// The head of the item at `at`; a pad when a whole one does not fit there.
    pub fn item(&self, at: u64) -> Item {
        let first = (at / WORD) as usize;
        match self.words.get(first..first + HEAD_WORDS) {
            Some(words) => Item(std::array::from_fn(|i| words[i].load(Acquire))),
            None => Item([0; HEAD_WORDS]),
        }
    }

    pub fn put_item(&self, at: u64, item: &Item) {
        let first = (at / WORD) as usize;
        for (word, value) in self.words[first..].iter().zip(item.0) {
            word.store(value, Relaxed);
        }
    }

    /// Writes bytes from a word boundary on.
    pub fn put_bytes(&self, at: u64, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        let words = &self.words[(at / WORD) as usize..];
        for (word, chunk) in words.iter().zip(whole) {
            word.store(u64::from_le_bytes(*chunk), Relaxed);
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            words[whole.len()].store(u64::from_le_bytes(last), Relaxed);
        }
    }

    /// Appends `len` bytes from a word boundary on.
    pub fn read_bytes(&self, at: u64, len: usize, out: &mut Vec<u8>) {
        out.reserve(len);
        let mut left = len;
        for word in &self.words[(at / WORD) as usize..] {
            if left == 0 {
                return;
            }
            let take = left.min(8);
            out.extend_from_slice(&word.load(Relaxed).to_le_bytes()[..take]);
            left -= take;
        }
    }

    /// Fills the segment from its bytes.
    pub fn fill(&self, bytes: &[u8]) {
        self.put_bytes(0, bytes);
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.read_bytes(0, self.words.len() * WORD as usize, &mut out);
        out
    }
}

/// Where a segment is.
#[derive(Clone)]
pub(super) enum Place {
    Memory(Arc<Segment>),
    /// In this slot of the temporary file.
    Spilled(u32),
}

/// The segments that the stream still has, by number.
#[derive(Default)]
pub(super) struct Table {
    pub first: u64,
    pub places: VecDeque<Place>,
}

impl Table {
    pub fn get(&self, number: u64) -> Option<&Place> {
        self.places.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    pub fn push(&mut self, segment: Arc<Segment>) {
        self.places.push_back(Place::Memory(segment));
    }

    /// Takes the segments before number `to` out.
    pub fn pop_before(&mut self, to: u64) -> Vec<Place> {
        let gone = usize::try_from(to.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.places.len());
        self.first += gone as u64;
        self.places.drain(..gone).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_come_back() {
        let segment = Segment::new(64);
        for len in [0, 1, 7, 8, 9, 23, 24] {
            let bytes: Vec<u8> = (1..=len as u8).collect();
            segment.put_bytes(8, &bytes);
            let mut out = vec![9];
            segment.read_bytes(8, len, &mut out);
            assert_eq!(out[1..], bytes);
        }
        let copy = Segment::new(64);
        copy.fill(&segment.to_bytes());
        assert_eq!(copy.to_bytes(), segment.to_bytes());
    }

    #[test]
    fn numbers_stay_when_the_front_goes() {
        let mut table = Table { first: 5, ..Table::default() };
        (0..3).for_each(|_| table.push(Arc::new(Segment::new(8))));
        assert!(table.get(4).is_none() && table.get(7).is_some() && table.get(8).is_none());
        assert_eq!(table.pop_before(7).len(), 2);
        assert!(table.get(6).is_none() && table.get(7).is_some());
        assert_eq!((table.pop_before(100).len(), table.first), (1, 8));
    }
}
