//! The executor: runs a physical plan by pulling Arrow batches through a tree of operators, one operator per file.
//!
//! Entry points: [`start`] makes an [`Execution`] of a [`PreparedPlan`] and its parameters; [`Execution::next`] gives one
//! batch after the other, each call with an [`ExecContext`] of what the session lends for its time. An execution can lie
//! still between two calls for as long as it likes (portals, cursors): it borrows nothing.
//!
//! Must not know: sockets, settings, how a statement is repeated. A lock that must be waited for, and a row that is
//! newer than the snapshot, leave as errors ([`Flow`](crate::base::Flow)); the session waits, undoes the statement and calls
//! [`Execution::restart`].
//!
//! Invariants:
//! 1. An operator answers `None` for ever once it has answered `None`, until it is rewound. It never answers an
//!    empty batch.
//! 2. A batch has at most [`Cx::batch_rows`] rows. LIMIT lowers that number for what is below it, so that nothing
//!    is computed, and no row locked, that nobody asked for.
//! 3. Every wait for input passes a check of the cancel flag: each leaf operator checks it once per batch.
//! 4. A statement that writes or locks hands out its first row after its last lock: its output is kept until it is
//!    complete ([`Execution::next`]), so it can be restarted without the client having seen anything.
//! 5. An execution that has ended can be used again for the same plan, if all its operators can ([`Execution::recycle`]);
//!    it holds no row and no snapshot in between.
//! 6. Memory that grows with the data is counted against `work_mem`; beyond the hard cap the statement ends with 53200.
//!
//! Called by one thread at a time, the session's. May block: only in the engine's page reads.
//!
//! Read in this order: `context.rs`, `build.rs`, then any operator; `key_table.rs` before the ones that group or join.

mod aggregate;
mod append;
mod build;
mod context;
pub mod copy;
mod cte;
pub mod ddl;
mod distinct;
mod filter;
mod first_lock;
pub mod foreign_key;
mod function_scan;
mod hash_join;
mod insert_batch;
mod instrument;
mod key_table;
mod limit;
mod lock_rows;
mod lookup;
mod memory;
mod merge;
mod modify;
mod nested_loop;
mod project;
mod project_set;
mod ranges;
mod recursive;
mod result;
mod scan;
mod set_op;
mod sort;
mod spill;
mod subplan;
mod system_scan;
mod window;

pub use context::{Cx, ExecContext};
pub use insert_batch::{InsertFailure, insert_batch};
pub use instrument::Actual;
pub use spill::TempSpace;

use crate::base::Result;
use crate::planner::plan::{Access, PreparedPlan};
use crate::types::{Batch, ColumnBuilder, Datum};
use context::Shared;
use std::collections::VecDeque;
use std::sync::Arc;

/// The most rows in a batch.
pub const BATCH_ROWS: usize = 2048;

/// Produces rows.
pub(crate) trait Operator: Send {
    /// The next rows; see the folder's invariants.
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>>;

    /// Starts again from the first row, with the values that the slots have now.
    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()>;

    /// Rewinds and appends all rows to columns that the caller gathers over many rounds; how many. None: this operator
    /// has no such way, and nothing was done. For the inner side of a nested loop, where a batch for each row would cost more
    /// than the row.
    fn append(&mut self, _cx: &mut Cx<'_>, _columns: &mut [ColumnBuilder]) -> Result<Option<usize>> {
        Ok(None)
    }

    /// Whether the next answer is known to be `None`, so that nobody need ask.
    fn is_done(&self) -> bool {
        false
    }

    /// Forgets the statement that has ended, so that this operator can serve another of the same plan, with none of its
    /// rows and snapshots left; false when it cannot. What it answers is worth having for short statements only.
    fn recycle(&mut self) -> bool {
        false
    }
}

pub(crate) type BoxOperator = Box<dyn Operator>;

/// One run of a statement.
pub struct Execution {
    plan: Arc<PreparedPlan>,
    params: Vec<Datum>,
    root: BoxOperator,
    exec: Vec<Datum>,
    shared: Shared,
    /// The output of a statement that writes or locks, once it is complete.
    kept: Option<VecDeque<Batch>>,
    finished: bool,
}

