//! The command line: what a start says, what it refuses, how the server stops, and that a second start opens the same data.

mod backup;
mod harness;

use harness::server::command;
use harness::{Client, Server};
use rustix::process::Signal;
use std::net::TcpListener;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Runs a command that must end by itself with a failure and one line on stderr; returns the line.
#[track_caller]
fn refusal(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    let said = String::from_utf8_lossy(&stderr).trim_end().to_owned();
    assert!(!status.success(), "it did not fail: {said}");
    assert!(status.code().is_some(), "it was killed: {said}");
    assert_eq!(said.lines().count(), 1, "one line, not:\n{said}");
    assert!(!String::from_utf8_lossy(&stdout).contains("is ready"));
    said
}

#[track_caller]
fn says(line: &str, words: &[&str]) {
    for word in words {
        assert!(line.contains(word), "\"{word}\" is not in: {line}");
    }
}

fn connect(server: &Server) -> Client {
    Client::connect(server.address(), &[("user", "postgres")]).expect("the server answers")
}

#[test]
fn a_second_start_opens_the_same_data() {
    let mut server = Server::start();
    connect(&server).run("CREATE TABLE t AS SELECT 42 AS answer");
    assert!(server.stop().success());
    server.start_again();
    assert_eq!(connect(&server).rows("SELECT answer FROM t"), ["42"]);
    connect(&server).run("INSERT INTO t VALUES (43)");
    assert!(server.stop().success());
    server.start_again();
    assert_eq!(connect(&server).rows("SELECT answer FROM t ORDER BY 1"), ["42", "43"]);
}

#[test]
fn both_signals_stop_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start();
        let mut client = connect(&server);
        client.run("SELECT 1");
        server.signal(signal);
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{signal:?}: {status}");
        let end = client.read().expect("it says why");
        assert_eq!(end.fields()[&'C'], "57P01");
        assert!(Client::connect(server.address(), &[("user", "postgres")]).is_err());
    }
}

#[test]
fn a_transaction_in_flight_may_finish() {
    let mut server = Server::start();
    connect(&server).run("CREATE TABLE t (a int)");
    let mut client = connect(&server);
    client.run("BEGIN");
    client.run("INSERT INTO t VALUES (1)");
    server.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    client.run("COMMIT");
    assert_eq!(server.wait().code(), Some(0));
    server.start_again();
    assert_eq!(connect(&server).rows("SELECT a FROM t"), ["1"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command.arg("serve").arg("--data").arg(folder.path().join("data")).args(["--listen", &address]);
    says(&refusal(&mut command), &["headwater: ", &address, "in use"]);
}

#[test]
fn a_locked_directory_is_named() {
    let server = Server::start();
    let line = refusal(&mut command(server.data()));
    says(&line, &["headwater: ", &server.data().display().to_string(), "in use"]);
    assert_eq!(connect(&server).rows("SELECT 1"), ["1"], "the first is not disturbed");
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    says(&refusal(&mut command(&file)), &["headwater: ", &file.display().to_string()]);
    let below = file.join("data");
    says(&refusal(&mut command(&below)), &["headwater: ", &below.display().to_string()]);
    says(&refusal(&mut command(Path::new("/proc/headwater"))), &["headwater: ", "/proc/headwater"]);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("precious"), "data").unwrap();
    let line = refusal(&mut command(folder.path()));
    says(&line, &["headwater: ", &folder.path().display().to_string()]);
    assert_eq!(std::fs::read_to_string(folder.path().join("precious")).unwrap(), "data");
    assert!(!folder.path().join("format").exists(), "no database was made there");
}

#[test]
fn data_of_a_newer_format_is_refused() {
    let mut server = Server::start();
    connect(&server).run("CREATE TABLE t AS SELECT 1 AS a");
    assert!(server.stop().success());
    let path = server.data().join("format");
    let own = std::fs::read_to_string(&path).unwrap();
    let newer: String = own.replace(|c: char| c.is_ascii_digit(), "9");
    assert_ne!(own, newer);
    std::fs::write(&path, newer).unwrap();
    says(&refusal(&mut command(server.data())), &["headwater: ", "format", "newer"]);
    std::fs::write(&path, "garbage").unwrap();
    says(&refusal(&mut command(server.data())), &["headwater: ", "format"]);
    std::fs::write(&path, own).unwrap();
    server.start_again();
    assert_eq!(connect(&server).rows("SELECT a FROM t"), ["1"]);
}

/// Runs `headwater verify`: its exit status and what it says.
fn verify(data: &Path) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_headwater")).arg("verify").arg("--data").arg(data).output();
    let Output { status, stdout, stderr } = out.expect("the binary runs");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// Name, length and time of change of each file.
fn listing(folder: &Path) -> Vec<(std::path::PathBuf, u64, std::time::SystemTime)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let (path, about) = entry.map(|e| (e.path(), e.metadata().unwrap())).unwrap();
        match about.is_dir() {
            true => all.extend(listing(&path)),
            false => all.push((path, about.len(), about.modified().unwrap())),
        }
    }
    all.sort();
    all
}

