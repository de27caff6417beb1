//! A database on a simulated disk that answers SQL: the whole road from text to rows, without a session around it.

use crate::base::{Error, Flow, Result};
use crate::binder::{Environment, Parameters, bind};
use crate::catalog::object::{Column, Constraint, ConstraintKind, FkAction, FkMatch, Index, RowKey, Table};
use crate::catalog::system::NoFacts;
use crate::catalog::tests::engine;
use crate::catalog::{CatalogStore, CatalogTxn, PG_CATALOG, POSTGRES_DATABASE, PUBLIC, sample};
use crate::executor::foreign_key::{Deferred, run_deferred};
use crate::executor::{ExecContext, Execution, TempSpace, start, start_instrumented};
use crate::expr::{EvalState, NoHost};
use crate::io::SimDisk;
use crate::planner::PlannerSettings;
use crate::planner::definitions::Definitions;
use crate::planner::explain::{ExplainOptions, Measured, explain};
use crate::planner::plan::PreparedPlan;
use crate::table::Tables;
use crate::txn::{Access, Isolation, Txn};
use crate::types::{ColumnReader, Datum, FormatContext, type_by_name, write_text};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub struct Db {
    pub store: Arc<CatalogStore>,
    pub definitions: Arc<Definitions>,
    pub temp: Arc<TempSpace>,
    pub work_mem: usize,
}

/// What a statement answered.
#[derive(Debug)]
pub struct Answer {
    pub rows: Vec<Vec<String>>,
    pub affected: u64,
}

impl Answer {
    /// Rows joined by `;`, values by `,`, NULL as `-`.
    pub fn text(&self) -> String {
        self.rows.iter().map(|r| r.join(",")).collect::<Vec<_>>().join(";")
    }
}

impl Db {
    pub fn new() -> Db {
        let disk = SimDisk::new(1);
        let store = CatalogStore::open(engine(&disk)).unwrap();
        let temp = TempSpace::new(Arc::new(disk), "temp").unwrap();
        let definitions = Definitions::new(Tables::new(store.clone()));
        Db { store, definitions, temp, work_mem: 4 << 20 }
    }

    /// Creates a table: `id int4 pk, code text unique, n int4 index notnull`; `refs=t` is a foreign key to `t`'s primary
    /// key, `check=..` and further words are not for columns with spaces.
    pub fn create(&self, name: &str, columns: &str) {
        self.create_with(name, columns, |_, _| {});
    }

    pub fn create_with(&self, name: &str, spec: &str, adjust: impl FnOnce(&mut Table, &mut Vec<Index>)) {
        let mut ddl = CatalogTxn::begin(self.store.clone(), POSTGRES_DATABASE).unwrap();
        let mut txn = self.store.engine().begin(Isolation::ReadCommitted);
        txn.begin_statement(Access::Write).unwrap();
        let new_oid = || self.store.new_oid().unwrap();
        let mut columns = Vec::new();
        let mut indexes = Vec::new();
        let mut constraints = Vec::new();
        let (oid, mut pk) = (new_oid(), None);
        for (i, part) in spec.split(',').enumerate() {
            let words: Vec<&str> = part.split_whitespace().collect();
            let attnum = i as i16 + 1;
            let ty = type_by_name(words[1]).unwrap_or_else(|| panic!("no type {}", words[1])).oid;
            let mut column = Column::new(attnum, words[0], ty, -1);
            for word in &words[2..] {
                match *word {
                    "notnull" => column.not_null = true,
                    "pk" => {
                        column.not_null = true;
                        let mut index = sample::index(new_oid(), oid, &format!("{name}_pkey"), &[(attnum, ty)]);
                        (index.unique, index.primary, index.clustered) = (true, true, true);
                        pk = Some((index.oid, attnum));
                        indexes.push(index);
                    }
                    "unique" => {
                        let name = format!("{name}_{}_key", words[0]);
                        let mut index = sample::index(new_oid(), oid, &name, &[(attnum, ty)]);
                        index.unique = true;
                        indexes.push(index);
                    }
                    "index" => {
                        let name = format!("{name}_{}_idx", words[0]);
                        indexes.push(sample::index(new_oid(), oid, &name, &[(attnum, ty)]));
                    }
                    other => {
                        let rest = other.strip_prefix("refs=").expect("a flag of a column");
                        let (parent, action) = rest.split_once(':').unwrap_or((rest, "no"));
                        constraints.push(self.reference(new_oid(), name, words[0], attnum, parent, action, oid));
                    }
                }
            }
            columns.push(column);
        }
        let mut table = sample::table(oid, name, columns);
        table.row_type = new_oid();
        table.array_type = new_oid();
        table.constraints = constraints;
        table.tree = txn.create_tree().unwrap();
        if let Some((index, attnum)) = pk {
            table.row_key = RowKey::Columns { index, attnums: vec![attnum] };
        }
        adjust(&mut table, &mut indexes);
        for index in &mut indexes {
            index.schema = PUBLIC;
            index.tree = if index.clustered { table.tree } else { txn.create_tree().unwrap() };
        }
        ddl.put(&mut txn, table).unwrap();
        for index in indexes {
            ddl.put(&mut txn, index).unwrap();
        }
        let committed = txn.commit_with(ddl.publication()).unwrap();
        self.store.engine().wait_durable_blocking(committed.wait_for).unwrap();
    }

