//! COPY FROM STDIN and TO STDOUT: text, CSV and binary, in both protocols, failing at every place.

use super::{code, essential, kinds, status, tags};
use crate::harness::message::{Binding, bind, execute, framed, parse, query, sync, zero_ended};
use crate::harness::{Client, Message, Target};

fn data(bytes: &[u8]) -> Vec<u8> {
    framed(b'd', bytes)
}

fn done() -> Vec<u8> {
    framed(b'c', b"")
}

fn fail(why: &str) -> Vec<u8> {
    framed(b'f', &zero_ended(why))
}

/// All data that came out.
fn copied(messages: &[Message]) -> String {
    let all: Vec<u8> = messages.iter().filter(|m| m.kind == b'd').flat_map(|m| m.body.clone()).collect();
    String::from_utf8(all).expect("text")
}

/// Copies in with one message of data.
fn copy_in(client: &mut Client, sql: &str, input: &[u8]) -> Vec<Message> {
    client.exchange(&[query(sql), data(input), done()].concat()).unwrap()
}

fn table() -> (Target, Client) {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int PRIMARY KEY, v text, n numeric(6, 2), b bool)");
    (target, client)
}

#[test]
fn text_goes_in_and_out() {
    let (_target, mut client) = table();
    let input = b"1\tplain\t1.5\tt\n2\t\\N\t\\N\t\\N\n3\ttab\\there\\\\ \\x41\\101\\n\t0\tf\n4\t\t-1\tno\n";
    let messages = copy_in(&mut client, "COPY t FROM STDIN", input);
    assert_eq!(essential(&messages), "GCZ");
    assert_eq!(messages[0].body, [0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0], "text, four columns");
    assert_eq!(tags(&messages), ["COPY 4"]);
    assert_eq!(client.rows("SELECT v FROM t WHERE id = 3"), ["tab\there\\ AA\n"]);
    let messages = client.exchange(&query("COPY t TO STDOUT")).unwrap();
    assert_eq!(essential(&messages), "HddddcCZ");
    assert_eq!(
        copied(&messages),
        "1\tplain\t1.50\tt\n2\t\\N\t\\N\t\\N\n3\ttab\\there\\\\ AA\\n\t0.00\tf\n4\t\t-1.00\tf\n"
    );
    assert_eq!(tags(&messages), ["COPY 4"]);
    let messages = client.exchange(&query(
        "COPY (SELECT id, v FROM t WHERE id < 3 ORDER BY id DESC) TO STDOUT (DELIMITER '|', NULL '-')",
    ));
    assert_eq!(copied(&messages.unwrap()), "2|-\n1|plain\n");
    let messages = client.exchange(&query("COPY t (b, id) TO STDOUT (HEADER)")).unwrap();
    assert!(copied(&messages).starts_with("b\tid\nt\t1\n"));
}

#[test]
fn data_may_be_cut_anywhere() {
    let (_target, mut client) = table();
    let input = "10\th\u{e9}llo\\tx\t1\tt\r\n11\tb\t2\tf\r\n\\.\r\nignored";
    let mut bytes = query("COPY t FROM STDIN");
    for b in input.as_bytes() {
        bytes.extend(data(&[*b]));
    }
    bytes.extend(data(b""));
    bytes.extend(done());
    let messages = client.exchange(&bytes).unwrap();
    assert_eq!(tags(&messages), ["COPY 2"]);
    assert_eq!(client.rows("SELECT id, v FROM t ORDER BY id"), ["10|h\u{e9}llo\tx", "11|b"]);
}

#[test]
fn csv_goes_in_and_out() {
    let (_target, mut client) = table();
    let input = b"id,v,n,b\n1,\"a,b\",1,t\n2,\"quote \"\"q\"\"\",2,f\n3,,,\n4,\"\",4,t\n5,\"two\nlines\",5,t\n";
    let messages = copy_in(&mut client, "COPY t FROM STDIN (FORMAT csv, HEADER)", input);
    assert_eq!(tags(&messages), ["COPY 5"]);
    assert_eq!(client.rows("SELECT id FROM t WHERE v IS NULL"), ["3"]);
    assert_eq!(client.rows("SELECT id FROM t WHERE v = ''"), ["4"]);
    let messages = client.exchange(&query("COPY t TO STDOUT WITH CSV HEADER")).unwrap();
    assert_eq!(
        copied(&messages),
        "id,v,n,b\n1,\"a,b\",1.00,t\n2,\"quote \"\"q\"\"\",2.00,f\n3,,,\n4,\"\",4.00,t\n5,\"two\nlines\",5.00,t\n"
    );
    let messages = client.exchange(&query(
        "COPY (SELECT 'x', NULL, 'a;b') TO STDOUT (FORMAT csv, DELIMITER ';', QUOTE '''', FORCE_QUOTE *, NULL 'nil')",
    ));
    assert_eq!(copied(&messages.unwrap()), "'x';nil;'a;b'\n");
    client.run("TRUNCATE t");
    let messages =
        copy_in(&mut client, "COPY t (v, id) FROM STDIN (FORMAT csv, NULL 'nil', QUOTE '''')", b"nil,1\n'n''il',2\n");
    assert_eq!(tags(&messages), ["COPY 2"]);
    assert_eq!(client.rows("SELECT id, v FROM t ORDER BY id"), ["1|NULL", "2|n'il"]);
}

