//! Statements that name an object of any kind: DROP, COMMENT ON, SECURITY LABEL.

use super::super::ast::*;
use super::super::cursor::Parser;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// The words that name a kind of object: TABLE, MATERIALIZED VIEW, TEXT SEARCH PARSER.
    pub(in super::super) fn object_type(&mut self) -> Result<ObjectType> {
        use ObjectType::*;
        let Tok::Keyword(k) = self.peek() else { return Err(self.unexpected()) };
        let object = match k {
            Kw::Access => return self.two_words(Kw::Method, AccessMethod),
            Kw::Event => return self.two_words(Kw::Trigger, EventTrigger),
            Kw::Large => return self.two_words(Kw::Object, LargeObject),
            Kw::Materialized => return self.two_words(Kw::View, MaterializedView),
            Kw::Procedural => return self.two_words(Kw::Language, Language),
            Kw::Text => return self.text_search_type(),
            Kw::Foreign => {
                self.advance();
                if self.kw(Kw::Table) {
                    return Ok(ForeignTable);
                }
                self.expect_seq(&[Kw::Data, Kw::Wrapper])?;
                return Ok(ForeignDataWrapper);
            }
            Kw::Operator if self.kw_at(1) == Some(Kw::Class) => return self.two_words(Kw::Class, OperatorClass),
            Kw::Operator if self.kw_at(1) == Some(Kw::Family) => return self.two_words(Kw::Family, OperatorFamily),
            Kw::Aggregate => Aggregate,
            Kw::Cast => Cast,
            Kw::Collation => Collation,
            Kw::Column => Column,
            Kw::Constraint => TableConstraint,
            Kw::Conversion => Conversion,
            Kw::Database => Database,
            Kw::Domain => Domain,
            Kw::Extension => Extension,
            Kw::Function => Function,
            Kw::Index => Index,
            Kw::Language => Language,
            Kw::Operator => Operator,
            Kw::Policy => Policy,
            Kw::Procedure => Procedure,
            Kw::Publication => Publication,
            Kw::Role => Role,
            Kw::Routine => Routine,
            Kw::Rule => Rule,
            Kw::Schema => Schema,
            Kw::Sequence => Sequence,
            Kw::Server => Server,
            Kw::Statistics => Statistics,
            Kw::Subscription => Subscription,
            Kw::Table => Table,
            Kw::Tablespace => Tablespace,
            Kw::Transform => Transform,
            Kw::Trigger => Trigger,
            Kw::Type => Type,
            Kw::View => View,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(object)
    }

    fn two_words(&mut self, second: Kw, object: ObjectType) -> Result<ObjectType> {
        self.advance();
        self.expect_kw(second)?;
        Ok(object)
    }

    /// The object of that kind, as COMMENT, SECURITY LABEL, DROP and ALTER EXTENSION name it.
    pub(in super::super) fn object_ref(&mut self, object: ObjectType) -> Result<ObjectRef> {
        use ObjectType::*;
        Ok(match object {
            AccessMethod | Database | EventTrigger | Extension | ForeignDataWrapper | Language | Publication | Role
            | Schema | Server | Subscription | Tablespace | Parameter => ObjectRef::Name(self.col_id()?),
            Aggregate => ObjectRef::Function(self.aggregate_ref()?),
            Function | Procedure | Routine => ObjectRef::Function(self.function_ref()?),
            Operator => ObjectRef::Operator(self.operator_ref()?),
            OperatorClass | OperatorFamily => {
                let name = self.any_name()?;
                self.expect_kw(Kw::Using)?;
                ObjectRef::WithMethod { name, method: self.col_id()? }
            }
            Cast => {
                let (source, target) = self.cast_types()?;
                ObjectRef::Cast { source, target }
            }
            Transform => {
                self.expect_kw(Kw::For)?;
                let type_name = self.type_name()?;
                self.expect_kw(Kw::Language)?;
                ObjectRef::Transform { type_name, language: self.col_id()? }
            }
            Policy | Rule | Trigger | TableConstraint => {
                let name = self.col_id()?;
                self.expect_kw(Kw::On)?;
                ObjectRef::On { name, relation: self.any_name()? }
            }
            Type | Domain => ObjectRef::Type(self.type_name()?),
            LargeObject => ObjectRef::LargeObject(self.signed_number()?),
            _ => ObjectRef::Qualified(self.any_name()?),
        })
    }

    /// Every statement that begins with DROP.
    pub(in super::super) fn drop_stmt(&mut self) -> Result<Statement> {
        self.advance();
        match self.peek() {
            Tok::Keyword(Kw::Database) => return self.drop_database(),
            Tok::Keyword(Kw::Tablespace) => return self.drop_tablespace(),
            Tok::Keyword(Kw::Subscription) => return self.drop_subscription(),
            Tok::Keyword(Kw::Owned) => return self.drop_owned(),
            Tok::Keyword(Kw::User) if self.kw_at(1) == Some(Kw::Mapping) => return self.drop_user_mapping(),
            Tok::Keyword(Kw::Role | Kw::User | Kw::Group) => return self.drop_role(),
            Tok::Keyword(Kw::Constraint | Kw::Column | Kw::Large) => return Err(self.unexpected()),
            _ => {}
        }
        let object = self.object_type()?;
        let concurrently = object == ObjectType::Index && self.kw(Kw::Concurrently);
        let if_exists = self.if_exists();
        let mut objects = vec![self.object_ref(object)?];
        while self.drops_several(object) && self.take(Tok::Comma) {
            objects.push(self.object_ref(object)?);
        }
        let behavior = self.drop_behavior();
        Ok(Statement::Drop(Box::new(Drop { object, objects, if_exists, behavior, concurrently })))
    }

    fn drops_several(&self, object: ObjectType) -> bool {
        use ObjectType::*;
        !matches!(object, Policy | Rule | Trigger | Cast | Transform | OperatorClass | OperatorFamily)
    }

    /// The object behind COMMENT ON and SECURITY LABEL ON.
    fn labelled_object(&mut self) -> Result<(ObjectType, ObjectRef)> {
        let object = self.object_type()?;
        if object == ObjectType::TableConstraint {
            let name = self.col_id()?;
            self.expect_kw(Kw::On)?;
            if self.noise(Kw::Domain) {
                let parts = self.any_name()?;
                let mut domain = super::super::types::system_type("", parts.pos());
                domain.name = parts;
                return Ok((ObjectType::DomainConstraint, ObjectRef::DomainConstraint { name, domain }));
            }
            return Ok((object, ObjectRef::On { name, relation: self.any_name()? }));
        }
        let target = self.object_ref(object)?;
        Ok((object, target))
    }

    /// `IS (Sconst | NULL)`.
    fn is_text(&mut self) -> Result<Option<String>> {
        self.expect_kw(Kw::Is)?;
        if self.kw(Kw::Null) { Ok(None) } else { self.string().map(Some) }
    }

    /// `CommentStmt`.
    pub(in super::super) fn comment_stmt(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Comment, Kw::On])?;
        let (object, target) = self.labelled_object()?;
        let text = self.is_text()?;
        Ok(Statement::Comment(Box::new(Comment { object, target, text })))
    }

    /// `SecLabelStmt`.
    pub(in super::super) fn security_label_stmt(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Security, Kw::Label])?;
        let provider = if self.kw(Kw::For) { Some(self.word_or_string()?) } else { None };
        self.expect_kw(Kw::On)?;
        let (object, target) = self.labelled_object()?;
        let label = self.is_text()?;
        Ok(Statement::SecurityLabel(Box::new(SecurityLabel { provider, object, target, label })))
    }
}
