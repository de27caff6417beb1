//! What archiving and snapshots of one primary share: its part of the store, and the state object there.

use super::layout::Layout;
use super::manifest::Manifest;
use super::state::State;
use super::target::Pieces;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::{Entropy, ObjectStore};
use crate::wal::Identity;
use bytes::Bytes;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Shared {
    pub store: Arc<dyn ObjectStore>,
    pub layout: Layout,
    pub entropy: Arc<dyn Entropy>,
    /// Where this timeline began and those that it follows on.
    forks: Vec<(u32, Lsn)>,
    /// Whether this part of the store is this server's; none until it was found out.
    ours: Mutex<Option<Result<()>>>,
    /// As the store has it; none until it was read.
    state: Mutex<Option<State>>,
    /// A snapshot is due whatever the time is: moments from now on cannot be restored without.
    snapshot_wanted: AtomicBool,
}

impl Shared {
    /// `forks` are where this timeline began and those that it follows on, but for the first.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        identity: Identity,
        forks: Vec<(u32, Lsn)>,
        entropy: Arc<dyn Entropy>,
    ) -> Arc<Shared> {
        let (ours, state, snapshot_wanted) = (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        Arc::new(Shared { store, layout: Layout::new(identity), entropy, forks, ours, state, snapshot_wanted })
    }

    /// The archive looked whether it can go on where the store's log ends. What it found first holds, if it was good.
    pub fn found_whose(&self, found: std::result::Result<(), &Error>) {
        let mut ours = self.ours.lock();
        if !matches!(&*ours, Some(Ok(()))) {
            *ours = Some(found.map_err(Error::clone));
        }
    }

    /// Whether this part of the store is this server's, or why that is not known; none as long as nobody looked.
    pub fn is_ours(&self) -> Option<Result<()>> {
        self.ours.lock().clone()
    }

    /// Looks at the store for the first time: what it can do, and what it has.
    pub fn prepare(&self) -> Result<()> {
        let mut own = self.state.lock();
        if own.is_some() {
            return Ok(());
        }
        let found = match State::read(&*self.store, &self.layout) {
            Err(e) if e.code() == SqlState::DATA_CORRUPTED => {
                tracing::warn!("it is written anew: {e}");
                None
            }
            found => found?,
        };
        let mut state = match found {
            Some(state) => state,
            None => self.rebuild()?,
        };
        state.unconditional = !self.probe()?;
        if state.unconditional {
            tracing::warn!(
                store = self.store.name(),
                "the store overwrites objects that it was asked not to: two servers that archive the same database to it \
                 would not notice each other"
            );
        }
        for id in Manifest::list(&*self.store, &self.layout)? {
            if !state.snapshots.contains(&id) {
                state.snapshots.push(id);
            }
        }
        state.snapshots.sort();
        state.forks.clone_from(&self.forks);
        *own = Some(state);
        Ok(())
    }

    /// What a state object would say of the log that is there.
    fn rebuild(&self) -> Result<State> {
        let mut state = State::default();
        for (start, end) in Pieces::list(&*self.store, &self.layout)?.iter() {
            state.log_from = if state.log_to == Lsn::ZERO { start } else { state.log_from.min(start) };
            state.log_to = state.log_to.max(end);
        }
        Ok(state)
    }

    /// Whether the store refuses to write an object that is there, when asked to.
    fn probe(&self) -> Result<bool> {
        let key = format!("{}/probe-{:016x}", self.layout.root(), self.entropy.u64());
        let put = || self.store.put_if_absent(&key, Bytes::from_static(b"headwater probe\n"));
        let refused = put().and_then(|_| put()).map(|written| !written);
        self.store.delete(&key)?;
        refused
    }

    /// Changes the state object.
    pub fn change_state(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        self.prepare()?;
        let mut own = self.state.lock();
        let mut state = own.clone().expect("it was read");
        change(&mut state);
        // Should this fail, the store has one or the other; the next change writes all of it again.
        state.write(&*self.store, &self.layout)?;
        *own = Some(state);
        Ok(())
    }

    #[cfg(test)]
    pub fn state(&self) -> Result<State> {
        self.prepare()?;
        Ok(self.state.lock().clone().expect("it was read"))
    }

    /// Up to where the store has the log, as far as is known.
    pub fn archived(&self) -> Lsn {
        self.state.lock().as_ref().map_or(Lsn::ZERO, |state| state.log_to)
    }

    pub fn want_snapshot(&self) {
        self.snapshot_wanted.store(true, Ordering::Relaxed);
    }

    pub fn snapshot_is_wanted(&self) -> bool {
        self.snapshot_wanted.load(Ordering::Relaxed)
    }

    pub fn snapshot_was_taken(&self) {
        self.snapshot_wanted.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{SimEntropy, SimObjects};

    #[test]
    fn a_store_that_ignores_conditions_is_found_out() {
        let identity = Identity { cluster: 1, timeline: 1 };
        let (honest, careless) = (SimObjects::new(1), SimObjects::new(1));
        careless.ignore_conditions();
        for (store, unconditional) in [(honest, false), (careless, true)] {
            let shared = Shared::new(Arc::new(store.clone()), identity, Vec::new(), Arc::new(SimEntropy::new(1)));
            assert_eq!(shared.state().unwrap().unconditional, unconditional);
            assert_eq!(store.list("").unwrap(), [], "the probe leaves nothing");
        }
    }
}
