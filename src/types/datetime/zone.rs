//! Time zones: from the bundled database, POSIX rules, or fixed offsets; and local time to UTC and back.
//!
//! Names are found without regard to case and shown in the database's spelling; what is no name may be a POSIX rule
//! (`EST5EDT`, `<+07>-07`, even `-07:00`), shown in upper case, as PostgreSQL's `pgtz.c` does. Outside the database's years
//! rules repeat every 400 years, which is a whole number of weeks. Two local times have no single UTC time:
//! in a gap the offset before it holds, in an overlap the offset after (`DetermineTimeZoneOffset`).

use super::calendar::{MICROS_PER_SECOND, SECONDS_PER_DAY, UNIX_EPOCH_DISTANCE_S};
use crate::base::{Error, Result, SqlState};
use jiff::tz::{self, AmbiguousOffset};
use std::sync::{Arc, LazyLock};

/// A time zone; cheap to clone. Offsets are in seconds **east** of Greenwich.
#[derive(Clone, Debug)]
pub struct TimeZone(Arc<Zone>);

#[derive(Debug)]
struct Zone {
    name: Box<str>,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Fixed {
        offset: i32,
        abbreviation: Box<str>,
    },
    Changing(tz::TimeZone),
    /// A POSIX rule with daylight saving: names for standard and daylight time. The rule is that of the same zone with
    /// standard time at UTC, `shift` seconds off: the library takes offsets of a day at most.
    Posix {
        rule: tz::TimeZone,
        shift: i32,
        standard: Box<str>,
        daylight: Box<str>,
    },
}

/// What holds in a zone at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneInfo {
    /// Seconds east of Greenwich.
    pub offset: i32,
    pub daylight: bool,
    pub abbreviation: Box<str>,
}

impl PartialEq for TimeZone {
    fn eq(&self, other: &TimeZone) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for TimeZone {}

static UTC: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::of_rule("UTC", fixed_rule(0, "UTC")));

fn fixed_rule(offset: i32, abbreviation: &str) -> Rule {
    Rule::Fixed { offset, abbreviation: abbreviation.into() }
}

/// 400 years.
const CYCLE_S: i64 = 146_097 * SECONDS_PER_DAY;
/// 2001-01-01 + 7,600 years; whole cycles are taken off moments past it. Seconds since 2000-01-01.
const LAST_S: i64 = 19 * CYCLE_S;
/// The database knows years from -9999; timestamps begin in -4713.
const FIRST_S: i64 = -29 * CYCLE_S;
/// Longest name of a zone.
const NAME_MAX: usize = 255;
/// Where the search for an abbreviation's next use ends: 2040, when all rules repeat.
const ABBREVIATIONS_END: i64 = 40 * 366 * SECONDS_PER_DAY;

impl TimeZone {
    pub fn utc() -> TimeZone {
        UTC.clone()
    }

    fn of_rule(name: impl Into<Box<str>>, rule: Rule) -> TimeZone {
        TimeZone(Arc::new(Zone { name: name.into(), rule }))
    }

    /// A zone of the database or a POSIX rule; 22023 `time zone "x" not recognized`.
    pub fn named(name: &str) -> Result<TimeZone> {
        TimeZone::find(name).ok_or_else(|| not_recognized(name))
    }

    /// Like [`named`](TimeZone::named), or none.
    pub fn find(name: &str) -> Option<TimeZone> {
        if name.len() > NAME_MAX {
            return None;
        }
        if name.eq_ignore_ascii_case("utc") {
            return Some(TimeZone::utc());
        }
        // Names hold only these; anything else is a rule or nothing.
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+'));
        if plain && let Ok(rule) = tz::db().get(name) {
            let name = rule.iana_name().unwrap_or(name).to_string();
            return Some(TimeZone::of_rule(name, Rule::Changing(rule)));
        }
        posix_zone(&name.to_ascii_uppercase())
    }

    /// The names in the database.
    pub fn all_names() -> Vec<String> {
        tz::db().available().map(|name| name.as_str().to_string()).collect()
    }

