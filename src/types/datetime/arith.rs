//! Arithmetic of dates, timestamps and intervals, and moving between the types (`timestamp.c`, `date.c`).
//!
//! A month is added by the calendar, at the end of a shorter month if need be; a day moves the date and keeps the local
//! time of day; a microsecond is a microsecond. Infinities stay what they are.

use super::calendar::*;
use super::interval::Interval;
use super::zone::TimeZone;
use crate::base::{Error, Result, SqlState};

pub fn overflow(message: &str) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
}

pub fn timestamp_out_of_range() -> Error {
    overflow("timestamp out of range")
}

pub fn interval_out_of_range() -> Error {
    overflow("interval out of range")
}

fn valid_timestamp(value: Option<i64>) -> Result<i64> {
    value.filter(|&t| timestamp_is_valid(t)).ok_or_else(timestamp_out_of_range)
}

fn infinite(date: i32) -> i64 {
    if date > 0 { TIMESTAMP_INFINITY } else { TIMESTAMP_NEG_INFINITY }
}

/// Midnight of a date. What no timestamp can hold lies between the last one and infinity: good for comparisons only.
pub fn date_to_timestamp_wide(date: i32) -> i64 {
    match date {
        DATE_INFINITY | DATE_NEG_INFINITY => infinite(date),
        TIMESTAMP_END_DAY.. => TIMESTAMP_INFINITY - 1,
        _ => i64::from(date) * MICROS_PER_DAY,
    }
}

/// A local timestamp in UTC. What is out of range lies between the range and infinity: good for comparisons only.
pub fn timestamp_to_utc_wide(timestamp: i64, zone: &TimeZone) -> i64 {
    if !timestamp_is_finite(timestamp) || !timestamp_is_valid(timestamp) {
        return timestamp;
    }
    match zone.to_utc(timestamp) {
        utc if utc < TIMESTAMP_MIN => TIMESTAMP_NEG_INFINITY + 1,
        utc if utc >= TIMESTAMP_END => TIMESTAMP_INFINITY - 1,
        utc => utc,
    }
}

/// 22008 if no timestamp holds the date.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    if date_is_finite(date) && date >= TIMESTAMP_END_DAY {
        return Err(overflow("date out of range for timestamp"));
    }
    Ok(date_to_timestamp_wide(date))
}

pub fn date_to_timestamptz(date: i32, zone: &TimeZone) -> Result<i64> {
    let local = date_to_timestamp(date)?;
    if !timestamp_is_finite(local) {
        return Ok(local);
    }
    let utc = zone.to_utc(local);
    if timestamp_is_valid(utc) { Ok(utc) } else { Err(overflow("date out of range for timestamp")) }
}

pub fn timestamp_to_date(timestamp: i64) -> i32 {
    match timestamp {
        TIMESTAMP_INFINITY => DATE_INFINITY,
        TIMESTAMP_NEG_INFINITY => DATE_NEG_INFINITY,
        t => t.div_euclid(MICROS_PER_DAY) as i32,
    }
}

/// Local time in UTC.
pub fn timestamp_to_utc(timestamp: i64, zone: &TimeZone) -> Result<i64> {
    if !timestamp_is_finite(timestamp) {
        return Ok(timestamp);
    }
    valid_timestamp(Some(zone.to_utc(timestamp)))
}

/// UTC as local time.
pub fn timestamp_to_local(timestamp: i64, zone: &TimeZone) -> Result<i64> {
    if !timestamp_is_finite(timestamp) {
        return Ok(timestamp);
    }
    valid_timestamp(Some(zone.to_local(timestamp)))
}

/// Moves by an offset in seconds.
pub fn shift_timestamp(timestamp: i64, seconds: i64) -> Result<i64> {
    if !timestamp_is_finite(timestamp) {
        return Ok(timestamp);
    }
    valid_timestamp(seconds.checked_mul(MICROS_PER_SECOND).and_then(|s| timestamp.checked_add(s)))
}

