//! Whether text is JSON, as PostgreSQL's `json` type asks before it keeps the text unchanged (`json_in`).
//!
//! A pushdown over bytes with an explicit stack of open brackets, so nesting costs memory, not call depth. Errors carry
//! PostgreSQL's detail and its context, the line up to the offending token.

use crate::base::{Error, Result, SqlState};

/// As deep as PostgreSQL's default `max_stack_depth` lets its parser go, roughly.
const DEPTH_MAX: usize = 6400;
/// Bytes of the line shown before the trouble.
const CONTEXT_BYTES: usize = 50;

/// Checks that the text is one JSON value.
pub fn validate(text: &str) -> Result<()> {
    Checker { text, at: 0, token: 0 }.document()
}

#[derive(Clone, Copy, PartialEq)]
enum Expect {
    Value,
    FirstItem,
    NextItem,
    FirstKey,
    Key,
    Colon,
    NextField,
    End,
}

#[derive(Clone, Copy, PartialEq)]
enum Token {
    Punctuation(u8),
    String,
    Scalar,
    End,
}

struct Checker<'a> {
    text: &'a str,
    at: usize,
    /// Where the current token starts.
    token: usize,
}

impl Checker<'_> {
    fn document(&mut self) -> Result<()> {
        let mut open: Vec<u8> = Vec::new();
        let mut expect = Expect::Value;
        loop {
            let token = self.next()?;
            let closes = |bracket: u8| token == Token::Punctuation(bracket);
            expect = match expect {
                Expect::End if token == Token::End => return Ok(()),
                Expect::FirstItem if closes(b']') => after_value(&mut open),
                Expect::FirstKey if closes(b'}') => after_value(&mut open),
                Expect::Value | Expect::FirstItem => match token {
                    Token::String | Token::Scalar => after_item(&open),
                    Token::Punctuation(bracket @ (b'[' | b'{')) => {
                        if open.len() == DEPTH_MAX {
                            let message = "stack depth limit exceeded";
                            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, message));
                        }
                        open.push(bracket);
                        if bracket == b'[' { Expect::FirstItem } else { Expect::FirstKey }
                    }
                    _ => return Err(self.unexpected(expect, token)),
                },
                Expect::FirstKey | Expect::Key if token == Token::String => Expect::Colon,
                Expect::Colon if token == Token::Punctuation(b':') => Expect::Value,
                Expect::NextItem if closes(b']') => after_value(&mut open),
                Expect::NextField if closes(b'}') => after_value(&mut open),
                Expect::NextItem if closes(b',') => Expect::Value,
                Expect::NextField if closes(b',') => Expect::Key,
                _ => return Err(self.unexpected(expect, token)),
            };
        }
    }

    fn next(&mut self) -> Result<Token> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.token = self.at;
        let Some(&first) = bytes.get(self.at) else { return Ok(Token::End) };
        match first {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => {
                self.at += 1;
                Ok(Token::Punctuation(first))
            }
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn string(&mut self) -> Result<Token> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        loop {
            let Some(&b) = bytes.get(self.at) else {
                return Err(self.invalid_token());
            };
            match b {
                b'"' => {
                    self.at += 1;
                    return Ok(Token::String);
                }
                0..=0x1f => {
                    return Err(self.error(format!("Character with value 0x{b:02x} must be escaped.")));
                }
                b'\\' => self.escape()?,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        match bytes.get(self.at) {
            None => Err(self.invalid_token()),
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    match bytes.get(self.at) {
                        None => return Err(self.invalid_token()),
                        Some(b) if b.is_ascii_hexdigit() => self.at += 1,
                        Some(_) => {
                            self.at += self.char_len();
                            return Err(self.error("\"\\u\" must be followed by four hexadecimal digits."));
                        }
                    }
                }
                Ok(())
            }
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => {
                let escaped = &self.text[self.at..self.at + self.char_len()];
                self.at += self.char_len();
                Err(self.error(format!("Escape sequence \"\\{escaped}\" is invalid.")))
            }
        }
    }

    fn char_len(&self) -> usize {
        self.text[self.at..].chars().next().map_or(0, char::len_utf8)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.text.as_bytes().get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Token> {
        let byte = |c: &Self| c.text.as_bytes().get(c.at).copied();
        if byte(self) == Some(b'-') {
            self.at += 1;
        }
        let mut good = match byte(self) {
            Some(b'0') => {
                self.at += 1;
                true
            }
            _ => self.digits() > 0,
        };
        if good && byte(self) == Some(b'.') {
            self.at += 1;
            good = self.digits() > 0;
        }
        if good && matches!(byte(self), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(byte(self), Some(b'+' | b'-')) {
                self.at += 1;
            }
            good = self.digits() > 0;
        }
        if !good || byte(self).is_some_and(in_word) {
            while byte(self).is_some_and(in_word) {
                self.at += 1;
            }
            return Err(self.invalid_token());
        }
        Ok(Token::Scalar)
    }

    fn word(&mut self) -> Result<Token> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|&b| in_word(b)) {
            self.at += 1;
        }
        if self.at == self.token {
            self.at += self.char_len();
            return Err(self.invalid_token());
        }
        match &self.text[self.token..self.at] {
            "true" | "false" | "null" => Ok(Token::Scalar),
            _ => Err(self.invalid_token()),
        }
    }

    fn invalid_token(&self) -> Error {
        self.error(format!("Token \"{}\" is invalid.", &self.text[self.token..self.at]))
    }

    fn unexpected(&self, expect: Expect, token: Token) -> Error {
        if token == Token::End {
            return self.error("The input string ended unexpectedly.");
        }
        let expected = match expect {
            Expect::Value | Expect::FirstItem => "JSON value",
            Expect::NextItem => "\",\" or \"]\"",
            Expect::FirstKey => "string or \"}\"",
            Expect::Key => "string",
            Expect::Colon => "\":\"",
            Expect::NextField => "\",\" or \"}\"",
            Expect::End => "end of input",
        };
        let found = &self.text[self.token..self.at];
        self.error(format!("Expected {expected}, but found \"{found}\"."))
    }

    fn error(&self, detail: impl Into<String>) -> Error {
        Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json")
            .detail(detail)
            .context(self.context())
    }

    /// `JSON data, line 2: ...part of the line up to the token...`
    fn context(&self) -> String {
        let read = &self.text[..self.at];
        let line = read.matches('\n').count() + 1;
        let line_start = read.rfind('\n').map_or(0, |n| n + 1);
        let mut start = line_start;
        while self.at - start >= CONTEXT_BYTES {
            start += self.text[start..].chars().next().map_or(1, char::len_utf8);
        }
        // Three bytes saved are not worth the dots.
        if start - line_start <= 3 {
            start = line_start;
        }
        let prefix = if start > line_start { "..." } else { "" };
        let rest = &self.text[self.at..];
        let suffix = if rest.is_empty() || rest.starts_with(['\n', '\r']) { "" } else { "..." };
        format!("JSON data, line {line}: {prefix}{}{suffix}", &self.text[start..self.at])
    }
}