    /// A value of the setting `timezone`: hours east of Greenwich, `interval '...'`, or a name. 22023 `invalid value for
    /// parameter "TimeZone": "x"`.
    pub fn from_setting(value: &str) -> Result<TimeZone> {
        let invalid = || {
            let message = format!("invalid value for parameter \"TimeZone\": \"{value}\"");
            Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        };
        if let Some(rest) = strip_word(value, "interval") {
            let text = rest.trim_start().strip_prefix('\'').and_then(|r| r.strip_suffix('\'')).ok_or_else(invalid)?;
            let interval = super::parse_interval(text, -1, super::IntervalStyle::Postgres)?;
            return fixed_of_interval(interval).map_err(|detail| invalid().detail(detail));
        }
        if let Ok(hours) = value.parse::<f64>()
            && value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        {
            let seconds = hours * 3600.0;
            if !seconds.is_finite() || seconds.abs() >= 168.0 * 3600.0 {
                return Err(invalid());
            }
            return Ok(TimeZone::fixed(seconds as i32));
        }
        let zone = TimeZone::find(value).ok_or_else(invalid)?;
        // A zone whose minutes do not begin with the clock's looks like one with leap seconds.
        if zone.offset_at(0) % 60 != 0 {
            let message = format!("time zone \"{value}\" appears to use leap seconds");
            let error = Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
            return Err(error.detail("PostgreSQL does not support leap seconds."));
        }
        Ok(zone)
    }

    /// A fixed offset in seconds east, named as PostgreSQL names it: `<-07>+07`.
    pub fn fixed(offset: i32) -> TimeZone {
        let seconds = offset.unsigned_abs();
        let mut digits = format!("{:02}", seconds / 3600);
        if !seconds.is_multiple_of(3600) {
            digits.push_str(&format!(":{:02}", seconds / 60 % 60));
        }
        if !seconds.is_multiple_of(60) {
            digits.push_str(&format!(":{:02}", seconds % 60));
        }
        let (sign, opposite) = if offset < 0 { ('-', '+') } else { ('+', '-') };
        let abbreviation = format!("{sign}{digits}");
        let name = format!("<{abbreviation}>{opposite}{digits}");
        TimeZone::of_rule(name, Rule::Fixed { offset, abbreviation: abbreviation.into() })
    }

    /// As SHOW TimeZone prints it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Seconds east of Greenwich at a moment, given in seconds since 2000-01-01 UTC.
    pub fn offset_at(&self, seconds: i64) -> i32 {
        match &self.0.rule {
            Rule::Fixed { offset, .. } => *offset,
            Rule::Changing(rule) => rule.to_offset(moment(seconds)).seconds(),
            Rule::Posix { rule, shift, .. } => rule.to_offset(moment(seconds + i64::from(*shift))).seconds() + shift,
        }
    }

    /// Offset, daylight saving and abbreviation at a moment, given in seconds since 2000-01-01 UTC.
    pub fn info_at(&self, seconds: i64) -> ZoneInfo {
        match &self.0.rule {
            Rule::Fixed { offset, abbreviation } => {
                ZoneInfo { offset: *offset, daylight: false, abbreviation: abbreviation.clone() }
            }
            Rule::Changing(rule) => {
                let info = rule.to_offset_info(moment(seconds));
                let (offset, daylight) = (info.offset().seconds(), info.dst().is_dst());
                ZoneInfo { offset, daylight, abbreviation: info.abbreviation().into() }
            }
            Rule::Posix { rule, shift, standard, daylight } => {
                let info = rule.to_offset_info(moment(seconds + i64::from(*shift)));
                let is_dst = info.dst().is_dst();
                let abbreviation = if is_dst { daylight } else { standard };
                ZoneInfo {
                    offset: info.offset().seconds() + shift,
                    daylight: is_dst,
                    abbreviation: abbreviation.clone(),
                }
            }
        }
    }

