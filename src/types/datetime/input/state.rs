//! What decoding has found so far, and the checks when it is done: shared by dates, timestamps and times.

use super::super::abbreviations::{self, Abbreviation};
use super::super::calendar::{Civil, MICROS_PER_DAY, days_in_month, from_julian_day};
use super::super::trouble::Trouble;
use super::super::words::Unit;
use super::super::zone::TimeZone;
use super::scan;
use crate::types::format_context::{DateOrder, FormatContext};

/// Kinds of fields, as bits: each may be given once.
pub mod mask {
    /// A word that stands for a moment by itself.
    pub const RESERVED: u32 = 1;
    pub const MONTH: u32 = 1 << 1;
    pub const YEAR: u32 = 1 << 2;
    pub const DAY: u32 = 1 << 3;
    pub const ZONE: u32 = 1 << 5;
    pub const DAYLIGHT_ZONE: u32 = 1 << 6;
    pub const DYNAMIC_ZONE: u32 = 1 << 7;
    pub const AMPM: u32 = 1 << 9;
    pub const HOUR: u32 = 1 << 10;
    pub const MINUTE: u32 = 1 << 11;
    pub const SECOND: u32 = 1 << 12;
    pub const MILLISECOND: u32 = 1 << 13;
    pub const MICROSECOND: u32 = 1 << 14;
    pub const DAY_OF_YEAR: u32 = 1 << 15;
    pub const WEEKDAY: u32 = 1 << 16;
    pub const ERA: u32 = 1 << 18;
    pub const WEEK: u32 = 1 << 24;
    pub const DECADE: u32 = 1 << 25;
    pub const CENTURY: u32 = 1 << 26;
    pub const MILLENNIUM: u32 = 1 << 27;
    pub const DAYLIGHT_MODIFIER: u32 = 1 << 28;

    pub const DATE: u32 = YEAR | MONTH | DAY;
    pub const SECONDS: u32 = SECOND | MILLISECOND | MICROSECOND;
    pub const TIME: u32 = HOUR | MINUTE | SECONDS;
}

/// A label that says what the next number is: `y2001m02d04`, `T040506`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    Unit(Unit),
    Time,
}

/// A zone whose offset depends on the date.
#[derive(Clone, Debug)]
pub enum LateZone {
    Named(TimeZone),
    Abbreviated(String, TimeZone),
}

pub struct State<'c> {
    pub context: &'c FormatContext,
    pub tm: Civil,
    pub mask: u32,
    pub label: Option<Label>,
    pub day_of_year: i32,
    pub month_in_letters: bool,
    pub julian: bool,
    pub two_digit_year: bool,
    pub bc: bool,
    pub pm: Option<bool>,
    /// Seconds west of Greenwich.
    pub zone: i32,
    pub late_zone: Option<LateZone>,
}

