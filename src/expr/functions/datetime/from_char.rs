//! Reading a text by a picture (`DCH_from_char`): the values of its fields.
//!
//! Unless the picture has `FX`, blanks before and after fields are skipped, and a separator of the picture matches one of
//! the text or nothing. Numbers take as many digits as there are when something that is no digit must follow, else
//! exactly as many as their key has letters.

use super::picture::{self, Calendar, Code, Field, Node, is_separator, is_space};
use super::to_char::{DAY_NAMES, MONTH_NAMES, ROMAN};
use crate::base::{Error, Result, SqlState};
use crate::types::datetime::arith::overflow;

pub(super) fn format_error(message: String) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

/// A field's values as read; zero is none.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) calendar: Calendar,
    pub(super) hour: i32,
    pub(super) minute: i32,
    pub(super) second: i32,
    pub(super) second_of_day: i32,
    /// 1 is Sunday.
    pub(super) weekday: i32,
    pub(super) day: i32,
    pub(super) day_of_year: i32,
    pub(super) month: i32,
    pub(super) millis: i32,
    pub(super) micros: i32,
    pub(super) year: i32,
    pub(super) year_digits: u32,
    pub(super) bc: i32,
    pub(super) pm: i32,
    pub(super) twelve_hours: bool,
    pub(super) week: i32,
    pub(super) week_of_month: i32,
    pub(super) century: i32,
    pub(super) julian: i32,
    /// Digits of the fraction that were asked for.
    pub(super) fraction_digits: u32,
    pub(super) zone_sign: i32,
    pub(super) zone_hours: i32,
    pub(super) zone_minutes: i32,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: &'a [Node],
    found: Found,
    fixed: bool,
    /// Characters skipped beyond what the picture has.
    extra: i32,
}

/// `strtol`: the value (none if it does not fit) and the bytes taken, white space included.
fn integer(text: &str) -> (Option<i32>, usize) {
    let blank = text.len() - text.trim_start_matches(is_space).len();
    let digits = &text[blank..];
    let sign = usize::from(digits.starts_with(['+', '-']));
    let end = digits[sign..].find(|c: char| !c.is_ascii_digit()).map_or(digits.len(), |e| e + sign);
    if end == sign {
        return (Some(0), 0);
    }
    (digits[..end].parse().ok(), blank + end)
}

