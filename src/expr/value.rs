//! The value of an expression over a batch: a column, or one value that holds for every row.

use crate::types::{ColumnReader, Datum, DatumRef, Physical, SqlType, constant_column};
use arrow_array::{Array, ArrayRef};

/// Constants and parameters stay single values all the way up, and over a batch of one row everything does, so that a
/// point query builds no arrays.
#[derive(Clone, Debug)]
pub enum Value {
    Column(ArrayRef),
    Scalar(Datum),
}

impl Value {
    pub fn null() -> Value {
        Value::Scalar(Datum::Null)
    }

    /// As a column of `rows` rows.
    pub fn into_array(self, ty: SqlType, rows: usize) -> ArrayRef {
        match self {
            Value::Column(array) => array,
            Value::Scalar(datum) => constant_column(ty.physical(), datum.as_ref(), rows),
        }
    }

    pub fn reader(&self, form: Physical) -> ValueReader<'_> {
        match self {
            Value::Column(array) => ValueReader::Column(ColumnReader::new(form, array)),
            Value::Scalar(datum) => ValueReader::Scalar(datum.as_ref()),
        }
    }

    pub fn is_null_scalar(&self) -> bool {
        matches!(self, Value::Scalar(Datum::Null))
    }

    /// The value of row `i`.
    pub fn row(&self, form: Physical, i: usize) -> Datum {
        self.reader(form).get(i).to_owned()
    }

    /// Number of NULLs among `rows` rows.
    pub fn null_count(&self, rows: usize) -> usize {
        match self {
            Value::Column(array) => array.null_count(),
            Value::Scalar(Datum::Null) => rows,
            Value::Scalar(_) => 0,
        }
    }
}

/// Reads a [`Value`] row by row.
pub enum ValueReader<'a> {
    Column(ColumnReader<'a>),
    Scalar(DatumRef<'a>),
}

impl<'a> ValueReader<'a> {
    pub fn get(&self, i: usize) -> DatumRef<'a> {
        match self {
            ValueReader::Column(reader) => reader.get(i),
            ValueReader::Scalar(value) => *value,
        }
    }
}
