//! TRUNCATE: new, empty trees in place of the old ones, which go when the transaction commits
//! (`ExecuteTruncate`, `src/backend/commands/tablecmds.c`).

use super::{DdlContext, Outcome, done, sequence};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Sequence, Table, TableKind};
use crate::parser::ast::{DropBehavior, Truncate};
use crate::table;
use crate::txn::LockMode;
use std::sync::Arc;

pub fn truncate(s: &Truncate, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let mut tables: Vec<Oid> = Vec::new();
    for relation in &s.relations {
        let table = cx.locked_table(&relation.name, LockMode::AccessExclusive)?;
        if table.kind != TableKind::Table {
            return Err(super::not_a_table(&table.name));
        }
        if !tables.contains(&table.oid) {
            tables.push(table.oid);
        }
    }
    follow_foreign_keys(cx, &mut tables, s.behavior)?;
    for oid in tables {
        let catalog = cx.now();
        let table = catalog.table(oid).cloned().ok_or_else(Error::restart)?;
        empty(cx, &table)?;
        if s.restart_identity {
            restart_sequences(cx, oid)?;
        }
    }
    done("TRUNCATE TABLE")
}

/// ON COMMIT DELETE ROWS. A table that has had no rows keeps its tree.
///
/// Error: 0A000 when one that keeps its rows refers to one of these.
pub fn at_commit(cx: &mut DdlContext<'_>, tables: &[Oid]) -> Result<()> {
    let catalog = cx.now();
    for &oid in tables {
        let table = catalog.table(oid).cloned().ok_or_else(Error::restart)?;
        if let Some(incoming) = catalog.foreign_keys_to(oid).iter().find(|i| !tables.contains(&i.table)) {
            let child = catalog.table(incoming.table).cloned().ok_or_else(Error::restart)?;
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "unsupported ON COMMIT and foreign key combination",
            )
            .detail(format!(
                "Table \"{}\" references \"{}\", but they do not have the same ON COMMIT setting.",
                child.name, table.name
            )));
        }
        empty(cx, &table)?;
    }
    Ok(())
}

/// Tables that refer to a truncated one are truncated with it, or stop it.
fn follow_foreign_keys(cx: &mut DdlContext<'_>, tables: &mut Vec<Oid>, behavior: DropBehavior) -> Result<()> {
    let mut at = 0;
    while at < tables.len() {
        let catalog = cx.now();
        let parent = catalog.table(tables[at]).cloned().ok_or_else(Error::restart)?;
        for incoming in catalog.foreign_keys_to(parent.oid) {
            if tables.contains(&incoming.table) {
                continue;
            }
            let child = catalog.table(incoming.table).cloned().ok_or_else(Error::restart)?;
            if behavior == DropBehavior::Restrict {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "cannot truncate a table referenced in a foreign key constraint",
                )
                .detail(format!("Table \"{}\" references \"{}\".", child.name, parent.name))
                .hint(format!("Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.", child.name)));
            }
            cx.notice(format!("truncate cascades to table \"{}\"", child.name));
            cx.lock(child.oid, LockMode::AccessExclusive)?;
            tables.push(child.oid);
        }
        at += 1;
    }
    Ok(())
}

fn empty(cx: &mut DdlContext<'_>, table: &Arc<Table>) -> Result<()> {
    let indexes = cx.now().indexes_of(table.oid).to_vec();
    let (table, indexes) = table::fresh_trees(cx.txn, table, &indexes)?;
    cx.catalog.put(cx.txn, Arc::new(table))?;
    indexes.into_iter().try_for_each(|i| cx.catalog.put(cx.txn, Arc::new(i)))
}

fn restart_sequences(cx: &mut DdlContext<'_>, table: Oid) -> Result<()> {
    let catalog = cx.now();
    for owned in catalog.sequences_owned_by(table, None) {
        cx.lock(owned.oid, LockMode::AccessExclusive)?;
        let mut changed = Sequence::clone(owned);
        let start = changed.start;
        sequence::restart_at(cx, &mut changed, start)?;
        cx.catalog.put(cx.txn, Arc::new(changed))?;
    }
    Ok(())
}
