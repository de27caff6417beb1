//! Which plan a statement's text may share: literals out, `$n` in, in one pass of the lexer.
//!
//! Clients that put values into the text send the same statement over and over with other numbers. Lifting those out
//! gives a text that repeats, so a plan made once serves all of them. It must never change an answer, so it is done
//! only where a parameter of the literal's own type is read exactly as the literal would be, and the answer is `None`
//! wherever that is not plain from the tokens around it:
//!
//! - Only one SELECT, INSERT, UPDATE or DELETE, made of words that are known here; others may give a number a meaning
//!   of its own (ORDER BY 1, FETCH, INTERVAL, `numeric(10,2)`, ROWS 3 PRECEDING).
//! - Numbers have the type their spelling gives them, wherever they stand. A string has no type until its surroundings
//!   give it one, as an untyped parameter has, so strings are lifted only beside a comparison, in an IN list, in
//!   BETWEEN and in a VALUES row.
//! - No arithmetic on two numbers: a constant that cannot be computed is an error even if no row gets there.
//! - Nothing with `::`, CAST, subscripts, parameters or operators beyond arithmetic and comparison. LIKE is left out
//!   because the pattern decides the plan.
//!
//! The lifted text reads the same but is not the same: positions in it are not the client's. An error while planning
//! it is reported by planning the text itself.

use super::keywords::{Keyword as Kw, KeywordClass};
use super::lexer::{Lexer, Tok, Token};
use super::literal;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

/// A text with its literals lifted out.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifted {
    /// The statement with `$1`, `$2` ... for the literals, comments gone and white space single.
    pub text: String,
    /// In the order of their numbers.
    pub literals: Literals,
    /// Hash of the text and the literals' types. Equal hashes are to be checked by [`Lifted::same_plan`].
    pub hash: u64,
}

pub type Literals = SmallVec<[Literal; 8]>;

/// One lifted literal: its type and value, and where it stood, sign included, in the original text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Literal {
    pub kind: LiteralKind,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LiteralKind {
    Integer(i32),
    /// An integer that only an int8 holds.
    BigInt(i64),
    /// Any other number; its text is the value.
    Numeric,
    /// A string in plain quotes, without a type.
    String,
}

impl LiteralKind {
    /// What of it decides the plan: the type.
    fn tag(self) -> u8 {
        match self {
            LiteralKind::Integer(_) => b'i',
            LiteralKind::BigInt(_) => b'b',
            LiteralKind::Numeric => b'n',
            LiteralKind::String => b's',
        }
    }
}

impl Literal {
    /// The value as text: a string's without its quotes, a number's as written, its sign kept and spaces behind that
    /// gone. `text` is the original one.
    pub fn value(&self, text: &str) -> String {
        match self.kind {
            LiteralKind::String => literal::plain_string(text, self.start, self.end),
            LiteralKind::Integer(i) => i.to_string(),
            LiteralKind::BigInt(i) => i.to_string(),
            LiteralKind::Numeric => {
                let written = &text[self.start..self.end];
                match written.strip_prefix('-') {
                    Some(digits) => format!("-{}", digits.trim_start()),
                    None => written.to_string(),
                }
            }
        }
    }
}

impl Lifted {
    /// Whether a plan for the other serves this one.
    pub fn same_plan(&self, other: &Lifted) -> bool {
        let tags = |l: &Lifted| l.literals.iter().map(|l| l.kind.tag()).collect::<SmallVec<[u8; 8]>>();
        self.text == other.text && tags(self) == tags(other)
    }
}

/// More literals than this come from bulk loading, where plans are the least of it.
const LITERALS_MAX: usize = 64;

/// Parentheses nested deeper than this are left alone.
const DEPTH_MAX: usize = 32;

/// What an open parenthesis holds, as far as strings are concerned.
#[derive(Clone, Copy, PartialEq)]
enum Paren {
    /// A list whose items take their types from outside: IN (...), VALUES (...).
    List,
    Other,
}

/// What the tokens so far say about the next one.
struct Scan {
    /// The kind of the token before, and the one before that.
    before: Tok,
    before2: Tok,
    parens: [Paren; DEPTH_MAX],
    depth: usize,
    /// Inside ORDER BY or GROUP BY, where a number is a column's position and an expression must match another; or
    /// inside the target of ON CONFLICT, which must match an index.
    matching: bool,
    /// BETWEEN whose AND has not come, and the depth it stands at.
    between: Option<usize>,
    /// The AND just before belongs to a BETWEEN.
    between_and: bool,
    /// The last word was VALUES, or a comma behind a row of it.
    values: bool,
}

