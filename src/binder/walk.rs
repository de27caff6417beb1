//! Visiting the nodes of a plan, their expressions, and what those mention.

use super::rel::{
    AggCall, ConflictAction, DistinctOn, FrameBound, FunctionSource, MergeAction, Rel, SortKey, WindowSpec,
};
use super::state::{Binder, ColumnKind};
use crate::base::Result;
use crate::expr::{ColId, Expr};

type ExprFn<'f> = dyn FnMut(&mut Expr) -> Result<()> + 'f;

/// Calls `f` on every expression of the tree, of all its nodes, but not on expressions inside those.
pub(super) fn for_each_expr(rel: &mut Rel, f: &mut ExprFn<'_>) -> Result<()> {
    match rel {
        Rel::Unit | Rel::Empty { .. } | Rel::Scan(_) | Rel::SystemScan(_) | Rel::CteRef(_) | Rel::WorkTable(_) => {
            Ok(())
        }
        Rel::Values { rows, .. } => rows.iter_mut().flatten().try_for_each(f),
        Rel::Function(scan) => {
            for function in &mut scan.functions {
                match &mut function.source {
                    FunctionSource::Set(call) => call.args.iter_mut().try_for_each(&mut *f)?,
                    FunctionSource::Scalar(expr) => f(expr)?,
                }
            }
            Ok(())
        }
        Rel::Filter { input, predicate } => {
            f(predicate)?;
            for_each_expr(input, f)
        }
        Rel::Project { input, exprs } => {
            exprs.iter_mut().try_for_each(|(_, e)| f(e))?;
            for_each_expr(input, f)
        }
        Rel::ProjectSet { input, calls } => {
            calls.iter_mut().flat_map(|(_, c)| &mut c.args).try_for_each(&mut *f)?;
            for_each_expr(input, f)
        }
        Rel::Join(join) => {
            join.on.iter_mut().try_for_each(&mut *f)?;
            for_each_expr(&mut join.left, f)?;
            for_each_expr(&mut join.right, f)
        }
        Rel::Aggregate(aggregate) => {
            aggregate.group.iter_mut().try_for_each(|(_, e)| f(e))?;
            aggregate.aggs.iter_mut().try_for_each(|(_, a)| aggregate_exprs(a, f))?;
            for_each_expr(&mut aggregate.input, f)
        }
        Rel::Window(window) => {
            window.specs.iter_mut().try_for_each(|s| window_exprs(s, f))?;
            for_each_expr(&mut window.input, f)
        }
        Rel::Distinct { input, on } => {
            if let DistinctOn::On(exprs) = on {
                exprs.iter_mut().try_for_each(&mut *f)?;
            }
            for_each_expr(input, f)
        }
        Rel::Sort { input, keys } => {
            sort_exprs(keys, f)?;
            for_each_expr(input, f)
        }
        Rel::Limit(limit) => {
            limit.limit.iter_mut().chain(&mut limit.offset).try_for_each(&mut *f)?;
            limit.ties.iter_mut().try_for_each(|keys| sort_exprs(keys, f))?;
            for_each_expr(&mut limit.input, f)
        }
        Rel::SetOp(op) => {
            for_each_expr(&mut op.left, f)?;
            for_each_expr(&mut op.right, f)
        }
        Rel::Cte { cte, body } => {
            for_each_expr(&mut cte.definition, f)?;
            for_each_expr(body, f)
        }
        Rel::Recursive(recursive) => {
            for_each_expr(&mut recursive.seed, f)?;
            for_each_expr(&mut recursive.step, f)
        }
        Rel::LockRows { input, .. } => for_each_expr(input, f),
        Rel::Insert(insert) => {
            insert.values.iter_mut().flatten().try_for_each(&mut *f)?;
            if let Some(conflict) = &mut insert.on_conflict
                && let ConflictAction::Update { assignments, filter, .. } = &mut conflict.action
            {
                assignments.iter_mut().try_for_each(|(_, e)| f(e))?;
                filter.iter_mut().try_for_each(&mut *f)?;
            }
            insert.returning.iter_mut().flatten().try_for_each(|(_, e)| f(e))?;
            for_each_expr(&mut insert.source, f)
        }
        Rel::Update(update) => {
            update.assignments.iter_mut().try_for_each(|(_, e)| f(e))?;
            update.returning.iter_mut().flatten().try_for_each(|(_, e)| f(e))?;
            for_each_expr(&mut update.input, f)
        }
        Rel::Delete(delete) => {
            delete.returning.iter_mut().flatten().try_for_each(|(_, e)| f(e))?;
            for_each_expr(&mut delete.input, f)
        }
        Rel::Merge(merge) => {
            merge.actions.iter_mut().flat_map(MergeAction::exprs_mut).try_for_each(&mut *f)?;
            for_each_expr(&mut merge.input, f)
        }
    }
}

fn sort_exprs(keys: &mut [SortKey], f: &mut ExprFn<'_>) -> Result<()> {
    keys.iter_mut().try_for_each(|k| f(&mut k.expr))
}

fn aggregate_exprs(call: &mut AggCall, f: &mut ExprFn<'_>) -> Result<()> {
    call.args.iter_mut().chain(&mut call.direct).chain(&mut call.filter).try_for_each(&mut *f)?;
    sort_exprs(&mut call.order, f)
}

