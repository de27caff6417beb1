//! Statements that are not planned: settings, prepared statements, cursors, notifications, maintenance; DDL and COPY are
//! handed to the executor (`ProcessUtility`, `src/backend/tcop/utility.c`).

use super::Session;
use super::backend::Interrupt;
use super::environment::split_path;
use super::portal::{RowsTag, Source};
use super::prepare::is_planned;
use super::run::{in_place, no_such_statement};
use super::settings::{Scope, unrecognized};
use super::sink::Sink;
use crate::base::{Error, Flow, Result, SqlState};
use crate::binder;
use crate::binder::rel::OutputColumn;
use crate::executor::ddl;
use crate::expr::ColId;
use crate::parser::ast::{
    Discard, DropDatabase, Execute, Lock, Prepare, RawStatement, ShowTarget, Statement, TableLockMode,
    TransactionModeKind, VariableAction, VariableSet, VariableValue, VariableValueKind,
};
use crate::txn::{Access, LockMode};
use crate::types::{Batch, ColumnBuilder, Datum, DatumRef, Physical, SqlType};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// DROP DATABASE waits five seconds for others to leave, as PostgreSQL does.
const VACATE_TRIES: usize = 250;
const VACATE_PAUSE: Duration = Duration::from_millis(20);

/// A column of text that no table has.
pub fn text_column(name: &str) -> OutputColumn {
    OutputColumn { name: name.to_owned(), id: ColId(0), ty: SqlType::TEXT, origin: None }
}

/// Rows of text columns.
pub fn text_rows(columns: &[&str], rows: Vec<Vec<String>>, tag: &str) -> Source {
    let described: Arc<[OutputColumn]> = columns.iter().map(|c| text_column(c)).collect();
    let count = rows.len();
    let arrays = (0..columns.len()).map(|i| {
        let mut builder = ColumnBuilder::new(Physical::Text, count);
        rows.iter().for_each(|row| builder.push(DatumRef::Text(&row[i])));
        builder.finish()
    });
    let batches = if count == 0 { VecDeque::new() } else { VecDeque::from([Batch::new(arrays.collect(), count)]) };
    Source::Rows { columns: described, batches, tag: RowsTag::Text(tag.to_owned()) }
}

pub fn done(tag: &str) -> Source {
    Source::Rows { columns: Arc::new([]), batches: VecDeque::new(), tag: RowsTag::Text(tag.to_owned()) }
}

impl Session {
    /// The columns that a utility statement will return, for Describe; None when it returns no rows.
    pub(super) fn utility_columns(&mut self, statement: &Statement) -> Result<Option<Arc<[OutputColumn]>>> {
        Ok(match statement {
            Statement::Show(ShowTarget::Name(name)) => {
                self.settings.show(name).ok_or_else(|| unrecognized(name))?;
                Some(Arc::new([text_column(canonical_name(name))]))
            }
            Statement::Show(ShowTarget::All) => {
                Some(["name", "setting", "description"].iter().map(|c| text_column(c)).collect())
            }
            Statement::Explain(_) => Some(Arc::new([self.explain_column(statement)?])),
            Statement::WaitFor(_) => Some(Arc::new([text_column("status")])),
            Statement::Execute(e) => {
                let prepared = self.statements.get(&e.name.name).ok_or_else(|| no_such_statement(&e.name.name))?;
                prepared.output.clone()
            }
            Statement::Fetch(f) if !f.is_move => {
                self.portals.get(&f.portal.name).and_then(|p| p.columns().map(Arc::from))
            }
            _ => None,
        })
    }

