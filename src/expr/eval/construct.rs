//! Building and taking apart arrays and rows.

use super::eval;
use super::frame::Frame;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::functions::array_slice::{assign_element, assign_slice, slice};
use crate::expr::tree::{Expr, Index};
use crate::expr::value::{Value, ValueReader};
use crate::types::array::{MAX_DIMENSIONS, count_items};
use crate::types::{ArrayValue, ColumnBuilder, Datum, DatumRef, Physical, RecordValue, SqlType, element_of};

/// Evaluates expressions and builds one value of each row of theirs.
fn by_row(
    exprs: &[&Expr],
    out: Physical,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
    mut f: impl FnMut(&[DatumRef<'_>]) -> Result<Datum>,
) -> Result<Value> {
    let values: Vec<Value> = exprs.iter().map(|e| eval(e, frame, cx)).collect::<Result<_>>()?;
    let readers: Vec<ValueReader<'_>> = values.iter().zip(exprs).map(|(v, e)| v.reader(e.ty().physical())).collect();
    if frame.rows == 1 || values.iter().all(|v| matches!(v, Value::Scalar(_))) {
        let row: Vec<DatumRef<'_>> = readers.iter().map(|r| r.get(0)).collect();
        return f(&row).map(Value::Scalar);
    }
    let mut column = ColumnBuilder::new(out, frame.rows);
    let mut row = Vec::with_capacity(readers.len());
    for i in 0..frame.rows {
        row.clear();
        row.extend(readers.iter().map(|r| r.get(i)));
        column.push(f(&row)?.as_ref());
    }
    Ok(Value::Column(column.finish()))
}

pub(super) fn eval_array(
    items: &[Expr],
    ty: SqlType,
    nested: bool,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let element = element_of(ty.oid).unwrap_or(crate::types::oid::RECORD);
    let exprs: Vec<&Expr> = items.iter().collect();
    by_row(&exprs, Physical::Array, frame, cx, |row| {
        if nested {
            return stack(element, row);
        }
        let items = row.iter().map(|&v| DatumRef::to_owned(v)).collect();
        Ok(Datum::array(ArrayValue::one_dimensional(element, items)))
    })
}

/// Makes arrays of one shape the rows of an array of one more dimension (`ExecEvalArrayExpr`).
fn stack(element: crate::base::Oid, row: &[DatumRef<'_>]) -> Result<Datum> {
    let mismatch = || {
        Error::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            "multidimensional arrays must have array expressions with matching dimensions",
        )
    };
    let mut dims: Option<Vec<(i32, i32)>> = None;
    let mut items = Vec::new();
    let mut empty = false;
    for value in row {
        let array = match value {
            DatumRef::Array(a) if a.dimensions() > 0 => a,
            // NULL and empty sub-arrays stand for nothing, if all are.
            _ => {
                empty = true;
                continue;
            }
        };
        match &dims {
            None => dims = Some(array.dims()),
            Some(seen) if *seen != array.dims() => return Err(mismatch()),
            Some(_) => {}
        }
        items.extend(array.iter().map(DatumRef::to_owned));
    }
    let Some(inner) = dims else {
        return Ok(Datum::array(ArrayValue::empty(element)));
    };
    if empty {
        return Err(mismatch());
    }
    if inner.len() >= MAX_DIMENSIONS {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})", inner.len() + 1),
        ));
    }
    let mut all = vec![(row.len() as i32, 1)];
    all.extend(inner);
    count_items(all.iter().map(|d| d.0))?;
    Ok(Datum::array(ArrayValue { element, dims: all, items }))
}

pub(super) fn eval_row(fields: &[Expr], frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    let exprs: Vec<&Expr> = fields.iter().collect();
    by_row(&exprs, Physical::Record, frame, cx, |row| {
        let fields = row.iter().zip(fields).map(|(&v, e)| (e.ty().oid, DatumRef::to_owned(v))).collect();
        Ok(Datum::record(RecordValue { fields }))
    })
}