    /// Seconds east of Greenwich of a local time, given in seconds since local 2000-01-01.
    pub fn offset_of_local(&self, seconds: i64) -> i32 {
        let (rule, shift) = match &self.0.rule {
            Rule::Fixed { offset, .. } => return *offset,
            Rule::Changing(rule) => (rule, 0),
            Rule::Posix { rule, shift, .. } => (rule, *shift),
        };
        let wall = tz::Offset::UTC.to_datetime(moment(seconds));
        let offset = match rule.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } => before,
            AmbiguousOffset::Fold { after, .. } => after,
        };
        offset.seconds() + shift
    }

    /// UTC of a local timestamp, both in microseconds since 2000-01-01; saturates.
    pub fn to_utc(&self, local: i64) -> i64 {
        let offset = self.offset_of_local(local.div_euclid(MICROS_PER_SECOND));
        local.saturating_sub(i64::from(offset) * MICROS_PER_SECOND)
    }

    /// Local time of a UTC timestamp, both in microseconds since 2000-01-01; saturates.
    pub fn to_local(&self, utc: i64) -> i64 {
        let offset = self.offset_at(utc.div_euclid(MICROS_PER_SECOND));
        utc.saturating_add(i64::from(offset) * MICROS_PER_SECOND)
    }

    /// The offset of a zone that has never had another (`pg_get_timezone_offset`).
    pub fn constant_offset(&self) -> Option<i32> {
        let rule = match &self.0.rule {
            Rule::Fixed { offset, .. } => return Some(*offset),
            Rule::Posix { .. } => return None,
            Rule::Changing(rule) => rule,
        };
        let first = rule.to_offset(jiff::Timestamp::MIN);
        let mut changes =
            rule.following(jiff::Timestamp::MIN).take_while(|t| t.timestamp() < moment(ABBREVIATIONS_END));
        changes.all(|t| t.offset() == first).then(|| first.seconds())
    }

    /// What an abbreviation means in this zone at about a moment: as it was used last, or else first used after it
    /// (`pg_interpret_timezone_abbrev`). Offset east, and whether it is daylight saving.
    pub(super) fn interpret_abbreviation(&self, abbreviation: &str, seconds: i64) -> Option<(i32, bool)> {
        let Rule::Changing(rule) = &self.0.rule else { return None };
        let at = moment(seconds.min(ABBREVIATIONS_END));
        let after = at.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(at);
        let mut before = rule.preceding(after);
        let mut later = rule.following(at).take_while(|t| t.timestamp() < moment(ABBREVIATIONS_END));
        let wanted = |t: &tz::TimeZoneTransition<'_>| t.abbreviation().eq_ignore_ascii_case(abbreviation);
        let found = before.find(wanted).or_else(|| later.find(wanted))?;
        Some((found.offset().seconds(), found.dst().is_dst()))
    }
}

pub(super) fn not_recognized(name: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized"))
}

/// The zone of `SET TIME ZONE INTERVAL '-08:00'`, or what is wrong with it.
fn fixed_of_interval(interval: super::Interval) -> Result<TimeZone, &'static str> {
    if interval.months != 0 {
        return Err("Cannot specify months in time zone interval.");
    }
    if interval.days != 0 {
        return Err("Cannot specify days in time zone interval.");
    }
    let seconds = interval.micros / MICROS_PER_SECOND;
    if seconds.abs() >= 168 * 3600 {
        return Err("UTC timezone offset is out of range.");
    }
    Ok(TimeZone::fixed(seconds as i32))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word)).map(|_| &text[word.len()..])
}

/// A moment of the database's years with the same place in its 400-year cycle.
fn moment(seconds: i64) -> jiff::Timestamp {
    let within =
        if seconds > LAST_S { (seconds - LAST_S).rem_euclid(CYCLE_S) + LAST_S - CYCLE_S } else { seconds.max(FIRST_S) };
    jiff::Timestamp::from_second(within + UNIX_EPOCH_DISTANCE_S).expect("the database covers these years")
}

/// Reads a POSIX rule, in upper case: name, offset west, and perhaps the name, offset and rule of daylight saving time.
fn posix_zone(text: &str) -> Option<TimeZone> {
    let (standard, rest) = posix_name(text)?;
    let (west, rest) = posix_offset(rest)?;
    if rest.is_empty() {
        return Some(TimeZone::of_rule(text, fixed_rule(-west, standard)));
    }
    let (daylight, rest) = posix_name(rest)?;
    if daylight.is_empty() {
        return None;
    }
    let (daylight_west, rest) = match rest.bytes().next() {
        None | Some(b',' | b';') => (west - 3600, rest),
        _ => posix_offset(rest)?,
    };
    let rule = if rest.is_empty() { ",M3.2.0,M11.1.0".to_string() } else { rest.replace(';', ",") };
    let clock = |west: i32| {
        let seconds = west.unsigned_abs();
        let sign = if west < 0 { "-" } else { "" };
        format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    };
    let normal = format!("STD0DST{}{rule}", clock(daylight_west - west));
    let rule = tz::TimeZone::posix(&normal).ok()?;
    Some(TimeZone::of_rule(
        text,
        Rule::Posix { rule, shift: -west, standard: standard.into(), daylight: daylight.into() },
    ))
}

fn posix_name(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>');
    }
    let end = text.find(|c: char| c.is_ascii_digit() || matches!(c, ',' | '-' | '+')).unwrap_or(text.len());
    Some(text.split_at(end))
}

