//! Text to tokens, by the rules of PostgreSQL's `scan.l`.
//!
//! A token is a kind and a span; its value is read from the text when the parser wants it (`literal.rs`), so a name
//! that is skipped costs nothing. The first lexical error ends the token stream with [`Tok::Error`]; the parser
//! reports it on reaching that token, which is when PostgreSQL would have met it.

use super::ast::Pos;
use super::keywords::Keyword;
use super::literal;
use crate::base::{Error, Result, SqlState};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tok {
    Eof,
    /// The lexer's error stands here.
    Error,
    Keyword(Keyword),
    /// A name that is no keyword, not yet folded.
    Ident,
    /// `"name"`.
    QuotedIdent,
    /// `U&"name" [UESCAPE 'c']`.
    UnicodeIdent,
    /// Digits that fit an i32.
    Integer,
    /// Any other number.
    Float,
    /// `'...'`.
    String,
    /// `E'...'`.
    EscapeString,
    /// `U&'...' [UESCAPE 'c']`.
    UnicodeString,
    DollarString,
    /// `B'...'`.
    BitString,
    /// `X'...'`.
    HexString,
    /// `$1`.
    Param,
    /// An operator that is none of the following.
    Op,
    LParen,
    RParen,
    LBracket,
    RBracket,
    Comma,
    Semicolon,
    Dot,
    Colon,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Less,
    Greater,
    Equal,
    LessEqual,
    GreaterEqual,
    /// `<>` or `!=`.
    NotEqual,
    /// `::`.
    TypeCast,
    DotDot,
    /// `:=`.
    ColonEqual,
    /// `=>`.
    Arrow,
    /// A character that begins no token.
    Other,
}

#[derive(Debug, Clone, Copy)]
pub struct Token {
    pub kind: Tok,
    pub start: u32,
    pub end: u32,
}

/// What a byte may begin or continue.
const IDENT_START: u8 = 1;
const IDENT_CONT: u8 = 2;
const DIGIT: u8 = 4;
const SPACE: u8 = 8;
const OPERATOR: u8 = 16;

static CLASS: [u8; 256] = {
    let mut class = [0u8; 256];
    let mut b = 0;
    while b < 256 {
        let c = b as u8;
        class[b] = match c {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => IDENT_START | IDENT_CONT,
            b'0'..=b'9' => IDENT_CONT | DIGIT,
            b'$' => IDENT_CONT,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => SPACE,
            b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'+' | b'-' | b'*' | b'/' | b'%' | b'<'
            | b'>' | b'=' => OPERATOR,
            _ => 0,
        };
        b += 1;
    }
    class
};

#[inline]
fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

/// PostgreSQL's NAMEDATALEN: identifiers are cut to one byte less, operators that long are refused.
pub const NAME_DATA_LEN: usize = 64;

