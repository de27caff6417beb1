//! CREATE VIEW (`src/backend/commands/view.c`). The catalog keeps the text of the query and the search path that it was
//! written under; whoever reads the view binds it again.

use super::create_table::{add_column, begin_table};
use super::{DdlContext, Outcome, done};
use crate::base::{Error, Result, SqlState};
use crate::binder::{self, Parameters, rel::Query};
use crate::catalog::{Address, CheckOption as Stored, Column, Persistence as Lasts, Relation, Table, TableKind, View};
use crate::parser::ast::{CheckOption, CreateView, Ident, Persistence, Statement};
use crate::txn::LockMode;
use crate::types::{format_type, oid};
use std::sync::Arc;

pub fn create_view(s: &CreateView, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    if s.check_option != CheckOption::None {
        return Err(Error::unsupported("WITH CHECK OPTION"));
    }
    let statement = Statement::Select(Box::new(s.query.clone()));
    let query = cx.with_env(|env| binder::bind(env, &statement, Parameters::Forbidden))?;
    let columns = columns(&query, &s.columns)?;
    let view = View {
        rule: cx.new_oid()?,
        query: cx.text[s.query_start..s.query_end].to_owned(),
        display: None,
        search_path: cx.path_now(),
        check_option: Stored::None,
        security_barrier: false,
        security_invoker: false,
        populated: true,
        updatable: false,
        depends: depends(&query),
    };
    let persistence = persistence(cx, s, &view.depends);
    if s.or_replace
        && let Some(existing) = existing(cx, s, persistence)?
    {
        return replace(cx, &existing, columns, view);
    }
    let Some(mut table) = begin_table(cx, &s.name, persistence, false, TableKind::View)? else {
        return done("CREATE VIEW");
    };
    for column in columns {
        add_column(&mut table, column)?;
    }
    table.view = Some(view);
    put(cx, table)
}

fn put(cx: &mut DdlContext<'_>, view: Table) -> Result<Outcome> {
    let mut view = Arc::new(view);
    let updatable = cx.with_env(|env| Ok(binder::view_is_updatable(env, &view)))?;
    if let Some(stored) = &mut Arc::make_mut(&mut view).view {
        stored.updatable = updatable;
    }
    cx.catalog.put(cx.txn, view)?;
    done("CREATE VIEW")
}

/// The columns of a query as those of a relation, some of them renamed.
pub fn columns(query: &Query, names: &[Ident]) -> Result<Vec<Column>> {
    if names.len() > query.output.len() {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "too many column names were specified"));
    }
    let mut out = Vec::with_capacity(query.output.len());
    for (i, column) in query.output.iter().enumerate() {
        let name = names.get(i).map_or(column.name.as_str(), |n| &n.name);
        let mut ty = column.ty;
        if ty.oid == oid::UNKNOWN {
            ty = crate::types::SqlType::TEXT;
        }
        super::column::check_type(name, ty)?;
        let mut made = Column::new(i as i16 + 1, name, ty.oid, ty.typmod);
        made.collation = super::column::collation(None, ty)?;
        out.push(made);
    }
    Ok(out)
}

/// The relations and columns that a query reads.
pub fn depends(query: &Query) -> Vec<Address> {
    let mut found = Vec::new();
    for access in &query.access {
        found.push(Address::relation(access.relation));
        found.extend(access.columns.iter().map(|n| Address::column(access.relation, *n)));
    }
    found.sort_unstable();
    found.dedup();
    found.retain(|a| a.oid >= crate::base::Oid::FIRST_USER);
    found
}

/// A view of temporary relations is temporary, whether that was said or not.
fn persistence(cx: &mut DdlContext<'_>, s: &CreateView, depends: &[Address]) -> Persistence {
    let catalog = cx.now();
    let temporary = |a: &Address| match catalog.relation_by_oid(a.oid) {
        Some(Relation::Table(t)) => t.persistence == Lasts::Temporary,
        Some(Relation::Sequence(q)) => q.persistence == Lasts::Temporary,
        _ => false,
    };
    if s.persistence == Persistence::Permanent && s.name.schema.is_none() && depends.iter().any(temporary) {
        cx.notice(format!("view \"{}\" will be a temporary view", s.name.name));
        return Persistence::Temporary;
    }
    s.persistence
}

fn existing(cx: &mut DdlContext<'_>, s: &CreateView, persistence: Persistence) -> Result<Option<Arc<Table>>> {
    let schema = cx.schema_for(&s.name, persistence)?.0.oid;
    cx.catalog.lock_name(cx.txn, schema, &s.name.name)?;
    match cx.now().relation(schema, &s.name.name) {
        None => Ok(None),
        Some(Relation::Table(t)) if t.is_view() => {
            cx.lock(t.oid, LockMode::AccessExclusive)?;
            Ok(cx.now().table(t.oid).cloned())
        }
        Some(_) => Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a view", s.name.name))),
    }
}

/// CREATE OR REPLACE: the old columns must be the first of the new ones.
fn replace(cx: &mut DdlContext<'_>, old: &Table, columns: Vec<Column>, view: View) -> Result<Outcome> {
    let wrong = |text: String| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, text));
    if columns.len() < old.columns.len() {
        return wrong("cannot drop columns from view".into());
    }
    for (was, is) in old.columns.iter().zip(&columns) {
        if was.name != is.name {
            return wrong(format!("cannot change name of view column \"{}\" to \"{}\"", was.name, is.name)).map_err(
                |e: Error| e.hint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead."),
            );
        }
        if (was.type_oid, was.typmod) != (is.type_oid, is.typmod) {
            let shown = |c: &Column| format_type(crate::types::SqlType::with_typmod(c.type_oid, c.typmod));
            return wrong(format!(
                "cannot change data type of view column \"{}\" from {} to {}",
                was.name,
                shown(was),
                shown(is)
            ));
        }
    }
    let mut changed = old.clone();
    changed.columns = columns;
    changed.view = Some(view);
    put(cx, changed)
}
