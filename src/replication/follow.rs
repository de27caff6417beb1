//! The life of a replica: connect, stream, connect again, until it stops or becomes a primary.

use super::apply::Applier;
use super::files;
use super::node::{Receiving, Replication, Want};
use super::target::Target;
use crate::base::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The pauses between attempts to connect.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

impl Replication {
    /// Follows a primary until the node stops or is promoted. Called once, on a node that was opened to follow.
    ///
    /// Errors: those of the log here. Whatever is wrong with the connection is logged, and tried again.
    pub async fn follow(self: Arc<Self>, target: Target) -> Result<()> {
        let slot = files::read_marker(&*self.disk)?.unwrap_or_default();
        *self.applier.lock() = Some(Applier::start(&self)?);
        let mut pause = PAUSE_MIN;
        let mut told: Option<String> = None;
        loop {
            let before = self.engine.wal().appended();
            let e = tokio::select! {
                biased;
                wanted = self.wanted.any() => match wanted {
                    Want::Promote => break,
                    Want::Stop => return self.stop_applying(),
                },
                e = self.stream(&target, &slot) => e,
            };
            self.receiving.lock().streaming = false;
            if self.engine.wal().appended() > before {
                pause = PAUSE_MIN;
            }
            let text = describe(&e);
            if told.as_ref() != Some(&text) {
                tracing::warn!(%target, "not following: {text}");
                told = Some(text);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = self.wanted.any() => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
        super::in_place(|| self.become_primary(&slot))
    }

    fn stop_applying(&self) -> Result<()> {
        let applier = self.applier.lock().take();
        super::in_place(|| applier.map_or(Ok(()), Applier::stop))
    }

    /// 1. Make durable what has come, and apply it to its end.
    /// 2. Say where the new timeline begins, for those who followed the old one.
    /// 3. Begin it in the log. From here on this is a primary, also after a crash, and transactions may write.
    /// 4. Forget that this was a replica.
    pub(super) fn become_primary(&self, slot: &str) -> Result<()> {
        let wal = self.engine.wal();
        wal.wait_blocking(wal.appended())?;
        let applier = self.applier.lock().take();
        applier.map_or(Ok(()), Applier::drain)?; // 1
        let timeline = self.timeline() + 1;
        let mut history = self.history();
        history.begin(timeline, wal.appended());
        files::note_promotion(&*self.disk, slot, timeline)?;
        history.store(&*self.disk)?; // 2
        *self.history.lock() = history;
        self.begin_to_wait();
        let start = self.engine.lead(timeline, &*self.entropy)?; // 3
        files::remove_marker(&*self.disk)?; // 4
        *self.receiving.lock() = Receiving::default();
        self.applied.notify_waiters();
        tracing::info!(timeline, %start, "promoted: this node is a primary now");
        Ok(())
    }

    /// Ends the task that follows, and the thread that applies. The log is about to be closed.
    pub fn stop(&self) {
        self.wanted.stop.store(true, Ordering::Release);
        self.wanted.wake.notify_one();
    }
}

/// What is wrong in one line.
pub(super) fn describe(e: &Error) -> String {
    let fields = e.fields();
    let more = fields.detail.iter().chain(&fields.hint).map(|text| format!(" {text}"));
    std::iter::once(e.message().to_owned()).chain(more).collect()
}
