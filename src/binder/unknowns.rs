//! Literals whose type nothing has settled, and casting the columns of a bound query.

use super::rel::Rel;
use super::select::Bound;
use super::state::{Binder, ColumnKind};
use crate::base::{Error, Result, SqlState};
use crate::expr::{CastContext, ColId, Expr};
use crate::types::{SqlType, format_type, oid, type_name};

impl Binder<'_> {
    /// What is still of unknown type becomes text (`resolveTargetListUnknowns`).
    pub fn resolve_unknown(&mut self, expr: Expr, pos: usize) -> Result<Expr> {
        if expr.ty().oid != oid::UNKNOWN {
            return Ok(expr);
        }
        let ty = expr.ty();
        self.coerce(expr, SqlType::TEXT, CastContext::Implicit, pos)?
            .ok_or_else(|| Error::internal(format!("type {} is not text", format_type(ty))))
    }

    /// Brings the columns of a query to these types. Literals are read where they stand; all else is cast by a
    /// projection on top.
    pub fn cast_columns(&mut self, bound: &mut Bound, wanted: &[SqlType], context: CastContext) -> Result<()> {
        let mut casts: Vec<(usize, Expr)> = Vec::new();
        for (i, &ty) in wanted.iter().enumerate() {
            let (id, pos) = (bound.columns[i].id, bound.columns[i].pos);
            if self.column_type(id).oid == ty.oid {
                continue;
            }
            if self.cast_literal(&mut bound.rel, id, ty, context, pos)? {
                continue;
            }
            let column = self.column_expr(id);
            let from = column.ty();
            let cast = self.coerce(column, ty, context, pos)?.ok_or_else(|| {
                let (from, to) = (type_name(from.oid), type_name(ty.oid));
                Error::new(SqlState::CANNOT_COERCE, format!("cannot cast type {from} to {to}")).at(pos)
            })?;
            casts.push((i, cast));
        }
        if casts.is_empty() {
            return Ok(());
        }
        let mut exprs = Vec::with_capacity(bound.columns.len());
        for column in &bound.columns {
            if !exprs.iter().any(|(id, _): &(ColId, Expr)| *id == column.id) {
                exprs.push((column.id, self.column_expr(column.id)));
            }
        }
        for (i, cast) in casts {
            let old = bound.columns[i].id;
            let id = self.new_column(self.columns[old.0 as usize].name.clone(), cast.ty(), ColumnKind::Plain);
            self.state_mut(id).home = self.state(old).home;
            bound.columns[i].id = id;
            exprs.push((id, cast));
        }
        exprs.retain(|(id, _)| bound.columns.iter().any(|c| c.id == *id));
        let input = std::mem::replace(&mut bound.rel, Rel::Unit);
        bound.rel = Rel::Project { input: Box::new(input), exprs };
        Ok(())
    }

    /// If a literal of unknown type makes the column, reads it as a `ty`.
    fn cast_literal(
        &mut self,
        rel: &mut Rel,
        id: ColId,
        ty: SqlType,
        context: CastContext,
        pos: usize,
    ) -> Result<bool> {
        if self.column_type(id).oid != oid::UNKNOWN {
            return Ok(false);
        }
        let Some(expr) = producer(rel, id) else { return Ok(false) };
        let literal = std::mem::take(expr);
        let read = self
            .coerce(literal, ty, context, pos)?
            .ok_or_else(|| Error::internal(format!("a literal cannot be read as {}", format_type(ty))))?;
        self.columns[id.0 as usize].ty = read.ty();
        *expr = read;
        Ok(true)
    }
}

/// The expression of the projection that gives birth to the column, below nodes that pass it on.
fn producer(rel: &mut Rel, id: ColId) -> Option<&mut Expr> {
    match rel {
        Rel::Project { exprs, .. } => exprs.iter_mut().find(|(i, _)| *i == id).map(|(_, e)| e),
        Rel::Sort { input, .. } | Rel::LockRows { input, .. } => producer(input, id),
        Rel::Limit(limit) => producer(&mut limit.input, id),
        Rel::Cte { body, .. } => producer(body, id),
        _ => None,
    }
}
