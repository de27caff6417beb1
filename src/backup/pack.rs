//! Images of pages, many in one object.
//!
//! | offset | size | meaning |
//! |-------:|-----:|---------|
//! |      0 |    8 | magic `HWBAPACK` |
//! |      8 |    4 | version of this format, 1 |
//! |     12 |    4 | size of a page |
//! |     16 |    - | the images, compressed, as they stand in the data file: each says whose it is |
//!
//! Little-endian. How many there are, the map says that refers to them.

use super::compress::{Compressor, compressor, decompressor};
use super::object::damaged;
use crate::base::bytes::Reader;
use crate::base::{Error, Result};
use std::io::{Read, Write};

/// A pack is full when its images have this much. Writing one must not hold up the log, which may be on the same device.
pub const PACK_BYTES: usize = 16 << 20;

const MAGIC: &[u8; 8] = b"HWBAPACK";
const VERSION: u32 = 1;
const IMAGES_AT: usize = 16;

/// A pack that is being filled.
pub struct PackWriter {
    out: Compressor,
    page_bytes: usize,
    pages: u32,
}

impl PackWriter {
    pub fn new(page_bytes: usize) -> Result<PackWriter> {
        let mut head = MAGIC.to_vec();
        head.extend(VERSION.to_le_bytes());
        head.extend((page_bytes as u32).to_le_bytes());
        Ok(PackWriter { out: compressor(head)?, page_bytes, pages: 0 })
    }

    /// Answers the image's slot.
    pub fn add(&mut self, image: &[u8]) -> Result<u32> {
        self.out.write_all(image)?;
        self.pages += 1;
        Ok(self.pages - 1)
    }

    pub fn pages(&self) -> u32 {
        self.pages
    }

    pub fn is_full(&self) -> bool {
        self.pages as usize * self.page_bytes >= PACK_BYTES
    }

    pub fn finish(self) -> Result<Vec<u8>> {
        Ok(self.out.finish()?)
    }
}

/// The size of its pages.
pub fn page_bytes(key: &str, content: &[u8]) -> Result<usize> {
    open(key, content).map(|(page_bytes, _)| page_bytes)
}

/// What is behind the head.
fn open<'a>(key: &str, content: &'a [u8]) -> Result<(usize, &'a [u8])> {
    let mut r = Reader::new(content);
    if r.array::<8>().ok().as_ref() != Some(MAGIC) {
        return Err(damaged(key, "it holds no pages"));
    }
    let version = r.u32()?;
    if version != VERSION {
        return Err(Error::unsupported(format!("a pack of format {version}")));
    }
    let page_bytes = r.u32()? as usize;
    debug_assert_eq!(content.len() - r.remaining(), IMAGES_AT);
    Ok((page_bytes, r.rest()))
}

/// Visits the slots in `wanted`, which ascend, with their images.
pub fn visit(
    key: &str,
    content: &[u8],
    page_bytes: usize,
    wanted: impl IntoIterator<Item = u32>,
    visit: &mut dyn FnMut(u32, &[u8]) -> Result<()>,
) -> Result<()> {
    let (own_page_bytes, images) = open(key, content)?;
    if own_page_bytes != page_bytes {
        return Err(damaged(key, "its pages have another size"));
    }
    let mut images = decompressor(images)?;
    let mut image = vec![0; page_bytes];
    let mut next = 0;
    for slot in wanted {
        while next <= slot {
            images.read_exact(&mut image).map_err(|_| damaged(key, format_args!("it has no slot {slot}")))?;
            next += 1;
        }
        visit(slot, &image)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_by_slot() {
        let mut pack = PackWriter::new(4).unwrap();
        for n in 0..5u8 {
            assert_eq!(pack.add(&[n; 4]).unwrap(), u32::from(n));
        }
        let bytes = pack.finish().unwrap();
        assert_eq!(bytes[..IMAGES_AT], *b"HWBAPACK\x01\0\0\0\x04\0\0\0");
        let mut seen = Vec::new();
        let mut see = |slot, image: &[u8]| {
            seen.push((slot, image.to_vec()));
            Ok(())
        };
        visit("k", &bytes, 4, [1, 4], &mut see).unwrap();
        assert!(visit("k", &bytes, 4, [5], &mut see).unwrap_err().message().contains("no slot 5"));
        assert!(visit("k", &bytes, 8, [0], &mut see).is_err());
        assert!(visit("k", &bytes[..9], 4, [0], &mut see).is_err());
        assert_eq!(seen, [(1, vec![1; 4]), (4, vec![4; 4])]);
    }
}