impl<'c> State<'c> {
    pub fn new(context: &'c FormatContext) -> State<'c> {
        State {
            context,
            tm: Civil::default(),
            mask: 0,
            label: None,
            day_of_year: 0,
            month_in_letters: false,
            julian: false,
            two_digit_year: false,
            bc: false,
            pm: None,
            zone: 0,
            late_zone: None,
        }
    }

    pub fn order(&self) -> DateOrder {
        self.context.date_order
    }

    pub fn has(&self, fields: u32) -> bool {
        self.mask & fields == fields
    }

    /// Marks fields as given; twice is wrong.
    pub fn mark(&mut self, fields: u32) -> Result<(), Trouble> {
        if self.mask & fields != 0 {
            return Err(Trouble::BadFormat);
        }
        self.mask |= fields;
        Ok(())
    }

    pub fn set_date(&mut self, (year, month, day): (i32, i32, i32)) {
        (self.tm.year, self.tm.month, self.tm.day) = (year, month, day);
    }

    pub fn set_julian(&mut self, day: i32) -> Result<(), Trouble> {
        if day < 0 {
            return Err(Trouble::FieldOverflow);
        }
        self.set_date(from_julian_day(i64::from(day)));
        self.julian = true;
        Ok(())
    }

    pub fn set_time(&mut self, micros: i64) {
        let t = Civil::of_time(micros);
        (self.tm.hour, self.tm.minute, self.tm.second, self.tm.micros) = (t.hour, t.minute, t.second, t.micros);
    }

    /// The transaction's start in the session's zone: its fields, and the zone's offset west.
    pub fn now(&self) -> (Civil, i32) {
        let offset = self.context.time_zone.offset_at(self.context.now_us.div_euclid(1_000_000));
        (Civil::of_timestamp(self.context.now_us + i64::from(offset) * 1_000_000), -offset)
    }

    /// A zone abbreviation, if the word is one: sets the zone or leaves it for later. Gives the fields it marks.
    pub fn abbreviation(&mut self, word: &str) -> Option<u32> {
        Some(match abbreviations::find(word)? {
            Abbreviation::Standard(offset) => {
                self.zone = -offset;
                mask::ZONE
            }
            Abbreviation::Daylight(offset) => {
                self.zone = -offset;
                mask::DAYLIGHT_ZONE | mask::ZONE
            }
            Abbreviation::In(name) => {
                let zone = TimeZone::find(name).expect("the table's zones exist");
                self.late_zone = Some(LateZone::Abbreviated(word.to_string(), zone));
                mask::DYNAMIC_ZONE | mask::ZONE
            }
        })
    }

    /// Puts years, days of the year, months and days right (`ValidateDate`).
    pub fn validate_date(&mut self) -> Result<(), Trouble> {
        let tm = &mut self.tm;
        if self.mask & mask::YEAR != 0 && !self.julian {
            if self.bc {
                if tm.year <= 0 {
                    return Err(Trouble::FieldOverflow);
                }
                tm.year = 1 - tm.year;
            } else if self.two_digit_year {
                match tm.year {
                    ..0 => return Err(Trouble::FieldOverflow),
                    0..70 => tm.year += 2000,
                    70..100 => tm.year += 1900,
                    _ => {}
                }
            } else if tm.year <= 0 {
                return Err(Trouble::FieldOverflow);
            }
        }
        if self.mask & mask::DAY_OF_YEAR != 0 {
            let first = super::super::calendar::julian_day(tm.year, 1, 1);
            (tm.year, tm.month, tm.day) = from_julian_day(first + i64::from(self.day_of_year) - 1);
        }
        if self.mask & mask::MONTH != 0 && !(1..=12).contains(&tm.month) {
            return Err(Trouble::MonthDayOverflow);
        }
        if self.mask & mask::DAY != 0 && !(1..=31).contains(&tm.day) {
            return Err(Trouble::MonthDayOverflow);
        }
        if self.mask & mask::DATE == mask::DATE && tm.day > days_in_month(tm.year, tm.month) {
            return Err(Trouble::FieldOverflow);
        }
        Ok(())
    }

    pub fn apply_ampm(&mut self) -> Result<(), Trouble> {
        let Some(pm) = self.pm else { return Ok(()) };
        match self.tm.hour {
            13.. => return Err(Trouble::FieldOverflow),
            12 if !pm => self.tm.hour = 0,
            12 => {}
            _ if pm => self.tm.hour += 12,
            _ => {}
        }
        Ok(())
    }

    /// The offset west of a named zone or a changing abbreviation at the date and time of `tm`.
    pub fn resolve(&self, zone: &LateZone, tm: &Civil) -> i32 {
        match zone {
            LateZone::Named(zone) => -zone.offset_of_local(tm.seconds()),
            LateZone::Abbreviated(name, zone) => -abbreviations::offset_of_local(name, zone, tm.seconds()).0,
        }
    }
}

/// Whether a time of day is past 24:00 or a field past its range; hour 24 and second 60 are not.
pub fn time_overflows(tm: &Civil) -> bool {
    !(0..=24).contains(&tm.hour)
        || !(0..60).contains(&tm.minute)
        || !(0..=60).contains(&tm.second)
        || !(0..=1_000_000).contains(&tm.micros)
        || tm.time() > MICROS_PER_DAY
}

/// `+hh`, `+hhmm`, `+hh:mm[:ss]` in seconds west of Greenwich (`DecodeTimezone`).
pub fn numeric_zone(text: &str) -> Result<i32, Trouble> {
    let number = |text| scan::small_integer(text).map_err(|_| Trouble::ZoneOverflow);
    let (sign, digits) = match text.split_at_checked(1) {
        Some(("+", rest)) => (-1, rest),
        Some(("-", rest)) => (1, rest),
        _ => return Err(Trouble::BadFormat),
    };
    let (mut hour, mut rest) = number(digits)?;
    let (mut minute, mut second) = (0, 0);
    if let Some(r) = rest.strip_prefix(':') {
        (minute, rest) = number(r)?;
        if let Some(r) = rest.strip_prefix(':') {
            (second, rest) = number(r)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hour, minute) = (hour / 100, hour % 100);
    }
    if !(0..=15).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
        return Err(Trouble::ZoneOverflow);
    }
    if !rest.is_empty() {
        return Err(Trouble::BadFormat);
    }
    Ok(sign * ((hour * 60 + minute) * 60 + second))
}
