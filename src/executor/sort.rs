//! ORDER BY: all rows by their encoded keys; with a bound, the first few of them.
//!
//! The sort keys of a row become one memcmp-ordered byte string (direction and place of NULLs included), so sorting
//! compares an 8-byte head and rarely more. Rows that compare equal keep the order in which they came. With a bound
//! (LIMIT above), the rows beyond it are thrown away whenever enough of them have gathered. Beyond `work_mem` sorted runs go
//! to temporary files and are merged.

use super::limit::count;
use super::merge::Merge;
use super::spill::SpillFile;
use super::{BATCH_ROWS, BoxOperator, Cx, Operator};
use crate::base::{Result, SqlState};
use crate::planner::plan::{Sort, SortKey};
use crate::types::key::{self, KeyOrder};
use crate::types::{Batch, ColumnBuilder, ColumnReader, Physical};
use arrow_array::UInt32Array;
use std::sync::Arc;

pub(crate) struct SortOp {
    node: Arc<Sort>,
    input: BoxOperator,
    sorted: Option<Sorted>,
    held: usize,
}

enum Sorted {
    InMemory { rows: Batch, order: Vec<u32>, at: usize },
    OnDisk(Merge),
}

/// Below this many rows a bounded sort does not bother to throw any away.
const COMPACT_ROWS: usize = 4 * BATCH_ROWS;

impl SortOp {
    pub fn new(node: &Arc<Sort>, input: BoxOperator) -> SortOp {
        SortOp { node: Arc::clone(node), input, sorted: None, held: 0 }
    }

    fn sort(&mut self, cx: &mut Cx<'_>) -> Result<Sorted> {
        let mut runs: Vec<SpillFile> = Vec::new();
        let bound = count(cx, &self.node.bound, SqlState::INTERNAL_ERROR, "bound")?;
        let bound = bound.and_then(|b| usize::try_from(b).ok()).unwrap_or(usize::MAX);
        let mut keys = SortKeys::default();
        let mut batches = Vec::new();
        while let Some(batch) = cx.pull_all(&mut self.input)? {
            keys.add(cx, &self.node.keys, &batch)?;
            self.held += cx.shared.memory.grow(&batch)?;
            batches.push(batch);
            if self.held + keys.memory() > cx.work_mem && bound > keys.len() {
                runs.push(self.write_run(cx, &keys, &batches)?);
                (keys, batches) = (SortKeys::default(), Vec::new());
            } else if keys.len() > COMPACT_ROWS && keys.len() / 4 > bound {
                let order = keys.sort(bound);
                let kept = Batch::concat(&batches).take(&UInt32Array::from(order.clone()));
                keys = keys.pick(&order);
                batches = vec![kept];
                cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
                self.held = cx.shared.memory.grow(&batches[0])?;
            }
        }
        if !runs.is_empty() {
            if !batches.is_empty() {
                runs.push(self.write_run(cx, &keys, &batches)?);
            }
            return Ok(Sorted::OnDisk(Merge::new(runs)?));
        }
        let order = keys.sort(bound);
        let rows = if batches.len() > 1 { Batch::concat(&batches) } else { batches.pop().unwrap_or_default() };
        Ok(Sorted::InMemory { rows, order, at: 0 })
    }
}

impl SortOp {
    /// Writes what has gathered to a file in order, each row with its key.
    fn write_run(&mut self, cx: &mut Cx<'_>, keys: &SortKeys, batches: &[Batch]) -> Result<SpillFile> {
        let mut forms: Vec<Physical> = self.node.input.types.iter().map(|t| t.physical()).collect();
        forms.push(Physical::Bytes);
        let mut run = SpillFile::of_forms(cx.temp, forms);
        let rows = Batch::concat(batches);
        for part in keys.sort(usize::MAX).chunks(BATCH_ROWS) {
            cx.check_cancelled()?;
            let mut batch = rows.take(&UInt32Array::from(part.to_vec()));
            let mut key = ColumnBuilder::new(Physical::Bytes, part.len());
            part.iter().for_each(|&row| key.push_encoded(keys.get(row as usize)));
            batch.columns.push(key.finish());
            run.write(&batch)?;
        }
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held) + keys.memory());
        Ok(run)
    }
}

impl Operator for SortOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if self.sorted.is_none() {
            self.sorted = Some(self.sort(cx)?);
        }
        match self.sorted.as_mut().expect("just sorted") {
            Sorted::InMemory { rows, order, at } => {
                let end = order.len().min(*at + cx.batch_rows);
                if *at == end {
                    return Ok(None);
                }
                let picked = rows.take(&UInt32Array::from(order[*at..end].to_vec()));
                *at = end;
                Ok(Some(picked))
            }
            Sorted::OnDisk(merge) => {
                cx.check_cancelled()?;
                merge.next(cx.batch_rows)
            }
        }
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.sorted = None;
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
        self.input.rewind(cx)
    }
}

/// The encoded sort keys of many rows.
#[derive(Default)]
pub(crate) struct SortKeys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl SortKeys {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Appends the keys of a batch's rows.
    pub fn add(&mut self, cx: &mut Cx<'_>, keys: &[SortKey], batch: &Batch) -> Result<()> {
        let columns = keys.iter().map(|k| cx.array(&k.expr, batch)).collect::<Result<Vec<_>>>()?;
        let before = self.bytes.capacity();
        let readers: Vec<_> = columns
            .iter()
            .zip(keys)
            .map(|(c, k)| {
                let order = KeyOrder { descending: k.descending, nulls_first: k.nulls_first };
                (ColumnReader::new(k.expr.ty().physical(), c), k.expr.ty(), order)
            })
            .collect();
        for row in 0..batch.rows {
            for (reader, ty, order) in &readers {
                key::encode(&mut self.bytes, *ty, reader.get(row), *order);
            }
            self.ends.push(self.bytes.len());
        }
        cx.shared.memory.grow_by(self.bytes.capacity() - before)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8
    }

    pub fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    /// Row numbers in order, the first `bound` of them.
    pub fn sort(&self, bound: usize) -> Vec<u32> {
        let head = |row: usize| {
            let key = self.get(row);
            let mut head = [0; 8];
            let n = key.len().min(8);
            head[..n].copy_from_slice(&key[..n]);
            u64::from_be_bytes(head)
        };
        let mut order: Vec<(u64, u32)> = (0..self.len()).map(|i| (head(i), i as u32)).collect();
        let by_key = |a: &(u64, u32), b: &(u64, u32)| {
            a.0.cmp(&b.0).then_with(|| self.get(a.1 as usize).cmp(self.get(b.1 as usize))).then(a.1.cmp(&b.1))
        };
        if bound < order.len() {
            if bound == 0 {
                return Vec::new();
            }
            order.select_nth_unstable_by(bound - 1, by_key);
            order.truncate(bound);
        }
        order.sort_unstable_by(by_key);
        order.into_iter().map(|(_, i)| i).collect()
    }

    fn pick(&self, rows: &[u32]) -> SortKeys {
        let mut picked = SortKeys::default();
        for &row in rows {
            picked.bytes.extend_from_slice(self.get(row as usize));
            picked.ends.push(picked.bytes.len());
        }
        picked
    }
}
