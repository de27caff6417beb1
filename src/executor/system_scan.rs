//! Tables of `pg_catalog` and `information_schema`: computed from the catalog when they are read.

use super::nested_loop::take_rows;
use super::{Cx, Operator};
use crate::base::Result;
use crate::catalog::system::SystemContext;
use crate::planner::plan::SystemScan;
use crate::types::{Batch, DatumRef, Physical, constant_column};
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) struct SystemScanOp {
    node: Arc<SystemScan>,
    rows: Option<VecDeque<Batch>>,
}

impl SystemScanOp {
    pub fn new(node: &Arc<SystemScan>) -> SystemScanOp {
        SystemScanOp { node: Arc::clone(node), rows: None }
    }

    fn read(&self, cx: &Cx<'_>) -> VecDeque<Batch> {
        let node = &self.node;
        let wanted: Vec<usize> = node.columns.iter().flatten().copied().collect();
        let context = SystemContext { catalog: cx.catalog, facts: cx.facts, path: cx.search_path };
        let mut out = VecDeque::new();
        for batch in node.table.batches(&context, &wanted) {
            let mut columns = batch.columns.into_iter();
            let arranged = node.columns.iter().map(|c| match c {
                Some(_) => columns.next().expect("one column for each that was wanted"),
                None => constant_column(Physical::UInt32, DatumRef::Oid(node.table.oid.0), batch.rows),
            });
            out.push_back(Batch::new(arranged.collect(), batch.rows));
        }
        out
    }
}

impl Operator for SystemScanOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        cx.check_cancelled()?;
        if self.rows.is_none() {
            self.rows = Some(self.read(cx));
        }
        let rows = self.rows.as_mut().expect("just read");
        loop {
            let Some(batch) = take_rows(rows, cx.batch_rows) else { return Ok(None) };
            let batch = match &self.node.filter {
                Some(filter) => cx.filter(filter, batch)?,
                None => batch,
            };
            if batch.rows > 0 {
                return Ok(Some(batch));
            }
        }
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.rows = None;
        Ok(())
    }
}
