//! `bit(n)` and `bit varying(n)` (`varbit.c`): their text and wire forms and their lengths.
//!
//! In memory a bit string is text of the digits 0 and 1. PostgreSQL orders bit strings by their bits and then by their
//! length, which is the bytewise order of those digits, so comparing, hashing and index keys are those of text.

use super::{SqlType, oid};
use crate::base::{Error, Result, SqlState};
use std::borrow::Cow;

/// Bits in a bit string (`VARBITMAXLEN`).
pub const BITS_MAX: i32 = i32::MAX - 7;

/// Digits of the kind that a leading `b` or `x` tells, binary without one.
pub(super) fn parse(ty: SqlType, text: &str) -> Result<String> {
    let (digits, is_hex) = match text.as_bytes().first() {
        Some(b'b' | b'B') => (&text[1..], false),
        Some(b'x' | b'X') => (&text[1..], true),
        _ => (text, false),
    };
    let length = digits.len() * if is_hex { 4 } else { 1 };
    if length > BITS_MAX as usize {
        return Err(too_long());
    }
    check_length(ty, length)?;
    let bad = |kind: &str, c: char| {
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("\"{c}\" is not a valid {kind} digit"))
    };
    if !is_hex {
        return match digits.chars().find(|c| !matches!(c, '0' | '1')) {
            Some(c) => Err(bad("binary", c)),
            None => Ok(digits.to_owned()),
        };
    }
    let mut bits = String::with_capacity(length);
    for c in digits.chars() {
        let digit = c.to_digit(16).ok_or_else(|| bad("hexadecimal", c))?;
        push_bits(&mut bits, digit.into(), 4);
    }
    Ok(bits)
}

pub fn too_long() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("bit string length exceeds the maximum allowed ({BITS_MAX})"))
}

/// Appends the lowest `count` bits of a number.
fn push_bits(out: &mut String, number: u64, count: u32) {
    out.extend((0..count).rev().map(|i| if number >> i & 1 == 1 { '1' } else { '0' }));
}

/// What a value that is not cast must have: `bit(n)` has n bits, `bit varying(n)` at most n.
fn check_length(ty: SqlType, length: usize) -> Result<()> {
    let declared = match usize::try_from(ty.typmod) {
        Ok(n @ 1..) => n,
        _ => return Ok(()),
    };
    if ty.oid == oid::VARBIT {
        if length > declared {
            let message = format!("bit string too long for type bit varying({declared})");
            return Err(Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, message));
        }
    } else if length != declared {
        let message = format!("bit string length {length} does not match type bit({declared})");
        return Err(Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message));
    }
    Ok(())
}

/// Makes bits fit the type's length: an explicit cast cuts them at the right or fills zeros there, others are refused.
pub(super) fn fit(ty: SqlType, bits: &str, explicit: bool) -> Result<Cow<'_, str>> {
    let declared = match usize::try_from(ty.typmod) {
        Ok(n @ 1..) => n,
        _ => return Ok(Cow::Borrowed(bits)),
    };
    if !explicit {
        check_length(ty, bits.len())?;
    }
    Ok(match bits.get(..declared) {
        Some(head) => Cow::Borrowed(head),
        None if ty.oid == oid::VARBIT => Cow::Borrowed(bits),
        None => Cow::Owned(format!("{bits:0<declared$}")),
    })
}

/// The wire form: the number of bits, then the bits, the last byte filled with zeros.
pub(super) fn write_binary(out: &mut Vec<u8>, bits: &str) {
    let length = i32::try_from(bits.len()).expect("a bit string is shorter than 2 GB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(bits.as_bytes().chunks(8).map(|chunk| {
        let byte = chunk.iter().fold(0, |byte, digit| byte << 1 | (digit & 1));
        byte << (8 - chunk.len())
    }));
}

/// Bytes that hold so many bits.
pub fn bytes_of(bits: usize) -> usize {
    bits.div_ceil(8)
}

/// The number of bits that a wire form announces, which the type must allow.
pub(super) fn checked_length(ty: SqlType, announced: i32) -> Result<usize> {
    match usize::try_from(announced) {
        Ok(length) if announced <= BITS_MAX => {
            check_length(ty, length)?;
            Ok(length)
        }
        _ => Err(Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "invalid length in external bit string")),
    }
}

/// The first `length` bits of the bytes, which must be as many as that takes.
pub(super) fn from_bytes(bytes: &[u8], length: usize) -> String {
    let mut bits = String::with_capacity(bytes.len() * 8);
    bytes.iter().for_each(|&b| push_bits(&mut bits, b.into(), 8));
    bits.truncate(length);
    bits
}

/// A number's lowest bits, its sign filling what is more than the number has; one bit without a length.
pub fn from_int(number: i64, typmod: i32) -> String {
    let length = match usize::try_from(typmod) {
        Ok(n @ 1..) if typmod <= BITS_MAX => n,
        _ => 1,
    };
    let own = length.min(64);
    let mut bits = if number < 0 { "1" } else { "0" }.repeat(length - own);
    push_bits(&mut bits, number as u64, own as u32);
    bits
}

/// The number whose lowest bits these are.
pub fn to_number(bits: &str) -> u64 {
    bits.bytes().fold(0, |number, digit| number << 1 | u64::from(digit & 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bit(n: i32) -> SqlType {
        SqlType::with_typmod(oid::BIT, n)
    }

    #[test]
    fn digits_are_read() {
        assert_eq!(parse(bit(-1), "b101").unwrap(), "101");
        assert_eq!(parse(bit(-1), "X1f").unwrap(), "00011111");
        assert_eq!(parse(bit(-1), "").unwrap(), "");
        let refused = |ty, text| {
            let e = parse(ty, text).unwrap_err();
            (e.code().to_string(), e.message().to_owned())
        };
        assert_eq!(refused(bit(-1), "102"), ("22P02".into(), "\"2\" is not a valid binary digit".into()));
        assert_eq!(refused(bit(-1), "xü"), ("22P02".into(), "\"ü\" is not a valid hexadecimal digit".into()));
        assert_eq!(refused(bit(4), "101"), ("22026".into(), "bit string length 3 does not match type bit(4)".into()));
        let varbit2 = SqlType::with_typmod(oid::VARBIT, 2);
        assert_eq!(refused(varbit2, "101"), ("22001".into(), "bit string too long for type bit varying(2)".into()));
    }

    #[test]
    fn casts_cut_and_fill_at_the_right() {
        assert_eq!(fit(bit(5), "101", true).unwrap(), "10100");
        assert_eq!(fit(bit(2), "101", true).unwrap(), "10");
        assert_eq!(fit(SqlType::with_typmod(oid::VARBIT, 5), "101", true).unwrap(), "101");
        assert!(fit(bit(2), "101", false).is_err());
    }

    #[test]
    fn numbers_are_their_lowest_bits() {
        assert_eq!(from_int(44, 10), "0000101100");
        assert_eq!(from_int(44, 3), "100");
        assert_eq!(from_int(-44, 12), "111111010100");
        assert_eq!(from_int(-1, 70), "1".repeat(70));
        assert_eq!(from_int(5, -1), "1");
        assert_eq!(to_number("1110"), 14);
    }

    #[test]
    fn the_wire_form_is_filled_with_zeros() {
        let mut out = Vec::new();
        write_binary(&mut out, "1010111110");
        assert_eq!(out, [0, 0, 0, 10, 0xaf, 0x80]);
        assert_eq!(from_bytes(&out[4..], 10), "1010111110");
    }
}
