//! From columns to positions: `Expr::Column` becomes the place in the input batch, or, for a column from outside, the slot
//! that somebody above fills. Sub-selects are planned when the first expression that has them is lowered.

use super::Planner;
use super::build::Want;
use super::columns::free;
use super::plan::{SortKey, Subplan};
use crate::base::Result;
use crate::expr::{ColId, Expr, RowTest, SubqueryId, SubqueryKind, registry};

impl Planner<'_> {
    /// The slot of a column.
    pub(super) fn slot(&mut self, id: ColId) -> usize {
        let next = self.slots.len();
        *self.slots.entry(id).or_insert(next)
    }

    pub(super) fn lower(&mut self, expr: &Expr, input: &[ColId]) -> Result<Expr> {
        let mut expr = expr.clone();
        self.lower_in_place(&mut expr, input)?;
        Ok(expr)
    }

    pub(super) fn lower_all<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        input: &[ColId],
    ) -> Result<Vec<Expr>> {
        exprs.into_iter().map(|e| self.lower(e, input)).collect()
    }

    pub(super) fn lower_keys(&mut self, keys: &[SortKey], input: &[ColId]) -> Result<Vec<SortKey>> {
        keys.iter()
            .map(|k| {
                Ok(SortKey { expr: self.lower(&k.expr, input)?, descending: k.descending, nulls_first: k.nulls_first })
            })
            .collect()
    }

    fn lower_in_place(&mut self, expr: &mut Expr, input: &[ColId]) -> Result<()> {
        if let Expr::Column { id, ty } = expr {
            let (id, ty) = (*id, *ty);
            *expr = match input.iter().position(|c| *c == id) {
                Some(index) => Expr::Input { index, ty },
                None => Expr::Exec { slot: self.slot(id), ty },
            };
            return Ok(());
        }
        expr.map_children(&mut |child| self.lower_in_place(child, input))?;
        if let Expr::Subquery { id, kind, args, .. } = expr {
            self.plan_subquery(*id, kind)?;
            for column in free(&self.subqueries[id.0 as usize].root, &self.subqueries) {
                if let Some(index) = input.iter().position(|c| *c == column) {
                    args.push((self.slot(column), Expr::Input { index, ty: self.ty(column) }));
                }
            }
        }
        Ok(())
    }

    fn plan_subquery(&mut self, id: SubqueryId, kind: &SubqueryKind) -> Result<()> {
        let at = id.0 as usize;
        if self.subplans[at].is_some() {
            return Ok(());
        }
        let sub = self.subqueries[at].clone();
        let mut uncorrelated = free(&sub.root, &self.subqueries).is_empty();
        let want = match kind {
            SubqueryKind::Exists => Want { rows: Some(1.0), ..Want::default() },
            _ => Want::default(),
        };
        let (known, read) = (self.ctes.len(), self.read_ctes.len());
        let planned = self.build(sub.root, &want)?;
        let planned = self.arrange(planned, &sub.output);
        // A WITH query around it may not be the same each time either.
        let mut outside = self.read_ctes[read..].iter().filter(|&&at| at < known).map(|&at| &self.ctes[at]);
        uncorrelated &= outside.all(|c| c.slots.is_empty() && c.worktables.is_empty());
        let hashed = uncorrelated
            && matches!(kind, SubqueryKind::Quantified(q)
                if !q.all
                    && matches!(q.test, RowTest::Every)
                    && q.left.len() == 1
                    && q.left[0].ty().bare() == planned.plan.types[0].bare()
                    && registry::eq_function(q.left[0].ty()) == Some(q.ops[0]));
        self.subplans[at] = Some(Subplan {
            plan: planned.plan,
            uncorrelated,
            hashed,
            quantified: matches!(kind, SubqueryKind::Quantified(_)),
        });
        Ok(())
    }
}
