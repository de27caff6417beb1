//! Inserting, updating and deleting one row, with its index entries.
//!
//! A unique key is guarded by a lock on its value: who holds the lock and finds no entry in the latest committed
//! state and its own writes can be sure that nobody else makes one. Whoever takes an entry away holds the lock too, so
//! that others wait to see whether it really goes.
//!
//! Insert, in this order, which is PostgreSQL's where it shows in errors:
//! 1. NOT NULL and CHECK;
//! 2. the keys of the row and of its entries; for each unique index, by ascending oid, lock and look;
//! 3. the row, then the entries.
//!
//! An update leaves alone every index whose columns did not change, unless the row's own key changed. All entries
//! that go are deleted before the new ones are put, since they may have the same key.

use super::def::{IndexDef, RowKeyDef, TableDef};
use super::entry::EntryKey;
use super::evaluate::RowEvaluator;
use super::scan::Read;
use crate::base::{Error, Result, SqlState};
use crate::expr::EvalContext;
use crate::storage::KEY_BYTES_MAX;
use crate::txn::{LockKey, LockMode, Rivals, Txn, Wait};
use crate::types::Datum;
use smallvec::SmallVec;
use std::sync::atomic::Ordering;

/// What became of a row that ON CONFLICT guards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// The new row's key.
    Inserted(Vec<u8>),
    /// Nothing was written. `index` is a position in [`TableDef::indexes`], `row_key` the key of the row in the way.
    Conflict { index: usize, row_key: Vec<u8> },
}

/// A unique key that is to be looked at again later: of a deferrable constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recheck {
    pub index: usize,
    pub key: Vec<u8>,
    /// The row as written, for the message.
    pub row_key: Vec<u8>,
}

/// The rechecks that a statement has gathered. Run [`TableDef::recheck`] on each at the end of the statement or, for
/// constraints that are deferred then, at the end of the transaction.
pub type Rechecks = Vec<Recheck>;

type Entries<'d> = SmallVec<[(&'d IndexDef, usize, Option<EntryKey>); 4]>;

impl IndexDef {
    /// Whether a change of these columns changes the row's entry.
    fn is_touched(&self, changed: &[usize]) -> bool {
        self.touched_by.iter().any(|at| changed.contains(at))
    }
}

impl TableDef {
    /// Inserts a row: one value for each of the table's columns, NULL for dropped ones. Returns the row's key.
    ///
    /// Errors: 23502, 23514, 23505, a wait for somebody else's uncommitted row of the same key.
    pub fn insert(
        &self,
        txn: &mut Txn,
        cx: &mut EvalContext<'_>,
        row: &[Datum],
        rechecks: &mut Rechecks,
    ) -> Result<Vec<u8>> {
        match self.insert_or_conflict(txn, cx, row, &|_| false, rechecks)? {
            Insertion::Inserted(key) => Ok(key),
            Insertion::Conflict { .. } => unreachable!("no index was named as arbiter"),
        }
    }

    /// Inserts a row unless it conflicts in one of the arbiters, which are asked for by position in `indexes`. The
    /// conflict found may be with a row that the statement's snapshot does not see.
    pub fn insert_or_conflict(
        &self,
        txn: &mut Txn,
        cx: &mut EvalContext<'_>,
        row: &[Datum],
        is_arbiter: &dyn Fn(usize) -> bool,
        rechecks: &mut Rechecks,
    ) -> Result<Insertion> {
        let mut rows = RowEvaluator::new(self, cx);
        self.check_row(row, &mut rows)?;
        let row_key = self.new_row_key(txn, row)?;
        let entries = self.entries(row, &mut rows, |_| true)?;
        // Arbiters first: DO NOTHING must not fail on another index if it conflicts in one of them.
        for arbiters in [true, false] {
            for (index, at, entry) in &entries {
                if is_arbiter(*at) != arbiters {
                    continue;
                }
                let Some(entry) = entry else { continue };
                if let Some(taken_by) = self.claim(txn, *at, entry, &row_key, rechecks)? {
                    if arbiters {
                        return Ok(Insertion::Conflict { index: *at, row_key: taken_by });
                    }
                    return Err(self.unique_violation(index, row, &mut rows));
                }
            }
        }
        self.put_row(txn, &row_key, row)?;
        for (index, _, entry) in &entries {
            if let Some(entry) = entry {
                put_entry(txn, index, entry, &row_key, row)?;
            }
        }
        self.activity.inserted.fetch_add(1, Ordering::Relaxed);
        self.activity.growth.fetch_add(1, Ordering::Relaxed);
        Ok(Insertion::Inserted(row_key))
    }

