//! How old what a replica shows is. With each message the primary says when it sent it and how far its log was durable then,
//! and it sends one ten times a second when it has nothing else to say.

use crate::base::Lsn;
use std::collections::VecDeque;

/// How many messages are remembered whose log is not applied yet.
const AHEAD_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    ahead: VecDeque<(Lsn, i64)>,
    /// Everything that was durable at the primary then is applied here.
    as_of: Option<i64>,
}

impl Heartbeat {
    /// The primary's log was durable up to `end` at `sent_us`, by its clock.
    pub(super) fn heard(&mut self, end: Lsn, sent_us: i64, applied: Lsn) {
        let full = self.ahead.len() >= AHEAD_MAX;
        match self.ahead.back_mut() {
            Some((last, at_us)) if *last >= end => *at_us = sent_us,
            // Of too many the newest are left out, so that nothing looks younger than it is.
            _ if full => {}
            _ => self.ahead.push_back((end, sent_us)),
        }
        self.as_of(applied);
    }

    /// When the primary had exactly what is applied here, or later; none when it is not known.
    pub(super) fn as_of(&mut self, applied: Lsn) -> Option<i64> {
        while let Some((_, at_us)) = self.ahead.front().filter(|(end, _)| *end <= applied) {
            self.as_of = self.as_of.max(Some(*at_us));
            self.ahead.pop_front();
        }
        self.as_of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_applied_is_as_old_as_the_last_message_whose_log_it_holds() {
        let mut beat = Heartbeat::default();
        assert_eq!(beat.as_of(Lsn(5)), None);
        beat.heard(Lsn(10), 100, Lsn(5));
        beat.heard(Lsn(20), 200, Lsn(5));
        assert_eq!(beat.as_of(Lsn(9)), None);
        assert_eq!(beat.as_of(Lsn(12)), Some(100));
        // The primary is idle.
        beat.heard(Lsn(20), 300, Lsn(12));
        assert_eq!((beat.as_of(Lsn(12)), beat.as_of(Lsn(20))), (Some(100), Some(300)));
        beat.heard(Lsn(20), 400, Lsn(20));
        assert_eq!(beat.as_of(Lsn(20)), Some(400));
        // Its clock is set back.
        beat.heard(Lsn(30), 50, Lsn(30));
        assert_eq!(beat.as_of(Lsn(30)), Some(400));
        (0..2 * AHEAD_MAX as u64).for_each(|n| beat.heard(Lsn(100 + n), 1000 + n as i64, Lsn(30)));
        assert_eq!((beat.ahead.len(), beat.as_of(Lsn(30))), (AHEAD_MAX, Some(400)));
        assert_eq!(beat.as_of(Lsn::MAX), Some(1000 + AHEAD_MAX as i64 - 1));
    }
}
