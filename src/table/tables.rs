//! What all sessions share about tables and no transaction owns: the next row id of each table, the running values of
//! sequences, and counts of what has been written since the last ANALYZE.
//!
//! Row ids cost nothing to make durable: the first use after a start looks up the greatest id in the tree, and an id
//! that was handed out but never committed is free again after a crash.

use super::sequence::SequenceState;
use crate::base::{Oid, Result, TreeId};
use crate::catalog::{Catalog, CatalogStore};
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::Txn;
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The row ids of one table's tree.
#[derive(Debug, Default)]
pub struct RowIds {
    /// Zero: not looked up yet.
    next: AtomicU64,
    first_use: Mutex<()>,
}

impl RowIds {
    /// An id that no row has or had.
    pub(super) fn take(&self, txn: &Txn, tree: TreeId) -> Result<u64> {
        self.take_many(txn, tree, 1)
    }

    /// So many ids in a row; the first of them.
    pub(super) fn take_many(&self, txn: &Txn, tree: TreeId, count: u64) -> Result<u64> {
        if self.next.load(Ordering::Acquire) == 0 {
            let _one = self.first_use.lock();
            if self.next.load(Ordering::Acquire) == 0 {
                self.next.store(greatest(txn, tree)? + 1, Ordering::Release);
            }
        }
        Ok(self.next.fetch_add(count, Ordering::Relaxed))
    }
}

fn greatest(txn: &Txn, tree: TreeId) -> Result<u64> {
    let mut scan = txn.scan_latest(tree, KeyRange::all(), Direction::Backward);
    let mut entries = Entries::new();
    scan.next(txn, &mut entries, 1)?;
    Ok(match entries.is_empty() {
        true => 0,
        false => u64::from_be_bytes(entries.key(0).try_into().expect("row ids have eight bytes")),
    })
}

/// Rows written since the last ANALYZE, rolled back ones included.
#[derive(Debug, Default)]
pub struct Activity {
    pub inserted: AtomicU64,
    pub updated: AtomicU64,
    pub deleted: AtomicU64,
    /// Inserted less deleted since the last ANALYZE.
    pub growth: AtomicI64,
}

/// One for each node.
pub struct Tables {
    pub(super) store: Arc<CatalogStore>,
    row_ids: Mutex<AHashMap<TreeId, Arc<RowIds>>>,
    pub(super) sequences: Mutex<AHashMap<u32, Arc<Mutex<Option<SequenceState>>>>>,
    activity: Mutex<AHashMap<Oid, Arc<Activity>>>,
}

/// What a table that was never analyzed is taken to hold, as long as nothing has been written to it.
const UNKNOWN_ROWS: f64 = 1000.0;

impl Tables {
    pub fn new(store: Arc<CatalogStore>) -> Arc<Tables> {
        Arc::new(Tables { store, row_ids: Mutex::default(), sequences: Mutex::default(), activity: Mutex::default() })
    }

    pub fn store(&self) -> &Arc<CatalogStore> {
        &self.store
    }

    /// For [`TableDef::new`](super::TableDef::new).
    pub fn row_ids(&self, tree: TreeId) -> Arc<RowIds> {
        self.row_ids.lock().entry(tree).or_default().clone()
    }

    /// For [`TableDef::new`](super::TableDef::new) and the statistics views.
    pub fn activity(&self, table: Oid) -> Arc<Activity> {
        self.activity.lock().entry(table).or_default().clone()
    }

    /// An estimate of a table's rows: what ANALYZE counted and what has come and gone since.
    pub fn estimated_rows(&self, catalog: &Catalog, table: Oid) -> f64 {
        let growth = self.activity(table).growth.load(Ordering::Relaxed) as f64;
        match catalog.stats(table) {
            Some(stats) => (stats.rows + growth).max(0.0),
            None if growth > 0.0 => growth,
            None => UNKNOWN_ROWS,
        }
    }

    /// ANALYZE has counted anew.
    pub fn forget_growth(&self, table: Oid) {
        self.activity(table).growth.store(0, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}
