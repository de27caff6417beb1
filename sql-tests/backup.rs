//! Backups with real processes: a primary that archives and takes snapshots, the commands that read its store, and databases
//! restored from it.

use crate::harness::{Client, Server};
use crate::{connect, refusal, says};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs a command of the binary; its exit status, and what it printed.
fn headwater(arguments: &[&str]) -> (bool, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_headwater")).args(arguments).output().expect("the binary runs");
    let Output { status, stdout, stderr } = run;
    (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[track_caller]
fn succeeds(arguments: &[&str]) -> String {
    let (succeeded, said) = headwater(arguments);
    assert!(succeeded, "{arguments:?}: {said}");
    said
}

struct Primary {
    server: Server,
    /// Its store: a folder, unless the URL is another's.
    store: tempfile::TempDir,
    url: String,
}

impl Primary {
    fn start() -> Primary {
        let store = tempfile::tempdir().unwrap();
        let url = store.path().to_str().unwrap().to_owned();
        Primary::with(store, url)
    }

    fn with(store: tempfile::TempDir, url: String) -> Primary {
        let setting = format!("backup.store={url}");
        let others = ["backup.archive_interval=1", "backup.snapshot_interval=0"];
        let server = Server::start_arguments(&["-c", &setting, "-c", others[0], "-c", others[1]]);
        Primary { server, store, url }
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn connect(&self) -> Client {
        connect(&self.server)
    }

    /// Waits until the archive has all that is committed now.
    fn archive(&self) {
        let position = |text: &str| -> u64 {
            let (high, low) = text.trim().split_once('/').expect("a position");
            u64::from_str_radix(high, 16).unwrap() << 32 | u64::from_str_radix(low, 16).unwrap()
        };
        let committed = position(&self.connect().rows("SELECT pg_current_wal_lsn()").remove(0));
        let until = Instant::now() + Duration::from_secs(20);
        let archived = || {
            let said = headwater(&["backups", "--from", self.url()]).1;
            let (_, log) = said.rsplit_once("log from ").expect("it tells of the log");
            let (_, to) = log.split_once(" to ").expect("it tells up to where");
            position(to.split(',').next().unwrap())
        };
        while archived() < committed {
            assert!(Instant::now() < until, "the log is not archived: {}", self.server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What is said to a restore that is refused. It leaves nothing that opens.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("restored");
        let all = [&["restore", "--from", self.url(), "--to", to.to_str().unwrap()], arguments].concat();
        let (succeeded, said) = headwater(&all);
        assert!(!succeeded, "{arguments:?}: {said}");
        let last = said.lines().last().unwrap_or_default();
        assert!(last.starts_with("headwater: "), "{said}");
        last.to_owned()
    }

    /// The rows of `t` in a database restored so.
    #[track_caller]
    fn restored(&self, arguments: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("restored");
        let all = [&["restore", "--from", self.url(), "--to", to.to_str().unwrap()], arguments].concat();
        let said = succeeds(&all);
        assert!(said.contains("pages:") && said.contains("restored to "), "{said}");
        let mut server = Server::start_at(&to);
        let rows = connect(&server).rows("SELECT a FROM t ORDER BY 1");
        connect(&server).run("INSERT INTO t (a) VALUES (-1)");
        assert!(server.stop().success());
        says(&succeeds(&["verify", "--data", to.to_str().unwrap()]), &["no damage found"]);
        rows
    }
}

#[test]
fn a_time_may_be_in_any_zone() {
    let primary = Primary::start();
    let mut client = primary.connect();
    client.run("CREATE TABLE t (a int PRIMARY KEY)");
    client.run("SELECT headwater_backup()");
    client.run("INSERT INTO t VALUES (1)");
    let query = "SELECT to_char(now AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
                 (now AT TIME ZONE 'UTC')::text, (now AT TIME ZONE 'Asia/Kolkata')::text || '+05:30', \
                 (now AT TIME ZONE 'America/New_York')::text || ' America/New_York' FROM clock_timestamp() AS now";
    let times = client.rows(query).remove(0);
    client.run("INSERT INTO t VALUES (2)");
    primary.archive();
    let times: Vec<&str> = times.split('|').collect();
    assert_eq!(times.len(), 4, "{times:?}");
    for time in times {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("restored");
        let said = succeeds(&["restore", "--from", primary.url(), "--to", to.to_str().unwrap(), "--time", time]);
        says(&said, &["snapshot 0000", "pages: ", "log: up to ", "restored to ", "start it with: "]);
        let server = Server::start_at(&to);
        assert_eq!(connect(&server).rows("SELECT a FROM t ORDER BY 1"), ["1"], "{time}");
    }
}

#[test]
fn a_promoted_replica_archives_beside_the_old_primary() {
    let mut primary = Primary::start();
    let mut client = primary.connect();
    client.run("CREATE TABLE t (a int PRIMARY KEY)");
    client.run("SELECT headwater_backup()");
    client.run("INSERT INTO t VALUES (1)");
    let setting = format!("backup.store={}", primary.url());
    let from = format!("postgresql://{}", primary.server.address());
    let more = ["-c", "backup.archive_interval=1", "-c", "backup.snapshot_interval=0"];
    let replica = Server::start_arguments(&[&["--replica-of", &from, "-c", &setting], &more[..]].concat());
    let lsn = client.rows("SELECT pg_current_wal_lsn()").remove(0);
    connect(&replica).run(&format!("WAIT FOR LSN '{lsn}'"));
    // The last that both have in common; then each goes its own way.
    connect(&replica).run("SELECT pg_promote()");
    client.run("INSERT INTO t VALUES (2)");
    primary.archive();
    assert!(primary.server.stop().success());
    connect(&replica).run("INSERT INTO t VALUES (3)");
    primary.server = replica;
    primary.archive();
    let listed = succeeds(&["backups", "--from", primary.url()]);
    says(&listed, &["timeline 1", "timeline 2", "on demand"]);
    // There is no snapshot of the new timeline yet.
    assert_eq!(primary.restored(&[]), ["1", "3"]);
    assert_eq!(primary.restored(&["--timeline", "1"]), ["1", "2"]);
    primary.connect().run("SELECT headwater_backup()");
    primary.connect().run("INSERT INTO t VALUES (4)");
    primary.archive();
    assert_eq!(primary.restored(&[]), ["1", "3", "4"]);
    says(&succeeds(&["verify-backup", "--from", primary.url()]), &["2 snapshots", "no damage found"]);
}

#[test]
fn the_first_snapshot_is_taken_by_itself() {
    let store = tempfile::tempdir().unwrap();
    let url = store.path().to_str().unwrap().to_owned();
    let setting = format!("backup.store={url}");
    let server = Server::start_arguments(&["-c", &setting, "-c", "backup.window=23:00-22:59"]);
    connect(&server).run("CREATE TABLE t AS SELECT 1 AS a");
    let until = Instant::now() + Duration::from_secs(30);
    // A store that has nothing of the server yet is no error of the server's.
    while !headwater(&["backups", "--from", &url]).1.contains("by itself") {
        assert!(Instant::now() < until, "no snapshot is taken: {}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let answer = connect(&server).rows("SELECT headwater_backup()").remove(0);
    says(&answer, &["\"id\":\"0000"]);
    says(&succeeds(&["backups", "--from", &url]), &["on demand"]);
}

#[test]
fn what_was_taken_on_demand_can_be_deleted() {
    let primary = Primary::start();
    let mut client = primary.connect();
    client.run("CREATE TABLE t AS SELECT 1 AS a");
    let id = |answer: String| answer.split("\"id\":\"").nth(1).unwrap()[..16].to_owned();
    let first = id(client.rows("SELECT headwater_backup()").remove(0));
    client.run("INSERT INTO t VALUES (2)");
    let second = id(client.rows("SELECT headwater_backup()").remove(0));
    let address = format!("postgresql://{}", primary.server.address());
    let delete = |id: &str| headwater(&["delete-backup", "--server", &address, "--backup", id]);
    assert_eq!(delete(&first), (true, format!("deleted {first}\n")));
    let (done, said) = delete(&first);
    assert!(!done && said.contains(&format!("snapshot \"{first}\" does not exist")), "{said}");
    let (done, said) = delete("'; DROP TABLE t");
    assert!(!done && said.contains("is no id of a snapshot"), "{said}");
    assert_eq!(client.fails("SELECT headwater_delete_backup('x')").code(), "22023");
    let listed = succeeds(&["backups", "--from", primary.url()]);
    assert!(listed.contains(&second) && !listed.contains(&first), "{listed}");
    says(&succeeds(&["verify-backup", "--from", primary.url()]), &["1 snapshots", "no damage found"]);
    assert_eq!(primary.restored(&[]), ["1", "2"]);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

#[test]
fn a_database_comes_back_as_it_was_at_any_moment() {
    let mut primary = Primary::start();
    let mut client = primary.connect();
    client.run("CREATE TABLE t (a int PRIMARY KEY)");
    client.run("INSERT INTO t VALUES (1)");
    let first = client.rows("SELECT headwater_backup()").remove(0);
    says(&first, &["\"new\":true", "\"id\":\"0000"]);
    client.run("INSERT INTO t VALUES (2)");
    let lsn = client.rows("SELECT pg_current_wal_lsn()").remove(0);
    client.run("INSERT INTO t VALUES (3)");
    client.run("SELECT pg_create_restore_point('before the accident')");
    let time = client.rows("SELECT clock_timestamp()").remove(0);
    client.run("DELETE FROM t WHERE a = 3");
    primary.server.kill();
    primary.server.start_again();
    primary.connect().run("INSERT INTO t VALUES (4)");
    primary.archive();
    assert_eq!(primary.restored(&["--lsn", &lsn]), ["1", "2"]);
    assert_eq!(primary.restored(&["--restore-point", "before the accident"]), ["1", "2", "3"]);
    assert_eq!(primary.restored(&["--time", &time]), ["1", "2", "3"]);
    let said = primary.refused(&["--time", "2000-01-01 00:00:00+00"]);
    says(&said, &["no snapshot in", "is old enough for this moment", "headwater backups"]);
    let said = primary.refused(&["--time", "2999-01-01"]);
    says(&said, &["recovery ended before configured recovery target was reached", "The archive ends at"]);
    says(&primary.refused(&["--lsn", "FFFF/0"]), &["recovery ended before configured recovery target was reached"]);
    says(&primary.refused(&["--lsn", "0/1"]), &["no snapshot in", "is old enough for this moment"]);
    says(&primary.refused(&["--restore-point", "nope"]), &["there is no restore point \"nope\" in"]);
    says(&primary.refused(&["--timeline", "7"]), &["there are no backups of timeline 7 in"]);
    says(&primary.refused(&["--time", "noon or so"]), &["invalid input syntax for type timestamp with time zone"]);
    says(&primary.refused(&["--cluster", "12"]), &["\"12\" is no number of a cluster"]);
    assert_eq!(primary.restored(&[]), ["1", "2", "4"]);
    assert!(primary.server.stop().success());
    says(&succeeds(&["verify-backup", "--from", primary.url()]), &["1 snapshots", "no damage found"]);
}

#[test]
fn the_second_snapshot_uploads_what_changed() {
    let primary = Primary::start();
    let mut client = primary.connect();
    client.run("CREATE TABLE t AS SELECT g AS a, repeat('x', 100) AS b FROM generate_series(1, 20000) g");
    let field = |answer: &str, name: &str| -> u64 {
        let (_, value) = answer.split_once(&format!("\"{name}\":")).expect("it has the field");
        value.split([',', '}']).next().unwrap().parse().expect("a number")
    };
    let first = client.rows("SELECT headwater_backup()").remove(0);
    assert_eq!(field(&first, "pages"), field(&first, "pages_changed"), "{first}");
    client.run("INSERT INTO t VALUES (0, 'one more')");
    let address = format!("postgresql://{}", primary.server.address());
    let told = succeeds(&["backup", "--server", &address]);
    says(&told, &["id  ", "lsn  ", "bytes uploaded  ", "pages total  ", "pages changed  "]);
    says(&succeeds(&["backup", "--server", &address]), &["nothing has changed since it was taken"]);
    client.run("INSERT INTO t VALUES (-1, 'and another')");
    let second = client.rows("SELECT headwater_backup()").remove(0);
    assert!(field(&second, "pages_changed") * 5 < field(&second, "pages"), "{second}");
    let said = succeeds(&["backups", "--from", primary.url()]);
    assert_eq!(said.lines().filter(|line| line.starts_with("0000")).count(), 3, "{said}");
    says(&succeeds(&["verify-backup", "--from", primary.url()]), &["3 snapshots", "no damage found"]);
    // Any object: damaged, it is named, and so is what is missing.
    let pack = files(primary.store.path()).into_iter().find(|f| f.parent().unwrap().ends_with("packs")).unwrap();
    let bytes = std::fs::read(&pack).unwrap();
    let name = pack.file_name().unwrap().to_str().unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    std::fs::write(&pack, damaged).unwrap();
    let (whole, said) = headwater(&["verify-backup", "--from", primary.url()]);
    assert!(!whole, "{said}");
    says(&said, &["XX001: object", name, "is damaged", "1 finding"]);
    std::fs::remove_file(&pack).unwrap();
    let (whole, said) = headwater(&["verify-backup", "--from", primary.url()]);
    assert!(!whole, "{said}");
    says(&said, &["XX001: object", name, "is missing"]);
}

#[test]
fn the_tables_of_a_snapshot_become_parquet_files() {
    let primary = Primary::start();
    let mut client = primary.connect();
    client.run("CREATE TABLE t AS SELECT g AS a, g / 4.0::numeric(12, 2) AS b, 'row ' || g AS c FROM generate_series(1, 3000) g");
    client.run("CREATE SCHEMA s; CREATE TABLE s.\"a.b\" (d date); CREATE TABLE s.none (x int)");
    client.run("INSERT INTO s.\"a.b\" VALUES ('2024-02-29'), (NULL)");
    client.run("CREATE DATABASE other");
    let mut other = Client::connect(client.address, &[("user", "postgres"), ("database", "other")]).unwrap();
    other.run("CREATE TABLE elsewhere (x int)");
    let answer = client.rows("SELECT headwater_backup()").remove(0);
    let id = answer.split("\"id\":\"").nth(1).unwrap()[..16].to_owned();
    client.run("DELETE FROM t WHERE a > 10; INSERT INTO s.\"a.b\" VALUES ('infinity')");
    let answer = client.rows("SELECT headwater_backup()").remove(0);
    let later = answer.split("\"id\":\"").nth(1).unwrap()[..16].to_owned();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("out");
    let export = |id: &str, more: &[&str]| {
        let to = to.to_str().unwrap();
        headwater(&[&["export", "--from", primary.url(), "--backup", id, "--to", to], more].concat())
    };
    let (whole, said) = export(&id, &[]);
    assert!(whole, "{said}");
    says(&said, &["public.t.parquet: 3000 rows", "s.a%2Eb.parquet: 2 rows", "note: the tables of database \"other\""]);
    says(&said, &["export: 3 tables of database \"postgres\""]);
    let names: Vec<_> = files(&to).iter().map(|f| f.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(
        BTreeSet::from_iter(names).into_iter().collect::<Vec<_>>(),
        ["public.t.parquet", "s.a%2Eb.parquet", "s.none.parquet"]
    );
    let bytes = Bytes::from(std::fs::read(to.join("public.t.parquet")).unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().with_batch_size(5000).build().unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    let numbers = batches[0].column(0).as_primitive::<Int32Type>();
    assert_eq!((batches.len(), numbers.values().iter().sum::<i32>()), (1, 3000 * 3001 / 2));
    assert_eq!(batches[0].column(2).as_string::<i32>().value(2999), "row 3000");
    let (whole, said) = export(&id, &[]);
    assert!(!whole && said.contains("is not empty"), "{said}");
    std::fs::remove_dir_all(&to).unwrap();
    let (whole, said) = export("0000000000000001", &[]);
    assert!(!whole && said.contains("there is no snapshot \"0000000000000001\" in"), "{said}");
    // What Parquet has no place for is told, and the rest is there.
    let (whole, said) = export(&later, &[]);
    assert!(!whole, "{said}");
    says(
        &said,
        &["public.t.parquet: 10 rows", "s.a.b is not exported: column \"d\": infinity has no place", "2 tables"],
    );
    assert_eq!(files(&to).len(), 2);
    std::fs::remove_dir_all(&to).unwrap();
    let (whole, said) = export(&id, &["--database", "other"]);
    assert!(whole && said.contains("public.elsewhere.parquet: 0 rows"), "{said}");
}

/// With a store named by `HEADWATER_TEST_S3` (`s3://bucket/prefix`) and what `AWS_*` say of it.
#[test]
fn a_bucket_is_as_good_as_a_folder() {
    let Ok(url) = std::env::var("HEADWATER_TEST_S3") else {
        println!("skipped: HEADWATER_TEST_S3 names no bucket");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unique = folder.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_owned();
    let mut primary = Primary::with(folder, format!("{}/{unique}", url.trim_end_matches('/')));
    let mut client = primary.connect();
    client.run("CREATE TABLE t AS SELECT g AS a, repeat('x', 100) AS b FROM generate_series(1, 20000) g");
    client.run("SELECT headwater_backup()");
    client.run("DELETE FROM t WHERE a > 2");
    client.run("SELECT headwater_backup()");
    client.run("DELETE FROM t WHERE a = 2");
    primary.archive();
    assert_eq!(primary.restored(&[]), ["1"]);
    assert!(primary.server.stop().success());
    says(&succeeds(&["verify-backup", "--from", primary.url()]), &["2 snapshots", "no damage found"]);
}

#[test]
fn what_cannot_be_done_is_said() {
    let server = Server::start();
    let fault = connect(&server).fails("SELECT headwater_backup()");
    assert_eq!((fault.code(), fault.message()), ("55000", "this server keeps no backups"));
    let fault = connect(&server).fails("SELECT pg_create_restore_point(repeat('x', 64))");
    assert_eq!(fault.message(), "value too long for restore point (maximum 63 characters)");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
        command.args(arguments);
        refusal(&mut command)
    };
    let folder = tempfile::tempdir().unwrap();
    let (store, to) = (folder.path().join("store"), folder.path().join("to"));
    let (store, to) = (store.to_str().unwrap(), to.to_str().unwrap());
    says(
        &command(&["backup", "--server", &format!("postgresql://{}", server.address())]),
        &["keeps no backups", "backup.store"],
    );
    says(&command(&["backup", "--server", "postgresql://127.0.0.1:1"]), &["could not connect to 127.0.0.1:1"]);
    says(&command(&["backups", "--from", store]), &["could not open folder", store]);
    says(&command(&["verify-backup", "--from", "s3://"]), &["is not the URL of an object store"]);
    for absent in ["verify-backup", "backups"] {
        says(&command(&[absent, "--from", store]), &["could not open folder", store]);
    }
    says(&command(&["export", "--from", store, "--backup", "x", "--to", to]), &["could not open folder", store]);
    let listen = ["serve", "--data", to, "--listen", "127.0.0.1:0"];
    let wrong = [&listen[..], &["-c", "backup.store=ftp://x"]].concat();
    says(&command(&wrong), &["setting \"backup.store\"", "is not the URL of an object store"]);
    let setting = format!("backup.store={store}");
    let wrong = [&listen[..], &["-c", &setting, "-c", "backup.window=at night"]].concat();
    says(&command(&wrong), &["setting \"backup.window\"", "\"at night\" is no window of time", "03:00-04:00"]);
    std::fs::remove_dir_all(to).unwrap();
    std::fs::remove_dir_all(store).unwrap();
    std::fs::create_dir(store).unwrap();
    says(&command(&["restore", "--from", store, "--to", to]), &["there are no backups in", store]);
    std::fs::create_dir_all(to).unwrap();
    std::fs::write(Path::new(to).join("precious"), "data").unwrap();
    says(&command(&["restore", "--from", store, "--to", to]), &[to, "it is not empty"]);
    says(&command(&["restore", "--from", store, "--to", to, "--lsn", "x"]), &["invalid input syntax for type pg_lsn"]);
    assert_eq!(std::fs::read_to_string(Path::new(to).join("precious")).unwrap(), "data");
}
