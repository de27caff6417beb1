//! `to_char` of timestamps and intervals (`DCH_to_char`).

use super::super::f;
use super::picture::{self, Case, Code, Field, Node, Ordinal};
use super::{seconds, session_zone};
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::datetime::calendar::*;
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, Interval};
use std::fmt::Write;

pub(super) const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAY_NAMES: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// December first.
pub(super) const ROMAN: [&str; 12] = ["xii", "xi", "x", "ix", "viii", "vii", "vi", "v", "iv", "iii", "ii", "i"];

/// What is printed: the fields of a timestamp or of an interval.
struct Shown {
    interval: bool,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    /// 0 is Sunday.
    weekday: usize,
    day_of_year: i64,
    /// Seconds east, and the zone's abbreviation if there is one.
    offset: i32,
    zone: Option<Box<str>>,
}

impl Shown {
    fn timestamp(tm: &Civil, zone: Option<(i32, Box<str>)>) -> Shown {
        let jd = tm.julian_day();
        let (offset, zone) = zone.map_or((0, None), |(offset, name)| (offset, Some(name)));
        Shown {
            interval: false,
            year: tm.year.into(),
            month: tm.month.into(),
            day: tm.day.into(),
            hour: tm.hour.into(),
            minute: tm.minute.into(),
            second: tm.second.into(),
            micros: tm.micros.into(),
            weekday: weekday(jd) as usize,
            day_of_year: jd - julian_day(tm.year, 1, 1) + 1,
            offset,
            zone,
        }
    }

    fn interval(value: Interval) -> Shown {
        let fields = value.fields();
        Shown {
            interval: true,
            year: fields.years.into(),
            month: fields.months.into(),
            day: fields.days.into(),
            hour: fields.hours,
            minute: fields.minutes.into(),
            second: fields.seconds.into(),
            micros: fields.micros.into(),
            weekday: 0,
            day_of_year: i64::from(value.months) * 30 + i64::from(value.days),
            offset: 0,
            zone: None,
        }
    }

    /// Years before Christ count from 1.
    fn shown_year(&self, year: i64) -> i64 {
        if !self.interval && year <= 0 { 1 - year } else { year }
    }

    /// The date, of a timestamp.
    fn date(&self) -> (i32, i32, i32) {
        (self.year as i32, self.month as i32, self.day as i32)
    }

    fn julian_day(&self) -> i64 {
        // An interval's months and days are taken as they are, though they make no date.
        let months = self.year * 12 + self.month - 1;
        julian_day(months.div_euclid(12) as i32, months.rem_euclid(12) as i32 + 1, 0) + self.day
    }

    fn iso_year(&self) -> i64 {
        let (year, month, day) = if self.interval { from_julian_day(self.julian_day()) } else { self.date() };
        iso_week(year, month, day).0.into()
    }

