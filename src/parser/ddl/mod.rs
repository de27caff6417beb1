//! CREATE, ALTER and DROP: which object each is about, and the option lists they share.

mod alter;
mod alter_table;
mod constraint;
mod foreign;
mod function;
mod object;
mod operator;
mod relation;
mod table;
mod trigger;
mod types;

use super::ast::*;
use super::cursor::{Parser, is_col_label, is_string};
use super::keywords::{Keyword as Kw, KeywordClass};
use super::lexer::Tok;
use super::statement::not_yet;
use crate::base::Result;

impl Parser<'_> {
    /// Every statement that begins with CREATE.
    pub(super) fn create_stmt(&mut self) -> Result<Statement> {
        self.advance();
        if self.kw(Kw::Or) {
            self.expect_kw(Kw::Replace)?;
            return self.create_or_replace();
        }
        let Tok::Keyword(k) = self.peek() else { return Err(self.unexpected()) };
        match k {
            Kw::Table | Kw::Temp | Kw::Temporary | Kw::Local | Kw::Global | Kw::Unlogged => self.create_persistent(),
            Kw::Recursive | Kw::View => self.create_view(false, Persistence::Permanent),
            Kw::Materialized => self.create_materialized_view(Persistence::Permanent),
            Kw::Sequence => self.create_sequence(Persistence::Permanent),
            Kw::Unique | Kw::Index => self.create_index(),
            Kw::Schema => self.create_schema(),
            Kw::Type => self.create_type(),
            Kw::Domain => self.create_domain(),
            Kw::Policy => self.create_policy(),
            Kw::Statistics => self.create_statistics(),
            Kw::Role | Kw::Group => self.create_role(k),
            Kw::User if self.kw_at(1) == Some(Kw::Mapping) => self.create_user_mapping(),
            Kw::User => self.create_role(k),
            Kw::Database => self.create_database(),
            Kw::Tablespace => self.create_tablespace(),
            Kw::Extension => self.create_extension(),
            Kw::Event => self.create_event_trigger(),
            Kw::Foreign => self.create_foreign(),
            Kw::Server => self.create_server(),
            Kw::Publication => self.create_publication(),
            Kw::Subscription => self.create_subscription(),
            Kw::Access => self.create_access_method(),
            Kw::Collation => self.create_collation(),
            Kw::Text => self.create_text_search(),
            Kw::Cast => self.create_cast(),
            Kw::Conversion | Kw::Default => self.create_conversion(),
            Kw::Operator => self.create_operator(),
            Kw::Assertion => self.create_assertion(),
            _ => self.create_replaceable(false),
        }
    }

    fn create_or_replace(&mut self) -> Result<Statement> {
        match self.opt_temp()? {
            Some(persistence) => self.create_view(true, persistence),
            None if self.at_any(&[Kw::Recursive, Kw::View]) => self.create_view(true, Persistence::Permanent),
            None => self.create_replaceable(true),
        }
    }

    /// What takes OR REPLACE.
    fn create_replaceable(&mut self, or_replace: bool) -> Result<Statement> {
        match self.peek() {
            Tok::Keyword(Kw::Function | Kw::Procedure) => self.create_function(or_replace),
            Tok::Keyword(Kw::Aggregate) => self.create_aggregate(or_replace),
            Tok::Keyword(Kw::Trigger | Kw::Constraint) => self.create_trigger(or_replace),
            Tok::Keyword(Kw::Rule) => self.create_rule(or_replace),
            Tok::Keyword(Kw::Trusted | Kw::Procedural | Kw::Language) => self.create_language(or_replace),
            Tok::Keyword(Kw::Transform) => self.create_transform(or_replace),
            _ => Err(self.unexpected()),
        }
    }

    /// What takes TEMP or UNLOGGED: tables, sequences, views.
    fn create_persistent(&mut self) -> Result<Statement> {
        let persistence = self.opt_temp()?;
        let given = persistence.unwrap_or(Persistence::Permanent);
        match self.peek() {
            Tok::Keyword(Kw::Table) => self.create_table(given),
            Tok::Keyword(Kw::Sequence) => self.create_sequence(given),
            Tok::Keyword(Kw::Recursive | Kw::View) => self.create_view(false, given),
            Tok::Keyword(Kw::Materialized) if given == Persistence::Unlogged => self.create_materialized_view(given),
            _ => Err(self.unexpected()),
        }
    }

    fn create_assertion(&mut self) -> Result<Statement> {
        let pos = self.advance().pos();
        self.any_name()?;
        self.expect_kw(Kw::Check)?;
        self.parens(Self::a_expr)?;
        self.constraint_attributes()?;
        Err(not_yet("CREATE ASSERTION is not yet implemented", pos))
    }

    /// `definition`: `(name [= value], ...)`.
    pub(super) fn definition(&mut self) -> Result<Vec<DefElem>> {
        self.paren_list(Self::def_elem)
    }

    /// `opt_definition`: WITH definition.
    pub(super) fn opt_definition(&mut self) -> Result<Vec<DefElem>> {
        if self.kw(Kw::With) { self.definition() } else { Ok(Vec::new()) }
    }

    /// `def_elem`.
    fn def_elem(&mut self) -> Result<DefElem> {
        let name = self.col_label()?;
        let value = if self.take(Tok::Equal) { Some(self.def_arg()?) } else { None };
        Ok(plain_elem(name, value))
    }

    /// `def_arg`.
    pub(super) fn def_arg(&mut self) -> Result<DefValue> {
        match self.peek() {
            kind if is_string(kind) => Ok(DefValue::String(self.string()?)),
            Tok::Integer | Tok::Float => self.number_value(),
            Tok::Plus | Tok::Minus if matches!(self.peek_at(1), Tok::Integer | Tok::Float) => self.number_value(),
            Tok::Keyword(k) if k.class() == KeywordClass::Reserved || k == Kw::None => {
                self.advance();
                Ok(DefValue::Word(k.word().to_string()))
            }
            Tok::Keyword(Kw::Operator) if self.peek_at(1) == Tok::LParen => {
                Ok(DefValue::Operator(self.operator_in_parens()?))
            }
            kind if is_col_label(kind) => Ok(DefValue::Type(self.func_type()?)),
            _ => Ok(DefValue::Operator(self.all_op()?)),
        }
    }

    /// `NumericOnly`.
    pub(super) fn number_value(&mut self) -> Result<DefValue> {
        let number = self.signed_number()?;
        Ok(number.parse().map_or(DefValue::Float(number), DefValue::Integer))
    }

    /// `reloptions`: a definition whose names may have a namespace.
    pub(super) fn reloptions(&mut self) -> Result<Vec<DefElem>> {
        self.paren_list(|p| {
            let mut name = p.col_label()?;
            let mut namespace = None;
            if p.take(Tok::Dot) {
                namespace = Some(std::mem::replace(&mut name, p.col_label()?).name);
            }
            let value = if p.take(Tok::Equal) { Some(p.def_arg()?) } else { None };
            Ok(DefElem { namespace, ..plain_elem(name, value) })
        })
    }

    /// `opt_reloptions`: WITH reloptions.
    pub(super) fn opt_reloptions(&mut self) -> Result<Vec<DefElem>> {
        if self.kw(Kw::With) { self.reloptions() } else { Ok(Vec::new()) }
    }

    /// `create_generic_options`: OPTIONS (name 'value', ...), or nothing.
    pub(super) fn create_generic_options(&mut self) -> Result<Vec<DefElem>> {
        if !self.kw(Kw::Options) {
            return Ok(Vec::new());
        }
        self.paren_list(Self::generic_option)
    }

    fn generic_option(&mut self) -> Result<DefElem> {
        let name = self.col_label()?;
        let value = DefValue::String(self.string()?);
        Ok(plain_elem(name, Some(value)))
    }

    /// `alter_generic_options`, from OPTIONS on.
    pub(super) fn alter_generic_options(&mut self) -> Result<Vec<DefElem>> {
        self.expect_kw(Kw::Options)?;
        self.paren_list(|p| {
            // SET, ADD and DROP may also be the name of an option, which a string follows at once.
            let action = match p.peek() {
                _ if is_string(p.peek_at(1)) => DefAction::Plain,
                Tok::Keyword(Kw::Set) => DefAction::Set,
                Tok::Keyword(Kw::Add) => DefAction::Add,
                Tok::Keyword(Kw::Drop) => DefAction::Drop,
                _ => DefAction::Plain,
            };
            if action != DefAction::Plain {
                p.advance();
            }
            if action == DefAction::Drop {
                let name = p.col_label()?;
                return Ok(DefElem { action, ..plain_elem(name, None) });
            }
            Ok(DefElem { action, ..p.generic_option()? })
        })
    }

    /// `utility_option_list` in its parentheses: options of EXPLAIN, VACUUM and their like.
    pub(super) fn utility_options(&mut self) -> Result<Vec<DefElem>> {
        self.paren_list(|p| {
            let name = match p.peek() {
                Tok::Keyword(Kw::Analyze | Kw::Analyse) => Ident::new("analyze", p.advance().pos()),
                _ => p.non_reserved_word()?,
            };
            let value = match p.peek() {
                Tok::Comma | Tok::RParen => None,
                Tok::Plus | Tok::Minus | Tok::Integer | Tok::Float => Some(p.number_value()?),
                _ => Some(p.boolean_or_string()?),
            };
            Ok(plain_elem(name, value))
        })
    }

    /// `opt_boolean_or_string`.
    pub(super) fn boolean_or_string(&mut self) -> Result<DefValue> {
        if let Some(k) = self.any(&[Kw::True, Kw::False, Kw::On]) {
            return Ok(DefValue::Word(k.word().to_string()));
        }
        if is_string(self.peek()) {
            return Ok(DefValue::String(self.string()?));
        }
        Ok(DefValue::Word(self.non_reserved_word()?.name))
    }

    /// `NonReservedWord_or_Sconst`.
    pub(super) fn word_or_string(&mut self) -> Result<String> {
        if is_string(self.peek()) { self.string() } else { Ok(self.non_reserved_word()?.name) }
    }
}

/// `makeDefElem`.
pub(super) fn plain_elem(name: Ident, value: Option<DefValue>) -> DefElem {
    DefElem { namespace: None, name: name.name, value, action: DefAction::Plain, pos: name.pos }
}

/// An option that a word of the grammar stands for.
pub(super) fn word_elem(name: &str, value: Option<DefValue>, pos: Pos) -> DefElem {
    plain_elem(Ident::new(name, pos), value)
}
