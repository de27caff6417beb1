//! The commands about backups: `backups`, `restore` and `verify-backup` read a store; `backup` asks a running server.

use crate::ask;
use clap::Args;
use headwater::backup::{
    self, BackupCheck, Listed, Origin, Restored, Target, cluster_name, parse_cluster, parse_id, parse_lsn,
};
use headwater::base::{Error, Finding, Result, SqlState};
use headwater::io::{Disk, ObjectStore, RealDisk, RealEntropy, RealObjects};
use headwater::types::datetime::calendar::UNIX_EPOCH_US;
use headwater::types::{Datum, DatumRef, FormatContext, SqlType, datetime, oid};
use headwater::{replication, session};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Where backups are.
#[derive(Args)]
pub struct Source {
    /// The store: a folder, or s3://BUCKET/PREFIX with what the environment says of AWS.
    #[arg(long, value_name = "URL")]
    from: String,
    /// One database of a store that has several, by its number.
    #[arg(long, value_name = "ID")]
    cluster: Option<String>,
}

impl Source {
    pub fn open(&self) -> Result<(RealObjects, Option<u128>)> {
        let cluster = match &self.cluster {
            None => None,
            Some(text) => Some(parse_cluster(text).ok_or_else(|| {
                let message = format!("\"{text}\" is no number of a cluster: expected 32 hexadecimal digits");
                Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
            })?),
        };
        Ok((RealObjects::open(&self.from, false)?, cluster))
    }
}

#[derive(Args)]
pub struct Restore {
    #[command(flatten)]
    source: Source,
    /// The new data directory; it must be empty, or not there.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Up to this time: '2026-01-31 12:00:00+00'; without a zone it is UTC.
    #[arg(long, value_name = "TIME", conflicts_with_all = ["lsn", "restore_point"])]
    time: Option<String>,
    /// Up to this position of the log: 0/1A2B3C4D.
    #[arg(long, value_name = "LSN", conflicts_with = "restore_point")]
    lsn: Option<String>,
    /// Up to the first restore point of this name (pg_create_restore_point).
    #[arg(long, value_name = "NAME")]
    restore_point: Option<String>,
    /// On this timeline; the newest, unless told otherwise.
    #[arg(long, value_name = "NUMBER")]
    timeline: Option<u32>,
}

impl Restore {
    fn target(&self) -> Result<Target> {
        Ok(match (&self.time, &self.lsn, &self.restore_point) {
            (Some(time), ..) => Target::Time(parse_time(time)?),
            (_, Some(lsn), _) => Target::Lsn(parse_lsn(lsn)?),
            (_, _, Some(name)) => Target::RestorePoint(name.clone()),
            _ => Target::Latest,
        })
    }
}

fn parse_time(text: &str) -> Result<u64> {
    let ty = SqlType::of(oid::TIMESTAMPTZ);
    let Datum::Int8(us) = datetime::parse(ty, text, &FormatContext::default())? else {
        return Err(Error::internal("a time is a number"));
    };
    let since_1970 = us.checked_sub(UNIX_EPOCH_US).and_then(|us| u64::try_from(us).ok());
    since_1970
        .ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("nothing can be restored to \"{text}\"")))
}

fn time_text(us: u64) -> String {
    let mut out = Vec::new();
    let since_2000 = (us as i64).saturating_add(UNIX_EPOCH_US);
    datetime::write(&mut out, SqlType::of(oid::TIMESTAMPTZ), DatumRef::Int8(since_2000), &FormatContext::default());
    String::from_utf8_lossy(&out).into_owned()
}

