//! Functions of dates, times and intervals. The arithmetic itself is [`types::datetime`](crate::types::datetime); here are
//! the kernels, the units of EXTRACT and date_trunc, and the format pictures of `to_char` and `to_timestamp`.
//!
//! Read in this order: `arith.rs`, `cast.rs`, `compare.rs`, `make.rs`, `extract.rs`, `trunc.rs`, `zone.rs`, `zone_names.rs`, `series.rs`,
//! `picture.rs`, `to_char.rs`, `from_char.rs`, `assemble.rs`.

mod arith;
mod assemble;
mod cast;
mod compare;
mod extract;
mod from_char;
mod make;
mod picture;
mod series;
mod to_char;
mod trunc;
mod zone;
mod zone_names;

use crate::base::{Error, Oid, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::types::datetime::calendar::MICROS_PER_SECOND;
use crate::types::{TimeZone, type_name};

/// The families' tables.
pub(super) static ARITH: &[Function] = arith::TABLE;
pub(super) static CAST: &[Function] = cast::TABLE;
pub(super) static COMPARE: &[Function] = compare::TABLE;
pub(super) static EXTRACT: &[Function] = extract::TABLE;
pub(super) static MAKE: &[Function] = make::TABLE;
pub(super) static PICTURES: &[Function] = to_char::TABLE;
pub(super) static READING: &[Function] = assemble::TABLE;
pub(super) static SERIES: &[Function] = series::TABLE;
pub(super) static TRUNC: &[Function] = trunc::TABLE;
pub(super) static ZONE: &[Function] = zone::TABLE;
pub(super) static ZONE_NAMES: &[Function] = zone_names::TABLE;

/// The session's time zone.
fn session_zone<'a>(cx: &EvalContext<'a>) -> &'a TimeZone {
    &cx.format.time_zone
}

/// A timestamp in whole seconds, as zones take it.
fn seconds(timestamp: i64) -> i64 {
    timestamp.div_euclid(MICROS_PER_SECOND)
}

fn unit_not_supported(unit: &str, ty: Oid) -> Error {
    let message = format!("unit \"{unit}\" not supported for type {}", type_name(ty));
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

fn unit_not_recognized(unit: &str, ty: Oid) -> Error {
    let message = format!("unit \"{unit}\" not recognized for type {}", type_name(ty));
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests;
