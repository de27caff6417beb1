//! Dates and timestamps (`DecodeDateTime`): fields in almost any order, each giving what the others have not.

use super::super::calendar::{Civil, from_julian_day};
use super::super::trouble::Trouble;
use super::super::words::{self, Unit, Word};
use super::super::zone::TimeZone;
use super::scan::{self, Field, FieldKind};
use super::state::{Label, LateZone, State, mask, numeric_zone, time_overflows};
use crate::types::format_context::FormatContext;

/// What a text of a date or timestamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Fields in local time, and the zone's seconds west of Greenwich.
    Fields(Civil, i32),
    /// 1970-01-01 UTC.
    Epoch,
    Infinity,
    NegInfinity,
}

/// Words that stand for a whole moment, whatever else is there.
type Special = Option<Moment>;

pub fn date_time(text: &str, room: usize, context: &FormatContext) -> Result<Moment, Trouble> {
    let fields = scan::fields(text, room)?;
    let mut state = State::new(context);
    let mut special = None;
    for (i, field) in fields.iter().enumerate() {
        let marked = match field.kind {
            FieldKind::Date => state.date_field(&field.text)?,
            FieldKind::Time => {
                if !matches!(state.label.take(), None | Some(Label::Time)) {
                    return Err(Trouble::BadFormat);
                }
                let marked = state.time(&field.text)?;
                if time_overflows(&state.tm) {
                    return Err(Trouble::FieldOverflow);
                }
                marked
            }
            FieldKind::Zone => {
                state.zone = numeric_zone(&field.text)?;
                mask::ZONE
            }
            FieldKind::Number => match state.label.take() {
                Some(label) => {
                    special = None;
                    state.labelled_number(label, &field.text)?
                }
                None => state.number_field(&field.text)?,
            },
            FieldKind::Word | FieldKind::Special => {
                match state.word_field(&field.text, fields.get(i + 1), &mut special)? {
                    Some(marked) => marked,
                    None => continue,
                }
            }
        };
        state.mark(marked)?;
    }
    state.validate_date()?;
    state.apply_ampm()?;
    match special {
        Some(moment) => Ok(moment),
        None => state.finish(),
    }
}

