//! The transaction block of a session.
//!
//! A transaction begins by itself with the first statement that needs one (`explicit: false`) and then ends with that
//! statement, with a simple query's last statement, or at Sync; BEGIN makes it explicit. After an error an explicit one
//! is `failed` until ROLLBACK; the other kind is gone at once.
//!
//! COMMIT:
//! 1. run what was put off to the end (deferred constraints, ON COMMIT of temporary tables);
//! 2. encode, apply, append, publish the catalog (`Txn::commit_with`); locks are free from here on;
//! 3. settings: what was LOCAL goes back;
//! 4. wait until the log is durable and on the standbys that count, holding no thread;
//! 5. hand out notifications: whoever gets one sees what it tells of.

use super::backend::Notification;
use super::settings;
use super::sink::Tag;
use super::{Session, Status};
use crate::base::{Error, Result, SqlState};
use crate::catalog::{self, CatalogTxn};
use crate::executor::ddl;
use crate::executor::foreign_key::Deferred;
use crate::parser::ast::{IsolationLevel, TransactionKind, TransactionMode, TransactionModeKind};
use crate::txn::{self, Committed, Isolation, Safety, Txn};

pub struct Transaction {
    pub txn: Txn,
    pub catalog: CatalogTxn,
    /// `now()`, microseconds since 2000-01-01 UTC.
    pub start_us: i64,
    /// BEGIN was said.
    pub explicit: bool,
    pub failed: bool,
    pub read_only: bool,
    /// A statement has run, so the isolation is fixed.
    pub used: bool,
    pub deferred: Deferred,
    pub notifications: Vec<Notification>,
    /// Transactions beside this one that hold its advisory locks.
    pub companions: Vec<Txn>,
    savepoints: Vec<Savepoint>,
}

struct Savepoint {
    name: String,
    txn: txn::Savepoint,
    catalog: catalog::Mark,
    settings: settings::Mark,
    notifications: usize,
}

/// The settings that describe the transaction, each with the one that it begins with.
pub const TRANSACTION_MODES: [(&str, &str); 3] = [
    ("transaction_isolation", "default_transaction_isolation"),
    ("transaction_read_only", "default_transaction_read_only"),
    ("transaction_deferrable", "default_transaction_deferrable"),
];

fn isolation_of(level: IsolationLevel) -> &'static str {
    match level {
        IsolationLevel::ReadUncommitted | IsolationLevel::ReadCommitted => "read committed",
        IsolationLevel::RepeatableRead => "repeatable read",
        IsolationLevel::Serializable => "serializable",
    }
}

pub fn parse_isolation(name: &str) -> Isolation {
    match name {
        "repeatable read" => Isolation::RepeatableRead,
        "serializable" => Isolation::Serializable,
        _ => Isolation::ReadCommitted,
    }
}

impl Session {
    /// Makes sure that there is a transaction.
    pub(super) fn ensure_transaction(&mut self) -> Result<()> {
        if self.transaction.is_some() {
            return Ok(());
        }
        self.environment.refresh(&self.settings);
        if self.environment.modes_are_stale {
            for mode in TRANSACTION_MODES {
                let value = self.environment.first_mode(&self.settings, &mode).to_owned();
                self.settings.force(mode.0, &value);
            }
            self.environment.refresh(&self.settings);
        }
        let (isolation, read_only) = (self.environment.isolation, self.environment.read_only);
        let start_us = self.statement_us;
        let mut transaction = match self.ended.take() {
            Some(mut ended) => {
                ended.txn.renew(isolation);
                ended.catalog.renew()?;
                ended
            }
            None => Box::new(Transaction {
                txn: self.database.engine.begin_as(&self.owner, isolation),
                catalog: CatalogTxn::begin(self.database.catalog.clone(), self.database_oid)?,
                start_us,
                explicit: false,
                failed: false,
                read_only,
                used: false,
                deferred: Deferred::default(),
                notifications: Vec::new(),
                companions: Vec::new(),
                savepoints: Vec::new(),
            }),
        };
        transaction.txn.raise_floor(self.floor);
        transaction.txn.set_safety(self.environment.safety);
        (transaction.start_us, transaction.read_only) = (start_us, read_only);
        self.environment.format.now_us = start_us;
        self.transaction = Some(transaction);
        Ok(())
    }

    /// The transaction that a statement runs in; `ensure_transaction` has been called.
    pub(super) fn tx(&mut self) -> &mut Transaction {
        self.transaction.as_mut().expect("a transaction has begun")
    }

