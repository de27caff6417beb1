//! A transaction's own changes to the catalog: laid over the committed catalog while it runs, written as rows into
//! the same write set as everything else, published in the instant of the commit.
//!
//! A savepoint of the transaction needs a [`Mark`] here beside it: the rows go back with the write set, the overlay
//! with the mark.

use super::codec;
use super::object::{Object, ObjectKey, class};
use super::snapshot::Catalog;
use super::store::CatalogStore;
use crate::base::{Error, Lsn, Oid, Result, SqlState};
use crate::txn::{LockKey, LockMode, Txn, Wait};
use std::sync::Arc;

/// One object put in place of what was there, or removed.
#[derive(Clone, Debug)]
pub struct Change {
    /// Zero for the shared kinds.
    pub database: Oid,
    pub key: ObjectKey,
    pub object: Option<Object>,
}

/// Marks a savepoint's place among the changes.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

/// `LockKey::Name` space of relation and type names.
const NAMES: u32 = 1;

/// The catalog as one transaction sees it.
pub struct CatalogTxn {
    store: Arc<CatalogStore>,
    database: Oid,
    /// The store's version that `base` was taken at, or an older one.
    seen: u64,
    base: Arc<Catalog>,
    changes: Vec<Change>,
    effective: Arc<Catalog>,
}

impl CatalogTxn {
    /// Error: 3D000 when the database has been dropped.
    pub fn begin(store: Arc<CatalogStore>, database: Oid) -> Result<CatalogTxn> {
        let seen = store.version();
        let base = store.current(database)?;
        Ok(CatalogTxn { store, database, seen, effective: base.clone(), base, changes: Vec::new() })
    }

    /// Begins again, for a new transaction of the same session. Error: as of [`begin`](Self::begin).
    pub fn renew(&mut self) -> Result<()> {
        if self.is_changed() {
            self.changes.clear();
            self.overlay();
        }
        self.refresh()
    }

    pub fn store(&self) -> &Arc<CatalogStore> {
        &self.store
    }

    /// Everything committed as of the last [`refresh`](Self::refresh), with the own changes over it.
    pub fn effective(&self) -> &Arc<Catalog> {
        &self.effective
    }

    /// What a snapshot must show to whoever uses some relations as they are now.
    pub fn needed_for(&self, used: impl Fn(Oid) -> bool) -> Lsn {
        self.store.needed_for(self.effective.lsn(), used)
    }

    /// Whether there is anything to publish.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Takes in what others have committed meanwhile. To be called when a statement begins, and after waiting for a
    /// lock: PostgreSQL too looks names up in the newest catalog, whatever the isolation level.
    pub fn refresh(&mut self) -> Result<()> {
        let version = self.store.version();
        if version == self.seen {
            return Ok(());
        }
        let current = self.store.current(self.database)?;
        if !Arc::ptr_eq(&current, &self.base) {
            self.base = current;
            self.overlay();
        }
        self.seen = version;
        Ok(())
    }

    /// Lays the own changes over the base anew.
    fn overlay(&mut self) {
        if self.changes.is_empty() {
            self.effective = self.base.clone();
            return;
        }
        let mut catalog = Catalog::clone(&self.base);
        self.changes.iter().for_each(|c| catalog.apply(c));
        catalog.stamp(self.store.private_version(), self.base.lsn());
        self.effective = Arc::new(catalog);
    }

    /// Creates an object or puts it in place of its former self.
    pub fn put(&mut self, txn: &mut Txn, object: impl Into<Object>) -> Result<()> {
        let object = object.into();
        let value = codec::encode_object(&object)?;
        let row = self.claim_row(txn, object.key())?;
        txn.put(codec::TREE, &row, &value)?;
        self.record(object.key(), Some(object));
        Ok(())
    }

    /// Removes an object; nothing happens if there is none.
    pub fn remove(&mut self, txn: &mut Txn, key: ObjectKey) -> Result<()> {
        let row = self.claim_row(txn, key)?;
        txn.delete(codec::TREE, &row)?;
        self.record(key, None);
        Ok(())
    }

    /// Like [`put`](Self::put), for an object of another database: CREATE DATABASE.
    pub fn put_into(&mut self, txn: &mut Txn, database: Oid, object: impl Into<Object>) -> Result<()> {
        let object = object.into();
        let row = codec::encode_key(database, object.key());
        txn.put(codec::TREE, &row, &codec::encode_object(&object)?)?;
        self.changes.push(Change { database, key: object.key(), object: Some(object) });
        self.overlay();
        Ok(())
    }

