//! The catalog through transactions, on an engine over a simulated disk.

use super::*;
use crate::base::{Oid, SqlState, TreeId};
use crate::engine::{Engine, EngineOptions};
use crate::io::{SimClock, SimDisk, SimEntropy};
use crate::storage::Direction;
use crate::txn::{Access, Isolation, Txn};
use crate::types::oid;
use crate::wal::WalOptions;
use std::sync::Arc;

pub(crate) fn engine(disk: &SimDisk) -> Arc<Engine> {
    let wal = WalOptions {
        segment_bytes: 256 << 10,
        first_segment_bytes: 64 << 10,
        on_fatal: Arc::new(|_| {}),
        ..WalOptions::default()
    };
    let options = EngineOptions { wal, ..EngineOptions::default() };
    Engine::open(Arc::new(disk.clone()), Arc::new(SimClock::new(1)), &SimEntropy::new(1), options).unwrap()
}

pub(crate) fn begin(engine: &Arc<Engine>) -> Txn {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(Access::Write).unwrap();
    txn
}

fn commit(mut txn: Txn, mut ddl: CatalogTxn) {
    let engine = ddl.store().engine().clone();
    let committed = txn.commit_with(ddl.publication()).unwrap();
    engine.wait_durable_blocking(committed.wait_for).unwrap();
}

fn create(store: &Arc<CatalogStore>, txn: &mut Txn, ddl: &mut CatalogTxn, name: &str) -> Table {
    ddl.claim_relation_name(txn, PUBLIC, name).unwrap();
    let mut table = sample::table(store.new_oid().unwrap(), name, vec![Column::new(1, "a", oid::INT4, -1)]);
    table.row_type = store.new_oid().unwrap();
    table.array_type = store.new_oid().unwrap();
    table.tree = txn.create_tree().unwrap();
    ddl.put(txn, table.clone()).unwrap();
    table
}

#[test]
fn a_fresh_directory_has_databases_roles_and_schemas() {
    let store = CatalogStore::open(engine(&SimDisk::new(1))).unwrap();
    let catalog = store.current_named("postgres").unwrap();
    assert_eq!(catalog.database_oid(), POSTGRES_DATABASE);
    assert!(catalog.role_named("postgres").is_some_and(|r| r.superuser));
    assert_eq!(catalog.schema_named("public").map(|s| s.oid), Some(PUBLIC));
    assert_eq!(catalog.schemas().len(), 4);
    assert!(catalog.database_named("template1").is_some());
    assert_eq!(store.current_named("nowhere").unwrap_err().code(), SqlState::INVALID_CATALOG_NAME);
    assert_eq!(store.new_oid().unwrap(), Oid::FIRST_USER);
    assert!(matches!(catalog.relation(PG_CATALOG, "pg_class"), Some(Relation::System(t)) if t.oid == Oid(1259)));
}

#[test]
fn own_changes_are_seen_at_once_and_by_others_after_the_commit() {
    let store = CatalogStore::open(engine(&SimDisk::new(2))).unwrap();
    let mut txn = begin(store.engine());
    let mut ddl = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    let before = store.current(POSTGRES_DATABASE).unwrap();
    create(&store, &mut txn, &mut ddl, "t");
    assert!(ddl.effective().relation(PUBLIC, "t").is_some());
    assert_ne!(ddl.effective().version(), before.version());
    assert!(store.current(POSTGRES_DATABASE).unwrap().relation(PUBLIC, "t").is_none());
    commit(txn, ddl);
    let after = store.current(POSTGRES_DATABASE).unwrap();
    assert!(after.relation(PUBLIC, "t").is_some() && after.version() > before.version());
    assert!(after.lsn() > before.lsn() && before.relation(PUBLIC, "t").is_none());
    assert!(after.type_named(PUBLIC, "_t").is_some());
}

#[test]
fn a_savepoint_takes_the_overlay_back() {
    let store = CatalogStore::open(engine(&SimDisk::new(3))).unwrap();
    let mut txn = begin(store.engine());
    let mut ddl = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    create(&store, &mut txn, &mut ddl, "kept");
    let (savepoint, mark) = (txn.savepoint(), ddl.mark());
    create(&store, &mut txn, &mut ddl, "gone");
    txn.rollback_to(savepoint);
    ddl.rollback_to(mark);
    assert!(ddl.effective().relation(PUBLIC, "kept").is_some());
    assert!(ddl.effective().relation(PUBLIC, "gone").is_none());
    commit(txn, ddl);
    let catalog = store.current(POSTGRES_DATABASE).unwrap();
    assert!(catalog.relation(PUBLIC, "kept").is_some() && catalog.relation(PUBLIC, "gone").is_none());
}

#[test]
fn concurrent_changes_are_merged_and_a_name_is_created_once() {
    let store = CatalogStore::open(engine(&SimDisk::new(4))).unwrap();
    let (mut one, mut two) = (begin(store.engine()), begin(store.engine()));
    let mut first = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    let mut second = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    create(&store, &mut one, &mut first, "a");
    create(&store, &mut two, &mut second, "b");
    commit(one, first);
    second.refresh().unwrap();
    assert!(second.effective().relation(PUBLIC, "a").is_some() && second.effective().relation(PUBLIC, "b").is_some());
    let e = second.claim_relation_name(&mut two, PUBLIC, "a").unwrap_err();
    assert_eq!((e.code(), e.message()), (SqlState::DUPLICATE_TABLE, "relation \"a\" already exists"));
    commit(two, second);
    let catalog = store.current(POSTGRES_DATABASE).unwrap();
    assert!(catalog.relation(PUBLIC, "a").is_some() && catalog.relation(PUBLIC, "b").is_some());
}

