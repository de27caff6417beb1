//! What an operator sees of the world: what the session lends ([`ExecContext`]) and what the execution itself keeps
//! ([`Shared`]), put together for the time of one call ([`Cx`]).

use super::cte::CteState;
use super::instrument::{Actual, Meters, Numbering};
use super::memory::Memory;
use super::spill::TempSpace;
use super::subplan::{SubplanRunner, SubplanState};
use super::{BATCH_ROWS, BoxOperator};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Catalog;
use crate::catalog::system::Facts;
use crate::expr::{self, EvalContext, EvalState, Expr, Host, Selection};
use crate::planner::definitions::Definitions;
use crate::planner::plan::PreparedPlan;
use crate::txn::{ReadView, Txn};
use crate::types::{Batch, Datum, FormatContext};
use arrow_array::ArrayRef;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the session lends for one call.
pub struct ExecContext<'a> {
    pub txn: &'a mut Txn,
    pub catalog: &'a Arc<Catalog>,
    pub definitions: &'a Arc<Definitions>,
    pub temp: &'a Arc<TempSpace>,
    /// What the system tables show besides the catalog, and the path that names are shown under.
    pub facts: &'a dyn Facts,
    pub search_path: &'a [Oid],
    pub host: &'a mut dyn Host,
    pub format: &'a FormatContext,
    pub eval: &'a mut EvalState,
    pub cancelled: &'a AtomicBool,
    /// `statement_timestamp()` and `now()`, microseconds since 2000-01-01 UTC.
    pub statement_us: i64,
    pub transaction_us: i64,
    /// Bytes that one sort or hash table should take.
    pub work_mem: usize,
    /// Work that the transaction has put off to the end of the statement or to COMMIT.
    pub deferred: &'a mut super::foreign_key::Deferred,
}

/// What lives as long as the execution, besides the operators.
pub(crate) struct Shared {
    pub plan: Arc<PreparedPlan>,
    pub view: Option<ReadView>,
    pub subplans: Vec<SubplanState>,
    pub ctes: Vec<CteState>,
    /// Of recursive queries: what the last round added.
    pub worktables: Vec<Vec<Batch>>,
    /// How often each work table has been given other rows.
    pub rounds: Vec<u64>,
    pub affected: u64,
    pub memory: Memory,
    meters: Option<Meters>,
}

impl Default for Shared {
    /// Of no statement: for work at COMMIT.
    fn default() -> Shared {
        Shared::new(&Arc::new(PreparedPlan::nothing()), false)
    }
}

impl Shared {
    pub fn new(plan: &Arc<PreparedPlan>, instrumented: bool) -> Shared {
        Shared {
            plan: Arc::clone(plan),
            view: None,
            subplans: plan.subplans.iter().map(|_| SubplanState::default()).collect(),
            ctes: plan.ctes.iter().map(|_| CteState::default()).collect(),
            worktables: vec![Vec::new(); plan.worktables],
            rounds: vec![0; plan.worktables],
            affected: 0,
            memory: Memory::default(),
            meters: instrumented.then(|| Meters::new(plan)),
        }
    }

    /// Where the counters of a part of the plan lie: 0 is the main tree, then the CTEs, then the sub-selects.
    pub fn numbering(&self, part: usize) -> Numbering {
        match &self.meters {
            Some(m) => m.numbering(part),
            None => Numbering::off(),
        }
    }

    pub fn actuals(&self) -> Vec<Actual> {
        self.meters.as_ref().map(Meters::read).unwrap_or_default()
    }

    /// Forgets an execution that has ended; false for those whose state is more than a few fields.
    pub fn recycle(&mut self) -> bool {
        let plain = self.subplans.is_empty() && self.ctes.is_empty() && self.worktables.is_empty();
        if !plain || self.meters.is_some() {
            return false;
        }
        self.view = None;
        self.affected = 0;
        self.memory = Memory::default();
        true
    }

    pub fn is_instrumented(&self) -> bool {
        self.meters.is_some()
    }
}

/// The context of an operator's call.
pub struct Cx<'a> {
    pub txn: &'a mut Txn,
    pub catalog: &'a Arc<Catalog>,
    pub definitions: &'a Arc<Definitions>,
    pub temp: &'a Arc<TempSpace>,
    /// What the system tables show besides the catalog, and the path that names are shown under.
    pub facts: &'a dyn Facts,
    pub search_path: &'a [Oid],
    pub params: &'a [Datum],
    pub exec: &'a mut Vec<Datum>,
    pub host: &'a mut dyn Host,
    pub format: &'a FormatContext,
    pub eval: &'a mut EvalState,
    pub cancelled: &'a AtomicBool,
    pub statement_us: i64,
    pub transaction_us: i64,
    pub work_mem: usize,
    pub deferred: &'a mut super::foreign_key::Deferred,
    pub(crate) shared: &'a mut Shared,
    /// The most rows that the operator above wants in a batch.
    pub batch_rows: usize,
}

