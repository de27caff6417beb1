//! At most one row by all columns of a unique key: the shortest way from parameters to a row. No scan is opened; the row is
//! fetched with one descent (two through a secondary index) and decoded into a batch of one.

use super::{Cx, Operator};
use crate::base::Result;
use crate::planner::plan::{Lookup, ScanColumn};
use crate::table::{FetchedRow, Read, ctid};
use crate::types::{Batch, ColumnBuilder, Datum, DatumRef, Physical, constant_column};
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
        let mut values: SmallVec<[Datum; 4]> = SmallVec::new();
        for e in &node.key {
            values.push(cx.value(e)?);
        }
        let mut refs: SmallVec<[DatumRef<'_>; 4]> = SmallVec::new();
        values.iter().for_each(|v| refs.push(v.as_ref()));
        // Borrowed, not cloned: views count their users in memory that all sessions share.
        let view = cx.shared.view.get_or_insert_with(|| cx.txn.view());
        node.def.lookup_unique(cx.txn, Read::View(view), node.index, &refs, &mut self.row)
    }

    /// The fetched row's wanted columns, each with its form.
    fn columns(&self) -> impl Iterator<Item = (Physical, DatumRef<'_>)> {
        let def = &self.node.def;
        let row = self.row.view();
        self.node.columns.iter().map(move |column| match *column {
            ScanColumn::Column(at) => (def.layout.form(at), def.column(row, at)),
            ScanColumn::RowKey => (Physical::Bytes, DatumRef::Bytes(&self.row.key)),
            ScanColumn::TableOid => (Physical::UInt32, DatumRef::Oid(def.table.oid.0)),
            ScanColumn::Ctid => (Physical::Int64, DatumRef::Int8(ctid(&self.row.key))),
        })
    }

    fn batch(&self) -> Batch {
        Batch::new(self.columns().map(|(form, value)| constant_column(form, value, 1)).collect(), 1)
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

    fn is_done(&self) -> bool {
        self.done
    }

    fn recycle(&mut self) -> bool {
        self.done = false;
        self.row.shrink();
        true
    }

    fn append(&mut self, cx: &mut Cx<'_>, columns: &mut [ColumnBuilder]) -> Result<Option<usize>> {
        if self.node.filter.is_some() || self.node.project.is_some() {
            return Ok(None);
        }
        if !self.fetch(cx)? {
            return Ok(Some(0));
        }
        for ((_, value), builder) in self.columns().zip(columns) {
            builder.push(value);
        }
        Ok(Some(1))
    }
}
