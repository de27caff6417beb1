//! The committed catalogs of a cluster, one per database, and the counters that hand out oids.
//!
//! Readers take an `Arc` and never wait. A commit that changed the catalog publishes under the engine's writer lock,
//! so versions appear in the order of their commits, each in the same instant as the rows that it describes.
//!
//! Oids are taken from blocks: a block is reserved by a transaction of its own, durable no later than the first
//! commit that uses an oid from it, so a crash loses at most the rest of a block and never hands one out twice.

use super::bootstrap;
use super::change::Change;
use super::codec;
use super::object::{Index, Kind, Object};
use super::snapshot::Catalog;
use crate::base::{Error, Lsn, Oid, Result, SqlState, TreeId};
use crate::engine::Engine;
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{Access, Isolation};
use ahash::AHashMap;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One version of everything, swapped as a whole.
#[derive(Clone, Default)]
struct Cluster {
    version: u64,
    catalogs: AHashMap<Oid, Arc<Catalog>>,
}

/// Oids that have been reserved and not handed out.
struct Block {
    next: u32,
    end: u32,
}

const OID_COUNTER: u8 = 0;
const OID_BLOCK: u32 = 512;

/// Versions of uncommitted catalogs count up from here, so that no two catalogs ever share a number.
const PRIVATE_VERSIONS: u64 = 1 << 63;

pub struct CatalogStore {
    engine: Arc<Engine>,
    cluster: ArcSwap<Cluster>,
    /// That of `cluster`, or for a moment the one before: whoever finds it unchanged need not look there.
    version: AtomicU64,
    private_version: AtomicU64,
    oids: Mutex<Block>,
    /// The commit since which each index created or rebuilt in this run has been filled.
    filled: Mutex<AHashMap<TreeId, Lsn>>,
    /// Commits that change relations and wait for standbys, in order, with those relations.
    withheld: Mutex<VecDeque<(Lsn, Vec<Oid>)>>,
}

impl CatalogStore {
    /// Reads the catalogs of an open engine, making those of a fresh data directory first.
    pub fn open(engine: Arc<Engine>) -> Result<Arc<CatalogStore>> {
        if engine.trees().is_empty() {
            bootstrap::create(&engine)?;
        }
        let changes = read_all(&engine)?;
        let store = CatalogStore {
            engine,
            cluster: ArcSwap::default(),
            version: AtomicU64::new(0),
            private_version: AtomicU64::new(PRIVATE_VERSIONS),
            oids: Mutex::new(Block { next: 0, end: 0 }),
            filled: Mutex::default(),
            withheld: Mutex::default(),
        };
        store.install(&changes, store.engine.applied());
        Ok(Arc::new(store))
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The newest committed catalog of a database. Error: 3D000 when there is no such database.
    pub fn current(&self, database: Oid) -> Result<Arc<Catalog>> {
        self.cluster.load().catalogs.get(&database).cloned().ok_or_else(|| {
            Error::new(SqlState::INVALID_CATALOG_NAME, format!("database with OID {database} does not exist"))
        })
    }

    /// The newest catalog of the database with this name. Error: 3D000, as a client that connects to it gets it.
    pub fn current_named(&self, name: &str) -> Result<Arc<Catalog>> {
        let cluster = self.cluster.load();
        let found = cluster.catalogs.values().find(|c| c.database(c.database_oid()).is_some_and(|d| d.name == name));
        found
            .cloned()
            .ok_or_else(|| Error::new(SqlState::INVALID_CATALOG_NAME, format!("database \"{name}\" does not exist")))
    }

    /// The version that the newest catalogs are part of.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn private_version(&self) -> u64 {
        self.private_version.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for a new object, never given out before. It is also used where a mere unique number is needed.
    pub fn new_oid(&self) -> Result<Oid> {
        let mut block = self.oids.lock();
        if block.next == block.end {
            let (start, _) = self.engine.autonomous(|txn| {
                let key = codec::counter_key(OID_COUNTER);
                let mut value = Vec::new();
                let next = match txn.get_latest(codec::TREE, &key, &mut value)? {
                    true => codec::decode_counter(&value)?,
                    false => Oid::FIRST_USER.0,
                };
                let end = next.checked_add(OID_BLOCK).ok_or_else(|| {
                    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "all object identifiers have been used")
                })?;
                txn.put(codec::TREE, &key, &codec::encode_counter(end))?;
                Ok(next)
            })?;
            *block = Block { next: start, end: start + OID_BLOCK };
        }
        block.next += 1;
        Ok(Oid(block.next - 1))
    }

