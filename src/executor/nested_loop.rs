//! The nested loop join.
//!
//! With slots, the right side depends on the left row: its slots are set, it is rewound and read to its end, once for
//! each left row (an index lookup for each left row; LATERAL). Without, the right side is computed once, kept as one
//! batch, and every left row is paired with all of it. Output keeps the order of the left side.

use super::{BATCH_ROWS, BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::expr::Selection;
use crate::planner::plan::{JoinKind, NestedLoop};
use crate::types::{Batch, ColumnBuilder, ColumnReader, Physical, SqlType};
use arrow_array::{Array, ArrayRef, UInt32Array};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) struct NestedLoopOp {
    node: Arc<NestedLoop>,
    left: BoxOperator,
    right: BoxOperator,
    right_types: Vec<SqlType>,
    /// The left batch in work and the next row of it.
    batch: Option<(Batch, usize)>,
    /// Without slots: the whole right side.
    kept: Option<Batch>,
    held: usize,
    out: VecDeque<Batch>,
    done: bool,
}

impl NestedLoopOp {
    pub fn new(node: &Arc<NestedLoop>, left: BoxOperator, right: BoxOperator) -> NestedLoopOp {
        NestedLoopOp {
            right_types: node.right.types.clone(),
            node: Arc::clone(node),
            left,
            right,
            batch: None,
            kept: None,
            held: 0,
            out: VecDeque::new(),
            done: false,
        }
    }

    /// Joins some more left rows into `out`; false at the end.
    fn advance(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        let (batch, row) = match self.batch.take() {
            Some((batch, row)) if row < batch.rows => (batch, row),
            _ => match self.left.next(cx)? {
                Some(batch) => (batch, 0),
                None => return Ok(false),
            },
        };
        cx.check_cancelled()?;
        let next = if self.node.slots.is_empty() {
            self.pair_with_kept(cx, &batch, row)?
        } else {
            self.run_right(cx, &batch, row)?
        };
        self.batch = Some((batch, next));
        Ok(true)
    }

    fn kept(&mut self, cx: &mut Cx<'_>) -> Result<Batch> {
        if let Some(kept) = &self.kept {
            return Ok(kept.clone());
        }
        let mut batches = Vec::new();
        while let Some(batch) = cx.pull_all(&mut self.right)? {
            self.held += cx.shared.memory.grow(&batch)?;
            batches.push(batch);
        }
        let kept = if batches.is_empty() { empty(&self.right_types) } else { Batch::concat(&batches) };
        Ok(self.kept.insert(kept).clone())
    }

    /// Pairs rows from `row` on with the kept right side; returns the next row.
    fn pair_with_kept(&mut self, cx: &mut Cx<'_>, batch: &Batch, row: usize) -> Result<usize> {
        let right = self.kept(cx)?;
        if right.rows > BATCH_ROWS {
            return self.pair_one(cx, batch, row, &right);
        }
        let count = (BATCH_ROWS / right.rows.max(1)).clamp(1, batch.rows - row);
        let mut pairs = Pairs::default();
        for l in row..row + count {
            for r in 0..right.rows {
                pairs.push(l as u32, r as u32);
            }
        }
        let joined = resolve(cx, &self.node, batch, row..row + count, &right, pairs)?;
        self.emit(joined);
        Ok(row + count)
    }

