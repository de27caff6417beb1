//! The proleptic Gregorian calendar in Julian days, and timestamps taken apart into fields.
//!
//! Years are astronomical inside: 0 is 1 BC. Days are counted by the civil-from-days method: years start in March, so
//! the leap day is the last day of a year and months have a linear pattern.

pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
pub const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
pub const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
pub const SECONDS_PER_DAY: i64 = 86_400;

/// The Julian day of 2000-01-01, where dates and timestamps are zero.
pub const EPOCH_JULIAN_DAY: i32 = 2_451_545;
/// Seconds from 1970-01-01 to 2000-01-01.
pub const UNIX_EPOCH_DISTANCE_S: i64 = 946_684_800;
/// 1970-01-01 as a timestamp.
pub const UNIX_EPOCH_US: i64 = -UNIX_EPOCH_DISTANCE_S * MICROS_PER_SECOND;

pub const DATE_MIN: i32 = -EPOCH_JULIAN_DAY;
/// The first day past the last.
pub const DATE_END: i32 = 2_147_483_494 - EPOCH_JULIAN_DAY;
/// 4714-11-24 BC.
pub const TIMESTAMP_MIN: i64 = -211_813_488_000_000_000;
/// 294277-01-01, the first instant past the last.
pub const TIMESTAMP_END: i64 = 9_223_371_331_200_000_000;
/// The days that a timestamp can hold end here.
pub const TIMESTAMP_END_DAY: i32 = 109_203_528 - EPOCH_JULIAN_DAY;

pub const DATE_INFINITY: i32 = i32::MAX;
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;

pub fn date_is_finite(date: i32) -> bool {
    date != DATE_INFINITY && date != DATE_NEG_INFINITY
}

pub fn timestamp_is_finite(timestamp: i64) -> bool {
    timestamp != TIMESTAMP_INFINITY && timestamp != TIMESTAMP_NEG_INFINITY
}

pub fn date_is_valid(date: i32) -> bool {
    (DATE_MIN..DATE_END).contains(&date)
}

pub fn timestamp_is_valid(timestamp: i64) -> bool {
    (TIMESTAMP_MIN..TIMESTAMP_END).contains(&timestamp)
}

/// The fields of a timestamp, a date or a time, as far as they apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical: 0 is 1 BC.
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub micros: i32,
}

impl Civil {
    pub fn of_date(date: i32) -> Civil {
        let (year, month, day) = from_julian_day(i64::from(date) + i64::from(EPOCH_JULIAN_DAY));
        Civil { year, month, day, ..Civil::default() }
    }

    /// Of microseconds since midnight; date fields are zero.
    pub fn of_time(micros: i64) -> Civil {
        let seconds = micros / MICROS_PER_SECOND;
        Civil {
            hour: (seconds / 3600) as i32,
            minute: (seconds / 60 % 60) as i32,
            second: (seconds % 60) as i32,
            micros: (micros % MICROS_PER_SECOND) as i32,
            ..Civil::default()
        }
    }

    /// Of a finite timestamp without time zone.
    pub fn of_timestamp(timestamp: i64) -> Civil {
        let (date, time) = split_timestamp(timestamp);
        let (year, month, day) = from_julian_day(date + i64::from(EPOCH_JULIAN_DAY));
        Civil { year, month, day, ..Civil::of_time(time) }
    }

    /// Whether the Julian day of the date fits the supported range, give or take less than a month.
    pub fn has_valid_day(&self) -> bool {
        let (y, m) = (self.year, self.month);
        (y > -4713 || (y == -4713 && m >= 11)) && (y < 5_874_898 || (y == 5_874_898 && m < 6))
    }

    pub fn julian_day(&self) -> i64 {
        julian_day(self.year, self.month, self.day)
    }

    /// Days since 2000-01-01.
    pub fn date(&self) -> i64 {
        self.julian_day() - i64::from(EPOCH_JULIAN_DAY)
    }

    /// Microseconds since midnight.
    pub fn time(&self) -> i64 {
        ((i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second)) * MICROS_PER_SECOND
            + i64::from(self.micros)
    }

