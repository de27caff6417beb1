//! LIKE, BETWEEN, IN, IS ...: predicates with a syntax of their own.

use super::operator::{Operand, is_null_literal};
use super::row::is_row_type;
use crate::base::{Error, Result, SqlState};
use crate::binder::state::Binder;
use crate::expr::resolve::{resolve_operator, select_common_type};
use crate::expr::{BoolTest, CastContext, Expr, resolve};
use crate::parser::ast::{self, ExprKind, LikeKind, NormalForm, OperatorName};
use crate::types::{SqlType, oid};

impl Binder<'_> {
    pub fn transform_like(
        &mut self,
        kind: LikeKind,
        negated: bool,
        arg: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
        pos: usize,
    ) -> Result<Expr> {
        let name = match (kind, negated) {
            (LikeKind::Like, false) => "~~",
            (LikeKind::Like, true) => "!~~",
            (LikeKind::ILike, false) => "~~*",
            (LikeKind::ILike, true) => "!~~*",
            (LikeKind::SimilarTo, false) => "~",
            (LikeKind::SimilarTo, true) => "!~",
        };
        let arg = self.operand(arg)?;
        let at = pattern.location();
        let pattern = match (kind, escape) {
            (LikeKind::SimilarTo, None) => self.call_builtin("similar_to_escape", &[pattern], pos)?,
            (LikeKind::SimilarTo, Some(escape)) => self.call_builtin("similar_to_escape", &[pattern, escape], pos)?,
            (_, Some(escape)) => self.call_builtin("like_escape", &[pattern, escape], pos)?,
            (_, None) => self.transform_expr(pattern)?,
        };
        self.make_named_op(name, arg, Operand::new(pattern, at), pos)
    }

    /// `transformAExprBetween`: two comparisons, or four when symmetric.
    pub fn transform_between(
        &mut self,
        negated: bool,
        symmetric: bool,
        operands: [&ast::Expr; 3],
        pos: usize,
    ) -> Result<Expr> {
        let range = |b: &mut Self, low: &ast::Expr, high: &ast::Expr| -> Result<Expr> {
            let arg = operands[0];
            let (first, second) = if negated { ("<", ">") } else { (">=", "<=") };
            let above = b.compare_again(first, arg, low, pos)?;
            let below = b.compare_again(second, arg, high, pos)?;
            Ok(if negated { Expr::Or(vec![above, below]) } else { Expr::And(vec![above, below]) })
        };
        let [_, low, high] = operands;
        let straight = range(self, low, high)?;
        if !symmetric {
            return Ok(straight);
        }
        let swapped = range(self, high, low)?;
        Ok(if negated { Expr::And(vec![straight, swapped]) } else { Expr::Or(vec![straight, swapped]) })
    }

    /// One comparison of BETWEEN. As in PostgreSQL the operands are bound, and evaluated, once for each comparison.
    fn compare_again(&mut self, name: &str, left: &ast::Expr, right: &ast::Expr, pos: usize) -> Result<Expr> {
        self.count_rebinding()?;
        let op = OperatorName::plain(name, pos);
        self.transform_binary(&op, left, right, pos)
    }

    /// `transformAExprIn` for a list.
    pub fn transform_in_list(
        &mut self,
        negated: bool,
        arg: &ast::Expr,
        list: &[ast::Expr],
        pos: usize,
    ) -> Result<Expr> {
        let op = OperatorName::plain(if negated { "<>" } else { "=" }, pos);
        let mut tests = Vec::new();
        let is_row = |e: &ast::Expr| matches!(e.kind, ExprKind::Row { .. });
        if is_row(arg) || list.iter().any(is_row) {
            for item in list {
                self.count_rebinding()?;
                let test = self.transform_binary(&op, arg, item, pos)?;
                tests.push(self.coerce_to_boolean(test, "IN", pos)?);
            }
            return Ok(if negated { Expr::and(tests) } else { Expr::or(tests) });
        }
        let left = self.operand(arg)?;
        let depth = self.depth();
        let (mut varying, mut fixed) = (Vec::new(), Vec::new());
        for item in list {
            let item = self.operand(item)?;
            let varies = self.mentions_level(&item.expr, depth);
            if varies { &mut varying } else { &mut fixed }.push(item);
        }
        let mut left = Some(left);
        let mut fixed = match self.in_array_type(left.as_ref().expect("not used yet"), &fixed) {
            Some((element, array)) => {
                let operand = self.share(&mut left, varying.is_empty());
                tests.push(self.make_in_array(&op, negated, operand, fixed, element, array, pos)?);
                Vec::new()
            }
            None => fixed,
        };
        fixed.append(&mut varying);
        let count = fixed.len();
        for (i, item) in fixed.into_iter().enumerate() {
            let operand = self.share(&mut left, i + 1 == count);
            let test = self.make_op(&op, operand, item, pos)?;
            tests.push(self.coerce_to_boolean(test, "IN", pos)?);
        }
        Ok(if negated { Expr::and(tests) } else { Expr::or(tests) })
    }

    /// The left operand for one more comparison; the last one takes it.
    fn share(&mut self, left: &mut Option<Operand>, last: bool) -> Operand {
        if last {
            return left.take().expect("taken by the last use only");
        }
        let operand = left.as_ref().expect("taken by the last use only");
        Operand::new(self.copy(&operand.expr), operand.pos)
    }

    /// The type that the items of an IN list share with the left side, when they can be searched as an array.
    fn in_array_type(&self, left: &Operand, items: &[Operand]) -> Option<(SqlType, SqlType)> {
        if items.len() < 2 {
            return None;
        }
        let types: Vec<_> = std::iter::once(left).chain(items).map(|o| o.expr.ty().oid).collect();
        let common = select_common_type(&types)?;
        let works = types.iter().all(|&t| resolve::can_coerce(t, common, CastContext::Implicit));
        if !works || common == oid::RECORD {
            return None;
        }
        let element = SqlType::of(common);
        Some((element, element.array()?))
    }

    #[allow(clippy::too_many_arguments)]
    fn make_in_array(
        &mut self,
        op: &OperatorName,
        negated: bool,
        left: Operand,
        items: Vec<Operand>,
        element: SqlType,
        array: SqlType,
        pos: usize,
    ) -> Result<Expr> {
        let at = items[0].pos;
        let items = items
            .into_iter()
            .map(|item| {
                let pos = item.pos;
                self.coerce_to_common("IN", item.expr, element, pos)
            })
            .collect::<Result<_>>()?;
        let array = Expr::Array { items, ty: array, nested: false };
        self.make_any_all(op, negated, left, Operand::new(array, at), pos)
    }

    pub fn transform_null_test(&mut self, negated: bool, arg: &ast::Expr) -> Result<Expr> {
        let bound = self.transform_expr(arg)?;
        let row = is_row_type(bound.ty());
        Ok(Expr::IsNull { arg: Box::new(bound), negated, row })
    }

    pub fn transform_bool_test(&mut self, negated: bool, test: ast::BoolTest, arg: &ast::Expr) -> Result<Expr> {
        let (test, construct) = match (test, negated) {
            (ast::BoolTest::True, false) => (BoolTest::True, "IS TRUE"),
            (ast::BoolTest::True, true) => (BoolTest::NotTrue, "IS NOT TRUE"),
            (ast::BoolTest::False, false) => (BoolTest::False, "IS FALSE"),
            (ast::BoolTest::False, true) => (BoolTest::NotFalse, "IS NOT FALSE"),
            (ast::BoolTest::Unknown, false) => (BoolTest::Unknown, "IS UNKNOWN"),
            (ast::BoolTest::Unknown, true) => (BoolTest::NotUnknown, "IS NOT UNKNOWN"),
        };
        let bound = self.transform_expr(arg)?;
        let arg = self.coerce_to_boolean(bound, construct, arg.location())?;
        Ok(Expr::IsBool { arg: Box::new(arg), test })
    }

    pub fn transform_distinct(
        &mut self,
        negated: bool,
        left: &ast::Expr,
        right: &ast::Expr,
        pos: usize,
    ) -> Result<Expr> {
        if let (ExprKind::Row { fields: a, .. }, ExprKind::Row { fields: b, .. }) = (&left.kind, &right.kind) {
            let (a, b) = (self.operands(a)?, self.operands(b)?);
            let distinct = self.make_row_distinct(a, b, pos)?;
            return Ok(if negated { Expr::not(distinct) } else { distinct });
        }
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        // A comparison with NULL is a test for NULL, of whatever type.
        for (null, other) in [(&right.expr, &left.expr), (&left.expr, &right.expr)] {
            if is_null_literal(null) {
                return Ok(Expr::is_null(other.clone(), !negated));
            }
        }
        let mut distinct = self.make_distinct(left, right, pos)?;
        if let Expr::IsDistinct { negated: n, .. } = &mut distinct {
            *n = negated;
        }
        Ok(distinct)
    }

    /// `make_distinct_op`.
    pub fn make_distinct(&mut self, left: Operand, right: Operand, pos: usize) -> Result<Expr> {
        let resolved = resolve_operator("=", Some(left.expr.ty()), right.expr.ty()).map_err(|e| e.at(pos))?;
        if resolved.ret.oid != oid::BOOL {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                "IS DISTINCT FROM requires = operator to yield boolean",
            )
            .at(pos));
        }
        let left = self.coerce_argument(left.expr, resolved.left, left.pos)?;
        let right = self.coerce_argument(right.expr, resolved.right, right.pos)?;
        let equal = resolved.op.function();
        Ok(Expr::IsDistinct { left: Box::new(left), right: Box::new(right), equal, negated: false })
    }

    pub fn transform_is_normalized(
        &mut self,
        negated: bool,
        form: Option<NormalForm>,
        arg: &ast::Expr,
        pos: usize,
    ) -> Result<Expr> {
        let mut args = vec![self.operand(arg)?];
        if let Some(form) = form {
            args.push(Operand::new(Expr::constant(normal_form(form), SqlType::TEXT), pos));
        }
        let test = self.invoke_builtin("is_normalized", args, pos)?;
        Ok(if negated { Expr::not(test) } else { test })
    }

    pub fn transform_overlaps(&mut self, left: &ast::Expr, right: &ast::Expr, pos: usize) -> Result<Expr> {
        let sides = [(left, "left"), (right, "right")];
        let mut args = Vec::with_capacity(4);
        for (side, word) in sides {
            match &side.kind {
                ExprKind::Row { fields, .. } if fields.len() == 2 => args.extend(self.operands(fields)?),
                _ => {
                    return Err(Error::new(
                        SqlState::SYNTAX_ERROR,
                        format!("wrong number of parameters on {word} side of OVERLAPS expression"),
                    )
                    .at(pos));
                }
            }
        }
        self.invoke_builtin("overlaps", args, pos)
    }
}

pub(super) fn normal_form(form: NormalForm) -> &'static str {
    match form {
        NormalForm::Nfc => "NFC",
        NormalForm::Nfd => "NFD",
        NormalForm::Nfkc => "NFKC",
        NormalForm::Nfkd => "NFKD",
    }
}
