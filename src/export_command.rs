//! The command `export`: the tables of a snapshot as Parquet files. The snapshot is restored beside the files, into a folder
//! that is removed in the end.

use crate::backup_commands::Source;
use clap::Args;
use headwater::backup::{self, Origin, Target, cluster_name};
use headwater::base::{Error, Lsn, Result, SqlState};
use headwater::io::{Disk, ObjectStore, RealClock, RealDisk, RealEntropy};
use headwater::session::settings::Defaults;
use headwater::session::{self, Database, ExportedTable};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Where the snapshot is restored, below the folder of the files.
const SCRATCH: &str = ".restored";
/// For pages, in megabytes: each is read once.
const BUFFER_MEMORY: &str = "256";

#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    source: Source,
    /// The snapshot, by the id that "headwater backups" lists.
    #[arg(long, value_name = "ID")]
    backup: String,
    /// Where the files go; it must be empty, or not there.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The database whose tables are exported.
    #[arg(long, value_name = "NAME", default_value = "postgres")]
    database: String,
}

pub fn export(command: &Export) -> Result<ExitCode> {
    let (store, cluster) = command.source.open()?;
    let (origin, snapshot) = find(&store, cluster, &command.backup)?;
    let folder = std::path::absolute(&command.to)?;
    let Some(path) = folder.to_str() else {
        let message = format!("the name of folder {} is not UTF-8", folder.display());
        return Err(Error::new(SqlState::INVALID_NAME, message));
    };
    let files = RealDisk::open(&folder)?;
    if !files.list("")?.is_empty() {
        let message = format!("folder {path} is not empty");
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    }
    let exported = RealDisk::open(folder.join(SCRATCH)).and_then(|scratch| {
        let scratch: Arc<dyn Disk> = Arc::new(scratch);
        let mut progress = |line: String| println!("{line}");
        session::restore(&store, scratch.clone(), &RealEntropy, origin, &Target::Lsn(snapshot), &mut progress)?;
        export_restored(scratch, &files, path, &command.database)
    });
    files.remove_dir(SCRATCH)?;
    exported
}

/// The cluster and the position of a snapshot.
///
/// Errors: 42704 when there is none, 42P08 when several clusters have one.
fn find(store: &dyn ObjectStore, cluster: Option<u128>, id: &str) -> Result<(Origin, Lsn)> {
    let listed = backup::list(store, cluster)?;
    let mut found = Vec::new();
    for of_timeline in &listed {
        let named = of_timeline.snapshots.iter().flatten().find(|snapshot| snapshot.name() == id);
        found.extend(named.map(|snapshot| (of_timeline.layout.identity, snapshot.id())));
    }
    let Some((identity, lsn)) = found.pop() else {
        let message = format!("there is no snapshot \"{id}\" in {}", store.name());
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).hint("\"headwater backups\" lists what there is."));
    };
    if let Some((other, _)) = found.iter().find(|(other, _)| other.cluster != identity.cluster) {
        let names = [cluster_name(other.cluster), cluster_name(identity.cluster)];
        let message = format!("several databases in {} have a snapshot \"{id}\"", store.name());
        return Err(Error::new(SqlState::AMBIGUOUS_PARAMETER, message)
            .hint(format!("Say which with --cluster: {}.", names.join(", "))));
    }
    Ok((Origin { cluster: Some(identity.cluster), timeline: Some(identity.timeline) }, lsn))
}

fn export_restored(disk: Arc<dyn Disk>, files: &RealDisk, path: &str, name: &str) -> Result<ExitCode> {
    let mut defaults = Defaults::default();
    defaults.fix("buffer_memory", BUFFER_MEMORY);
    let database = Database::open(disk, Arc::new(RealClock::new()), Arc::new(RealEntropy), defaults)?;
    let (mut written, mut failed) = (0, Vec::new());
    let mut each = |table: &ExportedTable, copied: Result<u64>| match copied {
        Ok(rows) => {
            written += 1;
            println!("{}: {rows} rows", table.file);
        }
        Err(e) => {
            eprintln!("{}.{} is not exported: {}", table.schema, table.name, crate::one_line(&e));
            failed.push(table.file.clone());
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(session::export(&database, name, path, &mut each));
    let others = session::databases_with_tables(&database);
    database.close()?;
    done?;
    for file in &failed {
        if files.exists(file)? {
            files.remove(file)?;
        }
    }
    for other in others?.iter().filter(|other| *other != name) {
        println!("note: the tables of database \"{other}\" are not among them; --database {other} exports those");
    }
    println!("export: {written} tables of database \"{name}\" in {path}");
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
