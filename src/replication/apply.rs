//! The thread that applies a replica's log: what the receiver has made durable becomes visible, in order.

use super::node::Replication;
use crate::base::{Lsn, Result};
use crate::catalog;
use crate::engine::Follower;
use crate::storage::{Batch, Op};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the thread sleeps at most when there is nothing to apply.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

const RUN: u8 = 0;
/// Ends when everything that is there has been applied.
const DRAIN: u8 = 1;
const STOP: u8 = 2;

pub(super) struct Applier {
    order: Arc<AtomicU8>,
    thread: JoinHandle<Result<()>>,
}

impl Applier {
    pub(super) fn start(node: &Arc<Replication>) -> Result<Applier> {
        let order = Arc::new(AtomicU8::new(RUN));
        let follower = node.engine.follower()?.watching(catalog::TREE);
        let (node, ordered) = (node.clone(), order.clone());
        let body = move || {
            let done = run(&node, follower, &ordered);
            if let Err(e) = &done {
                tracing::error!("the log is no longer applied: {}", e.message());
            }
            done
        };
        let thread = std::thread::Builder::new().name("replica-apply".into()).spawn(body)?;
        Ok(Applier { order, thread })
    }

    /// Applies what is left, and ends the thread.
    pub(super) fn drain(self) -> Result<()> {
        self.end(DRAIN)
    }

    pub(super) fn stop(self) -> Result<()> {
        self.end(STOP)
    }

    fn end(self, order: u8) -> Result<()> {
        self.order.store(order, Ordering::Release);
        // A panic has been told of already.
        self.thread.join().unwrap_or(Ok(()))
    }
}

fn run(node: &Replication, mut follower: Follower, order: &AtomicU8) -> Result<()> {
    let mut publish = |parts: &[Batch], lsn: Lsn| publish_catalog(node, parts, lsn);
    loop {
        let ordered = order.load(Ordering::Acquire);
        if ordered == STOP {
            return Ok(());
        }
        match follower.step(&mut publish)? {
            Some(applied) => node.note_applied(&applied),
            None if ordered == DRAIN => return Ok(()),
            None => drop(follower.wait(LOOK_INTERVAL)?),
        }
    }
}

/// Makes catalog rows that came with a transaction the newest catalog, right before the transaction is visible.
fn publish_catalog(node: &Replication, parts: &[Batch], lsn: Lsn) -> Result<()> {
    let mut rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
    for batch in parts {
        batch.for_each(|op| {
            match op {
                Op::Put { tree: catalog::TREE, key, value } => rows.push((key.to_vec(), Some(value.to_vec()))),
                Op::Delete { tree: catalog::TREE, key } => rows.push((key.to_vec(), None)),
                _ => {}
            }
            Ok(())
        })?;
    }
    if rows.is_empty() {
        return Ok(());
    }
    node.catalog.publish_rows(rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref())), lsn)
}