    /// Runs one; what comes back still has to be fetched. `Finished` says that all has been sent.
    pub(super) async fn run_utility<S: Sink>(
        &mut self,
        raw: &RawStatement,
        text: &Arc<str>,
        in_block: bool,
        sink: &mut S,
    ) -> Result<Source> {
        self.time_has_passed();
        self.refuse_during_recovery(&raw.stmt)?;
        match &raw.stmt {
            Statement::Set(set) => self.set(set).map(|()| done(if set.is_reset() { "RESET" } else { "SET" })),
            Statement::Show(target) => self.show(target),
            Statement::Prepare(p) => self.prepare_sql(p, text).await.map(|()| done("PREPARE")),
            Statement::Execute(e) => self.execute_sql(e).await,
            Statement::Deallocate(name) => self.deallocate(name.as_ref().map(|n| n.name.as_str())),
            Statement::DeclareCursor(d) => self.declare(d, text, in_block).await.map(|()| done("DECLARE CURSOR")),
            Statement::Fetch(f) => self.fetch_sql(f).await,
            Statement::ClosePortal(name) => self.close_cursor(name.as_ref().map(|n| n.name.as_str())).map(done),
            Statement::Listen(channel) => {
                self.database.backends.listen(self.backend.process, &channel.name);
                Ok(done("LISTEN"))
            }
            Statement::Unlisten(channel) => {
                self.database.backends.unlisten(self.backend.process, channel.as_ref().map(|c| c.name.as_str()));
                Ok(done("UNLISTEN"))
            }
            Statement::Notify(n) => {
                let payload = n.payload.clone().unwrap_or_default();
                self.notify(&n.channel.name, &payload)?;
                Ok(done("NOTIFY"))
            }
            Statement::Discard(what) => self.discard(*what),
            Statement::Explain(e) => self.explain(e, text).await,
            Statement::Copy(copy) => self.copy(copy, raw, text, sink).await,
            Statement::Lock(lock) => self.lock_tables(lock).await.map(|()| done("LOCK TABLE")),
            Statement::WaitFor(wait) => self.wait_for_lsn(wait).await,
            Statement::Checkpoint => in_place(|| self.database.engine.checkpoint()).map(|_| done("CHECKPOINT")),
            Statement::Transaction(_) => unreachable!("the protocols run these themselves"),
            Statement::Load(_) => Err(Error::unsupported("LOAD")),
            Statement::AlterSystem(_) => Err(Error::unsupported("ALTER SYSTEM")),
            statement if is_planned(statement) => unreachable!("queries are planned"),
            statement => self.ddl(statement, text, in_block).await,
        }
    }

