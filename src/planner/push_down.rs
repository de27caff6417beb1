//! Conditions move down to where their columns come from, through everything that lets them pass; outer joins that
//! a condition empties of their padded rows become inner ones on the way.
//!
//! A condition moves below a node only if that cannot change which rows come out. Volatile conditions stay where they
//! are; so do conditions with sub-selects whose outer columns would have to be renamed.

use super::columns::{Columns, is_volatile, used};
use super::conjuncts::{join, split, split_all};
use crate::binder::rel::{DistinctOn, Join, JoinKind, Rel, SetOp, Subquery};
use crate::expr::{ColId, Expr};
use crate::types::Datum;

pub(super) struct PushDown<'a> {
    pub subqueries: &'a [Subquery],
}

fn columns_of(rel: &Rel) -> Columns {
    rel.columns().into_iter().collect()
}

fn wrap(rel: Rel, conjuncts: Vec<Expr>) -> Rel {
    match join(conjuncts) {
        Some(predicate) => Rel::Filter { input: Box::new(rel), predicate },
        None => rel,
    }
}

impl PushDown<'_> {
    /// The relation with these conditions applied as deep in it as they go.
    pub fn push(&self, rel: Rel, mut conjuncts: Vec<Expr>) -> Rel {
        match rel {
            Rel::Filter { input, predicate } => {
                split(predicate, &mut conjuncts);
                self.push(*input, conjuncts)
            }
            Rel::Project { input, exprs } => {
                let produced: Columns = exprs.iter().map(|e| e.0).collect();
                let (down, up) = self.partition(conjuncts, |c| {
                    let mine: Vec<_> =
                        used(c, self.subqueries).into_iter().filter(|id| produced.contains(id)).collect();
                    let plain = |id: &ColId| {
                        exprs.iter().any(|(e, x)| {
                            e == id && !is_volatile(x, self.subqueries) && !x.has_subquery() && !x.returns_set()
                        })
                    };
                    mine.iter().all(plain) && (!c.has_subquery() || mine.iter().all(|id| is_same(&exprs, *id)))
                });
                let down = down
                    .into_iter()
                    .map(|c| c.substitute(&mut |id| exprs.iter().find(|(e, _)| *e == id).map(|(_, x)| x.clone())));
                let input = Box::new(self.push(*input, down.collect()));
                wrap(Rel::Project { input, exprs }, up)
            }
            Rel::Join(j) => self.push_join(j, conjuncts),
            Rel::Aggregate(mut a) => {
                let groups: Columns = a.group.iter().map(|g| g.0).collect();
                let passes = a.sets.is_none() && !a.group.is_empty();
                let born: Columns = a.aggs.iter().map(|x| x.0).chain(a.grouping.iter().map(|x| x.0)).collect();
                let (down, up) = self.partition(conjuncts, |c| {
                    let u = used(c, self.subqueries);
                    passes
                        && !c.has_subquery()
                        && u.is_disjoint(&born)
                        && a.group.iter().filter(|g| u.contains(&g.0)).all(|g| !is_volatile(&g.1, self.subqueries))
                        && !u.is_disjoint(&groups)
                });
                let down = down
                    .into_iter()
                    .map(|c| c.substitute(&mut |id| a.group.iter().find(|(g, _)| *g == id).map(|(_, x)| x.clone())));
                a.input = Box::new(self.push(*a.input, down.collect()));
                wrap(Rel::Aggregate(a), up)
            }
            Rel::Window(mut w) => {
                let (down, up) = self.partition(conjuncts, |c| {
                    let u = used(c, self.subqueries);
                    !u.is_empty()
                        && u.iter().all(|id| {
                            w.specs
                                .iter()
                                .all(|s| s.partition.iter().any(|p| matches!(p, Expr::Column { id: p, .. } if p == id)))
                        })
                });
                w.input = Box::new(self.push(*w.input, down));
                wrap(Rel::Window(w), up)
            }
            Rel::Distinct { input, on } => {
                let (down, up) = match &on {
                    DistinctOn::All(_) => self.partition(conjuncts, |_| true),
                    DistinctOn::On(exprs) => self.partition(conjuncts, |c| {
                        used(c, self.subqueries)
                            .iter()
                            .all(|id| exprs.iter().any(|e| matches!(e, Expr::Column { id: p, .. } if p == id)))
                    }),
                };
                wrap(Rel::Distinct { input: Box::new(self.push(*input, down)), on }, up)
            }
            Rel::Sort { input, keys } => {
                let (down, up) = self.partition(conjuncts, |_| true);
                wrap(Rel::Sort { input: Box::new(self.push(*input, down)), keys }, up)
            }
            Rel::LockRows { input, targets } => {
                let (down, up) = self.partition(conjuncts, |_| true);
                wrap(Rel::LockRows { input: Box::new(self.push(*input, down)), targets }, up)
            }
            Rel::ProjectSet { input, calls } => {
                let made: Columns = calls.iter().map(|c| c.0).collect();
                let (down, up) = self.partition(conjuncts, |c| used(c, self.subqueries).is_disjoint(&made));
                wrap(Rel::ProjectSet { input: Box::new(self.push(*input, down)), calls }, up)
            }
            Rel::Limit(mut l) => {
                l.input = Box::new(self.push(*l.input, Vec::new()));
                wrap(Rel::Limit(l), conjuncts)
            }
            Rel::SetOp(s) => self.push_set_op(s, conjuncts),
            Rel::Cte { mut cte, body } => {
                cte.definition = self.push(cte.definition, Vec::new());
                Rel::Cte { cte, body: Box::new(self.push(*body, conjuncts)) }
            }
            Rel::Recursive(mut r) => {
                r.seed = self.push(r.seed, Vec::new());
                r.step = self.push(r.step, Vec::new());
                wrap(Rel::Recursive(r), conjuncts)
            }
            Rel::Insert(mut i) => {
                i.source = self.push(i.source, Vec::new());
                wrap(Rel::Insert(i), conjuncts)
            }
            Rel::Update(mut u) => {
                u.input = self.push(u.input, Vec::new());
                wrap(Rel::Update(u), conjuncts)
            }
            Rel::Delete(mut d) => {
                d.input = self.push(d.input, Vec::new());
                wrap(Rel::Delete(d), conjuncts)
            }
            Rel::Merge(mut m) => {
                m.input = self.push(m.input, Vec::new());
                wrap(Rel::Merge(m), conjuncts)
            }
            leaf => wrap(leaf, conjuncts),
        }
    }

    /// Those that pass `down` (and are not volatile), and the others.
    fn partition(&self, conjuncts: Vec<Expr>, down: impl Fn(&Expr) -> bool) -> (Vec<Expr>, Vec<Expr>) {
        conjuncts.into_iter().partition(|c| !is_volatile(c, self.subqueries) && down(c))
    }

    fn push_set_op(&self, s: SetOp, conjuncts: Vec<Expr>) -> Rel {
        let made: Columns = s.columns.iter().copied().collect();
        let (down, up) =
            self.partition(conjuncts, |c| !c.has_subquery() && !used(c, self.subqueries).is_disjoint(&made));
        let side = |conjuncts: &[Expr], columns: &[ColId]| -> Vec<Expr> {
            let rename = |c: &Expr| {
                c.clone().substitute(&mut |id| {
                    let at = s.columns.iter().position(|x| *x == id)?;
                    Some(Expr::Column { id: columns[at], ty: column_type(c, id)? })
                })
            };
            conjuncts.iter().map(rename).collect()
        };
        let (left, right) = (side(&down, &s.left_columns), side(&down, &s.right_columns));
        let rel = Rel::SetOp(SetOp {
            left: Box::new(self.push(*s.left, left)),
            right: Box::new(self.push(*s.right, right)),
            kind: s.kind,
            all: s.all,
            left_columns: s.left_columns,
            right_columns: s.right_columns,
            columns: s.columns,
        });
        wrap(rel, up)
    }

    fn push_join(&self, mut j: Join, conjuncts: Vec<Expr>) -> Rel {
        if j.kind == JoinKind::Right {
            std::mem::swap(&mut j.left, &mut j.right);
            j.kind = JoinKind::Left;
        }
        let (left, right) = (columns_of(&j.left), columns_of(&j.right));
        j.kind = self.strengthen(j.kind, &conjuncts, &left, &right);
        if j.kind == JoinKind::Right {
            std::mem::swap(&mut j.left, &mut j.right);
            j.kind = JoinKind::Left;
            return self.push_join(j, conjuncts);
        }
        let on = j.on.take().map(split_all).unwrap_or_default();
        let within = |c: &Expr, side: &Columns, other: &Columns| {
            let u = used(c, self.subqueries);
            u.is_disjoint(other) && !u.is_disjoint(side)
        };
        let (mut to_left, mut to_right, mut stay, mut above) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for c in conjuncts {
            let movable = !is_volatile(&c, self.subqueries);
            match j.kind {
                _ if !movable => above.push(c),
                JoinKind::Inner if within(&c, &left, &right) => to_left.push(c),
                JoinKind::Inner if within(&c, &right, &left) => to_right.push(c),
                JoinKind::Inner => stay.push(c),
                JoinKind::Left | JoinKind::Semi | JoinKind::Anti if within(&c, &left, &right) => to_left.push(c),
                _ => above.push(c),
            }
        }
        for c in on {
            let movable = !is_volatile(&c, self.subqueries);
            match j.kind {
                _ if !movable => stay.push(c),
                JoinKind::Inner | JoinKind::Semi if within(&c, &left, &right) => to_left.push(c),
                JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti if within(&c, &right, &left) => {
                    to_right.push(c);
                }
                _ => stay.push(c),
            }
        }
        let rel = Rel::Join(Join {
            kind: j.kind,
            left: Box::new(self.push(*j.left, to_left)),
            right: Box::new(self.push(*j.right, to_right)),
            on: join(stay),
            lateral: j.lateral,
        });
        wrap(rel, above)
    }

    /// The join that remains when rows with a NULL-padded side are dropped by a condition above.
    fn strengthen(&self, kind: JoinKind, conjuncts: &[Expr], left: &Columns, right: &Columns) -> JoinKind {
        let rejects = |side: &Columns| conjuncts.iter().any(|c| rejects_null(c, side));
        match kind {
            JoinKind::Left if rejects(right) => JoinKind::Inner,
            JoinKind::Full => match (rejects(left), rejects(right)) {
                (true, true) => JoinKind::Inner,
                (true, false) => JoinKind::Left,
                (false, true) => JoinKind::Right,
                (false, false) => JoinKind::Full,
            },
            kind => kind,
        }
    }
}

/// Whether a condition cannot be true for a row in which all these columns are NULL.
fn rejects_null(condition: &Expr, columns: &Columns) -> bool {
    match condition {
        Expr::And(parts) => parts.iter().any(|p| rejects_null(p, columns)),
        Expr::Or(parts) => parts.iter().all(|p| rejects_null(p, columns)),
        Expr::IsNull { arg, negated: true, row: false } => arg.strict_in(columns),
        Expr::Const { value: Datum::Bool(false) | Datum::Null, .. } => true,
        other => other.strict_in(columns),
    }
}

/// Whether a projection passes the column on as it is.
fn is_same(exprs: &[(ColId, Expr)], id: ColId) -> bool {
    exprs.iter().any(|(e, x)| *e == id && matches!(x, Expr::Column { id: from, .. } if *from == id))
}

fn column_type(expr: &Expr, wanted: ColId) -> Option<crate::types::SqlType> {
    let mut found = None;
    expr.visit(&mut |e| {
        if let Expr::Column { id, ty } = e
            && *id == wanted
        {
            found = Some(*ty);
        }
        found.is_none()
    });
    found
}
