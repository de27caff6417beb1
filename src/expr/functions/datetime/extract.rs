//! EXTRACT and date_part: a field of a value, as `numeric` with the field's scale or as `double precision`.

use super::super::f;
use super::{seconds, session_zone, unit_not_recognized, unit_not_supported};
use crate::base::{Oid, Result};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Column;
use crate::expr::value::Value;
use crate::types::datetime::arith::{date_to_timestamp, overflow};
use crate::types::datetime::calendar::*;
use crate::types::datetime::words::{self, Word};
use crate::types::datetime::{Unit, unpack_timetz};
use crate::types::oid::*;
use crate::types::{ColumnBuilder, Datum, DatumRef, Interval, Numeric, Physical};
use arrow_array::ArrayRef;
use std::borrow::Cow;

/// A field before it is a number of one type or the other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    None,
    Infinite {
        negative: bool,
    },
    Whole(i64),
    /// Microseconds to be shown as milliseconds.
    Milliseconds(i64),
    /// Microseconds to be shown as seconds.
    Seconds(i64),
    /// Microseconds since some moment, to be shown as seconds.
    Epoch(i64),
    /// Microseconds since 1970 that take more than 64 bits: of a timestamp.
    FarEpoch(i64),
    /// Microseconds of the day and seconds west.
    ClockEpoch(i64, i32),
    /// A Julian day and microseconds of it.
    Julian(i64, i64),
    IntervalEpoch(Interval),
    /// Of a date that no timestamp holds: an error.
    OutOfRange,
}

/// Four times the days of an average year, which is whole.
const QUARTER_DAYS_PER_YEAR: i64 = 1461;

impl Field {
    fn numeric(self) -> Result<Datum> {
        let scaled = |micros: i128| Datum::Numeric(Numeric::from_parts(micros, 6));
        Ok(match self {
            Field::None => Datum::Null,
            Field::Infinite { negative } => {
                Datum::Numeric(if negative { Numeric::NEG_INFINITY } else { Numeric::INFINITY })
            }
            Field::Whole(v) => Datum::Numeric(Numeric::from(v)),
            Field::Milliseconds(v) => Datum::Numeric(Numeric::from_parts(v.into(), 3)),
            Field::Seconds(v) => scaled(v.into()),
            Field::Epoch(v) => scaled(v.into()),
            Field::FarEpoch(timestamp) => {
                // The quotient's precision is the division's, not the microseconds'.
                let micros = Numeric::from(timestamp).as_ref().sub(Numeric::from(UNIX_EPOCH_US).as_ref())?;
                let seconds = micros.as_ref().div(Numeric::from(MICROS_PER_SECOND).as_ref())?;
                Datum::Numeric(seconds.as_ref().round(6)?)
            }
            Field::ClockEpoch(micros, west) => scaled(i128::from(micros) + i128::from(west) * 1_000_000),
            Field::Julian(day, micros) => {
                let fraction = Numeric::from(micros).as_ref().div(Numeric::from(MICROS_PER_DAY).as_ref())?;
                Datum::Numeric(Numeric::from(day).as_ref().add(fraction.as_ref())?)
            }
            Field::OutOfRange => return Err(overflow("date out of range for timestamp")),
            Field::IntervalEpoch(i) => {
                let quarters = QUARTER_DAYS_PER_YEAR * i64::from(i.months / 12)
                    + 120 * i64::from(i.months % 12)
                    + 4 * i64::from(i.days);
                scaled(i128::from(quarters) * 21_600 * 1_000_000 + i128::from(i.micros))
            }
        })
    }

    fn float(self) -> Result<Datum> {
        let micros_per_second = 1e6;
        Ok(Datum::Float8(match self {
            Field::None => return Ok(Datum::Null),
            Field::OutOfRange => return Err(overflow("date out of range for timestamp")),
            Field::Infinite { negative: true } => f64::NEG_INFINITY,
            Field::Infinite { negative: false } => f64::INFINITY,
            Field::Whole(v) => v as f64,
            Field::Milliseconds(v) => (v / 1_000_000) as f64 * 1000.0 + (v % 1_000_000) as f64 / 1000.0,
            Field::Seconds(v) => (v / 1_000_000) as f64 + (v % 1_000_000) as f64 / micros_per_second,
            Field::Epoch(v) => v as f64 / micros_per_second,
            Field::FarEpoch(timestamp) => (timestamp as f64 - UNIX_EPOCH_US as f64) / micros_per_second,
            Field::ClockEpoch(micros, west) => micros as f64 / micros_per_second + f64::from(west),
            Field::Julian(day, micros) => {
                let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
                day as f64 + (whole as f64 + part as f64 / micros_per_second) / SECONDS_PER_DAY as f64
            }
            Field::IntervalEpoch(i) => {
                let day = SECONDS_PER_DAY as f64;
                let mut value = i.micros as f64 / micros_per_second;
                value += 365.25 * day * f64::from(i.months / 12);
                value += 30.0 * day * f64::from(i.months % 12);
                value + day * f64::from(i.days)
            }
        }))
    }
}