    #[allow(clippy::too_many_arguments)]
    fn reference(
        &self,
        oid: crate::base::Oid,
        child: &str,
        column: &str,
        attnum: i16,
        parent: &str,
        action: &str,
        own: crate::base::Oid,
    ) -> Constraint {
        let catalog = self.store.current(POSTGRES_DATABASE).unwrap();
        let found = match catalog.relation(PUBLIC, parent) {
            Some(crate::catalog::Relation::Table(t)) => Some(t),
            _ => None,
        };
        let (parent, index) = match &found {
            Some(t) => (t.oid, catalog.indexes_of(t.oid)[0].oid),
            // To itself: the primary key's index is the first that was made.
            None => (own, crate::base::Oid(own.0 + 1)),
        };
        let on = match action {
            "cascade" => FkAction::Cascade,
            "setnull" => FkAction::SetNull,
            "restrict" => FkAction::Restrict,
            _ => FkAction::NoAction,
        };
        let mut c = sample::constraint(
            oid,
            &format!("{child}_{column}_fkey"),
            ConstraintKind::ForeignKey {
                columns: vec![attnum],
                parent,
                parent_columns: vec![1],
                parent_index: index,
                matching: FkMatch::Simple,
                on_update: on,
                on_delete: on,
                set_columns: vec![],
            },
        );
        if action == "deferred" {
            (c.deferrable, c.initially_deferred) = (true, true);
        }
        c
    }

    pub fn begin(&self) -> Session<'_> {
        let txn = self.store.engine().begin(Isolation::ReadCommitted);
        Session { db: self, txn, deferred: Deferred::default() }
    }

    /// One statement in a transaction of its own.
    pub fn run(&self, sql: &str) -> Result<Answer> {
        let mut session = self.begin();
        let answer = session.run(sql)?;
        session.commit()?;
        Ok(answer)
    }

    pub fn text(&self, sql: &str) -> String {
        match self.run(sql) {
            Ok(answer) => answer.text(),
            Err(e) => format!("{} {e}", e.code()),
        }
    }

    pub fn plan(&self, sql: &str) -> Result<PreparedPlan> {
        let catalog = self.store.current(POSTGRES_DATABASE)?;
        let format = FormatContext::default();
        let path = [PG_CATALOG, PUBLIC];
        let env = Environment { catalog: &catalog, search_path: &path, temp_schema: None, format: &format };
        let statements = crate::parser::parse(sql)?;
        let [statement] = statements.as_slice() else { return Err(Error::internal("one statement, please")) };
        let query = bind(&env, &statement.stmt, Parameters::Infer(&[]))?;
        crate::planner::plan(&query, &catalog, &PlannerSettings::new(&self.definitions, &format))
    }

    /// EXPLAIN (COSTS OFF), lines joined by newlines.
    pub fn explain(&self, sql: &str) -> String {
        let options = ExplainOptions { costs: false, ..ExplainOptions::default() };
        match self.plan(sql) {
            Ok(plan) => explain(&plan, &options, None).unwrap().join("\n"),
            Err(e) => format!("{} {e}", e.code()),
        }
    }

    /// EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF).
    pub fn analyze(&self, sql: &str) -> String {
        let plan = Arc::new(self.plan(sql).unwrap());
        let mut session = self.begin();
        session.txn.begin_statement(Access::Write).unwrap();
        let mut run = start_instrumented(plan.clone(), vec![]);
        session.drain(&mut run).unwrap();
        let options = ExplainOptions { analyze: true, costs: false, timing: false, ..ExplainOptions::default() };
        let measured = Measured { nodes: run.actuals(), ..Measured::default() };
        explain(&plan, &options, Some(&measured)).unwrap().join("\n")
    }
}

