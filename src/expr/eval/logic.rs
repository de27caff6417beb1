//! AND, OR, NOT, IS NULL, IS TRUE in three-valued logic, and conditions as filters.
//!
//! PostgreSQL stops at the first false of an AND, so what follows must not raise an error on that row. An argument that
//! cannot fail runs on all rows, which is cheaper than gathering some; any other runs on the rows still open.

use super::eval;
use super::frame::Frame;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::tree::{BoolTest, Expr};
use crate::expr::value::Value;
use crate::types::{Batch, Datum, DatumRef, SqlType};
use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer};
use std::sync::Arc;

/// The rows that a condition holds for.
#[derive(Clone, Debug)]
pub enum Selection {
    All,
    Nothing,
    /// True for the rows that are in; without NULLs; neither all nor none.
    Some(BooleanArray),
}

impl Selection {
    /// The batch's rows that are in.
    pub fn apply(&self, batch: Batch) -> Batch {
        match self {
            Selection::All => batch,
            Selection::Nothing => batch.slice(0, 0),
            Selection::Some(mask) => batch.filter(mask),
        }
    }
}

/// The rows for which a condition is true.
pub fn filter(condition: &Expr, batch: &Batch, cx: &mut EvalContext<'_>) -> Result<Selection> {
    cx.check_cancelled()?;
    let frame = Frame::of(batch);
    if batch.rows == 0 {
        return Ok(Selection::All);
    }
    let parts = match condition {
        Expr::And(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    if batch.rows == 1 {
        for part in parts {
            if !matches!(boolean_at(&eval(part, &frame, cx)?, 0), Some(true)) {
                return Ok(Selection::Nothing);
            }
        }
        return Ok(Selection::All);
    }
    filter_rows(parts, &frame, cx)
}

/// A condition's parts one after another, each on the rows that passed so far.
fn filter_rows(parts: &[Expr], frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Selection> {
    let rows = frame.rows;
    let mut passed: Option<BooleanBuffer> = None;
    for part in parts {
        let open = passed.as_ref().map_or(rows, BooleanBuffer::count_set_bits);
        if open == 0 {
            return Ok(Selection::Nothing);
        }
        let whole = open == rows || (open * 4 > rows && part.infallible());
        let truth = if whole {
            match eval(part, frame, cx)? {
                Value::Scalar(Datum::Bool(true)) => continue,
                Value::Scalar(_) => return Ok(Selection::Nothing),
                Value::Column(array) => truth(array.as_boolean()),
            }
        } else {
            let mask = passed.as_ref().expect("some rows have been left out");
            let indexes: UInt32Array = mask.set_indices().map(|i| i as u32).collect::<Vec<_>>().into();
            let value = eval(part, &frame.narrow(&indexes), cx)?;
            let mut bits = BooleanBufferBuilder::new(rows);
            bits.append_n(rows, false);
            for (k, &i) in indexes.values().iter().enumerate() {
                bits.set_bit(i as usize, boolean_at(&value, k) == Some(true));
            }
            bits.finish()
        };
        passed = Some(match passed {
            None => truth,
            Some(before) => &before & &truth,
        });
    }
    Ok(match passed {
        None => Selection::All,
        Some(mask) => match mask.count_set_bits() {
            0 => Selection::Nothing,
            n if n == rows => Selection::All,
            _ => Selection::Some(BooleanArray::new(mask, None)),
        },
    })
}

/// True where the value is true; false where it is false or NULL.
fn truth(array: &BooleanArray) -> BooleanBuffer {
    match array.nulls() {
        Some(nulls) => array.values() & nulls.inner(),
        None => array.values().clone(),
    }
}

/// True where the value is false.
fn falsity(array: &BooleanArray) -> BooleanBuffer {
    let not = !array.values();
    match array.nulls() {
        Some(nulls) => &not & nulls.inner(),
        None => not,
    }
}

pub(super) fn boolean_at(value: &Value, i: usize) -> Option<bool> {
    match value {
        Value::Scalar(Datum::Bool(b)) => Some(*b),
        Value::Scalar(_) => None,
        Value::Column(array) => {
            let array = array.as_boolean();
            array.is_valid(i).then(|| array.value(i))
        }
    }
}

/// A boolean column from where it is true and where it is false; neither is NULL.
pub(super) fn three_valued(trues: BooleanBuffer, falses: BooleanBuffer) -> Value {
    let known = &trues | &falses;
    let nulls = (known.count_set_bits() != known.len()).then(|| NullBuffer::new(known));
    Value::Column(Arc::new(BooleanArray::new(trues, nulls)))
}

fn bits(value: &Value, rows: usize) -> (BooleanBuffer, BooleanBuffer) {
    let all = |b: bool| if b { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
    match value {
        Value::Scalar(Datum::Bool(b)) => (all(*b), all(!*b)),
        Value::Scalar(_) => (all(false), all(false)),
        Value::Column(array) => {
            let array = array.as_boolean();
            (truth(array), falsity(array))
        }
    }
}

pub(super) fn eval_and(args: &[Expr], frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    junction(args, false, frame, cx)
}

pub(super) fn eval_or(args: &[Expr], frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    junction(args, true, frame, cx)
}

/// AND is decided by the first false, OR by the first true.
fn junction(args: &[Expr], decider: bool, frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    if frame.rows == 1 {
        let mut unknown = false;
        for arg in args {
            match boolean_at(&eval(arg, frame, cx)?, 0) {
                Some(b) if b == decider => return Ok(Value::Scalar(Datum::Bool(decider))),
                Some(_) => {}
                None => unknown = true,
            }
        }
        return Ok(Value::Scalar(if unknown { Datum::Null } else { Datum::Bool(!decider) }));
    }
    let rows = frame.rows;
    // Rows that are decided, and rows where all so far are the opposite of the decider.
    let mut decided = BooleanBuffer::new_unset(rows);
    let mut opposite = BooleanBuffer::new_set(rows);
    for arg in args {
        let open = rows - decided.count_set_bits();
        if open == 0 {
            break;
        }
        let (trues, falses) = if open == rows || (open * 4 > rows && arg.infallible()) {
            bits(&eval(arg, frame, cx)?, rows)
        } else {
            let indexes: UInt32Array = (!&decided).set_indices().map(|i| i as u32).collect::<Vec<_>>().into();
            let value = eval(arg, &frame.narrow(&indexes), cx)?;
            spread(&value, &indexes, rows)
        };
        let (hits, misses) = if decider { (trues, falses) } else { (falses, trues) };
        decided = &decided | &hits;
        opposite = &opposite & &misses;
    }
    Ok(if decider { three_valued(decided, opposite) } else { three_valued(opposite, decided) })
}

/// Puts the truth values of some rows back to their places.
fn spread(value: &Value, indexes: &UInt32Array, rows: usize) -> (BooleanBuffer, BooleanBuffer) {
    let (mut trues, mut falses) = (BooleanBufferBuilder::new(rows), BooleanBufferBuilder::new(rows));
    trues.append_n(rows, false);
    falses.append_n(rows, false);
    for (k, &i) in indexes.values().iter().enumerate() {
        match boolean_at(value, k) {
            Some(true) => trues.set_bit(i as usize, true),
            Some(false) => falses.set_bit(i as usize, true),
            None => {}
        }
    }
    (trues.finish(), falses.finish())
}

pub(super) fn eval_not(arg: &Expr, frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    Ok(match eval(arg, frame, cx)? {
        Value::Scalar(Datum::Bool(b)) => Value::Scalar(Datum::Bool(!b)),
        Value::Scalar(_) => Value::null(),
        Value::Column(array) => {
            let array = array.as_boolean();
            Value::Column(Arc::new(BooleanArray::new(!array.values(), array.nulls().cloned())))
        }
    })
}

/// A column of truth values without NULLs, or one value over one row.
pub(super) fn from_bits(bits: BooleanBuffer) -> Value {
    match bits.len() {
        1 => Value::Scalar(Datum::Bool(bits.value(0))),
        _ => Value::Column(Arc::new(BooleanArray::new(bits, None))),
    }
}

pub(super) fn eval_is_null(
    arg: &Expr,
    negated: bool,
    row: bool,
    frame: &Frame<'_>,
    cx: &mut EvalContext<'_>,
) -> Result<Value> {
    let value = eval(arg, frame, cx)?;
    if row {
        return Ok(row_is_null(&value, arg.ty(), negated, frame.rows));
    }
    Ok(match value {
        Value::Scalar(datum) => Value::Scalar(Datum::Bool(datum.is_null() != negated)),
        Value::Column(array) => from_bits(match (array.nulls(), negated) {
            (None, _) if negated => BooleanBuffer::new_set(frame.rows),
            (None, _) => BooleanBuffer::new_unset(frame.rows),
            (Some(nulls), true) => nulls.inner().clone(),
            (Some(nulls), false) => !nulls.inner(),
        }),
    })
}

/// A row IS NULL when it is NULL or all its fields are, and IS NOT NULL when none of them is.
fn row_is_null(value: &Value, ty: SqlType, negated: bool, rows: usize) -> Value {
    let reader = value.reader(ty.physical());
    let test = |i: usize| match reader.get(i) {
        DatumRef::Record(record) => record.iter().all(|(_, field)| field.is_null() != negated),
        _ => !negated,
    };
    match value {
        Value::Scalar(_) => Value::Scalar(Datum::Bool(test(0))),
        Value::Column(_) => from_bits(BooleanBuffer::collect_bool(rows, test)),
    }
}

pub(super) fn eval_is_bool(arg: &Expr, test: BoolTest, frame: &Frame<'_>, cx: &mut EvalContext<'_>) -> Result<Value> {
    let value = eval(arg, frame, cx)?;
    let of = |b: Option<bool>| match test {
        BoolTest::True => b == Some(true),
        BoolTest::NotTrue => b != Some(true),
        BoolTest::False => b == Some(false),
        BoolTest::NotFalse => b != Some(false),
        BoolTest::Unknown => b.is_none(),
        BoolTest::NotUnknown => b.is_some(),
    };
    Ok(match &value {
        Value::Scalar(_) => Value::Scalar(Datum::Bool(of(boolean_at(&value, 0)))),
        Value::Column(_) => from_bits(BooleanBuffer::collect_bool(frame.rows, |i| of(boolean_at(&value, i)))),
    })
}
