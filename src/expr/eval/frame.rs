//! The rows that an expression is evaluated for: a batch, or some rows of it.
//!
//! A branch of CASE runs for the rows that reach it. Those are a list of positions in the batch; only the columns that
//! the branch reads are gathered, when it reads them.

use crate::expr::value::Value;
use crate::types::Batch;
use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::take::take;

pub(super) struct Frame<'a> {
    batch: &'a Batch,
    /// Positions in the batch; none for all rows.
    selection: Option<UInt32Array>,
    pub rows: usize,
    /// What [`Expr::CaseValue`](crate::expr::Expr::CaseValue) stands for.
    pub case_value: Option<Value>,
}

impl<'a> Frame<'a> {
    pub fn of(batch: &'a Batch) -> Frame<'a> {
        Frame { batch, selection: None, rows: batch.rows, case_value: None }
    }

    /// The same rows, with a value for `CaseValue`.
    pub fn with_case_value(&self, value: Value) -> Frame<'a> {
        Frame { batch: self.batch, selection: self.selection.clone(), rows: self.rows, case_value: Some(value) }
    }

    /// Rows of a column of its own, such as the elements of an array, beside nothing else.
    pub fn of_values(batch: &'a Batch, value: Value, rows: usize) -> Frame<'a> {
        Frame { batch, selection: None, rows, case_value: Some(value) }
    }

    /// The rows at `indexes` of this frame.
    pub fn narrow(&self, indexes: &UInt32Array) -> Frame<'a> {
        let selection = match &self.selection {
            None => indexes.clone(),
            Some(outer) => indexes.values().iter().map(|&i| outer.value(i as usize)).collect::<Vec<u32>>().into(),
        };
        let case_value = self.case_value.as_ref().map(|v| match v {
            Value::Column(array) => Value::Column(gather(array, indexes)),
            Value::Scalar(_) => v.clone(),
        });
        Frame { batch: self.batch, selection: Some(selection), rows: indexes.len(), case_value }
    }

    pub fn column(&self, index: usize) -> ArrayRef {
        let column = &self.batch.columns[index];
        match &self.selection {
            None => column.clone(),
            Some(selection) => gather(column, selection),
        }
    }
}

pub(super) fn gather(array: &ArrayRef, indexes: &UInt32Array) -> ArrayRef {
    take(array, indexes, None).expect("a column of one of our forms")
}
