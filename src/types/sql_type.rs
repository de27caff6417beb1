//! A type as expressions and columns carry it, and the physical form that its values take in memory.
//!
//! Kernels are written per [`Physical`], not per type: `int4` and `date` are both `Int32`, so they sort, hash and move
//! alike. What differs by type (text form, length coercion, trailing blanks of `char(n)`) is asked for by `SqlType`.

use super::{info, oid};
use crate::base::Oid;

/// A type and its modifier. The modifier is encoded as PostgreSQL's `atttypmod`; -1 is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SqlType {
    pub oid: Oid,
    pub typmod: i32,
}

impl SqlType {
    /// The type without a modifier.
    pub const fn of(oid: Oid) -> SqlType {
        SqlType { oid, typmod: -1 }
    }

    pub const fn with_typmod(oid: Oid, typmod: i32) -> SqlType {
        SqlType { oid, typmod }
    }

    /// The same type without its modifier.
    pub const fn bare(self) -> SqlType {
        SqlType::of(self.oid)
    }

    /// The type of an array's elements; they carry the array's modifier. Of a built-in type only.
    pub fn element(self) -> Option<SqlType> {
        info::element_of(self.oid).map(|oid| SqlType { oid, typmod: self.typmod })
    }

    /// The type of arrays of this; of a built-in type only.
    pub fn array(self) -> Option<SqlType> {
        info::array_of(self.oid).map(|oid| SqlType { oid, typmod: self.typmod })
    }

    /// The form of the type's values in memory. Types from outside the built-in table are row types or arrays, and
    /// both read either (see [`Physical::Record`]).
    pub fn physical(self) -> Physical {
        match self.oid {
            oid::BOOL => Physical::Bool,
            oid::INT2 => Physical::Int16,
            oid::INT4 | oid::DATE => Physical::Int32,
            oid::INT8 | oid::TIME | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIMETZ | oid::TID | oid::PG_LSN => {
                Physical::Int64
            }
            oid::OID | oid::XID | oid::CID => Physical::UInt32,
            oid::FLOAT4 => Physical::Float32,
            oid::FLOAT8 => Physical::Float64,
            oid::NUMERIC => Physical::Numeric,
            oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::CHAR | oid::UNKNOWN => Physical::Text,
            oid::BIT | oid::VARBIT => Physical::Text,
            oid::BYTEA => Physical::Bytes,
            oid::INTERVAL => Physical::Interval,
            oid::UUID => Physical::Uuid,
            oid::INT2VECTOR | oid::OIDVECTOR | oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY => Physical::Array,
            oid::RECORD => Physical::Record,
            oid if info::is_reg(oid) => Physical::UInt32,
            oid if oid >= Oid::FIRST_USER => Physical::Record,
            oid => match info::type_info(oid) {
                Some(t) if t.is_array() => Physical::Array,
                Some(t) if t.kind == b'c' => Physical::Record,
                None => Physical::Record,
                _ => Physical::Text,
            },
        }
    }
}

/// The Arrow array that holds a column, and the [`Datum`](super::Datum) variant of one value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Physical {
    /// `BooleanArray`.
    Bool,
    /// `Int16Array`.
    Int16,
    /// `Int32Array`: `int4`; `date` as days since 2000-01-01, infinities `i32::MIN` and `MAX`.
    Int32,
    /// `Int64Array`: `int8`; `time`, `timestamp` and `timestamptz` as microseconds (since midnight or 2000-01-01,
    /// infinities `i64::MIN` and `MAX`); `timetz`, `tid` and `pg_lsn` packed so that they order as integers.
    Int64,
    /// `UInt32Array`: `oid` and its kin.
    UInt32,
    /// `Float32Array`.
    Float32,
    /// `Float64Array`.
    Float64,
    /// `StringViewArray`.
    Text,
    /// `BinaryViewArray`.
    Bytes,
    /// `BinaryViewArray` of [`numeric::encode`](super::numeric) forms; most fit a view's 12 inline bytes.
    Numeric,
    /// `FixedSizeBinaryArray(16)`: months, days, microseconds, little-endian.
    Interval,
    /// `FixedSizeBinaryArray(16)`.
    Uuid,
    /// `BinaryViewArray` of encoded arrays.
    Array,
    /// `BinaryViewArray` of encoded rows. The first byte of an encoded row or array says which it is, so a column of a
    /// user-defined type reads as either.
    Record,
}
