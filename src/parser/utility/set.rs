//! SET, RESET, SHOW and their special spellings.

use super::super::ast::*;
use super::super::cursor::{Parser, is_string, refuse};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::super::statement::not_yet;
use crate::base::Result;

impl Parser<'_> {
    /// `VariableSetStmt`, `ConstraintsSetStmt`.
    pub(in super::super) fn set_stmt(&mut self) -> Result<Statement> {
        self.advance();
        if self.at_kw(Kw::Constraints) && !self.at_generic_set() {
            return self.set_constraints();
        }
        let mut local = false;
        if self.at_any(&[Kw::Local, Kw::Session])
            && !self.at_generic_set()
            && !matches!(self.kw_at(1), Some(Kw::Authorization | Kw::Characteristics))
        {
            local = self.advance().kind == Tok::Keyword(Kw::Local);
        }
        Ok(Statement::Set(Box::new(self.set_rest(local)?)))
    }

    /// Whether a variable's name stands here with what must follow one, even if its word means more.
    fn at_generic_set(&self) -> bool {
        matches!(self.peek_at(1), Tok::Equal | Tok::Dot | Tok::Keyword(Kw::To | Kw::From))
    }

    /// `set_rest`.
    pub(in super::super) fn set_rest(&mut self, local: bool) -> Result<VariableSet> {
        if self.at_kw(Kw::Transaction) && !self.at_generic_set() && self.kw_at(1) != Some(Kw::Snapshot) {
            self.advance();
            return Ok(VariableSet { local, action: VariableAction::Transaction(self.transaction_modes()?) });
        }
        if self.at_seq(&[Kw::Session, Kw::Characteristics]) {
            self.advance();
            self.expect_seq(&[Kw::Characteristics, Kw::As, Kw::Transaction])?;
            let action = VariableAction::SessionCharacteristics(self.transaction_modes()?);
            return Ok(VariableSet { local, action });
        }
        self.set_rest_more(local)
    }

    /// `set_rest_more`.
    pub(in super::super) fn set_rest_more(&mut self, local: bool) -> Result<VariableSet> {
        let action = match self.peek() {
            Tok::Keyword(k) if !self.at_generic_set() => self.special_set(k)?,
            _ => None,
        };
        match action {
            Some(action) => Ok(VariableSet { local, action }),
            None => self.generic_set(local, true),
        }
    }

    /// `generic_set`; FROM CURRENT is not for ALTER SYSTEM.
    pub(super) fn generic_set(&mut self, local: bool, from_current: bool) -> Result<VariableSet> {
        let name = self.var_name()?;
        if from_current && self.kw(Kw::From) {
            self.expect_kw(Kw::Current)?;
            return Ok(VariableSet { local, action: VariableAction::SetCurrent { name } });
        }
        if !self.kw(Kw::To) {
            self.expect(Tok::Equal)?;
        }
        if self.kw(Kw::Default) {
            return Ok(VariableSet { local, action: VariableAction::SetDefault { name } });
        }
        let values = self.list(Self::var_value)?;
        Ok(VariableSet { local, action: VariableAction::Set { name, values } })
    }

    /// `var_name`.
    pub(super) fn var_name(&mut self) -> Result<String> {
        let mut name = self.col_id()?.name;
        while self.take(Tok::Dot) {
            name.push('.');
            name.push_str(&self.col_id()?.name);
        }
        Ok(name)
    }

    /// `var_value`.
    fn var_value(&mut self) -> Result<VariableValue> {
        let pos = self.pos();
        let kind = match self.peek() {
            Tok::Integer | Tok::Float | Tok::Plus | Tok::Minus => self.number()?,
            kind if is_string(kind) => VariableValueKind::String(self.string()?),
            Tok::Keyword(Kw::True | Kw::False | Kw::On) => VariableValueKind::Word(self.col_label()?.name),
            _ => VariableValueKind::Word(self.non_reserved_word()?.name),
        };
        Ok(VariableValue { kind, pos })
    }

    fn number(&mut self) -> Result<VariableValueKind> {
        let number = self.signed_number()?;
        Ok(number.parse().map_or(VariableValueKind::Float(number), VariableValueKind::Integer))
    }

    /// The spellings that are not `name = value`; `None` if this word begins none of them.
    fn special_set(&mut self, k: Kw) -> Result<Option<VariableAction>> {
        let pos = self.pos();
        let set = |name: &str, kind, pos| VariableAction::Set {
            name: name.to_string(),
            values: vec![VariableValue { kind, pos }],
        };
        let default = |name: &str| VariableAction::SetDefault { name: name.to_string() };
        Ok(Some(match k {
            Kw::Time if self.kw_at(1) == Some(Kw::Zone) => {
                self.advance();
                self.advance();
                match self.zone_value()? {
                    Some(value) => VariableAction::Set { name: "timezone".to_string(), values: vec![value] },
                    None => default("timezone"),
                }
            }
            Kw::Catalog if is_string(self.peek_at(1)) => {
                self.advance();
                return Err(not_yet("current database cannot be changed", self.pos()));
            }
            Kw::Schema if is_string(self.peek_at(1)) => {
                self.advance();
                let pos = self.pos();
                set("search_path", VariableValueKind::String(self.string()?), pos)
            }
            Kw::Names => {
                self.advance();
                let pos = self.pos();
                if is_string(self.peek()) {
                    set("client_encoding", VariableValueKind::String(self.string()?), pos)
                } else {
                    self.kw(Kw::Default);
                    default("client_encoding")
                }
            }
            Kw::Role => {
                self.advance();
                let pos = self.pos();
                set("role", self.word_value()?, pos)
            }
            Kw::Session if self.kw_at(1) == Some(Kw::Authorization) => {
                self.advance();
                self.advance();
                let pos = self.pos();
                if self.kw(Kw::Default) {
                    default("session_authorization")
                } else {
                    set("session_authorization", self.word_value()?, pos)
                }
            }
            Kw::Xml if self.kw_at(1) == Some(Kw::Option) => {
                self.advance();
                self.advance();
                match self.any(&[Kw::Document, Kw::Content]) {
                    Some(k) => set("xmloption", VariableValueKind::String(k.word().to_uppercase()), pos),
                    None => return Err(self.unexpected()),
                }
            }
            Kw::Transaction if self.kw_at(1) == Some(Kw::Snapshot) => {
                self.advance();
                self.advance();
                VariableAction::TransactionSnapshot(self.string()?)
            }
            _ => return Ok(None),
        }))
    }

    fn word_value(&mut self) -> Result<VariableValueKind> {
        if is_string(self.peek()) {
            return Ok(VariableValueKind::String(self.string()?));
        }
        Ok(VariableValueKind::Word(self.non_reserved_word()?.name))
    }

    /// `zone_value`: `None` for DEFAULT and LOCAL.
    fn zone_value(&mut self) -> Result<Option<VariableValue>> {
        let pos = self.pos();
        let kind = match self.peek() {
            Tok::Keyword(Kw::Default | Kw::Local) => {
                self.advance();
                return Ok(None);
            }
            Tok::Keyword(Kw::Interval) => self.zone_interval()?,
            Tok::Integer | Tok::Float | Tok::Plus | Tok::Minus => self.number()?,
            kind if is_string(kind) => VariableValueKind::String(self.string()?),
            kind if super::super::cursor::is_ident(kind) => VariableValueKind::Word(self.col_label()?.name),
            _ => return Err(self.unexpected()),
        };
        Ok(Some(VariableValue { kind, pos }))
    }

    fn zone_interval(&mut self) -> Result<VariableValueKind> {
        let pos = self.advance().pos();
        let mut target = self.interval_precision(pos)?;
        let value = self.string()?;
        let at = self.pos();
        if target.modifiers.is_empty() {
            self.opt_interval(&mut target)?;
        }
        if !matches!(target.interval_fields, None | Some(IntervalFields::Hour | IntervalFields::HourToMinute)) {
            return Err(refuse("time zone interval must be HOUR or HOUR TO MINUTE", at));
        }
        Ok(VariableValueKind::Interval { value, target: Box::new(target) })
    }

    /// The variables that RESET and SHOW spell in words of their own.
    fn spelled_name(&mut self) -> Result<String> {
        for (words, name) in [
            (&[Kw::Time, Kw::Zone][..], "timezone"),
            (&[Kw::Transaction, Kw::Isolation, Kw::Level], "transaction_isolation"),
            (&[Kw::Session, Kw::Authorization], "session_authorization"),
        ] {
            if self.at_seq(&words[..2]) {
                self.expect_seq(words)?;
                return Ok(name.to_string());
            }
        }
        self.var_name()
    }

    /// `VariableResetStmt`.
    pub(in super::super) fn reset_stmt(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::Set(Box::new(self.reset_rest()?)))
    }

    /// `reset_rest`.
    pub(in super::super) fn reset_rest(&mut self) -> Result<VariableSet> {
        let action = if self.kw(Kw::All) {
            VariableAction::ResetAll
        } else {
            VariableAction::Reset { name: self.spelled_name()? }
        };
        Ok(VariableSet { local: false, action })
    }

    /// `SetResetClause` of ALTER ROLE and ALTER DATABASE.
    pub(super) fn set_reset_clause(&mut self) -> Result<VariableSet> {
        match self.any(&[Kw::Set, Kw::Reset]) {
            Some(Kw::Set) => self.set_rest(false),
            Some(_) => self.reset_rest(),
            None => Err(self.unexpected()),
        }
    }

    /// `VariableShowStmt`.
    pub(in super::super) fn show_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let target = if self.kw(Kw::All) { ShowTarget::All } else { ShowTarget::Name(self.spelled_name()?) };
        Ok(Statement::Show(target))
    }

    /// `ConstraintsSetStmt`, from CONSTRAINTS on.
    fn set_constraints(&mut self) -> Result<Statement> {
        self.advance();
        let constraints = if self.kw(Kw::All) { Vec::new() } else { self.list(Self::relation_name)? };
        match self.any(&[Kw::Deferred, Kw::Immediate]) {
            Some(k) => {
                let deferred = k == Kw::Deferred;
                Ok(Statement::SetConstraints(Box::new(SetConstraints { constraints, deferred })))
            }
            None => Err(self.unexpected()),
        }
    }
}
