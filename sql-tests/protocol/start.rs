//! How a connection begins: encryption refused, parameters told, wrong starts answered, queries cancelled, ends.

use super::{code, first};
use crate::harness::{Client, Target, message};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// The request codes that stand where a start-up message has its version.
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;

fn request(code: u32) -> Vec<u8> {
    message::packet(&code.to_be_bytes())
}

#[test]
fn encryption_is_refused_and_the_start_goes_on() {
    let target = Target::fresh();
    let mut client = Client::silent(target.address()).unwrap();
    client.send(&request(SSL)).unwrap();
    assert_eq!(client.read_byte().unwrap(), b'N');
    if matches!(target, Target::Own(_)) {
        client.send(&request(GSS)).unwrap();
        assert_eq!(client.read_byte().unwrap(), b'N');
    }
    let parameters = [("user", target.user()), ("database", target.database())];
    let messages = client.exchange(&message::startup(3 << 16, &parameters)).unwrap();
    assert_eq!(messages[0].kind, b'R');
    assert_eq!(messages[0].body, [0, 0, 0, 0]);
    assert_eq!(messages.last().unwrap().body, b"I");
}

#[test]
fn parameters_are_told_at_the_start_and_when_they_change() {
    let target = Target::fresh();
    let mut client = target.connect_with(&[("application_name", "wire"), ("DateStyle", "ISO, DMY")]);
    for (name, value) in [
        ("client_encoding", "UTF8"),
        ("server_encoding", "UTF8"),
        ("standard_conforming_strings", "on"),
        ("integer_datetimes", "on"),
        ("IntervalStyle", "postgres"),
        ("DateStyle", "ISO, DMY"),
        ("application_name", "wire"),
        ("is_superuser", "on"),
        ("session_authorization", target.user()),
        ("in_hot_standby", "off"),
        ("default_transaction_read_only", "off"),
    ] {
        assert_eq!(client.parameters.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(client.parameters["server_version"].starts_with("15."));
    assert!(client.parameters.contains_key("TimeZone"));
    assert!(client.process != 0);
    let messages = client.exchange(&message::query("SET application_name = 'changed'")).unwrap();
    let mut told = first(&messages, b'S').reader();
    assert_eq!((told.string(), told.string()), ("application_name".to_owned(), "changed".to_owned()));
    let messages = client.exchange(&message::query("SET work_mem = '9MB'")).unwrap();
    assert!(messages.iter().all(|m| m.kind != b'S'), "not every setting is told of");
    let messages = client.exchange(&message::query("BEGIN; SET DateStyle = 'German'; ROLLBACK")).unwrap();
    let told: Vec<_> = messages.iter().filter(|m| m.kind == b'S').collect();
    assert!(told.len() % 2 == 0, "what is told last is what holds");
    assert_eq!(client.rows("SHOW DateStyle"), ["ISO, DMY"]);
}

#[test]
fn settings_come_with_the_start() {
    let target = Target::fresh();
    let mut client =
        target.connect_with(&[("options", "-c work_mem=7MB -c search_path=a,b"), ("TimeZone", "Asia/Tokyo")]);
    assert_eq!(client.rows("SHOW work_mem"), ["7MB"]);
    assert_eq!(client.rows("SHOW search_path"), ["a,b"]);
    assert_eq!(client.rows("SHOW timezone"), ["Asia/Tokyo"]);
    client.run("SET timezone = 'UTC'");
    client.run("RESET timezone");
    assert_eq!(client.rows("SHOW timezone"), ["Asia/Tokyo"]);
}

#[test]
fn wrong_starts_are_told_why() {
    let target = Target::fresh();
    let user = ("user", target.user());
    let oldest = if matches!(target, Target::Own(_)) { 2 << 16 } else { 4 << 16 };
    for (bytes, expected) in [
        (message::startup(oldest, &[user]), "0A000"),
        (message::startup(4 << 16, &[user]), "0A000"),
        (message::startup(3 << 16, &[user, ("database", "no_such_database")]), "3D000"),
        (message::startup(3 << 16, &[("database", target.database())]), "28000"),
        (message::startup(3 << 16, &[user, ("database", target.database()), ("work_mem", "lots")]), "22023"),
        (message::startup(3 << 16, &[user, ("database", target.database()), ("client_encoding", "klingon")]), "22023"),
    ] {
        let mut client = Client::silent(target.address()).unwrap();
        let messages = client.exchange(&bytes).unwrap_or_else(|e| panic!("{bytes:?}: {e}"));
        assert_eq!(code(&messages), expected, "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(first(&messages, b'E').fields()[&'S'], "FATAL");
        assert_eq!(client.read().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
    target.connect().run("SELECT 1");
}

#[test]
fn a_newer_minor_version_is_negotiated() {
    let target = Target::fresh();
    let mut client = Client::silent(target.address()).unwrap();
    let parameters = [("user", target.user()), ("database", target.database()), ("_pq_.new_thing", "1")];
    let messages = client.exchange(&message::startup((3 << 16) + 7, &parameters)).unwrap();
    let mut r = first(&messages, b'v').reader();
    assert_eq!(r.i32() & 0xffff, 0, "the newest minor version");
    assert_eq!((r.i32(), r.string()), (1, "_pq_.new_thing".to_owned()));
    assert_eq!(messages.last().unwrap().kind, b'Z');
}

#[test]
fn what_is_no_start_is_hung_up_on() {
    let target = Target::fresh();
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0, 0, 0, 0],
        &[0, 0, 0, 4],
        &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        &[0, 0, 0, 9, 0, 3, 0, 0, b'x'],
        &[0, 0, 0, 12, 0, 3, 0, 0, b'u', b's', b'e', b'r'],
    ] {
        let mut client = Client::silent(target.address()).unwrap();
        client.send(bytes).unwrap();
        let end = loop {
            match client.read() {
                Ok(m) => assert_eq!(m.kind, b'E', "{bytes:?}"),
                Err(e) => break e,
            }
        };
        assert!(matches!(end.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{bytes:?}: {end}");
    }
    target.connect().run("SELECT 1");
}

fn cancel(target: &Target, process: i32, secret: i32) {
    let mut body = CANCEL.to_be_bytes().to_vec();
    body.extend(process.to_be_bytes());
    body.extend(secret.to_be_bytes());
    let mut client = Client::silent(target.address()).unwrap();
    client.send(&message::packet(&body)).unwrap();
    assert_eq!(client.read().unwrap_err().kind(), ErrorKind::UnexpectedEof, "a cancel request is not answered");
}

#[test]
fn a_query_is_cancelled_with_the_right_secret_only() {
    let target = Target::fresh();
    let mut client = target.connect();
    let (process, secret) = (client.process, client.secret);
    client.send(&message::query("SELECT pg_sleep(20)")).unwrap();
    cancel(&target, process, secret ^ 1);
    cancel(&target, process ^ 0x4000_0000, secret);
    assert!(client.read_within(Duration::from_millis(300)).unwrap().is_none(), "the wrong secret does nothing");
    let since = Instant::now();
    cancel(&target, process, secret);
    let messages = client.until_ready().unwrap();
    assert!(since.elapsed() < Duration::from_secs(5));
    assert_eq!(code(&messages), "57014");
    assert_eq!(client.rows("SELECT 1"), ["1"]);
    cancel(&target, process, secret);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(client.rows("SELECT 2"), ["2"], "a cancel request between statements does nothing");
}

#[test]
fn waiting_and_computing_statements_are_cancelled() {
    let target = Target::fresh();
    let mut holder = target.connect();
    holder.run("CREATE TABLE t (id int PRIMARY KEY)");
    holder.run("INSERT INTO t VALUES (1)");
    holder.run("BEGIN");
    holder.run("SELECT * FROM t FOR UPDATE");
    for sql in [
        "UPDATE t SET id = 2",
        "SELECT count(*) FROM generate_series(1, 100000000000) g",
        "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b WHERE a + b < 0",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT count(*) FROM r",
    ] {
        let mut client = target.connect();
        client.send(&message::query(sql)).unwrap();
        assert!(client.read_within(Duration::from_millis(200)).unwrap().is_none(), "{sql}");
        cancel(&target, client.process, client.secret);
        assert_eq!(code(&client.until_ready().unwrap()), "57014", "{sql}");
        assert_eq!(client.rows("SELECT 1"), ["1"]);
    }
}

#[test]
fn terminate_ends_the_session_and_its_transaction() {
    let target = Target::fresh();
    let mut other = target.connect();
    other.run("CREATE TABLE t (id int PRIMARY KEY)");
    let mut client = target.connect();
    client.run("BEGIN");
    client.run("INSERT INTO t VALUES (1)");
    client.send(&message::framed(b'X', b"")).unwrap();
    assert_eq!(client.read().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    other.run("INSERT INTO t VALUES (1)");
    let mut client = target.connect();
    client.run("BEGIN");
    client.run("INSERT INTO t VALUES (2)");
    drop(client);
    other.run("INSERT INTO t VALUES (2)");
    assert_eq!(other.rows("SELECT count(*) FROM t"), ["2"]);
}
