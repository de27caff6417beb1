//! The command line. `headwater serve` runs a node until SIGTERM or SIGINT; `headwater verify` checks the data of one that
//! is stopped.

mod backup_commands;
mod config;
mod export_command;

use clap::{Parser, Subcommand};
use config::{Config, Options};
use headwater::base::{Error, Finding, Result};
use headwater::engine::EngineCheck;
use headwater::io::{Disk, RealClock, RealDisk, RealEntropy};
use headwater::replication::client::Client;
use headwater::replication::{self, Target};
use headwater::server;
use headwater::session::{self, Database};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static GLOBAL: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long transactions in flight may take to finish after a signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A PostgreSQL-wire relational database in one binary.
#[derive(Parser)]
#[command(name = "headwater", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a database; its data directory is created on the first start.
    Serve {
        /// Where the data is kept.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Where clients connect.
        #[arg(long, value_name = "HOST:PORT")]
        listen: Option<String>,
        /// Follows the primary there: copies it into an empty data directory, then its log as it grows, and serves reads.
        #[arg(long, value_name = "URL")]
        replica_of: Option<String>,
        /// A configuration file; config/headwater.toml lists every setting.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Sets one setting; may be repeated.
        #[arg(short = 'c', value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
    /// Makes a primary of a running replica.
    Promote {
        /// Where the replica is: postgresql://HOST:PORT.
        #[arg(long, value_name = "URL")]
        server: String,
    },
    /// Checks every byte of a stopped database and changes nothing: one line for each finding, and exit status 1 when
    /// anything is damaged.
    Verify {
        /// Where the data is kept.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// The server's configuration file.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Takes a snapshot of a running server now, and waits until it and the log are in its store.
    Backup {
        /// Where the server is: postgresql://HOST:PORT.
        #[arg(long, value_name = "URL")]
        server: String,
    },
    /// Deletes a snapshot that was taken on demand; the others go by themselves.
    DeleteBackup {
        /// Where the server is: postgresql://HOST:PORT.
        #[arg(long, value_name = "URL")]
        server: String,
        /// The snapshot, by the id that "headwater backups" lists.
        #[arg(long, value_name = "ID")]
        backup: String,
    },
    /// Lists the snapshots in a store of backups.
    Backups(backup_commands::Source),
    /// Makes a data directory out of a backup, as the database was at a moment: the latest, unless told otherwise.
    Restore(backup_commands::Restore),
    /// Reads all backups in a store to the last byte, and changes nothing: one line for each finding, and exit status 1 when
    /// anything is damaged or missing.
    VerifyBackup(backup_commands::Source),
    /// Writes the tables of a snapshot as Parquet files, schema.table.parquet: one line for each, and exit status 1 when a
    /// table holds what Parquet has no place for.
    Export(export_command::Export),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve { data, listen, replica_of, config, settings } => {
            let options = Options { data, listen, config, replica_of, settings };
            config::load(&options).and_then(serve).map(|()| ExitCode::SUCCESS)
        }
        Command::Promote { server } => promote(&server).map(|()| ExitCode::SUCCESS),
        Command::Verify { data, config } => {
            config::load(&Options { data, config, ..Options::default() }).and_then(|config| verify(&config))
        }
        Command::Backup { server } => backup_commands::backup(&server),
        Command::DeleteBackup { server, backup } => backup_commands::delete(&server, &backup),
        Command::Backups(source) => backup_commands::backups(&source),
        Command::Restore(command) => backup_commands::restore(&command),
        Command::VerifyBackup(source) => backup_commands::verify(&source),
        Command::Export(command) => export_command::export(&command),
    };
    match done {
        Ok(status) => status,
        Err(e) => {
            eprintln!("headwater: {}", one_line(&e));
            ExitCode::FAILURE
        }
    }
}

