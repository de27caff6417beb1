//! WITH queries read once become part of their reader; EXISTS and IN in a WHERE clause become semi and anti joins.
//!
//! A sub-select can be joined if the outer columns occur only in conditions that can be taken out of it: those of its own
//! WHERE clause (and of inner joins below it). What it selects, orders and makes distinct does not matter to EXISTS; IN
//! compares with what it selects. NOT IN stays a hashed sub-plan, since a NULL would make all the difference.

use super::columns::{Columns, free, has_effects, used};
use super::conjuncts::{join, split_all};
use crate::binder::rel::{Join, JoinKind, Rel, Subquery};
use crate::expr::{ColId, Expr, Form, Function, RowTest, SubqueryKind, registry};
use crate::types::{Datum, SqlType};

impl Rel {
    /// Replaces every input by what `f` makes of it.
    pub(super) fn map_inputs(&mut self, f: &mut dyn FnMut(Rel) -> Rel) {
        self.for_each_input_mut(&mut |input| *input = f(std::mem::replace(input, Rel::Unit)));
    }
}

/// Moves the definitions of WITH queries that are read once to where they are read.
pub(super) fn inline_ctes(root: Rel, subqueries: &mut [Subquery], column_type: &dyn Fn(ColId) -> SqlType) -> Rel {
    let root = inline(root, subqueries, column_type);
    for i in 0..subqueries.len() {
        let sub = std::mem::replace(&mut subqueries[i].root, Rel::Unit);
        let sub = inline(sub, subqueries, column_type);
        subqueries[i].root = sub;
    }
    root
}

fn inline(mut rel: Rel, subqueries: &mut [Subquery], column_type: &dyn Fn(ColId) -> SqlType) -> Rel {
    rel.map_inputs(&mut |input| inline(input, subqueries, column_type));
    let Rel::Cte { cte, mut body } = rel else { return rel };
    let keep = cte.modifies
        || cte.materialized == Some(true)
        || matches!(cte.definition, Rel::Recursive(_))
        || cte.references > 1
        || has_effects(&cte.definition, subqueries);
    if keep {
        return Rel::Cte { cte, body };
    }
    let mut definition = Some(cte.definition);
    let mut place = |columns: &[ColId]| {
        let exprs = columns.iter().zip(&cte.output);
        let exprs = exprs.map(|(new, old)| (*new, Expr::Column { id: *old, ty: column_type(*old) })).collect();
        definition.take().map(|d| Rel::Project { input: Box::new(d), exprs })
    };
    replace_reference(&mut body, cte.id, &mut place);
    for sub in subqueries.iter_mut() {
        replace_reference(&mut sub.root, cte.id, &mut place);
    }
    *body
}

fn replace_reference(rel: &mut Rel, cte: usize, place: &mut dyn FnMut(&[ColId]) -> Option<Rel>) {
    if let Rel::CteRef(r) = rel
        && r.id == cte
    {
        if let Some(new) = place(&r.columns) {
            *rel = new;
        }
        return;
    }
    rel.map_inputs(&mut |mut input| {
        replace_reference(&mut input, cte, place);
        input
    });
}

/// Turns EXISTS and IN into joins, everywhere in the relation.
pub(super) fn unnest(mut rel: Rel, subqueries: &[Subquery]) -> Rel {
    rel.map_inputs(&mut |input| unnest(input, subqueries));
    let Rel::Filter { input, predicate } = rel else { return rel };
    let mut rel = *input;
    let mut rest = Vec::new();
    for conjunct in split_all(predicate) {
        match as_join(&conjunct, &rel, subqueries) {
            Some((kind, right, on)) => {
                rel =
                    Rel::Join(Join { kind, left: Box::new(rel), right: Box::new(right), on: join(on), lateral: false });
            }
            None => rest.push(conjunct),
        }
    }
    match join(rest) {
        Some(predicate) => Rel::Filter { input: Box::new(rel), predicate },
        None => rel,
    }
}

fn as_join(conjunct: &Expr, left: &Rel, subqueries: &[Subquery]) -> Option<(JoinKind, Rel, Vec<Expr>)> {
    let (conjunct, negated) = match conjunct {
        Expr::Not(inner) => (&**inner, true),
        other => (other, false),
    };
    let Expr::Subquery { id, kind, .. } = conjunct else { return None };
    let sub = &subqueries[id.0 as usize];
    if has_effects(&sub.root, subqueries) {
        return None;
    }
    let outer: Columns = left.columns().into_iter().collect();
    match kind {
        SubqueryKind::Exists => {
            if free(&sub.root, subqueries).is_disjoint(&outer) {
                return None;
            }
            let mut pull = Pull { outer: &outer, subqueries, taken: Vec::new(), exists: true };
            let right = pull.rel(sub.root.clone(), &mut [])?;
            let on = pull.finish(&right)?;
            let right = unnest(right, subqueries);
            Some((if negated { JoinKind::Anti } else { JoinKind::Semi }, right, on))
        }
        SubqueryKind::Quantified(q) if !negated && !q.all && matches!(q.test, RowTest::Every) => {
            if q.left.iter().any(|e| e.has_subquery() || e.contains_volatile()) {
                return None;
            }
            let mut outputs: Vec<Expr> = sub
                .output
                .iter()
                .zip(&q.left)
                .map(|(id, l)| Expr::Column { id: *id, ty: output_type(&sub.root, *id).unwrap_or(l.ty()) })
                .collect();
            let mut pull = Pull { outer: &outer, subqueries, taken: Vec::new(), exists: false };
            let right = pull.rel(sub.root.clone(), &mut outputs)?;
            let mut on = pull.finish(&right)?;
            for ((left, op), output) in q.left.iter().zip(&q.ops).zip(outputs) {
                on.push(compare(op, left.clone(), output));
            }
            let right = unnest(right, subqueries);
            Some((JoinKind::Semi, right, on))
        }
        _ => None,
    }
}

