//! Many locks on one table become one: a transaction that has locked very many of its rows and keys asks for a lock on the
//! table that keeps out everybody who could want another one, and from then on takes none.
//!
//! It never waits for that lock. When somebody is in the way it goes on one by one and asks again after twice as many.
//!
//! What the table's lock must exclude depends on who else may want the row or key ([`Rivals`]). Whoever comes for either
//! holds ROW EXCLUSIVE or ROW SHARE on the table from before ([`Txn::lock`] of the relation), so nobody is inside already.
//!
//! Savepoints need no care beyond that of any lock: what was written under a cover was written after it was
//! taken, so a rollback that takes the cover away takes the writes away too, and the locks from before the cover stay.

use super::lock::{LockKey, LockMode, Locked, Wait};
use super::transaction::Txn;
use crate::base::{Oid, Result};
use smallvec::SmallVec;

/// A table towards the locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockTarget {
    pub database: Oid,
    pub relation: Oid,
}

/// Who else may want a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rivals {
    /// Whoever writes to the table: of the key of a row that nobody else sees yet, or of a unique index.
    Writers,
    /// Also whoever only locks its rows: of a row that others see.
    Lockers,
}

impl Rivals {
    /// The table's lock that keeps them out, and nobody who only reads.
    fn excluded_by(self) -> LockMode {
        match self {
            Rivals::Writers => LockMode::Share,
            Rivals::Lockers => LockMode::Exclusive,
        }
    }
}

/// What a transaction has locked of one table.
struct Table {
    target: LockTarget,
    taken: u32,
    try_at: u32,
    /// Who is kept out, and how many locks the transaction held before that one.
    cover: Option<(Rivals, usize)>,
}

/// The tables whose rows a transaction has locked.
pub(super) struct Covers {
    tables: SmallVec<[Table; 2]>,
    /// Locks taken one by one before the table is asked for.
    threshold: u32,
}

impl Covers {
    pub(super) fn new(threshold: u32) -> Covers {
        Covers { tables: SmallVec::new(), threshold }
    }

    fn find(&mut self, target: LockTarget) -> &mut Table {
        let at = self.tables.iter().position(|t| t.target == target).unwrap_or_else(|| {
            self.tables.push(Table { target, taken: 0, try_at: self.threshold, cover: None });
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }

    /// Only the first `keep` locks are still held.
    pub(super) fn release(&mut self, keep: usize) {
        if keep == 0 {
            return self.tables.clear();
        }
        for table in &mut self.tables {
            if table.cover.is_some_and(|(_, before)| before >= keep) {
                table.cover = None;
                table.try_at = table.taken.saturating_add(self.threshold);
            }
        }
    }
}

impl Txn {
    /// Locks a row or key of a table like [`Txn::lock`], unless the whole table is kept from the rivals: then the answer is
    /// [`Locked::AlreadyHeld`]. The transaction holds ROW SHARE or ROW EXCLUSIVE on the table.
    ///
    /// Errors: those of [`Txn::lock`].
    pub fn lock_in(
        &mut self,
        target: LockTarget,
        rivals: Rivals,
        key: &LockKey<'_>,
        mode: LockMode,
        wait: Wait,
    ) -> Result<Locked> {
        // Nobody else knows the tree.
        if matches!(key, LockKey::Row { tree, .. } if self.writes.created(*tree)) {
            return Ok(Locked::AlreadyHeld);
        }
        let table = self.covers.find(target);
        if table.cover.is_some_and(|(kept_out, _)| kept_out >= rivals) {
            return Ok(Locked::AlreadyHeld);
        }
        // Many shared locks do not ask for an exclusive one.
        if table.taken >= table.try_at && matches!(mode, LockMode::NoKeyUpdate | LockMode::Update) {
            table.try_at = table.taken.saturating_mul(2);
            if self.try_cover(target, rivals)? {
                return Ok(Locked::AlreadyHeld);
            }
        }
        let locked = self.lock(key, mode, wait)?;
        if locked == Locked::Granted {
            self.covers.find(target).taken += 1;
        }
        Ok(locked)
    }

    fn try_cover(&mut self, target: LockTarget, rivals: Rivals) -> Result<bool> {
        let before = self.settled_locks();
        let LockTarget { database, relation } = target;
        let locked = self.lock(&LockKey::Relation { database, relation }, rivals.excluded_by(), Wait::No)?;
        if locked == Locked::Busy {
            return Ok(false);
        }
        self.covers.find(target).cover = Some((rivals, before));
        Ok(true)
    }
}
