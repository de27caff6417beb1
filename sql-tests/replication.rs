//! Replicas as processes: a copy from nothing, a stream, reads, refusals, kill -9 of either side, promotion and rejoining.

mod harness;

use harness::client::{Answer, answers};
use harness::message::query;
use harness::{Client, Server};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

fn connect(server: &Server) -> Client {
    Client::connect(server.address(), &[("user", "postgres")]).expect("the server answers")
}

fn url(address: SocketAddr) -> String {
    format!("postgresql://{address}")
}

/// A replica that calls itself so.
fn standby_of(primary: &Server, name: &str) -> Server {
    Server::start_arguments(&["--replica-of", &format!("{}?application_name={name}", url(primary.address()))])
}

fn replica_of(primary: &Server) -> Server {
    Server::start_arguments(&["--replica-of", &url(primary.address())])
}

/// A primary whose replicas find it again after a restart: on a port of its own.
fn primary_on_a_port() -> Server {
    Server::start_arguments(&["--listen", &free_address()])
}

fn free_address() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("it is bound").to_string()
}

/// A primary whose commits wait for these.
fn primary_waiting_for(names: &str) -> Server {
    let names = format!("synchronous_standby_names={names}");
    Server::start_arguments(&["--listen", &free_address(), "-c", &names])
}

