//! Runs a portal: takes a snapshot, pulls batches, and runs the statement again where PostgreSQL would have waited or
//! looked again.
//!
//! 1. Begin the statement: a snapshot, and a mark in the write set.
//! 2. Pull a batch. Rows go to the client as they come; when enough is queued, send it before the next pull.
//! 3. `Flow::Wait`: undo the statement's writes, keep its locks, await the lock, begin again from 1.
//!    `Flow::Restart`: the same without waiting.
//! 4. At the end the snapshot may go; then the tag.
//!
//! A step ([`Session::step`]) awaits nothing but says what to await, so that a statement that need not wait costs no
//! future.

use super::backend::{Backend, Interrupt, Notification};
use super::database::Database;
use super::environment::Environment;
use super::facts::SessionFacts;
use super::host::{SequenceValues, SessionHost};
use super::plans::CachedPlan;
use super::portal::{Portal, Portals, Run, Source};
use super::prepare::{Prepared, returns_rows};
use super::settings::Settings;
use super::sink::{Formats, Severity, Sink, Tag};
use super::transaction::Transaction;
use super::{Session, Status};
use crate::base::{Error, Flow, Lsn, Result, SqlState};
use crate::catalog::{Catalog, CatalogTxn};
use crate::executor::ddl::DdlContext;
use crate::executor::foreign_key::Deferred;
use crate::executor::{self, ExecContext};
use crate::expr::EvalState;
use crate::planner::plan::{Access as PlanAccess, LockStrength, Node, Plan};
use crate::txn::{Access, Isolation, Owner, Txn};
use crate::types::{Batch, Datum};
use ahash::AHashMap;
use std::cell::RefCell;
use std::sync::Arc;

/// Moves other tasks off this worker thread while `work` runs.
pub fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// What the next step of a run came to.
enum Step {
    Rows(Batch),
    End,
    /// The transaction has queued for a lock.
    Wait,
}

/// What a run has come to when it stops sending.
enum Sent {
    Finished,
    /// As many rows as were wanted are out.
    Limit,
    /// Enough is queued that it should be sent.
    Full,
    /// The transaction has queued for a lock.
    Wait,
    /// The next rows may not be shown yet.
    Withheld,
}

/// What a fetch ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// There may be more rows.
    Suspended,
    Finished,
}

