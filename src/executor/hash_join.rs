//! The hash join: the right side is put into a hash table by its keys, the left side looks its rows up.
//!
//! Rows with a NULL key match nothing; they stay out of the table and come back only where the kind pads them (RIGHT,
//! FULL). Right rows of one key are chained in their order, so output keeps the left side's order and, within one left
//! row, the right side's. RIGHT and FULL remember which right rows found a partner and hand out the others at the end.
//!
//! A right side beyond `work_mem` sends both sides to temporary files, divided by their keys, and the parts are joined one after
//! another (a Grace hash join); the left side's order is lost then.

use super::key_table::{KeyTable, Keys};
use super::nested_loop::{Pairs, empty, finish_pairs, holds, join_pairs, nulls, take_rows};
use super::spill::{Partitions, SpillFile};
use super::{BATCH_ROWS, BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::{HashJoin, JoinKind};
use crate::types::{Batch, SqlType};
use arrow_array::UInt32Array;
use std::collections::VecDeque;
use std::sync::Arc;

const END: u32 = u32::MAX;

pub(crate) struct HashJoinOp {
    node: Arc<HashJoin>,
    left: BoxOperator,
    right: BoxOperator,
    types: Vec<SqlType>,
    table: Option<Table>,
    /// The left batch in work, its keys, and the next row of it.
    batch: Option<(Batch, usize)>,
    keys: Keys,
    out: VecDeque<Batch>,
    /// RIGHT, FULL: where the search for right rows without a partner is.
    rest: usize,
    left_done: bool,
    /// Both sides on disk, divided by their keys: what is still to be joined.
    spilled: Option<Spilled>,
    left_file: Option<SpillFile>,
}

struct Spilled {
    left: Partitions,
    right: Partitions,
}

/// The right side.
struct Table {
    rows: Batch,
    keys: KeyTable,
    /// By key: its first and its last row.
    heads: Vec<(u32, u32)>,
    /// By row: the next row of the same key.
    next: Vec<u32>,
    /// RIGHT, FULL: rows that have found a partner.
    matched: Vec<bool>,
    /// Some right row has a NULL key.
    has_null: bool,
    held: usize,
}

impl HashJoinOp {
    pub fn new(node: &Arc<HashJoin>, left: BoxOperator, right: BoxOperator) -> HashJoinOp {
        HashJoinOp {
            types: node.keys.iter().map(|(l, _)| l.ty()).collect(),
            node: Arc::clone(node),
            left,
            right,
            table: None,
            batch: None,
            keys: Keys::default(),
            out: VecDeque::new(),
            rest: 0,
            left_done: false,
            spilled: None,
            left_file: None,
        }
    }

    fn pads_right(&self) -> bool {
        matches!(self.node.kind, JoinKind::Right | JoinKind::Full)
    }

    fn encode(&mut self, cx: &mut Cx<'_>, batch: &Batch, right: bool) -> Result<()> {
        let node = Arc::clone(&self.node);
        let mut columns = Vec::with_capacity(node.keys.len());
        for (l, r) in &node.keys {
            columns.push(cx.array(if right { r } else { l }, batch)?);
        }
        self.keys.encode(&columns, &self.types, batch.rows);
        Ok(())
    }

    fn build(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        let mut batches = Vec::new();
        let mut table = Table::new();
        while let Some(batch) = cx.pull_all(&mut self.right)? {
            self.encode(cx, &batch, true)?;
            let before = table.keys.memory();
            table.add(&self.keys);
            let grown = table.keys.memory() - before + batch.rows * 4;
            cx.shared.memory.grow_by(grown)?;
            table.held += grown + cx.shared.memory.grow(&batch)?;
            batches.push(batch);
            if table.held > cx.work_mem && self.node.kind != JoinKind::NullAwareAnti {
                cx.shared.memory.shrink_by(table.held);
                drop(table);
                self.spill(cx, batches)?;
                self.next_partition(cx)?;
                return Ok(());
            }
        }
        self.finish_table(table, batches);
        Ok(())
    }

    fn finish_table(&mut self, mut table: Table, batches: Vec<Batch>) {
        table.rows = if batches.is_empty() { empty(&self.node.right.types) } else { Batch::concat(&batches) };
        if self.pads_right() {
            table.matched = vec![false; table.rows.rows];
        }
        self.table = Some(table);
    }

    /// Divides both sides over temporary files; `read` is what was read of the right side.
    fn spill(&mut self, cx: &mut Cx<'_>, read: Vec<Batch>) -> Result<()> {
        let mut right = Partitions::new(cx.temp, &self.node.right.types, 0);
        for batch in read {
            self.divide(cx, &batch, true, &mut right)?;
        }
        while let Some(batch) = cx.pull_all(&mut self.right)? {
            self.divide(cx, &batch, true, &mut right)?;
        }
        let mut left = Partitions::new(cx.temp, &self.node.left.types, 0);
        while let Some(batch) = cx.pull_all(&mut self.left)? {
            self.divide(cx, &batch, false, &mut left)?;
        }
        self.spilled = Some(Spilled { left, right });
        Ok(())
    }

    fn divide(&mut self, cx: &mut Cx<'_>, batch: &Batch, right: bool, into: &mut Partitions) -> Result<()> {
        cx.check_cancelled()?;
        self.encode(cx, batch, right)?;
        into.write(batch, 0..batch.rows, |row| self.keys.get(row))
    }

    /// Loads the next partition's right side; false when none is left.
    fn next_partition(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        if let Some(table) = self.table.take() {
            cx.shared.memory.shrink_by(table.held);
        }
        let Some(spilled) = &mut self.spilled else { return Ok(false) };
        let (Some(left), Some(mut right)) = (spilled.left.files.pop(), spilled.right.files.pop()) else {
            self.finish_table(Table::new(), Vec::new());
            return Ok(false);
        };
        let (mut table, mut batches) = (Table::new(), Vec::new());
        while let Some(batch) = right.read()? {
            cx.check_cancelled()?;
            self.encode(cx, &batch, true)?;
            let before = table.keys.memory();
            table.add(&self.keys);
            table.held += table.keys.memory() - before + cx.shared.memory.grow(&batch)?;
            batches.push(batch);
        }
        self.finish_table(table, batches);
        self.left_file = Some(left);
        (self.batch, self.rest, self.left_done) = (None, 0, false);
        Ok(true)
    }

    fn next_left(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        match &mut self.left_file {
            Some(file) => file.read(),
            None => self.left.next(cx),
        }
    }

    /// Joins some more left rows into `out`; false when the left side is used up.
    fn probe(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        let (batch, row) = match self.batch.take() {
            Some((batch, row)) if row < batch.rows => (batch, row),
            _ => match self.next_left(cx)? {
                Some(batch) => {
                    self.encode(cx, &batch, false)?;
                    (batch, 0)
                }
                None => return Ok(false),
            },
        };
        cx.check_cancelled()?;
        let table = self.table.as_mut().expect("built");
        if self.node.kind == JoinKind::NullAwareAnti {
            self.out.extend(null_aware_anti(&batch, &self.keys, table));
            return Ok(true);
        }
        if self.node.kind.left_only() && self.node.condition.is_none() {
            self.out.extend(semi(&batch, &self.keys, table, self.node.kind == JoinKind::Semi));
            return Ok(true);
        }
        let mut pairs = Pairs::default();
        let mut end = row;
        while end < batch.rows && pairs.len() < BATCH_ROWS {
            if !self.keys.has_null(end)
                && let Some(key) = table.keys.find(self.keys.get(end))
            {
                let mut r = table.heads[key as usize].0;
                while r != END {
                    pairs.push(end as u32, r);
                    r = table.next[r as usize];
                }
            }
            end += 1;
        }
        let joined = join(cx, &self.node, &batch, row..end, table, pairs)?;
        if joined.rows > 0 {
            self.out.push_back(joined);
        }
        self.batch = Some((batch, end));
        Ok(true)
    }

    /// Right rows that found no partner.
    fn unmatched(&mut self) -> Option<Batch> {
        let table = self.table.as_ref().expect("built");
        let mut rows = Vec::new();
        while self.rest < table.rows.rows && rows.len() < BATCH_ROWS {
            if !table.matched[self.rest] {
                rows.push(self.rest as u32);
            }
            self.rest += 1;
        }
        if rows.is_empty() {
            return None;
        }
        let mut joined = nulls(&self.node.left.types, rows.len());
        joined.columns.extend(table.rows.take(&UInt32Array::from(rows)).columns);
        Some(joined)
    }

    /// Whether an empty right side makes the left side pointless to read.
    fn is_pointless(&self) -> bool {
        self.table.as_ref().is_some_and(|t| t.rows.rows == 0)
            && matches!(self.node.kind, JoinKind::Inner | JoinKind::Right | JoinKind::Semi)
    }
}

impl Table {
    fn new() -> Table {
        Table {
            rows: Batch::default(),
            keys: KeyTable::default(),
            heads: Vec::new(),
            next: Vec::new(),
            matched: Vec::new(),
            has_null: false,
            held: 0,
        }
    }

    /// Chains the rows of one more batch, whose keys these are.
    fn add(&mut self, keys: &Keys) {
        for i in 0..keys.len() {
            let row = self.next.len() as u32;
            self.next.push(END);
            if keys.has_null(i) {
                self.has_null = true;
                continue;
            }
            let (key, new) = self.keys.insert(keys.get(i));
            if new {
                self.heads.push((row, row));
            } else {
                let tail = &mut self.heads[key as usize].1;
                self.next[*tail as usize] = row;
                *tail = row;
            }
        }
    }
}

fn semi(batch: &Batch, keys: &Keys, table: &Table, wanted: bool) -> Option<Batch> {
    let rows: Vec<u32> = (0..batch.rows)
        .filter(|&i| (!keys.has_null(i) && table.keys.find(keys.get(i)).is_some()) == wanted)
        .map(|i| i as u32)
        .collect();
    pick(batch, rows)
}

/// NOT IN: any NULL on the right keeps everything out; a NULL on the left passes only over an empty right side.
fn null_aware_anti(batch: &Batch, keys: &Keys, table: &Table) -> Option<Batch> {
    if table.rows.rows == 0 {
        return Some(batch.clone());
    }
    if table.has_null {
        return None;
    }
    let rows: Vec<u32> = (0..batch.rows)
        .filter(|&i| !keys.has_null(i) && table.keys.find(keys.get(i)).is_none())
        .map(|i| i as u32)
        .collect();
    pick(batch, rows)
}

fn pick(batch: &Batch, rows: Vec<u32>) -> Option<Batch> {
    match rows.len() {
        0 => None,
        n if n == batch.rows => Some(batch.clone()),
        _ => Some(batch.take(&UInt32Array::from(rows))),
    }
}

fn join(
    cx: &mut Cx<'_>,
    node: &HashJoin,
    left: &Batch,
    range: std::ops::Range<usize>,
    table: &mut Table,
    pairs: Pairs,
) -> Result<Batch> {
    let (kind, pads_right) = match node.kind {
        JoinKind::Right => (JoinKind::Inner, true),
        JoinKind::Full => (JoinKind::Left, true),
        kind => (kind, false),
    };
    if !pads_right {
        return finish_pairs(cx, kind, node.condition.as_ref(), left, range, &table.rows, pairs);
    }
    let pairs = match &node.condition {
        Some(condition) if pairs.len() > 0 => {
            let keep = cx.select(condition, &join_pairs(left, &table.rows, &pairs))?;
            let mut kept = Pairs::default();
            for i in (0..pairs.len()).filter(|&i| holds(&keep, i)) {
                kept.push(pairs.left[i], pairs.right[i]);
            }
            kept
        }
        _ => pairs,
    };
    pairs.right.iter().for_each(|&r| table.matched[r as usize] = true);
    finish_pairs(cx, kind, None, left, range, &table.rows, pairs)
}

impl Operator for HashJoinOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if self.table.is_none() {
            self.build(cx)?;
        }
        loop {
            if let Some(batch) = take_rows(&mut self.out, cx.batch_rows) {
                return Ok(Some(batch));
            }
            if !self.left_done {
                if self.is_pointless() || !self.probe(cx)? {
                    self.left_done = true;
                }
                continue;
            }
            let rest = if self.pads_right() { self.unmatched() } else { None };
            match rest {
                Some(batch) => self.out.push_back(batch),
                None if self.spilled.is_some() && self.next_partition(cx)? => {}
                None => return Ok(None),
            }
        }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        if let Some(table) = self.table.take() {
            cx.shared.memory.shrink_by(table.held);
        }
        self.batch = None;
        self.out.clear();
        self.rest = 0;
        self.left_done = false;
        self.spilled = None;
        self.left_file = None;
        self.right.rewind(cx)?;
        self.left.rewind(cx)
    }
}
