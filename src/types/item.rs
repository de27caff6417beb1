//! The bytes of one value inside an encoded array or row: which physical form, and its payload.
//!
//! Payloads of fixed width are little-endian integers, IEEE bits, or the 16 bytes of uuid and interval. The others
//! are the bytes that the value has in an Arrow column. These forms live in memory and in rows on disk, under
//! their checksums; they are not a wire format. Bytes that break the layout are our trouble and panic.

use super::array::{ArrayView, EncodedArray};
use super::datetime::Interval;
use super::numeric::NumericRef;
use super::record::{EncodedRecord, RecordView};
use super::{DatumRef, Physical};

/// First byte of an encoded array.
pub(super) const ARRAY_TAG: u8 = b'A';
/// First byte of an encoded row.
pub(super) const RECORD_TAG: u8 = b'R';

const FORMS: [Physical; 14] = [
    Physical::Bool,
    Physical::Int16,
    Physical::Int32,
    Physical::Int64,
    Physical::UInt32,
    Physical::Float32,
    Physical::Float64,
    Physical::Text,
    Physical::Bytes,
    Physical::Numeric,
    Physical::Interval,
    Physical::Uuid,
    Physical::Array,
    Physical::Record,
];

/// The stored code of a physical form: its place in `FORMS`, from 1. Zero is left for NULL.
pub(super) fn code(form: Physical) -> u8 {
    form as u8 + 1
}

pub(super) fn form(code: u8) -> Physical {
    FORMS[usize::from(code) - 1]
}

/// The payload's width, if all values of the form have the same.
pub fn width(form: Physical) -> Option<usize> {
    match form {
        Physical::Bool => Some(1),
        Physical::Int16 => Some(2),
        Physical::Int32 | Physical::UInt32 | Physical::Float32 => Some(4),
        Physical::Int64 | Physical::Float64 => Some(8),
        Physical::Interval | Physical::Uuid => Some(16),
        _ => None,
    }
}

/// Appends the payload; NULL has none.
pub fn write(out: &mut Vec<u8>, value: DatumRef<'_>) {
    match value {
        DatumRef::Null => {}
        DatumRef::Bool(v) => out.push(u8::from(v)),
        DatumRef::Int2(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Int4(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Int8(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Oid(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Float4(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Float8(v) => out.extend_from_slice(&v.to_le_bytes()),
        DatumRef::Text(v) => out.extend_from_slice(v.as_bytes()),
        DatumRef::Bytes(v) => out.extend_from_slice(v),
        DatumRef::Numeric(v) => v.encode(out),
        DatumRef::Interval(v) => out.extend_from_slice(&v.to_bytes()),
        DatumRef::Uuid(v) => out.extend_from_slice(&v),
        DatumRef::Array(v) => v.encode(out),
        DatumRef::Record(v) => v.encode(out),
    }
}

pub fn read(form: Physical, bytes: &[u8]) -> DatumRef<'_> {
    match form {
        Physical::Bool => DatumRef::Bool(bytes[0] != 0),
        Physical::Int16 => DatumRef::Int2(i16::from_le_bytes(fixed(bytes))),
        Physical::Int32 => DatumRef::Int4(i32::from_le_bytes(fixed(bytes))),
        Physical::Int64 => DatumRef::Int8(i64::from_le_bytes(fixed(bytes))),
        Physical::UInt32 => DatumRef::Oid(u32::from_le_bytes(fixed(bytes))),
        Physical::Float32 => DatumRef::Float4(f32::from_le_bytes(fixed(bytes))),
        Physical::Float64 => DatumRef::Float8(f64::from_le_bytes(fixed(bytes))),
        Physical::Text => DatumRef::Text(std::str::from_utf8(bytes).expect("text items are valid UTF-8")),
        Physical::Bytes => DatumRef::Bytes(bytes),
        Physical::Numeric => DatumRef::Numeric(NumericRef::decode(bytes)),
        Physical::Interval => DatumRef::Interval(Interval::from_bytes(fixed(bytes))),
        Physical::Uuid => DatumRef::Uuid(fixed(bytes)),
        Physical::Array | Physical::Record => nested(bytes),
    }
}

/// An encoded array or row, told apart by its first byte.
pub(super) fn nested(bytes: &[u8]) -> DatumRef<'_> {
    match bytes[0] {
        ARRAY_TAG => DatumRef::Array(ArrayView::Encoded(EncodedArray::new(bytes))),
        RECORD_TAG => DatumRef::Record(RecordView::Encoded(EncodedRecord::new(bytes))),
        tag => panic!("neither an array nor a row: {tag}"),
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("a payload has its form's width")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_match_their_forms() {
        for f in FORMS {
            assert_eq!(form(code(f)), f);
        }
    }
}
