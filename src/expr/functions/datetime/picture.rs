//! Format pictures of dates and times: `YYYY-MM-DD HH24:MI:SS` taken apart into fields and literal text.
//!
//! The first key of the table that the picture goes on with is meant, so longer keys stand before their beginnings.
//! `FM` and `TM` go before a key, `TH`, `th` and `SP` after it.

use smallvec::SmallVec;

/// What a key stands for; letter case matters to those that print letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// AM and PM, with points or without.
    Meridian {
        points: bool,
        case: Case,
    },
    Era {
        points: bool,
        case: Case,
    },
    Century,
    DayName {
        full: bool,
        case: Case,
    },
    DayOfYear,
    IsoDayOfYear,
    DayOfMonth,
    DayOfWeek,
    IsoDayOfWeek,
    /// So many digits of the second's fraction.
    Fraction(u32),
    FixedFormat,
    Hour24,
    Hour12,
    IsoWeek,
    /// So many low digits of the ISO year.
    IsoYear(u32),
    JulianDay,
    Minute,
    Month,
    MonthName {
        full: bool,
        case: Case,
    },
    Milliseconds,
    ZoneOffset,
    Quarter,
    RomanMonth {
        case: Case,
    },
    SecondsOfDay,
    Second,
    ZoneHours,
    ZoneMinutes,
    Zone {
        case: Case,
    },
    Microseconds,
    WeekOfYear,
    WeekOfMonth,
    YearWithComma,
    /// So many low digits of the year.
    Year(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Upper,
    Capital,
    Lower,
}

/// Which calendar a field belongs to: they must not be mixed in input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calendar {
    Either,
    Gregorian,
    IsoWeek,
}

#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub code: Code,
    /// Input consists of digits.
    pub digits: bool,
    pub calendar: Calendar,
}

/// `TH` or `th` after a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordinal {
    Upper,
    Lower,
}

#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub key: &'static Key,
    /// `FM`: no padding.
    pub fill: bool,
    /// `TM`: names in the locale's language, which is English here.
    pub translated: bool,
    pub ordinal: Option<Ordinal>,
}

#[derive(Clone, Copy, Debug)]
pub enum Node {
    Field(Field),
    Separator(char),
    Space(char),
    Literal(char),
}

pub type Picture = SmallVec<[Node; 24]>;

/// Printable ASCII that is neither letter nor digit.
pub fn is_separator(c: char) -> bool {
    c.is_ascii_punctuation()
}

pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn find_key(text: &str) -> Option<&'static Key> {
    let first = *text.as_bytes().first()?;
    KEYS.iter().find(|k| k.name.as_bytes()[0] == first && text.starts_with(k.name))
}

pub fn parse(text: &str) -> Picture {
    let mut picture = Picture::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (mut fill, mut translated) = (false, false);
        if let Some(r) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            (rest, fill) = (r, true);
        } else if let Some(r) = rest.strip_prefix("TM").or_else(|| rest.strip_prefix("tm")) {
            (rest, translated) = (r, true);
        }
        if let Some(key) = find_key(rest) {
            rest = &rest[key.name.len()..];
            let mut ordinal = None;
            if let Some(r) = rest.strip_prefix("TH") {
                (rest, ordinal) = (r, Some(Ordinal::Upper));
            } else if let Some(r) = rest.strip_prefix("th") {
                (rest, ordinal) = (r, Some(Ordinal::Lower));
            } else if let Some(r) = rest.strip_prefix("SP") {
                rest = r;
            }
            picture.push(Node::Field(Field { key, fill, translated, ordinal }));
        } else if let Some(r) = rest.strip_prefix('"') {
            rest = quoted(&mut picture, r);
        } else {
            if rest.starts_with("\\\"") {
                rest = &rest[1..];
            }
            let Some(c) = rest.chars().next() else { break };
            rest = &rest[c.len_utf8()..];
            picture.push(match c {
                c if is_separator(c) => Node::Separator(c),
                c if is_space(c) => Node::Space(c),
                c => Node::Literal(c),
            });
        }
    }
    picture
}

