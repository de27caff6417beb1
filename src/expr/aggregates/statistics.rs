//! Averages, variances, correlation and regression of floats.
//!
//! Sums of squares are kept by Youngs and Cramer's updating formulas, which do not cancel, with PostgreSQL's order of
//! operations (`float8_accum`, `float8_regr_accum`), so that results agree to the last bit.

use super::per_group::{PerGroup, State};
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::expr::functions::arith::overflow;
use crate::types::{Datum, DatumRef};

fn float(value: DatumRef<'_>) -> f64 {
    match value {
        DatumRef::Float8(v) => v,
        DatumRef::Float4(v) => v.into(),
        other => panic!("{other:?} where a float is wanted"),
    }
}

fn null_if(empty: bool, value: f64) -> Datum {
    if empty { Datum::Null } else { Datum::Float8(value) }
}

#[derive(Clone, Copy, Default)]
struct Spread {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) -> Result<()> {
        let before = *self;
        self.n += 1.0;
        self.sum += value;
        if before.n > 0.0 {
            let t = value * self.n - self.sum;
            self.squares += t * t / (self.n * before.n);
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if !before.sum.is_infinite() && !value.is_infinite() {
                    return Err(overflow());
                }
                self.squares = f64::NAN;
            }
        } else if value.is_nan() || value.is_infinite() {
            self.squares = f64::NAN;
        }
        Ok(())
    }
}

/// What of a [`Spread`] is wanted.
#[derive(Clone, Copy)]
pub enum SpreadOf {
    Average,
    VariancePop,
    VarianceSample,
    DeviationPop,
    DeviationSample,
}

impl State for Spread {
    type Shared = SpreadOf;

    fn empty(_: &SpreadOf) -> Spread {
        Spread::default()
    }

    fn add(&mut self, _: &SpreadOf, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        Spread::add(self, float(args[0]))
    }

    fn finish(&self, what: &SpreadOf, _: &mut EvalContext<'_>) -> Result<Datum> {
        let (n, squares) = (self.n, self.squares);
        Ok(match what {
            SpreadOf::Average => null_if(n == 0.0, self.sum / n),
            SpreadOf::VariancePop => null_if(n == 0.0, squares / n),
            SpreadOf::DeviationPop => null_if(n == 0.0, (squares / n).sqrt()),
            SpreadOf::VarianceSample => null_if(n <= 1.0, squares / (n - 1.0)),
            SpreadOf::DeviationSample => null_if(n <= 1.0, (squares / (n - 1.0)).sqrt()),
        })
    }

    fn merge(&mut self, _: &SpreadOf, other: Spread) -> Result<bool> {
        if self.n == 0.0 {
            *self = other;
        } else if other.n > 0.0 {
            let n = self.n + other.n;
            let t = self.sum / self.n - other.sum / other.n;
            let squares = self.squares + other.squares + self.n * other.n * t * t / n;
            *self = Spread { n, sum: self.sum + other.sum, squares };
        }
        Ok(true)
    }
}

fn spread(types: CallTypes<'_>, what: SpreadOf) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Spread>::new(types, true, what)))
}

#[derive(Clone, Copy, Default)]
struct Pairs {
    n: f64,
    sx: f64,
    sxx: f64,
    sy: f64,
    syy: f64,
    sxy: f64,
}

/// What of [`Pairs`] is wanted.
#[derive(Clone, Copy)]
pub enum PairsOf {
    Count,
    Sxx,
    Syy,
    Sxy,
    AverageX,
    AverageY,
    CovariancePop,
    CovarianceSample,
    Correlation,
    R2,
    Slope,
    Intercept,
}