/// Asks until the answer is the expected one.
#[track_caller]
fn until(client: &mut Client, query: &str, expected: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = client.query(query).expect("the server answers").pop().expect("an answer");
        let rows: Vec<String> = answer
            .rows
            .iter()
            .map(|row| row.iter().map(|v| v.clone().unwrap_or_default()).collect::<Vec<_>>().join("|"))
            .collect();
        if answer.error.is_none() && rows == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{query}: {rows:?} {:?}", answer.error);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the primary has committed so far is visible on the replica.
#[track_caller]
fn catch_up(primary: &mut Client, replica: &mut Client) {
    let lsn = primary.rows("SELECT pg_current_wal_lsn()").pop().expect("a position");
    let answer = replica.query(&format!("WAIT FOR LSN '{lsn}' WITH (TIMEOUT '30s')")).expect("an answer").pop();
    let answer = answer.expect("an answer");
    assert_eq!(answer.error, None);
    assert_eq!(answer.rows, [[Some("success".to_owned())]]);
}

#[track_caller]
fn refuses(client: &mut Client, statement: &str, code: &str, message: &str) {
    let answer = client.query(statement).expect("the server answers").pop().expect("an answer");
    let fault = answer.error.unwrap_or_else(|| panic!("{statement} is not refused"));
    assert_eq!((fault.code(), fault.message()), (code, message), "{statement}");
}

#[test]
fn a_replica_copies_follows_and_serves_reads() {
    let primary = Server::start();
    let mut on_primary = connect(&primary);
    on_primary.run("CREATE TABLE t (id int PRIMARY KEY, v text)");
    on_primary.run("INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 1000) n");
    on_primary.run("CREATE SEQUENCE s");
    let replica = replica_of(&primary);
    let mut on_replica = connect(&replica);
    assert_eq!(on_replica.parameters["in_hot_standby"], "on");
    assert_eq!(on_primary.parameters["in_hot_standby"], "off");
    catch_up(&mut on_primary, &mut on_replica);
    assert_eq!(on_replica.rows("SELECT count(*), max(v) FROM t"), ["1000|row 999"]);
    // New rows and definitions arrive.
    on_primary.run("INSERT INTO t VALUES (0, 'new')");
    on_primary.run("CREATE TABLE u AS SELECT 1 AS a; CREATE INDEX ON t (v)");
    catch_up(&mut on_primary, &mut on_replica);
    assert_eq!(on_replica.rows("SELECT v FROM t WHERE id = 0"), ["new"]);
    assert_eq!(on_replica.rows("SELECT a FROM u"), ["1"]);
    assert_eq!(on_replica.rows("SELECT id FROM t WHERE v = 'row 7'"), ["7"]);
    // A snapshot stays what it is while the log is applied.
    on_replica.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(on_replica.rows("SELECT count(*) FROM t"), ["1001"]);
    on_primary.run("DELETE FROM t WHERE id > 500; UPDATE t SET v = 'changed'; DROP TABLE u");
    let mut other = connect(&replica);
    catch_up(&mut on_primary, &mut other);
    assert_eq!(other.rows("SELECT count(*), min(v) FROM t"), ["501|changed"]);
    assert_eq!(on_replica.rows("SELECT count(*), min(v) FROM t"), ["1001|new"]);
    on_replica.run("COMMIT");
    // A transaction in parts, and one that is rolled back.
    on_primary.run("CREATE TABLE big AS SELECT n, repeat('x', 200) AS v FROM generate_series(1, 20000) n");
    on_primary.run("BEGIN; DELETE FROM big; ROLLBACK");
    catch_up(&mut on_primary, &mut on_replica);
    assert_eq!(on_replica.rows("SELECT count(*), sum(n), sum(length(v)) FROM big"), ["20000|200010000|4000000"]);
    // What a replica refuses, in PostgreSQL's words.
    for (statement, code, message) in [
        ("INSERT INTO t VALUES (7)", "25006", "cannot execute INSERT in a read-only transaction"),
        ("SELECT * FROM t FOR UPDATE", "25006", "cannot execute SELECT FOR UPDATE in a read-only transaction"),
        ("CREATE TABLE x (a int)", "25006", "cannot execute CREATE TABLE in a read-only transaction"),
        ("CREATE TEMP TABLE x (a int)", "25006", "cannot execute CREATE TABLE in a read-only transaction"),
        ("SELECT nextval('s')", "25006", "cannot execute nextval() in a read-only transaction"),
        ("LISTEN a", "25006", "cannot execute LISTEN during recovery"),
        ("VACUUM", "25006", "cannot execute VACUUM during recovery"),
        ("BEGIN READ WRITE", "0A000", "cannot set transaction read-write mode during recovery"),
        ("SELECT pg_current_wal_lsn()", "55000", "recovery is in progress"),
    ] {
        refuses(&mut on_replica, statement, code, message);
        on_replica.run("ROLLBACK");
    }
    assert_eq!(on_replica.rows("SHOW transaction_read_only"), ["on"]);
    // How old it is, also while nothing is written.
    until(&mut on_replica, "SELECT headwater_replica_lag() BETWEEN '0' AND '1 second'", &["t"]);
    assert_eq!(on_primary.rows("SELECT headwater_replica_lag() IS NULL"), ["t"]);
    assert_eq!(on_replica.rows("SELECT pg_is_in_recovery(), last_value FROM s"), ["t|1"]);
    until(&mut on_replica, "SELECT pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()", &["t"]);
    refuses(&mut on_primary, "WAIT FOR LSN '0/1'", "55000", "recovery is not in progress");
}

#[test]
fn either_side_may_be_killed() {
    let mut primary = primary_on_a_port();
    connect(&primary).run("CREATE TABLE t (id int PRIMARY KEY)");
    let mut replica = replica_of(&primary);
    let mut next = 0;
    let mut insert = |primary: &Server, count: usize| {
        let mut client = connect(primary);
        for _ in 0..count {
            client.run(&format!("INSERT INTO t VALUES ({next})"));
            next += 1;
        }
        next
    };
    for round in 0..3 {
        insert(&primary, 40);
        replica.kill();
        insert(&primary, 40);
        if round == 1 {
            connect(&primary).run("CHECKPOINT");
        }
        replica.start_again();
        insert(&primary, 10);
        primary.kill();
        let mut on_replica = connect(&replica);
        let seen: usize = on_replica.rows("SELECT count(*) FROM t")[0].parse().expect("a count");
        assert!(seen <= round * 100 + 90);
        primary.start_again();
        let all = insert(&primary, 10) as usize;
        let (mut on_primary, expected) = (connect(&primary), format!("{all}|{}", all - 1));
        catch_up(&mut on_primary, &mut on_replica);
        assert_eq!(on_replica.rows("SELECT count(*), max(id) FROM t"), [expected.as_str()]);
    }
    // What it has on its disk is sound.
    assert!(replica.stop().success());
    let verified =
        Command::new(env!("CARGO_BIN_EXE_headwater")).arg("verify").arg("--data").arg(replica.data()).output();
    assert!(verified.expect("the binary runs").status.success());
}

#[test]
fn a_replica_is_promoted_and_the_old_primary_rejoins() {
    let mut primary = Server::start();
    let mut on_primary = connect(&primary);
    on_primary.run("CREATE TABLE t (id serial PRIMARY KEY, v text)");
    on_primary.run("INSERT INTO t (v) SELECT 'old' FROM generate_series(1, 100)");
    let replica = replica_of(&primary);
    let mut on_replica = connect(&replica);
    catch_up(&mut on_primary, &mut on_replica);
    // The directory of a replica is opened as nothing else.
    on_primary.run("CHECKPOINT");
    primary.kill();
    let begun = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_headwater"))
        .args(["promote", "--server", &url(replica.address())])
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("is a primary now, on timeline 2 from 0/"), "{said}");
    on_replica.run("INSERT INTO t (v) VALUES ('new')");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(on_replica.rows("SELECT pg_is_in_recovery()"), ["f"]);
    assert_eq!(on_replica.rows("SHOW in_hot_standby"), ["off"]);
    on_replica.run("CREATE TEMP TABLE x AS SELECT 1 AS a; CREATE TABLE u AS SELECT a FROM x");
    assert_eq!(on_replica.rows("SELECT count(*), count(DISTINCT id) FROM t"), ["101|101"]);
    refuses(&mut on_replica, "SELECT pg_promote()", "55000", "recovery is not in progress");
    // The old primary comes back, without a copy.
    let arguments = ["--replica-of", &url(replica.address())].map(str::to_owned);
    primary.start_again_with(&arguments);
    let mut on_old = connect(&primary);
    catch_up(&mut on_replica, &mut on_old);
    assert_eq!(on_old.rows("SELECT count(*), max(v) FROM t"), ["101|old"]);
    refuses(&mut on_old, "DELETE FROM t", "25006", "cannot execute DELETE in a read-only transaction");
}

