//! `pg_catalog` and `information_schema`: relations that are computed from a [`Catalog`] when they are read.

use crate::base::Oid;

/// A column of a system relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemColumn {
    pub name: &'static str,
    pub type_oid: Oid,
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
    pub columns: &'static [SystemColumn],
}

const TABLES: &[SystemTable] = &[];

/// A system relation by schema and name.
pub fn table_named(schema: Oid, name: &str) -> Option<&'static SystemTable> {
    TABLES.iter().find(|t| t.schema == schema && t.name == name)
}

pub fn table(oid: Oid) -> Option<&'static SystemTable> {
    TABLES.iter().find(|t| t.oid == oid)
}

pub fn tables() -> &'static [SystemTable] {
    TABLES
}
