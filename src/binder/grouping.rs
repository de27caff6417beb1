//! GROUP BY and the rule that it brings: what is selected must be grouped or aggregated (`parse_agg.c`,
//! `transformGroupClause`, `parseCheckAggregates`).
//!
//! Aggregates are columns already when the check runs. So the check is a rewriting: an expression equal to a grouping
//! expression becomes the group's column; a column of this level that is left over must depend on a primary key that is
//! grouped, or the statement is wrong.

use super::clause::Clause;
use super::rel::{Aggregate, Rel};
use super::scope::{GroupingCall, Mention};
use super::select::check_equality;
use super::state::{Binder, ColumnKind};
use super::target::Target;
use super::walk::{for_each_expr, window_exprs};
use crate::base::{Error, Result, SqlState};
use crate::catalog::ConstraintKind;
use crate::expr::{ColId, Expr};
use crate::parser::ast::{self, ExprKind, GroupItem};
use crate::types::SqlType;
use std::ops::Range;

/// PostgreSQL's limits on grouping sets and on GROUPING's arguments.
const SETS_MAX: usize = 4096;
const CUBE_MAX: usize = 12;
const GROUPING_ARGS_MAX: usize = 31;

/// GROUP BY: the distinct expressions and, with grouping sets, the sets by position.
#[derive(Debug, Default)]
pub(super) struct GroupClause {
    pub exprs: Vec<Expr>,
    pub sets: Option<Vec<Vec<usize>>>,
}

/// The state of the check for one query level.
struct Regroup {
    depth: usize,
    group: Vec<(ColId, Expr)>,
    dependent_from: usize,
    /// Positions in `group` that every set has.
    common: Vec<usize>,
    mentions: Range<usize>,
    in_subquery: bool,
}

