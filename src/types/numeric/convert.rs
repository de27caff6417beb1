//! Numbers to and from PostgreSQL's integers and floats, and functions of integers.

use super::arith::overflow;
use super::digits::{MAX_POW10, pow10};
use super::{Numeric, NumericRef, Parts};
use crate::base::{Error, Result, SqlState};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

/// Powers of ten that a double holds exactly.
const EXACT_POW10: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

impl NumericRef<'_> {
    /// Rounded half away from zero; 22003 when out of range, 0A000 for NaN and the infinities.
    pub fn to_i16(self) -> Result<i16> {
        self.to_integer("smallint")?.to_i16().ok_or_else(|| out_of_range("smallint"))
    }

    pub fn to_i32(self) -> Result<i32> {
        self.to_integer("integer")?.to_i32().ok_or_else(|| out_of_range("integer"))
    }

    pub fn to_i64(self) -> Result<i64> {
        self.to_integer("bigint")?.to_i64().ok_or_else(|| out_of_range("bigint"))
    }

    fn to_integer(self, ty: &str) -> Result<i128> {
        let special =
            |what: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot convert {what} to {ty}"));
        match self.parts() {
            Parts::NaN => Err(special("NaN")),
            Parts::PosInf | Parts::NegInf => Err(special("infinity")),
            _ => match self.round(0)?.as_ref().small_parts() {
                Some((value, _)) => Ok(value),
                None => Err(out_of_range(ty)),
            },
        }
    }

    /// The nearest double; 22003 when the number is beyond all doubles.
    pub fn to_f64(self) -> Result<f64> {
        let value = self.to_f64_lossy();
        if value.is_infinite() && self.is_finite() || value == 0.0 && !self.is_zero() {
            return Err(float_out_of_range(self, "double precision"));
        }
        Ok(value)
    }

    /// The nearest double, infinite or zero when the number is beyond all doubles.
    pub fn to_f64_lossy(self) -> f64 {
        match self.parts() {
            Parts::NaN => f64::NAN,
            Parts::PosInf => f64::INFINITY,
            Parts::NegInf => f64::NEG_INFINITY,
            // Both operands are exact, so the division rounds once, to the nearest.
            Parts::Small(m, s) if m.unsigned_abs() < 1 << 53 && usize::from(s) < EXACT_POW10.len() => {
                m as f64 / EXACT_POW10[usize::from(s)]
            }
            _ => self.to_string().parse().expect("a number's text is a float's"),
        }
    }

    pub fn to_f32(self) -> Result<f32> {
        let value: f32 = match self.parts() {
            Parts::NaN => f32::NAN,
            Parts::PosInf => f32::INFINITY,
            Parts::NegInf => f32::NEG_INFINITY,
            _ => self.to_string().parse().expect("a number's text is a float's"),
        };
        if value.is_infinite() && self.is_finite() || value == 0.0 && !self.is_zero() {
            return Err(float_out_of_range(self, "real"));
        }
        Ok(value)
    }
}

fn out_of_range(ty: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{ty} out of range"))
}

fn float_out_of_range(value: NumericRef<'_>, ty: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("\"{value}\" is out of range for type {ty}"))
}

impl Numeric {
    /// The number of 15 significant digits nearest to the double, as PostgreSQL's cast makes it.
    pub fn from_f64(v: f64) -> Numeric {
        from_float(v, 15)
    }

    /// The number of 6 significant digits nearest to the float.
    pub fn from_f32(v: f32) -> Numeric {
        from_float(f64::from(v), 6)
    }

    /// `factorial(n)`: 22003 for negative and for too large arguments.
    pub fn factorial(n: i64) -> Result<Numeric> {
        /// The largest whose factorial fits the format.
        const LARGEST: i64 = 32177;
        if n < 0 {
            return Err(Error::new(
                SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                "factorial of a negative number is undefined",
            ));
        }
        if n > LARGEST {
            return Err(overflow());
        }
        super::arith::finite(&product(1, n as u64), 0)
    }
}

/// `(low, high]` multiplied in halves, so that the large factors meet late.
fn product(low: u64, high: u64) -> BigInt {
    match high.saturating_sub(low) {
        0 => BigInt::from(1),
        n if n < 8 => (low + 1..=high).map(BigInt::from).product(),
        n => product(low, low + n / 2) * product(low + n / 2, high),
    }
}

