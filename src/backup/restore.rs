//! Making a database anew, as it was at a moment.
//!
//! 1. The snapshot: the newest one before the moment.
//! 2. Its pages, pack by pack, into a data file in which they lie in order.
//! 3. The log from the snapshot's place to the moment, across the beginnings of timelines, each record checked against the
//!    chain.
//!
//! Opening what is made applies that log, as after a crash. It gets a cluster number of its own: what it does next is
//! never taken for a continuation of the database that it comes from. A replica keeps the number, and what it does next is
//! what its primary does.

use super::chunk::Chunk;
use super::layout::cluster_name;
use super::manifest::Manifest;
use super::map::MapReader;
use super::object;
use super::pack;
use super::target::{self, OnPath, Origin, Path, Plan, Target};
use crate::base::{Error, Lsn, PageId, Result, SqlState};
use crate::engine::{DATA_FILE, KIND_RESTORE_POINT, WAL_DIR};
use crate::io::{Disk, Entropy, ObjectStore};
use crate::storage::{Epoch, FileBuilder};
use crate::wal::{Identity, LogBuilder, WalOptions};
use std::sync::Arc;

/// So many bytes of pages are written at once.
const WRITE_BYTES: usize = 1 << 20;

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The snapshot.
    pub snapshot: Lsn,
    pub pages: u64,
    /// All up to here is in it.
    pub lsn: Lsn,
    /// When the last record up to there was written, microseconds since 1970; none when there is none behind the snapshot.
    pub time_us: Option<u64>,
    /// The number of the cluster that it is.
    pub cluster: u128,
}

/// Told how far it is.
pub type Progress<'a> = &'a mut dyn FnMut(String);

/// Makes the files of a database in an empty folder. It is not whole before this returns.
///
/// Errors: 42704 when the store has no such moment or nothing so old, 55000 when the log ends before it; XX001 that names an
/// object when what is needed is damaged or missing; those of the store and the disk.
pub fn restore(
    store: &dyn ObjectStore,
    disk: &Arc<dyn Disk>,
    entropy: &dyn Entropy,
    origin: Origin,
    target: &Target,
    progress: Progress<'_>,
) -> Result<Restored> {
    let path = Path::find(store, origin)?;
    let target = match target {
        Target::RestorePoint(name) => {
            progress(format!("looking for restore point \"{name}\""));
            Target::Lsn(target::find_restore_point(store, &path, name)?)
        }
        other => other.clone(),
    };
    let plan = target::plan(store, path, &target)?;
    let own = Identity { cluster: entropy.u128().max(1), timeline: 1 };
    make(store, disk, &plan, own, &target, progress)
}

/// Makes the files of a replica in an empty folder: all that the store has of a timeline of the cluster whose number ends with
/// `system`. It keeps that number, for its log goes on with the cluster's.
///
/// Errors: those of [`restore`].
pub fn restore_replica(
    store: &dyn ObjectStore,
    disk: &Arc<dyn Disk>,
    system: u64,
    timeline: u32,
    progress: Progress<'_>,
) -> Result<Restored> {
    let found = target::layouts(store, None)?.into_iter().find(|layout| layout.identity.cluster as u64 == system);
    let cluster = found.map(|layout| layout.identity.cluster).ok_or_else(|| {
        let message = format!("there are no backups of the primary's database in {}", store.name());
        Error::new(SqlState::UNDEFINED_OBJECT, message)
    })?;
    let path = Path::find(store, Origin { cluster: Some(cluster), timeline: Some(timeline) })?;
    let plan = target::plan(store, path, &Target::Latest)?;
    let same = plan.manifest.identity;
    make(store, disk, &plan, same, &Target::Latest, progress)
}

fn make(
    store: &dyn ObjectStore,
    disk: &Arc<dyn Disk>,
    plan: &Plan,
    identity: Identity,
    target: &Target,
    progress: Progress<'_>,
) -> Result<Restored> {
    let manifest = &plan.manifest; // 1
    let Identity { cluster, timeline } = manifest.identity;
    progress(format!("snapshot {} of cluster {}, timeline {timeline}", manifest.name(), cluster_name(cluster)));
    restore_pages(store, &**disk, plan, progress)?; // 2
    let (lsn, time_us) = restore_log(store, disk, plan, identity, target, progress)?; // 3
    disk.sync_dir("")?;
    Ok(Restored { snapshot: manifest.id(), pages: manifest.pages, lsn, time_us, cluster: identity.cluster })
}

/// The pages of a checkpoint, ascending, with the epochs of their images.
type Pages = Vec<(PageId, Epoch)>;

/// Where an image is, and where it goes.
struct Slot {
    pack: u32,
    slot: u32,
    /// Its rank among the pages.
    index: u32,
}

fn restore_pages(store: &dyn ObjectStore, disk: &dyn Disk, plan: &Plan, progress: Progress<'_>) -> Result<()> {
    let manifest = &plan.manifest;
    let (pages, mut slots) = read_map(store, plan)?;
    slots.sort_unstable_by_key(|s| (s.pack, s.slot));
    let total = pages.len();
    let mut file = FileBuilder::create(disk, DATA_FILE, manifest.page_bytes, pages)?;
    let (mut done, mut told) = (0, 0);
    for of_pack in slots.chunk_by(|a, b| a.pack == b.pack) {
        let info = manifest.packs.get(of_pack[0].pack as usize);
        let info =
            info.ok_or_else(|| object::damaged(&plan.layout.map(manifest.id()), "it names a pack that is none"))?;
        let key = plan.layout.pack(info.name);
        restore_pack(&key, &object::read(store, &key)?, manifest.page_bytes, of_pack, &mut file)
            .map_err(|e| if e.code() == SqlState::DATA_CORRUPTED { object::damaged(&key, e.message()) } else { e })?;
        done += of_pack.len();
        let percent = done * 100 / total;
        if percent > told {
            progress(format!("pages: {done} of {total}"));
            told = percent;
        }
    }
    file.finish(manifest.epoch, manifest.root())
}

