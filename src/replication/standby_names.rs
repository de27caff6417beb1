//! Which standbys commits wait for, as `synchronous_standby_names` says it (`syncrep_gram.y`, `syncrep_scanner.l`):
//! `FIRST n (a, b)`, `ANY n (a, b)`, `n (a, b)` for FIRST, and `a, b` for FIRST 1. `*` is everybody.

use crate::base::{Error, Result, SqlState};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Those that are named first.
    Priority,
    /// Whichever are the quickest.
    Quorum,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandbyNames {
    pub method: Method,
    /// How many are waited for.
    pub count: usize,
    names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Number(String),
    Any,
    First,
    Comma,
    Open,
    Close,
}

/// What is wrong, as PostgreSQL's parser says it.
type Fault = String;

/// The tokens of a list, and the text that the next one begins at for each.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// The next token with its text; none at the end.
    fn next(&mut self) -> Result<Option<(Token, &'a str)>, Fault> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}', '\u{b}']);
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let (token, length) = match first {
            ',' => (Token::Comma, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '*' => (Token::Name("*".to_owned()), 1),
            '"' => return self.quoted().map(Some),
            '0'..='9' => {
                let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                (Token::Number(rest[..length].to_owned()), length)
            }
            c if c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() => {
                let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
                let length = rest.find(|c| !goes_on(c)).unwrap_or(rest.len());
                let token = match rest[..length].to_ascii_lowercase().as_str() {
                    "any" => Token::Any,
                    "first" => Token::First,
                    _ => Token::Name(rest[..length].to_owned()),
                };
                (token, length)
            }
            other => return Err(near(&rest[..other.len_utf8()])),
        };
        self.rest = &rest[length..];
        Ok(Some((token, &rest[..length])))
    }

    fn quoted(&mut self) -> Result<(Token, &'a str), Fault> {
        let (rest, mut name) = (self.rest, String::new());
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != '"' {
                name.push(c);
            } else if chars.next_if(|(_, next)| *next == '"').is_some() {
                name.push('"');
            } else {
                self.rest = &rest[at + 1..];
                return Ok((Token::Name(name), &rest[..=at]));
            }
        }
        Err("unterminated quoted identifier at end of input".to_owned())
    }
}

fn near(text: &str) -> Fault {
    format!("syntax error at or near \"{text}\"")
}

