//! Tables as plans use them: the catalog's object with the SQL texts of its checks, index expressions, predicates and
//! generated columns bound. Worked out once for each version of the catalog and shared by all sessions.

use crate::base::{Error, Oid, Result};
use crate::binder::{CatalogNames, Clause, Environment, default_value, stored_expression, table_expression};
use crate::catalog::{Catalog, ConstraintKind, Index, KeyPart, PG_CATALOG, Table};
use crate::expr::Expr;
use crate::parser::parse_expression;
use crate::table::{CheckDef, IndexExprs, TableDef, Tables};
use crate::types::{FormatContext, SqlType};
use ahash::AHashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// A table ready to be read and written.
#[derive(Debug)]
pub struct Definition {
    pub def: Arc<TableDef>,
    /// Generated columns: position, value over the row.
    pub generated: Vec<(usize, Expr)>,
}

/// The node's definitions.
#[derive(Debug)]
pub struct Definitions {
    tables: Arc<Tables>,
    known: Mutex<AHashMap<(u64, Oid), Arc<Definition>>>,
}

/// Old catalog versions are forgotten all at once when this many definitions have gathered.
const KNOWN_MAX: usize = 4096;

impl Definitions {
    pub fn new(tables: Arc<Tables>) -> Arc<Definitions> {
        Arc::new(Definitions { tables, known: Mutex::default() })
    }

    pub fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// The definition of a table of this catalog.
    pub fn get(&self, catalog: &Catalog, table: &Arc<Table>) -> Result<Arc<Definition>> {
        let key = (catalog.version(), table.oid);
        if let Some(known) = self.known.lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(self.make(catalog, table)?);
        let mut known = self.known.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// The definition of the table with this oid.
    pub fn by_oid(&self, catalog: &Catalog, table: Oid) -> Result<Arc<Definition>> {
        let found = catalog.table(table).ok_or_else(|| Error::internal(format!("no table with oid {table}")))?;
        self.get(catalog, found)
    }

    fn make(&self, catalog: &Catalog, table: &Arc<Table>) -> Result<Definition> {
        let indexes = catalog
            .indexes_of(table.oid)
            .iter()
            .map(|i| Ok((Arc::clone(i), bind_index(catalog, table, i)?)))
            .collect::<Result<Vec<_>>>()?;
        let def = TableDef::new(
            catalog.database_oid(),
            Arc::clone(table),
            catalog.schema_name(table.schema),
            indexes,
            bind_checks(catalog, table)?,
            &self.tables,
        )?;
        let mut generated = Vec::new();
        for (position, column) in table.columns.iter().enumerate() {
            if let (Some(_), Some(default), false) = (column.generated, &column.default, column.dropped) {
                let target = (column.name.as_str(), SqlType::with_typmod(column.type_oid, column.typmod));
                let syntax = parse_expression(&default.source)?;
                let value = with_environment(catalog, table, |env| {
                    stored_expression(env, Some(table), &syntax, Clause::GeneratedColumn, Some(target))
                })?;
                generated.push((position, value));
            }
        }
        Ok(Definition { def: Arc::new(def), generated })
    }
}

/// Binds under the names that a table's own texts may use without a schema.
fn with_environment<T>(catalog: &Catalog, table: &Table, work: impl FnOnce(&Environment<'_>) -> T) -> T {
    let path = [PG_CATALOG, table.schema];
    let names = CatalogNames { catalog: Arc::new(catalog.clone()), path: Arc::from(path), temp_schema: None };
    let format = FormatContext { names: Some(Arc::new(names)), ..FormatContext::default() };
    work(&Environment { catalog, search_path: &path, temp_schema: None, format: &format })
}

/// Binds a text kept with a table.
pub fn bind(catalog: &Catalog, table: &Table, source: &str, clause: Clause) -> Result<Expr> {
    with_environment(catalog, table, |env| table_expression(env, table, source, clause))
}

/// The expressions and the predicate of an index.
pub fn bind_index(catalog: &Catalog, table: &Arc<Table>, index: &Index) -> Result<IndexExprs> {
    let mut keys = Vec::new();
    for key in &index.keys {
        if let KeyPart::Expression { source, .. } = &key.part {
            keys.push(bind(catalog, table, source, Clause::IndexExpression)?);
        }
    }
    let predicate = index.predicate.as_ref().map(|p| bind(catalog, table, p, Clause::IndexPredicate)).transpose()?;
    Ok(IndexExprs { keys, predicate })
}

/// The CHECK constraints of a table.
pub fn bind_checks(catalog: &Catalog, table: &Arc<Table>) -> Result<Vec<CheckDef>> {
    let mut checks = Vec::new();
    for constraint in &table.constraints {
        if let ConstraintKind::Check { source, .. } = &constraint.kind {
            let condition = bind(catalog, table, source, Clause::CheckConstraint)?;
            checks.push(CheckDef { name: constraint.name.clone(), condition });
        }
    }
    Ok(checks)
}

/// The default of a column, of the column's type.
pub fn bind_default(catalog: &Catalog, table: &Table, position: usize) -> Result<Expr> {
    with_environment(catalog, table, |env| default_value(env, table, &table.columns[position]))
}