/// The same day so many months on, or the last of its month.
fn add_months(tm: &mut Civil, months: i32) -> Result<()> {
    let total = i64::from(tm.year) * 12 + i64::from(tm.month) - 1 + i64::from(months);
    tm.year = i32::try_from(total.div_euclid(12)).map_err(|_| timestamp_out_of_range())?;
    tm.month = total.rem_euclid(12) as i32 + 1;
    tm.day = tm.day.min(days_in_month(tm.year, tm.month));
    Ok(())
}

/// A local timestamp's months and days moved.
fn add_calendar(local: i64, interval: Interval) -> Result<i64> {
    let mut moved = local;
    if interval.months != 0 {
        let mut tm = Civil::of_timestamp(moved);
        add_months(&mut tm, interval.months)?;
        moved = tm.timestamp(0).ok_or_else(timestamp_out_of_range)?;
    }
    if interval.days != 0 {
        let sum = i128::from(moved) + i128::from(interval.days) * i128::from(MICROS_PER_DAY);
        moved = valid_timestamp(i64::try_from(sum).ok())?;
    }
    Ok(moved)
}

/// `timestamp + interval`.
pub fn add_interval(timestamp: i64, interval: Interval) -> Result<i64> {
    if !timestamp_is_finite(timestamp) {
        return Ok(timestamp);
    }
    valid_timestamp(add_calendar(timestamp, interval)?.checked_add(interval.micros))
}

/// `timestamptz + interval`: months and days move the local date, each to the offset that holds there.
pub fn add_interval_in_zone(timestamp: i64, interval: Interval, zone: &TimeZone) -> Result<i64> {
    if !timestamp_is_finite(timestamp) {
        return Ok(timestamp);
    }
    let mut moved = timestamp;
    for part in [Interval { days: 0, ..interval }, Interval { months: 0, ..interval }] {
        if part.months != 0 || part.days != 0 {
            let local = add_calendar(zone.to_local(moved), part)?;
            moved = valid_timestamp(Some(zone.to_utc(local)))?;
        }
    }
    valid_timestamp(moved.checked_add(interval.micros))
}

/// `a - b` of timestamps: days and time.
pub fn timestamp_difference(a: i64, b: i64) -> Result<Interval> {
    if !timestamp_is_finite(a) || !timestamp_is_finite(b) {
        return Err(overflow("cannot subtract infinite timestamps"));
    }
    let micros = a.checked_sub(b).ok_or_else(interval_out_of_range)?;
    Interval { months: 0, days: 0, micros }.justify_hours()
}

/// `age(a, b)` of local timestamps: years, months, days and time by the calendar.
pub fn age(a: i64, b: i64) -> Result<Interval> {
    if !timestamp_is_finite(a) || !timestamp_is_finite(b) {
        return Err(timestamp_out_of_range());
    }
    let negative = a < b;
    let (later, earlier) = if negative { (b, a) } else { (a, b) };
    let (to, from) = (Civil::of_timestamp(later), Civil::of_timestamp(earlier));
    let mut micros = to.time() - from.time();
    let mut days = to.day - from.day;
    let mut months = (to.year - from.year) * 12 + to.month - from.month;
    if micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    }
    // Days are borrowed from the month of the earlier one.
    while days < 0 {
        days += days_in_month(from.year, from.month);
        months -= 1;
    }
    let age = Interval { months, days, micros };
    Ok(if negative { age.negated() } else { age })
}

