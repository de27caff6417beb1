//! Queries (`transformSelectStmt`).
//!
//! Clauses are bound in PostgreSQL's order, so that the first error is the same one: FROM, target list, WHERE, HAVING,
//! ORDER BY, GROUP BY, DISTINCT, LIMIT. Meanwhile the level gathers aggregates, window calls and set-returning calls, each
//! already a column; then the plan is put together in the order in which SQL computes:
//!
//! FROM, WHERE, aggregation, HAVING, windows, set-returning functions, projection, DISTINCT, ORDER BY, locks, LIMIT.

use super::clause::Clause;
use super::limit::Clauses;
use super::rel::{DistinctOn, Rel, SetCall, Window};
use super::scope::{Level, NamedWindow};
use super::sort::SortItem;
use super::state::{Binder, ColumnKind};
use super::target::Target;
use crate::base::{Error, Result, SqlState};
use crate::expr::registry::equality_operator;
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, QueryBody};
use crate::types::type_name;

/// A column that a bound query shows.
#[derive(Clone, Debug)]
pub(super) struct BoundColumn {
    pub name: String,
    pub id: ColId,
    /// Where the expression behind it stands.
    pub pos: usize,
}

/// A bound query: its plan, and the columns it shows (of those that the plan has).
#[derive(Debug)]
pub(super) struct Bound {
    pub rel: Rel,
    pub columns: Vec<BoundColumn>,
}

/// DISTINCT, by position in the target list.
enum DistinctTargets {
    None,
    All,
    On(Vec<usize>),
}

