//! Running sums for `sum`, `avg`, `variance` and `stddev`, with numbers taken out again for moving window frames.
//!
//! The sum is one mantissa at the largest scale seen; so is the sum of squares, at twice that scale. How many numbers
//! have each scale is kept, because the result's scale must shrink when the last one of the largest scale leaves.

use super::arith::{finite, quotient, quotient_scale};
use super::digits::{big_pow10, pow10, weight};
use super::{Numeric, NumericRef, Parts};
use crate::base::Result;
use num_bigint::BigInt;
use num_traits::Signed;
use smallvec::SmallVec;

/// An integer that grows out of `i128` only when it must.
#[derive(Clone, Debug)]
enum Total {
    Small(i128),
    Big(BigInt),
}

impl Total {
    fn add(&mut self, value: i128) {
        match self {
            Total::Small(t) => match t.checked_add(value) {
                Some(sum) => *t = sum,
                None => *self = Total::Big(BigInt::from(*t) + value),
            },
            Total::Big(t) => *t += value,
        }
    }

    fn add_big(&mut self, value: BigInt) {
        *self = Total::Big(self.get() + value);
    }

    fn scale_up(&mut self, digits: u32) {
        match self {
            Total::Small(t) => match pow10(digits).and_then(|p| t.checked_mul(p)) {
                Some(scaled) => *t = scaled,
                None => *self = Total::Big(BigInt::from(*t) * big_pow10(digits)),
            },
            Total::Big(t) => *t *= big_pow10(digits),
        }
    }

    fn get(&self) -> BigInt {
        match self {
            Total::Small(t) => BigInt::from(*t),
            Total::Big(t) => t.clone(),
        }
    }
}

/// Sum (and, when asked for, sum of squares) of the numbers added so far.
#[derive(Clone, Debug)]
pub struct NumericSum {
    sum: Total,
    squares: Option<Total>,
    /// The scale of `sum`; `squares` has twice as much.
    scale: u16,
    finite: i64,
    nan: i64,
    positive_infinite: i64,
    negative_infinite: i64,
    /// How many finite numbers have each scale; the scales are distinct.
    scales: SmallVec<[(u16, i64); 2]>,
}

impl NumericSum {
    /// `squares` is needed for variance and standard deviation.
    pub fn new(squares: bool) -> NumericSum {
        NumericSum {
            sum: Total::Small(0),
            squares: squares.then_some(Total::Small(0)),
            scale: 0,
            finite: 0,
            nan: 0,
            positive_infinite: 0,
            negative_infinite: 0,
            scales: SmallVec::new(),
        }
    }

    pub fn add(&mut self, value: NumericRef<'_>) {
        self.apply(value, 1);
    }

    pub fn add_i64(&mut self, value: i64) {
        self.apply(NumericRef::small(i128::from(value), 0), 1);
    }

    /// Takes out a number that was added.
    pub fn remove(&mut self, value: NumericRef<'_>) {
        self.apply(value, -1);
    }

    pub fn remove_i64(&mut self, value: i64) {
        self.apply(NumericRef::small(i128::from(value), 0), -1);
    }

    fn apply(&mut self, value: NumericRef<'_>, times: i64) {
        match value.parts() {
            Parts::Small(mantissa, scale) => self.apply_small(mantissa, scale, times),
            Parts::Big(mantissa, scale) => self.apply_big(mantissa, scale, times),
            Parts::NaN => self.nan += times,
            Parts::PosInf => self.positive_infinite += times,
            Parts::NegInf => self.negative_infinite += times,
        }
    }

    fn apply_small(&mut self, mantissa: i128, scale: u16, times: i64) {
        let lift = pow10(u32::from(self.scale.saturating_sub(scale)));
        let (Some(lifted), true) = (lift.and_then(|p| mantissa.checked_mul(p)), self.scale >= scale) else {
            return self.apply_big(BigInt::from(mantissa), scale, times);
        };
        let Some(signed) = lifted.checked_mul(i128::from(times)) else {
            return self.apply_big(BigInt::from(mantissa), scale, times);
        };
        self.note(scale, times);
        self.sum.add(signed);
        if let Some(squares) = &mut self.squares {
            match lifted.checked_mul(signed) {
                Some(square) => squares.add(square),
                None => squares.add_big(BigInt::from(lifted) * signed),
            }
        }
    }

