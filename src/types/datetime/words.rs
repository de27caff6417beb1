//! The words of date, time and interval input (`datetktbl` and `deltatktbl`), told apart by their first ten letters.

use super::calendar::MICROS_PER_DAY;

/// A word of date and time input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Now,
    Yesterday,
    Today,
    Tomorrow,
    /// Midnight UTC.
    Allballs,
    Epoch,
    Infinity,
    NegInfinity,
    Month(i32),
    /// 0 is Sunday.
    Weekday(i32),
    /// True for PM.
    Ampm(bool),
    /// True for BC.
    Era(bool),
    Ignored,
    Unit(Unit),
    /// The `t` before an ISO time.
    IsoTime,
    DaylightModifier,
}

/// A unit of time or a field of a date: as input spells it, and what EXTRACT and date_trunc take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Julian,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Epoch,
    TimeZone,
    TimeZoneHour,
    TimeZoneMinute,
}

/// A word of interval input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalWord {
    Ignored,
    Ago,
    Unit(Unit),
}

const LETTERS: usize = 10;

fn significant(word: &str) -> &str {
    word.get(..LETTERS).unwrap_or(word)
}

/// Finds a word, given in lower case.
pub fn word(text: &str) -> Option<Word> {
    use Word::*;
    Some(match significant(text) {
        "-infinity" => NegInfinity,
        "ad" => Era(false),
        "allballs" => Allballs,
        "am" => Ampm(false),
        "apr" | "april" => Month(4),
        "at" | "on" => Ignored,
        "aug" | "august" => Month(8),
        "bc" => Era(true),
        "d" => Unit(self::Unit::Day),
        "dec" | "december" => Month(12),
        "dow" => Unit(self::Unit::DayOfWeek),
        "doy" => Unit(self::Unit::DayOfYear),
        "dst" => DaylightModifier,
        "epoch" => Epoch,
        "feb" | "february" => Month(2),
        "fri" | "friday" => Weekday(5),
        "h" => Unit(self::Unit::Hour),
        "infinity" => Infinity,
        "isodow" => Unit(self::Unit::IsoDayOfWeek),
        "isoyear" => Unit(self::Unit::IsoYear),
        "j" | "jd" | "julian" => Unit(self::Unit::Julian),
        "jan" | "january" => Month(1),
        "jul" | "july" => Month(7),
        "jun" | "june" => Month(6),
        "m" => Unit(self::Unit::Month),
        "mar" | "march" => Month(3),
        "may" => Month(5),
        "mm" => Unit(self::Unit::Minute),
        "mon" | "monday" => Weekday(1),
        "nov" | "november" => Month(11),
        "now" => Now,
        "oct" | "october" => Month(10),
        "pm" => Ampm(true),
        "s" => Unit(self::Unit::Second),
        "sat" | "saturday" => Weekday(6),
        "sep" | "sept" | "september" => Month(9),
        "sun" | "sunday" => Weekday(0),
        "t" => IsoTime,
        "thu" | "thur" | "thurs" | "thursday" => Weekday(4),
        "today" => Today,
        "tomorrow" => Tomorrow,
        "tue" | "tues" | "tuesday" => Weekday(2),
        "wed" | "wednesday" | "weds" => Weekday(3),
        "y" => Unit(self::Unit::Year),
        "yesterday" => Yesterday,
        _ => return None,
    })
}

/// Finds a word of interval input, given in lower case.
pub fn interval_word(text: &str) -> Option<IntervalWord> {
    Some(match significant(text) {
        "@" => IntervalWord::Ignored,
        "ago" => IntervalWord::Ago,
        other => IntervalWord::Unit(interval_unit(other)?),
    })
}

fn interval_unit(text: &str) -> Option<Unit> {
    Some(match text {
        "c" | "cent" | "centuries" | "century" => Unit::Century,
        "d" | "day" | "days" => Unit::Day,
        "dec" | "decade" | "decades" | "decs" => Unit::Decade,
        "h" | "hour" | "hours" | "hr" | "hrs" => Unit::Hour,
        "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "microsecon" | "us" | "usec" | "usecond" | "useconds" | "usecs" => Unit::Microsecond,
        "mil" | "millennia" | "millennium" | "mils" => Unit::Millennium,
        "millisecon" | "ms" | "msec" | "msecond" | "mseconds" | "msecs" => Unit::Millisecond,
        "mon" | "mons" | "month" | "months" => Unit::Month,
        "qtr" | "quarter" => Unit::Quarter,
        "s" | "sec" | "second" | "seconds" | "secs" => Unit::Second,
        "timezone" => Unit::TimeZone,
        "timezone_h" => Unit::TimeZoneHour,
        "timezone_m" => Unit::TimeZoneMinute,
        "w" | "week" | "weeks" => Unit::Week,
        "y" | "year" | "years" | "yr" | "yrs" => Unit::Year,
        _ => return None,
    })
}

/// The unit that EXTRACT, date_part and date_trunc mean by a name, in any case.
pub fn unit(name: &str) -> Option<Unit> {
    let lower = name.to_ascii_lowercase();
    if let Some(IntervalWord::Unit(unit)) = interval_word(&lower) {
        return Some(unit);
    }
    match word(&lower) {
        Some(Word::Unit(unit)) => Some(unit),
        Some(Word::Epoch) => Some(Unit::Epoch),
        _ => None,
    }
}

impl Unit {
    /// Microseconds in a unit of fixed length; a day has 24 hours.
    pub fn micros(self) -> Option<i64> {
        Some(match self {
            Unit::Microsecond => 1,
            Unit::Millisecond => 1000,
            Unit::Second => 1_000_000,
            Unit::Minute => 60_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Day => MICROS_PER_DAY,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_letters_tell() {
        assert_eq!(interval_word("microseconds"), Some(IntervalWord::Unit(Unit::Microsecond)));
        assert_eq!(unit("Timezone_Hour"), Some(Unit::TimeZoneHour));
        assert_eq!(unit("dow"), Some(Unit::DayOfWeek));
        assert_eq!(unit("m"), Some(Unit::Minute));
        assert_eq!(word("m"), Some(Word::Unit(Unit::Month)));
        assert_eq!(unit("now"), None);
    }
}
