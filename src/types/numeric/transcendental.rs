//! Roots, exponentials, logarithms and powers, with the result scales of `numeric.c` (`numeric_sqrt`, `exp_var`,
//! `ln_var`, `log_var`, `power_var`).
//!
//! PostgreSQL computes each to a few digits more than it shows and rounds. Here the digits come from other series, on
//! fixed-point integers with more spare digits, so results are rounded from closer; which digits are shown follows its rules
//! exactly.

use super::arith::{MAX_DISPLAY_SCALE, MIN_SIGNIFICANT, division_by_zero, finite, overflow, quotient, rescale};
use super::digits::{big_pow10, count_big, exponent, leading_groups, weight};
use super::{MAX_INTEGER_DIGITS, Numeric, NumericRef, Parts};
use crate::base::{Error, Result, SqlState};
use num_bigint::{BigInt, Sign};
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::f64::consts::{LN_10, LOG10_E};

/// `NUMERIC_MAX_RESULT_SCALE`.
const MAX_RESULT_SCALE: f64 = 2000.0;
/// Digits computed beyond those shown.
const SPARE: i32 = 16;

fn undefined_power(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION, message)
}

fn undefined_log(message: &str) -> Error {
    Error::new(SqlState::INVALID_ARGUMENT_FOR_LOG, message)
}

fn shown_scale(least: i32, of_inputs: impl IntoIterator<Item = u16>) -> u16 {
    let widest = of_inputs.into_iter().map(i32::from).max().unwrap_or(0);
    least.max(widest).clamp(0, MAX_DISPLAY_SCALE) as u16
}

/// A finite number: `mantissa / 10^scale`.
#[derive(Clone)]
struct Decimal {
    mantissa: BigInt,
    scale: u16,
}

impl Decimal {
    fn of(n: NumericRef<'_>) -> Option<Decimal> {
        n.parts().big().map(|(mantissa, scale)| Decimal { mantissa, scale })
    }

    fn to_f64(&self) -> f64 {
        super::encode::from_big(&self.mantissa, self.scale).as_ref().to_f64_lossy()
    }

    /// The integer nearest to the number times `10^places`.
    fn fixed(&self, places: i32) -> BigInt {
        shift_round(&self.mantissa, places - i32::from(self.scale))
    }

    fn is_integer(&self) -> bool {
        (&self.mantissa % big_pow10(u32::from(self.scale))).is_zero()
    }

    fn cmp_tenths(&self, tenths: i32) -> Ordering {
        let scaled: BigInt = &self.mantissa * 10;
        scaled.cmp(&(big_pow10(u32::from(self.scale)) * tenths))
    }

    /// About the power of ten of the number's logarithm (`estimate_ln_dweight`).
    fn ln_weight(&self) -> i32 {
        if !self.mantissa.is_positive() {
            return 0;
        }
        if self.cmp_tenths(9).is_ge() && self.cmp_tenths(11).is_le() {
            let from_one = &self.mantissa - big_pow10(u32::from(self.scale));
            return exponent(&from_one, self.scale).unwrap_or(0);
        }
        let (head, power) = leading_groups(&self.mantissa, self.scale, 2).expect("not zero");
        let ln = head.ln() + f64::from(power) * LN_10;
        ln.abs().log10() as i32
    }
}

/// `n * 10^places`, rounded.
fn shift_round(n: &BigInt, places: i32) -> BigInt {
    match places {
        0.. => n * big_pow10(places as u32),
        _ => super::digits::div_round(n, &big_pow10(places.unsigned_abs())),
    }
}

/// A fixed-point number shown with `scale` digits.
fn show(fixed: &BigInt, places: i32, scale: u16) -> Result<Numeric> {
    finite(&shift_round(fixed, i32::from(scale) - places), u32::from(scale))
}

