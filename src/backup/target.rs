//! What is to be restored: which database of a store, which moment, and from which snapshot.

use super::chunk::Chunk;
use super::layout::{Kind, Layout, cluster_name, parse_cluster};
use super::manifest::Manifest;
use super::object;
use super::state::State;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::engine::KIND_RESTORE_POINT;
use crate::io::ObjectStore;
use crate::wal::Identity;

/// A moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All that the store has.
    Latest,
    /// Every commit up to this time, in microseconds since 1970.
    Time(u64),
    /// Every commit up to this position.
    Lsn(Lsn),
    /// Every commit before the first restore point of this name.
    RestorePoint(String),
}

/// The timelines that a store has, by cluster and number; of one cluster only if one is named.
pub fn layouts(store: &dyn ObjectStore, cluster: Option<u128>) -> Result<Vec<Layout>> {
    let clusters = store.folders("")?.iter().filter_map(|name| parse_cluster(name)).collect::<Vec<u128>>();
    let mut found = Vec::new();
    for number in clusters.into_iter().filter(|number| cluster.is_none_or(|wanted| wanted == *number)) {
        let mut timelines: Vec<u32> =
            store.folders(&cluster_name(number))?.iter().filter_map(|name| name.parse().ok()).collect();
        timelines.sort_unstable();
        found.extend(timelines.into_iter().map(|timeline| Layout::new(Identity { cluster: number, timeline })));
    }
    if found.is_empty() {
        let what = cluster.map_or("no backups".to_string(), |c| format!("no backups of cluster {}", cluster_name(c)));
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("there are {what} in {}", store.name())));
    }
    Ok(found)
}

/// What leads to a moment.
pub struct Plan {
    pub layout: Layout,
    pub manifest: Manifest,
    pub state: State,
    pub pieces: Pieces,
}

/// Finds the newest snapshot that is not newer than the target, on the newest timeline that has one.
///
/// Errors: 42704 when there is none; 42P08 when the store has several databases and none is named; XX001 when what is needed is damaged.
pub fn plan(store: &dyn ObjectStore, cluster: Option<u128>, target: &Target) -> Result<Plan> {
    let layouts = layouts(store, cluster)?;
    let first = layouts[0].identity.cluster;
    if layouts.iter().any(|layout| layout.identity.cluster != first) {
        let mut names: Vec<String> = layouts.iter().map(|layout| cluster_name(layout.identity.cluster)).collect();
        names.dedup();
        let message = format!("there are backups of {} databases in {}", names.len(), store.name());
        let hint = format!("Say which with --cluster: {}.", names.join(", "));
        return Err(Error::new(SqlState::AMBIGUOUS_PARAMETER, message).hint(hint));
    }
    for layout in layouts.into_iter().rev() {
        if let Some(manifest) = newest_snapshot(store, &layout, target)? {
            let state = State::read(store, &layout)?.ok_or_else(|| object::missing(&layout.state()))?;
            let pieces = Pieces::list(store, &layout)?;
            return Ok(Plan { layout, manifest, state, pieces });
        }
    }
    let message = format!("no snapshot in {} is old enough for this moment", store.name());
    Err(Error::new(SqlState::UNDEFINED_OBJECT, message).hint("\"headwater backups\" lists what there is."))
}

fn newest_snapshot(store: &dyn ObjectStore, layout: &Layout, target: &Target) -> Result<Option<Manifest>> {
    let lsn = match target {
        Target::Lsn(lsn) => *lsn,
        Target::Latest | Target::Time(_) => Lsn::MAX,
        Target::RestorePoint(_) => unreachable!("it was looked up"),
    };
    for id in Manifest::list(store, layout)?.into_iter().rev().filter(|id| *id <= lsn) {
        let manifest = Manifest::read(store, layout, id)?;
        match target {
            Target::Time(time_us) if manifest.time_us > *time_us => {}
            _ => return Ok(Some(manifest)),
        }
    }
    Ok(None)
}

/// The pieces of log in a part of a store.
pub struct Pieces {
    /// Start and end, ascending.
    pieces: Vec<(Lsn, Lsn)>,
    /// For each the one that reaches furthest of those up to it.
    furthest: Vec<usize>,
}

impl Pieces {
    pub fn list(store: &dyn ObjectStore, layout: &Layout) -> Result<Pieces> {
        let listed = store.list(&layout.wal())?;
        let pieces = listed.iter().filter_map(|object| match layout.parse(&object.key) {
            Some(Kind::Chunk(start, end)) => Some((start, end)),
            _ => None,
        });
        Ok(Pieces::new(pieces.collect()))
    }

    fn new(mut pieces: Vec<(Lsn, Lsn)>) -> Pieces {
        pieces.sort_unstable();
        let furthest = (0..pieces.len()).scan(0, |best, n| {
            if pieces[n].1 > pieces[*best].1 {
                *best = n;
            }
            Some(*best)
        });
        let furthest = furthest.collect();
        Pieces { pieces, furthest }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Lsn, Lsn)> {
        self.pieces.iter().copied()
    }

    /// The piece that goes on at a position: of several the one that reaches furthest.
    pub fn at(&self, at: Lsn) -> Option<(Lsn, Lsn)> {
        let before = self.pieces.partition_point(|(start, _)| *start <= at);
        let best = self.pieces[*self.furthest.get(before.checked_sub(1)?)?];
        (best.1 > at).then_some(best)
    }

    /// Where the first piece behind a position starts.
    pub fn start_behind(&self, at: Lsn) -> Option<Lsn> {
        self.pieces.get(self.pieces.partition_point(|(start, _)| *start <= at)).map(|(start, _)| *start)
    }
}

/// Where the first restore point of a name is.
///
/// Errors: 42704 when there is none; XX001.
pub fn find_restore_point(store: &dyn ObjectStore, cluster: Option<u128>, name: &str) -> Result<Lsn> {
    for layout in layouts(store, cluster)? {
        for (start, end) in Pieces::list(store, &layout)?.iter() {
            let key = layout.chunk(start, end);
            let chunk = Chunk::decode(&key, &object::read(store, &key)?)?;
            let mut found = None;
            chunk.records(&key, &mut |record| {
                if found.is_none() && record.kind == KIND_RESTORE_POINT && record.payload == name.as_bytes() {
                    found = Some(record.lsn);
                }
                Ok(())
            })?;
            if let Some(lsn) = found {
                return Ok(lsn);
            }
        }
    }
    let message = format!("there is no restore point \"{name}\" in {}", store.name());
    Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_piece_that_reaches_furthest_is_next() {
        let piece = |start, end| (Lsn(start), Lsn(end));
        let all = Pieces::new(vec![piece(12, 20), piece(0, 5), piece(5, 7), piece(5, 9), piece(6, 8)]);
        assert_eq!(all.at(Lsn(0)), Some(piece(0, 5)));
        assert_eq!(all.at(Lsn(5)), Some(piece(5, 9)));
        assert_eq!(all.at(Lsn(6)), Some(piece(5, 9)));
        assert_eq!((all.at(Lsn(9)), all.at(Lsn(20))), (None, None));
        assert_eq!((all.start_behind(Lsn(9)), all.start_behind(Lsn(12))), (Some(Lsn(12)), None));
        assert_eq!(Pieces::new(Vec::new()).at(Lsn(1)), None);
    }
}