/// The text with its literals lifted, if that is provably safe and there is at least one.
pub fn lift_literals(text: &str) -> Option<Lifted> {
    let mut lexer = Lexer::new(text);
    let mut token = lexer.next_token();
    if !matches!(token.kind, Tok::Keyword(Kw::Select | Kw::Insert | Kw::Update | Kw::Delete)) {
        return None;
    }
    let mut scan = Scan {
        before: Tok::Semicolon,
        before2: Tok::Semicolon,
        parens: [Paren::Other; DEPTH_MAX],
        depth: 0,
        matching: false,
        between: None,
        between_and: false,
        values: false,
    };
    let mut lifted = String::with_capacity(text.len() + 8);
    let mut literals = Literals::new();
    let mut end = 0;
    // A minus that may be the sign of the number behind it, held back until that is seen.
    let mut sign: Option<Token> = None;
    loop {
        match token.kind {
            Tok::Eof => break,
            Tok::Semicolon => {
                if lexer.next_token().kind != Tok::Eof {
                    return None;
                }
                break;
            }
            _ => {}
        }
        let is_literal = matches!(token.kind, Tok::Integer | Tok::Float | Tok::String);
        if let Some(minus) = sign.take() {
            if matches!(token.kind, Tok::Integer | Tok::Float) {
                token.start = minus.start;
            } else {
                lifted.push('-');
                end = minus.end as usize;
                scan.step(Tok::Minus)?;
            }
        }
        if token.start as usize > end && !lifted.is_empty() {
            lifted.push(' ');
        }
        end = token.end as usize;
        if is_literal {
            let literal = scan.literal(text, token)?;
            if literals.len() == LITERALS_MAX {
                return None;
            }
            literals.push(literal);
            push_placeholder(&mut lifted, literals.len());
        } else if token.kind == Tok::Minus && scan.sign_may_follow() {
            sign = Some(token);
            token = lexer.next_token();
            continue;
        } else {
            lifted.push_str(&text[token.start as usize..token.end as usize]);
        }
        scan.step(token.kind)?;
        token = lexer.next_token();
    }
    if sign.is_some() || literals.is_empty() {
        return None;
    }
    let hash = hash(&mut lifted, &literals);
    Some(Lifted { text: lifted, literals, hash })
}

/// `$n`; a space before it keeps a word in front of it a word, one behind keeps the next token apart.
fn push_placeholder(text: &mut String, number: usize) {
    text.push('$');
    if number >= 10 {
        text.push((b'0' + (number / 10) as u8) as char);
    }
    text.push((b'0' + (number % 10) as u8) as char);
}

fn hash(text: &mut String, literals: &Literals) -> u64 {
    let length = text.len();
    text.extend(literals.iter().map(|l| l.kind.tag() as char));
    let hash = xxh3_64(text.as_bytes());
    text.truncate(length);
    hash
}

impl Scan {
    /// Takes note of a token that goes into the text; `None` if it is one that makes lifting unsafe.
    fn step(&mut self, kind: Tok) -> Option<()> {
        self.between_and = false;
        match kind {
            Tok::Keyword(k) => self.word(k)?,
            Tok::LParen => self.open()?,
            Tok::RParen => {
                self.depth = self.depth.checked_sub(1)?;
                if self.between.is_some_and(|depth| depth > self.depth) {
                    return None;
                }
            }
            Tok::Comma => {}
            Tok::Ident | Tok::QuotedIdent | Tok::Dot | Tok::Op => self.values = false,
            Tok::Plus | Tok::Minus | Tok::Star | Tok::Slash | Tok::Percent => {}
            Tok::Less | Tok::Greater | Tok::Equal | Tok::LessEqual | Tok::GreaterEqual | Tok::NotEqual => {}
            Tok::Integer | Tok::Float | Tok::String => {}
            _ => return None,
        }
        (self.before2, self.before) = (self.before, kind);
        Some(())
    }

    fn open(&mut self) -> Option<()> {
        let list = match self.before {
            Tok::Keyword(Kw::In | Kw::Values) => true,
            Tok::Comma => self.values && self.depth == 0,
            _ => false,
        };
        *self.parens.get_mut(self.depth)? = if list { Paren::List } else { Paren::Other };
        self.depth += 1;
        Some(())
    }

