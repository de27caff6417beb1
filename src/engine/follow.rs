//! Following another node's log: its records, once they are in the log here, are applied in order while readers read.
//!
//! One thread calls [`Follower::step`]. What it applies is durable here, so a crash takes nothing back that was read. The
//! trees keep older states for open snapshots, as they do for commits of this node's own.

use super::Engine;
use super::replay::{Meaning, Replay, as_damage};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::Entropy;
use crate::storage::Batch;
use crate::storage::batch::{KIND_BATCH, KIND_END};
use crate::wal::{Reader, Wal};
use std::sync::Arc;
use std::time::Duration;

/// Told of each transaction, right before it becomes visible.
pub type OnCommit<'a> = &'a mut dyn FnMut(&[Batch], Lsn) -> Result<()>;

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    pub lsn: Lsn,
    /// When the record was written where it comes from, microseconds since 1970.
    pub time_us: u64,
    /// It ended a transaction.
    pub commit: bool,
}

pub struct Follower {
    engine: Arc<Engine>,
    reader: Reader,
    replay: Replay,
}

impl Engine {
    /// The one that applies, behind what was applied when the engine was opened. XX000 unless it was opened to follow, and
    /// for the second one.
    pub fn follower(self: &Arc<Self>) -> Result<Follower> {
        let replay = self.following.lock().take().ok_or_else(|| Error::internal("nothing is left to follow"))?;
        let reader = self.wal.read_from(self.transactions.applied())?;
        Ok(Follower { engine: self.clone(), reader, replay })
    }

    /// Whether this node copies another's log, so that nobody writes here.
    pub fn follows(&self) -> bool {
        self.transactions.follows()
    }

    /// From now on this node writes a log of its own, on a new timeline. The follower has applied all that the log holds,
    /// and is gone. Answers where the timeline begins.
    pub fn lead(&self, timeline: u32, entropy: &dyn Entropy) -> Result<Lsn> {
        let appended = self.wal.appended();
        if self.applied() != appended {
            return Err(Error::internal(format!("the log ends at {appended} and is applied up to {}", self.applied())));
        }
        let start = self.wal.begin_timeline(timeline, entropy)?;
        self.transactions.lead(self.wal.appended());
        Ok(start)
    }
}

impl Follower {
    /// The log here.
    pub fn wal(&self) -> &Arc<Wal> {
        &self.engine.wal
    }

    /// Applies the next record; none when all that is durable here has been applied.
    ///
    /// Errors are final. On a full disk it waits.
    pub fn step(&mut self, on_commit: OnCommit<'_>) -> Result<Option<Applied>> {
        let transactions = &self.engine.transactions;
        let Some(record) = self.reader.next_record()? else { return Ok(None) };
        let applied =
            Applied { lsn: record.lsn, time_us: record.time_us, commit: matches!(record.kind, KIND_BATCH | KIND_END) };
        let context = |e: Error| e.context(format!("while applying the log record that ends at {}", applied.lsn));
        let batches = match self.replay.take(&record).map_err(context)? {
            Meaning::Nothing => {
                transactions.pass(applied.lsn, self.replay.is_open());
                return Ok(Some(applied));
            }
            Meaning::Transaction(changes) => vec![decode(changes).map_err(context)?],
            Meaning::Parts(parts) => {
                parts.iter().map(|changes| decode(changes)).collect::<Result<_>>().map_err(context)?
            }
        };
        loop {
            match transactions.replay(&batches, applied.lsn, on_commit) {
                Ok(()) => return Ok(Some(applied)),
                Err(e) if e.code() == SqlState::DISK_FULL => {
                    tracing::warn!("applying the log waits for space on the disk: {e}");
                    std::thread::sleep(FULL_PAUSE);
                }
                Err(e) => return Err(transactions.fail(context(as_damage(e)))),
            }
        }
    }

    /// Waits until there is something to apply, for so long at most.
    pub fn wait(&self, time: Duration) -> Result<bool> {
        self.engine.wal.wait_at_most(Lsn(self.reader.position().0 + 1), time)
    }
}

fn decode(changes: &[u8]) -> Result<Batch> {
    let mut batch = Batch::default();
    batch.push_part(changes)?;
    Ok(batch)
}

/// How long to wait for room on a full disk.
const FULL_PAUSE: Duration = Duration::from_secs(1);
