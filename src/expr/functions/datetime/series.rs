//! `generate_series` over timestamps.

use super::super::f;
use super::session_zone;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Kernel::Set;
use crate::expr::function::{CallTypes, Function, SetRows};
use crate::types::datetime::arith::{add_interval, add_interval_in_zone};
use crate::types::datetime::calendar::timestamp_is_finite;
use crate::types::oid::*;
use crate::types::{ColumnBuilder, DatumRef, Interval};

struct Timestamps {
    next: Option<i64>,
    last: i64,
    step: Interval,
    zoned: bool,
}

impl SetRows for Timestamps {
    fn next(&mut self, cx: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let up = self.step > Interval::ZERO;
        let mut rows = 0;
        while let Some(value) = self.next.filter(|&v| if up { v <= self.last } else { v >= self.last }) {
            if rows == max {
                break;
            }
            columns[0].push(DatumRef::Int8(value));
            rows += 1;
            let next = if self.zoned {
                add_interval_in_zone(value, self.step, session_zone(cx))?
            } else {
                add_interval(value, self.step)?
            };
            self.next = Some(next);
        }
        Ok(rows)
    }
}

fn series(_: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let (DatumRef::Int8(first), DatumRef::Int8(last), DatumRef::Interval(step)) = (a[0], a[1], a[2]) else {
        panic!("two timestamps and an interval")
    };
    if step == Interval::ZERO {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero"));
    }
    let endless = !timestamp_is_finite(first) && (first <= last) == (step > Interval::ZERO);
    if endless {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "start value cannot be infinity"));
    }
    Ok(Box::new(Timestamps { next: Some(first), last, step, zoned: types.ret.oid == TIMESTAMPTZ }))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(938, "generate_series", &[TIMESTAMP, TIMESTAMP, INTERVAL], TIMESTAMP, Set(series)).set(),
    f(939, "generate_series", &[TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, Set(series)).set().stable(),
];
