//! Inserting many rows at once, straight from columns.
//!
//! Everything that can be wrong with a row is looked at for the whole batch before anything is written: NOT NULL and
//! CHECK over columns, unique keys by comparing neighbours in key order, and by asking whether the tree has any key
//! between the first and the last. What does not pass is not judged here: the caller then inserts row by row, which finds
//! the first row in the way and words the error.
//!
//! Rows and entries are put in the order of their keys.

use super::def::{IndexDef, RowKeyDef, TableDef};
use super::entry::EntryRef;
use super::keys::BatchKeys;
use super::layout::RowBytes;
use crate::base::{Flow, Result, TreeId};
use crate::expr::{EvalContext, evaluate};
use crate::storage::{Direction, Entries, KEY_BYTES_MAX, KeyRange};
use crate::txn::Txn;
use crate::types::{Batch, ColumnReader};
use arrow_array::Array;
use arrow_array::cast::AsArray;
use std::ops::Bound;
use std::sync::atomic::Ordering;

/// Fewer rows are no faster at once than one by one.
const FEW: usize = 8;

/// Inserts batches into one table. It keeps its buffers from one to the next.
#[derive(Default)]
pub struct BatchWriter {
    row_keys: BatchKeys,
    rows: RowBytes,
    /// The keys in each index; empty for the clustered one.
    entries: Vec<BatchKeys>,
    order: Vec<u32>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl BatchWriter {
    /// The key of a row of the batch inserted last.
    pub fn row_key(&self, row: usize) -> &[u8] {
        self.row_keys.bytes(row)
    }

    /// Inserts the rows of a batch, which has a column for each of the table's. False when a row may not pass, or the
    /// batch is not worth it: nothing is written then, and the rows are to be inserted one by one.
    ///
    /// Errors: a wait for somebody else's uncommitted row of the same key; 53400.
    pub fn insert(&mut self, def: &TableDef, txn: &mut Txn, cx: &mut EvalContext<'_>, batch: &Batch) -> Result<bool> {
        if batch.rows < FEW || !def.is_plain() {
            return Ok(false);
        }
        match self.prepare(def, txn, cx, batch) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(e) if e.flow() == Flow::Fail => return Ok(false),
            Err(e) => return Err(e),
        }
        for (at, index) in def.indexes.iter().enumerate().filter(|(_, i)| i.index.unique) {
            if !self.claim(def, txn, at, index, batch.rows)? {
                return Ok(false);
            }
        }
        self.put(def, txn, batch)?;
        def.activity.inserted.fetch_add(batch.rows as u64, Ordering::Relaxed);
        def.activity.growth.fetch_add(batch.rows as i64, Ordering::Relaxed);
        Ok(true)
    }

    /// Works out all keys. False, or any error, when something is wrong with a row.
    fn prepare(&mut self, def: &TableDef, txn: &Txn, cx: &mut EvalContext<'_>, batch: &Batch) -> Result<bool> {
        if def.not_null.iter().any(|&at| batch.columns[at].null_count() > 0) || !def.passes_checks(cx, batch)? {
            return Ok(false);
        }
        if !def.batch_row_keys(batch, &mut self.row_keys) {
            self.row_keys.clear();
            let RowKeyDef::RowId(ids) = &def.row_key else { unreachable!("the table is keyed one way or the other") };
            let first = ids.take_many(txn, def.tree, batch.rows as u64)?;
            (first..first + batch.rows as u64).for_each(|id| self.row_keys.push(&id.to_be_bytes()));
        }
        let row_key_max = (0..batch.rows).map(|row| self.row_keys.bytes(row).len()).max().unwrap_or(0);
        self.entries.resize_with(def.indexes.len(), BatchKeys::default);
        for (index, keys) in def.indexes.iter().zip(&mut self.entries) {
            if index.index.clustered {
                continue;
            }
            index.batch_keys(cx, batch, keys)?;
            if (0..batch.rows).any(|row| keys.bytes(row).len() + row_key_max > KEY_BYTES_MAX) {
                return Ok(false);
            }
        }
        Ok(row_key_max <= KEY_BYTES_MAX)
    }

