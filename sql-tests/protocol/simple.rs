//! The simple query: several statements in one message, empty ones, errors and their fields, notices, descriptions of rows.

use super::{code, essential, first, rows, status, tags};
use crate::harness::{Target, message};

#[test]
fn several_statements_are_one_transaction() {
    let target = Target::fresh();
    let mut client = target.connect();
    let messages = client
        .exchange(&message::query(
            "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); SELECT id FROM t ORDER BY id;",
        ))
        .unwrap();
    assert_eq!(essential(&messages), "CCTDDCZ");
    assert_eq!(tags(&messages), ["CREATE TABLE", "INSERT 0 2", "SELECT 2"]);
    let messages =
        client.exchange(&message::query("INSERT INTO t VALUES (3); SELECT 1/0; INSERT INTO t VALUES (4)")).unwrap();
    assert_eq!(essential(&messages).replace('T', ""), "CEZ", "whether the failing query is described is open");
    assert_eq!(status(&messages), 'I');
    assert_eq!(client.rows("SELECT count(*) FROM t"), ["2"]);
    let messages = client.exchange(&message::query("BEGIN; INSERT INTO t VALUES (3); SELECT 1/0; COMMIT")).unwrap();
    assert_eq!(essential(&messages).replace('T', ""), "CCEZ");
    assert_eq!(status(&messages), 'E');
    let messages = client.exchange(&message::query("COMMIT")).unwrap();
    assert_eq!(tags(&messages), ["ROLLBACK"]);
    let messages =
        client.exchange(&message::query("INSERT INTO t VALUES (5); BEGIN; INSERT INTO t VALUES (6)")).unwrap();
    assert_eq!(status(&messages), 'T');
    client.run("ROLLBACK");
    assert_eq!(client.rows("SELECT id FROM t WHERE id > 4"), [""; 0], "BEGIN takes in what came before it");
    let messages = client.exchange(&message::query("INSERT INTO t VALUES (7); COMMIT; SELECT 1/0")).unwrap();
    assert_eq!(code(&messages), "22012");
    assert_eq!(client.rows("SELECT id FROM t WHERE id = 7"), ["7"]);
}

#[test]
fn a_syntax_error_anywhere_runs_nothing() {
    let target = Target::fresh();
    let mut client = target.connect();
    let messages = client.exchange(&message::query("CREATE TABLE t (a int); SELEC 1")).unwrap();
    assert_eq!(essential(&messages), "EZ");
    assert_eq!(code(&messages), "42601");
    assert_eq!(client.fails("SELECT * FROM t").code(), "42P01");
}

#[test]
fn text_that_is_not_utf8_is_refused_and_the_session_goes_on() {
    let target = Target::fresh();
    let mut client = target.connect();
    let messages = client.exchange(&message::framed(b'Q', b"SELECT '\xe9'\0")).unwrap();
    assert_eq!(essential(&messages), "EZ");
    assert_eq!(code(&messages), "22021");
    assert_eq!(client.rows("SELECT 1"), ["1"]);
}

#[test]
fn empty_queries_are_answered() {
    let target = Target::fresh();
    let mut client = target.connect();
    for sql in ["", ";", " ;; ", "-- nothing", "/* nothing */"] {
        assert_eq!(essential(&client.exchange(&message::query(sql)).unwrap()), "IZ", "{sql:?}");
    }
    assert_eq!(essential(&client.exchange(&message::query(";SELECT 1;;")).unwrap()), "TDCZ");
}

