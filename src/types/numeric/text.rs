//! Numbers from text and to text (`numeric_in`, `numeric_out`).

use super::arith::{finite, overflow, rescale};
use super::digits::pow10;
use super::{MAX_INTEGER_DIGITS, MAX_SCALE, Numeric, NumericRef, Parts};
use crate::base::{Error, Result, SqlState};
use num_bigint::BigInt;
use std::fmt;
use std::io::Write;

/// Exponents that `numeric_in` refuses outright.
const EXPONENT_LIMIT: i64 = (i32::MAX / 2) as i64;

fn invalid(text: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("invalid input syntax for type numeric: \"{text}\""))
}

impl Numeric {
    /// `numeric_in` without a modifier.
    pub fn parse(text: &str) -> Result<Numeric> {
        Numeric::parse_rounded(text, None)
    }

    /// Reads a number that will be rounded to `scale` digits after the point, so that its own excess digits do not
    /// overflow the format first.
    pub(in crate::types) fn parse_rounded(text: &str, scale: Option<u16>) -> Result<Numeric> {
        let trimmed = text.trim_matches(is_space);
        if let Some(special) = special(trimmed) {
            return Ok(special);
        }
        let literal = Literal::read(trimmed).ok_or_else(|| invalid(text))??;
        literal.value(scale)
    }
}

/// What C's `isspace` accepts.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn special(text: &str) -> Option<Numeric> {
    if text.eq_ignore_ascii_case("nan") {
        return Some(Numeric::NAN);
    }
    let (negative, name) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let infinite = name.eq_ignore_ascii_case("infinity") || name.eq_ignore_ascii_case("inf");
    infinite.then_some(if negative { Numeric::NEG_INFINITY } else { Numeric::INFINITY })
}

/// A number as written: digits without leading zeros, how many stand after the point, and the exponent.
struct Literal<'a> {
    negative: bool,
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Literal<'a> {
    /// None when the text is not a number; the inner error is an exponent beyond all bounds.
    fn read(text: &'a str) -> Option<Result<Literal<'a>>> {
        let mut rest = text.as_bytes();
        let negative = rest.first() == Some(&b'-');
        if matches!(rest.first(), Some(b'-' | b'+')) {
            rest = &rest[1..];
        }
        let integer = take_digits(&mut rest);
        let mut fraction: &[u8] = &[];
        if rest.first() == Some(&b'.') {
            rest = &rest[1..];
            fraction = take_digits(&mut rest);
        }
        if integer.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut exponent = 0;
        if matches!(rest.first(), Some(b'e' | b'E')) {
            rest = &rest[1..];
            let down = rest.first() == Some(&b'-');
            if matches!(rest.first(), Some(b'-' | b'+')) {
                rest = &rest[1..];
            }
            let digits = take_digits(&mut rest);
            if digits.is_empty() {
                return None;
            }
            let size = digits.iter().fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
            exponent = if down { -size } else { size };
        }
        if !rest.is_empty() {
            return None;
        }
        if exponent.abs() >= EXPONENT_LIMIT {
            return Some(Err(overflow()));
        }
        Some(Ok(Literal { negative, integer, fraction, exponent }))
    }

    fn value(self, round_to: Option<u16>) -> Result<Numeric> {
        let scale = (self.fraction.len() as i64 - self.exponent).max(0);
        if let Some(small) = self.small_mantissa()
            && self.exponent == 0
            && scale <= i64::from(MAX_SCALE)
        {
            return Ok(Numeric::small(small, scale as u16));
        }
        let mantissa = self.mantissa();
        if mantissa.sign() == num_bigint::Sign::NoSign {
            let scale = round_to.map_or(scale, |s| scale.min(i64::from(s)));
            return finite(&mantissa, u32::try_from(scale).unwrap_or(u32::MAX));
        }
        let shift = (self.exponent - self.fraction.len() as i64).max(0);
        if shift > i64::from(MAX_INTEGER_DIGITS) {
            return Err(overflow());
        }
        // The mantissa's own scale may be wider than the format when the number is about to be rounded.
        match round_to.filter(|&to| scale > i64::from(to)) {
            Some(to) if scale > i64::from(to) + 1 + (self.integer.len() + self.fraction.len()) as i64 => {
                Ok(Numeric::small(0, to))
            }
            Some(to) => finite(&rescale(&mantissa, scale as u32, u32::from(to)), u32::from(to)),
            None => {
                let shifted = mantissa * super::digits::big_pow10(shift as u32);
                finite(&shifted, u32::try_from(scale).unwrap_or(u32::MAX))
            }
        }
    }

    fn small_mantissa(&self) -> Option<i128> {
        if self.integer.len() + self.fraction.len() > 38 {
            return None;
        }
        let digits = self.integer.iter().chain(self.fraction);
        let magnitude = digits.fold(0i128, |n, d| n * 10 + i128::from(d - b'0'));
        Some(if self.negative { -magnitude } else { magnitude })
    }

    fn mantissa(&self) -> BigInt {
        let digits = [self.integer, self.fraction].concat();
        let magnitude = BigInt::parse_bytes(&digits, 10).expect("decimal digits");
        if self.negative { -magnitude } else { magnitude }
    }
}

