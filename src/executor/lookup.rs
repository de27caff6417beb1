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

    /// Appends the fetched row's wanted columns.
    fn push(&self, columns: &mut [ColumnBuilder]) {
        let def = &self.node.def;
        let row = self.row.view();
        for (column, builder) in self.node.columns.iter().zip(columns) {
            builder.push(match *column {
                ScanColumn::Column(at) => def.column(row, at),
                ScanColumn::RowKey => DatumRef::Bytes(&self.row.key),
                ScanColumn::TableOid => DatumRef::Oid(def.table.oid.0),
                ScanColumn::Ctid => DatumRef::Int8(ctid(&self.row.key)),
            });
        }
    }

    fn batch(&self) -> Batch {
        let form = |column: &ScanColumn| match *column {
            ScanColumn::Column(at) => self.node.def.layout.form(at),
            ScanColumn::RowKey => Physical::Bytes,
            ScanColumn::TableOid => Physical::UInt32,
            ScanColumn::Ctid => Physical::Int64,
        };
        let mut columns: Vec<ColumnBuilder> =
            self.node.columns.iter().map(|c| ColumnBuilder::new(form(c), 1)).collect();
        self.push(&mut columns);
        Batch::new(columns.iter_mut().map(ColumnBuilder::finish).collect(), 1)
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

    fn append(&mut self, cx: &mut Cx<'_>, columns: &mut [ColumnBuilder]) -> Result<Option<usize>> {
        if self.node.filter.is_some() || self.node.project.is_some() {
            return Ok(None);
        }
        if !self.fetch(cx)? {
            return Ok(Some(0));
        }
        self.push(columns);
        Ok(Some(1))
    }
}
