//! Extensions, foreign data, publications, subscriptions.

use super::super::ast::*;
use super::super::cursor::Parser;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::super::statement::not_yet;
use super::word_elem;
use crate::base::Result;

impl Parser<'_> {
    /// `CreateExtensionStmt`.
    pub(super) fn create_extension(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.col_id()?;
        self.kw(Kw::With);
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            options.push(match self.any(&[Kw::Schema, Kw::Version, Kw::From, Kw::Cascade]) {
                Some(Kw::Schema) => word_elem("schema", Some(DefValue::String(self.col_id()?.name)), pos),
                Some(Kw::Version) => {
                    let version = self.word_or_string()?;
                    word_elem("new_version", Some(DefValue::String(version)), pos)
                }
                Some(Kw::From) => {
                    self.word_or_string()?;
                    return Err(not_yet("CREATE EXTENSION ... FROM is no longer supported", pos));
                }
                Some(_) => word_elem("cascade", Some(DefValue::Bool(true)), pos),
                None => break,
            });
        }
        Ok(Statement::CreateExtension(Box::new(CreateExtension { name, if_not_exists, options })))
    }

    /// ALTER EXTENSION.
    pub(super) fn alter_extension(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        match self.peek() {
            Tok::Keyword(Kw::Update) => {
                self.advance();
                let mut options = Vec::new();
                let pos = self.pos();
                while self.kw(Kw::To) {
                    let version = self.word_or_string()?;
                    options.push(word_elem("new_version", Some(DefValue::String(version)), pos));
                }
                Ok(Statement::AlterExtension(Box::new(AlterExtension { name, options })))
            }
            Tok::Keyword(k @ (Kw::Add | Kw::Drop)) => {
                self.advance();
                if self.at_any(&[Kw::Column, Kw::Constraint, Kw::Policy, Kw::Rule, Kw::Trigger, Kw::Large]) {
                    return Err(self.unexpected());
                }
                let object = self.object_type()?;
                let target = self.object_ref(object)?;
                let statement = AlterExtensionContents { name, add: k == Kw::Add, object, target };
                Ok(Statement::AlterExtensionContents(Box::new(statement)))
            }
            _ => self.alter_tail(ObjectType::Extension, ObjectRef::Name(name)),
        }
    }

    /// CREATE FOREIGN DATA WRAPPER | TABLE.
    pub(super) fn create_foreign(&mut self) -> Result<Statement> {
        self.advance();
        if self.at_kw(Kw::Table) {
            return self.create_foreign_table();
        }
        self.expect_seq(&[Kw::Data, Kw::Wrapper])?;
        let name = self.col_id()?;
        let functions = self.wrapper_functions()?;
        let options = self.create_generic_options()?;
        let wrapper = CreateForeignDataWrapper { name, functions, options };
        Ok(Statement::CreateForeignDataWrapper(Box::new(wrapper)))
    }

    /// `opt_fdw_options`: HANDLER, VALIDATOR, and NO before either.
    fn wrapper_functions(&mut self) -> Result<Vec<DefElem>> {
        let mut functions = Vec::new();
        loop {
            let pos = self.pos();
            let no = self.kw(Kw::No);
            let name = match self.any(&[Kw::Handler, Kw::Validator]) {
                Some(k) => k.word(),
                None if no => return Err(self.unexpected()),
                None => return Ok(functions),
            };
            let value = if no { None } else { Some(DefValue::Name(self.any_name()?)) };
            functions.push(word_elem(name, value, pos));
        }
    }

    pub(super) fn alter_foreign_data_wrapper(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Foreign, Kw::Data, Kw::Wrapper])?;
        let name = self.col_id()?;
        if self.at_any(&[Kw::Rename, Kw::Owner]) {
            return self.alter_tail(ObjectType::ForeignDataWrapper, ObjectRef::Name(name));
        }
        let functions = self.wrapper_functions()?;
        let options =
            if functions.is_empty() || self.at_kw(Kw::Options) { self.alter_generic_options()? } else { Vec::new() };
        let wrapper = AlterForeignDataWrapper { name, functions, options };
        Ok(Statement::AlterForeignDataWrapper(Box::new(wrapper)))
    }

    /// `CreateForeignServerStmt`.
    pub(super) fn create_server(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.col_id()?;
        let server_type = if self.kw(Kw::Type) { Some(self.string()?) } else { None };
        let version = self.opt_version()?.flatten();
        self.expect_seq(&[Kw::Foreign, Kw::Data, Kw::Wrapper])?;
        let wrapper = self.col_id()?;
        let options = self.create_generic_options()?;
        let server = CreateServer { name, if_not_exists, server_type, version, wrapper, options };
        Ok(Statement::CreateServer(Box::new(server)))
    }

    /// `foreign_server_version`.
    fn opt_version(&mut self) -> Result<Option<Option<String>>> {
        if !self.kw(Kw::Version) {
            return Ok(None);
        }
        if self.kw(Kw::Null) { Ok(Some(None)) } else { Ok(Some(Some(self.string()?))) }
    }

    pub(super) fn alter_server(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        if self.at_any(&[Kw::Rename, Kw::Owner]) {
            return self.alter_tail(ObjectType::Server, ObjectRef::Name(name));
        }
        let version = self.opt_version()?;
        let options =
            if version.is_none() || self.at_kw(Kw::Options) { self.alter_generic_options()? } else { Vec::new() };
        Ok(Statement::AlterServer(Box::new(AlterServer { name, version, options })))
    }

    /// `auth_ident`: a role, or USER for the current one.
    fn auth_ident(&mut self) -> Result<RoleSpec> {
        if self.at_kw(Kw::User) {
            return Ok(RoleSpec { kind: RoleKind::CurrentUser, pos: self.advance().pos() });
        }
        self.role_spec()
    }

    pub(super) fn create_user_mapping(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::User, Kw::Mapping])?;
        let if_not_exists = self.if_not_exists()?;
        self.expect_kw(Kw::For)?;
        let user = self.auth_ident()?;
        self.expect_kw(Kw::Server)?;
        let server = self.col_id()?;
        let options = self.create_generic_options()?;
        Ok(Statement::CreateUserMapping(Box::new(CreateUserMapping { if_not_exists, user, server, options })))
    }

    pub(in super::super) fn alter_user_mapping(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::User, Kw::Mapping, Kw::For])?;
        let user = self.auth_ident()?;
        self.expect_kw(Kw::Server)?;
        let server = self.col_id()?;
        let options = self.alter_generic_options()?;
        Ok(Statement::AlterUserMapping(Box::new(AlterUserMapping { user, server, options })))
    }

    pub(super) fn drop_user_mapping(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::User, Kw::Mapping])?;
        let if_exists = self.if_exists();
        self.expect_kw(Kw::For)?;
        let user = self.auth_ident()?;
        self.expect_kw(Kw::Server)?;
        let server = self.col_id()?;
        Ok(Statement::DropUserMapping(Box::new(DropUserMapping { if_exists, user, server })))
    }

    /// `ImportForeignSchemaStmt`.
    pub(in super::super) fn import_foreign_schema_stmt(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Import, Kw::Foreign, Kw::Schema])?;
        let remote_schema = self.col_id()?;
        let limit_to = match self.any(&[Kw::Limit, Kw::Except]) {
            Some(Kw::Limit) => self.expect_kw(Kw::To).map(|()| Some(true))?,
            Some(_) => Some(false),
            None => None,
        };
        let tables = if limit_to.is_some() {
            self.parens(|p| p.list(Self::relation_expr))?.into_iter().map(|r| r.name).collect()
        } else {
            Vec::new()
        };
        self.expect_seq(&[Kw::From, Kw::Server])?;
        let server = self.col_id()?;
        self.expect_kw(Kw::Into)?;
        let local_schema = self.col_id()?;
        let options = self.create_generic_options()?;
        let import = ImportForeignSchema { remote_schema, limit_to, tables, server, local_schema, options };
        Ok(Statement::ImportForeignSchema(Box::new(import)))
    }

    /// `CreatePublicationStmt`.
    pub(super) fn create_publication(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        let mut publication =
            CreatePublication { name, for_all_tables: false, objects: Vec::new(), options: Vec::new() };
        if self.kw(Kw::For) {
            if self.kw(Kw::All) {
                self.expect_kw(Kw::Tables)?;
                publication.for_all_tables = true;
            } else {
                publication.objects = self.publication_objects()?;
            }
        }
        publication.options = self.opt_definition()?;
        Ok(Statement::CreatePublication(Box::new(publication)))
    }

    /// `pub_obj_list`: a bare name continues the kind before it.
    fn publication_objects(&mut self) -> Result<Vec<PublicationObject>> {
        if !self.at_any(&[Kw::Table, Kw::Tables]) {
            let pos = self.pos();
            // The grammar takes a bare name here; PostgreSQL refuses it a step later.
            self.publication_table()?;
            return Err(super::super::cursor::refuse("invalid publication object list", pos).detail(
                "One of TABLE or TABLES IN SCHEMA must be specified before a standalone table or schema name.",
            ));
        }
        let mut in_schema = false;
        self.list(|p| {
            if p.kw(Kw::Tables) {
                p.expect_seq(&[Kw::In, Kw::Schema])?;
                in_schema = true;
            } else if p.kw(Kw::Table) {
                in_schema = false;
            }
            if !in_schema {
                return p.publication_table();
            }
            if p.kw(Kw::CurrentSchema) {
                return Ok(PublicationObject::TablesInSchema(None));
            }
            Ok(PublicationObject::TablesInSchema(Some(p.col_id()?)))
        })
    }

    fn publication_table(&mut self) -> Result<PublicationObject> {
        let relation = self.relation_expr()?;
        let columns = self.opt_columns()?;
        let filter = if self.kw(Kw::Where) { Some(self.parens(Self::a_expr)?) } else { None };
        Ok(PublicationObject::Table { relation, columns, filter })
    }

    pub(super) fn alter_publication(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        let action = match self.any(&[Kw::Set, Kw::Add, Kw::Drop]) {
            Some(Kw::Set) if self.at(Tok::LParen) => AlterPublicationAction::SetOptions(self.definition()?),
            Some(Kw::Set) => AlterPublicationAction::Set(self.publication_objects()?),
            Some(Kw::Add) => AlterPublicationAction::Add(self.publication_objects()?),
            Some(_) => AlterPublicationAction::Drop(self.publication_objects()?),
            None => return self.alter_tail(ObjectType::Publication, ObjectRef::Name(name)),
        };
        Ok(Statement::AlterPublication(Box::new(AlterPublication { name, action })))
    }

    /// `CreateSubscriptionStmt`.
    pub(super) fn create_subscription(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        self.expect_kw(Kw::Connection)?;
        let connection = self.string()?;
        self.expect_kw(Kw::Publication)?;
        let publications = self.col_ids()?;
        let options = self.opt_definition()?;
        let subscription = CreateSubscription { name, connection, publications, options };
        Ok(Statement::CreateSubscription(Box::new(subscription)))
    }

    pub(super) fn alter_subscription(&mut self) -> Result<Statement> {
        use AlterSubscriptionAction::*;
        self.advance();
        let name = self.col_id()?;
        let named = |p: &mut Self| -> Result<(Vec<Ident>, Vec<DefElem>)> {
            p.expect_kw(Kw::Publication)?;
            Ok((p.col_ids()?, p.opt_definition()?))
        };
        let action = match self.peek() {
            Tok::Keyword(Kw::Set) if self.peek_at(1) == Tok::LParen => {
                self.advance();
                Options(self.definition()?)
            }
            Tok::Keyword(k @ (Kw::Set | Kw::Add | Kw::Drop)) => {
                self.advance();
                let (publications, options) = named(self)?;
                match k {
                    Kw::Set => SetPublication { publications, options },
                    Kw::Add => AddPublication { publications, options },
                    _ => DropPublication { publications, options },
                }
            }
            Tok::Keyword(Kw::Connection) => {
                self.advance();
                Connection(self.string()?)
            }
            Tok::Keyword(Kw::Refresh) => {
                self.advance();
                self.expect_kw(Kw::Publication)?;
                Refresh(self.opt_definition()?)
            }
            Tok::Keyword(Kw::Enable) => {
                self.advance();
                Enable
            }
            Tok::Keyword(Kw::Disable) => {
                self.advance();
                Disable
            }
            Tok::Keyword(Kw::Skip) => {
                self.advance();
                Skip(self.definition()?)
            }
            _ => return self.alter_tail(ObjectType::Subscription, ObjectRef::Name(name)),
        };
        Ok(Statement::AlterSubscription(Box::new(AlterSubscription { name, action })))
    }

    pub(super) fn drop_subscription(&mut self) -> Result<Statement> {
        self.advance();
        let if_exists = self.if_exists();
        let name = self.col_id()?;
        let behavior = self.drop_behavior();
        Ok(Statement::DropSubscription(Box::new(DropSubscription { name, if_exists, behavior })))
    }
}
