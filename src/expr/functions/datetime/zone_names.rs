//! `pg_timezone_names()` and `pg_timezone_abbrevs()`: what zones there are and what holds in them now.

use super::super::f;
use super::seconds;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::Kernel::Set;
use crate::expr::function::{CallTypes, Function, SetRows};
use crate::types::datetime::abbreviations::{self, Abbreviation};
use crate::types::datetime::calendar::MICROS_PER_SECOND;
use crate::types::oid::*;
use crate::types::{ColumnBuilder, DatumRef, Interval, TimeZone};

/// Rows worked out one by one from names.
struct Names {
    names: std::vec::IntoIter<String>,
    row: fn(&str, now: i64, &mut [ColumnBuilder]),
}

impl SetRows for Names {
    fn next(&mut self, cx: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize> {
        let now = seconds(cx.transaction_us);
        let mut rows = 0;
        for name in self.names.by_ref().take(max) {
            (self.row)(&name, now, columns);
            rows += 1;
        }
        Ok(rows)
    }
}

fn offset(east: i32) -> DatumRef<'static> {
    DatumRef::Interval(Interval { months: 0, days: 0, micros: i64::from(east) * MICROS_PER_SECOND })
}

fn name_row(name: &str, now: i64, columns: &mut [ColumnBuilder]) {
    let info = TimeZone::find(name).unwrap_or_else(TimeZone::utc).info_at(now);
    let row =
        [DatumRef::Text(name), DatumRef::Text(&info.abbreviation), offset(info.offset), DatumRef::Bool(info.daylight)];
    columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
}

fn abbreviation_row(name: &str, now: i64, columns: &mut [ColumnBuilder]) {
    let (east, daylight) = match abbreviations::find(name) {
        Some(Abbreviation::Standard(east)) => (east, false),
        Some(Abbreviation::Daylight(east)) => (east, true),
        Some(Abbreviation::In(zone)) => {
            let zone = TimeZone::find(zone).expect("the table's zones exist");
            abbreviations::at_moment(name, &zone, now).unwrap_or_else(|| (zone.offset_at(now), false))
        }
        None => (0, false),
    };
    let upper = name.to_ascii_uppercase();
    let row = [DatumRef::Text(&upper), offset(east), DatumRef::Bool(daylight)];
    columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
}

fn names(_: &mut EvalContext<'_>, _: CallTypes<'_>, _: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    Ok(Box::new(Names { names: TimeZone::all_names().into_iter(), row: name_row }))
}

fn abbreviations(_: &mut EvalContext<'_>, _: CallTypes<'_>, _: &[DatumRef<'_>]) -> Result<Box<dyn SetRows>> {
    let names: Vec<String> = abbreviations::all().map(|(name, _)| name.to_string()).collect();
    Ok(Box::new(Names { names: names.into_iter(), row: abbreviation_row }))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(2856, "pg_timezone_names", &[], RECORD, Set(names)).set().stable().with_out(&[("name", TEXT), ("abbrev", TEXT), ("utc_offset", INTERVAL), ("is_dst", BOOL)]),
    f(2599, "pg_timezone_abbrevs", &[], RECORD, Set(abbreviations)).set().stable().with_out(&[("abbrev", TEXT), ("utc_offset", INTERVAL), ("is_dst", BOOL)]),
];