#[test]
fn rows_are_described() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run(
        "CREATE TABLE t (id int PRIMARY KEY, v varchar(9), n numeric(8, 2), c char(4), at timestamptz(3), a int[])",
    );
    let oid: u32 = client.rows("SELECT 't'::regclass::oid")[0].parse().unwrap();
    let messages = client.exchange(&message::query("SELECT *, id + 1 AS next, 'x', NULL, now()::date FROM t")).unwrap();
    assert_eq!(essential(&messages), "TCZ");
    let columns = first(&messages, b'T').columns();
    let told: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.table, c.number, c.ty, c.size, c.typmod)).collect();
    assert_eq!(
        told,
        [
            ("id", oid, 1, 23, 4, -1),
            ("v", oid, 2, 1043, -1, 13),
            ("n", oid, 3, 1700, -1, 524_294),
            ("c", oid, 4, 1042, -1, 8),
            ("at", oid, 5, 1184, 8, 3),
            ("a", oid, 6, 1007, -1, -1),
            ("next", 0, 0, 23, 4, -1),
            ("?column?", 0, 0, 25, -1, -1),
            ("?column?", 0, 0, 25, -1, -1),
            ("now", 0, 0, 1082, 4, -1),
        ]
    );
}

#[test]
fn command_tags_count() {
    let target = Target::fresh();
    let mut client = target.connect();
    for (sql, tag) in [
        ("CREATE TABLE t (id int PRIMARY KEY, v int)", "CREATE TABLE"),
        ("INSERT INTO t SELECT g, g FROM generate_series(1, 5) g", "INSERT 0 5"),
        ("UPDATE t SET v = 0 WHERE id > 3", "UPDATE 2"),
        ("DELETE FROM t WHERE id = 1", "DELETE 1"),
        ("SELECT * FROM t", "SELECT 4"),
        ("VALUES (1), (2)", "SELECT 2"),
        ("CREATE TABLE u AS SELECT * FROM t", "SELECT 4"),
        ("CREATE INDEX ON t (v)", "CREATE INDEX"),
        ("ALTER TABLE t ADD COLUMN w int", "ALTER TABLE"),
        ("TRUNCATE u", "TRUNCATE TABLE"),
        ("CREATE SEQUENCE s", "CREATE SEQUENCE"),
        ("CREATE SCHEMA x", "CREATE SCHEMA"),
        ("CREATE VIEW y AS SELECT 1", "CREATE VIEW"),
        ("PREPARE q AS SELECT 1", "PREPARE"),
        ("EXECUTE q", "SELECT 1"),
        ("DEALLOCATE q", "DEALLOCATE"),
        ("SET work_mem = '5MB'", "SET"),
        ("SHOW work_mem", "SHOW"),
        ("RESET work_mem", "RESET"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("BEGIN", "BEGIN"),
        ("SAVEPOINT a", "SAVEPOINT"),
        ("LOCK TABLE t", "LOCK TABLE"),
        ("RELEASE a", "RELEASE"),
        ("COMMIT", "COMMIT"),
        ("START TRANSACTION", "START TRANSACTION"),
        ("ROLLBACK", "ROLLBACK"),
        ("VACUUM", "VACUUM"),
        ("ANALYZE t", "ANALYZE"),
        ("DROP TABLE t, u", "DROP TABLE"),
        ("DISCARD ALL", "DISCARD ALL"),
    ] {
        assert_eq!(client.run(sql).tag, tag, "{sql}");
    }
}

#[test]
fn errors_say_what_and_where() {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL CONSTRAINT small CHECK (v < 10))");
    client.run("INSERT INTO t VALUES (1, 1)");
    let position = |client: &mut crate::harness::Client, sql: &str| client.fails(sql).field('P').to_owned();
    assert_eq!(position(&mut client, "SELECT nope FROM t"), "8");
    assert_eq!(position(&mut client, "SELECT 'é', nope FROM t"), "13", "positions count characters");
    assert_eq!(position(&mut client, "SELECT 1; SELECT * FROM nope"), "25", "positions count from the message's start");
    assert_eq!(position(&mut client, "SELECT 1 +"), "11");
    assert_eq!(position(&mut client, "SELECT nope(1)"), "8");
    assert_eq!(position(&mut client, "SELECT 1 + 'x'"), "12");
    let e = client.fails("SELECT 1 FROM t WHERE id = 'x'::text");
    assert_eq!((e.code(), e.message()), ("42883", "operator does not exist: integer = text"));
    assert_eq!(
        e.field('H'),
        "No operator matches the given name and argument types. You might need to add explicit type casts."
    );
    let e = client.fails("INSERT INTO t VALUES (1, 1)");
    assert_eq!((e.field('S'), e.field('V'), e.code()), ("ERROR", "ERROR", "23505"));
    assert_eq!(e.message(), "duplicate key value violates unique constraint \"t_pkey\"");
    assert_eq!(e.field('D'), "Key (id)=(1) already exists.");
    assert_eq!((e.field('s'), e.field('t'), e.field('n')), ("public", "t", "t_pkey"));
    let e = client.fails("INSERT INTO t VALUES (2, NULL)");
    assert_eq!((e.code(), e.field('t'), e.field('c')), ("23502", "t", "v"));
    assert_eq!(e.field('D'), "Failing row contains (2, null).");
    let e = client.fails("INSERT INTO t VALUES (2, 20)");
    assert_eq!((e.code(), e.field('n')), ("23514", "small"));
    let e = client.fails("SELECT * FROM tt");
    assert_eq!((e.code(), e.message(), e.field('P')), ("42P01", "relation \"tt\" does not exist", "15"));
}