    /// The timestamp, `zone` seconds west of Greenwich; none if it is out of range.
    pub fn timestamp(&self, zone: i32) -> Option<i64> {
        if !self.has_valid_day() {
            return None;
        }
        let micros = i128::from(self.date()) * i128::from(MICROS_PER_DAY) + i128::from(self.time());
        // PostgreSQL checks the local time on its own before it shifts it.
        let local = i64::try_from(micros).ok()?;
        local.checked_add(i64::from(zone) * MICROS_PER_SECOND).filter(|&t| timestamp_is_valid(t))
    }

    /// Seconds since 2000-01-01, read as if the fields were UTC.
    pub fn seconds(&self) -> i64 {
        self.date() * SECONDS_PER_DAY + self.time().div_euclid(MICROS_PER_SECOND)
    }
}

/// Days since 2000-01-01 and microseconds since midnight.
pub fn split_timestamp(timestamp: i64) -> (i64, i64) {
    (timestamp.div_euclid(MICROS_PER_DAY), timestamp.rem_euclid(MICROS_PER_DAY))
}

/// The Julian day of any date; months outside 1 to 12 are not allowed, days are.
pub fn julian_day(year: i32, month: i32, day: i32) -> i64 {
    let (year, month) = (i64::from(year), i64::from(month));
    // March is month 0 of its year.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = if month <= 2 { month + 9 } else { month - 3 };
    let century = shifted_year.div_euclid(100);
    let days = 365 * shifted_year + shifted_year.div_euclid(4) - century + century.div_euclid(4);
    days + (153 * shifted_month + 2) / 5 + i64::from(day) + 1_721_119
}

/// Year, month and day of a Julian day.
pub fn from_julian_day(julian_day: i64) -> (i32, i32, i32) {
    // Days since 0000-03-01, in eras of 400 years.
    let days = julian_day - 1_721_120;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + i64::from(month >= 10);
    (year as i32, (if month >= 10 { month - 9 } else { month + 3 }) as i32, day as i32)
}

/// 0 is Sunday.
pub fn weekday(julian_day: i64) -> i32 {
    (julian_day + 1).rem_euclid(7) as i32
}

pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// `month` is 1 to 12.
pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 => 28 + i32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The first Monday of an ISO year's weeks, as a Julian day: week 1 holds January 4.
pub fn iso_year_start(year: i32) -> i64 {
    let fourth = julian_day(year, 1, 4);
    fourth - i64::from(weekday(fourth - 1))
}

/// ISO year and week of a date.
pub fn iso_week(year: i32, month: i32, day: i32) -> (i32, i32) {
    let this = julian_day(year, month, day);
    let in_year = |year: i32| {
        let start = iso_year_start(year);
        (this >= start).then(|| (year, ((this - start) / 7 + 1) as i32))
    };
    in_year(year + 1).or_else(|| in_year(year)).or_else(|| in_year(year - 1)).expect("the year before has begun")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_trip_over_the_whole_range() {
        assert_eq!(julian_day(2000, 1, 1), i64::from(EPOCH_JULIAN_DAY));
        assert_eq!(julian_day(-4713, 11, 24), 0);
        for jd in (-50..2_147_483_494i64).step_by(99_991) {
            let (y, m, d) = from_julian_day(jd);
            assert!((1..=12).contains(&m) && (1..=days_in_month(y, m)).contains(&d));
            assert_eq!(julian_day(y, m, d), jd);
        }
        for jd in 2_451_000..2_453_000 {
            let (y, m, d) = from_julian_day(jd);
            assert_eq!(julian_day(y, m, d), jd);
        }
        assert_eq!(i64::from(TIMESTAMP_END_DAY), julian_day(294_277, 1, 1) - i64::from(EPOCH_JULIAN_DAY));
        assert_eq!(i64::from(TIMESTAMP_END_DAY) * MICROS_PER_DAY, TIMESTAMP_END);
        assert_eq!(i64::from(DATE_MIN) * MICROS_PER_DAY, TIMESTAMP_MIN);
    }

    #[test]
    fn iso_weeks() {
        assert_eq!(iso_week(2005, 1, 1), (2004, 53));
        assert_eq!(iso_week(2008, 12, 29), (2009, 1));
        assert_eq!(iso_week(2020, 12, 31), (2020, 53));
        assert_eq!(weekday(julian_day(2024, 2, 29)), 4);
    }
}