/// A client that changes rows, and now and then definitions, until it is told to stop; it says how often it did.
fn writer(address: SocketAddr, number: u64, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut client = Client::connect(address, &[("user", "postgres")]).expect("the server answers");
        let mut round = 0;
        while !stop.load(Ordering::Relaxed) {
            let id = number * 1_000_000 + round;
            client
                .run(&format!("INSERT INTO t SELECT {id} * 100 + n, 'row', nextval('s') FROM generate_series(1, 3) n"));
            client.run(&format!("UPDATE t SET v = v || '+', n = n + 1 WHERE id % 97 = {}", id % 97));
            client.run(&format!("DELETE FROM t WHERE id % 89 = {}", id % 89));
            match round % 40 {
                7 => client.run(&format!("CREATE TABLE x{id} AS SELECT * FROM t; CREATE INDEX ON x{id} (n, v)")),
                17 => client.run(&format!("DROP TABLE x{}", id - 10)),
                27 => client.run("BEGIN; UPDATE t SET v = repeat('long', 3000) WHERE id % 7 = 0; ROLLBACK"),
                37 => client.run("UPDATE t SET v = 'short' WHERE length(v) > 20"),
                _ => client.run("SELECT 1"),
            };
            round += 1;
        }
        round
    })
}

/// `HEADWATER_REPLICAS` and `HEADWATER_LOAD_SECONDS` make more of it.
#[test]
fn replicas_under_load_converge_and_keep_old_snapshots() {
    let replicas = harness::number("HEADWATER_REPLICAS", 2);
    let load = Duration::from_secs(harness::number("HEADWATER_LOAD_SECONDS", 2));
    let primary = Server::start_arguments(&["-c", "buffer_memory=64"]);
    let mut on_primary = connect(&primary);
    on_primary
        .run("CREATE TABLE t (id bigint PRIMARY KEY, v text, n bigint); CREATE INDEX ON t (n); CREATE SEQUENCE s");
    on_primary.run("INSERT INTO t SELECT n, 'row ' || n, 0 FROM generate_series(1, 1000) n");
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (1..=2).map(|n| writer(primary.address(), n, stop.clone())).collect();
    // They begin at different places of the log, and each sees the load from there on.
    let arguments = ["--replica-of", &url(primary.address()), "-c", "buffer_memory=64", "-c", "undo_memory=1"];
    let replicas: Vec<Server> = (0..replicas).map(|_| Server::start_arguments(&arguments)).collect();
    let mut old = connect(&replicas[0]);
    old.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    let (rows, hash) = ("SELECT count(*), sum(n), sum(length(v)) FROM t", "SELECT headwater_state_hash()");
    let (rows_then, hash_then) = (old.rows(rows), old.rows(hash));
    std::thread::sleep(load);
    // The old snapshot is what it was, and does not hold up what comes in.
    let mut on_replica = connect(&replicas[0]);
    catch_up(&mut on_primary, &mut on_replica);
    assert_eq!((old.rows(rows), old.rows(hash)), (rows_then.clone(), hash_then.clone()));
    assert_ne!(on_replica.rows(hash), hash_then);
    stop.store(true, Ordering::Relaxed);
    let rounds: u64 = writers.into_iter().map(|w| w.join().expect("a writer comes to its end")).sum();
    let hash_now = on_primary.rows(hash);
    assert_eq!(hash_now[0].len(), 32);
    for replica in &replicas {
        let mut client = connect(replica);
        catch_up(&mut on_primary, &mut client);
        assert_eq!(client.rows(hash), hash_now, "after {rounds} rounds");
        assert_eq!(client.rows(rows), on_primary.rows(rows));
    }
    assert_eq!(old.rows(rows), rows_then);
    on_primary.run("UPDATE t SET n = n + 1 WHERE id = (SELECT min(id) FROM t)");
    assert_ne!(on_primary.rows(hash), hash_now);
}

