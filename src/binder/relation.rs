//! Finding relations and types by the names that statements use.

use super::state::{Binder, Environment};
use super::typename;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{PG_CATALOG, Relation};
use crate::parser::ast;
use crate::types::SqlType;

/// The relation of that name; 42P01 if there is none.
pub fn find_relation(env: &Environment<'_>, name: &ast::RelationName) -> Result<Relation> {
    lookup(env, env.search_path, name)?.ok_or_else(|| undefined(name))
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
    Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist")).at(name.pos)
}

fn lookup(env: &Environment<'_>, path: &[Oid], name: &ast::RelationName) -> Result<Option<Relation>> {
    if let Some(database) = &name.catalog {
        check_database(env, database, name)?;
    }
    Ok(match &name.schema {
        Some(schema) => schema_oid(env, schema).and_then(|s| env.catalog.relation(s, &name.name)),
        None => env.catalog.find_relation(path, &name.name),
    })
}

fn check_database(env: &Environment<'_>, database: &str, name: &ast::RelationName) -> Result<()> {
    let ours = env.catalog.database(env.catalog.database_oid()).is_some_and(|d| d.name == database);
    if ours {
        return Ok(());
    }
    Err(Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("cross-database references are not implemented: \"{name}\""),
    )
    .at(name.pos))
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
    /// The relation of a FROM clause or the target of a statement.
    pub fn open_relation(&self, name: &ast::RelationName) -> Result<Relation> {
        lookup(&self.env, &self.search_path, name)?.ok_or_else(|| self.undefined_relation(name))
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
