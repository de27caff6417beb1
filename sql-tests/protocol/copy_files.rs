//! COPY with files of the server, in all forms, and Parquet to the client.

use super::{code, essential, tags};
use crate::harness::message::query;
use crate::harness::{Client, Target};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::path::PathBuf;

/// A place for a file that server and test both see, whoever the server runs as.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        Place(std::env::temp_dir().join(format!("headwater_copy_{}_{name}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.0).expect("it has been written")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn table() -> (Target, Client) {
    let target = Target::fresh();
    let mut client = target.connect();
    client.run("CREATE TABLE t (id int PRIMARY KEY, v text, n numeric(6, 2))");
    (target, client)
}

#[test]
fn files_are_written_and_read_back() {
    let (_target, mut client) = table();
    client.run("INSERT INTO t SELECT i, 'row' || chr(9) || i, i / 4.0 FROM generate_series(1, 3000) i");
    client.run("INSERT INTO t VALUES (0, NULL, NULL)");
    for (form, starts) in [
        ("", &b"0\t\\N\t\\N\n1\trow\\t1\t0.25\n"[..]),
        ("(FORMAT csv, HEADER)", b"id,v,n\n0,,\n1,row\t1,0.25\n"),
        ("(FORMAT binary)", b"PGCOPY\n\xff\r\n\0"),
    ] {
        let place = Place::new("round");
        let path = place.path();
        let answer = client.run(&format!("COPY (SELECT * FROM t ORDER BY id) TO '{path}' {form}"));
        assert_eq!(answer.tag, "COPY 3001");
        assert!(place.bytes().starts_with(starts), "{form}");
        // What was there is replaced, not written over.
        client.run(&format!("COPY (SELECT * FROM t WHERE id < 2 ORDER BY id) TO '{path}' {form}"));
        assert!(place.bytes().starts_with(starts) && place.bytes().len() < 100);
        client.run(&format!("COPY t TO '{path}' {form}"));
        client.run("CREATE TABLE back (LIKE t)");
        let answer = client.run(&format!("COPY back FROM '{path}' {form}"));
        assert_eq!(answer.tag, "COPY 3001");
        assert_eq!(client.rows("SELECT count(*) FROM (TABLE t EXCEPT TABLE back) x"), ["0"]);
        client.run("DROP TABLE back");
    }
}

#[test]
fn errors_of_files_are_postgresqls() {
    let (_target, mut client) = table();
    client.run("INSERT INTO t VALUES (1, 'x', 1)");
    let place = Place::new("bad");
    std::fs::write(&place.0, "2\ty\t2\nz\ty\t3\n").unwrap();
    let path = place.path();
    let folder = std::env::temp_dir();
    let folder = folder.to_str().unwrap();
    for (sql, expected, message) in [
        ("COPY t TO 'x'".to_owned(), "42602", "relative path not allowed for COPY to file".to_owned()),
        (
            format!("COPY t TO '{path}.d/x'"),
            "58P01",
            format!("could not open file \"{path}.d/x\" for writing: No such file or directory"),
        ),
        (
            format!("COPY t TO '{path}/x'"),
            "42809",
            format!("could not open file \"{path}/x\" for writing: Not a directory"),
        ),
        (
            format!("COPY t TO '{folder}'"),
            "42809",
            format!("could not open file \"{folder}\" for writing: Is a directory"),
        ),
        (format!("COPY t FROM '{folder}'"), "42809", format!("\"{folder}\" is a directory")),
        (
            "COPY t FROM 'nothing.there'".to_owned(),
            "58P01",
            "could not open file \"nothing.there\" for reading: No such file or directory".to_owned(),
        ),
        (format!("COPY t FROM '{path}'"), "22P02", "invalid input syntax for type integer: \"z\"".to_owned()),
        (format!("COPY t FROM '{path}' (FORMAT binary)"), "22P04", "COPY file signature not recognized".to_owned()),
        ("COPY nope TO 'x'".to_owned(), "42P01", "relation \"nope\" does not exist".to_owned()),
    ] {
        let fault = client.fails(&sql);
        assert_eq!((fault.code(), fault.message()), (expected, message.as_str()), "{sql}");
    }
    let fault = client.fails("COPY t FROM '/nothing.there'");
    let hint = "COPY FROM instructs the PostgreSQL server process to read a file. You may want a client-side facility such as psql's \\copy.";
    assert_eq!(fault.field('H'), hint);
    assert_eq!(client.fails(&format!("COPY t FROM '{path}'")).field('W'), "COPY t, line 2, column id: \"z\"");
    assert_eq!(client.rows("SELECT count(*) FROM t"), ["1"]);
    client.run("BEGIN READ ONLY");
    let written = Place::new("read_only");
    client.run(&format!("COPY t TO '{}'", written.path()));
    assert_eq!(client.fails(&format!("COPY t FROM '{path}'")).code(), "25006");
    client.run("ROLLBACK");
    assert_eq!(written.bytes(), b"1\tx\t1.00\n");
}

