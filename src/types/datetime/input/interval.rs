//! Intervals (`DecodeInterval`): numbers with units, read from the right so that a unit is known before its number.

use super::super::calendar::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use super::super::interval::Interval;
use super::super::trouble::Trouble;
use super::super::words::{self, IntervalWord, Unit};
use super::iso_interval;
use super::numbers::clock_time;
use super::scan::{self, Field, FieldKind};
use super::state::mask;
use crate::base::{Error, Result, SqlState};
use crate::types::format_context::IntervalStyle;

/// The field masks of interval modifiers.
pub mod range {
    pub const MONTH: i32 = 1 << 1;
    pub const YEAR: i32 = 1 << 2;
    pub const DAY: i32 = 1 << 3;
    pub const HOUR: i32 = 1 << 10;
    pub const MINUTE: i32 = 1 << 11;
    pub const SECOND: i32 = 1 << 12;
}

/// An interval while it is put together; every addition is checked.
#[derive(Default)]
pub struct Parts {
    pub micros: i64,
    pub days: i32,
    pub months: i32,
    pub years: i32,
}

type Checked = Option<()>;

impl Parts {
    /// `value + fraction` times a unit of so many microseconds; fractions of a microsecond are rounded.
    pub fn add_micros(&mut self, value: i64, fraction: f64, unit: i64) -> Checked {
        self.micros = self.micros.checked_add(value.checked_mul(unit)?)?;
        self.add_fraction(fraction, unit)
    }

    pub fn add_fraction(&mut self, fraction: f64, unit: i64) -> Checked {
        if fraction == 0.0 {
            return Some(());
        }
        let scaled = fraction * unit as f64;
        let mut micros = scaled as i64;
        let rest = scaled - micros as f64;
        if rest > 0.5 {
            micros += 1;
        } else if rest < -0.5 {
            micros -= 1;
        }
        self.micros = self.micros.checked_add(micros)?;
        Some(())
    }

    pub fn add_days(&mut self, value: i64, scale: i32) -> Checked {
        let days = i32::try_from(value).ok()?.checked_mul(scale)?;
        self.days = self.days.checked_add(days)?;
        Some(())
    }

    /// A fraction of so many days: whole days, the rest as time.
    pub fn add_day_fraction(&mut self, fraction: f64, scale: i32) -> Checked {
        let scaled = fraction * f64::from(scale);
        let days = scaled as i32;
        self.days = self.days.checked_add(days)?;
        self.add_fraction(scaled - f64::from(days), MICROS_PER_DAY)
    }

    pub fn add_months(&mut self, value: i64) -> Checked {
        self.months = self.months.checked_add(i32::try_from(value).ok()?)?;
        Some(())
    }

    /// `value + fraction` times so many years; the fraction in whole months.
    pub fn add_years(&mut self, value: i64, fraction: f64, scale: i32) -> Checked {
        let years = i32::try_from(value).ok()?.checked_mul(scale)?;
        self.years = self.years.checked_add(years)?;
        let months = (fraction * f64::from(scale) * 12.0).round_ties_even() as i32;
        self.months = self.months.checked_add(months)?;
        Some(())
    }

    fn negate(&mut self) -> Checked {
        self.micros = self.micros.checked_neg()?;
        self.days = self.days.checked_neg()?;
        self.months = self.months.checked_neg()?;
        self.years = self.years.checked_neg()?;
        Some(())
    }

    fn add(&mut self, unit: Unit, value: i64, fraction: f64) -> Result<u32, Trouble> {
        let checked = match unit {
            Unit::Day => self.add_days(value, 1).and_then(|()| self.add_fraction(fraction, MICROS_PER_DAY)),
            Unit::Week => self.add_days(value, 7).and_then(|()| self.add_day_fraction(fraction, 7)),
            Unit::Month => self.add_months(value).and_then(|()| self.add_day_fraction(fraction, 30)),
            Unit::Year => self.add_years(value, fraction, 1),
            Unit::Decade => self.add_years(value, fraction, 10),
            Unit::Century => self.add_years(value, fraction, 100),
            Unit::Millennium => self.add_years(value, fraction, 1000),
            _ => self.add_micros(value, fraction, unit.micros().ok_or(Trouble::BadFormat)?),
        };
        checked.ok_or(Trouble::FieldOverflow)?;
        Ok(match unit {
            Unit::Microsecond => mask::MICROSECOND,
            Unit::Millisecond => mask::MILLISECOND,
            Unit::Second if fraction != 0.0 => mask::SECONDS,
            Unit::Second => mask::SECOND,
            Unit::Minute => mask::MINUTE,
            Unit::Hour => mask::HOUR,
            Unit::Day => mask::DAY,
            Unit::Week => mask::WEEK,
            Unit::Month => mask::MONTH,
            Unit::Year => mask::YEAR,
            Unit::Decade => mask::DECADE,
            Unit::Century => mask::CENTURY,
            _ => mask::MILLENNIUM,
        })
    }
}

