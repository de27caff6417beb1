//! `date_trunc`: a timestamp or an interval with what is below a unit left out.

use super::super::f;
use super::{session_zone, unit_not_recognized, unit_not_supported};
use crate::base::{Oid, Result};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::{Column, Row};
use crate::expr::function::RowFn;
use crate::expr::value::Value;
use crate::types::datetime::Unit;
use crate::types::datetime::abbreviations::{self, Abbreviation};
use crate::types::datetime::arith::timestamp_out_of_range;
use crate::types::datetime::calendar::*;
use crate::types::datetime::words::{self, IntervalWord};
use crate::types::oid::*;
use crate::types::{ColumnBuilder, Datum, DatumRef, Interval, Physical, TimeZone};
use arrow_array::ArrayRef;

fn text(value: DatumRef<'_>) -> &str {
    match value {
        DatumRef::Text(t) => t,
        other => panic!("{other:?} where text is wanted"),
    }
}

fn moment(value: DatumRef<'_>) -> i64 {
    match value {
        DatumRef::Int8(t) => t,
        other => panic!("{other:?} where a timestamp is wanted"),
    }
}

fn unit_of(name: &str, ty: Oid) -> Result<Unit> {
    let lower = name.to_ascii_lowercase();
    match words::interval_word(&lower) {
        Some(IntervalWord::Unit(unit)) => Ok(unit),
        _ => Err(unit_not_recognized(&lower, ty)),
    }
}

/// The start of the unit that a local timestamp is in, if that fits; none if the unit cannot be truncated to. The result may be a
/// little outside the range, as local times are.
fn truncated(unit: Unit, local: i64) -> Option<Option<i64>> {
    if let Some(width) = unit.micros() {
        return Some(Some(local - local.rem_euclid(width)));
    }
    let (date, _) = split_timestamp(local);
    if unit == Unit::Week {
        let jd = date + i64::from(EPOCH_JULIAN_DAY);
        return Some((date - i64::from(weekday(jd - 1))).checked_mul(MICROS_PER_DAY));
    }
    let tm = Civil::of_date(date as i32);
    let year = match unit {
        Unit::Quarter | Unit::Month | Unit::Year => tm.year,
        Unit::Decade if tm.year > 0 => tm.year / 10 * 10,
        Unit::Decade => -((8 - (tm.year - 1)) / 10) * 10,
        Unit::Century if tm.year > 0 => (tm.year + 99) / 100 * 100 - 99,
        Unit::Century => -((99 - (tm.year - 1)) / 100) * 100 + 1,
        Unit::Millennium if tm.year > 0 => (tm.year + 999) / 1000 * 1000 - 999,
        Unit::Millennium => -((999 - (tm.year - 1)) / 1000) * 1000 + 1,
        _ => return None,
    };
    let month = match unit {
        Unit::Month => tm.month,
        Unit::Quarter => 3 * ((tm.month - 1) / 3) + 1,
        _ => 1,
    };
    Some(Civil { year, month, day: 1, ..Civil::default() }.date().checked_mul(MICROS_PER_DAY))
}

fn timestamp_trunc(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (name, value) = (text(a[0]), moment(a[1]));
    if !timestamp_is_finite(value) {
        return Ok(Datum::Int8(value));
    }
    let unit = unit_of(name, TIMESTAMP)?;
    let start = truncated(unit, value).ok_or_else(|| unit_not_supported(&name.to_ascii_lowercase(), TIMESTAMP))?;
    start.filter(|&t| timestamp_is_valid(t)).map(Datum::Int8).ok_or_else(timestamp_out_of_range)
}

/// From a day upwards the zone's offset is that of the start; below, that of the value.
fn truncated_in_zone(unit: Unit, value: i64, zone: &TimeZone) -> Option<Option<i64>> {
    let local = zone.to_local(value);
    let short = unit.micros().is_some() && unit != Unit::Day;
    let utc = |start: i64| if short { start - (local - value) } else { zone.to_utc(start) };
    truncated(unit, local).map(|start| start.map(utc))
}

fn truncate_in_zone(name: &str, value: i64, zone: &TimeZone) -> Result<Datum> {
    if !timestamp_is_finite(value) {
        return Ok(Datum::Int8(value));
    }
    let unit = unit_of(name, TIMESTAMPTZ)?;
    let local = zone.to_local(value);
    let start = truncated(unit, local).ok_or_else(|| unit_not_supported(&name.to_ascii_lowercase(), TIMESTAMPTZ))?;
    let short = unit.micros().is_some() && unit != Unit::Day;
    let utc = start.map(|start| if short { start - (local - value) } else { zone.to_utc(start) });
    utc.filter(|&t| timestamp_is_valid(t)).map(Datum::Int8).ok_or_else(timestamp_out_of_range)
}