/// The unit of a name. Words of input that are no units are known to the types with a date, and not supported.
fn unit_of(lower: &str, ty: Oid) -> Result<Unit> {
    if let Some(unit) = words::unit(lower) {
        return Ok(unit);
    }
    let reserved = matches!(
        words::word(lower),
        Some(
            Word::Now
                | Word::Today
                | Word::Tomorrow
                | Word::Yesterday
                | Word::Allballs
                | Word::Infinity
                | Word::NegInfinity
        )
    );
    let dated = matches!(ty, DATE | TIMESTAMP | TIMESTAMPTZ);
    Err(if reserved && dated { unit_not_supported(lower, ty) } else { unit_not_recognized(lower, ty) })
}

fn of_clock(unit: Unit, micros: i64) -> Option<Field> {
    let in_minute = micros % MICROS_PER_MINUTE;
    Some(match unit {
        Unit::Microsecond => Field::Whole(in_minute),
        Unit::Millisecond => Field::Milliseconds(in_minute),
        Unit::Second => Field::Seconds(in_minute),
        Unit::Minute => Field::Whole(micros / MICROS_PER_MINUTE % 60),
        Unit::Hour => Field::Whole(micros / MICROS_PER_HOUR),
        _ => return None,
    })
}

fn of_zone(unit: Unit, east: i32) -> Option<Field> {
    Some(Field::Whole(match unit {
        Unit::TimeZone => east.into(),
        Unit::TimeZoneHour => i64::from(east / 3600),
        Unit::TimeZoneMinute => i64::from(east / 60 % 60),
        _ => return None,
    }))
}

/// A field of a finite date.
fn of_date(unit: Unit, date: i64) -> Option<Field> {
    let jd = date + i64::from(EPOCH_JULIAN_DAY);
    let (year, month, day) = from_julian_day(jd);
    // Years, centuries and millennia before Christ count downwards without a zero.
    let count = |years: i32| {
        if year > 0 { (year + years - 1) / years } else { -((years - 1 - (year - 1)) / years) }
    };
    Some(Field::Whole(match unit {
        Unit::Day => day.into(),
        Unit::Month => month.into(),
        Unit::Quarter => i64::from((month - 1) / 3 + 1),
        Unit::Week => iso_week(year, month, day).1.into(),
        Unit::Year => i64::from(if year > 0 { year } else { year - 1 }),
        Unit::Decade => i64::from(if year >= 0 { year / 10 } else { -((8 - (year - 1)) / 10) }),
        Unit::Century => count(100).into(),
        Unit::Millennium => count(1000).into(),
        Unit::IsoYear => {
            let year = iso_week(year, month, day).0;
            i64::from(if year <= 0 { year - 1 } else { year })
        }
        Unit::DayOfWeek => weekday(jd).into(),
        Unit::IsoDayOfWeek => match weekday(jd) {
            0 => 7,
            day => day.into(),
        },
        Unit::DayOfYear => jd - julian_day(year, 1, 1) + 1,
        _ => return None,
    }))
}

fn epoch_of(timestamp: i64) -> Field {
    timestamp.checked_sub(UNIX_EPOCH_US).map_or(Field::FarEpoch(timestamp), Field::Epoch)
}

fn of_timestamp(unit: Unit, timestamp: i64) -> Option<Field> {
    let (date, time) = split_timestamp(timestamp);
    match unit {
        Unit::Julian => Some(Field::Julian(date + i64::from(EPOCH_JULIAN_DAY), time)),
        Unit::Epoch => Some(epoch_of(timestamp)),
        _ => of_clock(unit, time).or_else(|| of_date(unit, date)),
    }
}

