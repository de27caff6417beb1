//! The extended protocol: named statements and portals, pipelines, row limits, errors until Sync.

use super::{code, essential, first, kinds, rows, status, tags};
use crate::harness::message::{Binding, bind, close, describe, execute, flush, parse, sync};
use crate::harness::{Target, message};
use std::time::Duration;

#[test]
fn a_statement_is_parsed_bound_described_and_executed() {
    let target = Target::fresh();
    let mut client = target.connect();
    let values = [Some(&b"20"[..]), Some(b"x")];
    let with = Binding { values: &values, ..Binding::default() };
    let steps = [
        parse("", "SELECT $1::int + 1 AS n, $2 || 'y' AS t", &[]),
        describe(b'S', ""),
        bind("", "", &with),
        describe(b'P', ""),
        execute("", 0),
        sync(),
    ];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(kinds(&messages), "1tT2TDCZ");
    let mut parameters = first(&messages, b't').reader();
    assert_eq!((parameters.u16(), parameters.i32(), parameters.i32()), (2, 23, 25));
    let columns = first(&messages, b'T').columns();
    assert_eq!((columns[0].name.as_str(), columns[0].ty, columns[1].ty), ("n", 23, 25));
    assert_eq!(rows(&messages), ["21|xy"]);
    assert_eq!(tags(&messages), ["SELECT 1"]);
}

#[test]
fn named_statements_and_portals_live_and_end() {
    let target = Target::fresh();
    let mut client = target.connect();
    let one = [Some(&b"1"[..])];
    let with = Binding { values: &one, ..Binding::default() };
    client.exchange(&[parse("s", "SELECT $1::int", &[]), sync()].concat()).unwrap();
    for _ in 0..8 {
        let messages = client.exchange(&[bind("", "s", &with), execute("", 0), sync()].concat()).unwrap();
        assert_eq!(kinds(&messages), "2DCZ");
    }
    let twice = client.exchange(&[parse("s", "SELECT 2", &[]), sync()].concat()).unwrap();
    assert_eq!(code(&twice), "42P05");
    let closed =
        client.exchange(&[close(b'S', "s"), close(b'S', "never was"), close(b'P', "nor this"), sync()].concat());
    assert_eq!(kinds(&closed.unwrap()), "333Z");
    let gone = client.exchange(&[bind("", "s", &with), sync()].concat()).unwrap();
    assert_eq!(code(&gone), "26000");
    let gone = client.exchange(&[describe(b'P', "p"), sync()].concat()).unwrap();
    assert_eq!(code(&gone), "34000");
    let gone = client.exchange(&[execute("p", 0), sync()].concat()).unwrap();
    assert_eq!(code(&gone), "34000");
    let none = Binding::default();
    let steps = [parse("", "SELECT 7", &[]), bind("p", "", &none), bind("p", "", &none), sync()];
    assert_eq!(code(&client.exchange(&steps.concat()).unwrap()), "42P03");
    let steps = [parse("", "SELECT 7", &[]), bind("p", "", &none), sync(), execute("p", 0), sync()];
    client.send(&steps.concat()).unwrap();
    assert_eq!(kinds(&client.until_ready().unwrap()), "12Z");
    assert_eq!(code(&client.until_ready().unwrap()), "34000", "a portal ends with its transaction");
    client.run("BEGIN");
    client.exchange(&[parse("", "SELECT 7", &[]), bind("p", "", &none), sync()].concat()).unwrap();
    let messages = client.exchange(&[execute("p", 0), sync()].concat()).unwrap();
    assert_eq!(rows(&messages), ["7"]);
    client.run("COMMIT");
}

