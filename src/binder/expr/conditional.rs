//! CASE, COALESCE, NULLIF, GREATEST and LEAST: expressions whose parts share a type.

use super::operator::Operand;
use crate::base::{Error, Result, SqlState};
use crate::binder::state::{Binder, ColumnKind};
use crate::expr::Expr;
use crate::expr::registry::less_operator;
use crate::expr::resolve::{common_type, resolve_operator};
use crate::parser::ast;
use crate::types::{SqlType, oid, type_name};

impl Binder<'_> {
    pub fn transform_case(&mut self, case: &ast::Case, pos: usize) -> Result<Expr> {
        let sets = self.level_ref().set_calls.len();
        let operand = match &case.operand {
            Some(operand) => {
                let bound = self.transform_expr(operand)?;
                // A literal to compare with is text, for its own type is not to depend on the first WHEN.
                Some(self.resolve_unknown(bound, operand.location())?)
            }
            None => None,
        };
        let mut conditions = Vec::with_capacity(case.whens.len());
        let mut results = Vec::with_capacity(case.whens.len() + 1);
        for when in &case.whens {
            conditions.push(self.transform_when(operand.as_ref().map(Expr::ty), when)?);
            results.push(self.operand(&when.result)?);
        }
        let otherwise = match &case.otherwise {
            Some(otherwise) => self.operand(otherwise)?,
            None => Operand::new(Expr::null(SqlType::UNKNOWN), pos),
        };
        // The default comes first when the common type is chosen.
        results.insert(0, otherwise);
        let (mut results, ty) = self.common_operands("CASE", results)?;
        let otherwise = results.remove(0);
        self.refuse_conditional_sets(sets, "CASE", pos)?;
        let has_default = case.otherwise.is_some();
        Ok(Expr::Case {
            operand: operand.map(Box::new),
            whens: conditions.into_iter().zip(results).collect(),
            otherwise: has_default.then(|| Box::new(otherwise)),
            ty,
        })
    }

    fn transform_when(&mut self, operand: Option<SqlType>, when: &ast::When) -> Result<Expr> {
        let condition = self.operand(&when.condition)?;
        let at = condition.pos;
        let test = match operand {
            Some(ty) => self.make_named_op("=", Operand::new(Expr::CaseValue { ty }, at), condition, when.pos)?,
            None => condition.expr,
        };
        self.coerce_to_boolean(test, "CASE/WHEN", at)
    }

    pub fn transform_coalesce(&mut self, args: &[ast::Expr]) -> Result<Expr> {
        let sets = self.level_ref().set_calls.len();
        let operands = self.operands(args)?;
        let (args, ty) = self.common_operands("COALESCE", operands)?;
        self.refuse_conditional_sets(sets, "COALESCE", 0)?;
        Ok(Expr::Coalesce { args, ty })
    }

    pub fn transform_minmax(&mut self, args: &[ast::Expr], greatest: bool, pos: usize) -> Result<Expr> {
        let construct = if greatest { "GREATEST" } else { "LEAST" };
        let operands = self.operands(args)?;
        let (args, ty) = self.common_operands(construct, operands)?;
        if less_operator(ty).is_none() {
            return Err(Error::new(
                SqlState::UNDEFINED_FUNCTION,
                format!("could not identify a comparison function for type {}", type_name(ty.oid)),
            )
            .at(pos));
        }
        Ok(Expr::MinMax { args, greatest, ty })
    }

    pub fn transform_nullif(&mut self, left: &ast::Expr, right: &ast::Expr, pos: usize) -> Result<Expr> {
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        let resolved = resolve_operator("=", Some(left.expr.ty()), right.expr.ty()).map_err(|e| e.at(pos))?;
        if resolved.ret.oid != oid::BOOL {
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, "NULLIF requires = operator to yield boolean").at(pos));
        }
        let left = self.coerce_argument(left.expr, resolved.left, left.pos)?;
        let right = self.coerce_argument(right.expr, resolved.right, right.pos)?;
        let ty = left.ty();
        Ok(Expr::NullIf { left: Box::new(left), right: Box::new(right), equal: resolved.op.function(), ty })
    }

    /// All operands as their common type.
    pub fn common_operands(&mut self, construct: &str, operands: Vec<Operand>) -> Result<(Vec<Expr>, SqlType)> {
        let types: Vec<(SqlType, usize)> = operands.iter().map(|o| (o.expr.ty(), o.pos)).collect();
        let ty = self.common_type(construct, &types)?;
        let exprs =
            operands.into_iter().map(|o| self.coerce_to_common(construct, o.expr, ty, o.pos)).collect::<Result<_>>()?;
        Ok((exprs, ty))
    }

    /// The common type, with the position of the first expression that does not fit.
    pub fn common_type(&self, construct: &str, types: &[(SqlType, usize)]) -> Result<SqlType> {
        let list: Vec<SqlType> = types.iter().map(|t| t.0).collect();
        common_type(construct, &list).map_err(|e| {
            let misfit = (1..list.len()).find(|&i| common_type(construct, &list[..=i]).is_err()).unwrap_or(0);
            self.name_types(e, &list[..=misfit]).at(types[misfit].1)
        })
    }

    /// `coerce_to_common_type`.
    pub fn coerce_to_common(&mut self, construct: &str, expr: Expr, ty: SqlType, pos: usize) -> Result<Expr> {
        self.coercer().to_common(construct, expr, ty).map_err(|e| e.at(pos))
    }

    /// Set-returning functions do not run conditionally. `before` is how many there were ahead of the construct.
    fn refuse_conditional_sets(&self, before: usize, construct: &str, pos: usize) -> Result<()> {
        let level = self.level_ref();
        let Some((id, _)) = level.set_calls.get(before) else { return Ok(()) };
        debug_assert_eq!(self.state(*id).kind, ColumnKind::Set);
        let at = level.mentions.iter().find(|m| m.id == *id).map_or(pos, |m| m.pos);
        Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("set-returning functions are not allowed in {construct}"),
        )
        .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
        .at(at))
    }
}