pub(super) fn eval_field(
    arg: &Expr,
    index: usize,
    ty: SqlType,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    by_row(&[arg], ty.physical(), frame, cx, |row| match row[0] {
        DatumRef::Record(record) if index < record.len() => Ok(record.get(index).1.to_owned()),
        _ => Ok(Datum::Null),
    })
}

/// The expressions of subscripts, in order, with a stand-in for missing bounds.
fn index_exprs(indexes: &[Index]) -> Vec<&Expr> {
    let mut exprs = Vec::new();
    for index in indexes {
        match index {
            Index::At(e) => exprs.push(e),
            Index::Slice { lower, upper } => exprs.extend(lower.iter().chain(upper)),
        }
    }
    exprs
}

/// One dimension's subscript with its values: a missing bound is none, a NULL makes the whole NULL.
#[derive(Clone, Copy)]
enum Bound {
    At(i32),
    Slice(Option<i32>, Option<i32>),
}

/// Puts evaluated subscripts back to their dimensions; none when one is NULL.
fn bounds(indexes: &[Index], values: &[DatumRef<'_>]) -> Option<Vec<Bound>> {
    let mut values = values.iter();
    let mut next = || match values.next() {
        Some(DatumRef::Int4(v)) => Some(*v),
        _ => None,
    };
    indexes
        .iter()
        .map(|index| {
            Some(match index {
                Index::At(_) => Bound::At(next()?),
                Index::Slice { lower, upper } => {
                    let lower = if lower.is_some() { Some(next()?) } else { None };
                    let upper = if upper.is_some() { Some(next()?) } else { None };
                    Bound::Slice(lower, upper)
                }
            })
        })
        .collect()
}

/// In a slice, a plain subscript `n` means `1:n`.
fn as_slices(bounds: &[Bound]) -> Vec<(Option<i32>, Option<i32>)> {
    bounds
        .iter()
        .map(|b| match *b {
            Bound::At(n) => (Some(1), Some(n)),
            Bound::Slice(lower, upper) => (lower, upper),
        })
        .collect()
}

fn is_slice(indexes: &[Index]) -> bool {
    indexes.iter().any(|i| matches!(i, Index::Slice { .. }))
}

pub(super) fn eval_subscript(
    arg: &Expr,
    indexes: &[Index],
    ty: SqlType,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let mut exprs = vec![arg];
    exprs.extend(index_exprs(indexes));
    let sliced = is_slice(indexes);
    by_row(&exprs, ty.physical(), frame, cx, |row| {
        let DatumRef::Array(array) = row[0] else { return Ok(Datum::Null) };
        let Some(bounds) = bounds(indexes, &row[1..]) else { return Ok(Datum::Null) };
        if sliced {
            return Ok(Datum::array(slice(array, &as_slices(&bounds))));
        }
        let at: Vec<i32> = bounds
            .iter()
            .map(|b| match b {
                Bound::At(n) => *n,
                Bound::Slice(..) => unreachable!("no slice among plain subscripts"),
            })
            .collect();
        Ok(array.subscript(&at).map_or(Datum::Null, DatumRef::to_owned))
    })
}

pub(super) fn eval_subscript_assign(
    arg: &Expr,
    indexes: &[Index],
    value: &Expr,
    ty: SqlType,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let mut exprs = vec![arg, value];
    exprs.extend(index_exprs(indexes));
    let element = element_of(ty.oid).unwrap_or(crate::types::oid::RECORD);
    let sliced = is_slice(indexes);
    by_row(&exprs, ty.physical(), frame, cx, |row| {
        let array = match row[0] {
            DatumRef::Array(a) => a.to_owned(),
            _ => ArrayValue::empty(element),
        };
        let Some(bounds) = bounds(indexes, &row[2..]) else {
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array subscript in assignment must not be null"));
        };
        if sliced {
            return match row[1] {
                DatumRef::Array(source) => assign_slice(array, &as_slices(&bounds), source).map(Datum::array),
                _ => Ok(Datum::array(array)),
            };
        }
        let at: Vec<i32> = bounds.iter().map(|b| if let Bound::At(n) = b { *n } else { 0 }).collect();
        assign_element(array, &at, row[1].to_owned()).map(Datum::array)
    })
}
