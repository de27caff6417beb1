//! `sum`, `avg`, variances and deviations as exact `numeric`s, of `numeric` and of integers.

use super::per_group::{PerGroup, State};
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::types::numeric::NumericSum;
use crate::types::{Datum, DatumRef};

/// What of the sums is wanted.
#[derive(Clone, Copy)]
pub enum SumOf {
    Sum,
    Average,
    VariancePop,
    VarianceSample,
    DeviationPop,
    DeviationSample,
}

impl State for NumericSum {
    type Shared = SumOf;

    fn empty(what: &SumOf) -> NumericSum {
        NumericSum::new(!matches!(what, SumOf::Sum | SumOf::Average))
    }

    fn add(&mut self, _: &SumOf, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        match args[0] {
            DatumRef::Numeric(v) => self.add(v),
            DatumRef::Int2(v) => self.add_i64(v.into()),
            DatumRef::Int4(v) => self.add_i64(v.into()),
            DatumRef::Int8(v) => self.add_i64(v),
            other => panic!("{other:?} where a number is wanted"),
        }
        Ok(())
    }

    fn finish(&self, what: &SumOf, _: &mut EvalContext<'_>) -> Result<Datum> {
        let result = match what {
            SumOf::Sum => self.sum()?,
            SumOf::Average => self.avg()?,
            SumOf::VariancePop => self.variance(false)?,
            SumOf::VarianceSample => self.variance(true)?,
            SumOf::DeviationPop => self.stddev(false)?,
            SumOf::DeviationSample => self.stddev(true)?,
        };
        Ok(result.map_or(Datum::Null, Datum::Numeric))
    }

    fn merge(&mut self, _: &SumOf, other: NumericSum) -> Result<bool> {
        NumericSum::merge(self, &other);
        Ok(true)
    }
}

macro_rules! aggregates {
    ($($name:ident $what:expr;)*) => {
        $(pub fn $name(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
            Ok(Box::new(PerGroup::<NumericSum>::new(types, true, $what)))
        })*
    };
}

aggregates! {
    sum SumOf::Sum;
    avg SumOf::Average;
    var_pop SumOf::VariancePop;
    var_samp SumOf::VarianceSample;
    stddev_pop SumOf::DeviationPop;
    stddev_samp SumOf::DeviationSample;
}
