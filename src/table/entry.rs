//! The one home of an index entry's bytes.
//!
//! | form | key | value |
//! |---|---|---|
//! | shared | key columns, row key | varint `2 * length of the key columns`, included columns |
//! | owned | key columns | varint `2 * length of the row key + 1`, row key, included columns |
//!
//! *Owned* entries are those of a unique index that is checked at once, unless a key column is NULL: there is at most
//! one row with the key, so a lookup is a single get. All others are shared. Key columns are in `types::key` form; the
//! included columns are a row in the layout of [`Layout`](super::layout), absent if there are none.

use super::def::{IndexDef, KeySource, TableDef};
use super::evaluate::RowEvaluator;
use crate::base::bytes::{Reader, put_varint};
use crate::base::{Error, Result, SqlState};
use crate::types::{Datum, DatumRef, key};

/// The key columns of a row in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntryKey {
    pub bytes: Vec<u8>,
    pub has_null: bool,
}

impl EntryKey {
    pub fn as_ref(&self) -> EntryRef<'_> {
        EntryRef { bytes: &self.bytes, has_null: self.has_null }
    }
}

/// A borrowed [`EntryKey`].
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryRef<'a> {
    pub bytes: &'a [u8],
    pub has_null: bool,
}

impl IndexDef {
    /// The key columns of a row; `None` when the row is not in the index.
    pub(super) fn entry_key(&self, row: &[Datum], rows: &mut RowEvaluator<'_, '_, '_>) -> Result<Option<EntryKey>> {
        if let Some(predicate) = &self.predicate
            && !matches!(rows.evaluate(predicate, row)?, Datum::Bool(true))
        {
            return Ok(None);
        }
        let mut entry = EntryKey { bytes: Vec::with_capacity(24), has_null: false };
        for (column, source) in self.columns.iter().zip(&self.sources) {
            let computed;
            let value = match source {
                KeySource::Column(at) => row[*at].as_ref(),
                KeySource::Expr(expr) => {
                    computed = rows.evaluate(expr, row)?;
                    computed.as_ref()
                }
            };
            entry.has_null |= value.is_null();
            key::encode(&mut entry.bytes, column.ty, value, column.order);
        }
        Ok(Some(entry))
    }

    /// Whether at most one row may have this key.
    pub(super) fn is_unique_key(&self, entry: EntryRef<'_>) -> bool {
        self.index.unique && (!entry.has_null || self.index.nulls_not_distinct)
    }

    /// Whether the entry names its row in its value.
    pub(super) fn is_owned(&self, entry: EntryRef<'_>) -> bool {
        self.index.immediate && self.is_unique_key(entry)
    }

    /// The entry's key in the index's tree.
    pub(super) fn tree_key(&self, entry: EntryRef<'_>, row_key: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(entry.bytes.len() + row_key.len());
        self.put_tree_key(&mut out, entry, row_key);
        out
    }

    pub(super) fn tree_value(&self, entry: EntryRef<'_>, row_key: &[u8], row: &[Datum]) -> Vec<u8> {
        let mut out = Vec::new();
        self.put_tree_value(&mut out, entry, row_key, |i| row[i].as_ref());
        out
    }

    /// Appends the entry's key in the index's tree.
    pub(super) fn put_tree_key(&self, out: &mut Vec<u8>, entry: EntryRef<'_>, row_key: &[u8]) {
        out.extend_from_slice(entry.bytes);
        if !self.is_owned(entry) {
            out.extend_from_slice(row_key);
        }
    }

    /// Appends the entry's value; `column` gives the row's columns by their position.
    pub(super) fn put_tree_value<'a>(
        &self,
        out: &mut Vec<u8>,
        entry: EntryRef<'_>,
        row_key: &[u8],
        column: impl Fn(usize) -> DatumRef<'a> + Copy,
    ) {
        if self.is_owned(entry) {
            put_varint(out, row_key.len() as u64 * 2 + 1);
            out.extend_from_slice(row_key);
        } else {
            put_varint(out, entry.bytes.len() as u64 * 2);
        }
        if !self.include.is_empty() {
            self.include_layout.encode(out, self.include.iter().map(|&i| column(i)));
        }
    }
}

