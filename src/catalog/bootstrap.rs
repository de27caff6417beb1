//! What a fresh data directory holds: two databases, one role, and the schemas of each database.

use super::codec;
use super::object::AclItem;
use super::object::{Address, Comment, Database, Object, Role, Schema, class};
use super::snapshot::{INFORMATION_SCHEMA, PG_CATALOG, PG_TOAST, POSTGRES_ROLE, PUBLIC};
use crate::base::{Error, Oid, Result};
use crate::engine::Engine;
use crate::txn::{Access, Isolation};
use std::sync::Arc;

/// `template1`.
pub const TEMPLATE1: Oid = Oid(1);
/// `template0`.
pub const TEMPLATE0: Oid = Oid(4);
/// `postgres`.
pub const POSTGRES_DATABASE: Oid = Oid(5);
/// `pg_database_owner`, which owns `public`.
const PG_DATABASE_OWNER: Oid = Oid(6171);

/// PostgreSQL's predefined roles, which exist to be granted.
const PREDEFINED: [(Oid, &str); 12] = [
    (PG_DATABASE_OWNER, "pg_database_owner"),
    (Oid(6181), "pg_read_all_data"),
    (Oid(6182), "pg_write_all_data"),
    (Oid(3373), "pg_monitor"),
    (Oid(3374), "pg_read_all_settings"),
    (Oid(3375), "pg_read_all_stats"),
    (Oid(3377), "pg_stat_scan_tables"),
    (Oid(4569), "pg_read_server_files"),
    (Oid(4570), "pg_write_server_files"),
    (Oid(4571), "pg_execute_server_program"),
    (Oid(4200), "pg_signal_backend"),
    (Oid(4544), "pg_checkpoint"),
];

const DATABASES: [(Oid, &str, bool, &str); 3] = [
    (TEMPLATE1, "template1", true, "default template for new databases"),
    (TEMPLATE0, "template0", true, "unmodifiable empty database"),
    (POSTGRES_DATABASE, "postgres", false, "default administrative connection database"),
];

fn comment(class: Oid, oid: Oid, text: &str) -> Comment {
    Comment { on: Address::new(class, oid), text: text.into() }
}

/// Writes it, and waits until it is durable.
pub(super) fn create(engine: &Arc<Engine>) -> Result<()> {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(Access::Write)?;
    let trees = [txn.create_tree()?, txn.create_tree()?];
    if trees != [codec::TREE, codec::SEQUENCE_TREE] {
        return Err(Error::internal(format!("the data directory has {} trees but no catalog", trees[0].0 - 1)));
    }
    let mut put = |database: Oid, object: Object| {
        txn.put(codec::TREE, &codec::encode_key(database, object.key()), &codec::encode_object(&object)?)
    };
    put(Oid::INVALID, role(POSTGRES_ROLE, "postgres", true).into())?;
    for (oid, name) in PREDEFINED {
        put(Oid::INVALID, role(oid, name, false).into())?;
    }
    for (oid, name, is_template, about) in DATABASES {
        let allow_connections = oid != TEMPLATE0;
        put(Oid::INVALID, Database { allow_connections, ..database(oid, name, is_template) }.into())?;
        put(Oid::INVALID, comment(class::DATABASE, oid, about).into())?;
        put(oid, comment(class::NAMESPACE, PUBLIC, "standard public schema").into())?;
        for schema in schemas() {
            put(oid, schema.into())?;
        }
    }
    let lsn = txn.commit()?.wait_for;
    engine.wait_durable_blocking(lsn)
}

fn database(oid: Oid, name: &str, is_template: bool) -> Database {
    Database {
        oid,
        name: name.into(),
        owner: POSTGRES_ROLE,
        acl: None,
        is_template,
        allow_connections: true,
        connection_limit: -1,
        settings: Vec::new(),
    }
}

fn role(oid: Oid, name: &str, superuser: bool) -> Role {
    Role {
        oid,
        name: name.into(),
        superuser,
        inherit: true,
        create_role: superuser,
        create_db: superuser,
        login: superuser,
        replication: superuser,
        bypass_rls: superuser,
        connection_limit: -1,
        password: None,
        valid_until: None,
        member_of: Vec::new(),
        settings: Vec::new(),
    }
}

/// The schemas that every new database has.
pub fn schemas() -> Vec<Schema> {
    let all = AclItem::USAGE | AclItem::CREATE;
    let item = |grantee, grantor, privileges| AclItem { grantee, grantor, privileges, grantable: 0 };
    let schema = |oid, name: &str, owner, public: bool| Schema {
        oid,
        name: name.into(),
        owner,
        acl: public.then(|| vec![item(owner, owner, all), item(Oid::INVALID, owner, AclItem::USAGE)]),
    };
    vec![
        schema(PG_CATALOG, "pg_catalog", POSTGRES_ROLE, true),
        schema(PG_TOAST, "pg_toast", POSTGRES_ROLE, false),
        schema(PUBLIC, "public", PG_DATABASE_OWNER, true),
        schema(INFORMATION_SCHEMA, "information_schema", POSTGRES_ROLE, true),
    ]
}
