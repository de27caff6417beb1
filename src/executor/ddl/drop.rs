//! DROP (`src/backend/commands/dropcmds.c`).

use super::comment::relation_name;
use super::{DdlContext, Outcome, depend, done, no_schema};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{Address, Relation, class};
use crate::parser::ast::{Drop, ObjectRef, ObjectType, QualifiedName};
use crate::txn::LockMode;

pub fn drop(s: &Drop, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let mut targets = Vec::new();
    for object in &s.objects {
        match target(s, object, cx) {
            Ok(address) => targets.push(address),
            Err(e) if s.if_exists && is_missing(&e) => cx.notice(skipping(s, object, &e)),
            Err(e) => return Err(e),
        }
    }
    depend::drop_all(cx, &targets, s.behavior)?;
    done(s.object.drop_name())
}

fn is_missing(e: &Error) -> bool {
    matches!(
        e.code(),
        SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_OBJECT
            | SqlState::INVALID_SCHEMA_NAME
            | SqlState::UNDEFINED_FUNCTION
    )
}

fn skipping(s: &Drop, object: &ObjectRef, e: &Error) -> String {
    match object {
        ObjectRef::Qualified(name) if e.code() == SqlState::UNDEFINED_TABLE => {
            format!("{} \"{}\" does not exist, skipping", s.object.name().to_lowercase(), name.name())
        }
        _ => format!("{}, skipping", e.message()),
    }
}

fn target(s: &Drop, object: &ObjectRef, cx: &mut DdlContext<'_>) -> Result<Address> {
    match (s.object, object) {
        (
            ObjectType::Table
            | ObjectType::View
            | ObjectType::Index
            | ObjectType::Sequence
            | ObjectType::MaterializedView,
            ObjectRef::Qualified(name),
        ) => relation(s.object, name, cx),
        (ObjectType::Schema, ObjectRef::Name(name)) => {
            let catalog = cx.now();
            let schema = catalog.schema_named(&name.name).ok_or_else(|| no_schema(&name.name))?;
            if schema.oid < crate::base::Oid::FIRST_USER && schema.oid != crate::catalog::PUBLIC {
                return Err(Error::new(
                    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!("cannot drop schema {} because it is required by the database system", schema.name),
                ));
            }
            Ok(Address::new(class::NAMESPACE, schema.oid))
        }
        _ => Err(Error::unsupported(s.object.drop_name())),
    }
}

fn relation(object: ObjectType, name: &QualifiedName, cx: &mut DdlContext<'_>) -> Result<Address> {
    let noun = object.name().to_lowercase();
    let found = cx.relation(&relation_name(name)).map_err(|e| match e.code() {
        SqlState::UNDEFINED_TABLE => {
            let code = if object == ObjectType::Index { SqlState::UNDEFINED_OBJECT } else { SqlState::UNDEFINED_TABLE };
            Error::new(code, format!("{noun} \"{}\" does not exist", name.name()))
        }
        _ => e,
    })?;
    if let Relation::System(s) = &found {
        return Err(super::system_relation(s.name));
    }
    let expected = match object {
        ObjectType::Table => b'r',
        ObjectType::View => b'v',
        ObjectType::Index => b'i',
        ObjectType::Sequence => b'S',
        _ => b'm',
    };
    if found.relkind() != expected {
        let article = if object == ObjectType::Index { "an" } else { "a" };
        let e = Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {article} {noun}", found.name()));
        return Err(e.hint(format!(
            "Use DROP {} to remove {} {}.",
            found.noun().to_uppercase(),
            if found.relkind() == b'i' { "an" } else { "a" },
            found.noun()
        )));
    }
    cx.lock(found.oid(), LockMode::AccessExclusive)?;
    Ok(Address::relation(found.oid()))
}
