//! Arrays: the value, its encoded form, and a view that reads either.
//!
//! Encoded form, so that element `i` is reached without walking the others:
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 1 | `'A'` |
//! | 1 | 1 | physical form of the items, see `item.rs` |
//! | 2 | 1 | number of dimensions; 0x80 when there are NULLs |
//! | 3 | 1 | zero |
//! | 4 | 4 | element type |
//! | 8 | 8 each | dimensions: length, lower bound |
//! | | (n+7)/8 | when there are NULLs: bit set for each NULL |
//! | | n * width | items of fixed width (NULLs are zeros), or else |
//! | | n * 4 | where each item ends in what follows |
//! | | | the items |

use super::item::{self, ARRAY_TAG};
use super::{Datum, DatumRef, Physical, SqlType};
use crate::base::{Error, Oid, Result, SqlState};

/// PostgreSQL's `MAXDIM`.
pub const MAX_DIMENSIONS: usize = 6;
/// PostgreSQL's `MaxArraySize`: 2^27 - 1 elements.
pub const MAX_ITEMS: usize = 0x7ff_ffff;

const HAS_NULLS: u8 = 0x80;
const HEADER: usize = 8;

/// An array: its items in row-major order.
#[derive(Clone, Debug)]
pub struct ArrayValue {
    pub element: Oid,
    /// Length and lower bound of each dimension; none for the empty array.
    pub dims: Vec<(i32, i32)>,
    pub items: Vec<Datum>,
}

impl ArrayValue {
    pub fn empty(element: Oid) -> ArrayValue {
        ArrayValue { element, dims: Vec::new(), items: Vec::new() }
    }

    /// A one-dimensional array counting from 1; no items make the empty array.
    pub fn one_dimensional(element: Oid, items: Vec<Datum>) -> ArrayValue {
        let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
        ArrayValue { element, dims, items }
    }

    /// `int2vector` and `oidvector` count from 0 and keep their dimension when empty.
    pub fn vector(element: Oid, items: Vec<Datum>) -> ArrayValue {
        ArrayValue { element, dims: vec![(items.len() as i32, 0)], items }
    }

    pub fn view(&self) -> ArrayView<'_> {
        ArrayView::Value(self)
    }
}

/// Counts the items of dimensions, refusing more than an array can hold (54000, `ArrayGetNItems`).
pub fn count_items(dims: impl IntoIterator<Item = i32>) -> Result<usize> {
    let mut count = 1usize;
    let mut any = false;
    for len in dims {
        any = true;
        let len = usize::try_from(len).map_err(|_| too_large())?;
        count = count.checked_mul(len).filter(|&n| n <= MAX_ITEMS).ok_or_else(too_large)?;
    }
    Ok(if any { count } else { 0 })
}

fn too_large() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("array size exceeds the maximum allowed ({MAX_ITEMS})"))
}

/// A borrowed array.
#[derive(Clone, Copy, Debug)]
pub enum ArrayView<'a> {
    Value(&'a ArrayValue),
    Encoded(EncodedArray<'a>),
}

/// The bytes of an encoded array.
#[derive(Clone, Copy, Debug)]
pub struct EncodedArray<'a> {
    bytes: &'a [u8],
}

impl<'a> EncodedArray<'a> {
    pub fn new(bytes: &'a [u8]) -> EncodedArray<'a> {
        debug_assert_eq!(bytes[0], ARRAY_TAG);
        EncodedArray { bytes }
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    fn word(self, at: usize) -> u32 {
        let word = self.bytes[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(word)
    }

    fn dimensions(self) -> usize {
        usize::from(self.bytes[2] & !HAS_NULLS)
    }

    fn dim(self, i: usize) -> (i32, i32) {
        let at = HEADER + 8 * i;
        (self.word(at) as i32, self.word(at + 4) as i32)
    }

    fn len(self) -> usize {
        match self.dimensions() {
            0 => 0,
            n => (0..n).map(|i| self.dim(i).0 as usize).product(),
        }
    }

    fn get(self, i: usize) -> DatumRef<'a> {
        let n = self.len();
        assert!(i < n, "item {i} of an array of {n}");
        let mut at = HEADER + 8 * self.dimensions();
        if self.bytes[2] & HAS_NULLS != 0 {
            if self.bytes[at + i / 8] >> (i % 8) & 1 == 1 {
                return DatumRef::Null;
            }
            at += n.div_ceil(8);
        }
        let form = item::form(self.bytes[1]);
        match item::width(form) {
            Some(w) => item::read(form, &self.bytes[at + i * w..at + (i + 1) * w]),
            None => {
                let start = if i == 0 { 0 } else { self.word(at + 4 * (i - 1)) as usize };
                let end = self.word(at + 4 * i) as usize;
                let data = at + 4 * n;
                item::read(form, &self.bytes[data + start..data + end])
            }
        }
    }
}

#[allow(clippy::len_without_is_empty)]
impl<'a> ArrayView<'a> {
    pub fn element(self) -> Oid {
        match self {
            ArrayView::Value(v) => v.element,
            ArrayView::Encoded(e) => Oid(e.word(4)),
        }
    }

    /// Number of dimensions; zero for the empty array.
    pub fn dimensions(self) -> usize {
        match self {
            ArrayView::Value(v) => v.dims.len(),
            ArrayView::Encoded(e) => e.dimensions(),
        }
    }

    /// Length and lower bound of dimension `i`, from 0.
    pub fn dim(self, i: usize) -> (i32, i32) {
        match self {
            ArrayView::Value(v) => v.dims[i],
            ArrayView::Encoded(e) => e.dim(i),
        }
    }

    pub fn dims(self) -> Vec<(i32, i32)> {
        (0..self.dimensions()).map(|i| self.dim(i)).collect()
    }

    /// Number of items over all dimensions.
    pub fn len(self) -> usize {
        match self {
            ArrayView::Value(v) => v.items.len(),
            ArrayView::Encoded(e) => e.len(),
        }
    }

    /// Item `i` in row-major order, from 0.
    pub fn get(self, i: usize) -> DatumRef<'a> {
        match self {
            ArrayView::Value(v) => v.items[i].as_ref(),
            ArrayView::Encoded(e) => e.get(i),
        }
    }

    pub fn iter(self) -> impl ExactSizeIterator<Item = DatumRef<'a>> {
        (0..self.len()).map(move |i| self.get(i))
    }