impl<'a> Cx<'a> {
    pub(crate) fn new<'b: 'a>(
        env: &'a mut ExecContext<'b>,
        params: &'a [Datum],
        exec: &'a mut Vec<Datum>,
        shared: &'a mut Shared,
    ) -> Cx<'a> {
        Cx {
            txn: env.txn,
            catalog: env.catalog,
            definitions: env.definitions,
            temp: env.temp,
            facts: env.facts,
            search_path: env.search_path,
            params,
            exec,
            host: env.host,
            format: env.format,
            eval: env.eval,
            cancelled: env.cancelled,
            statement_us: env.statement_us,
            transaction_us: env.transaction_us,
            work_mem: env.work_mem,
            deferred: env.deferred,
            shared,
            batch_rows: BATCH_ROWS,
        }
    }

    /// The statement's view, taken on first use.
    pub fn view(&mut self) -> ReadView {
        self.shared.view.get_or_insert_with(|| self.txn.view()).clone()
    }

    /// 57014 when somebody asked for it.
    pub fn check_cancelled(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"));
        }
        Ok(())
    }

    /// Lends everything to the evaluator.
    pub fn with_eval<T>(&mut self, f: impl FnOnce(&mut EvalContext<'_>) -> T) -> T {
        let mut runner = SubplanRunner {
            txn: self.txn,
            catalog: self.catalog,
            definitions: self.definitions,
            temp: self.temp,
            facts: self.facts,
            search_path: self.search_path,
            work_mem: self.work_mem,
            deferred: self.deferred,
            shared: self.shared,
        };
        f(&mut EvalContext {
            params: self.params,
            exec: self.exec,
            format: self.format,
            host: self.host,
            subplans: Some(&mut runner),
            state: self.eval,
            cancelled: self.cancelled,
            statement_us: self.statement_us,
            transaction_us: self.transaction_us,
        })
    }

    /// Lends the transaction and an evaluator without sub-selects: for the checks and index expressions of a table.
    pub fn with_rows<T>(&mut self, f: impl FnOnce(&mut Txn, &mut EvalContext<'_>) -> T) -> T {
        f(
            self.txn,
            &mut EvalContext {
                params: self.params,
                exec: self.exec,
                format: self.format,
                host: self.host,
                subplans: None,
                state: self.eval,
                cancelled: self.cancelled,
                statement_us: self.statement_us,
                transaction_us: self.transaction_us,
            },
        )
    }

    /// The value of an expression as a column of the batch's length.
    pub fn array(&mut self, expr: &Expr, batch: &Batch) -> Result<ArrayRef> {
        if let Expr::Input { index, .. } = expr {
            return Ok(Arc::clone(&batch.columns[*index]));
        }
        self.with_eval(|ev| expr::evaluate(expr, batch, ev))
    }

    pub fn arrays(&mut self, exprs: &[Expr], batch: &Batch) -> Result<Vec<ArrayRef>> {
        exprs.iter().map(|e| self.array(e, batch)).collect()
    }

    /// Which rows satisfy a condition.
    pub fn select(&mut self, condition: &Expr, batch: &Batch) -> Result<Selection> {
        self.with_eval(|ev| expr::filter(condition, batch, ev))
    }

    /// The rows that satisfy a condition.
    pub fn filter(&mut self, condition: &Expr, batch: Batch) -> Result<Batch> {
        Ok(match self.select(condition, &batch)? {
            Selection::All => batch,
            Selection::Nothing => Batch::default(),
            Selection::Some(keep) => batch.filter(&keep),
        })
    }

    /// The value of an expression that reads no input.
    pub fn value(&mut self, expr: &Expr) -> Result<Datum> {
        match expr {
            Expr::Const { value, .. } => Ok(value.clone()),
            Expr::Param { index, .. } => Ok(self.params[*index].clone()),
            Expr::Exec { slot, .. } => Ok(self.exec[*slot].clone()),
            _ => self.with_eval(|ev| expr::evaluate_scalar(expr, ev)),
        }
    }

    /// Whether a condition that reads no input is true.
    pub fn is_true(&mut self, condition: &Expr) -> Result<bool> {
        Ok(matches!(self.value(condition)?, Datum::Bool(true)))
    }

    /// Calls an input with another idea of how many rows are wanted.
    pub(crate) fn pull(&mut self, input: &mut BoxOperator, rows: usize) -> Result<Option<Batch>> {
        let before = std::mem::replace(&mut self.batch_rows, rows);
        let batch = input.next(self);
        self.batch_rows = before;
        batch
    }

    /// Calls an input that will be read to its end whatever the operator above wants.
    pub(crate) fn pull_all(&mut self, input: &mut BoxOperator) -> Result<Option<Batch>> {
        self.pull(input, BATCH_ROWS)
    }
}