pub fn backup(server: &str) -> Result<ExitCode> {
    let strange = || Error::internal("the server's answer is not what was expected");
    let answer = ask(&replication::Target::parse(server)?, "SELECT headwater_backup()")?.ok_or_else(strange)?;
    let answer: serde_json::Value = serde_json::from_str(&answer).map_err(|_| strange())?;
    let number = |name: &str| answer.get(name).and_then(serde_json::Value::as_u64).ok_or_else(strange);
    let text = |name: &str| answer.get(name).and_then(serde_json::Value::as_str).ok_or_else(strange);
    println!("id              {}", text("id")?);
    println!("lsn             {}", text("lsn")?);
    if answer.get("new") == Some(&serde_json::Value::Bool(false)) {
        println!("nothing has changed since it was taken");
        return Ok(ExitCode::SUCCESS);
    }
    println!("bytes uploaded  {}", number("bytes_uploaded")?);
    println!("pages total     {}", number("pages")?);
    println!("pages changed   {}", number("pages_changed")?);
    Ok(ExitCode::SUCCESS)
}

/// Deletes a snapshot that was taken on demand.
pub fn delete(server: &str, id: &str) -> Result<ExitCode> {
    // What is no id goes no further, so that nothing of it is taken for SQL.
    let lsn = parse_id(id)?;
    ask(&replication::Target::parse(server)?, &format!("SELECT headwater_delete_backup('{:016x}')", lsn.0))?;
    println!("deleted {id}");
    Ok(ExitCode::SUCCESS)
}

pub fn backups(source: &Source) -> Result<ExitCode> {
    let (store, cluster) = source.open()?;
    let mut whole = true;
    for Listed { layout, state, snapshots } in backup::list(&store, cluster)? {
        println!("cluster {}, timeline {}", cluster_name(layout.identity.cluster), layout.identity.timeline);
        println!(
            "{:<16}  {:<14}  {:<32}  {:<9}  {:>9}  {:>9}  {:>14}",
            "id", "lsn", "time", "taken", "pages", "changed", "bytes uploaded"
        );
        for snapshot in snapshots {
            match snapshot {
                Ok(m) => println!(
                    "{:<16}  {:<14}  {:<32}  {:<9}  {:>9}  {:>9}  {:>14}",
                    m.name(),
                    m.id().to_string(),
                    time_text(m.time_us),
                    if m.on_demand { "on demand" } else { "by itself" },
                    m.pages,
                    m.pages_uploaded,
                    m.bytes_uploaded
                ),
                Err(why) => {
                    whole = false;
                    println!("{why}");
                }
            }
        }
        match state {
            Some(state) => {
                println!("log from {} to {}, complete up to {}", state.log_from, state.log_to, time_text(state.time_us))
            }
            None => {
                whole = false;
                println!("object \"{}\" is missing or damaged", layout.state());
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub fn restore(command: &Restore) -> Result<ExitCode> {
    let target = command.target()?;
    let (store, cluster) = command.source.open()?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&command.to)?);
    let mut progress = |line: String| println!("{line}");
    let origin = Origin { cluster, timeline: command.timeline };
    let restored = session::restore(&store, disk, &RealEntropy, origin, &target, &mut progress);
    let Restored { pages, lsn, time_us, cluster, .. } = restored.map_err(|e| super::in_directory(&command.to, e))?;
    let time = time_us.map_or(String::new(), |us| format!(", {}", time_text(us)));
    println!("restored to {lsn}{time}: {pages} pages and the log behind them, as cluster {}", cluster_name(cluster));
    println!("start it with: headwater serve --data {}", command.to.display());
    Ok(ExitCode::SUCCESS)
}

pub fn verify(source: &Source) -> Result<ExitCode> {
    let (store, cluster) = source.open()?;
    let mut findings = 0;
    let mut report = |finding: Finding| match finding {
        Finding::Damage(e) => {
            findings += 1;
            println!("{}: {}", e.code(), super::one_line(&e));
        }
        Finding::Note(note) => println!("note: {note}"),
    };
    let BackupCheck { snapshots, objects, bytes, log_records } = backup::verify(&store, cluster, &mut report)?;
    if findings > 0 {
        println!("verify-backup: {findings} {}", if findings == 1 { "finding" } else { "findings" });
        return Ok(ExitCode::FAILURE);
    }
    println!(
        "verify-backup: {snapshots} snapshots, {log_records} log records, {objects} objects of {bytes} bytes in {}; no damage \
         found",
        store.name()
    );
    Ok(ExitCode::SUCCESS)
}