impl Binder<'_> {
    /// None without GROUP BY.
    pub fn transform_group_clause(
        &mut self,
        items: &[GroupItem],
        distinct: bool,
        targets: &mut Vec<Target>,
    ) -> Result<Option<GroupClause>> {
        if items.is_empty() {
            return Ok(None);
        }
        let mut clause = GroupClause::default();
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        let mut has_sets = false;
        for item in items {
            has_sets |= !matches!(item, GroupItem::Expr(_));
            let alternatives = self.group_item(item, &mut clause, targets)?;
            sets = cross(&sets, &alternatives)?;
        }
        if has_sets {
            if distinct {
                let mut seen: Vec<Vec<usize>> = Vec::new();
                sets.retain(|set| {
                    let mut sorted = set.clone();
                    sorted.sort_unstable();
                    let new = !seen.contains(&sorted);
                    seen.push(sorted);
                    new
                });
            }
            clause.sets = Some(sets);
        }
        Ok(Some(clause))
    }

    /// The sets that one item of GROUP BY stands for.
    fn group_item(
        &mut self,
        item: &GroupItem,
        clause: &mut GroupClause,
        targets: &mut Vec<Target>,
    ) -> Result<Vec<Vec<usize>>> {
        self.check_stack_depth()?;
        match item {
            GroupItem::Empty => Ok(vec![Vec::new()]),
            GroupItem::Expr(expr) => Ok(vec![self.group_columns(expr, clause, targets)?]),
            GroupItem::Rollup(exprs) => {
                let parts = self.group_parts(exprs, clause, targets)?;
                Ok((0..=parts.len()).rev().map(|n| join(&parts[..n])).collect())
            }
            GroupItem::Cube(exprs) => {
                if exprs.len() > CUBE_MAX {
                    return Err(Error::new(
                        SqlState::TOO_MANY_COLUMNS,
                        format!("CUBE is limited to {CUBE_MAX} elements"),
                    ));
                }
                let parts = self.group_parts(exprs, clause, targets)?;
                let subset = |bits: usize| -> Vec<usize> {
                    let chosen: Vec<Vec<usize>> =
                        (0..parts.len()).filter(|i| bits & (1 << i) != 0).map(|i| parts[i].clone()).collect();
                    join(&chosen)
                };
                Ok((0..1usize << parts.len()).rev().map(subset).collect())
            }
            GroupItem::Sets(items) => {
                let mut all = Vec::new();
                for item in items {
                    all.extend(self.group_item(item, clause, targets)?);
                    if all.len() > SETS_MAX {
                        return Err(too_many_sets());
                    }
                }
                Ok(all)
            }
        }
    }

    fn group_parts(
        &mut self,
        exprs: &[ast::Expr],
        clause: &mut GroupClause,
        targets: &mut Vec<Target>,
    ) -> Result<Vec<Vec<usize>>> {
        exprs.iter().map(|e| self.group_columns(e, clause, targets)).collect()
    }

    /// The positions of one expression, or of all in `(a, b)`.
    fn group_columns(
        &mut self,
        expr: &ast::Expr,
        clause: &mut GroupClause,
        targets: &mut Vec<Target>,
    ) -> Result<Vec<usize>> {
        if let ExprKind::Row { explicit: false, fields } = &expr.kind {
            let parts = self.group_parts(fields, clause, targets)?;
            return Ok(join(&parts));
        }
        let before = targets.len();
        let target = self.find_target(expr, targets, Clause::GroupBy)?;
        self.refuse_computed_group(&targets[target].expr)?;
        self.resolve_target(targets, target)?;
        check_equality(&targets[target].expr, expr.location())?;
        let bound = self.copy(&targets[target].expr);
        // The projection does not need what only the aggregation computes.
        targets.truncate(before);
        let position = clause.exprs.iter().position(|e| *e == bound).unwrap_or_else(|| {
            clause.exprs.push(bound);
            clause.exprs.len() - 1
        });
        Ok(vec![position])
    }

    /// A target that GROUP BY names must not come from above the aggregation (`checkTargetlistEntrySQL92`).
    fn refuse_computed_group(&mut self, expr: &Expr) -> Result<()> {
        let depth = self.depth();
        for (kind, code, what) in [
            (ColumnKind::Aggregate, SqlState::GROUPING_ERROR, "aggregate functions"),
            (ColumnKind::Window, SqlState::WINDOWING_ERROR, "window functions"),
        ] {
            if let Some(id) = self.mentioned_of_kind([expr], kind, depth) {
                let error = Error::new(code, format!("{what} are not allowed in GROUP BY"));
                return Err(match self.mention_of(id, depth) {
                    Some(pos) => error.at(pos),
                    None => error,
                });
            }
        }
        Ok(())
    }

    /// `GROUPING(...)`: a column of the level's aggregation.
    pub fn transform_grouping(&mut self, args: &[ast::Expr], pos: usize) -> Result<Expr> {
        if args.len() > GROUPING_ARGS_MAX {
            return Err(Error::new(
                SqlState::TOO_MANY_ARGUMENTS,
                format!("GROUPING must have fewer than {} arguments", GROUPING_ARGS_MAX + 1),
            )
            .at(pos));
        }
        self.level().inside_aggregates += 1;
        let bound: Result<Vec<(Expr, usize)>> =
            args.iter().map(|e| Ok((self.transform_expr(e)?, e.location()))).collect();
        self.level().inside_aggregates -= 1;
        let args = bound?;
        let level = self.innermost_level(args.iter().map(|(e, _)| e)).unwrap_or(self.depth());
        if let Some(refusal) = self.levels[level].clause.refuses_aggregate(true) {
            return Err(refusal.at(pos));
        }
        let id = self.new_column("grouping", SqlType::INT4, ColumnKind::Aggregate);
        self.state_mut(id).home = level;
        self.levels[level].grouping_calls.push(GroupingCall { id, args });
        self.levels[level].mentions.push(Mention { id, pos, in_aggregate: false });
        Ok(self.column_expr(id))
    }

    /// Aggregates `rel`, and makes everything above speak of groups.
    pub fn aggregate(
        &mut self,
        rel: Rel,
        clause: GroupClause,
        targets: &mut [Target],
        having: Option<(&mut Expr, Range<usize>)>,
    ) -> Result<Rel> {
        let rel = self.group_sets_below(rel, &clause);
        let group: Vec<(ColId, Expr)> = clause.exprs.into_iter().map(|e| (self.group_column(&e), e)).collect();
        let count = group.len();
        let in_all = |i: &usize| clause.sets.as_ref().is_none_or(|sets| sets.iter().all(|s| s.contains(i)));
        let mut regroup = Regroup {
            depth: self.depth(),
            dependent_from: count,
            common: (0..count).filter(in_all).collect(),
            group,
            mentions: 0..0,
            in_subquery: false,
        };
        for target in targets.iter_mut() {
            regroup.mentions = target.mentions.clone();
            self.regroup(&mut target.expr, &mut regroup)?;
        }
        if let Some((having, mentions)) = having {
            regroup.mentions = mentions;
            self.regroup(having, &mut regroup)?;
        }
        self.regroup_gathered(&mut regroup)?;
        let calls = std::mem::take(&mut self.level().grouping_calls);
        let grouping =
            calls.into_iter().map(|c| grouping_positions(c, &regroup.group[..count])).collect::<Result<_>>()?;
        let mut sets = clause.sets;
        // What depends on a key that all sets have is in all of them too.
        for set in sets.iter_mut().flatten() {
            set.extend(regroup.dependent_from..regroup.group.len());
        }
        Ok(Rel::Aggregate(Aggregate {
            input: Box::new(rel),
            group: regroup.group,
            dependent_from: regroup.dependent_from,
            sets,
            aggs: std::mem::take(&mut self.level().aggregates),
            grouping,
        }))
    }

    /// The expressions of windows and of set-returning functions, which run above the aggregation.
    fn regroup_gathered(&mut self, regroup: &mut Regroup) -> Result<()> {
        regroup.mentions = 0..self.level_ref().mentions.len();
        let mut windows = std::mem::take(&mut self.level().windows);
        for spec in &mut windows {
            window_exprs(spec, &mut |e| self.regroup(e, regroup))?;
        }
        self.level().windows = windows;
        let mut sets = std::mem::take(&mut self.level().set_calls);
        for (_, call) in &mut sets {
            call.args.iter_mut().try_for_each(|e| self.regroup(e, regroup))?;
        }
        self.level().set_calls = sets;
        Ok(())
    }

    /// The column for a group: what a plain column is to the client it stays.
    fn group_column(&mut self, expr: &Expr) -> ColId {
        let Expr::Column { id, ty } = expr else {
            return self.new_column("group", expr.ty(), ColumnKind::Aggregate);
        };
        let new = self.new_column(self.columns[id.0 as usize].name.clone(), *ty, ColumnKind::Aggregate);
        self.columns[new.0 as usize].relation = self.columns[id.0 as usize].relation.clone();
        self.state_mut(new).origin = self.state(*id).origin;
        new
    }

    /// Set-returning functions that are grouped by run below the aggregation.
    fn group_sets_below(&mut self, rel: Rel, clause: &GroupClause) -> Rel {
        if self.level_ref().set_calls.is_empty() {
            return rel;
        }
        let mut wanted: Vec<ColId> = Vec::new();
        for expr in &clause.exprs {
            self.for_each_mentioned(expr, &mut |b, id| {
                if b.state(id).kind == ColumnKind::Set {
                    wanted.push(id);
                }
            });
        }
        let calls = std::mem::take(&mut self.level().set_calls);
        // A call comes after those it is over, so going backwards meets every user first.
        for (id, call) in calls.iter().rev() {
            if wanted.contains(id) {
                for arg in &call.args {
                    self.for_each_mentioned(arg, &mut |b, id| {
                        if b.state(id).kind == ColumnKind::Set {
                            wanted.push(id);
                        }
                    });
                }
            }
        }
        let (below, above) = calls.into_iter().partition(|(id, _)| wanted.contains(id));
        self.level().set_calls = above;
        self.project_sets(rel, below)
    }

    /// `check_ungrouped_columns_walker`, as a rewriting.
    fn regroup(&mut self, expr: &mut Expr, regroup: &mut Regroup) -> Result<()> {
        self.check_stack_depth()?;
        // Inside a subquery only a column is looked for, as in PostgreSQL.
        let column_only = regroup.in_subquery;
        let is_group = |e: &Expr| e == expr && (!column_only || matches!(e, Expr::Column { .. }));
        if let Some((id, _)) = regroup.group.iter().find(|(_, e)| is_group(e)) {
            *expr = self.column_expr(*id);
            return Ok(());
        }
        match expr {
            Expr::Column { id, .. } => {
                let id = *id;
                if self.is_ungrouped(id, regroup) {
                    *expr = self.dependent_column(id, regroup)?;
                }
                Ok(())
            }
            Expr::Subquery { id, .. } => {
                let plan = id.0 as usize;
                expr.map_children(&mut |e| self.regroup(e, regroup))?;
                let mut root = std::mem::replace(&mut self.subqueries[plan].root, Rel::Unit);
                let outer = std::mem::replace(&mut regroup.in_subquery, true);
                let result = for_each_expr(&mut root, &mut |e| self.regroup(e, regroup));
                regroup.in_subquery = outer;
                self.subqueries[plan].root = root;
                result
            }
            _ => expr.map_children(&mut |e| self.regroup(e, regroup)),
        }
    }

    fn is_ungrouped(&self, id: ColId, regroup: &Regroup) -> bool {
        let state = self.state(id);
        let below = match state.kind {
            ColumnKind::Plain => true,
            // Above the aggregation it is not a matter of groups.
            ColumnKind::Set => !self.level_ref().set_calls.iter().any(|(s, _)| *s == id),
            ColumnKind::Aggregate | ColumnKind::Window => false,
        };
        state.home == regroup.depth && below && !regroup.group.iter().any(|(g, _)| *g == id)
    }

    /// A column that the grouped primary key of its table determines; 42803 for all others.
    fn dependent_column(&mut self, id: ColId, regroup: &mut Regroup) -> Result<Expr> {
        if !self.depends_on_key(id, regroup) {
            return Err(self.ungrouped(id, regroup));
        }
        let expr = self.column_expr(id);
        let new = self.group_column(&expr);
        regroup.group.push((new, expr));
        Ok(self.column_expr(new))
    }

    fn depends_on_key(&self, id: ColId, regroup: &Regroup) -> bool {
        let Some(instance) = self.state(id).instance else { return false };
        let table = &self.instances[instance];
        let Some(key) = table.primary_key().filter(|k| !k.deferrable) else { return false };
        let ConstraintKind::PrimaryKey { columns, .. } = &key.kind else { return false };
        let grouped = |attnum: &i16| {
            regroup.common.iter().any(|&g| match &regroup.group[g].1 {
                Expr::Column { id, .. } => {
                    let state = self.state(*id);
                    state.instance == Some(instance) && state.origin.is_some_and(|(_, n)| n == *attnum)
                }
                _ => false,
            })
        };
        columns.iter().all(grouped)
    }

    fn ungrouped(&self, id: ColId, regroup: &Regroup) -> Error {
        let info = &self.columns[id.0 as usize];
        let shown = match (&self.state(id).shown, &info.relation) {
            (Some((relation, name)), _) => format!("{relation}.{name}"),
            (None, Some(relation)) => format!("{relation}.{}", info.name),
            (None, None) => info.name.to_string(),
        };
        let message = if regroup.in_subquery {
            format!("subquery uses ungrouped column \"{shown}\" from outer query")
        } else {
            format!("column \"{shown}\" must appear in the GROUP BY clause or be used in an aggregate function")
        };
        let error = Error::new(SqlState::GROUPING_ERROR, message);
        let mentions = self.level_ref().mentions.get(regroup.mentions.clone()).unwrap_or(&[]);
        let own = mentions.iter().filter(|m| m.id == id);
        match own.clone().find(|m| !m.in_aggregate).or(own.clone().next()) {
            Some(mention) => error.at(mention.pos),
            None => error,
        }
    }
}

