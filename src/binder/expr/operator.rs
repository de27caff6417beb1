//! Operators (`make_op`, `make_scalar_array_op`, `transformAExprOp`).

use crate::base::{Error, Result, SqlState};
use crate::binder::relation::{no_schema, schema_oid};
use crate::binder::state::Binder;
use crate::catalog::PG_CATALOG;
use crate::expr::resolve::{resolve_any_all, resolve_operator};
use crate::expr::{Expr, Form};
use crate::parser::ast::{self, ExprKind, OperatorName};
use crate::types::{oid, type_name};

/// A bound operand and where it begins.
pub(in crate::binder) struct Operand {
    pub expr: Expr,
    pub pos: usize,
}

impl Operand {
    pub fn new(expr: Expr, pos: usize) -> Operand {
        Operand { expr, pos }
    }
}

impl Binder<'_> {
    pub fn transform_binary(
        &mut self,
        op: &OperatorName,
        left: &ast::Expr,
        right: &ast::Expr,
        pos: usize,
    ) -> Result<Expr> {
        match (&left.kind, &right.kind) {
            (ExprKind::Row { fields, .. }, ExprKind::Subquery(query)) => {
                self.transform_row_subquery(op, fields, query, pos)
            }
            (ExprKind::Row { fields: a, .. }, ExprKind::Row { fields: b, .. }) => {
                let a = self.operands(a)?;
                let b = self.operands(b)?;
                self.make_row_comparison(op, a, b, pos)
            }
            _ => {
                let left = self.operand(left)?;
                let right = self.operand(right)?;
                self.make_op(op, left, right, pos)
            }
        }
    }

    pub fn transform_prefix(&mut self, op: &OperatorName, right: &ast::Expr, pos: usize) -> Result<Expr> {
        let right = self.operand(right)?;
        self.check_operator_schema(op, None, &right)?;
        let resolved = resolve_operator(&op.name, None, right.expr.ty())
            .map_err(|e| self.name_types(e, &[right.expr.ty()]).at(pos))?;
        let arg = self.coerce_argument(right.expr, resolved.right, right.pos)?;
        Ok(Expr::operator(resolved.op, vec![arg], resolved.ret))
    }

    pub fn operand(&mut self, expr: &ast::Expr) -> Result<Operand> {
        Ok(Operand::new(self.transform_expr(expr)?, expr.location()))
    }

    pub fn operands(&mut self, list: &[ast::Expr]) -> Result<Vec<Operand>> {
        list.iter().map(|e| self.operand(e)).collect()
    }

    /// `left op right`.
    pub fn make_op(&mut self, op: &OperatorName, left: Operand, right: Operand, pos: usize) -> Result<Expr> {
        self.check_operator_schema(op, Some(&left), &right)?;
        let resolved = resolve_operator(&op.name, Some(left.expr.ty()), right.expr.ty())
            .map_err(|e| self.name_types(e, &[left.expr.ty(), right.expr.ty()]).at(pos))?;
        let a = self.coerce_argument(left.expr, resolved.left, left.pos)?;
        let b = self.coerce_argument(right.expr, resolved.right, right.pos)?;
        Ok(Expr::operator(resolved.op, vec![a, b], resolved.ret))
    }

    /// A built-in operator by its plain name.
    pub fn make_named_op(&mut self, name: &str, left: Operand, right: Operand, pos: usize) -> Result<Expr> {
        self.make_op(&OperatorName::plain(name, pos), left, right, pos)
    }

    /// `left op ANY|ALL (array)`.
    pub fn make_any_all(
        &mut self,
        op: &OperatorName,
        all: bool,
        left: Operand,
        array: Operand,
        pos: usize,
    ) -> Result<Expr> {
        self.check_operator_schema(op, Some(&left), &array)?;
        let resolved = resolve_any_all(&op.name, left.expr.ty(), array.expr.ty())
            .map_err(|e| self.name_types(e, &[left.expr.ty(), array.expr.ty()]).at(pos))?;
        let a = self.coerce_argument(left.expr, resolved.left, left.pos)?;
        let b = self.coerce_argument(array.expr, resolved.right, array.pos)?;
        Ok(Expr::AnyAll {
            func: resolved.op.function(),
            left: Box::new(a),
            array: Box::new(b),
            all,
            form: Form::Operator(resolved.op),
        })
    }

    /// `OPERATOR(schema.op)`: all operators are in `pg_catalog`.
    fn check_operator_schema(&self, op: &OperatorName, left: Option<&Operand>, right: &Operand) -> Result<()> {
        let Some(schema) = op.schema.last() else { return Ok(()) };
        match schema_oid(&self.env, schema) {
            Some(PG_CATALOG) => Ok(()),
            None => Err(no_schema(schema).at(op.pos)),
            Some(_) => {
                let left = left.map_or(String::new(), |l| format!("{} ", type_name(l.expr.ty().oid)));
                let right = type_name(right.expr.ty().oid);
                Err(Error::new(
                    SqlState::UNDEFINED_FUNCTION,
                    format!("operator does not exist: {left}{schema}.{} {right}", op.name),
                )
                .hint(
                    "No operator matches the given name and argument types. You might need to add explicit type casts.",
                )
                .at(op.pos))
            }
        }
    }
}

/// Whether an expression is a literal NULL without a type.
pub(in crate::binder) fn is_null_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Const { value, ty } if value.is_null() && ty.oid == oid::UNKNOWN)
}
