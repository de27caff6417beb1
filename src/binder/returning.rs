//! RETURNING (`transformReturningList`).

use super::clause::Clause;
use super::select::BoundColumn;
use super::state::{Binder, ColumnKind};
use crate::base::Result;
use crate::expr::{ColId, Expr};
use crate::parser::ast::Returning;

/// The projection of RETURNING; none without one.
pub(super) type ReturningExprs = Option<Vec<(ColId, Expr)>>;

impl Binder<'_> {
    /// The returned columns, each with an id of its own, over the namespace of the level.
    pub fn transform_returning(&mut self, list: &Returning) -> Result<(ReturningExprs, Vec<BoundColumn>)> {
        if list.is_empty() {
            return Ok((None, Vec::new()));
        }
        let mut targets = self.transform_targets(list, Clause::Returning)?;
        self.resolve_target_unknowns(&mut targets)?;
        let mut exprs = Vec::with_capacity(targets.len());
        let mut columns = Vec::with_capacity(targets.len());
        for target in targets {
            let id = self.new_column(target.name.as_str(), target.expr.ty(), ColumnKind::Plain);
            if let Expr::Column { id: inner, .. } = &target.expr {
                self.state_mut(id).origin = self.state(*inner).origin;
            }
            exprs.push((id, target.expr));
            columns.push(BoundColumn { name: target.name, id, pos: target.pos });
        }
        Ok((Some(exprs), columns))
    }
}