    fn apply_big(&mut self, mantissa: BigInt, scale: u16, times: i64) {
        if scale > self.scale {
            let digits = u32::from(scale - self.scale);
            self.sum.scale_up(digits);
            if let Some(squares) = &mut self.squares {
                squares.scale_up(2 * digits);
            }
            self.scale = scale;
        }
        self.note(scale, times);
        let lifted = mantissa * big_pow10(u32::from(self.scale - scale));
        let add = |total: &mut Total, value: BigInt| match i128::try_from(&value) {
            Ok(small) => total.add(small),
            Err(_) => total.add_big(value),
        };
        if let Some(squares) = &mut self.squares {
            add(squares, &lifted * &lifted * times);
        }
        add(&mut self.sum, lifted * times);
    }

    fn note(&mut self, scale: u16, times: i64) {
        self.finite += times;
        match self.scales.iter_mut().find(|(s, _)| *s == scale) {
            Some((_, n)) => *n += times,
            None => self.scales.push((scale, times)),
        }
    }

    /// Adds everything that `other` has.
    pub fn merge(&mut self, other: &NumericSum) {
        let scale = self.scale.max(other.scale);
        let (mut theirs, mut their_squares) = (other.sum.clone(), other.squares.clone());
        theirs.scale_up(u32::from(scale - other.scale));
        self.sum.scale_up(u32::from(scale - self.scale));
        match theirs {
            Total::Small(v) => self.sum.add(v),
            Total::Big(v) => self.sum.add_big(v),
        }
        if let (Some(mine), Some(theirs)) = (&mut self.squares, &mut their_squares) {
            theirs.scale_up(2 * u32::from(scale - other.scale));
            mine.scale_up(2 * u32::from(scale - self.scale));
            mine.add_big(theirs.get());
        }
        self.scale = scale;
        for &(scale, n) in &other.scales {
            self.note(scale, n);
        }
        self.nan += other.nan;
        self.positive_infinite += other.positive_infinite;
        self.negative_infinite += other.negative_infinite;
    }

    /// How many numbers were added, those that are not finite included.
    pub fn count(&self) -> i64 {
        self.finite + self.nan + self.positive_infinite + self.negative_infinite
    }

    fn special(&self) -> Option<Numeric> {
        match (self.nan > 0, self.positive_infinite > 0, self.negative_infinite > 0) {
            (false, false, false) => None,
            (false, true, false) => Some(Numeric::INFINITY),
            (false, false, true) => Some(Numeric::NEG_INFINITY),
            _ => Some(Numeric::NAN),
        }
    }

    /// The largest scale among the numbers that are in.
    fn shown_scale(&self) -> u16 {
        self.scales.iter().filter(|(_, n)| *n > 0).map(|(s, _)| *s).max().unwrap_or(0)
    }

    /// The sum's mantissa at the scale shown; digits beyond it are zeros.
    fn shown(&self) -> (BigInt, u16) {
        let scale = self.shown_scale();
        match self.scale - scale {
            0 => (self.sum.get(), scale),
            excess => (self.sum.get() / big_pow10(u32::from(excess)), scale),
        }
    }

    /// None when nothing was added: SQL's NULL.
    pub fn sum(&self) -> Result<Option<Numeric>> {
        if self.count() == 0 {
            return Ok(None);
        }
        if let Some(special) = self.special() {
            return Ok(Some(special));
        }
        if let (Total::Small(sum), true) = (&self.sum, self.shown_scale() == self.scale) {
            return Ok(Some(Numeric::small(*sum, self.scale)));
        }
        let (sum, scale) = self.shown();
        finite(&sum, u32::from(scale)).map(Some)
    }

