//! The evaluator.

use super::context::EvalContext;
use super::tree::{Expr, Quantified};
use super::value::Value;
use crate::base::Result;
use crate::types::{Batch, Datum, DatumRef};
use arrow_array::{ArrayRef, BooleanArray};

/// The rows that a condition holds for.
#[derive(Clone, Debug)]
pub enum Selection {
    All,
    Nothing,
    /// Neither NULLs nor all of one kind.
    Some(BooleanArray),
}

/// The expression's values for the rows of a batch.
pub fn evaluate(expr: &Expr, batch: &Batch, cx: &mut EvalContext<'_>) -> Result<ArrayRef> {
    Ok(evaluate_value(expr, batch, cx)?.into_array(expr.ty(), batch.rows))
}

/// Like [`evaluate`], keeping what is the same for all rows a single value. A batch of one row gives single values.
pub fn evaluate_value(_expr: &Expr, _batch: &Batch, _cx: &mut EvalContext<'_>) -> Result<Value> {
    todo!()
}

/// The value of an expression without input.
pub fn evaluate_scalar(_expr: &Expr, _cx: &mut EvalContext<'_>) -> Result<Datum> {
    todo!()
}

/// The rows for which a condition is true.
pub fn filter(_condition: &Expr, _batch: &Batch, _cx: &mut EvalContext<'_>) -> Result<Selection> {
    todo!()
}

/// The test of one row of a quantified subquery: what `left op row` gives.
pub fn quantified_row(
    _test: &Quantified,
    _left: &[DatumRef<'_>],
    _row: &[DatumRef<'_>],
    _cx: &mut EvalContext<'_>,
) -> Result<Option<bool>> {
    todo!()
}
