//! `float4` and `float8` from text and to text (`float8in`, `float8out`).
//!
//! Text is the shortest that reads back as the same value, found by Rust's formatter, with two corrections. Of two
//! equally short and near texts PostgreSQL takes the one with an even last digit. And it takes digits strictly between the
//! neighbouring values' midpoints, where others also take a midpoint that happens to round to even (1e23 prints as
//! 9.999999999999999e+22). Laid out like C's `%g`.

use super::text::{invalid_syntax, trim};
use crate::base::{Error, Result, SqlState};
use num_bigint::BigInt;

macro_rules! float {
    ($t:ty, $name:literal, $parse:ident, $write:ident, $digits:literal) => {
        pub(super) fn $parse(text: &str) -> Result<$t> {
            let trimmed = trim(text);
            // Rust reads what C's strtod reads, but for hexadecimal floats.
            let value: $t = trimmed.parse().map_err(|_| invalid_syntax($name, text))?;
            let out_of_range = match value {
                0.0 => {
                    trimmed.bytes().take_while(|b| !b.eq_ignore_ascii_case(&b'e')).any(|b| (b'1'..=b'9').contains(&b))
                }
                v => v.is_infinite() && trimmed.bytes().any(|b| b.is_ascii_digit()),
            };
            if out_of_range {
                let message = format!("\"{trimmed}\" is out of range for type {}", $name);
                return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
            }
            Ok(value)
        }

        /// `extra_float_digits` above zero asks for the shortest exact text; otherwise it shortens the digits that
        /// the type keeps through text.
        pub(super) fn $write(out: &mut Vec<u8>, value: $t, extra_float_digits: i32) {
            if write_special(out, f64::from(value)) {
                return;
            }
            if extra_float_digits > 0 {
                let mut text = format!("{value:e}");
                let digits = text.bytes().take_while(|&b| b != b'e').filter(u8::is_ascii_digit).count();
                if digits >= $digits {
                    // The value may lie exactly between two shortest texts: the even one is PostgreSQL's.
                    let even = format!("{value:.0$e}", digits - 1);
                    if even.parse() == Ok(value) {
                        text = even;
                    }
                }
                if on_midpoint(&text, f64::from(value), <$t>::MANTISSA_DIGITS) {
                    text = (0..)
                        .map(|n| format!("{value:.n$e}"))
                        .find(|t| t.parse() == Ok(value) && !on_midpoint(t, f64::from(value), <$t>::MANTISSA_DIGITS))
                        .expect("seventeen digits read back");
                }
                layout(out, &text, $digits);
            } else {
                let digits = ($digits + extra_float_digits).max(1);
                layout(out, &format!("{value:.0$e}", digits as usize - 1), digits);
            }
        }
    };
}

float!(f64, "double precision", parse_f64, write_f64, 15);
float!(f32, "real", parse_f32, write_f32, 6);

fn write_special(out: &mut Vec<u8>, value: f64) -> bool {
    let text: &[u8] = match value {
        v if v.is_nan() => b"NaN",
        f64::INFINITY => b"Infinity",
        f64::NEG_INFINITY => b"-Infinity",
        _ => return false,
    };
    out.extend_from_slice(text);
    true
}

/// Digits and decimal exponent of `-1.25e-7`: negative, `125`, -7.
fn split(text: &str) -> (bool, String, i32) {
    let (mantissa, exponent) = text.split_once('e').expect("exponent form");
    let negative = mantissa.starts_with('-');
    let digits = mantissa.chars().filter(char::is_ascii_digit).collect();
    (negative, digits, exponent.parse().expect("a float's exponent"))
}

