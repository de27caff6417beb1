//! Operators: `a_expr` and `b_expr` by precedence climbing.
//!
//! The levels are those of gram.y's precedence table. A prefix operator's operand is parsed at the prefix's own level
//! wherever it stands, as a yacc parser would (`a = NOT b = c` is `a = (NOT (b = c))`). Levels that yacc calls
//! nonassociative refuse a second operator of their level on the right of a completed one, but only where the first
//! ends in an expression: `a < b < c` is an error, `a IN (b) IN (c)` is not.

use super::ast::*;
use super::cursor::{Parser, refuse};
use super::keywords::Keyword as Kw;
use super::lexer::Tok;
use super::names::symbol;
use crate::base::{Error, Result};

const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARISON: u8 = 5;
const MATCH: u8 = 6;
const OPERATOR: u8 = 8;
const ADD: u8 = 9;
const MULTIPLY: u8 = 10;
const POWER: u8 = 11;
const AT: u8 = 12;
const COLLATE: u8 = 13;
const SIGN: u8 = 14;
const CAST: u8 = 15;

/// The level of no nonassociative operator.
const NONE: u8 = u8::MAX;

/// Where an expression stands, outside its own parentheses, if that bears on how it reads.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Context {
    Plain,
    /// A column of a target list, behind which a word such as LIKE may be a label.
    Target,
    /// The first argument of SUBSTRING, where SIMILAR without TO is no operator.
    Substring,
}

/// What a parenthesis in an expression held.
pub(super) enum Paren {
    Query(Box<Query>),
    /// One expression, or the several of an implicit row.
    Exprs(Vec<Expr>),
}

fn node(kind: ExprKind, pos: Pos) -> Expr {
    Expr { kind, pos }
}

