//! Databases, tablespaces, ALTER SYSTEM.

use super::super::ast::*;
use super::super::cursor::{Parser, is_ident};
use super::super::ddl::{plain_elem, word_elem};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `CreatedbStmt`.
    pub(in super::super) fn create_database(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        self.kw(Kw::With);
        let options = self.database_options()?;
        Ok(Statement::CreateDatabase(Box::new(CreateDatabase { name, options })))
    }

    /// `createdb_opt_list`.
    fn database_options(&mut self) -> Result<Vec<DefElem>> {
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            let name = match self.peek() {
                Tok::Keyword(Kw::Connection) => {
                    self.advance();
                    self.expect_kw(Kw::Limit)?;
                    Ident::new("connection_limit", pos)
                }
                Tok::Keyword(Kw::Encoding | Kw::Location | Kw::Owner | Kw::Tablespace | Kw::Template) => {
                    self.col_label()?
                }
                kind if is_ident(kind) => self.col_label()?,
                _ => return Ok(options),
            };
            self.take(Tok::Equal);
            let value = match self.peek() {
                Tok::Keyword(Kw::Default) => {
                    self.advance();
                    None
                }
                Tok::Integer | Tok::Float | Tok::Plus | Tok::Minus => Some(self.number_value()?),
                _ => Some(self.boolean_or_string()?),
            };
            options.push(plain_elem(name, value));
        }
    }

    /// ALTER DATABASE.
    pub(in super::super) fn alter_database(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        match self.peek() {
            Tok::Keyword(Kw::Rename) | Tok::Keyword(Kw::Owner) if self.kw_at(1) == Some(Kw::To) => {
                self.alter_tail(ObjectType::Database, ObjectRef::Name(name))
            }
            Tok::Keyword(Kw::Refresh) => {
                self.expect_seq(&[Kw::Refresh, Kw::Collation, Kw::Version])?;
                Ok(Statement::AlterDatabaseRefreshCollation(name))
            }
            Tok::Keyword(Kw::Set) if self.kw_at(1) == Some(Kw::Tablespace) => {
                self.advance();
                let pos = self.advance().pos();
                let value = DefValue::Word(self.col_id()?.name);
                let options = vec![word_elem("tablespace", Some(value), pos)];
                Ok(Statement::AlterDatabase(Box::new(AlterDatabase { name, options })))
            }
            Tok::Keyword(Kw::Set | Kw::Reset) => {
                let set = self.set_reset_clause()?;
                Ok(Statement::AlterDatabaseSet(Box::new(AlterDatabaseSet { name, set })))
            }
            _ => {
                self.kw(Kw::With);
                let options = self.database_options()?;
                if options.is_empty() {
                    return Err(self.unexpected());
                }
                Ok(Statement::AlterDatabase(Box::new(AlterDatabase { name, options })))
            }
        }
    }

    /// `DropdbStmt`.
    pub(in super::super) fn drop_database(&mut self) -> Result<Statement> {
        self.advance();
        let if_exists = self.if_exists();
        let name = self.col_id()?;
        let with = self.kw(Kw::With);
        let mut options = Vec::new();
        if with || self.at(Tok::LParen) {
            options = self.paren_list(|p| {
                let pos = p.pos();
                p.expect_kw(Kw::Force)?;
                Ok(word_elem("force", None, pos))
            })?;
        }
        Ok(Statement::DropDatabase(Box::new(DropDatabase { name, if_exists, options })))
    }

    /// `CreateTableSpaceStmt`.
    pub(in super::super) fn create_tablespace(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        let owner = if self.kw(Kw::Owner) { Some(self.role_spec()?) } else { None };
        self.expect_kw(Kw::Location)?;
        let location = self.string()?;
        let options = self.opt_reloptions()?;
        Ok(Statement::CreateTablespace(Box::new(CreateTablespace { name, owner, location, options })))
    }

    /// ALTER TABLESPACE.
    pub(in super::super) fn alter_tablespace(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        let Some(k) = self.any(&[Kw::Set, Kw::Reset]) else {
            return self.alter_tail(ObjectType::Tablespace, ObjectRef::Name(name));
        };
        let options = self.reloptions()?;
        Ok(Statement::AlterTablespace(Box::new(AlterTablespace { name, reset: k == Kw::Reset, options })))
    }

    /// `DropTableSpaceStmt`.
    pub(in super::super) fn drop_tablespace(&mut self) -> Result<Statement> {
        self.advance();
        let if_exists = self.if_exists();
        let name = self.col_id()?;
        Ok(Statement::DropTablespace(Box::new(DropTablespace { name, if_exists })))
    }

    /// `AlterSystemStmt`.
    pub(in super::super) fn alter_system(&mut self) -> Result<Statement> {
        self.advance();
        let set = match self.any(&[Kw::Set, Kw::Reset]) {
            Some(Kw::Set) => self.generic_set(false, false)?,
            Some(_) if self.kw(Kw::All) => VariableSet { local: false, action: VariableAction::ResetAll },
            Some(_) => VariableSet { local: false, action: VariableAction::Reset { name: self.var_name()? } },
            None => return Err(self.unexpected()),
        };
        Ok(Statement::AlterSystem(Box::new(set)))
    }
}