    /// Whether [`TableDef::update`] looks at the old values when these columns change: to move the row, or to take entries
    /// out of indexes.
    pub fn reads_old(&self, changed: &[usize]) -> bool {
        self.moves_row(changed) || self.indexes.iter().any(|i| i.is_touched(changed))
    }

    fn moves_row(&self, changed: &[usize]) -> bool {
        match &self.row_key {
            RowKeyDef::Columns { positions, .. } => positions.iter().any(|at| changed.contains(at)),
            RowKeyDef::RowId(_) => false,
        }
    }

    /// Changes the row with this key from `old`, which may be left out if [`TableDef::reads_old`] says so, to `new`; `changed` are the positions of the columns that may differ. The
    /// caller has locked the row. Returns the row's key, which is another one if columns of it changed.
    ///
    /// Errors: as for `insert`.
    #[allow(clippy::too_many_arguments)]
    pub fn update(
        &self,
        txn: &mut Txn,
        cx: &mut EvalContext<'_>,
        row_key: &[u8],
        old: &[Datum],
        new: &[Datum],
        changed: &[usize],
        rechecks: &mut Rechecks,
    ) -> Result<Vec<u8>> {
        let mut rows = RowEvaluator::new(self, cx);
        self.check_row(new, &mut rows)?;
        let new_key = match self.moves_row(changed) {
            true => self.row_key_of(new).expect("a keyed table"),
            false => row_key.to_vec(),
        };
        let moved = new_key != row_key;
        let touched = |i: &IndexDef| moved || i.is_touched(changed);
        let before = self.entries(old, &mut rows, touched)?;
        let after = self.entries(new, &mut rows, touched)?;
        for ((index, at, was), (_, _, is)) in before.iter().zip(&after) {
            let same_key = was == is && !(index.index.clustered && moved);
            if let Some(was) = was
                && !same_key
            {
                self.lock_key(txn, index, was)?;
            }
            if let Some(is) = is
                && !same_key
                && let Some(taken_by) = self.claim(txn, *at, is, &new_key, rechecks)?
                && taken_by != row_key
            {
                return Err(self.unique_violation(index, new, &mut rows));
            }
        }
        if moved {
            txn.delete(self.tree, row_key)?;
        }
        for (index, _, was) in &before {
            if let Some(was) = was {
                delete_entry(txn, index, was, row_key)?;
            }
        }
        self.put_row(txn, &new_key, new)?;
        for (index, _, is) in &after {
            if let Some(is) = is {
                put_entry(txn, index, is, &new_key, new)?;
            }
        }
        self.activity.updated.fetch_add(1, Ordering::Relaxed);
        Ok(new_key)
    }

    /// Deletes the row with this key. The caller has locked it.
    pub fn delete(&self, txn: &mut Txn, cx: &mut EvalContext<'_>, row_key: &[u8], old: &[Datum]) -> Result<()> {
        let mut rows = RowEvaluator::new(self, cx);
        let entries = self.entries(old, &mut rows, |_| true)?;
        for (index, _, entry) in &entries {
            if let Some(entry) = entry {
                self.lock_key(txn, index, entry)?;
            }
        }
        txn.delete(self.tree, row_key)?;
        for (index, _, entry) in &entries {
            if let Some(entry) = entry {
                delete_entry(txn, index, entry, row_key)?;
            }
        }
        self.activity.deleted.fetch_add(1, Ordering::Relaxed);
        self.activity.growth.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Looks at a deferred unique key again. Error: 23505.
    pub fn recheck(&self, txn: &mut Txn, cx: &mut EvalContext<'_>, recheck: &Recheck) -> Result<()> {
        let index = &self.indexes[recheck.index];
        let mut found = crate::storage::Entries::new();
        let range = crate::storage::KeyRange::prefix(&recheck.key);
        Read::Latest.scan(txn, index.index.tree, range).next(txn, &mut found, 2)?;
        if found.len() < 2 {
            return Ok(());
        }
        let mut value = Vec::new();
        let mut rows = RowEvaluator::new(self, cx);
        match txn.get_latest(self.tree, &recheck.row_key, &mut value)? {
            true => Err(self.unique_violation(index, &self.decode_row(&value), &mut rows)),
            false => Ok(()),
        }
    }

    pub(super) fn new_row_key(&self, txn: &Txn, row: &[Datum]) -> Result<Vec<u8>> {
        match &self.row_key {
            RowKeyDef::RowId(ids) => Ok(ids.take(txn, self.tree)?.to_be_bytes().to_vec()),
            RowKeyDef::Columns { .. } => Ok(self.row_key_of(row).expect("a keyed table")),
        }
    }

    pub(super) fn put_row(&self, txn: &mut Txn, row_key: &[u8], row: &[Datum]) -> Result<()> {
        self.check_row_key(row_key)?;
        let mut value = Vec::with_capacity(128);
        self.layout.encode(&mut value, row.iter().map(Datum::as_ref));
        txn.put(self.tree, row_key, &value)
    }

    /// The columns of a clustered index are the row's key.
    fn check_row_key(&self, row_key: &[u8]) -> Result<()> {
        if row_key.len() <= KEY_BYTES_MAX {
            return Ok(());
        }
        let clustered = self.indexes.iter().find(|i| i.index.clustered);
        Err(key_too_long(row_key.len(), clustered.map_or(self.table.name.as_str(), |i| i.index.name.as_str())))
    }

    /// A row's keys in those indexes that `wanted` picks.
    fn entries(
        &self,
        row: &[Datum],
        rows: &mut RowEvaluator<'_, '_, '_>,
        wanted: impl Fn(&IndexDef) -> bool,
    ) -> Result<Entries<'_>> {
        let mut out = Entries::new();
        for (at, index) in self.indexes.iter().enumerate().filter(|(_, i)| wanted(i)) {
            out.push((index, at, index.entry_key(row, rows)?));
        }
        Ok(out)
    }