/// Of infinity, units that only grow are infinite and those that come round are NULL.
fn of_infinity(unit: Unit, negative: bool) -> Field {
    match unit {
        Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium => Field::Infinite { negative },
        Unit::Julian | Unit::IsoYear | Unit::Epoch => Field::Infinite { negative },
        _ => Field::None,
    }
}

/// A field of a value of one type; none if the type has no such field.
type Get = fn(&EvalContext<'_>, Unit, DatumRef<'_>) -> Option<Field>;

fn moment(value: DatumRef<'_>) -> i64 {
    match value {
        DatumRef::Int8(v) => v,
        other => panic!("{other:?} where a timestamp or time is wanted"),
    }
}

fn timestamp_field(_: &EvalContext<'_>, unit: Unit, value: DatumRef<'_>) -> Option<Field> {
    let timestamp = moment(value);
    if !timestamp_is_finite(timestamp) {
        return Some(of_infinity(unit, timestamp < 0));
    }
    of_timestamp(unit, timestamp)
}

fn timestamptz_field(cx: &EvalContext<'_>, unit: Unit, value: DatumRef<'_>) -> Option<Field> {
    let timestamp = moment(value);
    if !timestamp_is_finite(timestamp) {
        return Some(of_infinity(unit, timestamp < 0));
    }
    if unit == Unit::Epoch {
        return Some(epoch_of(timestamp));
    }
    let zone = session_zone(cx);
    of_zone(unit, zone.offset_at(seconds(timestamp))).or_else(|| of_timestamp(unit, zone.to_local(timestamp)))
}

fn date_field(_: &EvalContext<'_>, unit: Unit, value: DatumRef<'_>) -> Option<Field> {
    let DatumRef::Int4(date) = value else { panic!("{value:?} where a date is wanted") };
    let finite = date_is_finite(date);
    let field = match unit {
        Unit::Julian => Field::Whole(i64::from(date) + i64::from(EPOCH_JULIAN_DAY)),
        Unit::Epoch => Field::Whole(i64::from(date) * SECONDS_PER_DAY + UNIX_EPOCH_DISTANCE_S),
        _ => of_date(unit, if finite { date.into() } else { 0 })?,
    };
    Some(if finite { field } else { of_infinity(unit, date < 0) })
}

/// `date_part` of a date is that of its midnight.
fn midnight_field(_: &EvalContext<'_>, unit: Unit, value: DatumRef<'_>) -> Option<Field> {
    let DatumRef::Int4(date) = value else { panic!("{value:?} where a date is wanted") };
    if !date_is_finite(date) {
        return Some(of_infinity(unit, date < 0));
    }
    match date_to_timestamp(date) {
        Ok(midnight) => of_timestamp(unit, midnight),
        // What no timestamp holds is refused before fields are looked at.
        Err(_) => Some(Field::OutOfRange),
    }
}

fn time_field(_: &EvalContext<'_>, unit: Unit, value: DatumRef<'_>) -> Option<Field> {
    match unit {
        Unit::Epoch => Some(Field::Epoch(moment(value))),
        _ => of_clock(unit, moment(value)),
    }
}

fn timetz_field(_: &EvalContext<'_>, unit: Unit, value: DatumRef<'_>) -> Option<Field> {
    let (micros, west) = unpack_timetz(moment(value));
    match unit {
        Unit::Epoch => Some(Field::ClockEpoch(micros, west)),
        _ => of_zone(unit, -west).or_else(|| of_clock(unit, micros)),
    }
}

fn interval_field(_: &EvalContext<'_>, unit: Unit, value: DatumRef<'_>) -> Option<Field> {
    let DatumRef::Interval(interval) = value else { panic!("{value:?} where an interval is wanted") };
    let (years, months) = (interval.months / 12, interval.months % 12);
    Some(Field::Whole(i64::from(match unit {
        Unit::Day => interval.days,
        Unit::Month => months,
        Unit::Quarter => months / 3 + 1,
        Unit::Year => years,
        Unit::Decade => years / 10,
        Unit::Century => years / 100,
        Unit::Millennium => years / 1000,
        Unit::Epoch => return Some(Field::IntervalEpoch(interval)),
        _ => return of_clock(unit, interval.micros),
    })))
}

