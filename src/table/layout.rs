//! The one home of a row's bytes: how the columns of a table lie in the value of its entry.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 1 | version (low four bits), [`HAS_NULLS`], [`WIDE`] |
//! | 1 | 2 | how many columns the row was written with, little-endian |
//! | 3 | columns / 8, rounded up | with `HAS_NULLS` only: bit `i % 8` of byte `i / 8` is set if column `i` is NULL |
//! | .. | sum of widths | columns of fixed width, in order, zeros for NULL |
//! | .. | 2 or 4 (`WIDE`) for each | where each column of variable width ends, from the start of the next part |
//! | .. | .. | the columns of variable width, in order |
//!
//! Every column is reached by arithmetic, without walking the others. Columns are only ever appended to a table and
//! dropped ones keep their place, so a column's offset does not depend on when the row was written; a row with fewer
//! columns than the table reads the rest as their `missing` value. ADD COLUMN and DROP COLUMN so rewrite nothing.
//!
//! Values have the bytes of [`types::item`](crate::types::item). Damage cannot get here past the checksums of pages and
//! log: bytes that break the format are our own doing, and panic.

mod many;

pub use many::RowBytes;

use crate::types::{ColumnBuilder, Datum, DatumRef, Physical, item};

const VERSION: u8 = 1;
const VERSION_MASK: u8 = 0x0f;
/// There is a null bitmap.
const HAS_NULLS: u8 = 0x10;
/// Ends take four bytes instead of two.
const WIDE: u8 = 0x20;
const HEADER: usize = 3;

/// Where one column is.
#[derive(Clone, Debug)]
struct Place {
    form: Physical,
    /// Bytes of a fixed-width column; `None` is variable.
    width: Option<usize>,
    /// Fixed: offset in the fixed part. Variable: which of the variable columns.
    at: usize,
    /// What rows read that were written before the column was added.
    missing: Datum,
}

/// The places of a table's columns (or of an index's included columns).
#[derive(Clone, Debug, Default)]
pub struct Layout {
    places: Vec<Place>,
    /// For each count of columns, how many bytes of fixed and how many columns of variable width they have.
    sums: Vec<(usize, usize)>,
}

impl Layout {
    /// From the form and the missing value of each column, dropped ones included.
    pub fn new(columns: impl IntoIterator<Item = (Physical, Datum)>) -> Layout {
        let mut layout = Layout { places: Vec::new(), sums: vec![(0, 0)] };
        let (mut fixed, mut variable) = (0, 0);
        for (form, missing) in columns {
            let width = item::width(form);
            let at = if width.is_some() { fixed } else { variable };
            layout.places.push(Place { form, width, at, missing });
            match width {
                Some(w) => fixed += w,
                None => variable += 1,
            }
            layout.sums.push((fixed, variable));
        }
        layout
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn form(&self, column: usize) -> Physical {
        self.places[column].form
    }

    /// Appends a row's bytes. There is one value for each column, of the column's form or NULL.
    pub fn encode<'a>(&self, out: &mut Vec<u8>, row: impl Iterator<Item = DatumRef<'a>> + Clone) {
        let count = self.places.len();
        let (fixed, variable) = self.sums[count];
        let start = out.len();
        let has_nulls = row.clone().any(|v| v.is_null());
        let bitmap = if has_nulls { count.div_ceil(8) } else { 0 };
        out.push(VERSION | if has_nulls { HAS_NULLS } else { 0 });
        let columns = u16::try_from(count).expect("a table has at most 1600 columns");
        out.extend_from_slice(&columns.to_le_bytes());
        out.resize(start + HEADER + bitmap, 0);
        for (i, (place, value)) in self.places.iter().zip(row.clone()).enumerate() {
            match place.width {
                _ if value.is_null() => {
                    out[start + HEADER + i / 8] |= 1 << (i % 8);
                    out.resize(out.len() + place.width.unwrap_or(0), 0);
                }
                Some(_) => item::write(out, value),
                None => {}
            }
        }
        let ends = start + HEADER + bitmap + fixed;
        debug_assert_eq!(out.len(), ends, "fixed columns have their widths");
        if variable == 0 {
            return;
        }
        let data = ends + 2 * variable;
        out.resize(data, 0);
        let mut slot = ends;
        let mut wide = false;
        for (place, value) in self.places.iter().zip(row.clone()) {
            if place.width.is_none() {
                item::write(out, value);
                match u16::try_from(out.len() - data) {
                    Ok(end) => out[slot..slot + 2].copy_from_slice(&end.to_le_bytes()),
                    Err(_) => wide = true,
                }
                slot += 2;
            }
        }
        if wide {
            self.widen(out, start, ends, variable, row);
        }
    }

