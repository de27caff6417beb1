//! Comparison and the four operations, with PostgreSQL's result scales (`numeric_add` and its neighbours).
//!
//! Each operation tries `i128` first and falls to big integers when a step would overflow.

use super::digits::{big_pow10, count_big, div_round, div_round_small, pow10, weight, weight_small};
use super::encode::from_big;
use super::{MAX_INTEGER_DIGITS, MAX_SCALE, Numeric, NumericRef, Parts};
use crate::base::{Error, Result, SqlState};
use num_bigint::{BigInt, Sign};
use num_traits::{Signed, Zero};
use std::cmp::Ordering;

/// `NUMERIC_MIN_SIG_DIGITS`: what a quotient or root has at least.
pub(super) const MIN_SIGNIFICANT: i32 = 16;
/// `NUMERIC_MAX_DISPLAY_SCALE`: what a quotient or root has at most after the point.
pub(super) const MAX_DISPLAY_SCALE: i32 = 1000;

pub(super) fn overflow() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

pub(super) fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

/// The finite number, unless it has too many digits before the point or after it.
pub(super) fn finite(mantissa: &BigInt, scale: u32) -> Result<Numeric> {
    let scale = u16::try_from(scale).ok().filter(|&s| s <= MAX_SCALE).ok_or_else(overflow)?;
    // Each digit has more than three bits, so most numbers need no count.
    let limit = MAX_INTEGER_DIGITS + u32::from(scale);
    if mantissa.bits() > u64::from(limit) * 3 && count_big(mantissa) > limit {
        return Err(overflow());
    }
    Ok(from_big(mantissa, scale))
}

/// Rounds half away from zero, or appends zeros, to reach `to` digits after the point.
pub(super) fn rescale(mantissa: &BigInt, from: u32, to: u32) -> BigInt {
    match from.cmp(&to) {
        Ordering::Equal => mantissa.clone(),
        Ordering::Less => mantissa * big_pow10(to - from),
        Ordering::Greater => div_round(mantissa, &big_pow10(from - to)),
    }
}

/// The same in `i128`, if it fits.
pub(super) fn rescale_small(mantissa: i128, from: u16, to: u16) -> Option<i128> {
    match from.cmp(&to) {
        Ordering::Equal => Some(mantissa),
        Ordering::Less => mantissa.checked_mul(pow10(u32::from(to - from))?),
        Ordering::Greater => Some(match pow10(u32::from(from - to)) {
            Some(p) => div_round_small(mantissa, p),
            // Less than half of any power of ten beyond i128's range, except that 10^39 / 2 exceeds i128::MAX anyway.
            None => 0,
        }),
    }
}

/// The digits after the point of a quotient: `select_div_scale`.
pub(super) fn quotient_scale(a: (i32, i64), a_scale: u16, b: (i32, i64), b_scale: u16) -> u16 {
    let mut weight = a.0 - b.0;
    if a.1 <= b.1 {
        weight -= 1;
    }
    let scale = (MIN_SIGNIFICANT - weight * 4).max(i32::from(a_scale)).max(i32::from(b_scale));
    scale.clamp(0, MAX_DISPLAY_SCALE) as u16
}

/// `a / b` to `scale` digits after the point.
pub(super) fn quotient(a: &BigInt, a_scale: u16, b: &BigInt, b_scale: u16, scale: u16) -> BigInt {
    let shift = i32::from(scale) + i32::from(b_scale) - i32::from(a_scale);
    let divisor = b.abs();
    let dividend = if b.is_negative() { -a } else { a.clone() };
    match shift {
        0.. => div_round(&(dividend * big_pow10(shift as u32)), &divisor),
        _ => div_round(&dividend, &(divisor * big_pow10(shift.unsigned_abs()))),
    }
}

fn quotient_small(a: i128, a_scale: u16, b: i128, b_scale: u16) -> Option<Numeric> {
    let scale = quotient_scale(weight_small(a, a_scale), a_scale, weight_small(b, b_scale), b_scale);
    let shift = i32::from(scale) + i32::from(b_scale) - i32::from(a_scale);
    let (dividend, divisor) = match shift {
        0.. => (a.checked_mul(pow10(shift as u32)?)?, b),
        _ => (a, b.checked_mul(pow10(shift.unsigned_abs())?)?),
    };
    let divisor_abs = divisor.checked_abs()?;
    let dividend = if divisor < 0 { dividend.checked_neg()? } else { dividend };
    Some(Numeric::small(div_round_small(dividend, divisor_abs), scale))
}

impl Parts {
    /// Mantissa and scale of a finite number.
    pub(super) fn big(self) -> Option<(BigInt, u16)> {
        match self {
            Parts::Small(m, s) => Some((BigInt::from(m), s)),
            Parts::Big(m, s) => Some((m, s)),
            _ => None,
        }
    }
}

