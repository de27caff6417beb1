//! Constraints of columns and tables: `ColQualList`, `TableConstraint`, `ConstraintAttributeSpec`.

use super::super::ast::*;
use super::super::cursor::{Parser, refuse};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::super::statement::not_yet;
use crate::base::{Error, Result, SqlState};

/// `ConstraintAttributeSpec`, with NO INHERIT still among the rest, and where it stood.
#[derive(Default)]
pub(super) struct Attributes {
    timing: ConstraintTiming,
    no_inherit: bool,
    pos: Pos,
}

impl Attributes {
    /// `processCASbits`: what this kind of constraint can be marked.
    fn check(&self, kind: &str, deferrable: bool, not_valid: bool, no_inherit: bool) -> Result<()> {
        let t = &self.timing;
        let refused = |mark: &str| Err(not_yet(format!("{kind} constraints cannot be marked {mark}"), self.pos));
        if (t.deferrable == Some(true) || t.initially_deferred == Some(true)) && !deferrable {
            return refused("DEFERRABLE");
        }
        if t.not_valid && !not_valid {
            return refused("NOT VALID");
        }
        if self.no_inherit && !no_inherit {
            return refused("NO INHERIT");
        }
        Ok(())
    }
}

impl Parser<'_> {
    /// `ColQualList`: constraints, their attributes behind them, and COLLATE.
    pub(super) fn column_qualifiers(&mut self, column: &mut ColumnDef) -> Result<()> {
        loop {
            let pos = self.pos();
            if self.kw(Kw::Collate) {
                let collation = self.any_name()?;
                if column.collation.replace(collation).is_some() {
                    return Err(refuse("multiple COLLATE clauses not allowed", pos));
                }
            } else if self.at_constraint_attribute() {
                self.column_attribute(&mut column.constraints, pos)?;
            } else if let Some(constraint) = self.opt_column_constraint()? {
                column.constraints.push(constraint);
            } else {
                return Ok(());
            }
        }
    }

    fn at_constraint_attribute(&self) -> bool {
        match self.peek() {
            Tok::Keyword(Kw::Deferrable | Kw::Initially) => true,
            Tok::Keyword(Kw::Not) => self.kw_at(1) == Some(Kw::Deferrable),
            _ => false,
        }
    }

    /// `ConstraintAttr`, which belongs to the constraint before it (`transformConstraintAttrs`).
    fn column_attribute(&mut self, constraints: &mut [ColumnConstraint], pos: Pos) -> Result<()> {
        let (what, deferrable, value) = match self.any(&[Kw::Deferrable, Kw::Not, Kw::Initially]) {
            Some(Kw::Deferrable) => ("DEFERRABLE", true, true),
            Some(Kw::Not) => {
                self.expect_kw(Kw::Deferrable)?;
                ("NOT DEFERRABLE", true, false)
            }
            _ => match self.any(&[Kw::Deferred, Kw::Immediate]) {
                Some(Kw::Deferred) => ("INITIALLY DEFERRED", false, true),
                Some(_) => ("INITIALLY IMMEDIATE", false, false),
                None => return Err(self.unexpected()),
            },
        };
        let takes = |kind: &ColumnConstraintKind| {
            matches!(
                kind,
                ColumnConstraintKind::PrimaryKey { .. }
                    | ColumnConstraintKind::Unique { .. }
                    | ColumnConstraintKind::References(_)
            )
        };
        let Some(last) = constraints.last_mut().filter(|c| takes(&c.kind)) else {
            return Err(refuse(format!("misplaced {what} clause"), pos));
        };
        let (slot, again) = match deferrable {
            true => (&mut last.timing.deferrable, "DEFERRABLE/NOT DEFERRABLE"),
            false => (&mut last.timing.initially_deferred, "INITIALLY IMMEDIATE/DEFERRED"),
        };
        if slot.replace(value).is_some() {
            return Err(refuse(format!("multiple {again} clauses not allowed"), pos));
        }
        imply_deferrable(&mut last.timing).then_some(()).ok_or_else(|| must_be_deferrable(pos))
    }

    /// `ColConstraint`.
    pub(super) fn opt_column_constraint(&mut self) -> Result<Option<ColumnConstraint>> {
        let pos = self.pos();
        let name = if self.kw(Kw::Constraint) { Some(self.col_id()?) } else { None };
        match self.opt_column_constraint_kind()? {
            Some(kind) => Ok(Some(ColumnConstraint { name, kind, timing: ConstraintTiming::default(), pos })),
            None if name.is_some() => Err(self.unexpected()),
            None => Ok(None),
        }
    }

    /// `ColConstraintElem`.
    fn opt_column_constraint_kind(&mut self) -> Result<Option<ColumnConstraintKind>> {
        let Tok::Keyword(k) = self.peek() else { return Ok(None) };
        if !matches!(
            k,
            Kw::Not | Kw::Null | Kw::Unique | Kw::Primary | Kw::Check | Kw::Default | Kw::Generated | Kw::References
        ) {
            return Ok(None);
        }
        self.advance();
        Ok(Some(match k {
            Kw::Not => self.expect_kw(Kw::Null).map(|()| ColumnConstraintKind::NotNull)?,
            Kw::Null => ColumnConstraintKind::Null,
            Kw::Unique => ColumnConstraintKind::Unique {
                nulls_not_distinct: self.null_treatment()?,
                options: self.opt_definition()?,
                tablespace: self.opt_constraint_tablespace()?,
            },
            Kw::Primary => {
                self.expect_kw(Kw::Key)?;
                let options = self.opt_definition()?;
                ColumnConstraintKind::PrimaryKey { options, tablespace: self.opt_constraint_tablespace()? }
            }
            Kw::Check => {
                let expr = self.parens(|p| p.sourced(Self::a_expr))?;
                ColumnConstraintKind::Check { expr, no_inherit: self.opt_no_inherit()? }
            }
            Kw::Default => ColumnConstraintKind::Default(self.sourced(Self::b_expr)?),
            Kw::Generated => self.generated()?,
            _ => ColumnConstraintKind::References(self.references()?),
        }))
    }

    /// `opt_no_inherit`.
    fn opt_no_inherit(&mut self) -> Result<bool> {
        if !self.kw(Kw::No) {
            return Ok(false);
        }
        self.expect_kw(Kw::Inherit)?;
        Ok(true)
    }

    /// `opt_unique_null_treatment`: true for NULLS NOT DISTINCT.
    pub(super) fn null_treatment(&mut self) -> Result<bool> {
        if !self.kw(Kw::Nulls) {
            return Ok(false);
        }
        let not = self.kw(Kw::Not);
        self.expect_kw(Kw::Distinct)?;
        Ok(not)
    }

    /// `OptConsTableSpace`.
    fn opt_constraint_tablespace(&mut self) -> Result<Option<Ident>> {
        if !self.kw(Kw::Using) {
            return Ok(None);
        }
        self.expect_seq(&[Kw::Index, Kw::Tablespace])?;
        self.col_id().map(Some)
    }

    /// `generated_when`: true for ALWAYS.
    pub(super) fn generated_when(&mut self) -> Result<bool> {
        if self.kw(Kw::Always) {
            return Ok(true);
        }
        self.expect_seq(&[Kw::By, Kw::Default])?;
        Ok(false)
    }

    /// GENERATED ... AS IDENTITY or AS (expression) STORED, behind GENERATED.
    fn generated(&mut self) -> Result<ColumnConstraintKind> {
        let pos = self.pos();
        let always = self.generated_when()?;
        self.expect_kw(Kw::As)?;
        if self.kw(Kw::Identity) {
            let options = if self.at(Tok::LParen) { self.parens(Self::sequence_options)? } else { Vec::new() };
            return Ok(ColumnConstraintKind::Identity { always, options });
        }
        let expr = self.parens(|p| p.sourced(Self::a_expr))?;
        self.expect_kw(Kw::Stored)?;
        if !always {
            return Err(refuse("for a generated column, GENERATED ALWAYS must be specified", pos));
        }
        Ok(ColumnConstraintKind::Generated(expr))
    }

    /// What follows REFERENCES.
    fn references(&mut self) -> Result<References> {
        let table = self.relation_name()?;
        let columns = self.opt_columns()?;
        let mut references = References {
            table,
            columns,
            match_type: self.key_match()?,
            on_delete: ReferentialAction::NoAction,
            on_delete_columns: Vec::new(),
            on_update: ReferentialAction::NoAction,
        };
        self.key_actions(&mut references)?;
        Ok(references)
    }

    /// `key_match`.
    fn key_match(&mut self) -> Result<MatchType> {
        let pos = self.pos();
        if !self.kw(Kw::Match) {
            return Ok(MatchType::Simple);
        }
        match self.any(&[Kw::Full, Kw::Partial, Kw::Simple]) {
            Some(Kw::Full) => Ok(MatchType::Full),
            Some(Kw::Partial) => Err(not_yet("MATCH PARTIAL not yet implemented", pos)),
            Some(_) => Ok(MatchType::Simple),
            None => Err(self.unexpected()),
        }
    }

    /// `key_actions`: ON DELETE and ON UPDATE, each at most once.
    fn key_actions(&mut self, references: &mut References) -> Result<()> {
        let (mut deleted, mut updated) = (false, false);
        while self.at_kw(Kw::On) {
            match self.kw_at(1) {
                Some(Kw::Delete) if !deleted => {
                    deleted = true;
                    self.advance();
                    self.advance();
                    (references.on_delete, references.on_delete_columns) = self.key_action()?;
                }
                Some(Kw::Update) if !updated => {
                    updated = true;
                    let pos = self.advance().pos();
                    self.advance();
                    let (action, columns) = self.key_action()?;
                    if !columns.is_empty() {
                        let name = if action == ReferentialAction::SetNull { "SET NULL" } else { "SET DEFAULT" };
                        let message = format!("a column list with {name} is only supported for ON DELETE actions");
                        return Err(not_yet(message, pos));
                    }
                    references.on_update = action;
                }
                _ => {
                    self.advance();
                    return Err(self.unexpected());
                }
            }
        }
        Ok(())
    }

    /// `key_action`.
    fn key_action(&mut self) -> Result<(ReferentialAction, Vec<Ident>)> {
        let action = match self.any(&[Kw::No, Kw::Restrict, Kw::Cascade, Kw::Set]) {
            Some(Kw::No) => self.expect_kw(Kw::Action).map(|()| ReferentialAction::NoAction)?,
            Some(Kw::Restrict) => ReferentialAction::Restrict,
            Some(Kw::Cascade) => ReferentialAction::Cascade,
            Some(_) => match self.any(&[Kw::Null, Kw::Default]) {
                Some(Kw::Null) => return Ok((ReferentialAction::SetNull, self.opt_columns()?)),
                Some(_) => return Ok((ReferentialAction::SetDefault, self.opt_columns()?)),
                None => return Err(self.unexpected()),
            },
            None => return Err(self.unexpected()),
        };
        Ok((action, Vec::new()))
    }

    pub(super) fn at_table_constraint(&self) -> bool {
        match self.peek() {
            Tok::Keyword(Kw::Constraint | Kw::Check | Kw::Unique | Kw::Primary | Kw::Foreign) => true,
            Tok::Keyword(Kw::Exclude) => matches!(self.peek_at(1), Tok::LParen | Tok::Keyword(Kw::Using)),
            _ => false,
        }
    }

    /// `TableConstraint`.
    pub(super) fn table_constraint(&mut self) -> Result<TableConstraint> {
        let pos = self.pos();
        let name = if self.kw(Kw::Constraint) { Some(self.col_id()?) } else { None };
        let (kind, timing) = self.table_constraint_kind()?;
        Ok(TableConstraint { name, kind, timing, pos })
    }

    /// `ConstraintElem`.
    fn table_constraint_kind(&mut self) -> Result<(TableConstraintKind, ConstraintTiming)> {
        match self.any(&[Kw::Check, Kw::Unique, Kw::Primary, Kw::Foreign, Kw::Exclude]) {
            Some(Kw::Check) => {
                let expr = self.parens(|p| p.sourced(Self::a_expr))?;
                let marks = self.constraint_attributes()?;
                marks.check("CHECK", false, true, true)?;
                Ok((TableConstraintKind::Check { expr, no_inherit: marks.no_inherit }, marks.timing))
            }
            Some(Kw::Unique) => {
                let nulls_not_distinct = self.null_treatment()?;
                let (keys, timing) = self.constraint_keys("UNIQUE", nulls_not_distinct)?;
                Ok((TableConstraintKind::Unique { nulls_not_distinct, keys }, timing))
            }
            Some(Kw::Primary) => {
                self.expect_kw(Kw::Key)?;
                let (keys, timing) = self.constraint_keys("PRIMARY KEY", false)?;
                Ok((TableConstraintKind::PrimaryKey(keys), timing))
            }
            Some(Kw::Foreign) => {
                self.expect_kw(Kw::Key)?;
                let columns = self.paren_list(Self::col_id)?;
                self.expect_kw(Kw::References)?;
                let references = self.references()?;
                let marks = self.constraint_attributes()?;
                marks.check("FOREIGN KEY", true, true, false)?;
                Ok((TableConstraintKind::ForeignKey { columns, references }, marks.timing))
            }
            Some(_) => self.exclude(),
            None => Err(self.unexpected()),
        }
    }

    /// What follows UNIQUE and PRIMARY KEY of a table.
    fn constraint_keys(&mut self, kind: &str, treated: bool) -> Result<(ConstraintKeys, ConstraintTiming)> {
        let keys = if !treated && self.kw(Kw::Using) {
            self.expect_kw(Kw::Index)?;
            ConstraintKeys::Index(self.col_id()?)
        } else {
            ConstraintKeys::Columns {
                columns: self.paren_list(Self::col_id)?,
                include: self.opt_constraint_include()?,
                options: self.opt_definition()?,
                tablespace: self.opt_constraint_tablespace()?,
            }
        };
        let marks = self.constraint_attributes()?;
        marks.check(kind, true, false, false)?;
        Ok((keys, marks.timing))
    }

    /// `opt_c_include`.
    fn opt_constraint_include(&mut self) -> Result<Vec<Ident>> {
        if self.kw(Kw::Include) { self.paren_list(Self::col_id) } else { Ok(Vec::new()) }
    }

    /// EXCLUDE behind its keyword.
    fn exclude(&mut self) -> Result<(TableConstraintKind, ConstraintTiming)> {
        let method = if self.kw(Kw::Using) { Some(self.col_id()?) } else { None };
        let elements = self.paren_list(|p| {
            let element = p.index_elem()?;
            p.expect_kw(Kw::With)?;
            let operator = if p.at_kw(Kw::Operator) { p.operator_in_parens()? } else { p.any_operator()? };
            Ok(ExcludeElement { element, operator })
        })?;
        let include = self.opt_constraint_include()?;
        let options = self.opt_definition()?;
        let tablespace = self.opt_constraint_tablespace()?;
        let filter = if self.kw(Kw::Where) { Some(self.parens(Self::a_expr)?) } else { None };
        let marks = self.constraint_attributes()?;
        marks.check("EXCLUDE", true, false, false)?;
        Ok((TableConstraintKind::Exclude { method, elements, include, options, tablespace, filter }, marks.timing))
    }

    /// `ConstraintAttributeSpec`.
    pub(super) fn constraint_attributes(&mut self) -> Result<Attributes> {
        let mut marks = Attributes { pos: self.pos(), ..Attributes::default() };
        loop {
            let pos = self.pos();
            let conflict = match self.peek() {
                Tok::Keyword(Kw::Deferrable) => {
                    self.advance();
                    marks.timing.deferrable.replace(true) == Some(false)
                }
                Tok::Keyword(Kw::Initially) => {
                    self.advance();
                    let Some(k) = self.any(&[Kw::Deferred, Kw::Immediate]) else { return Err(self.unexpected()) };
                    let deferred = k == Kw::Deferred;
                    marks.timing.initially_deferred.replace(deferred) == Some(!deferred)
                }
                Tok::Keyword(Kw::Not) => {
                    self.advance();
                    if self.kw(Kw::Valid) {
                        marks.timing.not_valid = true;
                        false
                    } else {
                        self.expect_kw(Kw::Deferrable)?;
                        if marks.timing.initially_deferred == Some(true) {
                            return Err(must_be_deferrable(pos));
                        }
                        marks.timing.deferrable.replace(false) == Some(true)
                    }
                }
                Tok::Keyword(Kw::No) => {
                    self.advance();
                    self.expect_kw(Kw::Inherit)?;
                    marks.no_inherit = true;
                    false
                }
                _ => return Ok(marks),
            };
            if conflict {
                return Err(refuse("conflicting constraint properties", pos));
            }
            if !imply_deferrable(&mut marks.timing) {
                return Err(must_be_deferrable(pos));
            }
        }
    }

    /// The attributes without the marks that only table constraints take: of triggers and ALTER CONSTRAINT.
    pub(super) fn timing_attributes(&mut self, kind: &str) -> Result<ConstraintTiming> {
        let marks = self.constraint_attributes()?;
        marks.check(kind, true, false, false)?;
        Ok(marks.timing)
    }

    /// `DomainConstraint` of ALTER DOMAIN ... ADD.
    pub(super) fn domain_constraint(&mut self) -> Result<TableConstraint> {
        let pos = self.pos();
        let name = if self.kw(Kw::Constraint) { Some(self.col_id()?) } else { None };
        self.expect_kw(Kw::Check)?;
        let expr = self.parens(|p| p.sourced(Self::a_expr))?;
        let marks = self.constraint_attributes()?;
        marks.check("CHECK", false, true, true)?;
        let kind = TableConstraintKind::Check { expr, no_inherit: marks.no_inherit };
        Ok(TableConstraint { name, kind, timing: marks.timing, pos })
    }
}

/// INITIALLY DEFERRED makes a constraint deferrable; false if it was declared not to be.
fn imply_deferrable(timing: &mut ConstraintTiming) -> bool {
    if timing.initially_deferred == Some(true) {
        return *timing.deferrable.get_or_insert(true);
    }
    true
}

fn must_be_deferrable(pos: Pos) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "constraint declared INITIALLY DEFERRED must be DEFERRABLE").at(pos)
}