/// An entry taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryView<'a> {
    /// The key columns.
    pub columns: &'a [u8],
    pub row_key: &'a [u8],
    /// The included columns.
    pub included: &'a [u8],
}

impl<'a> EntryView<'a> {
    pub fn new(key: &'a [u8], value: &'a [u8]) -> Result<EntryView<'a>> {
        let mut r = Reader::new(value);
        let head = r.varint()?;
        let len = usize::try_from(head / 2).map_err(|_| damaged())?;
        if head % 2 == 1 {
            let row_key = r.take(len)?;
            return Ok(EntryView { columns: key, row_key, included: r.rest() });
        }
        let (columns, row_key) = key.split_at_checked(len).ok_or_else(damaged)?;
        Ok(EntryView { columns, row_key, included: r.rest() })
    }
}

fn damaged() -> Error {
    Error::new(SqlState::INDEX_CORRUPTED, "index entry is damaged")
}

impl TableDef {
    /// The key of a row in the table's tree, if its columns make it up; `None` for tables keyed by row id.
    pub fn row_key_of(&self, row: &[Datum]) -> Option<Vec<u8>> {
        match &self.row_key {
            super::def::RowKeyDef::RowId(_) => None,
            super::def::RowKeyDef::Columns { positions, columns, .. } => {
                let mut out = Vec::with_capacity(16);
                for (&at, column) in positions.iter().zip(columns) {
                    key::encode(&mut out, column.ty, row[at].as_ref(), column.order);
                }
                Some(out)
            }
        }
    }
}

/// Reads the values of key columns, front to back.
pub(super) fn decode_columns(
    columns: &[super::def::KeyColumn],
    bytes: &[u8],
    mut each: impl FnMut(usize, DatumRef<'_>),
) -> Result<()> {
    let mut reader = Reader::new(bytes);
    for (i, column) in columns.iter().enumerate() {
        each(i, key::decode(&mut reader, column.ty, column.order)?.as_ref());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Fixture, create, row, with_cx};
    use super::*;

    #[test]
    fn golden_bytes() {
        let def = create(&Fixture::new(1), true);
        let values = row(7, Some("ab"), 258);
        let row_key = def.row_key_of(&values).unwrap();
        assert_eq!(row_key, b"\x01\x80\x00\x00\x07");
        let entry = |index: usize| {
            let index = &def.indexes[index];
            with_cx(|cx| {
                let mut rows = RowEvaluator::new(&def, cx);
                let key = index.entry_key(&values, &mut rows).unwrap().unwrap();
                (index.tree_key(key.as_ref(), &row_key), index.tree_value(key.as_ref(), &row_key, &values))
            })
        };
        // Owned: unique, by `code`.
        let (key, value) = entry(1);
        assert_eq!((key.as_slice(), value.as_slice()), (&b"\x01ab\x00"[..], &b"\x0b\x01\x80\x00\x00\x07"[..]));
        let view = EntryView::new(&key, &value).unwrap();
        assert_eq!((view.columns, view.row_key, view.included), (&key[..], &row_key[..], &b""[..]));
        // Shared: by `n DESC`, including `code`.
        let (key, value) = entry(2);
        assert_eq!(key, b"\x01\x7f\xff\xfe\xfd\x01\x80\x00\x00\x07");
        assert_eq!(value, b"\x0a\x01\x01\x00\x02\x00ab");
        let view = EntryView::new(&key, &value).unwrap();
        assert_eq!((view.columns, view.row_key, view.included), (&key[..5], &row_key[..], &value[1..]));
        assert!(EntryView::new(&key[..4], &value).is_err() && EntryView::new(&key, b"").is_err());
    }
}
