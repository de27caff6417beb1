//! The built binary as a process, with its data in a temporary folder.

use super::client::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    /// Holds `data`, when it was made for this server alone, and the log.
    folder: TempDir,
    data: PathBuf,
    arguments: Vec<String>,
}

/// The command `headwater serve` on `data` and a free port.
pub fn command(data: &Path) -> Command {
    let mut command = serve(data);
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

fn serve(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headwater"));
    command.arg("serve").arg("--data").arg(data);
    command.stdin(Stdio::null()).env_remove("HEADWATER_LOG");
    command
}

impl Server {
    /// Starts on a new data directory.
    pub fn start() -> Server {
        Server::start_arguments(&[])
    }

    /// Starts on a new data directory with more arguments.
    pub fn start_arguments(arguments: &[&str]) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let arguments = arguments.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let (child, address) = launch(&data, folder.path(), &arguments);
        Server { child, address, folder, data, arguments }
    }

    /// Starts on a data directory that is there.
    pub fn start_at(data: &Path) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (child, address) = launch(data, folder.path(), &[]);
        Server { child, address, folder, data: data.to_owned(), arguments: Vec::new() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process is there");
    }

    /// kill -9: nothing is written, nothing is said.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("it is our child");
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops in order.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Starts a stopped or killed server over the same data, on another port.
    pub fn start_again(&mut self) {
        (self.child, self.address) = launch(&self.data, self.folder.path(), &self.arguments);
    }

    /// The same with other arguments.
    #[allow(dead_code)]
    pub fn start_again_with(&mut self, arguments: &[String]) {
        self.arguments = arguments.to_vec();
        self.start_again();
    }

    /// Starts a stopped server and kills it after a while, ready or not.
    pub fn start_and_kill(&mut self, after: Duration) {
        let log = log_file(self.folder.path());
        let mut command = command(&self.data);
        self.child = command.args(&self.arguments).stdout(Stdio::null()).stderr(log).spawn().expect("the binary runs");
        std::thread::sleep(after);
        self.kill();
    }
}

fn log_file(folder: &Path) -> File {
    File::options().create(true).append(true).open(folder.join("log")).expect("a log file")
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() {
            self.kill();
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the server's log ends:");
            tail.iter().rev().for_each(|line| eprintln!("    {line}"));
        }
    }
}

/// Starts the process and waits until it says that it is ready, and where.
fn launch(data: &Path, folder: &Path, arguments: &[String]) -> (Child, SocketAddr) {
    let log = log_file(folder);
    let mut command = if arguments.iter().any(|a| a == "--listen") { serve(data) } else { command(data) };
    let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(log).spawn().expect("the binary runs");
    let stdout = child.stdout.take().expect("it is piped");
    let (said, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.contains("is ready") => return (child, address_in(&line)),
            Ok(_) => {}
            Err(_) => {
                let _ = child.kill();
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                panic!("the server did not become ready:\n{log}");
            }
        }
    }
}

/// `... is ready: psql -h HOST -p PORT ...`
fn address_in(line: &str) -> SocketAddr {
    let after = |flag: &str| line.split_whitespace().skip_while(|w| *w != flag).nth(1);
    let (host, port) = (after("-h").expect("a host"), after("-p").expect("a port"));
    SocketAddr::new(host.parse().expect("an address"), port.parse().expect("a number"))
}
