//! Recovery: the log's records after the newest checkpoint, in order, applied to the trees. Redo only: the log holds nothing that must be undone.
//!
//! Nobody reads the trees before the end, so the changes of many transactions are applied at once, sorted (`gather.rs`),
//! and while one thread reads and sorts, another applies.

use super::gather::Gathered;
use super::replay::{Meaning, Replay, as_damage};
use crate::base::{Error, Lsn, Result, TreeId};
use crate::io::Clock;
use crate::storage::batch::{Encoder, for_each_op};
use crate::storage::{Batch, History, Op, Store};
use crate::wal::Record;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

/// How often a long recovery says where it is.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// How many parts may wait to be applied.
pub(super) const PARTS_AHEAD: usize = 64;

/// Changes, and the position in the log up to which the trees have them then.
pub(super) type Work = (Batch, Lsn);

/// What the log ends with: the parts of a transaction that may go on.
pub(super) struct Unfinished {
    pub replay: Replay,
    pub parts: Vec<Vec<u8>>,
}

/// The side that reads the log.
pub(super) struct Recovery<'a> {
    applier: SyncSender<Work>,
    clock: &'a dyn Clock,
    replay: Replay,
    /// The changes of the open transaction, by part.
    parts: Vec<Vec<u8>>,
    /// Not yet applied, up to this position.
    gathered: Gathered,
    end: Lsn,
    next_tree: u32,
    begun: Duration,
    reported: Duration,
    records: u64,
}

impl<'a> Recovery<'a> {
    /// Into a store whose trees have ids below `next_tree`.
    pub(super) fn new(applier: SyncSender<Work>, next_tree: TreeId, clock: &'a dyn Clock) -> Recovery<'a> {
        let now = clock.monotonic();
        Recovery {
            applier,
            clock,
            replay: Replay::default(),
            parts: Vec::new(),
            gathered: Gathered::default(),
            end: Lsn::ZERO,
            next_tree: next_tree.0.max(1),
            begun: now,
            reported: now,
            records: 0,
        }
    }

    pub(super) fn replay(&mut self, record: &Record<'_>) -> Result<()> {
        self.report(record.lsn);
        self.take_record(record)
            .map_err(|e| e.context(format!("while replaying the log record that ends at {}", record.lsn)))
    }

    /// Says once a second where it is, if it takes that long.
    fn report(&mut self, lsn: Lsn) {
        self.records += 1;
        // The clock is looked at now and then only.
        if !self.records.is_multiple_of(256) {
            return;
        }
        let now = self.clock.monotonic();
        if now.saturating_sub(self.reported) >= REPORT_INTERVAL {
            self.reported = now;
            let elapsed = now.saturating_sub(self.begun);
            tracing::info!(%lsn, records = self.records, ?elapsed, "recovering from the log");
        }
    }

    fn take_record(&mut self, record: &Record<'_>) -> Result<()> {
        self.end = record.lsn;
        match self.replay.take(record)? {
            Meaning::Nothing => Ok(()),
            Meaning::Transaction(changes) => self.take(changes),
            Meaning::Part { first, changes } => {
                if first {
                    self.parts.clear();
                }
                self.parts.push(changes.to_vec());
                Ok(())
            }
            Meaning::End => std::mem::take(&mut self.parts).iter().try_for_each(|changes| self.take(changes)),
            Meaning::Left => {
                self.parts = Vec::new();
                Ok(())
            }
        }
    }

    /// Takes the changes of a transaction, or of a part of one: those of trees are applied at once.
    fn take(&mut self, changes: &[u8]) -> Result<()> {
        for_each_op(changes, |op| {
            if self.gathered.is_full() {
                self.hand_over_gathered()?;
            }
            if self.gathered.take(op) {
                return Ok(());
            }
            if let Op::NewTree(tree) = op {
                self.next_tree = self.next_tree.max(tree.0.saturating_add(1));
            }
            self.hand_over_gathered()?;
            let mut alone = Encoder::new();
            alone.push(op);
            self.hand_over(alone.finish())
        })
    }

    fn hand_over_gathered(&mut self) -> Result<()> {
        let mut gathered = std::mem::take(&mut self.gathered);
        gathered.hand_over(|batch| self.hand_over(batch))?;
        self.gathered = gathered;
        Ok(())
    }

    /// An error only when the other side has one, which counts.
    fn hand_over(&self, batch: Batch) -> Result<()> {
        let sent = self.applier.send((batch, self.end));
        sent.map_err(|_| Error::internal("the log's changes can no longer be applied"))
    }

    /// Hands over what is left. Answers the first tree id that was never used, and what the records that come after go on
    /// with.
    pub(super) fn finish(mut self) -> Result<(TreeId, Unfinished)> {
        self.hand_over_gathered()?;
        Ok((TreeId(self.next_tree), Unfinished { replay: self.replay, parts: self.parts }))
    }
}

/// The side that applies, until the other one has ended.
pub(super) fn apply_all(store: &dyn Store, work: Receiver<Work>) -> Result<()> {
    let apply = |batch: &Batch, lsn| {
        store.prepare(batch).map_err(as_damage)?;
        store.apply(batch, lsn, History::Forget)
    };
    let mut next = None;
    while let Some((batch, lsn)) = next.take().or_else(|| work.recv().ok()) {
        next = work.try_recv().ok();
        // What it needs from the disk comes while this one is applied.
        let ahead = next.as_ref().map_or(Ok(()), |(batch, _)| store.prefetch(batch));
        let applied = ahead.and_then(|()| apply(&batch, lsn));
        applied.map_err(|e| e.context(format!("while applying the log up to {lsn}")))?;
    }
    Ok(())
}