    fn write(&self, out: &mut String, field: &Field) -> Result<()> {
        let mut number = |value: i64, width: usize| -> Result<()> { write_number(out, field, value, width) };
        match field.key.code {
            Code::Hour12 => number(if self.hour % 12 == 0 { 12 } else { self.hour % 12 }, signed(self.hour, 2)),
            Code::Hour24 => number(self.hour, signed(self.hour, 2)),
            Code::Minute => number(self.minute, signed(self.minute, 2)),
            Code::Second => number(self.second, signed(self.second, 2)),
            Code::Fraction(digits) => write_fixed(out, field, self.micros / 10i64.pow(6 - digits), digits as usize),
            Code::Milliseconds => write_fixed(out, field, self.micros / 1000, 3),
            Code::Microseconds => write_fixed(out, field, self.micros, 6),
            Code::SecondsOfDay => write_fixed(out, field, self.hour * 3600 + self.minute * 60 + self.second, 0),
            Code::Month => number(self.month, signed(self.month, 2)),
            Code::DayOfYear => number(self.day_of_year, 3),
            Code::IsoDayOfYear => {
                let jd = self.julian_day();
                let start = iso_year_start(self.iso_year() as i32);
                number(jd - start + 1, 3)
            }
            Code::DayOfMonth => number(self.day, 2),
            Code::WeekOfYear => number((self.day_of_year - 1) / 7 + 1, 2),
            Code::IsoWeek => {
                let jd = self.julian_day();
                number((jd - iso_year_start(self.iso_year() as i32)) / 7 + 1, 2)
            }
            Code::Quarter if self.month == 0 => Ok(()),
            Code::Quarter => write_fixed(out, field, (self.month - 1) / 3 + 1, 0),
            Code::Century => {
                let century = match self.year {
                    year if self.interval => year / 100,
                    year @ 1.. => (year - 1) / 100 + 1,
                    year => year / 100 - 1,
                };
                if (-99..=99).contains(&century) {
                    write_number(out, field, century, signed(century, 2))
                } else {
                    write_fixed(out, field, century, 0)
                }
            }
            Code::YearWithComma => {
                let year = self.shown_year(self.year);
                let text = format!("{},{:03}", year / 1000, year % 1000);
                write_text(out, field, &text)
            }
            Code::Year(digits) => self.write_year(out, field, self.year, digits),
            Code::IsoYear(digits) => self.write_year(out, field, self.iso_year(), digits),
            Code::WeekOfMonth => write_fixed(out, field, (self.day - 1) / 7 + 1, 0),
            Code::JulianDay => write_fixed(out, field, self.julian_day(), 0),
            Code::Meridian { points, case } => {
                let afternoon = self.hour.rem_euclid(24) >= 12;
                let afternoon = if self.hour < 0 { self.hour % 24 >= 12 } else { afternoon };
                let text = match (points, afternoon) {
                    (true, true) => "P.M.",
                    (true, false) => "A.M.",
                    (false, true) => "PM",
                    (false, false) => "AM",
                };
                push_cased(out, text, case, 0);
                Ok(())
            }
            Code::RomanMonth { case } => {
                self.write_roman(out, field, case);
                Ok(())
            }
            Code::MonthName { .. } | Code::DayName { .. } | Code::Era { .. } if self.interval => {
                Err(not_for_interval())
            }
            Code::DayOfWeek | Code::IsoDayOfWeek if self.interval => Err(not_for_interval()),
            Code::Zone { .. } | Code::ZoneHours | Code::ZoneMinutes | Code::ZoneOffset if self.interval => {
                Err(not_for_interval())
            }
            Code::DayOfWeek => write_fixed(out, field, self.weekday as i64 + 1, 0),
            Code::IsoDayOfWeek => write_fixed(out, field, if self.weekday == 0 { 7 } else { self.weekday as i64 }, 0),
            _ => {
                self.write_word(out, field);
                Ok(())
            }
        }
    }

    fn write_year(&self, out: &mut String, field: &Field, year: i64, digits: u32) -> Result<()> {
        let year = self.shown_year(year);
        let shown = if digits == 4 { year } else { year % 10i64.pow(digits) };
        // The width goes by the calendar year even where the ISO year is printed.
        let negative = self.shown_year(self.year) < 0;
        let width = if digits == 1 { 1 } else { digits as usize + usize::from(negative) };
        write_number(out, field, shown, width)
    }

    /// In an interval, a December may be a year and nothing.
    fn write_roman(&self, out: &mut String, field: &Field, case: Case) {
        if self.month == 0 && self.year == 0 {
            return;
        }
        let index = match self.month {
            0 if self.year >= 0 => 0,
            0 => 11,
            month @ ..0 => -month - 1,
            month => 12 - month,
        };
        let width = if field.fill { 0 } else { 4 };
        push_cased(out, ROMAN[index as usize], case, width);
    }

    /// Names and zones of a timestamp.
    fn write_word(&self, out: &mut String, field: &Field) {
        let wide = if field.fill || field.translated { 0 } else { 9 };
        match field.key.code {
            Code::MonthName { full, case } => {
                let name = MONTH_NAMES[self.month as usize - 1];
                if full { push_cased(out, name, case, wide) } else { push_cased(out, &name[..3], case, 0) }
            }
            Code::DayName { full, case } => {
                let name = DAY_NAMES[self.weekday];
                if full { push_cased(out, name, case, wide) } else { push_cased(out, &name[..3], case, 0) }
            }
            Code::Era { points, case } => {
                let text = match (points, self.year <= 0) {
                    (true, true) => "B.C.",
                    (true, false) => "A.D.",
                    (false, true) => "BC",
                    (false, false) => "AD",
                };
                push_cased(out, text, case, 0);
            }
            Code::Zone { case } => {
                if let Some(zone) = &self.zone {
                    if case == Case::Lower { out.push_str(&zone.to_lowercase()) } else { out.push_str(zone) }
                }
            }
            Code::ZoneHours => {
                let sign = if self.offset >= 0 { '+' } else { '-' };
                let _ = write!(out, "{sign}{:02}", self.offset.abs() / 3600);
            }
            Code::ZoneMinutes => {
                let _ = write!(out, "{:02}", self.offset.abs() % 3600 / 60);
            }
            Code::ZoneOffset => {
                let sign = if self.offset >= 0 { '+' } else { '-' };
                let width = if field.fill { 0 } else { 2 };
                let _ = write!(out, "{sign}{:0width$}", self.offset.abs() / 3600);
                if self.offset % 3600 != 0 {
                    let _ = write!(out, ":{:02}", self.offset.abs() % 3600 / 60);
                }
            }
            // `FX` prints nothing.
            _ => {}
        }
    }
}

