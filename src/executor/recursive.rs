//! WITH RECURSIVE: the seed's rows, then the step over what the last round added, until a round adds nothing.

use super::key_table::{KeyTable, Keys};
use super::nested_loop::take_rows;
use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::{RecursiveUnion, WorkTableScan};
use crate::types::Batch;
use arrow_array::UInt32Array;
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) struct RecursiveUnionOp {
    node: Arc<RecursiveUnion>,
    seed: BoxOperator,
    step: BoxOperator,
    in_step: bool,
    /// What this round has added so far: the next round's work table.
    added: Vec<Batch>,
    seen: KeyTable,
    keys: Keys,
    held: usize,
    out: VecDeque<Batch>,
    done: bool,
}

impl RecursiveUnionOp {
    pub fn new(node: &Arc<RecursiveUnion>, seed: BoxOperator, step: BoxOperator) -> RecursiveUnionOp {
        RecursiveUnionOp {
            node: Arc::clone(node),
            seed,
            step,
            in_step: false,
            added: Vec::new(),
            seen: KeyTable::default(),
            keys: Keys::default(),
            held: 0,
            out: VecDeque::new(),
            done: false,
        }
    }

    /// Drops rows that were already returned, for UNION.
    fn fresh(&mut self, cx: &mut Cx<'_>, batch: Batch) -> Result<Batch> {
        if !self.node.distinct {
            return Ok(batch);
        }
        self.keys.encode(&batch.columns, &self.node.seed.types, batch.rows);
        let before = self.seen.memory();
        let rows: Vec<u32> =
            (0..batch.rows).filter(|&i| self.seen.insert(self.keys.get(i)).1).map(|i| i as u32).collect();
        let grown = self.seen.memory() - before;
        self.held += grown;
        cx.shared.memory.grow_by(grown)?;
        Ok(if rows.len() == batch.rows { batch } else { batch.take(&UInt32Array::from(rows)) })
    }
}

impl Operator for RecursiveUnionOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        loop {
            if let Some(batch) = take_rows(&mut self.out, cx.batch_rows) {
                return Ok(Some(batch));
            }
            if self.done {
                return Ok(None);
            }
            cx.check_cancelled()?;
            let input = if self.in_step { &mut self.step } else { &mut self.seed };
            if let Some(batch) = input.next(cx)? {
                let batch = self.fresh(cx, batch)?;
                if batch.rows > 0 {
                    cx.shared.memory.grow(&batch)?;
                    self.added.push(batch.clone());
                    self.out.push_back(batch);
                }
                continue;
            }
            let round = std::mem::take(&mut self.added);
            self.done = round.is_empty();
            let old = std::mem::replace(&mut cx.shared.worktables[self.node.worktable], round);
            cx.shared.rounds[self.node.worktable] += 1;
            old.iter().for_each(|b| cx.shared.memory.shrink_by(super::memory::batch_bytes(b)));
            self.in_step = true;
            if !self.done {
                self.step.rewind(cx)?;
            }
        }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.in_step = false;
        self.added.clear();
        self.seen.clear();
        self.out.clear();
        self.done = false;
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
        cx.shared.worktables[self.node.worktable].clear();
        cx.shared.rounds[self.node.worktable] += 1;
        self.seed.rewind(cx)
    }
}

pub(crate) struct WorkTableOp {
    node: Arc<WorkTableScan>,
    at: usize,
    out: VecDeque<Batch>,
}

impl WorkTableOp {
    pub fn new(node: &Arc<WorkTableScan>) -> WorkTableOp {
        WorkTableOp { node: Arc::clone(node), at: 0, out: VecDeque::new() }
    }
}

impl Operator for WorkTableOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        cx.check_cancelled()?;
        if let Some(batch) = take_rows(&mut self.out, cx.batch_rows) {
            return Ok(Some(batch));
        }
        let Some(batch) = cx.shared.worktables[self.node.worktable].get(self.at) else { return Ok(None) };
        self.at += 1;
        self.out.push_back(batch.project(&self.node.columns));
        Ok(take_rows(&mut self.out, cx.batch_rows))
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.at = 0;
        self.out.clear();
        Ok(())
    }
}
