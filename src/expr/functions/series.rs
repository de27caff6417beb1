//! Set-returning functions that count: `generate_series`, `generate_subscripts`.

use super::f;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Kernel::Set;
use crate::expr::function::{CallTypes, Function, SetRows};
use crate::types::oid::*;
use crate::types::{ColumnBuilder, DatumRef, Numeric};

fn step_zero() -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero")
}

/// Integers from one to another; ends early where the next would not fit.
struct Integers {
    next: Option<i64>,
    last: i64,
    step: i64,
    wide: bool,
}

impl SetRows for Integers {
    fn next(&mut self, _: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let mut rows = 0;
        while let Some(value) = self.next.filter(|&v| if self.step > 0 { v <= self.last } else { v >= self.last }) {
            if rows == max {
                break;
            }
            columns[0].push(if self.wide { DatumRef::Int8(value) } else { DatumRef::Int4(value as i32) });
            rows += 1;
            self.next = value.checked_add(self.step);
        }
        Ok(rows)
    }
}

fn integer(value: DatumRef<'_>) -> i64 {
    match value {
        DatumRef::Int4(v) => v.into(),
        DatumRef::Int8(v) => v,
        other => panic!("{other:?} where an integer is wanted"),
    }
}

fn series(_: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let step = a.get(2).map_or(1, |&v| integer(v));
    if step == 0 {
        return Err(step_zero());
    }
    let wide = types.ret.oid == INT8;
    Ok(Box::new(Integers { next: Some(integer(a[0])), last: integer(a[1]), step, wide }))
}

struct Numerics {
    next: Numeric,
    last: Numeric,
    step: Numeric,
}

impl SetRows for Numerics {
    fn next(&mut self, _: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let up = self.step.as_ref().cmp(Numeric::ZERO.as_ref()).is_gt();
        let mut rows = 0;
        while rows < max {
            let order = self.next.as_ref().cmp(self.last.as_ref());
            if if up { order.is_gt() } else { order.is_lt() } {
                break;
            }
            columns[0].push(DatumRef::Numeric(self.next.as_ref()));
            rows += 1;
            self.next = self.next.as_ref().add(self.step.as_ref())?;
        }
        Ok(rows)
    }
}

fn numeric_series(_: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let bound = |value: DatumRef<'_>, name: &str| -> Result<Numeric> {
        let DatumRef::Numeric(n) = value else { panic!("{value:?} where a numeric is wanted") };
        let wrong = if n.is_nan() {
            "NaN"
        } else if n.is_infinite() {
            "infinity"
        } else {
            return Ok(n.to_owned());
        };
        Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("{name} cannot be {wrong}")))
    };
    let (next, last) = (bound(a[0], "start value")?, bound(a[1], "stop value")?);
    let step = a.get(2).map_or(Ok(Numeric::from(1i32)), |&v| bound(v, "step size"))?;
    if step.as_ref().is_zero() {
        return Err(step_zero());
    }
    Ok(Box::new(Numerics { next, last, step }))
}

fn subscripts(_: &mut EvalContext<'_>, _: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let (DatumRef::Array(array), DatumRef::Int4(n)) = (a[0], a[1]) else { panic!("an array and a dimension") };
    let reverse = matches!(a.get(2), Some(DatumRef::Bool(true)));
    let dimension = usize::try_from(n).ok().and_then(|n| n.checked_sub(1)).filter(|&i| i < array.dimensions());
    let Some((len, lower)) = dimension.map(|i| array.dim(i)) else {
        return Ok(Box::new(Integers { next: None, last: 0, step: 1, wide: false }));
    };
    let (first, last) = (i64::from(lower), i64::from(lower) + i64::from(len) - 1);
    Ok(Box::new(match reverse {
        false => Integers { next: Some(first), last, step: 1, wide: false },
        true => Integers { next: Some(last), last: first, step: -1, wide: false },
    }))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1066, "generate_series", &[INT4, INT4, INT4], INT4, Set(series)).set(),
    f(1067, "generate_series", &[INT4, INT4], INT4, Set(series)).set(),
    f(1068, "generate_series", &[INT8, INT8, INT8], INT8, Set(series)).set(),
    f(1069, "generate_series", &[INT8, INT8], INT8, Set(series)).set(),
    f(3259, "generate_series", &[NUMERIC, NUMERIC, NUMERIC], NUMERIC, Set(numeric_series)).set(),
    f(3260, "generate_series", &[NUMERIC, NUMERIC], NUMERIC, Set(numeric_series)).set(),
    f(1191, "generate_subscripts", &[ANYARRAY, INT4, BOOL], INT4, Set(subscripts)).set(),
    f(1192, "generate_subscripts", &[ANYARRAY, INT4], INT4, Set(subscripts)).set(),
];
