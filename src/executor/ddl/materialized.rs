//! Materialized views: tables that keep the rows of a stored query (`src/backend/commands/matview.c`).
//!
//! REFRESH gives the table and its indexes new, empty trees and fills them, all in the transaction, while readers wait.
//! CONCURRENTLY has the conditions that PostgreSQL has and then does the same: the old trees go at commit, and nobody may be
//! reading them.

use super::create_table::{add_column, begin_table, options};
use super::create_table_as::fill;
use super::{DdlContext, Outcome, done, view};
use crate::base::{Error, Result, SqlState};
use crate::binder::{self, Parameters};
use crate::catalog::{Address, CheckOption, Persistence as Lasts, Relation, Table, TableKind, View};
use crate::parser::ast::{CreateTableAs, Persistence, RefreshMaterializedView, Statement};
use crate::planner;
use crate::table;
use crate::txn::LockMode;
use std::sync::Arc;

pub fn create(s: &CreateTableAs, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    const TAG: &str = "CREATE MATERIALIZED VIEW";
    if s.into.persistence == Persistence::Unlogged {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "materialized views cannot be unlogged"));
    }
    let query = cx.with_env(|env| binder::bind(env, &s.source, Parameters::Forbidden))?;
    let depends = view::depends(&query);
    refuse_temporary(cx, &depends)?;
    let columns = view::columns(&query, &s.columns)?;
    let made = begin_table(cx, &s.into.name, s.into.persistence, s.if_not_exists, TableKind::MaterializedView)?;
    let Some(mut table) = made else { return done(TAG) };
    for column in columns {
        add_column(&mut table, column)?;
    }
    table.options = options(&s.options);
    table.view = Some(View {
        rule: cx.new_oid()?,
        query: cx.text[s.query_start..s.query_end].to_owned(),
        display: None,
        search_path: cx.path_now(),
        check_option: CheckOption::None,
        security_barrier: false,
        security_invoker: false,
        populated: s.with_data,
        updatable: false,
        depends,
    });
    // The query is planned against the catalog without the new table, as it was bound.
    let settings = planner::PlannerSettings::new(cx.definitions, cx.format);
    let plan = planner::plan(&query, &cx.now(), &settings)?;
    let oid = table.oid;
    cx.catalog.put(cx.txn, Arc::new(table))?;
    if !s.with_data {
        return done(TAG);
    }
    Ok(Outcome::Counted("SELECT", fill(cx, oid, plan)?))
}

fn refuse_temporary(cx: &DdlContext<'_>, depends: &[Address]) -> Result<()> {
    let catalog = cx.now();
    let temporary = |a: &Address| match catalog.relation_by_oid(a.oid) {
        Some(Relation::Table(t)) => t.persistence == Lasts::Temporary,
        _ => false,
    };
    if depends.iter().any(temporary) {
        let message = "materialized views must not use temporary tables or views";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    Ok(())
}

pub fn refresh(s: &RefreshMaterializedView, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let Relation::Table(found) = cx.relation(&s.name)? else { return Err(wrong_kind(&s.name.name)) };
    if !found.has_rows() {
        return Err(wrong_kind(&found.name));
    }
    cx.lock(found.oid, LockMode::AccessExclusive)?;
    let table = cx.now().table(found.oid).cloned().ok_or_else(Error::restart)?;
    let unsupported = |message: String| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    let Some(stored) = table.view.clone() else {
        return unsupported(format!("\"{}\" is not a materialized view", table.name));
    };
    if s.concurrently {
        if !stored.populated {
            return unsupported("CONCURRENTLY cannot be used when the materialized view is not populated".into());
        }
        check_concurrently(cx, s, &table)?;
    }
    let query = bind_stored(cx, &stored)?;
    let settings = planner::PlannerSettings::new(cx.definitions, cx.format);
    let plan = planner::plan(&query, &cx.now(), &settings)?;
    let indexes = cx.now().indexes_of(table.oid).to_vec();
    let (mut fresh, indexes) = table::fresh_trees(cx.txn, &table, &indexes)?;
    fresh.view = Some(View { populated: s.with_data, ..stored });
    cx.catalog.put(cx.txn, Arc::new(fresh))?;
    for index in indexes {
        cx.catalog.put(cx.txn, Arc::new(index))?;
    }
    if s.with_data {
        fill(cx, table.oid, plan)?;
    }
    done("REFRESH MATERIALIZED VIEW")
}

fn wrong_kind(name: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a table or materialized view"))
}

fn check_concurrently(cx: &DdlContext<'_>, s: &RefreshMaterializedView, table: &Table) -> Result<()> {
    if !s.with_data {
        let message = "CONCURRENTLY and WITH NO DATA options cannot be used together";
        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
    }
    let catalog = cx.now();
    let tells_rows_apart = |i: &Arc<crate::catalog::Index>| {
        i.unique && i.predicate.is_none() && i.keys.iter().all(|k| matches!(k.part, crate::catalog::KeyPart::Column(_)))
    };
    if catalog.indexes_of(table.oid).iter().any(tells_rows_apart) {
        return Ok(());
    }
    let name = format!("{}.{}", catalog.schema_name(table.schema), table.name);
    let message = format!("cannot refresh materialized view \"{name}\" concurrently");
    Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .hint("Create a unique index with no WHERE clause on one or more columns of the materialized view."))
}

/// The query, under the search path that it was written under.
fn bind_stored(cx: &DdlContext<'_>, stored: &View) -> Result<binder::Query> {
    let mut statements = crate::parser::parse(&stored.query)?;
    let Some(raw) = statements.pop().filter(|s| matches!(s.stmt, Statement::Select(_))) else {
        return Err(Error::internal("a stored query is not one query"));
    };
    cx.with_env(|env| {
        let env = binder::Environment { search_path: &stored.search_path, ..*env };
        binder::bind(&env, &raw.stmt, Parameters::Forbidden)
    })
}
