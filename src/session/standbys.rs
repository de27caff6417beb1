//! Waiting for standbys: at COMMIT, and before a client is told of what others have committed and might lose.
//!
//! What a session has seen has a position, its floor. Readers are given snapshots that hold nothing that waits; but whoever
//! writes meets newer rows, and a name or a definition may be new. Then what the statement says waits here until that may
//! be shown. A session whose own commit did not ask for standbys (`synchronous_commit` of `local` or `off`, or its wait was
//! cancelled) reads on at that commit, and so sees what is before it in the log.

use super::Session;
use super::backend::{Backend, Interrupt};
use super::sink::Severity;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::txn::{Committed, Safety};

/// What an interrupted wait leaves (`SyncRepWaitForLSN`).
const COMMITTED: &str =
    "The transaction has already committed locally, but might not have been replicated to the standby.";

/// Resolves when the session is told to end, or its statement to be cancelled. A statement's time is over when it commits.
async fn interrupt(backend: &Backend) -> Interrupt {
    loop {
        match backend.interruption().await {
            why @ (Interrupt::Cancel | Interrupt::Terminate) => return why,
            _ => backend.clear_interrupt(),
        }
    }
}

impl Session {
    /// Whether the session has seen what may not be shown yet.
    pub(super) fn is_withheld(&self) -> bool {
        let shown = self.database.engine.standbys().shown();
        shown != Lsn::MAX && self.seen() > shown.max(self.own)
    }

    fn seen(&self) -> Lsn {
        self.transaction.as_ref().map_or(self.floor, |t| self.floor.max(t.txn.floor()))
    }

    /// Waits until what the session has seen may be shown. Error: the wait was cancelled.
    pub(super) async fn await_shown(&mut self) -> Result<()> {
        self.time_has_passed();
        let shown = self.database.engine.standbys().wait(self.seen(), Safety::Local);
        tokio::select! {
            biased;
            () = shown => Ok(()),
            why = self.backend.interruption() => Err(why.error()),
        }
    }

    /// An error may tell of what others have committed as well: it waits like any answer.
    pub async fn show_error(&mut self, e: Error) -> Error {
        if !self.is_withheld() {
            return e;
        }
        Box::pin(self.await_shown()).await.err().unwrap_or(e)
    }

    /// Whether a commit must wait for standbys, or for what it has seen.
    pub(super) fn must_wait(&self, committed: &Committed, safety: Safety) -> bool {
        let standbys = self.database.engine.standbys();
        let asks = safety > Safety::Local && committed.lsn.is_some();
        standbys.shown() < self.needed(committed, safety)
            || asks && safety == Safety::Applied && standbys.are_required()
    }

    fn needed(&self, committed: &Committed, safety: Safety) -> Lsn {
        match committed.lsn {
            Some(lsn) if safety > Safety::Local => lsn,
            _ if committed.seen > self.own => committed.seen,
            _ => Lsn::ZERO,
        }
    }

    /// Waits at a commit, which is durable here.
    ///
    /// A cancel ends the wait with a warning, since the transaction is committed; the end of the session as well, but the
    /// client is not told that it is. Errors: 57P01 then, 57014 when nothing was written.
    pub(super) async fn await_standbys(&mut self, committed: &Committed, safety: Safety) -> Result<()> {
        let standbys = self.database.engine.standbys().clone();
        let asks = if committed.lsn.is_some() { safety } else { Safety::Local };
        let why = tokio::select! {
            biased;
            () = standbys.wait(self.needed(committed, safety), asks) => return Ok(()),
            why = interrupt(&self.backend) => why,
        };
        let Some(lsn) = committed.lsn else { return Err(why.error()) };
        standbys.give_up(lsn);
        self.own = self.own.max(lsn);
        let (code, text) = match why {
            Interrupt::Terminate => (
                SqlState::ADMIN_SHUTDOWN,
                "canceling the wait for synchronous replication and terminating connection due to administrator command",
            ),
            _ => (SqlState::WARNING, "canceling wait for synchronous replication due to user request"),
        };
        self.notice(Severity::Warning, Error::new(code, text).detail(COMMITTED));
        if why == Interrupt::Terminate {
            return Err(why.error());
        }
        self.backend.clear_interrupt();
        Ok(())
    }
}
