//! Running values of sequences: never rolled back, never handed out twice, not even across a crash.
//!
//! Values are logged ahead, as in PostgreSQL: a transaction of its own stores the value 32 steps on, and the next 32
//! calls only count in memory. After a crash the sequence goes on from the stored value, leaving a gap. The log record
//! need not be durable at once: the caller's transaction waits for it at its commit
//! ([`Txn::raise_floor`]), and a value that was never committed may be given out again.
//!
//! | tree | key | value |
//! |---|---|---|
//! | [`SEQUENCE_TREE`] | storage number, u32 big-endian | version u8, last value i64 little-endian, called u8 |
//!
//! A sequence without a row has its first value, not called. A restart takes a new storage number, so rows are only ever
//! written by those transactions of their own, and none can be overwritten by a commit that began earlier.

use super::tables::Tables;
use crate::base::{Error, Result, SqlState};
use crate::catalog::{SEQUENCE_TREE, Sequence};
use crate::txn::Txn;
use crate::types::oid;
use parking_lot::Mutex;
use std::sync::Arc;

/// How many values are logged ahead.
const LOG_AHEAD: i64 = 32;
const VERSION: u8 = 1;

/// What `SELECT * FROM sequence` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceValue {
    pub last_value: i64,
    /// How many values are left of those logged ahead.
    pub log_cnt: i64,
    pub is_called: bool,
}

/// A sequence's place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SequenceState {
    last: i64,
    called: bool,
    /// Steps that the stored value is ahead of `last`.
    ahead: i64,
}

fn encode(last: i64, called: bool) -> [u8; 10] {
    let mut out = [VERSION; 10];
    out[1..9].copy_from_slice(&last.to_le_bytes());
    out[9] = u8::from(called);
    out
}

fn decode(value: &[u8]) -> Result<SequenceState> {
    match value {
        [VERSION, last @ .., called] if last.len() == 8 => {
            let last = i64::from_le_bytes(last.try_into().expect("eight bytes"));
            Ok(SequenceState { last, called: *called != 0, ahead: 0 })
        }
        _ => Err(Error::new(SqlState::DATA_CORRUPTED, "sequence value is damaged")),
    }
}

/// The value after `last`. Error: 2200H.
fn step(seq: &Sequence, last: i64) -> Result<i64> {
    let next = last.checked_add(seq.increment).filter(|n| (seq.min..=seq.max).contains(n));
    let up = seq.increment > 0;
    match next {
        Some(next) => Ok(next),
        None if seq.cycle => Ok(if up { seq.min } else { seq.max }),
        None => {
            let (end, bound) = if up { ("maximum", seq.max) } else { ("minimum", seq.min) };
            let message = format!("nextval: reached {end} value of sequence \"{}\" ({bound})", seq.name);
            Err(Error::new(SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED, message))
        }
    }
}

impl Tables {
    /// `nextval`. The caller keeps the value for `currval` and `lastval`.
    pub fn nextval(&self, txn: &Txn, seq: &Sequence) -> Result<i64> {
        let slot = self.slot(seq.storage);
        let mut slot = slot.lock();
        let mut state = self.load(txn, seq, &slot)?;
        let next = if state.called { step(seq, state.last)? } else { state.last };
        state = match state.ahead > 0 && state.called {
            true => SequenceState { last: next, called: true, ahead: state.ahead - 1 },
            false => {
                let ahead = log_ahead(seq, next);
                self.store_value(txn, seq.storage, next + ahead * seq.increment, true)?;
                SequenceState { last: next, called: true, ahead }
            }
        };
        *slot = Some(state);
        Ok(next)
    }

