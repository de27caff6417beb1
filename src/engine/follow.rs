//! Following another node's log: its records, once they are in the log here, are applied in order while readers read.
//!
//! One thread calls [`Follower::step`]. What it applies is durable here, so a crash takes nothing back that was read. The
//! trees keep older states for open snapshots, as they do for commits of this node's own. A transaction in parts goes into
//! the trees part by part, so that its end takes no longer than another's.

use super::Engine;
use super::recovery::Unfinished;
use super::replay::{Meaning, Replay, as_damage};
use crate::base::{Error, Lsn, Result, SqlState, TreeId};
use crate::io::Entropy;
use crate::storage::batch::{Encoder, KIND_BATCH, KIND_END};
use crate::storage::{Batch, Op};
use crate::txn::{Incoming, Transactions};
use crate::wal::{Reader, Wal};
use std::sync::Arc;
use std::time::Duration;

/// Told of each transaction, right before it becomes visible: its changes, and its LSN. Of those of one in parts only the ones
/// of the tree that is watched.
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
    /// The parts of a transaction that the log ended with when it was opened.
    unfinished: Vec<Vec<u8>>,
    coming: Coming,
    watched: Option<TreeId>,
}

impl Engine {
    /// The one that applies, behind what was applied when the engine was opened. XX000 unless it was opened to follow, and
    /// for the second one.
    pub fn follower(self: &Arc<Self>) -> Result<Follower> {
        let unfinished = self.following.lock().take().ok_or_else(|| Error::internal("nothing is left to follow"))?;
        let reader = self.wal.read_from(self.transactions.applied())?;
        let Unfinished { replay, parts } = unfinished;
        let coming = Coming::default();
        Ok(Follower { engine: self.clone(), reader, replay, unfinished: parts, coming, watched: None })
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
    /// Of transactions in parts only the changes of this tree are kept for those who are told of them.
    pub fn watching(mut self, tree: TreeId) -> Follower {
        self.watched = Some(tree);
        self
    }

    /// The log here.
    pub fn wal(&self) -> &Arc<Wal> {
        &self.engine.wal
    }

    /// Applies the next record; none when all that is durable here has been applied.
    ///
    /// Errors are final. On a full disk it waits.
    pub fn step(&mut self, on_commit: OnCommit<'_>) -> Result<Option<Applied>> {
        self.take_unfinished()?;
        let engine = &*self.engine;
        let transactions = &engine.transactions;
        let Some(record) = self.reader.next_record()? else { return Ok(None) };
        let lsn = record.lsn;
        let applied = Applied { lsn, time_us: record.time_us, commit: matches!(record.kind, KIND_BATCH | KIND_END) };
        let context = |e: Error| e.context(format!("while applying the log record that ends at {lsn}"));
        let done = match self.replay.take(&record).map_err(context)? {
            Meaning::Nothing => {
                transactions.pass(lsn, self.replay.is_open());
                Ok(())
            }
            Meaning::Transaction(changes) => {
                let batch = decode(changes).map_err(context)?;
                let all = std::slice::from_ref(&batch);
                patiently(|| transactions.replay(&batch, lsn, &mut |lsn| on_commit(all, lsn)))
            }
            Meaning::Part { first, changes } => {
                let part = decode(changes).map_err(context)?;
                if first {
                    self.coming.take_back(transactions).map_err(|e| transactions.fail(e))?;
                }
                self.coming.take(transactions, &part, lsn, self.watched)
            }
            Meaning::End => self.coming.complete(transactions, lsn, on_commit),
            Meaning::Left => self.coming.take_back(transactions).map(|()| transactions.pass(lsn, false)),
        };
        done.map(|()| Some(applied)).map_err(|e| transactions.fail(context(as_damage(e))))
    }

    /// What the log ended with when it was opened.
    fn take_unfinished(&mut self) -> Result<()> {
        let transactions = &self.engine.transactions;
        for changes in std::mem::take(&mut self.unfinished) {
            let taken = decode(&changes)
                .and_then(|part| self.coming.take(transactions, &part, transactions.applied(), self.watched));
            taken.map_err(|e| transactions.fail(as_damage(e)))?;
        }
        Ok(())
    }

    /// Waits until there is something to apply, for so long at most.
    pub fn wait(&self, time: Duration) -> Result<bool> {
        self.engine.wal.wait_at_most(Lsn(self.reader.position().0 + 1), time)
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // Checkpoints go on waiting for the end of a transaction in parts, unless this node leads from now on.
        if let Err(e) = self.coming.take_back(&self.engine.transactions) {
            self.engine.transactions.fail(e);
        }
    }
}

/// The transaction in parts that is coming in, if there is one.
#[derive(Default)]
struct Coming {
    open: Option<Incoming>,
    /// Its changes of the tree that is watched.
    watched: Vec<Batch>,
}

impl Coming {
    fn take(&mut self, transactions: &Transactions, part: &Batch, lsn: Lsn, watched: Option<TreeId>) -> Result<()> {
        let open = self.open.get_or_insert_with(|| transactions.begin_incoming());
        patiently(|| transactions.replay_part(open, part, lsn))?;
        let mut kept = Encoder::new();
        part.for_each(|op| {
            if matches!(op, Op::Put { tree, .. } | Op::Delete { tree, .. } if Some(tree) == watched) {
                kept.push(op);
            }
            Ok(())
        })?;
        let kept = kept.finish();
        if !kept.is_empty() {
            self.watched.push(kept);
        }
        Ok(())
    }

