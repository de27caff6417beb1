//! Where everything is in a page. All numbers are little-endian.
//!
//! | offset | size | meaning                                                                        |
//! |-------:|-----:|--------------------------------------------------------------------------------|
//! |      0 |   16 | the pager's: checksum, page id, epoch, flags                                   |
//! |     16 |    8 | `max_hdr`: no entry's `hdr` is above it                                        |
//! |     24 |    1 | format, [`FORMAT`]                                                             |
//! |     25 |    1 | level: 0 for a leaf                                                            |
//! |     26 |    2 | number of entries                                                              |
//! |     28 |    2 | number of ghosts among them                                                    |
//! |     30 |    2 | how many bytes of the lower fence all keys start with                          |
//! |     32 |    4 | where the heap begins; it ends where the fences begin                          |
//! |     36 |    4 | bytes of the heap that belong to no entry                                      |
//! |     40 |    2 | length of the lower fence                                                      |
//! |     42 |    2 | length of the upper fence; 0: none (no key is below the empty one)             |
//! |     44 |    2 | position of the newest insert                                                  |
//! |     46 |    1 | how many inserts in a row went right behind the one before (saturating)        |
//! |     47 |    1 | 1: the prefix is longer than what the fences share                             |
//! |     48 |      | slots, 8 bytes each, in key order; then free bytes; then the heap, growing down |
//! |    end |      | lower fence, upper fence                                                       |
//!
//! Slot: offset of the entry u16 | bit 15 ghost, bits 0-14 length of the key's suffix u16 | head u32: the suffix's first
//! four bytes as a big-endian number, zero-padded, so that most comparisons of a search stay among the slots.
//!
//! Leaf entry: hdr u64 | length of the value u16 | key suffix | value. Inner entry: child page id u32 | key suffix.

/// What the pager keeps at the front of every page.
pub const PAGER_HEAD_BYTES: usize = 16;

pub(super) const MAX_HDR: usize = PAGER_HEAD_BYTES;
pub(super) const FORMAT_AT: usize = MAX_HDR + 8;
pub(super) const LEVEL: usize = FORMAT_AT + 1;
pub(super) const SLOTS: usize = LEVEL + 1;
pub(super) const GHOSTS: usize = SLOTS + 2;
pub(super) const PREFIX: usize = GHOSTS + 2;
pub(super) const HEAP: usize = PREFIX + 2;
pub(super) const GARBAGE: usize = HEAP + 4;
pub(super) const LOWER: usize = GARBAGE + 4;
pub(super) const UPPER: usize = LOWER + 2;
pub(super) const LAST_INSERT: usize = UPPER + 2;
pub(super) const RUN: usize = LAST_INSERT + 2;

pub(super) const LONG_PREFIX: usize = RUN + 1;

/// Everything in front of the slots.
pub const HEAD_BYTES: usize = LONG_PREFIX + 1;

pub(super) const SLOT_BYTES: usize = 8;
pub(super) const LEAF_ENTRY_BYTES: usize = 10;
pub(super) const INNER_ENTRY_BYTES: usize = 4;
pub(super) const FORMAT: u8 = 1;
pub(super) const GHOST_BIT: u16 = 1 << 15;

pub(super) const PAGE_BYTES_MIN: usize = 512;
pub(super) const PAGE_BYTES_MAX: usize = 65536;

const _: () = assert!(HEAD_BYTES == 48 && HEAD_BYTES.is_multiple_of(8));
const _: () = assert!(Limits::of(PAGE_BYTES_MAX).entry < GHOST_BIT as usize);
const _: () = {
    let mut page_bytes = PAGE_BYTES_MIN;
    while page_bytes <= PAGE_BYTES_MAX {
        let limits = Limits::of(page_bytes);
        assert!(HEAD_BYTES + 2 * limits.key + SLOT_BYTES + LEAF_ENTRY_BYTES + limits.entry <= page_bytes);
        assert!(HEAD_BYTES + 3 * limits.key + 2 * (SLOT_BYTES + INNER_ENTRY_BYTES) <= page_bytes);
        page_bytes *= 2;
    }
};

/// How long keys and entries may be. Two fences and one longest entry fit in a page, and in an inner page two children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key.
    pub key: usize,
    /// Bytes of a key and its value together.
    pub entry: usize,
}

impl Limits {
    pub const fn of(page_bytes: usize) -> Limits {
        Limits { key: page_bytes * 15 / 64, entry: page_bytes / 4 }
    }
}

pub(super) fn get_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(*bytes[at..].first_chunk().expect("two bytes inside the page"))
}

pub(super) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("four bytes inside the page"))
}

pub(super) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("eight bytes inside the page"))
}

pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Lengths and positions in a page are below 65,536: a page has at most that many bytes.
pub(super) fn narrow(n: usize) -> u16 {
    u16::try_from(n).expect("a length inside a page")
}