impl NumericRef<'_> {
    pub fn sqrt(self) -> Result<Numeric> {
        if self.is_nan() {
            return Ok(Numeric::NAN);
        }
        if self.signum() < 0 {
            return Err(undefined_power("cannot take square root of a negative number"));
        }
        let Some(d) = Decimal::of(self) else { return Ok(Numeric::INFINITY) };
        let (first, _) = weight(&d.mantissa, d.scale);
        self.sqrt_to(shown_scale(MIN_SIGNIFICANT - (first * 2 + 1), [d.scale]))
    }

    /// The root of a finite number that is not negative, to `scale` digits after the point.
    pub(super) fn sqrt_to(self, scale: u16) -> Result<Numeric> {
        let d = Decimal::of(self).expect("a finite number");
        // One digit more decides the rounding: a root is never exactly halfway unless it is exact.
        let places = i32::from(scale) + 1;
        let shift = 2 * places - i32::from(d.scale);
        let squared = match shift {
            0.. => d.mantissa * big_pow10(shift as u32),
            _ => d.mantissa / big_pow10(shift.unsigned_abs()),
        };
        show(&squared.sqrt(), places, scale)
    }

    pub fn exp(self) -> Result<Numeric> {
        let d = match self.parts() {
            Parts::NaN => return Ok(Numeric::NAN),
            Parts::PosInf => return Ok(Numeric::INFINITY),
            Parts::NegInf => return Ok(Numeric::ZERO),
            _ => Decimal::of(self).expect("a finite number"),
        };
        let log10 = (d.to_f64() * LOG10_E).clamp(-MAX_RESULT_SCALE, MAX_RESULT_SCALE);
        exp(&d, shown_scale(MIN_SIGNIFICANT - log10 as i32, [d.scale]))
    }

    /// The natural logarithm.
    pub fn ln(self) -> Result<Numeric> {
        let d = match self.parts() {
            Parts::NaN => return Ok(Numeric::NAN),
            Parts::PosInf => return Ok(Numeric::INFINITY),
            Parts::NegInf => return Err(undefined_log("cannot take logarithm of a negative number")),
            _ => Decimal::of(self).expect("a finite number"),
        };
        check_log(&d)?;
        let scale = shown_scale(MIN_SIGNIFICANT - d.ln_weight(), [d.scale]);
        let places = i32::from(scale) + SPARE;
        show(&ln(&d, places), places, scale)
    }

    /// `log10(self)`.
    pub fn log10(self) -> Result<Numeric> {
        self.log(Numeric::from(10).as_ref())
    }

    /// `log(base, self)`.
    pub fn log(self, base: NumericRef<'_>) -> Result<Numeric> {
        if self.is_nan() || base.is_nan() {
            return Ok(Numeric::NAN);
        }
        let (Some(b), Some(n)) = (Decimal::of(base), Decimal::of(self)) else { return log_of_infinity(base, self) };
        check_log(&b)?;
        check_log(&n)?;
        let (b_weight, n_weight) = (b.ln_weight(), n.ln_weight());
        let scale = shown_scale(MIN_SIGNIFICANT - (n_weight - b_weight), [b.scale, n.scale]);
        // As many significant digits in both logarithms as the quotient shows, and spare ones.
        let places = i32::from(scale) + SPARE + (n_weight - b_weight).abs() + b_weight.abs() + n_weight.abs();
        let ln_base = ln(&b, places);
        if ln_base.is_zero() {
            return Err(division_by_zero());
        }
        finite(&quotient(&ln(&n, places), 0, &ln_base, 0, scale), u32::from(scale))
    }

    pub fn power(self, exponent: NumericRef<'_>) -> Result<Numeric> {
        let (Some(base), Some(power)) = (Decimal::of(self), Decimal::of(exponent)) else {
            return power_special(self, exponent);
        };
        if self.is_zero() && exponent.signum() < 0 {
            return Err(zero_to_negative());
        }
        if self.signum() < 0 && !power.is_integer() {
            return Err(complex_power());
        }
        if power.is_integer()
            && let Some(n) = (&power.mantissa / big_pow10(u32::from(power.scale))).to_i32()
        {
            return integer_power(&base, n);
        }
        real_power(base, &power)
    }
}

fn zero_to_negative() -> Error {
    undefined_power("zero raised to a negative power is undefined")
}

fn complex_power() -> Error {
    undefined_power("a negative number raised to a non-integer power yields a complex result")
}

fn check_log(d: &Decimal) -> Result<()> {
    match d.mantissa.sign() {
        Sign::Plus => Ok(()),
        Sign::NoSign => Err(undefined_log("cannot take logarithm of zero")),
        Sign::Minus => Err(undefined_log("cannot take logarithm of a negative number")),
    }
}

fn log_of_infinity(base: NumericRef<'_>, n: NumericRef<'_>) -> Result<Numeric> {
    if base.signum() < 0 || n.signum() < 0 {
        return Err(undefined_log("cannot take logarithm of a negative number"));
    }
    if base.is_zero() || n.is_zero() {
        return Err(undefined_log("cannot take logarithm of zero"));
    }
    Ok(match (base.is_infinite(), n.is_infinite()) {
        (true, true) => Numeric::NAN,
        (true, false) => Numeric::ZERO,
        _ => Numeric::INFINITY,
    })
}

/// e to the power of `d`, to `scale` digits after the point.
fn exp(d: &Decimal, scale: u16) -> Result<Numeric> {
    let x = d.to_f64();
    if x.abs() >= MAX_RESULT_SCALE * 3.0 {
        return if x > 0.0 { Err(overflow()) } else { Ok(Numeric::small(0, scale)) };
    }
    let integer_digits = (x * LOG10_E).max(0.0) as i32 + 1;
    let places = i32::from(scale) + integer_digits + SPARE;
    show(&exp_fixed(&d.fixed(places), places), places, scale)
}