    /// Writes the variable part again with ends of four bytes.
    fn widen<'a>(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        ends: usize,
        variable: usize,
        row: impl Iterator<Item = DatumRef<'a>>,
    ) {
        out[start] |= WIDE;
        let data = ends + 4 * variable;
        out.truncate(ends);
        out.resize(data, 0);
        let mut slot = ends;
        for (place, value) in self.places.iter().zip(row) {
            if place.width.is_none() {
                item::write(out, value);
                let end = u32::try_from(out.len() - data).expect("a row is shorter than 4 GiB");
                out[slot..slot + 4].copy_from_slice(&end.to_le_bytes());
                slot += 4;
            }
        }
    }

    /// Appends one column of many rows.
    pub fn read_column(&self, rows: &[RowView<'_>], column: usize, out: &mut ColumnBuilder) {
        let form = self.places[column].form;
        match form {
            Physical::Bytes | Physical::Numeric | Physical::Array | Physical::Record => {
                for row in rows {
                    match row.bytes_of(self, column) {
                        Found::Bytes(bytes) => out.push_encoded(bytes),
                        Found::Null => out.push_null(),
                        Found::Missing => out.push(self.places[column].missing.as_ref()),
                    }
                }
            }
            _ => rows.iter().for_each(|row| out.push(row.get(self, column))),
        }
    }

    /// All columns, owned; dropped ones as they were stored.
    pub fn decode(&self, bytes: &[u8]) -> Vec<Datum> {
        let row = RowView::new(bytes);
        (0..self.places.len()).map(|i| row.get(self, i).to_owned()).collect()
    }
}

/// A row's bytes, ready to find columns in.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    bytes: &'a [u8],
    columns: usize,
    /// Where the fixed part begins.
    fixed: usize,
}

enum Found<'a> {
    Bytes(&'a [u8]),
    Null,
    Missing,
}