    /// Locks a unique key for good and says whose it is, if somebody's.
    fn claim(
        &self,
        txn: &mut Txn,
        at: usize,
        entry: &EntryKey,
        row_key: &[u8],
        rechecks: &mut Rechecks,
    ) -> Result<Option<Vec<u8>>> {
        let index = &self.indexes[at];
        if !index.is_unique_key(entry.as_ref()) {
            return Ok(None);
        }
        self.lock_key(txn, index, entry)?;
        if !index.index.immediate {
            rechecks.push(Recheck { index: at, key: entry.bytes.clone(), row_key: row_key.to_vec() });
            return Ok(None);
        }
        if index.index.clustered {
            let taken = txn.get_latest(self.tree, &entry.bytes, &mut Vec::new())?;
            return Ok(taken.then(|| entry.bytes.clone()));
        }
        let mut taken_by = Vec::new();
        Ok(index.find_row_key(txn, Read::Latest, &entry.bytes, &mut taken_by)?.then_some(taken_by))
    }

    /// Locks a key's value, if it is a unique one. Of the clustered index that is the row's own lock.
    fn lock_key(&self, txn: &mut Txn, index: &IndexDef, entry: &EntryKey) -> Result<()> {
        if index.is_unique_key(entry.as_ref()) {
            self.lock_key_bytes(txn, index, &entry.bytes)?;
        }
        Ok(())
    }

    pub(super) fn lock_key_bytes(&self, txn: &mut Txn, index: &IndexDef, key: &[u8]) -> Result<()> {
        let key = LockKey::Row { tree: index.index.tree, key };
        txn.lock_in(self.lock_target(), Rivals::Writers, &key, LockMode::Update, Wait::Block).map(|_| ())
    }
}

fn put_entry(txn: &mut Txn, index: &IndexDef, entry: &EntryKey, row_key: &[u8], row: &[Datum]) -> Result<()> {
    if index.index.clustered {
        return Ok(());
    }
    let key = index.tree_key(entry.as_ref(), row_key);
    check_entry_key(key.len(), &index.index.name)?;
    txn.put(index.index.tree, &key, &index.tree_value(entry.as_ref(), row_key, row))
}

/// Error: 54000 when an entry's key is too long.
pub(super) fn check_entry_key(length: usize, index: &str) -> Result<()> {
    if length > KEY_BYTES_MAX { Err(key_too_long(length, index)) } else { Ok(()) }
}

/// `_bt_check_third_page` in PostgreSQL's `nbtutils.c`, with our limit.
fn key_too_long(bytes: usize, index: &str) -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("index row size {bytes} exceeds maximum {KEY_BYTES_MAX} for index \"{index}\""),
    )
    .hint("Consider a function index of an MD5 hash of the value, or use full text indexing.")
}

fn delete_entry(txn: &mut Txn, index: &IndexDef, entry: &EntryKey, row_key: &[u8]) -> Result<()> {
    if index.index.clustered {
        return Ok(());
    }
    txn.delete(index.index.tree, &index.tree_key(entry.as_ref(), row_key))
}