/// `[+-]hh[:mm[:ss]]` in seconds.
fn posix_offset(text: &str) -> Option<(i32, &str)> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut seconds = 0;
    for (i, (unit, most)) in [(3600, 167), (60, 59), (1, 60)].into_iter().enumerate() {
        if i > 0 {
            match rest.strip_prefix(':') {
                Some(r) => rest = r,
                None => break,
            }
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: i32 = rest[..end].parse().ok().filter(|&n| n <= most)?;
        seconds += number * unit;
        rest = &rest[end..];
    }
    Some((sign * seconds, rest))
}

/// The day's fields in the proleptic calendar for tests against the database's own calendar.
#[cfg(test)]
fn civil_of(seconds: i64) -> jiff::civil::DateTime {
    tz::Offset::UTC.to_datetime(moment(seconds))
}

#[cfg(test)]
mod tests {
    use super::super::calendar::Civil;
    use super::*;

    fn seconds(year: i32, month: i32, day: i32, hour: i32, minute: i32) -> i64 {
        Civil { year, month, day, hour, minute, ..Civil::default() }.seconds()
    }

    #[test]
    fn names_are_found_in_any_case_and_shown_in_one() {
        for (given, shown) in [
            ("europe/BERLIN", "Europe/Berlin"),
            ("utc", "UTC"),
            ("est5edt", "EST5EDT"),
            ("foo+5", "FOO+5"),
            ("-07:00", "-07:00"),
            ("<-07>+07", "<-07>+07"),
            ("aaa8bb", "AAA8BB"),
            ("pst8pdt,m3.2.0,m11.1.0", "PST8PDT,M3.2.0,M11.1.0"),
        ] {
            assert_eq!(TimeZone::named(given).unwrap().name(), shown);
        }
        for wrong in ["nope", "", "Mars/Phobos", "../etc/passwd", "x200"] {
            let e = TimeZone::named(wrong).unwrap_err();
            assert_eq!(format!("{e:?}"), format!("[22023] time zone \"{wrong}\" not recognized"));
        }
    }

    #[test]
    fn settings() {
        let name = |v: &str| TimeZone::from_setting(v).map(|z| z.name().to_string());
        assert_eq!(name("-7").unwrap(), "<-07>+07");
        assert_eq!(name("-7.5").unwrap(), "<-07:30>+07:30");
        assert_eq!(name("0").unwrap(), "<+00>-00");
        assert_eq!(name("INTERVAL '-08:00'").unwrap(), "<-08>+08");
        assert!(name("FOO+5:30:15").unwrap_err().message().contains("leap seconds"));
        assert!(name(" -7.5 ").is_err() && name("").is_err() && name("nope").is_err() && name("nan").is_err());
        assert_eq!(TimeZone::from_setting("5.5").unwrap().offset_at(0), 19_800);
    }

    #[test]
    fn gaps_take_the_offset_before_and_overlaps_the_one_after() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.offset_of_local(seconds(2020, 3, 29, 2, 30)), 3600);
        assert_eq!(berlin.offset_of_local(seconds(2020, 10, 25, 2, 30)), 3600);
        assert_eq!(berlin.offset_of_local(seconds(2020, 7, 1, 0, 0)), 7200);
        assert_eq!(berlin.info_at(seconds(1800, 7, 1, 0, 0)).abbreviation.as_ref(), "LMT");
        assert_eq!(berlin.offset_of_local(seconds(250_000, 7, 1, 0, 0)), 7200);
        assert_eq!(berlin.offset_of_local(seconds(250_000, 1, 1, 0, 0)), 3600);
        assert_eq!(berlin.offset_of_local(seconds(-4712, 1, 1, 0, 0)), 3208);
    }

    #[test]
    fn cycles_keep_month_day_and_weekday() {
        for year in [9_000, 9_600, 9_999, 10_000, 123_456, 294_276] {
            let at = seconds(year, 3, 31, 12, 0);
            let (ours, theirs) = (Civil::of_timestamp(at * MICROS_PER_SECOND), civil_of(at));
            assert_eq!(
                (ours.month, ours.day, ours.hour),
                (theirs.month().into(), theirs.day().into(), theirs.hour().into())
            );
            assert_eq!(ours.year.rem_euclid(400), i32::from(theirs.year()).rem_euclid(400));
        }
    }

    #[test]
    fn only_unchanging_zones_have_a_constant_offset() {
        assert_eq!(TimeZone::named("Etc/GMT+5").unwrap().constant_offset(), Some(-18_000));
        assert_eq!(TimeZone::named("Europe/Berlin").unwrap().constant_offset(), None);
        assert_eq!(TimeZone::fixed(60).constant_offset(), Some(60));
    }
}