    /// A keyword: one of those that leave literals as they are, or a name.
    fn word(&mut self, k: Kw) -> Option<()> {
        match k {
            Kw::Order | Kw::Group | Kw::Conflict => self.matching = true,
            Kw::Limit | Kw::Offset | Kw::Having | Kw::Do => self.matching = false,
            Kw::Between => {
                if self.between.replace(self.depth).is_some() {
                    return None;
                }
            }
            Kw::And => {
                if self.between == Some(self.depth) {
                    self.between = None;
                    self.between_and = true;
                }
            }
            Kw::Values => self.values = true,
            Kw::On if self.before == Tok::Keyword(Kw::Distinct) => return None,
            Kw::Select
            | Kw::From
            | Kw::Where
            | Kw::Or
            | Kw::Not
            | Kw::In
            | Kw::Into
            | Kw::As
            | Kw::On
            | Kw::Using
            | Kw::Is
            | Kw::Null
            | Kw::True
            | Kw::False
            | Kw::Default
            | Kw::Join
            | Kw::Inner
            | Kw::Left
            | Kw::Right
            | Kw::Full
            | Kw::Outer
            | Kw::Cross
            | Kw::For
            | Kw::Returning
            | Kw::Asc
            | Kw::Desc
            | Kw::Case
            | Kw::When
            | Kw::Then
            | Kw::Else
            | Kw::End
            | Kw::Exists
            | Kw::Distinct
            | Kw::Only
            | Kw::Coalesce
            | Kw::Greatest
            | Kw::Least
            | Kw::CurrentDate
            | Kw::CurrentTimestamp
            | Kw::Localtimestamp => {}
            Kw::Over | Kw::Within | Kw::Filter | Kw::Double | Kw::Rows | Kw::Range | Kw::Groups | Kw::At => {
                return None;
            }
            _ if k.class() == KeywordClass::Unreserved => {}
            _ => return None,
        }
        if k != Kw::Values {
            self.values &= matches!(k, Kw::Null | Kw::True | Kw::False | Kw::Default | Kw::CurrentTimestamp);
        }
        Some(())
    }

    /// Whether a minus here can only be a sign, not a subtraction.
    fn sign_may_follow(&self) -> bool {
        match self.before {
            Tok::LParen | Tok::Comma | Tok::Plus | Tok::Minus | Tok::Star | Tok::Slash | Tok::Percent => true,
            Tok::Less | Tok::Greater | Tok::Equal | Tok::LessEqual | Tok::GreaterEqual | Tok::NotEqual => true,
            Tok::Keyword(k) => {
                matches!(k, Kw::Where | Kw::And | Kw::Or | Kw::Between | Kw::Select | Kw::When | Kw::Then | Kw::Else)
            }
            _ => false,
        }
    }

    /// The literal at `token`, if a parameter may stand in its place.
    fn literal(&self, text: &str, token: Token) -> Option<Literal> {
        let (start, end) = (token.start as usize, token.end as usize);
        if self.matching || matches!(self.before, Tok::Op | Tok::String | Tok::Integer | Tok::Float) {
            return None;
        }
        let arithmetic = matches!(self.before, Tok::Plus | Tok::Minus | Tok::Star | Tok::Slash | Tok::Percent);
        if arithmetic && matches!(self.before2, Tok::Integer | Tok::Float) {
            return None;
        }
        if token.kind == Tok::String {
            let typed = match self.before {
                Tok::Equal | Tok::NotEqual | Tok::Less | Tok::Greater | Tok::LessEqual | Tok::GreaterEqual => true,
                Tok::Keyword(Kw::Between) => true,
                Tok::Keyword(Kw::And) => self.between_and,
                Tok::LParen | Tok::Comma => self.depth > 0 && self.parens[self.depth - 1] == Paren::List,
                _ => false,
            };
            return typed.then_some(Literal { kind: LiteralKind::String, start, end });
        }
        // A number behind a name, as in `LIMIT 5`, needs a word that takes one.
        let placed = match self.before {
            Tok::Ident | Tok::QuotedIdent | Tok::RParen | Tok::Dot => false,
            Tok::Keyword(k) => k.class() != KeywordClass::Unreserved || k == Kw::Set || k == Kw::Offset,
            _ => true,
        };
        placed.then(|| Literal { kind: number(&text[start..end]), start, end })
    }
}

