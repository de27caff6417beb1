//! Takes away what `catalog::depend` says goes: relations with their trees, columns, constraints, defaults, schemas.

use super::{DdlContext, alter_table};
use crate::base::{Error, Oid, Result};
use crate::catalog::depend::{self, plan_drop};
use crate::catalog::{Address, Kind, Object, ObjectKey, Relation, Table, class};
use crate::parser::ast::DropBehavior;
use crate::table;
use crate::txn::LockMode;
use std::sync::Arc;

/// Drops the targets and what depends on them, or refuses.
///
/// Error: 2BP01 with PostgreSQL's detail.
pub fn drop_all(cx: &mut DdlContext<'_>, targets: &[Address], behavior: DropBehavior) -> Result<()> {
    let plan = plan_drop(&cx.now(), cx.search_path, targets, behavior == DropBehavior::Cascade)?;
    for address in &plan.removals {
        if let Some(relation) = relation_of(cx, *address) {
            cx.lock(relation, LockMode::AccessExclusive)?;
        }
    }
    if let Some(notice) = plan.notice {
        cx.host.notice(notice);
    }
    let gone: Vec<Address> = plan.removals.clone();
    for address in plan.removals {
        remove(cx, address, &gone)?;
    }
    Ok(())
}

/// The relation that an object is or belongs to.
fn relation_of(cx: &DdlContext<'_>, address: Address) -> Option<Oid> {
    let catalog = cx.now();
    match address.class {
        class::CLASS => match catalog.relation_by_oid(address.oid) {
            Some(Relation::Index(i)) => Some(i.table),
            found => found.map(|r| r.oid()),
        },
        class::CONSTRAINT => depend::find_constraint(&catalog, address.oid).map(|(t, _)| t.oid),
        class::ATTRDEF => depend::find_default(&catalog, address.oid).map(|(t, _)| t),
        _ => None,
    }
}

fn remove(cx: &mut DdlContext<'_>, address: Address, gone: &[Address]) -> Result<()> {
    forget_comment(cx, address)?;
    match (address.class, address.sub) {
        (class::CLASS, 0) => remove_relation(cx, address.oid, gone),
        (class::CLASS, attnum) => edit(cx, address.oid, |t| clear_column(t, attnum)),
        (class::CONSTRAINT, _) => remove_constraint(cx, address.oid, gone),
        (class::ATTRDEF, _) => match depend::find_default(&cx.now(), address.oid) {
            Some((table, attnum)) => edit(cx, table, |t| {
                let column = &mut t.columns[attnum as usize - 1];
                (column.default, column.generated) = (None, None);
            }),
            None => Ok(()),
        },
        (class::NAMESPACE, _) => cx.catalog.remove(cx.txn, key(Kind::Schema, address.oid)),
        // Row types and rules are parts of their relation.
        _ => Ok(()),
    }
}

fn key(kind: Kind, oid: Oid) -> ObjectKey {
    ObjectKey { kind, oid, class: Oid::INVALID, sub: 0 }
}

fn forget_comment(cx: &mut DdlContext<'_>, on: Address) -> Result<()> {
    if cx.now().comment(on).is_none() {
        return Ok(());
    }
    cx.catalog.remove(cx.txn, ObjectKey { kind: Kind::Comment, oid: on.oid, class: on.class, sub: on.sub })
}

fn edit(cx: &mut DdlContext<'_>, table: Oid, change: impl FnOnce(&mut Table)) -> Result<()> {
    let Some(found) = cx.now().table(table).cloned() else { return Ok(()) };
    let mut changed = Table::clone(&found);
    change(&mut changed);
    cx.catalog.put(cx.txn, Arc::new(changed))
}

/// The column keeps its place, for rows that hold it, under a name that nobody can write.
fn clear_column(table: &mut Table, attnum: i16) {
    let column = &mut table.columns[attnum as usize - 1];
    column.dropped = true;
    column.name = format!("........pg.dropped.{attnum}........");
    column.not_null = false;
    (column.default, column.identity, column.generated) = (None, None, None);
}

fn remove_relation(cx: &mut DdlContext<'_>, oid: Oid, gone: &[Address]) -> Result<()> {
    let catalog = cx.now();
    match catalog.relation_by_oid(oid) {
        Some(Relation::Table(t)) => {
            // Indexes that are listed themselves give their trees up when their turn comes.
            let unlisted: Vec<_> =
                catalog.indexes_of(oid).iter().filter(|i| !gone.contains(&Address::relation(i.oid))).cloned().collect();
            if t.has_rows() {
                cx.txn.drop_tree(t.tree)?;
            }
            for index in unlisted {
                if !index.clustered {
                    cx.txn.drop_tree(index.tree)?;
                }
                cx.catalog.remove(cx.txn, Object::Index(index).key())?;
            }
            if catalog.stats(oid).is_some() {
                cx.catalog.remove(cx.txn, key(Kind::Stats, oid))?;
            }
            cx.catalog.remove(cx.txn, Object::Table(t).key())
        }
        Some(Relation::Index(i)) => {
            if i.clustered && !gone.contains(&Address::relation(i.table)) {
                // The constraint's removal rewrites the table and takes the index along.
                return Ok(());
            }
            if !i.clustered {
                cx.txn.drop_tree(i.tree)?;
            }
            cx.catalog.remove(cx.txn, Object::Index(i).key())
        }
        Some(Relation::Sequence(s)) => {
            table::drop_sequence_value(cx.txn, s.storage)?;
            cx.catalog.remove(cx.txn, Object::Sequence(s).key())
        }
        Some(Relation::System(s)) => Err(super::system_relation(s.name)),
        None => Ok(()),
    }
}

fn remove_constraint(cx: &mut DdlContext<'_>, oid: Oid, gone: &[Address]) -> Result<()> {
    let catalog = cx.now();
    let Some((table, constraint)) = depend::find_constraint(&catalog, oid) else { return Ok(()) };
    if gone.contains(&Address::relation(table.oid)) {
        return Ok(());
    }
    let index = constraint.kind.index().and_then(|i| catalog.index(i));
    if let Some(index) = index.filter(|i| i.clustered) {
        let table = catalog.table(table.oid).cloned().ok_or_else(Error::restart)?;
        return alter_table::drop_primary_key(cx, &table, oid, &index.clone());
    }
    edit(cx, table.oid, |t| t.constraints.retain(|c| c.oid != oid))
}

pub fn drop_column(cx: &mut DdlContext<'_>, table: &Arc<Table>, attnum: i16, behavior: DropBehavior) -> Result<()> {
    drop_all(cx, &[Address::column(table.oid, attnum)], behavior)
}

pub fn drop_constraint(
    cx: &mut DdlContext<'_>,
    _table: &Arc<Table>,
    constraint: Oid,
    behavior: DropBehavior,
) -> Result<()> {
    drop_all(cx, &[Address::new(class::CONSTRAINT, constraint)], behavior)
}
