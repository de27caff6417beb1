//! WITH queries that are computed once: the rows are kept with the execution and read by any number of scans, each at
//! its own place, and only as far as somebody reads.
//!
//! The rows of a query inside a sub-select or a LATERAL item may depend on outer columns, and inside the step of a
//! recursive query on its work table. They are kept with the values of those, and computed anew by the first scan that
//! begins under others.

use super::build::build;
use super::nested_loop::take_rows;
use super::{BoxOperator, Cx, Operator};
use crate::base::{Error, Result};
use crate::planner::plan::CteScan;
use crate::types::{Batch, Datum};
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct CteState {
    /// Built on first use; taken out while it runs.
    operator: Option<BoxOperator>,
    rows: Vec<Batch>,
    begun: bool,
    done: bool,
    /// The outer columns and the rounds of work tables that `rows` were computed for.
    columns: Vec<Datum>,
    rounds: Vec<u64>,
}

/// Whether nothing could tell these values apart; equal numbers of different scale are not the same.
fn same(a: &[Datum], b: &[Datum]) -> bool {
    let exact = |(a, b): (&Datum, &Datum)| match (a, b) {
        (Datum::Int4(a), Datum::Int4(b)) => a == b,
        (Datum::Int8(a), Datum::Int8(b)) => a == b,
        (Datum::Text(a), Datum::Text(b)) => a == b,
        (a, b) => format!("{a:?}") == format!("{b:?}"),
    };
    a.len() == b.len() && a.iter().zip(b).all(exact)
}

/// Forgets the rows of a CTE that were computed for other outer values than there are now.
fn renew(cte: usize, cx: &mut Cx<'_>) {
    let plan = Arc::clone(&cx.shared.plan);
    let plan = &plan.ctes[cte];
    if plan.slots.is_empty() && plan.worktables.is_empty() {
        return;
    }
    let columns: Vec<Datum> = plan.slots.iter().map(|&s| cx.exec[s].clone()).collect();
    let rounds: Vec<u64> = plan.worktables.iter().map(|&w| cx.shared.rounds[w]).collect();
    let state = &cx.shared.ctes[cte];
    if state.begun && rounds == state.rounds && same(&columns, &state.columns) {
        return;
    }
    let fresh = CteState { columns, rounds, ..CteState::default() };
    let old = std::mem::replace(&mut cx.shared.ctes[cte], fresh);
    old.rows.iter().for_each(|b| cx.shared.memory.shrink_by(super::memory::batch_bytes(b)));
}

/// Reads one more batch of a CTE; false at its end.
fn read_on(cte: usize, cx: &mut Cx<'_>) -> Result<bool> {
    let state = &mut cx.shared.ctes[cte];
    if state.done {
        return Ok(false);
    }
    let operator = match state.operator.take() {
        Some(operator) => operator,
        None if state.begun => return Err(Error::internal("a WITH query reads itself")),
        None => {
            state.begun = true;
            let plan = Arc::clone(&cx.shared.plan);
            build(&plan.ctes[cte].plan, &cx.shared.numbering(1 + cte))
        }
    };
    let mut operator = operator;
    let affected = cx.shared.affected;
    let batch = cx.pull_all(&mut operator);
    cx.shared.affected = affected;
    let batch = batch?;
    if let Some(batch) = &batch {
        cx.shared.memory.grow(batch)?;
    }
    let state = &mut cx.shared.ctes[cte];
    state.operator = Some(operator);
    match batch {
        Some(batch) => {
            state.rows.push(batch);
            Ok(true)
        }
        None => {
            state.done = true;
            Ok(false)
        }
    }
}

/// Runs a CTE to its end.
pub(crate) fn complete(cte: usize, cx: &mut Cx<'_>) -> Result<()> {
    while read_on(cte, cx)? {}
    Ok(())
}

pub(crate) struct CteScanOp {
    node: Arc<CteScan>,
    begun: bool,
    at: usize,
    out: VecDeque<Batch>,
}

impl CteScanOp {
    pub fn new(node: &Arc<CteScan>) -> CteScanOp {
        CteScanOp { node: Arc::clone(node), begun: false, at: 0, out: VecDeque::new() }
    }
}

impl Operator for CteScanOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        cx.check_cancelled()?;
        let cte = self.node.cte;
        if !self.begun {
            renew(cte, cx);
            self.begun = true;
        }
        // A query that changes rows is run to its end by its first reader: what it does must not depend on how far it is read.
        if cx.shared.plan.ctes[cte].modifies {
            complete(cte, cx)?;
        }
        loop {
            if let Some(batch) = take_rows(&mut self.out, cx.batch_rows) {
                return Ok(Some(batch));
            }
            if self.at == cx.shared.ctes[cte].rows.len() && !read_on(cte, cx)? {
                return Ok(None);
            }
            self.out.push_back(cx.shared.ctes[cte].rows[self.at].project(&self.node.columns));
            self.at += 1;
        }
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.begun = false;
        self.at = 0;
        self.out.clear();
        Ok(())
    }
}
