//! The map of a checkpoint: where the image of each page is. Kept in memory as it is on disk, map page by map page, so that a
//! checkpoint rewrites only those in which something changed.
//!
//! ```text
//! map page   page head (kind "map", id = index) | one word for each of (page size - 16) / 8 page ids
//! directory  pages in a row, each: page head (kind "directory", id = index) | one word for each of as many map pages: its
//!            block and epoch, 0 when it holds nothing
//! ```

use super::head::{HEAD_BYTES, Kind, seal};
use super::word::{Block, Epoch, Home};
use crate::base::PageId;

const WORD_BYTES: usize = 8;

/// How many pages a map page tells of.
pub fn entries_per_map_page(page_bytes: usize) -> usize {
    (page_bytes - HEAD_BYTES) / WORD_BYTES
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapPage {
    pub home: Home,
    pub entries: Box<[u64]>,
}

/// The map of the newest durable checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    pub per_page: usize,
    pub pages: Vec<MapPage>,
}

impl Map {
    pub fn new(page_bytes: usize) -> Map {
        Map { per_page: entries_per_map_page(page_bytes), pages: Vec::new() }
    }

    pub fn index_of(&self, pid: PageId) -> usize {
        pid.0 as usize / self.per_page
    }

    /// The entries of a map page, with those that changed: `changed` is all of that page's, by id.
    pub fn overlay(&self, index: usize, changed: &[(PageId, Home)]) -> Box<[u64]> {
        let mut entries = match self.pages.get(index) {
            Some(page) if !page.entries.is_empty() => page.entries.clone(),
            _ => vec![0; self.per_page].into(),
        };
        for (pid, home) in changed {
            debug_assert_eq!(self.index_of(*pid), index);
            entries[pid.0 as usize % self.per_page] = home.word();
        }
        entries
    }

    pub fn set(&mut self, index: usize, page: MapPage) {
        if self.pages.len() <= index {
            self.pages.resize_with(index + 1, MapPage::default);
        }
        self.pages[index] = page;
    }

    /// Every page of the checkpoint.
    pub fn iter(&self) -> impl Iterator<Item = (PageId, Home)> {
        self.pages.iter().enumerate().flat_map(|(index, page)| entries_of(index, &page.entries))
    }
}

/// The pages that a map page tells of.
pub fn entries_of(index: usize, entries: &[u64]) -> impl Iterator<Item = (PageId, Home)> {
    let first = index * entries.len();
    let used = entries.iter().enumerate().filter(|(_, word)| **word != 0);
    used.map(move |(n, word)| (PageId((first + n) as u32), Home::of_word(*word)))
}

/// Writes a map page's image.
pub fn encode_map_page(entries: &[u64], index: usize, epoch: Epoch, page: &mut [u8]) {
    encode_words(entries, page);
    seal(page, Kind::Map, index as u32, epoch);
}

fn encode_words(words: &[u64], page: &mut [u8]) {
    page.fill(0);
    for (word, out) in words.iter().zip(page[HEAD_BYTES..].chunks_exact_mut(WORD_BYTES)) {
        out.copy_from_slice(&word.to_le_bytes());
    }
}

pub fn decode_map_page(page: &[u8]) -> Box<[u64]> {
    words(&page[HEAD_BYTES..])
}

/// Whole pages.
pub fn encode_directory(homes: impl Iterator<Item = Home>, epoch: Epoch, page_bytes: usize) -> Vec<u8> {
    let words: Vec<u64> = homes.map(Home::word).collect();
    let pages = words.chunks(entries_per_map_page(page_bytes));
    let mut out = vec![0; pages.len() * page_bytes];
    for (index, (words, page)) in pages.zip(out.chunks_exact_mut(page_bytes)).enumerate() {
        encode_words(words, page);
        seal(page, Kind::Directory, index as u32, epoch);
    }
    out
}

pub fn decode_directory(bytes: &[u8], map_pages: u32, page_bytes: usize) -> Vec<Home> {
    let words = bytes.chunks_exact(page_bytes).flat_map(decode_map_page);
    words.take(map_pages as usize).map(Home::of_word).collect()
}

pub fn directory_bytes(map_pages: u32, page_bytes: usize) -> usize {
    directory_blocks(map_pages, page_bytes) as usize * page_bytes
}

/// How many blocks a directory takes.
pub fn directory_blocks(map_pages: u32, page_bytes: usize) -> u32 {
    map_pages.div_ceil(entries_per_map_page(page_bytes) as u32)
}

/// The blocks of a directory.
pub fn directory_row(first: Block, map_pages: u32, page_bytes: usize) -> impl Iterator<Item = Block> {
    (first.0..first.0 + directory_blocks(map_pages, page_bytes)).map(Block)
}

fn words(bytes: &[u8]) -> Box<[u64]> {
    let word = |c: &[u8]| u64::from_le_bytes(c.try_into().expect("a chunk of eight"));
    bytes.chunks_exact(WORD_BYTES).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::super::head::check;
    use super::*;

    #[test]
    fn map_pages_round_trip_with_their_changes() {
        let mut map = Map::new(512);
        assert_eq!(map.per_page, 62);
        let home = |n| Home { block: Block(n), epoch: Epoch(3) };
        let entries = map.overlay(1, &[(PageId(62), home(5)), (PageId(123), home(6))]);
        map.set(1, MapPage { home: home(9), entries });
        let changed = map.overlay(1, &[(PageId(62), Home::NONE), (PageId(64), home(7))]);
        let mut page = [0xff; 512];
        encode_map_page(&changed, 1, Epoch(4), &mut page);
        assert_eq!(check(&page, Kind::Map, 1, Epoch(4)), Ok(()));
        assert_eq!(decode_map_page(&page), changed);
        assert_eq!(entries_of(1, &changed).collect::<Vec<_>>(), [(PageId(64), home(7)), (PageId(123), home(6))]);
        assert_eq!(map.iter().map(|(pid, _)| pid.0).collect::<Vec<_>>(), [62, 123]);
        let homes = [Home::NONE, home(9)];
        let row = encode_directory(homes.into_iter(), Epoch(4), 512);
        assert_eq!((decode_directory(&row, 2, 512), row.len()), (homes.to_vec(), 512));
        let many: Vec<Home> = (0..125).map(home).collect();
        let row = encode_directory(many.iter().copied(), Epoch(4), 512);
        assert_eq!((decode_directory(&row, 125, 512), row.len()), (many, directory_bytes(125, 512)));
        assert_eq!((directory_blocks(124, 512), directory_blocks(125, 512)), (2, 3));
        assert_eq!(check(&row[1024..], Kind::Directory, 2, Epoch(4)), Ok(()));
    }
}
