//! Integers, oids and tuple ids from text and to text.

use super::oid;
use super::text::{invalid_syntax, is_space, out_of_range, trim};
use crate::base::{Error, Lsn, Oid, Result};
use std::io::Write;

pub(super) fn parse_i16(text: &str) -> Result<i16> {
    let wide = parse(text, "smallint", i64::from(i16::MIN), i64::from(i16::MAX))?;
    Ok(wide as i16)
}

pub(super) fn parse_i32(text: &str) -> Result<i32> {
    let wide = parse(text, "integer", i64::from(i32::MIN), i64::from(i32::MAX))?;
    Ok(wide as i32)
}

pub(super) fn parse_i64(text: &str) -> Result<i64> {
    parse(text, "bigint", i64::MIN, i64::MAX)
}

/// Too many digits are refused before what follows them is looked at, as `pg_strtoint32` does.
fn parse(text: &str, ty: &str, least: i64, greatest: i64) -> Result<i64> {
    let rest = text.as_bytes().trim_ascii_start();
    let rest = match rest.first() {
        // `trim_ascii_start` leaves the vertical tab that C's `isspace` takes.
        Some(&b) if is_space(b) => trim(text).as_bytes(),
        _ => rest,
    };
    let (negative, digits) = match rest.first() {
        Some(b'-') => (true, &rest[1..]),
        Some(b'+') => (false, &rest[1..]),
        _ => (false, rest),
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return Err(invalid_syntax(ty, text));
    }
    let mut value = 0i64;
    for d in &digits[..count] {
        let digit = i64::from(d - b'0');
        let next =
            value.checked_mul(10).and_then(|v| if negative { v.checked_sub(digit) } else { v.checked_add(digit) });
        value = match next {
            Some(v) if (least..=greatest).contains(&v) => v,
            _ => return Err(out_of_range(ty, text)),
        };
    }
    if !digits[count..].iter().all(|&b| is_space(b)) {
        return Err(invalid_syntax(ty, text));
    }
    Ok(value)
}

/// A position of the log as a signed integer of the same order.
pub fn pack_lsn(lsn: Lsn) -> i64 {
    (lsn.0 ^ 1 << 63) as i64
}

pub fn unpack_lsn(packed: i64) -> Lsn {
    Lsn(packed as u64 ^ 1 << 63)
}

/// `pg_lsn_in`.
pub(super) fn parse_lsn(text: &str) -> Result<i64> {
    Lsn::parse(text).map(pack_lsn).ok_or_else(|| invalid_syntax("pg_lsn", text))
}

pub(super) fn write_lsn(out: &mut Vec<u8>, packed: i64) {
    let _ = write!(out, "{}", unpack_lsn(packed));
}

/// `oidin`: negative numbers wrap, as C's `strtoul` has it.
pub(super) fn parse_oid(text: &str) -> Result<u32> {
    let trimmed = trim(text);
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid_syntax("oid", text));
    }
    let value: i64 = trimmed.parse().map_err(|_| out_of_range("oid", text))?;
    u32::try_from(value).or_else(|_| i32::try_from(value).map(|v| v as u32)).map_err(|_| out_of_range("oid", text))
}

/// `xidin`: what `strtoul` with base 0 makes of the text; anything else is 0.
pub(super) fn parse_xid(text: &str) -> u32 {
    let text = trim(text);
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, text) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (16, hex),
        None if text.len() > 1 && text.starts_with('0') => (8, &text[1..]),
        None => (10, text),
    };
    let digits = text.chars().map_while(|c| c.to_digit(base));
    let value = digits.fold(0u64, |n, d| n.saturating_mul(u64::from(base)).saturating_add(u64::from(d)));
    let value = value as u32;
    if negative { value.wrapping_neg() } else { value }
}

/// The number of a `regclass` or its kin; `-` is none. Names are the catalog's.
pub(super) fn parse_reg(ty: Oid, text: &str) -> Result<u32> {
    if text == "-" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return parse_oid(text);
    }
    Err(Error::unsupported(format!("input of type {} by name here", super::typmod::type_name(ty))))
}

