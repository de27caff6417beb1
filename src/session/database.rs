//! What all sessions of a node share: the engine, the catalog, cached plans, the list of sessions.

use super::backend::{Backends, Interrupt};
use super::plans::PlanCache;
use super::settings::Defaults;
use crate::backup::{BackupOptions, Backups, Schedule, Window};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::catalog::CatalogStore;
use crate::engine::{CheckpointOptions, Engine, EngineOptions, settle_format};
use crate::executor::TempSpace;
use crate::io::{self, Clock, Disk, DiskLock, Entropy, RealObjects};
use crate::planner::definitions::Definitions;
use crate::replication::{self, Replication, ReplicationOptions, StandbyNames};
use crate::table::Tables;
use crate::txn::TxnOptions;
use crate::types::datetime::calendar::UNIX_EPOCH_US;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a machine of any size gives.
const BUFFER_BYTES_MIN: u64 = 64 << 20;

/// An open node.
pub struct Database {
    pub engine: Arc<Engine>,
    pub catalog: Arc<CatalogStore>,
    pub tables: Arc<Tables>,
    pub definitions: Arc<Definitions>,
    /// Those that follow this node, and the one that it follows.
    pub replication: Arc<Replication>,
    /// Where sorts and hash tables spill.
    pub temp: Arc<TempSpace>,
    pub plans: PlanCache,
    pub backends: Backends,
    pub defaults: Defaults,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// When it was opened, microseconds since 2000-01-01 UTC.
    pub start_us: i64,
    /// Archiving and snapshots, if the settings name a store.
    backups: OnceLock<Arc<Backups>>,
    stopping: AtomicBool,
    _lock: DiskLock,
}

impl Database {
    /// Opens a data directory, creating what is not there.
    ///
    /// Errors: 55006 when another process has it open, 58P01-class for a directory of a newer format, 55000 for a replica's,
    /// 58030 from the disk.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        defaults: Defaults,
    ) -> Result<Arc<Database>> {
        Database::open_as(false, disk, clock, entropy, defaults)
    }

    /// Opens a directory that [`replication::prepare`] has made a replica's. [`Replication::follow`] is to follow.
    pub fn open_replica(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        defaults: Defaults,
    ) -> Result<Arc<Database>> {
        Database::open_as(true, disk, clock, entropy, defaults)
    }

    fn open_as(
        follows: bool,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        defaults: Defaults,
    ) -> Result<Arc<Database>> {
        let lock = disk.lock("")?;
        settle_format(&*disk)?;
        replication::files::settle_promotion(&disk)?;
        if !follows && replication::files::read_marker(&*disk)?.is_some() {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                "it is a replica's, and its log another server's",
            )
            .hint("Start it with --replica-of; \"headwater promote\" makes a primary of it then."));
        }
        let temp = TempSpace::new(disk.clone(), "temp")?;
        let options = EngineOptions { follows, ..engine_options(&defaults) };
        let engine = Engine::open(disk.clone(), clock.clone(), &*entropy, options)?;
        let catalog = CatalogStore::open(engine.clone())?;
        let replication = Replication::open(
            disk,
            clock.clone(),
            entropy.clone(),
            engine.clone(),
            catalog.clone(),
            replication_options(&defaults)?,
        )?;
        let tables = Tables::new(catalog.clone());
        let definitions = Definitions::new(tables.clone());
        let start_us = clock.now_us() as i64 + UNIX_EPOCH_US;
        let database = Arc::new(Database {
            engine,
            catalog,
            tables,
            definitions,
            replication,
            temp,
            plans: PlanCache::default(),
            backends: Backends::default(),
            defaults,
            clock,
            entropy,
            start_us,
            backups: OnceLock::new(),
            stopping: AtomicBool::new(false),
            _lock: lock,
        });
        if !follows {
            database.start_backups()?;
        }
        Ok(database)
    }

    /// What a replica leaves until it is a primary, if it is one now.
    pub fn became_primary(&self) -> Result<()> {
        if self.engine.follows() { Ok(()) } else { self.start_backups() }
    }

    /// Begins to archive and to take snapshots, if the settings name a store. For a primary, as soon as it is one: log that
    /// goes before is not archived.
    fn start_backups(&self) -> Result<()> {
        let Some(options) = backup_options(&self.defaults, self.replication.history().forks())? else { return Ok(()) };
        let hold = self.engine.wal().hold(self.engine.wal().oldest()?);
        let (engine, clock, entropy) = (self.engine.clone(), self.clock.clone(), self.entropy.clone());
        let started = Backups::start(engine, clock, entropy, hold, options)?;
        self.backups.set(started).map_err(|_| Error::internal("backups are started once"))
    }

    /// Drops old versions that nobody needs any more. To be called about once a second: commits alone do it only now and
    /// then.
    pub fn purge(&self) {
        self.engine.purge();
    }

    /// Everything acknowledged is on disk already; this makes the rest so and ends the log.
    pub fn close(&self) -> Result<()> {
        self.write_last()?;
        if let Some(backups) = self.backups.get() {
            backups.stop();
        }
        self.engine.close()
    }

    /// 55000 when the settings name no store.
    pub fn backups(&self) -> Result<&Arc<Backups>> {
        self.backups.get().ok_or_else(|| {
            Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "this server keeps no backups")
                .hint("Set \"backup.store\" and restart the server.")
        })
    }

    /// The clock in microseconds since 2000-01-01 UTC.
    pub fn now_us(&self) -> i64 {
        self.clock.now_us() as i64 + UNIX_EPOCH_US
    }

    /// From now on no session begins, and each ends when its transaction does.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Ends the sessions that are between transactions, but not those that send the log.
    pub fn terminate_idle(&self) {
        for backend in self.backends.all() {
            let activity = backend.activity.lock();
            let ends = activity.state == "idle" && !activity.is_sender;
            drop(activity);
            if ends {
                backend.interrupt(Interrupt::Terminate);
            }
        }
    }

    /// How many sessions there are that do not send the log.
    pub fn clients(&self) -> usize {
        self.backends.all().iter().filter(|backend| !backend.activity.lock().is_sender).count()
    }

    /// The last that is written: no session is left that could.
    pub fn write_last(&self) -> Result<()> {
        if self.engine.follows() { Ok(()) } else { self.tables.store_sequences() }
    }
}

