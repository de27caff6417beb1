//! Expressions that are stored with tables: bound once when they are defined, so that what is wrong is said then, and kept as
//! the text that the user wrote, which is bound again wherever it is used.

use super::DdlContext;
use crate::base::{Error, Result, SqlState};
use crate::binder::{self, Clause};
use crate::catalog::{Address, Default, Table};
use crate::expr::{Expr, Volatility};
use crate::parser::ast::{self, SourceExpr};
use crate::planner;
use crate::types::{SqlType, oid};
use std::sync::Arc;

/// An expression over a table's row.
pub struct StoredExpr {
    pub expr: Expr,
    pub source: String,
    pub display: String,
    /// The columns that it mentions, by attribute number.
    pub columns: Vec<i16>,
    pub ty: SqlType,
    /// As a column of a query would be named.
    pub name: String,
}

/// What an expression may be, and how messages speak of it.
struct Place {
    clause: Clause,
    immutable: Option<&'static str>,
}

fn source(cx: &DdlContext<'_>, e: &SourceExpr) -> String {
    cx.text[e.start..e.end].to_owned()
}

fn bind(cx: &DdlContext<'_>, table: &Arc<Table>, e: &SourceExpr, place: &Place) -> Result<StoredExpr> {
    let expr = cx.with_env(|env| binder::stored_expression(env, Some(table), &e.expr, place.clause, None))?;
    if let Some(message) = place.immutable
        && expr.volatility() > Volatility::Immutable
    {
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    }
    let mut columns = Vec::new();
    expr.visit(&mut |node| {
        if let Expr::Input { index, .. } = node {
            columns.push(*index as i16 + 1);
        }
        true
    });
    columns.sort_unstable();
    columns.dedup();
    let display = planner::deparse_over(&expr, table);
    Ok(StoredExpr { source: source(cx, e), display, columns, ty: expr.ty(), name: binder::column_name(&e.expr), expr })
}

fn parenthesised(text: &str) -> String {
    if text.starts_with('(') && text.ends_with(')') { text.to_owned() } else { format!("({text})") }
}

fn boolean(mut stored: StoredExpr, what: &str) -> Result<StoredExpr> {
    if stored.ty.oid != oid::BOOL {
        return Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!("argument of {what} must be type boolean, not type {}", crate::types::format_type(stored.ty)),
        ));
    }
    stored.display = parenthesised(&stored.display);
    Ok(stored)
}

pub fn check(cx: &DdlContext<'_>, table: &Arc<Table>, e: &SourceExpr) -> Result<StoredExpr> {
    boolean(bind(cx, table, e, &Place { clause: Clause::CheckConstraint, immutable: None })?, "CHECK")
}

pub fn index_predicate(cx: &DdlContext<'_>, table: &Arc<Table>, e: &SourceExpr) -> Result<StoredExpr> {
    let immutable = Some("functions in index predicate must be marked IMMUTABLE");
    boolean(bind(cx, table, e, &Place { clause: Clause::IndexPredicate, immutable })?, "WHERE")
}

pub fn index_key(cx: &DdlContext<'_>, table: &Arc<Table>, e: &SourceExpr) -> Result<StoredExpr> {
    let immutable = Some("functions in index expression must be marked IMMUTABLE");
    let mut stored = bind(cx, table, e, &Place { clause: Clause::IndexExpression, immutable })?;
    if stored.name == "?column?" {
        stored.name = "expr".into();
    }
    Ok(stored)
}

/// The conversion of ALTER COLUMN ... TYPE: an expression over the old row, cast as in an assignment to the column.
pub fn conversion(cx: &DdlContext<'_>, table: &Table, e: &ast::Expr, name: &str, ty: SqlType) -> Result<Expr> {
    cx.with_env(|env| binder::stored_expression(env, Some(table), e, Clause::AlterColumnTransform, Some((name, ty))))
}

/// A column's DEFAULT; None for NULL, which is what there is without one.
pub fn default_value(cx: &DdlContext<'_>, table: &Table, attnum: i16, e: &SourceExpr) -> Result<Option<Default>> {
    let text = source(cx, e);
    let table = Arc::new(table.clone());
    let column = &table.columns[attnum as usize - 1];
    let target = (column.name.as_str(), SqlType::with_typmod(column.type_oid, column.typmod));
    let expr = cx.with_env(|env| binder::stored_expression(env, None, &e.expr, Clause::ColumnDefault, Some(target)))?;
    if text.eq_ignore_ascii_case("null") {
        return Ok(None);
    }
    let depends = sequences(cx, &expr);
    Ok(Some(Default { oid: cx.new_oid()?, source: text, display: planner::deparse_over(&expr, &table), depends }))
}

/// The expression of a generated column.
pub fn generated(cx: &DdlContext<'_>, table: &Table, attnum: i16, e: &SourceExpr) -> Result<Default> {
    let table = Arc::new(table.clone());
    let place = Place { clause: Clause::GeneratedColumn, immutable: Some("generation expression is not immutable") };
    let stored = bind(cx, &table, e, &place)?;
    let column = &table.columns[attnum as usize - 1];
    if let Some(other) = stored.columns.iter().filter_map(|n| table.column(*n)).find(|c| c.generated.is_some()) {
        return Err(Error::new(
            SqlState::INVALID_OBJECT_DEFINITION,
            format!("cannot use generated column \"{}\" in column generation expression", other.name),
        )
        .detail("A generated column cannot reference another generated column."));
    }
    let target = (column.name.as_str(), SqlType::with_typmod(column.type_oid, column.typmod));
    cx.with_env(|env| binder::stored_expression(env, Some(&table), &e.expr, Clause::GeneratedColumn, Some(target)))?;
    Ok(Default {
        oid: cx.new_oid()?,
        source: stored.source,
        display: parenthesised(&stored.display),
        depends: Vec::new(),
    })
}

/// The sequences that an expression draws from: constants of type `regclass`.
fn sequences(cx: &DdlContext<'_>, expr: &Expr) -> Vec<Address> {
    let catalog = cx.now();
    let mut found = Vec::new();
    expr.visit(&mut |node| {
        if let Expr::Const { value: crate::types::Datum::Oid(n), ty } = node
            && ty.oid == oid::REGCLASS
            && catalog.sequence(crate::base::Oid(*n)).is_some()
        {
            found.push(Address::relation(crate::base::Oid(*n)));
        }
        true
    });
    found
}
