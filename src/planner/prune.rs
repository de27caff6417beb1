//! Takes out what nobody looks at: columns of scans, expressions of projections, aggregates, window calls.

use super::columns::{Columns, used};
use crate::binder::rel::{DistinctOn, JoinKind, Rel, SetOpKind, Subquery};
use crate::expr::Expr;

pub(super) struct Prune<'a> {
    pub subqueries: &'a [Subquery],
}

impl Prune<'_> {
    fn add(&self, expr: &Expr, needed: &mut Columns) {
        needed.extend(used(expr, self.subqueries));
    }

    /// Leaves of the relation what `needed` asks for.
    pub fn prune(&self, rel: &mut Rel, needed: &Columns) {
        let mut below = needed.clone();
        rel.for_each_expr(&mut |e| self.add(e, &mut below));
        match rel {
            Rel::Scan(s) => {
                s.columns.retain(|c| needed.contains(&c.0));
                s.key = s.key.filter(|k| needed.contains(k));
                s.tableoid = s.tableoid.filter(|k| needed.contains(k));
            }
            Rel::SystemScan(s) => {
                s.columns.retain(|c| needed.contains(&c.0));
                s.tableoid = s.tableoid.filter(|k| needed.contains(k));
            }
            Rel::Project { input, exprs } => {
                exprs.retain(|e| needed.contains(&e.0));
                let mut below = Columns::new();
                exprs.iter().for_each(|e| self.add(&e.1, &mut below));
                self.prune(input, &below);
            }
            Rel::ProjectSet { input, .. } => self.prune(input, &below),
            Rel::Filter { input, .. } | Rel::Sort { input, .. } => self.prune(input, &below),
            Rel::LockRows { input, targets } => {
                below.extend(targets.iter().map(|t| t.key));
                self.prune(input, &below);
            }
            Rel::Join(j) => {
                if j.lateral {
                    below.extend(super::columns::free(&j.right, self.subqueries));
                }
                self.prune(&mut j.left, &below);
                if matches!(j.kind, JoinKind::Semi | JoinKind::Anti) {
                    let mut right = Columns::new();
                    j.on.iter().for_each(|e| self.add(e, &mut right));
                    return self.prune(&mut j.right, &right);
                }
                self.prune(&mut j.right, &below);
            }
            Rel::Aggregate(a) => {
                a.aggs.retain(|x| needed.contains(&x.0));
                a.grouping.retain(|x| needed.contains(&x.0));
                let mut below = Columns::new();
                rel.for_each_expr(&mut |e| self.add(e, &mut below));
                if let Rel::Aggregate(a) = rel {
                    self.prune(&mut a.input, &below);
                }
            }
            Rel::Window(w) => {
                w.specs.iter_mut().for_each(|s| s.calls.retain(|c| needed.contains(&c.0)));
                w.specs.retain(|s| !s.calls.is_empty());
                let mut below = needed.clone();
                rel.for_each_expr(&mut |e| self.add(e, &mut below));
                if let Rel::Window(w) = rel {
                    self.prune(&mut w.input, &below);
                }
            }
            Rel::Distinct { input, on } => {
                if let DistinctOn::All(columns) = on {
                    below.extend(columns.iter());
                }
                self.prune(input, &below);
            }
            Rel::Limit(l) => self.prune(&mut l.input, &below),
            Rel::SetOp(s) => {
                if s.kind == SetOpKind::Union && s.all {
                    let keep: Vec<bool> = s.columns.iter().map(|c| needed.contains(c)).collect();
                    for list in [&mut s.columns, &mut s.left_columns, &mut s.right_columns] {
                        let mut flags = keep.iter();
                        list.retain(|_| *flags.next().expect("lists of one length"));
                    }
                }
                let (left, right): (Columns, Columns) =
                    (s.left_columns.iter().copied().collect(), s.right_columns.iter().copied().collect());
                self.prune(&mut s.left, &left);
                self.prune(&mut s.right, &right);
            }
            Rel::Cte { cte, body } => {
                self.prune(&mut cte.definition, &cte.output.iter().copied().collect());
                self.prune(body, needed);
            }
            Rel::Recursive(r) => {
                self.prune(&mut r.seed, &r.seed_columns.iter().copied().collect());
                self.prune(&mut r.step, &r.step_columns.iter().copied().collect());
            }
            Rel::Insert(i) => {
                let mut below = Columns::new();
                i.values.iter().flatten().for_each(|e| self.add(e, &mut below));
                self.prune(&mut i.source, &below);
            }
            Rel::Update(u) => {
                below.insert(u.key);
                below.extend(&u.old);
                self.prune(&mut u.input, &below);
            }
            Rel::Delete(d) => {
                below.insert(d.key);
                below.extend(&d.old);
                self.prune(&mut d.input, &below);
            }
            Rel::Merge(m) => {
                below.insert(m.key);
                below.extend(&m.old);
                self.prune(&mut m.input, &below);
            }
            Rel::Unit
            | Rel::Empty { .. }
            | Rel::Values { .. }
            | Rel::Function(_)
            | Rel::CteRef(_)
            | Rel::WorkTable(_) => {}
        }
    }
}