#[test]
fn an_old_primary_that_has_gone_further_rejoins_from_an_earlier_checkpoint() {
    let mut primary = Server::start();
    let mut on_primary = connect(&primary);
    on_primary.run("CREATE TABLE t (id int PRIMARY KEY, v text)");
    let replica = replica_of(&primary);
    let mut on_replica = connect(&replica);
    on_primary.run("INSERT INTO t SELECT n, 'shared' FROM generate_series(1, 500) n; CHECKPOINT");
    catch_up(&mut on_primary, &mut on_replica);
    on_replica.run("SELECT pg_promote()");
    // Nobody has told the old one. Its stop makes a checkpoint with what the new one never had.
    on_primary.run("UPDATE t SET v = 'lost' WHERE id % 2 = 0; INSERT INTO t VALUES (1000, 'lost')");
    on_replica.run("INSERT INTO t VALUES (2000, 'new')");
    assert!(primary.stop().success());
    let arguments = ["--replica-of", &url(replica.address())].map(str::to_owned);
    primary.start_again_with(&arguments);
    let mut on_old = connect(&primary);
    catch_up(&mut on_replica, &mut on_old);
    assert_eq!(on_old.rows("SELECT count(*), count(*) FILTER (WHERE v = 'lost'), max(id) FROM t"), ["501|0|2000"]);
    let hash = "SELECT headwater_state_hash()";
    assert_eq!(on_old.rows(hash), on_replica.rows(hash));
    assert!(!primary.log().contains("copying"), "{}", primary.log());
}

const STATES: &str = "SELECT application_name, sync_priority, sync_state FROM pg_stat_replication ORDER BY 1";

/// The client's statement is not answered yet.
#[track_caller]
fn is_waiting(client: &mut Client) {
    let answer = client.read_within(Duration::from_millis(200)).expect("the server answers");
    assert_eq!(answer, None);
}

#[track_caller]
fn answer(client: &mut Client) -> Answer {
    let answer = answers(&client.until_ready().expect("the server answers")).pop().expect("an answer");
    assert_eq!(answer.error, None);
    answer
}