#[test]
fn rows_come_in_portions() {
    let target = Target::fresh();
    let mut client = target.connect();
    let none = Binding::default();
    let start = [parse("", "SELECT g FROM generate_series(1, 5) g", &[]), bind("", "", &none), execute("", 2)];
    let steps = [start.concat(), execute("", 2), execute("", 2), sync()].concat();
    let messages = client.exchange(&steps).unwrap();
    assert_eq!(kinds(&messages), "12DDsDDsDCZ");
    assert_eq!(tags(&messages), ["SELECT 1"], "the tag counts the last portion");
    client.run("BEGIN");
    client.run("CREATE TABLE t AS SELECT g FROM generate_series(1, 5000) g");
    let portal = [parse("", "SELECT g FROM t ORDER BY g", &[]), bind("c", "", &none), execute("c", 3), sync()];
    assert_eq!(rows(&client.exchange(&portal.concat()).unwrap()), ["1", "2", "3"]);
    client.run("DELETE FROM t");
    let messages = client.exchange(&[execute("c", 2), sync()].concat()).unwrap();
    assert_eq!(rows(&messages), ["4", "5"], "a portal keeps its snapshot");
    let rest = client.exchange(&[execute("c", 0), sync()].concat()).unwrap();
    assert_eq!(rest.iter().filter(|m| m.kind == b'D').count(), 4995);
    let over = client.exchange(&[execute("c", 0), sync()].concat()).unwrap();
    assert_eq!(kinds(&over), "CZ");
    client.run("ROLLBACK");
    let exact = [parse("", "VALUES (1), (2)", &[]), bind("", "", &none), execute("", 2), execute("", 2), sync()];
    assert_eq!(kinds(&client.exchange(&exact.concat()).unwrap()), "12DDsCZ");
}

#[test]
fn statements_without_rows_ignore_the_limit() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int)");
    let none = Binding::default();
    let insert = parse("", "INSERT INTO t SELECT generate_series(1, 10)", &[]);
    let steps = [insert, bind("", "", &none), describe(b'P', ""), execute("", 3), sync()];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(kinds(&messages), "12nCZ");
    assert_eq!(tags(&messages), ["INSERT 0 10"]);
    let returning = parse("", "UPDATE t SET id = id + 1 RETURNING id", &[]);
    let steps = [returning, bind("", "", &none), execute("", 4), execute("", 0), sync()];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(messages.iter().filter(|m| m.kind == b'D').count(), 10);
    assert_eq!(client.rows("SELECT min(id), max(id) FROM t"), ["2|11"]);
}

#[test]
fn a_pipeline_is_one_transaction_up_to_sync() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int PRIMARY KEY)");
    let none = Binding::default();
    let run = |sql: &str| [parse("", sql, &[]), bind("", "", &none), execute("", 0)].concat();
    let steps = [
        run("INSERT INTO t VALUES (1)"),
        run("INSERT INTO t VALUES (1)"),
        run("INSERT INTO t VALUES (2)"),
        sync(),
        run("INSERT INTO t VALUES (3)"),
        run("SELECT count(*) FROM t"),
        sync(),
    ];
    client.send(&steps.concat()).unwrap();
    let failed = client.until_ready().unwrap();
    assert_eq!(kinds(&failed), "12C12EZ", "what follows an error is skipped");
    assert_eq!(status(&failed), 'I');
    let went = client.until_ready().unwrap();
    assert_eq!(rows(&went), ["1"]);
    assert_eq!(client.rows("SELECT id FROM t"), ["3"], "the failed pipeline left nothing");
    let steps = [run("SELECT 1 / 0"), message::query("INSERT INTO t VALUES (9)"), sync()];
    let skipped = kinds(&client.exchange(&steps.concat()).unwrap());
    assert!(skipped.ends_with("EZ") && !skipped.contains('C'), "a simple query is skipped too: {skipped}");
    let steps =
        [run("BEGIN"), run("INSERT INTO t VALUES (4)"), sync(), run("SELECT 1 / 0"), sync(), run("COMMIT"), sync()];
    client.send(&steps.concat()).unwrap();
    assert_eq!(status(&client.until_ready().unwrap()), 'T');
    assert_eq!(status(&client.until_ready().unwrap()), 'E');
    assert_eq!(tags(&client.until_ready().unwrap()), ["ROLLBACK"]);
    assert_eq!(client.rows("SELECT id FROM t"), ["3"]);
}

