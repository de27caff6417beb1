//! CREATE and DROP DATABASE: rows of another database's catalog than the transaction's own.

use super::bootstrap;
use super::change::CatalogTxn;
use super::object::{Database, Kind, Object, ObjectKey, class};
use crate::base::{Error, Oid, Result, SqlState};
use crate::txn::Txn;

impl CatalogTxn {
    /// Creates a database like its template. Comments and settings are not copied, as in PostgreSQL.
    ///
    /// Errors: 42P04 when the name is taken; 0A000 when the template has relations of its own, whose rows cannot be copied.
    pub fn create_database(&mut self, txn: &mut Txn, database: Database, template: Oid) -> Result<()> {
        self.lock_name(txn, class::DATABASE, &database.name)?;
        if self.effective().database_named(&database.name).is_some() {
            let message = format!("database \"{}\" already exists", database.name);
            return Err(Error::new(SqlState::DUPLICATE_DATABASE, message));
        }
        let from = self.store().current(template)?;
        if !(from.tables().is_empty() && from.sequences().is_empty() && from.user_types().is_empty()) {
            return Err(Error::unsupported("a template database with relations of its own"));
        }
        let oid = database.oid;
        self.put(txn, database)?;
        let standard = bootstrap::schemas();
        for schema in from.schemas() {
            debug_assert!(standard.iter().any(|s| s.oid == schema.oid) || schema.oid >= Oid::FIRST_USER);
            self.put_into(txn, oid, schema.clone())?;
        }
        Ok(())
    }

    /// Drops a database with all that is in it. The caller has seen to it that nobody is connected, and holds a lock that keeps
    /// it so.
    pub fn drop_database(&mut self, txn: &mut Txn, oid: Oid) -> Result<()> {
        let catalog = self.store().current(oid)?;
        for table in catalog.tables().into_iter().filter(|t| t.has_rows()) {
            txn.drop_tree(table.tree)?;
        }
        for index in catalog.indexes().into_iter().filter(|i| !i.clustered) {
            txn.drop_tree(index.tree)?;
        }
        for sequence in catalog.sequences() {
            txn.delete(super::codec::SEQUENCE_TREE, &sequence.storage.to_be_bytes())?;
        }
        for key in catalog.keys() {
            self.remove_from(txn, oid, key)?;
        }
        self.remove(txn, ObjectKey::new(Kind::Database, oid))
    }
}

impl super::snapshot::Catalog {
    /// The keys of all objects that belong to this database alone.
    pub(super) fn keys(&self) -> Vec<ObjectKey> {
        let tables = self.tables().into_iter().map(|o| Object::from(o.clone()).key());
        let indexes = self.indexes().into_iter().map(|o| Object::from(o.clone()).key());
        let sequences = self.sequences().into_iter().map(|o| Object::from(o.clone()).key());
        let schemas = self.schemas().into_iter().map(|o| Object::from(o.clone()).key());
        let comments = self.comments().map(|o| ObjectKey::comment(o.on)).filter(|k| !k.is_shared());
        let stats = self.tables().into_iter().filter_map(|t| self.stats(t.oid)).map(|o| Object::from(o.clone()).key());
        let types = self.user_types().into_iter().filter_map(|(_, t)| match t {
            super::snapshot::UserType::Object(o) => Some(Object::from(o.clone()).key()),
            _ => None,
        });
        tables.chain(indexes).chain(sequences).chain(schemas).chain(comments).chain(stats).chain(types).collect()
    }
}
