//! Names of types: `Typename`, `SimpleTypename`, `func_type` and SQL's own spellings.

use super::ast::*;
use super::cursor::Parser;
use super::keywords::Keyword as Kw;
use super::lexer::Tok;
use crate::base::{Error, Result, SqlState};

/// `SystemTypeName`: a type of `pg_catalog`.
fn system(name: &str, modifiers: Vec<Expr>, pos: Pos) -> TypeName {
    let parts = vec![Ident::new("pg_catalog", pos), Ident::new(name, pos)];
    TypeName {
        name: QualifiedName { parts },
        percent_type: false,
        setof: false,
        modifiers,
        interval_fields: None,
        array_bounds: Vec::new(),
        pos,
    }
}

fn integer_constant(value: i32, pos: Pos) -> Expr {
    Expr::new(ExprKind::Const(Constant::Integer(value)), pos)
}

impl Parser<'_> {
    /// `Typename`.
    pub(super) fn type_name(&mut self) -> Result<TypeName> {
        let setof = self.kw(Kw::Setof);
        let mut name = self.simple_type_name()?;
        name.setof = setof;
        self.array_bounds(&mut name)?;
        Ok(name)
    }

    /// `func_type`: also `name%TYPE`.
    pub(super) fn func_type(&mut self) -> Result<TypeName> {
        let mut ahead = usize::from(self.at_kw(Kw::Setof));
        while self.peek_at(ahead + 1) == Tok::Dot {
            ahead += 2;
        }
        let percent = ahead > 1 && self.peek_at(ahead + 1) == Tok::Percent && self.kw_at(ahead + 2) == Some(Kw::Type);
        if !percent {
            return self.type_name();
        }
        let setof = self.kw(Kw::Setof);
        let pos = self.pos();
        let first = self.type_function_name()?;
        let name = self.attrs(first)?;
        self.expect(Tok::Percent)?;
        self.expect_kw(Kw::Type)?;
        Ok(TypeName { name, percent_type: true, setof, ..system("", Vec::new(), pos) })
    }

    /// `opt_array_bounds`, and `ARRAY [n]`.
    fn array_bounds(&mut self, name: &mut TypeName) -> Result<()> {
        if self.kw(Kw::Array) {
            let bound = if self.at(Tok::LBracket) { self.array_bound(false)? } else { None };
            name.array_bounds.push(bound);
            return Ok(());
        }
        while self.at(Tok::LBracket) {
            let bound = self.array_bound(true)?;
            name.array_bounds.push(bound);
        }
        Ok(())
    }

    fn array_bound(&mut self, optional: bool) -> Result<Option<i32>> {
        self.expect(Tok::LBracket)?;
        let bound = if optional && self.at(Tok::RBracket) { None } else { Some(self.integer()?) };
        self.expect(Tok::RBracket)?;
        Ok(bound)
    }

    /// `SimpleTypename`.
    fn simple_type_name(&mut self) -> Result<TypeName> {
        let pos = self.pos();
        let Tok::Keyword(k) = self.peek() else { return self.generic_type() };
        if k == Kw::Interval {
            self.advance();
            return self.interval_type(pos);
        }
        match self.sql_type(k, pos, false)? {
            Some(name) => Ok(name),
            None => self.generic_type(),
        }
    }

    /// `GenericType`.
    fn generic_type(&mut self) -> Result<TypeName> {
        let first = self.type_function_name()?;
        let pos = first.pos;
        let name = self.attrs(first)?;
        let modifiers = self.opt_paren_list(Self::a_expr)?;
        Ok(TypeName { name, ..system("", modifiers, pos) })
    }

    /// `Numeric`, `Bit`, `Character`, `ConstDatetime`: a type that SQL spells with keywords. Of a literal
    /// (`ConstTypename`), a character or bit type without length has no limit, where a column would have length 1.
    pub(super) fn sql_type(&mut self, k: Kw, pos: Pos, of_literal: bool) -> Result<Option<TypeName>> {
        let plain = match k {
            Kw::Int | Kw::Integer => "int4",
            Kw::Smallint => "int2",
            Kw::Bigint => "int8",
            Kw::Real => "float4",
            Kw::Boolean => "bool",
            Kw::Double if self.kw_at(1) == Some(Kw::Precision) => {
                self.advance();
                "float8"
            }
            Kw::Float => {
                self.advance();
                return self.float_type(pos).map(Some);
            }
            Kw::Decimal | Kw::Dec | Kw::Numeric => {
                self.advance();
                let modifiers = self.opt_paren_list(Self::a_expr)?;
                return Ok(Some(system("numeric", modifiers, pos)));
            }
            Kw::Bit => {
                self.advance();
                return self.bit_type(pos, of_literal).map(Some);
            }
            Kw::Character | Kw::Char | Kw::Varchar | Kw::National | Kw::Nchar => {
                return self.character_type(pos, of_literal).map(Some);
            }
            Kw::Time | Kw::Timestamp => {
                self.advance();
                return self.datetime_type(k, pos).map(Some);
            }
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(system(plain, Vec::new(), pos)))
    }

    /// `opt_float`.
    fn float_type(&mut self, pos: Pos) -> Result<TypeName> {
        if !self.take(Tok::LParen) {
            return Ok(system("float8", Vec::new(), pos));
        }
        let at = self.pos();
        let bits = self.integer()?;
        self.expect(Tok::RParen)?;
        let invalid = |message: &str| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(at));
        match bits {
            ..1 => invalid("precision for type float must be at least 1 bit"),
            1..=24 => Ok(system("float4", Vec::new(), pos)),
            25..=53 => Ok(system("float8", Vec::new(), pos)),
            _ => invalid("precision for type float must be less than 54 bits"),
        }
    }

    /// `BitWithLength`, `BitWithoutLength`.
    fn bit_type(&mut self, pos: Pos, of_literal: bool) -> Result<TypeName> {
        let varying = self.kw(Kw::Varying);
        let mut modifiers = self.opt_paren_list(Self::a_expr)?;
        if modifiers.is_empty() && !varying && !of_literal {
            modifiers.push(integer_constant(1, pos));
        }
        Ok(system(if varying { "varbit" } else { "bit" }, modifiers, pos))
    }

    /// `CharacterWithLength`, `CharacterWithoutLength`.
    fn character_type(&mut self, pos: Pos, of_literal: bool) -> Result<TypeName> {
        let varchar = if self.kw(Kw::Varchar) {
            true
        } else {
            if self.kw(Kw::National) {
                self.any(&[Kw::Character, Kw::Char]).ok_or_else(|| self.unexpected())?;
            } else {
                self.any(&[Kw::Character, Kw::Char, Kw::Nchar]);
            }
            self.kw(Kw::Varying)
        };
        let name = if varchar { "varchar" } else { "bpchar" };
        if self.at(Tok::LParen) {
            let at = self.pos();
            let length = self.parens(Self::integer)?;
            return Ok(system(name, vec![integer_constant(length, at + 1)], pos));
        }
        let modifiers = if varchar || of_literal { Vec::new() } else { vec![integer_constant(1, pos)] };
        Ok(system(name, modifiers, pos))
    }

    /// `ConstDatetime` behind its keyword.
    fn datetime_type(&mut self, k: Kw, pos: Pos) -> Result<TypeName> {
        let modifiers = self.opt_precision()?;
        let zoned = if self.at_seq(&[Kw::With, Kw::Time]) {
            self.expect_seq(&[Kw::With, Kw::Time, Kw::Zone])?;
            true
        } else {
            if self.kw(Kw::Without) {
                self.expect_seq(&[Kw::Time, Kw::Zone])?;
            }
            false
        };
        let name = match (k, zoned) {
            (Kw::Time, false) => "time",
            (Kw::Time, true) => "timetz",
            (_, false) => "timestamp",
            (_, true) => "timestamptz",
        };
        Ok(system(name, modifiers, pos))
    }

    /// `'(' Iconst ')'`, or nothing, as a list of modifiers.
    fn opt_precision(&mut self) -> Result<Vec<Expr>> {
        if !self.take(Tok::LParen) {
            return Ok(Vec::new());
        }
        let at = self.pos();
        let value = self.integer()?;
        self.expect(Tok::RParen)?;
        Ok(vec![integer_constant(value, at)])
    }

    /// `ConstInterval '(' Iconst ')'` or `ConstInterval opt_interval`, behind INTERVAL.
    fn interval_type(&mut self, pos: Pos) -> Result<TypeName> {
        let mut name = self.interval_precision(pos)?;
        if name.modifiers.is_empty() {
            self.opt_interval(&mut name)?;
        }
        Ok(name)
    }

    /// INTERVAL with its precision, before the literal or the fields.
    pub(super) fn interval_precision(&mut self, pos: Pos) -> Result<TypeName> {
        let modifiers = self.opt_precision()?;
        Ok(system("interval", modifiers, pos))
    }

    /// `opt_interval`.
    pub(super) fn opt_interval(&mut self, name: &mut TypeName) -> Result<()> {
        use IntervalFields::*;
        let Some(k) = self.any(&[Kw::Year, Kw::Month, Kw::Day, Kw::Hour, Kw::Minute, Kw::Second]) else {
            return Ok(());
        };
        let to: &[(Kw, IntervalFields)] = match k {
            Kw::Year => &[(Kw::Month, YearToMonth)],
            Kw::Day => &[(Kw::Hour, DayToHour), (Kw::Minute, DayToMinute), (Kw::Second, DayToSecond)],
            Kw::Hour => &[(Kw::Minute, HourToMinute), (Kw::Second, HourToSecond)],
            Kw::Minute => &[(Kw::Second, MinuteToSecond)],
            _ => &[],
        };
        let mut fields = match k {
            Kw::Year => Year,
            Kw::Month => Month,
            Kw::Day => Day,
            Kw::Hour => Hour,
            Kw::Minute => Minute,
            _ => Second,
        };
        let mut last = k;
        if !to.is_empty() && self.kw(Kw::To) {
            let found = to.iter().find(|(k, _)| self.at_kw(*k)).ok_or_else(|| self.unexpected())?;
            self.advance();
            (last, fields) = *found;
        }
        if last == Kw::Second {
            name.modifiers = self.opt_precision()?;
        }
        name.interval_fields = Some(fields);
        Ok(())
    }
}

/// The `pg_catalog` type of that name without modifiers, for nodes that imply one.
pub(super) fn system_type(name: &str, pos: Pos) -> TypeName {
    system(name, Vec::new(), pos)
}
