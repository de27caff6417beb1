//! Keys of many rows at once, straight from columns.

use super::def::{IndexDef, KeyColumn, KeySource, RowKeyDef, TableDef};
use super::entry::EntryRef;
use crate::base::Result;
use crate::expr::{EvalContext, Selection, evaluate, filter};
use crate::types::{Batch, ColumnReader, key};
use arrow_array::{Array, ArrayRef};
use smallvec::SmallVec;

/// What there is of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The row is not in the index.
    Absent,
    Whole,
    HasNull,
}

/// The keys of a batch's rows, one after another. Kept and refilled by whoever makes many.
#[derive(Default)]
pub(super) struct BatchKeys {
    bytes: Vec<u8>,
    ends: Vec<(usize, Kind)>,
}

impl BatchKeys {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The key of a row, if it has one.
    pub fn get(&self, row: usize) -> Option<EntryRef<'_>> {
        let (end, kind) = self.ends[row];
        let has_null = match kind {
            Kind::Absent => return None,
            Kind::Whole => false,
            Kind::HasNull => true,
        };
        Some(EntryRef { bytes: &self.bytes[self.start(row)..end], has_null })
    }

    /// The bytes of a row's key; none for a row without one.
    pub fn bytes(&self, row: usize) -> &[u8] {
        &self.bytes[self.start(row)..self.ends[row].0]
    }

    fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1].0 }
    }

    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push((self.bytes.len(), Kind::Whole));
    }

    fn push_absent(&mut self, rows: usize) {
        let end = (self.bytes.len(), Kind::Absent);
        self.ends.extend(std::iter::repeat_n(end, rows));
    }

    fn encode(&mut self, readers: &[(ColumnReader<'_>, KeyColumn)], row: usize) {
        let mut kind = Kind::Whole;
        for (reader, column) in readers {
            let value = reader.get(row);
            if value.is_null() {
                kind = Kind::HasNull;
            }
            key::encode(&mut self.bytes, column.ty, value, column.order);
        }
        self.ends.push((self.bytes.len(), kind));
    }
}

/// The columns of a key, ready to be read.
fn readers<'a>(arrays: &'a [ArrayRef], columns: &[KeyColumn]) -> SmallVec<[(ColumnReader<'a>, KeyColumn); 4]> {
    arrays.iter().zip(columns).map(|(a, c)| (ColumnReader::new(c.ty.physical(), a), *c)).collect()
}

impl TableDef {
    /// The row keys of a batch of whole rows; false, and none, for tables keyed by row id.
    pub(super) fn batch_row_keys(&self, batch: &Batch, out: &mut BatchKeys) -> bool {
        let RowKeyDef::Columns { positions, columns, .. } = &self.row_key else { return false };
        out.clear();
        let arrays: SmallVec<[ArrayRef; 4]> = positions.iter().map(|&at| batch.columns[at].clone()).collect();
        let readers = readers(&arrays, columns);
        (0..batch.rows).for_each(|row| out.encode(&readers, row));
        true
    }
}

impl IndexDef {
    /// The keys of a batch of whole rows. Expressions see only rows that satisfy the predicate.
    pub(super) fn batch_keys(&self, cx: &mut EvalContext<'_>, batch: &Batch, out: &mut BatchKeys) -> Result<()> {
        out.clear();
        let every = std::iter::repeat_n(true, batch.rows);
        let Some(predicate) = &self.predicate else { return self.add_keys(cx, batch, every, out) };
        match filter(predicate, batch, cx)? {
            Selection::All => self.add_keys(cx, batch, every, out),
            Selection::Nothing => {
                out.push_absent(batch.rows);
                Ok(())
            }
            Selection::Some(keep) => {
                debug_assert_eq!(keep.null_count(), 0);
                let kept = batch.filter(&keep);
                self.add_keys(cx, &kept, (0..batch.rows).map(|row| keep.value(row)), out)
            }
        }
    }

    /// `kept` has the rows for which `is_in` says so, in that order.
    fn add_keys(
        &self,
        cx: &mut EvalContext<'_>,
        kept: &Batch,
        is_in: impl Iterator<Item = bool>,
        out: &mut BatchKeys,
    ) -> Result<()> {
        let mut arrays: SmallVec<[ArrayRef; 4]> = SmallVec::new();
        for source in &self.sources {
            arrays.push(match source {
                KeySource::Column(at) => kept.columns[*at].clone(),
                KeySource::Expr(expr) => evaluate(expr, kept, cx)?,
            });
        }
        let readers = readers(&arrays, &self.columns);
        let mut next = 0;
        for is_in in is_in {
            if is_in {
                out.encode(&readers, next);
                next += 1;
            } else {
                out.push_absent(1);
            }
        }
        Ok(())
    }
}
