//! Counts what each node did, for EXPLAIN ANALYZE: a wrapper around every operator, made only when asked for.

use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::{Plan, PreparedPlan};
use crate::types::Batch;
use parking_lot::Mutex;
use std::cell::Cell;
use std::sync::Arc;

/// What one node did, over all its rounds.
pub use crate::planner::plan::Actual;

/// One counter for each node of a statement: the main tree's in the order in which EXPLAIN prints them, then those of
/// the CTEs, then those of the sub-selects.
pub(crate) struct Meters {
    cells: Arc<Vec<Mutex<Actual>>>,
    /// Where each part begins.
    starts: Vec<usize>,
}

impl Meters {
    pub fn new(plan: &PreparedPlan) -> Meters {
        let mut starts = Vec::new();
        let mut total = 0;
        for part in plan.parts() {
            starts.push(total);
            total += part.map_or(0, Plan::node_count);
        }
        Meters { cells: Arc::new((0..total).map(|_| Mutex::default()).collect()), starts }
    }

    pub fn numbering(&self, part: usize) -> Numbering {
        Numbering { cells: Some(Arc::clone(&self.cells)), next: Cell::new(self.starts[part]) }
    }

    pub fn read(&self) -> Vec<Actual> {
        self.cells.iter().map(|c| *c.lock()).collect()
    }
}

/// Hands out the counters while operators are built, parents before children.
pub(crate) struct Numbering {
    cells: Option<Arc<Vec<Mutex<Actual>>>>,
    next: Cell<usize>,
}

impl Numbering {
    pub fn off() -> Numbering {
        Numbering { cells: None, next: Cell::new(0) }
    }

    /// The next node's number.
    pub fn take(&self) -> usize {
        let n = self.next.get();
        self.next.set(n + 1);
        n
    }

    pub fn wrap(&self, number: usize, operator: BoxOperator) -> BoxOperator {
        match &self.cells {
            Some(cells) => Box::new(Instrumented { operator, cells: Arc::clone(cells), number, started: false }),
            None => operator,
        }
    }
}

struct Instrumented {
    operator: BoxOperator,
    cells: Arc<Vec<Mutex<Actual>>>,
    number: usize,
    started: bool,
}

impl Operator for Instrumented {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        let before = cx.host.clock_us();
        let batch = self.operator.next(cx)?;
        let took = cx.host.clock_us() - before;
        let mut a = self.cells[self.number].lock();
        a.total_us += took;
        if !self.started {
            self.started = true;
            a.loops += 1;
            a.startup_us += took;
        }
        a.rows += batch.as_ref().map_or(0, |b| b.rows as u64);
        Ok(batch)
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.started = false;
        self.operator.rewind(cx)
    }
}
