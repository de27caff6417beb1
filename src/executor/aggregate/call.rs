//! One aggregate call of a grouping set, from rows to results.
//!
//! Plain calls feed the accumulator batch by batch. DISTINCT first drops the arguments that a group has seen. A call
//! whose rows must arrive in order (ORDER BY, WITHIN GROUP, or DISTINCT into an aggregate that shows the order) keeps all
//! its rows until the end, sorts them by group and order, and feeds them then.

use super::super::Cx;
use super::super::key_table::KeyTable;
use super::super::nested_loop::holds;
use super::no_rows;
use crate::base::{Error, Result};
use crate::expr::{Accumulator, CallTypes, Expr, Kernel, Kind};
use crate::planner::plan::AggCall;
use crate::types::key::{self, KeyOrder};
use crate::types::{Batch, ColumnReader, SqlType};
use arrow_array::{ArrayRef, BooleanArray, UInt32Array};
use std::ops::Range;

/// What a call takes from one batch: its arguments, its order columns, the rows that its filter passes.
pub(super) struct Inputs {
    args: Vec<ArrayRef>,
    order: Vec<ArrayRef>,
    filter: Option<BooleanArray>,
}

pub(super) fn inputs(cx: &mut Cx<'_>, call: &AggCall, batch: &Batch) -> Result<Inputs> {
    let filter = match &call.filter {
        Some(filter) => {
            let selection = cx.select(filter, batch)?;
            Some((0..batch.rows).map(|i| Some(holds(&selection, i))).collect())
        }
        None => None,
    };
    let mut args = cx.arrays(&call.direct, batch)?;
    args.extend(cx.arrays(&call.args, batch)?);
    let order = call.order.iter().map(|k| cx.array(&k.expr, batch)).collect::<Result<Vec<_>>>()?;
    Ok(Inputs { args, order, filter })
}

pub(super) struct CallState {
    accumulator: Box<dyn Accumulator>,
    arg_types: Vec<SqlType>,
    mode: Mode,
    updated: bool,
}

enum Mode {
    Plain,
    /// The (group, arguments) that were seen.
    Distinct(KeyTable),
    Ordered(Ordered),
}

/// Rows waiting to be sorted.
struct Ordered {
    distinct: bool,
    /// Type and direction of the sort columns.
    sort: Vec<(SqlType, KeyOrder)>,
    batches: Vec<Batch>,
    /// Group and sort key of each row.
    keys: Vec<u8>,
    ends: Vec<usize>,
    groups: Vec<u32>,
}

impl CallState {
    pub fn new(call: &AggCall) -> Result<CallState> {
        let arg_types: Vec<SqlType> = call.direct.iter().chain(&call.args).map(Expr::ty).collect();
        let Kernel::Aggregate(make) = call.func.kernel else {
            return Err(Error::internal(format!("function {} is not an aggregate", call.func.name)));
        };
        let accumulator = make(CallTypes { args: &arg_types, ret: call.ty })?;
        let ordered = !call.order.is_empty()
            || matches!(call.func.kind, Kind::OrderedSet { .. })
            || (call.distinct && shows_order(call.func.name));
        let mode = if ordered {
            Mode::Ordered(Ordered::new(call))
        } else if call.distinct {
            Mode::Distinct(KeyTable::default())
        } else {
            Mode::Plain
        };
        Ok(CallState { accumulator, arg_types, mode, updated: false })
    }

    pub fn update(&mut self, cx: &mut Cx<'_>, groups: &[u32], group_count: usize, input: &Inputs) -> Result<()> {
        match &mut self.mode {
            Mode::Plain => self.feed(cx, groups, group_count, &input.args, input.filter.as_ref()),
            Mode::Distinct(seen) => {
                let rows = first_seen(seen, groups, &self.arg_types, input);
                let picked: Vec<u32> = rows.iter().map(|&r| groups[r as usize]).collect();
                let batch = Batch::new(input.args.clone(), groups.len()).take(&UInt32Array::from(rows));
                self.feed(cx, &picked, group_count, &batch.columns, None)
            }
            Mode::Ordered(ordered) => {
                ordered.add(groups, input);
                Ok(())
            }
        }
    }

    fn feed(
        &mut self,
        cx: &mut Cx<'_>,
        groups: &[u32],
        group_count: usize,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.updated = true;
        cx.with_eval(|ev| self.accumulator.update(ev, groups, group_count, args, filter))
    }

