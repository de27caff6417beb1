//! What foreign keys need of tables: is there a parent, which rows are children. The executor decides what follows.
//!
//! Both look at the latest committed state and the transaction's own writes. A child takes a `KeyShare` lock on its
//! parent row, and whoever deletes the parent or changes its key holds `Update`: the two exclude each other, so the
//! answer stays true until the transaction ends.

use super::bounds::key_range;
use super::def::{KeySource, TableDef};
use super::entry::EntryView;
use super::scan::{FetchedRow, Read};
use crate::base::Result;
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{LockKey, LockMode, Txn, Wait};
use crate::types::{Datum, DatumRef, equal};

/// A row found by the foreign key that it holds.
#[derive(Clone, Debug)]
pub struct ChildRow {
    pub key: Vec<u8>,
    pub row: Vec<Datum>,
}

impl TableDef {
    /// Whether this table has a row with `values` in the columns at `positions`, which are those of the unique index at
    /// `index` in any order; the row is then locked against deletion. Values are of the columns' types (or integers).
    pub fn parent_exists(
        &self,
        txn: &mut Txn,
        index: usize,
        positions: &[usize],
        values: &[DatumRef<'_>],
    ) -> Result<bool> {
        let ordered = in_index_order(&self.indexes[index].sources, positions, values);
        let mut parent = FetchedRow::default();
        if !self.lookup_unique(txn, Read::Latest, index, &ordered, &mut parent)? {
            return Ok(false);
        }
        let key = std::mem::take(&mut parent.key);
        txn.lock(&LockKey::Row { tree: self.tree, key: &key }, LockMode::KeyShare, Wait::Block)?;
        // It may have gone, or have been replaced by another, before the lock was granted.
        Ok(self.lookup_unique(txn, Read::Latest, index, &ordered, &mut parent)? && parent.key == key)
    }

    /// The rows of this table with `values`, none NULL, in the columns at `positions`; at most `limit`. Uses an index
    /// that begins with these columns if there is one, and reads the whole table otherwise.
    pub fn referencing(
        &self,
        txn: &Txn,
        positions: &[usize],
        values: &[DatumRef<'_>],
        limit: usize,
    ) -> Result<Vec<ChildRow>> {
        let Some(index) = self.indexes.iter().find(|i| i.index.valid && i.leads_with(positions)) else {
            return self.referencing_by_scan(txn, positions, values, limit);
        };
        let ordered = in_index_order(&index.sources[..positions.len()], positions, values);
        let Some(range) = key_range(&index.columns, &ordered, None, None) else { return Ok(Vec::new()) };
        let mut scan = txn.scan_latest(index.index.tree, range, Direction::Forward);
        let (mut entries, mut value, mut found) = (Entries::new(), Vec::new(), Vec::new());
        loop {
            let more = scan.next(txn, &mut entries, 256)?;
            for (key, entry) in entries.iter() {
                if found.len() == limit {
                    return Ok(found);
                }
                let key = if index.index.clustered { key } else { EntryView::new(key, entry)?.row_key };
                if txn.get_latest(self.tree, key, &mut value)? {
                    found.push(ChildRow { key: key.to_vec(), row: self.decode_row(&value) });
                }
            }
            if !more {
                return Ok(found);
            }
        }
    }

    fn referencing_by_scan(
        &self,
        txn: &Txn,
        positions: &[usize],
        values: &[DatumRef<'_>],
        limit: usize,
    ) -> Result<Vec<ChildRow>> {
        let mut scan = txn.scan_latest(self.tree, KeyRange::all(), Direction::Forward);
        let (mut entries, mut found) = (Entries::new(), Vec::new());
        loop {
            let more = scan.next(txn, &mut entries, 256)?;
            for (key, value) in entries.iter() {
                let row = super::layout::RowView::new(value);
                let same = positions.iter().zip(values).all(|(&at, &wanted)| {
                    let have = self.column(row, at);
                    !have.is_null() && same_value(self.types[at], have, wanted)
                });
                if same {
                    if found.len() == limit {
                        return Ok(found);
                    }
                    found.push(ChildRow { key: key.to_vec(), row: self.decode_row(value) });
                }
            }
            if !more {
                return Ok(found);
            }
        }
    }
}

/// Equality under the column's type; integers of different widths compare as numbers.
fn same_value(ty: crate::types::SqlType, have: DatumRef<'_>, wanted: DatumRef<'_>) -> bool {
    match (integer(have), integer(wanted)) {
        (Some(a), Some(b)) => a == b,
        _ => equal(ty, have, wanted),
    }
}

fn integer(value: DatumRef<'_>) -> Option<i64> {
    match value {
        DatumRef::Int2(n) => Some(i64::from(n)),
        DatumRef::Int4(n) => Some(i64::from(n)),
        DatumRef::Int8(n) => Some(n),
        _ => None,
    }
}

/// Values given in the order of a constraint's columns, in the order of an index's columns.
fn in_index_order<'a>(sources: &[KeySource], positions: &[usize], values: &[DatumRef<'a>]) -> Vec<DatumRef<'a>> {
    let value_of = |at: &usize| {
        let i = positions.iter().position(|p| p == at).expect("the index is over the constraint's columns");
        values[i]
    };
    sources
        .iter()
        .map(|s| match s {
            KeySource::Column(at) => value_of(at),
            KeySource::Expr(_) => unreachable!("foreign keys use plain columns"),
        })
        .collect()
}
