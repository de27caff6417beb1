//! CASE, COALESCE, NULLIF, GREATEST and LEAST, IS DISTINCT FROM, comparison of rows.

use super::call::{call_function, call_row};
use super::eval;
use super::frame::Frame;
use super::logic::{boolean_at, from_bits};
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{CallTypes, Function};
use crate::expr::tree::{Expr, RowOrder};
use crate::expr::value::Value;
use crate::types::{ColumnBuilder, Datum, DatumRef, SqlType, compare};
use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_select::interleave::interleave;
use arrow_select::nullif::nullif;
use std::cmp::Ordering;

/// Values computed for disjoint sets of rows, to become one column.
struct Pieces {
    ty: SqlType,
    arrays: Vec<ArrayRef>,
    /// Of each row: which array, and where in it.
    places: Vec<(usize, usize)>,
}

impl Pieces {
    /// Rows not set are NULL.
    fn new(ty: SqlType, rows: usize) -> Pieces {
        let nulls = Value::null().into_array(ty, 1);
        Pieces { ty, arrays: vec![nulls], places: vec![(0, 0); rows] }
    }

    /// Row `rows[k]` takes value `k`.
    fn set(&mut self, rows: &[u32], value: Value) {
        let array = self.arrays.len();
        match value {
            Value::Scalar(_) => {
                self.arrays.push(value.into_array(self.ty, 1));
                rows.iter().for_each(|&i| self.places[i as usize] = (array, 0));
            }
            Value::Column(column) => {
                self.arrays.push(column);
                rows.iter().enumerate().for_each(|(k, &i)| self.places[i as usize] = (array, k));
            }
        }
    }

    fn finish(self) -> Value {
        let arrays: Vec<&dyn Array> = self.arrays.iter().map(AsRef::as_ref).collect();
        Value::Column(interleave(&arrays, &self.places).expect("columns of one form"))
    }
}

/// The values of `value`'s rows at `at`, as rows of a narrower frame would have them.
fn pick(value: &Value, at: &[u32]) -> Value {
    match value {
        Value::Scalar(_) => value.clone(),
        Value::Column(array) => Value::Column(super::frame::gather(array, &UInt32Array::from(at.to_vec()))),
    }
}

pub(super) fn eval_case(
    operand: Option<&Expr>,
    whens: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    ty: SqlType,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let tests_frame;
    let tests = match operand {
        Some(e) => {
            let value = eval(e, frame, cx)?;
            tests_frame = frame.with_case_value(value);
            &tests_frame
        }
        None => frame,
    };
    if frame.rows == 1 {
        for (test, value) in whens {
            if boolean_at(&eval(test, tests, cx)?, 0) == Some(true) {
                return eval(value, frame, cx);
            }
        }
        return otherwise.map_or(Ok(Value::null()), |e| eval(e, frame, cx));
    }
    let mut pieces = Pieces::new(ty, frame.rows);
    let mut open: Vec<u32> = (0..frame.rows as u32).collect();
    for (test, value) in whens {
        if open.is_empty() {
            break;
        }
        let whole = open.len() == frame.rows;
        let truth = if whole {
            eval(test, tests, cx)?
        } else {
            eval(test, &tests.narrow(&UInt32Array::from(open.clone())), cx)?
        };
        let (mut hit, mut miss) = (Vec::new(), Vec::new());
        for (k, &row) in open.iter().enumerate() {
            if boolean_at(&truth, k) == Some(true) { hit.push(row) } else { miss.push(row) }
        }
        if hit.len() == frame.rows {
            return eval(value, frame, cx);
        }
        if !hit.is_empty() {
            let value = eval(value, &frame.narrow(&UInt32Array::from(hit.clone())), cx)?;
            pieces.set(&hit, value);
        }
        open = miss;
    }
    if let (Some(e), false) = (otherwise, open.is_empty()) {
        if open.len() == frame.rows {
            return eval(e, frame, cx);
        }
        let value = eval(e, &frame.narrow(&UInt32Array::from(open.clone())), cx)?;
        pieces.set(&open, value);
    }
    Ok(pieces.finish())
}

pub(super) fn eval_coalesce(args: &[Expr], ty: SqlType, frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    let mut pieces = Pieces::new(ty, frame.rows);
    let mut open: Vec<u32> = (0..frame.rows as u32).collect();
    for arg in args {
        let whole = open.len() == frame.rows;
        let value =
            if whole { eval(arg, frame, cx)? } else { eval(arg, &frame.narrow(&UInt32Array::from(open.clone())), cx)? };
        let (mut found, mut found_at, mut miss) = (Vec::new(), Vec::new(), Vec::new());
        let is_null = |k: usize| match &value {
            Value::Scalar(datum) => datum.is_null(),
            Value::Column(array) => array.is_null(k),
        };
        if whole && value.null_count(frame.rows) == 0 {
            return Ok(value);
        }
        for (k, &row) in open.iter().enumerate() {
            if is_null(k) {
                miss.push(row);
            } else {
                found.push(row);
                found_at.push(k as u32);
            }
        }
        if !found.is_empty() {
            pieces.set(&found, pick(&value, &found_at));
        }
        open = miss;
        if open.is_empty() {
            break;
        }
    }
    if open.len() == frame.rows {
        return Ok(Value::null());
    }
    Ok(pieces.finish())
}

fn eval_equal(
    left: &Value,
    right: &Value,
    types: [SqlType; 2],
    equal: &'static Function,
    rows: usize,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let types = CallTypes { args: &types, ret: SqlType::BOOL };
    call_function(equal, &[left.clone(), right.clone()], types, rows, cx)
}

fn is_null(value: &Value, i: usize) -> bool {
    match value {
        Value::Scalar(datum) => datum.is_null(),
        Value::Column(array) => array.is_null(i),
    }
}

