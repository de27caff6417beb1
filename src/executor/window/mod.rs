//! Window functions. The input arrives ordered by partition and order; it is kept whole, cut into partitions and peer
//! groups by its encoded keys, and each call computes one column over it.
//!
//! Ranking functions follow from where partitions and peers begin (`rank.rs`). Functions that look at other rows
//! (`lag`, `first_value`, ...) become a list of row numbers to take from the argument's column (`value.rs`). Aggregates run
//! over frames (`frame.rs`): once for each partition, peer group by peer group, or for many frames at a time with each row as
//! a group of its own (`running.rs`).

mod frame;
mod rank;
mod running;
mod value;

use super::key_table::Keys;
use super::nested_loop::take_rows;
use super::{BoxOperator, Cx, Operator};
use crate::base::{Error, Result};
use crate::expr::{Expr, Kernel};
use crate::planner::plan::{Window, WindowCall};
use crate::types::{Batch, SqlType};
use arrow_array::ArrayRef;
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) struct WindowOp {
    node: Arc<Window>,
    input: BoxOperator,
    out: Option<VecDeque<Batch>>,
    held: usize,
}

/// The whole input and where its partitions and peer groups begin.
pub(crate) struct Rows {
    pub batch: Batch,
    /// Starts of partitions, and the end of the last.
    pub partitions: Vec<usize>,
    /// Starts of peer groups, and the end of the last. Every partition begins a group.
    pub peers: Vec<usize>,
    /// By row: which partition, which peer group.
    pub partition_of: Vec<u32>,
    pub peer_of: Vec<u32>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.batch.rows
    }

    /// The rows of the partition of a row.
    pub fn partition(&self, row: usize) -> std::ops::Range<usize> {
        let p = self.partition_of[row] as usize;
        self.partitions[p]..self.partitions[p + 1]
    }

    /// The peers of a row, itself included.
    pub fn peer_group(&self, row: usize) -> std::ops::Range<usize> {
        let g = self.peer_of[row] as usize;
        self.peers[g]..self.peers[g + 1]
    }
}

impl WindowOp {
    pub fn new(node: &Arc<Window>, input: BoxOperator) -> WindowOp {
        WindowOp { node: Arc::clone(node), input, out: None, held: 0 }
    }

    fn load(&mut self, cx: &mut Cx<'_>) -> Result<Option<Rows>> {
        let mut batches = Vec::new();
        while let Some(batch) = cx.pull_all(&mut self.input)? {
            self.held += cx.shared.memory.grow(&batch)?;
            batches.push(batch);
        }
        if batches.is_empty() {
            return Ok(None);
        }
        let batch = Batch::concat(&batches);
        let partition = encode(cx, &self.node.partition, &batch)?;
        let order: Vec<Expr> = self.node.order.iter().map(|k| k.expr.clone()).collect();
        let order = encode(cx, &order, &batch)?;
        Ok(Some(cut(batch, &partition, &order)))
    }

    fn compute(&mut self, cx: &mut Cx<'_>) -> Result<VecDeque<Batch>> {
        let Some(rows) = self.load(cx)? else { return Ok(VecDeque::new()) };
        let node = Arc::clone(&self.node);
        let mut columns = rows.batch.columns.clone();
        for call in &node.calls {
            cx.check_cancelled()?;
            columns.push(column(cx, &node, call, &rows)?);
        }
        Ok(VecDeque::from([Batch::new(columns, rows.len())]))
    }
}

fn encode(cx: &mut Cx<'_>, exprs: &[Expr], batch: &Batch) -> Result<Keys> {
    let columns = cx.arrays(exprs, batch)?;
    let types: Vec<SqlType> = exprs.iter().map(Expr::ty).collect();
    let mut keys = Keys::default();
    keys.encode(&columns, &types, batch.rows);
    Ok(keys)
}

fn cut(batch: Batch, partition: &Keys, order: &Keys) -> Rows {
    let mut rows = Rows {
        partitions: Vec::new(),
        peers: Vec::new(),
        partition_of: Vec::with_capacity(batch.rows),
        peer_of: Vec::with_capacity(batch.rows),
        batch,
    };
    for i in 0..rows.batch.rows {
        let new_partition = i == 0 || partition.get(i) != partition.get(i - 1);
        if new_partition {
            rows.partitions.push(i);
        }
        if new_partition || order.get(i) != order.get(i - 1) {
            rows.peers.push(i);
        }
        rows.partition_of.push(rows.partitions.len() as u32 - 1);
        rows.peer_of.push(rows.peers.len() as u32 - 1);
    }
    rows.partitions.push(rows.batch.rows);
    rows.peers.push(rows.batch.rows);
    rows
}

fn column(cx: &mut Cx<'_>, node: &Window, call: &WindowCall, rows: &Rows) -> Result<ArrayRef> {
    match call.func.kernel {
        Kernel::Window(kind) => match rank::column(cx, kind, call, rows)? {
            Some(column) => Ok(column),
            None => value::column(cx, kind, call, node, rows),
        },
        Kernel::Aggregate(make) => running::column(cx, make, call, node, rows),
        _ => Err(Error::internal(format!("function {} is no window function", call.func.name))),
    }
}

impl Operator for WindowOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if self.out.is_none() {
            self.out = Some(self.compute(cx)?);
        }
        Ok(take_rows(self.out.as_mut().expect("just computed"), cx.batch_rows))
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.out = None;
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
        self.input.rewind(cx)
    }
}