    fn complete(&mut self, transactions: &Transactions, lsn: Lsn, on_commit: OnCommit<'_>) -> Result<()> {
        let watched = std::mem::take(&mut self.watched);
        let open = self.open.take().ok_or_else(|| Error::internal("a transaction ends that has no parts"))?;
        transactions.complete(open, lsn, &mut |lsn| on_commit(&watched, lsn))
    }

    fn take_back(&mut self, transactions: &Transactions) -> Result<()> {
        self.watched.clear();
        let Some(open) = self.open.take() else { return Ok(()) };
        let created = transactions.take_back(open)?;
        patiently(|| transactions.free_trees(&created))
    }
}

/// Tries again for as long as the disk is full.
fn patiently(mut work: impl FnMut() -> Result<()>) -> Result<()> {
    loop {
        match work() {
            Err(e) if e.code() == SqlState::DISK_FULL => {
                tracing::warn!("applying the log waits for space on the disk: {e}");
                std::thread::sleep(FULL_PAUSE);
            }
            done => return done,
        }
    }
}

fn decode(changes: &[u8]) -> Result<Batch> {
    let mut batch = Batch::default();
    batch.push_part(changes)?;
    Ok(batch)
}

/// How long to wait for room on a full disk.
const FULL_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CheckpointOptions, EngineOptions};
    use crate::io::{SimClock, SimDisk, SimEntropy};
    use crate::storage::batch::{KIND_PART, encode_end, encode_part_number};

    fn open(disk: &SimDisk) -> Arc<Engine> {
        let checkpoint = CheckpointOptions { automatic: false, ..CheckpointOptions::default() };
        let options = EngineOptions { checkpoint, follows: true, buffer_bytes: 4 << 20, ..EngineOptions::default() };
        Engine::open(Arc::new(disk.clone()), Arc::new(SimClock::new(1)), &SimEntropy::new(1), options).unwrap()
    }

    fn changes(ops: &[Op<'_>]) -> Vec<u8> {
        let mut encoder = Encoder::new();
        ops.iter().for_each(|op| encoder.push(*op));
        encoder.finish().parts()[0].clone()
    }

    fn put(tree: u32, key: &'static [u8]) -> Op<'static> {
        Op::Put { tree: TreeId(tree), key, value: b"value" }
    }

    fn keys(engine: &Engine, tree: u32) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let visit = &mut |entries: &crate::storage::Entries| {
            keys.extend(entries.iter().map(|(key, _)| key.to_vec()));
            Ok(())
        };
        engine.visit_at(TreeId(tree), engine.applied(), visit).unwrap();
        keys
    }

    /// Appends as if it had been received.
    fn receive(engine: &Engine, kind: u8, payload: &[u8]) {
        engine.wal().append(kind, payload).unwrap();
    }

    fn part(engine: &Engine, number: usize, ops: &[Op<'_>]) {
        receive(engine, KIND_PART, &[encode_part_number(number), changes(ops)].concat());
    }

    fn apply(follower: &mut Follower, told: &mut Vec<usize>) {
        let wal = follower.wal().clone();
        wal.wait_blocking(wal.appended()).unwrap();
        let mut on_commit = |batches: &[Batch], _| {
            told.push(batches.iter().map(Batch::len).sum());
            Ok(())
        };
        while follower.step(&mut on_commit).unwrap().is_some() {}
    }

    #[test]
    fn parts_are_applied_as_they_come_and_taken_back_without_an_end() {
        let disk = SimDisk::new(1);
        let engine = open(&disk);
        let mut follower = engine.follower().unwrap().watching(TreeId(1));
        let mut told = Vec::new();
        receive(&engine, KIND_BATCH, &changes(&[Op::NewTree(TreeId(1)), put(1, b"a")]));
        part(&engine, 0, &[Op::NewTree(TreeId(2)), put(1, b"never"), put(2, b"never")]);
        receive(&engine, KIND_BATCH, &changes(&[put(1, b"b")]));
        apply(&mut follower, &mut told);
        assert_eq!((keys(&engine, 1), keys(&engine, 2)), (vec![b"a".to_vec(), b"b".to_vec()], vec![]));
        // No checkpoint lies in the middle of them, whatever came in between.
        engine.checkpoint().unwrap();
        assert!(engine.pin().is_none());
        // The other node had died, and knows nothing of its tree 2.
        engine.wal().begin_timeline(1, &SimEntropy::new(2)).unwrap();
        part(&engine, 0, &[Op::NewTree(TreeId(2)), put(2, b"c")]);
        part(&engine, 1, &[put(1, b"d"), put(2, b"e")]);
        apply(&mut follower, &mut told);
        assert_eq!(keys(&engine, 1).len(), 2);
        // It goes on after a restart.
        drop((follower, engine));
        disk.restart();
        let engine = open(&disk);
        let mut follower = engine.follower().unwrap().watching(TreeId(1));
        receive(&engine, KIND_END, &encode_end(2));
        apply(&mut follower, &mut told);
        assert_eq!(told, [2, 1, 1]);
        assert_eq!(keys(&engine, 1), [b"a", b"b", b"d"]);
        assert_eq!(keys(&engine, 2), [b"c", b"e"]);
        engine.verify().unwrap();
        engine.checkpoint().unwrap();
        drop((follower, engine));
        disk.restart();
        let engine = open(&disk);
        assert_eq!((keys(&engine, 1).len(), keys(&engine, 2).len()), (3, 2));
        engine.verify().unwrap();
    }
}