#[test]
fn binary_goes_in_and_out() {
    let (_target, mut client) = table();
    client.run("INSERT INTO t VALUES (1, 'one', 1.5, true), (2, NULL, NULL, NULL)");
    let messages = client.exchange(&query("COPY t TO STDOUT (FORMAT binary)")).unwrap();
    let all: Vec<u8> = messages.iter().filter(|m| m.kind == b'd').flat_map(|m| m.body.clone()).collect();
    assert_eq!(messages[0].body[..3], [1, 0, 4]);
    assert!(all.starts_with(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\0\0\x03one"));
    assert!(all.ends_with(&[0xff, 0xff]));
    client.run("DELETE FROM t");
    let messages = copy_in(&mut client, "COPY t FROM STDIN (FORMAT binary)", &all);
    assert_eq!(tags(&messages), ["COPY 2"]);
    assert_eq!(client.rows("SELECT * FROM t ORDER BY id"), ["1|one|1.50|t", "2|NULL|NULL|NULL"]);
    for (input, expected) in [
        (&b"nonsense, and long enough to be read"[..], "22P04"),
        (b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x03", "22P04"),
        (b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\x7f", "22P04"),
        (b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0", "22P04"),
        (b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x04\xff\xff\xff\xf0", "22P04"),
        (b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x04\0\0\0\x05\0\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "22P03"),
    ] {
        let messages = copy_in(&mut client, "COPY t FROM STDIN (FORMAT binary)", input);
        assert_eq!(code(&messages), expected, "{input:?}");
    }
}

/// Rows enough that they are read on another thread.
fn many(rows: std::ops::RangeInclusive<u32>) -> String {
    rows.map(|id| format!("{id},\"the row, of\nnumber {id}\",{}.25,t\n", id % 1000)).collect()
}

#[test]
fn much_goes_in_whole_or_not_at_all() {
    let (_target, mut client) = table();
    let messages = copy_in(&mut client, "COPY t FROM STDIN CSV", many(1..=30_000).as_bytes());
    assert_eq!(tags(&messages), ["COPY 30000"]);
    assert_eq!(client.rows("SELECT count(*), sum(n), max(v) FROM t"), ["30000|14992500.00|the row, of\nnumber 9999"]);
    assert_eq!(client.rows("SELECT v FROM t WHERE id = 29999"), ["the row, of\nnumber 29999"]);
    let messages = copy_in(&mut client, "COPY t FROM STDIN CSV", many(30_001..=60_000).as_bytes());
    assert_eq!(tags(&messages), ["COPY 30000"]);
    // Each row is of two lines, the first of which says how lines end.
    for (input, expected, line) in [
        (many(60_001..=80_000) + "7,again,1,t\n" + &many(80_001..=81_000), "23505", "COPY t, line 40000"),
        (
            many(60_001..=80_000) + "x,bad,1,t\n" + &many(80_001..=81_000),
            "22P02",
            "COPY t, line 40000, column id: \"x\"",
        ),
        (many(60_001..=80_000) + "80001,bad,1\n7,again,1,t\n", "22P04", "COPY t, line 40000"),
        (many(60_001..=80_000) + "60001,bad,1,t\nx,bad\n" + &many(80_001..=90_000), "22P04", "COPY t, line 40001"),
        (many(60_001..=80_000) + "\"open\n", "22P04", "COPY t, line 40001"),
        (many(60_001..=80_000) + "1\r\n", "22P04", "COPY t, line 40000"),
    ] {
        let messages = copy_in(&mut client, "COPY t FROM STDIN CSV", input.as_bytes());
        assert_eq!(code(&messages), expected, "{line}");
        assert_eq!(super::first(&messages, b'E').fields()[&'W'], line);
    }
    assert_eq!(client.rows("SELECT count(*) FROM t"), ["60000"]);
    let messages = copy_in(&mut client, "COPY t FROM STDIN CSV WHERE id % 2 = 0", many(60_001..=90_000).as_bytes());
    assert_eq!(tags(&messages), ["COPY 15000"]);
}

#[test]
fn errors_name_the_line_of_their_row() {
    let (_target, mut client) = table();
    client.run("ALTER TABLE t ADD CHECK (n > 0); ALTER TABLE t ADD parent int REFERENCES t");
    for (input, expected, line) in [
        ("1,\"a\nb\",1,t,\n2,x,1,t,\n2,y,1,t,\n4,z,1,t,\n", "23505", Some("COPY t, line 3")),
        ("1,a,1,t,\n2,\"b\nc\",1,t,\n3,c,-1,t,\n", "23514", Some("COPY t, line 4")),
        ("1,a,1,t,\n\"\",b,1,t,\n", "22P02", Some("COPY t, line 2, column id: \"\"")),
        ("1,a,1,t,\n,b,1,t,\n3,c,1,t,\n", "23502", Some("COPY t, line 2")),
        ("1,a,1,t,\n2,b,1,t,9\n", "23503", None),
    ] {
        let messages = copy_in(&mut client, "COPY t FROM STDIN CSV", input.as_bytes());
        assert_eq!(code(&messages), expected, "{input}");
        assert_eq!(super::first(&messages, b'E').fields().get(&'W').map(|w| &**w), line);
    }
    let input = "1,a,1,t,\n2,b,1,t,9\n3,c,-1,t,\n9,d,1,t,1\n";
    let messages = copy_in(&mut client, "COPY t FROM STDIN CSV WHERE id <> 3", input.as_bytes());
    assert_eq!(tags(&messages), ["COPY 3"]);
    // A parent may come long after its child.
    let chain: String = (10..=5000).map(|id| format!("{id},,,,{}\n", if id < 5000 { id + 1 } else { 1 })).collect();
    assert_eq!(tags(&copy_in(&mut client, "COPY t FROM STDIN CSV", chain.as_bytes())), ["COPY 4991"]);
    let messages = copy_in(&mut client, "COPY t FROM STDIN CSV", b"6000,,,,6001\n");
    assert_eq!(code(&messages), "23503");
    let messages = copy_in(&mut client, "COPY t FROM STDIN CSV WHERE id > 4", b"2,a,1,t,\n5,b,1,t,\n9,c,1,t,\n");
    assert_eq!(super::first(&messages, b'E').fields()[&'W'], "COPY t, line 3");
}

#[test]
fn failures_leave_nothing_and_the_session_in_order() {
    let (_target, mut client) = table();
    client.run("INSERT INTO t VALUES (1, 'there', 0, true)");
    for (input, expected) in [
        (&b"2\tx\n"[..], "22P04"),
        (b"2\tx\t1\tt\textra\n", "22P04"),
        (b"x\tx\t1\tt\n", "22P02"),
        (b"2\tx\t12345678\tt\n", "22003"),
        (b"2\tx\t1\tt\n1\ttwice\t1\tt\n", "23505"),
        (b"\\N\tx\t1\tt\n", "23502"),
        (b"2\t\xff\t1\tt\n", "22021"),
    ] {
        let messages = copy_in(&mut client, "COPY t FROM STDIN", input);
        assert_eq!(code(&messages), expected, "{}", String::from_utf8_lossy(input));
        assert_eq!(status(&messages), 'I');
        assert_eq!(client.rows("SELECT count(*) FROM t"), ["1"]);
    }
    let messages =
        client.exchange(&[query("COPY t FROM STDIN"), data(b"2\tx\t1\tt\n"), fail("no more")].concat()).unwrap();
    assert_eq!(essential(&messages), "GEZ");
    let e = super::first(&messages, b'E').fields();
    assert_eq!((e[&'C'].as_str(), e[&'M'].as_str()), ("57014", "COPY from stdin failed: no more"));
    let messages = copy_in(&mut client, "COPY t FROM STDIN", b"2\tx\t1\tt\nbad\tx\t1\tt\n");
    assert_eq!(super::first(&messages, b'E').fields()[&'W'], "COPY t, line 2, column id: \"bad\"");
    assert_eq!(client.rows("SELECT count(*) FROM t"), ["1"]);
    for (sql, expected) in [
        ("COPY nope FROM STDIN", "42P01"),
        ("COPY t (nope) FROM STDIN", "42703"),
        ("COPY t FROM STDIN (FORMAT nope)", "22023"),
        ("COPY t FROM STDIN (FORMAT csv, DELIMITER 'xx')", "0A000"),
        ("COPY (SELECT 1) FROM STDIN", "42601"),
        ("COPY (DELETE FROM t) TO STDOUT", "0A000"),
    ] {
        assert_eq!(client.fails(sql).code(), expected, "{sql}");
    }
}

#[test]
fn copy_belongs_to_its_transaction() {
    let (target, mut client) = table();
    client.run("BEGIN");
    copy_in(&mut client, "COPY t FROM STDIN", b"1\tx\t1\tt\n");
    assert_eq!(target.connect().rows("SELECT count(*) FROM t"), ["0"]);
    client.run("ROLLBACK");
    assert_eq!(client.rows("SELECT count(*) FROM t"), ["0"]);
    let steps = [query("COPY t FROM STDIN; SELECT count(*) FROM t; COPY t TO STDOUT"), data(b"5\tx\t1\tt\n"), done()];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(essential(&messages), "GCTDCHdcCZ");
    client.run("BEGIN");
    let messages = copy_in(&mut client, "COPY t FROM STDIN", b"bad\n");
    assert_eq!(status(&messages), 'E');
    client.run("ROLLBACK");
}

#[test]
fn defaults_constraints_and_many_rows() {
    let (_target, mut client) = table();
    client.run("CREATE TABLE d (id serial PRIMARY KEY, v text DEFAULT 'dflt', CHECK (v <> 'bad'))");
    let messages = copy_in(&mut client, "COPY d (v) FROM STDIN", b"a\nb\n");
    assert_eq!(tags(&messages), ["COPY 2"]);
    copy_in(&mut client, "COPY d (id) FROM STDIN", b"10\n");
    assert_eq!(client.rows("SELECT * FROM d ORDER BY id"), ["1|a", "2|b", "10|dflt"]);
    assert_eq!(code(&copy_in(&mut client, "COPY d (v) FROM STDIN", b"ok\nbad\n")), "23514");
    let rows: String = (0..20_000).map(|i| format!("{i}\trow {i}\t{}\tt\n", i % 100)).collect();
    let mut bytes = query("COPY t FROM STDIN");
    rows.as_bytes().chunks(8000).for_each(|c| bytes.extend(data(c)));
    bytes.extend(done());
    assert_eq!(tags(&client.exchange(&bytes).unwrap()), ["COPY 20000"]);
    assert_eq!(client.rows("SELECT count(*), sum(id), max(v) FROM t"), ["20000|199990000|row 9999"]);
    let out = copied(&client.exchange(&query("COPY t TO STDOUT")).unwrap());
    assert_eq!(out.lines().count(), 20_000);
}

#[test]
fn the_extended_protocol_copies_too() {
    let (_target, mut client) = table();
    let none = Binding::default();
    let start = |sql: &str| [parse("", sql, &[]), bind("", "", &none), execute("", 0)].concat();
    let steps = [start("COPY t FROM STDIN"), data(b"1\tx\t1\tt\n"), data(b"2\ty\t2\tf\n"), done(), sync()];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(essential(&messages), "12GCZ");
    assert_eq!(tags(&messages), ["COPY 2"]);
    let messages = client.exchange(&[start("COPY t TO STDOUT"), sync()].concat()).unwrap();
    assert_eq!(kinds(&messages), "12HddcCZ");
    let steps = [start("COPY t FROM STDIN"), data(b"bad\n"), data(b"more\n"), done(), sync()];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(essential(&messages), "12GEZ", "the rest of the data is passed over");
    let steps = [start("COPY t FROM STDIN"), fail("enough"), sync()];
    let messages = client.exchange(&steps.concat()).unwrap();
    assert_eq!(code(&messages), "57014");
    assert_eq!(client.rows("SELECT count(*) FROM t"), ["2"]);
}

#[test]
fn stray_copy_messages_are_passed_over() {
    let (_target, mut client) = table();
    let messages = client.exchange(&[data(b"x"), done(), fail("y"), query("SELECT 1")].concat()).unwrap();
    assert_eq!(essential(&messages), "TDCZ");
}

#[test]
fn another_message_in_the_middle_ends_the_copy() {
    let (target, mut client) = table();
    client.send(&[query("COPY t FROM STDIN"), data(b"1\tx\t1\tt\n"), query("SELECT 1")].concat()).unwrap();
    let first = client.read().unwrap();
    assert_eq!(first.kind, b'G');
    let error = client.read().unwrap();
    assert_eq!(error.fields()[&'C'], "08P01");
    assert_eq!(target.connect().rows("SELECT count(*) FROM t"), ["0"]);
}
