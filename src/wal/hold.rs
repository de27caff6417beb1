//! Who still needs old log: each hold keeps what follows its position, and [`Wal::remove_before`](super::Wal::remove_before)
//! goes no further than the oldest.
//!
//! A hold may be bounded, so that a reader who never comes back cannot fill the disk: when the log has grown that far beyond
//! it, it is broken and keeps nothing.

use crate::base::Lsn;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub struct Holds {
    held: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    holds: BTreeMap<u64, Held>,
}

struct Held {
    position: Lsn,
    /// How many bytes of log it may keep.
    most: Option<u64>,
    broken: bool,
}

impl Holds {
    pub fn add(this: &Arc<Holds>, lsn: Lsn, most: Option<u64>) -> Hold {
        let mut table = this.held.lock();
        let number = table.next;
        table.next += 1;
        table.holds.insert(number, Held { position: lsn, most, broken: false });
        Hold { holds: this.clone(), number }
    }

    /// Whether anybody needs old log.
    pub fn any(&self) -> bool {
        self.held.lock().holds.values().any(|held| !held.broken)
    }

    /// Up to where the log may go that ends at `end`, when nobody else needs what lies before `wanted`.
    pub fn release(&self, wanted: Lsn, end: Lsn) -> Lsn {
        let mut until = wanted;
        for held in self.held.lock().holds.values_mut().filter(|held| !held.broken && held.position < wanted) {
            held.broken = held.most.is_some_and(|most| held.position.0.saturating_add(most) < end.0);
            if !held.broken {
                until = until.min(held.position);
            }
        }
        until
    }
}

/// Keeps the log behind its position until it is dropped.
pub struct Hold {
    holds: Arc<Holds>,
    number: u64,
}

impl Hold {
    fn look<T>(&self, look: impl FnOnce(&mut Held) -> T) -> T {
        look(self.holds.held.lock().holds.get_mut(&self.number).expect("a hold is in the table until it is dropped"))
    }

    pub fn position(&self) -> Lsn {
        self.look(|held| held.position)
    }

    /// What is before `lsn` is not needed any more. It never goes back.
    pub fn advance(&self, lsn: Lsn) {
        self.look(|held| held.position = held.position.max(lsn));
    }

    /// The log has outgrown its bound, and what it kept may be gone.
    pub fn is_broken(&self) -> bool {
        self.look(|held| held.broken)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.held.lock().holds.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_hold_counts_until_it_moves_or_ends() {
        let holds = Arc::new(Holds::default());
        let oldest = || holds.release(Lsn(50), Lsn(60));
        assert_eq!(oldest(), Lsn(50));
        let (a, b) = (Holds::add(&holds, Lsn(5), None), Holds::add(&holds, Lsn(9), None));
        assert_eq!(oldest(), Lsn(5));
        a.advance(Lsn(20));
        a.advance(Lsn(10));
        assert_eq!((oldest(), a.position()), (Lsn(9), Lsn(20)));
        drop(b);
        assert_eq!(oldest(), Lsn(20));
    }

    #[test]
    fn a_bounded_hold_breaks_when_the_log_has_outgrown_it() {
        let holds = Arc::new(Holds::default());
        let hold = Holds::add(&holds, Lsn(10), Some(100));
        assert_eq!(holds.release(Lsn(105), Lsn(110)), Lsn(10));
        assert!(!hold.is_broken());
        assert_eq!(holds.release(Lsn(105), Lsn(111)), Lsn(105));
        assert!(hold.is_broken());
    }
}
