//! EXTRACT and date_part: a field of a value, as `numeric` with the field's scale or as `double precision`.

use super::super::f;
use super::{seconds, session_zone, unit_not_recognized, unit_not_supported};
use crate::base::{Oid, Result};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::datetime::calendar::*;
use crate::types::datetime::words::{self, Word};
use crate::types::datetime::{Unit, unpack_timetz};
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, Interval, Numeric};

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
            Field::IntervalEpoch(i) => {
                let quarters = QUARTER_DAYS_PER_YEAR * i64::from(i.months / 12)
                    + 120 * i64::from(i.months % 12)
                    + 4 * i64::from(i.days);
                scaled(i128::from(quarters) * 21_600 * 1_000_000 + i128::from(i.micros))
            }
        })
    }

    fn float(self) -> Datum {
        let micros_per_second = 1e6;
        Datum::Float8(match self {
            Field::None => return Datum::Null,
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
        })
    }
}

/// What a name means: a unit, or a word of input that is no unit, or nothing.
enum Named {
    Unit(Unit),
    OtherWord,
    Unknown,
}

fn named(lower: &str) -> Named {
    match words::unit(lower) {
        Some(unit) => Named::Unit(unit),
        None => match words::word(lower) {
            Some(Word::Now | Word::Today | Word::Tomorrow | Word::Yesterday | Word::Allballs) => Named::OtherWord,
            Some(Word::Infinity | Word::NegInfinity) => Named::OtherWord,
            _ => Named::Unknown,
        },
    }
}