    /// All rows have come.
    pub fn complete(&mut self, cx: &mut Cx<'_>, group_count: usize) -> Result<()> {
        if let Mode::Ordered(ordered) = &mut self.mode {
            let (rows, groups) = ordered.sorted();
            if !groups.is_empty() {
                let args = rows.columns[..self.arg_types.len()].to_vec();
                return self.feed(cx, &groups, group_count, &args, None);
            }
        }
        if !self.updated {
            let args = no_rows(&self.arg_types);
            return self.feed(cx, &[], group_count, &args, None);
        }
        Ok(())
    }

    pub fn finish(&mut self, cx: &mut Cx<'_>, groups: Range<usize>) -> Result<ArrayRef> {
        cx.with_eval(|ev| self.accumulator.finish(ev, groups))
    }

    pub fn memory(&self) -> usize {
        let kept = match &self.mode {
            Mode::Plain => 0,
            Mode::Distinct(seen) => seen.memory(),
            Mode::Ordered(o) => o.keys.capacity() + o.groups.len() * (16 + 16 * self.arg_types.len()),
        };
        self.accumulator.memory() + kept
    }
}

/// Aggregates whose result shows in which order the values came: DISTINCT sorts for them, as in PostgreSQL.
fn shows_order(name: &str) -> bool {
    name.ends_with("_agg") || name.starts_with("json") || name.starts_with("xml")
}

/// The rows whose (group, arguments) come for the first time and pass the filter.
fn first_seen(seen: &mut KeyTable, groups: &[u32], types: &[SqlType], input: &Inputs) -> Vec<u32> {
    let readers: Vec<_> = input.args.iter().zip(types).map(|(c, t)| (ColumnReader::new(t.physical(), c), *t)).collect();
    let mut key = Vec::new();
    let mut rows = Vec::new();
    for (row, group) in groups.iter().enumerate() {
        if input.filter.as_ref().is_some_and(|f| !f.value(row)) {
            continue;
        }
        key.clear();
        key.extend_from_slice(&group.to_be_bytes());
        for (reader, ty) in &readers {
            key::encode(&mut key, *ty, reader.get(row), KeyOrder::default());
        }
        if seen.insert(&key).1 {
            rows.push(row as u32);
        }
    }
    rows
}

impl Ordered {
    fn new(call: &AggCall) -> Ordered {
        let by_args = call.order.is_empty();
        let mut sort: Vec<(SqlType, KeyOrder)> = call
            .order
            .iter()
            .map(|k| (k.expr.ty(), KeyOrder { descending: k.descending, nulls_first: k.nulls_first }))
            .collect();
        if by_args || call.distinct {
            sort.extend(call.args.iter().map(|a| (a.ty(), KeyOrder::default())));
        }
        Ordered {
            distinct: call.distinct,
            sort,
            batches: Vec::new(),
            keys: Vec::new(),
            ends: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn add(&mut self, groups: &[u32], input: &Inputs) {
        let rows: Vec<u32> =
            (0..groups.len() as u32).filter(|&r| input.filter.as_ref().is_none_or(|f| f.value(r as usize))).collect();
        let from_args = self.sort.len() - input.order.len();
        let columns = input.order.iter().chain(&input.args[input.args.len() - from_args..]);
        let readers: Vec<_> = columns
            .zip(&self.sort)
            .map(|(c, (ty, order))| (ColumnReader::new(ty.physical(), c), *ty, *order))
            .collect();
        for &row in &rows {
            let group = groups[row as usize];
            self.keys.extend_from_slice(&group.to_be_bytes());
            for (reader, ty, order) in &readers {
                key::encode(&mut self.keys, *ty, reader.get(row as usize), *order);
            }
            self.ends.push(self.keys.len());
            self.groups.push(group);
        }
        let batch = Batch::new(input.args.clone(), groups.len());
        self.batches.push(if rows.len() == groups.len() { batch } else { batch.take(&UInt32Array::from(rows)) });
    }

    fn key(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.keys[start..self.ends[row]]
    }

    /// The rows by group and order, with their groups.
    fn sorted(&mut self) -> (Batch, Vec<u32>) {
        if self.groups.is_empty() {
            return (Batch::default(), Vec::new());
        }
        let mut order: Vec<u32> = (0..self.groups.len() as u32).collect();
        order.sort_by(|&a, &b| self.key(a as usize).cmp(self.key(b as usize)));
        if self.distinct {
            order.dedup_by(|a, b| self.key(*a as usize) == self.key(*b as usize));
        }
        let groups = order.iter().map(|&r| self.groups[r as usize]).collect();
        let rows = Batch::concat(&self.batches).take(&UInt32Array::from(order));
        self.batches.clear();
        (rows, groups)
    }
}