impl<'a> RowView<'a> {
    pub fn new(bytes: &'a [u8]) -> RowView<'a> {
        assert_eq!(bytes[0] & VERSION_MASK, VERSION, "a row of a version that this program writes");
        let columns = usize::from(u16::from_le_bytes([bytes[1], bytes[2]]));
        let bitmap = if bytes[0] & HAS_NULLS != 0 { columns.div_ceil(8) } else { 0 };
        RowView { bytes, columns, fixed: HEADER + bitmap }
    }

    /// One column's value.
    pub fn get(&self, layout: &'a Layout, column: usize) -> DatumRef<'a> {
        match self.bytes_of(layout, column) {
            Found::Bytes(bytes) => item::read(layout.places[column].form, bytes),
            Found::Null => DatumRef::Null,
            Found::Missing => layout.places[column].missing.as_ref(),
        }
    }

    fn bytes_of(&self, layout: &Layout, column: usize) -> Found<'a> {
        if column >= self.columns {
            return Found::Missing;
        }
        if self.bytes[0] & HAS_NULLS != 0 && self.bytes[HEADER + column / 8] >> (column % 8) & 1 == 1 {
            return Found::Null;
        }
        let place = &layout.places[column];
        if let Some(width) = place.width {
            let at = self.fixed + place.at;
            return Found::Bytes(&self.bytes[at..at + width]);
        }
        let (fixed, variable) = layout.sums[self.columns];
        let ends = self.fixed + fixed;
        let (data, end) = if self.bytes[0] & WIDE == 0 {
            (ends + 2 * variable, self.end16(ends, place.at))
        } else {
            (ends + 4 * variable, self.end32(ends, place.at))
        };
        let start = match (place.at.checked_sub(1), self.bytes[0] & WIDE == 0) {
            (None, _) => 0,
            (Some(before), true) => self.end16(ends, before),
            (Some(before), false) => self.end32(ends, before),
        };
        Found::Bytes(&self.bytes[data + start..data + end])
    }

    fn end16(&self, ends: usize, n: usize) -> usize {
        let at = ends + 2 * n;
        usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]))
    }

    fn end32(&self, ends: usize, n: usize) -> usize {
        let at = ends + 4 * n;
        let b = &self.bytes[at..at + 4];
        u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn layout(forms: &[Physical]) -> Layout {
        Layout::new(forms.iter().map(|&f| (f, Datum::Null)))
    }

    fn encode(layout: &Layout, row: &[Datum]) -> Vec<u8> {
        let mut out = Vec::new();
        layout.encode(&mut out, row.iter().map(Datum::as_ref));
        out
    }

    #[test]
    fn golden_bytes() {
        let l = layout(&[Physical::Int32, Physical::Text, Physical::Int16, Physical::Bytes, Physical::Bool]);
        let row = [Datum::Int4(258), Datum::text("ab"), Datum::Int2(-1), Datum::bytes(*b"\x07"), Datum::Bool(true)];
        assert_eq!(encode(&l, &row), b"\x01\x05\x00\x02\x01\x00\x00\xff\xff\x01\x02\x00\x03\x00ab\x07");
        let row = [Datum::Null, Datum::text("ab"), Datum::Int2(-1), Datum::Null, Datum::Bool(true)];
        assert_eq!(encode(&l, &row), b"\x11\x05\x00\x09\x00\x00\x00\x00\xff\xff\x01\x02\x00\x02\x00ab");
    }

    #[test]
    fn rows_from_before_a_column_read_its_missing_value() {
        let old = layout(&[Physical::Int32, Physical::Text]);
        let bytes = encode(&old, &[Datum::Int4(1), Datum::text("x")]);
        let new = Layout::new([
            (Physical::Int32, Datum::Null),
            (Physical::Text, Datum::Null),
            (Physical::Int64, Datum::Int8(7)),
            (Physical::Text, Datum::text("then")),
            (Physical::Text, Datum::Null),
        ]);
        assert_eq!(format!("{:?}", new.decode(&bytes)), "[Int4(1), Text(\"x\"), Int8(7), Text(\"then\"), Null]");
    }

    #[test]
    fn long_values_take_wide_ends() {
        let l = layout(&[Physical::Text, Physical::Int32, Physical::Text]);
        let long = "x".repeat(70_000);
        let row = [Datum::text(long.as_str()), Datum::Null, Datum::text("tail")];
        assert_eq!(format!("{:?}", l.decode(&encode(&l, &row))), format!("{row:?}"));
    }

    fn value() -> impl Strategy<Value = (Physical, Datum)> {
        prop_oneof![
            any::<i32>().prop_map(|v| (Physical::Int32, Datum::Int4(v))),
            any::<i64>().prop_map(|v| (Physical::Int64, Datum::Int8(v))),
            any::<bool>().prop_map(|v| (Physical::Bool, Datum::Bool(v))),
            "\\PC{0,40}".prop_map(|v| (Physical::Text, Datum::text(v))),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(|v| (Physical::Bytes, Datum::bytes(v))),
            any::<[u8; 16]>().prop_map(|v| (Physical::Uuid, Datum::Uuid(v))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn rows_round_trip(row in proptest::collection::vec((value(), any::<bool>()), 0..20)) {
            let l = Layout::new(row.iter().map(|((f, _), _)| (*f, Datum::Null)));
            let values: Vec<Datum> =
                row.iter().map(|((_, v), null)| if *null { Datum::Null } else { v.clone() }).collect();
            let bytes = encode(&l, &values);
            prop_assert_eq!(format!("{:?}", l.decode(&bytes)), format!("{:?}", values));
            for (i, v) in values.iter().enumerate() {
                let mut builder = ColumnBuilder::new(l.form(i), 1);
                l.read_column(&[RowView::new(&bytes)], i, &mut builder);
                let column = builder.finish();
                let read = crate::types::ColumnReader::new(l.form(i), &column).get(0).to_owned();
                prop_assert_eq!(format!("{:?}", read), format!("{:?}", v));
            }
        }

        #[test]
        fn a_batch_has_the_bytes_of_its_rows(
            first in proptest::collection::vec((value(), any::<bool>()), 0..12),
            nulls in proptest::collection::vec(any::<bool>(), 12),
            long in any::<bool>(),
        ) {
            let mut first = first;
            if long {
                first.push(((Physical::Text, Datum::text("x".repeat(70_000))), false));
            }
            let l = Layout::new(first.iter().map(|((f, _), _)| (*f, Datum::Null)));
            let row = |null: &dyn Fn(usize) -> bool| -> Vec<Datum> {
                let value = |(i, ((_, v), _)): (usize, &((Physical, Datum), bool))| if null(i) { Datum::Null } else { v.clone() };
                first.iter().enumerate().map(value).collect()
            };
            let rows = [row(&|_| false), row(&|i| first[i].1), row(&|i| nulls.get(i).copied().unwrap_or(true))];
            let columns = first.iter().enumerate().map(|(i, ((form, _), _))| {
                let mut column = ColumnBuilder::new(*form, 3);
                rows.iter().for_each(|r| column.push(r[i].as_ref()));
                column.finish()
            });
            let batch = crate::types::Batch::new(columns.collect(), rows.len());
            let mut out = RowBytes::default();
            for _ in 0..2 {
                l.encode_batch(&batch, &mut out);
                for (i, row) in rows.iter().enumerate() {
                    prop_assert_eq!(out.get(i), encode(&l, row));
                }
            }
        }
    }
}
