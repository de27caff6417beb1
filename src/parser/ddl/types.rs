//! Types, domains, schemas.

use super::super::ast::*;
use super::super::cursor::{Parser, refuse};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::super::statement::not_yet;
use crate::base::Result;

impl Parser<'_> {
    /// CREATE TYPE, from TYPE on.
    pub(super) fn create_type(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.any_name()?;
        let kind = if self.at(Tok::LParen) {
            TypeKind::Base(self.definition()?)
        } else if !self.kw(Kw::As) {
            TypeKind::Shell
        } else if self.kw(Kw::Enum) {
            self.expect(Tok::LParen)?;
            let labels = if self.at(Tok::RParen) { Vec::new() } else { self.list(Self::string)? };
            self.expect(Tok::RParen)?;
            TypeKind::Enum(labels)
        } else if self.kw(Kw::Range) {
            TypeKind::Range(self.definition()?)
        } else {
            self.expect(Tok::LParen)?;
            let columns = if self.at(Tok::RParen) { Vec::new() } else { self.list(Self::table_func_element)? };
            self.expect(Tok::RParen)?;
            TypeKind::Composite(columns)
        };
        Ok(Statement::CreateType(Box::new(CreateType { name, kind })))
    }

    /// `CreateDomainStmt`.
    pub(super) fn create_domain(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.any_name()?;
        self.kw(Kw::As);
        let type_name = Some(self.type_name()?);
        let mut column = ColumnDef {
            name: Ident::new("", name.pos()),
            type_name,
            collation: None,
            compression: None,
            constraints: Vec::new(),
            options: Vec::new(),
        };
        self.column_qualifiers(&mut column)?;
        Ok(Statement::CreateDomain(Box::new(CreateDomain {
            name,
            type_name: column.type_name.expect("it was set above"),
            collation: column.collation,
            constraints: column.constraints,
        })))
    }

    /// `AlterDomainStmt` behind `ALTER DOMAIN name`.
    pub(super) fn alter_domain(&mut self, name: QualifiedName) -> Result<Statement> {
        let action = match self.any(&[Kw::Set, Kw::Drop, Kw::Add, Kw::Validate]) {
            Some(Kw::Set) => match self.any(&[Kw::Default, Kw::Not]) {
                Some(Kw::Default) => AlterDomainAction::SetDefault(self.a_expr()?),
                Some(_) => self.expect_kw(Kw::Null).map(|()| AlterDomainAction::SetNotNull)?,
                None => return Err(self.unexpected()),
            },
            Some(Kw::Drop) => match self.any(&[Kw::Default, Kw::Not, Kw::Constraint]) {
                Some(Kw::Default) => AlterDomainAction::DropDefault,
                Some(Kw::Not) => self.expect_kw(Kw::Null).map(|()| AlterDomainAction::DropNotNull)?,
                Some(_) => {
                    let if_exists = self.if_exists();
                    let name = self.col_id()?;
                    AlterDomainAction::DropConstraint { name, if_exists, behavior: self.drop_behavior() }
                }
                None => return Err(self.unexpected()),
            },
            Some(Kw::Add) => AlterDomainAction::AddConstraint(self.domain_constraint()?),
            Some(_) => {
                self.expect_kw(Kw::Constraint)?;
                AlterDomainAction::ValidateConstraint(self.col_id()?)
            }
            None => return Err(self.unexpected()),
        };
        Ok(Statement::AlterDomain(Box::new(AlterDomain { name, action })))
    }

    /// ALTER TYPE, behind TYPE.
    pub(super) fn alter_type(&mut self) -> Result<Statement> {
        let name = self.any_name()?;
        match (self.peek(), self.kw_at(1)) {
            (Tok::Keyword(Kw::Add), Some(Kw::Value)) => self.add_enum_value(name),
            (Tok::Keyword(Kw::Rename), Some(Kw::Value)) => {
                self.advance();
                self.advance();
                let old = self.string()?;
                self.expect_kw(Kw::To)?;
                let action = AlterEnumAction::RenameValue { old, new: self.string()? };
                Ok(Statement::AlterEnum(Box::new(AlterEnum { name, action })))
            }
            (Tok::Keyword(Kw::Rename), Some(Kw::Attribute)) => self.rename_attribute(name),
            (Tok::Keyword(Kw::Set), _) if self.peek_at(1) == Tok::LParen => {
                self.advance();
                let options = self.operator_definition()?;
                Ok(Statement::AlterType(Box::new(AlterType { name, options })))
            }
            (Tok::Keyword(Kw::Add | Kw::Drop | Kw::Alter), _) => {
                let commands = self.alter_type_cmds()?;
                let name = self.relation_of(name)?;
                Ok(Statement::AlterTable(Box::new(AlterTable {
                    object: ObjectType::Type,
                    relation: RelationRef { name, children: true },
                    if_exists: false,
                    commands,
                })))
            }
            _ => {
                let mut type_name = super::super::types::system_type("", name.pos());
                type_name.name = name;
                self.alter_tail(ObjectType::Type, ObjectRef::Type(type_name))
            }
        }
    }

    fn rename_attribute(&mut self, name: QualifiedName) -> Result<Statement> {
        self.advance();
        self.advance();
        let part = Some(self.col_id()?);
        self.expect_kw(Kw::To)?;
        let new_name = self.col_id()?;
        let behavior = self.drop_behavior();
        let relation = RelationRef { name: self.relation_of(name)?, children: true };
        Ok(Statement::Rename(Box::new(Rename {
            object: ObjectType::Attribute,
            relation_type: ObjectType::Type,
            target: RenameTarget::Relation { relation, part },
            new_name,
            if_exists: false,
            behavior,
        })))
    }

    /// ALTER TYPE name ADD VALUE ....
    fn add_enum_value(&mut self, name: QualifiedName) -> Result<Statement> {
        self.advance();
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let value = self.string()?;
        let place = match self.any(&[Kw::Before, Kw::After]) {
            Some(Kw::Before) => EnumPlace::Before(self.string()?),
            Some(_) => EnumPlace::After(self.string()?),
            None => EnumPlace::Last,
        };
        let action = AlterEnumAction::AddValue { value, if_not_exists, place };
        Ok(Statement::AlterEnum(Box::new(AlterEnum { name, action })))
    }

    /// `CreateSchemaStmt`.
    pub(super) fn create_schema(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = if self.at_kw(Kw::Authorization) { None } else { Some(self.col_id()?) };
        let authorization = if self.kw(Kw::Authorization) { Some(self.role_spec()?) } else { None };
        let mut elements = Vec::new();
        let pos = self.pos();
        while self.at_any(&[Kw::Create, Kw::Grant]) {
            elements.push(self.schema_element()?);
        }
        if if_not_exists && !elements.is_empty() {
            return Err(not_yet("CREATE SCHEMA IF NOT EXISTS cannot include schema elements", pos));
        }
        Ok(Statement::CreateSchema(Box::new(CreateSchema { name, authorization, if_not_exists, elements })))
    }

    /// `schema_stmt`.
    fn schema_element(&mut self) -> Result<Statement> {
        if self.at_kw(Kw::Grant) {
            let pos = self.pos();
            let statement = self.grant_stmt()?;
            return match statement {
                Statement::GrantRole(_) => Err(refuse("syntax error", pos)),
                other => Ok(other),
            };
        }
        let ahead = if self.kw_at(1) == Some(Kw::Or) { 3 } else { 1 };
        let fits = matches!(
            self.kw_at(ahead),
            Some(
                Kw::Table
                    | Kw::Temp
                    | Kw::Temporary
                    | Kw::Local
                    | Kw::Global
                    | Kw::Unlogged
                    | Kw::Recursive
                    | Kw::View
                    | Kw::Sequence
                    | Kw::Unique
                    | Kw::Index
                    | Kw::Trigger
                    | Kw::Constraint
            )
        );
        if !fits {
            for _ in 0..ahead {
                self.advance();
            }
            return Err(self.unexpected());
        }
        self.create_stmt()
    }
}