#[test]
fn a_commit_on_a_standby_survives_its_primary() {
    let mut primary = primary_waiting_for("FIRST 1 (s1, s2)");
    let (first, second) = (standby_of(&primary, "s1"), standby_of(&primary, "S2"));
    let other = standby_of(&primary, "other");
    let mut on_primary = connect(&primary);
    until(&mut on_primary, STATES, &["S2|2|potential", "other|0|async", "s1|1|sync"]);
    on_primary.run("CREATE TABLE t (id int PRIMARY KEY)");
    for (id, level) in ["on", "remote_write", "remote_apply", "on"].into_iter().enumerate() {
        on_primary.run(&format!("SET synchronous_commit = {level}"));
        on_primary.run(&format!("INSERT INTO t VALUES ({id})"));
        if level == "remote_apply" {
            assert_eq!(connect(&first).rows("SELECT count(*) FROM t"), ["3"]);
        }
    }
    primary.kill();
    let mut on_first = connect(&first);
    assert_eq!(on_first.rows("SELECT pg_promote()"), ["t"]);
    assert_eq!(on_first.rows("SELECT count(*), max(id) FROM t"), ["4|3"]);
    on_first.run("INSERT INTO t VALUES (4)");
    drop((second, other));
}

#[test]
fn what_waits_for_a_standby_is_not_seen() {
    let mut primary = primary_waiting_for("ANY 1 (s1, s2)");
    let mut standby = standby_of(&primary, "s1");
    let mut other = connect(&primary);
    until(&mut other, STATES, &["s1|1|quorum"]);
    other.run("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10), (2, 20)");
    standby.kill();
    until(&mut other, STATES, &[]);
    // It waits, and nobody sees it.
    let mut writer = connect(&primary);
    writer.send(&query("UPDATE t SET v = 11 WHERE id = 1")).expect("it is connected");
    is_waiting(&mut writer);
    assert_eq!(other.rows("SELECT v FROM t ORDER BY id"), ["10", "20"]);
    // Nor is told of it: neither by a change of the same row, nor by a name that is taken.
    let mut second = connect(&primary);
    second.run("BEGIN");
    second.send(&query("UPDATE t SET v = v + 1 WHERE id = 1 RETURNING v")).expect("it is connected");
    let mut third = connect(&primary);
    third.send(&query("INSERT INTO t VALUES (3, 30)")).expect("it is connected");
    is_waiting(&mut third);
    let mut fourth = connect(&primary);
    fourth.send(&query("INSERT INTO t VALUES (3, 31)")).expect("it is connected");
    is_waiting(&mut second);
    is_waiting(&mut fourth);
    // Whoever does not wait reads on at its commit, and others do not see that before what is in front of it.
    let mut local = connect(&primary);
    local.run("SET synchronous_commit = local");
    local.run("INSERT INTO t VALUES (4, 40)");
    assert_eq!(local.rows("SELECT v FROM t ORDER BY id"), ["11", "20", "30", "40"]);
    assert_eq!(other.rows("SELECT v FROM t ORDER BY id"), ["10", "20"]);
    // A new table is in the way of nobody but those who use it.
    let mut fifth = connect(&primary);
    fifth.send(&query("CREATE TABLE u AS SELECT 1 AS a")).expect("it is connected");
    is_waiting(&mut fifth);
    let mut sixth = connect(&primary);
    assert_eq!(sixth.rows("SELECT v FROM t ORDER BY id"), ["10", "20"]);
    sixth.send(&query("SELECT a FROM u")).expect("it is connected");
    is_waiting(&mut sixth);
    // The standby comes back, and all goes on.
    standby.start_again();
    assert_eq!(answer(&mut writer).tag, "UPDATE 1");
    assert_eq!(answer(&mut second).rows, [[Some("12".to_owned())]]);
    assert_eq!(answer(&mut third).tag, "INSERT 0 1");
    let messages = fourth.until_ready().expect("the server answers");
    assert_eq!(answers(&messages)[0].error.as_ref().map(|e| e.code().to_owned()).as_deref(), Some("23505"));
    assert_eq!(answer(&mut sixth).rows, [[Some("1".to_owned())]]);
    second.run("COMMIT");
    assert_eq!(other.rows("SELECT v FROM t ORDER BY id"), ["12", "20", "30", "40"]);
    // A wait that is cancelled leaves a commit.
    standby.kill();
    until(&mut other, STATES, &[]);
    writer.send(&query("DELETE FROM t WHERE id = 4")).expect("it is connected");
    is_waiting(&mut writer);
    assert_eq!(other.rows("SELECT count(*) FROM t"), ["4"]);
    assert_eq!(other.rows(&format!("SELECT pg_cancel_backend({})", writer.process)), ["t"]);
    let cancelled = answer(&mut writer);
    assert_eq!(cancelled.tag, "DELETE 1");
    let notice = &cancelled.notices[0];
    let text = "canceling wait for synchronous replication due to user request";
    assert_eq!((notice.code(), notice.message()), ("01000", text));
    let detail = "The transaction has already committed locally, but might not have been replicated to the standby.";
    assert_eq!((notice.field('S'), notice.field('D')), ("WARNING", detail));
    assert_eq!(other.rows("SELECT count(*) FROM t"), ["3"]);
    // A session that is ended does not say that it has committed.
    writer.send(&query("DELETE FROM t WHERE id = 3")).expect("it is connected");
    is_waiting(&mut writer);
    assert_eq!(other.rows(&format!("SELECT pg_terminate_backend({})", writer.process)), ["t"]);
    let messages = writer.until_ready().expect("the server answers");
    let ended = answers(&messages).pop().and_then(|a| a.error).expect("an error");
    assert_eq!((ended.code(), ended.field('S')), ("57P01", "FATAL"));
    // After a crash nobody knows what the standbys have: it is not shown before they have it all.
    other.send(&query("DELETE FROM t WHERE id = 2")).expect("it is connected");
    is_waiting(&mut other);
    primary.kill();
    primary.start_again();
    let mut reader = connect(&primary);
    reader.send(&query("SELECT count(*) FROM t")).expect("it is connected");
    is_waiting(&mut reader);
    standby.start_again();
    assert_eq!(answer(&mut reader).rows, [[Some("1".to_owned())]]);
}