    /// 25006 for what a read-only transaction may do, but not on a replica (`ClassifyUtilityCommandAsReadOnly`).
    fn refuse_during_recovery(&self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Listen(_) => self.prevent_during_recovery("LISTEN"),
            Statement::Notify(_) => self.prevent_during_recovery("NOTIFY"),
            Statement::Vacuum(_) | Statement::Cluster(_) | Statement::Reindex(_) => {
                self.prevent_during_recovery(statement.kind_name())
            }
            Statement::Copy(copy) if copy.is_from => self.prevent_during_recovery("COPY"),
            Statement::Lock(lock) if table_mode(lock.mode) > LockMode::RowExclusive => {
                self.prevent_during_recovery("LOCK TABLE")
            }
            _ => Ok(()),
        }
    }

    /// DDL runs as one statement of the transaction: undone and begun again when it has to wait.
    async fn ddl(&mut self, statement: &Statement, text: &Arc<str>, in_block: bool) -> Result<Source> {
        if ddl::refuses_block(statement) && in_block {
            return Err(Error::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                format!("{} cannot run inside a transaction block", statement.kind_name()),
            ));
        }
        if ddl::writes(statement) {
            self.prevent_read_only(statement.kind_name())?;
        }
        self.tx().used = true;
        if let Statement::DropDatabase(drop) = statement {
            self.vacate(drop).await?;
        }
        loop {
            self.tx().catalog.refresh()?;
            let lsn = self.tx().catalog.effective().lsn();
            self.tx().txn.raise_floor(lsn);
            let mark = self.tx().catalog.mark();
            let begun = self.tx().txn.begin_statement(Access::Write)?;
            let result = in_place(|| self.lend(text, |cx| ddl::run(statement, cx)));
            match result {
                Ok(outcome) => {
                    self.tx().txn.end_statement();
                    self.tx().txn.next_command();
                    return Ok(match outcome {
                        ddl::Outcome::Done(tag) => done(&tag),
                        ddl::Outcome::Counted(words, rows) => done(&format!("{words} {rows}")),
                    });
                }
                Err(e) => {
                    let t = self.tx();
                    t.txn.undo_statement(begun);
                    t.catalog.rollback_to(mark);
                    match e.flow() {
                        Flow::Fail => return Err(e),
                        Flow::Wait => self.await_lock().await?,
                        Flow::Restart => {}
                    }
                }
            }
        }
    }

    /// Gives the sessions of a database that is to be dropped time to leave, after telling them to with FORCE
    /// (`CountOtherDBBackends`, `TerminateOtherDBBackends`). Whether the statement is right in other ways it finds itself.
    async fn vacate(&mut self, drop: &DropDatabase) -> Result<()> {
        self.tx().catalog.refresh()?;
        let (role, own) = (self.role, self.database_oid);
        let catalog = self.tx().catalog.effective();
        let Some(database) = catalog.database_named(&drop.name.name) else { return Ok(()) };
        let droppable = catalog.has_ownership(role, database.owner) && !database.is_template;
        if !droppable || database.oid == own {
            return Ok(());
        }
        let force = drop.options.iter().any(|o| o.name == "force");
        for _ in 0..VACATE_TRIES {
            let all = self.database.backends.all();
            let others: Vec<_> = all.iter().filter(|b| b.activity.lock().database == drop.name.name).collect();
            if others.is_empty() {
                break;
            }
            if force {
                others.iter().for_each(|b| b.interrupt(Interrupt::Terminate));
            }
            if let Some(why) = self.backend.interrupted() {
                return Err(why.error());
            }
            tokio::time::sleep(VACATE_PAUSE).await;
        }
        Ok(())
    }

    fn set(&mut self, set: &VariableSet) -> Result<()> {
        let scope = if set.local { Scope::Transaction } else { Scope::Session };
        if set.local && !self.transaction.as_ref().is_some_and(|t| t.explicit) {
            self.warn(SqlState::NO_ACTIVE_SQL_TRANSACTION, "SET LOCAL can only be used in transaction blocks");
        }
        let result = match &set.action {
            VariableAction::Set { name, values } => self.set_one(name, values, scope),
            VariableAction::SetDefault { name } | VariableAction::Reset { name } => self.reset_one(name, scope),
            VariableAction::SetCurrent { name } => self.settings.show(name).ok_or_else(|| unrecognized(name)).map(drop),
            VariableAction::ResetAll => {
                self.settings.reset_all();
                Ok(())
            }
            VariableAction::Transaction(modes) => {
                if !self.transaction.as_ref().is_some_and(|t| t.explicit) {
                    self.warn(
                        SqlState::NO_ACTIVE_SQL_TRANSACTION,
                        "SET TRANSACTION can only be used in transaction blocks",
                    );
                }
                self.set_modes(modes)
            }
            VariableAction::SessionCharacteristics(modes) => {
                for mode in modes {
                    let (name, value) = match mode.kind {
                        TransactionModeKind::Isolation(level) => {
                            ("default_transaction_isolation", isolation_name(level))
                        }
                        TransactionModeKind::ReadOnly(on) => ("default_transaction_read_only", on_off(on)),
                        TransactionModeKind::Deferrable(on) => ("default_transaction_deferrable", on_off(on)),
                    };
                    self.settings.set(name, value, Scope::Session)?;
                }
                Ok(())
            }
            VariableAction::TransactionSnapshot(_) => Err(Error::unsupported("SET TRANSACTION SNAPSHOT")),
        };
        self.environment.refresh(&self.settings);
        result
    }

    fn set_one(&mut self, name: &str, values: &[VariableValue], scope: Scope) -> Result<()> {
        match name {
            "role" | "session_authorization" => {
                let wanted = values.first().map(value_text).unwrap_or_default();
                let same = wanted == self.user || (name == "role" && wanted == "none");
                return if same {
                    Ok(())
                } else {
                    Err(Error::unsupported(format!("SET {}", name.to_uppercase().replace('_', " "))))
                };
            }
            "transaction_isolation" => {
                let wanted = values.first().map(value_text).unwrap_or_default().to_lowercase();
                let known = ["serializable", "repeatable read", "read committed", "read uncommitted"];
                return match known.iter().find(|k| **k == wanted) {
                    Some(&"read uncommitted") => self.set_isolation("read committed"),
                    Some(level) => self.set_isolation(level),
                    None => Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("invalid value for parameter \"transaction_isolation\": \"{wanted}\""),
                    )),
                };
            }
            "transaction_read_only" => {
                let wanted = values.first().map(value_text).unwrap_or_default();
                let on = super::settings::parse_bool(&wanted).ok_or_else(|| {
                    Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        "parameter \"transaction_read_only\" requires a Boolean value",
                    )
                })?;
                return self.set_read_only(on);
            }
            "seed" => {
                let text = values.first().map(value_text).unwrap_or_default();
                let seed = text.parse().ok().filter(|n: &f64| (-1.0..=1.0).contains(n));
                let seed = seed.ok_or_else(|| {
                    Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("invalid value for parameter \"seed\": \"{text}\""),
                    )
                })?;
                self.eval.random.reseed(seed);
                return Ok(());
            }
            _ => {}
        }
        let is_list = matches!(name.to_ascii_lowercase().as_str(), "search_path" | "datestyle" | "temp_tablespaces");
        let text = if is_list {
            let quoted = !name.eq_ignore_ascii_case("datestyle");
            values.iter().map(|v| if quoted { list_item(v) } else { value_text(v) }).collect::<Vec<_>>().join(", ")
        } else if values.len() > 1 {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("SET {name} takes only one argument")));
        } else {
            values.first().map(value_text).unwrap_or_default()
        };
        if name.eq_ignore_ascii_case("timezone") && matches!(text.to_ascii_lowercase().as_str(), "local" | "default") {
            return self.settings.reset(name, scope);
        }
        self.settings.set(name, &text, scope)?;
        if name.eq_ignore_ascii_case("application_name") {
            self.backend.activity.lock().application = self.settings.get("application_name").to_owned();
        }
        Ok(())
    }

    fn reset_one(&mut self, name: &str, scope: Scope) -> Result<()> {
        match name {
            "role" | "session_authorization" => Ok(()),
            "transaction_isolation" => {
                let default = self.settings.get("default_transaction_isolation").to_owned();
                self.set_isolation(&default)
            }
            _ => self.settings.reset(name, scope),
        }
    }

    fn show(&mut self, target: &ShowTarget) -> Result<Source> {
        match target {
            ShowTarget::Name(name) => {
                let value = self.settings.show(name).ok_or_else(|| unrecognized(name))?;
                Ok(text_rows(&[canonical_name(name)], vec![vec![value]], "SHOW"))
            }
            ShowTarget::All => {
                let row = |s: &'static super::settings::Setting, v: &str| {
                    vec![s.name.to_owned(), s.display(v), s.description.to_owned()]
                };
                let rows = self.settings.all().map(|(s, value, _, _)| row(s, value)).collect();
                Ok(text_rows(&["name", "setting", "description"], rows, "SHOW"))
            }
        }
    }

    async fn prepare_sql(&mut self, p: &Prepare, text: &Arc<str>) -> Result<()> {
        if self.statements.contains_key(&p.name.name) {
            return Err(Error::new(
                SqlState::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{}\" already exists", p.name.name),
            ));
        }
        let mut declared = Vec::with_capacity(p.types.len());
        for name in &p.types {
            declared.push(self.with_env(|env| binder::resolve_type(env, name))?.oid);
        }
        let raw = RawStatement { stmt: p.statement.clone(), start: p.start, end: p.end };
        let prepared = self.prepare_statement(text.clone(), Some(Arc::new(raw)), &declared, true).await?;
        self.statements.insert(p.name.name.clone(), Arc::new(prepared));
        Ok(())
    }

    /// EXECUTE: the arguments are computed now, the rows come by the portal.
    pub(super) async fn execute_sql(&mut self, e: &Execute) -> Result<Source> {
        let name = &e.name.name;
        let prepared = self.statements.get(name).cloned().ok_or_else(|| no_such_statement(name))?;
        if prepared.plan.is_none() {
            return Err(Error::unsupported("EXECUTE of a utility statement"));
        }
        if e.args.len() != prepared.params.len() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("wrong number of parameters for prepared statement \"{name}\""),
            )
            .detail(format!("Expected {} parameters but got {}.", prepared.params.len(), e.args.len())));
        }
        let params = self.arguments(e, &prepared.params)?;
        self.prepared_run(&prepared, params).await.map(Source::Query)
    }

    fn arguments(&mut self, e: &Execute, types: &[SqlType]) -> Result<Vec<Datum>> {
        let mut values = Vec::with_capacity(types.len());
        for (i, (arg, ty)) in e.args.iter().zip(types).enumerate() {
            let bound = self.with_env(|env| binder::bind_value(env, arg, i + 1, *ty))?;
            let value = self.with_context(|cx| cx.evaluate_row(&bound))?;
            values.push(value);
        }
        Ok(values)
    }

    fn deallocate(&mut self, name: Option<&str>) -> Result<Source> {
        match name {
            None => {
                self.statements.clear();
                Ok(done("DEALLOCATE ALL"))
            }
            Some(name) => match self.statements.remove(name) {
                Some(_) => Ok(done("DEALLOCATE")),
                None => Err(no_such_statement(name)),
            },
        }
    }

    pub(super) fn notify(&mut self, channel: &str, payload: &str) -> Result<()> {
        super::host::notify(&mut self.transaction, self.backend.process, channel, payload)
    }

    fn discard(&mut self, what: Discard) -> Result<Source> {
        Ok(match what {
            Discard::Plans => {
                self.database.plans.clear();
                self.idle.clear();
                done("DISCARD PLANS")
            }
            Discard::Sequences => {
                self.sequences.clear();
                done("DISCARD SEQUENCES")
            }
            Discard::Temp => {
                self.with_temporary(ddl::drop_temporary)?;
                done("DISCARD TEMP")
            }
            Discard::All => {
                self.prevent_in_block("DISCARD ALL")?;
                self.portals.clear();
                self.settings.reset_all();
                self.environment.refresh(&self.settings);
                self.statements.clear();
                self.idle.clear();
                self.database.backends.unlisten(self.backend.process, None);
                self.sequences.clear();
                self.owner.unlock_all();
                self.with_temporary(ddl::drop_temporary)?;
                done("DISCARD ALL")
            }
        })
    }

    /// LOCK TABLE.
    async fn lock_tables(&mut self, lock: &Lock) -> Result<()> {
        self.require_block("LOCK TABLE")?;
        for relation in &lock.relations {
            let found = self.with_env(|env| binder::find_relation(env, &relation.name))?;
            let crate::catalog::Relation::Table(table) = found else {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot lock relation \"{}\"", relation.name.name),
                ));
            };
            let mode = table_mode(lock.mode);
            if lock.nowait {
                let key = crate::txn::LockKey::Relation { database: self.database_oid, relation: table.oid };
                if self.tx().txn.lock(&key, mode, crate::txn::Wait::No)? == crate::txn::Locked::Busy {
                    return Err(Error::new(
                        SqlState::LOCK_NOT_AVAILABLE,
                        format!("could not obtain lock on relation \"{}\"", table.name),
                    ));
                }
            } else {
                self.lock_relation(table.oid, mode).await?;
            }
            self.tx().catalog.refresh()?;
        }
        Ok(())
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn isolation_name(level: crate::parser::ast::IsolationLevel) -> &'static str {
    use crate::parser::ast::IsolationLevel::*;
    match level {
        ReadUncommitted | ReadCommitted => "read committed",
        RepeatableRead => "repeatable read",
        Serializable => "serializable",
    }
}

