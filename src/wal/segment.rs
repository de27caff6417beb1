//! The format of a segment file's head, and the names of files.
//!
//! A segment holds the records from one position on, whole records only. Positions count the bytes of records and
//! nothing else, so a head takes none of them, and the next segment starts where the last record of this one ends. A
//! segment is over when a next one starts at its end with the chain's value there as its seed.
//!
//! | offset | size | meaning |
//! |-------:|-----:|---------|
//! |      0 |    8 | magic `HWLOGSEG` |
//! |      8 |    4 | version of this format, 1 |
//! |     12 |    4 | timeline |
//! |     16 |   16 | id of the cluster |
//! |     32 |    8 | position of the first record |
//! |     40 |    4 | the chain's value there |
//! |     44 |    4 | CRC-32C of the bytes before |
//! |     48 |  464 | zeros: records begin at a sector of their own, so writing them cannot tear the head |
//!
//! Little-endian.
//!
//! Behind the last record of a segment all is zeros to the end of the file.
//!
//! Names: `<start in 16 hex digits>.wal` is a segment; `<n>.old` is one that is no longer needed, as it was, until it is
//! filled with zeros from its start; `<n>.spare` is a file ready to become a segment: zeros, or a head and zeros;
//! `<n>.tmp` is a new one on its way to be a spare.

use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::SECTOR_BYTES;

pub const HEAD_BYTES: u64 = SECTOR_BYTES;

/// A page of the system's cache: it is read from the device before it takes a part of it, and a process that is killed
/// leaves whole ones of a write.
pub const CACHE_PAGE_BYTES: u64 = 4096;

const MAGIC: &[u8; 8] = b"HWLOGSEG";
const VERSION: u32 = 1;
const VERSION_AT: usize = 8;
const TIMELINE_AT: usize = 12;
const CLUSTER_AT: usize = 16;
const START_AT: usize = 32;
const CHAIN_AT: usize = 40;
const CRC_AT: usize = 44;
const END: usize = 48;
const _: () = assert!(MAGIC.len() == VERSION_AT && VERSION_AT + 4 == TIMELINE_AT && TIMELINE_AT + 4 == CLUSTER_AT);
const _: () = assert!(CLUSTER_AT + 16 == START_AT && START_AT + 8 == CHAIN_AT && CHAIN_AT + 4 == CRC_AT);
const _: () = assert!(CRC_AT + 4 == END && END as u64 <= HEAD_BYTES);

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The same for a database and all that follow its log.
    pub cluster: u128,
    /// From 1; a new one begins where a history parts from another.
    pub timeline: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub cluster: u128,
    pub timeline: u32,
    pub start: Lsn,
    pub chain: u32,
}

impl Head {
    pub fn encode(&self) -> [u8; HEAD_BYTES as usize] {
        let mut out = [0; HEAD_BYTES as usize];
        out[..VERSION_AT].copy_from_slice(MAGIC);
        out[VERSION_AT..TIMELINE_AT].copy_from_slice(&VERSION.to_le_bytes());
        out[TIMELINE_AT..CLUSTER_AT].copy_from_slice(&self.timeline.to_le_bytes());
        out[CLUSTER_AT..START_AT].copy_from_slice(&self.cluster.to_le_bytes());
        out[START_AT..CHAIN_AT].copy_from_slice(&self.start.0.to_le_bytes());
        out[CHAIN_AT..CRC_AT].copy_from_slice(&self.chain.to_le_bytes());
        let crc = crc32c::crc32c(&out[..CRC_AT]);
        out[CRC_AT..END].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub fn decode(bytes: &[u8]) -> Result<Head> {
        let bad = |what: &str| Error::new(SqlState::DATA_CORRUPTED, format!("log segment: {what}"));
        let b = bytes.first_chunk::<END>().ok_or_else(|| bad("head cut off"))?;
        if &b[..VERSION_AT] != MAGIC {
            return Err(bad("not a log segment"));
        }
        let u32_at = |at: usize| u32::from_le_bytes(*b[at..].first_chunk().expect("inside the head"));
        if u32_at(CRC_AT) != crc32c::crc32c(&b[..CRC_AT]) {
            return Err(bad("wrong checksum of its head"));
        }
        if u32_at(VERSION_AT) != VERSION {
            return Err(bad(&format!("version {} is not supported", u32_at(VERSION_AT))));
        }
        Ok(Head {
            cluster: u128::from_le_bytes(*b[CLUSTER_AT..].first_chunk().expect("inside the head")),
            timeline: u32_at(TIMELINE_AT),
            start: Lsn(u64::from_le_bytes(*b[START_AT..].first_chunk().expect("inside the head"))),
            chain: u32_at(CHAIN_AT),
        })
    }
}

pub fn segment_name(start: Lsn) -> String {
    format!("{:016x}.wal", start.0)
}

/// The start of the segment with this name.
pub fn parse_segment_name(name: &str) -> Option<Lsn> {
    let digits = name.strip_suffix(".wal")?;
    let start = Lsn(u64::from_str_radix(digits, 16).ok()?);
    (segment_name(start) == name).then_some(start)
}

pub fn spare_name(n: u64) -> String {
    format!("{n}.spare")
}

pub fn parse_spare_name(name: &str) -> Option<u64> {
    name.strip_suffix(".spare")?.parse().ok()
}

pub fn old_name(n: u64) -> String {
    format!("{n}.old")
}

pub fn parse_old_name(name: &str) -> Option<u64> {
    name.strip_suffix(".old")?.parse().ok()
}

pub fn unready_name(n: u64) -> String {
    format!("{n}.tmp")
}

pub fn is_unready_name(name: &str) -> bool {
    name.ends_with(".tmp")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head { cluster: 0xfeed_beef, timeline: 3, start: Lsn(0x1234_5678_9abc), chain: 0xdead_0001 };

    #[test]
    fn golden() {
        let hex: String = HEAD.encode()[..END].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        assert!(HEAD.encode()[END..].iter().all(|&b| b == 0));
    }
    const GOLDEN: &str =
        "48574c4f475345470100000003000000efbeedfe000000000000000000000000bc9a7856341200000100added07740e9";

    #[test]
    fn round_trips_and_sees_damage() {
        assert_eq!(Head::decode(&HEAD.encode()).unwrap(), HEAD);
        for at in 0..END {
            let mut bytes = HEAD.encode();
            bytes[at] ^= 1;
            assert!(Head::decode(&bytes).is_err(), "byte {at}");
        }
        assert!(Head::decode(&[]).is_err());
    }

    #[test]
    fn names() {
        assert_eq!(segment_name(Lsn(0xabc)), "0000000000000abc.wal");
        assert_eq!(parse_segment_name("0000000000000abc.wal"), Some(Lsn(0xabc)));
        assert_eq!(parse_segment_name("abc.wal"), None);
        assert_eq!(parse_segment_name("0000000000000ABC.wal"), None);
        assert_eq!(parse_spare_name(&spare_name(7)), Some(7));
        assert_eq!((parse_old_name(&old_name(7)), parse_old_name(&spare_name(7))), (Some(7), None));
        assert!(is_unready_name(&unready_name(1)));
    }
}
