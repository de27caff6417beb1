//! Reads a table: its tree or an index, whole or in ranges, forward or backward.
//!
//! The first fetch is small and each next one larger, so that a query that wants one row pays for few. What a fetch
//! brings beyond what is wanted waits in a queue.

use super::nested_loop::take_rows;
use super::ranges::scan_ranges;
use super::{BATCH_ROWS, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::Scan;
use crate::storage::{Direction, KeyRange};
use crate::table::{IndexScan, TableScan};
use crate::types::Batch;
use std::collections::VecDeque;
use std::sync::Arc;

const FIRST_FETCH: usize = 64;

pub(crate) struct ScanOp {
    node: Arc<Scan>,
    /// What is still to be read, the next part last; none before the start.
    ranges: Option<Vec<KeyRange>>,
    current: Option<Reading>,
    fetch: usize,
    out: VecDeque<Batch>,
}

enum Reading {
    Table(TableScan),
    Index(IndexScan),
}

impl ScanOp {
    pub fn new(node: &Arc<Scan>) -> ScanOp {
        ScanOp { node: Arc::clone(node), ranges: None, current: None, fetch: FIRST_FETCH, out: VecDeque::new() }
    }

    fn open(&self, cx: &mut Cx<'_>, range: KeyRange) -> Reading {
        let node = &self.node;
        let view = cx.view();
        let direction = if node.backward { Direction::Backward } else { Direction::Forward };
        let (def, columns) = (Arc::clone(&node.def), node.columns.clone());
        match node.index {
            Some(i) if !def.indexes[i].index.clustered => {
                Reading::Index(IndexScan::new(def, i, cx.txn, view, range, direction, columns))
            }
            _ => Reading::Table(TableScan::new(def, cx.txn, view, range, direction, columns)),
        }
    }

    fn fetch(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        loop {
            cx.check_cancelled()?;
            if self.current.is_none() {
                if self.ranges.is_none() {
                    let mut ranges = scan_ranges(cx, &self.node)?;
                    if !self.node.backward {
                        ranges.reverse();
                    }
                    self.ranges = Some(ranges);
                }
                let Some(range) = self.ranges.as_mut().expect("just computed").pop() else { return Ok(None) };
                self.current = Some(self.open(cx, range));
            }
            let rows = if self.node.filter.is_none() { self.fetch.min(cx.batch_rows) } else { self.fetch };
            let batch = match self.current.as_mut().expect("just opened") {
                Reading::Table(scan) => scan.next(cx.txn, rows)?,
                Reading::Index(scan) => scan.next(cx.txn, rows)?,
            };
            let Some(batch) = batch else {
                self.current = None;
                continue;
            };
            self.fetch = (self.fetch * 8).min(BATCH_ROWS);
            let batch = match &self.node.filter {
                Some(filter) => cx.filter(filter, batch)?,
                None => batch,
            };
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
        }
    }
}

impl Operator for ScanOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if self.out.is_empty() {
            match self.fetch(cx)? {
                Some(batch) if batch.rows <= cx.batch_rows => return Ok(Some(batch)),
                Some(batch) => self.out.push_back(batch),
                None => return Ok(None),
            }
        }
        Ok(take_rows(&mut self.out, cx.batch_rows))
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.recycle();
        Ok(())
    }

    fn recycle(&mut self) -> bool {
        self.ranges = None;
        self.current = None;
        self.out.clear();
        self.fetch = FIRST_FETCH;
        true
    }
}