    /// Like [`remove`](Self::remove), for an object of another database: DROP DATABASE.
    pub fn remove_from(&mut self, txn: &mut Txn, database: Oid, key: ObjectKey) -> Result<()> {
        txn.delete(codec::TREE, &codec::encode_key(database, key))?;
        self.changes.push(Change { database, key, object: None });
        Ok(())
    }

    /// Locks an object's row, and fails if somebody changed the object since the statement looked at it.
    fn claim_row(&mut self, txn: &mut Txn, key: ObjectKey) -> Result<[u8; 15]> {
        let row = codec::encode_key(self.database, key);
        txn.lock(&LockKey::Row { tree: codec::TREE, key: &row }, LockMode::Update, Wait::Block)?;
        let current = self.store.current(self.database)?;
        if !Arc::ptr_eq(&current, &self.base) && !same(&current.object(key), &self.base.object(key)) {
            return Err(Error::internal("tuple concurrently updated"));
        }
        Ok(row)
    }

    fn record(&mut self, key: ObjectKey, object: Option<Object>) {
        let database = if key.is_shared() { Oid::INVALID } else { self.database };
        let change = Change { database, key, object };
        // Nobody else holds the old overlay as a rule, and then its maps are changed in place.
        let overlay = std::mem::replace(&mut self.effective, self.base.clone());
        let mut catalog = Arc::unwrap_or_clone(overlay);
        catalog.apply(&change);
        catalog.stamp(self.store.private_version(), self.base.lsn());
        self.effective = Arc::new(catalog);
        self.changes.push(change);
    }

    pub fn mark(&self) -> Mark {
        Mark(self.changes.len())
    }

    /// Forgets the changes since the mark. Undo the transaction's writes at the same time.
    pub fn rollback_to(&mut self, mark: Mark) {
        if mark.0 < self.changes.len() {
            self.changes.truncate(mark.0);
            self.overlay();
        }
    }

    /// Locks a name until the transaction ends and takes in what others have committed, so that whoever finds the
    /// name free can use it. Relations and types of a schema are `scope = schema`; schemas `scope = pg_namespace`
    /// (class oid); roles and databases likewise.
    pub fn lock_name(&mut self, txn: &mut Txn, scope: Oid, name: &str) -> Result<()> {
        let mut bytes = Vec::with_capacity(8 + name.len());
        let shared = matches!(scope, class::DATABASE | class::AUTHID);
        let database = if shared { Oid::INVALID } else { self.database };
        bytes.extend_from_slice(&database.0.to_be_bytes());
        bytes.extend_from_slice(&scope.0.to_be_bytes());
        bytes.extend_from_slice(name.as_bytes());
        txn.lock(&LockKey::Name { space: NAMES, name: &bytes }, LockMode::Update, Wait::Block)?;
        self.refresh()
    }

    /// Locks the name of a relation that is about to be created. Error: 42P07 when it is taken.
    pub fn claim_relation_name(&mut self, txn: &mut Txn, schema: Oid, name: &str) -> Result<()> {
        self.lock_name(txn, schema, name)?;
        match self.effective.relation(schema, name) {
            Some(_) => Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists"))),
            None => Ok(()),
        }
    }

    /// Locks the name of a type that is about to be created. Error: 42710 when it is taken.
    pub fn claim_type_name(&mut self, txn: &mut Txn, schema: Oid, name: &str) -> Result<()> {
        self.lock_name(txn, schema, name)?;
        match self.effective.type_named(schema, name) {
            Some(_) => Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists"))),
            None => Ok(()),
        }
    }

    /// Locks the name of a schema that is about to be created. Error: 42P06 when it is taken.
    pub fn claim_schema_name(&mut self, txn: &mut Txn, name: &str) -> Result<()> {
        self.lock_name(txn, class::NAMESPACE, name)?;
        match self.effective.schema_named(name) {
            Some(_) => Err(Error::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{name}\" already exists"))),
            None => Ok(()),
        }
    }

    /// What to pass to [`Txn::commit_with`]. Afterwards the changes are the committed catalog's.
    pub fn publication(&mut self) -> impl FnOnce(Lsn) + use<> {
        let changes = std::mem::take(&mut self.changes);
        self.effective = self.base.clone();
        let store = self.store.clone();
        move |lsn| store.publish(&changes, lsn)
    }
}

fn same(a: &Option<Object>, b: &Option<Object>) -> bool {
    a == b
}