/// A transaction.
pub struct Session<'a> {
    pub db: &'a Db,
    pub txn: Txn,
    pub deferred: Deferred,
}

impl Session<'_> {
    pub fn run(&mut self, sql: &str) -> Result<Answer> {
        self.run_with(sql, vec![])
    }

    pub fn run_with(&mut self, sql: &str, params: Vec<Datum>) -> Result<Answer> {
        let plan = Arc::new(self.db.plan(sql)?);
        loop {
            let mark = self.deferred.len();
            let access = match plan.access {
                crate::planner::plan::Access::Read => Access::Read,
                crate::planner::plan::Access::Write => Access::Write,
            };
            let statement = self.txn.begin_statement(access)?;
            let mut run = start(plan.clone(), params.clone());
            let done = self.drain(&mut run);
            match done {
                Ok(rows) => {
                    self.txn.end_statement();
                    return Ok(Answer { rows, affected: run.rows_affected() });
                }
                Err(e) => {
                    self.txn.undo_statement(statement);
                    self.deferred.truncate(mark);
                    self.txn.end_statement();
                    if e.flow() != Flow::Restart {
                        return Err(e);
                    }
                }
            }
        }
    }

    /// Begins a statement without running it.
    pub fn open(&mut self, sql: &str) -> Execution {
        let plan = Arc::new(self.db.plan(sql).unwrap());
        self.txn.begin_statement(Access::Write).unwrap();
        start(plan, vec![])
    }

    pub fn first_lock(&mut self, plan: &Arc<PreparedPlan>) -> Result<()> {
        self.with_env(|env| start(Arc::clone(plan), vec![]).take_first_lock(env))
    }

    pub fn drain(&mut self, run: &mut Execution) -> Result<Vec<Vec<String>>> {
        let types: Vec<_> = run.plan().root.types.clone();
        let mut rows = Vec::new();
        let format = FormatContext::default();
        self.with_env(|env| {
            while let Some(batch) = run.next(env)? {
                let readers: Vec<_> =
                    batch.columns.iter().zip(&types).map(|(c, t)| ColumnReader::new(t.physical(), c)).collect();
                for i in 0..batch.rows {
                    rows.push(
                        readers
                            .iter()
                            .zip(&types)
                            .map(|(r, ty)| match r.get(i) {
                                v if v.is_null() => "-".to_owned(),
                                v => {
                                    let mut out = Vec::new();
                                    write_text(&mut out, *ty, v, &format);
                                    String::from_utf8(out).unwrap()
                                }
                            })
                            .collect(),
                    );
                }
            }
            Ok(())
        })?;
        Ok(rows)
    }

    fn with_env<T>(&mut self, work: impl FnOnce(&mut ExecContext<'_>) -> Result<T>) -> Result<T> {
        let catalog = self.db.store.current(POSTGRES_DATABASE)?;
        let (mut host, mut eval) = (NoHost, EvalState::new([7; 32]));
        let (format, cancelled) = (FormatContext::default(), AtomicBool::new(false));
        work(&mut ExecContext {
            txn: &mut self.txn,
            catalog: &catalog,
            definitions: &self.db.definitions,
            temp: &self.db.temp,
            facts: &NoFacts,
            search_path: &[PG_CATALOG, PUBLIC],
            host: &mut host,
            format: &format,
            eval: &mut eval,
            cancelled: &cancelled,
            statement_us: 0,
            transaction_us: 0,
            work_mem: self.db.work_mem,
            deferred: &mut self.deferred,
        })
    }

    pub fn commit(mut self) -> Result<()> {
        if !self.deferred.is_empty() {
            self.txn.begin_statement(Access::Write)?;
            self.with_env(|env| run_deferred(env, None))?;
        }
        let committed = self.txn.commit()?;
        self.db.store.engine().wait_durable_blocking(committed.wait_for)
    }
}
