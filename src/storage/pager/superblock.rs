//! The two superblocks: where the newest checkpoint begins.
//!
//! ```text
//! offset size
//!      0    4  crc32c of bytes 4..512
//!      4    4  magic
//!      8    4  format version
//!     12    4  page size
//!     16    4  checkpoint number (its epoch); 0: none yet
//!     20    4  first block of the map directory; 0: the map is empty
//!     24    4  map pages in the directory
//!     28    4  crc32c of the directory
//!     32    8  LSN
//!     40    2  length of the payload
//!     42  256  payload, zeros behind it
//! ```
//!
//! One sector each, at the start of blocks 0 and 1; a checkpoint overwrites the older one. A new file has both.

use super::blocks::SUPERBLOCKS;
use super::ledger::{Directory, Durable};
use super::options::Root;
use super::word::{Block, Epoch};
use crate::base::bytes::Reader;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::{Disk, File};

pub const SUPERBLOCK_BYTES: usize = 512;
pub const PAGE_BYTES_MIN: usize = SUPERBLOCK_BYTES;
pub const PAGE_BYTES_MAX: usize = 65536;
const MAGIC: u32 = u32::from_le_bytes(*b"HWpg");
const VERSION: u32 = 2;
const PAYLOAD_AT: usize = 42;
const _: () = assert!(PAYLOAD_AT + Root::PAYLOAD_BYTES_MAX <= SUPERBLOCK_BYTES);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    pub page_bytes: usize,
    pub durable: Durable,
}

impl Superblock {
    pub fn encode(&self) -> [u8; SUPERBLOCK_BYTES] {
        let mut out = Vec::with_capacity(SUPERBLOCK_BYTES);
        let Durable { epoch, root, directory } = &self.durable;
        let (lsn, payload) = root.as_ref().map_or((Lsn::ZERO, &[][..]), |r| (r.lsn, &r.payload));
        assert!(payload.len() <= Root::PAYLOAD_BYTES_MAX);
        let words =
            [MAGIC, VERSION, self.page_bytes as u32, epoch.0, directory.block.0, directory.map_pages, directory.crc];
        out.extend([0; 4]);
        words.iter().for_each(|w| out.extend(w.to_le_bytes()));
        out.extend(lsn.0.to_le_bytes());
        out.extend((payload.len() as u16).to_le_bytes());
        out.extend(payload);
        out.resize(SUPERBLOCK_BYTES, 0);
        let crc = crc32c::crc32c(&out[4..]);
        out[..4].copy_from_slice(&crc.to_le_bytes());
        out.try_into().expect("it has this length")
    }

