//! The command line. `headwater serve` runs a node until SIGTERM or SIGINT.

mod config;

use clap::{Parser, Subcommand};
use config::{Config, Options};
use headwater::base::{Error, Result};
use headwater::io::{RealClock, RealDisk, RealEntropy};
use headwater::server;
use headwater::session::Database;
use std::path::PathBuf;
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
        /// A configuration file; config/headwater.toml lists every setting.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Sets one setting; may be repeated.
        #[arg(short = 'c', value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
}

fn main() -> ExitCode {
    let Command::Serve { data, listen, config, settings } = Cli::parse().command;
    let options = Options { data, listen, config, settings };
    match config::load(&options).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
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

fn serve(config: Config) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HEADWATER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(512).build()?;
    runtime.block_on(run(config))
}

async fn run(mut config: Config) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = server::bind(config.listen)?;
    let address = listener.local_addr()?;
    config.defaults.fix("port", &address.port().to_string());
    let disk = Arc::new(RealDisk::open(&config.data)?);
    let database = Database::open(disk, Arc::new(RealClock::new()), Arc::new(RealEntropy), config.defaults);
    let database = database.map_err(|mut e| {
        e.fields_mut().message = format!("data directory {}: {}", config.data.display(), e.message());
        e
    })?;
    tracing::info!(data = %config.data.display(), %address, "ready");
    println!("headwater is ready: psql -h {} -p {} -U postgres", address.ip(), address.port());
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("stopping on SIGTERM"),
            _ = interrupt.recv() => tracing::info!("stopping on SIGINT"),
        }
    };
    server::run(listener, database.clone(), stop, GRACE).await;
    database.close()?;
    tracing::info!("stopped");
    Ok(())
}
