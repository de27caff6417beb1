//! Intervals to text, in the four IntervalStyles (`EncodeInterval`).

use super::calendar::{MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use super::interval::Interval;
use super::write::{fraction, number};
use crate::types::format_context::IntervalStyle;

/// The fields of an interval, each with the sign of its part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntervalFields {
    pub years: i32,
    pub months: i32,
    pub days: i32,
    pub hours: i64,
    pub minutes: i32,
    pub seconds: i32,
    pub micros: i32,
}

impl Interval {
    /// Years and months, days, and the time's hours, minutes, seconds and microseconds.
    pub fn fields(self) -> IntervalFields {
        IntervalFields {
            years: self.months / 12,
            months: self.months % 12,
            days: self.days,
            hours: self.micros / MICROS_PER_HOUR,
            minutes: (self.micros % MICROS_PER_HOUR / MICROS_PER_MINUTE) as i32,
            seconds: (self.micros % MICROS_PER_MINUTE / MICROS_PER_SECOND) as i32,
            micros: (self.micros % MICROS_PER_SECOND) as i32,
        }
    }
}

impl IntervalFields {
    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.seconds != 0 || self.micros != 0
    }

    fn time_is_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.micros < 0
    }
}

pub fn interval(out: &mut Vec<u8>, value: Interval, style: IntervalStyle) {
    match style {
        IntervalStyle::Postgres => postgres(out, &value.fields()),
        IntervalStyle::PostgresVerbose => verbose(out, &value.fields()),
        IntervalStyle::SqlStandard => sql_standard(out, value),
        IntervalStyle::Iso8601 => iso_8601(out, &value.fields()),
    }
}

fn padded(out: &mut Vec<u8>, value: u64) {
    if value < 10 {
        out.push(b'0');
    }
    number(out, value);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    number(out, value.unsigned_abs());
}

/// `mm:ss.ffffff`, without signs.
fn minutes_seconds(out: &mut Vec<u8>, f: &IntervalFields) {
    padded(out, f.minutes.unsigned_abs().into());
    out.push(b':');
    padded(out, f.seconds.unsigned_abs().into());
    fraction(out, f.micros.unsigned_abs());
}

/// `-1 years -2 mons +3 days -04:05:06`: a sign that differs from the one before is written.
fn postgres(out: &mut Vec<u8>, f: &IntervalFields) {
    let start = out.len();
    let mut after_negative = false;
    for (value, unit) in [(f.years, "year"), (f.months, "mon"), (f.days, "day")] {
        if value == 0 {
            continue;
        }
        if out.len() > start {
            out.push(b' ');
        }
        if after_negative && value > 0 {
            out.push(b'+');
        }
        signed(out, value.into());
        out.push(b' ');
        out.extend_from_slice(unit.as_bytes());
        if value != 1 {
            out.push(b's');
        }
        after_negative = value < 0;
    }
    if out.len() > start {
        if !f.has_time() {
            return;
        }
        out.push(b' ');
    }
    if f.time_is_negative() {
        out.push(b'-');
    } else if after_negative {
        out.push(b'+');
    }
    padded(out, f.hours.unsigned_abs());
    out.push(b':');
    minutes_seconds(out, f);
}

/// `@ 1 year 2 mons ago`: the first field's sign is the sense of all.
fn verbose(out: &mut Vec<u8>, f: &IntervalFields) {
    out.push(b'@');
    let mut ago = None;
    let units = [
        (i64::from(f.years), "year"),
        (f.months.into(), "mon"),
        (f.days.into(), "day"),
        (f.hours, "hour"),
        (f.minutes.into(), "min"),
    ];
    for (value, unit) in units {
        if value == 0 {
            continue;
        }
        let shown = if *ago.get_or_insert(value < 0) { -value } else { value };
        out.push(b' ');
        signed(out, shown);
        out.push(b' ');
        out.extend_from_slice(unit.as_bytes());
        if shown != 1 {
            out.push(b's');
        }
    }
    if f.seconds != 0 || f.micros != 0 {
        let negative = f.seconds < 0 || f.micros < 0;
        let ago = *ago.get_or_insert(negative);
        out.push(b' ');
        if negative != ago {
            out.push(b'-');
        }
        number(out, f.seconds.unsigned_abs().into());
        fraction(out, f.micros.unsigned_abs());
        out.extend_from_slice(if f.seconds.abs() == 1 && f.micros == 0 { b" sec" } else { b" secs" });
    }
    match ago {
        None => out.extend_from_slice(b" 0"),
        Some(true) => out.extend_from_slice(b" ago"),
        Some(false) => {}
    }
}

/// `1-2` or `3 4:05:06`; with mixed signs or both halves, all of it with every sign.
fn sql_standard(out: &mut Vec<u8>, value: Interval) {
    let f = value.fields();
    let negative = value.months < 0 || value.days < 0 || value.micros < 0;
    let positive = value.months > 0 || value.days > 0 || value.micros > 0;
    let year_month = value.months != 0;
    let day_time = value.days != 0 || value.micros != 0;
    if !negative && !positive {
        out.push(b'0');
        return;
    }
    if negative && positive || year_month && day_time {
        let sign = |negative| if negative { b'-' } else { b'+' };
        out.push(sign(value.months < 0));
        number(out, f.years.unsigned_abs().into());
        out.push(b'-');
        number(out, f.months.unsigned_abs().into());
        out.push(b' ');
        out.push(sign(value.days < 0));
        number(out, f.days.unsigned_abs().into());
        out.push(b' ');
        out.push(sign(value.micros < 0));
        number(out, f.hours.unsigned_abs());
        out.push(b':');
        minutes_seconds(out, &f);
        return;
    }
    if negative {
        out.push(b'-');
    }
    if year_month {
        number(out, f.years.unsigned_abs().into());
        out.push(b'-');
        number(out, f.months.unsigned_abs().into());
        return;
    }
    if value.days != 0 {
        number(out, f.days.unsigned_abs().into());
        out.push(b' ');
    }
    number(out, f.hours.unsigned_abs());
    out.push(b':');
    minutes_seconds(out, &f);
}

/// `P1Y2M3DT4H5M6S`.
fn iso_8601(out: &mut Vec<u8>, f: &IntervalFields) {
    if *f == IntervalFields::default() {
        out.extend_from_slice(b"PT0S");
        return;
    }
    fn part(out: &mut Vec<u8>, value: i64, unit: u8) {
        if value != 0 {
            signed(out, value);
            out.push(unit);
        }
    }
    out.push(b'P');
    part(out, f.years.into(), b'Y');
    part(out, f.months.into(), b'M');
    part(out, f.days.into(), b'D');
    if f.has_time() {
        out.push(b'T');
    }
    part(out, f.hours, b'H');
    part(out, f.minutes.into(), b'M');
    if f.seconds != 0 || f.micros != 0 {
        if f.seconds < 0 || f.micros < 0 {
            out.push(b'-');
        }
        number(out, f.seconds.unsigned_abs().into());
        fraction(out, f.micros.unsigned_abs());
        out.push(b'S');
    }
}
