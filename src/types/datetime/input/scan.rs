//! Breaking input into fields (`ParseDateTime`), and reading C's numbers off the front of text.

use super::super::trouble::Trouble;
use super::super::words;
use crate::types::text::is_space;

/// What a field looks like; what it means is for the decoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    Number,
    Word,
    Date,
    Time,
    /// A sign and digits.
    Zone,
    /// A sign and letters.
    Special,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub kind: FieldKind,
    /// Letters are in lower case.
    pub text: String,
}

const FIELDS_MAX: usize = 25;

/// Characters, with one more for each field, that the inputs of the types have room for.
pub const DATE_ROOM: usize = 129;
pub const TIMESTAMP_ROOM: usize = 153;
pub const INTERVAL_ROOM: usize = 256;

struct Scanner<'a> {
    rest: &'a [u8],
    room: usize,
    text: String,
}

impl Scanner<'_> {
    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    fn take(&mut self) -> Result<(), Trouble> {
        let byte = self.peek();
        self.rest = &self.rest[1..];
        self.room = self.room.checked_sub(1).filter(|&r| r > 0).ok_or(Trouble::BadFormat)?;
        self.text.push(char::from(byte.to_ascii_lowercase()));
        Ok(())
    }

    fn take_while(&mut self, test: impl Fn(u8) -> bool) -> Result<(), Trouble> {
        while !self.rest.is_empty() && test(self.peek()) {
            self.take()?;
        }
        Ok(())
    }

    fn starting_with_digit(&mut self) -> Result<FieldKind, Trouble> {
        self.take_while(|b| b.is_ascii_digit())?;
        match self.peek() {
            b':' => {
                self.take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))?;
                Ok(FieldKind::Time)
            }
            delimiter @ (b'-' | b'/' | b'.') => {
                self.take()?;
                if !self.peek().is_ascii_digit() {
                    self.take_while(|b| b.is_ascii_alphanumeric() || b == delimiter)?;
                    return Ok(FieldKind::Date);
                }
                self.take_while(|b| b.is_ascii_digit())?;
                if self.peek() == delimiter {
                    self.take_while(|b| b.is_ascii_digit() || b == delimiter)?;
                    return Ok(FieldKind::Date);
                }
                Ok(if delimiter == b'.' { FieldKind::Number } else { FieldKind::Date })
            }
            _ => Ok(FieldKind::Number),
        }
    }

    /// A word, or a date like `jan-5-1999` or a zone like `America/New_York`: letters go on through punctuation unless they
    /// are a word already.
    fn starting_with_letter(&mut self) -> Result<FieldKind, Trouble> {
        self.take_while(|b| b.is_ascii_alphabetic())?;
        let goes_on = match self.peek() {
            b'-' | b'/' | b'.' => true,
            b'+' | b'0'..=b'9' => words::word(&self.text).is_none(),
            _ => false,
        };
        if !goes_on {
            return Ok(FieldKind::Word);
        }
        self.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':'))?;
        Ok(FieldKind::Date)
    }

    fn starting_with_sign(&mut self) -> Result<FieldKind, Trouble> {
        self.take()?;
        while is_space(self.peek()) {
            self.rest = &self.rest[1..];
        }
        match self.peek() {
            b'0'..=b'9' => {
                self.take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-'))?;
                Ok(FieldKind::Zone)
            }
            b if b.is_ascii_alphabetic() => {
                self.take_while(|b| b.is_ascii_alphabetic())?;
                Ok(FieldKind::Special)
            }
            _ => Err(Trouble::BadFormat),
        }
    }
}

/// The fields of a text.
pub fn fields(text: &str, room: usize) -> Result<Vec<Field>, Trouble> {
    let mut scanner = Scanner { rest: text.as_bytes(), room, text: String::new() };
    let mut fields = Vec::new();
    while !scanner.rest.is_empty() {
        let kind = match scanner.peek() {
            b if is_space(b) => {
                scanner.rest = &scanner.rest[1..];
                continue;
            }
            b'0'..=b'9' => scanner.starting_with_digit(),
            b'.' => {
                scanner.take()?;
                scanner.take_while(|b| b.is_ascii_digit())?;
                Ok(FieldKind::Number)
            }
            b if b.is_ascii_alphabetic() => scanner.starting_with_letter(),
            b'+' | b'-' => scanner.starting_with_sign(),
            b if b.is_ascii_punctuation() => {
                scanner.rest = &scanner.rest[1..];
                continue;
            }
            _ => Err(Trouble::BadFormat),
        }?;
        if fields.len() >= FIELDS_MAX {
            return Err(Trouble::BadFormat);
        }
        scanner.room = scanner.room.checked_sub(1).filter(|&r| r > 0).ok_or(Trouble::BadFormat)?;
        fields.push(Field { kind, text: std::mem::take(&mut scanner.text) });
    }
    Ok(fields)
}