    /// Pairs one left row with a large right side, a slice at a time.
    fn pair_one(&mut self, cx: &mut Cx<'_>, batch: &Batch, row: usize, right: &Batch) -> Result<usize> {
        let mut matched = false;
        for start in (0..right.rows).step_by(BATCH_ROWS) {
            cx.check_cancelled()?;
            let slice = right.slice(start, BATCH_ROWS.min(right.rows - start));
            let mut pairs = Pairs::default();
            (0..slice.rows).for_each(|r| pairs.push(row as u32, r as u32));
            let joined = join_pairs(batch, &slice, &pairs);
            let joined = match &self.node.condition {
                Some(condition) => cx.filter(condition, joined)?,
                None => joined,
            };
            matched |= joined.rows > 0;
            match self.node.kind {
                JoinKind::Inner | JoinKind::Left => self.emit(joined),
                _ if matched => break,
                _ => {}
            }
        }
        match self.node.kind {
            JoinKind::Left if !matched => {
                let joined = pad(batch, &[row as u32], &self.right_types);
                self.emit(joined);
            }
            JoinKind::Semi if matched => self.emit(batch.slice(row, 1)),
            JoinKind::Anti if !matched => self.emit(batch.slice(row, 1)),
            _ => {}
        }
        Ok(row + 1)
    }

    /// Runs the right side for rows from `row` on until there is a batch's worth of pairs; returns the next row.
    fn run_right(&mut self, cx: &mut Cx<'_>, batch: &Batch, row: usize) -> Result<usize> {
        let slots = self.slot_values(cx, batch)?;
        let mut columns: Vec<ColumnBuilder> =
            self.right_types.iter().map(|t| ColumnBuilder::new(t.physical(), 0)).collect();
        let mut pieces = Vec::new();
        let mut pairs = Pairs::default();
        let mut end = row;
        while end < batch.rows && pairs.len() < cx.batch_rows {
            for ((slot, form), values) in &slots {
                cx.exec[*slot] = ColumnReader::new(*form, values).get(end).to_owned();
            }
            if let Some(rows) = self.right.append(cx, &mut columns)? {
                for _ in 0..rows {
                    pairs.push(end as u32, pairs.right_rows as u32);
                    pairs.right_rows += 1;
                }
                end += 1;
                continue;
            }
            self.right.rewind(cx)?;
            let only_first = self.node.condition.is_none() && (self.node.kind.left_only() || self.node.inner_unique);
            while let Some(piece) = cx.pull(&mut self.right, if only_first { 1 } else { BATCH_ROWS })? {
                let base = pairs.right_rows;
                (0..piece.rows).for_each(|r| pairs.push(end as u32, (base + r) as u32));
                pairs.right_rows += piece.rows;
                pieces.push(piece);
                if only_first {
                    break;
                }
            }
            end += 1;
        }
        let right = match pieces.len() {
            0 if pairs.right_rows > 0 => {
                Batch::new(columns.iter_mut().map(ColumnBuilder::finish).collect(), pairs.right_rows)
            }
            0 => empty(&self.right_types),
            1 => pieces.pop().expect("one piece"),
            _ => Batch::concat(&pieces),
        };
        let joined = resolve(cx, &self.node, batch, row..end, &right, pairs)?;
        self.emit(joined);
        Ok(end)
    }

    #[allow(clippy::type_complexity)]
    fn slot_values(&self, cx: &mut Cx<'_>, batch: &Batch) -> Result<Vec<((usize, Physical), ArrayRef)>> {
        self.node.slots.iter().map(|(slot, expr)| Ok(((*slot, expr.ty().physical()), cx.array(expr, batch)?))).collect()
    }

    fn emit(&mut self, batch: Batch) {
        if batch.rows > 0 {
            self.out.push_back(batch);
        }
    }
}

impl Operator for NestedLoopOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        loop {
            if let Some(batch) = take_rows(&mut self.out, cx.batch_rows) {
                return Ok(Some(batch));
            }
            if self.done || !self.advance(cx)? {
                self.done = true;
                return Ok(None);
            }
        }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.batch = None;
        self.out.clear();
        self.done = false;
        if self.node.slots.is_empty() {
            self.kept = None;
            cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
            self.right.rewind(cx)?;
        }
        self.left.rewind(cx)
    }
}

/// Takes at most `rows` rows from the front of a queue of batches.
pub(crate) fn take_rows(queue: &mut VecDeque<Batch>, rows: usize) -> Option<Batch> {
    let batch = queue.pop_front()?;
    if batch.rows <= rows {
        return Some(batch);
    }
    queue.push_front(batch.slice(rows, batch.rows - rows));
    Some(batch.slice(0, rows))
}

