//! Rows as values: fields with their types, the encoded form, and a view that reads either.
//!
//! | offset | size | meaning |
//! |---|---|---|
//! | 0 | 1 | `'R'` |
//! | 1 | 1 | zero |
//! | 2 | 2 | number of fields |
//! | 4 | 9 each | type, physical form (0 is NULL, see `item.rs`), where the field ends in what follows |
//! | | | the fields |

use super::item::{self, RECORD_TAG};
use super::{Datum, DatumRef};
use crate::base::Oid;

const HEADER: usize = 4;
const FIELD: usize = 9;

/// A row: the type and value of each field.
#[derive(Clone, Debug)]
pub struct RecordValue {
    pub fields: Vec<(Oid, Datum)>,
}

impl RecordValue {
    pub fn view(&self) -> RecordView<'_> {
        RecordView::Value(self)
    }
}

/// A borrowed row.
#[derive(Clone, Copy, Debug)]
pub enum RecordView<'a> {
    Value(&'a RecordValue),
    Encoded(EncodedRecord<'a>),
}

/// The bytes of an encoded row.
#[derive(Clone, Copy, Debug)]
pub struct EncodedRecord<'a> {
    bytes: &'a [u8],
}

impl<'a> EncodedRecord<'a> {
    pub fn new(bytes: &'a [u8]) -> EncodedRecord<'a> {
        debug_assert_eq!(bytes[0], RECORD_TAG);
        EncodedRecord { bytes }
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    fn word(self, at: usize) -> u32 {
        let word = self.bytes[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(word)
    }

    fn len(self) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[2], self.bytes[3]]))
    }

    fn get(self, i: usize) -> (Oid, DatumRef<'a>) {
        let n = self.len();
        assert!(i < n, "field {i} of a row of {n}");
        let at = HEADER + FIELD * i;
        let oid = Oid(self.word(at));
        let code = self.bytes[at + 4];
        if code == 0 {
            return (oid, DatumRef::Null);
        }
        let start = if i == 0 { 0 } else { self.word(at + 5 - FIELD) as usize };
        let end = self.word(at + 5) as usize;
        let data = HEADER + FIELD * n;
        (oid, item::read(item::form(code), &self.bytes[data + start..data + end]))
    }
}

#[allow(clippy::len_without_is_empty)]
impl<'a> RecordView<'a> {
    /// Number of fields.
    pub fn len(self) -> usize {
        match self {
            RecordView::Value(v) => v.fields.len(),
            RecordView::Encoded(e) => e.len(),
        }
    }

    /// Type and value of field `i`, from 0.
    pub fn get(self, i: usize) -> (Oid, DatumRef<'a>) {
        match self {
            RecordView::Value(v) => (v.fields[i].0, v.fields[i].1.as_ref()),
            RecordView::Encoded(e) => e.get(i),
        }
    }

    pub fn iter(self) -> impl ExactSizeIterator<Item = (Oid, DatumRef<'a>)> {
        (0..self.len()).map(move |i| self.get(i))
    }

    #[allow(clippy::wrong_self_convention)]
    pub fn to_owned(self) -> RecordValue {
        match self {
            RecordView::Value(v) => v.clone(),
            RecordView::Encoded(_) => RecordValue { fields: self.iter().map(|(oid, d)| (oid, d.to_owned())).collect() },
        }
    }

    /// Appends the encoded form.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            RecordView::Value(v) => encode(v, out),
            RecordView::Encoded(e) => out.extend_from_slice(e.bytes),
        }
    }
}

fn encode(record: &RecordValue, out: &mut Vec<u8>) {
    let n = u16::try_from(record.fields.len()).expect("a row has at most 1664 fields");
    out.extend_from_slice(&[RECORD_TAG, 0]);
    out.extend_from_slice(&n.to_le_bytes());
    let heads = out.len();
    out.resize(heads + FIELD * record.fields.len(), 0);
    let data = out.len();
    for (i, (oid, value)) in record.fields.iter().enumerate() {
        item::write(out, value.as_ref());
        let end = u32::try_from(out.len() - data).expect("a row is smaller than 4 GB");
        let head = &mut out[heads + FIELD * i..heads + FIELD * (i + 1)];
        head[..4].copy_from_slice(&oid.0.to_le_bytes());
        head[4] = value.as_ref().physical().map_or(0, item::code);
        head[5..].copy_from_slice(&end.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::oid;
    use super::*;

    #[test]
    fn encoded_rows_read_back() {
        let inner = RecordValue { fields: vec![(oid::TEXT, "x".into())] };
        let row = RecordValue {
            fields: vec![
                (oid::INT4, Datum::Null),
                (oid::TEXT, "text".into()),
                (oid::RECORD, Datum::record(inner)),
                (oid::BOOL, Datum::Bool(true)),
            ],
        };
        let mut bytes = Vec::new();
        row.view().encode(&mut bytes);
        let back = RecordView::Encoded(EncodedRecord::new(&bytes));
        assert_eq!(format!("{:?}", back.to_owned()), format!("{row:?}"));
    }
}