    /// Locks the keys of a unique index; false when two rows have the same or one may be taken.
    fn claim(&mut self, def: &TableDef, txn: &mut Txn, at: usize, index: &IndexDef, rows: usize) -> Result<bool> {
        let keys = if index.index.clustered { &self.row_keys } else { &self.entries[at] };
        let unique = |row: usize| keys.get(row).filter(|e| index.is_unique_key(*e));
        sort(&mut self.order, (0..rows).filter(|&row| unique(row).is_some()), keys);
        let mut neighbours = self.order.windows(2);
        if neighbours.any(|two| keys.bytes(two[0] as usize) == keys.bytes(two[1] as usize)) {
            return Ok(false);
        }
        // In the order of the rows, as one by one.
        for entry in (0..rows).filter_map(unique) {
            def.lock_key_bytes(txn, index, entry.bytes)?;
        }
        let (Some(first), Some(last)) = (self.order.first(), self.order.last()) else { return Ok(true) };
        let tree = index.index.tree;
        if is_free(txn, tree, keys.bytes(*first as usize), keys.bytes(*last as usize))? {
            return Ok(true);
        }
        for entry in (0..rows).filter_map(unique) {
            if txn.get_latest(tree, entry.bytes, &mut self.value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put(&mut self, def: &TableDef, txn: &mut Txn, batch: &Batch) -> Result<()> {
        def.layout.encode_batch(batch, &mut self.rows);
        sort(&mut self.order, 0..batch.rows, &self.row_keys);
        for &row in &self.order {
            txn.put(def.tree, self.row_keys.bytes(row as usize), self.rows.get(row as usize))?;
        }
        for (index, keys) in def.indexes.iter().zip(&self.entries) {
            if index.index.clustered {
                continue;
            }
            let included: Vec<ColumnReader<'_>> = match index.include.is_empty() {
                true => Vec::new(),
                false => {
                    def.types.iter().zip(&batch.columns).map(|(t, c)| ColumnReader::new(t.physical(), c)).collect()
                }
            };
            sort(&mut self.order, (0..batch.rows).filter(|&row| keys.get(row).is_some()), keys);
            for row in self.order.iter().map(|&row| row as usize) {
                let entry: EntryRef<'_> = keys.get(row).expect("only rows with an entry were sorted");
                let row_key = self.row_keys.bytes(row);
                self.key.clear();
                index.put_tree_key(&mut self.key, entry, row_key);
                self.value.clear();
                index.put_tree_value(&mut self.value, entry, row_key, |at| included[at].get(row));
                txn.put(index.index.tree, &self.key, &self.value)?;
            }
        }
        Ok(())
    }
}

/// Rows by their keys; those with the same key stay as they came.
fn sort(order: &mut Vec<u32>, rows: impl Iterator<Item = usize>, keys: &BatchKeys) {
    order.clear();
    order.extend(rows.map(|row| row as u32));
    order.sort_by(|a, b| keys.bytes(*a as usize).cmp(keys.bytes(*b as usize)));
}

/// Whether the latest state and the own writes have no key between these two, nor themselves.
fn is_free(txn: &Txn, tree: TreeId, first: &[u8], last: &[u8]) -> Result<bool> {
    let range = KeyRange { lower: Bound::Included(first.to_vec()), upper: Bound::Included(last.to_vec()) };
    let mut found = Entries::new();
    let mut scan = txn.scan_latest(tree, range, Direction::Forward);
    while scan.next(txn, &mut found, 1)? && found.is_empty() {}
    Ok(found.is_empty())
}

impl TableDef {
    /// No constraint waits for the end of the statement.
    fn is_plain(&self) -> bool {
        self.indexes.iter().all(|i| i.index.immediate || !i.index.unique)
    }

    /// Whether every row passes every CHECK.
    fn passes_checks(&self, cx: &mut EvalContext<'_>, batch: &Batch) -> Result<bool> {
        for check in &self.checks {
            let passed = evaluate(&check.condition, batch, cx)?;
            let passed = passed.as_boolean();
            // NULL passes.
            if (0..batch.rows).any(|row| passed.is_valid(row) && !passed.value(row)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