pub(super) fn eval_is_distinct(
    left: &Expr,
    right: &Expr,
    equal: &'static Function,
    negated: bool,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let (l, r) = (eval(left, frame, cx)?, eval(right, frame, cx)?);
    let same = eval_equal(&l, &r, [left.ty(), right.ty()], equal, frame.rows, cx)?;
    let distinct = |i: usize| match (is_null(&l, i), is_null(&r, i)) {
        (false, false) => boolean_at(&same, i) != Some(true),
        (a, b) => a != b,
    };
    Ok(match (&l, &r) {
        (Value::Scalar(_), Value::Scalar(_)) => Value::Scalar(Datum::Bool(distinct(0) != negated)),
        _ => from_bits(BooleanBuffer::collect_bool(frame.rows, |i| distinct(i) != negated)),
    })
}

pub(super) fn eval_null_if(
    left: &Expr,
    right: &Expr,
    equal: &'static Function,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let (l, r) = (eval(left, frame, cx)?, eval(right, frame, cx)?);
    let same = eval_equal(&l, &r, [left.ty(), right.ty()], equal, frame.rows, cx)?;
    Ok(match (l, same) {
        (l, Value::Scalar(Datum::Bool(true))) if !matches!(l, Value::Column(_)) => Value::null(),
        (Value::Column(_), Value::Scalar(Datum::Bool(true))) => Value::null(),
        (l, Value::Scalar(_)) => l,
        (l, same) => {
            let mask = BooleanBuffer::collect_bool(frame.rows, |i| boolean_at(&same, i) == Some(true));
            let array = l.into_array(left.ty(), frame.rows);
            Value::Column(nullif(&array, &BooleanArray::new(mask, None)).expect("a mask of the column's length"))
        }
    })
}

pub(super) fn eval_min_max(
    args: &[Expr],
    greatest: bool,
    ty: SqlType,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let values: Vec<Value> = args.iter().map(|a| eval(a, frame, cx)).collect::<Result<_>>()?;
    let readers: Vec<_> = values.iter().map(|v| v.reader(ty.physical())).collect();
    let wanted = if greatest { Ordering::Greater } else { Ordering::Less };
    let best = |i: usize| {
        let mut best = DatumRef::Null;
        for value in readers.iter().map(|r| r.get(i)).filter(|v| !v.is_null()) {
            if best.is_null() || compare(ty, value, best) == wanted {
                best = value;
            }
        }
        best
    };
    if frame.rows == 1 || values.iter().all(|v| matches!(v, Value::Scalar(_))) {
        return Ok(Value::Scalar(best(0).to_owned()));
    }
    let mut out = ColumnBuilder::new(ty.physical(), frame.rows);
    (0..frame.rows).for_each(|i| out.push(best(i)));
    Ok(Value::Column(out.finish()))
}

pub(super) fn eval_row_compare(
    left: &[Expr],
    right: &[Expr],
    less: &[&'static Function],
    equal: &[&'static Function],
    order: RowOrder,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let l: Vec<Value> = left.iter().map(|e| eval(e, frame, cx)).collect::<Result<_>>()?;
    let r: Vec<Value> = right.iter().map(|e| eval(e, frame, cx)).collect::<Result<_>>()?;
    let l_readers: Vec<_> = l.iter().zip(left).map(|(v, e)| v.reader(e.ty().physical())).collect();
    let r_readers: Vec<_> = r.iter().zip(right).map(|(v, e)| v.reader(e.ty().physical())).collect();
    let scalar = frame.rows == 1 || l.iter().chain(&r).all(|v| matches!(v, Value::Scalar(_)));
    let rows = if scalar { 1 } else { frame.rows };
    let mut results = Vec::with_capacity(rows);
    for i in 0..rows {
        let a: Vec<DatumRef<'_>> = l_readers.iter().map(|x| x.get(i)).collect();
        let b: Vec<DatumRef<'_>> = r_readers.iter().map(|x| x.get(i)).collect();
        results.push(compare_rows(&a, &b, less, equal, order, cx)?);
    }
    if scalar {
        return Ok(Value::Scalar(results[0].map_or(Datum::Null, Datum::Bool)));
    }
    let nulls: NullBuffer = results.iter().map(Option::is_some).collect();
    let bits = BooleanBuffer::collect_bool(rows, |i| results[i] == Some(true));
    Ok(Value::Column(std::sync::Arc::new(BooleanArray::new(bits, Some(nulls)))))
}

/// Compares pair by pair: the first pair that is not equal decides; a NULL before that makes NULL.
pub(super) fn compare_rows(
    left: &[DatumRef<'_>],
    right: &[DatumRef<'_>],
    less: &[&'static Function],
    equal: &[&'static Function],
    order: RowOrder,
    cx: &mut EvalContext<'_>,
) -> Result<Option<bool>> {
    for (i, (&a, &b)) in left.iter().zip(right).enumerate() {
        if a.is_null() || b.is_null() {
            return Ok(None);
        }
        let types = |f: &'static Function| [SqlType::of(f.args[0]), SqlType::of(f.args[1])];
        let eq = types(equal[i]);
        if is_true(call_row(equal[i], CallTypes { args: &eq, ret: SqlType::BOOL }, &[a, b], cx)?) {
            continue;
        }
        let lt = types(less[i]);
        let below = is_true(call_row(less[i], CallTypes { args: &lt, ret: SqlType::BOOL }, &[a, b], cx)?);
        return Ok(Some(matches!(order, RowOrder::Lt | RowOrder::Le) == below));
    }
    Ok(Some(matches!(order, RowOrder::Le | RowOrder::Ge)))
}

fn is_true(value: Datum) -> bool {
    matches!(value, Datum::Bool(true))
}
