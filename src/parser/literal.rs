//! The values of string tokens: doubled quotes, escapes, and continuations across newlines undone.

use crate::base::{Error, Result, SqlState};

/// Where a string goes on after its closing quote, if only white space with a newline in it (and `--` comments) lies
/// before another quote: the offset behind that quote. `at` is behind the closing one.
pub fn continuation(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut newline = false;
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => newline = true,
            b' ' | b'\t' | 0x0c => {}
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                while !matches!(bytes.get(at)?, b'\n' | b'\r') {
                    at += 1;
                }
                continue;
            }
            b'\'' if newline => return Some(at + 1),
            _ => return None,
        }
        at += 1;
    }
}

/// The parts between quotes of a string token, each as (start, end), given the offset of the first quote.
fn segments(text: &str, open: usize, end: usize, backslashes: bool) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut segments = Vec::new();
    let mut start = open + 1;
    let mut at = start;
    while at < end {
        match bytes[at] {
            b'\'' if bytes.get(at + 1) == Some(&b'\'') && at + 1 < end => at += 2,
            b'\'' => {
                segments.push((start, at));
                match continuation(bytes, at + 1) {
                    Some(next) if next < end => {
                        start = next;
                        at = next;
                    }
                    _ => break,
                }
            }
            b'\\' if backslashes => at += 2,
            _ => at += 1,
        }
    }
    segments
}

/// `'...'`, also the digits of B'...' and X'...'; `open` is the first quote.
pub fn plain_string(text: &str, open: usize, end: usize) -> String {
    let inner = &text[open + 1..end - 1];
    if !inner.as_bytes().contains(&b'\'') {
        return inner.to_string();
    }
    let mut value = String::with_capacity(inner.len());
    for (from, to) in segments(text, open, end, false) {
        value.push_str(&text[from..to].replace("''", "'"));
    }
    value
}

/// `$tag$...$tag$`.
pub fn dollar_string(token: &str) -> String {
    let tag = token[1..].find('$').map_or(0, |i| i + 2);
    token[tag..token.len() - tag].to_string()
}

/// `"..."`; the quotes are at `open` and `end - 1`.
pub fn quoted_ident(text: &str, open: usize, end: usize) -> String {
    let mut name = text[open + 1..end - 1].replace("\"\"", "\"");
    super::lexer::truncate_ident(&mut name);
    name
}

/// `E'...'`, from its E to its last quote.
pub fn escape_string(text: &str, start: usize, end: usize) -> Result<String> {
    let mut out = Escapes { text, value: Vec::with_capacity(end - start), high: None };
    for (from, to) in segments(text, start + 1, end, true) {
        out.segment(from, to)?;
    }
    if out.high.is_some() {
        return Err(surrogate_pair(text, end - 1));
    }
    if let Some(i) = out.value.iter().position(|b| *b == 0) {
        return Err(invalid_bytes(&out.value[i..=i]));
    }
    String::from_utf8(out.value).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let bytes = e.as_bytes();
        let length = utf8_length(bytes[at]).min(bytes.len() - at);
        invalid_bytes(&bytes[at..at + length])
    })
}

/// How many bytes PostgreSQL shows of an invalid sequence: as many as its first byte announces.
fn utf8_length(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    }
}

fn invalid_bytes(bytes: &[u8]) -> Error {
    let hex: Vec<String> = bytes.iter().map(|b| format!("0x{b:02x}")).collect();
    let message = format!("invalid byte sequence for encoding \"UTF8\": {}", hex.join(" "));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}

fn near(message: &str, text: &str, from: usize, to: usize) -> Error {
    let shown = text.get(from..to).unwrap_or_default();
    Error::new(SqlState::SYNTAX_ERROR, format!("{message} at or near \"{shown}\"")).at(from)
}

fn surrogate_pair(text: &str, at: usize) -> Error {
    let length = text[at..].chars().next().map_or(0, char::len_utf8);
    near("invalid Unicode surrogate pair", text, at, at + length)
}

/// The state of undoing escapes; `high` is the first half of a surrogate pair.
struct Escapes<'a> {
    text: &'a str,
    value: Vec<u8>,
    high: Option<u32>,
}