fn compare(func: &'static Function, left: Expr, right: Expr) -> Expr {
    let operator = registry::operators("=").iter().find(|op| op.func == func.oid);
    let form = operator.map_or(Form::Call, |op| Form::Operator(op));
    Expr::Call { func, args: vec![left, right], ty: SqlType::BOOL, form }
}

/// The type of a relation's column, where an expression of it tells.
fn output_type(rel: &Rel, id: ColId) -> Option<SqlType> {
    match rel {
        Rel::Project { exprs, .. } => exprs.iter().find(|e| e.0 == id).map(|e| e.1.ty()),
        Rel::Sort { input, .. } | Rel::Filter { input, .. } | Rel::Distinct { input, .. } => output_type(input, id),
        Rel::Limit(l) => output_type(&l.input, id),
        _ => None,
    }
}

/// Takes the conditions on outer columns out of a sub-select.
struct Pull<'a> {
    outer: &'a Columns,
    subqueries: &'a [Subquery],
    taken: Vec<Expr>,
    exists: bool,
}

impl Pull<'_> {
    /// The relation without those conditions, and without nodes that do not matter. `outputs` are expressions over it that are
    /// kept true to what they mean.
    fn rel(&mut self, rel: Rel, outputs: &mut [Expr]) -> Option<Rel> {
        match rel {
            Rel::Filter { input, predicate } => {
                let rest = self.take(split_all(predicate))?;
                // A projection below goes away, so the other conditions are renamed along with the outputs.
                let mut all: Vec<Expr> = outputs.iter_mut().map(std::mem::take).chain(rest).collect();
                let input = self.rel(*input, &mut all);
                let rest = all.split_off(outputs.len());
                outputs.iter_mut().zip(all).for_each(|(slot, e)| *slot = e);
                let input = Box::new(input?);
                Some(match join(rest) {
                    Some(predicate) => Rel::Filter { input, predicate },
                    None => *input,
                })
            }
            Rel::Project { input, exprs } => {
                if exprs.iter().any(|e| e.1.returns_set() || e.1.contains_volatile()) {
                    return None;
                }
                let renamed = |e: &mut Expr| {
                    let old = std::mem::take(e);
                    *e = old.substitute(&mut |id| exprs.iter().find(|(c, _)| *c == id).map(|(_, x)| x.clone()));
                };
                self.taken.iter_mut().for_each(renamed);
                outputs.iter_mut().for_each(renamed);
                if outputs.iter().chain(&self.taken).any(Expr::has_subquery) {
                    return None;
                }
                self.rel(*input, outputs)
            }
            Rel::Sort { input, .. } => self.rel(*input, outputs),
            Rel::Distinct { input, on: crate::binder::rel::DistinctOn::All(_) } => self.rel(*input, outputs),
            Rel::Limit(l)
                if self.exists
                    && l.offset.is_none()
                    && matches!(l.limit.as_ref().and_then(Expr::as_const), Some(Datum::Int8(1..))) =>
            {
                self.rel(*l.input, outputs)
            }
            Rel::Join(j) if j.kind == JoinKind::Inner && !j.lateral => {
                let on = match j.on {
                    Some(on) => join(self.take(split_all(on))?),
                    None => None,
                };
                let left = self.side(*j.left)?;
                let right = self.side(*j.right)?;
                Some(Rel::Join(Join { left: Box::new(left), right: Box::new(right), on, ..j }))
            }
            other => Some(other),
        }
    }

    /// One side of a join: only its filters are opened, so that its columns stay what they are.
    fn side(&mut self, rel: Rel) -> Option<Rel> {
        match rel {
            Rel::Filter { .. } | Rel::Join(_) => self.rel(rel, &mut []),
            other => Some(other),
        }
    }

    /// Takes those of the conditions that mention outer columns; the rest is returned.
    fn take(&mut self, conjuncts: Vec<Expr>) -> Option<Vec<Expr>> {
        let mut rest = Vec::new();
        for c in conjuncts {
            if used(&c, self.subqueries).is_disjoint(self.outer) {
                rest.push(c);
            } else if c.has_subquery() || c.contains_volatile() {
                return None;
            } else {
                self.taken.push(c);
            }
        }
        Some(rest)
    }

    /// The taken conditions, if no outer column is left inside.
    fn finish(self, right: &Rel) -> Option<Vec<Expr>> {
        let made: Columns = right.columns().into_iter().collect();
        let fine = free(right, self.subqueries).is_disjoint(self.outer)
            && self.taken.iter().all(|t| t.columns().iter().all(|c| self.outer.contains(c) || made.contains(c)));
        fine.then_some(self.taken)
    }
}
