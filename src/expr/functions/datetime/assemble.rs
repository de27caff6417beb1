//! `to_timestamp(text, format)` and `to_date`: what a picture's fields say, put together (`do_to_timestamp`).

use super::super::f;
use super::from_char::{self, Found, format_error};
use super::picture::Calendar;
use super::session_zone;
use crate::base::{Error, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::datetime::arith::{overflow, timestamp_out_of_range};
use crate::types::datetime::calendar::*;
use crate::types::oid::*;
use crate::types::{Datum, DatumRef, SqlType, coerce_typmod};

/// A date and time, how many digits of its seconds count, and the zone in seconds west if it was given.
struct Parsed {
    tm: Civil,
    fraction_digits: u32,
    zone: Option<i32>,
}

/// Which parts of the date are known, so that they are checked.
#[derive(Default)]
struct Known {
    year: bool,
    month: bool,
    day: bool,
}

impl Known {
    const ALL: Known = Known { year: true, month: true, day: true };
}

fn set_julian(tm: &mut Civil, day: i64) {
    (tm.year, tm.month, tm.day) = from_julian_day(day);
}

/// The year from what was read of it, in astronomical counting.
fn year_of(found: &Found) -> Option<i32> {
    let century = if found.bc != 0 { found.century.wrapping_neg() } else { found.century };
    if found.year != 0 {
        if century != 0 && found.year_digits <= 2 {
            let year = found.year % 100;
            return Some(match (year, century < 0) {
                (0, negative) => century.wrapping_mul(100).wrapping_add(i32::from(negative)),
                (_, true) => century.wrapping_add(1).wrapping_mul(100).wrapping_sub(year).wrapping_add(1),
                (_, false) => century.wrapping_sub(1).wrapping_mul(100).wrapping_add(year),
            });
        }
        let year = if found.bc != 0 { found.year.wrapping_neg() } else { found.year };
        return Some(if year < 0 { year + 1 } else { year });
    }
    match century {
        0 => None,
        1.. => Some(century.wrapping_sub(1).wrapping_mul(100).wrapping_add(1)),
        _ => Some(century.wrapping_mul(100).wrapping_add(1)),
    }
}

impl Found {
    fn time(&self, tm: &mut Civil) -> Result<()> {
        if self.second_of_day != 0 {
            tm.hour = self.second_of_day / 3600;
            tm.minute = self.second_of_day % 3600 / 60;
            tm.second = self.second_of_day % 60;
        }
        for (target, value) in [(&mut tm.hour, self.hour), (&mut tm.minute, self.minute), (&mut tm.second, self.second)]
        {
            if value != 0 {
                *target = value;
            }
        }
        if self.twelve_hours {
            if !(1..=12).contains(&tm.hour) {
                return Err(format_error(format!("hour \"{}\" is invalid for the 12-hour clock", tm.hour))
                    .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            if self.pm != 0 && tm.hour < 12 {
                tm.hour += 12;
            } else if self.pm == 0 && tm.hour == 12 {
                tm.hour = 0;
            }
        }
        tm.micros = self.millis.saturating_mul(1000).saturating_add(self.micros);
        Ok(())
    }

    fn date(&self, tm: &mut Civil) -> Result<Known> {
        let mut known = Known::default();
        let iso = self.calendar == Calendar::IsoWeek;
        let mut day_of_year = self.day_of_year;
        if let Some(year) = year_of(self) {
            tm.year = year;
            known.year = true;
        }
        if self.julian != 0 {
            set_julian(tm, self.julian.into());
            known = Known::ALL;
        }
        if self.week != 0 && iso {
            let monday = iso_year_start(tm.year) + (i64::from(self.week) - 1) * 7;
            let day = match self.weekday {
                0 => 0,
                1 => 6,
                day => i64::from(day) - 2,
            };
            set_julian(tm, monday + day);
            known = Known::ALL;
        } else if self.week != 0 {
            day_of_year = self.week.wrapping_sub(1).wrapping_mul(7).wrapping_add(1);
        }
        let day = if self.week_of_month != 0 {
            self.week_of_month.wrapping_sub(1).wrapping_mul(7).wrapping_add(1)
        } else {
            self.day
        };
        if day != 0 {
            tm.day = day;
            known.day = true;
        }
        if self.month != 0 {
            tm.month = self.month;
            known.month = true;
        }
        if day_of_year != 0 && (tm.month <= 1 || tm.day <= 1) {
            if tm.year == 0 && self.bc == 0 {
                return Err(format_error("cannot calculate day of year without year information".into()));
            }
            if iso {
                set_julian(tm, iso_year_start(tm.year) - 1 + i64::from(day_of_year));
                return Ok(Known::ALL);
            }
            place_day_of_year(tm, day_of_year);
            (known.month, known.day) = (true, true);
        }
        Ok(known)
    }
}

/// Month and day, as far as they are not given; a day past the year's end is in a 13th month.
fn place_day_of_year(tm: &mut Civil, day_of_year: i32) {
    let (mut month, mut before) = (1, 0);
    while month <= 12 {
        let length = days_in_month(tm.year, month);
        if day_of_year <= before + length {
            break;
        }
        before += length;
        month += 1;
    }
    if tm.month <= 1 {
        tm.month = month;
    }
    if tm.day <= 1 {
        tm.day = day_of_year.wrapping_sub(before);
    }
}

fn parse(text: &str, format: &str) -> Result<Parsed> {
    let found = from_char::read(text, format)?;
    let mut tm = Civil { month: 1, day: 1, ..Civil::default() };
    found.time(&mut tm)?;
    let known = found.date(&mut tm)?;
    let wrong = || overflow(&format!("date/time field value out of range: \"{text}\""));
    if known.month && !(1..=12).contains(&tm.month) || known.day && !(1..=31).contains(&tm.day) {
        return Err(wrong());
    }
    if known.year && known.month && known.day && tm.day > days_in_month(tm.year, tm.month) {
        return Err(wrong());
    }
    let clock = (0..24).contains(&tm.hour) && (0..60).contains(&tm.minute) && (0..60).contains(&tm.second);
    if !clock || !(0..1_000_000).contains(&tm.micros) {
        return Err(wrong());
    }
    let zone = match found.zone_sign {
        0 => None,
        _ if !(0..=15).contains(&found.zone_hours) || !(0..60).contains(&found.zone_minutes) => {
            let message = format!("time zone displacement out of range: \"{text}\"");
            return Err(Error::new(SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE, message));
        }
        sign => Some(-sign * (found.zone_hours * 60 + found.zone_minutes) * 60),
    };
    Ok(Parsed { tm, fraction_digits: found.fraction_digits, zone })
}

fn texts<'a>(a: &[DatumRef<'a>]) -> (&'a str, &'a str) {
    match (a[0], a[1]) {
        (DatumRef::Text(text), DatumRef::Text(format)) => (text, format),
        other => panic!("{other:?} where texts are wanted"),
    }
}

fn to_timestamp(cx: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (text, format) = texts(a);
    let parsed = parse(text, format)?;
    if !parsed.tm.has_valid_day() {
        return Err(timestamp_out_of_range());
    }
    let zone = parsed.zone.unwrap_or_else(|| -session_zone(cx).offset_of_local(parsed.tm.seconds()));
    let value = Datum::Int8(parsed.tm.timestamp(zone).ok_or_else(timestamp_out_of_range)?);
    match parsed.fraction_digits {
        0 => Ok(value),
        digits => coerce_typmod(SqlType::with_typmod(TIMESTAMPTZ, digits as i32), value, true),
    }
}

fn to_date(_: &mut EvalContext<'_>, a: &[DatumRef<'_>]) -> Result<Datum> {
    let (text, format) = texts(a);
    let parsed = parse(text, format)?;
    let wrong = || overflow(&format!("date out of range: \"{text}\""));
    if !parsed.tm.has_valid_day() {
        return Err(wrong());
    }
    let date = i32::try_from(parsed.tm.date()).ok().filter(|&d| date_is_valid(d)).ok_or_else(wrong)?;
    Ok(Datum::Int4(date))
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(1778, "to_timestamp", &[TEXT, TEXT], TIMESTAMPTZ, Row(to_timestamp)).stable(),
    f(1780, "to_date", &[TEXT, TEXT], DATE, Row(to_date)).stable(),
];