impl Escapes<'_> {
    fn segment(&mut self, mut at: usize, end: usize) -> Result<()> {
        let bytes = self.text.as_bytes();
        while at < end {
            if bytes[at] == b'\\' && at + 1 < end {
                at = self.escape(at)?;
                continue;
            }
            if self.high.is_some() {
                return Err(surrogate_pair(self.text, at));
            }
            self.value.push(bytes[at]);
            at += if bytes[at] == b'\'' { 2 } else { 1 };
        }
        Ok(())
    }

    /// The escape at `at`; returns the offset behind it.
    fn escape(&mut self, at: usize) -> Result<usize> {
        let bytes = self.text.as_bytes();
        let kind = bytes[at + 1];
        if matches!(kind, b'u' | b'U') {
            return self.unicode(at, if kind == b'u' { 4 } else { 8 });
        }
        if self.high.is_some() {
            return Err(surrogate_pair(self.text, at));
        }
        let digits = |from: usize, most: usize, radix: u32| {
            bytes[from..].iter().take(most).take_while(|b| (**b as char).is_digit(radix)).count()
        };
        let (byte, length) = match kind {
            b'b' => (0x08, 2),
            b'f' => (0x0c, 2),
            b'n' => (b'\n', 2),
            b'r' => (b'\r', 2),
            b't' => (b'\t', 2),
            b'0'..=b'7' => {
                let n = digits(at + 1, 3, 8);
                (number(&self.text[at + 1..at + 1 + n], 8) as u8, 1 + n)
            }
            b'x' if digits(at + 2, 2, 16) > 0 => {
                let n = digits(at + 2, 2, 16);
                (number(&self.text[at + 2..at + 2 + n], 16) as u8, 2 + n)
            }
            other => (other, 2),
        };
        self.value.push(byte);
        Ok(at + length)
    }

    fn unicode(&mut self, at: usize, length: usize) -> Result<usize> {
        let end = at + 2 + length;
        let digits = self.text.get(at + 2..end).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(digits) = digits else {
            return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid Unicode escape")
                .hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
                .at(at));
        };
        let code = number(digits, 16);
        match join_surrogates(&mut self.high, code) {
            Joined::Char(c) => self.value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Joined::Pending => {}
            Joined::BadPair => return Err(near("invalid Unicode surrogate pair", self.text, at, end)),
            Joined::BadValue => return Err(near("invalid Unicode escape value", self.text, at, end)),
        }
        Ok(end)
    }
}

/// Digits already known to be of the radix and few.
fn number(digits: &str, radix: u32) -> u32 {
    u32::from_str_radix(digits, radix).unwrap_or(u32::MAX)
}

enum Joined {
    Char(char),
    Pending,
    BadPair,
    BadValue,
}

fn join_surrogates(high: &mut Option<u32>, code: u32) -> Joined {
    if code == 0 || code > 0x10ffff {
        return Joined::BadValue;
    }
    let low = (0xdc00..0xe000).contains(&code);
    match high.take() {
        Some(h) if low => {
            let code = 0x10000 + ((h - 0xd800) << 10) + (code - 0xdc00);
            char::from_u32(code).map_or(Joined::BadValue, Joined::Char)
        }
        Some(_) => Joined::BadPair,
        None if low => Joined::BadPair,
        None if (0xd800..0xdc00).contains(&code) => {
            *high = Some(code);
            Joined::Pending
        }
        None => char::from_u32(code).map_or(Joined::BadValue, Joined::Char),
    }
}

/// May follow UESCAPE.
pub fn is_unicode_escape(c: u8) -> bool {
    !(c.is_ascii_hexdigit() || matches!(c, b'+' | b'\'' | b'"' | b' ' | b'\t' | b'\n' | b'\r' | 0x0c))
}

/// `U&'...'` or `U&"..."` from its U to its closing quote, with `escape` for the backslash (`str_udeescape`).
pub fn unicode_string(text: &str, start: usize, end: usize, escape: u8) -> Result<String> {
    let quote = text.as_bytes()[start + 2] as char;
    let spans = if quote == '\'' { segments(text, start + 2, end, false) } else { vec![(start + 3, end - 1)] };
    let mut value = String::with_capacity(end - start);
    let mut high = None;
    for (from, to) in spans {
        let mut at = from;
        while at < to {
            at = unicode_step(text, at, to, (escape, quote), &mut high, &mut value)?;
        }
    }
    if high.is_some() {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair").at(end - 1));
    }
    Ok(value)
}

