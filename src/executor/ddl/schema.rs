//! CREATE SCHEMA, CREATE DATABASE and DROP DATABASE.

use super::{DdlContext, Outcome, done, run};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{self, Database, Schema};
use crate::parser::ast::{CreateDatabase, CreateSchema, DropDatabase, Ident, RoleKind, RoleSpec, Statement};
use std::sync::Arc;

pub fn create_schema(s: &CreateSchema, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let owner = match &s.authorization {
        Some(role) => role_oid(cx, role)?,
        None => cx.role,
    };
    let name = match &s.name {
        Some(Ident { name, .. }) => name.clone(),
        None => cx.now().role(owner).map(|r| r.name.clone()).unwrap_or_default(),
    };
    if name.starts_with("pg_") {
        return Err(Error::new(SqlState::RESERVED_NAME, format!("unacceptable schema name \"{name}\""))
            .detail("The prefix \"pg_\" is reserved for system schemas."));
    }
    cx.catalog.lock_name(cx.txn, catalog::class::NAMESPACE, &name)?;
    if s.if_not_exists && cx.now().schema_named(&name).is_some() {
        cx.notice(format!("schema \"{name}\" already exists, skipping"));
        return done("CREATE SCHEMA");
    }
    cx.catalog.claim_schema_name(cx.txn, &name)?;
    let oid = cx.new_oid()?;
    cx.catalog.put(cx.txn, Arc::new(Schema { oid, name, owner, acl: None }))?;
    let mut path = vec![oid];
    path.extend(cx.search_path);
    for element in &s.elements {
        run_inside(element, cx, &path)?;
    }
    done("CREATE SCHEMA")
}

/// A statement of CREATE SCHEMA, with the new schema first on the path.
fn run_inside(element: &Statement, cx: &mut DdlContext<'_>, path: &[crate::base::Oid]) -> Result<()> {
    let mut inner = DdlContext {
        txn: cx.txn,
        catalog: cx.catalog,
        host: cx.host,
        format: cx.format,
        eval: cx.eval,
        cancelled: cx.cancelled,
        statement_us: cx.statement_us,
        transaction_us: cx.transaction_us,
        work_mem: cx.work_mem,
        deferred: cx.deferred,
        search_path: path,
        creation_schema: path.first().copied(),
        role: cx.role,
        text: cx.text,
        definitions: cx.definitions,
        facts: cx.facts,
        temp: cx.temp,
        temp_schema: cx.temp_schema,
        temp_is_first: false,
    };
    run(element, &mut inner).map(drop)
}

/// The role that a statement names.
///
/// Error: 42704.
pub fn role_oid(cx: &DdlContext<'_>, role: &RoleSpec) -> Result<crate::base::Oid> {
    match &role.kind {
        RoleKind::CurrentRole | RoleKind::CurrentUser | RoleKind::SessionUser => Ok(cx.role),
        RoleKind::Public => Err(Error::new(SqlState::UNDEFINED_OBJECT, "role \"public\" does not exist")),
        RoleKind::Name(name) => cx
            .now()
            .role_named(name)
            .map(|r| r.oid)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"))),
    }
}

pub fn create_database(s: &CreateDatabase, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    for option in &s.options {
        match option.name.as_str() {
            "owner" | "template" | "encoding" | "lc_collate" | "lc_ctype" | "locale" | "connection_limit"
            | "allow_connections" | "is_template" | "strategy" | "oid" | "tablespace" | "locale_provider" => {}
            other => {
                return Err(
                    Error::new(SqlState::SYNTAX_ERROR, format!("option \"{other}\" not recognized")).at(option.pos)
                );
            }
        }
    }
    let name = &s.name.name;
    cx.catalog.lock_name(cx.txn, catalog::class::DATABASE, name)?;
    if cx.now().database_named(name).is_some() {
        return Err(Error::new(SqlState::DUPLICATE_DATABASE, format!("database \"{name}\" already exists")));
    }
    let oid = cx.new_oid()?;
    let database = Database {
        oid,
        name: name.clone(),
        owner: cx.role,
        acl: None,
        is_template: false,
        allow_connections: true,
        connection_limit: -1,
        settings: Vec::new(),
    };
    for schema in catalog::initial_schemas() {
        cx.catalog.put_into(cx.txn, oid, Arc::new(schema))?;
    }
    cx.catalog.put(cx.txn, Arc::new(database))?;
    done("CREATE DATABASE")
}

/// DROP DATABASE (`dropdb`, `src/backend/commands/dbcommands.c`). The session has made others leave, or waited for them.
///
/// Errors: 3D000, 42501, 42809 for a template, 55006 while somebody is connected.
pub fn drop_database(s: &DropDatabase, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    let name = &s.name.name;
    cx.catalog.lock_name(cx.txn, catalog::class::DATABASE, name)?;
    let now = cx.now();
    let Some(database) = now.database_named(name) else {
        if s.if_exists {
            cx.notice(format!("database \"{name}\" does not exist, skipping"));
            return done("DROP DATABASE");
        }
        return Err(Error::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist")));
    };
    if !now.has_ownership(cx.role, database.owner) {
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be owner of database {name}")));
    }
    if database.is_template {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot drop a template database"));
    }
    if database.oid == now.database_oid() {
        return Err(Error::new(SqlState::OBJECT_IN_USE, "cannot drop the currently open database"));
    }
    let others = cx.facts.backends().iter().filter(|b| b.database == database.oid).count();
    if others > 0 {
        let sessions = if others == 1 { "session" } else { "sessions" };
        return Err(Error::new(
            SqlState::OBJECT_IN_USE,
            format!("database \"{name}\" is being accessed by other users"),
        )
        .detail(format!(
            "There {} {others} other {sessions} using the database.",
            if others == 1 { "is" } else { "are" }
        )));
    }
    cx.catalog.drop_database(cx.txn, database.oid)?;
    done("DROP DATABASE")
}
