//! Functions in FROM: `FROM f(x)`, `ROWS FROM (f(x), g(y)) WITH ORDINALITY`.
//!
//! Set-returning functions produce their rows a batch at a time into column builders. Several run in lockstep, the shorter
//! ones padded with NULL.

use super::{Cx, Operator};
use crate::base::{Error, Result};
use crate::expr::{CallTypes, EvalContext, Expr, Kernel, SetRows, evaluate_scalar};
use crate::planner::plan::{FunctionScan, FunctionSource, SetCall, TableFunction};
use crate::types::{Batch, ColumnBuilder, ColumnReader, Datum, DatumRef, Physical, RecordValue, SqlType, null_column};
use arrow_array::{ArrayRef, Int64Array};
use arrow_select::concat::concat;
use std::sync::Arc;

pub(crate) struct FunctionScanOp {
    node: Arc<FunctionScan>,
    running: Option<Vec<Running>>,
    ordinal: i64,
}

/// One function at work.
struct Running {
    rows: Option<SetSource>,
}

/// The rows of one call, with what was produced ahead.
pub(crate) struct SetSource {
    rows: Box<dyn SetRows>,
    builders: Vec<ColumnBuilder>,
    done: bool,
}

/// Rows of several columns, each put together to one value.
struct Packed {
    inner: SetSource,
    fields: Vec<SqlType>,
}

impl SetRows for Packed {
    fn next(&mut self, ev: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let (arrays, rows) = self.inner.next(ev, max)?;
        let readers = arrays.iter().zip(&self.fields).map(|(a, ty)| ColumnReader::new(ty.physical(), a));
        let readers: Vec<ColumnReader<'_>> = readers.collect();
        for row in 0..rows {
            let fields = readers.iter().zip(&self.fields).map(|(r, ty)| (ty.oid, r.get(row).to_owned())).collect();
            columns[0].push(Datum::record(RecordValue { fields }).as_ref());
        }
        Ok(rows)
    }
}

impl SetSource {
    /// Starts a call; none if a strict function got a NULL. `forms` are the columns that it makes.
    pub fn start(
        ev: &mut EvalContext<'_>,
        call: &SetCall,
        args: &[DatumRef<'_>],
        forms: &[Physical],
    ) -> Result<Option<SetSource>> {
        if call.func.strict && args.iter().any(|a| a.is_null()) {
            return Ok(None);
        }
        let Kernel::Set(start) = call.func.kernel else {
            return Err(Error::internal(format!("function {} returns no set", call.func.name)));
        };
        let arg_types: Vec<SqlType> = call.args.iter().map(Expr::ty).collect();
        let rows = start(ev, CallTypes { args: &arg_types, ret: call.ty }, args)?;
        let builders = forms.iter().map(|f| ColumnBuilder::new(*f, 0)).collect();
        Ok(Some(SetSource { rows, builders, done: false }))
    }

    /// Starts a call in a select list, where a row of several columns is one value.
    pub fn start_value(ev: &mut EvalContext<'_>, call: &SetCall, args: &[DatumRef<'_>]) -> Result<Option<SetSource>> {
        if call.func.out.len() < 2 {
            return SetSource::start(ev, call, args, &[call.ty.physical()]);
        }
        let types: Vec<SqlType> = call.args.iter().map(Expr::ty).collect();
        let fields: Vec<SqlType> = call.func.columns(&types).into_iter().map(|(_, ty)| ty).collect();
        let forms: Vec<Physical> = fields.iter().map(|ty| ty.physical()).collect();
        let Some(inner) = SetSource::start(ev, call, args, &forms)? else { return Ok(None) };
        let rows = Box::new(Packed { inner, fields });
        Ok(Some(SetSource { rows, builders: vec![ColumnBuilder::new(Physical::Record, 0)], done: false }))
    }

    /// At most `max` more rows, as many as there are; how many that is, is the length of the columns.
    pub fn next(&mut self, ev: &mut EvalContext<'_>, max: usize) -> Result<(Vec<ArrayRef>, usize)> {
        let mut total = 0;
        while total < max && !self.done {
            let n = self.rows.next(ev, &mut self.builders, max - total)?;
            self.done = n == 0;
            total += n;
        }
        Ok((self.builders.iter_mut().map(ColumnBuilder::finish).collect(), total))
    }
}

