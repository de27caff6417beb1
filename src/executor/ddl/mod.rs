//! Data definition: statements that change the catalog, and with it trees.
//!
//! Entry point: [`run`], inside a begun statement of the transaction; the session undoes it and runs it again when it has to
//! wait for a lock. A statement locks what it is going to change first, then looks (again), then changes the catalog through
//! [`CatalogTxn`] and trees through the transaction, so everything here is transactional, and nothing is undone by hand.
//!
//! Files are named for what they define. `names.rs` makes the names that PostgreSQL would; `depend.rs` finds what DROP must take
//! along or stop at.

mod alter_column;
mod alter_table;
mod analyze;
mod column;
mod comment;
mod constraint;
mod create_table;
mod create_table_as;
mod depend;
mod drop;
mod expression;
mod foreign_key;
mod index;
mod like;
mod materialized;
mod names;
mod rebuild;
mod rename;
mod reorder;
mod schema;
mod sequence;
mod temporary;
mod truncate;
mod view;

use super::foreign_key::Deferred;
use super::{ExecContext, TempSpace};
use crate::base::{Error, Oid, Result, SqlState};
use crate::binder::{self, CatalogNames, no_schema};
use crate::catalog::system::Facts;
use crate::catalog::{Catalog, CatalogTxn, Persistence as Stored, Relation, Schema, Table};
use crate::expr::{EvalState, Expr, Host};
use crate::parser::ast::{Persistence, RelationName, Statement};
use crate::planner::definitions::Definitions;
use crate::txn::{LockKey, LockMode, Txn, Wait};
use crate::types::{Datum, FormatContext};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
pub use temporary::{drop_temporary, end_of_transaction};

/// What the session lends to a statement that defines something.
pub struct DdlContext<'a> {
    pub txn: &'a mut Txn,
    pub catalog: &'a mut CatalogTxn,
    pub host: &'a mut dyn Host,
    pub format: &'a FormatContext,
    pub eval: &'a mut EvalState,
    pub cancelled: &'a AtomicBool,
    pub statement_us: i64,
    pub transaction_us: i64,
    pub work_mem: usize,
    pub deferred: &'a mut Deferred,
    /// Where names are looked up, in order.
    pub search_path: &'a [Oid],
    /// Where unqualified names are created; none when no schema of the path exists.
    pub creation_schema: Option<Oid>,
    pub role: Oid,
    /// The whole text, which positions in the statement count from.
    pub text: &'a Arc<str>,
    pub definitions: &'a Arc<Definitions>,
    pub facts: &'a dyn Facts,
    pub temp: &'a Arc<TempSpace>,
    /// The name of the session's schema for temporary relations, which exists once there has been one.
    pub temp_schema: &'a str,
    /// The search path names `pg_temp` before all others.
    pub temp_is_first: bool,
}

/// What a statement answers.
#[derive(Debug)]
pub enum Outcome {
    Done(String),
    /// The command tag's words and a row count.
    Counted(&'static str, u64),
}

fn done(tag: &str) -> Result<Outcome> {
    Ok(Outcome::Done(tag.to_owned()))
}

/// Whether a statement changes anything, for read-only transactions.
pub fn writes(statement: &Statement) -> bool {
    !matches!(statement, Statement::Vacuum(v) if v.is_vacuum)
}

/// Whether PostgreSQL refuses it inside a transaction block.
pub fn refuses_block(statement: &Statement) -> bool {
    match statement {
        Statement::Vacuum(v) => v.is_vacuum,
        Statement::CreateIndex(i) => i.concurrently,
        Statement::CreateDatabase(_) | Statement::DropDatabase(_) => true,
        _ => false,
    }
}

/// Runs one statement.
pub fn run(statement: &Statement, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    match statement {
        Statement::CreateTable(s) => create_table::create_table(s, cx),
        Statement::CreateTableAs(s) if s.materialized => materialized::create(s, cx),
        Statement::RefreshMaterializedView(s) => materialized::refresh(s, cx),
        Statement::CreateTableAs(s) => create_table_as::create_table_as(s, cx),
        Statement::CreateView(s) => view::create_view(s, cx),
        Statement::CreateIndex(s) => index::create_index(s, cx),
        Statement::CreateSequence(s) => sequence::create_sequence(s, cx),
        Statement::AlterSequence(s) => sequence::alter_sequence(s, cx),
        Statement::CreateSchema(s) => schema::create_schema(s, cx),
        Statement::CreateDatabase(s) => schema::create_database(s, cx),
        Statement::DropDatabase(s) => schema::drop_database(s, cx),
        Statement::AlterTable(s) => alter_table::alter_table(s, cx),
        Statement::Rename(s) => rename::rename(s, cx),
        Statement::AlterObjectSchema(s) => rename::set_schema(s, cx),
        Statement::AlterOwner(s) => rename::set_owner(s, cx),
        Statement::Drop(s) => drop::drop(s, cx),
        Statement::Truncate(s) => truncate::truncate(s, cx),
        Statement::Comment(s) => comment::comment(s, cx),
        Statement::Vacuum(s) => analyze::vacuum(s, cx),
        Statement::Cluster(s) => reorder::cluster(s, cx),
        Statement::Reindex(s) => reorder::reindex(s, cx),
        other => Err(Error::unsupported(other.kind_name())),
    }
}

impl DdlContext<'_> {
    /// The catalog with this transaction's own changes.
    fn now(&self) -> Arc<Catalog> {
        self.catalog.effective().clone()
    }

