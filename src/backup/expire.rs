//! Expiry: what nothing needs any more is deleted.
//!
//! A snapshot is kept as long as a moment within the retention may be restored from it: those taken within it, the newest
//! one before it, and the newest of all. First the state object stops telling of one, then its manifest goes, then what
//! only it needed: so whatever is left of an expiry that was cut short, no snapshot is there in part.

use super::Shared;
use super::layout::Kind;
use super::manifest::Manifest;
use super::target::Pieces;
use crate::base::{Lsn, Result};
use hashbrown::HashSet;
use std::time::Duration;

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub snapshots: usize,
    /// Objects of any kind.
    pub objects: usize,
}

/// The snapshots to keep, of those taken at these times, ascending; `horizon_us` is where the retention begins.
fn kept(snapshots: &[(Lsn, u64)], horizon_us: u64) -> &[(Lsn, u64)] {
    let first_within = snapshots.partition_point(|(_, time_us)| *time_us < horizon_us);
    &snapshots[first_within.saturating_sub(1)..]
}

/// Deletes what nothing needs. No snapshot is being taken meanwhile. Without a retention all snapshots are kept.
///
/// Errors: those of the store; XX001 when a manifest is damaged: what it needs is not known then.
pub fn expire(shared: &Shared, now_us: u64, retention: Option<Duration>) -> Result<Expired> {
    let (store, layout) = (&*shared.store, &shared.layout);
    shared.prepare()?;
    let ids = Manifest::list(store, layout)?;
    let manifests = ids.iter().map(|id| Manifest::read(store, layout, *id)).collect::<Result<Vec<Manifest>>>()?;
    let times: Vec<(Lsn, u64)> = manifests.iter().map(|m| (m.id(), m.time_us)).collect();
    let horizon = retention.map_or(0, |days| now_us.saturating_sub(days.as_micros() as u64));
    let Some((oldest, _)) = kept(&times, horizon).first().copied() else { return Ok(Expired::default()) };
    let mut done = Expired::default();
    let gone: Vec<Lsn> = ids.iter().copied().filter(|id| *id < oldest).collect();
    if !gone.is_empty() {
        shared.change_state(|state| state.snapshots.retain(|id| *id >= oldest))?;
    }
    for id in gone {
        store.delete(&layout.manifest(id))?;
        done.snapshots += 1;
        done.objects += 1;
    }
    let packs: HashSet<u128> =
        manifests.iter().filter(|m| m.id() >= oldest).flat_map(|m| m.packs.iter().map(|pack| pack.name)).collect();
    let chunks = chunks_before(shared, oldest)?;
    let unneeded = |key: &str| match layout.parse(key) {
        Some(Kind::Pack(name)) => !packs.contains(&name),
        Some(Kind::Map(id)) => id < oldest || !ids.contains(&id),
        _ => false,
    };
    for folder in [layout.packs(), layout.maps()] {
        for object in store.list(&folder)?.iter().filter(|object| unneeded(&object.key)) {
            store.delete(&object.key)?;
            done.objects += 1;
        }
    }
    for (start, end) in chunks {
        store.delete(&layout.chunk(start, end))?;
        done.objects += 1;
    }
    Ok(done)
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

    #[test]
    fn every_moment_of_the_retention_can_be_restored() {
        let all = [(Lsn(1), 10), (Lsn(2), 20), (Lsn(3), 30)];
        for (horizon, first) in [(0, 0), (10, 0), (11, 0), (20, 0), (21, 1), (30, 1), (31, 2), (99, 2)] {
            assert_eq!(kept(&all, horizon), &all[first..], "{horizon}");
        }
        assert_eq!(kept(&[], 5), &[]);
    }
}