/// The longest beginning of so many bytes that splits no character.
fn head(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn set(target: &mut i32, value: i32, field: &Field) -> Result<()> {
    if *target != 0 && *target != value {
        return Err(format_error(format!("conflicting values for \"{}\" field in formatting string", field.key.name))
            .detail("This value contradicts a previous setting for the same field type."));
    }
    *target = value;
    Ok(())
}

/// Three digits or fewer of a year: the one nearest to 2020.
fn complete_year(year: i32) -> i32 {
    match year {
        ..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start_matches(is_space).len();
        self.at += blank;
        self.extra += blank as i32;
    }

    fn skip_character(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    fn read(&mut self) -> Result<()> {
        for (i, node) in self.nodes.iter().enumerate() {
            if self.rest().is_empty() {
                break;
            }
            let is_fx = matches!(node, Node::Field(f) if f.key.code == Code::FixedFormat);
            if !self.fixed && !is_fx && (matches!(node, Node::Field(_)) || i == 0) {
                self.skip_spaces();
            }
            match node {
                Node::Field(field) => {
                    self.field(field, self.next_is_no_digit(i))?;
                    if !self.fixed {
                        self.extra = 0;
                        self.skip_spaces();
                    }
                }
                Node::Separator(_) | Node::Space(_) => self.separator(),
                Node::Literal(_) => {
                    if !self.fixed && self.extra > 0 {
                        self.extra -= 1;
                    } else {
                        self.skip_character();
                    }
                }
            }
        }
        Ok(())
    }

    fn separator(&mut self) {
        if self.fixed {
            return self.skip_character();
        }
        self.extra -= 1;
        if self.rest().starts_with(|c| is_space(c) || is_separator(c)) {
            self.at += 1;
            self.extra += 1;
        }
    }

    /// Whether a number at this node ends by itself.
    fn next_is_no_digit(&self, i: usize) -> bool {
        if matches!(&self.nodes[i], Node::Field(f) if f.ordinal.is_some()) {
            return true;
        }
        match self.nodes.get(i + 1) {
            None => true,
            Some(Node::Field(next)) => !next.key.digits,
            Some(Node::Separator(c) | Node::Space(c) | Node::Literal(c)) => !c.is_ascii_digit(),
        }
    }

    /// A number of `width` characters, or as many as there are; also how many were taken.
    fn number(&mut self, field: &Field, width: usize, open: bool) -> Result<(i32, usize)> {
        let start = self.at;
        let blank = self.rest().len() - self.rest().trim_start_matches(is_space).len();
        let after_blank = &self.rest()[blank..];
        let copy = head(after_blank, width);
        let name = field.key.name;
        let hint = "If your source string is not fixed-width, try using the \"FM\" modifier.";
        let value;
        if field.fill || open {
            let used;
            (value, used) = integer(self.rest());
            self.at += used;
        } else {
            self.at += blank;
            if after_blank.len() < width {
                let left = after_blank.len();
                return Err(format_error(format!("source string too short for \"{name}\" formatting field"))
                    .detail(format!("Field requires {width} characters, but only {left} remain."))
                    .hint(hint));
            }
            let used;
            (value, used) = integer(copy);
            if used > 0 && used < width {
                return Err(format_error(format!("invalid value \"{copy}\" for \"{name}\""))
                    .detail(format!("Field requires {width} characters, but only {used} could be parsed."))
                    .hint(hint));
            }
            self.at += used;
        }
        if self.at == start {
            return Err(
                format_error(format!("invalid value \"{copy}\" for \"{name}\"")).detail("Value must be an integer.")
            );
        }
        let value = value.ok_or_else(|| {
            overflow(&format!("value for \"{name}\" in source string is out of range"))
                .detail("Value must be in the range -2147483648 to 2147483647.")
        })?;
        Ok((value, self.at - start))
    }

    /// The place of the word that the text goes on with, in any case.
    fn word(&mut self, field: &Field, words: &[&str]) -> Result<i32> {
        let rest = self.rest();
        let matches = |w: &&str| rest.get(..w.len()).is_some_and(|r| r.eq_ignore_ascii_case(w));
        match words.iter().position(matches) {
            Some(i) => {
                self.at += words[i].len();
                Ok(i as i32)
            }
            None => {
                let given = rest.split(is_space).next().unwrap_or_default();
                let message = format!("invalid value \"{given}\" for \"{}\"", field.key.name);
                let detail = "The given value did not match any of the allowed values for this field.";
                Err(format_error(message).detail(detail))
            }
        }
    }

    fn set_calendar(&mut self, calendar: Calendar) -> Result<()> {
        match (self.found.calendar, calendar) {
            (_, Calendar::Either) => {}
            (Calendar::Either, calendar) => self.found.calendar = calendar,
            (a, b) if a == b => {}
            _ => {
                return Err(format_error("invalid combination of date conventions".into())
                    .hint("Do not mix Gregorian and ISO week date conventions in a formatting template."));
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, open: bool) -> Result<()> {
        self.set_calendar(field.key.calendar)?;
        let letters = field.key.name.len();
        match field.key.code {
            Code::FixedFormat => self.fixed = true,
            Code::Meridian { points, .. } => {
                let words = if points { ["a.m.", "p.m."] } else { ["am", "pm"] };
                let value = self.word(field, &words)?;
                set(&mut self.found.pm, value, field)?;
                self.found.twelve_hours = true;
            }
            Code::Era { points, .. } => {
                let words = if points { ["a.d.", "b.c."] } else { ["ad", "bc"] };
                let value = self.word(field, &words)?;
                set(&mut self.found.bc, value, field)?;
            }
            Code::MonthName { full, .. } => {
                let value = self.name(field, &MONTH_NAMES, full)?;
                set(&mut self.found.month, value + 1, field)?;
            }
            Code::DayName { full, .. } => {
                let value = self.name(field, &DAY_NAMES, full)?;
                set(&mut self.found.weekday, value, field)?;
                self.found.weekday += 1;
            }
            Code::RomanMonth { .. } => {
                let value = self.word(field, &ROMAN)?;
                set(&mut self.found.month, 12 - value, field)?;
            }
            Code::Zone { .. } | Code::ZoneOffset => {
                let message = format!("formatting field \"{}\" is only supported in to_char", field.key.name);
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            Code::ZoneHours => self.zone_hours(field, open)?,
            Code::ZoneMinutes => {
                if self.found.zone_sign == 0 {
                    self.found.zone_sign = 1;
                }
                let (value, _) = self.number(field, 2, open)?;
                set(&mut self.found.zone_minutes, value, field)?;
            }
            Code::YearWithComma => self.year_with_comma(field)?,
            Code::Year(digits) | Code::IsoYear(digits) => {
                let (value, taken) = self.number(field, letters, open)?;
                set(&mut self.found.year, value, field)?;
                if digits < 4 && taken < 4 {
                    self.found.year = complete_year(self.found.year);
                }
                self.found.year_digits = digits;
                self.skip_ordinal(field);
            }
            _ => self.plain_number(field, letters, open)?,
        }
        Ok(())
    }

    fn name(&mut self, field: &Field, names: &[&str], full: bool) -> Result<i32> {
        if full {
            return self.word(field, names);
        }
        let short: Vec<&str> = names.iter().map(|n| &n[..3]).collect();
        self.word(field, &short)
    }

    /// Fields that are numbers and nothing else.
    fn plain_number(&mut self, field: &Field, letters: usize, open: bool) -> Result<()> {
        let width = match field.key.code {
            Code::Hour12 | Code::Hour24 => 2,
            Code::Milliseconds | Code::IsoDayOfYear => 3,
            Code::Microseconds => 6,
            Code::Fraction(digits) => digits as usize,
            Code::IsoDayOfWeek => 1,
            _ => letters,
        };
        let (value, taken) = self.number(field, width, open)?;
        let scale = |digits: usize| 10i32.pow(digits.saturating_sub(taken) as u32);
        let found = &mut self.found;
        match field.key.code {
            Code::Hour12 => {
                set(&mut found.hour, value, field)?;
                found.twelve_hours = true;
            }
            Code::Hour24 => set(&mut found.hour, value, field)?,
            Code::Minute => set(&mut found.minute, value, field)?,
            Code::Second => set(&mut found.second, value, field)?,
            Code::SecondsOfDay => set(&mut found.second_of_day, value, field)?,
            Code::Milliseconds => {
                set(&mut found.millis, value, field)?;
                found.millis = found.millis.saturating_mul(scale(3));
            }
            Code::Microseconds | Code::Fraction(_) => {
                if let Code::Fraction(digits) = field.key.code {
                    found.fraction_digits = digits;
                }
                set(&mut found.micros, value, field)?;
                found.micros = found.micros.saturating_mul(scale(6));
            }
            Code::Month => set(&mut found.month, value, field)?,
            Code::DayOfYear | Code::IsoDayOfYear => set(&mut found.day_of_year, value, field)?,
            Code::DayOfMonth => set(&mut found.day, value, field)?,
            Code::DayOfWeek => set(&mut found.weekday, value, field)?,
            Code::IsoDayOfWeek => {
                set(&mut found.weekday, value, field)?;
                found.weekday = found.weekday.wrapping_add(1);
                if found.weekday > 7 {
                    found.weekday = 1;
                }
            }
            Code::WeekOfYear | Code::IsoWeek => set(&mut found.week, value, field)?,
            Code::WeekOfMonth => set(&mut found.week_of_month, value, field)?,
            Code::Century => set(&mut found.century, value, field)?,
            Code::JulianDay => set(&mut found.julian, value, field)?,
            // A quarter is read and not used: it does not say which date.
            _ => {}
        }
        self.skip_ordinal(field);
        Ok(())
    }

    fn skip_ordinal(&mut self, field: &Field) {
        if field.ordinal.is_some() {
            self.skip_character();
            self.skip_character();
        }
    }

    /// The sign may have been taken for a separator already.
    fn zone_hours(&mut self, field: &Field, open: bool) -> Result<()> {
        self.found.zone_sign = match self.rest().bytes().next() {
            Some(b'-') => -1,
            Some(b'+' | b' ') => 1,
            _ if self.extra > 0 && self.text[..self.at].ends_with('-') => -1,
            _ => 1,
        };
        if self.rest().starts_with(['+', '-', ' ']) {
            self.at += 1;
        }
        let (value, _) = self.number(field, 2, open)?;
        set(&mut self.found.zone_hours, value, field)
    }

    fn year_with_comma(&mut self, field: &Field) -> Result<()> {
        let invalid = || format_error("invalid input string for \"Y,YYY\"".into());
        let (thousands, used) = integer(self.rest());
        let after = self.rest()[used..].strip_prefix(',').filter(|_| used > 0).ok_or_else(invalid)?;
        // The last three digits, white space before them and a sign among them.
        let blank = after.len() - after.trim_start_matches(is_space).len();
        let (rest, more) = integer(head(&after[blank..], 3));
        if more == 0 {
            return Err(invalid());
        }
        let year = thousands.and_then(|t| t.checked_mul(1000)).zip(rest).and_then(|(t, r)| t.checked_add(r));
        let year = year.ok_or_else(|| overflow("value for \"Y,YYY\" in source string is out of range"))?;
        set(&mut self.found.year, year, field)?;
        self.found.year_digits = 4;
        self.at += used + 1 + blank + more;
        self.skip_ordinal(field);
        Ok(())
    }
}

impl Found {
    fn new() -> Found {
        Found {
            calendar: Calendar::Either,
            hour: 0,
            minute: 0,
            second: 0,
            second_of_day: 0,
            weekday: 0,
            day: 0,
            day_of_year: 0,
            month: 0,
            millis: 0,
            micros: 0,
            year: 0,
            year_digits: 0,
            bc: 0,
            pm: 0,
            twelve_hours: false,
            week: 0,
            week_of_month: 0,
            century: 0,
            julian: 0,
            fraction_digits: 0,
            zone_sign: 0,
            zone_hours: 0,
            zone_minutes: 0,
        }
    }
}

/// Reads a text by its picture.
pub(super) fn read(text: &str, format: &str) -> Result<Found> {
    let picture = picture::parse(format);
    let mut reader = Reader { text, at: 0, nodes: &picture, found: Found::new(), fixed: false, extra: 0 };
    reader.read()?;
    Ok(reader.found)
}