fn read_map(store: &dyn ObjectStore, plan: &Plan) -> Result<(Pages, Vec<Slot>)> {
    let key = plan.layout.map(plan.manifest.id());
    let content = object::read(store, &key)?;
    let mut map = MapReader::new(&key, &content)?;
    let (mut pages, mut slots) = (Vec::new(), Vec::new());
    while let Some(entry) = map.next()? {
        slots.push(Slot { pack: entry.pack, slot: entry.slot, index: pages.len() as u32 });
        pages.push((entry.pid, entry.home.epoch));
    }
    if pages.len() as u64 != plan.manifest.pages {
        return Err(object::damaged(&key, "it has not all pages"));
    }
    Ok((pages, slots))
}

/// Pages that follow each other go into the file together.
fn restore_pack(key: &str, content: &[u8], page_bytes: usize, slots: &[Slot], file: &mut FileBuilder) -> Result<()> {
    let mut places = slots.iter();
    let (mut first, mut run) = (0, Vec::new());
    pack::visit(key, content, page_bytes, slots.iter().map(|s| s.slot), &mut |_, image| {
        let index = places.next().expect("one place for each slot").index as usize;
        if !run.is_empty() && (index != first + run.len() / page_bytes || run.len() >= WRITE_BYTES) {
            file.put(first, &run)?;
            run.clear();
        }
        if run.is_empty() {
            first = index;
        }
        run.extend_from_slice(image);
        Ok(())
    })?;
    if run.is_empty() { Ok(()) } else { file.put(first, &run) }
}

/// Answers where the log ends, and the time of its last record.
fn restore_log(
    store: &dyn ObjectStore,
    disk: &Arc<dyn Disk>,
    plan: &Plan,
    identity: Identity,
    target: &Target,
    progress: Progress<'_>,
) -> Result<(Lsn, Option<u64>)> {
    let Manifest { place, .. } = plan.manifest;
    let segment_bytes = WalOptions::default().segment_bytes;
    let mut log = LogBuilder::create(disk.clone(), WAL_DIR, identity, place, segment_bytes)?;
    let mut time_us = None;
    loop {
        let at = log.end().at;
        if *target == Target::Lsn(at) {
            break;
        }
        let Some(OnPath { key, until }) = plan.path.piece(at) else {
            reached_end(&plan.path, at, target)?;
            break;
        };
        let chunk = Chunk::decode(&key, &object::read(store, &key)?)?;
        let reached = push_chunk(&key, &chunk, until, &mut log, target, &mut time_us)?;
        if !reached && log.end().at == at {
            return Err(object::damaged(&key, format_args!("no record ends at {until}, where a timeline begins")));
        }
        progress(format!("log: up to {}", log.end().at));
        if reached {
            break;
        }
    }
    Ok((log.finish()?.at, time_us))
}

/// Appends what of a chunk follows, up to `until` and the target; true when that is reached.
fn push_chunk(
    key: &str,
    chunk: &Chunk,
    until: Lsn,
    log: &mut LogBuilder,
    target: &Target,
    time_us: &mut Option<u64>,
) -> Result<bool> {
    let broken = |e: Error| object::damaged(key, e.message());
    let cut_off = || object::damaged(key, "its last record is cut off");
    let mut at = chunk.start;
    let mut rest = &chunk.log[..];
    while at.at < log.end().at {
        let record = at.follow(rest).map_err(broken)?.ok_or_else(cut_off)?;
        rest = &rest[record.bytes.len()..];
    }
    if at != log.end() {
        return Err(object::damaged(key, format_args!("it does not continue the log at {}", log.end().at)));
    }
    while !rest.is_empty() {
        let mut next = at;
        let record = next.follow(rest).map_err(broken)?.ok_or_else(cut_off)?;
        let behind = match target {
            Target::Lsn(lsn) => record.lsn > *lsn,
            Target::Time(limit) => record.time_us > *limit,
            Target::Latest | Target::RestorePoint(_) => false,
        };
        if behind {
            return Ok(true);
        }
        if record.lsn > until {
            return Ok(false);
        }
        let pushed = log.push(rest)?.expect("it was there just now");
        if pushed.kind != KIND_RESTORE_POINT {
            *time_us = Some(pushed.time_us);
        }
        rest = &rest[pushed.bytes.len()..];
        at = next;
    }
    Ok(false)
}

/// There is no log behind `at`: fine if there is none in the archive, and the moment is not later.
fn reached_end(path: &Path, at: Lsn, target: &Target) -> Result<()> {
    let next = path.start_behind(at);
    let gap = match path.expects(at) {
        Some((part, None)) => {
            return Err(object::missing(&part.layout.chunk(at, next.unwrap_or(part.state.log_to))));
        }
        Some((_, gap)) => gap,
        // Between what one timeline's archive has and the next one's.
        None => next.map(|next| (at, next)),
    };
    if let Some((from, to)) = gap {
        let message = format!("the archive has no log from {from} to {to}");
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .hint("A snapshot taken behind that place can be restored."));
    }
    let early = match target {
        Target::Time(time_us) => *time_us > path.newest().state.time_us,
        Target::Lsn(lsn) => *lsn > at,
        Target::Latest | Target::RestorePoint(_) => false,
    };
    if !early {
        return Ok(());
    }
    let message = "recovery ended before configured recovery target was reached";
    Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .hint(format!("The archive ends at {at}. \"headwater backups\" lists what there is.")))
}