fn one_line(e: &Error) -> String {
    let mut text = e.message().replace('\n', " ");
    if let Some(hint) = &e.fields().hint {
        text = format!("{text} ({hint})");
    }
    text
}

fn in_directory(data: &Path, mut e: Error) -> Error {
    e.fields_mut().message = format!("data directory {}: {}", data.display(), e.message());
    e
}

fn verify(config: &Config) -> Result<ExitCode> {
    let disk = Arc::new(RealDisk::open_read_only(&config.data)?);
    let mut findings = 0;
    let mut report = |finding: Finding| match finding {
        Finding::Damage(e) => {
            findings += 1;
            println!("{}: {}", e.code(), one_line(&e));
        }
        Finding::Note(note) => println!("note: {note}"),
    };
    let checked = session::verify(disk, Arc::new(RealClock::new()), &RealEntropy, &config.defaults, &mut report);
    let EngineCheck { pages, trees, log_records } = checked.map_err(|e| in_directory(&config.data, e))?;
    if findings > 0 {
        println!("verify: {findings} {}", if findings == 1 { "finding" } else { "findings" });
        return Ok(ExitCode::FAILURE);
    }
    println!("verify: {pages} pages, {trees} trees, {log_records} log records checked; no damage found");
    Ok(ExitCode::SUCCESS)
}

fn serve(config: Config) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEADWATER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(512).build()?;
    runtime.block_on(run(config))
}

/// Runs what talks to a server.
fn block_on<T>(talk: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(talk)
}

/// The first value that a running server answers a command with.
fn ask(target: &Target, sql: &str) -> Result<Option<String>> {
    block_on(Client::ask(target, sql))
}

/// Asks a replica to become a primary, waits until it is one, and says where its timeline begins: what the old primary has
/// after that is lost.
fn promote(server: &str) -> Result<()> {
    let target = Target::parse(server)?;
    match ask(&target, "SELECT pg_promote()")?.as_deref() {
        Some("t") => {
            match block_on(replication::newest_timeline(&target))? {
                (timeline, Some(start)) => {
                    println!("promoted: {target} is a primary now, on timeline {timeline} from {start} on");
                }
                (_, None) => println!("promoted: {target} is a primary now"),
            }
            Ok(())
        }
        _ => Err(Error::internal(format!("{target} was asked, and is no primary yet"))),
    }
}

async fn run(mut config: Config) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = server::bind(config.listen)?;
    let address = listener.local_addr()?;
    config.defaults.fix("port", &address.port().to_string());
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&config.data)?);
    let (clock, entropy) = (Arc::new(RealClock::new()), Arc::new(RealEntropy));
    let database = match &config.replica_of {
        None => Database::open(disk, clock, entropy, config.defaults),
        Some(primary) => {
            let elsewhere = session::replica_base(&config.defaults)?;
            let stop = async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            tokio::select! {
                prepared = replication::prepare(disk.clone(), &*entropy, primary, elsewhere) => {
                    prepared.map_err(|e| in_directory(&config.data, e))?;
                }
                () = stop => return Ok(()),
            }
            Database::open_replica(disk, clock, entropy, config.defaults)
        }
    };
    let database = database.map_err(|e| in_directory(&config.data, e))?;
    let following = config.replica_of.map(|primary| {
        let database = database.clone();
        tokio::spawn(async move {
            database.replication.clone().follow(primary).await?;
            database.became_primary()
        })
    });
    tracing::info!(data = %config.data.display(), %address, "ready");
    println!("headwater is ready: psql -h {} -p {} -U postgres", address.ip(), address.port());
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("stopping on SIGTERM"),
            _ = interrupt.recv() => tracing::info!("stopping on SIGINT"),
        }
    };
    server::run(listener, database.clone(), stop, GRACE).await;
    database.replication.stop();
    if let Some(following) = following {
        following.await.map_err(|e| Error::internal(e.to_string()))??;
    }
    database.close()?;
    tracing::info!("stopped");
    Ok(())
}
