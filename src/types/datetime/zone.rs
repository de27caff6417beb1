//! A session's time zone, by name from the bundled database.

use jiff::tz;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(pub(super) tz::TimeZone);

impl TimeZone {
    pub fn utc() -> TimeZone {
        TimeZone(tz::TimeZone::UTC)
    }
}
