use super::*;
use crate::catalog::bootstrap;
use crate::catalog::{Change, NoFacts, Object};

fn sample() -> Catalog {
    let mut catalog = Catalog::empty(Oid(5));
    for schema in bootstrap::schemas() {
        let object = Object::from(schema);
        catalog.apply(&Change { database: Oid(5), key: object.key(), object: Some(object) });
    }
    for object in crate::catalog::sample::objects() {
        catalog.apply(&Change { database: Oid(5), key: object.key(), object: Some(object) });
    }
    catalog
}

/// Every relation's rows have its columns in their forms: builders and `Rows::row` panic otherwise.
#[test]
fn every_relation_gives_well_formed_rows() {
    let catalog = sample();
    let cx = SystemContext { catalog: &catalog, facts: &NoFacts, path: &[PG_CATALOG, crate::catalog::PUBLIC] };
    for table in tables() {
        let all: Vec<usize> = (0..table.columns.len()).collect();
        for batch in table.batches(&cx, &all) {
            assert_eq!(batch.columns.len(), all.len(), "{}", table.name);
            for (column, array) in table.columns.iter().zip(&batch.columns) {
                assert!(!column.not_null || array.null_count() == 0, "{}.{}", table.name, column.name);
            }
        }
    }
}

#[test]
fn producers_all_have_relations() {
    let with_rows = tables().iter().filter(|t| t.producer.is_some()).count();
    assert_eq!(with_rows, PRODUCERS.len());
    assert!(table_named(PG_CATALOG, "pg_class").is_some_and(|t| t.oid == Oid(1259)));
    assert!(table_named(INFORMATION_SCHEMA, "columns").is_some());
    assert!(table_named(crate::catalog::PUBLIC, "pg_class").is_none());
}
