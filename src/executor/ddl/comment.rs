//! COMMENT ON.

use super::sequence::relation_part;
use super::{DdlContext, Outcome, done, no_column};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{self, Address, Comment as Stored, Kind, ObjectKey, Relation};
use crate::parser::ast::{Comment, ObjectRef, ObjectType, QualifiedName, RelationName};
use std::sync::Arc;

pub fn comment(s: &Comment, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let on = match address(s, cx) {
        // The comment of a database may be restored into one of another name.
        Err(e) if e.code() == SqlState::INVALID_CATALOG_NAME => {
            cx.host.warning(e);
            return done("COMMENT");
        }
        on => on?,
    };
    match s.text.as_deref().filter(|t| !t.is_empty()) {
        Some(text) => cx.catalog.put(cx.txn, Arc::new(Stored { on, text: text.to_owned() }))?,
        None => {
            let key = ObjectKey { kind: Kind::Comment, oid: on.oid, class: on.class, sub: on.sub };
            cx.catalog.remove(cx.txn, key)?;
        }
    }
    done("COMMENT")
}

fn address(s: &Comment, cx: &mut DdlContext<'_>) -> Result<Address> {
    match (s.object, &s.target) {
        (
            ObjectType::Table
            | ObjectType::View
            | ObjectType::Index
            | ObjectType::Sequence
            | ObjectType::MaterializedView,
            ObjectRef::Qualified(name),
        ) => {
            let found = cx.relation(&relation_name(name))?;
            check_kind(s.object, &found)?;
            Ok(Address::relation(found.oid()))
        }
        (ObjectType::Column, ObjectRef::Qualified(name)) if name.parts.len() > 1 => {
            let Relation::Table(table) = cx.relation(&relation_part(name))? else {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" has no columns")));
            };
            let column = table.column_named(name.name()).ok_or_else(|| no_column(&table.name, name.name()))?;
            Ok(Address::column(table.oid, column.attnum))
        }
        (ObjectType::Schema, ObjectRef::Name(name)) => {
            let catalog = cx.now();
            let schema = catalog.schema_named(&name.name).ok_or_else(|| super::no_schema(&name.name))?;
            Ok(Address::new(catalog::class::NAMESPACE, schema.oid))
        }
        (ObjectType::Database, ObjectRef::Name(name)) => {
            let catalog = cx.now();
            let found = catalog.database_named(&name.name).ok_or_else(|| {
                Error::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{}\" does not exist", name.name))
            })?;
            Ok(Address::new(catalog::class::DATABASE, found.oid))
        }
        (ObjectType::TableConstraint, ObjectRef::On { name, relation }) => {
            let Relation::Table(table) = cx.relation(&relation_name(relation))? else {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{relation}\" is not a table")));
            };
            let constraint = table.constraint_named(&name.name).ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("constraint \"{}\" for table \"{}\" does not exist", name.name, table.name),
                )
            })?;
            Ok(Address::new(catalog::class::CONSTRAINT, constraint.oid))
        }
        (object, _) => Err(Error::unsupported(format!("COMMENT ON {}", object.name()))),
    }
}

/// 42809 `"v" is not a table`.
pub fn check_kind(object: ObjectType, found: &Relation) -> Result<()> {
    let (fits, noun) = match object {
        ObjectType::Table => (found.relkind() == b'r', "a table"),
        ObjectType::View => (found.relkind() == b'v', "a view"),
        ObjectType::Index => (found.relkind() == b'i', "an index"),
        ObjectType::Sequence => (found.relkind() == b'S', "a sequence"),
        ObjectType::MaterializedView => (found.relkind() == b'm', "a materialized view"),
        _ => (true, ""),
    };
    if fits {
        return Ok(());
    }
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {noun}", found.name())))
}

pub fn relation_name(name: &QualifiedName) -> RelationName {
    let at = |back: usize| name.parts.len().checked_sub(back).map(|i| name.parts[i].name.clone());
    RelationName { catalog: at(3), schema: at(2), name: name.name().to_owned(), pos: name.pos() }
}
