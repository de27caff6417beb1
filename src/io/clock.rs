//! Time: what a calendar shows, and a stopwatch that never goes back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub trait Clock: Send + Sync {
    /// Microseconds since 1970-01-01 00:00 UTC.
    fn now_us(&self) -> u64;

    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    pub fn new() -> RealClock {
        RealClock { start: Instant::now() }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        RealClock::new()
    }
}

impl Clock for RealClock {
    fn now_us(&self) -> u64 {
        // A machine whose clock stands before 1970 gets 1970.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that moves when told.
pub struct SimClock {
    us: AtomicU64,
    start_us: u64,
}

impl SimClock {
    pub fn new(start_us: u64) -> SimClock {
        SimClock { us: AtomicU64::new(start_us), start_us }
    }

    pub fn advance(&self, by: Duration) {
        self.us.fetch_add(by.as_micros() as u64, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now_us(&self) -> u64 {
        self.us.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.now_us() - self.start_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_clock_is_past_2024_and_runs_forward() {
        let clock = RealClock::new();
        assert!(clock.now_us() > 1_704_067_200_000_000);
        let a = clock.monotonic();
        assert!(clock.monotonic() >= a);
    }

    #[test]
    fn simulated_clock_moves_when_told() {
        let clock = SimClock::new(1_000_000);
        clock.advance(Duration::from_millis(3));
        assert_eq!(clock.now_us(), 1_003_000);
        assert_eq!(clock.monotonic(), Duration::from_millis(3));
    }
}