#[test]
fn what_was_committed_is_there_after_a_restart_and_oids_go_on() {
    let disk = SimDisk::new(5);
    let (table, next) = {
        let store = CatalogStore::open(engine(&disk)).unwrap();
        let mut txn = begin(store.engine());
        let mut ddl = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
        let table = create(&store, &mut txn, &mut ddl, "t");
        commit(txn, ddl);
        let next = store.new_oid().unwrap();
        store.engine().close().unwrap();
        (table, next)
    };
    let store = CatalogStore::open(engine(&disk)).unwrap();
    let catalog = store.current(POSTGRES_DATABASE).unwrap();
    assert_eq!(catalog.table(table.oid).map(|t| Table::clone(t)), Some(table));
    assert!(store.new_oid().unwrap() >= next);
}

#[test]
fn a_drop_removes_objects_comments_and_trees() {
    let store = CatalogStore::open(engine(&SimDisk::new(6))).unwrap();
    let mut txn = begin(store.engine());
    let mut ddl = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    for object in sample::objects() {
        let object = match object {
            Object::Table(t) if t.has_rows() => {
                Object::from(Table { tree: txn.create_tree().unwrap(), ..Table::clone(&t) })
            }
            Object::Index(i) if !i.clustered => {
                Object::from(Index { tree: txn.create_tree().unwrap(), ..Index::clone(&i) })
            }
            other => other,
        };
        ddl.put(&mut txn, object).unwrap();
    }
    let key = ObjectKey::comment(Address::relation(sample::P));
    assert!(ddl.effective().object(key).is_some());
    let plan = plan_drop(ddl.effective(), &[PUBLIC], &[Address::relation(sample::P)], true).unwrap();
    assert!(ddl.execute_drop(&mut txn, &plan).unwrap().is_empty());
    let catalog = ddl.effective().clone();
    assert!(catalog.object(key).is_none() && catalog.table(sample::P).is_none() && catalog.table(sample::V).is_none());
    let child = catalog.table(sample::C).unwrap();
    assert!(child.constraints.is_empty() && catalog.foreign_keys_to(sample::P).is_empty());
    let plan = plan_drop(&catalog, &[PUBLIC], &[Address::new(class::NAMESPACE, PUBLIC)], true).unwrap();
    ddl.execute_drop(&mut txn, &plan).unwrap();
    assert_eq!(ddl.effective().tables().len(), 0);
    assert_eq!(ddl.effective().sequences().len(), 0);
    commit(txn, ddl);
}

#[test]
fn a_lost_primary_key_leaves_rows_to_be_written_anew() {
    let store = CatalogStore::open(engine(&SimDisk::new(7))).unwrap();
    let mut txn = begin(store.engine());
    let mut ddl = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    let mut tree = TreeId(0);
    for object in sample::objects().into_iter().take(2) {
        let object = match object {
            Object::Table(t) => {
                tree = txn.create_tree().unwrap();
                Object::from(Table { tree, ..Table::clone(&t) })
            }
            Object::Index(i) => Object::from(Index { tree, ..Index::clone(&i) }),
            other => other,
        };
        ddl.put(&mut txn, object).unwrap();
    }
    let target = Address::new(class::CONSTRAINT, Oid(16388));
    let plan = plan_drop(ddl.effective(), &[PUBLIC], &[target], false).unwrap();
    let lost = ddl.execute_drop(&mut txn, &plan).unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].table.tree, &lost[0].old_trees), (tree, &vec![tree]));
    let after = ddl.effective().table(sample::P).unwrap();
    assert!(after.row_key == RowKey::RowId && after.tree != tree && after.primary_key().is_none());
    assert!(ddl.effective().indexes_of(sample::P).is_empty());
    let scan = txn.scan_latest(tree, crate::storage::KeyRange::all(), Direction::Forward);
    drop(scan);
    commit(txn, ddl);
}

#[test]
fn a_database_is_made_and_dropped_with_all_that_is_in_it() {
    let disk = SimDisk::new(8);
    let store = CatalogStore::open(engine(&disk)).unwrap();
    let mut txn = begin(store.engine());
    let mut ddl = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    let oid = store.new_oid().unwrap();
    let like = store.current(TEMPLATE1).unwrap();
    let fresh =
        Database { oid, name: "shop".into(), is_template: false, ..Database::clone(like.database(TEMPLATE1).unwrap()) };
    ddl.create_database(&mut txn, fresh.clone(), TEMPLATE1).unwrap();
    let e = ddl.create_database(&mut txn, fresh, TEMPLATE1).unwrap_err();
    assert_eq!((e.code(), e.message()), (SqlState::DUPLICATE_DATABASE, "database \"shop\" already exists"));
    commit(txn, ddl);
    let mut txn = begin(store.engine());
    let mut ddl = CatalogTxn::begin(store.clone(), oid).unwrap();
    assert_eq!(ddl.effective().schemas().len(), 4);
    assert!(ddl.effective().role_named("postgres").is_some());
    create(&store, &mut txn, &mut ddl, "t");
    commit(txn, ddl);
    assert!(store.current(POSTGRES_DATABASE).unwrap().relation(PUBLIC, "t").is_none());
    let mut txn = begin(store.engine());
    let mut ddl = CatalogTxn::begin(store.clone(), POSTGRES_DATABASE).unwrap();
    ddl.drop_database(&mut txn, oid).unwrap();
    commit(txn, ddl);
    assert!(store.current(oid).is_err());
    store.engine().close().unwrap();
    drop(store);
    let store = CatalogStore::open(engine(&disk)).unwrap();
    assert!(store.current(oid).is_err() && store.current_named("shop").is_err());
}
