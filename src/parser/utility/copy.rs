//! COPY, with its options in the syntax of today and of long ago.

use super::super::ast::*;
use super::super::cursor::{Parser, is_string, refuse};
use super::super::ddl::{plain_elem, word_elem};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `CopyStmt`.
    pub(in super::super) fn copy_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let mut options = Vec::new();
        let source = if self.at(Tok::LParen) {
            self.copy_query()?
        } else {
            let pos = self.pos();
            if self.kw(Kw::Binary) {
                options.push(word_elem("format", Some(DefValue::String("binary".to_string())), pos));
            }
            let relation = self.relation_name()?;
            CopySource::Table { relation, columns: self.opt_columns()? }
        };
        let from_query = matches!(source, CopySource::Query { .. });
        let is_from = match self.any(if from_query { &[Kw::To] } else { &[Kw::From, Kw::To] }) {
            Some(k) => k == Kw::From,
            None => return Err(self.unexpected()),
        };
        let program_pos = self.pos();
        let target = self.copy_target(program_pos)?;
        if !from_query {
            self.copy_delimiter(&mut options)?;
        }
        self.kw(Kw::With);
        if self.at(Tok::LParen) {
            options.extend(self.paren_list(Self::copy_generic_option)?);
        } else {
            while let Some(option) = self.opt_copy_option()? {
                options.push(option);
            }
        }
        let where_pos = self.pos();
        let filter = if from_query { None } else { self.where_clause()? };
        if filter.is_some() && !is_from {
            return Err(refuse("WHERE clause not allowed with COPY TO", where_pos));
        }
        Ok(Statement::Copy(Box::new(Copy { source, is_from, target, options, filter })))
    }

    fn copy_query(&mut self) -> Result<CopySource> {
        self.expect(Tok::LParen)?;
        let start = self.pos();
        let statement = self.preparable_stmt()?;
        let end = self.last_end();
        self.expect(Tok::RParen)?;
        Ok(CopySource::Query { statement, start, end })
    }

    /// `opt_program copy_file_name`.
    fn copy_target(&mut self, pos: Pos) -> Result<CopyTarget> {
        let program = self.kw(Kw::Program);
        if self.any(&[Kw::Stdin, Kw::Stdout]).is_some() {
            if program {
                return Err(refuse("STDIN/STDOUT not allowed with PROGRAM", pos));
            }
            return Ok(CopyTarget::Client);
        }
        let name = self.string()?;
        Ok(if program { CopyTarget::Program(name) } else { CopyTarget::File(name) })
    }

    /// `copy_delimiter`: [USING] DELIMITERS 'c'.
    fn copy_delimiter(&mut self, options: &mut Vec<DefElem>) -> Result<()> {
        let pos = self.pos();
        let using = self.kw(Kw::Using);
        if using || self.at_kw(Kw::Delimiters) {
            self.expect_kw(Kw::Delimiters)?;
            options.push(word_elem("delimiter", Some(DefValue::String(self.string()?)), pos));
        }
        Ok(())
    }

    /// `copy_opt_item`.
    fn opt_copy_option(&mut self) -> Result<Option<DefElem>> {
        let pos = self.pos();
        let Tok::Keyword(k) = self.peek() else { return Ok(None) };
        if !matches!(
            k,
            Kw::Binary
                | Kw::Freeze
                | Kw::Delimiter
                | Kw::Null
                | Kw::Csv
                | Kw::Header
                | Kw::Quote
                | Kw::Escape
                | Kw::Force
                | Kw::Encoding
        ) {
            return Ok(None);
        }
        self.advance();
        let (name, value) = match k {
            Kw::Binary | Kw::Csv => ("format", DefValue::String(k.word().to_string())),
            Kw::Freeze | Kw::Header => (k.word(), DefValue::Bool(true)),
            Kw::Encoding => ("encoding", DefValue::String(self.string()?)),
            Kw::Force => self.force_option()?,
            _ => {
                self.kw(Kw::As);
                (k.word(), DefValue::String(self.string()?))
            }
        };
        Ok(Some(word_elem(name, Some(value), pos)))
    }

    /// FORCE QUOTE | NOT NULL | NULL and its columns, behind FORCE.
    fn force_option(&mut self) -> Result<(&'static str, DefValue)> {
        match self.any(&[Kw::Quote, Kw::Not, Kw::Null]) {
            Some(Kw::Quote) if self.take(Tok::Star) => Ok(("force_quote", DefValue::Star)),
            Some(Kw::Quote) => Ok(("force_quote", DefValue::Names(self.col_ids()?))),
            Some(Kw::Not) => {
                self.expect_kw(Kw::Null)?;
                Ok(("force_not_null", DefValue::Names(self.col_ids()?)))
            }
            Some(_) => Ok(("force_null", DefValue::Names(self.col_ids()?))),
            None => Err(self.unexpected()),
        }
    }

    /// `copy_generic_opt_elem`.
    fn copy_generic_option(&mut self) -> Result<DefElem> {
        let name = self.col_label()?;
        let value = match self.peek() {
            Tok::Comma | Tok::RParen => None,
            Tok::Star => {
                self.advance();
                Some(DefValue::Star)
            }
            Tok::LParen => Some(DefValue::Names(self.paren_list(Self::word_or_string_ident)?)),
            Tok::Integer | Tok::Float | Tok::Plus | Tok::Minus => Some(self.number_value()?),
            _ => Some(self.boolean_or_string()?),
        };
        Ok(plain_elem(name, value))
    }

    /// `opt_boolean_or_string` as a name in a list.
    fn word_or_string_ident(&mut self) -> Result<Ident> {
        let pos = self.pos();
        if is_string(self.peek()) {
            return Ok(Ident::new(self.string()?, pos));
        }
        if let Some(k) = self.any(&[Kw::True, Kw::False, Kw::On]) {
            return Ok(Ident::new(k.word(), pos));
        }
        self.non_reserved_word()
    }
}
