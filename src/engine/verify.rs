//! Checks the files of a stopped engine, and changes none.
//!
//! 1. The data file, byte by byte, and the trees of its newest checkpoint.
//! 2. The log, byte by byte, from its first segment on.
//! 3. What recovery makes of both: the engine opens on a disk whose changes stay in memory, and checks its trees again.

use super::{CheckpointOptions, Engine, EngineOptions};
use crate::base::{Finding, Report, Result, SqlState};
use crate::io::{Clock, Disk, Entropy, OverlayDisk};
use crate::storage::PagedStore;
use crate::wal;
use std::cell::Cell;
use std::sync::Arc;

/// More memory for pages than this is of use only for what does not fit.
const BUFFER_BYTES_MIN: u64 = 16 << 20;

/// What a check has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineCheck {
    pub pages: u64,
    pub trees: usize,
    pub log_records: u64,
}

impl Engine {
    /// Checks a stopped engine's files. The caller holds their folder's lock.
    ///
    /// Errors: those of the disk, 0A000 when a newer version wrote the files; damage is reported.
    pub fn check(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        mut options: EngineOptions,
        report: Report<'_>,
    ) -> Result<EngineCheck> {
        let damaged = Cell::new(false);
        let mut report = |finding: Finding| {
            damaged.set(damaged.get() | finding.is_damage());
            report(finding);
        };
        options.fit_memory(&*disk)?;
        let overlay: Arc<dyn Disk> = Arc::new(OverlayDisk::new(disk.clone()));
        let store = PagedStore::check(&overlay, || options.paged(&overlay), &mut report)?; // 1
        let log = wal::verify(&disk, &options.wal_dir, options.wal.cluster, store.lsn, &mut report)?; // 2
        let mut check = EngineCheck { pages: store.pages, trees: store.trees, log_records: log.records };
        // What is known to be damaged would only be found again.
        if damaged.get() {
            return Ok(check);
        }
        let opened = Engine::open(overlay, clock, entropy, options); // 3
        let recovered = opened.and_then(|engine| {
            check.trees = engine.trees().len();
            engine.verify()
        });
        match recovered {
            Err(e) if e.code() == SqlState::DATA_CORRUPTED => report(Finding::Damage(e.context("after recovery"))),
            other => other?,
        }
        Ok(check)
    }
}

impl EngineOptions {
    /// No thread of its own changes what is checked, and a small data file needs little memory.
    fn fit_memory(&mut self, disk: &dyn Disk) -> Result<()> {
        self.checkpoint = CheckpointOptions { automatic: false, ..self.checkpoint.clone() };
        if disk.exists(super::DATA_FILE)? {
            let bytes = disk.open(super::DATA_FILE)?.len()?;
            self.buffer_bytes = self.buffer_bytes.min(bytes.saturating_mul(2).max(BUFFER_BYTES_MIN));
        }
        Ok(())
    }
}