fn from_float(v: f64, digits: usize) -> Numeric {
    if v.is_nan() {
        return Numeric::NAN;
    }
    if v.is_infinite() {
        return if v > 0.0 { Numeric::INFINITY } else { Numeric::NEG_INFINITY };
    }
    // C's %.*g: so many significant digits, correctly rounded, trailing zeros dropped.
    let text = format!("{v:.width$e}", width = digits - 1);
    let (mantissa, exponent) = text.split_once('e').expect("exponent form");
    let exponent: i32 = exponent.parse().expect("a double's exponent");
    let mantissa: String = mantissa.chars().filter(|&c| c != '.').collect();
    let mut mantissa: i128 = mantissa.parse().expect("digits");
    let mut scale = digits as i32 - 1 - exponent;
    while mantissa % 10 == 0 && mantissa != 0 && scale > 0 {
        mantissa /= 10;
        scale -= 1;
    }
    if mantissa == 0 {
        return Numeric::ZERO;
    }
    match scale {
        0.. => Numeric::small(mantissa, scale as u16),
        _ => {
            let up = scale.unsigned_abs();
            match pow10(up.min(MAX_POW10 + 1)).and_then(|p| mantissa.checked_mul(p)) {
                Some(small) => Numeric::small(small, 0),
                None => super::encode::from_big(&(BigInt::from(mantissa) * super::digits::big_pow10(up)), 0),
            }
        }
    }
}

impl NumericRef<'_> {
    /// `width_bucket(self, low, high, count)`.
    pub fn width_bucket(self, low: NumericRef<'_>, high: NumericRef<'_>, count: i32) -> Result<i32> {
        let bad = |message: &str| Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message));
        if count <= 0 {
            return bad("count must be greater than zero");
        }
        if self.is_nan() || low.is_nan() || high.is_nan() {
            return bad("operand, lower bound, and upper bound cannot be NaN");
        }
        if low.is_infinite() || high.is_infinite() {
            return bad("lower and upper bounds must be finite");
        }
        let rising = match low.cmp(high) {
            std::cmp::Ordering::Equal => return bad("lower bound cannot equal upper bound"),
            order => order.is_lt(),
        };
        let before = |a: NumericRef<'_>, b: NumericRef<'_>| if rising { a.cmp(b).is_lt() } else { a.cmp(b).is_gt() };
        if before(self, low) {
            return Ok(0);
        }
        if !before(self, high) {
            return count.checked_add(1).ok_or_else(|| out_of_range("integer"));
        }
        let into = self.sub(low)?.as_ref().mul(Numeric::from(count).as_ref())?;
        let width = high.sub(low)?;
        Ok(into.as_ref().div_trunc(width.as_ref())?.as_ref().to_i32()? + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_fifteen_digits() {
        for (v, text) in [
            (0.1 + 0.2, "0.3"),
            (1e20, "100000000000000000000"),
            (-1.5, "-1.5"),
            (1e-7, "0.0000001"),
            (1234567890123456789.0, "1234567890123460000"),
            (0.0, "0"),
            (-0.0, "0"),
            (100.0, "100"),
        ] {
            assert_eq!(Numeric::from_f64(v).to_string(), text);
        }
        assert_eq!(Numeric::from_f32(0.1).to_string(), "0.1");
        assert_eq!(Numeric::from_f32(1234567.0).to_string(), "1234570");
        assert_eq!(Numeric::from_f64(1e300).to_string().len(), 301);
        assert_eq!(Numeric::parse("0.3").unwrap().as_ref().to_f64().unwrap(), 0.3);
        assert!(Numeric::parse("1e400").unwrap().as_ref().to_f64().is_err());
    }

    #[test]
    fn integers_round_and_are_bounded() {
        assert_eq!(Numeric::parse("2.5").unwrap().as_ref().to_i32().unwrap(), 3);
        assert_eq!(Numeric::parse("-32768.4").unwrap().as_ref().to_i16().unwrap(), i16::MIN);
        assert_eq!(
            Numeric::parse("32767.5").unwrap().as_ref().to_i16().unwrap_err().message(),
            "smallint out of range"
        );
        assert_eq!(Numeric::NAN.as_ref().to_i64().unwrap_err().message(), "cannot convert NaN to bigint");
        assert_eq!(Numeric::factorial(20).unwrap().to_string(), "2432902008176640000");
        assert_eq!(Numeric::factorial(0).unwrap().to_string(), "1");
    }

    #[test]
    fn buckets() {
        let n = |s: &str| Numeric::parse(s).unwrap();
        let bucket = |v: &str, low: &str, high: &str| n(v).as_ref().width_bucket(n(low).as_ref(), n(high).as_ref(), 5);
        assert_eq!(bucket("5.35", "0.024", "10.06").unwrap(), 3);
        assert_eq!(bucket("-1", "0", "10").unwrap(), 0);
        assert_eq!(bucket("10", "0", "10").unwrap(), 6);
        assert_eq!(bucket("3", "10", "0").unwrap(), 4);
        assert!(bucket("1", "1", "1").is_err());
    }
}
