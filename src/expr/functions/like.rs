//! LIKE and ILIKE.
//!
//! A pattern becomes runs of literal text between `_` and `%`. The matcher goes greedily and comes back only to
//! the last `%`, which is enough. A column against one pattern prepares it once.

use super::convert::kernels;
use super::f;
use super::text::lower;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::{Column, Row};
use crate::expr::value::Value;
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, Physical};
use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use std::sync::Arc;

/// What a pattern is made of.
enum Token {
    Text(String),
    /// `_`
    One,
    /// `%`
    Many,
}

/// A prepared pattern.
pub(super) struct Like {
    tokens: Vec<Token>,
    /// The pattern ends in a lone escape: an error if matching gets there.
    broken: bool,
}

fn ends_in_escape() -> Error {
    Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character")
}

impl Like {
    pub(super) fn new(pattern: &str) -> Like {
        let mut tokens = Vec::new();
        let mut text = String::new();
        let mut chars = pattern.chars();
        let mut broken = false;
        let flush = |text: &mut String, tokens: &mut Vec<Token>| {
            if !text.is_empty() {
                tokens.push(Token::Text(std::mem::take(text)));
            }
        };
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some(c) => text.push(c),
                    None => broken = true,
                },
                '_' => {
                    flush(&mut text, &mut tokens);
                    tokens.push(Token::One);
                }
                '%' => {
                    flush(&mut text, &mut tokens);
                    if !matches!(tokens.last(), Some(Token::Many)) {
                        tokens.push(Token::Many);
                    }
                }
                c => text.push(c),
            }
        }
        flush(&mut text, &mut tokens);
        Like { tokens, broken }
    }

    pub(super) fn matches(&self, s: &str) -> Result<bool> {
        if self.broken {
            return self.matches_broken(s);
        }
        Ok(match self.tokens.as_slice() {
            [] => s.is_empty(),
            [Token::Text(t)] => s == t,
            [Token::Text(t), Token::Many] => s.starts_with(t.as_str()),
            [Token::Many, Token::Text(t)] => s.ends_with(t.as_str()),
            [Token::Many, Token::Text(t), Token::Many] => s.contains(t.as_str()),
            tokens => run(tokens, s, true).is_some(),
        })
    }

    /// Whether the part before the lone escape can match a beginning with something left.
    fn matches_broken(&self, s: &str) -> Result<bool> {
        match run(&self.tokens, s, false) {
            Some(rest) if !rest.is_empty() => Err(ends_in_escape()),
            _ => Ok(false),
        }
    }
}

/// Matches the tokens against all of `s`, or against a beginning of it; what is left.
fn run<'s>(tokens: &[Token], s: &'s str, whole: bool) -> Option<&'s str> {
    let (mut rest, mut at) = (s, 0);
    // After the last `%`: the next token, and where it was last tried.
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let matched = match tokens.get(at) {
            None if rest.is_empty() || !whole => return Some(rest),
            None => None,
            Some(Token::Many) if at + 1 == tokens.len() && whole => return Some(""),
            Some(Token::Many) => {
                retry = Some((at + 1, rest));
                Some(rest)
            }
            Some(Token::One) => rest.chars().next().map(|c| &rest[c.len_utf8()..]),
            Some(Token::Text(t)) => rest.strip_prefix(t.as_str()),
        };
        match matched {
            Some(after) => {
                rest = after;
                at += 1;
            }
            None => {
                let (token, from) = retry?;
                let next = &from[from.chars().next()?.len_utf8()..];
                let next = match &tokens[token] {
                    Token::Text(t) => &next[next.find(t.as_str())?..],
                    _ => next,
                };
                retry = Some((token, next));
                (at, rest) = (token, next);
            }
        }
    }
}

fn texts<'a>(a: &[DatumRef<'a>]) -> (&'a str, &'a str) {
    match (a[0], a[1]) {
        (DatumRef::Text(s), DatumRef::Text(p)) => (s, p),
        other => panic!("{other:?} where text is wanted"),
    }
}

fn like<const FOLD: bool, const NOT: bool>(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (s, pattern) = texts(a);
    let found = match FOLD {
        true => Like::new(&lower(pattern)).matches(&lower(s))?,
        false => Like::new(pattern).matches(s)?,
    };
    Ok(Datum::Bool(found != NOT))
}

fn likes<const FOLD: bool, const NOT: bool>(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    let prepare = |p: &str| Ok(if FOLD { Like::new(&lower(p)) } else { Like::new(p) });
    let matches = |like: &Like, s: &str| if FOLD { like.matches(&lower(s)) } else { like.matches(s) };
    match_each(a, rows, prepare, |like, s| Ok(matches(like, s)? != NOT))
}