impl Binder<'_> {
    /// Binds a query in a level of its own. With `resolve`, literals of unknown type become text.
    pub fn bind_query_in(&mut self, query: &ast::Query, level: Level, resolve: bool) -> Result<Bound> {
        self.check_stack_depth()?;
        self.levels.push(level);
        let result = self.transform_query(query, resolve);
        self.levels.pop();
        result
    }

    pub fn bind_query(&mut self, query: &ast::Query, resolve: bool) -> Result<Bound> {
        self.bind_query_in(query, Level::new(Clause::Other), resolve)
    }

    fn transform_query(&mut self, query: &ast::Query, resolve: bool) -> Result<Bound> {
        let ctes = self.transform_with(query.with.as_ref())?;
        let clauses = Clauses::of(query);
        let mut bound = match &query.body {
            QueryBody::Select(select) => self.transform_select(select, clauses, resolve)?,
            QueryBody::Values(rows) => self.transform_values_query(rows, clauses)?,
            QueryBody::SetOp(op) => self.transform_set_operation(op, clauses)?,
            QueryBody::Query(inner) => self.transform_parenthesised(inner, clauses, resolve)?,
        };
        bound.rel = self.wrap_ctes(ctes, bound.rel);
        Ok(bound)
    }

    /// `(SELECT ...)` as a body: the outer clauses apply to its result.
    fn transform_parenthesised(&mut self, inner: &ast::Query, query: Clauses<'_>, resolve: bool) -> Result<Bound> {
        let bound = self.bind_query(inner, resolve)?;
        self.rehome(&bound);
        self.finish_simple(bound, query)
    }

    pub fn transform_select(&mut self, select: &ast::Select, query: Clauses<'_>, resolve: bool) -> Result<Bound> {
        if let Some(into) = &select.into {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "SELECT ... INTO is not allowed here").at(into.name.pos));
        }
        let named = select.windows.iter().map(|w| NamedWindow { definition: w.clone(), bound: None });
        self.level().named_windows = named.collect();
        let rel = self.transform_from_clause(&select.from, query.locking)?;
        let mut targets = self.transform_targets(&select.targets, Clause::SelectTarget)?;
        let filter = select.filter.as_ref().map(|e| self.transform_where(e, Clause::Where, "WHERE")).transpose()?;
        let having_start = self.level_ref().mentions.len();
        let mut having =
            select.having.as_ref().map(|e| self.transform_where(e, Clause::Having, "HAVING")).transpose()?;
        let having_mentions = having_start..self.level_ref().mentions.len();
        let sort = self.transform_sort_clause(query.order_by, &mut targets, Clause::OrderBy)?;
        let group = self.transform_group_clause(&select.group_by, select.group_distinct, &mut targets)?;
        let distinct = self.transform_distinct_clause(select.distinct.as_ref(), &mut targets, &sort)?;
        let (limit, offset) = self.transform_limit(query)?;
        self.transform_named_windows()?;
        if resolve {
            self.resolve_target_unknowns(&mut targets)?;
        }
        self.check_recursive_aggregates()?;
        self.check_locking(query, select, &group)?;

        let mut rel = filter_rel(rel, filter);
        let grouped = group.is_some() || having.is_some() || self.aggregates_here();
        if grouped {
            let group = group.unwrap_or_default();
            rel = self.aggregate(rel, group, &mut targets, having.as_mut().map(|h| (h, having_mentions)))?;
            rel = filter_rel(rel, having);
        }
        let windows = std::mem::take(&mut self.level().windows);
        if !windows.is_empty() {
            rel = Rel::Window(Window { input: Box::new(rel), specs: windows });
        }
        let sets = std::mem::take(&mut self.level().set_calls);
        rel = self.project_sets(rel, sets);
        let locks = self.lock_targets(query)?;
        for lock in &locks {
            targets.push(self.key_target(lock.key));
        }
        let columns = visible_columns(&targets);
        let (rel, ids) = self.project_targets(rel, targets);
        let mut rel = self.order_and_distinct(rel, &ids, &columns, &sort, distinct)?;
        if !locks.is_empty() {
            self.read_only = false;
            rel = Rel::LockRows { input: Box::new(rel), targets: locks };
        }
        let keys = self.sort_keys(&sort, &ids);
        let rel = self.limit_rel(rel, limit, offset, query, keys)?;
        let columns = columns.into_iter().map(|(i, name, pos)| BoundColumn { name, id: ids[i], pos }).collect();
        Ok(Bound { rel, columns })
    }

    fn aggregates_here(&self) -> bool {
        let level = self.level_ref();
        !level.aggregates.is_empty() || !level.grouping_calls.is_empty()
    }

    fn key_target(&self, key: ColId) -> Target {
        Target { name: "key".to_owned(), expr: self.column_expr(key), pos: 0, junk: true, mentions: 0..0 }
    }

    /// Set-returning calls above a relation; a call over another's result comes after it.
    pub fn project_sets(&mut self, mut rel: Rel, mut calls: Vec<(ColId, SetCall)>) -> Rel {
        while !calls.is_empty() {
            let pending: Vec<ColId> = calls.iter().map(|c| c.0).collect();
            let mut layer = Vec::new();
            let mut later = Vec::new();
            for (id, call) in calls {
                let mut nested = false;
                for arg in &call.args {
                    self.for_each_mentioned(arg, &mut |_, id| nested |= pending.contains(&id));
                }
                if nested { &mut later } else { &mut layer }.push((id, call));
            }
            rel = Rel::ProjectSet { input: Box::new(rel), calls: layer };
            calls = later;
        }
        rel
    }

    /// `transformDistinctClause`, `transformDistinctOnClause`.
    fn transform_distinct_clause(
        &mut self,
        distinct: Option<&ast::Distinct>,
        targets: &mut Vec<Target>,
        sort: &[SortItem],
    ) -> Result<DistinctTargets> {
        match distinct {
            None => Ok(DistinctTargets::None),
            Some(ast::Distinct::All) => {
                for item in sort {
                    if targets[item.target].junk {
                        return Err(Error::new(
                            SqlState::INVALID_COLUMN_REFERENCE,
                            "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                        )
                        .at(targets[item.target].pos));
                    }
                }
                self.resolve_target_unknowns(targets)?;
                if targets.is_empty() {
                    return Err(Error::new(SqlState::SYNTAX_ERROR, "SELECT DISTINCT must have at least one column"));
                }
                for target in targets.iter() {
                    check_equality(&target.expr, target.pos)?;
                }
                Ok(DistinctTargets::All)
            }
            Some(ast::Distinct::On(exprs)) => self.transform_distinct_on(exprs, targets, sort),
        }
    }

    fn transform_distinct_on(
        &mut self,
        exprs: &[ast::Expr],
        targets: &mut Vec<Target>,
        sort: &[SortItem],
    ) -> Result<DistinctTargets> {
        let mut on = Vec::new();
        let mut positions = Vec::new();
        for expr in exprs {
            let target = self.find_target(expr, targets, Clause::DistinctOn)?;
            self.resolve_target(targets, target)?;
            check_equality(&targets[target].expr, expr.location())?;
            if !on.contains(&target) {
                on.push(target);
                positions.push(expr.location());
            }
        }
        let mismatch = |target: usize| {
            let pos = on.iter().position(|&t| t == target).map_or(0, |i| positions[i]);
            Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
            )
            .at(pos)
        };
        let mut skipped = None;
        let mut matched = Vec::new();
        for item in sort {
            match (on.contains(&item.target), skipped) {
                (true, Some(_)) => return Err(mismatch(item.target)),
                (true, None) => matched.push(item.target),
                (false, _) => skipped = Some(item.target),
            }
        }
        let rest: Vec<usize> = on.iter().copied().filter(|t| !matched.contains(t)).collect();
        if let (Some(first), Some(_)) = (rest.first(), skipped) {
            return Err(mismatch(*first));
        }
        matched.extend(rest);
        Ok(DistinctTargets::On(matched))
    }

    /// DISTINCT and ORDER BY over the projection.
    fn order_and_distinct(
        &mut self,
        rel: Rel,
        ids: &[ColId],
        columns: &[(usize, String, usize)],
        sort: &[SortItem],
        distinct: DistinctTargets,
    ) -> Result<Rel> {
        let mut keys = self.sort_keys(sort, ids);
        match distinct {
            DistinctTargets::None => Ok(sort_rel(rel, keys)),
            DistinctTargets::All => {
                let mut all: Vec<ColId> = Vec::new();
                for (i, ..) in columns {
                    if !all.contains(&ids[*i]) {
                        all.push(ids[*i]);
                    }
                }
                let rel = Rel::Distinct { input: Box::new(rel), on: DistinctOn::All(all) };
                Ok(sort_rel(rel, keys))
            }
            DistinctTargets::On(targets) => {
                let on: Vec<Expr> = targets.iter().map(|&t| self.column_expr(ids[t])).collect();
                for expr in &on {
                    if !keys.iter().any(|k| k.expr == *expr) {
                        keys.push(super::sort::ascending(expr.clone())?);
                    }
                }
                Ok(Rel::Distinct { input: Box::new(sort_rel(rel, keys)), on: DistinctOn::On(on) })
            }
        }
    }

    /// Makes the columns of a query that has been bound one level down visible at this level.
    pub fn rehome(&mut self, bound: &Bound) {
        let depth = self.depth();
        for column in &bound.columns {
            let state = self.state_mut(column.id);
            state.home = depth;
            state.kind = ColumnKind::Plain;
            state.instance = None;
        }
    }
}

fn visible_columns(targets: &[Target]) -> Vec<(usize, String, usize)> {
    let visible = targets.iter().enumerate().filter(|(_, t)| !t.junk);
    visible.map(|(i, t)| (i, t.name.clone(), t.pos)).collect()
}

pub(super) fn filter_rel(rel: Rel, predicate: Option<Expr>) -> Rel {
    match predicate {
        Some(predicate) => Rel::Filter { input: Box::new(rel), predicate },
        None => rel,
    }
}

pub(super) fn sort_rel(rel: Rel, keys: Vec<super::rel::SortKey>) -> Rel {
    if keys.is_empty() { rel } else { Rel::Sort { input: Box::new(rel), keys } }
}

/// 42883 for types without an equality.
pub(super) fn check_equality(expr: &Expr, pos: usize) -> Result<()> {
    if equality_operator(expr.ty()).is_some() {
        return Ok(());
    }
    Err(Error::new(
        SqlState::UNDEFINED_FUNCTION,
        format!("could not identify an equality operator for type {}", type_name(expr.ty().oid)),
    )
    .at(pos))
}
