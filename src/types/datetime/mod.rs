//! Dates, times, time zones and intervals: their values, text forms and calendar.
//!
//! `date` is days and `timestamp[tz]` microseconds since 2000-01-01; their least and greatest integers are the
//! infinities. `time` is microseconds since midnight. `timetz` is packed into one integer that orders as
//! PostgreSQL orders it ([`pack_timetz`]).
//!
//! Entry points: [`parse`] and [`write`] for text, [`arith`] for sums and conversions, [`TimeZone`] for zones, [`calendar`] for days and fields, [`words::unit`]
//! for the names of units, [`abbreviations`] for those of zones.
//!
//! Read in this order: `calendar.rs`, `zone.rs`, `interval.rs`, `arith.rs`, `input/mod.rs`, `write.rs`, `write_interval.rs`.

pub mod abbreviations;
pub mod arith;
pub mod calendar;
mod input;
mod interval;
mod timetz;
mod trouble;
pub mod words;
mod write;
mod write_interval;
mod zone;

pub use interval::Interval;
pub use timetz::{ZONE_MAX, pack_timetz, unpack_timetz};
pub use words::Unit;
pub use write::{MONTHS, WEEKDAYS};
pub use write_interval::IntervalFields;
pub use zone::{TimeZone, ZoneInfo};

use super::{Datum, DatumRef, FormatContext, IntervalStyle, SqlType, oid};
use crate::base::Result;
use input::parse_interval;
pub use input::parse_zone_offset;

/// Reads the text form of a date/time type and rounds it to the type's precision.
pub fn parse(ty: SqlType, text: &str, context: &FormatContext) -> Result<Datum> {
    input::parse(ty, text, context)
}

/// Appends the text form of a date/time value.
pub fn write(out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>, context: &FormatContext) {
    match (ty.oid, value) {
        (oid::DATE, DatumRef::Int4(v)) => write::date(out, v, context),
        (oid::TIME, DatumRef::Int8(v)) => write::time(out, v),
        (oid::TIMETZ, DatumRef::Int8(v)) => write::timetz(out, v),
        (oid::TIMESTAMP, DatumRef::Int8(v)) => write::timestamp(out, v, context),
        (oid::TIMESTAMPTZ, DatumRef::Int8(v)) => write::timestamptz(out, v, context),
        (_, DatumRef::Interval(v)) => write_interval::interval(out, v, context.interval_style),
        (ty, value) => panic!("{value:?} is not a value of date/time type {ty}"),
    }
}

#[cfg(test)]
mod tests;