/// The unit. Words of input that are none are known to the types with a date, and not supported.
fn unit_of(lower: &str, ty: Oid) -> Result<Unit> {
    match named(lower) {
        Named::Unit(unit) => Ok(unit),
        Named::OtherWord if matches!(ty, DATE | TIMESTAMP | TIMESTAMPTZ) => Err(unit_not_supported(lower, ty)),
        _ => Err(unit_not_recognized(lower, ty)),
    }
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

fn timestamp_field(_: &EvalContext<'_>, unit: &str, value: DatumRef<'_>) -> Result<Field> {
    let DatumRef::Int8(timestamp) = value else { panic!("{value:?} where a timestamp is wanted") };
    let known = unit_of(unit, TIMESTAMP)?;
    if !timestamp_is_finite(timestamp) {
        return Ok(of_infinity(known, timestamp < 0));
    }
    of_timestamp(known, timestamp).ok_or_else(|| unit_not_supported(unit, TIMESTAMP))
}

fn timestamptz_field(cx: &EvalContext<'_>, unit: &str, value: DatumRef<'_>) -> Result<Field> {
    let DatumRef::Int8(timestamp) = value else { panic!("{value:?} where a timestamp is wanted") };
    let known = unit_of(unit, TIMESTAMPTZ)?;
    if !timestamp_is_finite(timestamp) {
        return Ok(of_infinity(known, timestamp < 0));
    }
    if known == Unit::Epoch {
        return Ok(epoch_of(timestamp));
    }
    let zone = session_zone(cx);
    if let Some(field) = of_zone(known, zone.offset_at(seconds(timestamp))) {
        return Ok(field);
    }
    of_timestamp(known, zone.to_local(timestamp)).ok_or_else(|| unit_not_supported(unit, TIMESTAMPTZ))
}

fn date_field(_: &EvalContext<'_>, unit: &str, value: DatumRef<'_>) -> Result<Field> {
    let DatumRef::Int4(date) = value else { panic!("{value:?} where a date is wanted") };
    let known = unit_of(unit, DATE)?;
    let field = match known {
        Unit::Julian => Some(Field::Whole(i64::from(date) + i64::from(EPOCH_JULIAN_DAY))),
        Unit::Epoch => Some(Field::Whole(i64::from(date) * SECONDS_PER_DAY + UNIX_EPOCH_DISTANCE_S)),
        _ => of_date(known, if date_is_finite(date) { date.into() } else { 0 }),
    };
    match field {
        None => Err(unit_not_supported(unit, DATE)),
        Some(_) if !date_is_finite(date) => Ok(of_infinity(known, date < 0)),
        Some(field) => Ok(field),
    }
}

fn time_field(_: &EvalContext<'_>, unit: &str, value: DatumRef<'_>) -> Result<Field> {
    let DatumRef::Int8(time) = value else { panic!("{value:?} where a time is wanted") };
    let known = unit_of(unit, TIME)?;
    match known {
        Unit::Epoch => Ok(Field::Epoch(time)),
        _ => of_clock(known, time).ok_or_else(|| unit_not_supported(unit, TIME)),
    }
}

fn timetz_field(_: &EvalContext<'_>, unit: &str, value: DatumRef<'_>) -> Result<Field> {
    let DatumRef::Int8(packed) = value else { panic!("{value:?} where a time is wanted") };
    let (micros, west) = unpack_timetz(packed);
    let known = unit_of(unit, TIMETZ)?;
    match known {
        Unit::Epoch => Ok(Field::ClockEpoch(micros, west)),
        _ => of_zone(known, -west).or_else(|| of_clock(known, micros)).ok_or_else(|| unit_not_supported(unit, TIMETZ)),
    }
}

fn interval_field(_: &EvalContext<'_>, unit: &str, value: DatumRef<'_>) -> Result<Field> {
    let DatumRef::Interval(interval) = value else { panic!("{value:?} where an interval is wanted") };
    let known = unit_of(unit, INTERVAL)?;
    let (years, months) = (interval.months / 12, interval.months % 12);
    Ok(match known {
        Unit::Day => Field::Whole(interval.days.into()),
        Unit::Month => Field::Whole(months.into()),
        Unit::Quarter => Field::Whole(i64::from(months / 3 + 1)),
        Unit::Year => Field::Whole(years.into()),
        Unit::Decade => Field::Whole(i64::from(years / 10)),
        Unit::Century => Field::Whole(i64::from(years / 100)),
        Unit::Millennium => Field::Whole(i64::from(years / 1000)),
        Unit::Epoch => Field::IntervalEpoch(interval),
        _ => of_clock(known, interval.micros).ok_or_else(|| unit_not_supported(unit, INTERVAL))?,
    })
}

/// The name in lower case, without a copy if it is.
fn lower(name: DatumRef<'_>) -> std::borrow::Cow<'_, str> {
    let DatumRef::Text(name) = name else { panic!("{name:?} where text is wanted") };
    if name.bytes().any(|b| b.is_ascii_uppercase()) { name.to_ascii_lowercase().into() } else { name.into() }
}

macro_rules! kernels_of {
    ($($extract:ident $part:ident $field:ident;)*) => {
        $(
            fn $extract(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                $field(cx, &lower(a[0]), a[1])?.numeric()
            }

            fn $part(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
                $field(cx, &lower(a[0]), a[1]).map(Field::float)
            }
        )*
    };
}

kernels_of! {
    extract_timestamp timestamp_part timestamp_field;
    extract_timestamptz timestamptz_part timestamptz_field;
    extract_time time_part time_field;
    extract_timetz timetz_part timetz_field;
    extract_interval interval_part interval_field;
}

fn extract_date(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    date_field(cx, &lower(a[0]), a[1])?.numeric()
}

/// `date_part` of a date is that of its midnight.
fn date_part(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let DatumRef::Int4(date) = a[1] else { panic!("{:?} where a date is wanted", a[1]) };
    let midnight = crate::types::datetime::arith::date_to_timestamp(date)?;
    timestamp_part(cx, &[a[0], DatumRef::Int8(midnight)])
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(6199, "extract", &[TEXT, DATE], NUMERIC, Row(extract_date)),
    f(6200, "extract", &[TEXT, TIME], NUMERIC, Row(extract_time)),
    f(6201, "extract", &[TEXT, TIMETZ], NUMERIC, Row(extract_timetz)),
    f(6202, "extract", &[TEXT, TIMESTAMP], NUMERIC, Row(extract_timestamp)),
    f(6203, "extract", &[TEXT, TIMESTAMPTZ], NUMERIC, Row(extract_timestamptz)).stable(),
    f(6204, "extract", &[TEXT, INTERVAL], NUMERIC, Row(extract_interval)),
    f(1384, "date_part", &[TEXT, DATE], FLOAT8, Row(date_part)),
    f(1385, "date_part", &[TEXT, TIME], FLOAT8, Row(time_part)),
    f(1273, "date_part", &[TEXT, TIMETZ], FLOAT8, Row(timetz_part)),
    f(2021, "date_part", &[TEXT, TIMESTAMP], FLOAT8, Row(timestamp_part)),
    f(1171, "date_part", &[TEXT, TIMESTAMPTZ], FLOAT8, Row(timestamptz_part)).stable(),
    f(1172, "date_part", &[TEXT, INTERVAL], FLOAT8, Row(interval_part)),
];