/// Both mantissas at the larger scale, and that scale.
fn aligned(a: NumericRef<'_>, b: NumericRef<'_>) -> Option<(BigInt, BigInt, u16)> {
    let ((a, a_scale), (b, b_scale)) = (a.parts().big()?, b.parts().big()?);
    let scale = a_scale.max(b_scale);
    let (a_from, b_from, to) = (u32::from(a_scale), u32::from(b_scale), u32::from(scale));
    Some((rescale(&a, a_from, to), rescale(&b, b_from, to), scale))
}

fn aligned_small(a: NumericRef<'_>, b: NumericRef<'_>) -> Option<(i128, i128, u16)> {
    let ((a, a_scale), (b, b_scale)) = (a.small_parts()?, b.small_parts()?);
    let scale = a_scale.max(b_scale);
    Some((rescale_small(a, a_scale, scale)?, rescale_small(b, b_scale, scale)?, scale))
}

#[allow(clippy::should_implement_trait)]
impl<'a> NumericRef<'a> {
    /// -1, 0 or 1; NaN counts as positive (`numeric_sign_internal`).
    pub fn signum(self) -> i32 {
        match self.parts() {
            Parts::Small(m, _) => m.signum() as i32,
            Parts::Big(m, _) => {
                if m.sign() == Sign::Minus {
                    -1
                } else {
                    1
                }
            }
            Parts::NaN | Parts::PosInf => 1,
            Parts::NegInf => -1,
        }
    }