impl State<'_> {
    fn date_field(&mut self, text: &str) -> Result<u32, Trouble> {
        if self.label == Some(Label::Unit(Unit::Julian)) {
            // A Julian day with a zone at its end.
            let (day, rest) = scan::small_integer(text)?;
            self.set_julian(day)?;
            self.zone = numeric_zone(rest)?;
            self.label = None;
            return Ok(mask::DATE | mask::TIME | mask::ZONE);
        }
        if self.label.is_none() && !self.has(mask::MONTH | mask::DAY) {
            return self.date(text);
        }
        if self.label.is_some() || text.starts_with(|c: char| c.is_ascii_digit()) {
            if !matches!(self.label.take(), None | Some(Label::Time)) || self.has(mask::TIME) {
                return Err(Trouble::BadFormat);
            }
            return self.time_with_zone(text, self.mask);
        }
        let zone = TimeZone::find(text).ok_or_else(|| Trouble::UnknownZone(text.to_string()))?;
        self.late_zone = Some(LateZone::Named(zone));
        Ok(mask::ZONE)
    }

    fn number_field(&mut self, text: &str) -> Result<u32, Trouble> {
        let point = text.find('.');
        if point.is_some() && self.mask & mask::DATE == 0 {
            return self.date(text);
        }
        if point.is_some_and(|p| p > 2) {
            return self.run_together(text, self.mask);
        }
        if text.len() >= 6 && (self.mask & mask::DATE == 0 || self.mask & mask::TIME == 0) {
            return self.run_together(text, self.mask);
        }
        self.number(text, self.mask, self.month_in_letters)
    }

    /// None: the word is to be ignored.
    fn word_field(&mut self, text: &str, next: Option<&Field>, special: &mut Special) -> Result<Option<u32>, Trouble> {
        if let Some(marked) = self.abbreviation(text) {
            return Ok(Some(marked));
        }
        let marked = match words::word(text) {
            Some(Word::Ignored) => return Ok(None),
            Some(Word::Now) => {
                (self.tm, self.zone) = self.now();
                *special = None;
                mask::DATE | mask::TIME | mask::ZONE
            }
            Some(day @ (Word::Yesterday | Word::Today | Word::Tomorrow)) => {
                let shift = match day {
                    Word::Yesterday => -1,
                    Word::Today => 0,
                    _ => 1,
                };
                let today = self.now().0.julian_day();
                self.set_date(from_julian_day(today + shift));
                *special = None;
                mask::DATE
            }
            Some(Word::Allballs) => {
                (self.tm.hour, self.tm.minute, self.tm.second, self.zone) = (0, 0, 0, 0);
                *special = None;
                mask::TIME | mask::ZONE
            }
            Some(Word::Epoch) => {
                *special = Some(Moment::Epoch);
                mask::RESERVED
            }
            Some(Word::Infinity) => {
                *special = Some(Moment::Infinity);
                mask::RESERVED
            }
            Some(Word::NegInfinity) => {
                *special = Some(Moment::NegInfinity);
                mask::RESERVED
            }
            Some(Word::Month(month)) => self.month_in_letters(month),
            Some(Word::IsoTime) => {
                let follows =
                    next.is_some_and(|f| matches!(f.kind, FieldKind::Number | FieldKind::Time | FieldKind::Date));
                if !self.has(mask::DATE) || !follows {
                    return Err(Trouble::BadFormat);
                }
                self.label = Some(Label::Time);
                0
            }
            other => self.common_word(other, text)?,
        };
        Ok(Some(marked))
    }

    /// A month in letters; a number taken for the month was the day.
    fn month_in_letters(&mut self, month: i32) -> u32 {
        let was_day = self.mask & mask::MONTH != 0
            && !self.month_in_letters
            && self.mask & mask::DAY == 0
            && (1..=31).contains(&self.tm.month);
        self.month_in_letters = true;
        if was_day {
            self.tm.day = self.tm.month;
        }
        self.tm.month = month;
        if was_day { mask::DAY } else { mask::MONTH }
    }

    /// Words that mean the same in timestamps and in times.
    pub(super) fn common_word(&mut self, word: Option<Word>, text: &str) -> Result<u32, Trouble> {
        Ok(match word {
            Some(Word::DaylightModifier) => {
                self.zone -= 3600;
                mask::DAYLIGHT_MODIFIER | mask::DAYLIGHT_ZONE
            }
            Some(Word::Ampm(pm)) => {
                self.pm = Some(pm);
                mask::AMPM
            }
            Some(Word::Era(bc)) => {
                self.bc = bc;
                mask::ERA
            }
            Some(Word::Weekday(_)) => mask::WEEKDAY,
            Some(Word::Unit(unit)) => {
                self.label = Some(Label::Unit(unit));
                0
            }
            None => {
                let zone = TimeZone::find(text).ok_or(Trouble::BadFormat)?;
                self.late_zone = Some(LateZone::Named(zone));
                mask::ZONE
            }
            Some(_) => return Err(Trouble::BadFormat),
        })
    }

    fn finish(self) -> Result<Moment, Trouble> {
        if !self.has(mask::DATE) {
            return Err(Trouble::BadFormat);
        }
        let modified = self.mask & mask::DAYLIGHT_MODIFIER != 0;
        let zone = match &self.late_zone {
            Some(_) if modified => return Err(Trouble::BadFormat),
            Some(zone) => self.resolve(zone, &self.tm),
            None if self.mask & mask::ZONE != 0 => self.zone,
            None if modified => return Err(Trouble::BadFormat),
            None => -self.context.time_zone.offset_of_local(self.tm.seconds()),
        };
        Ok(Moment::Fields(self.tm, zone))
    }
}