    /// 25001 unless the statement runs by itself (`PreventInTransactionBlock`).
    pub(super) fn prevent_in_block(&self, what: &str) -> Result<()> {
        match &self.transaction {
            Some(t) if t.explicit => Err(Error::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                format!("{what} cannot run inside a transaction block"),
            )),
            _ => Ok(()),
        }
    }

    /// 25P01 unless there is a transaction block (`RequireTransactionBlock`).
    pub(super) fn require_block(&self, what: &str) -> Result<()> {
        match &self.transaction {
            Some(t) if t.explicit => Ok(()),
            _ => Err(Error::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                format!("{what} can only be used in transaction blocks"),
            )),
        }
    }

    /// 25006 in a read-only transaction.
    pub(super) fn prevent_read_only(&self, what: &str) -> Result<()> {
        match &self.transaction {
            Some(t) if t.read_only => Err(Error::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {what} in a read-only transaction"),
            )),
            _ => Ok(()),
        }
    }

    /// 25006 while this node follows another's log (`PreventCommandDuringRecovery`).
    pub(super) fn prevent_during_recovery(&self, what: &str) -> Result<()> {
        if !self.environment.standby {
            return Ok(());
        }
        let message = format!("cannot execute {what} during recovery");
        Err(Error::new(SqlState::READ_ONLY_SQL_TRANSACTION, message))
    }

    /// The node's part may have changed since the session looked last: it is a replica, or it has been promoted.
    pub(super) fn note_role(&mut self) {
        let standby = self.database.engine.follows();
        if standby == self.environment.standby || self.transaction.is_some() {
            return;
        }
        self.environment.standby = standby;
        self.settings.force("in_hot_standby", if standby { "on" } else { "off" });
        self.environment.temp_schema = temp_schema(self.backend.process, standby);
        self.environment.refresh(&self.settings);
        if !standby {
            self.drop_left_behind();
        }
    }

    /// Drops the temporary relations that an earlier session of this number has left. Whatever hinders that leaves them.
    pub(super) fn drop_left_behind(&mut self) {
        let catalog = self.database.catalog.current(self.database_oid);
        if catalog.is_ok_and(|c| c.schema_named(&self.environment.temp_schema).is_some())
            && let Err(e) = self.drop_temporary()
        {
            tracing::warn!("temporary relations of an earlier session stay: {e}");
        }
    }

    /// Makes of an error what the client is told, and puts the transaction where the error leaves it. `text` is the
    /// statement's, whose byte offsets become character positions.
    pub fn failed(&mut self, mut e: Error, text: Option<&str>) -> Error {
        if e.code() == SqlState::QUERY_CANCELED
            && let Some(why) = self.backend.interrupted()
        {
            let context = e.fields_mut().context.take();
            e = why.error();
            e.fields_mut().context = context;
        }
        let position = e.fields().position;
        e.fields_mut().position = match (position, text) {
            (Some(at), Some(text)) => Some(text.get(..at).map_or(at, |t| t.chars().count()) + 1),
            _ => None,
        };
        match &mut self.transaction {
            Some(t) if t.explicit => {
                t.failed = true;
                // As in PostgreSQL, nobody waits for what has failed already.
                match t.savepoints.last() {
                    Some(savepoint) => t.txn.rollback_to(savepoint.txn),
                    None => t.txn.rollback(),
                }
                self.portals.end_transaction();
            }
            Some(_) => self.roll_back(),
            None => {}
        }
        e
    }

    /// BEGIN and its kin; returns the command tag.
    pub(super) async fn transaction_statement(&mut self, kind: &TransactionKind) -> Result<Tag> {
        match kind {
            TransactionKind::Begin(modes) => self.begin_block(modes, "BEGIN"),
            TransactionKind::Start(modes) => self.begin_block(modes, "START TRANSACTION"),
            TransactionKind::Commit { chain } => self.end_block(true, *chain).await,
            TransactionKind::Rollback { chain } => self.end_block(false, *chain).await,
            TransactionKind::Savepoint(name) => {
                self.require_block("SAVEPOINT")?;
                let settings = self.settings.mark();
                let t = self.tx();
                let savepoint = Savepoint {
                    name: name.name.clone(),
                    txn: t.txn.savepoint(),
                    catalog: t.catalog.mark(),
                    settings,
                    notifications: t.notifications.len(),
                };
                t.savepoints.push(savepoint);
                Ok(Tag::Word("SAVEPOINT"))
            }
            TransactionKind::Release(name) => {
                self.require_block("RELEASE SAVEPOINT")?;
                let t = self.tx();
                let at = find_savepoint(t, &name.name)?;
                let savepoint = t.savepoints.drain(at..).next().expect("it was found");
                t.txn.release(savepoint.txn);
                Ok(Tag::Word("RELEASE"))
            }
            TransactionKind::RollbackTo(name) => {
                self.require_block("ROLLBACK TO SAVEPOINT")?;
                self.roll_back_to(&name.name)?;
                Ok(Tag::Word("ROLLBACK"))
            }
            TransactionKind::PrepareTransaction(_) => Err(Error::unsupported("PREPARE TRANSACTION")),
            TransactionKind::CommitPrepared(_) => Err(Error::unsupported("COMMIT PREPARED")),
            TransactionKind::RollbackPrepared(_) => Err(Error::unsupported("ROLLBACK PREPARED")),
        }
    }

    fn begin_block(&mut self, modes: &[TransactionMode], tag: &'static str) -> Result<Tag> {
        self.ensure_transaction()?;
        if self.tx().explicit {
            self.warn(SqlState::ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress");
        }
        self.tx().explicit = true;
        let start_us = self.tx().start_us;
        self.backend.activity.lock().transaction_start_us = Some(start_us);
        self.set_modes(modes)?;
        Ok(Tag::Word(tag))
    }

    /// SET TRANSACTION, and the modes of BEGIN.
    pub(super) fn set_modes(&mut self, modes: &[TransactionMode]) -> Result<()> {
        for mode in modes {
            let value = |on: bool| if on { "on" } else { "off" };
            match mode.kind {
                TransactionModeKind::Isolation(level) => self.set_isolation(isolation_of(level))?,
                TransactionModeKind::ReadOnly(on) => self.set_read_only(on)?,
                TransactionModeKind::Deferrable(on) => self.settings.force("transaction_deferrable", value(on)),
            }
        }
        Ok(())
    }

    /// Error: 25001 once a statement has read something.
    pub(super) fn set_isolation(&mut self, name: &str) -> Result<()> {
        self.ensure_transaction()?;
        let read_only = self.tx().read_only;
        if self.settings.get("transaction_isolation") != name {
            if self.tx().used {
                return Err(Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                ));
            }
            self.settings.force("transaction_isolation", name);
        }
        self.tx().txn.set_isolation(parse_isolation(name), read_only);
        Ok(())
    }

    pub(super) fn set_read_only(&mut self, on: bool) -> Result<()> {
        self.ensure_transaction()?;
        if !on && self.environment.standby {
            let message = "cannot set transaction read-write mode during recovery";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let t = self.tx();
        if t.read_only && !on && t.used {
            return Err(Error::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                "transaction read-write mode must be set before any query",
            ));
        }
        t.read_only = on;
        if !t.used {
            let isolation = t.txn.isolation();
            t.txn.set_isolation(isolation, on);
        }
        self.settings.force("transaction_read_only", if on { "on" } else { "off" });
        Ok(())
    }

    async fn end_block(&mut self, commit: bool, chain: bool) -> Result<Tag> {
        let Some(t) = self.transaction.as_ref().filter(|t| t.explicit) else {
            if chain {
                let what = if commit { "COMMIT AND CHAIN" } else { "ROLLBACK AND CHAIN" };
                self.require_block(what)?;
            }
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
            if commit {
                self.commit().await?;
            } else {
                self.roll_back();
            }
            return Ok(Tag::Word(if commit { "COMMIT" } else { "ROLLBACK" }));
        };
        let really = commit && !t.failed;
        let modes = chain.then(|| (self.settings.get("transaction_isolation").to_owned(), t.read_only));
        if really {
            self.commit().await?;
        } else {
            self.roll_back();
        }
        if let Some((isolation, read_only)) = modes {
            self.begin_block(&[], "BEGIN")?;
            self.set_isolation(&isolation)?;
            self.set_read_only(read_only)?;
        }
        Ok(Tag::Word(if really { "COMMIT" } else { "ROLLBACK" }))
    }

    /// Ends an implicit transaction; an explicit one goes on.
    pub(super) async fn end_implicit(&mut self) -> Result<()> {
        match &self.transaction {
            Some(t) if !t.explicit => self.commit().await,
            _ => Ok(()),
        }
    }

    /// The procedure at the head of this file. On an error the transaction is gone, rolled back.
    pub(super) async fn commit(&mut self) -> Result<()> {
        if self.transaction.is_some()
            && self.has_work_at_commit()
            && let Err(e) = Box::pin(self.work_at_commit()).await
        {
            self.roll_back();
            return Err(e);
        }
        // SET LOCAL may have set it, which ends with the transaction.
        let safety = self.environment.safety;
        let Some((committed, notifications)) = self.commit_now(safety)? else { return Ok(()) };
        let lsn = committed.wait_for;
        if safety == Safety::Nothing {
            self.database.engine.acknowledge(lsn);
        } else if self.database.engine.durable() < lsn {
            self.time_has_passed();
            Box::pin(self.database.engine.wait_durable(lsn)).await?;
        }
        let waited = match self.must_wait(&committed, safety) {
            true => {
                self.time_has_passed();
                Box::pin(self.await_standbys(&committed, safety)).await
            }
            false => Ok(()),
        };
        if safety <= Safety::Local {
            self.own = self.own.max(committed.lsn.unwrap_or_default());
        }
        self.database.backends.deliver(&notifications);
        waited
    }

    fn has_work_at_commit(&mut self) -> bool {
        let deferred = self.transaction.as_ref().is_some_and(|t| !t.deferred.is_empty());
        deferred || self.has_temporary() || self.portals.cursors().any(|(_, _, c)| c.hold && !c.held)
    }

    async fn work_at_commit(&mut self) -> Result<()> {
        self.hold_cursors().await?;
        if !self.tx().deferred.is_empty() {
            self.run_deferred().await?;
        }
        if self.has_temporary() { self.with_temporary(ddl::end_of_transaction) } else { Ok(()) }
    }

    /// Steps 2 and 3. Answers what must be safe before the client may hear of it, and who else is to hear of it then.
    fn commit_now(&mut self, safety: Safety) -> Result<Option<(Committed, Vec<Notification>)>> {
        let Some(mut t) = self.transaction.take() else { return Ok(None) };
        // SET LOCAL may have said so.
        t.txn.set_safety(safety);
        let committed = match t.catalog.is_changed() {
            true => t.txn.commit_with(t.catalog.publication()),
            false => t.txn.commit(),
        };
        if let Ok(committed) = &committed {
            self.floor = self.floor.max(committed.wait_for);
        }
        let notifications = std::mem::take(&mut t.notifications);
        self.end(t, committed.is_ok());
        committed.map(|c| Some((c, notifications)))
    }

    /// Whether the session has a schema for temporary relations.
    fn has_temporary(&mut self) -> bool {
        let Some(t) = &self.transaction else { return false };
        self.environment.resolve(t.catalog.effective());
        self.environment.path.temp.is_some()
    }

    /// Takes the session's temporary relations out of the world, in a transaction of its own. Whatever hinders that leaves
    /// them to the next session of this number.
    pub(super) fn drop_temporary(&mut self) -> Result<()> {
        self.roll_back();
        self.ensure_transaction()?;
        let result = match self.has_temporary() {
            true => self.with_temporary(ddl::drop_temporary),
            false => Ok(()),
        };
        match (result, self.transaction.take()) {
            (Ok(()), Some(mut t)) if t.catalog.is_changed() => {
                // Nobody waits for it.
                t.txn.set_safety(Safety::Local);
                t.txn.commit_with(t.catalog.publication()).map(drop)
            }
            (result, _) => result,
        }
    }

    pub(super) fn roll_back(&mut self) {
        if let Some(mut t) = self.transaction.take() {
            self.floor = self.floor.max(t.txn.floor());
            t.txn.rollback();
            self.end(t, false);
        }
    }

    /// Keeps a transaction that has ended for the next one to use.
    fn end(&mut self, mut t: Box<Transaction>, committed: bool) {
        (t.explicit, t.failed, t.used) = (false, false, false);
        t.deferred.clear();
        t.notifications.clear();
        t.companions.clear();
        t.savepoints.clear();
        self.ended = Some(t);
        self.portals.end_transaction();
        self.settings.end_transaction(committed);
        self.environment.refresh(&self.settings);
    }

    fn roll_back_to(&mut self, name: &str) -> Result<()> {
        let t = self.tx();
        let at = find_savepoint(t, name)?;
        let savepoint = &t.savepoints[at];
        let settings = savepoint.settings;
        t.txn.rollback_to(savepoint.txn);
        t.catalog.rollback_to(savepoint.catalog);
        t.notifications.truncate(savepoint.notifications);
        t.savepoints.truncate(at + 1);
        t.failed = false;
        self.settings.roll_back_to(settings);
        self.environment.refresh(&self.settings);
        Ok(())
    }

    /// 25P02 when the block has failed and the statement is not one that ends it.
    pub(super) fn refuse_if_failed(&self) -> Result<()> {
        match self.status() {
            Status::Failed => Err(Error::new(
                SqlState::IN_FAILED_SQL_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            )),
            _ => Ok(()),
        }
    }
}

/// The name of the schema for a session's temporary relations. Those in a replica's catalog are of the primary's sessions.
pub fn temp_schema(process: i32, standby: bool) -> String {
    format!("pg_temp_{}", if standby { 0 } else { process })
}

/// 3B001 when there is none of that name; the innermost wins.
fn find_savepoint(t: &Transaction, name: &str) -> Result<usize> {
    t.savepoints.iter().rposition(|s| s.name == name).ok_or_else(|| {
        Error::new(SqlState::INVALID_SAVEPOINT_SPECIFICATION, format!("savepoint \"{name}\" does not exist"))
    })
}

/// Which statements run in a failed block.
pub fn ends_block(kind: &TransactionKind) -> bool {
    matches!(kind, TransactionKind::Commit { .. } | TransactionKind::Rollback { .. } | TransactionKind::RollbackTo(_))
}