    /// By value: 1.0 equals 1.00; -Infinity is least, then the finite, Infinity, and NaN, which equals itself.
    pub fn cmp(self, other: NumericRef<'_>) -> Ordering {
        if let Some((a, b, _)) = aligned_small(self, other) {
            return a.cmp(&b);
        }
        match aligned(self, other) {
            Some((a, b, _)) => a.cmp(&b),
            None => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(self) -> u8 {
        match self.parts() {
            Parts::NegInf => 0,
            Parts::Small(..) | Parts::Big(..) => 1,
            Parts::PosInf => 2,
            Parts::NaN => 3,
        }
    }

    pub fn add(self, other: NumericRef<'_>) -> Result<Numeric> {
        if let Some((a, b, scale)) = aligned_small(self, other)
            && let Some(sum) = a.checked_add(b)
        {
            return Ok(Numeric::small(sum, scale));
        }
        match aligned(self, other) {
            Some((a, b, scale)) => finite(&(a + b), u32::from(scale)),
            None => Ok(add_special(self.parts(), other.parts())),
        }
    }

    pub fn sub(self, other: NumericRef<'_>) -> Result<Numeric> {
        if let Some((a, b, scale)) = aligned_small(self, other)
            && let Some(difference) = a.checked_sub(b)
        {
            return Ok(Numeric::small(difference, scale));
        }
        match aligned(self, other) {
            Some((a, b, scale)) => finite(&(a - b), u32::from(scale)),
            None => Ok(add_special(self.parts(), other.neg().as_ref().parts())),
        }
    }

    pub fn mul(self, other: NumericRef<'_>) -> Result<Numeric> {
        if let (Some((a, a_scale)), Some((b, b_scale))) = (self.small_parts(), other.small_parts())
            && a_scale + b_scale <= MAX_SCALE
            && let Some(product) = a.checked_mul(b)
        {
            return Ok(Numeric::small(product, a_scale + b_scale));
        }
        match (self.parts().big(), other.parts().big()) {
            (Some((a, a_scale)), Some((b, b_scale))) => {
                let scale = u32::from(a_scale) + u32::from(b_scale);
                let shown = scale.min(u32::from(MAX_SCALE));
                finite(&rescale(&(a * b), scale, shown), shown)
            }
            _ if self.is_nan() || other.is_nan() => Ok(Numeric::NAN),
            _ => Ok(infinity(self.signum() * other.signum())),
        }
    }

    pub fn div(self, other: NumericRef<'_>) -> Result<Numeric> {
        if let Some(special) = divide_special(self, other)? {
            return Ok(special);
        }
        if let (Some((a, a_scale)), Some((b, b_scale))) = (self.small_parts(), other.small_parts())
            && let Some(q) = quotient_small(a, a_scale, b, b_scale)
        {
            return Ok(q);
        }
        let ((a, a_scale), (b, b_scale)) = both_finite(self, other);
        let scale = quotient_scale(weight(&a, a_scale), a_scale, weight(&b, b_scale), b_scale);
        finite(&quotient(&a, a_scale, &b, b_scale, scale), u32::from(scale))
    }

    /// SQL's `div(a, b)`: the quotient truncated to an integer.
    pub fn div_trunc(self, other: NumericRef<'_>) -> Result<Numeric> {
        if let Some(special) = divide_special(self, other)? {
            return Ok(special);
        }
        if let Some((a, b, _)) = aligned_small(self, other)
            && let Some(q) = a.checked_div(b)
        {
            return Ok(Numeric::small(q, 0));
        }
        let (a, b, _) = aligned(self, other).expect("both are finite");
        finite(&(a / b), 0)
    }

    /// The remainder of truncated division; it has the sign of `self`.
    pub fn rem(self, other: NumericRef<'_>) -> Result<Numeric> {
        if self.is_nan() || other.is_nan() {
            return Ok(Numeric::NAN);
        }
        if other.is_zero() {
            return Err(division_by_zero());
        }
        if self.is_infinite() {
            return Ok(Numeric::NAN);
        }
        if other.is_infinite() {
            return Ok(self.to_owned());
        }
        if let Some((a, b, scale)) = aligned_small(self, other)
            && let Some(r) = a.checked_rem(b)
        {
            return Ok(Numeric::small(r, scale));
        }
        let (a, b, scale) = aligned(self, other).expect("both are finite");
        finite(&(a % b), u32::from(scale))
    }

    pub fn neg(self) -> Numeric {
        match self.parts() {
            Parts::Small(m, s) => match m.checked_neg() {
                Some(n) => Numeric::small(n, s),
                None => from_big(&-BigInt::from(m), s),
            },
            Parts::Big(m, s) => from_big(&-m, s),
            Parts::NaN => Numeric::NAN,
            Parts::PosInf => Numeric::NEG_INFINITY,
            Parts::NegInf => Numeric::INFINITY,
        }
    }

    pub fn abs(self) -> Numeric {
        if self.signum() < 0 { self.neg() } else { self.to_owned() }
    }

    pub fn sign(self) -> Numeric {
        if self.is_nan() { Numeric::NAN } else { Numeric::from(self.signum()) }
    }

    /// Greatest common divisor, never negative; NaN for the infinities.
    pub fn gcd(self, other: NumericRef<'_>) -> Result<Numeric> {
        let Some((a, b, scale)) = aligned(self, other) else { return Ok(Numeric::NAN) };
        finite(&gcd(a, b), u32::from(scale))
    }

    /// Least common multiple, never negative; NaN for the infinities.
    pub fn lcm(self, other: NumericRef<'_>) -> Result<Numeric> {
        let Some((a, b, scale)) = aligned(self, other) else { return Ok(Numeric::NAN) };
        if a.is_zero() || b.is_zero() {
            return Ok(Numeric::small(0, scale));
        }
        let multiple = (&a / gcd(a.clone(), b.clone()) * b).abs();
        finite(&multiple, u32::from(scale))
    }
}

fn gcd(mut a: BigInt, mut b: BigInt) -> BigInt {
    while !b.is_zero() {
        (a, b) = (b.clone(), a % b);
    }
    a.abs()
}

fn both_finite(a: NumericRef<'_>, b: NumericRef<'_>) -> ((BigInt, u16), (BigInt, u16)) {
    let finite = "division's special cases are handled";
    (a.parts().big().expect(finite), b.parts().big().expect(finite))
}

fn infinity(sign: i32) -> Numeric {
    match sign {
        0 => Numeric::NAN,
        1.. => Numeric::INFINITY,
        _ => Numeric::NEG_INFINITY,
    }
}

fn add_special(a: Parts, b: Parts) -> Numeric {
    match (a, b) {
        (Parts::NaN, _) | (_, Parts::NaN) => Numeric::NAN,
        (Parts::PosInf, Parts::NegInf) | (Parts::NegInf, Parts::PosInf) => Numeric::NAN,
        (Parts::PosInf, _) | (_, Parts::PosInf) => Numeric::INFINITY,
        _ => Numeric::NEG_INFINITY,
    }
}

/// The quotient when an operand is not finite; an error when the divisor is zero.
fn divide_special(a: NumericRef<'_>, b: NumericRef<'_>) -> Result<Option<Numeric>> {
    if a.is_nan() || b.is_nan() {
        return Ok(Some(Numeric::NAN));
    }
    if b.is_zero() {
        return Err(division_by_zero());
    }
    Ok(match (a.is_infinite(), b.is_infinite()) {
        (true, true) => Some(Numeric::NAN),
        (true, false) => Some(infinity(a.signum() * b.signum())),
        (false, true) => Some(Numeric::ZERO),
        (false, false) => None,
    })
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Numeric) -> bool {
        self.as_ref().cmp(other.as_ref()).is_eq()
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Numeric) -> Option<Ordering> {
        Some(Ord::cmp(self, other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Numeric) -> Ordering {
        self.as_ref().cmp(other.as_ref())
    }
}
