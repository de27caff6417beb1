//! `interval`: months, days and microseconds, kept apart because a month has no fixed number of days.

use std::cmp::Ordering;

/// Equality and order are SQL's, by [`span`](Interval::span): one month equals thirty days.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

const DAYS_PER_MONTH: i128 = 30;
const MICROS_PER_DAY: i128 = 86_400_000_000;

impl Interval {
    /// The form in columns: months, days, microseconds, little-endian.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.months.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.days.to_le_bytes());
        bytes[8..].copy_from_slice(&self.micros.to_le_bytes());
        bytes
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Interval {
        let [a, b, c, d, e, f, g, h, micros @ ..] = bytes;
        Interval {
            months: i32::from_le_bytes([a, b, c, d]),
            days: i32::from_le_bytes([e, f, g, h]),
            micros: i64::from_le_bytes(micros),
        }
    }

    /// What comparison sees: microseconds at 30 days a month and 24 hours a day (`interval_cmp_value`).
    pub fn span(self) -> i128 {
        (i128::from(self.months) * DAYS_PER_MONTH + i128::from(self.days)) * MICROS_PER_DAY + i128::from(self.micros)
    }

    /// An interval of the given span.
    pub fn from_span(span: i128) -> Interval {
        let days = span.div_euclid(MICROS_PER_DAY);
        let months = days / DAYS_PER_MONTH;
        let bounded = months.clamp(i128::from(i32::MIN), i128::from(i32::MAX));
        let rest = days - bounded * DAYS_PER_MONTH;
        let days = rest.clamp(i128::from(i32::MIN), i128::from(i32::MAX));
        let micros = span - (bounded * DAYS_PER_MONTH + days) * MICROS_PER_DAY;
        Interval { months: bounded as i32, days: days as i32, micros: micros as i64 }
    }
}

impl PartialEq for Interval {
    fn eq(&self, other: &Interval) -> bool {
        self.span() == other.span()
    }
}

impl Eq for Interval {}

impl PartialOrd for Interval {
    fn partial_cmp(&self, other: &Interval) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Interval {
    fn cmp(&self, other: &Interval) -> Ordering {
        self.span().cmp(&other.span())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_thirty_days_to_comparison() {
        let month = Interval { months: 1, days: 0, micros: 0 };
        let days = Interval { months: 0, days: 30, micros: 0 };
        assert_eq!(month, days);
        assert!(month < Interval { micros: 1, ..days });
    }

    #[test]
    fn bytes_and_spans_round_trip() {
        for i in [
            Interval { months: i32::MAX, days: i32::MAX, micros: i64::MAX },
            Interval { months: i32::MIN, days: i32::MIN, micros: i64::MIN },
            Interval { months: -1, days: 2, micros: -3 },
        ] {
            let back = Interval::from_bytes(i.to_bytes());
            assert_eq!((back.months, back.days, back.micros), (i.months, i.days, i.micros));
            assert_eq!(Interval::from_span(i.span()), i);
        }
    }
}