fn timestamptz_trunc(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    truncate_in_zone(text(a[0]), moment(a[1]), session_zone(cx))
}

fn timestamptz_trunc_zone(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (value, zone) = (moment(a[1]), text(a[2]));
    if !timestamp_is_finite(value) {
        return Ok(Datum::Int8(value));
    }
    let zone = match abbreviations::find(&zone.to_ascii_lowercase()) {
        Some(Abbreviation::Standard(east) | Abbreviation::Daylight(east)) => TimeZone::fixed(east),
        Some(Abbreviation::In(name)) => TimeZone::named(name)?,
        None => TimeZone::named(zone)?,
    };
    truncate_in_zone(text(a[0]), value, &zone)
}

fn interval_trunc(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let DatumRef::Interval(value) = a[1] else { panic!("{:?} where an interval is wanted", a[1]) };
    let name = text(a[0]);
    let unit = unit_of(name, INTERVAL)?;
    let whole_months = |months: i32| Interval { months: value.months / months * months, days: 0, micros: 0 };
    let truncated = match unit {
        Unit::Millennium => whole_months(12_000),
        Unit::Century => whole_months(1200),
        Unit::Decade => whole_months(120),
        Unit::Year => whole_months(12),
        Unit::Quarter => whole_months(3),
        Unit::Month => whole_months(1),
        Unit::Day => Interval { micros: 0, ..value },
        _ => match unit.micros() {
            Some(width) => Interval { micros: value.micros / width * width, ..value },
            None => {
                let error = unit_not_supported(&name.to_ascii_lowercase(), INTERVAL);
                let weeks = unit == Unit::Week;
                return Err(if weeks { error.detail("Months usually have fractional weeks.") } else { error });
            }
        },
    };
    Ok(Datum::Interval(truncated))
}

/// All rows of a constant unit; anything else is left to the row form.
fn timestamps_trunc(cx: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    each(cx, a, rows, timestamp_trunc, |unit, t, _| truncated(unit, t).flatten())
}

fn timestamptzs_trunc(cx: &mut EvalContext<'_>, a: &[Value], rows: usize) -> Result<ArrayRef> {
    each(cx, a, rows, timestamptz_trunc, |unit, t, zone| truncated_in_zone(unit, t, zone).flatten())
}

fn each(
    cx: &mut EvalContext<'_>,
    a: &[Value],
    rows: usize,
    exact: RowFn,
    fast: impl Fn(Unit, i64, &TimeZone) -> Option<i64>,
) -> Result<ArrayRef> {
    let unit = match &a[0] {
        Value::Scalar(Datum::Text(name)) => match words::interval_word(&name.to_ascii_lowercase()) {
            Some(IntervalWord::Unit(unit)) => Some(unit),
            _ => None,
        },
        _ => None,
    };
    let (names, values) = (a[0].reader(Physical::Text), a[1].reader(Physical::Int64));
    let zone = session_zone(cx);
    let mut out = ColumnBuilder::new(Physical::Int64, rows);
    for i in 0..rows {
        let (name, value) = (names.get(i), values.get(i));
        if name.is_null() || value.is_null() {
            out.push(DatumRef::Null);
            continue;
        }
        let t = moment(value);
        let start = unit.filter(|_| timestamp_is_finite(t)).and_then(|unit| fast(unit, t, zone));
        match start.filter(|&start| timestamp_is_valid(start)) {
            Some(start) => out.push(DatumRef::Int8(start)),
            None => out.push(exact(cx, &[name, value])?.as_ref()),
        }
    }
    Ok(out.finish())
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(2020, "date_trunc", &[TEXT, TIMESTAMP], TIMESTAMP, Column(timestamp_trunc, timestamps_trunc)),
    f(1217, "date_trunc", &[TEXT, TIMESTAMPTZ], TIMESTAMPTZ, Column(timestamptz_trunc, timestamptzs_trunc)).stable(),
    f(1284, "date_trunc", &[TEXT, TIMESTAMPTZ, TEXT], TIMESTAMPTZ, Row(timestamptz_trunc_zone)).stable(),
    f(1218, "date_trunc", &[TEXT, INTERVAL], INTERVAL, Row(interval_trunc)),
];
