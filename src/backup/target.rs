//! What is to be restored: which database of a store, which moment, and from which snapshot.
//!
//! A timeline begins where a replica became a primary, and has a part of the store of its own: it never writes over what the
//! one before it has there. What lies before its beginning is in both histories, so a moment on a timeline may be reached
//! from a snapshot of an earlier one, and through its log. A moment that an earlier timeline went on to, behind the
//! beginning of the next, is on that timeline alone. As in PostgreSQL, the newest is meant unless one is named.

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

/// Which database of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Needed when there are several.
    pub cluster: Option<u128>,
    /// The newest, unless one is named.
    pub timeline: Option<u32>,
}

/// A timeline, or the beginning of one that another follows on.
pub struct Part {
    pub layout: Layout,
    pub state: State,
    pub pieces: Pieces,
    /// Up to here it is what is followed on.
    pub until: Lsn,
}

impl Part {
    fn read(store: &dyn ObjectStore, layout: Layout, until: Lsn) -> Result<Part> {
        let state = State::read(store, &layout)?.ok_or_else(|| object::missing(&layout.state()))?;
        let pieces = Pieces::list(store, &layout)?;
        Ok(Part { layout, state, pieces, until })
    }
}

/// A timeline and those that it follows on, each up to where the next begins: the newest first.
pub struct Path(Vec<Part>);

/// A piece of log: the key of its object, and up to where its records are of the path.
pub struct OnPath {
    pub key: String,
    pub until: Lsn,
}

impl Path {
    /// Errors: 42704 when there is none; 42P08 when the store has several databases and none is named; XX001.
    pub fn find(store: &dyn ObjectStore, origin: Origin) -> Result<Path> {
        let mut layouts = layouts(store, origin.cluster)?;
        one_cluster(store, &layouts)?;
        let wanted = |layout: &Layout| origin.timeline.is_none_or(|wanted| wanted == layout.identity.timeline);
        let Some(own) = layouts.iter().rposition(wanted) else {
            let timeline = origin.timeline.unwrap_or_default();
            let message = format!("there are no backups of timeline {timeline} in {}", store.name());
            return Err(
                Error::new(SqlState::UNDEFINED_OBJECT, message).hint("\"headwater backups\" lists what there is.")
            );
        };
        layouts.truncate(own + 1);
        let newest = layouts.pop().expect("the last one is what was looked for");
        let newest = Part::read(store, newest, Lsn::MAX)?;
        let mut forks = newest.state.forks.clone();
        forks.retain(|(timeline, _)| *timeline <= newest.layout.identity.timeline);
        forks.sort_unstable();
        let mut parts = vec![newest];
        // A timeline begins where the one before it in this history ends.
        while let Some((_, start)) = forks.pop() {
            let before = forks.last().map_or(1, |(timeline, _)| *timeline);
            // One that never had a store, or is gone from it, leaves a hole at worst, which is told when it matters.
            if let Some(at) = layouts.iter().position(|layout| layout.identity.timeline == before) {
                let until = parts[parts.len() - 1].until.min(start);
                parts.push(Part::read(store, layouts.swap_remove(at), until)?);
            }
        }
        Ok(Path(parts))
    }

    pub fn newest(&self) -> &Part {
        &self.0[0]
    }

    /// The piece that goes on at a position.
    pub fn piece(&self, at: Lsn) -> Option<OnPath> {
        self.0.iter().filter(|part| at < part.until).find_map(|part| {
            let (start, end) = part.pieces.at(at)?;
            Some(OnPath { key: part.layout.chunk(start, end), until: part.until })
        })
    }

    /// All pieces, in the order in which their parts follow each other.
    fn pieces(&self) -> impl Iterator<Item = OnPath> {
        self.0.iter().rev().flat_map(|part| {
            let of_path = part.pieces.iter().filter(|(start, _)| *start < part.until);
            of_path.map(|(start, end)| OnPath { key: part.layout.chunk(start, end), until: part.until })
        })
    }

    /// Where the first piece behind a position starts, and the part that it is in.
    pub fn start_behind(&self, at: Lsn) -> Option<Lsn> {
        let behind = |part: &Part| part.pieces.start_behind(at).filter(|start| *start < part.until);
        self.0.iter().filter_map(behind).min()
    }

    /// The part that should have the log at a position, and a gap there that it tells of.
    pub fn expects(&self, at: Lsn) -> Option<(&Part, Option<(Lsn, Lsn)>)> {
        let part = self.0.iter().find(|part| {
            let state = &part.state;
            state.log_from <= at && at < state.log_to.min(part.until)
        })?;
        let gap = part.state.gaps.iter().find(|(from, to)| *from <= at && at < *to);
        Some((part, gap.copied()))
    }
}

fn one_cluster(store: &dyn ObjectStore, layouts: &[Layout]) -> Result<()> {
    let first = layouts[0].identity.cluster;
    if layouts.iter().all(|layout| layout.identity.cluster == first) {
        return Ok(());
    }
    let mut names: Vec<String> = layouts.iter().map(|layout| cluster_name(layout.identity.cluster)).collect();
    names.dedup();
    let message = format!("there are backups of {} databases in {}", names.len(), store.name());
    let hint = format!("Say which with --cluster: {}.", names.join(", "));
    Err(Error::new(SqlState::AMBIGUOUS_PARAMETER, message).hint(hint))
}

/// What leads to a moment.
pub struct Plan {
    pub path: Path,
    /// Where the snapshot is.
    pub layout: Layout,
    pub manifest: Manifest,
}

/// Finds the newest snapshot on a path that is not newer than the target.
///
/// Errors: 42704 when there is none; XX001 when what is needed is damaged.
pub fn plan(store: &dyn ObjectStore, path: Path, target: &Target) -> Result<Plan> {
    for part in &path.0 {
        if let Some(manifest) = newest_snapshot(store, part, target)? {
            let layout = part.layout.clone();
            return Ok(Plan { path, layout, manifest });
        }
    }
    let message = format!("no snapshot in {} is old enough for this moment", store.name());
    Err(Error::new(SqlState::UNDEFINED_OBJECT, message).hint("\"headwater backups\" lists what there is."))
}

fn newest_snapshot(store: &dyn ObjectStore, part: &Part, target: &Target) -> Result<Option<Manifest>> {
    let lsn = match target {
        Target::Lsn(lsn) => part.until.min(*lsn),
        Target::Latest | Target::Time(_) => part.until,
        Target::RestorePoint(_) => unreachable!("it was looked up"),
    };
    for id in Manifest::list(store, &part.layout)?.into_iter().rev().filter(|id| *id <= lsn) {
        let manifest = Manifest::read(store, &part.layout, id)?;
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
pub fn find_restore_point(store: &dyn ObjectStore, path: &Path, name: &str) -> Result<Lsn> {
    for OnPath { key, until } in path.pieces() {
        let chunk = Chunk::decode(&key, &object::read(store, &key)?)?;
        let mut found = None;
        chunk.records(&key, &mut |record| {
            let named = record.kind == KIND_RESTORE_POINT && record.payload == name.as_bytes();
            if found.is_none() && named && record.lsn <= until {
                found = Some(record.lsn);
            }
            Ok(())
        })?;
        if let Some(lsn) = found {
            return Ok(lsn);
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