/// Letters, digits, underscore and everything beyond ASCII: what runs on into one token.
fn in_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

/// What follows a complete value inside the innermost open bracket.
fn after_item(open: &[u8]) -> Expect {
    match open.last() {
        Some(b'[') => Expect::NextItem,
        Some(_) => Expect::NextField,
        None => Expect::End,
    }
}

fn after_value(open: &mut Vec<u8>) -> Expect {
    open.pop();
    after_item(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted() {
        for text in [
            "1",
            " -0.5e+10 ",
            "\"\\u00e9\\n\"",
            "[]",
            "{}",
            "[1, [2, {\"a\": null}], true]",
            "{\"a\":1,\"b\":[{}]}",
            "\"ü\"",
        ] {
            validate(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        }
    }

    #[test]
    fn what_is_not_says_why() {
        for (text, detail) in [
            ("", "The input string ended unexpectedly."),
            ("{", "The input string ended unexpectedly."),
            ("[1,]", "Expected JSON value, but found \"]\"."),
            ("[1 2]", "Expected \",\" or \"]\", but found \"2\"."),
            ("{\"a\" 1}", "Expected \":\", but found \"1\"."),
            ("{1:2}", "Expected string or \"}\", but found \"1\"."),
            ("{\"a\":1,}", "Expected string, but found \"}\"."),
            ("{\"a\":1 \"b\"}", "Expected \",\" or \"}\", but found \"\"b\"\"."),
            ("1 2", "Expected end of input, but found \"2\"."),
            ("[}", "Expected JSON value, but found \"}\"."),
            ("foo", "Token \"foo\" is invalid."),
            ("01", "Token \"01\" is invalid."),
            ("1.", "Token \"1.\" is invalid."),
            ("-", "Token \"-\" is invalid."),
            ("'a'", "Token \"'\" is invalid."),
            ("\"abc", "Token \"\"abc\" is invalid."),
            ("\"a\tb\"", "Character with value 0x09 must be escaped."),
            ("\"\\x\"", "Escape sequence \"\\x\" is invalid."),
            ("\"\\u12g4\"", "\"\\u\" must be followed by four hexadecimal digits."),
        ] {
            let e = validate(text).expect_err(text);
            assert_eq!(e.fields().detail.as_deref(), Some(detail), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_context_is_shown() {
        assert_eq!(validate(&"[".repeat(100_000)).unwrap_err().code(), SqlState::STATEMENT_TOO_COMPLEX);
        let context = |text: &str| validate(text).unwrap_err().fields().context.clone().unwrap();
        assert_eq!(context("[1,\n 2, x, 3]"), "JSON data, line 2:  2, x...");
        assert_eq!(context("{\"a\":bad}"), "JSON data, line 1: {\"a\":bad...");
        let long = format!("{{\"{}\": tru}}", "a".repeat(60));
        assert_eq!(context(&long), format!("JSON data, line 1: ...{}\": tru...", "a".repeat(43)));
    }
}
