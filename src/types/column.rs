//! Columns of values as Arrow arrays: building one, reading one, making a constant one.
//!
//! Which Arrow array a physical form uses is said at [`Physical`]. Arrow's views and bitmaps do the storing; this file
//! only maps values to them.

use super::datetime::Interval;
use super::item;
use super::numeric::NumericRef;
use super::{DatumRef, Physical};
use arrow_array::builder::{
    ArrayBuilder, BinaryViewBuilder, BooleanBuilder, FixedSizeBinaryBuilder, StringViewBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringViewArray,
};
use arrow_buffer::{NullBufferBuilder, ScalarBuffer};
use arrow_schema::DataType;
use std::sync::Arc;

/// The Arrow type of a physical form's columns.
pub fn data_type(form: Physical) -> DataType {
    match form {
        Physical::Bool => DataType::Boolean,
        Physical::Int16 => DataType::Int16,
        Physical::Int32 => DataType::Int32,
        Physical::Int64 => DataType::Int64,
        Physical::UInt32 => DataType::UInt32,
        Physical::Float32 => DataType::Float32,
        Physical::Float64 => DataType::Float64,
        Physical::Text => DataType::Utf8View,
        Physical::Bytes | Physical::Numeric | Physical::Array | Physical::Record => DataType::BinaryView,
        Physical::Interval | Physical::Uuid => DataType::FixedSizeBinary(16),
    }
}

/// Gathers values into a column.
#[derive(Debug)]
pub struct ColumnBuilder {
    inner: Builder,
    /// Where numerics, arrays and rows are encoded on their way into the column.
    scratch: Vec<u8>,
    /// Where text is padded.
    padded: String,
}

#[derive(Debug)]
enum Builder {
    Bool(BooleanBuilder),
    Int16(Primitives<Int16Type>),
    Int32(Primitives<Int32Type>),
    Int64(Primitives<Int64Type>),
    UInt32(Primitives<UInt32Type>),
    Float32(Primitives<Float32Type>),
    Float64(Primitives<Float64Type>),
    Text(StringViewBuilder),
    Bytes(BinaryViewBuilder),
    Fixed16(FixedSizeBinaryBuilder),
}

/// Values of fixed width. Arrow's own builder hands them over by way of its untyped `ArrayData`, which costs a short query
/// more than reading the row does.
#[derive(Debug)]
struct Primitives<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Primitives<T> {
    fn with_capacity(capacity: usize) -> Self {
        Primitives { values: Vec::with_capacity(capacity), nulls: NullBufferBuilder::new(capacity) }
    }

    fn append_value(&mut self, value: T::Native) {
        self.values.push(value);
        self.nulls.append_non_null();
    }

    fn append_null(&mut self) {
        self.values.push(T::Native::default());
        self.nulls.append_null();
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn finish(&mut self) -> PrimitiveArray<T> {
        PrimitiveArray::new(std::mem::take(&mut self.values).into(), self.nulls.finish())
    }
}

macro_rules! each {
    ($self:expr, $b:ident => $body:expr) => {
        match $self {
            Builder::Bool($b) => $body,
            Builder::Int16($b) => $body,
            Builder::Int32($b) => $body,
            Builder::Int64($b) => $body,
            Builder::UInt32($b) => $body,
            Builder::Float32($b) => $body,
            Builder::Float64($b) => $body,
            Builder::Text($b) => $body,
            Builder::Bytes($b) => $body,
            Builder::Fixed16($b) => $body,
        }
    };
}

impl ColumnBuilder {
    pub fn new(form: Physical, capacity: usize) -> ColumnBuilder {
        let inner = match form {
            Physical::Bool => Builder::Bool(BooleanBuilder::with_capacity(capacity)),
            Physical::Int16 => Builder::Int16(Primitives::with_capacity(capacity)),
            Physical::Int32 => Builder::Int32(Primitives::with_capacity(capacity)),
            Physical::Int64 => Builder::Int64(Primitives::with_capacity(capacity)),
            Physical::UInt32 => Builder::UInt32(Primitives::with_capacity(capacity)),
            Physical::Float32 => Builder::Float32(Primitives::with_capacity(capacity)),
            Physical::Float64 => Builder::Float64(Primitives::with_capacity(capacity)),
            Physical::Text => Builder::Text(StringViewBuilder::with_capacity(capacity)),
            Physical::Bytes | Physical::Numeric | Physical::Array | Physical::Record => {
                Builder::Bytes(BinaryViewBuilder::with_capacity(capacity))
            }
            Physical::Interval | Physical::Uuid => {
                Builder::Fixed16(FixedSizeBinaryBuilder::with_capacity(capacity, 16))
            }
        };
        ColumnBuilder { inner, scratch: Vec::new(), padded: String::new() }
    }