/// e to a fixed-point power of at most 6000: the power is halved until it is small, the series summed, the result squared
/// back. Each squaring doubles the relative error, which costs a third of a digit.
fn exp_fixed(x: &BigInt, places: i32) -> BigInt {
    let one = big_pow10(places as u32);
    let size = (x.abs() / &one).bits() as i32;
    let halvings = size + 8;
    let spare = halvings / 3 + 4;
    let one = one * big_pow10(spare as u32);
    let reduced = (x * big_pow10(spare as u32)) >> halvings;
    let (mut sum, mut term) = (&one + &reduced, reduced.clone());
    let mut n = 2u32;
    while !term.is_zero() {
        term = &term * &reduced / &one / n;
        sum += &term;
        n += 1;
    }
    for _ in 0..halvings {
        sum = &sum * &sum / &one;
    }
    shift_round(&sum, -spare)
}

/// The natural logarithm of a positive number as fixed point: the number is brought near 1 by a power of ten.
fn ln(d: &Decimal, places: i32) -> BigInt {
    let digits = count_big(&d.mantissa) as i32;
    let power = match digits - i32::from(d.scale) {
        // From 0.1 up to 10 it is near enough, and stays exact when it is very close to 1.
        0 | 1 => 0,
        n => n,
    };
    let places = places + 8;
    let near = Decimal { mantissa: d.mantissa.clone(), scale: 0 };
    let near = near.fixed(places - i32::from(d.scale) - power);
    let mut result = ln_near_one(&near, places);
    if power != 0 {
        result += ln_near_one(&(big_pow10(places as u32) * 10), places) * power;
    }
    shift_round(&result, -8)
}

/// The logarithm of a fixed-point number from 0.1 to 10: from a double's logarithm, each step of Halley's method on `exp`
/// triples the digits that are right.
fn ln_near_one(x: &BigInt, places: i32) -> BigInt {
    let one = big_pow10(places as u32);
    if *x == one {
        return BigInt::zero();
    }
    let head = shift_round(x, 30 - places).to_f64().expect("a double") / 1e30;
    let mut y = shift_round(&BigInt::from((head.ln() * 1e15) as i64), places - 15);
    let mut right = 14;
    while right < places {
        let e = exp_fixed(&y, places);
        y += (x - &e) * 2 * &one / (x + &e);
        right *= 3;
    }
    y
}

/// `power_var_int`: at least 16 digits after the point, whatever the size.
fn integer_power(base: &Decimal, n: i32) -> Result<Numeric> {
    let scale = shown_scale(MIN_SIGNIFICANT, [base.scale]);
    let one = BigInt::one();
    match n {
        0 => return finite(&big_pow10(u32::from(scale)), u32::from(scale)),
        1 => return finite(&base.fixed(i32::from(scale)), u32::from(scale)),
        -1 => {
            return finite(&quotient(&one, 0, &base.mantissa, base.scale, scale), u32::from(scale));
        }
        2 => {
            let square = &base.mantissa * &base.mantissa;
            return finite(&rescale(&square, 2 * u32::from(base.scale), u32::from(scale)), u32::from(scale));
        }
        _ if base.mantissa.is_zero() => return Ok(Numeric::small(0, scale)),
        _ => {}
    }
    let (head, power) = leading_groups(&base.mantissa, base.scale, 5).expect("not zero");
    let log10 = f64::from(n) * (head.log10() + f64::from(power));
    if log10 > f64::from(MAX_INTEGER_DIGITS) {
        return Err(overflow());
    }
    if log10 + 1.0 < -f64::from(scale) {
        return Ok(Numeric::small(0, scale));
    }
    // Significant digits of the result, and spare ones for the error of each multiplication.
    let digits = (1 + i32::from(scale) + log10 as i32).max(1) + f64::from(n).abs().ln() as i32 + SPARE;
    let (mantissa, places) = float_power(&base.mantissa, i64::from(base.scale), n.unsigned_abs(), digits as u32);
    if n > 0 {
        let shift = i64::from(scale) - places;
        let shown = shift_round(&mantissa, i32::try_from(shift).map_err(|_| overflow())?);
        return finite(&shown, u32::from(scale));
    }
    // 1 / (mantissa / 10^places)
    let shift = i32::try_from(i64::from(scale) + places).map_err(|_| overflow())?;
    match shift {
        0.. => {
            let dividend = if mantissa.is_negative() { -big_pow10(shift as u32) } else { big_pow10(shift as u32) };
            finite(&super::digits::div_round(&dividend, &mantissa.abs()), u32::from(scale))
        }
        _ => Ok(Numeric::small(0, scale)),
    }
}

