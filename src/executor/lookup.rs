//! At most one row by all columns of a unique key: the shortest way from parameters to a row. No scan is opened; the row is
//! fetched with one descent (two through a secondary index) and decoded into a batch of one.

use super::{Cx, Operator};
use crate::base::Result;
use crate::planner::plan::{Lookup, ScanColumn};
use crate::table::{FetchedRow, Read, ctid};
use crate::types::{Batch, ColumnBuilder, Datum, DatumRef, Physical};
use smallvec::SmallVec;
use std::sync::Arc;

pub(crate) struct LookupOp {
    node: Arc<Lookup>,
    row: FetchedRow,
    done: bool,
}

impl LookupOp {
    pub fn new(node: &Arc<Lookup>) -> LookupOp {
        LookupOp { node: Arc::clone(node), row: FetchedRow::default(), done: false }
    }

    fn fetch(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        let node = &self.node;
        let view = cx.view();
        let mut values: SmallVec<[Datum; 4]> = SmallVec::new();
        for e in &node.key {
            values.push(cx.value(e)?);
        }
        let refs: SmallVec<[DatumRef<'_>; 4]> = values.iter().map(Datum::as_ref).collect();
        node.def.lookup_unique(cx.txn, Read::View(&view), node.index, &refs, &mut self.row)
    }

    /// The fetched row's wanted columns.
    fn batch(&self) -> Batch {
        let def = &self.node.def;
        let row = self.row.view();
        let column = |column: &ScanColumn| {
            let (form, value) = match *column {
                ScanColumn::Column(at) => (def.layout.form(at), def.column(row, at)),
                ScanColumn::RowKey => (Physical::Bytes, DatumRef::Bytes(&self.row.key)),
                ScanColumn::TableOid => (Physical::UInt32, DatumRef::Oid(def.table.oid.0)),
                ScanColumn::Ctid => (Physical::Int64, DatumRef::Int8(ctid(&self.row.key))),
            };
            let mut builder = ColumnBuilder::new(form, 1);
            builder.push(value);
            builder.finish()
        };
        Batch::new(self.node.columns.iter().map(column).collect(), 1)
    }
}

impl Operator for LookupOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        cx.check_cancelled()?;
        if !self.fetch(cx)? {
            return Ok(None);
        }
        let mut batch = self.batch();
        if let Some(filter) = &self.node.filter {
            batch = cx.filter(filter, batch)?;
            if batch.rows == 0 {
                return Ok(None);
            }
        }
        match &self.node.project {
            Some(exprs) => Ok(Some(Batch::new(cx.arrays(exprs, &batch)?, 1))),
            None => Ok(Some(batch)),
        }
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.done = false;
        Ok(())
    }
}
