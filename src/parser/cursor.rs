//! The parser's place in the token stream: looking, taking, refusing.
//!
//! There is no backtracking: each decision is made by looking ahead, as an LALR(1) parser's would be, so the first
//! token that no continuation allows is the one an error names, and parsing takes time linear in the text.

use super::ast::{Expr, Ident, Pos, SourceExpr};
use super::expr::Context;
use super::keywords::Keyword as Kw;
use super::lexer::{self, Lexer, Tok, Token};
use super::literal;
use super::{MAX_HEIGHT, MAX_NESTING};
use crate::base::{Error, Result, SqlState};

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    lexical_error: Option<Error>,
    depth: usize,
    /// Where the stack was when parsing began.
    stack_base: usize,
    /// The greatest height of any tree built since it was last reset; see `raise`.
    pub(super) height: usize,
    /// Where the expression being read stands.
    pub(super) context: Context,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Result<Parser<'a>> {
        let (tokens, lexical_error) = Lexer::tokens(text)?;
        Ok(Parser {
            text,
            tokens,
            at: 0,
            lexical_error,
            depth: 0,
            stack_base: stack_address(),
            height: 0,
            context: Context::Plain,
        })
    }

    #[inline]
    pub(super) fn token(&self) -> Token {
        self.tokens[self.at]
    }

    #[inline]
    pub(super) fn peek(&self) -> Tok {
        self.tokens[self.at].kind
    }

    /// The kind of the token `n` after this one.
    #[inline]
    pub(super) fn peek_at(&self, n: usize) -> Tok {
        self.tokens.get(self.at + n).map_or(Tok::Eof, |t| t.kind)
    }

    #[inline]
    pub(super) fn pos(&self) -> Pos {
        self.tokens[self.at].start as usize
    }

    /// Where the token just taken ended.
    pub(super) fn last_end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |i| self.tokens[i].end as usize)
    }

    /// Takes this token. The last one, Eof or Error, is never passed.
    #[inline]
    pub(super) fn advance(&mut self) -> Token {
        let token = self.tokens[self.at];
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    pub(super) fn token_text(&self, token: Token) -> &'a str {
        &self.text[token.start as usize..token.end as usize]
    }

    #[inline]
    pub(super) fn at(&self, kind: Tok) -> bool {
        self.peek() == kind
    }

    #[inline]
    pub(super) fn at_kw(&self, kw: Kw) -> bool {
        self.peek() == Tok::Keyword(kw)
    }

    pub(super) fn at_any(&self, kws: &[Kw]) -> bool {
        matches!(self.peek(), Tok::Keyword(k) if kws.contains(&k))
    }

    #[inline]
    pub(super) fn kw_at(&self, n: usize) -> Option<Kw> {
        match self.peek_at(n) {
            Tok::Keyword(k) => Some(k),
            _ => None,
        }
    }

    /// Whether these keywords stand here in this order.
    pub(super) fn at_seq(&self, kws: &[Kw]) -> bool {
        kws.iter().enumerate().all(|(i, k)| self.peek_at(i) == Tok::Keyword(*k))
    }

    #[inline]
    pub(super) fn take(&mut self, kind: Tok) -> bool {
        let found = self.at(kind);
        if found {
            self.advance();
        }
        found
    }

    #[inline]
    pub(super) fn kw(&mut self, kw: Kw) -> bool {
        self.take(Tok::Keyword(kw))
    }

    /// Takes all of these keywords if all stand here, none otherwise.
    pub(super) fn seq(&mut self, kws: &[Kw]) -> bool {
        let found = self.at_seq(kws);
        if found {
            kws.iter().for_each(|_| {
                self.advance();
            });
        }
        found
    }

    /// Takes one of these keywords.
    pub(super) fn any(&mut self, kws: &[Kw]) -> Option<Kw> {
        match self.peek() {
            Tok::Keyword(k) if kws.contains(&k) => {
                self.advance();
                Some(k)
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn expect(&mut self, kind: Tok) -> Result<Token> {
        if self.at(kind) { Ok(self.advance()) } else { Err(self.unexpected()) }
    }

    #[inline]
    pub(super) fn expect_kw(&mut self, kw: Kw) -> Result<()> {
        self.expect(Tok::Keyword(kw)).map(drop)
    }

    /// Each in turn, an error at the first that is not there.
    pub(super) fn expect_seq(&mut self, kws: &[Kw]) -> Result<()> {
        kws.iter().try_for_each(|k| self.expect_kw(*k))
    }

    /// `syntax error at or near "..."` for this token, or the lexer's own error if it stands here.
    #[cold]
    pub(super) fn unexpected(&self) -> Error {
        self.error_near("syntax error")
    }

    /// A syntax error at the token just taken.
    #[cold]
    pub(super) fn previous_unexpected(&mut self) -> Error {
        self.at = self.at.saturating_sub(1);
        self.unexpected()
    }

    /// PostgreSQL's `scanner_yyerror`: a message that quotes this token.
    #[cold]
    pub(super) fn error_near(&self, message: &str) -> Error {
        let token = self.token();
        match (token.kind, &self.lexical_error) {
            (Tok::Error, Some(e)) => e.clone(),
            (Tok::Eof | Tok::Error, _) => {
                Error::new(SqlState::SYNTAX_ERROR, format!("{message} at end of input")).at(token.pos())
            }
            _ => {
                let shown = match token.kind {
                    Tok::Other => self.text[token.pos()..].chars().next().map(String::from).unwrap_or_default(),
                    _ => self.token_text(token).to_string(),
                };
                Error::new(SqlState::SYNTAX_ERROR, format!("{message} at or near \"{shown}\"")).at(token.pos())
            }
        }
    }

    /// Counts one level of recursion; each `enter` that returns has its `leave`, unless parsing ends with an error.
    ///
    /// The bound is on levels, and, as in PostgreSQL's `check_stack_depth`, on the stack in use, for how much of it a
    /// level takes depends on the statement and on how the compiler optimised.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        let used = self.stack_base.abs_diff(stack_address());
        if self.depth > MAX_NESTING || used > STACK_BYTES_MAX { Err(too_deep()) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Records that a tree of this height was built.
    #[inline]
    pub(super) fn raise(&mut self, height: usize) -> Result<()> {
        self.height = self.height.max(height);
        if height > MAX_HEIGHT { Err(too_deep()) } else { Ok(()) }
    }

    /// `item (, item)*`.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.take(Tok::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `( item (, item)* )`.
    pub(super) fn paren_list<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect(Tok::LParen)?;
        let items = self.list(item)?;
        self.expect(Tok::RParen)?;
        Ok(items)
    }

    /// `( item (, item)* )`, or nothing.
    pub(super) fn opt_paren_list<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        if self.at(Tok::LParen) { self.paren_list(item) } else { Ok(Vec::new()) }
    }

    /// An expression with the bytes that it spans.
    pub(super) fn sourced(&mut self, expr: impl FnOnce(&mut Self) -> Result<Expr>) -> Result<SourceExpr> {
        let start = self.pos();
        let expr = expr(self)?;
        Ok(SourceExpr { expr, start, end: self.last_end() })
    }

    /// `( item )`.
    pub(super) fn parens<T>(&mut self, item: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.expect(Tok::LParen)?;
        let item = item(self)?;
        self.expect(Tok::RParen)?;
        Ok(item)
    }

    /// The value of an identifier or keyword token as a name.
    pub(super) fn name_of(&self, token: Token) -> Result<Ident> {
        let (start, end) = (token.start as usize, token.end as usize);
        let name = match token.kind {
            Tok::Keyword(k) => k.word().to_string(),
            Tok::QuotedIdent => literal::quoted_ident(self.text, start, end),
            Tok::UnicodeIdent => {
                let mut name = literal::unicode_token(self.text, start, end)?;
                lexer::truncate_ident(&mut name);
                name
            }
            _ => lexer::fold_ident(&self.text[start..end]),
        };
        Ok(Ident { name, pos: start })
    }

    /// The value of a string token of any spelling.
    pub(super) fn string_of(&self, token: Token) -> Result<String> {
        let (start, end) = (token.start as usize, token.end as usize);
        Ok(match token.kind {
            Tok::EscapeString => literal::escape_string(self.text, start, end)?,
            Tok::UnicodeString => literal::unicode_token(self.text, start, end)?,
            Tok::DollarString => literal::dollar_string(&self.text[start..end]),
            _ => literal::plain_string(self.text, start, end),
        })
    }

    /// `Sconst`.
    pub(super) fn string(&mut self) -> Result<String> {
        if !is_string(self.peek()) {
            return Err(self.unexpected());
        }
        let token = self.advance();
        self.string_of(token)
    }

    /// `Iconst`.
    pub(super) fn integer(&mut self) -> Result<i32> {
        let token = self.expect(Tok::Integer)?;
        Ok(self.token_text(token).parse().expect("the lexer has checked the range"))
    }

    /// `SignedIconst`.
    pub(super) fn signed_integer(&mut self) -> Result<i32> {
        if self.take(Tok::Minus) {
            return Ok(-self.integer()?);
        }
        self.take(Tok::Plus);
        self.integer()
    }

    /// `NumericOnly`, as written; `-` is kept and `+` dropped.
    pub(super) fn signed_number(&mut self) -> Result<String> {
        let sign = if self.take(Tok::Minus) { "-" } else { "" };
        if sign.is_empty() {
            self.take(Tok::Plus);
        }
        if !matches!(self.peek(), Tok::Integer | Tok::Float) {
            return Err(self.unexpected());
        }
        let token = self.advance();
        Ok(format!("{sign}{}", self.token_text(token)))
    }
}

/// Three quarters of the smallest stack that a thread gets from Rust's standard library.
const STACK_BYTES_MAX: usize = 3 << 19;

/// An address in the caller's stack frame, or near it.
#[inline]
fn stack_address() -> usize {
    let here = 0u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

/// A string constant in the grammar's sense: not a bit string.
#[inline]
pub(super) fn is_string(kind: Tok) -> bool {
    matches!(kind, Tok::String | Tok::EscapeString | Tok::UnicodeString | Tok::DollarString)
}

/// `IDENT`.
#[inline]
pub(super) fn is_ident(kind: Tok) -> bool {
    matches!(kind, Tok::Ident | Tok::QuotedIdent | Tok::UnicodeIdent)
}

#[inline]
pub(super) fn is_col_id(kind: Tok) -> bool {
    match kind {
        Tok::Keyword(k) => k.is_col_id(),
        other => is_ident(other),
    }
}

#[inline]
pub(super) fn is_type_function_name(kind: Tok) -> bool {
    match kind {
        Tok::Keyword(k) => k.is_type_function_name(),
        other => is_ident(other),
    }
}

#[inline]
pub(super) fn is_col_label(kind: Tok) -> bool {
    matches!(kind, Tok::Keyword(_)) || is_ident(kind)
}

/// A syntax-class error with a message of its own.
#[cold]
pub(super) fn refuse(message: impl Into<String>, pos: Pos) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message).at(pos)
}

/// 54001, as PostgreSQL's `check_stack_depth` says it.
#[cold]
fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
}
