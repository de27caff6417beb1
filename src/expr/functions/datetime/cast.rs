//! Casts among dates, times, timestamps and intervals, and to their own precision.

use super::super::convert::kernels;
use super::super::f;
use super::super::vector::unary;
use super::arith::date_at;
use super::session_zone;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::{Column, Row};
use crate::expr::value::Value;
use crate::types::datetime::arith::*;
use crate::types::datetime::calendar::{MICROS_PER_DAY, timestamp_is_finite};
use crate::types::datetime::{pack_timetz, unpack_timetz};
use crate::types::oid::*;
use crate::types::{Datum, Interval, SqlType, TimeZone, coerce_typmod};
use arrow_array::ArrayRef;

/// None for infinities, which have no time of day.
fn time_of(timestamp: i64) -> Option<i64> {
    timestamp_is_finite(timestamp).then(|| timestamp.rem_euclid(MICROS_PER_DAY))
}

/// Local time, which may be a little outside the range.
fn local(timestamp: i64, zone: &TimeZone) -> i64 {
    if timestamp_is_finite(timestamp) { zone.to_local(timestamp) } else { timestamp }
}

fn fit(ty: SqlType, value: Datum, digits: i32) -> Result<Datum> {
    coerce_typmod(SqlType::with_typmod(ty.oid, digits), value, true)
}

kernels! {
    fn date_timestamp(date: i32) -> i64 {
        date_to_timestamp(date)
    }

    fn date_timestamptz[cx](date: i32) -> i64 {
        date_to_timestamptz(date, session_zone(cx))
    }

    fn date_time_timestamp(date: i32, time: i64) -> i64 {
        date_at(date, time, 0)
    }

    fn date_time_timestamptz[cx](date: i32, time: i64) -> i64 {
        timestamp_to_utc(date_at(date, time, 0)?, session_zone(cx))
    }

    fn date_timetz_timestamptz(date: i32, time: i64) -> i64 {
        let (micros, west) = unpack_timetz(time);
        date_at(date, micros, west)
    }

    fn timestamp_date(timestamp: i64) -> i32 {
        Ok(timestamp_to_date(timestamp))
    }

    fn timestamptz_date[cx](timestamp: i64) -> i32 {
        Ok(timestamp_to_date(local(timestamp, session_zone(cx))))
    }

    fn timestamp_time(timestamp: i64) -> Option<i64> {
        Ok(time_of(timestamp))
    }

    fn timestamptz_time[cx](timestamp: i64) -> Option<i64> {
        Ok(time_of(local(timestamp, session_zone(cx))))
    }

    fn timestamptz_timetz[cx](timestamp: i64) -> Option<i64> {
        let zone = session_zone(cx);
        Ok(time_of(local(timestamp, zone)).map(|micros| pack_timetz(micros, -zone.offset_at(super::seconds(timestamp)))))
    }

    fn timestamp_timestamptz[cx](timestamp: i64) -> i64 {
        timestamp_to_utc(timestamp, session_zone(cx))
    }

    fn timestamptz_timestamp[cx](timestamp: i64) -> i64 {
        timestamp_to_local(timestamp, session_zone(cx))
    }

    fn time_timetz[cx](time: i64) -> i64 {
        // The zone's offset is that of today at this time.
        let zone = session_zone(cx);
        let today = zone.to_local(cx.transaction_us).div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY;
        Ok(pack_timetz(time, -zone.offset_of_local(super::seconds(today + time))))
    }

    fn timetz_time(time: i64) -> i64 {
        Ok(unpack_timetz(time).0)
    }

    fn time_interval(time: i64) -> Interval {
        Ok(Interval { months: 0, days: 0, micros: time })
    }

    fn interval_time(interval: Interval) -> i64 {
        Ok(add_to_time(0, interval))
    }

    fn time_scale(time: i64, digits: i32) -> Datum {
        fit(SqlType::TIME, Datum::Int8(time), digits)
    }

    fn timetz_scale(time: i64, digits: i32) -> Datum {
        fit(SqlType::TIMETZ, Datum::Int8(time), digits)
    }

    fn timestamp_scale(timestamp: i64, digits: i32) -> Datum {
        fit(SqlType::TIMESTAMP, Datum::Int8(timestamp), digits)
    }

    fn interval_scale(interval: Interval, typmod: i32) -> Datum {
        fit(SqlType::INTERVAL, Datum::Interval(interval), typmod)
    }
}

fn dates_timestamps(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    let convert = |date| {
        let wide = date_to_timestamp_wide(date);
        (wide, date_to_timestamp(date).is_err())
    };
    unary::<i32, i64>(a, rows, convert, date_to_timestamp)
}

fn timestamps_dates(_: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    unary::<i64, i32>(a, rows, |t| (timestamp_to_date(t), false), |t| Ok(timestamp_to_date(t)))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(2024, "timestamp", &[DATE], TIMESTAMP, Column(date_timestamp, dates_timestamps)),
    f(1174, "timestamptz", &[DATE], TIMESTAMPTZ, Row(date_timestamptz)).stable(),
    f(2025, "timestamp", &[DATE, TIME], TIMESTAMP, Row(date_time_timestamp)),
    f(1176, "timestamptz", &[DATE, TIME], TIMESTAMPTZ, Row(date_time_timestamptz)).stable(),
    f(1359, "timestamptz", &[DATE, TIMETZ], TIMESTAMPTZ, Row(date_timetz_timestamptz)),
    f(2029, "date", &[TIMESTAMP], DATE, Column(timestamp_date, timestamps_dates)),
    f(1178, "date", &[TIMESTAMPTZ], DATE, Row(timestamptz_date)).stable(),
    f(1316, "time", &[TIMESTAMP], TIME, Row(timestamp_time)),
    f(2019, "time", &[TIMESTAMPTZ], TIME, Row(timestamptz_time)).stable(),
    f(1388, "timetz", &[TIMESTAMPTZ], TIMETZ, Row(timestamptz_timetz)).stable(),
    f(2028, "timestamptz", &[TIMESTAMP], TIMESTAMPTZ, Row(timestamp_timestamptz)).stable(),
    f(2027, "timestamp", &[TIMESTAMPTZ], TIMESTAMP, Row(timestamptz_timestamp)).stable(),
    f(2047, "timetz", &[TIME], TIMETZ, Row(time_timetz)).stable(),
    f(2046, "time", &[TIMETZ], TIME, Row(timetz_time)),
    f(1370, "interval", &[TIME], INTERVAL, Row(time_interval)).leakproof(),
    f(1419, "time", &[INTERVAL], TIME, Row(interval_time)),
    f(1968, "time", &[TIME, INT4], TIME, Row(time_scale)),
    f(1969, "timetz", &[TIMETZ, INT4], TIMETZ, Row(timetz_scale)),
    f(1961, "timestamp", &[TIMESTAMP, INT4], TIMESTAMP, Row(timestamp_scale)),
    f(1967, "timestamptz", &[TIMESTAMPTZ, INT4], TIMESTAMPTZ, Row(timestamp_scale)),
    f(1200, "interval", &[INTERVAL, INT4], INTERVAL, Row(interval_scale)),
];