    /// Appends a value of the column's form, or NULL.
    pub fn push(&mut self, value: DatumRef<'_>) {
        match (&mut self.inner, value) {
            (_, DatumRef::Null) => self.push_null(),
            (Builder::Bool(b), DatumRef::Bool(v)) => b.append_value(v),
            (Builder::Int16(b), DatumRef::Int2(v)) => b.append_value(v),
            (Builder::Int32(b), DatumRef::Int4(v)) => b.append_value(v),
            (Builder::Int64(b), DatumRef::Int8(v)) => b.append_value(v),
            (Builder::UInt32(b), DatumRef::Oid(v)) => b.append_value(v),
            (Builder::Float32(b), DatumRef::Float4(v)) => b.append_value(v),
            (Builder::Float64(b), DatumRef::Float8(v)) => b.append_value(v),
            (Builder::Text(b), DatumRef::Text(v)) => b.append_value(v),
            (Builder::Bytes(b), DatumRef::Bytes(v)) => b.append_value(v),
            (Builder::Bytes(b), v @ (DatumRef::Numeric(_) | DatumRef::Array(_) | DatumRef::Record(_))) => {
                self.scratch.clear();
                item::write(&mut self.scratch, v);
                b.append_value(&self.scratch);
            }
            (Builder::Fixed16(b), DatumRef::Uuid(v)) => append16(b, v),
            (Builder::Fixed16(b), DatumRef::Interval(v)) => append16(b, v.to_bytes()),
            (b, v) => panic!("{v:?} pushed onto a column of another form: {b:?}"),
        }
    }

    pub fn push_null(&mut self) {
        each!(&mut self.inner, b => b.append_null());
    }

    /// Appends text without naming the variant, for the scans that read text straight from pages.
    pub fn push_text(&mut self, value: &str) {
        match &mut self.inner {
            Builder::Text(b) => b.append_value(value),
            b => panic!("text pushed onto a column of another form: {b:?}"),
        }
    }

    /// Appends text with blanks up to `length` bytes.
    pub(super) fn push_padded(&mut self, value: &str, length: usize) {
        match &mut self.inner {
            Builder::Text(b) if value.len() == length => b.append_value(value),
            Builder::Text(b) => {
                self.padded.clear();
                self.padded.push_str(value);
                self.padded.extend(std::iter::repeat_n(' ', length - value.len()));
                b.append_value(&self.padded);
            }
            b => panic!("text pushed onto a column of another form: {b:?}"),
        }
    }

    /// Appends the column's own encoded bytes: of `bytea`, of a numeric, an array or a row.
    pub fn push_encoded(&mut self, value: &[u8]) {
        match &mut self.inner {
            Builder::Bytes(b) => b.append_value(value),
            b => panic!("bytes pushed onto a column of another form: {b:?}"),
        }
    }

