//! The evaluator: one walk of the tree for each batch.
//!
//! Values stay single as long as they can ([`Value`]). A call over single values, or over a batch of one row, runs the
//! kernel's row form once; over columns it runs the column form, or the row form in a loop. What must not run on all
//! rows runs on a [`Frame`](frame::Frame) narrowed to those that reach it.

mod any_all;
mod call;
mod coerce;
mod condition;
mod construct;
mod frame;
mod logic;
mod subquery;

#[cfg(test)]
mod tests;

use super::context::EvalContext;
use super::tree::Expr;
use super::value::Value;
use crate::base::{Error, Result};
use crate::types::{Batch, Datum, null_column};
use arrow_array::ArrayRef;
use frame::Frame;

pub use call::{call_function, call_row};
pub(crate) use coerce::text_of;
pub use logic::{Selection, filter};
pub use subquery::quantified_row;

/// The expression's values for the rows of a batch.
pub fn evaluate(expr: &Expr, batch: &Batch, cx: &mut EvalContext<'_>) -> Result<ArrayRef> {
    if let Expr::Input { index, .. } = expr {
        return Ok(batch.columns[*index].clone());
    }
    Ok(evaluate_value(expr, batch, cx)?.into_array(expr.ty(), batch.rows))
}

/// Like [`evaluate`], keeping what is the same for all rows a single value. Over a batch of one row, computed values are
/// single.
pub fn evaluate_value(expr: &Expr, batch: &Batch, cx: &mut EvalContext<'_>) -> Result<Value> {
    cx.check_cancelled()?;
    eval(expr, &Frame::of(batch), cx)
}

/// The value of an expression that reads no input column.
pub fn evaluate_scalar(expr: &Expr, cx: &mut EvalContext<'_>) -> Result<Datum> {
    let batch = Batch::new(Vec::new(), 1);
    let value = eval(expr, &Frame::of(&batch), cx)?;
    Ok(match value {
        Value::Scalar(datum) => datum,
        column => column.row(expr.ty().physical(), 0),
    })
}

fn eval(expr: &Expr, frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    if frame.rows == 0 {
        return Ok(Value::Column(null_column(expr.ty().physical(), 0)));
    }
    match expr {
        Expr::Const { value, .. } => Ok(Value::Scalar(value.clone())),
        Expr::Input { index, .. } => Ok(Value::Column(frame.column(*index))),
        Expr::Param { index, .. } => {
            let value = cx.params.get(*index);
            Ok(Value::Scalar(
                value.ok_or_else(|| Error::internal(format!("no value for parameter {}", index + 1)))?.clone(),
            ))
        }
        Expr::Exec { slot, .. } => Ok(Value::Scalar(cx.exec[*slot].clone())),
        Expr::CaseValue { .. } => Ok(frame.case_value.clone().expect("CaseValue stands inside what gives its value")),
        Expr::Call { func, args, ty, .. } => call::eval_call(func, args, *ty, frame, cx),
        Expr::Coerce { arg, ty, how, .. } => coerce::eval_coerce(arg, *ty, how, frame, cx),
        Expr::And(args) => logic::eval_and(args, frame, cx),
        Expr::Or(args) => logic::eval_or(args, frame, cx),
        Expr::Not(arg) => logic::eval_not(arg, frame, cx),
        Expr::IsNull { arg, negated, row } => logic::eval_is_null(arg, *negated, *row, frame, cx),
        Expr::IsBool { arg, test } => logic::eval_is_bool(arg, *test, frame, cx),
        Expr::IsDistinct { left, right, equal, negated } => {
            condition::eval_is_distinct(left, right, equal, *negated, frame, cx)
        }
        Expr::NullIf { left, right, equal, .. } => condition::eval_null_if(left, right, equal, frame, cx),
        Expr::Case { operand, whens, otherwise, ty } => {
            condition::eval_case(operand.as_deref(), whens, otherwise.as_deref(), *ty, frame, cx)
        }
        Expr::Coalesce { args, ty } => condition::eval_coalesce(args, *ty, frame, cx),
        Expr::MinMax { args, greatest, ty } => condition::eval_min_max(args, *greatest, *ty, frame, cx),
        Expr::Array { items, ty, nested } => construct::eval_array(items, *ty, *nested, frame, cx),
        Expr::Row { fields, .. } => construct::eval_row(fields, frame, cx),
        Expr::RowCompare { left, right, less, equal, order } => {
            condition::eval_row_compare(left, right, less, equal, *order, frame, cx)
        }
        Expr::Subscript { arg, indexes, ty } => construct::eval_subscript(arg, indexes, *ty, frame, cx),
        Expr::SubscriptAssign { arg, indexes, value, ty } => {
            construct::eval_subscript_assign(arg, indexes, value, *ty, frame, cx)
        }
        Expr::Field { arg, index, ty } => construct::eval_field(arg, *index, *ty, frame, cx),
        Expr::AnyAll { func, left, array, all, .. } => any_all::eval_any_all(func, left, array, *all, frame, cx),
        Expr::Subquery { id, kind, args, ty } => subquery::eval_subquery(*id, kind, args, *ty, frame, cx),
        Expr::Column { id, .. } => Err(Error::internal(format!("column {} was not placed by the planner", id.0))),
        Expr::Default { .. } => Err(Error::internal("DEFAULT was not replaced by the binder")),
    }
}
