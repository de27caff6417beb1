//! The operators of dates, times and intervals.

use super::super::convert::kernels;
use super::super::f;
use super::super::vector::binary;
use super::session_zone;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::{Column, Row};
use crate::expr::value::Value;
use crate::types::Interval;
use crate::types::datetime::arith::*;
use crate::types::datetime::calendar::{DATE_END, DATE_MIN, date_is_finite, timestamp_is_finite, timestamp_is_valid};
use crate::types::datetime::{pack_timetz, unpack_timetz};
use crate::types::oid::*;
use arrow_array::ArrayRef;

/// The date and time `time` of a `date`, whose zone is `west` seconds west.
pub(super) fn date_at(date: i32, micros: i64, west: i32) -> Result<i64> {
    let midnight = date_to_timestamp(date)?;
    if !timestamp_is_finite(midnight) {
        return Ok(midnight);
    }
    midnight
        .checked_add(micros)
        .and_then(|t| t.checked_add(i64::from(west) * 1_000_000))
        .filter(|&t| timestamp_is_valid(t))
        .ok_or_else(|| if west == 0 { timestamp_out_of_range() } else { overflow("date out of range for timestamp") })
}

fn timetz_plus(packed: i64, interval: Interval) -> i64 {
    let (micros, west) = unpack_timetz(packed);
    pack_timetz(add_to_time(micros, interval), west)
}

kernels! {
    fn date_pli(date: i32, days: i32) -> i32 {
        add_days(date, days)
    }

    fn integer_pl_date(days: i32, date: i32) -> i32 {
        add_days(date, days)
    }

    fn date_mii(date: i32, days: i32) -> i32 {
        subtract_days(date, days)
    }

    fn date_mi(a: i32, b: i32) -> i32 {
        days_apart(a, b)
    }

    fn date_pl_interval(date: i32, interval: Interval) -> i64 {
        add_interval(date_to_timestamp(date)?, interval)
    }

    fn interval_pl_date(interval: Interval, date: i32) -> i64 {
        add_interval(date_to_timestamp(date)?, interval)
    }

    fn date_mi_interval(date: i32, interval: Interval) -> i64 {
        add_interval(date_to_timestamp(date)?, interval.negated())
    }

    fn datetime_pl(date: i32, time: i64) -> i64 {
        date_at(date, time, 0)
    }

    fn timedate_pl(time: i64, date: i32) -> i64 {
        date_at(date, time, 0)
    }

    fn datetimetz_pl(date: i32, time: i64) -> i64 {
        let (micros, west) = unpack_timetz(time);
        date_at(date, micros, west)
    }

    fn timetzdate_pl(time: i64, date: i32) -> i64 {
        let (micros, west) = unpack_timetz(time);
        date_at(date, micros, west)
    }

    fn timestamp_pl_interval(timestamp: i64, interval: Interval) -> i64 {
        add_interval(timestamp, interval)
    }

    fn interval_pl_timestamp(interval: Interval, timestamp: i64) -> i64 {
        add_interval(timestamp, interval)
    }

    fn timestamp_mi_interval(timestamp: i64, interval: Interval) -> i64 {
        add_interval(timestamp, interval.negated())
    }

    fn timestamptz_pl_interval[cx](timestamp: i64, interval: Interval) -> i64 {
        add_interval_in_zone(timestamp, interval, session_zone(cx))
    }

    fn interval_pl_timestamptz[cx](interval: Interval, timestamp: i64) -> i64 {
        add_interval_in_zone(timestamp, interval, session_zone(cx))
    }

    fn timestamptz_mi_interval[cx](timestamp: i64, interval: Interval) -> i64 {
        add_interval_in_zone(timestamp, interval.negated(), session_zone(cx))
    }

    fn timestamp_mi(a: i64, b: i64) -> Interval {
        timestamp_difference(a, b)
    }

    fn time_mi_time(a: i64, b: i64) -> Interval {
        Ok(Interval { months: 0, days: 0, micros: a - b })
    }

    fn time_pl_interval(time: i64, interval: Interval) -> i64 {
        Ok(add_to_time(time, interval))
    }

    fn interval_pl_time(interval: Interval, time: i64) -> i64 {
        Ok(add_to_time(time, interval))
    }

    fn time_mi_interval(time: i64, interval: Interval) -> i64 {
        Ok(add_to_time(time, interval.negated()))
    }

    fn timetz_pl_interval(time: i64, interval: Interval) -> i64 {
        Ok(timetz_plus(time, interval))
    }

    fn interval_pl_timetz(interval: Interval, time: i64) -> i64 {
        Ok(timetz_plus(time, interval))
    }

    fn timetz_mi_interval(time: i64, interval: Interval) -> i64 {
        Ok(timetz_plus(time, interval.negated()))
    }

    fn interval_um(interval: Interval) -> Interval {
        interval.checked_neg()
    }

    fn interval_pl(a: Interval, b: Interval) -> Interval {
        a.checked_add(b)
    }

    fn interval_mi(a: Interval, b: Interval) -> Interval {
        a.checked_sub(b)
    }

    fn interval_mul(interval: Interval, factor: f64) -> Interval {
        interval.multiply(factor)
    }

    fn mul_d_interval(factor: f64, interval: Interval) -> Interval {
        interval.multiply(factor)
    }

    fn interval_div(interval: Interval, divisor: f64) -> Interval {
        interval.divide(divisor)
    }

    fn age_of(a: i64, b: i64) -> Interval {
        age(a, b)
    }

    fn age_today[cx](timestamp: i64) -> Interval {
        age(midnight(cx)?, timestamp)
    }

    fn age_in_zone[cx](a: i64, b: i64) -> Interval {
        let zone = session_zone(cx);
        age(timestamp_to_local(a, zone)?, timestamp_to_local(b, zone)?)
    }

    fn age_today_in_zone[cx](timestamp: i64) -> Interval {
        age(midnight(cx)?, timestamp_to_local(timestamp, session_zone(cx))?)
    }

    fn justify_hours(interval: Interval) -> Interval {
        interval.justify_hours()
    }

    fn justify_days(interval: Interval) -> Interval {
        interval.justify_days()
    }

    fn justify_interval(interval: Interval) -> Interval {
        interval.justify()
    }

    fn date_bin(stride: Interval, timestamp: i64, origin: i64) -> i64 {
        bin(stride, timestamp, origin)
    }
}

