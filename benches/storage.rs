//! The storage engine by itself, without SQL or sockets, on the disk of the temporary folder.
//!
//! `cargo bench --bench storage` prints: reads, updates and scans by tree size; durable commits by clients; what a checkpoint does to
//! a commit's latency; how fast a start replays the log; how far hot updates let the data file grow.
//! `-- --entries 10000,1000000 --seconds 3 --updates 1000000 --log-mib 512` are the sizes; `--only NAME` runs one of `trees`,
//! `commits`, `checkpoints`, `recovery`, `growth`. Absolute figures belong to the machine: compare runs on one.

use headwater::base::{Result, TreeId};
use headwater::engine::{CheckpointOptions, Engine, EngineOptions};
use headwater::io::{RealClock, RealDisk, RealEntropy, Rng};
use headwater::storage::{Direction, Entries, KeyRange};
use headwater::txn::{Access, Isolation, Txn};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const VALUE: [u8; 100] = [b'v'; 100];
/// How many entries a load puts into one transaction.
const LOAD_STEP: u64 = 100_000;
const HOT_ROWS: u64 = 1000;

struct Options {
    entries: Vec<u64>,
    time: Duration,
    updates: u64,
    log_mib: u64,
    only: Option<String>,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> std::result::Result<Options, String> {
        let mut options = Options {
            entries: vec![10_000, 1_000_000],
            time: Duration::from_secs(3),
            updates: 1_000_000,
            log_mib: 512,
            only: None,
        };
        let mut arguments = arguments.filter(|a| a != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{name}: {text} is no number"));
            match name.as_str() {
                "--entries" => options.entries = value.split(',').map(number).collect::<std::result::Result<_, _>>()?,
                "--seconds" => options.time = Duration::from_secs(number(&value)?),
                "--updates" => options.updates = number(&value)?,
                "--log-mib" => options.log_mib = number(&value)?,
                "--only" => options.only = Some(value),
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }
}

fn main() {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(e) => {
            eprintln!("storage: {e}");
            std::process::exit(1);
        }
    };
    type Part = fn(&Options) -> Result<()>;
    let parts: [(&str, Part); 5] = [
        ("trees", trees),
        ("commits", commits),
        ("checkpoints", checkpoints),
        ("recovery", recovery),
        ("growth", growth),
    ];
    for (name, part) in parts {
        if options.only.as_deref().is_none_or(|only| only == name) {
            part(&options).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}

fn open(folder: &Path, automatic: bool) -> Result<Arc<Engine>> {
    let checkpoint = CheckpointOptions { automatic, log_bytes: u64::MAX, ..CheckpointOptions::default() };
    let options = EngineOptions { buffer_bytes: 4 << 30, undo_bytes: 1 << 30, checkpoint, ..EngineOptions::default() };
    Engine::open(Arc::new(RealDisk::open(folder)?), Arc::new(RealClock::new()), &RealEntropy, options)
}

/// An engine in a folder of its own, with one tree of so many entries.
fn loaded(entries: u64) -> Result<(tempfile::TempDir, Arc<Engine>, TreeId)> {
    let folder = tempfile::tempdir()?;
    let engine = open(folder.path(), false)?;
    let mut txn = begin(&engine)?;
    let tree = txn.create_tree()?;
    for i in 0..entries {
        if i % LOAD_STEP == LOAD_STEP - 1 {
            txn.commit()?;
            txn = begin(&engine)?;
        }
        txn.put(tree, &i.to_be_bytes(), &VALUE)?;
    }
    let lsn = txn.commit()?.wait_for;
    engine.wait_durable_blocking(lsn)?;
    engine.acknowledge(lsn);
    engine.checkpoint()?;
    Ok((folder, engine, tree))
}

fn begin(engine: &Engine) -> Result<Txn> {
    let mut txn = engine.begin(Isolation::ReadCommitted);
    txn.begin_statement(Access::Write)?;
    Ok(txn)
}

fn update(engine: &Engine, tree: TreeId, key: u64) -> Result<headwater::base::Lsn> {
    let mut txn = begin(engine)?;
    txn.put(tree, &key.to_be_bytes(), &VALUE)?;
    Ok(txn.commit()?.wait_for)
}

/// Calls `step` for as long as the options say; calls per second.
fn rate(time: Duration, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    let (start, mut calls) = (Instant::now(), 0u64);
    loop {
        for _ in 0..100 {
            step()?;
        }
        calls += 100;
        let elapsed = start.elapsed();
        if elapsed >= time {
            return Ok(calls as f64 / elapsed.as_secs_f64());
        }
    }
}

fn trees(options: &Options) -> Result<()> {
    println!("{:>12} {:>12} {:>12} {:>16}", "entries", "reads/s", "updates/s", "scanned/s");
    for &entries in &options.entries {
        let (_folder, engine, tree) = loaded(entries)?;
        let mut rng = Rng::new(1);
        let txn = begin(&engine)?;
        let (view, mut out) = (txn.view(), Vec::new());
        let reads = rate(options.time, || {
            out.clear();
            assert!(txn.get(&view, tree, &rng.below(entries).to_be_bytes(), &mut out)?);
            Ok(())
        })?;
        drop(txn);
        let updates = rate(options.time, || update(&engine, tree, rng.below(entries)).map(drop))?;
        let (start, mut scanned) = (Instant::now(), 0);
        while start.elapsed() < options.time {
            scanned += scan(&engine, tree)?;
        }
        let scans = scanned as f64 / start.elapsed().as_secs_f64();
        println!("{entries:>12} {reads:>12.0} {updates:>12.0} {scans:>16.0}");
    }
    Ok(())
}

fn scan(engine: &Engine, tree: TreeId) -> Result<u64> {
    let txn = begin(engine)?;
    let mut scan = txn.scan(txn.view(), tree, KeyRange::all(), Direction::Forward);
    let (mut entries, mut seen) = (Entries::new(), 0);
    loop {
        let more = scan.next(&txn, &mut entries, 1024)?;
        seen += entries.iter().count() as u64;
        if !more {
            return Ok(seen);
        }
    }
}

/// Durable commits of one update each, by so many clients at once; the latencies, sorted.
fn client_commits(engine: &Engine, tree: TreeId, entries: u64, clients: u64, time: Duration) -> Result<Vec<Duration>> {
    let stop = AtomicBool::new(false);
    let mut all = std::thread::scope(|threads| -> Result<Vec<Duration>> {
        let one = |client: u64| -> Result<Vec<Duration>> {
            let (mut rng, mut taken) = (Rng::new(client), Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                let lsn = update(engine, tree, rng.below(entries))?;
                engine.wait_durable_blocking(lsn)?;
                engine.acknowledge(lsn);
                taken.push(start.elapsed());
            }
            Ok(taken)
        };
        let running: Vec<_> = (0..clients).map(|client| threads.spawn(move || one(client))).collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for thread in running {
            all.extend(thread.join().expect("a client that does not panic")?);
        }
        Ok(all)
    })?;
    all.sort_unstable();
    Ok(all)
}

fn quantile(sorted: &[Duration], q: f64) -> f64 {
    let at = ((sorted.len() as f64 * q) as usize).min(sorted.len() - 1);
    sorted[at].as_secs_f64() * 1e3
}

fn commits(options: &Options) -> Result<()> {
    println!("{:>12} {:>14} {:>10} {:>10} {:>10}", "clients", "commits/s", "p50 ms", "p99 ms", "p99.9 ms");
    let entries = 100_000;
    let (_folder, engine, tree) = loaded(entries)?;
    for clients in [1, 8, 32] {
        let taken = client_commits(&engine, tree, entries, clients, options.time)?;
        let rate = taken.len() as f64 / options.time.as_secs_f64();
        let [a, b, c] = [0.5, 0.99, 0.999].map(|q| quantile(&taken, q));
        println!("{clients:>12} {rate:>14.0} {a:>10.2} {b:>10.2} {c:>10.2}");
    }
    Ok(())
}

fn checkpoints(options: &Options) -> Result<()> {
    println!("{:>12} {:>14} {:>10} {:>10} {:>10}", "checkpoint", "commits/s", "p50 ms", "p99 ms", "p99.9 ms");
    let entries = options.entries.iter().copied().max().unwrap_or(LOAD_STEP);
    let (_folder, engine, tree) = loaded(entries)?;
    for running in [false, true] {
        let stop = AtomicBool::new(false);
        let taken = std::thread::scope(|threads| {
            let checkpoints = threads.spawn(|| -> Result<u32> {
                let mut made = 0;
                while running && !stop.load(Ordering::Relaxed) {
                    engine.checkpoint()?;
                    made += 1;
                }
                Ok(made)
            });
            let taken = client_commits(&engine, tree, entries, 8, options.time);
            stop.store(true, Ordering::Relaxed);
            checkpoints.join().expect("a checkpoint that does not panic")?;
            taken
        })?;
        let rate = taken.len() as f64 / options.time.as_secs_f64();
        let [a, b, c] = [0.5, 0.99, 0.999].map(|q| quantile(&taken, q));
        println!("{:>12} {rate:>14.0} {a:>10.2} {b:>10.2} {c:>10.2}", if running { "all along" } else { "none" });
    }
    Ok(())
}

fn recovery(options: &Options) -> Result<()> {
    let entries = 1_000_000;
    let (folder, engine, tree) = loaded(entries)?;
    let (from, mut rng) = (engine.applied(), Rng::new(2));
    let mut commits = 0u64;
    while engine.applied().0 - from.0 < options.log_mib << 20 {
        let lsn = update(&engine, tree, rng.below(entries))?;
        commits += 1;
        if commits.is_multiple_of(10_000) {
            engine.wait_durable_blocking(lsn)?;
            engine.acknowledge(lsn);
            engine.purge();
        }
    }
    let end = engine.applied();
    engine.wait_durable_blocking(end)?;
    // Without `close` there is no checkpoint at the end.
    drop(engine);
    let start = Instant::now();
    let engine = open(folder.path(), false)?;
    let took = start.elapsed().as_secs_f64();
    assert_eq!(engine.applied(), end, "all of the log is applied");
    let mib = (end.0 - from.0) as f64 / f64::from(1 << 20);
    println!(
        "recovery: {mib:.0} MiB of log, {commits} commits in {took:.2} s: {:.0} MiB/s, {:.0} commits/s",
        mib / took,
        commits as f64 / took
    );
    Ok(())
}

fn growth(options: &Options) -> Result<()> {
    for held in [false, true] {
        let (_folder, engine, tree) = loaded(HOT_ROWS)?;
        let before = engine.pager_stats().file_bytes;
        let mut reader = engine.begin(Isolation::RepeatableRead);
        reader.begin_statement(Access::Read)?;
        if !held {
            reader.rollback();
        }
        let mut rng = Rng::new(3);
        for i in 0..options.updates {
            let lsn = update(&engine, tree, rng.below(HOT_ROWS))?;
            if i.is_multiple_of(10_000) {
                engine.wait_durable_blocking(lsn)?;
                engine.acknowledge(lsn);
                engine.purge();
            }
            if i.is_multiple_of(250_000) {
                engine.checkpoint()?;
            }
        }
        engine.checkpoint()?;
        let after = engine.pager_stats().file_bytes;
        let kept = engine.stats().old_versions;
        let name = if held { "with a snapshot held" } else { "without a snapshot" };
        println!(
            "growth, {} updates of {HOT_ROWS} rows, {name}: data file {} to {} KiB, {kept} old versions kept",
            options.updates,
            before >> 10,
            after >> 10
        );
    }
    Ok(())
}
