//! Intervals of ISO 8601: with designators, `P1Y2M3DT4H5M6S`, and the alternative format, `P0001-02-03T04:05:06`
//! (`DecodeISO8601Interval`).

use super::super::calendar::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use super::super::trouble::Trouble;
use super::interval::Parts;
use super::scan;

struct Reader<'a> {
    rest: &'a str,
    parts: Parts,
}

impl<'a> Reader<'a> {
    /// A number as `strtod` reads it, in whole and fraction.
    fn number(&mut self) -> Result<(i64, f64), Trouble> {
        if !self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') {
            return Err(Trouble::BadFormat);
        }
        let (value, rest) = scan::real(self.rest).ok_or(Trouble::BadFormat)?;
        self.rest = rest;
        if value.abs() > 1e15 {
            return Err(Trouble::FieldOverflow);
        }
        let whole = value.trunc();
        Ok((whole as i64, value - whole))
    }

    fn take(&mut self) -> Option<char> {
        let first = self.rest.chars().next()?;
        self.rest = &self.rest[first.len_utf8()..];
        Some(first)
    }

    fn date(&mut self) -> Result<(), Trouble> {
        let mut after_field = false;
        while !self.rest.is_empty() {
            if self.rest.starts_with('T') {
                self.take();
                return self.time();
            }
            let width = digits_wide(self.rest);
            let (value, fraction) = self.number()?;
            let unit = self.take();
            let p = &mut self.parts;
            match unit {
                Some('Y') => p.add_years(value, fraction, 1),
                Some('M') => p.add_months(value).and_then(|()| p.add_day_fraction(fraction, 30)),
                Some('W') => p.add_days(value, 7).and_then(|()| p.add_day_fraction(fraction, 7)),
                Some('D') => p.add_days(value, 1).and_then(|()| p.add_fraction(fraction, MICROS_PER_DAY)),
                Some('T') | None if width == 8 && !after_field => {
                    p.add_years(value / 10_000, 0.0, 1)
                        .and_then(|()| p.add_months(value / 100 % 100))
                        .and_then(|()| p.add_days(value % 100, 1))
                        .and_then(|()| p.add_fraction(fraction, MICROS_PER_DAY))
                        .ok_or(Trouble::FieldOverflow)?;
                    return if unit.is_some() { self.time() } else { Ok(()) };
                }
                Some('T' | '-') | None if !after_field => return self.dashed_date(value, fraction, unit),
                _ => return Err(Trouble::BadFormat),
            }
            .ok_or(Trouble::FieldOverflow)?;
            after_field = true;
        }
        Ok(())
    }

    /// `year[-month[-day]]`, the year already read with what follows it.
    fn dashed_date(&mut self, year: i64, fraction: f64, follows: Option<char>) -> Result<(), Trouble> {
        self.parts.add_years(year, fraction, 1).ok_or(Trouble::FieldOverflow)?;
        match follows {
            None => return Ok(()),
            Some('T') => return self.time(),
            Some(_) => {}
        }
        let (month, fraction) = self.number()?;
        let p = &mut self.parts;
        p.add_months(month).and_then(|()| p.add_day_fraction(fraction, 30)).ok_or(Trouble::FieldOverflow)?;
        match self.take() {
            None => return Ok(()),
            Some('T') => return self.time(),
            Some('-') => {}
            Some(_) => return Err(Trouble::BadFormat),
        }
        let (day, fraction) = self.number()?;
        let p = &mut self.parts;
        p.add_days(day, 1).and_then(|()| p.add_fraction(fraction, MICROS_PER_DAY)).ok_or(Trouble::FieldOverflow)?;
        match self.take() {
            None => Ok(()),
            Some('T') => self.time(),
            Some(_) => Err(Trouble::BadFormat),
        }
    }

    fn time(&mut self) -> Result<(), Trouble> {
        let mut after_field = false;
        while !self.rest.is_empty() {
            if self.rest.starts_with('T') {
                self.take();
                after_field = false;
                continue;
            }
            let width = digits_wide(self.rest);
            let (value, fraction) = self.number()?;
            let unit = self.take();
            let p = &mut self.parts;
            match unit {
                Some('H') => p.add_micros(value, fraction, MICROS_PER_HOUR),
                Some('M') => p.add_micros(value, fraction, MICROS_PER_MINUTE),
                Some('S') => p.add_micros(value, fraction, MICROS_PER_SECOND),
                None if width == 6 && !after_field => {
                    return p
                        .add_micros(value / 10_000, 0.0, MICROS_PER_HOUR)
                        .and_then(|()| p.add_micros(value / 100 % 100, 0.0, MICROS_PER_MINUTE))
                        .and_then(|()| p.add_micros(value % 100, 0.0, MICROS_PER_SECOND))
                        .and_then(|()| p.add_fraction(fraction, 1))
                        .ok_or(Trouble::FieldOverflow);
                }
                Some(':') | None if !after_field => return self.colon_time(value, fraction, unit.is_some()),
                _ => return Err(Trouble::BadFormat),
            }
            .ok_or(Trouble::FieldOverflow)?;
            after_field = true;
        }
        Ok(())
    }

    /// `hour[:minute[:second]]`, the hour already read.
    fn colon_time(&mut self, hour: i64, fraction: f64, more: bool) -> Result<(), Trouble> {
        self.parts.add_micros(hour, fraction, MICROS_PER_HOUR).ok_or(Trouble::FieldOverflow)?;
        if !more {
            return Ok(());
        }
        let (minute, fraction) = self.number()?;
        self.parts.add_micros(minute, fraction, MICROS_PER_MINUTE).ok_or(Trouble::FieldOverflow)?;
        match self.take() {
            None => return Ok(()),
            Some(':') => {}
            Some(_) => return Err(Trouble::BadFormat),
        }
        let (second, fraction) = self.number()?;
        self.parts.add_micros(second, fraction, MICROS_PER_SECOND).ok_or(Trouble::FieldOverflow)?;
        if self.rest.is_empty() { Ok(()) } else { Err(Trouble::BadFormat) }
    }
}

fn digits_wide(text: &str) -> usize {
    text.strip_prefix('-').unwrap_or(text).bytes().take_while(u8::is_ascii_digit).count()
}

pub fn decode(text: &str) -> Result<Parts, Trouble> {
    match text.strip_prefix('P') {
        Some(rest) if !rest.is_empty() => {
            let mut reader = Reader { rest, parts: Parts::default() };
            reader.date()?;
            Ok(reader.parts)
        }
        _ => Err(Trouble::BadFormat),
    }
}