/// Asks of each text what its pattern says; a pattern for all of them is prepared once.
pub(super) fn match_each<P>(
    a: &[Value],
    rows: usize,
    mut prepare: impl FnMut(&str) -> Result<P>,
    matches: impl Fn(&P, &str) -> Result<bool>,
) -> Result<ArrayRef> {
    let (s, p) = (a[0].reader(Physical::Text), a[1].reader(Physical::Text));
    let constant = match &a[1] {
        Value::Scalar(Datum::Text(p)) => Some(prepare(p)?),
        _ => None,
    };
    let mut bits = Vec::with_capacity(rows);
    let mut known = Vec::with_capacity(rows);
    for i in 0..rows {
        let (DatumRef::Text(s), DatumRef::Text(p)) = (s.get(i), p.get(i)) else {
            known.push(false);
            bits.push(false);
            continue;
        };
        known.push(true);
        bits.push(match &constant {
            Some(pattern) => matches(pattern, s)?,
            None => matches(&prepare(p)?, s)?,
        });
    }
    let nulls = known.contains(&false).then(|| NullBuffer::from(known));
    Ok(Arc::new(BooleanArray::new(BooleanBuffer::from(bits), nulls)))
}

/// Matches bytes with the same rules; a byte counts as a character.
fn like_bytes(s: &[u8], p: &[u8]) -> Result<bool> {
    let latin = |b: &[u8]| b.iter().map(|&b| char::from(b)).collect::<String>();
    Like::new(&latin(p)).matches(&latin(s))
}

/// A pattern with an escape character of its own becomes one with a backslash (`do_like_escape`).
fn escaped(pattern: &str, escape: &str) -> Result<String> {
    let mut chars = escape.chars();
    let escape = chars.next();
    if chars.next().is_some() {
        return Err(Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    let mut out = String::with_capacity(pattern.len());
    let mut after_escape = false;
    for c in pattern.chars() {
        if Some(c) == escape && !after_escape {
            if c != '\\' || escape == Some('\\') {
                out.push('\\');
            }
            after_escape = true;
        } else {
            if c == '\\' && !after_escape {
                out.push('\\');
            }
            out.push(c);
            after_escape = false;
        }
    }
    Ok(out)
}

kernels! {
    fn bytealike(s: &[u8], p: &[u8]) -> bool {
        like_bytes(s, p)
    }

    fn byteanlike(s: &[u8], p: &[u8]) -> bool {
        like_bytes(s, p).map(|b| !b)
    }

    fn like_escape(pattern: &str, escape: &str) -> String {
        escaped(pattern, escape)
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(2005, "bytealike", &[BYTEA, BYTEA], BOOL, Row(bytealike)),
    f(2006, "byteanlike", &[BYTEA, BYTEA], BOOL, Row(byteanlike)),
    f(2007, "like", &[BYTEA, BYTEA], BOOL, Row(bytealike)),
    f(1637, "like_escape", &[TEXT, TEXT], TEXT, Row(like_escape)),
    f(2008, "notlike", &[BYTEA, BYTEA], BOOL, Row(byteanlike)),
    f(1631, "bpcharlike", &[BPCHAR, TEXT], BOOL, Column(like::<false, false>, likes::<false, false>)),
    f(1569, "like", &[TEXT, TEXT], BOOL, Column(like::<false, false>, likes::<false, false>)),
    f(1571, "like", &[NAME, TEXT], BOOL, Column(like::<false, false>, likes::<false, false>)),
    f(858, "namelike", &[NAME, TEXT], BOOL, Column(like::<false, false>, likes::<false, false>)),
    f(850, "textlike", &[TEXT, TEXT], BOOL, Column(like::<false, false>, likes::<false, false>)),
    f(1632, "bpcharnlike", &[BPCHAR, TEXT], BOOL, Column(like::<false, true>, likes::<false, true>)),
    f(859, "namenlike", &[NAME, TEXT], BOOL, Column(like::<false, true>, likes::<false, true>)),
    f(1570, "notlike", &[TEXT, TEXT], BOOL, Column(like::<false, true>, likes::<false, true>)),
    f(1572, "notlike", &[NAME, TEXT], BOOL, Column(like::<false, true>, likes::<false, true>)),
    f(851, "textnlike", &[TEXT, TEXT], BOOL, Column(like::<false, true>, likes::<false, true>)),
    f(1660, "bpchariclike", &[BPCHAR, TEXT], BOOL, Column(like::<true, false>, likes::<true, false>)),
    f(1635, "nameiclike", &[NAME, TEXT], BOOL, Column(like::<true, false>, likes::<true, false>)),
    f(1633, "texticlike", &[TEXT, TEXT], BOOL, Column(like::<true, false>, likes::<true, false>)),
    f(1661, "bpcharicnlike", &[BPCHAR, TEXT], BOOL, Column(like::<true, true>, likes::<true, true>)),
    f(1636, "nameicnlike", &[NAME, TEXT], BOOL, Column(like::<true, true>, likes::<true, true>)),
    f(1634, "texticnlike", &[TEXT, TEXT], BOOL, Column(like::<true, true>, likes::<true, true>)),
];
