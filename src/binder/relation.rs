//! Finding relations and types by the names that statements use.

use super::state::{Binder, Environment};
use super::typename;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{PG_CATALOG, Relation};
use crate::parser::ast;
use crate::types::SqlType;

/// The relation that a utility statement names (`RangeVarGetRelid`).
///
/// Errors, all without a position: 3F000 for a schema that does not exist, 42P01 for a relation, 0A000 for another database.
pub fn find_relation(env: &Environment<'_>, name: &ast::RelationName) -> Result<Relation> {
    lookup(env, env.search_path, name)?.ok_or_else(|| match &name.schema {
        Some(schema) if schema_oid(env, schema).is_none() => no_schema(schema),
        _ => undefined(name),
    })
}

/// The type that a statement names; 42704 if there is none.
pub fn resolve_type(env: &Environment<'_>, name: &ast::TypeName) -> Result<SqlType> {
    typename::resolve(env, env.search_path, name)
}

fn undefined(name: &ast::RelationName) -> Error {
    let shown = match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    };
    Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist"))
}

/// 3F000 `schema "s" does not exist`
pub fn no_schema(name: &str) -> Error {
    Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"))
}

fn lookup(env: &Environment<'_>, path: &[Oid], name: &ast::RelationName) -> Result<Option<Relation>> {
    check_database(env, name)?;
    Ok(match &name.schema {
        Some(schema) => schema_oid(env, schema).and_then(|s| env.catalog.relation(s, &name.name)),
        None => env.catalog.find_relation(path, &name.name),
    })
}

/// Error: 0A000 for a name in another database.
pub fn check_database(env: &Environment<'_>, name: &ast::RelationName) -> Result<()> {
    match &name.catalog {
        Some(database) if !is_this_database(env, database) => Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("cross-database references are not implemented: \"{name}\""),
        )),
        _ => Ok(()),
    }
}

pub(super) fn is_this_database(env: &Environment<'_>, name: &str) -> bool {
    env.catalog.database(env.catalog.database_oid()).is_some_and(|d| d.name == name)
}

/// The schema of that name; `pg_temp` is the session's own.
pub(super) fn schema_oid(env: &Environment<'_>, name: &str) -> Option<Oid> {
    match name {
        "pg_temp" => env.temp_schema,
        "pg_catalog" => Some(PG_CATALOG),
        _ => env.catalog.schema_named(name).map(|s| s.oid),
    }
}

impl Binder<'_> {
    /// The relation of a FROM clause or the target of a statement (`parserOpenTable`): a missing schema is a missing relation.
    pub fn open_relation(&self, name: &ast::RelationName) -> Result<Relation> {
        let found = lookup(&self.env, &self.search_path, name).map_err(|e| e.at(name.pos))?;
        found.ok_or_else(|| self.undefined_relation(name).at(name.pos))
    }

    /// 42P01; a WITH item that is not visible yet is worth a hint.
    fn undefined_relation(&self, name: &ast::RelationName) -> Error {
        let error = undefined(name);
        let future = self.visible_levels().any(|l| l.future_ctes.contains(&name.name));
        if name.schema.is_some() || !future {
            return error;
        }
        error
            .detail(format!(
                "There is a WITH item named \"{}\", but it cannot be referenced from this part of the query.",
                name.name
            ))
            .hint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references.")
    }

    /// The oid of a relation by name, if there is one.
    pub fn relation_oid(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let found = match schema {
            Some(schema) => self.catalog().relation(schema_oid(&self.env, schema)?, name),
            None => self.catalog().find_relation(&self.search_path, name),
        };
        found.map(|r| r.oid())
    }

    pub fn type_of(&self, name: &ast::TypeName) -> Result<SqlType> {
        typename::resolve(&self.env, &self.search_path, name)
    }
}
