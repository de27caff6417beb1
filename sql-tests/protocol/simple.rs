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

/// Statements that look a relation up by themselves tell of the schema, and not where; those that have a query's range table tell
/// of the relation, and where.
#[test]
fn a_schema_that_is_missing_is_told_of() {
    const SCHEMA: (&str, &str) = ("3F000", "schema \"no\" does not exist");
    const RELATION: (&str, &str) = ("42P01", "relation \"no.t\" does not exist");
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (a int); CREATE SEQUENCE s");
    for (sql, (code, text), position) in [
        ("TRUNCATE no.t", SCHEMA, ""),
        ("ALTER TABLE no.t ADD x int", SCHEMA, ""),
        ("ALTER TABLE no.t RENAME TO u", SCHEMA, ""),
        ("ALTER TABLE no.t RENAME a TO b", SCHEMA, ""),
        ("ALTER TABLE no.t SET SCHEMA public", SCHEMA, ""),
        ("ALTER VIEW no.t OWNER TO postgres", SCHEMA, ""),
        ("ALTER SEQUENCE no.t RESTART", SCHEMA, ""),
        ("ALTER SEQUENCE s OWNED BY no.t.a", SCHEMA, ""),
        ("ALTER TABLE t ALTER a TYPE no.ty", SCHEMA, ""),
        ("ALTER TABLE t ADD b no.ty", SCHEMA, "21"),
        ("CREATE INDEX ON no.t (a)", SCHEMA, ""),
        ("COPY no.t FROM STDIN", SCHEMA, ""),
        ("COPY no.t TO STDOUT", SCHEMA, ""),
        ("COMMENT ON TABLE no.t IS 'x'", SCHEMA, ""),
        ("COMMENT ON COLUMN no.t.a IS 'x'", SCHEMA, ""),
        ("ANALYZE no.t", SCHEMA, ""),
        ("VACUUM no.t", SCHEMA, ""),
        ("CLUSTER no.t", SCHEMA, ""),
        ("REINDEX TABLE no.t", SCHEMA, ""),
        ("REINDEX SCHEMA no", SCHEMA, ""),
        ("REFRESH MATERIALIZED VIEW no.t", SCHEMA, ""),
        ("BEGIN; LOCK TABLE no.t", SCHEMA, ""),
        ("CREATE TABLE u (a int REFERENCES no.t)", SCHEMA, ""),
        ("CREATE TABLE u (LIKE no.t)", SCHEMA, "22"),
        ("CREATE TABLE no.t (a int)", SCHEMA, "14"),
        ("CREATE TEMP TABLE no.t (a int)", SCHEMA, "19"),
        ("CREATE TABLE no.t AS SELECT 1", SCHEMA, ""),
        ("CREATE VIEW no.t AS SELECT 1", SCHEMA, ""),
        ("CREATE TEMP VIEW no.t AS SELECT 1", SCHEMA, ""),
        ("CREATE MATERIALIZED VIEW no.t AS SELECT 1", SCHEMA, ""),
        ("CREATE SEQUENCE no.t", SCHEMA, ""),
        ("DROP TABLE no.t", SCHEMA, ""),
        ("DROP VIEW no.t", SCHEMA, ""),
        ("DROP INDEX no.t", SCHEMA, ""),
        ("SELECT 'no.t'::regclass", SCHEMA, "8"),
        ("SELECT 'No.T'::text::regclass", SCHEMA, ""),
        ("SELECT 'no.f'::regproc", SCHEMA, "8"),
        ("SELECT 'no.ty'::regtype", SCHEMA, "8"),
        ("SELECT 'no.ty'::text::regtype", SCHEMA, ""),
        ("SELECT nextval('no.t')", SCHEMA, "16"),
        ("SELECT pg_relation_size('no.t')", SCHEMA, "25"),
        ("SELECT pg_get_serial_sequence('no.t', 'a')", SCHEMA, ""),
        ("SELECT no.f(1)", SCHEMA, "8"),
        ("SELECT * FROM no.t", RELATION, "15"),
        ("INSERT INTO no.t VALUES (1)", RELATION, "13"),
        ("UPDATE no.t SET a = 1", RELATION, "8"),
        ("DELETE FROM no.t", RELATION, "13"),
        ("TRUNCATE nope", ("42P01", "relation \"nope\" does not exist"), ""),
        ("CREATE INDEX ON public.nope (a)", ("42P01", "relation \"public.nope\" does not exist"), ""),
        ("DROP TABLE public.nope", ("42P01", "table \"nope\" does not exist"), ""),
        ("TRUNCATE d.no.t", ("0A000", "cross-database references are not implemented: \"d.no.t\""), ""),
        ("SELECT * FROM d.no.t", ("0A000", "cross-database references are not implemented: \"d.no.t\""), "15"),
        ("CREATE TABLE d.no.t (a int)", ("0A000", "cross-database references are not implemented: \"d.no.t\""), "14"),
        ("CREATE VIEW d.no.t AS SELECT 1", ("0A000", "cross-database references are not implemented: \"d.no.t\""), ""),
        ("SELECT 'd.no.t'::regclass", ("0A000", "cross-database references are not implemented: \"d.no.t\""), "8"),
    ] {
        let e = client.fails(sql);
        assert_eq!((e.code(), e.message(), e.field('P')), (code, text, position), "{sql}");
        client.run("ROLLBACK");
    }
    for (sql, notice) in [
        ("DROP TABLE IF EXISTS no.t", "schema \"no\" does not exist, skipping"),
        ("DROP INDEX IF EXISTS no.t", "schema \"no\" does not exist, skipping"),
        ("DROP TABLE IF EXISTS public.nope", "table \"nope\" does not exist, skipping"),
        ("ALTER TABLE IF EXISTS no.t ADD x int", "relation \"t\" does not exist, skipping"),
        ("ALTER TABLE IF EXISTS no.t RENAME TO u", "relation \"t\" does not exist, skipping"),
        ("ALTER SEQUENCE IF EXISTS no.t RESTART", "relation \"t\" does not exist, skipping"),
    ] {
        let notices = client.run(sql).notices;
        let told: Vec<_> = notices.iter().map(|n| (n.field('S'), n.code(), n.message())).collect();
        assert_eq!(told, [("NOTICE", "00000", notice)], "{sql}");
    }
    let answer = client.run("COMMENT ON DATABASE nope IS 'x'");
    let warning = &answer.notices[0];
    assert_eq!((warning.field('S'), warning.code()), ("WARNING", "3D000"));
    assert_eq!((warning.message(), answer.tag.as_str()), ("database \"nope\" does not exist", "COMMENT"));
}