/// Pairs of a left and a right row, ordered by left row.
#[derive(Default)]
pub(crate) struct Pairs {
    pub left: Vec<u32>,
    pub right: Vec<u32>,
    pub right_rows: usize,
}

impl Pairs {
    pub fn push(&mut self, left: u32, right: u32) {
        self.left.push(left);
        self.right.push(right);
    }

    pub fn len(&self) -> usize {
        self.left.len()
    }
}

/// The columns of both sides for each pair.
pub(crate) fn join_pairs(left: &Batch, right: &Batch, pairs: &Pairs) -> Batch {
    let mut joined = left.take(&UInt32Array::from(pairs.left.clone()));
    joined.columns.extend(right.take(&UInt32Array::from(pairs.right.clone())).columns);
    joined
}

/// A batch of no rows.
pub(crate) fn empty(types: &[SqlType]) -> Batch {
    nulls(types, 0)
}

pub(crate) fn nulls(types: &[SqlType], rows: usize) -> Batch {
    Batch::new(types.iter().map(|t| crate::types::null_column(t.physical(), rows)).collect(), rows)
}

/// Left rows beside a right side of NULLs.
fn pad(left: &Batch, rows: &[u32], right_types: &[SqlType]) -> Batch {
    let mut joined = left.take(&UInt32Array::from(rows.to_vec()));
    joined.columns.extend(nulls(right_types, rows.len()).columns);
    joined
}

/// Whether a selection has row `i`.
pub(crate) fn holds(selection: &Selection, i: usize) -> bool {
    match selection {
        Selection::All => true,
        Selection::Nothing => false,
        Selection::Some(keep) => keep.is_valid(i) && keep.value(i),
    }
}

/// What the join makes of all pairs of the left rows `range`: the condition is applied, then the kind.
fn resolve(
    cx: &mut Cx<'_>,
    node: &NestedLoop,
    left: &Batch,
    range: std::ops::Range<usize>,
    right: &Batch,
    pairs: Pairs,
) -> Result<Batch> {
    finish_pairs(cx, node.kind, node.condition.as_ref(), left, range, right, pairs)
}

pub(crate) fn finish_pairs(
    cx: &mut Cx<'_>,
    kind: JoinKind,
    condition: Option<&crate::expr::Expr>,
    left: &Batch,
    range: std::ops::Range<usize>,
    right: &Batch,
    pairs: Pairs,
) -> Result<Batch> {
    if kind == JoinKind::Inner {
        let joined = join_pairs(left, right, &pairs);
        return match condition {
            Some(condition) if joined.rows > 0 => cx.filter(condition, joined),
            _ => Ok(joined),
        };
    }
    let keep = match condition {
        Some(condition) if pairs.len() > 0 => cx.select(condition, &join_pairs(left, right, &pairs))?,
        _ => Selection::All,
    };
    let kept = |i: usize| holds(&keep, i);
    let (mut lefts, mut rights) = (Vec::with_capacity(pairs.len()), Vec::with_capacity(pairs.len()));
    let mut at = 0;
    for row in range {
        let mut matched = false;
        while at < pairs.len() && pairs.left[at] as usize == row {
            if kept(at) {
                matched = true;
                if kind == JoinKind::Left {
                    lefts.push(row as u32);
                    rights.push(Some(pairs.right[at]));
                }
            }
            at += 1;
        }
        match kind {
            JoinKind::Left if !matched => {
                lefts.push(row as u32);
                rights.push(None);
            }
            JoinKind::Semi if matched => lefts.push(row as u32),
            JoinKind::Anti if !matched => lefts.push(row as u32),
            _ => {}
        }
    }
    let mut joined = left.take(&UInt32Array::from(lefts));
    if kind == JoinKind::Left {
        joined.columns.extend(right.take(&UInt32Array::from(rights)).columns);
    }
    Ok(joined)
}