/// Reads an interval. `typmod` tells what a number without a unit is; the value is not yet made to fit it.
pub fn interval(text: &str, typmod: i32, style: IntervalStyle) -> Result<Interval> {
    let fields = if typmod >= 0 { typmod >> 16 & 0x7fff } else { 0x7fff };
    let decoded = scan::fields(text, scan::INTERVAL_ROOM).and_then(|found| decode(&found, fields, style));
    let decoded = match decoded {
        Err(Trouble::BadFormat) => iso_interval::decode(text),
        other => other,
    };
    let parts = decoded.map_err(|trouble| match trouble {
        Trouble::FieldOverflow => Trouble::IntervalOverflow.error(text, "interval"),
        other => other.error(text, "interval"),
    })?;
    let months = i64::from(parts.years) * 12 + i64::from(parts.months);
    let months =
        i32::try_from(months).map_err(|_| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range"))?;
    Ok(Interval { months, days: parts.days, micros: parts.micros })
}

struct Decoder {
    parts: Parts,
    /// The unit of the number to the left.
    unit: Option<Unit>,
    range: i32,
    ago: bool,
    /// All fields are negative: the standard's reading of one leading sign.
    all_negative: bool,
}

fn decode(fields: &[Field], range: i32, style: IntervalStyle) -> Result<Parts, Trouble> {
    let all_negative = style == IntervalStyle::SqlStandard
        && fields.first().is_some_and(|f| f.text.starts_with('-'))
        && !fields[1..].iter().any(|f| f.text.starts_with(['+', '-']));
    let mut decoder = Decoder { parts: Parts::default(), unit: None, range, ago: false, all_negative };
    let mut seen = 0;
    for field in fields.iter().rev() {
        let marked = match field.kind {
            FieldKind::Time => decoder.clock(&field.text)?,
            FieldKind::Zone => decoder.signed(&field.text)?,
            FieldKind::Date | FieldKind::Number => decoder.number(&field.text)?,
            FieldKind::Word | FieldKind::Special => {
                match words::interval_word(&field.text).ok_or(Trouble::BadFormat)? {
                    IntervalWord::Ignored => continue,
                    IntervalWord::Ago => {
                        decoder.ago = true;
                        // A number to its left has no unit: seconds are not assumed before "ago".
                        decoder.unit = Some(Unit::TimeZone);
                    }
                    IntervalWord::Unit(unit) => decoder.unit = Some(unit),
                }
                0
            }
        };
        if seen & marked != 0 {
            return Err(Trouble::BadFormat);
        }
        seen |= marked;
    }
    if seen == 0 {
        return Err(Trouble::BadFormat);
    }
    if decoder.ago {
        decoder.parts.negate().ok_or(Trouble::FieldOverflow)?;
    }
    Ok(decoder.parts)
}

impl Decoder {
    fn clock(&mut self, text: &str) -> Result<u32, Trouble> {
        self.parts.micros = clock_micros(text, self.range)?;
        if self.all_negative {
            self.parts.micros = -self.parts.micros.abs();
        }
        self.unit = Some(Unit::Day);
        Ok(mask::TIME)
    }

    /// A sign and digits: a time with colons, or a number.
    fn signed(&mut self, text: &str) -> Result<u32, Trouble> {
        if text[1..].contains(':')
            && let Ok(micros) = clock_micros(&text[1..], self.range)
        {
            let negative = text.starts_with('-') || self.all_negative;
            self.parts.micros = if negative { -micros } else { micros };
            self.unit = Some(Unit::Day);
            return Ok(mask::TIME);
        }
        self.number(text)
    }

    fn number(&mut self, text: &str) -> Result<u32, Trouble> {
        let mut unit = self.unit.unwrap_or_else(|| rightmost_unit(self.range));
        let negative = text.starts_with('-');
        let (mut value, rest) = scan::integer(text)?;
        let mut fraction: f64 = 0.0;
        if let Some(months) = rest.strip_prefix('-') {
            // The standard's years and months.
            let (months, rest) = scan::small_integer(months)?;
            if !(0..12).contains(&months) {
                return Err(Trouble::FieldOverflow);
            }
            if !rest.is_empty() {
                return Err(Trouble::BadFormat);
            }
            unit = Unit::Month;
            let months = i64::from(if negative { -months } else { months });
            value = value.checked_mul(12).and_then(|v| v.checked_add(months)).ok_or(Trouble::FieldOverflow)?;
        } else if rest.starts_with('.') {
            fraction = scan::fraction(rest)?;
            if negative {
                fraction = -fraction;
            }
        } else if !rest.is_empty() {
            return Err(Trouble::BadFormat);
        }
        if self.all_negative {
            value = if value > 0 { -value } else { value };
            fraction = -fraction.abs();
        }
        let marked = self.parts.add(unit, value, fraction)?;
        self.unit = Some(if unit == Unit::Hour { Unit::Day } else { unit });
        Ok(marked)
    }
}

fn clock_micros(text: &str, fields: i32) -> Result<i64, Trouble> {
    let t = clock_time(text, fields == range::MINUTE | range::SECOND)?;
    let parts = [(t.hour, MICROS_PER_HOUR), (t.minute.into(), MICROS_PER_MINUTE), (t.second.into(), MICROS_PER_SECOND)];
    parts
        .into_iter()
        .try_fold(i64::from(t.micros), |sum, (value, unit)| sum.checked_add(value.checked_mul(unit)?))
        .ok_or(Trouble::FieldOverflow)
}

/// The unit of a last number without one.
fn rightmost_unit(fields: i32) -> Unit {
    if fields == 0x7fff || fields & range::SECOND != 0 {
        Unit::Second
    } else if fields & range::MINUTE != 0 {
        Unit::Minute
    } else if fields & range::HOUR != 0 {
        Unit::Hour
    } else if fields & range::DAY != 0 {
        Unit::Day
    } else if fields & range::MONTH != 0 {
        Unit::Month
    } else if fields & range::YEAR != 0 {
        Unit::Year
    } else {
        Unit::Second
    }
}
