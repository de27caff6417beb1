//! From text to something that runs: parse, bind, plan, with every result kept where it can be used again.
//!
//! 1. A text seen before has its plan in the node's cache.
//! 2. A simple statement that differs only in literals from one seen before shares its plan: the literals are lifted out
//!    and become parameters (`parser::fingerprint` decides where that is safe).
//! 3. Otherwise parse, bind to the catalog, plan.
//!
//! A plan is good for one version of the catalog. The relations it touches are locked before it is used, and the version
//! is looked at again after that, so DDL never changes a table under a running statement.

use super::Session;
use super::plans::{CachedPlan, PlanKey, tag_of};
use super::portal::Run;
use super::run::in_place;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::binder::rel::{Access, AccessMode, OutputColumn};
use crate::binder::{self, Parameters};
use crate::catalog::Catalog;
use crate::parser::ast::{RawStatement, Statement};
use crate::planner::{self, PlannerSettings};
use crate::txn::{LockKey, LockMode, Wait};
use crate::types::{self, Datum, SqlType};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A prepared statement, named or not.
pub struct Prepared {
    /// The whole text, which positions in `statement` count from.
    pub text: Arc<str>,
    /// None for an empty text.
    pub statement: Option<Arc<RawStatement>>,
    pub params: Vec<SqlType>,
    /// Of a statement that returns rows.
    pub output: Option<Arc<[OutputColumn]>>,
    /// Of a SELECT, INSERT, UPDATE or DELETE: the plan last used.
    pub plan: Option<Mutex<Arc<CachedPlan>>>,
    pub from_sql: bool,
    pub prepared_us: i64,
    /// How often it has been run.
    pub uses: AtomicI64,
}

/// What became of taking a plan's table locks.
enum Locking {
    Done,
    /// They are taken, but the catalog is not the one that the plan was made for.
    Outdated,
    /// The transaction has queued for one.
    Wait,
}

/// Whether a statement is planned, rather than done by `utility.rs`.
pub fn is_planned(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Select(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) | Statement::Merge(_)
    )
}