#[test]
fn a_copy_to_a_file_can_be_cancelled() {
    let (_target, mut client) = table();
    client.run("SET statement_timeout = '300ms'");
    for form in ["text", "parquet"] {
        if form == "parquet" && crate::harness::target::given().is_some() {
            continue;
        }
        let place = Place::new(form);
        let sql = format!("COPY (SELECT generate_series(1, 10000000000)) TO '{}' (FORMAT {form})", place.path());
        assert_eq!(client.fails(&sql).code(), "57014");
    }
}

#[test]
fn parquet_goes_to_files_and_clients() {
    if crate::harness::target::given().is_some() {
        return;
    }
    let (_target, mut client) = table();
    client.run("INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 5000) i");
    let place = Place::new("parquet");
    let answer = client.run(&format!("COPY t TO '{}' (FORMAT parquet)", place.path()));
    assert_eq!(answer.tag, "COPY 5000");
    let messages = client.exchange(&query("COPY t TO STDOUT (FORMAT parquet)")).unwrap();
    assert!(essential(&messages).starts_with("Hd") && essential(&messages).ends_with("cCZ"));
    assert_eq!(messages[0].body[..3], [1, 0, 3], "binary, three columns");
    assert_eq!(tags(&messages), ["COPY 5000"]);
    let sent: Vec<u8> = messages.iter().filter(|m| m.kind == b'd').flat_map(|m| m.body.clone()).collect();
    assert_eq!(sent, place.bytes());
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(sent)).unwrap();
    let names: Vec<_> = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["id", "v", "n"]);
    assert_eq!(reader.schema().field(2).data_type(), &arrow_schema::DataType::Decimal128(6, 2));
    assert_eq!(reader.metadata().file_metadata().num_rows(), 5000);
    for (sql, expected) in [
        ("COPY t FROM STDIN (FORMAT parquet)", "0A000"),
        ("COPY t TO STDOUT (FORMAT parquet, HEADER)", "0A000"),
        ("COPY t TO STDOUT (FORMAT parquet, DELIMITER ',')", "42601"),
        ("COPY t TO STDOUT (FORMAT parquet, NULL 'x')", "42601"),
        ("COPY t TO STDOUT (FORMAT parquet, QUOTE '!')", "0A000"),
        ("COPY (SELECT 1 AS a, 2 AS a) TO STDOUT (FORMAT parquet)", "42701"),
        ("COPY (SELECT) TO STDOUT (FORMAT parquet)", "0A000"),
    ] {
        assert_eq!(client.fails(sql).code(), expected, "{sql}");
    }
    // Trouble with a value comes when the rows are already on their way.
    let messages = client.exchange(&query("COPY (SELECT date 'infinity' AS d) TO STDOUT (FORMAT parquet)")).unwrap();
    assert_eq!(code(&messages), "22008");
    assert_eq!(client.rows("SELECT 1"), ["1"]);
}
