//! PostgreSQL's types: what they are called, how their values look in memory, as text, on the wire and as ordered
//! keys, and how two values compare.
//!
//! Entry points: [`SqlType`] and [`type_info`] for identity, [`Datum`]/[`DatumRef`] for one value, [`ColumnBuilder`],
//! [`ColumnReader`] and [`Batch`] for columns, [`parse_text`]/[`write_text`] and [`parse_binary`]/[`write_binary`] for
//! the outside, [`coerce_typmod`] for lengths and precisions, [`compare`], [`hash`] and [`key`] for order,
//! [`numeric`] and [`datetime`] for their arithmetic.
//!
//! Must not know: tables, expressions, the catalog. What needs the catalog (names behind `regclass`, types
//! that users made) comes in through [`Names`].
//!
//! Invariants:
//! 1. A value's [`Datum`] variant is the one of its type's [`Physical`] form, and a column's Arrow array likewise.
//! 2. `write_text` then `parse_text` gives an equal value of equal text; so do the binary forms.
//! 3. Keys order bytewise exactly as [`compare`] orders values, NULLs placed by the key's [`KeyOrder`](key::KeyOrder);
//!    equal values have equal keys and equal hashes.
//! 4. A number has one representation for each display scale.
//! 5. Text in a [`Datum`] is valid UTF-8 without NUL.
//!
//! Everything here is a pure function of its arguments: no threads, no locks, no I/O.
//!
//! Read in this order: `sql_type.rs`, `info/mod.rs`, `datum.rs`, `column.rs`, `text.rs`, `compare.rs`, `key.rs`; then
//! one type's file, such as `int.rs` or `numeric/mod.rs`.

pub mod array;
mod array_text;
mod batch;
mod binary;
pub mod bit;
pub mod boolean;
pub mod bytea;
pub mod character;
mod column;
mod column_text;
mod compare;
pub mod datetime;
mod datum;
pub mod float;
mod format_context;
mod info;
pub mod int;
pub mod item;
pub mod json;
pub mod key;
pub mod numeric;
pub mod oid;
pub mod record;
pub mod record_text;
mod sql_type;
mod text;
pub mod typmod;
pub mod uuid;

pub use array::{ArrayValue, ArrayView};
pub use batch::Batch;
pub use binary::{checked_text, parse_binary, write_binary};
pub use column::{ColumnBuilder, ColumnReader, constant_column, data_type, null_column};
pub use compare::{compare, compare_floats, equal, hash, mix};
pub use datetime::{Interval, TimeZone};
pub use datum::{Datum, DatumRef};
pub use format_context::{ByteaOutput, DateOrder, DateStyle, FormatContext, IntervalStyle, Names};
pub use info::{TypeInfo, array_of, builtin_types, element_of, is_reg, supported, type_by_name, type_info};
pub use int::{pack_lsn, unpack_lsn};
pub use numeric::{Numeric, NumericRef};
pub use record::{RecordValue, RecordView};
pub use sql_type::{Physical, SqlType};
pub use text::{parse_text, write_text};
pub use typmod::{coerce_typmod, format_type, type_name, typmod_in, typmod_out};