    pub fn avg(&self) -> Result<Option<Numeric>> {
        match self.sum()? {
            Some(sum) if sum.as_ref().is_finite() => sum.as_ref().div(Numeric::from(self.finite).as_ref()).map(Some),
            other => Ok(other),
        }
    }

    /// Of the sample, or else of the population; none when undefined.
    pub fn variance(&self, sample: bool) -> Result<Option<Numeric>> {
        self.spread(sample, |v| Ok(v.0))
    }

    pub fn stddev(&self, sample: bool) -> Result<Option<Numeric>> {
        self.spread(sample, |(variance, scale)| variance.as_ref().sqrt_to(scale))
    }

    /// `numeric_stddev_internal`: the variance and its scale, given to `finish`.
    fn spread(&self, sample: bool, finish: impl Fn((Numeric, u16)) -> Result<Numeric>) -> Result<Option<Numeric>> {
        let squares = self.squares.as_ref().expect("variance needs the sum of squares");
        if self.count() == 0 || (sample && self.count() == 1) {
            return Ok(None);
        }
        if self.special().is_some() {
            return Ok(Some(Numeric::NAN));
        }
        let (sum, scale) = self.shown();
        let squares = squares.get() / big_pow10(2 * u32::from(self.scale - scale));
        let n = BigInt::from(self.finite);
        let numerator = &n * squares - &sum * &sum;
        if !numerator.is_positive() {
            return Ok(Some(Numeric::ZERO));
        }
        let denominator = if sample { &n * (&n - 1) } else { &n * &n };
        let scale = scale * 2;
        let shown = quotient_scale(weight(&numerator, scale), scale, weight(&denominator, 0), 0);
        let variance = finite(&quotient(&numerator, scale, &denominator, 0, shown), u32::from(shown))?;
        finish((variance, shown)).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_of(texts: &[&str]) -> NumericSum {
        let mut s = NumericSum::new(true);
        texts.iter().for_each(|t| s.add(Numeric::parse(t).unwrap().as_ref()));
        s
    }

    fn shown(n: Result<Option<Numeric>>) -> String {
        n.unwrap().map_or("NULL".into(), |n| n.to_string())
    }

    #[test]
    fn sums_have_the_largest_scale_in() {
        let mut s = sum_of(&["1.5", "2.25", "3"]);
        assert_eq!(shown(s.sum()), "6.75");
        s.remove(Numeric::parse("2.25").unwrap().as_ref());
        assert_eq!(shown(s.sum()), "4.5");
        assert_eq!(shown(s.avg()), "2.2500000000000000");
        assert_eq!(shown(NumericSum::new(false).sum()), "NULL");
    }

    #[test]
    fn spread_matches_the_definition() {
        let s = sum_of(&["1", "2", "3", "4"]);
        assert_eq!(shown(s.variance(true)), "1.6666666666666667");
        assert_eq!(shown(s.variance(false)), "1.2500000000000000");
        assert_eq!(shown(s.stddev(false)), "1.1180339887498948");
        assert_eq!(shown(sum_of(&["7"]).variance(true)), "NULL");
        assert_eq!(shown(sum_of(&["7", "7"]).variance(true)), "0");
        assert_eq!(shown(sum_of(&["7", "inf"]).variance(true)), "NaN");
        assert_eq!(shown(sum_of(&["7", "inf"]).sum()), "Infinity");
    }

    #[test]
    fn merging_equals_adding() {
        let huge = "99999999999999999999999999999999999999.5";
        let mut a = sum_of(&["1.5", huge]);
        let b = sum_of(&["0.001", huge, "-3"]);
        a.merge(&b);
        let all = sum_of(&["1.5", huge, "0.001", huge, "-3"]);
        assert_eq!(shown(a.sum()), shown(all.sum()));
        assert_eq!(shown(a.variance(true)), shown(all.variance(true)));
        assert_eq!(a.count(), 5);
    }
}