/// A power by squaring, each product cut to so many digits: its mantissa and digits after the point (negative: zeros
/// before it).
fn float_power(base: &BigInt, places: i64, mut n: u32, digits: u32) -> (BigInt, i64) {
    let cut = |mantissa: BigInt, places: i64| {
        let excess = count_big(&mantissa).saturating_sub(digits + 8);
        match excess {
            0 => (mantissa, places),
            _ => (super::digits::div_round(&mantissa, &big_pow10(excess)), places - i64::from(excess)),
        }
    };
    let (mut square, mut square_places) = cut(base.clone(), places);
    let (mut result, mut result_places) = (BigInt::one(), 0i64);
    loop {
        if n & 1 == 1 {
            (result, result_places) = cut(result * &square, result_places + square_places);
        }
        n >>= 1;
        if n == 0 {
            return (result, result_places);
        }
        (square, square_places) = cut(&square * &square, square_places * 2);
    }
}

/// `power_var` of an exponent that is not an `int`: e to the power of its product with the base's logarithm.
fn real_power(mut base: Decimal, power: &Decimal) -> Result<Numeric> {
    if base.mantissa.is_zero() {
        return Ok(Numeric::small(0, MIN_SIGNIFICANT as u16));
    }
    let negative = base.mantissa.is_negative() && {
        let whole = &power.mantissa / big_pow10(u32::from(power.scale));
        whole.bit(0)
    };
    base.mantissa = base.mantissa.abs();
    let ln_weight = base.ln_weight();

    let rough_places = (8 - ln_weight).max(0);
    let rough = shift_round(&(ln(&base, rough_places) * &power.mantissa), -i32::from(power.scale));
    let rough = Decimal { mantissa: rough, scale: 0 };
    let estimate = rough.to_f64() / 10f64.powi(rough_places);
    if estimate.abs() > MAX_RESULT_SCALE * 3.01 {
        return if estimate > 0.0 { Err(overflow()) } else { Ok(Numeric::small(0, MAX_DISPLAY_SCALE as u16)) };
    }
    let log10 = (estimate * LOG10_E) as i32;
    let scale = shown_scale(MIN_SIGNIFICANT - log10, [base.scale, power.scale]);

    // The product's error becomes the result's relative error. Powers of numbers very near 1 can lie very near the middle
    // between two results, where the second order decides.
    let power_digits = count_big(&power.mantissa) as i32 - i32::from(power.scale);
    let places = i32::from(scale) + log10.max(0) + power_digits.max(0) - ln_weight.min(0) + SPARE;
    let product = shift_round(&(ln(&base, places) * &power.mantissa), -i32::from(power.scale));
    let x = product.to_f64().unwrap_or(f64::MAX) / 10f64.powi(places);
    let x = if x.is_finite() { x } else { estimate };
    if x.abs() >= MAX_RESULT_SCALE * 3.0 {
        return if x > 0.0 { Err(overflow()) } else { Ok(Numeric::small(0, scale)) };
    }
    let result = exp_fixed(&product, places);
    show(&if negative { -result } else { result }, places, scale)
}

/// Powers where a side is not finite, by POSIX's rules for `pow`.
fn power_special(base: NumericRef<'_>, power: NumericRef<'_>) -> Result<Numeric> {
    let one = Numeric::from(1);
    let is_one = |n: NumericRef<'_>| n.cmp(one.as_ref()).is_eq();
    if base.is_nan() {
        return Ok(if power.is_zero() { one } else { Numeric::NAN });
    }
    if power.is_nan() {
        return Ok(if is_one(base) { one } else { Numeric::NAN });
    }
    let (base_sign, power_sign) = (base.signum(), power.signum());
    let power_parts = Decimal::of(power);
    if base_sign == 0 && power_sign < 0 {
        return Err(zero_to_negative());
    }
    // Infinite powers count as whole, and even.
    if base_sign < 0 && power_parts.as_ref().is_some_and(|p| !p.is_integer()) {
        return Err(complex_power());
    }
    if is_one(base) || power_sign == 0 {
        return Ok(one);
    }
    if base_sign == 0 {
        return Ok(Numeric::ZERO);
    }
    let Some(power_parts) = power_parts else {
        let size = base.abs();
        if is_one(size.as_ref()) {
            return Ok(one);
        }
        let grows = size.as_ref().cmp(one.as_ref()).is_gt() == (power_sign > 0);
        return Ok(if grows { Numeric::INFINITY } else { Numeric::ZERO });
    };
    if power_sign < 0 {
        return Ok(Numeric::ZERO);
    }
    let odd = (&power_parts.mantissa / big_pow10(u32::from(power_parts.scale))).bit(0);
    Ok(if base_sign < 0 && odd { Numeric::NEG_INFINITY } else { Numeric::INFINITY })
}
