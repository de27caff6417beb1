//! `left op ANY (array)` and `left op ALL (array)`, hence also IN lists.
//!
//! Over a column and a constant array of few items the operator runs once for each item, over the whole column; equality with
//! many items looks the values up in a set.

use super::call::{call_function, call_row};
use super::eval;
use super::frame::Frame;
use super::logic::three_valued;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{CallTypes, Function};
use crate::expr::registry;
use crate::expr::tree::Expr;
use crate::expr::value::Value;
use crate::types::{ArrayView, Datum, DatumRef, Physical, SqlType, element_of};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use std::borrow::Cow;
use std::collections::HashSet;

/// From here on a set beats running the operator for each item.
const SET_FROM: usize = 12;

pub(super) fn eval_any_all(
    func: &'static Function,
    left: &Expr,
    array: &Expr,
    all: bool,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let value = eval(left, frame, cx)?;
    // A constant list is not cloned for each batch.
    let list = match array {
        Expr::Const { value, .. } => Cow::Borrowed(value),
        other => match eval(other, frame, cx)? {
            Value::Scalar(datum) => Cow::Owned(datum),
            Value::Column(column) => {
                return by_row(func, (value, left.ty()), (Value::Column(column), array.ty()), all, frame, cx);
            }
        },
    };
    let DatumRef::Array(items) = list.as_ref().as_ref() else { return Ok(Value::null()) };
    let types = [left.ty(), element_type(array.ty(), func)];
    if matches!(value, Value::Scalar(_)) || frame.rows == 1 {
        let one = value.row(left.ty().physical(), 0);
        let test = test(func, one.as_ref(), items, types, all, cx)?;
        return Ok(Value::Scalar(test.map_or(Datum::Null, Datum::Bool)));
    }
    if items.len() >= SET_FROM
        && !all
        && is_plain_equality(func)
        && let Some(found) = by_set(&value, left.ty().physical(), items, frame.rows)
    {
        return Ok(found);
    }
    by_item(func, &value, items, types, all, frame.rows, cx)
}

fn element_type(array: SqlType, func: &Function) -> SqlType {
    SqlType::of(element_of(array.oid).unwrap_or(func.args[1]))
}

/// One value against the items: true or false when decided, else NULL if any comparison was NULL.
fn test(
    func: &'static Function,
    left: DatumRef<'_>,
    items: ArrayView<'_>,
    types: [SqlType; 2],
    all: bool,
    cx: &mut EvalContext<'_>,
) -> Result<Option<bool>> {
    if items.len() == 0 {
        return Ok(Some(all));
    }
    if left.is_null() && func.strict {
        return Ok(None);
    }
    let mut unknown = false;
    for item in items.iter() {
        match call_row(func, CallTypes { args: &types, ret: SqlType::BOOL }, &[left, item], cx)? {
            Datum::Bool(b) if b != all => return Ok(Some(b)),
            Datum::Bool(_) => {}
            _ => unknown = true,
        }
    }
    Ok(if unknown { None } else { Some(all) })
}

/// The array differs from row to row.
fn by_row(
    func: &'static Function,
    (left, left_ty): (Value, SqlType),
    (arrays, array_ty): (Value, SqlType),
    all: bool,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let types = [left_ty, element_type(array_ty, func)];
    let (l, a) = (left.reader(left_ty.physical()), arrays.reader(array_ty.physical()));
    let mut trues = BooleanBufferBuilder::new(frame.rows);
    let mut falses = BooleanBufferBuilder::new(frame.rows);
    for i in 0..frame.rows {
        let outcome = match a.get(i) {
            DatumRef::Array(items) => test(func, l.get(i), items, types, all, cx)?,
            _ => None,
        };
        trues.append(outcome == Some(true));
        falses.append(outcome == Some(false));
    }
    if frame.rows == 1 {
        let (t, f) = (trues.finish().value(0), falses.finish().value(0));
        return Ok(Value::Scalar(if t || f { Datum::Bool(t) } else { Datum::Null }));
    }
    Ok(three_valued(trues.finish(), falses.finish()))
}

/// Runs the operator for each item over the column.
fn by_item(
    func: &'static Function,
    left: &Value,
    items: ArrayView<'_>,
    types: [SqlType; 2],
    all: bool,
    rows: usize,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let mut decided = BooleanBuffer::new_unset(rows);
    let mut opposite = BooleanBuffer::new_set(rows);
    for item in items.iter() {
        let args = [left.clone(), Value::Scalar(item.to_owned())];
        let result = call_function(func, &args, CallTypes { args: &types, ret: SqlType::BOOL }, rows, cx)?;
        let (hits, misses): (BooleanBuffer, BooleanBuffer) = {
            let at = |i| super::logic::boolean_at(&result, i);
            (
                BooleanBuffer::collect_bool(rows, |i| at(i) == Some(!all)),
                BooleanBuffer::collect_bool(rows, |i| at(i) == Some(all)),
            )
        };
        decided = &decided | &hits;
        opposite = &opposite & &misses;
        if decided.count_set_bits() == rows {
            break;
        }
    }
    Ok(if all { three_valued(opposite, decided) } else { three_valued(decided, opposite) })
}

/// Whether the function is the equality of one type whose equal values have equal bytes.
fn is_plain_equality(func: &'static Function) -> bool {
    let ty = SqlType::of(func.args[0]);
    func.args[0] == func.args[1]
        && registry::eq_function(ty) == Some(func)
        && ty.oid != crate::types::oid::BPCHAR
        && matches!(
            ty.physical(),
            Physical::Int16 | Physical::Int32 | Physical::Int64 | Physical::UInt32 | Physical::Text | Physical::Uuid
        )
}

fn key(value: DatumRef<'_>) -> Option<i64> {
    match value {
        DatumRef::Int2(v) => Some(i64::from(v)),
        DatumRef::Int4(v) => Some(i64::from(v)),
        DatumRef::Int8(v) => Some(v),
        DatumRef::Oid(v) => Some(i64::from(v)),
        _ => None,
    }
}

fn by_set(left: &Value, form: Physical, items: ArrayView<'_>, rows: usize) -> Option<Value> {
    let reader = left.reader(form);
    let nulls = items.iter().any(DatumRef::is_null);
    let found: Box<dyn Fn(DatumRef<'_>) -> bool> = match form {
        Physical::Text => {
            let set: HashSet<&str, ahash::RandomState> =
                items.iter().filter_map(|d| if let DatumRef::Text(t) = d { Some(t) } else { None }).collect();
            Box::new(move |v| matches!(v, DatumRef::Text(t) if set.contains(t)))
        }
        Physical::Uuid => {
            let set: HashSet<[u8; 16], ahash::RandomState> =
                items.iter().filter_map(|d| if let DatumRef::Uuid(u) = d { Some(u) } else { None }).collect();
            Box::new(move |v| matches!(v, DatumRef::Uuid(u) if set.contains(&u)))
        }
        _ => {
            let set: HashSet<i64, ahash::RandomState> = items.iter().filter_map(key).collect();
            Box::new(move |v| key(v).is_some_and(|k| set.contains(&k)))
        }
    };
    let trues = BooleanBuffer::collect_bool(rows, |i| found(reader.get(i)));
    let known = match nulls {
        true => trues.clone(),
        false => BooleanBuffer::collect_bool(rows, |i| !reader.get(i).is_null()),
    };
    let falses = &known & &!&trues;
    Some(three_valued(trues, falses))
}
