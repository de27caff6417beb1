//! `bytea` from text and to text, in the hex and the escape form.

use super::ByteaOutput;
use crate::base::{Error, Result, SqlState};

pub(super) fn parse(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix("\\x") {
        Some(hex) => parse_hex(hex),
        None => parse_escaped(text.as_bytes()),
    }
}

/// Pairs of digits, with white space allowed between pairs (`hex_decode`).
pub fn parse_hex(hex: &str) -> Result<Vec<u8>> {
    let bad = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    let mut out = Vec::with_capacity(hex.len() / 2);
    let mut chars = hex.chars();
    while let Some(c) = chars.next() {
        if matches!(c, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let digit = |c: char| c.to_digit(16).ok_or_else(|| bad(format!("invalid hexadecimal digit: \"{c}\"")));
        let high = digit(c)?;
        let low = chars.next().ok_or_else(|| bad("invalid hexadecimal data: odd number of digits".into()))?;
        out.push((high << 4 | digit(low)?) as u8);
    }
    Ok(out)
}

/// `\\` is a backslash, `\ooo` a byte in octal, anything else itself.
fn parse_escaped(text: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'\\' {
            out.push(first);
            rest = tail;
            continue;
        }
        rest = match tail {
            [b'\\', after @ ..] => {
                out.push(b'\\');
                after
            }
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            _ => {
                let message = "invalid input syntax for type bytea";
                return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
            }
        };
    }
    Ok(out)
}

pub(super) fn write(out: &mut Vec<u8>, bytes: &[u8], form: ByteaOutput) {
    match form {
        ByteaOutput::Hex => {
            out.extend_from_slice(b"\\x");
            write_hex(out, bytes);
        }
        ByteaOutput::Escape => {
            for &b in bytes {
                match b {
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    0x20..=0x7e => out.push(b),
                    _ => out.extend_from_slice(&[b'\\', b'0' + (b >> 6), b'0' + (b >> 3 & 7), b'0' + (b & 7)]),
                }
            }
        }
    }
}

/// Appends two lower-case digits for each byte.
pub(super) fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() * 2);
    for b in bytes {
        out.push(DIGITS[usize::from(b >> 4)]);
        out.push(DIGITS[usize::from(b & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_round_trip() {
        let bytes: Vec<u8> = (0..=255).collect();
        for form in [ByteaOutput::Hex, ByteaOutput::Escape] {
            let mut out = Vec::new();
            write(&mut out, &bytes, form);
            assert_eq!(parse(std::str::from_utf8(&out).unwrap()).unwrap(), bytes);
        }
        assert_eq!(parse("\\x De ad\tBE EF").unwrap(), [0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(parse("a\\001\\\\").unwrap(), b"a\x01\\");
    }

    #[test]
    fn wrong_text_is_refused() {
        assert_eq!(parse("\\xzz").unwrap_err().message(), "invalid hexadecimal digit: \"z\"");
        assert_eq!(parse("\\x123").unwrap_err().message(), "invalid hexadecimal data: odd number of digits");
        for text in ["\\", "\\400", "\\08", "a\\b"] {
            assert_eq!(parse(text).unwrap_err().message(), "invalid input syntax for type bytea", "{text}");
        }
    }
}
