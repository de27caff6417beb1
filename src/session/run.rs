//! Runs a portal: takes locks and a snapshot, pulls batches, and runs the statement again where PostgreSQL would have
//! waited or looked again.
//!
//! 1. Lock the relations; if that had to wait and the catalog changed, plan again.
//! 2. Begin the statement: a snapshot, and a mark in the write set.
//! 3. Pull a batch. Rows go to the client as they come; when enough is queued, send it before the next pull.
//! 4. `Flow::Wait`: undo the statement's writes, keep its locks, await the lock, begin again from 2.
//!    `Flow::Restart`: the same without waiting.
//! 5. At the end the snapshot may go; then the tag.

use super::backend::Interrupt;
use super::facts::SessionFacts;
use super::host::SessionHost;
use super::plans::CachedPlan;
use super::portal::{Portal, Run, Source};
use super::sink::{Formats, Sink};
use super::{Session, Status};
use crate::base::{Error, Flow, Lsn, Result, SqlState};
use crate::executor::ddl::DdlContext;
use crate::executor::{self, ExecContext, Execution};
use crate::planner::plan::Access as PlanAccess;
use crate::txn::{Access, Isolation};
use crate::types::{Batch, Datum};
use std::cell::RefCell;
use std::sync::Arc;

/// Moves other tasks off this worker thread while `work` runs.
pub fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
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
        plan: Arc<CachedPlan>,
        params: Vec<Datum>,
        formats: &Formats,
        sink: &mut S,
    ) -> Result<String> {
        let mut run = self.begin_run(&plan, params).await?;
        if super::prepare::returns_rows(&plan) {
            sink.row_description(plan.output(), formats);
        }
        while let Some(batch) = self.pull(&plan, &mut run).await? {
            run.sent += batch.rows as u64;
            if !plan.output().is_empty() || plan.tag == "SELECT" {
                sink.rows(&batch, plan.output(), formats, &self.environment.format)?;
            }
            if sink.is_full() {
                sink.flush().await?;
            }
        }
        Ok(self.finish_run(&plan, &run))
    }

    /// Steps 1 and 2.
    pub(super) async fn begin_run(&mut self, plan: &Arc<CachedPlan>, params: Vec<Datum>) -> Result<Run> {
        if !plan.read_only {
            self.prevent_read_only(plan.tag.trim_end_matches(" 0"))?;
        }
        self.tx().used = true;
        let mut execution = executor::start(plan.plan.clone(), params);
        let statement = self.begin_statement(plan, &mut execution).await?;
        let deferred = self.tx().deferred.len();
        Ok(Run { execution, statement, deferred, rest: None, sent: 0 })
    }

    /// A snapshot; for a statement on one row by its key, after that row's lock, so that it need not run twice.
    async fn begin_statement(&mut self, plan: &CachedPlan, execution: &mut Execution) -> Result<crate::txn::Statement> {
        let access = match plan.plan.access {
            PlanAccess::Read => Access::Read,
            PlanAccess::Write => Access::Write,
        };
        if plan.plan.lock_first && self.tx().txn.isolation() == Isolation::ReadCommitted {
            loop {
                match self.with_context(|cx| executor::take_first_lock(execution.plan(), execution.params(), cx)) {
                    Ok(()) => break,
                    Err(e) if e.flow() == Flow::Wait => Box::pin(self.await_lock()).await?,
                    Err(e) => return Err(e),
                }
            }
        }
        let lsn = self.tx().catalog.effective().lsn();
        let t = self.tx();
        t.txn.raise_floor(lsn);
        t.txn.begin_statement(access)
    }

    /// Step 3, and 4 where it is needed.
    pub(super) async fn pull(&mut self, plan: &CachedPlan, run: &mut Run) -> Result<Option<Batch>> {
        if let Some(rest) = run.rest.take() {
            return Ok(Some(rest));
        }
        loop {
            let result = if plan.plan.is_short {
                self.with_context(|cx| run.execution.next(cx))
            } else {
                in_place(|| self.with_context(|cx| run.execution.next(cx)))
            };
            let e = match result {
                Ok(batch) => return Ok(batch),
                Err(e) => e,
            };
            match e.flow() {
                Flow::Fail => return Err(e),
                Flow::Wait | Flow::Restart => {
                    let statement = run.statement;
                    self.tx().txn.undo_statement(statement);
                    let deferred = run.deferred;
                    self.tx().deferred.truncate(deferred);
                    if e.flow() == Flow::Wait {
                        Box::pin(self.await_lock()).await?;
                    }
                    run.execution.restart();
                    run.statement = self.begin_statement(plan, &mut run.execution).await?;
                }
            }
        }
    }

    /// Step 5: the snapshot may go. Returns the command tag.
    pub(super) fn finish_run(&mut self, plan: &CachedPlan, run: &Run) -> String {
        self.tx().txn.end_statement();
        let rows = if plan.tag == "SELECT" { run.sent } else { run.execution.rows_affected() };
        format!("{} {rows}", plan.tag)
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
        let none = self.no_text.clone();
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
        let none = self.no_text.clone();
        self.lend(&none, |cx| cx.with_exec(work))
    }

    /// Lends what a statement may need, DDL included. `text` is what positions in its tree count from.
    pub(super) fn lend<T>(
        &mut self,
        text: &Arc<str>,
        work: impl FnOnce(&mut DdlContext<'_>) -> Result<T>,
    ) -> Result<T> {
        let t = self.transaction.as_mut().expect("a transaction has begun");
        let catalog = t.catalog.effective().clone();
        let path = self.environment.search_path(&catalog);
        self.environment.show_names(&catalog, &path);
        let settings = RefCell::new(&mut self.settings);
        let mut floor = Lsn::ZERO;
        let mut host = SessionHost {
            database: &self.database,
            backend: &self.backend,
            owner: &self.owner,
            settings: &settings,
            sequences: &mut self.sequences,
            notices: &mut self.notices,
            notifications: &mut t.notifications,
            companions: &mut t.companions,
            floor: &mut floor,
            catalog: &catalog,
            path: &path.searched,
            named_schemas: &path.named,
            temp_schema: path.temp,
            user: &self.user,
            txn_id: t.txn.id(),
        };
        let facts = SessionFacts {
            database: &self.database,
            catalog: &catalog,
            settings: &settings,
            statements: &self.statements,
            portals: &self.portals,
        };
        let result = work(&mut DdlContext {
            txn: &mut t.txn,
            catalog: &mut t.catalog,
            host: &mut host,
            format: &self.environment.format,
            eval: &mut self.eval,
            cancelled: self.backend.flag(),
            statement_us: self.statement_us,
            transaction_us: t.start_us,
            work_mem: self.environment.work_mem,
            deferred: &mut t.deferred,
            search_path: &path.searched,
            creation_schema: path.named.first().copied(),
            role: self.role,
            text,
            definitions: &self.database.definitions,
            facts: &facts,
            temp: &self.database.temp,
            temp_schema: &self.environment.temp_schema,
            temp_is_first: self.environment.temp_is_first(),
        });
        t.txn.raise_floor(floor);
        self.environment.refresh(&self.settings);
        result
    }

    /// Waits for the lock that the transaction has queued for, a cancel, or `lock_timeout`.
    pub(super) async fn await_lock(&mut self) -> Result<()> {
        let wait = self.tx().txn.take_wait().expect("a wait was announced");
        let backend = self.backend.clone();
        let cancelled = async {
            loop {
                if let Some(why) = backend.interrupted() {
                    return why.error();
                }
                backend.wake.notified().await;
            }
        };
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
            e = cancelled => Err(e),
            () = timeout => Err(Interrupt::LockTimeout.error()),
        }
    }

    /// Sends up to `most` rows of a portal (0 is all), and whatever ends it.
    pub(super) async fn fetch<S: Sink>(&mut self, portal: &mut Portal, most: usize, sink: &mut S) -> Result<Fetched> {
        let most = if most == 0 { usize::MAX } else { most };
        match &mut portal.source {
            Source::Empty => {
                sink.empty_query();
                Ok(Fetched::Finished)
            }
            Source::Finished => {
                sink.complete("SELECT 0");
                Ok(Fetched::Finished)
            }
            Source::Query { plan, params, run } => {
                let plan = plan.clone();
                let mut current = match run.take() {
                    Some(run) => run,
                    None => {
                        let params = std::mem::take(params);
                        Box::new(self.begin_run(&plan, params).await?)
                    }
                };
                let rows = super::prepare::returns_rows(&plan);
                let mut left = most;
                loop {
                    if left == 0 {
                        *run = Some(current);
                        sink.suspended();
                        return Ok(Fetched::Suspended);
                    }
                    let Some(mut batch) = self.pull(&plan, &mut current).await? else { break };
                    if batch.rows > left {
                        current.rest = Some(batch.slice(left, batch.rows - left));
                        batch = batch.slice(0, left);
                    }
                    left -= batch.rows;
                    current.sent += batch.rows as u64;
                    if rows {
                        sink.rows(&batch, plan.output(), &portal.formats, &self.environment.format)?;
                    }
                    if sink.is_full() {
                        sink.flush().await?;
                    }
                }
                let tag = if plan.tag == "SELECT" {
                    self.tx().txn.end_statement();
                    format!("SELECT {}", most - left)
                } else {
                    self.finish_run(&plan, &current)
                };
                sink.complete(&tag);
                portal.source = Source::Finished;
                Ok(Fetched::Finished)
            }
            Source::Rows { columns, batches, tag } => {
                let mut left = most;
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
                sink.complete(&tag.text((most - left) as u64));
                portal.source = Source::Finished;
                Ok(Fetched::Finished)
            }
            Source::Utility(_) => unreachable!("utility statements run by `execute`"),
        }
    }

    /// What `pg_stat_activity` shows from here on.
    pub(super) fn set_activity(&self, query: Option<&Arc<str>>) {
        let now = query.map_or_else(|| self.database.now_us(), |_| self.statement_us);
        let mut activity = self.backend.activity.lock();
        match query {
            Some(text) => {
                if !Arc::ptr_eq(&activity.query, text) {
                    activity.query = text.clone();
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
