//! `pg_catalog` and `information_schema`: relations that are computed from a [`Catalog`] when they are read.
//!
//! What there is, with its columns, is the data in `relations.txt`, taken from PostgreSQL. What the rows are is a
//! function for each relation that can have any, listed in [`PRODUCERS`]; all others are empty, because nothing of
//! their kind can exist here. What only the running server knows comes in through [`Facts`].

mod access;
mod cluster;
mod constraints;
mod facts;
mod functions;
mod grants;
mod information_schema;
pub mod opclass;
mod relations;
mod replication;
mod rows;
mod session;
mod types;
mod views;

pub use facts::{
    Backend, Cursor, Facts, Lock, NoFacts, PreparedStatement, ReplicationSlot, Sender, Setting, TableActivity,
    WalReceiver,
};
pub use functions::{Support, function_oid, support_functions};
pub use relations::SEQUENCE_COLUMNS;
pub use rows::Rows;

use super::deparse::Namer;
use super::snapshot::{Catalog, INFORMATION_SCHEMA, PG_CATALOG};
use crate::base::Oid;
use crate::types::{Batch, type_by_name};
use ahash::AHashMap;
use std::sync::LazyLock;

/// A column of a system relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemColumn {
    pub name: &'static str,
    pub type_oid: Oid,
    pub typmod: i32,
    pub not_null: bool,
}

/// A relation whose rows are computed.
#[derive(Debug)]
pub struct SystemTable {
    pub oid: Oid,
    pub schema: Oid,
    pub name: &'static str,
    /// `r` or `v`, as in PostgreSQL.
    pub relkind: u8,
    pub row_type: Oid,
    pub columns: Vec<SystemColumn>,
    producer: Option<Producer>,
}

/// What rows are computed from.
#[derive(Clone, Copy)]
pub struct SystemContext<'a> {
    pub catalog: &'a Catalog,
    pub facts: &'a dyn Facts,
    /// The effective search path, for names as the session sees them.
    pub path: &'a [Oid],
}

impl<'a> SystemContext<'a> {
    fn namer(&self) -> Namer<'a> {
        Namer::new(self.catalog, self.path)
    }

    fn role_name(&self, oid: Oid) -> &'a str {
        self.catalog.role(oid).map_or("unknown (OID=0)", |r| &r.name)
    }

    fn database_name(&self) -> &'a str {
        self.catalog.database(self.catalog.database_oid()).map_or("", |d| &d.name)
    }
}