    /// None when it is not whole. An error when it is, but of a version that this program does not know.
    pub fn decode(bytes: &[u8; SUPERBLOCK_BYTES]) -> Result<Option<Superblock>> {
        let mut r = Reader::new(bytes);
        if r.u32()? != crc32c::crc32c(&bytes[4..]) || r.u32()? != MAGIC {
            return Ok(None);
        }
        let version = r.u32()?;
        if version != VERSION {
            let message = format!("the data file has format {version}, this program knows format {VERSION}");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let page_bytes = r.u32()? as usize;
        let epoch = Epoch(r.u32()?);
        let directory = Directory { block: Block(r.u32()?), map_pages: r.u32()?, crc: r.u32()? };
        let lsn = Lsn(r.u64()?);
        let payload_bytes = r.u16()?;
        let payload = r.take(usize::from(payload_bytes))?.to_vec();
        if !page_size_is_valid(page_bytes) || epoch >= Epoch::MAX || payload.len() > Root::PAYLOAD_BYTES_MAX {
            return Err(Error::new(SqlState::DATA_CORRUPTED, "the data file's superblock is damaged"));
        }
        let root = (epoch != Epoch::NONE).then_some(Root { lsn, payload });
        Ok(Some(Superblock { page_bytes, durable: Durable { epoch, root, directory } }))
    }

    pub fn write(&self, file: &dyn File, slot: u32) -> Result<()> {
        assert!(slot < SUPERBLOCKS);
        file.write_at(&self.encode(), Block(slot).offset(self.page_bytes))
    }

    /// Puts this checkpoint, which is in `slot`, into both slots, under the two numbers after `last`. Answers the newer one,
    /// and its slot.
    pub fn renumber(&self, file: &dyn File, slot: u32, last: Epoch) -> Result<(Superblock, u32)> {
        let other = SUPERBLOCKS - 1 - slot;
        let numbered = |epoch| Superblock { durable: Durable { epoch, ..self.durable.clone() }, ..*self };
        let (older, newer) = (numbered(last.next()), numbered(last.next().next()));
        // In this order there is a whole one at any time.
        for (superblock, slot) in [(&newer, other), (&older, slot)] {
            superblock.write(file, slot)?;
            file.sync_data()?;
        }
        Ok((newer, other))
    }
}

pub fn page_size_is_valid(page_bytes: usize) -> bool {
    page_bytes.is_power_of_two() && (PAGE_BYTES_MIN..=PAGE_BYTES_MAX).contains(&page_bytes)
}

/// The superblock at a place; none when it is not whole.
pub fn read_at(file: &dyn File, offset: u64) -> Result<Option<Superblock>> {
    let mut bytes = [0; SUPERBLOCK_BYTES];
    match file.read_at(&mut bytes, offset)? {
        SUPERBLOCK_BYTES => Superblock::decode(&bytes),
        _ => Ok(None),
    }
}

/// The newest whole superblock, and the slot it is in. The second one's place depends on the page size, which a damaged first
/// one cannot tell: it is looked for wherever it may be.
pub fn find_newest(file: &dyn File) -> Result<Option<(Superblock, u32)>> {
    let mut newest = read_at(file, 0)?.map(|s| (s, 0));
    let mut offset = PAGE_BYTES_MIN;
    while offset <= PAGE_BYTES_MAX {
        // What lies there under another page size is part of a page, and says another size or nothing.
        if let Some(second) = read_at(file, offset as u64)?.filter(|s| s.page_bytes == offset)
            && newest.as_ref().is_none_or(|(n, _)| n.page_bytes == offset && second.durable.epoch > n.durable.epoch)
        {
            newest = Some((second, 1));
        }
        offset *= 2;
    }
    Ok(newest)
}

/// The LSN of the newest checkpoint in a data file at rest; none when there is none yet.
pub fn newest_checkpoint(disk: &dyn Disk, path: &str) -> Result<Option<Lsn>> {
    let newest = find_newest(&*disk.open(path)?)?;
    let (superblock, _) = newest
        .ok_or_else(|| Error::new(SqlState::DATA_CORRUPTED, "the data file is damaged: no superblock is whole"))?;
    Ok(superblock.durable.root.map(|root| root.lsn))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Superblock {
        let root = Root { lsn: Lsn(0x0102_0304), payload: b"root".to_vec() };
        let directory = Directory { block: Block(9), map_pages: 3, crc: 0xdead_beef };
        Superblock { page_bytes: 8192, durable: Durable { epoch: Epoch(7), root: Some(root), directory } }
    }

    #[test]
    fn a_superblock_round_trips_and_any_damage_shows() {
        let mut bytes = sample().encode();
        assert_eq!(
            bytes[4..48],
            *b"HWpg\x02\0\0\0\0\x20\0\0\x07\0\0\0\x09\0\0\0\x03\0\0\0\xef\xbe\xad\xde\x04\x03\x02\x01\0\0\0\0\x04\0root\0\0"
        );
        assert_eq!(Superblock::decode(&bytes).unwrap(), Some(sample()));
        for at in 0..SUPERBLOCK_BYTES {
            bytes[at] ^= 0x40;
            assert_eq!(Superblock::decode(&bytes).unwrap(), None);
            bytes[at] ^= 0x40;
        }
        let none = Superblock { page_bytes: 512, durable: Durable::default() };
        assert_eq!(Superblock::decode(&none.encode()).unwrap(), Some(none));
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let mut bytes = sample().encode();
        bytes[8] = 3;
        let crc = crc32c::crc32c(&bytes[4..]).to_le_bytes();
        bytes[..4].copy_from_slice(&crc);
        assert!(Superblock::decode(&bytes).unwrap_err().message().contains("format 3"));
    }
}