/// Local midnight of the transaction's day, as a local timestamp.
fn midnight(cx: &EvalContext<'_>) -> Result<i64> {
    date_to_timestamp(timestamp_to_date(session_zone(cx).to_local(cx.transaction_us)))
}

/// A date moved, and whether that is out of range; infinities stay.
fn moved(date: i32, days: i64) -> (i32, bool) {
    let sum = i64::from(date) + days;
    if date_is_finite(date) {
        (sum as i32, !(i64::from(DATE_MIN)..i64::from(DATE_END)).contains(&sum))
    } else {
        (date, false)
    }
}

fn subtract_days(date: i32, days: i32) -> Result<i32> {
    match moved(date, -i64::from(days)) {
        (date, false) => Ok(date),
        _ => Err(overflow("date out of range")),
    }
}

fn dates_plus(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    binary::<i32, i32, i32>(a, rows, |date, days| moved(date, days.into()), add_days)
}

fn dates_minus(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    binary::<i32, i32, i32>(a, rows, |date, days| moved(date, -i64::from(days)), subtract_days)
}

fn days_apart(a: i32, b: i32) -> Result<i32> {
    if date_is_finite(a) && date_is_finite(b) { Ok(a - b) } else { Err(overflow("cannot subtract infinite dates")) }
}