/// Reads an integer as C's `strtol` does, white space and sign included; what cannot be read is 0 and takes nothing.
pub fn integer(text: &str) -> Result<(i64, &str), Trouble> {
    let trimmed = text.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8));
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if end == 0 {
        return Ok((0, text));
    }
    let end = end + trimmed.len() - digits.len();
    let value = trimmed[..end].parse().map_err(|_| Trouble::FieldOverflow)?;
    Ok((value, &trimmed[end..]))
}

/// Like [`integer`], for C's `int`.
pub fn small_integer(text: &str) -> Result<(i32, &str), Trouble> {
    let (value, rest) = integer(text)?;
    Ok((i32::try_from(value).map_err(|_| Trouble::FieldOverflow)?, rest))
}

/// Reads a number as C's `strtod` does, exponent included, but neither hexadecimals nor words.
pub fn real(text: &str) -> Option<(f64, &str)> {
    let bytes = text.as_bytes();
    let digits_from = |at: usize| bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits_from(end);
    end += whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits_from(end + 1);
        end += if whole + fraction > 0 { 1 + fraction } else { 0 };
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = if signed <= bytes.len() { digits_from(signed) } else { 0 };
        if exponent > 0 {
            end = signed + exponent;
        }
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// A fraction that fills the rest of the text; a bare point is zero.
pub fn fraction(text: &str) -> Result<f64, Trouble> {
    if text == "." {
        return Ok(0.0);
    }
    match real(text) {
        Some((value, "")) => Ok(value),
        _ => Err(Trouble::BadFormat),
    }
}

/// A fraction of a second in microseconds, rounded.
pub fn fraction_micros(text: &str) -> Result<i32, Trouble> {
    Ok((fraction(text)? * 1e6).round_ties_even() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(FieldKind, String)> {
        fields(text, TIMESTAMP_ROOM).unwrap().into_iter().map(|f| (f.kind, f.text)).collect()
    }

    #[test]
    fn fields_by_look() {
        use FieldKind::*;
        let one = |kind, text: &str| vec![(kind, text.to_string())];
        assert_eq!(kinds("1999-Jan-08"), one(Date, "1999-jan-08"));
        assert_eq!(kinds("  J2451187 "), vec![(Word, "j".into()), (Number, "2451187".into())]);
        assert_eq!(kinds("America/New_York"), one(Date, "america/new_york"));
        assert_eq!(kinds("- 7:30"), one(Zone, "-7:30"));
        assert_eq!(kinds("-Infinity"), one(Special, "-infinity"));
        assert_eq!(kinds("1999.5"), one(Number, "1999.5"));
        assert_eq!(kinds("04:05:06.789"), one(Time, "04:05:06.789"));
        assert!(fields("1 é", TIMESTAMP_ROOM).is_err());
        assert!(fields("+", TIMESTAMP_ROOM).is_err());
        assert!(fields(&"1 ".repeat(26), INTERVAL_ROOM).is_err());
        assert!(fields(&"1".repeat(200), TIMESTAMP_ROOM).is_err());
    }

    #[test]
    fn numbers_like_c() {
        assert_eq!(integer(" -12x").unwrap(), (-12, "x"));
        assert_eq!(integer("-x").unwrap(), (0, "-x"));
        assert!(small_integer("99999999999").is_err());
        assert_eq!(real("1.5e3x"), Some((1500.0, "x")));
        assert_eq!(real("1.5e"), Some((1.5, "e")));
        assert_eq!(real("."), None);
        assert_eq!(fraction_micros(".1234567").unwrap(), 123_457);
    }
}
