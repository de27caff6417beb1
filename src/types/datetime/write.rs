//! From dates and times to text, in the four DateStyles (`EncodeDateTime` and its kin).

use super::calendar::{Civil, MICROS_PER_SECOND, date_is_finite, timestamp_is_finite, weekday};
use super::unpack_timetz;
use super::zone::ZoneInfo;
use crate::types::format_context::{DateOrder, DateStyle, FormatContext};

pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
pub const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Longest abbreviation of a zone in output.
const ZONE_LETTERS: usize = 10;

fn two(out: &mut Vec<u8>, value: i32) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

/// At least four digits.
fn year(out: &mut Vec<u8>, tm: &Civil) {
    let value = if tm.year > 0 { tm.year } else { 1 - tm.year };
    if value < 10_000 {
        two(out, value / 100);
        two(out, value % 100);
    } else {
        number(out, value.unsigned_abs().into());
    }
}

/// A number in decimal.
pub(super) fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A point and the digits of the microseconds without trailing zeros; nothing for zero.
pub(super) fn fraction(out: &mut Vec<u8>, micros: u32) {
    if micros == 0 {
        return;
    }
    out.push(b'.');
    let mut rest = micros;
    let mut unit = 100_000;
    while rest > 0 {
        out.push(b'0' + (rest / unit) as u8);
        rest %= unit;
        unit /= 10;
    }
}

fn clock(out: &mut Vec<u8>, tm: &Civil) {
    two(out, tm.hour);
    out.push(b':');
    two(out, tm.minute);
    out.push(b':');
    two(out, tm.second);
    fraction(out, tm.micros.unsigned_abs());
}

/// `+hh[:mm[:ss]]` of an offset in seconds east.
fn offset(out: &mut Vec<u8>, east: i32) {
    out.push(if east < 0 { b'-' } else { b'+' });
    let seconds = east.abs();
    two(out, seconds / 3600);
    if seconds % 3600 != 0 {
        out.push(b':');
        two(out, seconds / 60 % 60);
    }
    if seconds % 60 != 0 {
        out.push(b':');
        two(out, seconds % 60);
    }
}

/// Day and month in the order of the setting, separated.
fn day_month(out: &mut Vec<u8>, tm: &Civil, order: DateOrder, separator: u8) {
    let (first, second) = if order == DateOrder::Dmy { (tm.day, tm.month) } else { (tm.month, tm.day) };
    two(out, first);
    out.push(separator);
    two(out, second);
    out.push(separator);
}

fn numeric_date(out: &mut Vec<u8>, tm: &Civil, style: DateStyle, order: DateOrder) {
    match style {
        DateStyle::Iso => {
            year(out, tm);
            out.push(b'-');
            two(out, tm.month);
            out.push(b'-');
            two(out, tm.day);
            return;
        }
        DateStyle::Sql => day_month(out, tm, order, b'/'),
        DateStyle::German => day_month(out, tm, DateOrder::Dmy, b'.'),
        DateStyle::Postgres => day_month(out, tm, order, b'-'),
    }
    year(out, tm);
}

fn era(out: &mut Vec<u8>, tm: &Civil) {
    if tm.year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

pub fn date(out: &mut Vec<u8>, value: i32, context: &FormatContext) {
    if !date_is_finite(value) {
        return infinity(out, value > 0);
    }
    let tm = Civil::of_date(value);
    numeric_date(out, &tm, context.date_style, context.date_order);
    era(out, &tm);
}

fn infinity(out: &mut Vec<u8>, positive: bool) {
    out.extend_from_slice(if positive { b"infinity" } else { b"-infinity" });
}

pub fn time(out: &mut Vec<u8>, micros: i64) {
    clock(out, &Civil::of_time(micros));
}

pub fn timetz(out: &mut Vec<u8>, packed: i64) {
    let (micros, west) = unpack_timetz(packed);
    time(out, micros);
    offset(out, -west);
}

pub fn timestamp(out: &mut Vec<u8>, value: i64, context: &FormatContext) {
    if !timestamp_is_finite(value) {
        return infinity(out, value > 0);
    }
    date_time(out, &Civil::of_timestamp(value), None, context);
}

pub fn timestamptz(out: &mut Vec<u8>, value: i64, context: &FormatContext) {
    if !timestamp_is_finite(value) {
        return infinity(out, value > 0);
    }
    let (zone, moment) = (&context.time_zone, value.div_euclid(MICROS_PER_SECOND));
    let shown = if context.date_style == DateStyle::Iso {
        ShownZone::Offset(zone.offset_at(moment))
    } else {
        ShownZone::Name(zone.info_at(moment))
    };
    let east = match &shown {
        ShownZone::Offset(east) => *east,
        ShownZone::Name(info) => info.offset,
    };
    let tm = Civil::of_timestamp(value.saturating_add(i64::from(east) * MICROS_PER_SECOND));
    date_time(out, &tm, Some(shown), context);
}

/// How a zone is shown after a time.
enum ShownZone {
    /// Seconds east.
    Offset(i32),
    Name(ZoneInfo),
}

fn date_time(out: &mut Vec<u8>, tm: &Civil, zone: Option<ShownZone>, context: &FormatContext) {
    if context.date_style == DateStyle::Postgres {
        out.extend_from_slice(WEEKDAYS[weekday(tm.julian_day()) as usize].as_bytes());
        out.push(b' ');
        let month = MONTHS[tm.month as usize - 1].as_bytes();
        if context.date_order == DateOrder::Dmy {
            two(out, tm.day);
            out.push(b' ');
            out.extend_from_slice(month);
        } else {
            out.extend_from_slice(month);
            out.push(b' ');
            two(out, tm.day);
        }
        out.push(b' ');
        clock(out, tm);
        out.push(b' ');
        year(out, tm);
    } else {
        numeric_date(out, tm, context.date_style, context.date_order);
        out.push(b' ');
        clock(out, tm);
    }
    match zone {
        None => {}
        Some(ShownZone::Offset(east)) => offset(out, east),
        Some(ShownZone::Name(info)) => {
            out.push(b' ');
            out.extend(info.abbreviation.bytes().take(ZONE_LETTERS));
        }
    }
    era(out, tm);
}