/// The start of the stride that holds the timestamp, strides counted from the origin (`timestamp_bin`).
pub fn bin(stride: Interval, timestamp: i64, origin: i64) -> Result<i64> {
    if !timestamp_is_finite(timestamp) {
        return Ok(timestamp);
    }
    if !timestamp_is_finite(origin) {
        return Err(overflow("origin out of range"));
    }
    if stride.months != 0 {
        return Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let width = i64::from(stride.days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|d| d.checked_add(stride.micros))
        .ok_or_else(interval_out_of_range)?;
    if width <= 0 {
        return Err(overflow("stride must be greater than zero"));
    }
    let distance = timestamp.checked_sub(origin).ok_or_else(interval_out_of_range)?;
    valid_timestamp(timestamp.checked_sub(distance.rem_euclid(width)))
}

/// `time + interval`: the clock goes around.
pub fn add_to_time(micros: i64, interval: Interval) -> i64 {
    (i128::from(micros) + i128::from(interval.micros)).rem_euclid(i128::from(MICROS_PER_DAY)) as i64
}

/// `date + days`.
pub fn add_days(date: i32, days: i32) -> Result<i32> {
    if !date_is_finite(date) {
        return Ok(date);
    }
    date.checked_add(days).filter(|&d| date_is_valid(d)).ok_or_else(|| overflow("date out of range"))
}

/// Seconds rounded to microseconds, where sums of products would show their last bits.
fn whole_micros(value: f64) -> f64 {
    (value * 1e6).round_ties_even() / 1e6
}

impl Interval {
    pub const ZERO: Interval = Interval { months: 0, days: 0, micros: 0 };

    /// Of the other sign; the least integers stay what they are.
    pub fn negated(self) -> Interval {
        Interval {
            months: self.months.wrapping_neg(),
            days: self.days.wrapping_neg(),
            micros: self.micros.wrapping_neg(),
        }
    }

    /// `- interval`; 22008 if a part has no opposite.
    pub fn checked_neg(self) -> Result<Interval> {
        Interval::ZERO.checked_sub(self)
    }

    pub fn checked_add(self, other: Interval) -> Result<Interval> {
        let sum = || {
            Some(Interval {
                months: self.months.checked_add(other.months)?,
                days: self.days.checked_add(other.days)?,
                micros: self.micros.checked_add(other.micros)?,
            })
        };
        sum().ok_or_else(interval_out_of_range)
    }

    pub fn checked_sub(self, other: Interval) -> Result<Interval> {
        let difference = || {
            Some(Interval {
                months: self.months.checked_sub(other.months)?,
                days: self.days.checked_sub(other.days)?,
                micros: self.micros.checked_sub(other.micros)?,
            })
        };
        difference().ok_or_else(interval_out_of_range)
    }

    /// Fractions of months become days, of days time; nothing goes up.
    fn scale(self, apply: impl Fn(f64) -> f64) -> Result<Interval> {
        let whole = |value: f64| {
            let fits = value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX);
            if fits { Ok(value as i32) } else { Err(interval_out_of_range()) }
        };
        let (exact_months, exact_days) = (apply(self.months.into()), apply(self.days.into()));
        let (months, mut days) = (whole(exact_months)?, whole(exact_days)?);
        let month_days = whole_micros((exact_months - f64::from(months)) * 30.0);
        let day_fraction = exact_days - f64::from(days) + month_days - month_days.trunc();
        let mut seconds = whole_micros(day_fraction * SECONDS_PER_DAY as f64);
        let mut add_days = |more: f64| {
            days = days.checked_add(more as i32).ok_or_else(interval_out_of_range)?;
            Ok::<(), Error>(())
        };
        if seconds.abs() >= SECONDS_PER_DAY as f64 {
            let more = (seconds / SECONDS_PER_DAY as f64).trunc();
            add_days(more)?;
            seconds -= more * SECONDS_PER_DAY as f64;
        }
        add_days(month_days.trunc())?;
        let micros = (apply(self.micros as f64) + seconds * 1e6).round_ties_even();
        if !(micros >= i64::MIN as f64 && micros < -(i64::MIN as f64)) {
            return Err(interval_out_of_range());
        }
        Ok(Interval { months, days, micros: micros as i64 })
    }

    pub fn multiply(self, factor: f64) -> Result<Interval> {
        self.scale(|v| v * factor)
    }

    /// 22012 if the divisor is zero.
    pub fn divide(self, divisor: f64) -> Result<Interval> {
        if divisor == 0.0 {
            return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        self.scale(|v| v / divisor)
    }

    /// Whole days of time become days; days and time get one sign.
    pub fn justify_hours(self) -> Result<Interval> {
        let whole = (self.micros / MICROS_PER_DAY) as i32;
        let days = self.days.checked_add(whole).ok_or_else(interval_out_of_range)?;
        let (days, micros) = same_sign_time(days, self.micros % MICROS_PER_DAY);
        Ok(Interval { days, micros, ..self })
    }

    /// Whole months of 30 days become months; months and days get one sign.
    pub fn justify_days(self) -> Result<Interval> {
        let mut months = self.months.checked_add(self.days / 30).ok_or_else(interval_out_of_range)?;
        let mut days = self.days % 30;
        if months > 0 && days < 0 {
            (months, days) = (months - 1, days + 30);
        } else if months < 0 && days > 0 {
            (months, days) = (months + 1, days - 30);
        }
        Ok(Interval { months, days, ..self })
    }

    /// Both, and all three get one sign.
    pub fn justify(self) -> Result<Interval> {
        let days = i64::from(self.days) + self.micros / MICROS_PER_DAY;
        let mut micros = self.micros % MICROS_PER_DAY;
        let whole = i32::try_from(days / 30).map_err(|_| interval_out_of_range())?;
        let mut days = (days % 30) as i32;
        let mut months = self.months.checked_add(whole).ok_or_else(interval_out_of_range)?;
        if months > 0 && (days < 0 || (days == 0 && micros < 0)) {
            (months, days) = (months - 1, days + 30);
        } else if months < 0 && (days > 0 || (days == 0 && micros > 0)) {
            (months, days) = (months + 1, days - 30);
        }
        (days, micros) = same_sign_time(days, micros);
        Ok(Interval { months, days, micros })
    }
}

fn same_sign_time(days: i32, micros: i64) -> (i32, i64) {
    if days > 0 && micros < 0 {
        (days - 1, micros + MICROS_PER_DAY)
    } else if days < 0 && micros > 0 {
        (days + 1, micros - MICROS_PER_DAY)
    } else {
        (days, micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_where_the_month_ends() {
        let at = |year, month, day| Civil { year, month, day, ..Civil::default() }.timestamp(0).unwrap();
        let months = |months| Interval { months, ..Interval::ZERO };
        assert_eq!(add_interval(at(2023, 1, 31), months(1)).unwrap(), at(2023, 2, 28));
        assert_eq!(add_interval(at(2024, 3, 31), months(-1)).unwrap(), at(2024, 2, 29));
        assert_eq!(add_interval(at(2024, 3, 31), months(-15)).unwrap(), at(2022, 12, 31));
        let days = |days| Interval { days, ..Interval::ZERO };
        let (year, month, day) = from_julian_day(109_000_000);
        assert_eq!(add_interval(TIMESTAMP_MIN, days(109_000_000)).unwrap(), at(year, month, day));
        assert!(add_interval(at(-4713, 11, 24), days(i32::MAX)).is_err());
        assert!(add_interval(at(294_276, 12, 31), months(1)).is_err());
        assert!(add_interval(at(2000, 1, 1), months(i32::MAX)).is_err());
        assert_eq!(add_interval(TIMESTAMP_INFINITY, months(1)).unwrap(), TIMESTAMP_INFINITY);
    }

    #[test]
    fn a_day_in_a_zone_may_have_23_hours() {
        let zone = TimeZone::named("Europe/Berlin").unwrap();
        let noon = Civil { year: 2020, month: 3, day: 28, hour: 11, ..Civil::default() }.timestamp(0).unwrap();
        let day = Interval { days: 1, ..Interval::ZERO };
        assert_eq!(add_interval_in_zone(noon, day, &zone).unwrap() - noon, 23 * MICROS_PER_HOUR);
    }

    #[test]
    fn what_no_timestamp_holds_is_below_infinity() {
        assert!(date_to_timestamp(DATE_END - 1).is_err());
        let wide = date_to_timestamp_wide(DATE_END - 1);
        assert!(wide > TIMESTAMP_END && wide < TIMESTAMP_INFINITY);
    }
}