impl Parser<'_> {
    /// `a_expr`.
    #[inline]
    pub(super) fn a_expr(&mut self) -> Result<Expr> {
        self.expr_in(Context::Plain, false)
    }

    /// `a_expr` as a column of a target list.
    #[inline]
    pub(super) fn target_expr(&mut self) -> Result<Expr> {
        self.expr_in(Context::Target, false)
    }

    /// `a_expr` as the first argument of SUBSTRING.
    pub(super) fn substring_expr(&mut self) -> Result<Expr> {
        self.expr_in(Context::Substring, false)
    }

    /// `b_expr`: no AND, OR, NOT, IN, LIKE, BETWEEN, IS NULL, COLLATE, AT TIME ZONE.
    pub(super) fn b_expr(&mut self) -> Result<Expr> {
        self.expr_in(Context::Plain, true)
    }

    #[inline]
    fn expr_in(&mut self, context: Context, restricted: bool) -> Result<Expr> {
        let outer = std::mem::replace(&mut self.context, context);
        let expr = self.climb(0, restricted)?;
        self.context = outer;
        Ok(expr)
    }

    /// `expr_list`.
    pub(super) fn expr_list(&mut self) -> Result<Vec<Expr>> {
        self.list(Self::a_expr)
    }

    fn climb(&mut self, min: u8, restricted: bool) -> Result<Expr> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.height, 0);
        let left = self.prefix(restricted)?;
        let expr = self.operators(left, min, restricted)?;
        self.height = self.height.max(outer);
        self.leave();
        Ok(expr)
    }

    /// The operators behind `left`, whose height is the parser's, as long as they bind at least as tightly as `min`.
    pub(super) fn operators(&mut self, mut left: Expr, min: u8, restricted: bool) -> Result<Expr> {
        let mut tall = self.height + 1;
        let mut nonassoc = NONE;
        while let Some(level) = self.infix_level(restricted, min) {
            if level < min {
                break;
            }
            if level == nonassoc {
                return Err(self.unexpected());
            }
            let joins = matches!((level, &left.kind), (AND, ExprKind::And(_)) | (OR, ExprKind::Or(_)));
            self.height = 0;
            (left, nonassoc) = self.infix(left, level, restricted)?;
            tall = if joins { tall.max(self.height + 1) } else { tall.max(self.height) + 1 };
            self.raise(tall)?;
        }
        self.height = 0;
        self.raise(tall)?;
        Ok(left)
    }

    /// The level of the operator that stands here, if one does.
    #[inline]
    fn infix_level(&self, restricted: bool, min: u8) -> Option<u8> {
        Some(match self.peek() {
            Tok::Keyword(k) => return self.keyword_level(k, restricted, min),
            Tok::Equal | Tok::Less | Tok::Greater | Tok::LessEqual | Tok::GreaterEqual | Tok::NotEqual => COMPARISON,
            Tok::Op => OPERATOR,
            Tok::Plus | Tok::Minus => ADD,
            Tok::Star | Tok::Slash | Tok::Percent => MULTIPLY,
            Tok::Caret => POWER,
            Tok::TypeCast => CAST,
            _ => return None,
        })
    }

    fn keyword_level(&self, k: Kw, restricted: bool, min: u8) -> Option<u8> {
        let level = match k {
            Kw::Is => IS,
            Kw::Operator if self.peek_at(1) == Tok::LParen => OPERATOR,
            _ if restricted => return None,
            Kw::And => AND,
            Kw::Or => OR,
            Kw::Isnull | Kw::Notnull => IS,
            Kw::Similar if self.context == Context::Substring && self.kw_at(1) != Some(Kw::To) => return None,
            Kw::Between | Kw::In | Kw::Like | Kw::Ilike | Kw::Similar => MATCH,
            Kw::Not if self.not_la() => MATCH,
            Kw::At => AT,
            Kw::Collate => COLLATE,
            _ => return None,
        };
        // Only behind the whole of a target may an operator's word prove to be its label.
        let label = min == 0 && self.context == Context::Target && k.is_bare_label() && self.ends_target(1);
        if label { None } else { Some(level) }
    }

    /// `NOT_LA`: a NOT that belongs to the operator behind it.
    fn not_la(&self) -> bool {
        matches!(self.kw_at(1), Some(Kw::Between | Kw::In | Kw::Like | Kw::Ilike | Kw::Similar))
    }

    /// Whether the token `n` ahead can only stand behind a finished column of a target list.
    fn ends_target(&self, n: usize) -> bool {
        match self.peek_at(n) {
            Tok::Comma | Tok::Semicolon | Tok::Eof | Tok::RParen => true,
            Tok::Keyword(k) => matches!(
                k,
                Kw::From
                    | Kw::Into
                    | Kw::Where
                    | Kw::Group
                    | Kw::Having
                    | Kw::Window
                    | Kw::Union
                    | Kw::Intersect
                    | Kw::Except
                    | Kw::Order
                    | Kw::Limit
                    | Kw::Offset
                    | Kw::Fetch
                    | Kw::For
                    | Kw::On
                    | Kw::Returning
            ),
            _ => false,
        }
    }

    /// What may stand before the first operand: signs, prefix operators, NOT; otherwise a `c_expr`.
    fn prefix(&mut self, restricted: bool) -> Result<Expr> {
        match self.peek() {
            Tok::Minus | Tok::Plus => self.sign(restricted),
            Tok::Op => self.prefix_operator(restricted),
            Tok::Keyword(Kw::Operator) if self.peek_at(1) == Tok::LParen => self.prefix_operator(restricted),
            Tok::Keyword(Kw::Not) if !restricted => self.not(),
            Tok::Keyword(Kw::Default) if !restricted => {
                let pos = self.advance().pos();
                Ok(node(ExprKind::Default, pos))
            }
            Tok::Keyword(Kw::Unique) if !restricted => Err(self.unique_predicate()),
            _ => {
                let primary = self.c_expr()?;
                match primary.kind {
                    ExprKind::Row { .. } if !restricted && self.at_kw(Kw::Overlaps) => self.overlaps(primary),
                    _ => Ok(primary),
                }
            }
        }
    }

    #[inline(never)]
    fn not(&mut self) -> Result<Expr> {
        let pos = self.advance().pos();
        let arg = self.climb(NOT, false)?;
        Ok(node(ExprKind::Not(Box::new(arg)), pos))
    }

    #[inline(never)]
    fn prefix_operator(&mut self, restricted: bool) -> Result<Expr> {
        let op = self.qual_all_op()?;
        let pos = op.pos;
        let right = Box::new(self.climb(OPERATOR + 1, restricted)?);
        Ok(node(ExprKind::Op { op, left: None, right }, pos))
    }

    /// Unary `+` and `-`; a minus before a number becomes the number's sign (`doNegate`).
    #[inline(never)]
    fn sign(&mut self, restricted: bool) -> Result<Expr> {
        let minus = self.at(Tok::Minus);
        let pos = self.advance().pos();
        let mut operand = self.climb(SIGN, restricted)?;
        if minus
            && let ExprKind::Const(constant) = &mut operand.kind
            && negate(constant)
        {
            operand.pos = pos;
            return Ok(operand);
        }
        let op = OperatorName::plain(if minus { "-" } else { "+" }, pos);
        Ok(node(ExprKind::Op { op, left: None, right: Box::new(operand) }, pos))
    }

    #[cold]
    fn unique_predicate(&mut self) -> Error {
        let pos = self.advance().pos();
        if self.kw(Kw::Nulls) {
            self.kw(Kw::Not);
            if let Err(e) = self.expect_kw(Kw::Distinct) {
                return e;
            }
        }
        match self.select_with_parens() {
            Err(e) => e,
            Ok(_) => super::statement::not_yet("UNIQUE predicate is not yet implemented", pos),
        }
    }

    /// `row OVERLAPS row`.
    #[inline(never)]
    fn overlaps(&mut self, left: Expr) -> Result<Expr> {
        let pos = self.advance().pos();
        let at = self.pos();
        let right = match self.peek() {
            Tok::Keyword(Kw::Row) => self.c_expr()?,
            _ => match self.paren(true)? {
                Paren::Exprs(fields) if fields.len() > 1 => node(ExprKind::Row { explicit: false, fields }, at),
                _ => return Err(self.unexpected()),
            },
        };
        for (side, name) in [(&left, "left"), (&right, "right")] {
            if !matches!(&side.kind, ExprKind::Row { fields, .. } if fields.len() == 2) {
                let message = format!("wrong number of parameters on {name} side of OVERLAPS expression");
                return Err(refuse(message, side.pos));
            }
        }
        Ok(node(ExprKind::Overlaps { left: Box::new(left), right: Box::new(right) }, pos))
    }

    /// One operator behind `left`. The level returned is that of a nonassociative operator that ends in an expression.
    #[inline]
    fn infix(&mut self, left: Expr, level: u8, restricted: bool) -> Result<(Expr, u8)> {
        match self.peek() {
            Tok::TypeCast => self.colons(left),
            Tok::Keyword(k) => match k {
                Kw::And | Kw::Or => self.boolean(left, level),
                Kw::Is => self.is(left, restricted),
                Kw::Operator => self.binary(left, level, restricted),
                _ => self.keyword_infix(k, left),
            },
            _ => self.binary(left, level, restricted),
        }
    }

    #[inline(never)]
    fn colons(&mut self, arg: Expr) -> Result<(Expr, u8)> {
        let pos = self.advance().pos();
        let target = Box::new(self.type_name()?);
        let kind = ExprKind::TypeCast { arg: Box::new(arg), target, form: CastForm::Colons };
        Ok((node(kind, pos), NONE))
    }

    #[inline(never)]
    fn boolean(&mut self, left: Expr, level: u8) -> Result<(Expr, u8)> {
        let pos = self.advance().pos();
        let right = self.climb(level + 1, false)?;
        let expr = match (left, level) {
            (Expr { kind: ExprKind::And(mut list), pos }, AND) => {
                list.push(right);
                node(ExprKind::And(list), pos)
            }
            (Expr { kind: ExprKind::Or(mut list), pos }, OR) => {
                list.push(right);
                node(ExprKind::Or(list), pos)
            }
            (left, AND) => node(ExprKind::And(vec![left, right]), pos),
            (left, _) => node(ExprKind::Or(vec![left, right]), pos),
        };
        Ok((expr, NONE))
    }

    #[inline(never)]
    fn binary(&mut self, left: Expr, level: u8, restricted: bool) -> Result<(Expr, u8)> {
        let token = self.token();
        let op = match symbol(token.kind) {
            Some(name) => {
                self.advance();
                OperatorName::plain(name, token.pos())
            }
            None => self.qual_all_op()?,
        };
        if !restricted && self.at_any(&[Kw::Any, Kw::Some, Kw::All]) {
            return Ok((self.quantified(left, op)?, NONE));
        }
        let pos = op.pos;
        let right = Box::new(self.climb(level + 1, restricted)?);
        let nonassoc = if level == COMPARISON { COMPARISON } else { NONE };
        Ok((node(ExprKind::Op { op, left: Some(Box::new(left)), right }, pos), nonassoc))
    }

    /// `subquery_Op sub_type (...)`.
    #[inline(never)]
    fn quantified(&mut self, left: Expr, op: OperatorName) -> Result<Expr> {
        let all = self.at_kw(Kw::All);
        self.advance();
        let pos = op.pos;
        let right = match self.paren(false)? {
            Paren::Query(query) => Quantified::Subquery(query),
            Paren::Exprs(mut list) => Quantified::Array(Box::new(list.pop().expect("a parenthesis held something"))),
        };
        Ok(node(ExprKind::Quantified { op, all, left: Box::new(left), right }, pos))
    }

    #[inline(never)]
    fn keyword_infix(&mut self, k: Kw, arg: Expr) -> Result<(Expr, u8)> {
        let pos = self.pos();
        match k {
            Kw::Isnull | Kw::Notnull => {
                self.advance();
                let kind = ExprKind::IsNull { negated: k == Kw::Notnull, arg: Box::new(arg) };
                Ok((node(kind, pos), NONE))
            }
            Kw::At => {
                self.advance();
                self.expect_seq(&[Kw::Time, Kw::Zone])?;
                let zone = Box::new(self.climb(AT + 1, false)?);
                Ok((node(ExprKind::AtTimeZone { arg: Box::new(arg), zone }, pos), NONE))
            }
            Kw::Collate => {
                self.advance();
                let collation = self.any_name()?;
                Ok((node(ExprKind::Collate { arg: Box::new(arg), collation }, pos), NONE))
            }
            _ => {
                let negated = self.kw(Kw::Not);
                self.match_operator(arg, negated, pos)
            }
        }
    }

    /// BETWEEN, IN, LIKE, ILIKE, SIMILAR TO, behind NOT if there was one.
    fn match_operator(&mut self, arg: Expr, negated: bool, pos: Pos) -> Result<(Expr, u8)> {
        if self.kw(Kw::Between) {
            return self.between(arg, negated, pos);
        }
        if self.kw(Kw::In) {
            return Ok((self.in_list(arg, negated, pos)?, NONE));
        }
        let kind = match self.any(&[Kw::Like, Kw::Ilike, Kw::Similar]) {
            Some(Kw::Like) => LikeKind::Like,
            Some(Kw::Ilike) => LikeKind::ILike,
            _ => {
                self.expect_kw(Kw::To)?;
                LikeKind::SimilarTo
            }
        };
        if kind != LikeKind::SimilarTo && self.at_any(&[Kw::Any, Kw::Some, Kw::All]) {
            let name = match (kind, negated) {
                (LikeKind::Like, false) => "~~",
                (LikeKind::Like, true) => "!~~",
                (_, false) => "~~*",
                (_, true) => "!~~*",
            };
            return Ok((self.quantified(arg, OperatorName::plain(name, pos))?, NONE));
        }
        let pattern = Box::new(self.climb(MATCH + 1, false)?);
        let escape = match self.kw(Kw::Escape) {
            true => Some(Box::new(self.climb(MATCH + 1, false)?)),
            false => None,
        };
        Ok((node(ExprKind::Like { kind, negated, arg: Box::new(arg), pattern, escape }, pos), MATCH))
    }

    fn between(&mut self, arg: Expr, negated: bool, pos: Pos) -> Result<(Expr, u8)> {
        let symmetric = self.any(&[Kw::Symmetric, Kw::Asymmetric]) == Some(Kw::Symmetric);
        let low = Box::new(self.b_expr()?);
        self.expect_kw(Kw::And)?;
        let high = Box::new(self.climb(MATCH + 1, false)?);
        Ok((node(ExprKind::Between { negated, symmetric, arg: Box::new(arg), low, high }, pos), MATCH))
    }

    /// `in_expr`.
    fn in_list(&mut self, arg: Expr, negated: bool, pos: Pos) -> Result<Expr> {
        let arg = Box::new(arg);
        let kind = match self.paren(true)? {
            Paren::Query(query) => ExprKind::InSubquery { negated, arg, query },
            Paren::Exprs(list) => ExprKind::InList { negated, arg, list },
        };
        Ok(node(kind, pos))
    }

    /// IS [NOT] ...; a `b_expr` has only DISTINCT FROM and DOCUMENT.
    #[inline(never)]
    fn is(&mut self, left: Expr, restricted: bool) -> Result<(Expr, u8)> {
        let pos = self.advance().pos();
        if self.at_kw(Kw::Not) && self.not_la() {
            return Err(self.unexpected());
        }
        let negated = self.kw(Kw::Not);
        if self.kw(Kw::Distinct) {
            self.expect_kw(Kw::From)?;
            let right = Box::new(self.climb(IS + 1, restricted)?);
            return Ok((node(ExprKind::IsDistinctFrom { negated, left: Box::new(left), right }, pos), IS));
        }
        let arg = Box::new(left);
        if self.kw(Kw::Document) {
            return Ok((node(ExprKind::IsDocument { negated, arg }, pos), NONE));
        }
        if restricted {
            return Err(self.unexpected());
        }
        let kind = match self.any(&[Kw::Null, Kw::True, Kw::False, Kw::Unknown]) {
            Some(Kw::Null) => ExprKind::IsNull { negated, arg },
            Some(Kw::True) => ExprKind::IsBool { negated, test: BoolTest::True, arg },
            Some(Kw::False) => ExprKind::IsBool { negated, test: BoolTest::False, arg },
            Some(_) => ExprKind::IsBool { negated, test: BoolTest::Unknown, arg },
            None => {
                let form = self.opt_normal_form();
                self.expect_kw(Kw::Normalized)?;
                ExprKind::IsNormalized { negated, form, arg }
            }
        };
        Ok((node(kind, pos), NONE))
    }

    /// `unicode_normal_form`, or nothing.
    pub(super) fn opt_normal_form(&mut self) -> Option<NormalForm> {
        Some(match self.any(&[Kw::Nfc, Kw::Nfd, Kw::Nfkc, Kw::Nfkd])? {
            Kw::Nfc => NormalForm::Nfc,
            Kw::Nfd => NormalForm::Nfd,
            Kw::Nfkc => NormalForm::Nfkc,
            _ => NormalForm::Nfkd,
        })
    }

    /// A parenthesis that may hold a query, an expression or, with `list`, several. Which of them it is shows at the
    /// first word behind any number of opening parentheses, except that a parenthesised query may turn out to be the
    /// first operand of a larger query or of an expression; that shows behind its closing parenthesis.
    pub(super) fn paren(&mut self, list: bool) -> Result<Paren> {
        self.enter()?;
        let open = self.expect(Tok::LParen)?;
        debug_assert_eq!(open.kind, Tok::LParen);
        let first = if self.at_query_start() {
            let query = self.select_no_parens()?;
            return self.close_query(query);
        } else if self.at(Tok::LParen) {
            let pos = self.pos();
            match self.paren(true)? {
                Paren::Query(query) if self.at(Tok::RParen) => return self.close_query(*query),
                Paren::Query(query) if self.at_query_tail() => {
                    let query = self.select_behind_parens(*query)?;
                    return self.close_query(query);
                }
                inner => self.behind_paren(inner, pos)?,
            }
        } else {
            self.a_expr()?
        };
        let mut exprs = vec![first];
        while list && self.take(Tok::Comma) {
            exprs.push(self.a_expr()?);
        }
        self.expect(Tok::RParen)?;
        self.leave();
        Ok(Paren::Exprs(exprs))
    }

    fn close_query(&mut self, query: Query) -> Result<Paren> {
        self.expect(Tok::RParen)?;
        self.leave();
        Ok(Paren::Query(Box::new(query)))
    }

    /// The rest of an expression that began with a parenthesis now closed.
    #[inline(never)]
    fn behind_paren(&mut self, inner: Paren, pos: Pos) -> Result<Expr> {
        let context = std::mem::replace(&mut self.context, Context::Plain);
        let mut primary = self.paren_primary(inner, pos)?;
        if matches!(primary.kind, ExprKind::Row { .. }) && self.at_kw(Kw::Overlaps) {
            primary = self.overlaps(primary)?;
        }
        let expr = self.operators(primary, 0, false)?;
        self.context = context;
        Ok(expr)
    }
}

/// Turns the sign of a number; false if the constant is none.
fn negate(constant: &mut Constant) -> bool {
    let text = match constant {
        Constant::Integer(i) => match i.checked_neg() {
            Some(negated) => {
                *i = negated;
                return true;
            }
            None => i.unsigned_abs().to_string(),
        },
        Constant::Float(text) => match text.strip_prefix('-') {
            Some(positive) => positive.to_string(),
            None => format!("-{text}"),
        },
        _ => return false,
    };
    *constant = text.parse().map_or(Constant::Float(text), Constant::Integer);
    true
}
