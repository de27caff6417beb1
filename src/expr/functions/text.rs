//! Strings: length, case, cutting, padding, searching, replacing.
//!
//! Positions and lengths count characters, from 1.

use super::convert::kernels;
use super::f;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::eval::text_of;
use crate::expr::function::Kernel::{Row, Typed};
use crate::expr::function::{CallTypes, Function};
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, FormatContext, SqlType};

/// PostgreSQL's `MaxAllocSize`: no value is longer.
const MAX_BYTES: usize = 0x3fff_ffff;

fn too_long() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "requested length too large")
}

pub(super) fn chars(s: &str) -> usize {
    if s.is_ascii() { s.len() } else { s.chars().count() }
}

/// Byte offset of character `n`, from 0, or the end.
pub(super) fn offset(s: &str, n: usize) -> usize {
    if s.is_ascii() {
        return n.min(s.len());
    }
    s.char_indices().nth(n).map_or(s.len(), |(at, _)| at)
}

/// Simple case mapping: a character whose other case is several characters stays.
pub fn lower(s: &str) -> String {
    map_case(s, char::to_lowercase, str::make_ascii_lowercase)
}

pub fn upper(s: &str) -> String {
    map_case(s, char::to_uppercase, str::make_ascii_uppercase)
}

fn map_case<I: Iterator<Item = char>>(s: &str, map: impl Fn(char) -> I, ascii: impl Fn(&mut str)) -> String {
    if s.is_ascii() {
        let mut s = s.to_owned();
        ascii(&mut s);
        return s;
    }
    s.chars().map(|c| one_or_same(c, map(c))).collect()
}

fn one_or_same(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn initcap_of(s: &str) -> String {
    let mut inside = false;
    s.chars()
        .map(|c| {
            let cased = match inside {
                true => one_or_same(c, c.to_lowercase()),
                false => one_or_same(c, c.to_uppercase()),
            };
            inside = c.is_alphanumeric();
            cased
        })
        .collect()
}

/// `substring(s from start for length)`: what of positions `start .. start + length` is inside.
pub fn substring(s: &str, start: i32, length: Option<i32>) -> Result<&str> {
    let start = i64::from(start);
    let end = match length {
        None => i64::MAX,
        Some(n) if n < 0 => {
            // An end beyond any string is not an error, as in PostgreSQL's overflow check.
            return Err(Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
        }
        Some(n) => start + i64::from(n),
    };
    let from = (start - 1).max(0);
    let count = (end - 1 - from).max(0);
    let at = offset(s, usize::try_from(from).unwrap_or(usize::MAX));
    let rest = &s[at..];
    Ok(&rest[..offset(rest, usize::try_from(count).unwrap_or(usize::MAX))])
}

/// Position of `needle`, from 1; 0 if there is none.
pub(super) fn position(s: &str, needle: &str) -> i32 {
    s.find(needle).map_or(0, |at| chars(&s[..at]) as i32 + 1)
}

fn pad(s: &str, length: i32, fill: &str, left: bool) -> Result<String> {
    let length = length.max(0) as usize;
    if length.checked_mul(4).is_none_or(|n| n > MAX_BYTES) && length > MAX_BYTES / 4 {
        return Err(too_long());
    }
    let have = chars(s);
    let kept = &s[..offset(s, length)];
    if have >= length || fill.is_empty() {
        return Ok(kept.to_owned());
    }
    let padding: String = fill.chars().cycle().take(length - have).collect();
    Ok(if left { padding + kept } else { kept.to_owned() + &padding })
}

fn cut(s: &str, n: i32) -> usize {
    if n >= 0 { n as usize } else { chars(s).saturating_sub(n.unsigned_abs() as usize) }
}

pub fn overlay(s: &str, new: &str, start: i32, length: i32) -> Result<String> {
    if start <= 0 {
        return Err(Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let after = start
        .checked_add(length)
        .ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?;
    Ok([substring(s, 1, Some(start - 1))?, new, substring(s, after, None)?].concat())
}

fn chr_of(code: i32) -> Result<String> {
    let limit = |message: String| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message);
    match u32::try_from(code) {
        Err(_) => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "character number must be positive")),
        Ok(0) => Err(limit("null character not permitted".into())),
        Ok(code) if code > 0x10ffff => Err(limit(format!("requested character too large for encoding: {code}"))),
        Ok(code) => char::from_u32(code)
            .map(String::from)
            .ok_or_else(|| limit(format!("requested character not valid for encoding: {code}"))),
    }
}

fn split(s: &str, separator: &str, n: i32) -> Result<String> {
    if n == 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "field position must not be zero"));
    }
    let index = n.unsigned_abs() as usize - 1;
    if s.is_empty() {
        return Ok(String::new());
    }
    if separator.is_empty() {
        return Ok(if index == 0 { s.to_owned() } else { String::new() });
    }
    let field = if n > 0 { s.split(separator).nth(index) } else { s.rsplit(separator).nth(index) };
    Ok(field.unwrap_or("").to_owned())
}

