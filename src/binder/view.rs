//! Views: the stored query is bound in place, under the search path that it was made with and the rights of its owner.

use super::clause::Clause;
use super::from::FromItem;
use super::rel::{AccessMode, Rel};
use super::scope::{ItemKind, Level};
use super::select::Bound;
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Result};
use crate::catalog::{PG_CATALOG, Table, View};
use crate::expr::{CastContext, ColId, Expr};
use crate::parser::ast::{self, Alias, Locking, Statement};
use crate::types::SqlType;
use std::sync::Arc;

impl Binder<'_> {
    pub fn expand_view(
        &mut self,
        table: &Arc<Table>,
        name: Arc<str>,
        alias: Option<&Alias>,
        locking: &[Locking],
    ) -> Result<FromItem> {
        let view = table.view.as_ref().ok_or_else(|| Error::internal("a view without a query"))?;
        let access = self.open_access(table.oid, AccessMode::Select);
        let lock = self.lock_for_subquery(&name, locking);
        let role = if view.security_invoker { self.acting_role } else { Some(table.owner) };
        let outer_role = std::mem::replace(&mut self.acting_role, role);
        let bound = self.bind_stored_query(view, lock);
        self.acting_role = outer_role;
        let mut bound = bound.map_err(without_position)?;
        let columns = self.view_columns(table, &mut bound, &name, access)?;
        let offered = self.item_columns(&columns);
        let mut item = self.offer(bound.rel, name, ItemKind::View(table.clone()), offered, alias)?;
        item.items[0].schema = alias.is_none().then_some(table.schema);
        Ok(item)
    }

    /// The view's query as a subquery that sees nothing of the statement around it.
    fn bind_stored_query(&mut self, view: &View, lock: Option<super::scope::InheritedLock>) -> Result<Bound> {
        let query = parse_query(&view.query)?;
        let mut path = view.search_path.clone();
        if !path.contains(&PG_CATALOG) {
            path.insert(0, PG_CATALOG);
        }
        let outer_path = std::mem::replace(&mut self.search_path, path.into());
        let mut level = Level::new(Clause::Other);
        level.isolated = true;
        level.inherited_lock = lock;
        let params = self.params.suspend();
        let bound = self.bind_query_in(&query, level, true);
        self.params.resume(params);
        self.search_path = outer_path;
        bound
    }

    /// The columns that the catalog says the view has, by the query's values.
    fn view_columns(
        &mut self,
        table: &Arc<Table>,
        bound: &mut Bound,
        alias: &Arc<str>,
        access: usize,
    ) -> Result<Vec<(ColId, usize)>> {
        let live: Vec<_> = table.columns.iter().enumerate().filter(|(_, c)| !c.dropped).collect();
        if live.len() != bound.columns.len() {
            return Err(Error::internal(format!("view \"{}\" does not fit its query", table.name)));
        }
        let wanted: Vec<SqlType> = live.iter().map(|(_, c)| SqlType::with_typmod(c.type_oid, c.typmod)).collect();
        self.cast_columns(bound, &wanted, CastContext::Assignment)?;
        let mut exprs: Vec<(ColId, Expr)> = Vec::with_capacity(live.len());
        let mut columns = Vec::with_capacity(live.len());
        for ((i, column), inner) in live.into_iter().zip(&bound.columns) {
            let expr = self.column_expr(inner.id);
            let id = self.new_relation_column(alias, column.name.as_str(), expr.ty());
            debug_assert_eq!(self.state(id).kind, ColumnKind::Plain);
            let state = self.state_mut(id);
            state.origin = Some((table.oid, column.attnum));
            state.access = Some(access);
            exprs.push((id, expr));
            columns.push((id, i));
        }
        let input = std::mem::replace(&mut bound.rel, Rel::Unit);
        bound.rel = Rel::Project { input: Box::new(input), exprs };
        Ok(columns)
    }
}

/// The query of a stored text.
pub(super) fn parse_query(text: &str) -> Result<ast::Query> {
    let mut statements = crate::parser::parse(text)?;
    match statements.pop().map(|s| s.stmt) {
        Some(Statement::Select(query)) if statements.is_empty() => Ok(*query),
        _ => Err(Error::internal("a stored query is not one query")),
    }
}

/// Positions in stored text mean nothing to the client.
pub(super) fn without_position(mut error: Error) -> Error {
    error.fields_mut().position = None;
    error
}
