//! Fields made of numbers: dates with punctuation, times with colons, labelled numbers, and numbers whose place says what
//! they are.

use super::super::calendar::MICROS_PER_DAY;
use super::super::trouble::Trouble;
use super::super::words::{self, Unit, Word};
use super::scan;
use super::state::{Label, State, mask, numeric_zone};
use crate::types::format_context::DateOrder;

/// Hour, minute, second and microsecond of a text with colons.
pub struct ClockTime {
    pub hour: i64,
    pub minute: i32,
    pub second: i32,
    pub micros: i32,
}

/// `hh:mm[:ss[.fff]]`, or `mm:ss.fff` (`DecodeTimeCommon`). Two parts are minutes and seconds if `minutes_first`. The hour
/// is not bounded.
pub fn clock_time(text: &str, minutes_first: bool) -> Result<ClockTime, Trouble> {
    let (hour, rest) = scan::integer(text)?;
    let rest = rest.strip_prefix(':').ok_or(Trouble::BadFormat)?;
    let (minute, rest) = scan::small_integer(rest)?;
    let shifted = |micros| {
        let minutes = i32::try_from(hour).map_err(|_| Trouble::FieldOverflow)?;
        Ok(ClockTime { hour: 0, minute: minutes, second: minute, micros })
    };
    let time = if rest.is_empty() {
        if minutes_first { shifted(0)? } else { ClockTime { hour, minute, second: 0, micros: 0 } }
    } else if rest.starts_with('.') {
        shifted(scan::fraction_micros(rest)?)?
    } else {
        let rest = rest.strip_prefix(':').ok_or(Trouble::BadFormat)?;
        let (second, rest) = scan::small_integer(rest)?;
        let micros = match rest.as_bytes().first() {
            None => 0,
            Some(b'.') => scan::fraction_micros(rest)?,
            Some(_) => return Err(Trouble::BadFormat),
        };
        ClockTime { hour, minute, second, micros }
    };
    let ClockTime { hour, minute, second, micros } = time;
    if hour < 0 || !(0..60).contains(&minute) || !(0..=60).contains(&second) || !(0..=1_000_000).contains(&micros) {
        return Err(Trouble::FieldOverflow);
    }
    Ok(time)
}

/// C's `atoi` of digits: keeps the low 32 bits of what does not fit, which the date's range then refuses.
fn digits(text: &str) -> i32 {
    if text.is_empty() { 0 } else { text.parse::<i64>().unwrap_or(i64::MAX) as i32 }
}