fn not_for_interval() -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, "invalid format specification for an interval value")
        .hint("Intervals are not tied to specific calendar dates.")
}

/// A minus takes a place of its own.
fn signed(value: i64, width: usize) -> usize {
    width + usize::from(value < 0)
}

/// Padded with zeros unless in fill mode.
fn write_number(out: &mut String, field: &Field, value: i64, width: usize) -> Result<()> {
    write_fixed(out, field, value, if field.fill { 0 } else { width })
}

fn write_fixed(out: &mut String, field: &Field, value: i64, width: usize) -> Result<()> {
    let start = out.len();
    let _ = write!(out, "{value:0width$}");
    push_ordinal(out, field, start);
    Ok(())
}

fn write_text(out: &mut String, field: &Field, text: &str) -> Result<()> {
    let start = out.len();
    out.push_str(text);
    push_ordinal(out, field, start);
    Ok(())
}

/// `st`, `nd`, `rd` or `th` for the number that starts at `start`.
fn push_ordinal(out: &mut String, field: &Field, start: usize) {
    let Some(ordinal) = field.ordinal else { return };
    let digits = &out.as_bytes()[start..];
    let teens = digits.len() > 1 && digits[digits.len() - 2] == b'1';
    let suffix = match digits.last() {
        Some(b'1') if !teens => "st",
        Some(b'2') if !teens => "nd",
        Some(b'3') if !teens => "rd",
        _ => "th",
    };
    push_cased(out, suffix, if ordinal == Ordinal::Upper { Case::Upper } else { Case::Lower }, 0);
}

/// ASCII letters in the case asked for, padded with blanks.
fn push_cased(out: &mut String, text: &str, case: Case, width: usize) {
    match case {
        Case::Upper => out.extend(text.chars().map(|c| c.to_ascii_uppercase())),
        Case::Lower => out.extend(text.chars().map(|c| c.to_ascii_lowercase())),
        Case::Capital => out.push_str(text),
    }
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(text.len())));
}

fn show(value: &Shown, format: &str) -> Result<Datum> {
    let mut out = String::with_capacity(format.len() * 2);
    for node in picture::parse(format) {
        match node {
            Node::Field(field) => value.write(&mut out, &field)?,
            Node::Separator(c) | Node::Space(c) | Node::Literal(c) => out.push(c),
        }
    }
    Ok(out.into())
}

fn format_of<'a>(value: DatumRef<'a>) -> &'a str {
    match value {
        DatumRef::Text(t) => t,
        other => panic!("{other:?} where text is wanted"),
    }
}

fn timestamp_to_char(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (DatumRef::Int8(value), format) = (a[0], format_of(a[1])) else { panic!("{:?} is no timestamp", a[0]) };
    if format.is_empty() || !timestamp_is_finite(value) {
        return Ok(Datum::Null);
    }
    show(&Shown::timestamp(&Civil::of_timestamp(value), None), format)
}

fn timestamptz_to_char(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (DatumRef::Int8(value), format) = (a[0], format_of(a[1])) else { panic!("{:?} is no timestamp", a[0]) };
    if format.is_empty() || !timestamp_is_finite(value) {
        return Ok(Datum::Null);
    }
    let zone = session_zone(cx);
    let info = zone.info_at(seconds(value));
    let tm = Civil::of_timestamp(value.saturating_add(i64::from(info.offset) * MICROS_PER_SECOND));
    show(&Shown::timestamp(&tm, Some((info.offset, info.abbreviation))), format)
}

fn interval_to_char(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (DatumRef::Interval(value), format) = (a[0], format_of(a[1])) else { panic!("{:?} is no interval", a[0]) };
    if format.is_empty() {
        return Ok(Datum::Null);
    }
    show(&Shown::interval(value), format)
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(2049, "to_char", &[TIMESTAMP, TEXT], TEXT, Row(timestamp_to_char)).stable(),
    f(1770, "to_char", &[TIMESTAMPTZ, TEXT], TEXT, Row(timestamptz_to_char)).stable(),
    f(1768, "to_char", &[INTERVAL, TEXT], TEXT, Row(interval_to_char)).stable(),
];