pub struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    error: Option<Error>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, bytes: text.as_bytes(), at: 0, error: None }
    }

    /// All tokens; the last is `Eof`, or `Error` with the error beside it.
    pub fn tokens(text: &'a str) -> Result<(Vec<Token>, Option<Error>)> {
        if u32::try_from(text.len()).is_err() {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "statement is too long"));
        }
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::with_capacity(text.len() / 5 + 4);
        loop {
            let token = lexer.next_token();
            tokens.push(token);
            if matches!(token.kind, Tok::Eof | Tok::Error) {
                return Ok((tokens, lexer.error));
            }
        }
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    #[inline]
    pub fn next_token(&mut self) -> Token {
        if let Err(e) = self.skip_space() {
            return self.fail(self.at, e);
        }
        let start = self.at;
        match self.scan(start) {
            Ok(kind) => Token { kind, start: start as u32, end: self.at as u32 },
            Err(e) => self.fail(start, e),
        }
    }

    #[cold]
    fn fail(&mut self, start: usize, error: Error) -> Token {
        self.error = Some(error);
        self.at = self.bytes.len();
        Token { kind: Tok::Error, start: start as u32, end: self.at as u32 }
    }

    /// `whitespace` and both kinds of comment.
    #[inline]
    fn skip_space(&mut self) -> Result<()> {
        loop {
            while self.at < self.bytes.len() && is(self.bytes[self.at], SPACE) {
                self.at += 1;
            }
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (b'-', b'-') => self.skip_line(),
                (b'/', b'*') => self.skip_block_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && !matches!(self.bytes[self.at], b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Comments nest.
    fn skip_block_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match (self.byte(self.at), self.byte(self.at + 1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ if self.at >= self.bytes.len() => return Err(self.near("unterminated /* comment", start)),
                _ => self.at += 1,
            }
        }
    }

    /// `message at or near "..."`, the text from `start` to where the lexer is.
    #[cold]
    fn near(&self, message: &str, start: usize) -> Error {
        let text = self.text.get(start..self.at.min(self.text.len())).unwrap_or_default();
        Error::new(SqlState::SYNTAX_ERROR, format!("{message} at or near \"{text}\"")).at(start)
    }

    #[inline]
    fn scan(&mut self, start: usize) -> Result<Tok> {
        let Some(&first) = self.bytes.get(start) else { return Ok(Tok::Eof) };
        if is(first, IDENT_START) {
            return self.word(first, start);
        }
        if is(first, DIGIT) {
            return self.number(start);
        }
        self.at += 1;
        Ok(match first {
            b'(' => Tok::LParen,
            b')' => Tok::RParen,
            b',' => Tok::Comma,
            b';' => Tok::Semicolon,
            b'[' => Tok::LBracket,
            b']' => Tok::RBracket,
            b'.' if is(self.byte(self.at), DIGIT) => return self.number(start),
            b'.' if self.byte(self.at) == b'.' => self.two(Tok::DotDot),
            b'.' => Tok::Dot,
            b':' => match self.byte(self.at) {
                b':' => self.two(Tok::TypeCast),
                b'=' => self.two(Tok::ColonEqual),
                _ => Tok::Colon,
            },
            b'\'' => return self.quoted(start, start, Tok::String),
            b'"' => return self.quoted_ident(start, start),
            b'$' => return self.dollar(start),
            _ if is(first, OPERATOR) => return self.operator(start),
            _ => Tok::Other,
        })
    }

    fn two(&mut self, kind: Tok) -> Tok {
        self.at += 1;
        kind
    }

    /// An identifier, a keyword, or a string with a letter before it.
    #[inline]
    fn word(&mut self, first: u8, start: usize) -> Result<Tok> {
        if matches!(first, b'e' | b'E' | b'b' | b'B' | b'x' | b'X' | b'n' | b'N' | b'u' | b'U')
            && let Some(kind) = self.prefixed(first, start)?
        {
            return Ok(kind);
        }
        self.skip_ident();
        Ok(Keyword::lookup(&self.bytes[start..self.at]).map_or(Tok::Ident, Tok::Keyword))
    }

    #[inline]
    fn skip_ident(&mut self) {
        while self.at < self.bytes.len() && is(self.bytes[self.at], IDENT_CONT) {
            self.at += 1;
        }
    }

    fn prefixed(&mut self, first: u8, start: usize) -> Result<Option<Tok>> {
        if matches!(first, b'u' | b'U') {
            return match (self.byte(start + 1), self.byte(start + 2)) {
                (b'&', b'\'') => self.unicode(start, Tok::UnicodeString).map(Some),
                (b'&', b'"') => self.unicode(start, Tok::UnicodeIdent).map(Some),
                _ => Ok(None),
            };
        }
        if self.byte(start + 1) != b'\'' {
            return Ok(None);
        }
        let kind = match first {
            b'e' | b'E' => Tok::EscapeString,
            b'b' | b'B' => Tok::BitString,
            b'x' | b'X' => Tok::HexString,
            // N'...' is the keyword NCHAR and then a string.
            _ => {
                self.at += 1;
                return Ok(Some(Tok::Keyword(Keyword::Nchar)));
            }
        };
        self.quoted(start, start + 1, kind).map(Some)
    }

    /// A string in single quotes and its continuations after a newline; `open` is the first quote.
    fn quoted(&mut self, start: usize, open: usize, kind: Tok) -> Result<Tok> {
        self.at = open + 1;
        loop {
            self.skip_quoted(b'\'', kind == Tok::EscapeString);
            if self.at >= self.bytes.len() {
                let what = match kind {
                    Tok::BitString => "unterminated bit string literal",
                    Tok::HexString => "unterminated hexadecimal string literal",
                    _ => "unterminated quoted string",
                };
                return Err(self.near(what, start));
            }
            self.at += 1;
            match literal::continuation(self.bytes, self.at) {
                Some(next) => self.at = next,
                None => break,
            }
        }
        if kind == Tok::EscapeString {
            literal::escape_string(self.text, start, self.at)?;
        }
        Ok(kind)
    }

    /// Moves to the closing quote, over doubled ones and, in E'', over escaped ones.
    #[inline]
    fn skip_quoted(&mut self, quote: u8, backslashes: bool) {
        while self.at < self.bytes.len() {
            let byte = self.bytes[self.at];
            if byte == quote {
                if self.byte(self.at + 1) != quote {
                    return;
                }
                self.at += 1;
            } else if byte == b'\\' && backslashes {
                self.at += 1;
            }
            self.at += 1;
        }
        self.at = self.bytes.len();
    }

    fn quoted_ident(&mut self, start: usize, open: usize) -> Result<Tok> {
        self.at = open + 1;
        self.skip_quoted(b'"', false);
        if self.at >= self.bytes.len() {
            return Err(self.near("unterminated quoted identifier", start));
        }
        self.at += 1;
        if self.at == open + 2 {
            return Err(self.near("zero-length delimited identifier", start));
        }
        Ok(if open == start { Tok::QuotedIdent } else { Tok::UnicodeIdent })
    }

    /// U&'...' or U&"...", and the UESCAPE that may follow (`base_yylex` in PostgreSQL's parser.c).
    fn unicode(&mut self, start: usize, kind: Tok) -> Result<Tok> {
        match kind {
            Tok::UnicodeString => self.quoted(start, start + 2, kind)?,
            _ => self.quoted_ident(start, start + 2)?,
        };
        let end = self.at;
        self.skip_space()?;
        let word = self.at;
        self.skip_ident();
        let mut escape = b'\\';
        let mut literal_end = end;
        if Keyword::lookup(&self.bytes[word..self.at]) == Some(Keyword::Uescape) {
            self.skip_space()?;
            let at = self.at;
            if self.scan(at)? != Tok::String {
                return Err(self.near("UESCAPE must be followed by a simple string literal", at));
            }
            escape = match &self.bytes[at..self.at] {
                [b'\'', c, b'\''] if literal::is_unicode_escape(*c) => *c,
                _ => return Err(self.near("invalid Unicode escape character", at)),
            };
            literal_end = self.at;
        }
        literal::unicode_string(self.text, start, end, escape)?;
        self.at = literal_end;
        Ok(kind)
    }

    /// `$1`, `$tag$...$tag$`, or a stray dollar.
    fn dollar(&mut self, start: usize) -> Result<Tok> {
        if is(self.byte(self.at), DIGIT) {
            while is(self.byte(self.at), DIGIT) {
                self.at += 1;
            }
            if is(self.byte(self.at), IDENT_START) {
                self.skip_ident();
                return Err(self.near("trailing junk after parameter", start));
            }
            return Ok(Tok::Param);
        }
        let mut close = self.at;
        if is(self.byte(close), IDENT_START) {
            while is(self.byte(close), IDENT_CONT) && self.byte(close) != b'$' {
                close += 1;
            }
        }
        if self.byte(close) != b'$' {
            return Ok(Tok::Other);
        }
        let tag = &self.text[start..=close];
        match self.text[close + 1..].find(tag) {
            Some(i) => {
                self.at = close + 1 + i + tag.len();
                Ok(Tok::DollarString)
            }
            None => {
                self.at = self.bytes.len();
                Err(self.near("unterminated dollar-quoted string", start))
            }
        }
    }

    /// `integer`, `decimal`, `real`; a name stuck to it is junk.
    #[inline]
    fn number(&mut self, start: usize) -> Result<Tok> {
        self.at = start;
        let mut kind = Tok::Integer;
        self.skip_digits();
        if self.byte(self.at) == b'.' && self.byte(self.at + 1) != b'.' {
            kind = Tok::Float;
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.byte(self.at), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(self.at + 1), b'+' | b'-'));
            if is(self.byte(self.at + 1 + sign), DIGIT) {
                kind = Tok::Float;
                self.at += 1 + sign;
                self.skip_digits();
            } else if sign == 1 {
                self.at += 2;
                return Err(self.near("trailing junk after numeric literal", start));
            }
        }
        if is(self.byte(self.at), IDENT_START) {
            self.skip_ident();
            return Err(self.near("trailing junk after numeric literal", start));
        }
        if kind == Tok::Integer && self.at - start > 9 && self.text[start..self.at].parse::<i32>().is_err() {
            kind = Tok::Float;
        }
        Ok(kind)
    }

    #[inline]
    fn skip_digits(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at].is_ascii_digit() {
            self.at += 1;
        }
    }

    /// The longest run of operator characters, cut at a comment, and without trailing `+` and `-` unless it holds a
    /// character that no SQL operator has.
    fn operator(&mut self, start: usize) -> Result<Tok> {
        let mut end = start + 1;
        while is(self.byte(end), OPERATOR) && !matches!(&self.bytes[end..], [b'-', b'-', ..] | [b'/', b'*', ..]) {
            end += 1;
        }
        let run = &self.bytes[start..end];
        if matches!(run[run.len() - 1], b'+' | b'-') && !run.iter().any(|b| b"~!@#^&|`?%".contains(b)) {
            while end > start + 1 && matches!(self.bytes[end - 1], b'+' | b'-') {
                end -= 1;
            }
        }
        self.at = end;
        let run = &self.bytes[start..end];
        if run.len() >= NAME_DATA_LEN {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "operator too long").at(start));
        }
        Ok(match run {
            b"+" => Tok::Plus,
            b"-" => Tok::Minus,
            b"*" => Tok::Star,
            b"/" => Tok::Slash,
            b"%" => Tok::Percent,
            b"^" => Tok::Caret,
            b"<" => Tok::Less,
            b">" => Tok::Greater,
            b"=" => Tok::Equal,
            b"<=" => Tok::LessEqual,
            b">=" => Tok::GreaterEqual,
            b"<>" | b"!=" => Tok::NotEqual,
            b"=>" => Tok::Arrow,
            _ => Tok::Op,
        })
    }
}