#[test]
fn verify_finds_a_flipped_byte_of_a_stopped_server() {
    let mut server = Server::start();
    connect(&server).run("CREATE TABLE t AS SELECT i, repeat('x', 100) AS x FROM generate_series(1, 2000) i");
    let (code, said) = verify(server.data());
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    says(&said, &["headwater: ", &server.data().display().to_string(), "in use"]);
    connect(&server).run("CHECKPOINT");
    connect(&server).run("INSERT INTO t SELECT i, 'y' FROM generate_series(1, 500) i");
    for kill in [true, false] {
        match kill {
            true => server.kill(),
            false => assert!(server.stop().success()),
        }
        let before = listing(server.data());
        let (code, said) = verify(server.data());
        assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
        says(&said, &["verify: ", " pages, ", " trees, ", " log records checked; no damage found"]);
        assert_eq!(listing(server.data()), before, "it changes nothing");
        for (file, at) in [("data", 8200), ("data", 5), ("wal/0000000000000000.wal", 700), ("format", 1)] {
            let path = server.data().join(file);
            let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
            let (code, said) = verify(server.data());
            assert_eq!(code, Some(1), "{}, byte {at}: {said}", path.display());
            says(said.lines().last().unwrap(), &["verify: ", " finding"]);
            file.write_all_at(&byte, at).unwrap();
        }
        server.start_again();
    }
    assert_eq!(connect(&server).rows("SELECT count(*) FROM t"), ["2500"]);
}

#[test]
fn verify_names_what_is_no_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    for data in [folder.path().to_path_buf(), folder.path().join("none")] {
        let line = refusal(Command::new(env!("CARGO_BIN_EXE_headwater")).arg("verify").arg("--data").arg(&data));
        says(&line, &["headwater: ", &data.display().to_string()]);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is created");
}

#[test]
fn wrong_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    says(&refusal(command(&data).args(["-c", "wrok_mem=4MB"])), &["wrok_mem"]);
    says(&refusal(command(&data).args(["-c", "work_mem=lots"])), &["work_mem", "lots"]);
    says(&refusal(command(&data).args(["-c", "work_mem"])), &["work_mem", "NAME=VALUE"]);
    let file = folder.path().join("h.toml");
    for (text, words) in [
        ("wrok_mem = 1\n", &["h.toml", "wrok_mem"][..]),
        ("work_mem = \"lots\"\n", &["h.toml", "work_mem", "lots"]),
        ("work_mem = [1]\n", &["h.toml", "work_mem"]),
        ("a = = 1\n", &["h.toml", "line 1"]),
    ] {
        std::fs::write(&file, text).unwrap();
        says(&refusal(command(&data).arg("--config").arg(&file)), words);
    }
    says(&refusal(command(&data).arg("--config").arg(folder.path().join("none.toml"))), &["none.toml"]);
    assert!(!data.exists(), "nothing is created before the configuration is right");
}

#[test]
fn configuration_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("h.toml");
    std::fs::write(&file, "work_mem = \"9MB\"\nstatement_timeout = 60000\n").unwrap();
    let config = file.display().to_string();
    let server = Server::start_arguments(&["--config", &config, "-c", "statement_timeout=30s"]);
    let mut client = connect(&server);
    assert_eq!(client.rows("SHOW work_mem"), ["9MB"]);
    assert_eq!(client.rows("SHOW statement_timeout"), ["30s"]);
    client.run("SET work_mem = '1MB'");
    client.run("RESET work_mem");
    assert_eq!(client.rows("SHOW work_mem"), ["9MB"]);
}

#[test]
fn only_a_loopback_address_is_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:5432"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
        command.arg("serve").arg("--data").arg(folder.path().join("data")).args(["--listen", address]);
        says(&refusal(&mut command), &["headwater: ", "loopback"]);
    }
    for address in ["nowhere", "127.0.0.1", "127.0.0.1:99999"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
        command.arg("serve").arg("--data").arg(folder.path().join("data")).args(["--listen", address]);
        says(&refusal(&mut command), &["headwater: ", "HOST:PORT"]);
    }
}

#[test]
fn wrong_arguments_are_told_with_the_usage() {
    for arguments in [&["serve", "--nope"][..], &["nope"], &[]] {
        let out = Command::new(env!("CARGO_BIN_EXE_headwater")).args(arguments).output().unwrap();
        assert!(!out.status.success());
        assert!(String::from_utf8_lossy(&out.stderr).contains("Usage"), "{arguments:?}");
    }
    let out = Command::new(env!("CARGO_BIN_EXE_headwater")).arg("--version").output().unwrap();
    assert!(out.status.success());
    assert!(String::from_utf8_lossy(&out.stdout).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn many_connections_come_and_go() {
    let server = Server::start();
    let since = Instant::now();
    for _ in 0..5 {
        let clients: Vec<Client> = (0..60).map(|_| connect(&server)).collect();
        for mut client in clients {
            assert_eq!(client.rows("SELECT 1"), ["1"]);
        }
    }
    assert!(since.elapsed() < Duration::from_secs(30));
}
