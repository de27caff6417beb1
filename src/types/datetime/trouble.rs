//! What can be wrong with a date, time or interval text, and the errors that say so (`DateTimeParseError`).

use crate::base::{Error, SqlState};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    BadFormat,
    FieldOverflow,
    /// A month or day that another order of fields might explain.
    MonthDayOverflow,
    IntervalOverflow,
    ZoneOverflow,
    UnknownZone(String),
}

impl Trouble {
    /// The error for the whole text, of a type called `ty`.
    pub fn error(self, text: &str, ty: &str) -> Error {
        let field = || {
            let message = format!("date/time field value out of range: \"{text}\"");
            Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
        };
        match self {
            Trouble::FieldOverflow => field(),
            Trouble::MonthDayOverflow => field().hint("Perhaps you need a different \"datestyle\" setting."),
            Trouble::IntervalOverflow => {
                Error::new(SqlState::INTERVAL_FIELD_OVERFLOW, format!("interval field value out of range: \"{text}\""))
            }
            Trouble::ZoneOverflow => Error::new(
                SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                format!("time zone displacement out of range: \"{text}\""),
            ),
            Trouble::BadFormat => {
                Error::new(SqlState::INVALID_DATETIME_FORMAT, format!("invalid input syntax for type {ty}: \"{text}\""))
            }
            Trouble::UnknownZone(name) => super::zone::not_recognized(&name),
        }
    }
}
