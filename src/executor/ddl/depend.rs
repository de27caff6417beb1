//! DROP of anything: what goes along is worked out and taken away by the catalog; here are the locks, the notice, and the rows
//! of tables that lose the key that ordered them.

use super::{DdlContext, rebuild};
use crate::base::{Oid, Result};
use crate::catalog::depend::{self, plan_drop};
use crate::catalog::{Address, Relation, Table, class};
use crate::parser::ast::DropBehavior;
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
    if let Some(notice) = &plan.notice {
        cx.host.notice(notice.clone());
    }
    let before = cx.now();
    for table in cx.catalog.execute_drop(cx.txn, &plan)? {
        rebuild::unclustered(cx, &before, &table)?;
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
