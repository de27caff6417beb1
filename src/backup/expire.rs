//! Expiry: what nothing needs any more is deleted.
//!
//! A snapshot is kept as long as a moment within the retention may be restored from it: those taken within it, the newest
//! one before it, and the newest of all. One that somebody asked for is kept until it is deleted; but the log behind it
//! is kept for the retention only, so in the end it is one moment. What timelines before this one have goes as a whole, when
//! the last moment that they lead to is before the retention.
//!
//! First the state object stops telling of a snapshot, then its manifest goes, then what only it needed: so whatever is left
//! of an expiry that was cut short, no snapshot is there in part.

use super::Shared;
use super::layout::{Kind, Layout};
use super::manifest::Manifest;
use super::state::State;
use super::target::{self, Pieces};
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::ObjectStore;
use hashbrown::HashSet;
use std::time::Duration;

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub snapshots: usize,
    /// Objects of any kind.
    pub objects: usize,
}

/// A snapshot, as far as it matters how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dated {
    id: Lsn,
    time_us: u64,
    on_demand: bool,
}

/// Where the moments begin that can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    /// The first snapshot that they need.
    oldest: Lsn,
    /// It is old enough for all of them.
    covers: bool,
}

/// `snapshots` ascend; `horizon_us` is where the retention begins. Of those before it one that expires by itself is
/// preferred: the other kind may be deleted at any time. None when there is no snapshot.
fn start(snapshots: &[Dated], horizon_us: u64) -> Option<Start> {
    let first_within = snapshots.partition_point(|s| s.time_us < horizon_us);
    let before = &snapshots[..first_within];
    let base = before.iter().rposition(|s| !s.on_demand).or(before.len().checked_sub(1));
    let oldest = snapshots.get(base.unwrap_or(0))?.id;
    Some(Start { oldest, covers: base.is_some() })
}

/// Deletes what nothing needs. No snapshot is being taken meanwhile. Without a retention all snapshots are kept.
///
/// Errors: those of the store; XX001 when a manifest is damaged: what it needs is not known then.
pub fn expire(shared: &Shared, now_us: u64, retention: Option<Duration>) -> Result<Expired> {
    let (store, layout) = (&*shared.store, &shared.layout);
    shared.prepare()?;
    let manifests = Manifest::read_all(store, layout)?;
    let dated: Vec<Dated> =
        manifests.iter().map(|m| Dated { id: m.id(), time_us: m.time_us, on_demand: m.on_demand }).collect();
    let horizon = retention.map_or(0, |days| now_us.saturating_sub(days.as_micros() as u64));
    let Some(Start { oldest, covers }) = start(&dated, horizon) else { return Ok(Expired::default()) };
    let mut sweep = Sweep { store, layout, done: Expired::default() };
    let (kept, gone): (Vec<Manifest>, Vec<Manifest>) =
        manifests.into_iter().partition(|m| m.id() >= oldest || m.on_demand);
    if !gone.is_empty() {
        let gone: Vec<Lsn> = gone.iter().map(Manifest::id).collect();
        shared.change_state(|state| state.snapshots.retain(|id| !gone.contains(id)))?;
    }
    sweep.manifests(&gone)?;
    let chunks = chunks_before(shared, oldest)?;
    sweep.parts(&kept)?;
    sweep.chunks(&chunks)?;
    let mut done = sweep.done;
    if covers {
        for layout in earlier(shared)? {
            let of_timeline = expire_timeline(store, &layout, horizon)?;
            done.snapshots += of_timeline.snapshots;
            done.objects += of_timeline.objects;
        }
    }
    Ok(done)
}

/// The parts of the store of the timelines before this one, the newest first.
fn earlier(shared: &Shared) -> Result<Vec<Layout>> {
    let own = shared.layout.identity;
    let mut layouts = target::layouts(&*shared.store, Some(own.cluster))?;
    layouts.retain(|layout| layout.identity.timeline < own.timeline);
    layouts.reverse();
    Ok(layouts)
}

/// Of a timeline that nobody writes any more and that leads to no moment within the retention, all but what somebody asked for.
fn expire_timeline(store: &dyn ObjectStore, layout: &Layout, horizon_us: u64) -> Result<Expired> {
    let mut sweep = Sweep { store, layout, done: Expired::default() };
    let Some(mut state) = State::read(store, layout)?.filter(|state| state.time_us < horizon_us) else {
        return Ok(sweep.done);
    };
    let (kept, gone): (Vec<Manifest>, Vec<Manifest>) =
        Manifest::read_all(store, layout)?.into_iter().partition(|m| m.on_demand);
    state.snapshots = kept.iter().map(Manifest::id).collect();
    (state.log_from, state.log_to) = (Lsn::ZERO, Lsn::ZERO);
    state.gaps.clear();
    state.write(store, layout)?;
    sweep.manifests(&gone)?;
    sweep.parts(&kept)?;
    sweep.chunks(&Pieces::list(store, layout)?.iter().collect::<Vec<_>>())?;
    if kept.is_empty() {
        store.delete(&layout.state())?;
        sweep.done.objects += 1;
    }
    Ok(sweep.done)
}

