//! The tables of a database as Parquet files in a folder, one for each, with all their columns.

use super::Session;
use super::database::Database;
use super::sink::{CopyInput, Formats, Severity, Sink, Tag};
use crate::base::{Error, Oid, Result};
use crate::binder::rel::OutputColumn;
use crate::catalog::{Catalog, TableKind};
use crate::parser::keywords::quote_ident;
use crate::types::{Batch, FormatContext};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A table and the file it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportedTable {
    pub schema: String,
    pub name: String,
    /// `schema.table.parquet`.
    pub file: String,
}

/// Writes every table of the database `name` to a file in `folder`, an absolute path, in place of what is there under that
/// name; after each tells how many rows it has, or what prevented it, and then the file is not whole.
///
/// Errors: 3D000 when there is no such database; what [`Session::open`] says.
pub async fn export(
    database: &Arc<Database>,
    name: &str,
    folder: &str,
    each: &mut dyn FnMut(&ExportedTable, Result<u64>),
) -> Result<()> {
    let catalog = database.catalog.current_named(name)?;
    let parameters = [("user", "postgres"), ("database", name)].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut session = Session::open(database.clone(), None, BTreeMap::from(parameters))?;
    for table in tables(&catalog) {
        let path = format!("{folder}/{}", table.file).replace('\'', "''");
        let (schema, name) = (quote_ident(&table.schema), quote_ident(&table.name));
        let text = format!("COPY (SELECT * FROM {schema}.{name}) TO '{path}' (FORMAT parquet)");
        let mut rows = Rows(0);
        let copied = session.query(&text, &mut rows).await;
        each(&table, copied.map(|()| rows.0));
    }
    Ok(())
}

/// The databases that have tables.
pub fn databases_with_tables(database: &Database) -> Result<Vec<String>> {
    let store = &database.catalog;
    let all = store.current_named("postgres")?;
    let has_tables = |oid| store.current(oid).is_ok_and(|catalog| !tables(&catalog).is_empty());
    Ok(all.databases().iter().filter(|d| has_tables(d.oid)).map(|d| d.name.clone()).collect())
}

/// What users made, by schema and name.
fn tables(catalog: &Catalog) -> Vec<ExportedTable> {
    let mut all: Vec<ExportedTable> = Vec::new();
    for table in catalog.tables() {
        let schema = catalog.schema_name(table.schema);
        if table.kind == TableKind::Table && !schema.starts_with("pg_") && schema != "information_schema" {
            let (schema, name) = (schema.to_owned(), table.name.clone());
            all.push(ExportedTable { file: file_name(&schema, &name), schema, name });
        }
    }
    all.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    all
}

/// Two tables never share a file: what would make it so, or is no part of a file's name, is written as `%` and its number.
fn file_name(schema: &str, table: &str) -> String {
    let mut out = String::new();
    for name in [schema, table] {
        for c in name.chars() {
            match c {
                '.' | '/' | '%' | '\0'..='\x1f' | '\x7f' => out += &format!("%{:02X}", c as u32),
                c => out.push(c),
            }
        }
        out.push('.');
    }
    out + "parquet"
}

/// Nobody's end: keeps the number of rows that COPY tells.
struct Rows(u64);

impl Sink for Rows {
    fn row_description(&mut self, _: &[OutputColumn], _: &Formats) {}
    fn parameter_description(&mut self, _: &[Oid]) {}
    fn no_data(&mut self) {}

    fn rows(&mut self, _: &Batch, _: &[OutputColumn], _: &Formats, _: &FormatContext) -> Result<()> {
        Ok(())
    }

    fn complete(&mut self, tag: &Tag) {
        if let Tag::Text(text) = tag {
            self.0 = text.strip_prefix("COPY ").and_then(|n| n.parse().ok()).unwrap_or(0);
        }
    }

    fn empty_query(&mut self) {}
    fn suspended(&mut self) {}
    fn notice(&mut self, _: Severity, _: &Error) {}
    fn notification(&mut self, _: i32, _: &str, _: &str) {}
    fn parameter_status(&mut self, _: &str, _: &str) {}
    fn copy_in(&mut self, _: bool, _: usize) {}
    fn copy_out(&mut self, _: bool, _: usize) {}
    fn copy_data(&mut self, _: &[u8]) {}
    fn copy_done(&mut self) {}

    fn is_full(&self) -> bool {
        false
    }

    async fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    async fn copy_input(&mut self) -> Result<CopyInput> {
        Err(Error::internal("nobody is there to copy from"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{Disk, RealClock, RealDisk, RealEntropy};
    use crate::session::settings::Defaults;

    #[tokio::test]
    async fn every_table_of_users_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::open(folder.path().join("data")).unwrap());
        let (clock, entropy) = (Arc::new(RealClock::new()), Arc::new(RealEntropy));
        let mut defaults = Defaults::default();
        defaults.fix("buffer_memory", "64");
        defaults.fix("undo_memory", "64");
        let database = Database::open(disk, clock, entropy, defaults).unwrap();
        let parameters = BTreeMap::from([("user".to_owned(), "postgres".to_owned())]);
        let mut session = Session::open(database.clone(), None, parameters).unwrap();
        let text = "CREATE TABLE t (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED); \
                    CREATE SCHEMA \"it's\"; CREATE TABLE \"it's\".\"a.b\" (d date); CREATE TEMP TABLE mine (a int); \
                    CREATE VIEW v AS SELECT 1; INSERT INTO t SELECT generate_series(1, 5); \
                    INSERT INTO \"it's\".\"a.b\" VALUES ('infinity')";
        session.query(text, &mut Rows(0)).await.unwrap();
        let mut told = Vec::new();
        let mut each = |table: &ExportedTable, copied: Result<u64>| told.push((table.clone(), copied));
        export(&database, "postgres", folder.path().to_str().unwrap(), &mut each).await.unwrap();
        let told: Vec<_> = told.into_iter().map(|(t, copied)| (t.file, copied.map_err(|e| e.code()))).collect();
        let infinity = Err(crate::base::SqlState::DATETIME_FIELD_OVERFLOW);
        assert_eq!(told, [("it's.a%2Eb.parquet".to_owned(), infinity), ("public.t.parquet".to_owned(), Ok(5))]);
        let written = RealDisk::open_read_only(folder.path()).unwrap().list("").unwrap();
        assert_eq!(written, ["data", "it's.a%2Eb.parquet", "public.t.parquet"]);
        assert_eq!(databases_with_tables(&database).unwrap(), ["postgres"]);
        let e = export(&database, "nope", "/", &mut |_, _| {}).await.unwrap_err();
        assert_eq!(e.code(), crate::base::SqlState::INVALID_CATALOG_NAME);
        drop(session);
        database.close().unwrap();
    }

    #[test]
    fn file_names_are_told_apart() {
        assert_eq!(file_name("public", "t"), "public.t.parquet");
        assert_eq!(file_name("a.b", "c"), "a%2Eb.c.parquet");
        assert_eq!(file_name("a", "b.c"), "a.b%2Ec.parquet");
        assert_eq!(file_name("..", "x/%\n"), "%2E%2E.x%2F%25%0A.parquet");
        assert_eq!(file_name("É", "it's"), "É.it's.parquet");
    }
}
