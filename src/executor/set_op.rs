//! INTERSECT and EXCEPT, with and without ALL: the right side's rows are counted, the left side's go past the counts.

use super::key_table::{KeyTable, Keys};
use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::{SetOp, SetOpKind};
use crate::types::Batch;
use arrow_array::UInt32Array;
use std::sync::Arc;

pub(crate) struct SetOpOp {
    node: Arc<SetOp>,
    left: BoxOperator,
    right: BoxOperator,
    keys: Keys,
    table: KeyTable,
    /// By key: how many right rows have no left row yet.
    counts: Vec<u64>,
    built: bool,
    held: usize,
}

impl SetOpOp {
    pub fn new(node: &Arc<SetOp>, left: BoxOperator, right: BoxOperator) -> SetOpOp {
        SetOpOp {
            node: Arc::clone(node),
            left,
            right,
            keys: Keys::default(),
            table: KeyTable::default(),
            counts: Vec::new(),
            built: false,
            held: 0,
        }
    }

    fn build(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        while let Some(batch) = cx.pull_all(&mut self.right)? {
            self.keys.encode(&batch.columns, &self.node.right.types, batch.rows);
            for i in 0..batch.rows {
                let (key, new) = self.table.insert(self.keys.get(i));
                if new {
                    self.counts.push(0);
                }
                self.counts[key as usize] += 1;
            }
            self.account(cx)?;
        }
        self.built = true;
        Ok(())
    }

    fn account(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        let now = self.table.memory() + self.counts.len() * 8;
        cx.shared.memory.grow_by(now.saturating_sub(self.held))?;
        self.held = self.held.max(now);
        Ok(())
    }

    /// Whether the result has this row of the left side.
    fn admit(&mut self, row: usize) -> bool {
        let key = self.keys.get(row);
        match (self.node.kind, self.node.all) {
            (SetOpKind::Intersect, all) => match self.table.find(key) {
                Some(k) if self.counts[k as usize] > 0 => {
                    let count = &mut self.counts[k as usize];
                    *count = if all { *count - 1 } else { 0 };
                    true
                }
                _ => false,
            },
            (_, true) => match self.table.find(key) {
                Some(k) if self.counts[k as usize] > 0 => {
                    self.counts[k as usize] -= 1;
                    false
                }
                _ => true,
            },
            (_, false) => {
                let (_, new) = self.table.insert(key);
                if new {
                    self.counts.push(0);
                }
                new
            }
        }
    }
}

impl Operator for SetOpOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if !self.built {
            self.build(cx)?;
        }
        while let Some(batch) = self.left.next(cx)? {
            self.keys.encode(&batch.columns, &self.node.left.types, batch.rows);
            let rows: Vec<u32> = (0..batch.rows).filter(|&i| self.admit(i)).map(|i| i as u32).collect();
            self.account(cx)?;
            if !rows.is_empty() {
                return Ok(Some(batch.take(&UInt32Array::from(rows))));
            }
        }
        Ok(None)
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.table.clear();
        self.counts.clear();
        self.built = false;
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
        self.right.rewind(cx)?;
        self.left.rewind(cx)
    }
}