    fn new_oid(&self) -> Result<Oid> {
        self.catalog.store().new_oid()
    }

    /// What names and literals mean now: the statement may have created what an expression names.
    fn with_env<T>(&self, work: impl FnOnce(&binder::Environment<'_>) -> Result<T>) -> Result<T> {
        let catalog = self.now();
        let path = self.path_now();
        let temp_schema = catalog.schema_named(self.temp_schema).map(|s| s.oid);
        let names = CatalogNames { catalog: catalog.clone(), path: path.clone().into(), temp_schema };
        let format = FormatContext { names: Some(Arc::new(names)), ..self.format.clone() };
        work(&binder::Environment { catalog: &catalog, search_path: &path, temp_schema, format: &format })
    }

    /// Lends an executor's context.
    pub fn with_exec<T>(&mut self, work: impl FnOnce(&mut ExecContext<'_>) -> Result<T>) -> Result<T> {
        let catalog = self.now();
        work(&mut ExecContext {
            txn: self.txn,
            catalog: &catalog,
            definitions: self.definitions,
            facts: self.facts,
            temp: self.temp,
            search_path: self.search_path,
            host: self.host,
            format: self.format,
            eval: self.eval,
            cancelled: self.cancelled,
            statement_us: self.statement_us,
            transaction_us: self.transaction_us,
            work_mem: self.work_mem,
            deferred: self.deferred,
        })
    }

    /// The value of an expression that reads no row.
    fn value(&mut self, expr: &Expr) -> Result<Datum> {
        self.with_exec(|cx| cx.evaluate_row(expr))
    }

    fn notice(&mut self, text: String) {
        self.host.notice(Error::new(SqlState::SUCCESSFUL_COMPLETION, text));
    }

    /// Takes a table lock to the end of the transaction.
    fn lock(&mut self, relation: Oid, mode: LockMode) -> Result<()> {
        let database = self.catalog.effective().database_oid();
        self.txn.lock(&LockKey::Relation { database, relation }, mode, Wait::Block)?;
        self.catalog.refresh()
    }

    /// The schema that a new relation goes into, and whether the relation is temporary.
    ///
    /// Errors: those of [`place_for`](Self::place_for), and 42501 for a system schema.
    fn schema_for(&mut self, name: &RelationName, persistence: Persistence) -> Result<(Arc<Schema>, Stored)> {
        let (schema, stored) = self.place_for(name, persistence)?;
        if stored == Stored::Temporary {
            return Ok((schema, stored));
        }
        if schema.oid < Oid::FIRST_USER && schema.oid != crate::catalog::PUBLIC {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied to create \"{}.{}\"", schema.name, name.name),
            )
            .detail("System catalog modifications are currently disallowed."));
        }
        Ok((schema, stored))
    }

    /// The schema that the name of a new relation says (`RangeVarGetAndCheckCreationNamespace`).
    ///
    /// Errors: 3F000 for one that does not exist, 0A000 for another database, 42P16 for a schema that temporary relations
    /// cannot be in.
    fn place_for(&mut self, name: &RelationName, persistence: Persistence) -> Result<(Arc<Schema>, Stored)> {
        self.with_env(|env| binder::check_database(env, name))?;
        let catalog = self.now();
        let named = match name.schema.as_deref() {
            Some(schema) if schema != "pg_temp" && schema != self.temp_schema => {
                Some(catalog.schema_named(schema).ok_or_else(|| no_schema(schema))?)
            }
            _ => None,
        };
        if let Some(schema) = self.temporary_schema_for(name, persistence)? {
            return Ok((schema, Stored::Temporary));
        }
        let schema = match named {
            Some(schema) => schema,
            None => {
                let none = || Error::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in");
                let oid = self.creation_schema.ok_or_else(none)?;
                catalog.schema(oid).ok_or_else(|| Error::internal("the search path names a schema that is gone"))?
            }
        };
        let stored = match persistence {
            Persistence::Unlogged => Stored::Unlogged,
            _ => Stored::Permanent,
        };
        Ok((schema.clone(), stored))
    }

    fn relation(&self, name: &RelationName) -> Result<Relation> {
        self.with_env(|env| binder::find_relation(env, name))
    }

    /// The relation; None, with a notice, when it does not exist and IF EXISTS was said.
    fn relation_if_exists(&mut self, name: &RelationName, if_exists: bool) -> Result<Option<Relation>> {
        match self.relation(name) {
            Err(e) if if_exists && matches!(e.code(), SqlState::UNDEFINED_TABLE | SqlState::INVALID_SCHEMA_NAME) => {
                self.notice(format!("relation \"{}\" does not exist, skipping", name.name));
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// A table (not a view, nor a system relation), locked, as it is after the lock was granted.
    fn locked_table(&mut self, name: &RelationName, mode: LockMode) -> Result<Arc<Table>> {
        let found = self.relation(name)?;
        let oid = found.oid();
        match &found {
            Relation::Table(t) if t.has_rows() => {}
            Relation::System(_) => return Err(system_relation(found.name())),
            _ => return Err(not_a_table(found.name())),
        }
        self.lock(oid, mode)?;
        match self.relation(name)? {
            Relation::Table(t) if t.oid == oid => Ok(t),
            _ => Err(Error::restart()),
        }
    }
}

fn not_a_table(name: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a table"))
}

fn system_relation(name: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied: \"{name}\" is a system catalog"))
}

fn no_column(table: &str, column: &str) -> Error {
    Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{column}\" of relation \"{table}\" does not exist"))
}