    /// Makes committed changes the newest version. The caller holds the engine's writer lock.
    pub fn publish(&self, changes: &[Change], lsn: Lsn) {
        let cluster = self.cluster.load();
        let known = |database: Oid, index: &Index| {
            cluster.catalogs.get(&database).and_then(|c| c.index(index.oid)).is_some_and(|i| i.tree == index.tree)
        };
        for change in changes {
            if let Some(Object::Index(index)) = &change.object
                && !known(change.database, index)
            {
                self.filled.lock().insert(index.tree, lsn);
            }
        }
        if self.engine.standbys().are_required() {
            self.note_withheld(changes, lsn);
        }
        self.install(changes, lsn);
    }

    fn note_withheld(&self, changes: &[Change], lsn: Lsn) {
        let relation = |change: &Change| match (&change.object, change.key.kind) {
            (Some(Object::Index(index)), _) => Some(index.table),
            (_, Kind::Table | Kind::Index | Kind::Sequence) => Some(change.key.oid),
            _ => None,
        };
        let shown = self.engine.standbys().shown();
        let mut withheld = self.withheld.lock();
        while withheld.front().is_some_and(|(lsn, _)| *lsn <= shown) {
            withheld.pop_front();
        }
        withheld.push_back((lsn, changes.iter().filter_map(relation).collect()));
    }

    /// What a snapshot must show to whoever uses some relations as the catalog of `newest` has them. What may be shown of it
    /// in any case, and of what waits for standbys the changes of those relations.
    pub(super) fn needed_for(&self, newest: Lsn, used: impl Fn(Oid) -> bool) -> Lsn {
        let shown = self.engine.standbys().shown();
        if newest <= shown {
            return newest;
        }
        let withheld = self.withheld.lock();
        let changed = withheld.iter().rev().find(|(lsn, all)| *lsn <= newest && all.iter().any(|oid| used(*oid)));
        changed.map_or(shown, |(lsn, _)| shown.max(*lsn))
    }

    /// The commit since which an index has entries: a snapshot from before must not use it.
    pub fn filled_since(&self, index: TreeId) -> Lsn {
        self.filled.lock().get(&index).copied().unwrap_or(Lsn::ZERO)
    }

    fn install(&self, changes: &[Change], lsn: Lsn) {
        if changes.is_empty() {
            return;
        }
        let mut cluster = Cluster::clone(&self.cluster.load());
        cluster.version += 1;
        let shared: Vec<&Change> = changes.iter().filter(|c| c.key.is_shared()).collect();
        for change in changes.iter().filter(|c| c.key.kind == Kind::Database) {
            match &change.object {
                Some(Object::Database(d)) if !cluster.catalogs.contains_key(&d.oid) => {
                    let catalog = cluster.sibling(d.oid);
                    cluster.catalogs.insert(d.oid, Arc::new(catalog));
                }
                Some(_) => {}
                None => drop(cluster.catalogs.remove(&change.key.oid)),
            }
        }
        let version = cluster.version;
        for (oid, slot) in &mut cluster.catalogs {
            if !shared.is_empty() || changes.iter().any(|c| c.database == *oid) {
                let catalog = Arc::make_mut(slot);
                changes.iter().for_each(|c| catalog.apply(c));
                catalog.stamp(version, lsn);
            }
        }
        self.cluster.store(Arc::new(cluster));
        self.version.store(version, Ordering::Release);
    }

    /// Takes in rows of the catalog tree that came with the log (`None` is a deletion): a replica's side of
    /// [`publish`](Self::publish).
    pub fn publish_rows<'a>(&self, rows: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>, lsn: Lsn) -> Result<()> {
        let mut changes = Vec::new();
        for (key, value) in rows {
            changes.extend(codec::decode_row(key, value)?);
        }
        self.publish(&changes, lsn);
        Ok(())
    }
}

impl Cluster {
    /// The empty catalog of a new database, which knows the databases and roles that there are.
    fn sibling(&self, database: Oid) -> Catalog {
        let mut catalog = Catalog::empty(database);
        if let Some(any) = self.catalogs.values().next() {
            let databases = any.databases().into_iter().cloned().map(Object::Database);
            let comments = any.comments().cloned().map(Object::Comment).filter(|c| c.key().is_shared());
            for object in databases.chain(any.roles().into_iter().cloned().map(Object::Role)).chain(comments) {
                catalog.apply(&Change { database: Oid::INVALID, key: object.key(), object: Some(object) });
            }
        }
        catalog
    }
}

/// Every object of the cluster. Databases come first, being of the lowest kind.
fn read_all(engine: &Arc<Engine>) -> Result<Vec<Change>> {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(Access::Write)?;
    let mut scan = txn.scan_latest(codec::TREE, KeyRange::all(), Direction::Forward);
    let mut entries = Entries::new();
    let mut changes = Vec::new();
    loop {
        let more = scan.next(&txn, &mut entries, 256)?;
        for (key, value) in entries.iter() {
            changes.extend(codec::decode_row(key, Some(value))?);
        }
        if !more {
            txn.rollback();
            return Ok(changes);
        }
    }
}