/// One slot, unpacked.
#[derive(Clone, Copy)]
pub(super) struct RawSlot {
    pub offset: usize,
    pub suffix_len: usize,
    pub ghost: bool,
    pub head: u32,
}

impl RawSlot {
    pub fn decode(slot: &[u8; SLOT_BYTES]) -> RawSlot {
        let len = u16::from_le_bytes([slot[2], slot[3]]);
        RawSlot {
            offset: usize::from(u16::from_le_bytes([slot[0], slot[1]])),
            suffix_len: usize::from(len & !GHOST_BIT),
            ghost: len & GHOST_BIT != 0,
            head: slot_head(slot),
        }
    }

    pub fn encode(self) -> [u8; SLOT_BYTES] {
        let [o0, o1] = narrow(self.offset).to_le_bytes();
        let [l0, l1] = (narrow(self.suffix_len) | if self.ghost { GHOST_BIT } else { 0 }).to_le_bytes();
        let [h0, h1, h2, h3] = self.head.to_le_bytes();
        [o0, o1, l0, l1, h0, h1, h2, h3]
    }
}

pub(super) fn slot_head(slot: &[u8; SLOT_BYTES]) -> u32 {
    u32::from_le_bytes([slot[4], slot[5], slot[6], slot[7]])
}

/// Orders as the suffixes do, as far as four bytes tell: `head_of(a) < head_of(b)` implies `a < b`.
pub(super) fn head_of(suffix: &[u8]) -> u32 {
    match suffix.first_chunk::<4>() {
        Some(four) => u32::from_be_bytes(*four),
        None => {
            let mut four = [0; 4];
            four[..suffix.len()].copy_from_slice(suffix);
            u32::from_be_bytes(four)
        }
    }
}

/// Bytes that both start with.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use super::super::{Node, NodeMut};
    use super::*;

    /// A leaf and an inner page, byte for byte: the format is what files hold.
    #[test]
    fn golden_pages() {
        let mut leaf = vec![0; PAGE_BYTES_MIN];
        let mut node = NodeMut::init(&mut leaf, 0, b"app", Some(b"apricot"));
        assert!(node.put(Err(0), b"apple", 0x0102, false, b"red"));
        assert!(node.put(Err(1), b"apply", 0x0304, false, b"make use"));
        assert!(node.put(Ok(0), b"apple", 0x0506, true, b""));
        assert_eq!(
            dump(&leaf),
            "016 06 05 00 00 00 00 00 00 01 00 02 00 01 00 03 00\n\
             032 d3 01 00 00 03 00 00 00 03 00 07 00 01 00 01 01\n\
             048 e7 01 02 80 00 00 65 6c d3 01 02 00 00 00 79 6c\n\
             464 00 00 00 04 03 00 00 00 00 00 00 08 00 6c 79 6d\n\
             480 61 6b 65 20 75 73 65 06 05 00 00 00 00 00 00 00\n\
             496 00 6c 65 72 65 64 61 70 70 61 70 72 69 63 6f 74\n"
        );
        let mut inner = vec![0; PAGE_BYTES_MIN];
        let mut node = NodeMut::init(&mut inner, 1, b"", None);
        assert!(node.put_child(0, b"", 7));
        assert!(node.put_child(1, b"melon", 0x0809));
        assert_eq!(
            dump(&inner),
            "016 00 00 00 00 00 00 00 00 01 01 02 00 00 00 00 00\n\
             032 f3 01 00 00 00 00 00 00 00 00 00 00 01 00 01 00\n\
             048 fc 01 00 00 00 00 00 00 f3 01 05 00 6f 6c 65 6d\n\
             496 00 00 00 09 08 00 00 6d 65 6c 6f 6e 07 00 00 00\n"
        );
        Node::new(&leaf).check().unwrap();
        Node::new(&inner).check().unwrap();
    }

    /// Lines of 16 bytes behind the pager's head, without those that are all zero.
    fn dump(page: &[u8]) -> String {
        let mut out = String::new();
        for (n, line) in page.chunks(16).enumerate().skip(1).filter(|(_, line)| line.iter().any(|&b| b != 0)) {
            out += &format!("{:03}", n * 16);
            line.iter().for_each(|b| out += &format!(" {b:02x}"));
            out.push('\n');
        }
        out
    }

    #[test]
    fn heads_order_as_suffixes_do() {
        let suffixes: [&[u8]; 9] =
            [b"", b"\0", b"\0\0\0\0\0", b"a", b"a\0", b"a\0\x01", b"abcd", b"abcde", b"\xff\xff\xff\xff\xff"];
        for a in suffixes {
            for b in suffixes {
                if head_of(a) < head_of(b) {
                    assert!(a < b);
                }
                if a < b {
                    assert!(head_of(a) <= head_of(b));
                }
            }
        }
    }
}