impl State<'_> {
    /// A time with colons.
    pub fn time(&mut self, text: &str) -> Result<u32, Trouble> {
        let t = clock_time(text, false)?;
        self.tm.hour = i32::try_from(t.hour).map_err(|_| Trouble::FieldOverflow)?;
        (self.tm.minute, self.tm.second, self.tm.micros) = (t.minute, t.second, t.micros);
        Ok(mask::TIME)
    }

    /// A date with punctuation (`DecodeDate`). Letters can only be the month.
    pub fn date(&mut self, text: &str) -> Result<u32, Trouble> {
        let mut marked = 0;
        // Only letters of this field count for the order of its numbers.
        let mut month_in_letters = false;
        let mut parts = date_parts(text)?;
        for part in parts.iter_mut().filter(|p| p.starts_with(|c: char| c.is_ascii_alphabetic())) {
            match words::word(part) {
                Some(Word::Ignored) => continue,
                Some(Word::Month(month)) if (self.mask | marked) & mask::MONTH == 0 => {
                    self.tm.month = month;
                    month_in_letters = true;
                    marked |= mask::MONTH;
                    *part = "";
                }
                _ => return Err(Trouble::BadFormat),
            }
        }
        for part in parts {
            if part.is_empty() {
                continue;
            }
            let field = self.number(part, self.mask | marked, month_in_letters)?;
            if (self.mask | marked) & field != 0 {
                return Err(Trouble::BadFormat);
            }
            marked |= field;
        }
        if (self.mask | marked) & !(mask::DAY_OF_YEAR | mask::ZONE) != mask::DATE {
            return Err(Trouble::BadFormat);
        }
        Ok(marked)
    }

    /// A number whose meaning follows from what is there already, `present`, and from whether the month was
    /// given in letters (`DecodeNumber`).
    pub fn number(&mut self, text: &str, present: u32, month_in_letters: bool) -> Result<u32, Trouble> {
        let (value, rest) = scan::small_integer(text)?;
        if rest.len() == text.len() {
            return Err(Trouble::BadFormat);
        }
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.run_together(text, present | mask::DATE);
            }
            self.tm.micros = scan::fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(Trouble::BadFormat);
        }
        let date = present & mask::DATE;
        if text.len() == 3 && date == mask::YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(mask::DAY_OF_YEAR | mask::MONTH | mask::DAY);
        }
        let long = text.len() >= 3;
        const YEAR_MONTH: u32 = mask::YEAR | mask::MONTH;
        const MONTH_DAY: u32 = mask::MONTH | mask::DAY;
        let field = match (date, self.order()) {
            (0, DateOrder::Ymd) => mask::YEAR,
            (0, _) if long => mask::YEAR,
            (0, DateOrder::Dmy) => mask::DAY,
            (0, DateOrder::Mdy) => mask::MONTH,
            (mask::YEAR, _) | (mask::DAY, _) => mask::MONTH,
            (mask::MONTH, order) if month_in_letters && (long || order == DateOrder::Ymd) => mask::YEAR,
            (mask::MONTH, _) => mask::DAY,
            (YEAR_MONTH, _) => {
                if month_in_letters && long && self.two_digit_year {
                    // What was taken for the year was the day.
                    (self.tm.day, self.tm.year) = (self.tm.year, value);
                    self.two_digit_year = false;
                    return Ok(mask::DAY);
                }
                mask::DAY
            }
            (MONTH_DAY, _) => mask::YEAR,
            (mask::DATE, _) => return self.run_together(text, present),
            _ => return Err(Trouble::BadFormat),
        };
        match field {
            mask::YEAR => {
                self.tm.year = value;
                self.two_digit_year = text.len() <= 2;
            }
            mask::MONTH => self.tm.month = value,
            _ => self.tm.day = value,
        }
        Ok(field)
    }

    /// Digits run together: `yyyymmdd`, `yymmdd`, `hhmmss[.fff]`, `hhmm` (`DecodeNumberField`).
    pub fn run_together(&mut self, text: &str, present: u32) -> Result<u32, Trouble> {
        let mut text = text;
        if let Some(point) = text.find('.') {
            let micros = scan::real(&text[point..]).map_or(0.0, |(fraction, _)| fraction * 1e6);
            self.tm.micros = micros.round_ties_even() as i32;
            text = &text[..point];
        } else if present & mask::DATE != mask::DATE && text.len() >= 6 && text.is_ascii() {
            let (year, rest) = text.split_at(text.len() - 4);
            self.set_date((digits(year), digits(&rest[..2]), digits(&rest[2..])));
            if year.len() == 2 {
                self.two_digit_year = true;
            }
            return Ok(mask::DATE);
        }
        if present & mask::TIME == mask::TIME || !text.is_ascii() || !matches!(text.len(), 4 | 6) {
            return Err(Trouble::BadFormat);
        }
        self.tm.hour = digits(&text[..2]);
        self.tm.minute = digits(&text[2..4]);
        self.tm.second = digits(&text[4..]);
        Ok(mask::TIME)
    }

    /// A time run together with its zone: `040506-08`.
    pub fn time_with_zone(&mut self, text: &str, present: u32) -> Result<u32, Trouble> {
        let dash = text.find('-').ok_or(Trouble::BadFormat)?;
        self.zone = numeric_zone(&text[dash..])?;
        Ok(self.run_together(&text[..dash], present)? | mask::ZONE)
    }

    /// A number after its label: `y2001`, `j2451545.5`.
    pub fn labelled_number(&mut self, label: Label, text: &str) -> Result<u32, Trouble> {
        let (value, rest) = scan::small_integer(text)?;
        let fractional = rest.starts_with('.');
        let may_be = matches!(label, Label::Time | Label::Unit(Unit::Julian | Unit::Second));
        if fractional && !may_be || !fractional && !rest.is_empty() {
            return Err(Trouble::BadFormat);
        }
        let unit = match label {
            Label::Unit(unit) => unit,
            Label::Time => {
                let marked = self.run_together(text, self.mask | mask::DATE)?;
                return if marked == mask::TIME { Ok(marked) } else { Err(Trouble::BadFormat) };
            }
        };
        let (field, marked) = match unit {
            Unit::Year => (&mut self.tm.year, mask::YEAR),
            // After a month and an hour, `m` is for minutes.
            Unit::Month if self.has(mask::MONTH | mask::HOUR) => (&mut self.tm.minute, mask::MINUTE),
            Unit::Month => (&mut self.tm.month, mask::MONTH),
            Unit::Day => (&mut self.tm.day, mask::DAY),
            Unit::Hour => (&mut self.tm.hour, mask::HOUR),
            Unit::Minute => (&mut self.tm.minute, mask::MINUTE),
            Unit::Second => {
                self.tm.second = value;
                if fractional {
                    self.tm.micros = scan::fraction_micros(rest)?;
                    return Ok(mask::SECONDS);
                }
                return Ok(mask::SECOND);
            }
            Unit::Julian => {
                self.set_julian(value)?;
                if !fractional {
                    return Ok(mask::DATE);
                }
                let micros = scan::fraction(rest)? * MICROS_PER_DAY as f64;
                self.set_time(micros as i64);
                return Ok(mask::DATE | mask::TIME);
            }
            _ => return Err(Trouble::BadFormat),
        };
        *field = value;
        Ok(marked)
    }
}

/// Runs of digits and of letters, one other character after each dropped.
fn date_parts(text: &str) -> Result<Vec<&str>, Trouble> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && parts.len() < 25 {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let Some(first) = rest.bytes().next() else { return Err(Trouble::BadFormat) };
        let same = |c: char| {
            if first.is_ascii_digit() { c.is_ascii_digit() } else { c.is_ascii_alphabetic() }
        };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        let mut after = rest[end..].chars();
        after.next();
        rest = after.as_str();
    }
    Ok(parts)
}