    /// The item at these subscripts, or none when they are outside or of the wrong number (SQL's NULL).
    pub fn subscript(self, indexes: &[i32]) -> Option<DatumRef<'a>> {
        if indexes.len() != self.dimensions() || indexes.is_empty() {
            return None;
        }
        let mut at = 0usize;
        for (i, &index) in indexes.iter().enumerate() {
            let (len, lower) = self.dim(i);
            let offset = i64::from(index) - i64::from(lower);
            if !(0..i64::from(len)).contains(&offset) {
                return None;
            }
            at = at * len as usize + offset as usize;
        }
        Some(self.get(at))
    }

    #[allow(clippy::wrong_self_convention)]
    pub fn to_owned(self) -> ArrayValue {
        match self {
            ArrayView::Value(v) => v.clone(),
            ArrayView::Encoded(_) => ArrayValue {
                element: self.element(),
                dims: self.dims(),
                items: self.iter().map(DatumRef::to_owned).collect(),
            },
        }
    }

    /// Appends the encoded form.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            ArrayView::Value(v) => encode(v, out),
            ArrayView::Encoded(e) => out.extend_from_slice(e.bytes),
        }
    }
}

fn encode(array: &ArrayValue, out: &mut Vec<u8>) {
    let n = array.items.len();
    let first = array.items.iter().find_map(|d| d.as_ref().physical());
    let form = first.unwrap_or_else(|| SqlType::of(array.element).physical());
    let nulls = array.items.iter().any(Datum::is_null);
    let flags = if nulls { HAS_NULLS } else { 0 };
    out.extend_from_slice(&[ARRAY_TAG, item::code(form), array.dims.len() as u8 | flags, 0]);
    out.extend_from_slice(&array.element.0.to_le_bytes());
    for (len, lower) in &array.dims {
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&lower.to_le_bytes());
    }
    if nulls {
        let start = out.len();
        out.resize(start + n.div_ceil(8), 0);
        for (i, d) in array.items.iter().enumerate() {
            out[start + i / 8] |= u8::from(d.is_null()) << (i % 8);
        }
    }
    match item::width(form) {
        Some(width) => encode_fixed(array, form, width, out),
        None => encode_variable(array, form, out),
    }
}

fn encode_fixed(array: &ArrayValue, form: Physical, width: usize, out: &mut Vec<u8>) {
    for d in &array.items {
        if d.is_null() {
            out.resize(out.len() + width, 0);
        } else {
            debug_assert_eq!(d.as_ref().physical(), Some(form));
            item::write(out, d.as_ref());
        }
    }
}

fn encode_variable(array: &ArrayValue, form: Physical, out: &mut Vec<u8>) {
    let ends = out.len();
    out.resize(ends + 4 * array.items.len(), 0);
    let data = out.len();
    for (i, d) in array.items.iter().enumerate() {
        debug_assert!(d.is_null() || item::width(form).is_none());
        item::write(out, d.as_ref());
        let end = u32::try_from(out.len() - data).expect("an array is smaller than 4 GB");
        out[ends + 4 * i..ends + 4 * i + 4].copy_from_slice(&end.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::oid;
    use super::*;

    #[test]
    fn encoded_arrays_read_back() {
        let cases = [
            ArrayValue::empty(oid::INT4),
            ArrayValue::one_dimensional(oid::INT4, vec![Datum::Int4(1), Datum::Null, Datum::Int4(-3)]),
            ArrayValue::one_dimensional(oid::TEXT, vec!["a".into(), Datum::Null, "longer than twelve bytes".into()]),
            ArrayValue { element: oid::INT8, dims: vec![(2, 0), (2, -5)], items: (0..4).map(Datum::Int8).collect() },
        ];
        for case in cases {
            let mut bytes = Vec::new();
            case.view().encode(&mut bytes);
            let back = ArrayView::Encoded(EncodedArray::new(&bytes));
            assert_eq!(format!("{:?}", back.to_owned()), format!("{case:?}"));
        }
    }

    #[test]
    fn subscripts_outside_are_none() {
        let a = ArrayValue { element: oid::INT4, dims: vec![(2, 2), (1, 1)], items: vec![7.into(), 8.into()] };
        assert!(matches!(a.view().subscript(&[3, 1]), Some(DatumRef::Int4(8))));
        assert!(a.view().subscript(&[1, 1]).is_none());
        assert!(a.view().subscript(&[3]).is_none());
    }
}
