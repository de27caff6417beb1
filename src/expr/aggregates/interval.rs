//! `sum` and `avg` of intervals, and the point between two of them for `percentile_cont`.

use super::per_group::{PerGroup, State};
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::types::{Datum, DatumRef, Interval};

/// The sum so far and how many there were.
struct Sum<const AVERAGE: bool> {
    sum: Interval,
    count: u64,
}

impl<const AVERAGE: bool> State for Sum<AVERAGE> {
    type Shared = ();

    fn empty((): &()) -> Self {
        Sum { sum: Interval::ZERO, count: 0 }
    }

    fn add(&mut self, (): &(), _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        let DatumRef::Interval(value) = args[0] else { panic!("{:?} where an interval is wanted", args[0]) };
        self.sum = self.sum.checked_add(value)?;
        self.count += 1;
        Ok(())
    }

    fn finish(&self, (): &(), _: &mut EvalContext<'_>) -> Result<Datum> {
        Ok(match self.count {
            0 => Datum::Null,
            n if AVERAGE => Datum::Interval(self.sum.divide(n as f64)?),
            _ => Datum::Interval(self.sum),
        })
    }

    fn merge(&mut self, (): &(), other: Self) -> Result<bool> {
        self.sum = self.sum.checked_add(other.sum)?;
        self.count += other.count;
        Ok(true)
    }
}

pub fn sum(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Sum<false>>::new(types, true, ())))
}

pub fn avg(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Sum<true>>::new(types, true, ())))
}

/// `low + (high - low) * fraction`.
pub fn between(low: Interval, high: Interval, fraction: f64) -> Result<Interval> {
    low.checked_add(high.checked_sub(low)?.multiply(fraction)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_cascade_downwards() {
        let mut state = Sum::<true>::empty(&());
        for months in [1, 2] {
            let value = Interval { months, ..Interval::ZERO };
            state.sum = state.sum.checked_add(value).unwrap();
            state.count += 1;
        }
        let average = state.sum.divide(2.0).unwrap();
        assert_eq!((average.months, average.days, average.micros), (1, 15, 0));
        let hour = Interval { micros: 3_600_000_000, ..Interval::ZERO };
        assert_eq!(between(Interval::ZERO, hour, 0.5).unwrap().micros, 1_800_000_000);
    }
}