/// The type of a number by its spelling, as PostgreSQL's `make_const` has it.
fn number(written: &str) -> LiteralKind {
    let (negative, digits) = match written.strip_prefix('-') {
        Some(digits) => (true, digits.trim_start()),
        None => (false, written),
    };
    // Accumulated below zero, where one more value fits.
    let mut value = 0i64;
    for byte in digits.bytes() {
        let digit = byte.wrapping_sub(b'0');
        let next = value.checked_mul(10).and_then(|v| v.checked_sub(i64::from(digit)));
        match next {
            Some(next) if digit <= 9 => value = next,
            _ => return LiteralKind::Numeric,
        }
    }
    let value = if negative { Some(value) } else { value.checked_neg() };
    match value {
        Some(v) => i32::try_from(v).map_or(LiteralKind::BigInt(v), LiteralKind::Integer),
        None => LiteralKind::Numeric,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(text: &str) -> Option<(String, Vec<String>)> {
        let lifted = lift_literals(text)?;
        let values = lifted.literals.iter().map(|l| l.value(text)).collect();
        super::super::parse(&lifted.text).expect("what is lifted still parses");
        Some((lifted.text, values))
    }

    #[test]
    fn plain_statements_are_lifted() {
        for (text, expected, values) in [
            (
                "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;",
                "SELECT abalance FROM pgbench_accounts WHERE aid = $1",
                vec!["12345"],
            ),
            (
                "UPDATE pgbench_accounts  SET abalance = abalance + -123 WHERE aid = 5",
                "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2",
                vec!["-123", "5"],
            ),
            (
                "insert into t (a, b, c) values (1, 'it''s', null), (- 2.5, 'x', CURRENT_TIMESTAMP)",
                "insert into t (a, b, c) values ($1, $2, null), ($3, $4, CURRENT_TIMESTAMP)",
                vec!["1", "it's", "-2.5", "x"],
            ),
            (
                "select a-1, a - -1 from t where b in ('x','y') and c between 'a' and 'b' and d >= 3000000000 limit 10",
                "select a-$1, a - $2 from t where b in ($3,$4) and c between $5 and $6 and d >= $7 limit $8",
                vec!["1", "-1", "x", "y", "a", "b", "3000000000", "10"],
            ),
            ("delete /* c */ from t where name = 'x' -- end", "delete from t where name = $1", vec!["x"]),
            ("select -a, - 5 from t", "select -a, $1 from t", vec!["-5"]),
            ("select count(*) from t where x=5and y=6", "select count(*) from t where x=$1and y=$2", vec!["5", "6"]),
        ] {
            let expected = (expected.to_string(), values.iter().map(|v| v.to_string()).collect());
            if text.contains("5and") {
                assert!(lift_literals(text).is_none(), "{text}");
            } else {
                assert_eq!(lifted(text), Some(expected), "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left_alone() {
        for text in [
            "select 'abc'",
            "select a from t",
            "select a from t order by 1",
            "select a from t where b = 1 order by a, 2",
            "select a + 1 from t group by a + 1",
            "select distinct on (a) b from t where c = 1",
            "select date '2020-01-01' from t where a = 1",
            "select '1'::int",
            "select 1::int8",
            "select cast(1 as numeric(10, 2))",
            "select interval '1 day'",
            "select a from t where b = 1 fetch first 2 rows only",
            "select a from t where b = $1 and c = 2",
            "select a from t where b like 'x%'",
            "select a from t where b ->> 'x' = 'y'",
            "select nextval('s') from t where a = 1",
            "select a from t where b = any('{1,2}')",
            "select 1 union select 2",
            "select sum(a) over (order by b rows 3 preceding) from t",
            "select a[1] from t where b = 2",
            "select case when a = 1 then 'x' else 'y' end from t",
            "select a from t where b = 1; select 2",
            "with x as (select 1) select * from x",
            "insert into t values (1) on conflict (a) where b = 1 do nothing",
            "select a from t where b = E'x'",
            "select a from t where b = 'x' collate \"C\"",
            "set x = 1",
            "select 5 5",
            "select a from t where b = 'unterminated",
        ] {
            assert_eq!(lift_literals(text), None, "{text}");
        }
        let bulk = format!("insert into t values (0){}", ", (1)".repeat(100));
        assert_eq!(lift_literals(&bulk), None);
    }

    #[test]
    fn types_decide_the_plan_values_do_not() {
        let lift = |text| lift_literals(text).unwrap();
        let (a, b) = (lift("select a from t where b = 1"), lift("select a from t where b =  2"));
        assert!(a.hash == b.hash && a.same_plan(&b));
        for other in
            ["select a from t where b = 1.0", "select a from t where b = 'x'", "select a from t where b = 3000000000"]
        {
            let other = lift(other);
            assert!(a.hash != other.hash && !a.same_plan(&other));
        }
        assert_eq!(lift("select a from t where b = -2147483648").literals[0].kind, LiteralKind::Integer(i32::MIN));
        assert_eq!(
            lift("select a from t where b = -9223372036854775808").literals[0].kind,
            LiteralKind::BigInt(i64::MIN)
        );
        assert_eq!(lift("select a from t where b = 9223372036854775808").literals[0].kind, LiteralKind::Numeric);
    }
}
