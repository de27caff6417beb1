//! One value: owned ([`Datum`]) or borrowed from a column ([`DatumRef`]). The type travels beside it.

use super::array::{ArrayValue, ArrayView};
use super::datetime::Interval;
use super::numeric::{Numeric, NumericRef};
use super::record::{RecordValue, RecordView};
use super::sql_type::Physical;

/// An owned value. Which variant a type uses is its [`Physical`] form: `date` is `Int4`, `timestamp` is `Int8`.
///
/// There is no `Eq` or `Ord`: they are the type's, see [`compare`](super::compare) and [`hash`](super::hash).
#[derive(Clone, Debug, Default)]
pub enum Datum {
    #[default]
    Null,
    Bool(bool),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Oid(u32),
    Float4(f32),
    Float8(f64),
    Numeric(Numeric),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    Interval(Interval),
    Uuid([u8; 16]),
    Array(Box<ArrayValue>),
    Record(Box<RecordValue>),
}

/// A borrowed value.
#[derive(Clone, Copy, Debug, Default)]
pub enum DatumRef<'a> {
    #[default]
    Null,
    Bool(bool),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Oid(u32),
    Float4(f32),
    Float8(f64),
    Numeric(NumericRef<'a>),
    Text(&'a str),
    Bytes(&'a [u8]),
    Interval(Interval),
    Uuid([u8; 16]),
    Array(ArrayView<'a>),
    Record(RecordView<'a>),
}

const _: () = assert!(size_of::<Datum>() <= 32 && size_of::<DatumRef<'_>>() <= 32);

impl Datum {
    pub fn text(s: impl Into<Box<str>>) -> Datum {
        Datum::Text(s.into())
    }

    pub fn bytes(b: impl Into<Box<[u8]>>) -> Datum {
        Datum::Bytes(b.into())
    }

    pub fn array(a: ArrayValue) -> Datum {
        Datum::Array(Box::new(a))
    }

    pub fn record(r: RecordValue) -> Datum {
        Datum::Record(Box::new(r))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }

    pub fn as_ref(&self) -> DatumRef<'_> {
        match self {
            Datum::Null => DatumRef::Null,
            Datum::Bool(v) => DatumRef::Bool(*v),
            Datum::Int2(v) => DatumRef::Int2(*v),
            Datum::Int4(v) => DatumRef::Int4(*v),
            Datum::Int8(v) => DatumRef::Int8(*v),
            Datum::Oid(v) => DatumRef::Oid(*v),
            Datum::Float4(v) => DatumRef::Float4(*v),
            Datum::Float8(v) => DatumRef::Float8(*v),
            Datum::Numeric(v) => DatumRef::Numeric(v.as_ref()),
            Datum::Text(v) => DatumRef::Text(v),
            Datum::Bytes(v) => DatumRef::Bytes(v),
            Datum::Interval(v) => DatumRef::Interval(*v),
            Datum::Uuid(v) => DatumRef::Uuid(*v),
            Datum::Array(v) => DatumRef::Array(ArrayView::Value(v)),
            Datum::Record(v) => DatumRef::Record(RecordView::Value(v)),
        }
    }
}

impl<'a> DatumRef<'a> {
    pub fn is_null(self) -> bool {
        matches!(self, DatumRef::Null)
    }

    #[allow(clippy::wrong_self_convention)]
    pub fn to_owned(self) -> Datum {
        match self {
            DatumRef::Null => Datum::Null,
            DatumRef::Bool(v) => Datum::Bool(v),
            DatumRef::Int2(v) => Datum::Int2(v),
            DatumRef::Int4(v) => Datum::Int4(v),
            DatumRef::Int8(v) => Datum::Int8(v),
            DatumRef::Oid(v) => Datum::Oid(v),
            DatumRef::Float4(v) => Datum::Float4(v),
            DatumRef::Float8(v) => Datum::Float8(v),
            DatumRef::Numeric(v) => Datum::Numeric(v.to_owned()),
            DatumRef::Text(v) => Datum::Text(v.into()),
            DatumRef::Bytes(v) => Datum::Bytes(v.into()),
            DatumRef::Interval(v) => Datum::Interval(v),
            DatumRef::Uuid(v) => Datum::Uuid(v),
            DatumRef::Array(v) => Datum::array(v.to_owned()),
            DatumRef::Record(v) => Datum::record(v.to_owned()),
        }
    }

    /// The physical form that this value belongs to; none for NULL.
    pub fn physical(self) -> Option<Physical> {
        Some(match self {
            DatumRef::Null => return None,
            DatumRef::Bool(_) => Physical::Bool,
            DatumRef::Int2(_) => Physical::Int16,
            DatumRef::Int4(_) => Physical::Int32,
            DatumRef::Int8(_) => Physical::Int64,
            DatumRef::Oid(_) => Physical::UInt32,
            DatumRef::Float4(_) => Physical::Float32,
            DatumRef::Float8(_) => Physical::Float64,
            DatumRef::Numeric(_) => Physical::Numeric,
            DatumRef::Text(_) => Physical::Text,
            DatumRef::Bytes(_) => Physical::Bytes,
            DatumRef::Interval(_) => Physical::Interval,
            DatumRef::Uuid(_) => Physical::Uuid,
            DatumRef::Array(_) => Physical::Array,
            DatumRef::Record(_) => Physical::Record,
        })
    }
}

impl From<Numeric> for Datum {
    fn from(n: Numeric) -> Datum {
        Datum::Numeric(n)
    }
}

impl From<&str> for Datum {
    fn from(s: &str) -> Datum {
        Datum::Text(s.into())
    }
}

impl From<String> for Datum {
    fn from(s: String) -> Datum {
        Datum::Text(s.into())
    }
}

impl From<bool> for Datum {
    fn from(v: bool) -> Datum {
        Datum::Bool(v)
    }
}

impl From<i16> for Datum {
    fn from(v: i16) -> Datum {
        Datum::Int2(v)
    }
}

impl From<i32> for Datum {
    fn from(v: i32) -> Datum {
        Datum::Int4(v)
    }
}

impl From<i64> for Datum {
    fn from(v: i64) -> Datum {
        Datum::Int8(v)
    }
}

impl From<f64> for Datum {
    fn from(v: f64) -> Datum {
        Datum::Float8(v)
    }
}