pub(super) fn write_oid(out: &mut Vec<u8>, ty: Oid, value: u32) {
    if value == 0 && super::info::is_reg(ty) && !matches!(ty, oid::REGOPER | oid::REGOPERATOR) {
        out.push(b'-');
    } else {
        write(out, i64::from(value));
    }
}

/// Block and offset in one integer that orders as PostgreSQL orders tuple ids.
pub fn pack_tid(block: u32, offset: u16) -> i64 {
    i64::from(block) << 16 | i64::from(offset)
}

pub fn unpack_tid(packed: i64) -> (u32, u16) {
    ((packed >> 16) as u32, packed as u16)
}

pub(super) fn parse_tid(text: &str) -> Result<i64> {
    let read = || {
        let (block, offset) = text.trim_start().strip_prefix('(')?.split_once(',')?;
        let offset = offset.trim_end().strip_suffix(')')?;
        let block: i64 = block.trim_start().parse().ok()?;
        let block = u32::try_from(block).or_else(|_| i32::try_from(block).map(|b| b as u32)).ok()?;
        Some(pack_tid(block, offset.trim_start().parse().ok()?))
    };
    read().ok_or_else(|| invalid_syntax("tid", text))
}

pub(super) fn write_tid(out: &mut Vec<u8>, packed: i64) {
    let (block, offset) = unpack_tid(packed);
    write!(out, "({block},{offset})").expect("memory takes all");
}

/// Appends decimal digits, two at a time.
pub(super) fn write(out: &mut Vec<u8>, value: i64) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    while rest >= 100 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(pair(rest % 100));
        rest /= 100;
    }
    if rest >= 10 {
        at -= 2;
        buffer[at..at + 2].copy_from_slice(pair(rest));
    } else {
        at -= 1;
        buffer[at] = b'0' + rest as u8;
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    out.extend_from_slice(&buffer[at..]);
}

fn pair(below_100: u64) -> &'static [u8] {
    const PAIRS: [u8; 200] = {
        let mut pairs = [0; 200];
        let mut i = 0;
        while i < 100 {
            pairs[2 * i] = b'0' + (i / 10) as u8;
            pairs[2 * i + 1] = b'0' + (i % 10) as u8;
            i += 1;
        }
        pairs
    };
    let at = 2 * below_100 as usize;
    &PAIRS[at..at + 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_round_trip() {
        for v in [0, 7, -7, 10, 99, 100, -100, 12345, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write(&mut out, v);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text, v.to_string());
            assert_eq!(parse_i64(&text).unwrap(), v);
        }
        assert_eq!(parse_i32(" +42 \n").unwrap(), 42);
        assert_eq!(parse_i32("\x0b42").unwrap(), 42);
    }

    #[test]
    fn wrong_integers_are_named() {
        let message = |r: Result<i32>| r.unwrap_err().message().to_string();
        assert_eq!(message(parse_i32("x")), "invalid input syntax for type integer: \"x\"");
        assert_eq!(message(parse_i32("")), "invalid input syntax for type integer: \"\"");
        assert_eq!(message(parse_i32("1 2")), "invalid input syntax for type integer: \"1 2\"");
        assert_eq!(message(parse_i32("99999999999x")), "value \"99999999999x\" is out of range for type integer");
        assert_eq!(parse_i32("-2147483648").unwrap(), i32::MIN);
        assert!(parse_i32("2147483648").is_err());
        assert!(parse_i16("-").is_err());
    }

    #[test]
    fn oids_and_tids() {
        assert_eq!(parse_oid("-1").unwrap(), u32::MAX);
        assert!(parse_oid("4294967296").is_err());
        assert_eq!(parse_xid("0x10"), 16);
        assert_eq!(parse_xid("junk"), 0);
        let mut out = Vec::new();
        write_tid(&mut out, parse_tid("(7,65535)").unwrap());
        assert_eq!(out, b"(7,65535)");
        assert!(parse_tid("(1,65536)").is_err());
        assert!(pack_tid(1, 9) < pack_tid(2, 0));
        assert!(pack_tid(u32::MAX, 0) > pack_tid(0, 0));
    }
}
