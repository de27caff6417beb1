//! Tables through transactions, on an engine over a simulated disk.

use super::*;
use crate::base::{Oid, SqlState};
use crate::catalog::tests::{begin, engine};
use crate::catalog::{CatalogStore, Change, Column, Index, Object, POSTGRES_DATABASE, RowKey, Sequence, Table, sample};
use crate::expr::{EvalContext, EvalState, Expr, NoHost, registry};
use crate::io::SimDisk;
use crate::storage::{Direction, KeyRange};
use crate::txn::{Access, LockMode, Txn, Wait};
use crate::types::{Batch, ColumnBuilder, ColumnReader, Datum, DatumRef, FormatContext, Physical, SqlType, oid};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Runs with an evaluation context.
pub(super) fn with_cx<T>(work: impl FnOnce(&mut EvalContext<'_>) -> T) -> T {
    let (mut exec, mut host, mut state) = (Vec::new(), NoHost, EvalState::new([7; 32]));
    let (format, cancelled) = (FormatContext::default(), AtomicBool::new(false));
    work(&mut EvalContext {
        params: &[],
        exec: &mut exec,
        format: &format,
        host: &mut host,
        subplans: None,
        state: &mut state,
        cancelled: &cancelled,
        statement_us: 0,
        transaction_us: 0,
    })
}

pub(super) struct Fixture {
    store: Arc<CatalogStore>,
    tables: Arc<Tables>,
}

impl Fixture {
    pub(super) fn new(seed: u64) -> Fixture {
        Fixture::on(&SimDisk::new(seed))
    }

    fn on(disk: &SimDisk) -> Fixture {
        let store = CatalogStore::open(engine(disk)).unwrap();
        Fixture { tables: Tables::new(store.clone()), store }
    }

    fn begin(&self) -> Txn {
        begin(self.store.engine())
    }

    fn commit(&self, mut txn: Txn) {
        let committed = txn.commit().unwrap();
        self.store.engine().wait_durable_blocking(committed.wait_for).unwrap();
    }
}

const POSITIVE: &str = "positive";

/// `t(id int4 primary key, code text unique, n int4 not null check (n > 0))`, an index on `n DESC` including `code`, and a
/// partial one on `code` where `n > 10`. With `keyed` false the primary key is an index like any other.
pub(super) fn create(f: &Fixture, keyed: bool) -> Arc<TableDef> {
    let mut txn = f.begin();
    let mut columns = vec![
        Column::new(1, "id", oid::INT4, -1),
        Column::new(2, "code", oid::TEXT, -1),
        Column::new(3, "n", oid::INT4, -1),
    ];
    columns[0].not_null = true;
    columns[2].not_null = true;
    let mut table = sample::table(Oid(20000), "t", columns);
    table.tree = txn.create_tree().unwrap();
    let mut pkey = Index {
        unique: true,
        primary: true,
        clustered: keyed,
        tree: table.tree,
        ..sample::index(Oid(20003), table.oid, "t_pkey", &[(1, oid::INT4)])
    };
    if keyed {
        table.row_key = RowKey::Columns { index: pkey.oid, attnums: vec![1] };
    } else {
        pkey.tree = txn.create_tree().unwrap();
    }
    let mut code = Index { unique: true, ..sample::index(Oid(20004), table.oid, "t_code_key", &[(2, oid::TEXT)]) };
    let mut n = Index { include: vec![2], ..sample::index(Oid(20005), table.oid, "t_n", &[(3, oid::INT4)]) };
    n.keys[0].descending = true;
    n.keys[0].nulls_first = true;
    let mut partial = Index { mentions: vec![3], ..sample::index(Oid(20006), table.oid, "t_big", &[(2, oid::TEXT)]) };
    for index in [&mut code, &mut n, &mut partial] {
        index.tree = txn.create_tree().unwrap();
    }
    f.commit(txn);
    let over_ten = IndexExprs { keys: Vec::new(), predicate: Some(greater(10)) };
    let indexes = vec![
        (Arc::new(pkey), IndexExprs::default()),
        (Arc::new(code), IndexExprs::default()),
        (Arc::new(n), IndexExprs::default()),
        (Arc::new(partial), over_ten),
    ];
    let checks = vec![CheckDef { name: POSITIVE.into(), condition: greater(0) }];
    Arc::new(TableDef::new(POSTGRES_DATABASE, Arc::new(table), "public", indexes, checks, &f.tables).unwrap())
}

/// `n > limit`.
fn greater(limit: i32) -> Expr {
    let op = registry::exact_operator(">", oid::INT4, oid::INT4).expect("int4 > int4");
    let n = Expr::Input { index: 2, ty: SqlType::of(oid::INT4) };
    Expr::operator(op, vec![n, Expr::constant(limit, SqlType::of(oid::INT4))], SqlType::of(oid::BOOL))
}

pub(super) fn row(id: i32, code: Option<&str>, n: i32) -> Vec<Datum> {
    vec![Datum::Int4(id), code.map_or(Datum::Null, Datum::text), Datum::Int4(n)]
}

fn insert(txn: &mut Txn, def: &TableDef, values: &[Datum]) -> crate::base::Result<Vec<u8>> {
    with_cx(|cx| def.insert(txn, cx, values, &mut Vec::new()))
}

fn verify(txn: &mut Txn, def: &TableDef) {
    with_cx(|cx| def.verify(txn, cx)).unwrap();
}

fn ints(batch: &Batch, column: usize) -> Vec<i32> {
    let reader = ColumnReader::new(Physical::Int32, &batch.columns[column]);
    (0..batch.rows)
        .map(|i| match reader.get(i) {
            DatumRef::Int4(n) => n,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn rows_are_found_by_key_by_unique_index_and_by_scan() {
    for keyed in [true, false] {
        let f = Fixture::new(1);
        let def = create(&f, keyed);
        let mut txn = f.begin();
        for id in [3, 1, 2] {
            insert(&mut txn, &def, &row(id, Some(&format!("c{id}")), id * 10)).unwrap();
        }
        verify(&mut txn, &def);
        f.commit(txn);
        let mut txn = f.begin();
        let view = txn.view();
        let mut found = FetchedRow::default();
        assert!(def.lookup_unique(&txn, Read::View(&view), 0, &[DatumRef::Int8(2)], &mut found).unwrap());
        assert!(matches!(def.column(found.view(), 2), DatumRef::Int4(20)));
        assert!(def.lookup_unique(&txn, Read::View(&view), 1, &[DatumRef::Text("c3")], &mut found).unwrap());
        assert!(matches!(def.column(found.view(), 0), DatumRef::Int4(3)));
        assert!(!def.lookup_unique(&txn, Read::Latest, 1, &[DatumRef::Null], &mut found).unwrap());
        assert!(!def.lookup_unique(&txn, Read::Latest, 0, &[DatumRef::Int8(1 << 40)], &mut found).unwrap());

        let columns = vec![ScanColumn::Column(0), ScanColumn::RowKey, ScanColumn::Ctid];
        let mut scan = TableScan::new(def.clone(), &txn, view.clone(), KeyRange::all(), Direction::Forward, columns);
        let ids = ints(&scan.next(&txn, 100).unwrap().unwrap(), 0);
        assert_eq!(ids, if keyed { [1, 2, 3] } else { [3, 1, 2] });
        assert!(scan.next(&txn, 100).unwrap().is_none());

        // n < 30 through the descending index; `code` is included, `id` is only in the row (or its key).
        let limit = Limit { value: DatumRef::Int4(30), inclusive: false };
        let range = key_range(&def.indexes[2].columns, &[], None, Some(limit)).unwrap();
        let columns = vec![ScanColumn::Column(2), ScanColumn::Column(0)];
        let mut scan = IndexScan::new(def.clone(), 2, &txn, view, range, Direction::Forward, columns);
        assert_eq!(scan.is_covering(), keyed);
        let batch = scan.next(&txn, 100).unwrap().unwrap();
        assert_eq!((ints(&batch, 0), ints(&batch, 1)), (vec![20, 10], vec![2, 1]));
        txn.rollback();
    }
}

#[test]
fn violations_are_worded_as_postgresql_words_them() {
    let f = Fixture::new(2);
    let def = create(&f, true);
    let mut txn = f.begin();
    insert(&mut txn, &def, &row(1, Some("a"), 5)).unwrap();
    let e = insert(&mut txn, &def, &row(1, Some("b"), 5)).unwrap_err();
    assert_eq!(e.message(), "duplicate key value violates unique constraint \"t_pkey\"");
    assert_eq!(e.fields().detail.as_deref(), Some("Key (id)=(1) already exists."));
    let e = insert(&mut txn, &def, &row(2, Some("a"), 5)).unwrap_err();
    assert_eq!(e.fields().detail.as_deref(), Some("Key (code)=(a) already exists."));
    assert_eq!((e.code(), e.fields().constraint.as_deref()), (SqlState::UNIQUE_VIOLATION, Some("t_code_key")));
    let e = insert(&mut txn, &def, &[Datum::Int4(2), Datum::Null, Datum::Null]).unwrap_err();
    assert_eq!(e.message(), "null value in column \"n\" of relation \"t\" violates not-null constraint");
    assert_eq!(e.fields().detail.as_deref(), Some("Failing row contains (2, null, null)."));
    let e = insert(&mut txn, &def, &row(2, None, -1)).unwrap_err();
    assert_eq!(e.message(), "new row for relation \"t\" violates check constraint \"positive\"");
    // NULLs never conflict.
    insert(&mut txn, &def, &row(3, None, 1)).unwrap();
    insert(&mut txn, &def, &row(4, None, 1)).unwrap();
    verify(&mut txn, &def);
}

/// Rows as a batch of the table's columns.
fn batch_of(rows: &[Vec<Datum>]) -> Batch {
    let forms = [Physical::Int32, Physical::Text, Physical::Int32];
    let column = |(at, form): (usize, &Physical)| {
        let mut column = ColumnBuilder::new(*form, rows.len());
        rows.iter().for_each(|r| column.push(r[at].as_ref()));
        column.finish()
    };
    Batch::new(forms.iter().enumerate().map(column).collect(), rows.len())
}

#[test]
fn a_batch_is_inserted_as_its_rows_are_or_not_at_all() {
    for keyed in [true, false] {
        let f = Fixture::new(31);
        let def = create(&f, keyed);
        let mut writer = BatchWriter::default();
        let mut write =
            |txn: &mut Txn, rows: &[Vec<Datum>]| with_cx(|cx| writer.insert(&def, txn, cx, &batch_of(rows))).unwrap();
        let code = |id: i32| (id % 3 != 0).then(|| format!("c{id}"));
        // In order and not, across what is there, with entries in the partial index and without.
        let rows = |ids: &mut dyn Iterator<Item = i32>| -> Vec<Vec<Datum>> {
            ids.map(|id| row(id, code(id).as_deref(), 1 + id % 25)).collect()
        };
        let mut txn = f.begin();
        assert!(write(&mut txn, &rows(&mut (0..100).map(|i| 2 * i))));
        f.commit(txn);
        let mut txn = f.begin();
        assert!(write(&mut txn, &rows(&mut (0..60).map(|i| 119 - 2 * i))));
        assert!(write(&mut txn, &rows(&mut (300..340))));
        verify(&mut txn, &def);
        let count = |txn: &mut Txn| {
            let mut rows = 0;
            let each = |_: &mut Txn, _: &[u8], _| {
                rows += 1;
                Ok(())
            };
            def.for_each_row(txn, each).unwrap();
            rows
        };
        assert_eq!(count(&mut txn), 200);
        // A key that was committed, one of this transaction, one twice; NULL, a check; too few to bother.
        let fresh = || rows(&mut (400..420));
        for wrong in [
            row(100, None, 1),
            row(315, None, 1),
            row(405, None, 1),
            row(500, Some("c100"), 1),
            row(500, Some("c401"), 1),
            vec![Datum::Int4(500), Datum::Null, Datum::Null],
            row(500, None, 0),
        ] {
            let mut batch = fresh();
            batch.insert(9, wrong.clone());
            assert!(!write(&mut txn, &batch), "{wrong:?}");
        }
        assert!(!write(&mut txn, &fresh()[..3]));
        assert_eq!(count(&mut txn), 200);
        assert!(write(&mut txn, &fresh()));
        verify(&mut txn, &def);
        // Somebody else's uncommitted key is waited for.
        let mut other = f.begin();
        let e = with_cx(|cx| BatchWriter::default().insert(&def, &mut other, cx, &batch_of(&fresh()))).unwrap_err();
        assert_eq!(e.flow(), crate::base::Flow::Wait);
        f.commit(txn);
    }
}

#[test]
fn updates_and_deletes_keep_the_indexes_right() {
    for keyed in [true, false] {
        let f = Fixture::new(3);
        let def = create(&f, keyed);
        let mut txn = f.begin();
        let mut rows: Vec<(Vec<u8>, Vec<Datum>)> = Vec::new();
        for id in 0..20 {
            let values = row(id, (id % 3 != 0).then_some(format!("c{id}")).as_deref(), id + 1);
            rows.push((insert(&mut txn, &def, &values).unwrap(), values));
        }
        let steps: [(i32, Vec<Datum>, &[usize]); 5] = [
            (1, row(1, Some("c1"), 15), &[2]),
            (2, row(2, None, 3), &[1]),
            (3, row(103, Some("x"), 40), &[0, 1, 2]),
            (4, row(4, Some("y"), 4), &[1]),
            (13, row(113, Some("c13"), 14), &[0]),
        ];
        for (id, new, changed) in steps {
            let (key, old) = rows[id as usize].clone();
            let key = with_cx(|cx| def.update(&mut txn, cx, &key, &old, &new, changed, &mut Vec::new())).unwrap();
            rows[id as usize] = (key, new);
            verify(&mut txn, &def);
        }
        // A key that was given up can be taken again at once.
        insert(&mut txn, &def, &row(3, Some("c2"), 1)).unwrap();
        let (key, old) = rows[5].clone();
        let e = with_cx(|cx| def.update(&mut txn, cx, &key, &old, &row(5, Some("y"), 6), &[1], &mut Vec::new()));
        assert_eq!(e.unwrap_err().code(), SqlState::UNIQUE_VIOLATION);
        for (key, old) in rows.iter().skip(6).step_by(2) {
            with_cx(|cx| def.delete(&mut txn, cx, key, old)).unwrap();
        }
        verify(&mut txn, &def);
        f.commit(txn);
    }
}

#[test]
fn on_conflict_names_the_row_in_the_way() {
    let f = Fixture::new(4);
    let def = create(&f, true);
    let mut txn = f.begin();
    let first = insert(&mut txn, &def, &row(1, Some("a"), 1)).unwrap();
    let attempt = |txn: &mut Txn, values: &[Datum], arbiter: usize| {
        with_cx(|cx| def.insert_or_conflict(txn, cx, values, &|i| i == arbiter, &mut Vec::new()))
    };
    let conflict = attempt(&mut txn, &row(2, Some("a"), 1), 1).unwrap();
    assert_eq!(conflict, Insertion::Conflict { index: 1, row_key: first });
    assert!(attempt(&mut txn, &row(2, Some("a"), 1), 0).is_err());
    assert!(matches!(attempt(&mut txn, &row(2, Some("b"), 1), 1).unwrap(), Insertion::Inserted(_)));
    verify(&mut txn, &def);
}

#[test]
fn a_key_that_may_yet_go_or_come_is_waited_for() {
    let f = Fixture::new(5);
    let def = create(&f, true);
    let mut txn = f.begin();
    let key = insert(&mut txn, &def, &row(1, Some("a"), 1)).unwrap();
    f.commit(txn);
    let (mut one, mut two) = (f.begin(), f.begin());
    let view = one.view();
    assert_eq!(def.lock_row(&mut one, &view, &key, LockMode::Update, Wait::Block).unwrap(), RowLock::Locked);
    assert_eq!(def.lock_row(&mut two, &view, &key, LockMode::Update, Wait::No).unwrap(), RowLock::Busy);
    with_cx(|cx| def.delete(&mut one, cx, &key, &row(1, Some("a"), 1))).unwrap();
    // The unique entry of "a" goes with it, if it goes.
    let e = insert(&mut two, &def, &row(2, Some("a"), 1)).unwrap_err();
    assert_eq!(e.flow(), crate::base::Flow::Wait);
    f.commit(one);
    two.end_statement();
    two.begin_statement(Access::Write).unwrap();
    insert(&mut two, &def, &row(2, Some("a"), 1)).unwrap();
    verify(&mut two, &def);
}

#[test]
fn foreign_keys_find_parents_and_children() {
    let f = Fixture::new(6);
    let def = create(&f, true);
    let mut txn = f.begin();
    insert(&mut txn, &def, &row(1, Some("a"), 7)).unwrap();
    insert(&mut txn, &def, &row(2, Some("b"), 7)).unwrap();
    assert!(def.parent_exists(&mut txn, 1, &[1], &[DatumRef::Text("b")]).unwrap());
    assert!(!def.parent_exists(&mut txn, 0, &[0], &[DatumRef::Int8(5)]).unwrap());
    let children = def.referencing(&txn, &[2], &[DatumRef::Int8(7)], 10).unwrap();
    assert_eq!(children.len(), 2);
    // No index leads with both columns: the table is read.
    let both = [DatumRef::Int4(7), DatumRef::Text("b")];
    assert_eq!(def.referencing(&txn, &[2, 1], &both, 10).unwrap().len(), 1);
    assert_eq!(def.referencing(&txn, &[2], &[DatumRef::Int4(7)], 1).unwrap().len(), 1);
}

#[test]
fn an_index_is_built_over_rows_and_refuses_duplicates() {
    let f = Fixture::new(7);
    let def = create(&f, false);
    let mut txn = f.begin();
    for id in 0..50 {
        insert(&mut txn, &def, &row(id, None, 1 + id % 10)).unwrap();
    }
    let mut fresh: Vec<(Arc<Index>, IndexExprs)> = Vec::new();
    for index in &def.indexes {
        let tree = txn.create_tree().unwrap();
        let copy = Index { tree, ..Index::clone(&index.index) };
        fresh.push((Arc::new(copy), IndexExprs { keys: Vec::new(), predicate: index.predicate.clone() }));
    }
    let duplicate = Index { unique: true, ..Index::clone(&fresh[2].0) };
    let rebuilt = TableDef::new(POSTGRES_DATABASE, def.table.clone(), "public", fresh, Vec::new(), &f.tables).unwrap();
    for i in 0..4 {
        with_cx(|cx| rebuilt.build_index(&mut txn, cx, i)).unwrap();
    }
    verify(&mut txn, &rebuilt);
    let tree = txn.create_tree().unwrap();
    let indexes = vec![(Arc::new(Index { tree, ..duplicate }), IndexExprs::default())];
    let wrong = TableDef::new(POSTGRES_DATABASE, def.table.clone(), "public", indexes, Vec::new(), &f.tables).unwrap();
    let e = with_cx(|cx| wrong.build_index(&mut txn, cx, 0)).unwrap_err();
    assert_eq!(e.message(), "could not create unique index \"t_n\"");
    assert!(e.fields().detail.as_deref().is_some_and(|d| d.ends_with("is duplicated.")));
}

#[test]
fn a_table_is_rewritten_under_a_primary_key() {
    let f = Fixture::new(8);
    let old = create(&f, false);
    let mut txn = f.begin();
    for id in [5, 3, 9, 1] {
        insert(&mut txn, &old, &row(id, Some(&id.to_string()), id)).unwrap();
    }
    let indexes: Vec<Arc<Index>> = old.indexes.iter().map(|i| i.index.clone()).collect();
    let (mut table, mut fresh): (Table, Vec<Index>) = fresh_trees(&mut txn, &old.table, &indexes).unwrap();
    table.row_key = RowKey::Columns { index: fresh[0].oid, attnums: vec![1] };
    fresh[0].clustered = true;
    fresh[0].tree = table.tree;
    let exprs = old.indexes.iter().map(|i| IndexExprs { keys: Vec::new(), predicate: i.predicate.clone() });
    let indexes = fresh.into_iter().map(Arc::new).zip(exprs).collect();
    let new = TableDef::new(POSTGRES_DATABASE, Arc::new(table), "public", indexes, Vec::new(), &f.tables).unwrap();
    with_cx(|cx| new.rewrite_from(&mut txn, cx, &old, |_, row| Ok(row))).unwrap();
    verify(&mut txn, &new);
    let mut ids = Vec::new();
    new.for_each_row(&mut txn, |_, _, row| {
        ids.push(format!("{:?}", row[0]));
        Ok(())
    })
    .unwrap();
    assert_eq!(ids, ["Int4(1)", "Int4(3)", "Int4(5)", "Int4(9)"]);
    f.commit(txn);
}

fn sequence(f: &Fixture) -> Sequence {
    let storage = f.store.new_oid().unwrap().0;
    let found = sample::objects().into_iter().find_map(|o| match o {
        Object::Sequence(s) => Some(Sequence::clone(&s)),
        _ => None,
    });
    Sequence { storage, ..found.unwrap() }
}

#[test]
fn sequences_never_repeat_a_value_not_even_after_a_crash() {
    let disk = SimDisk::new(9);
    let (seq, last) = {
        let f = Fixture::on(&disk);
        let seq = sequence(&f);
        let txn = f.begin();
        let values: Vec<i64> = (0..40).map(|_| f.tables.nextval(&txn, &seq).unwrap()).collect();
        assert_eq!(values, (1..=40).collect::<Vec<i64>>());
        let state = f.tables.sequence_value(&txn, &seq).unwrap();
        assert_eq!(state, SequenceValue { last_value: 40, log_cnt: 26, is_called: true });
        f.commit(txn);
        f.store.engine().wait_durable_blocking(f.store.engine().applied()).unwrap();
        (seq, 40)
    };
    let f = Fixture::on(&disk);
    let txn = f.begin();
    assert!(f.tables.nextval(&txn, &seq).unwrap() > last);
    f.tables.setval(&txn, &seq, 7, false).unwrap();
    assert_eq!(f.tables.nextval(&txn, &seq).unwrap(), 7);
    let e = f.tables.setval(&txn, &seq, 0, true).unwrap_err();
    assert_eq!(e.message(), "setval: value 0 is out of bounds for sequence \"c_id_seq\" (1..2147483647)");
    f.tables.store_sequences().unwrap();
    assert_eq!(f.tables.nextval(&txn, &seq).unwrap(), 8);
}

#[test]
fn a_restarted_sequence_begins_where_it_was_told() {
    let f = Fixture::new(10);
    let seq = Sequence { max: 101, ..sequence(&f) };
    let txn = f.begin();
    assert_eq!(f.tables.nextval(&txn, &seq).unwrap(), 1);
    let seq = seq.restarted(f.store.new_oid().unwrap().0, Some(100));
    assert_eq!(f.tables.nextval(&txn, &seq).unwrap(), 100);
    assert_eq!(f.tables.nextval(&txn, &seq).unwrap(), 101);
    let e = f.tables.nextval(&txn, &seq).unwrap_err();
    assert_eq!(e.message(), "nextval: reached maximum value of sequence \"c_id_seq\" (101)");
}

#[test]
fn analyze_counts_and_describes() {
    let f = Fixture::new(11);
    let def = create(&f, true);
    let mut txn = f.begin();
    for id in 0..1000 {
        let code = (id % 4 != 0).then(|| format!("code {id:04}"));
        insert(&mut txn, &def, &row(id, code.as_deref(), 1 + id % 5)).unwrap();
    }
    f.commit(txn);
    let txn = f.begin();
    let stats = with_cx(|cx| def.analyze(&txn, cx, &txn.view())).unwrap();
    assert_eq!(stats.rows, 1000.0);
    let (id, code, n) = (stats.column(1).unwrap(), stats.column(2).unwrap(), stats.column(3).unwrap());
    assert_eq!((id.distinct, id.correlation), (-1.0, Some(1.0)));
    assert_eq!((code.null_fraction, code.distinct), (0.25, -0.75));
    assert_eq!((n.distinct, n.common.len(), n.histogram.len()), (5.0, 5, 0));
    assert!((n.common[0].1 - 0.2).abs() < 1e-6);
    assert_eq!(id.histogram.len(), 101);
    assert_eq!((id.histogram[0].as_str(), id.histogram[100].as_str()), ("0", "999"));
}

#[test]
fn a_deferred_key_is_looked_at_when_asked() {
    let f = Fixture::new(12);
    let def = create(&f, true);
    let mut code = Index::clone(&def.indexes[1].index);
    code.immediate = false;
    let indexes = def.indexes.iter().map(|i| {
        let index = if i.index.oid == code.oid { Arc::new(code.clone()) } else { i.index.clone() };
        (index, IndexExprs { keys: Vec::new(), predicate: i.predicate.clone() })
    });
    let def = TableDef::new(POSTGRES_DATABASE, def.table.clone(), "public", indexes.collect(), Vec::new(), &f.tables)
        .unwrap();
    let mut txn = f.begin();
    let mut rechecks = Vec::new();
    let mut add = |txn: &mut Txn, values: &[Datum]| with_cx(|cx| def.insert(txn, cx, values, &mut rechecks)).unwrap();
    add(&mut txn, &row(1, Some("a"), 1));
    let second = add(&mut txn, &row(2, Some("a"), 1));
    assert_eq!(rechecks.len(), 2);
    let e = with_cx(|cx| def.recheck(&mut txn, cx, &rechecks[1])).unwrap_err();
    assert_eq!(e.fields().detail.as_deref(), Some("Key (code)=(a) already exists."));
    with_cx(|cx| def.delete(&mut txn, cx, &second, &row(2, Some("a"), 1))).unwrap();
    with_cx(|cx| def.recheck(&mut txn, cx, &rechecks[0])).unwrap();
    let mut found = FetchedRow::default();
    assert!(def.lookup_unique(&txn, Read::Latest, 1, &[DatumRef::Text("a")], &mut found).unwrap());
    verify(&mut txn, &def);
}

/// I9: a thousand seeded steps against a list of rows, indexes included.
#[test]
fn random_writes_agree_with_a_list() {
    for keyed in [true, false] {
        let f = Fixture::new(13);
        let def = create(&f, keyed);
        let mut model: Vec<(Vec<u8>, i32, Option<String>, i32)> = Vec::new();
        let mut random = 88_172_645_463_325_252u64;
        let mut below = |n: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % n) as i32
        };
        let mut txn = f.begin();
        for step in 0..1000 {
            let (id, n) = (below(30), 1 + below(20));
            let code = (below(3) > 0).then(|| format!("c{}", below(15)));
            let values = row(id, code.as_deref(), n);
            let clash = |skip: Option<usize>| {
                model.iter().enumerate().any(|(i, m)| Some(i) != skip && (m.1 == id || (code.is_some() && m.2 == code)))
            };
            match (below(3), model.len()) {
                (0, 1..) => {
                    let at = below(model.len() as u64) as usize;
                    let (key, id, code, n) = model.swap_remove(at);
                    with_cx(|cx| def.delete(&mut txn, cx, &key, &row(id, code.as_deref(), n))).unwrap();
                }
                (1, 1..) => {
                    let at = below(model.len() as u64) as usize;
                    let old = row(model[at].1, model[at].2.as_deref(), model[at].3);
                    let key = model[at].0.clone();
                    let result =
                        with_cx(|cx| def.update(&mut txn, cx, &key, &old, &values, &[0, 1, 2], &mut Vec::new()));
                    assert_eq!(result.is_err(), clash(Some(at)), "step {step}");
                    if let Ok(key) = result {
                        model[at] = (key, id, code, n);
                    }
                }
                _ => {
                    let result = insert(&mut txn, &def, &values);
                    assert_eq!(result.is_err(), clash(None), "step {step}");
                    if let Ok(key) = result {
                        model.push((key, id, code, n));
                    }
                }
            }
            if step % 97 == 0 {
                verify(&mut txn, &def);
                f.commit(txn);
                txn = f.begin();
            }
        }
        verify(&mut txn, &def);
        let mut rows = Vec::new();
        def.for_each_row(&mut txn, |_, _, row| {
            rows.push(format!("{row:?}"));
            Ok(())
        })
        .unwrap();
        let mut expected: Vec<String> =
            model.iter().map(|(_, id, code, n)| format!("{:?}", row(*id, code.as_deref(), *n))).collect();
        rows.sort();
        expected.sort();
        assert_eq!(rows, expected);
    }
}

#[test]
fn an_index_younger_than_the_snapshot_is_refused_not_believed() {
    let f = Fixture::new(14);
    let def = create(&f, false);
    let mut txn = f.begin();
    insert(&mut txn, &def, &row(1, Some("a"), 1)).unwrap();
    f.commit(txn);
    let old = f.begin();
    let view = old.view();
    let mut txn = f.begin();
    insert(&mut txn, &def, &row(2, Some("b"), 1)).unwrap();
    let index = Object::from(def.indexes[1].index.clone());
    let change = Change { database: POSTGRES_DATABASE, key: index.key(), object: Some(index) };
    let store = f.store.clone();
    txn.commit_with(move |lsn| store.publish(&[change], lsn)).unwrap();
    let indexes =
        def.indexes.iter().map(|i| (i.index.clone(), IndexExprs { keys: Vec::new(), predicate: i.predicate.clone() }));
    let def = TableDef::new(POSTGRES_DATABASE, def.table.clone(), "public", indexes.collect(), Vec::new(), &f.tables)
        .unwrap();
    let mut found = FetchedRow::default();
    let e = def.lookup_unique(&old, Read::View(&view), 1, &[DatumRef::Text("a")], &mut found).unwrap_err();
    assert_eq!(e.code(), SqlState::T_R_SERIALIZATION_FAILURE);
    assert!(def.lookup_unique(&old, Read::View(&view), 0, &[DatumRef::Int4(1)], &mut found).unwrap());
    let new = f.begin();
    assert!(def.lookup_unique(&new, Read::View(&new.view()), 1, &[DatumRef::Text("a")], &mut found).unwrap());
}
