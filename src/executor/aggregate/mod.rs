//! GROUP BY: rows are numbered by their group (`key_table.rs`), and each aggregate takes in whole batches of
//! (group, arguments) at once.
//!
//! Every grouping set has its own groups and its own aggregates, fed in one pass over the input. Groups come out in the
//! order of their first row. What DISTINCT, ORDER BY and FILTER inside a call ask for happens before the aggregate
//! sees a row (`call.rs`).
//!
//! When the groups have taken `work_mem`, rows of further groups go to temporary files, divided by their keys, and are aggregated
//! file by file afterwards.

mod call;

use super::key_table::{KeyTable, Keys};
use super::nested_loop::{empty, take_rows};
use super::spill::{Partitions, SpillFile};
use super::{BATCH_ROWS, BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::Aggregate;
use crate::types::{Batch, SqlType, null_column};
use arrow_array::{ArrayRef, Int32Array, UInt32Array};
use call::CallState;
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) struct AggregateOp {
    node: Arc<Aggregate>,
    input: BoxOperator,
    sets: Vec<GroupingSet>,
    /// The set that is being handed out.
    at: usize,
    out: VecDeque<Batch>,
    ready: bool,
    held: usize,
    spill: Spill,
}

/// Rows of groups that found no place in memory, divided by their keys.
#[derive(Default)]
struct Spill {
    /// What the current pass puts off.
    open: Option<Partitions>,
    /// What is still to be aggregated, with how often it was divided.
    waiting: Vec<(SpillFile, u64)>,
    level: u64,
}

/// The groups of one grouping set.
struct GroupingSet {
    /// Positions in the node's keys.
    keys: Vec<usize>,
    types: Vec<SqlType>,
    table: KeyTable,
    /// The key columns of the groups' first rows, piece by piece.
    firsts: Vec<Batch>,
    group_count: usize,
    calls: Vec<CallState>,
    /// The next group to hand out.
    at: usize,
}

impl AggregateOp {
    pub fn new(node: &Arc<Aggregate>, input: BoxOperator) -> AggregateOp {
        AggregateOp {
            node: Arc::clone(node),
            input,
            sets: Vec::new(),
            at: 0,
            out: VecDeque::new(),
            ready: false,
            held: 0,
            spill: Spill::default(),
        }
    }

    fn begin(&self) -> Result<Vec<GroupingSet>> {
        let node = &self.node;
        let sets = node.sets.iter().map(|positions| {
            let compared: Vec<usize> = positions.iter().copied().filter(|&p| p < node.compared).collect();
            Ok(GroupingSet {
                types: compared.iter().map(|&p| node.keys[p].ty()).collect(),
                keys: compared,
                table: KeyTable::default(),
                firsts: Vec::new(),
                group_count: usize::from(positions.is_empty()),
                calls: node.calls.iter().map(CallState::new).collect::<Result<_>>()?,
                at: 0,
            })
        });
        sets.collect()
    }

    /// Aggregates the input, or a file of rows that were put off.
    fn consume(&mut self, cx: &mut Cx<'_>, mut file: Option<SpillFile>) -> Result<()> {
        self.sets = self.begin()?;
        self.at = 0;
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
        let node = Arc::clone(&self.node);
        let mut keys = Keys::default();
        let mut groups: Vec<u32> = Vec::new();
        loop {
            let batch = match &mut file {
                Some(file) => file.read()?,
                None => cx.pull_all(&mut self.input)?,
            };
            let Some(batch) = batch else { break };
            cx.check_cancelled()?;
            let batch = self.put_off(cx, batch, &mut keys)?;
            if batch.rows == 0 {
                continue;
            }
            let key_columns = cx.arrays(&node.keys, &batch)?;
            let inputs = node.calls.iter().map(|c| call::inputs(cx, c, &batch)).collect::<Result<Vec<_>>>()?;
            let mut used = 0;
            for set in &mut self.sets {
                set.assign(&key_columns, &mut keys, &mut groups, batch.rows);
                for (state, input) in set.calls.iter_mut().zip(&inputs) {
                    state.update(cx, &groups, set.group_count, input)?;
                }
                used += set.memory();
            }
            cx.shared.memory.grow_by(used.saturating_sub(self.held))?;
            self.held = self.held.max(used);
            if used > cx.work_mem && self.spill.open.is_none() && self.can_spill() {
                self.spill.open = Some(Partitions::new(cx.temp, &node.input.types, self.spill.level));
            }
        }
        if let Some(parts) = self.spill.open.take() {
            let level = self.spill.level + 1;
            self.spill.waiting.extend(parts.files.into_iter().filter(|f| f.rows > 0).map(|f| (f, level)));
        }
        for set in &mut self.sets {
            for state in &mut set.calls {
                state.complete(cx, set.group_count)?;
            }
        }
        Ok(())
    }

