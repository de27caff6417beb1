//! `bytea`: encodings, digests, cutting, bits; and conversion between character sets.

use super::convert::kernels;
use super::f;
use crate::base::{Error, Result, SqlState};
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::oid::*;
use md5::{Digest, Md5};
use sha2::{Sha224, Sha256, Sha384, Sha512};

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(char::from(DIGITS[usize::from(b >> 4)]));
        out.push(char::from(DIGITS[usize::from(b & 15)]));
    }
    out
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r'));
    let digit = |c: char| c.to_digit(16).ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{c}\"")));
    while let Some(high) = chars.next() {
        let high = digit(high)?;
        let low = chars.next().ok_or_else(|| invalid("invalid hexadecimal data: odd number of digits".into()))?;
        out.push((high << 4 | digit(low)?) as u8);
    }
    Ok(out)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lines of 76 characters, as RFC 2045 has them.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    let mut line = 0;
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, &b| w << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let c = BASE64[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(c) } else { '=' });
        }
        line += 4;
        if line == 76 {
            out.push('\n');
            line = 0;
        }
    }
    if out.ends_with('\n') {
        out.pop();
    }
    out
}

fn unbase64(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut word, mut count, mut pad) = (0u32, 0, 0);
    let truncated = || {
        invalid("invalid base64 end sequence".into())
            .hint("Input data is missing padding, is truncated, or is otherwise corrupted.")
    };
    for c in text.chars() {
        let value = match c {
            ' ' | '\t' | '\n' | '\r' => continue,
            '=' => {
                if pad == 0 && count < 2 {
                    return Err(invalid("unexpected \"=\" while decoding base64 sequence".into()));
                }
                pad += 1;
                0
            }
            c => match BASE64.iter().position(|&b| char::from(b) == c) {
                Some(v) if pad == 0 => v as u32,
                _ => return Err(invalid(format!("invalid symbol \"{c}\" found while decoding base64 sequence"))),
            },
        };
        word = word << 6 | value;
        count += 1;
        if count == 4 {
            out.extend_from_slice(&word.to_be_bytes()[1..4 - pad.min(2)]);
            if pad > 2 {
                return Err(truncated());
            }
            (word, count) = (0, 0);
        }
    }
    if count != 0 {
        return Err(truncated());
    }
    Ok(out)
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        match b {
            0 | 0x80.. => out.push_str(&format!("\\{b:03o}")),
            b'\\' => out.push_str("\\\\"),
            b => out.push(char::from(b)),
        }
    }
    out
}

fn unescaped(text: &str) -> Result<Vec<u8>> {
    let bad = || Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea");
    let (bytes, mut out, mut i) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while i < bytes.len() {
        if bytes[i] != b'\\' {
            out.push(bytes[i]);
            i += 1;
        } else if bytes.get(i + 1) == Some(&b'\\') {
            out.push(b'\\');
            i += 2;
        } else {
            let digits = bytes.get(i + 1..i + 4).ok_or_else(bad)?;
            if !matches!(digits, [b'0'..=b'3', b'0'..=b'7', b'0'..=b'7']) {
                return Err(bad());
            }
            out.push(digits.iter().fold(0, |v, d| v << 3 | (d - b'0')));
            i += 4;
        }
    }
    Ok(out)
}

/// PostgreSQL's names for UTF-8 and for the encodings that are within it.
fn charset(name: &str) -> Result<Charset> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "utf8" | "unicode" => Ok(Charset::Utf8),
        "sqlascii" => Ok(Charset::Utf8),
        "latin1" | "iso88591" => Ok(Charset::Latin1),
        "euccn" | "eucjp" | "euckr" | "sjis" | "big5" | "gbk" | "gb18030" | "win1251" | "win1252" | "win1250"
        | "koi8r" | "latin2" | "latin5" | "latin9" => Err(Error::unsupported(format!("encoding {name}"))),
        _ => Err(invalid(format!("invalid source encoding name \"{name}\""))),
    }
}

enum Charset {
    Utf8,
    Latin1,
}

fn from_charset(bytes: &[u8], name: &str) -> Result<String> {
    match charset(name)? {
        Charset::Latin1 => Ok(bytes.iter().map(|&b| char::from(b)).collect()),
        Charset::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) if !bytes.contains(&0) => Ok(text.to_owned()),
            Ok(_) => Err(invalid_bytes(&[0])),
            Err(e) => {
                let at = &bytes[e.valid_up_to()..];
                Err(invalid_bytes(&at[..e.error_len().unwrap_or(at.len()).min(4)]))
            }
        },
    }
}

fn invalid_bytes(bytes: &[u8]) -> Error {
    let shown: Vec<String> = bytes.iter().map(|b| format!("0x{b:02x}")).collect();
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}