fn repeated(s: &str, count: i32) -> Result<String> {
    let count = count.max(0) as usize;
    match s.len().checked_mul(count) {
        Some(n) if n <= MAX_BYTES => Ok(s.repeat(count)),
        _ => Err(too_long()),
    }
}

fn blanks_off(s: &str) -> &str {
    s.trim_end_matches(' ')
}

kernels! {
    fn textcat(a: &str, b: &str) -> String {
        Ok([a, b].concat())
    }

    fn textlen(s: &str) -> i32 {
        Ok(chars(s) as i32)
    }

    fn bpcharlen(s: &str) -> i32 {
        Ok(chars(blanks_off(s)) as i32)
    }

    fn textoctetlen(s: &str) -> i32 {
        Ok(s.len() as i32)
    }

    fn text_bit_length(s: &str) -> i32 {
        Ok(s.len() as i32 * 8)
    }

    fn text_lower(s: &str) -> String {
        Ok(lower(s))
    }

    fn text_upper(s: &str) -> String {
        Ok(upper(s))
    }

    fn initcap(s: &str) -> String {
        Ok(initcap_of(s))
    }

    fn text_substr(s: &str, start: i32, length: i32) -> String {
        substring(s, start, Some(length)).map(str::to_owned)
    }

    fn text_substr_no_len(s: &str, start: i32) -> String {
        substring(s, start, None).map(str::to_owned)
    }

    fn textpos(s: &str, needle: &str) -> i32 {
        Ok(position(s, needle))
    }

    fn text_left(s: &str, n: i32) -> String {
        Ok(s[..offset(s, cut(s, n))].to_owned())
    }

    fn text_right(s: &str, n: i32) -> String {
        let skip = if n >= 0 { chars(s).saturating_sub(n as usize) } else { n.unsigned_abs() as usize };
        Ok(s[offset(s, skip)..].to_owned())
    }

    fn lpad(s: &str, length: i32, fill: &str) -> String {
        pad(s, length, fill, true)
    }

    fn rpad(s: &str, length: i32, fill: &str) -> String {
        pad(s, length, fill, false)
    }

    fn lpad_blank(s: &str, length: i32) -> String {
        pad(s, length, " ", true)
    }

    fn rpad_blank(s: &str, length: i32) -> String {
        pad(s, length, " ", false)
    }

    fn ltrim(s: &str, set: &str) -> String {
        Ok(s.trim_start_matches(|c| set.contains(c)).to_owned())
    }

    fn rtrim(s: &str, set: &str) -> String {
        Ok(s.trim_end_matches(|c| set.contains(c)).to_owned())
    }

    fn btrim(s: &str, set: &str) -> String {
        Ok(s.trim_matches(|c| set.contains(c)).to_owned())
    }

    fn ltrim1(s: &str) -> String {
        Ok(s.trim_start_matches(' ').to_owned())
    }

    fn rtrim1(s: &str) -> String {
        Ok(blanks_off(s).to_owned())
    }

    fn btrim1(s: &str) -> String {
        Ok(s.trim_matches(' ').to_owned())
    }

    fn replace_text(s: &str, from: &str, to: &str) -> String {
        Ok(if from.is_empty() { s.to_owned() } else { s.replace(from, to) })
    }

    fn translate(s: &str, from: &str, to: &str) -> String {
        let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
        Ok(s.chars().filter_map(|c| from.iter().position(|&f| f == c).map_or(Some(c), |i| to.get(i).copied())).collect())
    }

    fn text_reverse(s: &str) -> String {
        Ok(s.chars().rev().collect())
    }

    fn repeat(s: &str, count: i32) -> String {
        repeated(s, count)
    }

    fn split_part(s: &str, separator: &str, n: i32) -> String {
        split(s, separator, n)
    }

    fn ascii(s: &str) -> i32 {
        Ok(s.chars().next().map_or(0, |c| c as i32))
    }

    fn chr(code: i32) -> String {
        chr_of(code)
    }

    fn text_starts_with(s: &str, prefix: &str) -> bool {
        Ok(s.starts_with(prefix))
    }

    fn textoverlay(s: &str, new: &str, start: i32, length: i32) -> String {
        overlay(s, new, start, length)
    }

    fn textoverlay_no_len(s: &str, new: &str, start: i32) -> String {
        overlay(s, new, start, chars(new) as i32)
    }

    fn to_hex32(v: i32) -> String {
        Ok(format!("{v:x}"))
    }

    fn to_hex64(v: i64) -> String {
        Ok(format!("{v:x}"))
    }

    fn name_text(s: &str) -> String {
        Ok(s.to_owned())
    }

    fn text_name(s: &str) -> String {
        Ok(truncate_name(s).to_owned())
    }

    fn bpchar_name(s: &str) -> String {
        Ok(blanks_off(truncate_name(s)).to_owned())
    }

    fn char_text(s: &str) -> String {
        Ok(s.to_owned())
    }

    fn text_char(s: &str) -> String {
        Ok(s.chars().next().map(String::from).unwrap_or_default())
    }

    fn unistr(s: &str) -> String {
        unescape_unicode(s)
    }
}

