//! From text to values, type by type: `date_in`, `timestamp_in` and their kin.
//!
//! `scan.rs` breaks a text into fields by their look; `date_time.rs`, `time.rs` and `interval.rs` give them meaning, with
//! `numbers.rs` for numeric fields and `state.rs` for what is known so far.

mod date_time;
mod interval;
mod iso_interval;
mod numbers;
mod plain;
mod scan;
mod state;
mod time;

pub(super) use interval::interval as parse_interval;

use super::calendar::{
    Civil, DATE_INFINITY, DATE_NEG_INFINITY, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, UNIX_EPOCH_US, date_is_valid,
};
use super::trouble::Trouble;
use super::{ZONE_MAX, pack_timetz};
use crate::base::{Error, Result, SqlState};
use crate::types::format_context::FormatContext;
use crate::types::typmod::{fit_interval, round_micros};
use crate::types::{Datum, SqlType, oid};
use date_time::{Moment, date_time};

/// `+hh[:mm[:ss]]` in seconds west of Greenwich: none if it is no such thing, none inside if it is out of range.
pub fn parse_zone_offset(text: &str) -> Option<Option<i32>> {
    match state::numeric_zone(text) {
        Ok(west) => Some(Some(west)),
        Err(Trouble::BadFormat) => None,
        Err(_) => Some(None),
    }
}

pub fn parse(ty: SqlType, text: &str, context: &FormatContext) -> Result<Datum> {
    Ok(match ty.oid {
        oid::DATE => Datum::Int4(date(text, context)?),
        oid::TIMESTAMP => Datum::Int8(round_micros(timestamp(text, context, false)?, ty.typmod)),
        oid::TIMESTAMPTZ => Datum::Int8(round_micros(timestamp(text, context, true)?, ty.typmod)),
        oid::TIME => {
            let (micros, _) = time::time(text, context).map_err(|t| t.error(text, "time"))?;
            Datum::Int8(round_micros(micros, ty.typmod))
        }
        oid::TIMETZ => {
            let (micros, zone) = time::time(text, context).map_err(|t| t.error(text, "time with time zone"))?;
            if zone.abs() > ZONE_MAX {
                return Err(Trouble::ZoneOverflow.error(text, "time with time zone"));
            }
            Datum::Int8(pack_timetz(round_micros(micros, ty.typmod), zone))
        }
        oid::INTERVAL => {
            let value = parse_interval(text, ty.typmod, context.interval_style)?;
            Datum::Interval(if ty.typmod >= 0 { fit_interval(value, ty.typmod) } else { value })
        }
        other => panic!("type {other} is not a date/time type"),
    })
}

fn out_of_range(what: &str, text: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, format!("{what} out of range: \"{text}\""))
}

fn date(text: &str, context: &FormatContext) -> Result<i32> {
    let tm = match plain::date(text) {
        Some(tm) => tm,
        None => match date_time(text, scan::DATE_ROOM, context).map_err(|t| t.error(text, "date"))? {
            Moment::Fields(tm, _) => tm,
            Moment::Epoch => Civil { year: 1970, month: 1, day: 1, ..Civil::default() },
            Moment::Infinity => return Ok(DATE_INFINITY),
            Moment::NegInfinity => return Ok(DATE_NEG_INFINITY),
        },
    };
    if !tm.has_valid_day() {
        return Err(out_of_range("date", text));
    }
    i32::try_from(tm.date()).ok().filter(|&d| date_is_valid(d)).ok_or_else(|| out_of_range("date", text))
}

/// With a zone, the zone given or the session's is applied; without, it is read and left out.
fn timestamp(text: &str, context: &FormatContext, zoned: bool) -> Result<i64> {
    let name = if zoned { "timestamp with time zone" } else { "timestamp" };
    let (tm, zone) = match plain::timestamp(text) {
        Some((tm, _)) if !zoned => (tm, 0),
        Some((tm, Some(west))) => (tm, west),
        Some((tm, None)) => (tm, -context.time_zone.offset_of_local(tm.seconds())),
        None => match date_time(text, scan::TIMESTAMP_ROOM, context).map_err(|t| t.error(text, name))? {
            Moment::Fields(tm, zone) => (tm, if zoned { zone } else { 0 }),
            Moment::Epoch => return Ok(UNIX_EPOCH_US),
            Moment::Infinity => return Ok(TIMESTAMP_INFINITY),
            Moment::NegInfinity => return Ok(TIMESTAMP_NEG_INFINITY),
        },
    };
    tm.timestamp(zone).ok_or_else(|| out_of_range("timestamp", text))
}