    /// Grouping sets share a pass and would need files of their own; the depth bound keeps equal hashes from going round.
    fn can_spill(&self) -> bool {
        self.sets.len() == 1 && !self.sets[0].keys.is_empty() && self.spill.level < 8
    }

    /// When memory is full: the rows of groups that are known; the others go to files.
    fn put_off(&mut self, cx: &mut Cx<'_>, batch: Batch, keys: &mut Keys) -> Result<Batch> {
        let Some(parts) = &mut self.spill.open else { return Ok(batch) };
        let set = &self.sets[0];
        let exprs: Vec<_> = set.keys.iter().map(|&p| self.node.keys[p].clone()).collect();
        let columns = cx.arrays(&exprs, &batch)?;
        keys.encode(&columns, &set.types, batch.rows);
        let known: Vec<bool> = (0..batch.rows).map(|i| set.table.find(keys.get(i)).is_some()).collect();
        parts.write(&batch, (0..batch.rows).filter(|&i| !known[i]), |i| keys.get(i))?;
        let kept: Vec<u32> = (0..batch.rows).filter(|&i| known[i]).map(|i| i as u32).collect();
        Ok(if kept.is_empty() { Batch::default() } else { batch.take(&UInt32Array::from(kept)) })
    }

    /// The next groups of the current set as rows.
    fn produce(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        let node = Arc::clone(&self.node);
        let Some(set) = self.sets.get_mut(self.at) else { return Ok(None) };
        let rows = BATCH_ROWS.min(set.group_count - set.at);
        if rows == 0 {
            self.at += 1;
            return Ok(Some(Batch::default()));
        }
        let positions = &node.sets[self.at];
        if set.firsts.len() > 1 {
            set.firsts = vec![Batch::concat(&set.firsts)];
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(node.keys.len() + node.calls.len());
        for (i, key) in node.keys.iter().enumerate() {
            columns.push(match set.firsts.first() {
                Some(firsts) if positions.contains(&i) => firsts.columns[i].slice(set.at, rows),
                _ => null_column(key.ty().physical(), rows),
            });
        }
        for state in &mut set.calls {
            columns.push(state.finish(cx, set.at..set.at + rows)?);
        }
        for grouping in &node.groupings {
            let absent = grouping.iter().fold(0, |bits, p| bits << 1 | i32::from(!positions.contains(p)));
            columns.push(Arc::new(Int32Array::from_value(absent, rows)));
        }
        set.at += rows;
        Ok(Some(Batch::new(columns, rows)))
    }
}

impl GroupingSet {
    /// Finds the group of each row, making new ones as needed.
    fn assign(&mut self, key_columns: &[ArrayRef], keys: &mut Keys, groups: &mut Vec<u32>, rows: usize) {
        groups.clear();
        if self.keys.is_empty() {
            groups.resize(rows, 0);
            if self.group_count == 0 {
                self.group_count = 1;
                self.remember(key_columns, vec![0]);
            } else if self.firsts.is_empty() {
                self.remember(key_columns, vec![0]);
            }
            return;
        }
        let columns: Vec<ArrayRef> = self.keys.iter().map(|&p| Arc::clone(&key_columns[p])).collect();
        keys.encode(&columns, &self.types, rows);
        let mut new = Vec::new();
        for row in 0..rows {
            let (group, is_new) = self.table.insert(keys.get(row));
            if is_new {
                new.push(row as u32);
            }
            groups.push(group);
        }
        self.group_count = self.table.len();
        self.remember(key_columns, new);
    }

    /// Keeps the key columns of new groups' first rows.
    fn remember(&mut self, key_columns: &[ArrayRef], rows: Vec<u32>) {
        if rows.is_empty() || key_columns.is_empty() {
            return;
        }
        let batch = Batch::new(key_columns.to_vec(), key_columns[0].len());
        self.firsts.push(batch.take(&UInt32Array::from(rows)));
    }

    fn memory(&self) -> usize {
        self.table.memory()
            + self.group_count * self.keys.len() * 16
            + self.calls.iter().map(CallState::memory).sum::<usize>()
    }
}

impl Operator for AggregateOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if !self.ready {
            self.consume(cx, None)?;
            self.ready = true;
        }
        loop {
            if let Some(batch) = take_rows(&mut self.out, cx.batch_rows) {
                return Ok(Some(batch));
            }
            match self.produce(cx)? {
                Some(batch) if batch.rows > 0 => self.out.push_back(batch),
                Some(_) => {}
                None => match self.spill.waiting.pop() {
                    Some((file, level)) => {
                        self.spill.level = level;
                        self.consume(cx, Some(file))?;
                    }
                    None => return Ok(None),
                },
            }
        }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.sets.clear();
        self.at = 0;
        self.out.clear();
        self.ready = false;
        self.spill = Spill::default();
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
        self.input.rewind(cx)
    }
}

/// A batch without rows in the form of an aggregate's arguments.
fn no_rows(types: &[SqlType]) -> Vec<ArrayRef> {
    empty(types).columns
}
