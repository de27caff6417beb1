//! Decimal views of integers: powers of ten, digit counts, and the base-10000 weight that PostgreSQL's scales are
//! chosen by.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{ToPrimitive, Zero};

/// The largest power of ten in `i128`.
pub(super) const MAX_POW10: u32 = 38;

const POW10: [i128; 39] = {
    let mut table = [1i128; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};

/// `10^n`, if it fits.
pub(super) fn pow10(n: u32) -> Option<i128> {
    POW10.get(n as usize).copied()
}

pub(super) fn big_pow10(n: u32) -> BigInt {
    match pow10(n) {
        Some(p) => BigInt::from(p),
        None => BigInt::from(10u8).pow(n),
    }
}

/// Number of decimal digits; zero has none.
pub(super) fn count_small(mantissa: u128) -> u32 {
    match mantissa {
        0 => 0,
        m => m.ilog10() + 1,
    }
}

/// Number of decimal digits; zero has none.
pub(super) fn count_big(mantissa: &BigInt) -> u32 {
    if let Some(small) = mantissa.magnitude().to_u128() {
        return count_small(small);
    }
    // bits * log10(2) is right or one too few.
    let estimate = ((mantissa.bits() - 1) as f64 * std::f64::consts::LOG10_2) as u32;
    let mut digits = estimate.max(1);
    while *mantissa.magnitude() >= *big_pow10(digits).magnitude() {
        digits += 1;
    }
    digits
}

/// The leading `n` digits, zeros appended when there are fewer.
fn leading(mantissa: &BigInt, n: u32) -> i64 {
    let digits = count_big(mantissa);
    let magnitude = BigInt::from_biguint(Sign::Plus, mantissa.magnitude().clone());
    let head = if digits >= n { magnitude / big_pow10(digits - n) } else { magnitude * big_pow10(n - digits) };
    head.to_i64().expect("a few leading digits")
}

/// The power of ten of the first digit, or none for zero.
pub(super) fn exponent(mantissa: &BigInt, scale: u16) -> Option<i32> {
    (!mantissa.is_zero()).then(|| count_big(mantissa) as i32 - 1 - i32::from(scale))
}

/// What `numeric.c` calls `weight` and `digits[0]`: the power of 10000 of the first base-10000 digit, and that digit.
/// Both are zero for zero.
pub(super) fn weight(mantissa: &BigInt, scale: u16) -> (i32, i64) {
    match exponent(mantissa, scale) {
        None => (0, 0),
        Some(e) => (e.div_euclid(4), leading(mantissa, e.rem_euclid(4) as u32 + 1)),
    }
}

/// [`weight`] of a mantissa that fits `i128`.
pub(super) fn weight_small(mantissa: i128, scale: u16) -> (i32, i64) {
    if mantissa == 0 {
        return (0, 0);
    }
    let magnitude = mantissa.unsigned_abs();
    let digits = count_small(magnitude);
    let e = digits as i32 - 1 - i32::from(scale);
    let n = e.rem_euclid(4) as u32 + 1;
    let head = if digits >= n { magnitude / 10u128.pow(digits - n) } else { magnitude * 10u128.pow(n - digits) };
    (e.div_euclid(4), head as i64)
}

/// The first `n` base-10000 digits (fewer when the rest are zeros) as a float, and the power of ten it stands at.
pub(super) fn leading_groups(mantissa: &BigInt, scale: u16, n: u32) -> Option<(f64, i32)> {
    let e = exponent(mantissa, scale)?;
    let first = e.rem_euclid(4) as u32 + 1;
    let significant = count_big(mantissa) - trailing_zeros(mantissa);
    let groups = (1..n).find(|g| first + 4 * (g - 1) >= significant).unwrap_or(n);
    let taken = first + 4 * (groups - 1);
    Some((leading(mantissa, taken) as f64, e + 1 - taken as i32))
}

/// Decimal zeros at the end.
pub(super) fn trailing_zeros(mantissa: &BigInt) -> u32 {
    if mantissa.is_zero() {
        return 0;
    }
    if let Some(mut m) = mantissa.magnitude().to_u128() {
        let mut n = 0;
        while m % 10 == 0 {
            m /= 10;
            n += 1;
        }
        return n;
    }
    let text = mantissa.magnitude().to_string();
    (text.len() - text.trim_end_matches('0').len()) as u32
}

/// `n / d` rounded half away from zero; `d` is positive.
pub(super) fn div_round(n: &BigInt, d: &BigInt) -> BigInt {
    let (sign, magnitude) = (n.sign(), n.magnitude());
    let d = d.magnitude();
    let half: BigUint = d >> 1u8;
    // For odd divisors no remainder is exactly half, and truncating half makes the sum carry at the right place.
    let rounded = (magnitude + half) / d;
    BigInt::from_biguint(sign, rounded)
}

/// `n / d` rounded half away from zero; `d` is positive.
pub(super) fn div_round_small(n: i128, d: i128) -> i128 {
    let quotient = n / d;
    let rest = (n % d).unsigned_abs();
    let up = rest >= d.unsigned_abs() - rest;
    if up && rest != 0 { quotient + n.signum() } else { quotient }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_at_powers_of_ten() {
        for n in [1u32, 9, 38, 39, 77, 500] {
            assert_eq!(count_big(&big_pow10(n)), n + 1);
            assert_eq!(count_big(&(big_pow10(n) - 1)), n);
            assert_eq!(trailing_zeros(&big_pow10(n)), n);
        }
        assert_eq!(count_small(0), 0);
    }

    #[test]
    fn weights_are_those_of_base_10000() {
        for (mantissa, scale, expected) in [
            (1, 0, (0, 1)),
            (1, 1, (-1, 1000)),
            (12345, 0, (1, 1)),
            (12345, 4, (0, 1)),
            (99, 6, (-2, 9900)),
            (0, 3, (0, 0)),
        ] {
            assert_eq!(weight_small(mantissa, scale), expected);
            assert_eq!(weight(&BigInt::from(-mantissa), scale), expected);
        }
    }

    #[test]
    fn halves_round_away_from_zero() {
        for (n, d, q) in [
            (5, 10, 1),
            (4, 10, 0),
            (-5, 10, -1),
            (-4, 10, 0),
            (15, 10, 2),
            (1, 3, 0),
            (2, 3, 1),
            (-2, 3, -1),
            (0, 1, 0),
        ] {
            assert_eq!(div_round_small(n, d), q, "{n}/{d}");
            assert_eq!(div_round(&BigInt::from(n), &BigInt::from(d)), BigInt::from(q), "{n}/{d}");
        }
    }
}
