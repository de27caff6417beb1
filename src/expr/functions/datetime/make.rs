//! Dates and times from their parts, from seconds since 1970, and from the clock.

use super::super::convert::kernels;
use super::super::f;
use super::{seconds, session_zone};
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::datetime::abbreviations::{self, Abbreviation};
use crate::types::datetime::arith::*;
use crate::types::datetime::calendar::*;
use crate::types::datetime::{MONTHS, WEEKDAYS, parse_zone_offset};
use crate::types::oid::*;
use crate::types::{Interval, TimeZone};

fn field(message: String) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
}

/// A year as written, a negative one being BC, in astronomical counting; 0 stays, and is wrong.
fn astronomical(year: i32) -> i32 {
    if year < 0 { year + 1 } else { year }
}

/// The date's fields; 22008, naming `shown` as the year, unless the day exists and is in range.
fn date_fields(year: i32, month: i32, day: i32, shown: i32) -> Result<Civil> {
    let wrong = || field(format!("date field value out of range: {shown}-{month:02}-{day:02}"));
    if year == 0 {
        return Err(wrong());
    }
    let astronomical = astronomical(year);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(astronomical, month) {
        return Err(wrong());
    }
    let tm = Civil { year: astronomical, month, day, ..Civil::default() };
    if !tm.has_valid_day() {
        return Err(field(format!("date out of range: {shown}-{month:02}-{day:02}")));
    }
    Ok(tm)
}

/// Seconds as C's `%g` prints them, at least two wide.
fn short_seconds(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    let text = short_float(value);
    if text.len() < 2 { format!("0{text}") } else { text }
}

