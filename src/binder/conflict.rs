//! ON CONFLICT (`transformOnConflictClause`, `infer_arbiter_indexes`).

use super::clause::Clause;
use super::rel::{AccessMode, ConflictAction, OnConflict};
use super::scope::ItemKind;
use super::state::Binder;
use super::view::without_position;
use super::view_target::ViewRow;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Index, KeyPart, Table};
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, ConflictTarget, IndexElement, IndexKey};
use std::sync::Arc;

impl Binder<'_> {
    /// The level's one item is the target; `row` are its columns by position.
    pub fn transform_on_conflict(
        &mut self,
        conflict: &ast::OnConflict,
        table: &Arc<Table>,
        view: Option<&ViewRow>,
        row: &[ColId],
    ) -> Result<OnConflict> {
        let updates = matches!(conflict.action, ast::ConflictAction::Update { .. });
        if updates && conflict.target.is_none() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            )
            .hint("For example, ON CONFLICT (column_name).")
            .at(conflict.pos));
        }
        let arbiters = match &conflict.target {
            None => Vec::new(),
            Some(ConflictTarget::Constraint(name)) => vec![self.arbiter_constraint(table, name)?],
            Some(ConflictTarget::Index { elements, filter, pos }) => {
                self.infer_arbiters(table, elements, filter.as_ref(), *pos)?
            }
        };
        for arbiter in &arbiters {
            if self.catalog().index(*arbiter).is_some_and(|i| !i.immediate) {
                return Err(Error::new(
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters",
                ));
            }
        }
        let action = match &conflict.action {
            ast::ConflictAction::Nothing => ConflictAction::Nothing,
            ast::ConflictAction::Update { assignments, filter } => {
                self.transform_conflict_update(assignments, filter.as_ref(), table, view, row)?
            }
        };
        Ok(OnConflict { arbiters, action })
    }

    fn transform_conflict_update(
        &mut self,
        assignments: &[ast::Assignment],
        filter: Option<&ast::Expr>,
        table: &Arc<Table>,
        view: Option<&ViewRow>,
        row: &[ColId],
    ) -> Result<ConflictAction> {
        let access = self.open_access(table.oid, AccessMode::Update);
        let alias: Arc<str> = "excluded".into();
        let select = self.open_access(table.oid, AccessMode::Select);
        self.lenient.push(select);
        let columns = self.table_columns(table, &alias, select);
        let offered = match view {
            Some(view) => view.columns.over(&view.row, &columns, self)?,
            None => self.item_columns(&columns),
        };
        let item = self.add_item(alias, ItemKind::Subquery, offered, true);
        self.level().items.push(item);
        let (assignments, rows) = self.transform_assignments(assignments, table, view.map(|v| &v.columns), row)?;
        if !rows.is_empty() {
            return Err(Error::unsupported("setting several columns from one subquery in ON CONFLICT"));
        }
        let filter = filter.map(|e| self.transform_where(e, Clause::Where, "WHERE")).transpose()?;
        self.level().items.pop();
        for (position, _) in &assignments {
            self.note_written(access, table.columns[*position].attnum);
        }
        Ok(ConflictAction::Update { assignments, filter, excluded: self.by_position(table, &columns) })
    }

    fn arbiter_constraint(&self, table: &Table, name: &ast::Ident) -> Result<Oid> {
        let constraint = table.constraint_named(name).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("constraint \"{name}\" for table \"{}\" does not exist", table.name),
            )
        })?;
        constraint.kind.index().ok_or_else(|| {
            Error::new(SqlState::WRONG_OBJECT_TYPE, "constraint in ON CONFLICT clause has no associated index")
        })
    }

    /// The unique indexes over exactly these columns and expressions.
    fn infer_arbiters(
        &mut self,
        table: &Arc<Table>,
        elements: &[IndexElement],
        filter: Option<&ast::Expr>,
        pos: usize,
    ) -> Result<Vec<Oid>> {
        let mut wanted = Vec::with_capacity(elements.len());
        for element in elements {
            if let Some(class) = &element.operator_class {
                return Err(Error::unsupported("an operator class in ON CONFLICT").at(class.pos()));
            }
            if let Some(collation) = &element.collation {
                super::expr::check_collation(collation)?;
            }
            let expr = self.inference_element(element, pos)?;
            if !wanted.contains(&expr) {
                wanted.push(expr);
            }
        }
        let filter = filter.map(|e| self.transform_where(e, Clause::IndexPredicate, "WHERE")).transpose()?;
        let conditions = filter.map(conjuncts).unwrap_or_default();
        let mut arbiters = Vec::new();
        for index in self.catalog().indexes_of(table.oid) {
            if index.unique && index.valid && self.index_matches(index, &wanted, &conditions)? {
                arbiters.push(index.oid);
            }
        }
        if arbiters.is_empty() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
            ));
        }
        Ok(arbiters)
    }

    fn inference_element(&mut self, element: &IndexElement, pos: usize) -> Result<Expr> {
        match &element.key {
            IndexKey::Column(name) => {
                let column = ast::ColumnRef { parts: vec![name.clone()], star: false };
                self.transform_column_ref(&column, pos)
            }
            IndexKey::Expr(expr) => self.transform_expr_in(&expr.expr, Clause::IndexExpression),
        }
    }

    /// Whether the index has exactly the wanted keys, and holds every row that meets the conditions.
    fn index_matches(&mut self, index: &Arc<Index>, wanted: &[Expr], conditions: &[Expr]) -> Result<bool> {
        let mut keys = Vec::with_capacity(index.keys.len());
        for key in &index.keys {
            let expr = match &key.part {
                KeyPart::Column(attnum) => self.column_of_attnum(*attnum),
                KeyPart::Expression { source, .. } => Some(self.index_source(source, Clause::IndexExpression)?),
            };
            match expr {
                Some(expr) if wanted.contains(&expr) => keys.push(expr),
                _ => return Ok(false),
            }
        }
        if !wanted.iter().all(|w| keys.contains(w)) {
            return Ok(false);
        }
        let Some(predicate) = &index.predicate else { return Ok(true) };
        let predicate = self.index_source(predicate, Clause::IndexPredicate)?;
        Ok(conjuncts(predicate).iter().all(|p| conditions.contains(p)))
    }

    fn column_of_attnum(&self, attnum: i16) -> Option<Expr> {
        let item = self.level_ref().items.first()?;
        item.columns.iter().map(|c| &c.expr).find_map(|e| match e {
            Expr::Column { id, .. } if self.state(*id).origin.is_some_and(|(_, n)| n == attnum) => Some(e.clone()),
            _ => None,
        })
    }

    /// A stored expression over the target's columns.
    fn index_source(&mut self, source: &str, clause: Clause) -> Result<Expr> {
        let syntax = crate::parser::parse_expression(source)?;
        let params = self.params.suspend();
        let bound = self.transform_expr_in(&syntax, clause);
        self.params.resume(params);
        bound.map_err(without_position)
    }
}

fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition {
        Expr::And(parts) => parts.into_iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}