/// Memory from the settings, or by default half of the machine's for pages and a twentieth for old versions.
pub(super) fn engine_options(settings: &Defaults) -> EngineOptions {
    let number = |name| settings.get(name).parse::<u64>().expect("the table checks numbers");
    let memory = |name, share: u64| match number(name) {
        0 => (io::memory_bytes() / share).max(BUFFER_BYTES_MIN),
        megabytes => megabytes << 20,
    };
    EngineOptions {
        buffer_bytes: memory("buffer_memory", 2),
        undo_bytes: memory("undo_memory", 20),
        txn: TxnOptions {
            write_set_memory_bytes: memory("write_set_memory", 10),
            table_lock_threshold: number("table_lock_threshold") as u32,
            ..TxnOptions::default()
        },
        checkpoint: CheckpointOptions {
            log_bytes: number("max_wal_size") << 20,
            interval: Duration::from_secs(number("checkpoint_timeout")),
            ..CheckpointOptions::default()
        },
        ..EngineOptions::default()
    }
}

/// None when no store is named.
fn backup_options(settings: &Defaults, forks: Vec<(u32, Lsn)>) -> Result<Option<BackupOptions>> {
    let number = |name| settings.get(name).parse::<u64>().expect("the table checks numbers");
    let url = settings.get("backup.store");
    if url.is_empty() {
        return Ok(None);
    }
    let store = RealObjects::open(url, true).map_err(|e| in_setting("backup.store", e))?;
    let unless_zero = |n: u64, seconds: u64| (n > 0).then(|| Duration::from_secs(n * seconds));
    let schedule = match settings.get("backup.window") {
        "" => unless_zero(number("backup.snapshot_interval"), 60).map_or(Schedule::Never, Schedule::Every),
        window => Schedule::Daily(Window::parse(window).map_err(|e| in_setting("backup.window", e))?),
    };
    Ok(Some(BackupOptions {
        store: Arc::new(store),
        archive_interval: Duration::from_secs(number("backup.archive_interval")),
        schedule,
        retention: unless_zero(number("backup.retention"), 86_400),
        snapshot_rate: number("backup.snapshot_rate") << 20,
        log_keep_bytes: number("backup.log_keep_size") << 20,
        forks,
    }))
}

fn in_setting(name: &str, mut e: Error) -> Error {
    e.fields_mut().message = format!("setting \"{name}\": {}", e.message());
    e
}

fn replication_options(settings: &Defaults) -> Result<ReplicationOptions> {
    let number = |name| settings.get(name).parse::<i64>().expect("the table checks numbers");
    let keep = u64::try_from(number("max_slot_wal_keep_size")).ok();
    Ok(ReplicationOptions {
        slot_keep: keep.map(|megabytes| megabytes << 20),
        slots_most: number("max_replication_slots") as usize,
        wait_for: StandbyNames::parse(settings.get("synchronous_standby_names"))?,
    })
}