/// The first 63 bytes, whole characters: PostgreSQL's `NAMEDATALEN`.
fn truncate_name(s: &str) -> &str {
    let mut end = s.len().min(63);
    while !s.is_char_boundary(end) {
        end -= 1;
    }
    &s[..end]
}

fn unescape_unicode(s: &str) -> Result<String> {
    let invalid = || {
        Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
            .hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
    };
    let mut out = String::with_capacity(s.len());
    let mut rest = s;
    let mut high: Option<u32> = None;
    while let Some(c) = rest.chars().next() {
        if c != '\\' || rest[1..].starts_with('\\') {
            if high.is_some() {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair"));
            }
            out.push(c);
            rest = &rest[if c == '\\' { 2 } else { c.len_utf8() }..];
            continue;
        }
        let (skip, digits) = match rest[1..].chars().next() {
            Some('u') => (2, 4),
            Some('U') => (2, 8),
            Some('+') => (2, 6),
            _ => (1, 4),
        };
        let hex = rest.get(skip..skip + digits).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = u32::from_str_radix(hex.ok_or_else(invalid)?, 16).map_err(|_| invalid())?;
        rest = &rest[skip + digits..];
        let pair = || Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair");
        match (high.take(), code) {
            (None, 0xd800..=0xdbff) => high = Some(code),
            (Some(h), 0xdc00..=0xdfff) => {
                let code = 0x10000 + ((h - 0xd800) << 10) + (code - 0xdc00);
                out.push(char::from_u32(code).ok_or_else(pair)?);
            }
            (Some(_), _) | (None, 0xdc00..=0xdfff) => return Err(pair()),
            (None, _) => {
                let c = char::from_u32(code).filter(|&c| c != '\0');
                out.push(c.ok_or_else(|| {
                    Error::new(SqlState::SYNTAX_ERROR, format!("invalid Unicode code point: {code:04X}"))
                })?);
            }
        }
    }
    match high {
        Some(_) => Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair")),
        None => Ok(out),
    }
}

/// What a cast to text gives, which for booleans and `char(n)` is not the output function's.
fn cast_text(value: DatumRef<'_>, ty: SqlType, format: &FormatContext) -> String {
    match value {
        DatumRef::Bool(b) => b.to_string(),
        DatumRef::Text(t) if ty.oid == BPCHAR => blanks_off(t).to_owned(),
        value => text_of(value, ty, format),
    }
}

/// `text || anything`.
fn textanycat(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let mut out = cast_text(a[0], types.args[0], cx.format);
    out.push_str(&cast_text(a[1], types.args[1], cx.format));
    Ok(Datum::from(out))
}

pub(super) fn text_concat(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let parts = a.iter().zip(types.args).filter(|(v, _)| !v.is_null());
    Ok(Datum::from(parts.map(|(v, t)| text_of(*v, *t, cx.format)).collect::<String>()))
}

