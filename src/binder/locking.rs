//! FOR UPDATE and its kin (`transformLockingClause`, `CheckSelectLocking`). A subquery in FROM, or a view, is told to lock by
//! itself before it is bound.

use super::grouping::GroupClause;
use super::limit::Clauses;
use super::rel::{AccessMode, LockStrength, LockTarget};
use super::scope::InheritedLock;
use super::state::Binder;
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Table, TableKind};
use crate::expr::ColId;
use crate::parser::ast::{self, Locking};
use std::sync::Arc;

/// A table of the level's FROM clause.
#[derive(Clone, Debug)]
pub(super) struct Lockable {
    pub name: Arc<str>,
    pub table: Arc<Table>,
    pub key: ColId,
    /// An outer join may pad it with NULLs.
    pub nullable: bool,
}

pub(super) fn strength_name(strength: LockStrength) -> &'static str {
    match strength {
        LockStrength::KeyShare => "FOR KEY SHARE",
        LockStrength::Share => "FOR SHARE",
        LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
        LockStrength::Update => "FOR UPDATE",
    }
}

/// `FOR UPDATE cannot be applied to VALUES`.
pub(super) fn refused(strength: LockStrength, to: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{} cannot be applied to {to}", strength_name(strength)))
}

/// `FOR UPDATE is not allowed with ...`.
pub(super) fn not_allowed(strength: LockStrength, with: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{} is not allowed with {with}", strength_name(strength)))
}

impl Binder<'_> {
    /// The strongest of what is asked: explicitly, or by the query around.
    fn lock_strength(&self, query: Clauses<'_>) -> Option<LockStrength> {
        let inherited = self.level_ref().inherited_lock.map(|l| l.strength);
        query.locking.iter().map(|l| l.strength).chain(inherited).max()
    }

    pub fn check_locking(
        &mut self,
        query: Clauses<'_>,
        select: &ast::Select,
        group: &Option<GroupClause>,
    ) -> Result<()> {
        let Some(strength) = self.lock_strength(query) else { return Ok(()) };
        let level = self.level_ref();
        let refusal = if select.distinct.is_some() {
            "DISTINCT clause"
        } else if group.is_some() {
            "GROUP BY clause"
        } else if select.having.is_some() {
            "HAVING clause"
        } else if !level.aggregates.is_empty() {
            "aggregate functions"
        } else if !level.windows.is_empty() {
            "window functions"
        } else if !level.set_calls.is_empty() {
            "set-returning functions in the target list"
        } else {
            return Ok(());
        };
        Err(not_allowed(strength, refusal))
    }

    /// What a FROM item of this name that is a query is to lock.
    pub fn lock_for_subquery(&self, name: &str, locking: &[Locking]) -> Option<InheritedLock> {
        let own = locking
            .iter()
            .filter(|l| l.of.is_empty() || l.of.iter().any(|r| r.name == name))
            .map(|l| InheritedLock { strength: l.strength, wait: l.wait });
        own.chain(self.level_ref().inherited_lock)
            .reduce(|a, b| InheritedLock { strength: a.strength.max(b.strength), wait: a.wait.max(b.wait) })
    }

    /// The tables to lock, once the FROM clause is bound.
    pub fn lock_targets(&mut self, query: Clauses<'_>) -> Result<Vec<LockTarget>> {
        let mut targets: Vec<LockTarget> = Vec::new();
        for locking in query.locking {
            if locking.of.is_empty() {
                for lockable in self.level_ref().lockables.clone() {
                    self.lock(&mut targets, &lockable, locking.strength, locking.wait)?;
                }
            }
            for name in &locking.of {
                self.lock_named(&mut targets, name, locking)?;
            }
        }
        if let Some(lock) = self.level_ref().inherited_lock {
            for lockable in self.level_ref().lockables.clone() {
                self.lock(&mut targets, &lockable, lock.strength, lock.wait)?;
            }
        }
        Ok(targets)
    }

    fn lock_named(&mut self, targets: &mut Vec<LockTarget>, name: &ast::RelationName, locking: &Locking) -> Result<()> {
        let clause = strength_name(locking.strength);
        if name.schema.is_some() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("{clause} must specify unqualified relation names"),
            )
            .at(name.pos));
        }
        let lockables = self.level_ref().lockables.clone();
        if let Some(lockable) = lockables.iter().find(|l| *l.name == *name.name) {
            return self.lock(targets, lockable, locking.strength, locking.wait);
        }
        let entry = self.level_ref().entries.iter().find(|e| *e.name == *name.name);
        let Some(entry) = entry else {
            return Err(Error::new(
                SqlState::UNDEFINED_TABLE,
                format!("relation \"{}\" in {clause} clause not found in FROM clause", name.name),
            )
            .at(name.pos));
        };
        let refusal = match entry.lock_refusal {
            Some(refusal) => refusal,
            None => return Ok(()),
        };
        Err(refused(locking.strength, refusal).at(name.pos))
    }

    fn lock(
        &mut self,
        targets: &mut Vec<LockTarget>,
        lockable: &Lockable,
        strength: LockStrength,
        wait: ast::LockWait,
    ) -> Result<()> {
        if lockable.nullable {
            return Err(refused(strength, "the nullable side of an outer join"));
        }
        if lockable.table.kind == TableKind::MaterializedView {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("cannot lock rows in materialized view \"{}\"", lockable.table.name),
            ));
        }
        self.wanted.push(lockable.key);
        self.open_access(lockable.table.oid, AccessMode::Lock);
        match targets.iter_mut().find(|t| t.key == lockable.key) {
            Some(target) => {
                target.strength = target.strength.max(strength);
                target.wait = target.wait.max(wait);
            }
            None => targets.push(LockTarget {
                table: lockable.table.clone(),
                alias: lockable.name.clone(),
                key: lockable.key,
                strength,
                wait,
            }),
        }
        Ok(())
    }
}
