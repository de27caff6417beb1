//! Text straight into a column: the plain forms that bulk loads are made of are read without a value in between,
//! everything else by [`parse_text`].

use super::character::declared_length;
use super::datetime::calendar::{EPOCH_JULIAN_DAY, days_in_month, julian_day};
use super::typmod::numeric_typmod;
use super::{ColumnBuilder, DatumRef, FormatContext, Numeric, SqlType, oid, parse_text};
use crate::base::Result;

/// So many decimal digits fit an `i64`.
const DIGITS_MAX: usize = 18;

impl ColumnBuilder {
    /// Appends what [`parse_text`] makes of the text. Errors: as there, and nothing is appended.
    pub fn push_parsed(&mut self, ty: SqlType, text: &str, context: &FormatContext) -> Result<()> {
        let bytes = text.as_bytes();
        match ty.oid {
            oid::INT4 => {
                if let Some(n) = integer(bytes, 9) {
                    self.push(DatumRef::Int4(n as i32));
                    return Ok(());
                }
            }
            oid::INT8 => {
                if let Some(n) = integer(bytes, DIGITS_MAX) {
                    self.push(DatumRef::Int8(n));
                    return Ok(());
                }
            }
            oid::INT2 => {
                if let Some(n) = integer(bytes, 4) {
                    self.push(DatumRef::Int2(n as i16));
                    return Ok(());
                }
            }
            oid::NUMERIC => {
                if let Some((mantissa, scale)) = decimal(bytes, ty.typmod) {
                    self.push(DatumRef::Numeric(Numeric::from_parts(mantissa.into(), scale).as_ref()));
                    return Ok(());
                }
            }
            oid::DATE => {
                if let Some(date) = iso_date(bytes) {
                    self.push(DatumRef::Int4(date));
                    return Ok(());
                }
            }
            oid::TEXT => {
                self.push_text(text);
                return Ok(());
            }
            oid::VARCHAR if declared_length(ty.typmod).is_none_or(|length| bytes.len() <= length) => {
                self.push_text(text);
                return Ok(());
            }
            oid::BPCHAR => {
                if let Some(length) = declared_length(ty.typmod)
                    && bytes.len() <= length
                    && bytes.is_ascii()
                {
                    self.push_padded(text, length);
                    return Ok(());
                }
            }
            _ => {}
        }
        let value = parse_text(ty, text, context)?;
        self.push(value.as_ref());
        Ok(())
    }
}

/// Digits, at most so many, perhaps behind a minus.
fn integer(text: &[u8], digits_max: usize) -> Option<i64> {
    let (negative, digits) = sign(text);
    let n = number(digits, digits_max)?;
    Some(if negative { -n } else { n })
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn number(digits: &[u8], digits_max: usize) -> Option<i64> {
    if digits.is_empty() || digits.len() > digits_max {
        return None;
    }
    let mut n = 0;
    for b in digits {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + i64::from(digit);
    }
    Some(n)
}

/// Mantissa and scale of digits with perhaps a point among them, when nothing has to be rounded to fit the modifier.
fn decimal(text: &[u8], typmod: i32) -> Option<(i64, u16)> {
    let (negative, digits) = sign(text);
    let (whole, fraction) = match digits.iter().position(|b| *b == b'.') {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &digits[digits.len()..]),
    };
    let scale = match numeric_typmod(typmod) {
        None => fraction.len(),
        Some((precision, scale)) => {
            let scale = usize::try_from(scale).ok()?;
            let whole_max = usize::try_from(precision).ok()?.checked_sub(scale)?;
            (fraction.len() <= scale && whole.len() <= whole_max).then_some(scale)?
        }
    };
    if whole.is_empty() || whole.len() + scale > DIGITS_MAX {
        return None;
    }
    let mut n = number(whole, DIGITS_MAX)?;
    if !fraction.is_empty() {
        n = n * 10i64.pow(fraction.len() as u32) + number(fraction, DIGITS_MAX)?;
    }
    n *= 10i64.pow((scale - fraction.len()) as u32);
    Some((if negative { -n } else { n }, scale as u16))
}

/// `1996-03-13`, which is the same in every DateStyle.
fn iso_date(text: &[u8]) -> Option<i32> {
    let text: &[u8; 10] = text.try_into().ok()?;
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let part = |from: usize, to: usize| number(&text[from..to], 4).map(|n| n as i32);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let valid = year >= 1000 && (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
    valid.then(|| (julian_day(year, month, day) - i64::from(EPOCH_JULIAN_DAY)) as i32)
}

#[cfg(test)]
mod tests {
    use super::super::{ColumnReader, typmod_in};
    use super::*;
    use proptest::prelude::*;

    fn check(ty: SqlType, text: &str) {
        let context = FormatContext::default();
        let mut builder = ColumnBuilder::new(ty.physical(), 1);
        let pushed = builder.push_parsed(ty, text, &context);
        match parse_text(ty, text, &context) {
            Ok(value) => {
                pushed.unwrap();
                let column = builder.finish();
                let read = ColumnReader::new(ty.physical(), &column).get(0).to_owned();
                assert_eq!(format!("{read:?}"), format!("{value:?}"), "{text} as {ty:?}");
            }
            Err(e) => {
                assert_eq!(pushed.unwrap_err().message(), e.message(), "{text} as {ty:?}");
                assert!(builder.is_empty());
            }
        }
    }

    fn all(text: &str) {
        let numeric = |p: i32, s: i32| SqlType::with_typmod(oid::NUMERIC, typmod_in(oid::NUMERIC, &[p, s]).unwrap());
        let sized = |oid, length| SqlType::with_typmod(oid, length + 4);
        for ty in [
            SqlType::of(oid::INT2),
            SqlType::of(oid::INT4),
            SqlType::of(oid::INT8),
            SqlType::of(oid::NUMERIC),
            numeric(15, 2),
            numeric(3, 3),
            numeric(38, 20),
            SqlType::of(oid::DATE),
            SqlType::of(oid::TEXT),
            SqlType::of(oid::VARCHAR),
            sized(oid::VARCHAR, 4),
            SqlType::of(oid::BPCHAR),
            sized(oid::BPCHAR, 4),
            sized(oid::BPCHAR, 40),
            SqlType::of(oid::BOOL),
            SqlType::of(oid::FLOAT8),
        ] {
            check(ty, text);
        }
    }

    #[test]
    fn plain_forms_are_read_like_any() {
        for text in [
            "",
            "0",
            "-0",
            "-0.00",
            "7",
            "-12",
            "+5",
            " 5",
            "5 ",
            "0012",
            "99999",
            "2147483647",
            "2147483648",
            "-2147483648",
            "999999999999999999",
            "9999999999999999999",
            "1.5",
            "1.",
            ".5",
            "-.5",
            "1.25",
            "1.255",
            "0.999",
            "0.9999",
            "1234567890123.45",
            "12345678901234.5",
            "1e3",
            "NaN",
            "1996-03-13",
            "1996-02-29",
            "1995-02-29",
            "1996-13-01",
            "1996-00-10",
            "0099-01-01",
            "96-03-13",
            "1996/03/13",
            "epoch",
            "abcd",
            "abcde",
            "abcd  ",
            "äöü",
            "äöüxy",
            "t",
            "1_0",
            "--1",
            "-",
        ] {
            all(text);
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_like_any(text in "-?[0-9]{0,20}(\\.[0-9]{0,8})?", date in "[0-9]{4}-[0-9]{2}-[0-9]{2}") {
            all(&text);
            all(&date);
        }
    }
}
