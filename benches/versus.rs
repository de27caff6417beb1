//! Headwater beside PostgreSQL: pgbench against both in turn, A B A B, and the median of the pairwise ratios.
//!
//! `cargo bench --bench versus` starts a PostgreSQL of its own (durable commits, as Headwater's) and this build of Headwater, loads
//! pgbench's tables into both and prints for each workload the transactions per second of each and the ratio: above 1.00
//! Headwater is ahead. `select` also runs against a server that does nothing, the ceiling of protocol, kernel and pgbench.
//! Absolute figures drift with the machine; the ratios are the result.
//!
//! `cargo bench --bench versus -- --workloads select,tpcb --clients 1,8,32 --seconds 5 --rounds 3 --scale 10`

#[path = "../sql-tests/harness/mod.rs"]
mod harness;
mod null_server;
mod postgres;

use harness::Server;
use null_server::NullServer;
use postgres::{Postgres, Programs, complaint};
use std::path::Path;
use std::process::Command;

const SELECT: &str = "\\set aid random(1, 100000 * :scale)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n";

struct Options {
    workloads: Vec<String>,
    clients: Vec<u32>,
    seconds: u32,
    rounds: usize,
    scale: u32,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            workloads: vec!["select".to_owned(), "tpcb".to_owned()],
            clients: vec![1, 8, 32],
            seconds: 5,
            rounds: 3,
            scale: 10,
        };
        let mut arguments = arguments.filter(|a| a != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = |text: &str| text.parse::<u32>().map_err(|_| format!("{name}: {text} is no number"));
            match name.as_str() {
                "--workloads" => options.workloads = value.split(',').map(str::to_owned).collect(),
                "--clients" => options.clients = value.split(',').map(number).collect::<Result<_, _>>()?,
                "--seconds" => options.seconds = number(&value)?,
                "--rounds" => options.rounds = number(&value)? as usize,
                "--scale" => options.scale = number(&value)?,
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }
}

fn main() {
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(missing) => {
            println!("Nothing to compare with: {missing}. Install PostgreSQL (server and pgbench) and run this again.");
            return;
        }
    };
    let outcome = Options::parse(std::env::args().skip(1)).and_then(|options| compare(&programs, &options));
    if let Err(e) = outcome {
        eprintln!("versus: {e}");
        std::process::exit(1);
    }
}

/// The ports of the two, and of the server that does nothing.
struct Sides {
    postgres: u16,
    headwater: u16,
    nothing: u16,
}

fn compare(programs: &Programs, options: &Options) -> Result<(), String> {
    let postgres = Postgres::start(programs)?;
    let headwater = Server::start();
    let nothing = NullServer::start().map_err(|e| e.to_string())?;
    let sides =
        Sides { postgres: postgres.port, headwater: headwater.address().port(), nothing: nothing.address.port() };
    for port in [sides.postgres, sides.headwater] {
        let scale = options.scale.to_string();
        let out = pgbench(programs, port, &["-i", "-q", "-s", &scale]).output().map_err(|e| e.to_string())?;
        if !out.status.success() {
            return Err(format!("pgbench -i failed on port {port}: {}", complaint(&out)));
        }
    }
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let script = folder.path().join("select.sql");
    std::fs::write(&script, SELECT).map_err(|e| e.to_string())?;
    println!("{:24} {:>12} {:>12} {:>7}", "transactions per second", "PostgreSQL", "Headwater", "ratio");
    for workload in &options.workloads {
        match workload.as_str() {
            "select" => select(programs, options, &sides, &script)?,
            "tpcb" => script_of_pgbench(programs, options, &sides, "tpcb", "tpcb-like")?,
            "update" => script_of_pgbench(programs, options, &sides, "update", "simple-update")?,
            other => return Err(format!("there is no workload {other}: select, tpcb, update")),
        }
    }
    Ok(())
}

fn select(programs: &Programs, options: &Options, sides: &Sides, script: &Path) -> Result<(), String> {
    let scale = format!("scale={}", options.scale);
    let file = script.display().to_string();
    for mode in ["simple", "prepared"] {
        for &clients in &options.clients {
            let arguments = ["-f", &file, "-D", &scale, "-M", mode];
            let turns = in_turn(programs, options, sides, clients, &arguments)?;
            turns.print(&format!("select {mode} c={clients}"));
            let ceiling = run(programs, options, sides.nothing, clients, &arguments)?;
            let share = turns.headwater / ceiling;
            println!("{:24} {:12.0} of the ceiling {ceiling:.0}: {share:.2}", "", turns.headwater);
        }
    }
    Ok(())
}

fn script_of_pgbench(
    programs: &Programs,
    options: &Options,
    sides: &Sides,
    name: &str,
    builtin: &str,
) -> Result<(), String> {
    for &clients in &options.clients {
        let turns = in_turn(programs, options, sides, clients, &["-b", builtin, "-M", "prepared"])?;
        turns.print(&format!("{name} prepared c={clients}"));
    }
    Ok(())
}

/// Medians of several rounds.
struct Turns {
    postgres: f64,
    headwater: f64,
    ratio: f64,
}

impl Turns {
    fn print(&self, name: &str) {
        println!("{name:24} {:12.0} {:12.0} {:7.2}", self.postgres, self.headwater, self.ratio);
    }
}

fn in_turn(
    programs: &Programs,
    options: &Options,
    sides: &Sides,
    clients: u32,
    arguments: &[&str],
) -> Result<Turns, String> {
    let mut pairs = Vec::new();
    for _ in 0..options.rounds.max(1) {
        let postgres = run(programs, options, sides.postgres, clients, arguments)?;
        let headwater = run(programs, options, sides.headwater, clients, arguments)?;
        pairs.push((postgres, headwater));
    }
    Ok(Turns {
        postgres: median(pairs.iter().map(|p| p.0).collect()),
        headwater: median(pairs.iter().map(|p| p.1).collect()),
        ratio: median(pairs.iter().map(|p| p.1 / p.0).collect()),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

fn pgbench(programs: &Programs, port: u16, arguments: &[&str]) -> Command {
    let mut command = Command::new(&programs.pgbench);
    command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &port.to_string()]).args(arguments);
    command.env("PGDATABASE", "postgres");
    command
}

/// Transactions per second of one run of pgbench.
fn run(programs: &Programs, options: &Options, port: u16, clients: u32, arguments: &[&str]) -> Result<f64, String> {
    let mut command = pgbench(programs, port, &["-n"]);
    command.args(arguments).args(["-c", &clients.to_string(), "-j", &clients.min(2).to_string()]);
    let out = command.args(["-T", &options.seconds.to_string()]).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout);
    let rate =
        text.lines().find_map(|l| l.strip_prefix("tps = ")).and_then(|l| l.split_whitespace().next()?.parse().ok());
    match rate {
        Some(rate) if out.status.success() => Ok(rate),
        _ => Err(format!("pgbench {} failed on port {port}: {}", arguments.join(" "), complaint(&out))),
    }
}