impl FunctionScanOp {
    pub fn new(node: &Arc<FunctionScan>) -> FunctionScanOp {
        FunctionScanOp { node: Arc::clone(node), running: None, ordinal: 0 }
    }
}

fn start(ev: &mut EvalContext<'_>, function: &TableFunction) -> Result<Running> {
    let forms: Vec<Physical> = function.types.iter().map(|t| t.physical()).collect();
    let rows = match &function.source {
        FunctionSource::Set(call) => {
            let args = call.args.iter().map(|a| evaluate_scalar(a, ev)).collect::<Result<Vec<Datum>>>()?;
            let args: Vec<DatumRef<'_>> = args.iter().map(Datum::as_ref).collect();
            SetSource::start(ev, call, &args, &forms)?
        }
        FunctionSource::Scalar(expr) => {
            let value = evaluate_scalar(expr, ev)?;
            let rows = Box::new(OneRow { value: Some(value), row: function.row });
            let builders = forms.iter().map(|f| ColumnBuilder::new(*f, 1)).collect();
            Some(SetSource { rows, builders, done: false })
        }
    };
    Ok(Running { rows })
}

/// A function that returns one value stands in FROM as a table of one row.
struct OneRow {
    value: Option<Datum>,
    row: bool,
}

impl SetRows for OneRow {
    fn next(&mut self, _cx: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], _max: usize) -> Result<usize> {
        let Some(value) = self.value.take() else { return Ok(0) };
        if !self.row {
            columns[0].push(value.as_ref());
            return Ok(1);
        }
        match value.as_ref() {
            DatumRef::Record(record) => {
                for (i, column) in columns.iter_mut().enumerate() {
                    column.push(if i < record.len() { record.get(i).1 } else { DatumRef::Null });
                }
            }
            _ => columns.iter_mut().for_each(ColumnBuilder::push_null),
        }
        Ok(1)
    }
}

impl Operator for FunctionScanOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        cx.check_cancelled()?;
        let node = Arc::clone(&self.node);
        let max = cx.batch_rows;
        let running = &mut self.running;
        let parts = cx.with_eval(|ev| {
            if running.is_none() {
                *running = Some(node.calls.iter().map(|c| start(ev, c)).collect::<Result<_>>()?);
            }
            let running = running.as_mut().expect("started");
            running
                .iter_mut()
                .map(|r| match &mut r.rows {
                    Some(rows) => rows.next(ev, max),
                    None => Ok((vec![], 0)),
                })
                .collect::<Result<Vec<_>>>()
        })?;
        let rows = parts.iter().map(|p| p.1).max().unwrap_or(0);
        if rows == 0 {
            return Ok(None);
        }
        let mut columns = Vec::new();
        for ((arrays, n), function) in parts.into_iter().zip(&node.calls) {
            columns.extend(pad(arrays, n, rows, &function.types));
        }
        if node.ordinality {
            columns.push(Arc::new(Int64Array::from_iter_values(self.ordinal + 1..=self.ordinal + rows as i64)));
            self.ordinal += rows as i64;
        }
        Ok(Some(Batch::new(columns, rows)))
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        self.running = None;
        self.ordinal = 0;
        Ok(())
    }
}

/// Brings columns of `n` rows to `rows` with NULLs at the end.
pub(crate) fn pad(arrays: Vec<ArrayRef>, n: usize, rows: usize, types: &[SqlType]) -> Vec<ArrayRef> {
    if n == rows {
        return arrays;
    }
    types
        .iter()
        .enumerate()
        .map(|(i, ty)| match arrays.get(i) {
            Some(array) if n > 0 => concat(&[array.as_ref(), null_column(ty.physical(), rows - n).as_ref()])
                .expect("two columns of one form"),
            _ => null_column(ty.physical(), rows),
        })
        .collect()
}

/// The arguments of a set-returning call for each row of a batch.
pub(crate) fn argument_columns(cx: &mut Cx<'_>, call: &SetCall, batch: &Batch) -> Result<Vec<ArrayRef>> {
    cx.arrays(&call.args, batch)
}

/// One row of such arguments.
pub(crate) fn argument_row<'a>(columns: &'a [ArrayRef], call: &SetCall, row: usize) -> Vec<DatumRef<'a>> {
    columns.iter().zip(&call.args).map(|(c, a)| ColumnReader::new(a.ty().physical(), c).get(row)).collect()
}
