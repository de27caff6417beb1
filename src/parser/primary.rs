//! `c_expr`: constants, column references, parentheses, CASE, rows, arrays, and what may follow a value in brackets
//! or behind a dot.

use super::ast::*;
use super::cursor::{Parser, is_col_id, is_string, is_type_function_name};
use super::expr::Paren;
use super::keywords::Keyword as Kw;
use super::lexer::{Tok, Token};
use super::literal;
use crate::base::Result;

fn node(kind: ExprKind, pos: Pos) -> Expr {
    Expr { kind, pos }
}

impl Parser<'_> {
    /// `c_expr`.
    pub(super) fn c_expr(&mut self) -> Result<Expr> {
        match self.peek() {
            Tok::Ident | Tok::QuotedIdent | Tok::UnicodeIdent => self.named(),
            Tok::Integer | Tok::Float => Ok(self.number_constant()),
            Tok::LParen => {
                let pos = self.pos();
                let inner = self.paren(true)?;
                self.paren_primary(inner, pos)
            }
            Tok::Param => self.param(),
            Tok::Keyword(k) => self.keyword_primary(k),
            Tok::BitString | Tok::HexString => Ok(self.bit_constant()),
            kind if is_string(kind) => self.string_constant(),
            _ => Err(self.unexpected()),
        }
    }

    #[inline(never)]
    fn number_constant(&mut self) -> Expr {
        let token = self.advance();
        let text = self.token_text(token);
        let constant = match token.kind {
            Tok::Integer => text.parse().map_or_else(|_| Constant::Float(text.to_string()), Constant::Integer),
            _ => Constant::Float(text.to_string()),
        };
        node(ExprKind::Const(constant), token.pos())
    }

    #[inline(never)]
    pub(super) fn string_constant(&mut self) -> Result<Expr> {
        let pos = self.pos();
        let value = self.string()?;
        Ok(node(ExprKind::Const(Constant::String(value)), pos))
    }

    #[inline(never)]
    fn bit_constant(&mut self) -> Expr {
        let token = self.advance();
        let digits = literal::plain_string(self.text, token.pos() + 1, token.end as usize);
        let letter = if token.kind == Tok::BitString { 'b' } else { 'x' };
        node(ExprKind::Const(Constant::BitString(format!("{letter}{digits}"))), token.pos())
    }

    #[inline(never)]
    fn param(&mut self) -> Result<Expr> {
        let token = self.advance();
        // As PostgreSQL's atol does, too great a number wraps.
        let digits = self.token_text(token)[1..].bytes();
        let number = digits.fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0'))) as i32;
        self.with_indirection(node(ExprKind::Param(number), token.pos()))
    }

    /// What a closed parenthesis means as a value: a subquery, a value, an implicit row; with `opt_indirection`.
    #[inline(never)]
    pub(super) fn paren_primary(&mut self, inner: Paren, pos: Pos) -> Result<Expr> {
        match inner {
            Paren::Query(query) => self.with_indirection(node(ExprKind::Subquery(query), pos)),
            Paren::Exprs(mut list) if list.len() == 1 => {
                let inner = list.pop().expect("its length is one");
                self.with_indirection(inner)
            }
            Paren::Exprs(fields) => Ok(node(ExprKind::Row { explicit: false, fields }, pos)),
        }
    }

    /// `opt_indirection` around a value.
    #[inline]
    fn with_indirection(&mut self, arg: Expr) -> Result<Expr> {
        if !matches!(self.peek(), Tok::LBracket | Tok::Dot) {
            return Ok(arg);
        }
        let pos = arg.pos;
        let steps = self.indirection()?;
        Ok(node(ExprKind::Indirection { arg: Box::new(arg), steps }, pos))
    }

    /// `opt_indirection`; a star may only be the last step (`check_indirection`).
    pub(super) fn indirection(&mut self) -> Result<Vec<Indirection>> {
        let mut steps = Vec::new();
        loop {
            let step = match self.peek() {
                Tok::Dot => {
                    self.advance();
                    if self.take(Tok::Star) { Indirection::Star } else { Indirection::Field(self.col_label()?) }
                }
                Tok::LBracket => self.subscript()?,
                _ => return Ok(steps),
            };
            steps.push(step);
            if matches!(steps.last(), Some(Indirection::Star)) && matches!(self.peek(), Tok::Dot | Tok::LBracket) {
                return Err(self.improper_star());
            }
        }
    }

    #[cold]
    fn improper_star(&mut self) -> crate::base::Error {
        match self.indirection() {
            Ok(_) => self.error_near("improper use of \"*\""),
            Err(e) => e,
        }
    }

    /// `[a]`, `[a:b]`, `[:b]`, `[a:]`, `[:]`.
    #[inline(never)]
    fn subscript(&mut self) -> Result<Indirection> {
        self.expect(Tok::LBracket)?;
        let lower = if self.at(Tok::Colon) { None } else { Some(self.a_expr()?) };
        let step = if self.take(Tok::Colon) {
            let upper = if self.at(Tok::RBracket) { None } else { Some(self.a_expr()?) };
            Indirection::Slice(lower, upper)
        } else {
            Indirection::Index(lower.expect("without a colon an expression was parsed"))
        };
        self.expect(Tok::RBracket)?;
        Ok(step)
    }

    /// What begins with a name: a column reference, a function call, or a literal of a named type.
    fn named(&mut self) -> Result<Expr> {
        let token = self.advance();
        let callable = is_type_function_name(token.kind);
        match self.peek() {
            Tok::Dot if is_col_id(token.kind) => self.dotted(token),
            Tok::LParen if callable => {
                let name = QualifiedName { parts: vec![self.name_of(token)?] };
                self.func_expr(name)
            }
            kind if is_string(kind) && callable => {
                let name = QualifiedName { parts: vec![self.name_of(token)?] };
                self.named_literal(name, Vec::new())
            }
            _ if is_col_id(token.kind) => {
                let column = ColumnRef { parts: vec![self.name_of(token)?], star: false };
                self.with_indirection(node(ExprKind::Column(column), token.pos()))
            }
            _ => Err(self.unexpected()),
        }
    }

    #[inline(never)]
    fn dotted(&mut self, first: Token) -> Result<Expr> {
        let mut parts = vec![self.name_of(first)?];
        let mut star = false;
        while !star && self.take(Tok::Dot) {
            star = self.take(Tok::Star);
            if !star {
                parts.push(self.col_label()?);
            }
        }
        if star && matches!(self.peek(), Tok::Dot | Tok::LBracket) {
            return Err(self.improper_star());
        }
        if !star && self.at(Tok::LParen) {
            return self.func_expr(QualifiedName { parts });
        }
        if !star && is_string(self.peek()) {
            return self.named_literal(QualifiedName { parts }, Vec::new());
        }
        let column = node(ExprKind::Column(ColumnRef { parts, star }), first.pos());
        if star { Ok(column) } else { self.with_indirection(column) }
    }

    /// `func_name Sconst`, with modifiers if there were any: a literal of that type.
    pub(super) fn named_literal(&mut self, name: QualifiedName, modifiers: Vec<Expr>) -> Result<Expr> {
        let mut target = super::types::system_type("", name.pos());
        target.name = name;
        target.modifiers = modifiers;
        self.literal_of(target)
    }

    /// The string of `type 'string'`; errors about it point at the string.
    fn literal_of(&mut self, target: TypeName) -> Result<Expr> {
        let arg = Box::new(self.string_constant()?);
        let pos = arg.pos;
        Ok(node(ExprKind::TypeCast { arg, target: Box::new(target), form: CastForm::Literal }, pos))
    }

    fn keyword_primary(&mut self, k: Kw) -> Result<Expr> {
        match k {
            Kw::True | Kw::False | Kw::Null => Ok(self.word_constant(k)),
            Kw::Case => self.case(),
            Kw::Exists if self.peek_at(1) == Tok::LParen => self.exists(),
            Kw::Array => self.array(),
            Kw::Row if self.peek_at(1) == Tok::LParen => self.row(),
            Kw::Grouping if self.peek_at(1) == Tok::LParen => self.grouping(),
            Kw::Interval => self.interval_literal(),
            Kw::Nulls if matches!(self.kw_at(1), Some(Kw::First | Kw::Last)) => Err(self.unexpected()),
            _ if self.at_typed_literal(k) => self.sql_literal(k),
            _ if self.at_special_function(k) => self.func_expr_common(k),
            _ if k.is_col_id() || k.is_type_function_name() => self.named(),
            _ => Err(self.unexpected()),
        }
    }

    fn word_constant(&mut self, k: Kw) -> Expr {
        let constant = match k {
            Kw::True => Constant::Bool(true),
            Kw::False => Constant::Bool(false),
            _ => Constant::Null,
        };
        let pos = self.advance().pos();
        node(ExprKind::Const(constant), pos)
    }

    /// Whether a type that SQL spells with keywords begins here, rather than a column of that name.
    fn at_typed_literal(&self, k: Kw) -> bool {
        let next = self.peek_at(1);
        let string = is_string(next);
        match k {
            Kw::Int | Kw::Integer | Kw::Smallint | Kw::Bigint | Kw::Real | Kw::Boolean => string,
            Kw::Double => next == Tok::Keyword(Kw::Precision),
            Kw::Float | Kw::Decimal | Kw::Dec | Kw::Numeric => string || next == Tok::LParen,
            Kw::Bit | Kw::Character | Kw::Char | Kw::Varchar | Kw::Nchar => {
                string || matches!(next, Tok::LParen | Tok::Keyword(Kw::Varying))
            }
            Kw::National => matches!(next, Tok::Keyword(Kw::Char | Kw::Character)),
            Kw::Time | Kw::Timestamp => {
                string
                    || matches!(next, Tok::LParen | Tok::Keyword(Kw::Without))
                    || next == Tok::Keyword(Kw::With) && self.kw_at(2) == Some(Kw::Time)
            }
            _ => false,
        }
    }

    /// `ConstTypename Sconst`.
    #[inline(never)]
    fn sql_literal(&mut self, k: Kw) -> Result<Expr> {
        let pos = self.pos();
        let target = self.sql_type(k, pos, true)?.ok_or_else(|| self.unexpected())?;
        self.literal_of(target)
    }

    /// `ConstInterval Sconst opt_interval`, `ConstInterval '(' Iconst ')' Sconst`, or a column called interval.
    #[inline(never)]
    fn interval_literal(&mut self) -> Result<Expr> {
        if !(self.peek_at(1) == Tok::LParen || is_string(self.peek_at(1))) {
            return self.named();
        }
        let pos = self.advance().pos();
        let mut target = self.interval_precision(pos)?;
        let arg = Box::new(self.string_constant()?);
        if target.modifiers.is_empty() {
            self.opt_interval(&mut target)?;
        }
        let pos = arg.pos;
        Ok(node(ExprKind::TypeCast { arg, target: Box::new(target), form: CastForm::Literal }, pos))
    }

    /// `case_expr`.
    #[inline(never)]
    fn case(&mut self) -> Result<Expr> {
        let pos = self.advance().pos();
        let operand = if self.at_kw(Kw::When) { None } else { Some(self.a_expr()?) };
        let mut whens = Vec::new();
        loop {
            let pos = self.pos();
            if !self.kw(Kw::When) {
                break;
            }
            let condition = self.a_expr()?;
            self.expect_kw(Kw::Then)?;
            let result = self.a_expr()?;
            whens.push(When { condition, result, pos });
        }
        if whens.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.kw(Kw::Else) { Some(self.a_expr()?) } else { None };
        self.expect_kw(Kw::End)?;
        Ok(node(ExprKind::Case(Box::new(Case { operand, whens, otherwise })), pos))
    }

    #[inline(never)]
    fn exists(&mut self) -> Result<Expr> {
        let pos = self.advance().pos();
        let query = self.select_with_parens()?;
        Ok(node(ExprKind::Exists(Box::new(query)), pos))
    }

    /// ARRAY(subquery) or ARRAY[...].
    #[inline(never)]
    fn array(&mut self) -> Result<Expr> {
        let pos = self.advance().pos();
        if self.at(Tok::LParen) {
            let query = self.select_with_parens()?;
            return Ok(node(ExprKind::ArraySubquery(Box::new(query)), pos));
        }
        let array = self.array_expr()?;
        Ok(node(array.kind, pos))
    }

    /// `array_expr`: expressions, or arrays again.
    fn array_expr(&mut self) -> Result<Expr> {
        self.enter()?;
        let pos = self.expect(Tok::LBracket)?.pos();
        let elements = match self.peek() {
            Tok::RBracket => Vec::new(),
            Tok::LBracket => {
                let outer = std::mem::replace(&mut self.height, 0);
                let elements = self.list(Self::array_expr)?;
                let height = self.height + 1;
                self.raise(height)?;
                self.height = self.height.max(outer);
                elements
            }
            _ => self.expr_list()?,
        };
        self.expect(Tok::RBracket)?;
        self.leave();
        Ok(node(ExprKind::Array(elements), pos))
    }

    /// `explicit_row`.
    #[inline(never)]
    fn row(&mut self) -> Result<Expr> {
        let pos = self.advance().pos();
        self.expect(Tok::LParen)?;
        let fields = if self.at(Tok::RParen) { Vec::new() } else { self.expr_list()? };
        self.expect(Tok::RParen)?;
        Ok(node(ExprKind::Row { explicit: true, fields }, pos))
    }

    #[inline(never)]
    fn grouping(&mut self) -> Result<Expr> {
        let pos = self.advance().pos();
        let args = self.paren_list(Self::a_expr)?;
        Ok(node(ExprKind::Grouping(args), pos))
    }
}
