//! The character types: lengths of `varchar(n)` and `char(n)`, `name`, and the one-byte `"char"`.
//!
//! A `"char"` is a byte; in memory it is text of one character with that code (none for zero), so it compares
//! as PostgreSQL compares it.

use super::{SqlType, oid};
use crate::base::{Error, Result, SqlState};
use std::borrow::Cow;

/// Bytes of a `name`: NAMEDATALEN less the terminator.
pub const NAME_BYTES_MAX: usize = 63;

/// Typmods of the character types count from here (`VARHDRSZ`).
const HEADER: i32 = 4;

/// The declared length in characters, or none.
pub(super) fn declared_length(typmod: i32) -> Option<usize> {
    usize::try_from(typmod - HEADER).ok()
}

/// Makes text fit `varchar(n)` or pads it to `char(n)`. Blanks in excess are dropped; other text in excess only when the
/// cast is explicit, else it is refused.
pub(super) fn fit(ty: SqlType, text: &str, explicit: bool) -> Result<Cow<'_, str>> {
    let Some(length) = declared_length(ty.typmod) else { return Ok(Cow::Borrowed(text)) };
    let blank_padded = ty.oid == oid::BPCHAR;
    if text.len() <= length && !blank_padded {
        return Ok(Cow::Borrowed(text));
    }
    match text.char_indices().nth(length) {
        Some((end, _)) => {
            if !explicit && text.as_bytes()[end..].iter().any(|&b| b != b' ') {
                let name = if blank_padded { "character" } else { "character varying" };
                return Err(Error::new(
                    SqlState::STRING_DATA_RIGHT_TRUNCATION,
                    format!("value too long for type {name}({length})"),
                ));
            }
            Ok(Cow::Borrowed(&text[..end]))
        }
        None if blank_padded => {
            let missing = length - text.chars().count();
            if missing == 0 {
                return Ok(Cow::Borrowed(text));
            }
            let mut padded = String::with_capacity(text.len() + missing);
            padded.push_str(text);
            padded.extend(std::iter::repeat_n(' ', missing));
            Ok(Cow::Owned(padded))
        }
        None => Ok(Cow::Borrowed(text)),
    }
}

/// What `char(n)` compares by.
pub(super) fn without_trailing_blanks(text: &str) -> &str {
    text.trim_end_matches(' ')
}

/// Cut to the bytes of a `name`, at a character's boundary.
pub fn truncate_name(text: &str) -> &str {
    if text.len() <= NAME_BYTES_MAX {
        return text;
    }
    let end = (0..=NAME_BYTES_MAX).rev().find(|&n| text.is_char_boundary(n)).unwrap_or(0);
    &text[..end]
}

/// The value of a `"char"` byte.
pub fn char_from_byte(byte: u8) -> Box<str> {
    match byte {
        0 => "".into(),
        b => char::from(b).to_string().into(),
    }
}

/// The byte of a `"char"` value.
pub fn char_to_byte(value: &str) -> u8 {
    value.chars().next().map_or(0, |c| u8::try_from(c).expect("a \"char\" is one byte"))
}

/// `charin`: a byte in octal as [`write_char`] writes it, or else the first byte.
pub(super) fn char_from_text(text: &str) -> Box<str> {
    let byte = match *text.as_bytes() {
        // The first digit's excess bit is lost.
        [b'\\', a @ b'0'..=b'7', b @ b'0'..=b'7', c @ b'0'..=b'7'] => (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'),
        [first, ..] => first,
        [] => 0,
    };
    char_from_byte(byte)
}

/// `charout`: the byte itself, in octal beyond ASCII; zero is the empty string.
pub(super) fn write_char(out: &mut Vec<u8>, value: &str) {
    match char_to_byte(value) {
        0 => {}
        byte @ 1..=0x7f => out.push(byte),
        byte => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters() {
        let varchar3 = SqlType::with_typmod(oid::VARCHAR, 7);
        let char3 = SqlType::with_typmod(oid::BPCHAR, 7);
        assert_eq!(fit(varchar3, "äöü", false).unwrap(), "äöü");
        assert_eq!(fit(varchar3, "abc  ", false).unwrap(), "abc");
        assert_eq!(fit(varchar3, "abcd", true).unwrap(), "abc");
        let e = fit(varchar3, "abcd", false).unwrap_err();
        assert_eq!(
            (e.code(), e.message()),
            (SqlState::STRING_DATA_RIGHT_TRUNCATION, "value too long for type character varying(3)")
        );
        assert_eq!(fit(char3, "ü", false).unwrap(), "ü  ");
        assert_eq!(fit(char3, "abc ", false).unwrap(), "abc");
        assert_eq!(fit(char3, "abcd", false).unwrap_err().message(), "value too long for type character(3)");
        assert_eq!(fit(SqlType::TEXT, "abcd", false).unwrap(), "abcd");
    }

    #[test]
    fn names_are_cut_between_characters() {
        let long = "ä".repeat(40);
        assert_eq!(truncate_name(&long).len(), 62);
    }

    #[test]
    fn chars_are_bytes() {
        for byte in 0..=255 {
            assert_eq!(char_to_byte(&char_from_byte(byte)), byte);
        }
        assert_eq!(&*char_from_text("abc"), "a");
        assert_eq!(&*char_from_text(""), "");
    }
}
