//! COPY between the executor's encoder or decoder and the client, or a file of the server.

use super::Session;
use super::portal::Source;
use super::run::in_place;
use super::sink::{CopyInput, Sink};
use super::utility::done;
use crate::base::{Error, Result, SqlState};
use crate::binder::{self, Clause};
use crate::catalog::{Relation, Table, TableKind};
use crate::executor::copy::{self, CopyFrom, CopyTo, SourceFile, TargetFile};
use crate::expr::Expr;
use crate::parser;
use crate::parser::ast::{Copy, CopySource, CopyTarget, RawStatement};
use crate::txn::{Access, LockMode};
use std::sync::Arc;

/// Where COPY TO's bytes go.
enum Target<'a, S> {
    Client(&'a mut S),
    File(TargetFile),
}

impl<S: Sink> Target<'_, S> {
    fn put(&mut self, bytes: &[u8]) {
        match self {
            Target::Client(sink) => sink.copy_data(bytes),
            Target::File(file) => file.put(bytes),
        }
    }

    /// Sends or writes what has been put, if it is enough for that.
    async fn make_room(&mut self) -> Result<()> {
        match self {
            Target::Client(sink) if sink.is_full() => sink.flush().await,
            Target::File(file) if file.is_full() => in_place(|| file.flush()),
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<()> {
        match self {
            Target::Client(sink) => sink.copy_done(),
            Target::File(file) => in_place(|| file.flush())?,
        }
        Ok(())
    }
}

impl Session {
    pub(super) async fn copy<S: Sink>(
        &mut self,
        copy: &Copy,
        raw: &RawStatement,
        text: &Arc<str>,
        sink: &mut S,
    ) -> Result<Source> {
        match &copy.target {
            CopyTarget::Client => {}
            CopyTarget::File(_) => self.check_may_use_files(copy.is_from)?,
            CopyTarget::Program(_) => return Err(Error::unsupported("COPY with a program")),
        }
        let options = copy::read_options(&copy.options, copy.is_from)?;
        let rows = match (&copy.source, copy.is_from) {
            (CopySource::Table { .. }, true) => self.copy_from(copy, options, sink).await?,
            (CopySource::Query { .. }, true) => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "COPY FROM needs a table").at(raw.start));
            }
            (_, false) => self.copy_to(copy, options, text, sink).await?,
        };
        Ok(done(&format!("COPY {rows}")))
    }

    /// Files of the server are for superusers and the members of two roles (`DoCopy`, `src/backend/commands/copy.c`).
    fn check_may_use_files(&mut self, is_from: bool) -> Result<()> {
        let (group, what) = match is_from {
            true => ("pg_read_server_files", "COPY from a file"),
            false => ("pg_write_server_files", "COPY to a file"),
        };
        let role = self.role;
        let catalog = self.tx().catalog.effective();
        let member = || catalog.role_named(group).is_some_and(|g| catalog.is_member(role, g.oid, true));
        if catalog.is_superuser(role) || member() {
            return Ok(());
        }
        let message = format!("must be superuser or have privileges of the {group} role to {what}");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .hint("Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone."))
    }

    /// The table, locked.
    async fn copy_table(&mut self, copy: &Copy, mode: LockMode) -> Result<Arc<Table>> {
        let CopySource::Table { relation, .. } = &copy.source else {
            return Err(Error::internal("a query is no table"));
        };
        let found = self.with_env(|env| binder::find_relation(env, relation))?;
        match found {
            Relation::Table(t) if t.kind == TableKind::Table => {
                self.lock_relation(t.oid, mode).await?;
                self.tx().catalog.refresh()?;
                let current = self.tx().catalog.effective().table(t.oid).cloned();
                current.ok_or_else(|| {
                    Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", t.name))
                })
            }
            other => {
                let (verb, hint) = match copy.is_from {
                    true => ("copy to", None),
                    false => ("copy from", Some("Try the COPY (SELECT ...) TO variant.")),
                };
                let e = Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot {verb} {} \"{}\"", other.noun(), other.name()),
                );
                Err(match hint {
                    Some(hint) if matches!(other.relkind(), b'v' | b'm') => e.hint(hint),
                    _ => e,
                })
            }
        }
    }

    async fn copy_from<S: Sink>(&mut self, copy: &Copy, options: copy::Options, sink: &mut S) -> Result<u64> {
        self.prevent_read_only("COPY FROM")?;
        self.tx().used = true;
        let table = self.copy_table(copy, LockMode::RowExclusive).await?;
        let CopySource::Table { columns, .. } = &copy.source else {
            return Err(Error::internal("a query is no table"));
        };
        let positions = copy::columns(&table, columns)?;
        let catalog = self.tx().catalog.effective().clone();
        let definition = self.database.definitions.get(&catalog, &table)?;
        let defaults = self.defaults(&table, &positions)?;
        let filter = match &copy.filter {
            Some(filter) => Some(
                self.with_env(|env| binder::stored_expression(env, Some(&table), filter, Clause::CopyWhere, None))?,
            ),
            None => None,
        };
        let format = self.with_context(|cx| Ok(cx.format.clone()))?;
        let mut input = CopyFrom::new(definition, positions, options, defaults, filter, &format)?;
        let result = match &copy.target {
            CopyTarget::File(path) => self.take_file(&mut input, path),
            _ => {
                sink.copy_in(input.is_binary(), input.columns());
                self.take_input(&mut input, sink).await
            }
        };
        // After an error the client may still be sending: the connection drops what it says up to the next command.
        self.tx().txn.end_statement();
        result
    }

    async fn take_input<S: Sink>(&mut self, input: &mut CopyFrom, sink: &mut S) -> Result<u64> {
        let access = Access::Write;
        self.tx().txn.begin_statement(access)?;
        loop {
            match sink.copy_input().await? {
                CopyInput::Data(data) if !input.push(&data) => continue,
                CopyInput::Data(_) => in_place(|| self.with_context(|cx| input.work(cx)))?,
                CopyInput::Done => return in_place(|| self.with_context(|cx| input.finish(cx))),
                CopyInput::Failed(why) => {
                    return Err(Error::new(SqlState::QUERY_CANCELED, format!("COPY from stdin failed: {why}")));
                }
            }
            if let Some(why) = self.backend.interrupted() {
                return Err(why.error());
            }
        }
    }

    fn take_file(&mut self, input: &mut CopyFrom, path: &str) -> Result<u64> {
        in_place(|| {
            let mut file = SourceFile::open(path, self.database.defaults.get("data_directory"))?;
            self.tx().txn.begin_statement(Access::Write)?;
            loop {
                let data = file.read()?;
                if data.is_empty() {
                    return self.with_context(|cx| input.finish(cx));
                }
                if input.push(data) {
                    self.with_context(|cx| input.work(cx))?;
                }
                if let Some(why) = self.backend.interrupted() {
                    return Err(why.error());
                }
            }
        })
    }

    /// What the columns without a field get.
    fn defaults(&mut self, table: &Arc<Table>, positions: &[usize]) -> Result<Vec<(usize, Expr)>> {
        let mut defaults = Vec::new();
        for column in table.live_columns() {
            let at = column.attnum as usize - 1;
            if positions.contains(&at) || column.generated.is_some() {
                continue;
            }
            defaults.push((at, self.with_env(|env| binder::default_value(env, table, column))?));
        }
        Ok(defaults)
    }

    async fn copy_to<S: Sink>(
        &mut self,
        copy: &Copy,
        options: copy::Options,
        text: &Arc<str>,
        sink: &mut S,
    ) -> Result<u64> {
        let (text, raw) = match &copy.source {
            CopySource::Query { statement, start, end } => {
                (text.clone(), RawStatement { stmt: statement.clone(), start: *start, end: *end })
            }
            CopySource::Table { columns, .. } => {
                let table = self.copy_table(copy, LockMode::AccessShare).await?;
                let positions = copy::columns(&table, columns)?;
                let catalog = self.tx().catalog.effective().clone();
                let list: Vec<String> = positions.iter().map(|at| quoted(&table.columns[*at].name)).collect();
                let (schema, name) = (quoted(catalog.schema_name(table.schema)), quoted(&table.name));
                let text: Arc<str> = Arc::from(format!("SELECT {} FROM {schema}.{name}", list.join(", ")));
                let raw = parser::parse(&text)?.pop().ok_or_else(|| Error::internal("no statement"))?;
                (text, raw)
            }
        };
        let plan = self.locked_plan(&text, &raw).await?;
        if !super::prepare::returns_rows(&plan) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause"));
        }
        let columns = plan.output().iter().map(|c| (c.name.clone(), c.ty)).collect();
        let mut output = CopyTo::new(options, columns)?;
        let mut run = self.idle.take(&plan, Vec::new());
        self.begin(&mut run).await?;
        let mut target = match &copy.target {
            CopyTarget::File(path) => Target::File(in_place(|| TargetFile::create(path))?),
            _ => {
                sink.copy_out(output.is_binary(), output.columns());
                Target::Client(sink)
            }
        };
        let head = output.head();
        if !head.is_empty() {
            target.put(&head);
        }
        while let Some(batch) = self.pull(&mut run).await? {
            run.sent += batch.rows as u64;
            in_place(|| output.rows(&batch, &self.environment.format, |bytes| target.put(bytes)))?;
            target.make_room().await?;
        }
        in_place(|| output.finish(|bytes| target.put(bytes)))?;
        target.finish()?;
        let sent = run.sent;
        self.finish_run(run);
        Ok(sent)
    }
}

fn quoted(name: &str) -> String {
    parser::keywords::quote_ident(name).into_owned()
}
