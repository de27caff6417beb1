//! Aggregates over frames, three ways.
//!
//! A frame that is the whole partition is one group for each partition. A frame that grows from the partition's start is fed
//! peer group by peer group (or row by row) and asked after each. Any other frame: each row becomes a group of its own
//! that is fed the rows of its frame, many rows at a time, so that the aggregate still works on batches.

use super::super::nested_loop::holds;
use super::super::{BATCH_ROWS, Cx};
use super::Rows;
use super::frame::{Frames, is_running, is_whole};
use crate::base::Result;
use crate::expr::function::AggregateFn;
use crate::expr::{Accumulator, CallTypes, Expr};
use crate::planner::plan::{FrameUnit, Window, WindowCall};
use crate::types::{Batch, SqlType};
use arrow_array::{ArrayRef, BooleanArray, UInt32Array};
use arrow_select::concat::concat;

/// How many (row, frame row) pairs are put together before the aggregate sees them.
const PAIRS: usize = 32 * BATCH_ROWS;

/// The arguments' columns over the whole input, and which rows the call's filter passes.
struct Input {
    args: Batch,
    filter: Option<BooleanArray>,
}

pub(super) fn column(
    cx: &mut Cx<'_>,
    make: AggregateFn,
    call: &WindowCall,
    node: &Window,
    rows: &Rows,
) -> Result<ArrayRef> {
    let types: Vec<SqlType> = call.args.iter().map(Expr::ty).collect();
    let fresh = || make(CallTypes { args: &types, ret: call.ty });
    let filter = match &call.filter {
        Some(filter) => {
            let selection = cx.select(filter, &rows.batch)?;
            Some((0..rows.len()).map(|i| Some(holds(&selection, i))).collect())
        }
        None => None,
    };
    let input = Input { args: Batch::new(cx.arrays(&call.args, &rows.batch)?, rows.len()), filter };
    if is_whole(node) {
        return whole(cx, fresh()?, &input, rows);
    }
    if is_running(&node.frame) {
        return running(cx, fresh, &input, rows, node.frame.unit == FrameUnit::Rows);
    }
    let frames = Frames::new(cx, node, rows)?;
    sliding(cx, fresh, &input, rows, &frames)
}

fn whole(cx: &mut Cx<'_>, mut accumulator: Box<dyn Accumulator>, input: &Input, rows: &Rows) -> Result<ArrayRef> {
    let partitions = rows.partitions.len() - 1;
    let results = cx.with_eval(|ev| {
        accumulator.update(ev, &rows.partition_of, partitions, &input.args.columns, input.filter.as_ref())?;
        accumulator.finish(ev, 0..partitions)
    })?;
    Ok(spread(&results, rows.partition_of.clone()))
}

/// Results by group, as a column by row.
fn spread(results: &ArrayRef, groups: Vec<u32>) -> ArrayRef {
    let results = Batch::new(vec![results.clone()], results.len());
    results.take(&UInt32Array::from(groups)).columns.pop().expect("one column")
}

fn running(
    cx: &mut Cx<'_>,
    fresh: impl Fn() -> Result<Box<dyn Accumulator>>,
    input: &Input,
    rows: &Rows,
    by_row: bool,
) -> Result<ArrayRef> {
    let steps: Vec<usize> = if by_row { (0..=rows.len()).collect() } else { rows.peers.clone() };
    let mut results: Vec<ArrayRef> = Vec::with_capacity(steps.len());
    let mut accumulator = fresh()?;
    let mut groups = Vec::new();
    for (i, step) in steps.windows(2).enumerate() {
        if i % BATCH_ROWS == 0 {
            cx.check_cancelled()?;
        }
        let (from, len) = (step[0], step[1] - step[0]);
        if rows.partition(from).start == from {
            accumulator = fresh()?;
        }
        groups.resize(len, 0);
        let args = input.args.slice(from, len);
        let filter = input.filter.as_ref().map(|f| f.slice(from, len));
        results.push(cx.with_eval(|ev| {
            accumulator.update(ev, &groups, 1, &args.columns, filter.as_ref())?;
            accumulator.finish(ev, 0..1)
        })?);
    }
    let parts: Vec<_> = results.iter().map(|r| r.as_ref()).collect();
    let results = concat(&parts).expect("columns of one form");
    Ok(if by_row { results } else { spread(&results, rows.peer_of.clone()) })
}

fn sliding(
    cx: &mut Cx<'_>,
    fresh: impl Fn() -> Result<Box<dyn Accumulator>>,
    input: &Input,
    rows: &Rows,
    frames: &Frames,
) -> Result<ArrayRef> {
    let mut results: Vec<ArrayRef> = Vec::new();
    let mut row = 0;
    while row < rows.len() {
        cx.check_cancelled()?;
        let mut accumulator = fresh()?;
        let first = row;
        let mut groups: Vec<u32> = Vec::new();
        let mut sources: Vec<u32> = Vec::new();
        while row < rows.len() && (groups.len() < PAIRS && row - first < BATCH_ROWS) {
            for part in frames.parts(rows, row) {
                let passes = |r: &usize| input.filter.as_ref().is_none_or(|f| f.value(*r));
                for source in part.filter(passes) {
                    groups.push((row - first) as u32);
                    sources.push(source as u32);
                }
            }
            row += 1;
        }
        let args = input.args.take(&UInt32Array::from(sources));
        results.push(cx.with_eval(|ev| {
            accumulator.update(ev, &groups, row - first, &args.columns, None)?;
            accumulator.finish(ev, 0..row - first)
        })?);
    }
    let parts: Vec<_> = results.iter().map(|r| r.as_ref()).collect();
    Ok(concat(&parts).expect("columns of one form"))
}
