//! Rows told apart by some of their columns: the hash table behind grouping, DISTINCT, hash joins and set operations.
//!
//! The key columns of a row are encoded into ordered key bytes (`types::key`), which are equal exactly when the values
//! are; so one table of byte strings serves every type, and NULL equals NULL as grouping wants it. Joins look at
//! [`Keys::has_null`] first. Distinct keys are numbered from 0 in the order of their first appearance.

use crate::types::key::{self, KeyOrder};
use crate::types::{ColumnReader, SqlType};
use arrow_array::ArrayRef;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// The encoded keys of a batch's rows.
#[derive(Default)]
pub(crate) struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    nulls: Vec<bool>,
}

impl Keys {
    /// Encodes row by row; the buffers are reused from batch to batch.
    pub fn encode(&mut self, columns: &[ArrayRef], types: &[SqlType], rows: usize) {
        self.bytes.clear();
        self.ends.clear();
        self.nulls.clear();
        let readers: Vec<(ColumnReader<'_>, SqlType)> =
            columns.iter().zip(types).map(|(c, ty)| (ColumnReader::new(ty.physical(), c), *ty)).collect();
        for row in 0..rows {
            let mut null = false;
            for (reader, ty) in &readers {
                let value = reader.get(row);
                null |= value.is_null();
                key::encode(&mut self.bytes, *ty, value, KeyOrder::default());
            }
            self.ends.push(self.bytes.len());
            self.nulls.push(null);
        }
    }

    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    /// Whether some key column of the row is NULL.
    pub fn has_null(&self, row: usize) -> bool {
        self.nulls[row]
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }
}

/// A set of keys, numbered from 0 in order of arrival.
#[derive(Default)]
pub(crate) struct KeyTable {
    slots: HashTable<u32>,
    hashes: Vec<u64>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyTable {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    #[cfg(test)]
    pub fn key(&self, id: usize) -> &[u8] {
        key_at(&self.bytes, &self.ends, id)
    }

    /// The key's number, and whether it is new.
    pub fn insert(&mut self, key: &[u8]) -> (u32, bool) {
        let hash = xxh3_64(key);
        let (bytes, ends, hashes) = (&self.bytes, &self.ends, &self.hashes);
        if let Some(&id) =
            self.slots.find(hash, |&id| hashes[id as usize] == hash && key_at(bytes, ends, id as usize) == key)
        {
            return (id, false);
        }
        let id = u32::try_from(self.ends.len()).expect("memory ends before the numbers do");
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.slots.insert_unique(hash, id, |&id| hashes[id as usize]);
        (id, true)
    }

    pub fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = xxh3_64(key);
        self.slots
            .find(hash, |&id| self.hashes[id as usize] == hash && key_at(&self.bytes, &self.ends, id as usize) == key)
            .copied()
    }

    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.hashes.capacity() * 8 + self.slots.capacity() * 5
    }

    pub fn clear(&mut self) {
        self.slots.clear();
        self.hashes.clear();
        self.bytes.clear();
        self.ends.clear();
    }
}

fn key_at<'a>(bytes: &'a [u8], ends: &[usize], id: usize) -> &'a [u8] {
    let start = if id == 0 { 0 } else { ends[id - 1] };
    &bytes[start..ends[id]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_as_they_come() {
        let mut t = KeyTable::default();
        assert_eq!(t.insert(b"b"), (0, true));
        assert_eq!(t.insert(b""), (1, true));
        assert_eq!(t.insert(b"b"), (0, false));
        assert_eq!((t.find(b""), t.find(b"c")), (Some(1), None));
        assert_eq!((t.key(0), t.key(1), t.len()), (&b"b"[..], &b""[..], 2));
    }
}
