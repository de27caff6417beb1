//! Who still needs old log: each hold keeps what follows its position, and [`Wal::remove_before`](super::Wal::remove_before)
//! goes no further than the oldest.

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
    positions: BTreeMap<u64, Lsn>,
}

impl Holds {
    pub fn add(this: &Arc<Holds>, lsn: Lsn) -> Hold {
        let mut table = this.held.lock();
        let number = table.next;
        table.next += 1;
        table.positions.insert(number, lsn);
        Hold { holds: this.clone(), number }
    }

    /// Nothing behind this may go; none when nobody needs any.
    pub fn oldest(&self) -> Option<Lsn> {
        self.held.lock().positions.values().min().copied()
    }
}

/// Keeps the log behind its position until it is dropped.
pub struct Hold {
    holds: Arc<Holds>,
    number: u64,
}

impl Hold {
    pub fn position(&self) -> Lsn {
        self.holds.held.lock().positions[&self.number]
    }

    /// What is before `lsn` is not needed any more. It never goes back.
    pub fn advance(&self, lsn: Lsn) {
        let mut table = self.holds.held.lock();
        let position = table.positions.get_mut(&self.number).expect("a hold is in the table until it is dropped");
        *position = lsn.max(*position);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.held.lock().positions.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_hold_counts_until_it_moves_or_ends() {
        let holds = Arc::new(Holds::default());
        assert_eq!(holds.oldest(), None);
        let (a, b) = (Holds::add(&holds, Lsn(5)), Holds::add(&holds, Lsn(9)));
        assert_eq!(holds.oldest(), Some(Lsn(5)));
        a.advance(Lsn(20));
        a.advance(Lsn(10));
        assert_eq!((holds.oldest(), a.position()), (Some(Lsn(9)), Lsn(20)));
        drop(b);
        assert_eq!(holds.oldest(), Some(Lsn(20)));
    }
}