/// Matches the arguments of GROUPING to the groups.
fn grouping_positions(call: GroupingCall, group: &[(ColId, Expr)]) -> Result<(ColId, Vec<usize>)> {
    let position = |(arg, pos): &(Expr, usize)| {
        group.iter().position(|(_, e)| e == arg).ok_or_else(|| {
            Error::new(
                SqlState::GROUPING_ERROR,
                "arguments to GROUPING must be grouping expressions of the associated query level",
            )
            .at(*pos)
        })
    };
    Ok((call.id, call.args.iter().map(position).collect::<Result<_>>()?))
}

fn too_many_sets() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, format!("too many grouping sets present (maximum {SETS_MAX})"))
}

/// Every set on the left with every one on the right.
fn cross(left: &[Vec<usize>], right: &[Vec<usize>]) -> Result<Vec<Vec<usize>>> {
    if left.len().saturating_mul(right.len()) > SETS_MAX {
        return Err(too_many_sets());
    }
    let pairs = left.iter().flat_map(|l| right.iter().map(move |r| join(&[l.clone(), r.clone()])));
    Ok(pairs.collect())
}

/// The union of positions, each once, in order of appearance.
fn join(parts: &[Vec<usize>]) -> Vec<usize> {
    let mut all = Vec::new();
    for &position in parts.iter().flatten() {
        if !all.contains(&position) {
            all.push(position);
        }
    }
    all
}