/// All expressions of a window: partition, order, frame and calls.
pub(super) fn window_exprs(spec: &mut WindowSpec, f: &mut ExprFn<'_>) -> Result<()> {
    spec.partition.iter_mut().try_for_each(&mut *f)?;
    sort_exprs(&mut spec.order, f)?;
    for bound in [&mut spec.frame.start, &mut spec.frame.end] {
        if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
            f(&mut offset.value)?;
        }
    }
    for (_, call) in &mut spec.calls {
        call.args.iter_mut().chain(&mut call.filter).try_for_each(&mut *f)?;
    }
    Ok(())
}

/// Calls a function on every input of a relation, by reference or, with `mut`, by a mutable one.
macro_rules! for_each_input {
    ($rel:expr, $f:expr $(, $mut:tt)?) => {
        match $rel {
            Rel::Unit
            | Rel::Empty { .. }
            | Rel::Scan(_)
            | Rel::SystemScan(_)
            | Rel::Values { .. }
            | Rel::Function(_)
            | Rel::CteRef(_)
            | Rel::WorkTable(_) => {}
            Rel::Filter { input, .. }
            | Rel::Project { input, .. }
            | Rel::ProjectSet { input, .. }
            | Rel::Distinct { input, .. }
            | Rel::Sort { input, .. }
            | Rel::LockRows { input, .. } => $f(input),
            Rel::Join(j) => {
                $f(&$($mut)? j.left);
                $f(&$($mut)? j.right);
            }
            Rel::Aggregate(a) => $f(&$($mut)? a.input),
            Rel::Window(w) => $f(&$($mut)? w.input),
            Rel::Limit(l) => $f(&$($mut)? l.input),
            Rel::SetOp(s) => {
                $f(&$($mut)? s.left);
                $f(&$($mut)? s.right);
            }
            Rel::Cte { cte, body } => {
                $f(&$($mut)? cte.definition);
                $f(body);
            }
            Rel::Recursive(r) => {
                $f(&$($mut)? r.seed);
                $f(&$($mut)? r.step);
            }
            Rel::Insert(i) => $f(&$($mut)? i.source),
            Rel::Update(u) => $f(&$($mut)? u.input),
            Rel::Delete(d) => $f(&$($mut)? d.input),
            Rel::Merge(m) => $f(&$($mut)? m.input),
        }
    };
}

impl Rel {
    /// Calls `f` on every input.
    pub(crate) fn for_each_input<'a>(&'a self, f: &mut dyn FnMut(&'a Rel)) {
        for_each_input!(self, f)
    }

    /// Calls `f` on every input, which it may change.
    pub(crate) fn for_each_input_mut(&mut self, f: &mut dyn FnMut(&mut Rel)) {
        for_each_input!(self, f, mut)
    }
}

/// Calls `f` on every relation of the tree, children first.
pub(super) fn for_each_rel(rel: &mut Rel, f: &mut dyn FnMut(&mut Rel)) {
    rel.for_each_input_mut(&mut |input| for_each_rel(input, f));
    f(rel);
}

impl Binder<'_> {
    /// Calls `f` on every column that an expression mentions, those in its subqueries' plans included.
    pub fn for_each_mentioned(&mut self, expr: &Expr, f: &mut dyn FnMut(&Self, ColId)) {
        let (mut ids, mut plans) = (Vec::new(), Vec::new());
        expr.visit(&mut |e| {
            match e {
                Expr::Column { id, .. } => ids.push(*id),
                Expr::Subquery { id, .. } => plans.push(*id),
                _ => {}
            }
            true
        });
        for id in ids {
            f(self, id);
        }
        for plan in plans {
            let mut root = std::mem::replace(&mut self.subqueries[plan.0 as usize].root, Rel::Unit);
            for_each_expr(&mut root, &mut |e| {
                self.for_each_mentioned(e, f);
                Ok(())
            })
            .expect("visiting does not fail");
            self.subqueries[plan.0 as usize].root = root;
        }
    }

    /// The innermost level, at most the current one, whose columns the expressions mention.
    pub fn innermost_level<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Option<usize> {
        let depth = self.depth();
        let mut innermost = None;
        for expr in exprs {
            self.for_each_mentioned(expr, &mut |b, id| {
                let home = b.state(id).home;
                if home <= depth {
                    innermost = innermost.max(Some(home));
                }
            });
        }
        innermost
    }

    pub fn mentions_level(&mut self, expr: &Expr, depth: usize) -> bool {
        let mut found = false;
        self.for_each_mentioned(expr, &mut |b, id| found |= b.state(id).home == depth);
        found
    }

    /// A column of this kind and level that the expressions mention.
    pub fn mentioned_of_kind<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        kind: ColumnKind,
        level: usize,
    ) -> Option<ColId> {
        let mut found = None;
        for expr in exprs {
            self.for_each_mentioned(expr, &mut |b, id| {
                let state = b.state(id);
                if state.kind == kind && state.home == level {
                    found.get_or_insert(id);
                }
            });
        }
        found
    }

    /// Where a column was last mentioned.
    pub fn mention_of(&self, id: ColId, level: usize) -> Option<usize> {
        self.levels[level].mentions.iter().rev().find(|m| m.id == id).map(|m| m.pos)
    }
}