/// An unquoted identifier's value: ASCII folded to lower case, cut to 63 bytes.
pub fn fold_ident(word: &str) -> String {
    let mut name = word.to_ascii_lowercase();
    truncate_ident(&mut name);
    name
}

/// Cuts to 63 bytes, not inside a character.
pub fn truncate_ident(name: &mut String) {
    if name.len() >= NAME_DATA_LEN {
        let mut cut = NAME_DATA_LEN - 1;
        while !name.is_char_boundary(cut) {
            cut -= 1;
        }
        name.truncate(cut);
    }
}

/// The span of a token as byte offsets.
impl Token {
    pub fn pos(&self) -> Pos {
        self.start as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Tok> {
        Lexer::tokens(text).unwrap().0.iter().map(|t| t.kind).collect()
    }

    fn texts(text: &str) -> Vec<&str> {
        Lexer::tokens(text).unwrap().0.iter().map(|t| &text[t.start as usize..t.end as usize]).collect()
    }

    fn error(text: &str) -> (String, Option<usize>) {
        let e = Lexer::tokens(text).unwrap().1.expect("a lexical error");
        (e.message().to_string(), e.fields().position)
    }

    #[test]
    fn operators_shed_trailing_signs() {
        assert_eq!(texts("x <>-1"), ["x", "<>", "-", "1", ""]);
        assert_eq!(texts("a @- b"), ["a", "@-", "b", ""]);
        assert_eq!(texts("a*-- c\nb"), ["a", "*", "b", ""]);
        assert_eq!(texts("a+/* c */b"), ["a", "+", "b", ""]);
        assert_eq!(texts("a->>'b'"), ["a", "->>", "'b'", ""]);
        assert_eq!(texts("1 - -1"), ["1", "-", "-", "1", ""]);
        assert_eq!(kinds("=> := :: .. != =-"), {
            use Tok::*;
            vec![Arrow, ColonEqual, TypeCast, DotDot, NotEqual, Equal, Minus, Eof]
        });
    }

    #[test]
    fn numbers() {
        use Tok::*;
        assert_eq!(
            kinds("1 2147483647 2147483648 1.5 .5 5. 1e5 1.e-5 00000000001"),
            [Integer, Integer, Float, Float, Float, Float, Float, Float, Integer, Eof]
        );
        assert_eq!(texts("1..2"), ["1", "..", "2", ""]);
        for junk in ["123abc", "0x1F", "1_000", "1e"] {
            let expected = format!("trailing junk after numeric literal at or near \"{junk}\"");
            assert_eq!(error(junk), (expected, Some(0)));
        }
        assert_eq!(error("1.5e+x").0, "trailing junk after numeric literal at or near \"1.5e+\"");
        assert_eq!(error("select $1a").0, "trailing junk after parameter at or near \"$1a\"");
    }

    #[test]
    fn strings_and_comments() {
        use Tok::*;
        assert_eq!(kinds("'a''b' E'a\\'b' $$x$$ $t$a$$b$t$ b'1' X'f'"), {
            vec![String, EscapeString, DollarString, DollarString, BitString, HexString, Eof]
        });
        assert_eq!(texts("'a' -- c\n 'b' 'c'"), ["'a' -- c\n 'b'", "'c'", ""]);
        assert_eq!(kinds("/* a /* b */ c */ -- d\n x"), [Ident, Eof]);
        assert_eq!(kinds("U&'a!0041' uescape '!' U&\"b\" x"), [UnicodeString, UnicodeIdent, Ident, Eof]);
        assert_eq!(kinds("n'a'"), [Keyword(super::Keyword::Nchar), String, Eof]);
        assert_eq!(error("select 'abc"), ("unterminated quoted string at or near \"'abc\"".into(), Some(7)));
        assert_eq!(error("select /* abc").0, "unterminated /* comment at or near \"/* abc\"");
        assert_eq!(error("select \"\"").0, "zero-length delimited identifier at or near \"\"\"\"");
        assert_eq!(error("$x$ a").0, "unterminated dollar-quoted string at or near \"$x$ a\"");
        assert_eq!(error("U&'x' uescape 1").0, "UESCAPE must be followed by a simple string literal at or near \"1\"");
    }
}