fn unicode_step(
    text: &str,
    at: usize,
    end: usize,
    (escape, quote): (u8, char),
    high: &mut Option<u32>,
    value: &mut String,
) -> Result<usize> {
    let bad_pair = |at| Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode surrogate pair").at(at);
    let bytes = text.as_bytes();
    if bytes[at] != escape || bytes.get(at + 1) == Some(&escape) && at + 1 < end {
        if high.is_some() {
            return Err(bad_pair(at));
        }
        let c = text[at..].chars().next().expect("at is inside the text");
        value.push(c);
        return Ok(at + if c == quote || bytes[at] == escape { 2 } else { c.len_utf8() });
    }
    let (digits, next) = match bytes.get(at + 1) {
        Some(b'+') => (text.get(at + 2..at + 8), at + 8),
        _ => (text.get(at + 1..at + 5), at + 5),
    };
    let digits = digits.filter(|d| next <= end && d.bytes().all(|b| b.is_ascii_hexdigit())).ok_or_else(|| {
        Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
            .hint("Unicode escapes must be \\XXXX or \\+XXXXXX.")
            .at(at)
    })?;
    match join_surrogates(high, number(digits, 16)) {
        Joined::Char(c) => value.push(c),
        Joined::Pending => {}
        Joined::BadPair => return Err(bad_pair(at)),
        Joined::BadValue => return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape value").at(at)),
    }
    Ok(next)
}

/// The value of a [`UnicodeString`](super::lexer::Tok::UnicodeString) or `UnicodeIdent` token, UESCAPE included.
pub fn unicode_token(text: &str, start: usize, end: usize) -> Result<String> {
    let bytes = text.as_bytes();
    let quote = bytes[start + 2];
    let mut at = start + 3;
    while at < end {
        if bytes[at] == quote {
            if bytes.get(at + 1) == Some(&quote) {
                at += 1;
            } else if let Some(next) = continuation(bytes, at + 1).filter(|_| quote == b'\'') {
                at = next;
                continue;
            } else {
                break;
            }
        }
        at += 1;
    }
    let close = at + 1;
    let escape = if close < end { bytes[end - 2] } else { b'\\' };
    unicode_string(text, start, close, escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_strings_join_across_newlines() {
        let text = "'a''b' \n 'c' -- x\n 'd'";
        assert_eq!(plain_string(text, 0, text.len()), "a'bcd");
        assert_eq!(dollar_string("$$a$b$$"), "a$b");
        assert_eq!(dollar_string("$t$a$$b$t$"), "a$$b");
    }

    fn e(text: &str) -> Result<String> {
        escape_string(text, 0, text.len())
    }

    #[test]
    fn escapes() {
        assert_eq!(e("E'a\\n\\t\\\\\\'\\101\\x41\\u0041\\U00000041\\v''b'").unwrap(), "a\n\t\\'AAAAv'b");
        assert_eq!(e("E'\\ud83d\\ude00'").unwrap(), "\u{1f600}");
        assert_eq!(e("E'\\303\\244'").unwrap(), "\u{e4}");
        assert_eq!(e("E'\\ud800x'").unwrap_err().message(), "invalid Unicode surrogate pair at or near \"x\"");
        assert_eq!(e("E'\\u00'").unwrap_err().code(), SqlState::INVALID_ESCAPE_SEQUENCE);
        assert_eq!(e("E'\\xff'").unwrap_err().message(), "invalid byte sequence for encoding \"UTF8\": 0xff");
        assert_eq!(e("E'\\0'").unwrap_err().message(), "invalid byte sequence for encoding \"UTF8\": 0x00");
    }

    #[test]
    fn unicode_strings() {
        let u = |text: &str| unicode_token(text, 0, text.len());
        assert_eq!(u("U&'d\\0061t\\+000061'").unwrap(), "data");
        assert_eq!(u("U&'d!0061t!!' UESCAPE '!'").unwrap(), "dat!");
        assert_eq!(u("U&\"a\\0041\"\"\"").unwrap(), "aA\"");
        assert_eq!(u("U&'\\00'").unwrap_err().fields().position, Some(3));
        assert_eq!(u("U&'\\D800'").unwrap_err().fields().position, Some(8));
    }
}