/// Whether the text denotes exactly the midpoint between the value and a neighbour. Only integers above the mantissa's
/// range, and not by much, can be written so shortly.
fn on_midpoint(text: &str, value: f64, mantissa_bits: u32) -> bool {
    let size = value.abs();
    if size < (1u64 << mantissa_bits) as f64 || size > 1e41 {
        return false;
    }
    let (_, digits, exponent) = split(text);
    let shift = exponent + 1 - digits.len() as i32;
    if shift < 0 {
        return false;
    }
    let written: BigInt = digits.parse::<BigInt>().expect("digits") * BigInt::from(10u8).pow(shift.unsigned_abs());
    let bits = size.to_bits();
    let exponent = (bits >> 52) as i32 - 1075;
    let mantissa = BigInt::from(bits & ((1 << 52) - 1) | 1 << 52);
    let exact = if exponent < 0 { mantissa >> -exponent } else { mantissa << exponent };
    let distance = written - exact;
    // The value is an integer times 2^unit. The neighbours' midpoints are half of that away; below a power of two
    // the neighbour is twice as near.
    let unit = exponent + 53 - mantissa_bits as i32;
    let half = BigInt::from(1u8) << (unit - 1);
    let power_of_two = bits & ((1 << 52) - 1) == 0;
    let below = if power_of_two { &half >> 1 } else { half.clone() };
    distance == half || (distance == -&below && below != BigInt::ZERO)
}

/// C's `%g` with so many digits: plain between 1e-4 and 10^digits, else with an exponent of at least two digits.
fn layout(out: &mut Vec<u8>, text: &str, plain_digits: i32) {
    let (negative, digits, exponent) = split(text);
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        d => d,
    };
    if negative {
        out.push(b'-');
    }
    if exponent < -4 || exponent >= plain_digits {
        let (first, rest) = digits.split_at(1);
        out.extend_from_slice(first.as_bytes());
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest.as_bytes());
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        out.extend_from_slice(format!("{:02}", exponent.abs()).as_bytes());
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + exponent.unsigned_abs() as usize - 1, b'0');
        out.extend_from_slice(digits.as_bytes());
    } else {
        let whole = exponent as usize + 1;
        let (head, tail) = digits.split_at(whole.min(digits.len()));
        out.extend_from_slice(head.as_bytes());
        out.resize(out.len() + whole - head.len(), b'0');
        if !tail.is_empty() {
            out.push(b'.');
            out.extend_from_slice(tail.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text64(v: f64) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, v, 1);
        String::from_utf8(out).unwrap()
    }

    fn text32(v: f32) -> String {
        let mut out = Vec::new();
        write_f32(&mut out, v, 1);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn shortest_texts() {
        for (v, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123456789012345.0, "123456789012345"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (1e20, "1e+20"),
            (-1.5e300, "-1.5e+300"),
            (5e-324, "5e-324"),
            (1e23, "9.999999999999999e+22"),
            (1e22, "1e+22"),
            (9007199254740992.0, "9.007199254740992e+15"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(text64(v), text);
        }
        assert_eq!(text64(-8951407600000001.0 / 4.0), "-2.2378519000000002e+15");
        assert_eq!(text32(675341.0 / 16.0), "42208.812");
        assert_eq!(text32(0.1), "0.1");
        assert_eq!(text32(123456.0), "123456");
        assert_eq!(text32(1234567.0), "1.234567e+06");
    }

    #[test]
    fn fewer_digits_on_request() {
        let mut out = Vec::new();
        write_f64(&mut out, 0.1 + 0.2, 0);
        assert_eq!(out, b"0.3");
        out.clear();
        write_f64(&mut out, 123456.789, -10);
        assert_eq!(out, b"1.2346e+05");
    }

    #[test]
    fn out_of_range_is_told_from_wrong() {
        assert_eq!(parse_f64(" 1e400 ").unwrap_err().message(), "\"1e400\" is out of range for type double precision");
        assert_eq!(parse_f64("1e-400").unwrap_err().code(), SqlState::NUMERIC_VALUE_OUT_OF_RANGE);
        assert_eq!(parse_f64("0e-400").unwrap(), 0.0);
        assert_eq!(parse_f64("-inf").unwrap(), f64::NEG_INFINITY);
        assert!(parse_f64("nan").unwrap().is_nan());
        assert_eq!(parse_f32("x").unwrap_err().message(), "invalid input syntax for type real: \"x\"");
        assert!(parse_f64("").is_err() && parse_f64("1 2").is_err());
    }
}
