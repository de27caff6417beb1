//! GRANT, REVOKE, ALTER DEFAULT PRIVILEGES.

use super::super::ast::*;
use super::super::cursor::Parser;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `GrantStmt`, `GrantRoleStmt`.
    pub(in super::super) fn grant_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let privileges = self.privileges()?;
        if let Some(roles) = self.roles_granted(&privileges, Kw::To)? {
            let grantees = self.role_list()?;
            let admin_option = self.with_option(Kw::Admin)?;
            let granted_by = self.opt_granted_by()?;
            let behavior = DropBehavior::Restrict;
            let grant = GrantRole { is_grant: true, roles, grantees, admin_option, granted_by, behavior };
            return Ok(Statement::GrantRole(Box::new(grant)));
        }
        let target = self.privilege_target()?;
        self.expect_kw(Kw::To)?;
        let grantees = self.list(Self::grantee)?;
        let grant_option = self.with_option(Kw::Grant)?;
        let granted_by = self.opt_granted_by()?;
        Ok(Statement::Grant(Box::new(Grant {
            is_grant: true,
            privileges: privileges.unwrap_or_default(),
            target,
            grantees,
            grant_option,
            granted_by,
            behavior: DropBehavior::Restrict,
        })))
    }

    /// `RevokeStmt`, `RevokeRoleStmt`.
    pub(in super::super) fn revoke_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let grant_option = self.option_for(Kw::Grant)?;
        let admin_option = !grant_option && self.option_for(Kw::Admin)?;
        let privileges = self.privileges()?;
        if grant_option {
            self.expect_kw(Kw::On)?;
        } else if let Some(roles) = self.roles_granted(&privileges, Kw::From)? {
            let grantees = self.role_list()?;
            let granted_by = self.opt_granted_by()?;
            let behavior = self.drop_behavior();
            let grant = GrantRole { is_grant: false, roles, grantees, admin_option, granted_by, behavior };
            return Ok(Statement::GrantRole(Box::new(grant)));
        }
        if admin_option {
            return Err(self.unexpected());
        }
        let target = self.privilege_target()?;
        self.expect_kw(Kw::From)?;
        let grantees = self.list(Self::grantee)?;
        let granted_by = self.opt_granted_by()?;
        let behavior = self.drop_behavior();
        Ok(Statement::Grant(Box::new(Grant {
            is_grant: false,
            privileges: privileges.unwrap_or_default(),
            target,
            grantees,
            grant_option,
            granted_by,
            behavior,
        })))
    }

    /// GRANT OPTION FOR, ADMIN OPTION FOR.
    fn option_for(&mut self, k: Kw) -> Result<bool> {
        if !self.at_seq(&[k, Kw::Option]) {
            return Ok(false);
        }
        self.expect_seq(&[k, Kw::Option, Kw::For])?;
        Ok(true)
    }

    /// WITH GRANT OPTION, WITH ADMIN OPTION.
    fn with_option(&mut self, k: Kw) -> Result<bool> {
        if !self.kw(Kw::With) {
            return Ok(false);
        }
        self.expect_seq(&[k, Kw::Option])?;
        Ok(true)
    }

    /// `opt_granted_by`.
    fn opt_granted_by(&mut self) -> Result<Option<RoleSpec>> {
        if !self.kw(Kw::Granted) {
            return Ok(None);
        }
        self.expect_kw(Kw::By)?;
        self.role_spec().map(Some)
    }

    /// Takes ON, or, where a list of roles is granted rather than privileges, `preposition`, and returns the list.
    fn roles_granted(
        &mut self,
        privileges: &Option<Vec<Privilege>>,
        preposition: Kw,
    ) -> Result<Option<Vec<Privilege>>> {
        match privileges {
            Some(list) if list.iter().all(|p| p.name.is_some()) && self.kw(preposition) => Ok(Some(list.clone())),
            _ => self.expect_kw(Kw::On).map(|()| None),
        }
    }

    /// `privileges`: `None` for ALL [PRIVILEGES].
    fn privileges(&mut self) -> Result<Option<Vec<Privilege>>> {
        let pos = self.pos();
        if self.kw(Kw::All) {
            self.kw(Kw::Privileges);
            if self.at(Tok::LParen) {
                let columns = self.paren_list(Self::col_id)?;
                return Ok(Some(vec![Privilege { name: None, columns, pos }]));
            }
            return Ok(None);
        }
        self.list(Self::privilege).map(Some)
    }

    /// `privilege`.
    fn privilege(&mut self) -> Result<Privilege> {
        let pos = self.pos();
        let name = match self.any(&[Kw::Select, Kw::References, Kw::Create, Kw::Alter]) {
            Some(Kw::Alter) => {
                self.expect_kw(Kw::System)?;
                return Ok(Privilege { name: Some("alter system".to_string()), columns: Vec::new(), pos });
            }
            Some(k) => k.word().to_string(),
            None => self.col_id()?.name,
        };
        Ok(Privilege { name: Some(name), columns: self.opt_columns()?, pos })
    }

    /// `grantee`.
    fn grantee(&mut self) -> Result<RoleSpec> {
        if self.at_kw(Kw::Group) {
            self.advance();
        }
        self.role_spec()
    }

    /// `privilege_target`.
    fn privilege_target(&mut self) -> Result<GrantTarget> {
        use ObjectType::*;
        let Tok::Keyword(k) = self.peek() else { return self.granted(Table) };
        if k == Kw::All {
            return self.all_in_schema();
        }
        let object = match k {
            Kw::Table => Table,
            Kw::Sequence => Sequence,
            Kw::Function => Function,
            Kw::Procedure => Procedure,
            Kw::Routine => Routine,
            Kw::Database => Database,
            Kw::Domain => Domain,
            Kw::Language => Language,
            Kw::Parameter => Parameter,
            Kw::Schema => Schema,
            Kw::Tablespace => Tablespace,
            Kw::Type => Type,
            Kw::Large if self.kw_at(1) == Some(Kw::Object) => {
                self.advance();
                LargeObject
            }
            Kw::Foreign => {
                self.advance();
                if self.at_kw(Kw::Server) {
                    Server
                } else {
                    self.expect_kw(Kw::Data)?;
                    if !self.at_kw(Kw::Wrapper) {
                        return Err(self.unexpected());
                    }
                    ForeignDataWrapper
                }
            }
            _ => return self.granted(Table),
        };
        // A table may be called by one of the words above that is no reserved one.
        if !matches!(k, Kw::Table | Kw::Large | Kw::Foreign)
            && matches!(self.peek_at(1), Tok::Comma | Tok::Dot | Tok::Keyword(Kw::To | Kw::From))
        {
            return self.granted(Table);
        }
        self.advance();
        self.granted(object)
    }

    fn granted(&mut self, object: ObjectType) -> Result<GrantTarget> {
        use ObjectType::*;
        let objects = self.list(|p| match object {
            Table | Sequence | Type | Domain => p.any_name().map(ObjectRef::Qualified),
            Parameter => {
                let pos = p.pos();
                Ok(ObjectRef::Name(Ident::new(p.var_name()?, pos)))
            }
            _ => p.object_ref(object),
        })?;
        Ok(GrantTarget::Objects { object, objects })
    }

    /// ALL TABLES | SEQUENCES | FUNCTIONS | PROCEDURES | ROUTINES IN SCHEMA.
    fn all_in_schema(&mut self) -> Result<GrantTarget> {
        self.advance();
        let object = match self.any(&[Kw::Tables, Kw::Sequences, Kw::Functions, Kw::Procedures, Kw::Routines]) {
            Some(Kw::Tables) => ObjectType::Table,
            Some(Kw::Sequences) => ObjectType::Sequence,
            Some(Kw::Functions) => ObjectType::Function,
            Some(Kw::Procedures) => ObjectType::Procedure,
            Some(_) => ObjectType::Routine,
            None => return Err(self.unexpected()),
        };
        self.expect_seq(&[Kw::In, Kw::Schema])?;
        Ok(GrantTarget::AllInSchema { object, schemas: self.col_ids()? })
    }

    /// `AlterDefaultPrivilegesStmt`.
    pub(in super::super) fn alter_default_privileges(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Default, Kw::Privileges])?;
        let (mut for_roles, mut in_schemas) = (Vec::new(), Vec::new());
        loop {
            match self.any(&[Kw::In, Kw::For]) {
                Some(Kw::In) => {
                    self.expect_kw(Kw::Schema)?;
                    in_schemas.extend(self.col_ids()?);
                }
                Some(_) => {
                    if self.any(&[Kw::Role, Kw::User]).is_none() {
                        return Err(self.unexpected());
                    }
                    for_roles.extend(self.role_list()?);
                }
                None => break,
            }
        }
        let action = self.default_acl_action()?;
        let statement = AlterDefaultPrivileges { for_roles, in_schemas, action };
        Ok(Statement::AlterDefaultPrivileges(Box::new(statement)))
    }

    /// `DefACLAction`.
    fn default_acl_action(&mut self) -> Result<Grant> {
        let Some(k) = self.any(&[Kw::Grant, Kw::Revoke]) else { return Err(self.unexpected()) };
        let is_grant = k == Kw::Grant;
        let mut grant_option = !is_grant && self.option_for(Kw::Grant)?;
        let privileges = self.privileges()?.unwrap_or_default();
        self.expect_kw(Kw::On)?;
        let words = [Kw::Tables, Kw::Functions, Kw::Routines, Kw::Sequences, Kw::Types, Kw::Schemas];
        let object = match self.any(&words) {
            Some(Kw::Tables) => ObjectType::Table,
            Some(Kw::Sequences) => ObjectType::Sequence,
            Some(Kw::Types) => ObjectType::Type,
            Some(Kw::Schemas) => ObjectType::Schema,
            Some(_) => ObjectType::Function,
            None => return Err(self.unexpected()),
        };
        self.expect_kw(if is_grant { Kw::To } else { Kw::From })?;
        let grantees = self.list(Self::grantee)?;
        let mut behavior = DropBehavior::Restrict;
        if is_grant {
            grant_option = self.with_option(Kw::Grant)?;
        } else {
            behavior = self.drop_behavior();
        }
        let target = GrantTarget::Defaults { object };
        Ok(Grant { is_grant, privileges, target, grantees, grant_option, granted_by: None, behavior })
    }
}