#[test]
fn in_a_failed_transaction_only_its_end_runs() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.exchange(&[parse("ok", "SELECT 1", &[]), sync()].concat()).unwrap();
    client.run("BEGIN");
    client.fails("SELECT 1 / 0");
    let none = Binding::default();
    for steps in [
        [parse("", "SELECT 1", &[]), sync()].concat(),
        [bind("", "ok", &none), sync()].concat(),
        message::query("SELECT 1"),
    ] {
        let messages = client.exchange(&steps).unwrap();
        assert_eq!((code(&messages).as_str(), status(&messages)), ("25P02", 'E'));
    }
    let end = [parse("", "ROLLBACK", &[]), bind("", "", &none), execute("", 0), sync()];
    let messages = client.exchange(&end.concat()).unwrap();
    assert_eq!((kinds(&messages).as_str(), status(&messages)), ("12CZ", 'I'));
}

#[test]
fn flush_sends_what_is_ready() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.send(&[parse("", "SELECT 42", &[]), flush()].concat()).unwrap();
    assert_eq!(client.read().unwrap().kind, b'1');
    client.send(&[bind("", "", &Binding::default()), describe(b'P', ""), flush()].concat()).unwrap();
    assert_eq!(client.read().unwrap().kind, b'2');
    assert_eq!(client.read().unwrap().kind, b'T');
    client.send(&[execute("", 0), flush()].concat()).unwrap();
    assert_eq!(client.read().unwrap().values(), [Some(b"42".to_vec())]);
    assert_eq!(client.read().unwrap().kind, b'C');
    assert!(client.read_within(Duration::from_millis(100)).unwrap().is_none());
    assert_eq!(kinds(&client.exchange(&sync()).unwrap()), "Z");
}

#[test]
fn wrong_parse_bind_and_describe_are_told() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int)");
    let (one, two) = ([Some(&b"1"[..])], [Some(&b"1"[..]), None]);
    let with = |values| Binding { values, ..Binding::default() };
    let statement = parse("", "SELECT $1::int", &[]);
    for (steps, expected) in [
        (parse("", "SELEC", &[]), "42601"),
        (parse("", "SELECT nope", &[]), "42703"),
        (parse("", "SELECT 1; SELECT 2", &[]), "42601"),
        (parse("", "SELECT $1 + $2", &[]), "42725"),
        (parse("", "SELECT $0", &[]), "42P02"),
        ([statement.clone(), bind("", "", &with(&[]))].concat(), "08P01"),
        ([statement.clone(), bind("", "", &with(&two))].concat(), "08P01"),
        ([statement.clone(), bind("", "", &with(&[Some(b"x")]))].concat(), "22P02"),
        ([statement.clone(), bind("", "", &with(&[Some(b"\xff")]))].concat(), "22021"),
        ([statement.clone(), bind("", "", &Binding { values: &one, formats: &[7], results: &[] })].concat(), "22023"),
        (
            [statement.clone(), bind("", "", &Binding { values: &one, formats: &[0, 0], results: &[] })].concat(),
            "08P01",
        ),
        ([statement.clone(), bind("", "", &Binding { values: &one, formats: &[1], results: &[] })].concat(), "08P01"),
        (
            [statement.clone(), bind("", "", &Binding { values: &one, formats: &[], results: &[0, 0] })].concat(),
            "08P01",
        ),
        (describe(b'S', "nope"), "26000"),
    ] {
        let messages = client.exchange(&[steps.clone(), sync()].concat()).unwrap();
        assert_eq!(code(&messages), expected, "{}", String::from_utf8_lossy(&steps));
        assert_eq!(status(&messages), 'I');
    }
    assert_eq!(client.rows("SELECT 1"), ["1"]);
}