pub(super) fn text_concat_ws(cx: &mut EvalContext<'_>, types: CallTypes<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let DatumRef::Text(separator) = a[0] else { return Ok(Datum::Null) };
    let parts = a.iter().zip(types.args).skip(1).filter(|(v, _)| !v.is_null());
    let parts: Vec<String> = parts.map(|(v, t)| text_of(*v, *t, cx.format)).collect();
    Ok(Datum::from(parts.join(separator)))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1620, "ascii", &[TEXT], INT4, Row(ascii)),
    f(884, "btrim", &[TEXT, TEXT], TEXT, Row(btrim)),
    f(885, "btrim", &[TEXT], TEXT, Row(btrim1)),
    f(944, "char", &[TEXT], CHAR, Row(text_char)),
    f(1372, "char_length", &[BPCHAR], INT4, Row(bpcharlen)),
    f(1381, "char_length", &[TEXT], INT4, Row(textlen)),
    f(1367, "character_length", &[BPCHAR], INT4, Row(bpcharlen)),
    f(1369, "character_length", &[TEXT], INT4, Row(textlen)),
    f(1621, "chr", &[INT4], TEXT, Row(chr)),
    f(872, "initcap", &[TEXT], TEXT, Row(initcap)),
    f(3060, "left", &[TEXT, INT4], TEXT, Row(text_left)),
    f(1317, "length", &[TEXT], INT4, Row(textlen)),
    f(1318, "length", &[BPCHAR], INT4, Row(bpcharlen)),
    f(873, "lpad", &[TEXT, INT4, TEXT], TEXT, Row(lpad)),
    f(875, "ltrim", &[TEXT, TEXT], TEXT, Row(ltrim)),
    f(881, "ltrim", &[TEXT], TEXT, Row(ltrim1)),
    f(407, "name", &[TEXT], NAME, Row(text_name)).leakproof(),
    f(409, "name", &[BPCHAR], NAME, Row(bpchar_name)).leakproof(),
    f(1400, "name", &[VARCHAR], NAME, Row(text_name)).leakproof(),
    f(1374, "octet_length", &[TEXT], INT4, Row(textoctetlen)),
    f(1404, "overlay", &[TEXT, TEXT, INT4, INT4], TEXT, Row(textoverlay)),
    f(1405, "overlay", &[TEXT, TEXT, INT4], TEXT, Row(textoverlay_no_len)),
    f(849, "position", &[TEXT, TEXT], INT4, Row(textpos)),
    f(1622, "repeat", &[TEXT, INT4], TEXT, Row(repeat)),
    f(2087, "replace", &[TEXT, TEXT, TEXT], TEXT, Row(replace_text)),
    f(3062, "reverse", &[TEXT], TEXT, Row(text_reverse)),
    f(3061, "right", &[TEXT, INT4], TEXT, Row(text_right)),
    f(874, "rpad", &[TEXT, INT4, TEXT], TEXT, Row(rpad)),
    f(876, "rtrim", &[TEXT, TEXT], TEXT, Row(rtrim)),
    f(882, "rtrim", &[TEXT], TEXT, Row(rtrim1)),
    f(2088, "split_part", &[TEXT, TEXT, INT4], TEXT, Row(split_part)),
    f(3696, "starts_with", &[TEXT, TEXT], BOOL, Row(text_starts_with)).leakproof(),
    f(868, "strpos", &[TEXT, TEXT], INT4, Row(textpos)),
    f(877, "substr", &[TEXT, INT4, INT4], TEXT, Row(text_substr)),
    f(883, "substr", &[TEXT, INT4], TEXT, Row(text_substr_no_len)),
    f(936, "substring", &[TEXT, INT4, INT4], TEXT, Row(text_substr)),
    f(937, "substring", &[TEXT, INT4], TEXT, Row(text_substr_no_len)),
    f(401, "text", &[BPCHAR], TEXT, Row(rtrim1)),
    f(406, "text", &[NAME], TEXT, Row(name_text)).leakproof(),
    f(946, "text", &[CHAR], TEXT, Row(char_text)),
    f(1258, "textcat", &[TEXT, TEXT], TEXT, Row(textcat)),
    f(1257, "textlen", &[TEXT], INT4, Row(textlen)),
    f(2089, "to_hex", &[INT4], TEXT, Row(to_hex32)),
    f(2090, "to_hex", &[INT8], TEXT, Row(to_hex64)),
    f(878, "translate", &[TEXT, TEXT, TEXT], TEXT, Row(translate)),
    f(6198, "unistr", &[TEXT], TEXT, Row(unistr)),
    f(1401, "varchar", &[NAME], VARCHAR, Row(name_text)).leakproof(),
    f(1375, "octet_length", &[BPCHAR], INT4, Row(textoctetlen)),
    f(1811, "bit_length", &[TEXT], INT4, Row(text_bit_length)),
    f(870, "lower", &[TEXT], TEXT, Row(text_lower)),
    f(871, "upper", &[TEXT], TEXT, Row(text_upper)),
    f(879, "lpad", &[TEXT, INT4], TEXT, Row(lpad_blank)),
    f(880, "rpad", &[TEXT, INT4], TEXT, Row(rpad_blank)),
    f(2004, "anytextcat", &[ANYNONARRAY, TEXT], TEXT, Typed(textanycat)).stable(),
    f(2003, "textanycat", &[TEXT, ANYNONARRAY], TEXT, Typed(textanycat)).stable(),
    f(3058, "concat", &[ANY], TEXT, Typed(text_concat)).lax().stable().variadic(ANY),
    f(3059, "concat_ws", &[TEXT, ANY], TEXT, Typed(text_concat_ws)).lax().stable().variadic(ANY),
];