fn to_charset(text: &str, name: &str) -> Result<Vec<u8>> {
    match charset(name).map_err(|e| match e.code() {
        SqlState::INVALID_PARAMETER_VALUE => invalid(format!("invalid destination encoding name \"{name}\"")),
        _ => e,
    })? {
        Charset::Utf8 => Ok(text.as_bytes().to_vec()),
        Charset::Latin1 => text
            .chars()
            .map(|c| {
                u8::try_from(c as u32).map_err(|_| {
                    let mut buffer = [0; 4];
                    let shown: Vec<String> =
                        c.encode_utf8(&mut buffer).bytes().map(|b| format!("0x{b:02x}")).collect();
                    Error::new(
                        SqlState::UNTRANSLATABLE_CHARACTER,
                        format!(
                            "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
                            shown.join(" ")
                        ),
                    )
                })
            })
            .collect(),
    }
}

fn part(bytes: &[u8], start: i32, length: Option<i32>) -> Result<Vec<u8>> {
    let start = i64::from(start);
    let end = match length {
        None => i64::MAX,
        Some(n) if n < 0 => {
            return Err(Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
        }
        Some(n) => start + i64::from(n),
    };
    let len = bytes.len() as i64;
    let from = (start - 1).clamp(0, len);
    let to = (end - 1).clamp(from, len);
    Ok(bytes[from as usize..to as usize].to_vec())
}

fn overlaid(bytes: &[u8], new: &[u8], start: i32, length: i32) -> Result<Vec<u8>> {
    if start <= 0 {
        return Err(Error::new(SqlState::SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let after = start
        .checked_add(length)
        .ok_or_else(|| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?;
    Ok([part(bytes, 1, Some(start - 1))?, new.to_vec(), part(bytes, after, None)?].concat())
}

fn index(at: i64, count: i64) -> Result<usize> {
    if at < 0 || at >= count {
        return Err(Error::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            format!("index {at} out of valid range, 0..{}", count - 1),
        ));
    }
    Ok(at as usize)
}

fn trim(bytes: &[u8], set: &[u8], left: bool, right: bool) -> Vec<u8> {
    let mut rest = bytes;
    while let (true, [first, tail @ ..]) = (left, rest) {
        if !set.contains(first) {
            break;
        }
        rest = tail;
    }
    while let (true, [head @ .., last]) = (right, rest) {
        if !set.contains(last) {
            break;
        }
        rest = head;
    }
    rest.to_vec()
}

kernels! {
    fn md5_text(s: &str) -> String {
        Ok(hex(&Md5::digest(s.as_bytes())))
    }

    fn md5_bytea(b: &[u8]) -> String {
        Ok(hex(&Md5::digest(b)))
    }

    fn sha224_bytea(b: &[u8]) -> Vec<u8> {
        Ok(Sha224::digest(b).to_vec())
    }

    fn sha256_bytea(b: &[u8]) -> Vec<u8> {
        Ok(Sha256::digest(b).to_vec())
    }

    fn sha384_bytea(b: &[u8]) -> Vec<u8> {
        Ok(Sha384::digest(b).to_vec())
    }

    fn sha512_bytea(b: &[u8]) -> Vec<u8> {
        Ok(Sha512::digest(b).to_vec())
    }

    fn binary_encode(b: &[u8], format: &str) -> String {
        match format.to_ascii_lowercase().as_str() {
            "hex" => Ok(hex(b)),
            "base64" => Ok(base64(b)),
            "escape" => Ok(escaped(b)),
            _ => Err(invalid(format!("unrecognized encoding: \"{format}\""))),
        }
    }

    fn binary_decode(s: &str, format: &str) -> Vec<u8> {
        match format.to_ascii_lowercase().as_str() {
            "hex" => unhex(s),
            "base64" => unbase64(s),
            "escape" => unescaped(s),
            _ => Err(invalid(format!("unrecognized encoding: \"{format}\""))),
        }
    }

    fn pg_convert_from(b: &[u8], name: &str) -> String {
        from_charset(b, name)
    }

    fn pg_convert_to(s: &str, name: &str) -> Vec<u8> {
        to_charset(s, name)
    }

    fn length_in_encoding(b: &[u8], name: &str) -> i32 {
        from_charset(b, name).map(|s| s.chars().count() as i32)
    }

    fn byteaoctetlen(b: &[u8]) -> i32 {
        Ok(b.len() as i32)
    }

    fn bytea_bit_length(b: &[u8]) -> i32 {
        Ok(b.len() as i32 * 8)
    }

    fn byteacat(a: &[u8], b: &[u8]) -> Vec<u8> {
        Ok([a, b].concat())
    }

    fn byteapos(b: &[u8], needle: &[u8]) -> i32 {
        if needle.is_empty() {
            return Ok(1);
        }
        Ok(b.windows(needle.len()).position(|w| w == needle).map_or(0, |i| i as i32 + 1))
    }

    fn bytea_substr(b: &[u8], start: i32, length: i32) -> Vec<u8> {
        part(b, start, Some(length))
    }

    fn bytea_substr_no_len(b: &[u8], start: i32) -> Vec<u8> {
        part(b, start, None)
    }

    fn byteaoverlay(b: &[u8], new: &[u8], start: i32, length: i32) -> Vec<u8> {
        overlaid(b, new, start, length)
    }

    fn byteaoverlay_no_len(b: &[u8], new: &[u8], start: i32) -> Vec<u8> {
        overlaid(b, new, start, new.len() as i32)
    }

    fn byteatrim(b: &[u8], set: &[u8]) -> Vec<u8> {
        Ok(trim(b, set, true, true))
    }

    fn bytealtrim(b: &[u8], set: &[u8]) -> Vec<u8> {
        Ok(trim(b, set, true, false))
    }

    fn byteartrim(b: &[u8], set: &[u8]) -> Vec<u8> {
        Ok(trim(b, set, false, true))
    }

    fn bytea_get_byte(b: &[u8], at: i32) -> i32 {
        Ok(b[index(at.into(), b.len() as i64)?].into())
    }

    fn bytea_set_byte(b: &[u8], at: i32, value: i32) -> Vec<u8> {
        let mut out = b.to_vec();
        out[index(at.into(), b.len() as i64)?] = value as u8;
        Ok(out)
    }

    fn bytea_get_bit(b: &[u8], at: i64) -> i32 {
        let i = index(at, b.len() as i64 * 8)?;
        Ok((b[i / 8] >> (i % 8) & 1).into())
    }

    fn bytea_set_bit(b: &[u8], at: i64, value: i32) -> Vec<u8> {
        let i = index(at, b.len() as i64 * 8)?;
        if value != 0 && value != 1 {
            return Err(invalid("new bit must be 0 or 1".into()));
        }
        let mut out = b.to_vec();
        out[i / 8] = out[i / 8] & !(1 << (i % 8)) | (value as u8) << (i % 8);
        Ok(out)
    }

    fn bytea_bit_count(b: &[u8]) -> i64 {
        Ok(b.iter().map(|b| i64::from(b.count_ones())).sum())
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(6163, "bit_count", &[BYTEA], INT8, Row(bytea_bit_count)),
    f(2015, "btrim", &[BYTEA, BYTEA], BYTEA, Row(byteatrim)),
    f(2011, "byteacat", &[BYTEA, BYTEA], BYTEA, Row(byteacat)),
    f(1714, "convert_from", &[BYTEA, NAME], TEXT, Row(pg_convert_from)).stable(),
    f(1717, "convert_to", &[TEXT, NAME], BYTEA, Row(pg_convert_to)).stable(),
    f(1947, "decode", &[TEXT, TEXT], BYTEA, Row(binary_decode)),
    f(1946, "encode", &[BYTEA, TEXT], TEXT, Row(binary_encode)),
    f(723, "get_bit", &[BYTEA, INT8], INT4, Row(bytea_get_bit)),
    f(721, "get_byte", &[BYTEA, INT4], INT4, Row(bytea_get_byte)),
    f(1713, "length", &[BYTEA, NAME], INT4, Row(length_in_encoding)).stable(),
    f(2010, "length", &[BYTEA], INT4, Row(byteaoctetlen)),
    f(6195, "ltrim", &[BYTEA, BYTEA], BYTEA, Row(bytealtrim)),
    f(2311, "md5", &[TEXT], TEXT, Row(md5_text)).leakproof(),
    f(2321, "md5", &[BYTEA], TEXT, Row(md5_bytea)).leakproof(),
    f(720, "octet_length", &[BYTEA], INT4, Row(byteaoctetlen)),
    f(749, "overlay", &[BYTEA, BYTEA, INT4, INT4], BYTEA, Row(byteaoverlay)),
    f(752, "overlay", &[BYTEA, BYTEA, INT4], BYTEA, Row(byteaoverlay_no_len)),
    f(2014, "position", &[BYTEA, BYTEA], INT4, Row(byteapos)),
    f(6196, "rtrim", &[BYTEA, BYTEA], BYTEA, Row(byteartrim)),
    f(724, "set_bit", &[BYTEA, INT8, INT4], BYTEA, Row(bytea_set_bit)),
    f(722, "set_byte", &[BYTEA, INT4, INT4], BYTEA, Row(bytea_set_byte)),
    f(3419, "sha224", &[BYTEA], BYTEA, Row(sha224_bytea)).leakproof(),
    f(3420, "sha256", &[BYTEA], BYTEA, Row(sha256_bytea)).leakproof(),
    f(3421, "sha384", &[BYTEA], BYTEA, Row(sha384_bytea)).leakproof(),
    f(3422, "sha512", &[BYTEA], BYTEA, Row(sha512_bytea)).leakproof(),
    f(2085, "substr", &[BYTEA, INT4, INT4], BYTEA, Row(bytea_substr)),
    f(2086, "substr", &[BYTEA, INT4], BYTEA, Row(bytea_substr_no_len)),
    f(2012, "substring", &[BYTEA, INT4, INT4], BYTEA, Row(bytea_substr)),
    f(2013, "substring", &[BYTEA, INT4], BYTEA, Row(bytea_substr_no_len)),
    f(1810, "bit_length", &[BYTEA], INT4, Row(bytea_bit_length)),
];
