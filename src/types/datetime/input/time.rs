//! Times of day (`DecodeTimeOnly`): like timestamps, with the date optional and mostly needed for the zone only.

use super::super::calendar::Civil;
use super::super::trouble::Trouble;
use super::super::words::{self, Word};
use super::super::zone::TimeZone;
use super::scan::{self, Field, FieldKind};
use super::state::{Label, LateZone, State, mask, numeric_zone, time_overflows};
use crate::types::format_context::FormatContext;

/// Microseconds since midnight and seconds west of Greenwich.
pub fn time(text: &str, context: &FormatContext) -> Result<(i64, i32), Trouble> {
    let mut fields = scan::fields(text, scan::DATE_ROOM)?;
    let mut state = State::new(context);
    for i in 0..fields.len() {
        let text = fields[i].text.clone();
        let marked = match fields[i].kind {
            FieldKind::Date => state.date_in_time(&mut fields, i)?,
            FieldKind::Time => state.time(&text)?,
            FieldKind::Zone => {
                state.zone = numeric_zone(&text)?;
                mask::ZONE
            }
            FieldKind::Number => match state.label.take() {
                Some(label) => state.labelled_number(label, &text)?,
                None => state.number_in_time(&fields, i)?,
            },
            FieldKind::Word | FieldKind::Special => match state.word_in_time(&text, fields.get(i + 1))? {
                Some(marked) => {
                    if marked & mask::ZONE != 0 {
                        fields[i].kind = FieldKind::Zone;
                    }
                    marked
                }
                None => continue,
            },
        };
        state.mark(marked)?;
    }
    state.validate_date()?;
    state.apply_ampm()?;
    if time_overflows(&state.tm) {
        return Err(Trouble::FieldOverflow);
    }
    if !state.has(mask::TIME) {
        return Err(Trouble::BadFormat);
    }
    Ok((state.tm.time(), state.zone_of_time()?))
}

impl State<'_> {
    /// A date, a zone's name, or a time run together with its zone.
    fn date_in_time(&mut self, fields: &mut [Field], i: usize) -> Result<u32, Trouble> {
        let last = fields[fields.len() - 1].kind;
        if i == 0 && fields.len() >= 2 && (last == FieldKind::Date || fields[1].kind == FieldKind::Time) {
            return self.date(&fields[i].text);
        }
        let text = &fields[i].text;
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            if self.has(mask::TIME) {
                return Err(Trouble::BadFormat);
            }
            return self.time_with_zone(text, self.mask | mask::DATE);
        }
        let zone = TimeZone::find(text).ok_or_else(|| Trouble::UnknownZone(text.clone()))?;
        self.late_zone = Some(LateZone::Named(zone));
        fields[i].kind = FieldKind::Zone;
        Ok(mask::ZONE)
    }

    fn number_in_time(&mut self, fields: &[Field], i: usize) -> Result<u32, Trouble> {
        let text = &fields[i].text;
        let present = self.mask | mask::DATE;
        match text.find('.') {
            Some(_) if i == 0 && fields.len() >= 2 && fields[fields.len() - 1].kind == FieldKind::Date => {
                self.date(text)
            }
            Some(point) if point > 2 => self.run_together(text, present),
            Some(_) => Err(Trouble::BadFormat),
            None if text.len() > 4 => self.run_together(text, present),
            None => self.number(text, present, false),
        }
    }

    /// None: the word is to be ignored.
    fn word_in_time(&mut self, text: &str, next: Option<&Field>) -> Result<Option<u32>, Trouble> {
        if let Some(marked) = self.abbreviation(text) {
            return Ok(Some(marked));
        }
        Ok(Some(match words::word(text) {
            Some(Word::Ignored) => return Ok(None),
            Some(Word::Now) => {
                let now = self.now().0;
                self.set_time(now.time());
                mask::TIME
            }
            Some(Word::Allballs) => {
                (self.tm.hour, self.tm.minute, self.tm.second) = (0, 0, 0);
                mask::TIME | mask::ZONE
            }
            Some(Word::IsoTime) => {
                let follows =
                    next.is_some_and(|f| matches!(f.kind, FieldKind::Number | FieldKind::Time | FieldKind::Date));
                if !follows {
                    return Err(Trouble::BadFormat);
                }
                self.label = Some(Label::Time);
                0
            }
            Some(Word::Month(_) | Word::Weekday(_)) => return Err(Trouble::BadFormat),
            other => self.common_word(other, text)?,
        }))
    }

    /// The zone's seconds west; a zone that changes needs a date, abbreviations and the session's zone take today.
    fn zone_of_time(&self) -> Result<i32, Trouble> {
        let modified = self.mask & mask::DAYLIGHT_MODIFIER != 0;
        if self.late_zone.is_some() && modified {
            return Err(Trouble::BadFormat);
        }
        match &self.late_zone {
            Some(LateZone::Named(zone)) => match zone.constant_offset() {
                Some(offset) => Ok(-offset),
                None if self.has(mask::DATE) => Ok(west(zone, &self.tm)),
                None => Err(Trouble::BadFormat),
            },
            Some(zone) => Ok(self.resolve(zone, &self.dated()?)),
            None if self.mask & mask::ZONE != 0 => Ok(self.zone),
            None if modified => Err(Trouble::BadFormat),
            None => Ok(west(&self.context.time_zone, &self.dated()?)),
        }
    }

    /// The time on its date, or today.
    fn dated(&self) -> Result<Civil, Trouble> {
        if self.has(mask::DATE) {
            return Ok(self.tm);
        }
        if self.mask & mask::DATE != 0 {
            return Err(Trouble::BadFormat);
        }
        let now = self.now().0;
        Ok(Civil { year: now.year, month: now.month, day: now.day, ..self.tm })
    }
}

/// Seconds west on a date; a date that cannot be counted is taken to be in UTC.
fn west(zone: &TimeZone, tm: &Civil) -> i32 {
    if tm.has_valid_day() { -zone.offset_of_local(tm.seconds()) } else { 0 }
}
