//! Ordered-set aggregates: `mode`, `percentile_disc`, `percentile_cont`. Their rows arrive in the order of WITHIN GROUP.

use super::interval;
use super::per_group::{PerGroup, State};
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::types::{ArrayValue, ArrayView, Datum, DatumRef, SqlType, element_of, equal};

/// The most frequent value; of several, the first in order.
struct Mode {
    best: Datum,
    best_count: u64,
    current: Datum,
    current_count: u64,
}

impl State for Mode {
    type Shared = SqlType;

    fn empty(_: &SqlType) -> Mode {
        Mode { best: Datum::Null, best_count: 0, current: Datum::Null, current_count: 0 }
    }

    fn add(&mut self, ty: &SqlType, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        if self.current_count > 0 && equal(*ty, self.current.as_ref(), args[0]) {
            self.current_count += 1;
        } else {
            self.current = args[0].to_owned();
            self.current_count = 1;
        }
        if self.current_count > self.best_count {
            self.best = self.current.clone();
            self.best_count = self.current_count;
        }
        Ok(())
    }

    fn finish(&self, _: &SqlType, _: &mut EvalContext<'_>) -> Result<Datum> {
        Ok(self.best.clone())
    }
}

pub fn mode(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Mode>::new(types, true, types.args[0])))
}

/// All values in order, and the fraction or fractions asked for.
struct Sorted {
    fractions: Datum,
    values: Vec<Datum>,
}

#[derive(Clone, Copy)]
struct Percentile {
    continuous: bool,
    ret: SqlType,
}

impl State for Sorted {
    type Shared = Percentile;

    fn empty(_: &Percentile) -> Sorted {
        Sorted { fractions: Datum::Null, values: Vec::new() }
    }

    fn add(&mut self, _: &Percentile, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        if self.fractions.is_null() {
            self.fractions = args[0].to_owned();
        }
        if !args[1].is_null() {
            self.values.push(args[1].to_owned());
        }
        Ok(())
    }

    fn finish(&self, shared: &Percentile, _: &mut EvalContext<'_>) -> Result<Datum> {
        match self.fractions.as_ref() {
            DatumRef::Array(fractions) => self.several(shared, fractions),
            DatumRef::Float8(fraction) => self.one(shared.continuous, fraction),
            _ => Ok(Datum::Null),
        }
    }

    fn heap(&self) -> usize {
        self.values.capacity() * size_of::<Datum>()
    }
}

impl Sorted {
    fn one(&self, continuous: bool, fraction: f64) -> Result<Datum> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("percentile value {fraction} is not between 0 and 1"),
            ));
        }
        let n = self.values.len();
        if n == 0 {
            return Ok(Datum::Null);
        }
        if !continuous {
            let row = (fraction * n as f64).ceil() as usize;
            return Ok(self.values[row.clamp(1, n) - 1].clone());
        }
        let at = fraction * (n - 1) as f64;
        let (low, high) = (at.floor() as usize, at.ceil() as usize);
        if low == high {
            return Ok(self.values[low].clone());
        }
        match (&self.values[low], &self.values[high]) {
            (Datum::Float8(a), Datum::Float8(b)) => Ok(Datum::Float8(a + (at - low as f64) * (b - a))),
            (Datum::Interval(a), Datum::Interval(b)) => interval::between(*a, *b, at - low as f64).map(Datum::Interval),
            other => panic!("{other:?} where numbers or intervals are wanted"),
        }
    }

    fn several(&self, shared: &Percentile, fractions: ArrayView<'_>) -> Result<Datum> {
        if self.values.is_empty() {
            return Ok(Datum::Null);
        }
        let items = fractions
            .iter()
            .map(|f| match f {
                DatumRef::Float8(fraction) => self.one(shared.continuous, fraction),
                _ => Ok(Datum::Null),
            })
            .collect::<Result<_>>()?;
        let element = element_of(shared.ret.oid).expect("several fractions make an array");
        Ok(Datum::array(ArrayValue { element, dims: fractions.dims(), items }))
    }
}

fn percentile(types: CallTypes<'_>, continuous: bool) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Sorted>::new(types, false, Percentile { continuous, ret: types.ret })))
}

pub fn percentile_cont(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    percentile(types, true)
}

pub fn percentile_disc(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    percentile(types, false)
}
