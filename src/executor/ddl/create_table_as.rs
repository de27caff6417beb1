//! CREATE TABLE AS, and the SELECT INTO that is the same.

use super::create_table::{add_column, begin_table, on_commit, options};
use super::view;
use super::{DdlContext, Outcome, done};
use crate::base::{Error, Result};
use crate::binder::{self, Parameters};
use crate::catalog::TableKind;
use crate::executor;
use crate::parser::ast::{CreateTableAs, Statement};
use crate::planner;
use std::sync::Arc;

pub fn create_table_as(s: &CreateTableAs, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    if !matches!(s.source, Statement::Select(_)) {
        return Err(Error::unsupported("CREATE TABLE AS EXECUTE"));
    }
    let query = cx.with_env(|env| binder::bind(env, &s.source, Parameters::Forbidden))?;
    let columns = view::columns(&query, &s.columns)?;
    let Some(mut table) = begin_table(cx, &s.into.name, s.into.persistence, s.if_not_exists, TableKind::Table)? else {
        return done("CREATE TABLE AS");
    };
    for column in columns {
        add_column(&mut table, column)?;
    }
    on_commit(&mut table, s.on_commit)?;
    table.options = options(&s.options);
    // The query is planned against the catalog without the new table, as it was bound.
    let settings = planner::PlannerSettings::new(cx.definitions, cx.format);
    let plan = planner::plan(&query, &cx.now(), &settings)?;
    let oid = table.oid;
    cx.catalog.put(cx.txn, Arc::new(table))?;
    if !s.with_data {
        return done("CREATE TABLE AS");
    }
    let rows = fill(cx, oid, plan)?;
    Ok(Outcome::Counted("SELECT", rows))
}

/// Puts the rows of a query into a new table.
pub fn fill(cx: &mut DdlContext<'_>, table: crate::base::Oid, plan: planner::plan::PreparedPlan) -> Result<u64> {
    let definition = cx.definitions.by_oid(&cx.now(), table)?;
    let mut execution = executor::start(Arc::new(plan), Vec::new());
    let mut rows = 0;
    while let Some(batch) = cx.with_exec(|exec| execution.next(exec))? {
        rows += cx.with_exec(|exec| Ok(executor::insert_batch(exec, &definition, None, batch)?))?;
    }
    Ok(rows)
}
