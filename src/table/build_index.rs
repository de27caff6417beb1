//! Filling a new index: the entries of all rows are gathered, sorted, and put in order.
//!
//! Nobody else sees the tree yet and the caller's table lock keeps writers out, so there is nothing to lock and nothing
//! to look up: that a key is there twice shows when its entries stand next to each other.

use super::def::{IndexDef, TableDef};
use super::entry::{EntryView, decode_columns};
use super::evaluate::RowEvaluator;
use super::keys::BatchKeys;
use super::runs::{Merge, Room, Sorter};
use super::write::check_entry_key;
use crate::base::{Error, Result};
use crate::expr::EvalContext;
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::Txn;
use crate::types::{Batch, ColumnReader, null_column};

const BATCH: usize = 1024;

impl TableDef {
    /// Fills an index that has just been created.
    ///
    /// Errors: 23505 `could not create unique index`, 54000 for a key that is too long, 53100 and 53400 when it is all
    /// too much.
    pub fn build_index(&self, txn: &mut Txn, cx: &mut EvalContext<'_>, index: usize) -> Result<()> {
        let index = &self.indexes[index];
        let (memory_bytes, disk) = txn.room();
        let merge = std::thread::scope(|scope| {
            let mut sorter = Sorter::new(scope, Room { memory_bytes, disk });
            self.gather_entries(txn, cx, index, &mut sorter).and_then(|()| sorter.finish())
        })?;
        self.put_sorted(txn, cx, index, merge)
    }

    fn gather_entries(
        &self,
        txn: &Txn,
        cx: &mut EvalContext<'_>,
        index: &IndexDef,
        sorter: &mut Sorter<'_, '_>,
    ) -> Result<()> {
        let mut wanted = vec![false; self.types.len()];
        index.touched_by.iter().chain(&index.include).for_each(|&at| wanted[at] = true);
        let mut scan = txn.scan_latest(self.tree, KeyRange::all(), Direction::Forward);
        let (mut entries, mut keys) = (Entries::new(), BatchKeys::default());
        loop {
            let more = scan.next(txn, &mut entries, BATCH)?;
            cx.check_cancelled()?;
            let batch = self.some_columns(&wanted, &entries);
            index.batch_keys(cx, &batch, &mut keys)?;
            let included: Vec<Option<ColumnReader<'_>>> = (0..self.types.len())
                .map(|at| {
                    let reader = || ColumnReader::new(self.layout.form(at), &batch.columns[at]);
                    index.include.contains(&at).then(reader)
                })
                .collect();
            for row in 0..batch.rows {
                let Some(entry) = keys.get(row) else { continue };
                let (row_key, mut length) = (entries.key(row), 0);
                sorter.push(|out| {
                    let start = out.len();
                    index.put_tree_key(out, entry, row_key);
                    let key_end = out.len();
                    length = key_end - start;
                    let column = |at: usize| included[at].as_ref().expect("an included column").get(row);
                    index.put_tree_value(out, entry, row_key, column);
                    key_end
                })?;
                check_entry_key(length, &index.index.name)?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Rows with some of their columns; the others are NULL.
    fn some_columns(&self, wanted: &[bool], entries: &Entries) -> Batch {
        let columns: Vec<_> = (0..wanted.len()).filter(|&at| wanted[at]).map(super::ScanColumn::Column).collect();
        let mut read = self.batch(&columns, entries).columns.into_iter();
        let all = wanted.iter().enumerate().map(|(at, wanted)| match wanted {
            true => read.next().expect("a column for each that is wanted"),
            false => null_column(self.layout.form(at), entries.len()),
        });
        Batch::new(all.collect(), entries.len())
    }

    fn put_sorted(&self, txn: &mut Txn, cx: &mut EvalContext<'_>, index: &IndexDef, mut merge: Merge) -> Result<()> {
        let mut before = Vec::new();
        let mut put = 0u64;
        while let Some((key, value)) = merge.peek() {
            if index.index.unique {
                let entry = EntryView::new(key, value)?;
                if put > 0 && entry.columns == before && index.is_distinct(entry.columns)? {
                    return Err(self.duplicate_entry(txn, cx, index, entry.row_key));
                }
                before.clear();
                before.extend_from_slice(entry.columns);
            }
            txn.put(index.index.tree, key, value)?;
            merge.advance();
            put += 1;
            if put.is_multiple_of(4096) {
                cx.check_cancelled()?;
            }
        }
        Ok(())
    }

    /// 23505 for a row whose key another row has too.
    fn duplicate_entry(&self, txn: &Txn, cx: &mut EvalContext<'_>, index: &IndexDef, row_key: &[u8]) -> Error {
        let mut value = Vec::new();
        match txn.get_latest(self.tree, row_key, &mut value) {
            Ok(true) => self.duplicate_in_build(index, &self.decode_row(&value), &mut RowEvaluator::new(self, cx)),
            Ok(false) => Error::internal("an index entry was made of a row that is not there"),
            Err(e) => e,
        }
    }
}

impl IndexDef {
    /// Whether only one row may have these key columns.
    fn is_distinct(&self, columns: &[u8]) -> Result<bool> {
        let mut has_null = false;
        decode_columns(&self.columns, columns, |_, value| has_null |= value.is_null())?;
        Ok(!has_null || self.index.nulls_not_distinct)
    }
}
