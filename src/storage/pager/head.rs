//! The first 16 bytes of every page, which say whose image it is.
//!
//! ```text
//! offset size
//!      0    4  crc32c of all bytes behind it
//!      4    4  page id; of a page of the map or its directory the index
//!      8    4  epoch in which the image was the newest
//!     12    4  kind of page
//!     16       what the page's owner keeps
//! ```
//!
//! The head is written into the copy that goes to disk. Whoever reads an image back knows all three from a map entry, so a
//! write that was lost, torn or went elsewhere is noticed. In memory the head means nothing.

use super::word::{Block, Epoch};
use crate::base::{Error, PageId, SqlState};
use std::fmt;

/// What the pager keeps at the start of each page; the page's owner has the bytes behind.
pub const HEAD_BYTES: usize = 16;

/// The page size when no other is asked for.
pub const PAGE_BYTES: usize = 8192;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Page = 1,
    Map = 2,
    Directory = 3,
}

const KIND_MAX: u32 = Kind::Directory as u32;

/// Completes an image: the tags, then the checksum over everything.
pub fn seal(page: &mut [u8], kind: Kind, id: u32, epoch: Epoch) {
    page[4..8].copy_from_slice(&id.to_le_bytes());
    page[8..12].copy_from_slice(&epoch.0.to_le_bytes());
    page[12..16].copy_from_slice(&(kind as u32).to_le_bytes());
    let crc = crc32c::crc32c(&page[4..]);
    page[..4].copy_from_slice(&crc.to_le_bytes());
}

/// What is wrong with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    Checksum,
    /// It is whole, but another page's.
    Id(u32),
    /// It is this page's, but of another time.
    Epoch(u32),
    Kind(u32),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Checksum => write!(f, "its checksum does not match"),
            Damage::Id(id) => write!(f, "it holds page {id}"),
            Damage::Epoch(epoch) => write!(f, "it holds the state of epoch {epoch}"),
            Damage::Kind(kind) => write!(f, "it holds a page of kind {kind}"),
        }
    }
}

fn field(page: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([page[at], page[at + 1], page[at + 2], page[at + 3]])
}

/// Whether it is a sealed image, whoever's.
pub fn is_whole(page: &[u8]) -> bool {
    field(page, 0) == crc32c::crc32c(&page[4..]) && (1..=KIND_MAX).contains(&field(page, 12))
}

/// Where the one byte is that is wrong in an image whose checksum does not match; none when more than one must be.
///
/// A wrong byte changes the checksum by what that byte leaves after as many steps as bytes follow it, whatever these are.
/// So the difference, taken back step by step, is at some point one byte long.
pub fn wrong_byte(page: &[u8]) -> Option<usize> {
    let mut difference = field(page, 0) ^ crc32c::crc32c(&page[4..]);
    if let Some(at) = (0..4).find(|at| difference & !(0xff << (at * 8)) == 0) {
        return Some(at);
    }
    for at in (4..page.len()).rev() {
        difference = step_back(difference);
        if difference <= 0xff {
            return Some(at);
        }
    }
    None
}

/// What CRC-32C's register was before a step over a zero byte.
fn step_back(register: u32) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    (0..8).fold(register, |r, _| if r >> 31 == 1 { (r ^ POLYNOMIAL) << 1 | 1 } else { r << 1 })
}

/// Whether a sealed image is the one that is expected.
pub fn check(page: &[u8], kind: Kind, id: u32, epoch: Epoch) -> Result<(), Damage> {
    let field = |at| field(page, at);
    if field(0) != crc32c::crc32c(&page[4..]) {
        return Err(Damage::Checksum);
    }
    if field(12) != kind as u32 {
        return Err(Damage::Kind(field(12)));
    }
    if field(4) != id {
        return Err(Damage::Id(field(4)));
    }
    if field(8) != epoch.0 {
        return Err(Damage::Epoch(field(8)));
    }
    Ok(())
}

/// XX001 for a page whose image is not what the map says.
pub fn damaged(pid: PageId, block: Block, why: impl fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("page {pid} at block {block} is damaged: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_names_page_epoch_and_kind() {
        let mut page = vec![7; 512];
        seal(&mut page, Kind::Page, 3, Epoch(5));
        assert_eq!(page[..16], [0x5b, 0x3f, 0xe7, 0x8d, 3, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(check(&page, Kind::Page, 3, Epoch(5)), Ok(()));
        assert_eq!(check(&page, Kind::Page, 4, Epoch(5)), Err(Damage::Id(3)));
        assert_eq!(check(&page, Kind::Page, 3, Epoch(6)), Err(Damage::Epoch(5)));
        assert_eq!(check(&page, Kind::Map, 3, Epoch(5)), Err(Damage::Kind(1)));
        for at in 0..page.len() {
            page[at] ^= 1;
            assert_eq!(check(&page, Kind::Page, 3, Epoch(5)), Err(Damage::Checksum), "byte {at}");
            assert!(!is_whole(&page) && wrong_byte(&page) == Some(at), "byte {at}: {:?}", wrong_byte(&page));
            page[at] ^= 1;
        }
        assert!(is_whole(&page));
        page[256..].fill(9);
        assert_eq!((is_whole(&page), wrong_byte(&page)), (false, None));
        assert!(!is_whole(&[0; 512]));
    }
}