/// Cancels the statement when its time is up, unless dropped before.
pub struct Deadline(Option<tokio::task::JoinHandle<()>>);

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Session {
    /// Starts the clock of `statement_timeout`.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline(self.environment.statement_timeout.map(|limit| {
            let backend = self.backend.clone();
            tokio::spawn(async move {
                tokio::time::sleep(limit).await;
                backend.interrupt(Interrupt::StatementTimeout);
            })
        }))
    }

    /// Runs a plan to its end and sends its rows; returns the command tag.
    pub(super) async fn run_plan<S: Sink>(
        &mut self,
        plan: &Arc<CachedPlan>,
        params: Vec<Datum>,
        formats: &Formats,
        sink: &mut S,
    ) -> Result<Tag> {
        let mut run = self.idle.take(plan, params);
        if returns_rows(plan) {
            // Nothing is sent of a statement that cannot even begin.
            self.begin(&mut run).await?;
            sink.row_description(plan.output(), formats);
        }
        let mut left = usize::MAX;
        loop {
            match self.send_rows(&mut run, &mut left, formats, sink)? {
                Sent::Finished => {
                    self.settle_block().await?;
                    return Ok(self.finish_run(run));
                }
                Sent::Limit => {}
                Sent::Full => sink.flush().await?,
                Sent::Wait => Box::pin(self.await_lock()).await?,
                Sent::Withheld => Box::pin(self.await_shown()).await?,
            }
        }
    }

    /// Makes sure that a run has begun.
    pub(super) async fn begin(&mut self, run: &mut Run) -> Result<()> {
        while run.statement.is_none() && !self.try_begin(run)? {
            Box::pin(self.await_lock()).await?;
        }
        Ok(())
    }

    /// Takes a snapshot; for a statement on one row by its key, after that row's lock, so that it need not run twice.
    /// False when that has to be waited for.
    fn try_begin(&mut self, run: &mut Run) -> Result<bool> {
        let plan = &run.plan;
        if !plan.read_only {
            self.prevent_read_only(locking_command(&plan.plan.root).unwrap_or(plan.tag.trim_end_matches(" 0")))?;
        }
        self.tx().used = true;
        let access = match plan.plan.access {
            PlanAccess::Read => Access::Read,
            PlanAccess::Write => Access::WriteRows,
        };
        if plan.plan.lock_first && self.tx().txn.isolation() == Isolation::ReadCommitted {
            match self.with_context(|cx| run.execution.take_first_lock(cx)) {
                Ok(()) => {}
                Err(e) if e.flow() == Flow::Wait => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        let t = self.tx();
        t.txn.raise_floor(floor_of(t, &run.plan));
        run.statement = Some(t.txn.begin_statement(access)?);
        run.deferred = t.deferred.len();
        Ok(true)
    }

    /// The next rows of a run, which begins with the first.
    fn step(&mut self, run: &mut Run) -> Result<Step> {
        if let Some(rest) = run.rest.take() {
            return Ok(Step::Rows(rest));
        }
        loop {
            if run.statement.is_none() && !self.try_begin(run)? {
                return Ok(Step::Wait);
            }
            let result = if run.plan.plan.is_short {
                self.with_context(|cx| run.execution.next(cx))
            } else {
                self.time_has_passed();
                in_place(|| self.with_context(|cx| run.execution.next(cx)))
            };
            let e = match result {
                Ok(Some(batch)) => return Ok(Step::Rows(batch)),
                Ok(None) => return Ok(Step::End),
                Err(e) if e.flow() == Flow::Fail => return Err(e),
                Err(e) => e,
            };
            if let Some(statement) = run.statement.take() {
                self.tx().txn.undo_statement(statement);
                self.tx().deferred.truncate(run.deferred);
            }
            run.execution.restart();
            if e.flow() == Flow::Wait {
                return Ok(Step::Wait);
            }
        }
    }

    /// [`Session::step`], with its waits.
    pub(super) async fn pull(&mut self, run: &mut Run) -> Result<Option<Batch>> {
        loop {
            match self.step(run)? {
                Step::Rows(batch) => {
                    if self.is_withheld() {
                        Box::pin(self.await_shown()).await?;
                    }
                    return Ok(Some(batch));
                }
                Step::End => return Ok(None),
                Step::Wait => Box::pin(self.await_lock()).await?,
            }
        }
    }

    /// Sends rows, at most `left`, until there is something to await.
    fn send_rows<S: Sink>(&mut self, run: &mut Run, left: &mut usize, formats: &Formats, sink: &mut S) -> Result<Sent> {
        let rows = returns_rows(&run.plan);
        while *left > 0 {
            let mut batch = match self.step(run)? {
                Step::Rows(batch) => batch,
                Step::End => return Ok(Sent::Finished),
                Step::Wait => return Ok(Sent::Wait),
            };
            if self.is_withheld() {
                run.rest = Some(batch);
                return Ok(Sent::Withheld);
            }
            if batch.rows > *left {
                run.rest = Some(batch.slice(*left, batch.rows - *left));
                batch = batch.slice(0, *left);
            }
            *left -= batch.rows;
            run.sent += batch.rows as u64;
            if rows {
                sink.rows(&batch, run.plan.output(), formats, &self.environment.format)?;
            }
            if sink.is_full() {
                return Ok(Sent::Full);
            }
            if *left > 0 && run.rest.is_none() && run.execution.is_finished() {
                return Ok(Sent::Finished);
            }
        }
        Ok(Sent::Limit)
    }

    /// A statement within a block says how many rows it changed, which its COMMIT does not wait for.
    async fn settle_block(&mut self) -> Result<()> {
        if self.is_withheld() && self.transaction.as_ref().is_some_and(|t| t.explicit) {
            Box::pin(self.await_shown()).await?;
        }
        Ok(())
    }

    /// The snapshot of a run that has come to its end may go. Returns the command tag.
    pub(super) fn finish_run(&mut self, run: Box<Run>) -> Tag {
        self.tx().txn.end_statement();
        let tag = run.tag();
        self.params = self.idle.keep(run);
        tag
    }

    /// Everything put off to COMMIT.
    pub(super) async fn run_deferred(&mut self) -> Result<()> {
        loop {
            let statement = self.tx().txn.begin_statement(Access::Write)?;
            let result = in_place(|| self.with_context(|cx| executor::foreign_key::run_deferred(cx, None)));
            match result {
                Ok(()) => {
                    self.tx().txn.end_statement();
                    return Ok(());
                }
                Err(e) if e.flow() == Flow::Fail => return Err(e),
                Err(e) => {
                    self.tx().txn.undo_statement(statement);
                    if e.flow() == Flow::Wait {
                        Box::pin(self.await_lock()).await?;
                    }
                }
            }
        }
    }

    /// Runs what a session does to its temporary relations, as one statement of the transaction. Nobody else holds locks on
    /// them, so it does not wait.
    pub(super) fn with_temporary(&mut self, work: fn(&mut DdlContext<'_>) -> Result<()>) -> Result<()> {
        let statement = self.tx().txn.begin_statement(Access::Write)?;
        let none = Arc::default();
        let told = self.notices.len();
        let result = in_place(|| self.lend(&none, work));
        self.notices.truncate(told);
        match &result {
            Ok(()) => {
                self.tx().txn.end_statement();
                self.tx().txn.next_command();
            }
            Err(_) => self.tx().txn.undo_statement(statement),
        }
        result
    }

    /// Lends the executor what it needs for one call.
    pub(super) fn with_context<T>(&mut self, work: impl FnOnce(&mut ExecContext<'_>) -> Result<T>) -> Result<T> {
        let (lender, catalog) = self.lender();
        lender.lend(catalog.effective(), |mut cx, _| work(&mut cx))
    }

    /// Lends what a statement may need, DDL included. `text` is what positions in its tree count from.
    pub(super) fn lend<T>(
        &mut self,
        text: &Arc<str>,
        work: impl FnOnce(&mut DdlContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let role = self.role;
        let (lender, catalog) = self.lender();
        let effective = catalog.effective().clone();
        lender.lend(&effective, |cx, environment| {
            work(&mut DdlContext {
                txn: cx.txn,
                catalog,
                host: cx.host,
                format: cx.format,
                eval: cx.eval,
                cancelled: cx.cancelled,
                statement_us: cx.statement_us,
                transaction_us: cx.transaction_us,
                work_mem: cx.work_mem,
                deferred: cx.deferred,
                search_path: cx.search_path,
                creation_schema: environment.path.named.first().copied(),
                role,
                text,
                definitions: cx.definitions,
                facts: cx.facts,
                temp: cx.temp,
                temp_schema: &environment.temp_schema,
                temp_is_first: environment.temp_is_first(),
            })
        })
    }

    /// The session without the transaction's catalog, which DDL changes.
    fn lender(&mut self) -> (Lender<'_>, &mut CatalogTxn) {
        let Transaction { txn, catalog, start_us, deferred, notifications, companions, .. } =
            &mut **self.transaction.as_mut().expect("a transaction has begun");
        let lender = Lender {
            facts: (&self.statements, &self.portals),
            database: &self.database,
            backend: &self.backend,
            owner: &self.owner,
            user: &self.user,
            settings: &mut self.settings,
            environment: &mut self.environment,
            sequences: &mut self.sequences,
            notices: &mut self.notices,
            eval: &mut self.eval,
            statement_us: self.statement_us,
            transaction_us: *start_us,
            txn,
            deferred,
            notifications,
            companions,
        };
        (lender, catalog)
    }

    /// Waits for the lock that the transaction has queued for, a cancel, or `lock_timeout`.
    pub(super) async fn await_lock(&mut self) -> Result<()> {
        self.time_has_passed();
        let wait = self.tx().txn.take_wait().expect("a wait was announced");
        let limit = self.environment.lock_timeout;
        let timeout = async {
            match limit {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending::<()>().await,
            }
        };
        tokio::select! {
            biased;
            granted = wait => granted,
            why = self.backend.interruption() => Err(why.error()),
            () = timeout => Err(Interrupt::LockTimeout.error()),
        }
    }

    /// Sends up to `most` rows of a portal (0 is all), and whatever ends it.
    pub(super) async fn fetch<S: Sink>(&mut self, portal: &mut Portal, most: usize, sink: &mut S) -> Result<Fetched> {
        let most = if most == 0 { usize::MAX } else { most };
        let mut left = most;
        let tag = match &mut portal.source {
            Source::Empty => {
                sink.empty_query();
                return Ok(Fetched::Finished);
            }
            Source::Finished => Tag::Counted("SELECT", 0),
            Source::Query(run) => {
                loop {
                    match self.send_rows(run, &mut left, &portal.formats, sink)? {
                        Sent::Finished => {
                            self.settle_block().await?;
                            break;
                        }
                        Sent::Limit => {
                            sink.suspended();
                            return Ok(Fetched::Suspended);
                        }
                        Sent::Full => sink.flush().await?,
                        Sent::Wait => Box::pin(self.await_lock()).await?,
                        Sent::Withheld => Box::pin(self.await_shown()).await?,
                    }
                }
                // The tag counts what this fetch has sent.
                run.sent = (most - left) as u64;
                let Source::Query(run) = std::mem::replace(&mut portal.source, Source::Finished) else {
                    unreachable!("it was just matched")
                };
                self.finish_run(run)
            }
            Source::Rows { columns, batches, tag } => {
                self.settle_block().await?;
                while let Some(mut batch) = batches.pop_front() {
                    if left == 0 {
                        batches.push_front(batch);
                        sink.suspended();
                        return Ok(Fetched::Suspended);
                    }
                    if batch.rows > left {
                        batches.push_front(batch.slice(left, batch.rows - left));
                        batch = batch.slice(0, left);
                    }
                    left -= batch.rows;
                    sink.rows(&batch, columns, &portal.formats, &self.environment.format)?;
                    if sink.is_full() {
                        sink.flush().await?;
                    }
                }
                tag.tag((most - left) as u64)
            }
            Source::Utility(_) => unreachable!("utility statements run by `execute`"),
        };
        sink.complete(&tag);
        portal.source = Source::Finished;
        Ok(Fetched::Finished)
    }

    /// What `pg_stat_activity` shows from here on.
    pub(super) fn set_activity(&mut self, query: Option<&Arc<str>>) {
        let now = match query {
            Some(_) => self.statement_us,
            None => self.now_us(),
        };
        let mut activity = self.backend.activity.lock();
        match query {
            Some(text) => {
                if !Arc::ptr_eq(&activity.query, text) {
                    activity.query.clone_from(text);
                }
                activity.query_start_us = now;
                activity.state = "active";
            }
            None => {
                activity.state = match self.status() {
                    Status::Idle => "idle",
                    Status::InTransaction => "idle in transaction",
                    Status::Failed => "idle in transaction (aborted)",
                };
                if self.transaction.is_none() {
                    activity.transaction_start_us = None;
                }
            }
        }
        activity.state_change_us = now;
    }
}

/// What a plan's snapshot must show: the definitions that it was made of. Those of other relations may wait for standbys.
fn floor_of(t: &Transaction, plan: &CachedPlan) -> Lsn {
    let used = |relation| plan.access.iter().any(|access| access.relation == relation);
    t.catalog.needed_for(used)
}

/// What a query that locks rows is called where it must not (`CreateCommandTag`).
fn locking_command(plan: &Plan) -> Option<&'static str> {
    if let Node::LockRows(lock) = &plan.node {
        return lock.targets.first().map(|target| match target.strength {
            LockStrength::KeyShare => "SELECT FOR KEY SHARE",
            LockStrength::Share => "SELECT FOR SHARE",
            LockStrength::NoKeyUpdate => "SELECT FOR NO KEY UPDATE",
            LockStrength::Update => "SELECT FOR UPDATE",
        });
    }
    plan.children().into_iter().find_map(locking_command)
}

/// What a session lends: its fields, borrowed one by one.
struct Lender<'a> {
    facts: (&'a AHashMap<String, Arc<Prepared>>, &'a Portals),
    database: &'a Arc<Database>,
    backend: &'a Arc<Backend>,
    owner: &'a Owner,
    user: &'a str,
    settings: &'a mut Settings,
    environment: &'a mut Environment,
    sequences: &'a mut SequenceValues,
    notices: &'a mut Vec<(Severity, Error)>,
    eval: &'a mut EvalState,
    statement_us: i64,
    transaction_us: i64,
    txn: &'a mut Txn,
    deferred: &'a mut Deferred,
    notifications: &'a mut Vec<Notification>,
    companions: &'a mut Vec<Txn>,
}

impl Lender<'_> {
    fn lend<T>(
        self,
        catalog: &Arc<Catalog>,
        work: impl FnOnce(ExecContext<'_>, &Environment) -> Result<T>,
    ) -> Result<T> {
        let Lender { database, backend, environment, txn, .. } = self;
        environment.resolve(catalog);
        let settings = RefCell::new(&mut *self.settings);
        let mut floor = Lsn::ZERO;
        let mut host = SessionHost {
            database,
            backend,
            owner: self.owner,
            settings: &settings,
            sequences: self.sequences,
            notices: self.notices,
            notifications: self.notifications,
            companions: self.companions,
            floor: &mut floor,
            catalog,
            path: &environment.path.searched,
            named_schemas: &environment.path.named,
            temp_schema: environment.path.temp,
            user: self.user,
            txn_id: txn.id(),
            snapshot: txn.snapshot_lsn(),
        };
        let (statements, portals) = self.facts;
        let facts = SessionFacts { database, catalog, settings: &settings, statements, portals };
        let cx = ExecContext {
            txn,
            catalog,
            definitions: &database.definitions,
            temp: &database.temp,
            facts: &facts,
            search_path: &environment.path.searched,
            host: &mut host,
            format: &environment.format,
            eval: self.eval,
            cancelled: backend.flag(),
            statement_us: self.statement_us,
            transaction_us: self.transaction_us,
            work_mem: environment.work_mem,
            deferred: self.deferred,
        };
        let result = work(cx, environment);
        if floor > Lsn::ZERO {
            txn.raise_floor(floor);
        }
        environment.refresh(self.settings);
        result
    }
}

/// 26000.
pub fn no_such_statement(name: &str) -> Error {
    let text = if name.is_empty() {
        "unnamed prepared statement does not exist".to_owned()
    } else {
        format!("prepared statement \"{name}\" does not exist")
    };
    Error::new(SqlState::INVALID_SQL_STATEMENT_NAME, text)
}

/// 34000.
pub fn no_such_portal(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}