/// The name in lower case, without a copy if it is.
fn lower(name: DatumRef<'_>) -> Cow<'_, str> {
    let DatumRef::Text(name) = name else { panic!("{name:?} where text is wanted") };
    if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

fn one(cx: &EvalContext<'_>, a: &[DatumRef<'_>], ty: Oid, get: Get, show: fn(Field) -> Result<Datum>) -> Result<Datum> {
    let name = lower(a[0]);
    let unit = unit_of(&name, ty)?;
    show(get(cx, unit, a[1]).ok_or_else(|| unit_not_supported(&name, ty))?)
}

/// All rows; a constant name is looked up once.
fn many(
    cx: &EvalContext<'_>,
    a: &[Value],
    rows: usize,
    (ty, form, ret): (Oid, Physical, Physical),
    get: Get,
    show: fn(Field) -> Result<Datum>,
) -> Result<ArrayRef> {
    let (names, values) = (a[0].reader(Physical::Text), a[1].reader(form));
    let constant = match &a[0] {
        Value::Scalar(name) if !name.is_null() => words::unit(&lower(name.as_ref())),
        _ => None,
    };
    let mut out = ColumnBuilder::new(ret, rows);
    for i in 0..rows {
        let (name, value) = (names.get(i), values.get(i));
        if name.is_null() || value.is_null() {
            out.push(DatumRef::Null);
            continue;
        }
        let shown = match constant.and_then(|unit| get(cx, unit, value)) {
            Some(field) => show(field)?,
            None => one(cx, &[name, value], ty, get, show)?,
        };
        out.push(shown.as_ref());
    }
    Ok(out.finish())
}

macro_rules! kernels_of {
    ($($row:ident $column:ident $ty:ident $form:ident $get:ident $show:ident $ret:ident;)*) => {
        $(
            fn $row(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                one(cx, a, $ty, $get, Field::$show)
            }

            fn $column(cx: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
                many(cx, a, rows, ($ty, Physical::$form, Physical::$ret), $get, Field::$show)
            }
        )*
    };
}

kernels_of! {
    extract_timestamp extract_timestamps TIMESTAMP Int64 timestamp_field numeric Numeric;
    timestamp_part timestamp_parts TIMESTAMP Int64 timestamp_field float Float64;
    extract_timestamptz extract_timestamptzs TIMESTAMPTZ Int64 timestamptz_field numeric Numeric;
    timestamptz_part timestamptz_parts TIMESTAMPTZ Int64 timestamptz_field float Float64;
    extract_date extract_dates DATE Int32 date_field numeric Numeric;
    date_part date_parts TIMESTAMP Int32 midnight_field float Float64;
    extract_time extract_times TIME Int64 time_field numeric Numeric;
    time_part time_parts TIME Int64 time_field float Float64;
    extract_timetz extract_timetzs TIMETZ Int64 timetz_field numeric Numeric;
    timetz_part timetz_parts TIMETZ Int64 timetz_field float Float64;
    extract_interval extract_intervals INTERVAL Interval interval_field numeric Numeric;
    interval_part interval_parts INTERVAL Interval interval_field float Float64;
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(6199, "extract", &[TEXT, DATE], NUMERIC, Column(extract_date, extract_dates)),
    f(6200, "extract", &[TEXT, TIME], NUMERIC, Column(extract_time, extract_times)),
    f(6201, "extract", &[TEXT, TIMETZ], NUMERIC, Column(extract_timetz, extract_timetzs)),
    f(6202, "extract", &[TEXT, TIMESTAMP], NUMERIC, Column(extract_timestamp, extract_timestamps)),
    f(6203, "extract", &[TEXT, TIMESTAMPTZ], NUMERIC, Column(extract_timestamptz, extract_timestamptzs)).stable(),
    f(6204, "extract", &[TEXT, INTERVAL], NUMERIC, Column(extract_interval, extract_intervals)),
    f(1384, "date_part", &[TEXT, DATE], FLOAT8, Column(date_part, date_parts)),
    f(1385, "date_part", &[TEXT, TIME], FLOAT8, Column(time_part, time_parts)),
    f(1273, "date_part", &[TEXT, TIMETZ], FLOAT8, Column(timetz_part, timetz_parts)),
    f(2021, "date_part", &[TEXT, TIMESTAMP], FLOAT8, Column(timestamp_part, timestamp_parts)),
    f(1171, "date_part", &[TEXT, TIMESTAMPTZ], FLOAT8, Column(timestamptz_part, timestamptz_parts)).stable(),
    f(1172, "date_part", &[TEXT, INTERVAL], FLOAT8, Column(interval_part, interval_parts)),
];
