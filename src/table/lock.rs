//! Locking rows that a statement has found, and noticing that they are not as it saw them.

use super::def::TableDef;
use crate::base::{Error, Result, SqlState};
use crate::txn::{LockKey, LockMode, LockTarget, Locked, ReadView, Rivals, Txn, Wait};

/// How locking a row went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowLock {
    /// It is locked, and as the view shows it.
    Locked,
    /// Somebody else has it and `Wait::No` was asked for: SKIP LOCKED skips it, NOWAIT fails with
    /// [`TableDef::lock_not_available`].
    Busy,
    /// This transaction changed it after the view was taken: the statement met it twice. UPDATE and DELETE skip it.
    SelfModified,
}

impl TableDef {
    /// Locks a row that `view` shows.
    ///
    /// Errors: a wait; a restart when somebody has changed the row since (40001 above READ COMMITTED).
    pub fn lock_row(
        &self,
        txn: &mut Txn,
        view: &ReadView,
        row_key: &[u8],
        mode: LockMode,
        wait: Wait,
    ) -> Result<RowLock> {
        let key = LockKey::Row { tree: self.tree, key: row_key };
        if txn.lock_in(self.lock_target(), Rivals::Lockers, &key, mode, wait)? == Locked::Busy {
            return Ok(RowLock::Busy);
        }
        if txn.wrote_since(view, self.tree, row_key) {
            return Ok(RowLock::SelfModified);
        }
        txn.check_current(view, self.tree, row_key)?;
        Ok(RowLock::Locked)
    }

    /// Locks a row whatever its state, as ON CONFLICT DO UPDATE does with the row that is in the way.
    pub fn lock_latest(&self, txn: &mut Txn, row_key: &[u8], mode: LockMode) -> Result<()> {
        let key = LockKey::Row { tree: self.tree, key: row_key };
        txn.lock_in(self.lock_target(), Rivals::Lockers, &key, mode, Wait::Block).map(|_| ())
    }

    /// The table's own lock, which every statement that uses the table has taken before.
    pub fn lock_table(&self, txn: &mut Txn, mode: LockMode) -> Result<()> {
        let LockTarget { database, relation } = self.lock_target();
        txn.lock(&LockKey::Relation { database, relation }, mode, Wait::Block).map(|_| ())
    }

    pub(super) fn lock_target(&self) -> LockTarget {
        LockTarget { database: self.database, relation: self.table.oid }
    }

    /// 55P03.
    pub fn lock_not_available(&self) -> Error {
        let message = format!("could not obtain lock on row in relation \"{}\"", self.table.name);
        Error::new(SqlState::LOCK_NOT_AVAILABLE, message)
    }

    /// The mode in which UPDATE locks a row whose columns at these positions change.
    pub fn update_lock(&self, changed: &[usize]) -> LockMode {
        if self.changes_key(changed) { LockMode::Update } else { LockMode::NoKeyUpdate }
    }
}