/// A function is one of several even if the others are not built.
#[test]
fn a_function_that_is_not_the_only_one_is_ambiguous() {
    let target = Target::fresh();
    let mut client = target.connect();
    for (sql, code, text, position) in [
        ("SELECT 'upper'::regproc", "42725", "more than one function named \"upper\"", "8"),
        ("SELECT 'pg_catalog.upper'::regproc", "42725", "more than one function named \"pg_catalog.upper\"", "8"),
        ("SELECT 'upper'::text::regproc", "42725", "more than one function named \"upper\"", ""),
        ("SELECT 'public.pi'::regproc", "42883", "function \"public.pi\" does not exist", "8"),
        ("SELECT 'a.b'::regnamespace", "42602", "invalid name syntax", "8"),
        ("SELECT 'a.b'::regrole", "42602", "invalid name syntax", "8"),
        ("SELECT unnest(NULL)", "42725", "function unnest(unknown) is not unique", "8"),
        ("SELECT * FROM unnest(NULL)", "42725", "function unnest(unknown) is not unique", "15"),
        ("SELECT age('2020-01-01')", "42725", "function age(unknown) is not unique", "8"),
        ("SELECT lower(5)", "42883", "function lower(integer) does not exist", "8"),
        (
            "SELECT array_length(NULL, 1)",
            "42804",
            "could not determine polymorphic type because input has type unknown",
            "",
        ),
    ] {
        let e = client.fails(sql);
        assert_eq!((e.code(), e.message(), e.field('P')), (code, text, position), "{sql}");
    }
    let hint = "Could not choose a best candidate function. You might need to add explicit type casts.";
    assert_eq!(client.fails("SELECT unnest(NULL)").field('H'), hint);
    let e = client.fails("SELECT 'int foo'::regtype");
    assert_eq!((e.code(), e.field('P'), e.field('W')), ("42601", "8", "invalid type name \"int foo\""));
}

#[test]
fn notices_come_before_the_end_of_their_statement() {
    let target = Target::fresh();
    let mut client = target.connect();
    let answer = client.run("DROP TABLE IF EXISTS nope");
    assert_eq!((answer.notices.len(), answer.tag.as_str()), (1, "DROP TABLE"));
    let steps =
        [message::parse("", "DROP TABLE IF EXISTS nope", &[]), message::bind("", "", &message::Binding::default())];
    let steps = [steps.concat(), message::execute("", 0), message::sync()].concat();
    assert_eq!(super::kinds(&client.exchange(&steps).unwrap()), "12NCZ");
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
