//! Casts and COLLATE (`transformTypeCast`, `transformCollateClause`).

use crate::base::{Error, Result, SqlState};
use crate::binder::state::Binder;
use crate::binder::typename;
use crate::expr::{CastContext, Expr};
use crate::parser::ast::{self, ExprKind, QualifiedName};
use crate::types::{SqlType, oid, type_info, type_name};

impl Binder<'_> {
    pub fn transform_cast(&mut self, arg: &ast::Expr, target: &ast::TypeName, pos: usize) -> Result<Expr> {
        let ty = self.type_of(target)?;
        // `ARRAY[...]::t[]` casts the items, which also gives `ARRAY[]` a type.
        let bound = match &arg.kind {
            ExprKind::Array(items) => {
                let element = typename::element_of(&self.env, ty);
                self.transform_array(items, element.map(|e| (ty, e)), arg.pos)?
            }
            _ => self.transform_expr(arg)?,
        };
        if matches!(bound.ty().oid, oid::VOID) {
            return Err(self.cannot_cast(bound.ty(), ty, pos));
        }
        self.explicit_cast(bound, ty, arg.location(), pos)
    }

    /// A written cast. `at` is where the argument begins, `pos` the cast's own token.
    pub fn explicit_cast(&mut self, expr: Expr, ty: SqlType, at: usize, pos: usize) -> Result<Expr> {
        let from = expr.ty();
        // A literal that stays unknown has been named a type all the same: `unknown 'x'`.
        if ty.oid == oid::UNKNOWN && from.oid == oid::UNKNOWN {
            return Ok(expr);
        }
        self.coerce(expr, ty, CastContext::Explicit, at)?.ok_or_else(|| self.cannot_cast(from, ty, pos))
    }

    fn cannot_cast(&self, from: SqlType, to: SqlType, pos: usize) -> Error {
        Error::new(
            SqlState::CANNOT_COERCE,
            format!("cannot cast type {} to {}", self.type_name(from), self.type_name(to)),
        )
        .at(pos)
    }

    pub fn transform_collate(&mut self, arg: &ast::Expr, collation: &QualifiedName, pos: usize) -> Result<Expr> {
        let bound = self.transform_expr(arg)?;
        let ty = bound.ty();
        let collatable = ty.oid == oid::UNKNOWN || is_collatable(ty);
        if !collatable {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("collations are not supported by type {}", type_name(ty.oid)),
            )
            .at(pos));
        }
        check_collation(collation).map_err(|mut e| {
            e.fields_mut().position = Some(pos);
            e
        })?;
        Ok(bound)
    }
}

/// Every text is ordered by its bytes, so the collations that ask for that are all there are.
pub(in crate::binder) fn check_collation(name: &QualifiedName) -> Result<()> {
    let system = name.schema().is_none_or(|s| s == "pg_catalog");
    if system && matches!(name.name(), "C" | "POSIX" | "default" | "ucs_basic") {
        return Ok(());
    }
    Err(Error::unsupported(format!("collation \"{name}\"")).at(name.pos()))
}

fn is_collatable(ty: SqlType) -> bool {
    let base = ty.element().unwrap_or(ty);
    type_info(base.oid).is_some_and(|t| t.collation.0 != 0)
}
