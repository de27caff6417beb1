//! AT TIME ZONE: `timezone(zone, value)`.

use super::super::convert::kernels;
use super::super::f;
use super::seconds;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::datetime::abbreviations::{self, Abbreviation};
use crate::types::datetime::arith::*;
use crate::types::datetime::calendar::{MICROS_PER_SECOND, timestamp_is_finite};
use crate::types::datetime::{ZONE_MAX, pack_timetz, unpack_timetz};
use crate::types::oid::*;
use crate::types::{Datum, Interval, SqlType, TimeZone, write_text};

/// A zone as AT TIME ZONE takes it.
enum Place {
    /// Seconds east.
    Fixed(i32),
    Abbreviated(String, TimeZone),
    Named(TimeZone),
}

fn place(name: &str) -> Result<Place> {
    let lower = name.to_ascii_lowercase();
    Ok(match abbreviations::find(&lower) {
        Some(Abbreviation::Standard(east) | Abbreviation::Daylight(east)) => Place::Fixed(east),
        Some(Abbreviation::In(zone)) => Place::Abbreviated(lower, TimeZone::named(zone)?),
        None => Place::Named(TimeZone::named(name)?),
    })
}

impl Place {
    /// Seconds east at a moment.
    fn offset_at(&self, utc: i64) -> i32 {
        match self {
            Place::Fixed(east) => *east,
            Place::Abbreviated(name, zone) => match abbreviations::at_moment(name, zone, seconds(utc)) {
                Some((east, _)) => east,
                None => zone.offset_at(seconds(utc)),
            },
            Place::Named(zone) => zone.offset_at(seconds(utc)),
        }
    }

    /// Seconds east at a local time.
    fn offset_of_local(&self, local: i64) -> i32 {
        match self {
            Place::Fixed(east) => *east,
            Place::Abbreviated(name, zone) => abbreviations::offset_of_local(name, zone, seconds(local)).0,
            Place::Named(zone) => zone.offset_of_local(seconds(local)),
        }
    }
}

/// Seconds east of a zone given as an interval.
fn interval_offset(cx: &EvalContext<'_>, zone: Interval) -> Result<i64> {
    if zone.months != 0 || zone.days != 0 {
        let mut text = Vec::new();
        write_text(&mut text, SqlType::INTERVAL, Datum::Interval(zone).as_ref(), cx.format);
        let text = String::from_utf8_lossy(&text);
        let message = format!("interval time zone \"{text}\" must not include months or days");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(zone.micros / MICROS_PER_SECOND)
}

/// The same moment's time of day so many seconds east.
fn move_timetz(time: i64, east: i64) -> Result<i64> {
    if east.abs() > i64::from(ZONE_MAX) {
        return Err(Error::unsupported("a time zone more than 36 hours from Greenwich"));
    }
    let (micros, west) = unpack_timetz(time);
    let moved = Interval { months: 0, days: 0, micros: (i64::from(west) + east) * MICROS_PER_SECOND };
    Ok(pack_timetz(add_to_time(micros, moved), -east as i32))
}

kernels! {
    fn timestamptz_zone(zone: &str, timestamp: i64) -> i64 {
        if !timestamp_is_finite(timestamp) {
            return Ok(timestamp);
        }
        shift_timestamp(timestamp, place(zone)?.offset_at(timestamp).into())
    }

    fn timestamp_zone(zone: &str, timestamp: i64) -> i64 {
        if !timestamp_is_finite(timestamp) {
            return Ok(timestamp);
        }
        shift_timestamp(timestamp, -i64::from(place(zone)?.offset_of_local(timestamp)))
    }

    fn timetz_zone[cx](zone: &str, time: i64) -> i64 {
        move_timetz(time, place(zone)?.offset_at(cx.transaction_us).into())
    }

    fn timestamptz_izone[cx](zone: Interval, timestamp: i64) -> i64 {
        if !timestamp_is_finite(timestamp) {
            return Ok(timestamp);
        }
        shift_timestamp(timestamp, interval_offset(cx, zone)?)
    }

    fn timestamp_izone[cx](zone: Interval, timestamp: i64) -> i64 {
        if !timestamp_is_finite(timestamp) {
            return Ok(timestamp);
        }
        shift_timestamp(timestamp, -interval_offset(cx, zone)?)
    }

    fn timetz_izone[cx](zone: Interval, time: i64) -> i64 {
        move_timetz(time, interval_offset(cx, zone)?)
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1159, "timezone", &[TEXT, TIMESTAMPTZ], TIMESTAMP, Row(timestamptz_zone)),
    f(1026, "timezone", &[INTERVAL, TIMESTAMPTZ], TIMESTAMP, Row(timestamptz_izone)),
    f(2069, "timezone", &[TEXT, TIMESTAMP], TIMESTAMPTZ, Row(timestamp_zone)),
    f(2070, "timezone", &[INTERVAL, TIMESTAMP], TIMESTAMPTZ, Row(timestamp_izone)),
    f(2037, "timezone", &[TEXT, TIMETZ], TIMETZ, Row(timetz_zone)).stable(),
    f(2038, "timezone", &[INTERVAL, TIMETZ], TIMETZ, Row(timetz_izone)),
];