impl Session {
    /// Parses one statement for later; `declared` gives the parameter types that the client knows.
    pub(super) async fn prepare(&mut self, text: Arc<str>, declared: &[Oid], from_sql: bool) -> Result<Prepared> {
        let mut all = parse_text(&text)?;
        if all.len() > 1 {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        self.prepare_statement(text, all.pop().map(Arc::new), declared, from_sql).await
    }

    pub(super) async fn prepare_statement(
        &mut self,
        text: Arc<str>,
        statement: Option<Arc<RawStatement>>,
        declared: &[Oid],
        from_sql: bool,
    ) -> Result<Prepared> {
        let mut prepared = Prepared {
            text,
            statement,
            params: Vec::new(),
            output: None,
            plan: None,
            from_sql,
            prepared_us: self.database.now_us(),
            uses: AtomicI64::new(0),
        };
        let Some(raw) = prepared.statement.clone() else { return Ok(prepared) };
        self.refuse_unless_ending(&raw.stmt)?;
        self.ensure_transaction()?;
        if is_planned(&raw.stmt) {
            let plan = self.plan(&prepared.text, &raw, declared)?;
            prepared.params = plan.plan.params.clone();
            prepared.output = returns_rows(&plan).then(|| plan.output().into());
            prepared.plan = Some(Mutex::new(plan));
        } else {
            prepared.params = declared.iter().map(|o| SqlType::of(*o)).collect();
            prepared.output = self.utility_columns(&raw.stmt)?;
        }
        Ok(prepared)
    }

    /// The plan of a statement of `text`, from the cache if it is there.
    pub(super) fn plan(&mut self, text: &Arc<str>, raw: &RawStatement, declared: &[Oid]) -> Result<Arc<CachedPlan>> {
        self.tx().catalog.refresh()?;
        let key = self.plan_key(Arc::from(&text[raw.start..raw.end]), declared);
        let version = self.tx().catalog.effective().version();
        if let Some(plan) = self.database.plans.get(&key, version) {
            return Ok(plan);
        }
        let plan = in_place(|| self.bind_and_plan(&raw.stmt, declared))?;
        if !self.tx().catalog.is_changed() {
            self.database.plans.put(key, plan.clone());
        }
        Ok(plan)
    }

    /// Where a plan is in the cache; the transaction's catalog is up to date.
    pub(super) fn plan_key(&mut self, text: Arc<str>, params: &[Oid]) -> PlanKey {
        let t = self.transaction.as_ref().expect("a transaction has begun");
        self.environment.resolve(t.catalog.effective());
        // Names mean something else to a session that has temporary relations.
        let own = self.environment.path.temp.map_or(0, |schema| crate::types::mix(u64::from(schema.0), 1));
        PlanKey { text, params: params.into(), environment: self.environment.plan_key ^ own }
    }

    fn bind_and_plan(&mut self, statement: &Statement, declared: &[Oid]) -> Result<Arc<CachedPlan>> {
        let catalog = self.tx().catalog.effective().clone();
        let query = self.bind_query(statement, declared, &catalog)?;
        let plan = planner::plan(&query, &catalog, &self.planner_settings())?;
        Ok(Arc::new(CachedPlan {
            plan: Arc::new(plan),
            catalog_version: catalog.version(),
            tag: tag_of(&query),
            read_only: query.read_only,
            stable: !query.literals_unstable,
            access: query.access,
        }))
    }

    fn bind_query(
        &mut self,
        statement: &Statement,
        declared: &[Oid],
        catalog: &Arc<Catalog>,
    ) -> Result<binder::rel::Query> {
        self.environment.resolve(catalog);
        let env = binder::Environment {
            catalog,
            search_path: &self.environment.path.searched,
            temp_schema: self.environment.path.temp,
            format: &self.environment.format,
        };
        binder::bind(&env, statement, Parameters::Infer(declared))
    }

    /// Lends what names and literals mean now.
    pub(super) fn with_env<T>(&mut self, work: impl FnOnce(&binder::Environment<'_>) -> Result<T>) -> Result<T> {
        let catalog = self.tx().catalog.effective().clone();
        self.environment.resolve(&catalog);
        work(&binder::Environment {
            catalog: &catalog,
            search_path: &self.environment.path.searched,
            temp_schema: self.environment.path.temp,
            format: &self.environment.format,
        })
    }

    fn planner_settings(&self) -> PlannerSettings<'_> {
        PlannerSettings {
            enable_seqscan: self.settings.on("enable_seqscan"),
            enable_indexscan: self.settings.on("enable_indexscan"),
            enable_hashjoin: self.settings.on("enable_hashjoin"),
            enable_nestloop: self.settings.on("enable_nestloop"),
            ..PlannerSettings::new(&self.database.definitions, &self.environment.format)
        }
    }

    /// Makes sure that a prepared statement's plan can be used now: it is made anew when the catalog or the settings have
    /// changed since.
    ///
    /// Error: 0A000 when its columns are no longer those that were described.
    pub(super) fn refresh_plan(&mut self, prepared: &Prepared) -> Result<()> {
        let slot = prepared.plan.as_ref().expect("only planned statements come here");
        self.tx().catalog.refresh()?;
        let version = self.tx().catalog.effective().version();
        let plan = match &*slot.lock() {
            plan if plan.catalog_version == version && plan.stable => return Ok(()),
            plan => plan.clone(),
        };
        let raw = prepared.statement.as_ref().expect("a plan has a statement");
        let declared: Vec<Oid> = prepared.params.iter().map(|t| t.oid).collect();
        let fresh = self.plan(&prepared.text, raw, &declared)?;
        let columns = |p: &CachedPlan| p.output().iter().map(|c| c.ty).collect::<Vec<_>>();
        if columns(&fresh) != columns(&plan) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cached plan must not change result type"));
        }
        *slot.lock() = fresh;
        Ok(())
    }