    /// `setval`. Error: 22003 when the value is out of bounds.
    pub fn setval(&self, txn: &Txn, seq: &Sequence, value: i64, called: bool) -> Result<()> {
        if !(seq.min..=seq.max).contains(&value) {
            let message = format!(
                "setval: value {value} is out of bounds for sequence \"{}\" ({}..{})",
                seq.name, seq.min, seq.max
            );
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message));
        }
        let slot = self.slot(seq.storage);
        let mut slot = slot.lock();
        self.store_value(txn, seq.storage, value, called)?;
        *slot = Some(SequenceState { last: value, called, ahead: 0 });
        Ok(())
    }

    /// The sequence's state as `SELECT * FROM sequence` shows it.
    pub fn sequence_value(&self, txn: &Txn, seq: &Sequence) -> Result<SequenceValue> {
        let slot = self.slot(seq.storage);
        // What was only looked at is not kept: on a replica the row goes on changing.
        let state = self.load(txn, seq, &slot.lock())?;
        Ok(SequenceValue { last_value: state.last, log_cnt: state.ahead, is_called: state.called })
    }

    /// Stores what is in memory, so that a start after an orderly stop leaves no gap.
    pub fn store_sequences(&self) -> Result<()> {
        let slots: Vec<_> = self.sequences.lock().iter().map(|(k, v)| (*k, v.clone())).collect();
        let ahead: Vec<(u32, SequenceState)> =
            slots.iter().filter_map(|(k, v)| v.lock().filter(|s| s.ahead > 0).map(|s| (*k, s))).collect();
        if ahead.is_empty() {
            return Ok(());
        }
        let (_, lsn) = self.store.engine().autonomous(|txn| {
            ahead.iter().try_for_each(|(k, s)| txn.put(SEQUENCE_TREE, &k.to_be_bytes(), &encode(s.last, s.called)))
        })?;
        for (storage, _) in &ahead {
            *self.slot(*storage).lock() = None;
        }
        self.store.engine().wait_durable_blocking(lsn)
    }

    fn slot(&self, storage: u32) -> Arc<Mutex<Option<SequenceState>>> {
        self.sequences.lock().entry(storage).or_default().clone()
    }

    fn load(&self, txn: &Txn, seq: &Sequence, slot: &Option<SequenceState>) -> Result<SequenceState> {
        if let Some(state) = slot {
            return Ok(*state);
        }
        let mut value = Vec::new();
        match txn.get_latest(SEQUENCE_TREE, &seq.storage.to_be_bytes(), &mut value)? {
            true => decode(&value),
            false => Ok(SequenceState { last: seq.first.unwrap_or(seq.start), called: false, ahead: 0 }),
        }
    }

    fn store_value(&self, txn: &Txn, storage: u32, last: i64, called: bool) -> Result<()> {
        let (key, value) = (storage.to_be_bytes(), encode(last, called));
        let put = |own: &mut Txn| own.put(SEQUENCE_TREE, &key, &value);
        let ((), lsn) = self.store.engine().autonomous_as(txn.safety(), put)?;
        txn.raise_floor(lsn);
        Ok(())
    }
}

/// How many steps past `next` can be logged without leaving the bounds.
fn log_ahead(seq: &Sequence, next: i64) -> i64 {
    let room = if seq.increment > 0 { seq.max.abs_diff(next) } else { next.abs_diff(seq.min) };
    let steps = room / seq.increment.unsigned_abs();
    i64::try_from(steps).map_or(LOG_AHEAD, |n| n.min(LOG_AHEAD))
}

/// Forgets the value of a sequence that is dropped.
pub fn drop_sequence_value(txn: &mut Txn, storage: u32) -> Result<()> {
    txn.delete(SEQUENCE_TREE, &storage.to_be_bytes())
}

/// The bounds of a sequence's type: `int2`, `int4`, `int8`.
pub fn sequence_type_bounds(type_oid: crate::base::Oid) -> (i64, i64) {
    match type_oid {
        oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Oid;

    fn sequence(increment: i64, min: i64, max: i64, cycle: bool) -> Sequence {
        Sequence {
            oid: Oid(16384),
            schema: Oid(2200),
            name: "s".into(),
            owner: Oid(10),
            acl: None,
            persistence: Default::default(),
            type_oid: oid::INT8,
            start: min,
            increment,
            min,
            max,
            cache: 1,
            cycle,
            owned_by: None,
            storage: 1,
            first: None,
        }
    }

    #[test]
    fn steps_stop_or_cycle_at_the_ends() {
        let e = step(&sequence(1, 1, 3, false), 3).unwrap_err();
        assert_eq!(e.message(), "nextval: reached maximum value of sequence \"s\" (3)");
        assert_eq!(e.code(), SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED);
        assert_eq!(step(&sequence(1, 1, 3, true), 3).unwrap(), 1);
        assert_eq!(step(&sequence(-2, 1, 9, true), 2).unwrap(), 9);
        assert!(step(&sequence(i64::MAX, i64::MIN, i64::MAX, false), 5).is_err());
        assert_eq!(log_ahead(&sequence(2, 1, 9, false), 4), 2);
        assert_eq!(log_ahead(&sequence(-1, i64::MIN, i64::MAX, false), 0), LOG_AHEAD);
    }

    #[test]
    fn stored_values_round_trip() {
        assert_eq!(encode(258, true), [1, 2, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(decode(&encode(-7, false)).unwrap(), SequenceState { last: -7, called: false, ahead: 0 });
        assert!(decode(&[1, 2, 3]).is_err() && decode(&[]).is_err());
    }
}
