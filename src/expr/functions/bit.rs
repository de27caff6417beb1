//! Bit strings: operators, cutting and joining, single bits, and casts to and from numbers (`varbit.c`).

use super::convert::kernels;
use super::f;
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::bit::{BITS_MAX, bytes_of, from_int, to_number, too_long};
use crate::types::oid::*;
use crate::types::{Datum, SqlType, coerce_typmod};

/// Which bits a two-sided operator sets.
#[derive(Clone, Copy)]
pub(in crate::expr) enum Joint {
    And,
    Or,
    Xor,
}

/// `&`, `|` and `#`, of strings of one length only.
pub(in crate::expr) fn joined(a: &str, b: &str, joint: Joint) -> Result<String> {
    let (name, sets): (_, fn(u8, u8) -> bool) = match joint {
        Joint::And => ("AND", |x, y| x == b'1' && y == b'1'),
        Joint::Or => ("OR", |x, y| x == b'1' || y == b'1'),
        Joint::Xor => ("XOR", |x, y| x != y),
    };
    if a.len() != b.len() {
        let message = format!("cannot {name} bit strings of different sizes");
        return Err(Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message));
    }
    Ok(a.bytes().zip(b.bytes()).map(|(x, y)| if sets(x, y) { '1' } else { '0' }).collect())
}

/// Towards the left by `count`, zeros filling what is free; the length stays. A negative count shifts to the right.
fn shifted(bits: &str, count: i64) -> String {
    let by = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(bits.len());
    let zeros = "0".repeat(by);
    if count >= 0 { [&bits[by..], &zeros].concat() } else { [&zeros, &bits[..bits.len() - by]].concat() }
}

/// From the 1-based `start` on, to the end without a length.
fn part(bits: &str, start: i32, length: Option<i32>) -> Result<&str> {
    let (start, len) = (i64::from(start), bits.len() as i64);
    let end = match length {
        None => i64::MAX,
        Some(n) if n < 0 => return Err(negative_length()),
        Some(n) => start + i64::from(n),
    };
    let from = (start - 1).clamp(0, len);
    let to = (end - 1).clamp(from, len);
    Ok(&bits[from as usize..to as usize])
}

fn negative_length() -> Error {
    Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed")
}

fn concatenated(parts: &[&str]) -> Result<String> {
    if parts.iter().map(|p| p.len()).sum::<usize>() > BITS_MAX as usize {
        return Err(too_long());
    }
    Ok(parts.concat())
}

fn overlaid(bits: &str, new: &str, start: i32, length: i32) -> Result<String> {
    if start <= 0 {
        return Err(negative_length());
    }
    let after = start.checked_add(length).ok_or_else(|| out_of_range("integer"))?;
    concatenated(&[part(bits, 1, Some(start - 1))?, new, part(bits, after, None)?])
}

fn out_of_range(ty: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{ty} out of range"))
}

/// Where the bit of that number is, counted from the left and 0.
fn index(bits: &str, at: i32) -> Result<usize> {
    match usize::try_from(at) {
        Ok(i) if i < bits.len() => Ok(i),
        _ => {
            let last = bits.len() as i64 - 1;
            let message = format!("bit index {at} out of valid range (0..{last})");
            Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message))
        }
    }
}

fn fitted(ty: Oid, bits: &str, typmod: i32, explicit: bool) -> Result<Datum> {
    coerce_typmod(SqlType::with_typmod(ty, typmod), bits.into(), explicit)
}

