//! LIMIT, OFFSET and WITH TIES (`transformLimitClause`).

use super::clause::Clause;
use super::rel::{Limit, Rel, SortKey};
use super::scope::{Item, ItemColumn, ItemKind};
use super::select::{Bound, BoundColumn, sort_rel};
use super::state::Binder;
use super::target::Target;
use crate::base::{Error, Result, SqlState};
use crate::expr::{CastContext, Expr};
use crate::parser::ast;
use crate::types::{SqlType, type_name};

/// The clauses that stand around the body of a query.
#[derive(Clone, Copy, Default)]
pub(super) struct Clauses<'q> {
    pub order_by: &'q [ast::SortBy],
    pub limit: Option<&'q ast::Limit>,
    pub offset: Option<&'q ast::Expr>,
    pub locking: &'q [ast::Locking],
}

impl<'q> Clauses<'q> {
    pub fn of(query: &'q ast::Query) -> Clauses<'q> {
        Clauses {
            order_by: &query.order_by,
            limit: query.limit.as_ref(),
            offset: query.offset.as_ref(),
            locking: &query.locking,
        }
    }
}

impl Binder<'_> {
    /// LIMIT and OFFSET of a query, as `int8`.
    pub fn transform_limit(&mut self, query: Clauses<'_>) -> Result<(Option<Expr>, Option<Expr>)> {
        let offset = query.offset.map(|e| self.transform_limit_expr(e, Clause::Offset)).transpose()?;
        let count = query.limit.and_then(|l| l.count.as_ref());
        let limit = count.map(|e| self.transform_limit_expr(e, Clause::Limit)).transpose()?;
        if let (Some(limit), Some(ast::Limit { with_ties: true, pos, .. })) = (&limit, query.limit) {
            if query.order_by.is_empty() {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    "WITH TIES cannot be specified without ORDER BY clause",
                )
                .at(*pos));
            }
            if limit.as_const().is_some_and(|v| v.is_null()) {
                return Err(Error::new(
                    SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
                    "row count cannot be null in FETCH FIRST ... WITH TIES clause",
                ));
            }
        }
        Ok((limit, offset))
    }

    fn transform_limit_expr(&mut self, expr: &ast::Expr, clause: Clause) -> Result<Expr> {
        let pos = expr.location();
        let bound = self.transform_expr_in(expr, clause)?;
        let from = bound.ty();
        let count = self.coerce(bound, SqlType::INT8, CastContext::Assignment, pos)?.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("argument of {} must be type bigint, not type {}", clause.name(), type_name(from.oid)),
            )
            .at(pos)
        })?;
        self.refuse_variables(&count, clause.name(), pos)?;
        Ok(count)
    }

    /// `checkExprIsVarFree`.
    pub fn refuse_variables(&mut self, expr: &Expr, construct: &str, pos: usize) -> Result<()> {
        let depth = self.depth();
        if self.mentions_level(expr, depth) {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("argument of {construct} must not contain variables"),
            )
            .at(pos));
        }
        Ok(())
    }

    pub fn limit_rel(
        &mut self,
        rel: Rel,
        limit: Option<Expr>,
        offset: Option<Expr>,
        query: Clauses<'_>,
        keys: Vec<SortKey>,
    ) -> Result<Rel> {
        if limit.is_none() && offset.is_none() {
            return Ok(rel);
        }
        let with_ties = query.limit.is_some_and(|l| l.with_ties);
        Ok(Rel::Limit(Limit { input: Box::new(rel), limit, offset, ties: with_ties.then_some(keys) }))
    }

    /// ORDER BY, LIMIT and OFFSET over VALUES, or over a query in parentheses.
    pub fn finish_simple(&mut self, bound: Bound, query: Clauses<'_>) -> Result<Bound> {
        if let Some(locking) = query.locking.first() {
            return Err(super::locking::refused(locking.strength, "VALUES"));
        }
        self.finish_result(bound, query, false)
    }

    /// ORDER BY, LIMIT and OFFSET over a finished result, whose columns are what names can mean. With `columns_only`, as
    /// after UNION, nothing may be computed to order by.
    pub fn finish_result(&mut self, bound: Bound, query: Clauses<'_>, columns_only: bool) -> Result<Bound> {
        if query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none() {
            return Ok(bound);
        }
        let mut targets: Vec<Target> = bound
            .columns
            .iter()
            .map(|c| Target {
                name: c.name.clone(),
                expr: self.column_expr(c.id),
                pos: c.pos,
                junk: false,
                mentions: 0..0,
            })
            .collect();
        let visible = targets.len();
        let item = self.result_item(&bound);
        self.level().items.push(item);
        let sort = self.transform_sort_clause(query.order_by, &mut targets, Clause::OrderBy)?;
        self.level().items.pop();
        if columns_only && targets.len() > visible {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause")
                .detail("Only result column names can be used, not expressions or functions.")
                .hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                .at(targets[visible].pos));
        }
        let (limit, offset) = self.transform_limit(query)?;
        let mut rel = bound.rel;
        let mut ids: Vec<_> = bound.columns.iter().map(|c| c.id).collect();
        if targets.len() > visible {
            (rel, ids) = self.project_targets(rel, targets);
        }
        let keys = self.sort_keys(&sort, &ids);
        let rel = self.limit_rel(sort_rel(rel, keys.clone()), limit, offset, query, keys)?;
        Ok(Bound { rel, columns: bound.columns })
    }

    fn result_item(&mut self, bound: &Bound) -> Item {
        let column = |c: &BoundColumn| ItemColumn { name: c.name.as_str().into(), expr: self.column_expr(c.id) };
        let columns: Vec<ItemColumn> = bound.columns.iter().map(column).collect();
        let mut item = self.add_item("*RESULT*".into(), ItemKind::Join, columns, false);
        item.relation_visible = false;
        item
    }
}