/// Makes an execution; nothing runs before the first [`Execution::next`].
pub fn start(plan: Arc<PreparedPlan>, params: Vec<Datum>) -> Execution {
    start_with(plan, params, false)
}

/// Like [`start`], and counts rows, rounds and time of each node: EXPLAIN ANALYZE.
pub fn start_instrumented(plan: Arc<PreparedPlan>, params: Vec<Datum>) -> Execution {
    start_with(plan, params, true)
}

fn start_with(plan: Arc<PreparedPlan>, params: Vec<Datum>, instrumented: bool) -> Execution {
    let shared = Shared::new(&plan, instrumented);
    let root = build::build(&plan.root, &shared.numbering(0));
    let exec = vec![Datum::Null; plan.exec_slots];
    Execution { plan, params, root, exec, shared, kept: None, finished: false }
}

impl Execution {
    /// The next rows, or none at the end. The first call takes the statement's view from the transaction, whose
    /// statement must have begun.
    pub fn next(&mut self, env: &mut ExecContext<'_>) -> Result<Option<Batch>> {
        if let Some(kept) = &mut self.kept {
            return Ok(kept.pop_front());
        }
        if self.finished {
            return Ok(None);
        }
        if self.plan.access == Access::Read {
            let batch = self.pull(env)?;
            self.finished = batch.is_none() || self.root.is_done();
            return Ok(batch);
        }
        let mut kept = VecDeque::new();
        while let Some(batch) = self.pull(env)? {
            self.shared.memory.grow(&batch)?;
            kept.push_back(batch);
            if self.root.is_done() {
                break;
            }
        }
        self.finish_ctes(env)?;
        let first = kept.pop_front();
        self.kept = Some(kept);
        Ok(first)
    }

    fn pull(&mut self, env: &mut ExecContext<'_>) -> Result<Option<Batch>> {
        let mut cx = Cx::new(env, &self.params, &mut self.exec, &mut self.shared);
        self.root.next(&mut cx)
    }

    /// WITH queries that change rows run to their end, whether or not anyone reads them.
    fn finish_ctes(&mut self, env: &mut ExecContext<'_>) -> Result<()> {
        for (i, cte) in self.plan.ctes.iter().enumerate() {
            if cte.modifies {
                let mut cx = Cx::new(env, &self.params, &mut self.exec, &mut self.shared);
                cte::complete(i, &mut cx)?;
            }
        }
        Ok(())
    }

    /// Whether the next call is known to give nothing.
    pub fn is_finished(&self) -> bool {
        self.kept.as_ref().map_or(self.finished, VecDeque::is_empty)
    }

    /// Makes an execution that has ended ready for other parameters, as if it had just been started; false when it has to
    /// be made anew.
    pub fn recycle(&mut self) -> bool {
        if !self.shared.recycle() || !self.root.recycle() {
            return false;
        }
        self.exec.fill(Datum::Null);
        self.kept = None;
        self.finished = false;
        true
    }

    /// Takes the parameters away from an execution that is not going to run.
    pub fn give_params(&mut self) -> Vec<Datum> {
        std::mem::take(&mut self.params)
    }

    pub fn set_params(&mut self, params: Vec<Datum>) {
        self.params = params;
    }

    /// Rows inserted, updated or deleted so far by the statement itself (not by its WITH queries or foreign keys).
    pub fn rows_affected(&self) -> u64 {
        self.shared.affected
    }

    pub fn params(&self) -> &[Datum] {
        &self.params
    }

    pub fn plan(&self) -> &Arc<PreparedPlan> {
        &self.plan
    }

    /// What EXPLAIN ANALYZE counted, by node in the order in which EXPLAIN prints them.
    pub fn actuals(&self) -> Vec<Actual> {
        self.shared.actuals()
    }

    /// Forgets everything done so far: the statement was undone and runs again, on a view of its own.
    pub fn restart(&mut self) {
        let instrumented = self.shared.is_instrumented();
        let params = std::mem::take(&mut self.params);
        *self = start_with(Arc::clone(&self.plan), params, instrumented);
    }
}

#[cfg(test)]
mod tests;