impl Pairs {
    fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let before = *self;
        self.n += 1.0;
        self.sx += x;
        self.sy += y;
        if before.n > 0.0 {
            let tx = x * self.n - self.sx;
            let ty = y * self.n - self.sy;
            let scale = 1.0 / (self.n * before.n);
            self.sxx += tx * tx * scale;
            self.syy += ty * ty * scale;
            self.sxy += tx * ty * scale;
            self.check(&before, y, x)?;
        } else {
            if x.is_nan() || x.is_infinite() {
                (self.sxx, self.sxy) = (f64::NAN, f64::NAN);
            }
            if y.is_nan() || y.is_infinite() {
                (self.syy, self.sxy) = (f64::NAN, f64::NAN);
            }
        }
        Ok(())
    }

    /// Infinite sums of finite input are an overflow; of infinite input, the squares are NaN.
    fn check(&mut self, before: &Pairs, y: f64, x: f64) -> Result<()> {
        let infinite = [self.sx, self.sxx, self.sy, self.syy, self.sxy].iter().any(|v| v.is_infinite());
        if !infinite {
            return Ok(());
        }
        let fresh_x = !before.sx.is_infinite() && !x.is_infinite();
        let fresh_y = !before.sy.is_infinite() && !y.is_infinite();
        if ((self.sx.is_infinite() || self.sxx.is_infinite()) && fresh_x)
            || ((self.sy.is_infinite() || self.syy.is_infinite()) && fresh_y)
            || (self.sxy.is_infinite() && fresh_x && fresh_y)
        {
            return Err(overflow());
        }
        for sum in [&mut self.sxx, &mut self.syy, &mut self.sxy] {
            if sum.is_infinite() {
                *sum = f64::NAN;
            }
        }
        Ok(())
    }
}

impl State for Pairs {
    type Shared = PairsOf;

    fn empty(_: &PairsOf) -> Pairs {
        Pairs::default()
    }

    fn add(&mut self, _: &PairsOf, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        Pairs::add(self, float(args[0]), float(args[1]))
    }

    fn finish(&self, what: &PairsOf, _: &mut EvalContext<'_>) -> Result<Datum> {
        let Pairs { n, sx, sxx, sy, syy, sxy } = *self;
        let none = n < 1.0;
        Ok(match what {
            PairsOf::Count => Datum::Int8(n as i64),
            PairsOf::Sxx => null_if(none, sxx),
            PairsOf::Syy => null_if(none, syy),
            PairsOf::Sxy => null_if(none, sxy),
            PairsOf::AverageX => null_if(none, sx / n),
            PairsOf::AverageY => null_if(none, sy / n),
            PairsOf::CovariancePop => null_if(none, sxy / n),
            PairsOf::CovarianceSample => null_if(n < 2.0, sxy / (n - 1.0)),
            PairsOf::Correlation => null_if(none || sxx == 0.0 || syy == 0.0, sxy / (sxx * syy).sqrt()),
            PairsOf::R2 if !none && sxx != 0.0 && syy == 0.0 => Datum::Float8(1.0),
            PairsOf::R2 => null_if(none || sxx == 0.0, (sxy * sxy) / (sxx * syy)),
            PairsOf::Slope => null_if(none || sxx == 0.0, sxy / sxx),
            PairsOf::Intercept => null_if(none || sxx == 0.0, (sy - sx * sxy / sxx) / n),
        })
    }
}

fn pairs(types: CallTypes<'_>, what: PairsOf) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Pairs>::new(types, true, what)))
}

macro_rules! aggregates {
    ($($name:ident $make:ident $what:expr;)*) => {
        $(pub fn $name(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
            $make(types, $what)
        })*
    };
}

aggregates! {
    avg spread SpreadOf::Average;
    var_pop spread SpreadOf::VariancePop;
    var_samp spread SpreadOf::VarianceSample;
    stddev_pop spread SpreadOf::DeviationPop;
    stddev_samp spread SpreadOf::DeviationSample;
    regr_count pairs PairsOf::Count;
    regr_sxx pairs PairsOf::Sxx;
    regr_syy pairs PairsOf::Syy;
    regr_sxy pairs PairsOf::Sxy;
    regr_avgx pairs PairsOf::AverageX;
    regr_avgy pairs PairsOf::AverageY;
    covar_pop pairs PairsOf::CovariancePop;
    covar_samp pairs PairsOf::CovarianceSample;
    corr pairs PairsOf::Correlation;
    regr_r2 pairs PairsOf::R2;
    regr_slope pairs PairsOf::Slope;
    regr_intercept pairs PairsOf::Intercept;
}