fn dates_apart(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    binary::<i32, i32, i32>(a, rows, |x, y| (x.wrapping_sub(y), !date_is_finite(x) || !date_is_finite(y)), days_apart)
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1141, "date_pli", &[DATE, INT4], DATE, Column(date_pli, dates_plus)),
    f(2550, "integer_pl_date", &[INT4, DATE], DATE, Row(integer_pl_date)),
    f(1142, "date_mii", &[DATE, INT4], DATE, Column(date_mii, dates_minus)),
    f(1140, "date_mi", &[DATE, DATE], INT4, Column(date_mi, dates_apart)),
    f(2071, "date_pl_interval", &[DATE, INTERVAL], TIMESTAMP, Row(date_pl_interval)),
    f(2546, "interval_pl_date", &[INTERVAL, DATE], TIMESTAMP, Row(interval_pl_date)),
    f(2072, "date_mi_interval", &[DATE, INTERVAL], TIMESTAMP, Row(date_mi_interval)),
    f(1272, "datetime_pl", &[DATE, TIME], TIMESTAMP, Row(datetime_pl)),
    f(1296, "timedate_pl", &[TIME, DATE], TIMESTAMP, Row(timedate_pl)),
    f(1297, "datetimetz_pl", &[DATE, TIMETZ], TIMESTAMPTZ, Row(datetimetz_pl)),
    f(1298, "timetzdate_pl", &[TIMETZ, DATE], TIMESTAMPTZ, Row(timetzdate_pl)),
    f(2032, "timestamp_pl_interval", &[TIMESTAMP, INTERVAL], TIMESTAMP, Row(timestamp_pl_interval)),
    f(2548, "interval_pl_timestamp", &[INTERVAL, TIMESTAMP], TIMESTAMP, Row(interval_pl_timestamp)),
    f(2033, "timestamp_mi_interval", &[TIMESTAMP, INTERVAL], TIMESTAMP, Row(timestamp_mi_interval)),
    f(1189, "timestamptz_pl_interval", &[TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, Row(timestamptz_pl_interval)).stable(),
    f(2549, "interval_pl_timestamptz", &[INTERVAL, TIMESTAMPTZ], TIMESTAMPTZ, Row(interval_pl_timestamptz)).stable(),
    f(1190, "timestamptz_mi_interval", &[TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, Row(timestamptz_mi_interval)).stable(),
    f(2031, "timestamp_mi", &[TIMESTAMP, TIMESTAMP], INTERVAL, Row(timestamp_mi)),
    f(1188, "timestamptz_mi", &[TIMESTAMPTZ, TIMESTAMPTZ], INTERVAL, Row(timestamp_mi)),
    f(1690, "time_mi_time", &[TIME, TIME], INTERVAL, Row(time_mi_time)),
    f(1747, "time_pl_interval", &[TIME, INTERVAL], TIME, Row(time_pl_interval)),
    f(1848, "interval_pl_time", &[INTERVAL, TIME], TIME, Row(interval_pl_time)),
    f(1748, "time_mi_interval", &[TIME, INTERVAL], TIME, Row(time_mi_interval)),
    f(1749, "timetz_pl_interval", &[TIMETZ, INTERVAL], TIMETZ, Row(timetz_pl_interval)),
    f(2547, "interval_pl_timetz", &[INTERVAL, TIMETZ], TIMETZ, Row(interval_pl_timetz)),
    f(1750, "timetz_mi_interval", &[TIMETZ, INTERVAL], TIMETZ, Row(timetz_mi_interval)),
    f(1168, "interval_um", &[INTERVAL], INTERVAL, Row(interval_um)),
    f(1169, "interval_pl", &[INTERVAL, INTERVAL], INTERVAL, Row(interval_pl)),
    f(1170, "interval_mi", &[INTERVAL, INTERVAL], INTERVAL, Row(interval_mi)),
    f(1618, "interval_mul", &[INTERVAL, FLOAT8], INTERVAL, Row(interval_mul)),
    f(1624, "mul_d_interval", &[FLOAT8, INTERVAL], INTERVAL, Row(mul_d_interval)),
    f(1326, "interval_div", &[INTERVAL, FLOAT8], INTERVAL, Row(interval_div)),
    f(2058, "age", &[TIMESTAMP, TIMESTAMP], INTERVAL, Row(age_of)),
    f(2059, "age", &[TIMESTAMP], INTERVAL, Row(age_today)).stable(),
    f(1199, "age", &[TIMESTAMPTZ, TIMESTAMPTZ], INTERVAL, Row(age_in_zone)),
    f(1386, "age", &[TIMESTAMPTZ], INTERVAL, Row(age_today_in_zone)).stable(),
    f(1175, "justify_hours", &[INTERVAL], INTERVAL, Row(justify_hours)),
    f(1295, "justify_days", &[INTERVAL], INTERVAL, Row(justify_days)),
    f(2711, "justify_interval", &[INTERVAL], INTERVAL, Row(justify_interval)),
    f(6177, "date_bin", &[INTERVAL, TIMESTAMP, TIMESTAMP], TIMESTAMP, Row(date_bin)),
    f(6178, "date_bin", &[INTERVAL, TIMESTAMPTZ, TIMESTAMPTZ], TIMESTAMPTZ, Row(date_bin)),
];
