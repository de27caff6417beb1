//! From entries of a table's tree to batches: only the wanted columns are decoded, a column at a time.

use super::def::TableDef;
use super::layout::RowView;
use crate::storage::Entries;
use crate::types::{Batch, ColumnBuilder, Datum, DatumRef, Physical, constant_column};
use xxhash_rust::xxh3::xxh3_64;

/// What a scan hands out for one column of its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanColumn {
    /// Position in [`Table::columns`](crate::catalog::Table::columns).
    Column(usize),
    /// The row's key in the table's tree, as `bytea`: how UPDATE, DELETE and FOR UPDATE name the row.
    RowKey,
    /// `tableoid`.
    TableOid,
    /// `ctid`: a number derived from the row's key; unique in practice, not stable across an update of the key.
    Ctid,
}

/// `ctid`'s packed form: block and offset. A row id reads as a position in blocks of 256; other keys are hashed.
pub fn ctid(row_key: &[u8]) -> i64 {
    let n = match <[u8; 8]>::try_from(row_key) {
        Ok(id) => u64::from_be_bytes(id),
        Err(_) => xxh3_64(row_key) & 0xff_ffff_ffff,
    };
    let (block, offset) = (n >> 8 & 0xffff_ffff, (n & 0xff) + 1);
    (block << 16 | offset) as i64
}

impl TableDef {
    /// The wanted columns of a run of entries of the table's tree.
    pub fn batch(&self, columns: &[ScanColumn], entries: &Entries) -> Batch {
        let rows: Vec<RowView<'_>> = entries.iter().map(|(_, value)| RowView::new(value)).collect();
        let count = rows.len();
        let build = |column: &ScanColumn| match *column {
            ScanColumn::Column(at) => {
                let mut out = ColumnBuilder::new(self.layout.form(at), count);
                self.layout.read_column(&rows, at, &mut out);
                out.finish()
            }
            ScanColumn::RowKey => key_column(Physical::Bytes, entries, DatumRef::Bytes),
            ScanColumn::TableOid => constant_column(Physical::UInt32, DatumRef::Oid(self.table.oid.0), count),
            ScanColumn::Ctid => key_column(Physical::Int64, entries, |key| DatumRef::Int8(ctid(key))),
        };
        Batch::new(columns.iter().map(build).collect(), count)
    }

    /// All columns of one stored row, by position.
    pub fn decode_row(&self, value: &[u8]) -> Vec<Datum> {
        self.layout.decode(value)
    }

    /// One column of a stored row.
    pub fn column<'a>(&'a self, row: RowView<'a>, at: usize) -> DatumRef<'a> {
        row.get(&self.layout, at)
    }
}

fn key_column<'a>(
    form: Physical,
    entries: &'a Entries,
    value: impl Fn(&'a [u8]) -> DatumRef<'a>,
) -> arrow_array::ArrayRef {
    let mut out = ColumnBuilder::new(form, entries.len());
    (0..entries.len()).for_each(|i| out.push(value(entries.key(i))));
    out.finish()
}
