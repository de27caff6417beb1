//! Where the pages of a snapshot are: one entry for each, by page id.
//!
//! | offset | size | meaning |
//! |-------:|-----:|---------|
//! |      0 |    8 | magic `HWBAKMAP` |
//! |      8 |    4 | version of this format, 1 |
//! |     12 |    - | compressed: for each page its id, 4 bytes; the block and the epoch of its image in the data file, 4 each; the |
//! |        |      | pack, as the manifest numbers them, and the slot in it, 4 each |
//!
//! Little-endian. Block and epoch tell the next snapshot whether the page has changed: as long as both are the same, so is
//! the image.

use super::compress::{Compressor, compressor, decompressor};
use super::object::damaged;
use crate::base::bytes::Reader;
use crate::base::{Error, PageId, Result};
use crate::storage::{Block, Epoch, Home};
use std::io::{BufReader, Read, Write};

const MAGIC: &[u8; 8] = b"HWBAKMAP";
const VERSION: u32 = 1;
const ENTRY_BYTES: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub pid: PageId,
    pub home: Home,
    pub pack: u32,
    pub slot: u32,
}

pub struct MapWriter {
    out: Compressor,
}

impl MapWriter {
    pub fn new() -> Result<MapWriter> {
        let mut head = MAGIC.to_vec();
        head.extend(VERSION.to_le_bytes());
        Ok(MapWriter { out: compressor(head)? })
    }

    pub fn add(&mut self, entry: Entry) -> Result<()> {
        let Entry { pid, home, pack, slot } = entry;
        let mut bytes = [0; ENTRY_BYTES];
        let words = [pid.0, home.block.0, home.epoch.0, pack, slot];
        for (word, out) in words.iter().zip(bytes.chunks_exact_mut(4)) {
            out.copy_from_slice(&word.to_le_bytes());
        }
        Ok(self.out.write_all(&bytes)?)
    }

    pub fn finish(self) -> Result<Vec<u8>> {
        Ok(self.out.finish()?)
    }
}

/// The entries of a map, in order.
pub struct MapReader<'a> {
    key: &'a str,
    stream: BufReader<Box<dyn Read + 'a>>,
    last: PageId,
}

impl<'a> MapReader<'a> {
    pub fn new(key: &'a str, content: &'a [u8]) -> Result<MapReader<'a>> {
        let mut r = Reader::new(content);
        if r.array::<8>().ok().as_ref() != Some(MAGIC) {
            return Err(damaged(key, "it holds no map"));
        }
        let version = r.u32()?;
        if version != VERSION {
            return Err(Error::unsupported(format!("a map of format {version}")));
        }
        let stream: Box<dyn Read + 'a> = Box::new(decompressor(r.rest())?);
        Ok(MapReader { key, stream: BufReader::with_capacity(64 << 10, stream), last: PageId::NONE })
    }

    pub fn next(&mut self) -> Result<Option<Entry>> {
        let mut bytes = [0; ENTRY_BYTES];
        let mut filled = 0;
        while filled < ENTRY_BYTES {
            match self.stream.read(&mut bytes[filled..]).map_err(|e| damaged(self.key, e))? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(damaged(self.key, "its last entry is cut off")),
                n => filled += n,
            }
        }
        let word = |n: usize| u32::from_le_bytes([bytes[n * 4], bytes[n * 4 + 1], bytes[n * 4 + 2], bytes[n * 4 + 3]]);
        let home = Home { block: Block(word(1)), epoch: Epoch(word(2)) };
        let entry = Entry { pid: PageId(word(0)), home, pack: word(3), slot: word(4) };
        if entry.pid <= self.last {
            return Err(damaged(self.key, "its pages are not in order"));
        }
        self.last = entry.pid;
        Ok(Some(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip_in_order() {
        let entry = |pid: u32| Entry {
            pid: PageId(pid),
            home: Home { block: Block(pid + 7), epoch: Epoch(3) },
            pack: pid % 2,
            slot: pid * 2,
        };
        let mut map = MapWriter::new().unwrap();
        (1..1000).for_each(|pid| map.add(entry(pid)).unwrap());
        let bytes = map.finish().unwrap();
        let mut read = MapReader::new("k", &bytes).unwrap();
        for pid in 1..1000 {
            assert_eq!(read.next().unwrap(), Some(entry(pid)));
        }
        assert_eq!(read.next().unwrap(), None);
        let mut wrong = MapWriter::new().unwrap();
        [2, 1].iter().for_each(|pid| wrong.add(entry(*pid)).unwrap());
        let bytes = wrong.finish().unwrap();
        let mut read = MapReader::new("k", &bytes).unwrap();
        read.next().unwrap();
        assert!(read.next().is_err());
        assert!(MapReader::new("k", b"HWBAK").is_err());
    }
}
