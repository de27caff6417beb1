//! A piece of the log as the archive has it: whole records, byte for byte as they stand in the log.
//!
//! | offset | size | meaning |
//! |-------:|-----:|---------|
//! |      0 |    8 | magic `HWLOGARC` |
//! |      8 |    4 | version of this format, 1 |
//! |     12 |    8 | position of the first record |
//! |     20 |    4 | the chain's value there |
//! |     24 |    8 | position behind the last record |
//! |     32 |    4 | the chain's value there |
//! |     36 |    8 | when the last record was appended, microseconds since 1970 |
//! |     44 |    - | the records, compressed |
//!
//! Little-endian.

use super::compress::{compress, decompress};
use super::object::damaged;
use crate::base::bytes::Reader;
use crate::base::{Error, Lsn, Result};
use crate::wal::{Place, Record};

/// A chunk is full when it has this much log.
pub const CHUNK_BYTES: usize = 16 << 20;

const MAGIC: &[u8; 8] = b"HWLOGARC";
const VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub start: Place,
    pub end: Place,
    /// When its last record was appended.
    pub time_us: u64,
    /// The records.
    pub log: Vec<u8>,
}

impl Chunk {
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut head = MAGIC.to_vec();
        head.extend(VERSION.to_le_bytes());
        for place in [self.start, self.end] {
            head.extend(place.at.0.to_le_bytes());
            head.extend(place.chain.to_le_bytes());
        }
        head.extend(self.time_us.to_le_bytes());
        compress(head, &self.log)
    }

    /// The chunk that an object of this key holds. Its records are not looked at.
    pub fn decode(key: &str, content: &[u8]) -> Result<Chunk> {
        let mut r = Reader::new(content);
        if r.array::<8>().ok().as_ref() != Some(MAGIC) {
            return Err(damaged(key, "it holds no log"));
        }
        let version = r.u32()?;
        if version != VERSION {
            return Err(Error::unsupported(format!("archived log of format {version}")));
        }
        let mut place = || -> Result<Place> { Ok(Place { at: Lsn(r.u64()?), chain: r.u32()? }) };
        let (start, end) = (place()?, place()?);
        let time_us = r.u64()?;
        let length = end.at.0.checked_sub(start.at.0);
        let log = length.and_then(|length| decompress(r.rest(), length));
        let log = log.ok_or_else(|| damaged(key, "its log has not the length that it says"))?;
        Ok(Chunk { start, end, time_us, log })
    }

    /// Visits its records, each checked against the chain.
    pub fn records(&self, key: &str, visit: &mut dyn FnMut(Record<'_>) -> Result<()>) -> Result<()> {
        let (mut at, mut rest) = (self.start, &self.log[..]);
        while !rest.is_empty() {
            let record = at.follow(rest).map_err(|e| damaged(key, e.message()))?;
            let record = record.ok_or_else(|| damaged(key, "its last record is cut off"))?;
            rest = &rest[record.bytes.len()..];
            visit(record)?;
        }
        if at == self.end { Ok(()) } else { Err(damaged(key, "it does not end where it says")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_round_trips() {
        let place = |at, chain| Place { at: Lsn(at), chain };
        let chunk = Chunk { start: place(100, 1), end: place(105, 2), time_us: 7, log: b"bytes".to_vec() };
        let bytes = chunk.encode().unwrap();
        assert_eq!(bytes[..12], *b"HWLOGARC\x01\0\0\0");
        assert_eq!(Chunk::decode("k", &bytes).unwrap(), chunk);
        for n in 0..bytes.len() {
            assert!(Chunk::decode("k", &bytes[..n]).is_err(), "{n}");
        }
        let long = Chunk { end: place(u64::MAX, 2), ..chunk };
        assert!(Chunk::decode("k", &long.encode().unwrap()).is_err());
        assert!(long.records("k", &mut |_| Ok(())).is_err());
    }
}