pub fn table_mode(mode: TableLockMode) -> LockMode {
    match mode {
        TableLockMode::AccessShare => LockMode::AccessShare,
        TableLockMode::RowShare => LockMode::RowShare,
        TableLockMode::RowExclusive => LockMode::RowExclusive,
        TableLockMode::ShareUpdateExclusive => LockMode::ShareUpdateExclusive,
        TableLockMode::Share => LockMode::Share,
        TableLockMode::ShareRowExclusive => LockMode::ShareRowExclusive,
        TableLockMode::Exclusive => LockMode::Exclusive,
        TableLockMode::AccessExclusive => LockMode::AccessExclusive,
    }
}

/// The table's spelling of a setting's name.
fn canonical_name(name: &str) -> &str {
    super::settings::find(name).map_or(name, |i| super::settings_table::SETTINGS[i].name)
}

fn value_text(value: &VariableValue) -> String {
    match &value.kind {
        VariableValueKind::String(s) | VariableValueKind::Word(s) | VariableValueKind::Float(s) => s.clone(),
        VariableValueKind::Integer(n) => n.to_string(),
        VariableValueKind::Interval { value, .. } => value.clone(),
    }
}

/// A value of a list, quoted where `split_path` would otherwise change it (`flatten_set_variable_args`).
fn list_item(value: &VariableValue) -> String {
    let text = value_text(value);
    if split_path(&text) == [text.as_str()] || matches!(value.kind, VariableValueKind::Word(_)) && text.is_ascii() {
        text
    } else {
        crate::parser::keywords::quote_ident(&text).into_owned()
    }
}