#[test]
fn notices_come_before_the_end_of_their_statement() {
    let target = Target::fresh();
    let mut client = target.connect();
    let answer = client.run("DROP TABLE IF EXISTS nope");
    assert_eq!(answer.notices.len(), 1);
    assert_eq!(answer.notices[0].field('S'), "NOTICE");
    assert_eq!(answer.notices[0].code(), "00000");
    assert_eq!(answer.notices[0].message(), "table \"nope\" does not exist, skipping");
    let answer = client.run("COMMIT");
    assert_eq!((answer.notices[0].field('S'), answer.notices[0].code()), ("WARNING", "25P01"));
    client.run("SET client_min_messages = error");
    assert!(client.run("DROP TABLE IF EXISTS nope").notices.is_empty());
}

#[test]
fn large_results_and_texts_pass() {
    let target = Target::fresh();
    let mut client = target.connect();
    let all = client.rows("SELECT g FROM generate_series(1, 50000) g");
    assert_eq!((all.len(), all[49_999].as_str()), (50_000, "50000"));
    let long = "x".repeat(3_000_000);
    let messages = client.exchange(&message::query(&format!("SELECT length('{long}'), '{long}'"))).unwrap();
    assert_eq!(rows(&messages), [format!("3000000|{long}")]);
    assert_eq!(client.rows("SELECT length(repeat('ab', 5000000))"), ["10000000"]);
}

#[test]
fn deep_and_wide_statements_end_in_an_error_at_worst() {
    let target = Target::fresh();
    let mut client = target.connect();
    let deep = |n: usize| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n));
    assert_eq!(client.rows(&deep(50)), ["1"]);
    for sql in [
        deep(200_000),
        format!("SELECT {}1", "- ".repeat(200_000)),
        format!("SELECT {}true", "NOT ".repeat(200_000)),
        format!("SELECT {}1{}", "(SELECT ".repeat(50_000), ")".repeat(50_000)),
        format!("SELECT {}1", "1 + ".repeat(100_000)),
        format!("SELECT {}1{}", "abs(".repeat(50_000), ")".repeat(50_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)),
        format!("SELECT '{}'::int[]", "{".repeat(100_000)),
        format!("SELECT 1{}", "::int".repeat(100_000)),
        format!("SELECT {} END", "CASE WHEN true THEN ".repeat(50_000)),
    ] {
        let answers = client.query(&sql).unwrap_or_else(|e| panic!("{}: {e}", &sql[..40]));
        if let Some(e) = &answers[0].error {
            assert!(matches!(e.code(), "54001" | "22P02" | "54011" | "42601" | "54000"), "{}: {e}", &sql[..40]);
        }
    }
    assert_eq!(client.rows("SELECT 1"), ["1"]);
}
