//! Every statement that begins with ALTER: the object, and then RENAME, OWNER, SET SCHEMA, DEPENDS, or what is special
//! to that object.

use super::super::ast::*;
use super::super::cursor::Parser;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    pub(in super::super) fn alter_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let Tok::Keyword(k) = self.peek() else { return Err(self.unexpected()) };
        match k {
            Kw::Table | Kw::Index | Kw::View | Kw::Sequence | Kw::Materialized => self.alter_relation(),
            Kw::Foreign if self.kw_at(1) == Some(Kw::Table) => self.alter_relation(),
            Kw::Foreign => self.alter_foreign_data_wrapper(),
            Kw::Default => self.alter_default_privileges(),
            Kw::Role | Kw::User | Kw::Group => self.alter_role(k),
            Kw::Database => self.alter_database(),
            Kw::System => self.alter_system(),
            Kw::Tablespace => self.alter_tablespace(),
            Kw::Type => {
                self.advance();
                self.alter_type()
            }
            Kw::Operator => {
                self.advance();
                self.alter_operator()
            }
            Kw::Extension => self.alter_extension(),
            Kw::Server => self.alter_server(),
            Kw::Publication => self.alter_publication(),
            Kw::Subscription => self.alter_subscription(),
            Kw::Policy | Kw::Rule | Kw::Trigger => self.alter_on_table(),
            Kw::Statistics => self.alter_statistics(),
            Kw::Collation => self.alter_collation(),
            Kw::Event => self.alter_event_trigger(),
            Kw::Text => self.alter_text_search(),
            _ => self.alter_object(),
        }
    }

    /// Functions, domains, schemas and others: the object and one of the common endings.
    fn alter_object(&mut self) -> Result<Statement> {
        use ObjectType::*;
        let object = self.object_type()?;
        match object {
            Aggregate | Conversion | Language | LargeObject | Schema => {
                let target = self.object_ref(object)?;
                self.alter_tail(object, target)
            }
            Function | Procedure | Routine => {
                let function = self.function_ref()?;
                let common = self.at_any(&[Kw::Rename, Kw::Owner, Kw::Depends])
                    || self.at_seq(&[Kw::Set, Kw::Schema]) && self.peek_at(2) != Tok::Equal
                    || self.at_seq(&[Kw::No, Kw::Depends]);
                if common {
                    return self.alter_tail(object, ObjectRef::Function(function));
                }
                self.alter_function(object, function)
            }
            Domain => {
                let name = self.any_name()?;
                if self.at_seq(&[Kw::Rename, Kw::Constraint]) {
                    return self.rename_domain_constraint(name);
                }
                if !(self.at_any(&[Kw::Rename, Kw::Owner]) || self.at_seq(&[Kw::Set, Kw::Schema])) {
                    return self.alter_domain(name);
                }
                let mut type_name = super::super::types::system_type("", name.pos());
                type_name.name = name;
                self.alter_tail(object, ObjectRef::Type(type_name))
            }
            _ => Err(self.previous_unexpected()),
        }
    }

    fn rename_domain_constraint(&mut self, name: QualifiedName) -> Result<Statement> {
        self.advance();
        self.advance();
        let constraint = self.col_id()?;
        let mut domain = super::super::types::system_type("", name.pos());
        domain.name = name;
        let target = RenameTarget::Object(ObjectRef::DomainConstraint { name: constraint, domain });
        self.rename_to(ObjectType::DomainConstraint, ObjectType::Domain, target, false)
    }

    /// `RENAME TO name`, from TO on.
    fn rename_to(
        &mut self,
        object: ObjectType,
        relation_type: ObjectType,
        target: RenameTarget,
        if_exists: bool,
    ) -> Result<Statement> {
        self.expect_kw(Kw::To)?;
        let new_name = self.col_id()?;
        let behavior = DropBehavior::Restrict;
        Ok(Statement::Rename(Box::new(Rename { object, relation_type, target, new_name, if_exists, behavior })))
    }

    /// The endings that most objects share, each where PostgreSQL's grammar has it for this kind.
    pub(in super::super) fn alter_tail(&mut self, object: ObjectType, target: ObjectRef) -> Result<Statement> {
        use ObjectType::*;
        let function = matches!(object, Function | Procedure | Routine);
        let renames = !matches!(object, LargeObject | Operator | Extension);
        let owned = !matches!(object, TextSearchParser | TextSearchTemplate | Extension);
        let in_schema = !matches!(
            object,
            Database
                | Language
                | LargeObject
                | Schema
                | Server
                | Tablespace
                | EventTrigger
                | Publication
                | Subscription
                | ForeignDataWrapper
        );
        match self.peek() {
            Tok::Keyword(Kw::Rename) if renames => {
                self.advance();
                self.rename_to(object, object, RenameTarget::Object(target), false)
            }
            Tok::Keyword(Kw::Owner) if owned => {
                self.advance();
                self.expect_kw(Kw::To)?;
                let new_owner = self.role_spec()?;
                Ok(Statement::AlterOwner(Box::new(AlterOwner { object, target, new_owner })))
            }
            Tok::Keyword(Kw::Set) if in_schema => {
                self.advance();
                self.set_schema(object, RenameTarget::Object(target), false)
            }
            Tok::Keyword(Kw::No | Kw::Depends) if function => self.depends_on(object, RenameTarget::Object(target)),
            _ => Err(self.unexpected()),
        }
    }

    /// `SET SCHEMA name`, from SCHEMA on.
    fn set_schema(&mut self, object: ObjectType, target: RenameTarget, if_exists: bool) -> Result<Statement> {
        self.expect_kw(Kw::Schema)?;
        let new_schema = self.col_id()?;
        Ok(Statement::AlterObjectSchema(Box::new(AlterObjectSchema { object, target, new_schema, if_exists })))
    }

    /// `[NO] DEPENDS ON EXTENSION name`.
    fn depends_on(&mut self, object: ObjectType, target: RenameTarget) -> Result<Statement> {
        let remove = self.kw(Kw::No);
        self.expect_seq(&[Kw::Depends, Kw::On, Kw::Extension])?;
        let extension = self.col_id()?;
        Ok(Statement::AlterObjectDepends(Box::new(AlterObjectDepends { object, target, extension, remove })))
    }

    /// `AlterTableStmt` and its cousins for tables, indexes, views, sequences.
    fn alter_relation(&mut self) -> Result<Statement> {
        use ObjectType::*;
        let object = self.object_type()?;
        if matches!(object, Table | Index | MaterializedView) && self.at_kw(Kw::All) {
            return self.alter_all_in_tablespace(object);
        }
        let if_exists = self.if_exists();
        let relation = match object {
            Table | ForeignTable => self.relation_expr()?,
            _ => RelationRef { name: self.relation_name()?, children: true },
        };
        let whole = |relation| RenameTarget::Relation { relation, part: None };
        match self.peek() {
            Tok::Keyword(Kw::Rename) => self.rename_relation(object, relation, if_exists),
            Tok::Keyword(Kw::Set) if self.kw_at(1) == Some(Kw::Schema) && object != Index => {
                self.advance();
                self.set_schema(object, whole(relation), if_exists)
            }
            Tok::Keyword(Kw::No) if self.kw_at(1) == Some(Kw::Depends) => self.depends_on(object, whole(relation)),
            Tok::Keyword(Kw::Depends) => self.depends_on(object, whole(relation)),
            _ if object == Sequence && !self.at_any(&[Kw::Owner, Kw::Set]) => {
                let options = self.sequence_options()?;
                let name = relation.name;
                Ok(Statement::AlterSequence(Box::new(AlterSequence { name, if_exists, options })))
            }
            _ => {
                let commands = self.alter_table_cmds(object)?;
                Ok(Statement::AlterTable(Box::new(AlterTable { object, relation, if_exists, commands })))
            }
        }
    }

    /// RENAME of a relation, of its column or its constraint.
    fn rename_relation(&mut self, object: ObjectType, relation: RelationRef, if_exists: bool) -> Result<Statement> {
        use ObjectType::*;
        self.advance();
        if self.at_kw(Kw::To) {
            return self.rename_to(object, object, RenameTarget::Relation { relation, part: None }, if_exists);
        }
        if matches!(object, Index | Sequence) {
            return Err(self.unexpected());
        }
        let constraint = object == Table && self.kw(Kw::Constraint);
        if !constraint {
            self.kw(Kw::Column);
        }
        let part = Some(self.col_id()?);
        let kind = if constraint { TableConstraint } else { Column };
        self.rename_to(kind, object, RenameTarget::Relation { relation, part }, if_exists)
    }

    /// ALL IN TABLESPACE name [OWNED BY roles] SET TABLESPACE name [NOWAIT].
    fn alter_all_in_tablespace(&mut self, object: ObjectType) -> Result<Statement> {
        self.expect_seq(&[Kw::All, Kw::In, Kw::Tablespace])?;
        let tablespace = self.col_id()?;
        let mut owned_by = Vec::new();
        if self.kw(Kw::Owned) {
            self.expect_kw(Kw::By)?;
            owned_by = self.role_list()?;
        }
        self.expect_seq(&[Kw::Set, Kw::Tablespace])?;
        let new_tablespace = self.col_id()?;
        let nowait = self.kw(Kw::Nowait);
        let statement = AlterTableAllInTablespace { object, tablespace, owned_by, new_tablespace, nowait };
        Ok(Statement::AlterTableAllInTablespace(Box::new(statement)))
    }

    /// ALTER POLICY | RULE | TRIGGER name ON table.
    fn alter_on_table(&mut self) -> Result<Statement> {
        let object = self.object_type()?;
        let if_exists = object == ObjectType::Policy && self.if_exists();
        let name = self.col_id()?;
        self.expect_kw(Kw::On)?;
        let table = self.relation_name()?;
        if object == ObjectType::Policy && !if_exists && !self.at_kw(Kw::Rename) {
            return self.alter_policy(name, table);
        }
        let relation = RelationRef { name: table, children: true };
        let target = RenameTarget::Relation { relation, part: Some(name) };
        if object == ObjectType::Trigger && self.at_any(&[Kw::No, Kw::Depends]) {
            return self.depends_on(object, target);
        }
        self.expect_kw(Kw::Rename)?;
        self.rename_to(object, object, target, if_exists)
    }

    fn alter_statistics(&mut self) -> Result<Statement> {
        self.advance();
        let if_exists = self.if_exists();
        let name = self.any_name()?;
        if self.at_seq(&[Kw::Set, Kw::Statistics]) {
            self.advance();
            self.advance();
            let target = self.signed_integer()?;
            return Ok(Statement::AlterStatistics(Box::new(AlterStatistics { if_exists, name, target })));
        }
        if if_exists {
            return Err(self.unexpected());
        }
        self.alter_tail(ObjectType::Statistics, ObjectRef::Qualified(name))
    }

    fn alter_collation(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.any_name()?;
        if self.kw(Kw::Refresh) {
            self.expect_kw(Kw::Version)?;
            return Ok(Statement::AlterCollation(Box::new(AlterCollation { name })));
        }
        self.alter_tail(ObjectType::Collation, ObjectRef::Qualified(name))
    }

    fn alter_event_trigger(&mut self) -> Result<Statement> {
        let object = self.object_type()?;
        let name = self.col_id()?;
        let mode = match self.any(&[Kw::Enable, Kw::Disable]) {
            Some(Kw::Disable) => EnableMode::Disable,
            Some(_) => match self.any(&[Kw::Replica, Kw::Always]) {
                Some(Kw::Replica) => EnableMode::EnableReplica,
                Some(_) => EnableMode::EnableAlways,
                None => EnableMode::Enable,
            },
            None => return self.alter_tail(object, ObjectRef::Name(name)),
        };
        Ok(Statement::AlterEventTrigger(Box::new(AlterEventTrigger { name, mode })))
    }

    fn alter_text_search(&mut self) -> Result<Statement> {
        let object = self.text_search_type()?;
        let name = self.any_name()?;
        if object == ObjectType::TextSearchConfiguration && self.at_any(&[Kw::Add, Kw::Alter, Kw::Drop]) {
            return self.alter_text_search_configuration(name);
        }
        if object == ObjectType::TextSearchDictionary && self.at(Tok::LParen) {
            let options = self.definition()?;
            let statement = AlterTextSearchDictionary { name, options };
            return Ok(Statement::AlterTextSearchDictionary(Box::new(statement)));
        }
        self.alter_tail(object, ObjectRef::Qualified(name))
    }
}
