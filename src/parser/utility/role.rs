//! CREATE, ALTER and DROP of roles, users and groups; OWNED BY.

use super::super::ast::*;
use super::super::cursor::{Parser, is_ident, refuse};
use super::super::ddl::word_elem;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::super::statement::not_yet;
use crate::base::Result;

impl Parser<'_> {
    /// `CreateRoleStmt`, `CreateUserStmt`, `CreateGroupStmt`.
    pub(in super::super) fn create_role(&mut self, k: Kw) -> Result<Statement> {
        self.advance();
        let kind = match k {
            Kw::Role => RoleStatementKind::Role,
            Kw::User => RoleStatementKind::User,
            _ => RoleStatementKind::Group,
        };
        let id = self.role_id()?;
        let name = RoleSpec { kind: RoleKind::Name(id.name), pos: id.pos };
        self.kw(Kw::With);
        let mut options = Vec::new();
        while let Some(option) = self.opt_role_option(true)? {
            options.push(option);
        }
        Ok(Statement::CreateRole(Box::new(CreateRole { kind, name, options })))
    }

    /// `AlterOptRoleElem`, and of CREATE also `CreateOptRoleElem`.
    fn opt_role_option(&mut self, create: bool) -> Result<Option<DefElem>> {
        let pos = self.pos();
        if is_ident(self.peek()) {
            return self.role_word().map(Some);
        }
        let Tok::Keyword(k) = self.peek() else { return Ok(None) };
        let (name, value) = match k {
            Kw::Password => {
                self.advance();
                ("password", if self.kw(Kw::Null) { None } else { Some(DefValue::String(self.string()?)) })
            }
            Kw::Encrypted => {
                self.advance();
                self.expect_kw(Kw::Password)?;
                ("password", Some(DefValue::String(self.string()?)))
            }
            Kw::Unencrypted => {
                self.advance();
                self.expect_kw(Kw::Password)?;
                self.string()?;
                return Err(not_yet("UNENCRYPTED PASSWORD is no longer supported", pos)
                    .hint("Remove UNENCRYPTED to store the password in encrypted form instead."));
            }
            Kw::Inherit => {
                self.advance();
                ("inherit", Some(DefValue::Bool(true)))
            }
            Kw::Connection => {
                self.advance();
                self.expect_kw(Kw::Limit)?;
                ("connectionlimit", Some(DefValue::Integer(self.signed_integer()?)))
            }
            Kw::Valid => {
                self.advance();
                self.expect_kw(Kw::Until)?;
                ("validUntil", Some(DefValue::String(self.string()?)))
            }
            Kw::User => {
                self.advance();
                ("rolemembers", Some(DefValue::Roles(self.role_list()?)))
            }
            _ if create => return self.opt_create_role_option(k, pos),
            _ => return Ok(None),
        };
        Ok(Some(word_elem(name, value, pos)))
    }

    /// What only CREATE takes.
    fn opt_create_role_option(&mut self, k: Kw, pos: Pos) -> Result<Option<DefElem>> {
        let (name, value) = match k {
            Kw::Sysid => {
                self.advance();
                ("sysid", DefValue::Integer(self.integer()?))
            }
            Kw::Admin => {
                self.advance();
                ("adminmembers", DefValue::Roles(self.role_list()?))
            }
            Kw::Role => {
                self.advance();
                ("rolemembers", DefValue::Roles(self.role_list()?))
            }
            Kw::In => {
                self.advance();
                if self.any(&[Kw::Role, Kw::Group]).is_none() {
                    return Err(self.unexpected());
                }
                ("addroleto", DefValue::Roles(self.role_list()?))
            }
            _ => return Ok(None),
        };
        Ok(Some(word_elem(name, Some(value), pos)))
    }

    /// Options that are words of no other meaning: SUPERUSER, NOLOGIN ....
    fn role_word(&mut self) -> Result<DefElem> {
        let word = self.col_label()?;
        let (name, value) = match word.name.as_str() {
            "superuser" => ("superuser", true),
            "nosuperuser" => ("superuser", false),
            "createrole" => ("createrole", true),
            "nocreaterole" => ("createrole", false),
            "replication" => ("isreplication", true),
            "noreplication" => ("isreplication", false),
            "createdb" => ("createdb", true),
            "nocreatedb" => ("createdb", false),
            "login" => ("canlogin", true),
            "nologin" => ("canlogin", false),
            "bypassrls" => ("bypassrls", true),
            "nobypassrls" => ("bypassrls", false),
            "noinherit" => ("inherit", false),
            _ => return Err(refuse(format!("unrecognized role option \"{word}\""), word.pos)),
        };
        Ok(word_elem(name, Some(DefValue::Bool(value)), word.pos))
    }

    /// ALTER ROLE | USER | GROUP, and ALTER USER MAPPING.
    pub(in super::super) fn alter_role(&mut self, k: Kw) -> Result<Statement> {
        if self.at_seq(&[Kw::User, Kw::Mapping]) {
            return self.alter_user_mapping();
        }
        self.advance();
        if k != Kw::Group && self.kw(Kw::All) {
            return self.alter_role_set(None);
        }
        let role = self.role_spec()?;
        if self.at_kw(Kw::Rename) {
            return self.rename_role(role);
        }
        if k == Kw::Group {
            return self.alter_group(role);
        }
        if self.at_any(&[Kw::In, Kw::Set, Kw::Reset]) {
            return self.alter_role_set(Some(role));
        }
        self.kw(Kw::With);
        let mut options = Vec::new();
        while let Some(option) = self.opt_role_option(false)? {
            options.push(option);
        }
        Ok(Statement::AlterRole(Box::new(AlterRole { role, options, remove_members: false })))
    }

    fn rename_role(&mut self, role: RoleSpec) -> Result<Statement> {
        let RoleKind::Name(name) = role.kind else { return Err(self.unexpected()) };
        self.expect_seq(&[Kw::Rename, Kw::To])?;
        let new_name = self.role_id()?;
        Ok(Statement::Rename(Box::new(Rename {
            object: ObjectType::Role,
            relation_type: ObjectType::Role,
            target: RenameTarget::Object(ObjectRef::Name(Ident::new(name, role.pos))),
            new_name,
            if_exists: false,
            behavior: DropBehavior::Restrict,
        })))
    }

    /// ALTER GROUP name ADD | DROP USER roles.
    fn alter_group(&mut self, role: RoleSpec) -> Result<Statement> {
        let Some(k) = self.any(&[Kw::Add, Kw::Drop]) else { return Err(self.unexpected()) };
        let pos = self.pos();
        self.expect_kw(Kw::User)?;
        let members = DefValue::Roles(self.role_list()?);
        let options = vec![word_elem("rolemembers", Some(members), pos)];
        Ok(Statement::AlterRole(Box::new(AlterRole { role, options, remove_members: k == Kw::Drop })))
    }

    /// `[IN DATABASE name] SetResetClause`.
    fn alter_role_set(&mut self, role: Option<RoleSpec>) -> Result<Statement> {
        let mut database = None;
        if self.kw(Kw::In) {
            self.expect_kw(Kw::Database)?;
            database = Some(self.col_id()?);
        }
        let set = self.set_reset_clause()?;
        Ok(Statement::AlterRoleSet(Box::new(AlterRoleSet { role, database, set })))
    }

    /// `DropRoleStmt`.
    pub(in super::super) fn drop_role(&mut self) -> Result<Statement> {
        self.advance();
        let if_exists = self.if_exists();
        let roles = self.role_list()?;
        Ok(Statement::DropRole(Box::new(DropRole { roles, if_exists })))
    }

    /// `DropOwnedStmt`.
    pub(in super::super) fn drop_owned(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Owned, Kw::By])?;
        let roles = self.role_list()?;
        let behavior = self.drop_behavior();
        Ok(Statement::DropOwned(Box::new(DropOwned { roles, behavior })))
    }

    /// `ReassignOwnedStmt`.
    pub(in super::super) fn reassign_owned_stmt(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Reassign, Kw::Owned, Kw::By])?;
        let roles = self.role_list()?;
        self.expect_kw(Kw::To)?;
        let new_role = self.role_spec()?;
        Ok(Statement::ReassignOwned(Box::new(ReassignOwned { roles, new_role })))
    }
}