    pub fn len(&self) -> usize {
        each!(&self.inner, b => b.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the column; the builder is empty again.
    pub fn finish(&mut self) -> ArrayRef {
        each!(&mut self.inner, b => Arc::new(b.finish()))
    }
}

fn append16(builder: &mut FixedSizeBinaryBuilder, bytes: [u8; 16]) {
    builder.append_value(bytes).expect("16 bytes into a column of 16 bytes");
}

/// Reads a column's values.
#[derive(Clone, Copy, Debug)]
pub enum ColumnReader<'a> {
    Bool(&'a BooleanArray),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    UInt32(&'a PrimitiveArray<UInt32Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Text(&'a StringViewArray),
    Bytes(&'a BinaryViewArray),
    Numeric(&'a BinaryViewArray),
    Interval(&'a FixedSizeBinaryArray),
    Uuid(&'a FixedSizeBinaryArray),
    /// Arrays and rows.
    Nested(&'a BinaryViewArray),
}

impl<'a> ColumnReader<'a> {
    /// Panics when the array is not the form's.
    pub fn new(form: Physical, array: &'a ArrayRef) -> ColumnReader<'a> {
        match form {
            Physical::Bool => ColumnReader::Bool(array.as_boolean()),
            Physical::Int16 => ColumnReader::Int16(array.as_primitive()),
            Physical::Int32 => ColumnReader::Int32(array.as_primitive()),
            Physical::Int64 => ColumnReader::Int64(array.as_primitive()),
            Physical::UInt32 => ColumnReader::UInt32(array.as_primitive()),
            Physical::Float32 => ColumnReader::Float32(array.as_primitive()),
            Physical::Float64 => ColumnReader::Float64(array.as_primitive()),
            Physical::Text => ColumnReader::Text(array.as_string_view()),
            Physical::Bytes => ColumnReader::Bytes(array.as_binary_view()),
            Physical::Numeric => ColumnReader::Numeric(array.as_binary_view()),
            Physical::Interval => ColumnReader::Interval(array.as_fixed_size_binary()),
            Physical::Uuid => ColumnReader::Uuid(array.as_fixed_size_binary()),
            Physical::Array | Physical::Record => ColumnReader::Nested(array.as_binary_view()),
        }
    }

    pub fn is_null(&self, i: usize) -> bool {
        match self {
            ColumnReader::Bool(a) => a.is_null(i),
            ColumnReader::Int16(a) => a.is_null(i),
            ColumnReader::Int32(a) => a.is_null(i),
            ColumnReader::Int64(a) => a.is_null(i),
            ColumnReader::UInt32(a) => a.is_null(i),
            ColumnReader::Float32(a) => a.is_null(i),
            ColumnReader::Float64(a) => a.is_null(i),
            ColumnReader::Text(a) => a.is_null(i),
            ColumnReader::Bytes(a) | ColumnReader::Numeric(a) | ColumnReader::Nested(a) => a.is_null(i),
            ColumnReader::Interval(a) | ColumnReader::Uuid(a) => a.is_null(i),
        }
    }

    pub fn get(&self, i: usize) -> DatumRef<'a> {
        if self.is_null(i) {
            return DatumRef::Null;
        }
        match self {
            ColumnReader::Bool(a) => DatumRef::Bool(a.value(i)),
            ColumnReader::Int16(a) => DatumRef::Int2(a.value(i)),
            ColumnReader::Int32(a) => DatumRef::Int4(a.value(i)),
            ColumnReader::Int64(a) => DatumRef::Int8(a.value(i)),
            ColumnReader::UInt32(a) => DatumRef::Oid(a.value(i)),
            ColumnReader::Float32(a) => DatumRef::Float4(a.value(i)),
            ColumnReader::Float64(a) => DatumRef::Float8(a.value(i)),
            ColumnReader::Text(a) => DatumRef::Text(a.value(i)),
            ColumnReader::Bytes(a) => DatumRef::Bytes(a.value(i)),
            ColumnReader::Numeric(a) => DatumRef::Numeric(NumericRef::decode(a.value(i))),
            ColumnReader::Interval(a) => DatumRef::Interval(Interval::from_bytes(sixteen(a.value(i)))),
            ColumnReader::Uuid(a) => DatumRef::Uuid(sixteen(a.value(i))),
            ColumnReader::Nested(a) => item::nested(a.value(i)),
        }
    }
}

fn sixteen(bytes: &[u8]) -> [u8; 16] {
    bytes.try_into().expect("a column of 16 bytes")
}

/// A column of `rows` NULLs.
pub fn null_column(form: Physical, rows: usize) -> ArrayRef {
    match form {
        Physical::Bool => Arc::new(BooleanArray::new_null(rows)),
        Physical::Int16 => Arc::new(PrimitiveArray::<Int16Type>::new_null(rows)),
        Physical::Int32 => Arc::new(PrimitiveArray::<Int32Type>::new_null(rows)),
        Physical::Int64 => Arc::new(PrimitiveArray::<Int64Type>::new_null(rows)),
        Physical::UInt32 => Arc::new(PrimitiveArray::<UInt32Type>::new_null(rows)),
        Physical::Float32 => Arc::new(PrimitiveArray::<Float32Type>::new_null(rows)),
        Physical::Float64 => Arc::new(PrimitiveArray::<Float64Type>::new_null(rows)),
        Physical::Text => Arc::new(StringViewArray::new_null(rows)),
        Physical::Bytes | Physical::Numeric | Physical::Array | Physical::Record => {
            Arc::new(BinaryViewArray::new_null(rows))
        }
        Physical::Interval | Physical::Uuid => Arc::new(FixedSizeBinaryArray::new_null(16, rows)),
    }
}

fn natives<T: ArrowPrimitiveType>(value: T::Native, rows: usize) -> ArrayRef {
    let values = if rows == 1 { Vec::from([value]) } else { vec![value; rows] };
    Arc::new(PrimitiveArray::<T>::new(values.into(), None))
}

/// A column that says the same value `rows` times; long values are stored once.
pub fn constant_column(form: Physical, value: DatumRef<'_>, rows: usize) -> ArrayRef {
    match value {
        DatumRef::Null => null_column(form, rows),
        DatumRef::Bool(v) => Arc::new(BooleanArray::from(vec![v; rows])),
        DatumRef::Int2(v) => natives::<Int16Type>(v, rows),
        DatumRef::Int4(v) => natives::<Int32Type>(v, rows),
        DatumRef::Int8(v) => natives::<Int64Type>(v, rows),
        DatumRef::Oid(v) => natives::<UInt32Type>(v, rows),
        DatumRef::Float4(v) => natives::<Float32Type>(v, rows),
        DatumRef::Float8(v) => natives::<Float64Type>(v, rows),
        value => {
            let mut one = ColumnBuilder::new(form, 1);
            one.push(value);
            let one = one.finish();
            if rows == 1 { one } else { repeat(&one, rows) }
        }
    }
}

/// Repeats the single value of a column; views repeat without copying what they point at.
fn repeat(one: &ArrayRef, rows: usize) -> ArrayRef {
    match one.data_type() {
        DataType::Utf8View => {
            let (views, buffers, _) = one.as_string_view().clone().into_parts();
            Arc::new(StringViewArray::new(ScalarBuffer::from(vec![views[0]; rows]), buffers, None))
        }
        DataType::BinaryView => {
            let (views, buffers, _) = one.as_binary_view().clone().into_parts();
            Arc::new(BinaryViewArray::new(ScalarBuffer::from(vec![views[0]; rows]), buffers, None))
        }
        _ => {
            let value = one.as_fixed_size_binary().value(0);
            let mut builder = FixedSizeBinaryBuilder::with_capacity(rows, 16);
            for _ in 0..rows {
                append16(&mut builder, sixteen(value));
            }
            Arc::new(builder.finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Datum;
    use super::*;

    #[test]
    fn columns_give_back_what_was_pushed() {
        let values = [
            (Physical::Bool, Datum::Bool(true)),
            (Physical::Int16, Datum::Int2(-2)),
            (Physical::Int32, Datum::Int4(4)),
            (Physical::Int64, Datum::Int8(i64::MIN)),
            (Physical::UInt32, Datum::Oid(26)),
            (Physical::Float32, Datum::Float4(1.5)),
            (Physical::Float64, Datum::Float8(-0.25)),
            (Physical::Text, Datum::text("a text longer than a view holds inline")),
            (Physical::Bytes, Datum::bytes(*b"\x00\xff")),
            (Physical::Interval, Datum::Interval(Interval { months: 1, days: -2, micros: 3 })),
            (Physical::Uuid, Datum::Uuid([7; 16])),
        ];
        for (form, value) in values {
            let mut b = ColumnBuilder::new(form, 4);
            b.push(value.as_ref());
            b.push_null();
            assert_eq!(b.len(), 2);
            let column = b.finish();
            assert_eq!(column.data_type(), &data_type(form));
            let r = ColumnReader::new(form, &column);
            assert_eq!(format!("{:?}", r.get(0).to_owned()), format!("{value:?}"));
            assert!(r.is_null(1) && r.get(1).is_null());
            let constant = constant_column(form, value.as_ref(), 3);
            assert_eq!(constant.len(), 3);
            assert_eq!(format!("{:?}", ColumnReader::new(form, &constant).get(2).to_owned()), format!("{value:?}"));
            assert_eq!(constant_column(form, value.as_ref(), 0).len(), 0);
        }
    }
}