fn take_digits<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, tail) = rest.split_at(n);
    *rest = tail;
    digits
}

impl NumericRef<'_> {
    /// Appends the text form, with all digits of the display scale.
    pub fn write(self, out: &mut Vec<u8>) {
        match self.parts() {
            Parts::Small(mantissa, scale) => write_small(out, mantissa, scale),
            Parts::Big(mantissa, scale) => {
                if mantissa.sign() == num_bigint::Sign::Minus {
                    out.push(b'-');
                }
                write_point(out, mantissa.magnitude().to_string().as_bytes(), usize::from(scale));
            }
            Parts::NaN => out.extend_from_slice(b"NaN"),
            Parts::PosInf => out.extend_from_slice(b"Infinity"),
            Parts::NegInf => out.extend_from_slice(b"-Infinity"),
        }
    }
}

fn write_small(out: &mut Vec<u8>, mantissa: i128, scale: u16) {
    if mantissa < 0 {
        out.push(b'-');
    }
    let magnitude = mantissa.unsigned_abs();
    let Some(split) = pow10(u32::from(scale)).filter(|_| scale > 0) else {
        let mut digits = [0u8; 40];
        let mut cursor = std::io::Cursor::new(&mut digits[..]);
        write!(cursor, "{magnitude}").expect("39 digits fit");
        let n = cursor.position() as usize;
        return write_point(out, &digits[..n], usize::from(scale));
    };
    let split = split.unsigned_abs();
    let (integer, fraction) = match (u64::try_from(magnitude), u64::try_from(split)) {
        (Ok(m), Ok(s)) => (u128::from(m / s), u128::from(m % s)),
        _ => (magnitude / split, magnitude % split),
    };
    write!(out, "{integer}.{fraction:0width$}", width = usize::from(scale)).expect("memory takes all");
}

/// Appends digits with the point before the last `scale` of them.
fn write_point(out: &mut Vec<u8>, digits: &[u8], scale: usize) {
    match digits.len().checked_sub(scale) {
        Some(n) if n > 0 => {
            out.extend_from_slice(&digits[..n]);
            if scale > 0 {
                out.push(b'.');
                out.extend_from_slice(&digits[n..]);
            }
        }
        _ => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + scale - digits.len(), b'0');
            out.extend_from_slice(digits);
        }
    }
}

impl fmt::Display for NumericRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(std::str::from_utf8(&out).expect("digits are ASCII"))
    }
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for (text, shown) in [
            ("0", "0"),
            ("-0.00", "0.00"),
            (" 1.50 ", "1.50"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("1e3", "1000"),
            ("1.5E-3", "0.0015"),
            ("12.345e1", "123.45"),
            ("-1e-5", "-0.00001"),
            ("0e100", "0"),
            ("nan", "NaN"),
            ("-INF", "-Infinity"),
            ("+infinity", "Infinity"),
            ("123456789012345678901234567890123456789012345.5", "123456789012345678901234567890123456789012345.5"),
            ("-0.0000000000000000000000000000000000000000000001", "-0.0000000000000000000000000000000000000000000001"),
        ] {
            assert_eq!(Numeric::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", " ", ".", "-", "1e", "1 2", "1.2.3", "--1", "+nan", "0x10", "1_000", "e5"] {
            assert_eq!(Numeric::parse(text).unwrap_err().code(), SqlState::INVALID_TEXT_REPRESENTATION, "{text}");
        }
        for text in ["1e131072", "1e-16384", "1e999999999999999999999"] {
            assert_eq!(Numeric::parse(text).unwrap_err().code(), SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "{text}");
        }
        assert_eq!(Numeric::parse("1e131071").unwrap().to_string().len(), 131072);
        assert_eq!(Numeric::parse_rounded("1e-100000000", Some(2)).unwrap().to_string(), "0.00");
    }
}
