//! Dates, times, time zones and intervals: their values, text forms and calendar.
//!
//! `date` is days and `timestamp[tz]` microseconds since 2000-01-01; their least and greatest integers are the
//! infinities. `time` is microseconds since midnight. `timetz` is packed into one integer that orders as
//! PostgreSQL orders it ([`pack_timetz`]).

mod interval;
mod timetz;
mod zone;

pub use interval::Interval;
pub use timetz::{pack_timetz, unpack_timetz};
pub use zone::TimeZone;

use super::{Datum, DatumRef, FormatContext, SqlType};
use crate::base::{Error, Result};

/// Reads the text form of a date/time type and rounds it to the type's precision.
pub fn parse(ty: SqlType, _text: &str, _context: &FormatContext) -> Result<Datum> {
    Err(Error::unsupported(format!("type {} input", super::format_type(ty))))
}

/// Appends the text form of a date/time value.
pub fn write(_out: &mut Vec<u8>, ty: SqlType, _value: DatumRef<'_>, _context: &FormatContext) {
    panic!("text form of {} is not built", super::format_type(ty));
}
