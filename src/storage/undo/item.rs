//! What stands in the undo stream: batch headers and records, in words of 8 bytes, little-endian.
//!
//! | word | header | record |
//! |---|---|---|
//! | 0 | shape: kind | shape: tree:32, value length:15, key length:14, kind:3 |
//! | 1 | commit LSN, 0 while pending; with the top bit, the LSN at which it was aborted | position of its batch's header |
//! | 2 | where the batch ends | header of the entry's previous state |
//! | 3 | the header published before | position of the record to go on from instead, 0 for itself |
//! | 4.. | | key, and from the next whole word the value of the previous state |
//!
//! A word of zero where an item would begin says that the segment is used up.

use crate::base::TreeId;

pub(super) const WORD: u64 = 8;
pub(super) const HEAD_WORDS: usize = 4;
pub(super) const HEAD_BYTES: u64 = HEAD_WORDS as u64 * WORD;

/// The words of an item's head that change after it was written.
pub(super) const LSN_WORD: usize = 1;
pub(super) const END_WORD: usize = 2;
pub(super) const BEFORE_WORD: usize = 3;
pub(super) const SKIP_WORD: usize = 3;

/// In the LSN word: the batch was aborted.
pub(super) const ABORTED: u64 = 1 << 63;

const KEY_BITS: u32 = 14;
const VALUE_BITS: u32 = 15;
pub const KEY_BYTES_MAX: usize = (1 << KEY_BITS) - 1;
pub const VALUE_BYTES_MAX: usize = (1 << VALUE_BITS) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing more in this segment.
    Pad,
    Header,
    /// A put where nothing was.
    Insert,
    /// A put over a ghost.
    Revive,
    /// A put over a value.
    Replace,
    /// A delete of a value.
    Delete,
    /// The tree is dropped; no entry.
    DropTree,
    /// Entries come into a tree that had none, each with the position of this one record; no entry.
    Load,
}

const KINDS: [Kind; 8] =
    [Kind::Pad, Kind::Header, Kind::Insert, Kind::Revive, Kind::Replace, Kind::Delete, Kind::DropTree, Kind::Load];

impl Kind {
    /// The record's previous state has a value.
    pub fn had_value(self) -> bool {
        matches!(self, Kind::Replace | Kind::Delete)
    }

    /// Nothing was before it.
    pub fn is_first(self) -> bool {
        matches!(self, Kind::Insert | Kind::Load)
    }

    /// It replaced a state, so there is a version behind the newest.
    pub fn replaced(self) -> bool {
        self.had_value() || self == Kind::Revive
    }
}

/// The head of a header or a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item(pub [u64; HEAD_WORDS]);

impl Item {
    pub fn header(before: u64) -> Item {
        Item([Kind::Header as u64, 0, 0, before])
    }

    pub fn record(kind: Kind, tree: TreeId, key: usize, value: usize, batch: u64, prev: u64) -> Item {
        assert!(key <= KEY_BYTES_MAX && value <= VALUE_BYTES_MAX, "entries are smaller than a quarter of a page");
        let lengths = (value as u64) << (KEY_BITS + 3) | (key as u64) << 3;
        Item([u64::from(tree.0) << 32 | lengths | kind as u64, batch, prev, 0])
    }

    pub fn kind(&self) -> Kind {
        KINDS[self.0[0] as usize & 7]
    }

    pub fn tree(&self) -> TreeId {
        TreeId((self.0[0] >> 32) as u32)
    }

    pub fn key_len(&self) -> usize {
        (self.0[0] >> 3) as usize & KEY_BYTES_MAX
    }

    pub fn value_len(&self) -> usize {
        (self.0[0] >> (KEY_BITS + 3)) as usize & VALUE_BYTES_MAX
    }

    /// Bytes from the item's beginning to its value.
    pub fn value_offset(&self) -> u64 {
        HEAD_BYTES + (self.key_len() as u64).next_multiple_of(WORD)
    }

    /// Bytes of the whole item.
    pub fn byte_len(&self) -> u64 {
        self.value_offset() + (self.value_len() as u64).next_multiple_of(WORD)
    }

    pub fn lsn_word(&self) -> u64 {
        self.0[LSN_WORD]
    }

    /// A header: its batch was aborted.
    pub fn is_aborted(&self) -> bool {
        self.lsn_word() & ABORTED != 0
    }

    /// A header: where its batch ends.
    pub fn end(&self) -> u64 {
        self.0[END_WORD]
    }

    /// A header: the one published before.
    pub fn before(&self) -> u64 {
        self.0[BEFORE_WORD]
    }

    /// A record: its batch's header.
    pub fn batch(&self) -> u64 {
        self.0[1]
    }

    pub fn prev(&self) -> u64 {
        self.0[2]
    }

    pub fn skip(&self) -> u64 {
        self.0[SKIP_WORD]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_keeps_its_parts() {
        for (kind, tree, key, value) in [
            (Kind::Insert, u32::MAX, KEY_BYTES_MAX, 0),
            (Kind::Delete, 0, 0, VALUE_BYTES_MAX),
            (Kind::Revive, 7, 9, 17),
        ] {
            let item = Item::record(kind, TreeId(tree), key, value, 8, 16);
            assert_eq!((item.kind(), item.tree(), item.key_len(), item.value_len()), (kind, TreeId(tree), key, value));
            assert_eq!((item.batch(), item.prev(), item.skip()), (8, 16, 0));
            assert_eq!(item.byte_len() % WORD, 0);
            assert!(item.byte_len() >= HEAD_BYTES + (key + value) as u64);
        }
        assert_eq!(Item::header(3).byte_len(), HEAD_BYTES);
        assert_eq!(Item([0; 4]).kind(), Kind::Pad);
    }
}
