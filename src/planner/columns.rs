//! Which columns a relation mentions and which of them come from outside it: what makes a sub-select correlated and a
//! join side lateral.

use crate::binder::rel::{ConflictAction, DistinctOn, FrameBound, FunctionSource, MergeAction, Rel, Subquery};
use crate::expr::{ColId, Expr};
use std::collections::BTreeSet;

pub(super) type Columns = BTreeSet<ColId>;

impl Rel {
    /// Calls `f` on every expression of this node itself.
    pub(super) fn for_each_expr<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        match self {
            Rel::Unit
            | Rel::Empty { .. }
            | Rel::Scan(_)
            | Rel::SystemScan(_)
            | Rel::SetOp(_)
            | Rel::Cte { .. }
            | Rel::CteRef(_)
            | Rel::Recursive(_)
            | Rel::WorkTable(_)
            | Rel::LockRows { .. } => {}
            Rel::Values { rows, .. } => rows.iter().flatten().for_each(f),
            Rel::Function(s) => {
                for function in &s.functions {
                    match &function.source {
                        FunctionSource::Set(call) => call.args.iter().for_each(&mut *f),
                        FunctionSource::Scalar(e) => f(e),
                    }
                }
            }
            Rel::Filter { predicate, .. } => f(predicate),
            Rel::Project { exprs, .. } => exprs.iter().for_each(|e| f(&e.1)),
            Rel::ProjectSet { calls, .. } => calls.iter().flat_map(|c| &c.1.args).for_each(f),
            Rel::Join(j) => j.on.iter().for_each(f),
            Rel::Aggregate(a) => {
                a.group.iter().for_each(|g| f(&g.1));
                for (_, call) in &a.aggs {
                    call.args.iter().chain(&call.direct).for_each(&mut *f);
                    call.order.iter().for_each(|k| f(&k.expr));
                    call.filter.iter().for_each(&mut *f);
                }
            }
            Rel::Window(w) => {
                for spec in &w.specs {
                    spec.partition.iter().for_each(&mut *f);
                    spec.order.iter().for_each(|k| f(&k.expr));
                    for bound in [&spec.frame.start, &spec.frame.end] {
                        if let FrameBound::Preceding(o) | FrameBound::Following(o) = bound {
                            f(&o.value);
                        }
                    }
                    for (_, call) in &spec.calls {
                        call.args.iter().chain(&call.filter).for_each(&mut *f);
                    }
                }
            }
            Rel::Distinct { on, .. } => {
                if let DistinctOn::On(exprs) = on {
                    exprs.iter().for_each(f);
                }
            }
            Rel::Sort { keys, .. } => keys.iter().for_each(|k| f(&k.expr)),
            Rel::Limit(l) => {
                l.limit.iter().chain(&l.offset).for_each(&mut *f);
                l.ties.iter().flatten().for_each(|k| f(&k.expr));
            }
            Rel::Insert(i) => {
                i.values.iter().flatten().for_each(&mut *f);
                if let Some(c) = &i.on_conflict
                    && let ConflictAction::Update { assignments, filter, .. } = &c.action
                {
                    assignments.iter().for_each(|a| f(&a.1));
                    filter.iter().for_each(&mut *f);
                }
                i.returning.iter().flatten().for_each(|r| f(&r.1));
            }
            Rel::Update(u) => {
                u.assignments.iter().for_each(|a| f(&a.1));
                u.returning.iter().flatten().for_each(|r| f(&r.1));
            }
            Rel::Delete(d) => d.returning.iter().flatten().for_each(|r| f(&r.1)),
            Rel::Merge(m) => m.actions.iter().flat_map(MergeAction::exprs).for_each(f),
        }
    }

    /// Ids that are born in this node, besides those of its inputs.
    fn born(&self, out: &mut Columns) {
        match self {
            Rel::Filter { .. } | Rel::Join(_) | Rel::Distinct { .. } | Rel::Sort { .. } | Rel::LockRows { .. } => {}
            Rel::Limit(_) | Rel::Cte { .. } => {}
            Rel::ProjectSet { calls, .. } => out.extend(calls.iter().map(|c| c.0)),
            Rel::Window(w) => out.extend(w.specs.iter().flat_map(|s| &s.calls).map(|c| c.0)),
            Rel::Insert(i) => {
                out.extend(&i.row);
                out.extend(i.tableoid);
                if let Some(c) = &i.on_conflict
                    && let ConflictAction::Update { excluded, .. } = &c.action
                {
                    out.extend(excluded);
                }
                out.extend(self.columns());
            }
            Rel::Update(u) => {
                out.extend(&u.new);
                out.extend(u.tableoid);
                out.extend(&u.old);
                out.extend(self.columns());
            }
            Rel::Delete(d) => {
                out.extend(&d.old);
                out.extend(self.columns());
            }
            Rel::Merge(m) => out.extend(&m.old),
            _ => out.extend(self.columns()),
        }
    }
}

/// The columns that an expression needs, those of its sub-selects' plans included.
pub(super) fn used(expr: &Expr, subqueries: &[Subquery]) -> Columns {
    let mut set = expr.columns();
    for id in expr.subqueries() {
        set.extend(free_of_subquery(&subqueries[id.0 as usize], subqueries));
    }
    set
}

fn free_of_subquery(subquery: &Subquery, subqueries: &[Subquery]) -> Columns {
    free(&subquery.root, subqueries)
}

/// The columns that a relation mentions but that nothing in it produces.
pub(super) fn free(rel: &Rel, subqueries: &[Subquery]) -> Columns {
    let (mut mentioned, mut born) = (Columns::new(), Columns::new());
    gather(rel, subqueries, &mut mentioned, &mut born);
    mentioned.retain(|c| !born.contains(c));
    mentioned
}

fn gather(rel: &Rel, subqueries: &[Subquery], mentioned: &mut Columns, born: &mut Columns) {
    rel.for_each_expr(&mut |e| mentioned.extend(used(e, subqueries)));
    rel.born(born);
    rel.for_each_input(&mut |input| gather(input, subqueries, mentioned, born));
}

/// Whether a relation, or a sub-select in it, changes rows, locks them, or calls a volatile function.
pub(super) fn has_effects(rel: &Rel, subqueries: &[Subquery]) -> bool {
    let mut found =
        matches!(rel, Rel::Insert(_) | Rel::Update(_) | Rel::Delete(_) | Rel::Merge(_) | Rel::LockRows { .. });
    rel.for_each_expr(&mut |e| found |= is_volatile(e, subqueries));
    match rel {
        Rel::Function(f) => {
            for function in &f.functions {
                if let FunctionSource::Set(call) = &function.source {
                    found |= call.func.volatility == crate::expr::Volatility::Volatile;
                }
            }
        }
        Rel::ProjectSet { calls, .. } => {
            found |= calls.iter().any(|c| c.1.func.volatility == crate::expr::Volatility::Volatile);
        }
        _ => {}
    }
    rel.for_each_input(&mut |input| found = found || has_effects(input, subqueries));
    found
}

pub(super) fn is_volatile(expr: &Expr, subqueries: &[Subquery]) -> bool {
    expr.contains_volatile()
        || expr.subqueries().iter().any(|id| has_effects(&subqueries[id.0 as usize].root, subqueries))
}
