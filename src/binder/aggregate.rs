//! Aggregate calls (`transformAggregateCall`): each belongs to the innermost query whose columns it is over, becomes a
//! column of that query's aggregation, and stands in the expression as that column.

use super::clause::Clause;
use super::expr::Applied;
use super::rel::{AggCall, SortKey};
use super::scope::Mention;
use super::select::check_equality;
use super::sort::{check_ordering, direction};
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Result, SqlState};
use crate::expr::{ColId, Expr, Kind};
use crate::parser::ast;

impl Binder<'_> {
    pub fn transform_aggregate(&mut self, call: &ast::FunctionCall, applied: Applied, pos: usize) -> Result<Expr> {
        let func = applied.func;
        let ordered_set = matches!(func.kind, Kind::OrderedSet { .. });
        check_form(call, func.name, ordered_set, pos)?;
        let mut args = applied.args;
        let direct = match func.kind {
            Kind::OrderedSet { direct } => args.drain(..direct).collect(),
            _ => Vec::new(),
        };
        self.level().inside_aggregates += 1;
        let order = if ordered_set { self.within_group_order(call, &args) } else { self.aggregate_order(call, &args) };
        let filter = order.and_then(|order| {
            let filter = call.filter.as_ref().map(|f| self.transform_where(f, Clause::Filter, "FILTER")).transpose()?;
            Ok((order, filter))
        });
        self.level().inside_aggregates -= 1;
        let (order, filter) = filter?;
        if call.distinct {
            for (arg, written) in args.iter().zip(&call.args) {
                check_equality(arg, written.value.location())?;
            }
        }
        let call = AggCall { func, args, direct, distinct: call.distinct, order, filter, ty: applied.ret };
        self.place_aggregate(call, pos)
    }

    /// `check_agglevels_and_constraints`.
    fn place_aggregate(&mut self, call: AggCall, pos: usize) -> Result<Expr> {
        let parts: Vec<Expr> = agg_exprs(&call).cloned().collect();
        let level = self.innermost_level(&parts).unwrap_or(self.depth());
        if let Some(inner) = self.mentioned_of_kind(&parts, ColumnKind::Aggregate, level) {
            let at = self.mention_of(inner, level).unwrap_or(pos);
            return Err(Error::new(SqlState::GROUPING_ERROR, "aggregate function calls cannot be nested").at(at));
        }
        if let Some(inner) = self.mentioned_of_kind(&parts, ColumnKind::Window, level) {
            let at = self.mention_of(inner, level).unwrap_or(pos);
            return Err(Error::new(
                SqlState::GROUPING_ERROR,
                "aggregate function calls cannot contain window function calls",
            )
            .at(at));
        }
        if let Some(inner) = self.mentioned_of_kind(&parts, ColumnKind::Set, level) {
            let at = self.mention_of(inner, level).unwrap_or(pos);
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "aggregate function calls cannot contain set-returning function calls",
            )
            .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
            .at(at));
        }
        if let Some(refusal) = self.levels[level].clause.refuses_aggregate(false) {
            return Err(refusal.at(pos));
        }
        let id = match self.same_aggregate(&call, level) {
            Some(id) => id,
            None => {
                let id = self.new_column(call.func.name, call.ty, ColumnKind::Aggregate);
                self.state_mut(id).home = level;
                self.levels[level].aggregates.push((id, call));
                id
            }
        };
        self.levels[level].mentions.push(Mention { id, pos, in_aggregate: false });
        Ok(self.column_expr(id))
    }

    /// The same aggregate written twice is computed once.
    fn same_aggregate(&self, call: &AggCall, level: usize) -> Option<ColId> {
        if agg_exprs(call).any(|e| e.contains_volatile() || e.has_subquery()) {
            return None;
        }
        let same = |other: &AggCall| {
            other.func == call.func
                && other.distinct == call.distinct
                && other.args == call.args
                && other.direct == call.direct
                && other.filter == call.filter
                && same_order(&other.order, &call.order)
        };
        self.levels[level].aggregates.iter().find(|(_, other)| same(other)).map(|(id, _)| *id)
    }

    /// ORDER BY among the arguments; with DISTINCT it may only order by arguments.
    fn aggregate_order(&mut self, call: &ast::FunctionCall, args: &[Expr]) -> Result<Vec<SortKey>> {
        let mut keys: Vec<SortKey> = Vec::with_capacity(call.order_by.len());
        for by in &call.order_by {
            let pos = by.expr.location();
            let written = self.transform_expr_in(&by.expr, Clause::OrderBy)?;
            let expr = self.resolve_unknown(written.clone(), pos)?;
            // An argument may have been cast for the function; it is still the same thing to order by.
            let is_arg = args.iter().any(|a| *a == expr || is_cast_of(a, &written));
            if call.distinct && !is_arg {
                return Err(Error::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
                )
                .at(pos));
            }
            check_ordering(&expr, pos)?;
            let (descending, nulls_first) = direction(by, expr.ty())?;
            if !keys.iter().any(|k| k.expr == expr) {
                keys.push(SortKey { expr, descending, nulls_first });
            }
        }
        Ok(keys)
    }

    /// WITHIN GROUP (ORDER BY ...): its expressions are the aggregated arguments, already cast.
    fn within_group_order(&mut self, call: &ast::FunctionCall, args: &[Expr]) -> Result<Vec<SortKey>> {
        let mut keys = Vec::with_capacity(args.len());
        for (by, arg) in call.order_by.iter().zip(args) {
            check_ordering(arg, by.expr.location())?;
            let (descending, nulls_first) = direction(by, arg.ty())?;
            keys.push(SortKey { expr: arg.clone(), descending, nulls_first });
        }
        Ok(keys)
    }
}

fn agg_exprs(call: &AggCall) -> impl Iterator<Item = &Expr> {
    call.args.iter().chain(&call.direct).chain(&call.filter).chain(call.order.iter().map(|k| &k.expr))
}

fn same_order(a: &[SortKey], b: &[SortKey]) -> bool {
    let same = |(a, b): (&SortKey, &SortKey)| {
        a.expr == b.expr && a.descending == b.descending && a.nulls_first == b.nulls_first
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn is_cast_of(arg: &Expr, inner: &Expr) -> bool {
    match arg {
        Expr::Coerce { arg, implicit: true, .. } => **arg == *inner,
        Expr::Call { args, form, .. } if form.is_implicit_cast() => args.first() == Some(inner),
        _ => false,
    }
}

/// The forms that an aggregate may be called in.
fn check_form(call: &ast::FunctionCall, name: &str, ordered_set: bool, pos: usize) -> Result<()> {
    let wrong = |message: String| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos));
    if ordered_set && !call.within_group {
        return wrong(format!("WITHIN GROUP is required for ordered-set aggregate {name}"));
    }
    if !ordered_set && call.within_group {
        return wrong(format!("{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"));
    }
    if call.args.is_empty() && !call.star && !call.within_group {
        return wrong(format!("{name}(*) must be used to call a parameterless aggregate function"));
    }
    Ok(())
}