/// C's `%g`: six significant digits.
fn short_float(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return format!("{value}");
    }
    let exponential = format!("{value:.5e}");
    let (mantissa, exponent) = exponential.split_once('e').expect("exponential form has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let trim = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => digits.to_string(),
    };
    if (-4..6).contains(&exponent) {
        let places = (5 - exponent).max(0).unsigned_abs() as usize;
        return trim(&format!("{value:.places$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

/// Microseconds since midnight, none if a part is past its range or the whole past 24:00.
fn time_of(hour: i32, minute: i32, second: f64) -> Option<i64> {
    let micros = (second * 1e6).round_ties_even();
    if !(0..=24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..=60e6).contains(&micros) {
        return None;
    }
    let total = i64::from(hour) * MICROS_PER_HOUR + i64::from(minute) * MICROS_PER_MINUTE + micros as i64;
    (total <= MICROS_PER_DAY).then_some(total)
}

fn wrong_time(hour: i32, minute: i32, second: f64) -> Error {
    field(format!("time field value out of range: {hour}:{minute:02}:{}", short_seconds(second)))
}

fn timestamp_of(year: i32, month: i32, day: i32, hour: i32, minute: i32, second: f64) -> Result<i64> {
    let tm = date_fields(year, month, day, year)?;
    let time = time_of(hour, minute, second).ok_or_else(|| wrong_time(hour, minute, second))?;
    let micros = tm.date().checked_mul(MICROS_PER_DAY).and_then(|d| d.checked_add(time));
    micros.filter(|&t| timestamp_is_valid(t)).ok_or_else(|| {
        let second = short_seconds(second);
        field(format!("timestamp out of range: {year}-{month:02}-{day:02} {hour}:{minute:02}:{second}"))
    })
}

/// The offset west of a zone written as an offset, an abbreviation or a name, at a local time (`parse_sane_timezone`).
fn zone_west(zone: &str, local: i64) -> Result<i32> {
    let invalid = |message: String| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
    if zone.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(invalid(format!("invalid input syntax for type numeric time zone: \"{zone}\""))
            .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
    }
    if let Some(offset) = parse_zone_offset(zone) {
        return offset.ok_or_else(|| invalid(format!("numeric time zone \"{zone}\" out of range")));
    }
    let lower = zone.to_ascii_lowercase();
    Ok(match abbreviations::find(&lower) {
        Some(Abbreviation::Standard(east) | Abbreviation::Daylight(east)) => -east,
        Some(Abbreviation::In(name)) => {
            -abbreviations::offset_of_local(&lower, &TimeZone::named(name)?, seconds(local)).0
        }
        None => -TimeZone::named(zone)?.offset_of_local(seconds(local)),
    })
}

/// Seconds since 1970 as a moment.
fn from_epoch(value: f64) -> Result<i64> {
    if value.is_nan() {
        return Err(overflow("timestamp cannot be NaN"));
    }
    if value.is_infinite() {
        return Ok(if value > 0.0 { TIMESTAMP_INFINITY } else { TIMESTAMP_NEG_INFINITY });
    }
    let wrong = || overflow(&format!("timestamp out of range: \"{}\"", short_float(value)));
    let first = (TIMESTAMP_MIN / MICROS_PER_SECOND + UNIX_EPOCH_DISTANCE_S) as f64;
    let end = (TIMESTAMP_END / MICROS_PER_SECOND + UNIX_EPOCH_DISTANCE_S) as f64;
    if value < first || value >= end {
        return Err(wrong());
    }
    let micros = ((value - UNIX_EPOCH_DISTANCE_S as f64) * 1e6).round_ties_even() as i64;
    if timestamp_is_valid(micros) { Ok(micros) } else { Err(wrong()) }
}

fn interval_of(months: i64, days: i64, hours: i32, minutes: i32, second: f64) -> Result<Interval> {
    let micros = (second * 1e6).round_ties_even();
    if !(micros >= i64::MIN as f64 && micros < -(i64::MIN as f64)) {
        return Err(interval_out_of_range());
    }
    let time = i64::from(hours) * MICROS_PER_HOUR + i64::from(minutes) * MICROS_PER_MINUTE;
    Ok(Interval {
        months: i32::try_from(months).map_err(|_| interval_out_of_range())?,
        days: i32::try_from(days).map_err(|_| interval_out_of_range())?,
        micros: time.checked_add(micros as i64).ok_or_else(interval_out_of_range)?,
    })
}

kernels! {
    fn make_date(year: i32, month: i32, day: i32) -> i32 {
        let shown = astronomical(year);
        let tm = date_fields(year, month, day, shown)?;
        let wrong = || field(format!("date out of range: {shown}-{month:02}-{day:02}"));
        i32::try_from(tm.date()).ok().filter(|&d| date_is_valid(d)).ok_or_else(wrong)
    }

    fn make_time(hour: i32, minute: i32, second: f64) -> i64 {
        time_of(hour, minute, second).ok_or_else(|| wrong_time(hour, minute, second))
    }

    fn make_timestamp(year: i32, month: i32, day: i32, hour: i32, minute: i32, second: f64) -> i64 {
        timestamp_of(year, month, day, hour, minute, second)
    }

    fn make_timestamptz[cx](year: i32, month: i32, day: i32, hour: i32, minute: i32, second: f64) -> i64 {
        timestamp_to_utc(timestamp_of(year, month, day, hour, minute, second)?, session_zone(cx))
    }

    fn make_timestamptz_in(
        year: i32, month: i32, day: i32, hour: i32, minute: i32, second: f64, zone: &str
    ) -> i64 {
        let local = timestamp_of(year, month, day, hour, minute, second)?;
        shift_timestamp(local, zone_west(zone, local)?.into())
    }

    fn make_interval(
        years: i32, months: i32, weeks: i32, days: i32, hours: i32, minutes: i32, second: f64
    ) -> Interval {
        let months = i64::from(years) * 12 + i64::from(months);
        interval_of(months, i64::from(weeks) * 7 + i64::from(days), hours, minutes, second)
    }

    fn to_timestamp(value: f64) -> i64 {
        from_epoch(value)
    }

    fn date_finite(date: i32) -> bool {
        Ok(date_is_finite(date))
    }

    fn timestamp_finite(timestamp: i64) -> bool {
        Ok(timestamp_is_finite(timestamp))
    }

    fn interval_finite(_interval: Interval) -> bool {
        Ok(true)
    }
}

/// The clock, as `Mon Jan 01 00:00:00.000000 2024 UTC`.
fn timeofday(cx: &mut EvalContext<'_>, _: &[crate::types::DatumRef<'_>]) -> Result<crate::types::Datum> {
    let now = cx.host.clock_us();
    let info = session_zone(cx).info_at(seconds(now));
    let tm = Civil::of_timestamp(now + i64::from(info.offset) * MICROS_PER_SECOND);
    let text = format!(
        "{} {} {:02} {:02}:{:02}:{:02}.{:06} {} {}",
        WEEKDAYS[weekday(tm.julian_day()) as usize],
        MONTHS[tm.month as usize - 1],
        tm.day,
        tm.hour,
        tm.minute,
        tm.second,
        tm.micros,
        tm.year,
        info.abbreviation
    );
    Ok(text.into())
}

const DATE_NAMES: &[&str] = &["year", "month", "day"];
const TIME_NAMES: &[&str] = &["hour", "min", "sec"];
const TIMESTAMP_NAMES: &[&str] = &["year", "month", "mday", "hour", "min", "sec"];
const TIMESTAMPTZ_NAMES: &[&str] = &["year", "month", "mday", "hour", "min", "sec", "timezone"];
const INTERVAL_NAMES: &[&str] = &["years", "months", "weeks", "days", "hours", "mins", "secs"];
const INTERVAL_DEFAULTS: &[&str] = &["0", "0", "0", "0", "0", "0", "0.0"];

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(3846, "make_date", &[INT4, INT4, INT4], DATE, Row(make_date)).named(DATE_NAMES),
    f(3847, "make_time", &[INT4, INT4, FLOAT8], TIME, Row(make_time)).named(TIME_NAMES),
    f(3461, "make_timestamp", &[INT4, INT4, INT4, INT4, INT4, FLOAT8], TIMESTAMP, Row(make_timestamp)).named(TIMESTAMP_NAMES),
    f(3462, "make_timestamptz", &[INT4, INT4, INT4, INT4, INT4, FLOAT8], TIMESTAMPTZ, Row(make_timestamptz)).named(TIMESTAMP_NAMES).stable(),
    f(3463, "make_timestamptz", &[INT4, INT4, INT4, INT4, INT4, FLOAT8, TEXT], TIMESTAMPTZ, Row(make_timestamptz_in)).named(TIMESTAMPTZ_NAMES).stable(),
    f(3464, "make_interval", &[INT4, INT4, INT4, INT4, INT4, INT4, FLOAT8], INTERVAL, Row(make_interval)).named(INTERVAL_NAMES).with_defaults(INTERVAL_DEFAULTS),
    f(1158, "to_timestamp", &[FLOAT8], TIMESTAMPTZ, Row(to_timestamp)),
    f(1373, "isfinite", &[DATE], BOOL, Row(date_finite)),
    f(1389, "isfinite", &[TIMESTAMPTZ], BOOL, Row(timestamp_finite)),
    f(2048, "isfinite", &[TIMESTAMP], BOOL, Row(timestamp_finite)),
    f(1390, "isfinite", &[INTERVAL], BOOL, Row(interval_finite)),
    f(274, "timeofday", &[], TEXT, Row(timeofday)).volatile(),
];
