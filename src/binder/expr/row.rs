//! Rows and their comparison (`transformRowExpr`, `make_row_comparison_op`, `make_row_distinct_op`).

use super::operator::Operand;
use crate::base::{Error, Oid, Result, SqlState};
use crate::binder::state::Binder;
use crate::expr::resolve::resolve_operator;
use crate::expr::{Expr, Function, Operator, RowOrder};
use crate::parser::ast::{self, OperatorName};
use crate::types::{SqlType, format_type, oid, type_info};

/// PostgreSQL's `MaxTupleAttributeNumber`.
const FIELDS_MAX: usize = 1664;

/// Whether values of the type are rows.
pub(in crate::binder) fn is_row_type(ty: SqlType) -> bool {
    ty.oid == oid::RECORD
        || match type_info(ty.oid) {
            Some(t) => t.kind == b'c',
            None => ty.oid >= Oid::FIRST_USER && ty.array().is_none() && ty.element().is_none(),
        }
}

/// How the pairwise results of a row comparison combine.
#[derive(Clone, Copy)]
pub(super) enum RowComparison {
    Every,
    Some,
    Order(RowOrder),
}

/// What a row comparison by an operator of this name means; none if it means nothing.
pub(super) fn row_comparison(name: &str) -> Option<RowComparison> {
    Some(match name {
        "=" => RowComparison::Every,
        "<>" => RowComparison::Some,
        "<" => RowComparison::Order(RowOrder::Lt),
        "<=" => RowComparison::Order(RowOrder::Le),
        ">" => RowComparison::Order(RowOrder::Gt),
        ">=" => RowComparison::Order(RowOrder::Ge),
        _ => return None,
    })
}

pub(super) fn uninterpretable(name: &str, pos: usize) -> Error {
    Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("could not determine interpretation of row comparison operator {name}"),
    )
    .hint("Row comparison operators must be associated with btree operator families.")
    .at(pos)
}

impl Binder<'_> {
    /// `ROW(a, b)`: literals in it become text.
    pub fn transform_row(&mut self, fields: &[ast::Expr], pos: usize) -> Result<Expr> {
        if fields.len() > FIELDS_MAX {
            return Err(Error::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("ROW expressions can have at most {FIELDS_MAX} entries"),
            )
            .at(pos));
        }
        let mut bound = Vec::with_capacity(fields.len());
        for field in fields {
            self.transform_row_field(field, &mut bound)?;
        }
        Ok(Expr::Row { fields: bound, ty: SqlType::RECORD })
    }

    /// A field may be `t.*`, which stands for all of the item's columns.
    fn transform_row_field(&mut self, field: &ast::Expr, out: &mut Vec<Expr>) -> Result<()> {
        if self.is_star(field) {
            let targets = self.expand_star(field)?;
            out.extend(targets.into_iter().map(|t| t.expr));
            return Ok(());
        }
        let expr = self.transform_expr(field)?;
        out.push(self.resolve_unknown(expr, field.location())?);
        Ok(())
    }

    /// `(a, b) op (c, d)`.
    pub fn make_row_comparison(
        &mut self,
        op: &OperatorName,
        left: Vec<Operand>,
        right: Vec<Operand>,
        pos: usize,
    ) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions").at(pos));
        }
        if left.is_empty() {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot compare rows of zero length").at(pos));
        }
        let mut tests = Vec::with_capacity(left.len());
        for (a, b) in left.into_iter().zip(right) {
            let test = self.make_op(op, a, b, pos)?;
            if test.ty().oid != oid::BOOL {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("row comparison operator must yield type boolean, not type {}", format_type(test.ty())),
                )
                .at(pos));
            }
            tests.push(test);
        }
        if tests.len() == 1 {
            return Ok(tests.pop().expect("one test"));
        }
        match row_comparison(&op.name).ok_or_else(|| uninterpretable(&op.name, pos))? {
            RowComparison::Every => Ok(Expr::And(tests)),
            RowComparison::Some => Ok(Expr::Or(tests)),
            RowComparison::Order(order) => row_order(tests, order, pos),
        }
    }

    /// `(a, b) IS DISTINCT FROM (c, d)`.
    pub fn make_row_distinct(&mut self, left: Vec<Operand>, right: Vec<Operand>, pos: usize) -> Result<Expr> {
        if left.len() != right.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "unequal number of entries in row expressions").at(pos));
        }
        let pairs = left.into_iter().zip(right);
        Ok(Expr::or(pairs.map(|(a, b)| self.make_distinct(a, b, pos)).collect::<Result<_>>()?))
    }
}

/// The `<` and `=` that order values of the two types.
pub(super) fn ordering_functions(
    left: SqlType,
    right: SqlType,
    pos: usize,
) -> Result<(&'static Function, &'static Function)> {
    let named = |name: &str| -> Result<&'static Operator> {
        resolve_operator(name, Some(left), right).map(|r| r.op).map_err(|e| e.at(pos))
    };
    Ok((named("<")?.function(), named("=")?.function()))
}

fn row_order(tests: Vec<Expr>, order: RowOrder, pos: usize) -> Result<Expr> {
    let (mut left, mut right, mut less, mut equal) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for test in tests {
        let Expr::Call { args, .. } = test else { panic!("an operator is a call") };
        let [a, b]: [Expr; 2] = args.try_into().expect("a comparison has two operands");
        let (lt, eq) = ordering_functions(a.ty(), b.ty(), pos)?;
        left.push(a);
        right.push(b);
        less.push(lt);
        equal.push(eq);
    }
    Ok(Expr::RowCompare { left, right, less, equal, order })
}