kernels! {
    fn bit_and(a: &str, b: &str) -> String {
        joined(a, b, Joint::And)
    }

    fn bit_or(a: &str, b: &str) -> String {
        joined(a, b, Joint::Or)
    }

    fn bit_xor(a: &str, b: &str) -> String {
        joined(a, b, Joint::Xor)
    }

    fn bitnot(a: &str) -> String {
        Ok(a.bytes().map(|b| if b == b'1' { '0' } else { '1' }).collect())
    }

    fn bitshiftleft(a: &str, count: i32) -> String {
        Ok(shifted(a, count.into()))
    }

    fn bitshiftright(a: &str, count: i32) -> String {
        Ok(shifted(a, -i64::from(count)))
    }

    fn bitcat(a: &str, b: &str) -> String {
        concatenated(&[a, b])
    }

    fn bitcmp(a: &str, b: &str) -> i32 {
        Ok(a.cmp(b) as i32)
    }

    fn bitlength(a: &str) -> i32 {
        Ok(a.len() as i32)
    }

    fn bitoctetlength(a: &str) -> i32 {
        Ok(bytes_of(a.len()) as i32)
    }

    fn bit_bit_count(a: &str) -> i64 {
        Ok(a.bytes().filter(|&b| b == b'1').count() as i64)
    }

    fn bitsubstr(a: &str, start: i32, length: i32) -> String {
        part(a, start, Some(length)).map(str::to_owned)
    }

    fn bitsubstr_no_len(a: &str, start: i32) -> String {
        part(a, start, None).map(str::to_owned)
    }

    fn bitoverlay(a: &str, new: &str, start: i32, length: i32) -> String {
        overlaid(a, new, start, length)
    }

    fn bitoverlay_no_len(a: &str, new: &str, start: i32) -> String {
        overlaid(a, new, start, new.len() as i32)
    }

    /// Nothing is found in the empty string, the empty string at the start of any other.
    fn bitposition(a: &str, wanted: &str) -> i32 {
        if a.is_empty() {
            return Ok(0);
        }
        Ok(a.find(wanted).map_or(0, |i| i as i32 + 1))
    }

    fn bitgetbit(a: &str, at: i32) -> i32 {
        Ok((a.as_bytes()[index(a, at)?] & 1).into())
    }

    fn bitsetbit(a: &str, at: i32, value: i32) -> String {
        let i = index(a, at)?;
        let digit = match value {
            0 => "0",
            1 => "1",
            _ => return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "new bit must be 0 or 1")),
        };
        Ok([&a[..i], digit, &a[i + 1..]].concat())
    }

    fn bitfromint4(number: i32, typmod: i32) -> String {
        Ok(from_int(number.into(), typmod))
    }

    fn bitfromint8(number: i64, typmod: i32) -> String {
        Ok(from_int(number, typmod))
    }

    fn bittoint4(a: &str) -> i32 {
        if a.len() > 32 {
            return Err(out_of_range("integer"));
        }
        Ok(to_number(a) as u32 as i32)
    }

    fn bittoint8(a: &str) -> i64 {
        if a.len() > 64 {
            return Err(out_of_range("bigint"));
        }
        Ok(to_number(a) as i64)
    }

    fn bit(a: &str, typmod: i32, explicit: bool) -> Datum {
        fitted(BIT, a, typmod, explicit)
    }

    fn varbit(a: &str, typmod: i32, explicit: bool) -> Datum {
        fitted(VARBIT, a, typmod, explicit)
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1683, "bit", &[INT4, INT4], BIT, Row(bitfromint4)),
    f(1685, "bit", &[BIT, INT4, BOOL], BIT, Row(bit)),
    f(2075, "bit", &[INT8, INT4], BIT, Row(bitfromint8)),
    f(6162, "bit_count", &[BIT], INT8, Row(bit_bit_count)),
    f(1812, "bit_length", &[BIT], INT4, Row(bitlength)),
    f(1673, "bitand", &[BIT, BIT], BIT, Row(bit_and)),
    f(1679, "bitcat", &[VARBIT, VARBIT], VARBIT, Row(bitcat)),
    f(1596, "bitcmp", &[BIT, BIT], INT4, Row(bitcmp)).leakproof(),
    f(1676, "bitnot", &[BIT], BIT, Row(bitnot)),
    f(1674, "bitor", &[BIT, BIT], BIT, Row(bit_or)),
    f(1677, "bitshiftleft", &[BIT, INT4], BIT, Row(bitshiftleft)),
    f(1678, "bitshiftright", &[BIT, INT4], BIT, Row(bitshiftright)),
    f(1675, "bitxor", &[BIT, BIT], BIT, Row(bit_xor)),
    f(3032, "get_bit", &[BIT, INT4], INT4, Row(bitgetbit)),
    f(1684, "int4", &[BIT], INT4, Row(bittoint4)),
    f(2076, "int8", &[BIT], INT8, Row(bittoint8)),
    f(1681, "length", &[BIT], INT4, Row(bitlength)),
    f(1682, "octet_length", &[BIT], INT4, Row(bitoctetlength)),
    f(3030, "overlay", &[BIT, BIT, INT4, INT4], BIT, Row(bitoverlay)),
    f(3031, "overlay", &[BIT, BIT, INT4], BIT, Row(bitoverlay_no_len)),
    f(1698, "position", &[BIT, BIT], INT4, Row(bitposition)),
    f(3033, "set_bit", &[BIT, INT4, INT4], BIT, Row(bitsetbit)),
    f(1680, "substring", &[BIT, INT4, INT4], BIT, Row(bitsubstr)),
    f(1699, "substring", &[BIT, INT4], BIT, Row(bitsubstr_no_len)),
    f(1687, "varbit", &[VARBIT, INT4, BOOL], VARBIT, Row(varbit)),
    f(1672, "varbitcmp", &[VARBIT, VARBIT], INT4, Row(bitcmp)).leakproof(),
];