/// Text up to the next quote; a backslash takes the next character as it is.
fn quoted<'a>(picture: &mut Picture, text: &'a str) -> &'a str {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => picture.push(Node::Literal(chars.next().unwrap_or('\\'))),
            c => picture.push(Node::Literal(c)),
        }
    }
    chars.as_str()
}

const fn key(name: &'static str, code: Code, digits: bool, calendar: Calendar) -> Key {
    Key { name, code, digits, calendar }
}

use Calendar::{Either, Gregorian};
use Case::{Capital, Lower, Upper};
use Code::*;

#[rustfmt::skip]
static KEYS: &[Key] = &[
    key("A.D.", Era { points: true, case: Upper }, false, Either),
    key("A.M.", Meridian { points: true, case: Upper }, false, Either),
    key("AD", Era { points: false, case: Upper }, false, Either),
    key("AM", Meridian { points: false, case: Upper }, false, Either),
    key("B.C.", Era { points: true, case: Upper }, false, Either),
    key("BC", Era { points: false, case: Upper }, false, Either),
    key("CC", Century, true, Either),
    key("DAY", DayName { full: true, case: Upper }, false, Either),
    key("DDD", DayOfYear, true, Gregorian),
    key("DD", DayOfMonth, true, Gregorian),
    key("DY", DayName { full: false, case: Upper }, false, Either),
    key("Day", DayName { full: true, case: Capital }, false, Either),
    key("Dy", DayName { full: false, case: Capital }, false, Either),
    key("D", DayOfWeek, true, Gregorian),
    key("FF1", Fraction(1), true, Either),
    key("FF2", Fraction(2), true, Either),
    key("FF3", Fraction(3), true, Either),
    key("FF4", Fraction(4), true, Either),
    key("FF5", Fraction(5), true, Either),
    key("FF6", Fraction(6), true, Either),
    key("FX", FixedFormat, false, Either),
    key("HH24", Hour24, true, Either),
    key("HH12", Hour12, true, Either),
    key("HH", Hour12, true, Either),
    key("IDDD", IsoDayOfYear, true, Calendar::IsoWeek),
    key("ID", IsoDayOfWeek, true, Calendar::IsoWeek),
    key("IW", Code::IsoWeek, true, Calendar::IsoWeek),
    key("IYYY", IsoYear(4), true, Calendar::IsoWeek),
    key("IYY", IsoYear(3), true, Calendar::IsoWeek),
    key("IY", IsoYear(2), true, Calendar::IsoWeek),
    key("I", IsoYear(1), true, Calendar::IsoWeek),
    key("J", JulianDay, true, Either),
    key("MI", Minute, true, Either),
    key("MM", Month, true, Gregorian),
    key("MONTH", MonthName { full: true, case: Upper }, false, Gregorian),
    key("MON", MonthName { full: false, case: Upper }, false, Gregorian),
    key("MS", Milliseconds, true, Either),
    key("Month", MonthName { full: true, case: Capital }, false, Gregorian),
    key("Mon", MonthName { full: false, case: Capital }, false, Gregorian),
    key("OF", ZoneOffset, false, Either),
    key("P.M.", Meridian { points: true, case: Upper }, false, Either),
    key("PM", Meridian { points: false, case: Upper }, false, Either),
    key("Q", Quarter, true, Either),
    key("RM", RomanMonth { case: Upper }, false, Gregorian),
    key("SSSSS", SecondsOfDay, true, Either),
    key("SSSS", SecondsOfDay, true, Either),
    key("SS", Second, true, Either),
    key("TZH", ZoneHours, false, Either),
    key("TZM", ZoneMinutes, true, Either),
    key("TZ", Zone { case: Upper }, false, Either),
    key("US", Microseconds, true, Either),
    key("WW", WeekOfYear, true, Gregorian),
    key("W", WeekOfMonth, true, Gregorian),
    key("Y,YYY", YearWithComma, true, Gregorian),
    key("YYYY", Year(4), true, Gregorian),
    key("YYY", Year(3), true, Gregorian),
    key("YY", Year(2), true, Gregorian),
    key("Y", Year(1), true, Gregorian),
    key("a.d.", Era { points: true, case: Lower }, false, Either),
    key("a.m.", Meridian { points: true, case: Lower }, false, Either),
    key("ad", Era { points: false, case: Lower }, false, Either),
    key("am", Meridian { points: false, case: Lower }, false, Either),
    key("b.c.", Era { points: true, case: Lower }, false, Either),
    key("bc", Era { points: false, case: Lower }, false, Either),
    key("cc", Century, true, Either),
    key("day", DayName { full: true, case: Lower }, false, Either),
    key("ddd", DayOfYear, true, Gregorian),
    key("dd", DayOfMonth, true, Gregorian),
    key("dy", DayName { full: false, case: Lower }, false, Either),
    key("d", DayOfWeek, true, Gregorian),
    key("ff1", Fraction(1), true, Either),
    key("ff2", Fraction(2), true, Either),
    key("ff3", Fraction(3), true, Either),
    key("ff4", Fraction(4), true, Either),
    key("ff5", Fraction(5), true, Either),
    key("ff6", Fraction(6), true, Either),
    key("fx", FixedFormat, false, Either),
    key("hh24", Hour24, true, Either),
    key("hh12", Hour12, true, Either),
    key("hh", Hour12, true, Either),
    key("iddd", IsoDayOfYear, true, Calendar::IsoWeek),
    key("id", IsoDayOfWeek, true, Calendar::IsoWeek),
    key("iw", Code::IsoWeek, true, Calendar::IsoWeek),
    key("iyyy", IsoYear(4), true, Calendar::IsoWeek),
    key("iyy", IsoYear(3), true, Calendar::IsoWeek),
    key("iy", IsoYear(2), true, Calendar::IsoWeek),
    key("i", IsoYear(1), true, Calendar::IsoWeek),
    key("j", JulianDay, true, Either),
    key("mi", Minute, true, Either),
    key("mm", Month, true, Gregorian),
    key("month", MonthName { full: true, case: Lower }, false, Gregorian),
    key("mon", MonthName { full: false, case: Lower }, false, Gregorian),
    key("ms", Milliseconds, true, Either),
    key("of", ZoneOffset, false, Either),
    key("p.m.", Meridian { points: true, case: Lower }, false, Either),
    key("pm", Meridian { points: false, case: Lower }, false, Either),
    key("q", Quarter, true, Either),
    key("rm", RomanMonth { case: Lower }, false, Gregorian),
    key("sssss", SecondsOfDay, true, Either),
    key("ssss", SecondsOfDay, true, Either),
    key("ss", Second, true, Either),
    key("tzh", ZoneHours, false, Either),
    key("tzm", ZoneMinutes, true, Either),
    key("tz", Zone { case: Lower }, false, Either),
    key("us", Microseconds, true, Either),
    key("ww", WeekOfYear, true, Gregorian),
    key("w", WeekOfMonth, true, Gregorian),
    key("y,yyy", YearWithComma, true, Gregorian),
    key("yyyy", Year(4), true, Gregorian),
    key("yyy", Year(3), true, Gregorian),
    key("yy", Year(2), true, Gregorian),
    key("y", Year(1), true, Gregorian),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let show = |n: &Node| match n {
            Node::Field(f) => f.key.name.to_string(),
            Node::Separator(c) | Node::Space(c) | Node::Literal(c) => format!("'{c}"),
        };
        parse(text).iter().map(show).collect()
    }

    #[test]
    fn longer_keys_stand_before_their_beginnings() {
        for (i, k) in KEYS.iter().enumerate() {
            assert!(!KEYS[..i].iter().any(|earlier| k.name.starts_with(earlier.name)), "{}", k.name);
        }
        assert_eq!(names("YYYYMMDD"), ["YYYY", "MM", "DD"]);
        assert_eq!(names("HH24MISSMS"), ["HH24", "MI", "SS", "MS"]);
        assert_eq!(names("FMDDth Dd"), ["DD", "' ", "D", "d"]);
        assert_eq!(names("\"T\\\"Z\" \\\"x"), ["'T", "'\"", "'Z", "' ", "'\"", "'x"]);
    }
}