    /// A run of a prepared statement, its relations locked; None when that has to be waited for.
    pub(super) fn try_prepared_run(
        &mut self,
        prepared: &Prepared,
        params: &mut Vec<Datum>,
    ) -> Result<Option<Box<Run>>> {
        let slot = prepared.plan.as_ref().expect("only planned statements come here");
        loop {
            self.refresh_plan(prepared)?;
            let mut run = self.idle.take(&slot.lock(), std::mem::take(params));
            match self.try_lock_relations(&run.plan)? {
                Locking::Done => {
                    prepared.uses.fetch_add(1, Ordering::Relaxed);
                    return Ok(Some(run));
                }
                outcome => {
                    *params = run.execution.give_params();
                    if let Locking::Wait = outcome {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// [`Session::try_prepared_run`], with its waits.
    pub(super) async fn prepared_run(&mut self, prepared: &Prepared, mut params: Vec<Datum>) -> Result<Box<Run>> {
        loop {
            match self.try_prepared_run(prepared, &mut params)? {
                Some(run) => return Ok(run),
                None => Box::pin(self.await_lock()).await?,
            }
        }
    }

    /// Takes the table locks that the plan needs. Error: the plan's failure.
    fn try_lock_relations(&mut self, plan: &CachedPlan) -> Result<Locking> {
        for access in &plan.access {
            if access.relation < Oid::FIRST_USER {
                continue;
            }
            let key = LockKey::Relation { database: self.database_oid, relation: access.relation };
            match self.tx().txn.lock(&key, lock_mode(access), Wait::Block) {
                Ok(_) => {}
                Err(e) if e.flow() == Flow::Wait => return Ok(Locking::Wait),
                Err(e) => return Err(e),
            }
        }
        // Whoever changed a table before its lock was free has published that by now.
        let t = self.tx();
        t.catalog.refresh()?;
        if t.catalog.effective().version() != plan.catalog_version {
            return Ok(Locking::Outdated);
        }
        match &plan.plan.failure {
            None => Ok(Locking::Done),
            Some(e) => Err(e.clone()),
        }
    }

    /// Takes the table locks that the plan needs. False when the catalog has changed meanwhile, and with it perhaps the
    /// plan.
    pub(super) async fn lock_relations(&mut self, plan: &CachedPlan) -> Result<bool> {
        loop {
            match self.try_lock_relations(plan)? {
                Locking::Done => return Ok(true),
                Locking::Outdated => return Ok(false),
                Locking::Wait => Box::pin(self.await_lock()).await?,
            }
        }
    }

    /// Takes a lock on a relation to the end of the transaction.
    pub(super) async fn lock_relation(&mut self, relation: Oid, mode: LockMode) -> Result<()> {
        let key = LockKey::Relation { database: self.database_oid, relation };
        loop {
            match self.tx().txn.lock(&key, mode, Wait::Block) {
                Ok(_) => return Ok(()),
                Err(e) if e.flow() == Flow::Wait => Box::pin(self.await_lock()).await?,
                Err(e) => return Err(e),
            }
        }
    }

    fn refuse_unless_ending(&self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Transaction(t) if super::transaction::ends_block(&t.kind) => Ok(()),
            _ => self.refuse_if_failed(),
        }
    }

    /// Parameter values as Bind brings them.
    pub(super) fn parameters(
        &self,
        prepared: &Prepared,
        formats: &super::sink::Formats,
        values: &[Option<&[u8]>],
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let count = |n: usize| format!("{n} parameter{}", if n == 1 { "" } else { "s" });
        if formats.codes().len() > 1 && formats.codes().len() != values.len() {
            return Err(Error::new(
                SqlState::PROTOCOL_VIOLATION,
                format!("bind message has {} parameter formats but {}", formats.codes().len(), count(values.len())),
            ));
        }
        if values.len() != prepared.params.len() {
            return Err(Error::new(
                SqlState::PROTOCOL_VIOLATION,
                format!(
                    "bind message supplies {}, but prepared statement \"\" requires {}",
                    count(values.len()),
                    prepared.params.len()
                ),
            ));
        }
        let one = |(i, value): (usize, &Option<&[u8]>)| {
            let ty = prepared.params[i];
            let Some(bytes) = *value else { return Ok(Datum::Null) };
            match formats.get(i) {
                0 => {
                    let text = std::str::from_utf8(bytes).map_err(|_| invalid_text(bytes))?;
                    if text.contains('\0') {
                        return Err(invalid_text(b"\0"));
                    }
                    types::parse_text(ty, text, &self.environment.format)
                }
                1 => types::parse_binary(ty, bytes).map_err(|e| {
                    let context = format!("unnamed portal parameter ${}", i + 1);
                    e.context(context)
                }),
                code => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("unsupported format code: {code}"))),
            }
        };
        for value in values.iter().enumerate() {
            out.push(one(value)?);
        }
        Ok(())
    }
}

fn invalid_text(bytes: &[u8]) -> Error {
    let bad = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!("invalid byte sequence for encoding \"UTF8\": 0x{:02x}", bytes.get(bad).copied().unwrap_or(0)),
    )
}

pub fn returns_rows(plan: &CachedPlan) -> bool {
    plan.tag == "SELECT" || !plan.output().is_empty()
}

fn lock_mode(access: &Access) -> LockMode {
    match access.mode {
        AccessMode::Select => LockMode::AccessShare,
        AccessMode::Lock => LockMode::RowShare,
        AccessMode::Insert | AccessMode::Update | AccessMode::Delete => LockMode::RowExclusive,
    }
}

/// Parses a text; an error's position counts in that text.
pub fn parse_text(text: &str) -> Result<Vec<RawStatement>> {
    crate::parser::parse(text)
}
