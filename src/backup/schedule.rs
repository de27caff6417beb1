//! When a snapshot is due that nobody asked for: so often, or once a day within a window of time.

use crate::base::{Error, Result, SqlState};
use std::time::Duration;

const MINUTE_US: u64 = 60_000_000;
const DAY_MINUTES: u64 = 24 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Only when asked for.
    Never,
    Every(Duration),
    Daily(Window),
}

/// A part of each day, UTC; it may go on past midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Minutes since midnight.
    start: u64,
    /// Minutes; less than a day.
    length: u64,
}

impl Window {
    /// Reads `03:00-04:00`. 22023 when it is none.
    pub fn parse(text: &str) -> Result<Window> {
        let number = |digits: &str, most: u64| {
            let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|n| two && *n <= most)
        };
        let minute = |time: &str| -> Option<u64> {
            let (hours, minutes) = time.trim().split_once(':')?;
            Some(number(hours, 23)? * 60 + number(minutes, 59)?)
        };
        let ends = text.split_once('-').and_then(|(start, end)| Some((minute(start)?, minute(end)?)));
        let (start, end) = ends.filter(|(start, end)| start != end).ok_or_else(|| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("\"{text}\" is no window of time"))
                .hint("A window is two times of the day in UTC, like \"03:00-04:00\".")
        })?;
        Ok(Window { start, length: (end + DAY_MINUTES - start) % DAY_MINUTES })
    }

    /// When the window that is open at a time was opened, both in microseconds since 1970; none when it is closed.
    fn opened(&self, now_us: u64) -> Option<u64> {
        let day = now_us / (DAY_MINUTES * MINUTE_US);
        let today = (day * DAY_MINUTES + self.start) * MINUTE_US;
        let yesterday = today.checked_sub(DAY_MINUTES * MINUTE_US);
        let is_open = |opened: &u64| (*opened..*opened + self.length * MINUTE_US).contains(&now_us);
        [Some(today), yesterday].into_iter().flatten().find(is_open)
    }
}

impl Schedule {
    /// Whether one is due, `last_us` being when the last was taken: the very first is, unless none ever is.
    pub fn is_due(&self, last_us: Option<u64>, now_us: u64) -> bool {
        match (self, last_us) {
            (Schedule::Never, _) => false,
            (_, None) => true,
            (Schedule::Every(interval), Some(last)) => Duration::from_micros(now_us.saturating_sub(last)) >= *interval,
            (Schedule::Daily(window), Some(last)) => window.opened(now_us).is_some_and(|opened| last < opened),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: u64 = 60 * MINUTE_US;
    const DAY_US: u64 = 24 * HOUR_US;

    #[test]
    fn a_window_is_two_times() {
        assert_eq!(Window::parse("03:00-04:30").unwrap(), Window { start: 180, length: 90 });
        assert_eq!(Window::parse("23:30 - 00:15").unwrap(), Window { start: 1410, length: 45 });
        for text in ["", "03:00", "3:00-4:00", "03:00-03:00", "24:00-01:00", "03:60-04:00", "+3:00-04:00", "a-b"] {
            assert_eq!(Window::parse(text).unwrap_err().code(), SqlState::INVALID_PARAMETER_VALUE, "{text}");
        }
    }

    #[test]
    fn one_is_taken_in_each_window() {
        let schedule = Schedule::Daily(Window::parse("23:00-01:00").unwrap());
        let day = 20_000 * DAY_US;
        assert!(schedule.is_due(None, day + 12 * HOUR_US), "the first is not waited for");
        let noon = Some(day + 12 * HOUR_US);
        assert!(!schedule.is_due(noon, day + 23 * HOUR_US - 1));
        assert!(schedule.is_due(noon, day + 23 * HOUR_US));
        assert!(schedule.is_due(noon, day + DAY_US + HOUR_US - 1));
        assert!(!schedule.is_due(noon, day + DAY_US + HOUR_US));
        assert!(!schedule.is_due(Some(day + 23 * HOUR_US + 5), day + DAY_US + MINUTE_US), "one is enough");
        assert!(schedule.is_due(Some(day + 23 * HOUR_US + 5), day + DAY_US + 23 * HOUR_US));
    }

    #[test]
    fn an_interval_counts_from_the_last() {
        let schedule = Schedule::Every(Duration::from_secs(3600));
        assert!(schedule.is_due(None, 0));
        assert!(!schedule.is_due(Some(5), HOUR_US + 4));
        assert!(schedule.is_due(Some(5), HOUR_US + 5));
        assert!(!Schedule::Never.is_due(None, HOUR_US));
    }
}