/// Deletes a snapshot that somebody asked for; what only it needed goes with the next expiry.
///
/// Errors: 42704 when there is none of this id; 55000 for one that was taken by itself; those of the store.
pub fn delete(shared: &Shared, id: Lsn) -> Result<()> {
    let store = &*shared.store;
    shared.prepare()?;
    for layout in [shared.layout.clone()].into_iter().chain(earlier(shared)?) {
        if !Manifest::list(store, &layout)?.contains(&id) {
            continue;
        }
        let manifest = Manifest::read(store, &layout, id)?;
        if !manifest.on_demand {
            let message = format!("snapshot \"{}\" was not asked for", manifest.name());
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                .hint("It is deleted when \"backup.retention\" does not need it any more."));
        }
        if layout == shared.layout {
            shared.change_state(|state| state.snapshots.retain(|known| *known != id))?;
        } else if let Some(mut state) = State::read(store, &layout)? {
            state.snapshots.retain(|known| *known != id);
            state.write(store, &layout)?;
        }
        return store.delete(&layout.manifest(id));
    }
    let message = format!("snapshot \"{}\" does not exist", super::layout::position_name(id));
    Err(Error::new(SqlState::UNDEFINED_OBJECT, message).hint("\"headwater backups\" lists what there is."))
}

/// Deletes objects of one part of a store.
struct Sweep<'a> {
    store: &'a dyn ObjectStore,
    layout: &'a Layout,
    done: Expired,
}

impl Sweep<'_> {
    fn object(&mut self, key: &str) -> Result<()> {
        self.store.delete(key)?;
        self.done.objects += 1;
        Ok(())
    }

    fn manifests(&mut self, gone: &[Manifest]) -> Result<()> {
        for manifest in gone {
            self.object(&self.layout.manifest(manifest.id()))?;
            self.done.snapshots += 1;
        }
        Ok(())
    }

    /// Packs and maps that none of these needs; an attempt that failed may have left some.
    fn parts(&mut self, kept: &[Manifest]) -> Result<()> {
        let ids: HashSet<Lsn> = kept.iter().map(Manifest::id).collect();
        let packs: HashSet<u128> = kept.iter().flat_map(|m| m.packs.iter().map(|pack| pack.name)).collect();
        for folder in [self.layout.packs(), self.layout.maps()] {
            for object in self.store.list(&folder)? {
                let unneeded = match self.layout.parse(&object.key) {
                    Some(Kind::Pack(name)) => !packs.contains(&name),
                    Some(Kind::Map(id)) => !ids.contains(&id),
                    _ => false,
                };
                if unneeded {
                    self.object(&object.key)?;
                }
            }
        }
        Ok(())
    }

    fn chunks(&mut self, gone: &[(Lsn, Lsn)]) -> Result<()> {
        gone.iter().try_for_each(|(start, end)| self.object(&self.layout.chunk(*start, *end)))
    }
}

/// The pieces of log that no snapshot from `oldest` on needs, after the state object was told. The newest one stays: the
/// archive goes on behind it.
fn chunks_before(shared: &Shared, oldest: Lsn) -> Result<Vec<(Lsn, Lsn)>> {
    let (store, layout) = (&*shared.store, &shared.layout);
    let mut chunks: Vec<(Lsn, Lsn)> = Pieces::list(store, layout)?.iter().collect();
    chunks.sort_by_key(|(_, end)| *end);
    chunks.pop();
    chunks.retain(|(_, end)| *end <= oldest);
    if let Some(from) = chunks.iter().map(|(_, end)| *end).max() {
        shared.change_state(|state| {
            state.log_from = state.log_from.max(from);
            state.gaps.retain(|(_, to)| *to > from);
        })?;
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(text: &str) -> Vec<Dated> {
        let one = |(n, kind): (usize, char)| {
            let n = n as u64 + 1;
            Dated { id: Lsn(n), time_us: n * 10, on_demand: kind == 'd' }
        };
        text.chars().enumerate().map(one).collect()
    }

    #[test]
    fn every_moment_of_the_retention_can_be_restored() {
        for (horizon, oldest, covers) in
            [(0, 1, false), (10, 1, false), (11, 1, true), (20, 1, true), (21, 2, true), (31, 3, true), (99, 3, true)]
        {
            assert_eq!(start(&dated("aaa"), horizon), Some(Start { oldest: Lsn(oldest), covers }), "{horizon}");
        }
        assert_eq!(start(&[], 5), None);
    }

    #[test]
    fn moments_do_not_hang_on_what_may_be_deleted() {
        let oldest = |text, horizon| start(&dated(text), horizon).unwrap().oldest.0;
        assert_eq!((oldest("ada", 25), oldest("ada", 31), oldest("add", 99)), (1, 3, 1));
        assert_eq!((oldest("dda", 25), oldest("dd", 99)), (2, 2), "there is no other");
    }
}