type Producer = fn(&SystemContext<'_>, &mut Rows);

const PRODUCERS: &[(&str, Producer)] = &[
    ("pg_aggregate", functions::pg_aggregate),
    ("pg_am", access::pg_am),
    ("pg_amop", access::pg_amop),
    ("pg_amproc", access::pg_amproc),
    ("pg_attrdef", relations::pg_attrdef),
    ("pg_attribute", relations::pg_attribute),
    ("pg_auth_members", cluster::pg_auth_members),
    ("pg_authid", cluster::pg_authid),
    ("pg_cast", functions::pg_cast),
    ("pg_class", relations::pg_class),
    ("pg_collation", types::pg_collation),
    ("pg_constraint", constraints::pg_constraint),
    ("pg_cursors", session::pg_cursors),
    ("pg_database", cluster::pg_database),
    ("pg_db_role_setting", cluster::pg_db_role_setting),
    ("pg_depend", constraints::pg_depend),
    ("pg_description", relations::pg_description),
    ("pg_enum", types::pg_enum),
    ("pg_group", cluster::pg_group),
    ("pg_index", relations::pg_index),
    ("pg_indexes", views::pg_indexes),
    ("pg_language", functions::pg_language),
    ("pg_locks", session::pg_locks),
    ("pg_matviews", views::pg_matviews),
    ("pg_namespace", relations::pg_namespace),
    ("pg_opclass", access::pg_opclass),
    ("pg_operator", functions::pg_operator),
    ("pg_opfamily", access::pg_opfamily),
    ("pg_prepared_statements", session::pg_prepared_statements),
    ("pg_proc", functions::pg_proc),
    ("pg_range", types::pg_range),
    ("pg_rewrite", relations::pg_rewrite),
    ("pg_roles", cluster::pg_roles),
    ("pg_sequence", relations::pg_sequence),
    ("pg_sequences", views::pg_sequences),
    ("pg_replication_slots", replication::pg_replication_slots),
    ("pg_settings", session::pg_settings),
    ("pg_shadow", cluster::pg_shadow),
    ("pg_shdescription", cluster::pg_shdescription),
    ("pg_stat_activity", session::pg_stat_activity),
    ("pg_stat_all_indexes", views::pg_stat_all_indexes),
    ("pg_stat_all_tables", views::pg_stat_all_tables),
    ("pg_stat_database", session::pg_stat_database),
    ("pg_stat_replication", replication::pg_stat_replication),
    ("pg_stat_user_indexes", views::pg_stat_user_indexes),
    ("pg_stat_user_tables", views::pg_stat_user_tables),
    ("pg_stat_wal_receiver", replication::pg_stat_wal_receiver),
    ("pg_stats", views::pg_stats),
    ("pg_tables", views::pg_tables),
    ("pg_tablespace", cluster::pg_tablespace),
    ("pg_timezone_names", session::pg_timezone_names),
    ("pg_type", types::pg_type),
    ("pg_user", cluster::pg_user),
    ("pg_views", views::pg_views),
    ("information_schema.administrable_role_authorizations", grants::administrable_roles),
    ("information_schema.applicable_roles", grants::applicable_roles),
    ("information_schema.collations", grants::collations),
    ("information_schema.column_privileges", grants::column_privileges),
    ("information_schema.element_types", grants::element_types),
    ("information_schema.role_column_grants", grants::column_privileges),
    ("information_schema.role_table_grants", grants::table_privileges),
    ("information_schema.table_privileges", grants::table_privileges),
    ("information_schema.character_sets", information_schema::character_sets),
    ("information_schema.check_constraints", information_schema::check_constraints),
    ("information_schema.columns", information_schema::columns),
    ("information_schema.constraint_column_usage", information_schema::constraint_column_usage),
    ("information_schema.constraint_table_usage", information_schema::constraint_table_usage),
    ("information_schema.enabled_roles", information_schema::enabled_roles),
    ("information_schema.information_schema_catalog_name", information_schema::catalog_name),
    ("information_schema.key_column_usage", information_schema::key_column_usage),
    ("information_schema.referential_constraints", information_schema::referential_constraints),
    ("information_schema.schemata", information_schema::schemata),
    ("information_schema.sequences", information_schema::sequences),
    ("information_schema.table_constraints", information_schema::table_constraints),
    ("information_schema.tables", information_schema::tables),
    ("information_schema.view_column_usage", information_schema::view_column_usage),
    ("information_schema.view_table_usage", information_schema::view_table_usage),
    ("information_schema.views", information_schema::views),
];

struct Registry {
    tables: Vec<SystemTable>,
    by_oid: AHashMap<Oid, usize>,
    by_name: AHashMap<(Oid, &'static str), usize>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let tables: Vec<SystemTable> =
        include_str!("relations.txt").lines().filter(|l| !l.starts_with('#')).map(read_relation).collect();
    let by_oid = tables.iter().enumerate().map(|(i, t)| (t.oid, i)).collect();
    let by_name = tables.iter().enumerate().map(|(i, t)| ((t.schema, t.name), i)).collect();
    Registry { tables, by_oid, by_name }
});

const WELL_FORMED: &str = "relations.txt is well-formed";

fn read_relation(line: &'static str) -> SystemTable {
    let mut words = line.split(' ');
    let mut word = || words.next().expect(WELL_FORMED);
    let oid = Oid(word().parse().expect(WELL_FORMED));
    let row_type = Oid(word().parse().expect(WELL_FORMED));
    let relkind = word().as_bytes()[0];
    let (schema, prefix) = match word() {
        "pg_catalog" => (PG_CATALOG, ""),
        _ => (INFORMATION_SCHEMA, "information_schema."),
    };
    let name = word();
    let producer = PRODUCERS.iter().find(|(n, _)| n.strip_prefix(prefix) == Some(name)).map(|(_, p)| *p);
    let columns = words.map(read_column).collect();
    SystemTable { oid, schema, name, relkind, row_type, columns, producer }
}

fn read_column(text: &'static str) -> SystemColumn {
    let (name, ty) = text.split_once(':').expect(WELL_FORMED);
    let (ty, not_null) = ty.strip_suffix('!').map_or((ty, false), |t| (t, true));
    let (ty, typmod) = match ty.strip_suffix(')').and_then(|t| t.split_once('(')) {
        Some((ty, n)) => (ty, n.parse().expect(WELL_FORMED)),
        None => (ty, -1),
    };
    let type_oid = type_by_name(ty).map(|t| t.oid).unwrap_or_else(|| match ty {
        "_pg_statistic" => Oid(10029),
        other => unreachable!("{WELL_FORMED}: {other}"),
    });
    SystemColumn { name, type_oid, typmod, not_null }
}

/// A system relation by schema and name.
pub fn table_named(schema: Oid, name: &str) -> Option<&'static SystemTable> {
    if schema != PG_CATALOG && schema != INFORMATION_SCHEMA {
        return None;
    }
    REGISTRY.by_name.get(&(schema, name)).map(|&i| &REGISTRY.tables[i])
}

pub fn table(oid: Oid) -> Option<&'static SystemTable> {
    REGISTRY.by_oid.get(&oid).map(|&i| &REGISTRY.tables[i])
}

pub fn tables() -> &'static [SystemTable] {
    &REGISTRY.tables
}

impl SystemTable {
    /// The columns at these positions of all rows.
    pub fn batches(&'static self, cx: &SystemContext<'_>, columns: &[usize]) -> Vec<Batch> {
        let mut rows = Rows::new(self, columns);
        if let Some(producer) = self.producer {
            producer(cx, &mut rows);
        }
        rows.finish()
    }
}

#[cfg(test)]
mod tests;