#[test]
fn a_base_comes_from_the_store_of_backups_if_there_is_one() {
    let store = tempfile::tempdir().expect("a folder");
    let setting = format!("backup.store={}", store.path().display());
    let primary = Server::start_arguments(&["-c", &setting, "-c", "backup.snapshot_interval=0"]);
    let mut on_primary = connect(&primary);
    let hash = "SELECT headwater_state_hash()";
    let replica = || Server::start_arguments(&["--replica-of", &url(primary.address()), "-c", &setting]);
    let check = |replica: &Server, on_primary: &mut Client, from_store: bool| {
        let mut client = connect(replica);
        catch_up(on_primary, &mut client);
        assert_eq!(client.rows(hash), on_primary.rows(hash));
        let said = ["the base is from the store", "the base copy is complete"].map(|what| replica.log().contains(what));
        assert_eq!(said, [from_store, !from_store], "{}", replica.log());
    };
    on_primary
        .run("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'before there is a snapshot')");
    check(&replica(), &mut on_primary, false);
    on_primary.run("SELECT headwater_backup(); INSERT INTO t SELECT n, 'behind it' FROM generate_series(2, 1000) n");
    let mut from_store = replica();
    on_primary.run("CREATE INDEX ON t (v)");
    check(&from_store, &mut on_primary, true);
    from_store.kill();
    on_primary.run("DELETE FROM t WHERE id % 3 = 0");
    from_store.start_again();
    check(&from_store, &mut on_primary, true);
    // What is not whole is not used.
    let cluster = std::fs::read_dir(store.path()).expect("the store").next().expect("a cluster").expect("a folder");
    std::fs::remove_dir_all(cluster.path().join("1/packs")).expect("it has packs");
    check(&replica(), &mut on_primary, false);
}