/// A parser with one token of foresight.
struct Parser<'a> {
    scanner: Scanner<'a>,
    ahead: Option<(Token, &'a str)>,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<Option<(Token, &'a str)>, Fault> {
        let next = self.scanner.next()?;
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    fn unexpected(&self) -> Fault {
        self.ahead.as_ref().map_or_else(|| "syntax error at end of input".to_owned(), |(_, text)| near(text))
    }

    fn expect(&mut self, token: Token) -> Result<(), Fault> {
        if self.ahead.as_ref().is_none_or(|(next, _)| *next != token) {
            return Err(self.unexpected());
        }
        self.advance().map(drop)
    }

    fn is_open(&self) -> bool {
        matches!(self.ahead, Some((Token::Open, _)))
    }

    fn name(&mut self) -> Result<(String, bool), Fault> {
        let found = match &self.ahead {
            Some((Token::Name(name), _)) => (name.clone(), false),
            Some((Token::Number(digits), _)) => (digits.clone(), true),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(found)
    }

    /// Names behind the first one.
    fn more_names(&mut self, names: &mut Vec<String>) -> Result<(), Fault> {
        while matches!(self.ahead, Some((Token::Comma, _))) {
            self.advance()?;
            names.push(self.name()?.0);
        }
        Ok(())
    }

    fn bracketed(&mut self) -> Result<Vec<String>, Fault> {
        self.expect(Token::Open)?;
        let mut names = vec![self.name()?.0];
        self.more_names(&mut names)?;
        self.expect(Token::Close)?;
        Ok(names)
    }

    /// The method, the count as it is written, and the names.
    fn all(&mut self) -> Result<(Method, String, Vec<String>), Fault> {
        self.advance()?;
        let method = match &self.ahead {
            Some((Token::Any, _)) => Some(Method::Quorum),
            Some((Token::First, _)) => Some(Method::Priority),
            _ => None,
        };
        let parsed = match method {
            Some(method) => {
                self.advance()?;
                let Some((Token::Number(count), _)) = self.ahead.clone() else { return Err(self.unexpected()) };
                self.advance()?;
                (method, count, self.bracketed()?)
            }
            None => {
                let (first, is_number) = self.name()?;
                if is_number && self.is_open() {
                    (Method::Priority, first, self.bracketed()?)
                } else {
                    let mut names = vec![first];
                    self.more_names(&mut names)?;
                    (Method::Priority, "1".to_owned(), names)
                }
            }
        };
        match self.ahead {
            None => Ok(parsed),
            Some(_) => Err(self.unexpected()),
        }
    }
}

impl StandbyNames {
    /// None for an empty text: nobody is waited for.
    ///
    /// Errors, in PostgreSQL's words: 42601 for what is no list, 22023 for none of them.
    pub fn parse(text: &str) -> Result<Option<StandbyNames>> {
        if text.is_empty() {
            return Ok(None);
        }
        let mut parser = Parser { scanner: Scanner { rest: text }, ahead: None };
        let (method, count, names) = parser.all().map_err(|fault| {
            let message = format!("invalid value for parameter \"synchronous_standby_names\": \"{text}\"");
            Error::new(SqlState::SYNTAX_ERROR, message).detail(fault)
        })?;
        // As PostgreSQL's atoi makes an int of it.
        let count = count.parse::<i64>().unwrap_or(i64::MAX) as i32;
        if count <= 0 {
            let message = format!("number of synchronous standbys ({count}) must be greater than zero");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        Ok(Some(StandbyNames { method, count: count as usize, names }))
    }

    /// The place of a standby among them, from 1 on, by its `application_name`; 0 when it is not waited for. Among the quickest
    /// all are equal.
    pub fn priority(&self, application: &str) -> usize {
        let is_it = |name: &String| name == "*" || name.eq_ignore_ascii_case(application);
        match (self.names.iter().position(is_it), self.method) {
            (None, _) => 0,
            (Some(_), Method::Quorum) => 1,
            (Some(at), Method::Priority) => at + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Method::{Priority, Quorum};

    #[test]
    fn lists_of_every_form() {
        for (text, method, count, names) in [
            ("a", Priority, 1, vec!["a"]),
            ("a, B ,*", Priority, 1, vec!["a", "B", "*"]),
            ("2", Priority, 1, vec!["2"]),
            ("12, a", Priority, 1, vec!["12", "a"]),
            ("2 (a, b)", Priority, 2, vec!["a", "b"]),
            ("fIRST 2(a,b)", Priority, 2, vec!["a", "b"]),
            ("ANY 2 (a, 3, \"any\")", Quorum, 2, vec!["a", "3", "any"]),
            ("a$b, \"x\"\"y\", \u{e9}, \"\"", Priority, 1, vec!["a$b", "x\"y", "\u{e9}", ""]),
            ("99999999999 (a)", Priority, 1_215_752_191, vec!["a"]),
        ] {
            let names = names.into_iter().map(str::to_owned).collect();
            assert_eq!(StandbyNames::parse(text).unwrap(), Some(StandbyNames { method, count, names }), "{text}");
        }
        assert_eq!(StandbyNames::parse("").unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_said_as_postgresql_says_it() {
        for (text, detail) in [
            ("a,", "syntax error at end of input"),
            ("first 2 (a, b", "syntax error at end of input"),
            ("first a (b)", "syntax error at or near \"a\""),
            ("a-b", "syntax error at or near \"-\""),
            ("\"a", "unterminated quoted identifier at end of input"),
            ("any", "syntax error at end of input"),
            ("2a", "syntax error at or near \"a\""),
            ("3 (a, any)", "syntax error at or near \"any\""),
            ("  ", "syntax error at end of input"),
            ("ANY2(a)", "syntax error at or near \"(\""),
            ("$", "syntax error at or near \"$\""),
        ] {
            let e = StandbyNames::parse(text).unwrap_err();
            let message = format!("invalid value for parameter \"synchronous_standby_names\": \"{text}\"");
            assert_eq!((e.code().as_str(), e.message()), ("42601", message.as_str()));
            assert_eq!(e.fields().detail.as_deref(), Some(detail), "{text}");
        }
        let e = StandbyNames::parse("FIRST 0 (a)").unwrap_err();
        assert_eq!(e.code().as_str(), "22023");
        assert_eq!(e.message(), "number of synchronous standbys (0) must be greater than zero");
    }

    #[test]
    fn a_standby_has_a_place_by_its_name() {
        let places = |text: &str| {
            let names = StandbyNames::parse(text).unwrap().unwrap();
            ["a", "B", "c"].map(|name| names.priority(name))
        };
        assert_eq!(places("b, A"), [2, 1, 0]);
        assert_eq!(places("a, *"), [1, 2, 2]);
        assert_eq!(places("ANY 1 (c, a)"), [1, 0, 1]);
    }
}
