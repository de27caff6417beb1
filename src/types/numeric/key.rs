//! Numbers as bytes that order like the numbers.
//!
//! A number is 0.d1d2d3... times a power of ten, its exponent. The first byte holds the kind, sign and, when small, the
//! exponent; then digits in pairs, each `2 * pair + 1`, the last `2 * pair` (so it ends itself and a prefix orders first).
//! Everything after a negative number's first byte is inverted. The display scale is not kept.
//!
//! | first byte | number |
//! |---|---|
//! | 0x08 | -Infinity |
//! | 0x10 | negative, exponent above 50 in 4 bytes |
//! | 0x11..=0x75 | negative, exponent 50 down to -50 |
//! | 0x76 | negative, exponent below -50 in 4 bytes |
//! | 0x80 | zero |
//! | 0x8a | positive, exponent below -50 in 4 bytes |
//! | 0x8b..=0xef | positive, exponent -50 up to 50 |
//! | 0xf0 | positive, exponent above 50 in 4 bytes |
//! | 0xf8, 0xfc | Infinity, NaN |

use super::digits::{big_pow10, count_small};
use super::{MAX_SCALE, Numeric, NumericRef, Parts};
use crate::base::{Error, Result, SqlState};
use crate::types::key::Flipped;
use num_bigint::{BigInt, Sign};

const NEG_INF: u8 = 0x08;
const NEG_FAR: u8 = 0x10;
const NEG_NEAR: u8 = 0x76;
const ZERO: u8 = 0x80;
const POS_NEAR: u8 = 0x8a;
const POS_FAR: u8 = 0xf0;
const POS_INF: u8 = 0xf8;
const NAN: u8 = 0xfc;
/// Exponents of at most this size live in the first byte.
const SHORT: i32 = 50;
/// Digits that a damaged key may claim to have.
const DIGITS_MAX: usize = 150_000;

impl NumericRef<'_> {
    pub(in crate::types) fn put_key(self, out: &mut Vec<u8>) {
        match self.parts() {
            Parts::NegInf => out.push(NEG_INF),
            Parts::PosInf => out.push(POS_INF),
            Parts::NaN => out.push(NAN),
            Parts::Small(0, _) => out.push(ZERO),
            Parts::Small(m, scale) => {
                let mut digits = [0u8; 40];
                let n = small_digits(m.unsigned_abs(), &mut digits);
                put_finite(out, m < 0, n as i32 - i32::from(scale), &digits[..n]);
            }
            Parts::Big(m, scale) => {
                let digits = m.magnitude().to_radix_be(10);
                put_finite(out, m.sign() == Sign::Minus, digits.len() as i32 - i32::from(scale), &digits);
            }
        }
    }
}

/// Writes the decimal digits, as numbers from 0 to 9, and says how many.
fn small_digits(mut magnitude: u128, digits: &mut [u8; 40]) -> usize {
    let n = count_small(magnitude) as usize;
    let mut at = n;
    // Dividing 64-bit numbers is several times cheaper.
    while magnitude > u128::from(u64::MAX) {
        at -= 1;
        digits[at] = (magnitude % 10) as u8;
        magnitude /= 10;
    }
    let mut rest = magnitude as u64;
    while at > 0 {
        at -= 1;
        digits[at] = (rest % 10) as u8;
        rest /= 10;
    }
    n
}

fn put_finite(out: &mut Vec<u8>, negative: bool, exponent: i32, digits: &[u8]) {
    let start = out.len();
    let short = exponent.abs() <= SHORT;
    out.push(match (negative, short) {
        (false, true) => (i32::from(POS_NEAR) + 1 + SHORT + exponent) as u8,
        (true, true) => (i32::from(NEG_FAR) + 1 + SHORT - exponent) as u8,
        (false, false) => {
            if exponent > 0 {
                POS_FAR
            } else {
                POS_NEAR
            }
        }
        (true, false) => {
            if exponent > 0 {
                NEG_FAR
            } else {
                NEG_NEAR
            }
        }
    });
    if !short {
        out.extend_from_slice(&(exponent as u32 ^ 1 << 31).to_be_bytes());
    }
    let significant = digits.len() - digits.iter().rev().take_while(|&&d| d == 0).count();
    for pair in digits[..significant].chunks(2) {
        out.push((pair[0] * 10 + pair.get(1).copied().unwrap_or(0)) * 2 + 1);
    }
    let last = out.len() - 1;
    out[last] -= 1;
    if negative {
        out[start + 1..].iter_mut().for_each(|b| *b = !*b);
    }
}

/// Reads a key back, shown with `scale` digits after the point or as few as the value needs.
pub(in crate::types) fn read_key(reader: &mut Flipped<'_, '_>, scale: Option<u16>) -> Result<Numeric> {
    let first = reader.u8()?;
    let (negative, exponent) = match first {
        NEG_INF => return Ok(Numeric::NEG_INFINITY),
        POS_INF => return Ok(Numeric::INFINITY),
        NAN => return Ok(Numeric::NAN),
        ZERO => return Ok(Numeric::small(0, scale.unwrap_or(0))),
        NEG_FAR | NEG_NEAR => (true, Some(reader.array()?.map(|b: u8| !b))),
        POS_FAR | POS_NEAR => (false, Some(reader.array()?)),
        b if b > NEG_FAR && b < NEG_NEAR => (true, None),
        b if b > POS_NEAR && b < POS_FAR => (false, None),
        _ => return Err(damaged()),
    };
    let exponent = match exponent {
        Some(bytes) => (u32::from_be_bytes(bytes) ^ 1 << 31) as i32,
        None if negative => i32::from(NEG_FAR) + 1 + SHORT - i32::from(first),
        None => i32::from(first) - i32::from(POS_NEAR) - 1 - SHORT,
    };
    let mut digits = Vec::new();
    loop {
        let byte = reader.u8()? ^ if negative { 0xff } else { 0 };
        if byte > 199 || digits.len() > DIGITS_MAX {
            return Err(damaged());
        }
        digits.extend_from_slice(&[byte / 2 / 10, byte / 2 % 10]);
        if byte % 2 == 0 {
            break;
        }
    }
    if digits.last() == Some(&0) {
        digits.pop();
    }
    from_digits(negative, exponent, &digits, scale).ok_or_else(damaged)
}

fn from_digits(negative: bool, exponent: i32, digits: &[u8], scale: Option<u16>) -> Option<Numeric> {
    let needed = (digits.len() as i32).checked_sub(exponent)?.max(0);
    let shown = i32::from(scale.unwrap_or(0)).max(needed);
    let zeros = shown.checked_add(exponent)?.checked_sub(digits.len() as i32)?;
    if shown > i32::from(MAX_SCALE) || zeros > DIGITS_MAX as i32 {
        return None;
    }
    let magnitude = BigInt::from_radix_be(Sign::Plus, digits, 10)? * big_pow10(zeros as u32);
    Some(super::encode::from_big(&if negative { -magnitude } else { magnitude }, shown as u16))
}

fn damaged() -> Error {
    Error::new(SqlState::DATA_CORRUPTED, "a number's key is damaged")
}