#[test]
fn parameter_types_are_inferred() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int8, v varchar(5), d date, a int[])");
    for (sql, given, expected) in [
        ("INSERT INTO t VALUES ($1, $2, $3, $4)", &[][..], &[20, 1043, 1082, 1007][..]),
        ("SELECT * FROM t WHERE id = $1 AND v LIKE $2 AND d > $3", &[], &[20, 25, 1082]),
        ("SELECT * FROM t WHERE id = ANY ($1)", &[], &[1016]),
        ("SELECT $1::date + $2::int", &[], &[1082, 23]),
        ("SELECT $1 + 1, $2 || 'x', $3 = true", &[], &[23, 25, 16]),
        ("SELECT $1, $2", &[23], &[23, 25]),
        ("UPDATE t SET v = $2, d = $1 WHERE id IN ($3, $4)", &[], &[1082, 1043, 20, 20]),
        ("SELECT * FROM t LIMIT $1 OFFSET $2", &[], &[20, 20]),
        ("SELECT CASE WHEN $1 THEN $2 ELSE 5 END", &[], &[16, 23]),
        ("SELECT coalesce($1, d) FROM t", &[], &[1082]),
        ("SELECT $1::text, $1", &[], &[25]),
        ("VALUES ($1, 2), (3::int8, $2)", &[], &[20, 23]),
    ] {
        let messages = client.exchange(&[parse("", sql, given), describe(b'S', ""), sync()].concat()).unwrap();
        let mut r = first(&messages, b't').reader();
        let types: Vec<i32> = (0..r.u16()).map(|_| r.i32()).collect();
        assert_eq!(types, expected, "{sql}");
    }
}

#[test]
fn a_changed_result_is_refused_and_a_changed_table_is_planned_anew() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int PRIMARY KEY, v text)");
    client.run("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let none = Binding::default();
    let prepared = [parse("all", "SELECT * FROM t", &[]), parse("ids", "SELECT id FROM t WHERE v = 'b'", &[]), sync()];
    client.exchange(&prepared.concat()).unwrap();
    let mut other = target.connect();
    other.run("ALTER TABLE t ADD COLUMN x int");
    let ids = client.exchange(&[bind("", "ids", &none), execute("", 0), sync()].concat()).unwrap();
    assert_eq!(rows(&ids), ["2"]);
    let all = client.exchange(&[bind("", "all", &none), execute("", 0), sync()].concat()).unwrap();
    assert_eq!(code(&all), "0A000");
    other.run("CREATE INDEX ON t (v)");
    let ids = client.exchange(&[bind("", "ids", &none), execute("", 0), sync()].concat()).unwrap();
    assert_eq!(rows(&ids), ["2"]);
    other.run("DROP TABLE t");
    let ids = client.exchange(&[bind("", "ids", &none), execute("", 0), sync()].concat()).unwrap();
    assert_eq!(code(&ids), "42P01");
}

#[test]
fn utility_statements_and_empty_ones_go_through_the_extended_protocol() {
    let target = Target::fresh();
    let mut client = target.connect();
    let none = Binding::default();
    let run =
        |sql: &str| [parse("", sql, &[]), bind("", "", &none), describe(b'P', ""), execute("", 0), sync()].concat();
    for (sql, expected) in [
        ("CREATE TABLE t (a int)", "12nCZ"),
        ("", "12nIZ"),
        ("SHOW work_mem", "12TDCZ"),
        ("SET work_mem = '5MB'", "12nCZ"),
        ("EXPLAIN SELECT 1", "12TDCZ"),
        ("BEGIN", "12nCZ"),
        ("SAVEPOINT x", "12nCZ"),
        ("ROLLBACK", "12nCZ"),
        ("PREPARE q AS SELECT 5", "12nCZ"),
        ("EXECUTE q", "12TDCZ"),
        ("INSERT INTO t VALUES (1) RETURNING a", "12TDCZ"),
    ] {
        assert_eq!(essential(&client.exchange(&run(sql)).unwrap()), expected, "{sql}");
    }
}
