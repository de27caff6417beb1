//! The rows of a batch in the layout's form, written a column at a time.

use super::{HAS_NULLS, HEADER, Layout, VERSION, WIDE};
use crate::types::{Batch, ColumnReader};
use arrow_array::types::{ArrowPrimitiveType, ByteViewType};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, GenericByteViewArray, PrimitiveArray};
use arrow_buffer::ToByteSlice;

/// Rows one after another. Kept and refilled by whoever makes many.
#[derive(Debug, Default)]
pub struct RowBytes {
    bytes: Vec<u8>,
    rows: Vec<Places>,
    /// Bytes of variable width that each row has.
    variable: Vec<usize>,
    has_nulls: Vec<bool>,
}

/// Where the parts of a row are.
#[derive(Clone, Copy, Debug)]
struct Places {
    start: usize,
    fixed: usize,
    ends: usize,
    data: usize,
    /// Where the next value of variable width begins; at last, where the row ends.
    next: usize,
    wide: bool,
}

impl RowBytes {
    pub fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.rows[row].start..self.rows[row].next]
    }
}

impl Layout {
    /// Puts all rows of a batch, which has a column for each of the layout's, in the place of what `out` holds.
    pub fn encode_batch(&self, batch: &Batch, out: &mut RowBytes) {
        self.measure(batch, out);
        self.begin_rows(out);
        for (i, (place, column)) in self.places.iter().zip(&batch.columns).enumerate() {
            mark_nulls(out, i, column);
            let reader = ColumnReader::new(place.form, column);
            match reader {
                ColumnReader::Bool(a) => put_fixed(out, place.at, a, |i| [u8::from(a.value(i))]),
                ColumnReader::Int16(a) => put_primitives(out, place.at, a),
                ColumnReader::Int32(a) => put_primitives(out, place.at, a),
                ColumnReader::Int64(a) => put_primitives(out, place.at, a),
                ColumnReader::UInt32(a) => put_primitives(out, place.at, a),
                ColumnReader::Float32(a) => put_primitives(out, place.at, a),
                ColumnReader::Float64(a) => put_primitives(out, place.at, a),
                ColumnReader::Interval(a) | ColumnReader::Uuid(a) => put_sixteen(out, place.at, a),
                ColumnReader::Text(a) => put_variable(out, place.at, a),
                ColumnReader::Bytes(a) | ColumnReader::Numeric(a) | ColumnReader::Nested(a) => {
                    put_variable(out, place.at, a);
                }
            }
        }
    }

    /// Finds out which rows have NULLs and how many bytes of variable width.
    fn measure(&self, batch: &Batch, out: &mut RowBytes) {
        out.has_nulls.clear();
        out.has_nulls.resize(batch.rows, false);
        out.variable.clear();
        out.variable.resize(batch.rows, 0);
        for (place, column) in self.places.iter().zip(&batch.columns) {
            if let Some(nulls) = column.nulls().filter(|n| n.null_count() > 0) {
                out.has_nulls.iter_mut().zip(nulls).for_each(|(has, valid)| *has |= !valid);
            }
            match ColumnReader::new(place.form, column) {
                ColumnReader::Text(a) => add_lengths(&mut out.variable, a),
                ColumnReader::Bytes(a) | ColumnReader::Numeric(a) | ColumnReader::Nested(a) => {
                    add_lengths(&mut out.variable, a);
                }
                _ => {}
            }
        }
    }

    /// Makes room for the rows and writes their heads.
    fn begin_rows(&self, out: &mut RowBytes) {
        let count = self.places.len();
        let columns = u16::try_from(count).expect("a table has at most 1600 columns").to_le_bytes();
        let (fixed_width, variable) = self.sums[count];
        out.rows.clear();
        let mut start = 0;
        for (length, has_nulls) in out.variable.iter().zip(&out.has_nulls) {
            let wide = *length > usize::from(u16::MAX);
            let fixed = start + HEADER + if *has_nulls { count.div_ceil(8) } else { 0 };
            let ends = fixed + fixed_width;
            let data = ends + variable * if wide { 4 } else { 2 };
            out.rows.push(Places { start, fixed, ends, data, next: data, wide });
            start = data + length;
        }
        out.bytes.clear();
        out.bytes.resize(start, 0);
        for (row, has_nulls) in out.rows.iter().zip(&out.has_nulls) {
            let flags = if *has_nulls { HAS_NULLS } else { 0 } | if row.wide { WIDE } else { 0 };
            out.bytes[row.start..][..HEADER].copy_from_slice(&[VERSION | flags, columns[0], columns[1]]);
        }
    }
}

fn mark_nulls(out: &mut RowBytes, column: usize, array: &ArrayRef) {
    let Some(nulls) = array.nulls().filter(|n| n.null_count() > 0) else { return };
    for (row, valid) in out.rows.iter().zip(nulls) {
        if !valid {
            out.bytes[row.start + HEADER + column / 8] |= 1 << (column % 8);
        }
    }
}

/// Writes values of one width; those of NULLs stay zero.
fn put_fixed<const N: usize>(out: &mut RowBytes, at: usize, array: &dyn Array, value: impl Fn(usize) -> [u8; N]) {
    for (i, row) in out.rows.iter().enumerate() {
        if array.is_valid(i) {
            out.bytes[row.fixed + at..][..N].copy_from_slice(&value(i));
        }
    }
}

fn put_primitives<T: ArrowPrimitiveType>(out: &mut RowBytes, at: usize, array: &PrimitiveArray<T>) {
    let width = size_of::<T::Native>();
    for (i, (row, value)) in out.rows.iter().zip(array.values()).enumerate() {
        if array.is_valid(i) {
            out.bytes[row.fixed + at..][..width].copy_from_slice(value.to_byte_slice());
        }
    }
}

fn put_sixteen(out: &mut RowBytes, at: usize, array: &FixedSizeBinaryArray) {
    put_fixed::<16>(out, at, array, |i| array.value(i).try_into().expect("a column of 16 bytes"));
}

fn add_lengths<T: ByteViewType + ?Sized>(lengths: &mut [usize], array: &GenericByteViewArray<T>) {
    // The lower half of a view is the length, whatever a NULL's may be.
    for (i, (length, view)) in lengths.iter_mut().zip(array.views()).enumerate() {
        if array.is_valid(i) {
            *length += *view as u32 as usize;
        }
    }
}

fn put_variable<T: ByteViewType + ?Sized>(out: &mut RowBytes, at: usize, array: &GenericByteViewArray<T>) {
    for (i, row) in out.rows.iter_mut().enumerate() {
        if array.is_valid(i) {
            let value: &[u8] = array.value(i).as_ref();
            out.bytes[row.next..][..value.len()].copy_from_slice(value);
            row.next += value.len();
        }
        let end = row.next - row.data;
        if row.wide {
            let end = u32::try_from(end).expect("a row is shorter than 4 GiB");
            out.bytes[row.ends + 4 * at..][..4].copy_from_slice(&end.to_le_bytes());
        } else {
            out.bytes[row.ends + 2 * at..][..2].copy_from_slice(&(end as u16).to_le_bytes());
        }
    }
}
