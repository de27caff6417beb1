//! Checks the backups in a store: reads every object to its last byte, and changes nothing.
//!
//! 1. What there should be: the state object tells of snapshots and log, each snapshot's manifest of its map and packs.
//! 2. Each snapshot: its manifest, its map, and that each pack holds the images that the map says.
//! 3. The log: every record, that each piece continues the one before, and that each snapshot is a place in it.
//! 4. What else is there is whole.

use super::chunk::Chunk;
use super::layout::{Kind, Layout};
use super::manifest::Manifest;
use super::map::MapReader;
use super::object;
use super::pack;
use super::state::State;
use super::target::{self, Pieces};
use crate::base::{Finding, Lsn, PageId, Report, Result, SqlState};
use crate::io::ObjectStore;
use crate::storage::{self, Epoch};
use crate::wal::Place;
use std::collections::{BTreeMap, BTreeSet};

/// What a check has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupCheck {
    pub snapshots: u64,
    pub objects: u64,
    pub bytes: u64,
    pub log_records: u64,
}

/// Checks all backups in a store, or those of one cluster.
///
/// Errors: 42704 when there are none; those of the store; damage is reported.
pub fn verify(store: &dyn ObjectStore, cluster: Option<u128>, report: Report<'_>) -> Result<BackupCheck> {
    let mut seen = BackupCheck::default();
    for layout in target::layouts(store, cluster)? {
        let objects = store.list(layout.root())?;
        seen.objects += objects.len() as u64;
        seen.bytes += objects.iter().map(|object| object.bytes).sum::<u64>();
        let objects = objects.into_iter().map(|object| (object.key, object.bytes)).collect();
        let mut check =
            Check { store, layout: &layout, objects, read: BTreeSet::new(), packs: BTreeMap::new(), report };
        let state = check.state()?; // 1
        let manifests = check.snapshots(&state)?; // 2
        check.packs()?;
        seen.log_records += check.log(&state, &manifests)?; // 3
        check.rest()?; // 4
        seen.snapshots += manifests.len() as u64;
    }
    Ok(seen)
}

/// An image that a snapshot needs: its slot, and whose it is.
type Image = (u32, PageId, Epoch);

struct Check<'a> {
    store: &'a dyn ObjectStore,
    layout: &'a Layout,
    /// What is there, with its length,
    objects: BTreeMap<String, u64>,
    /// and what of that has been read.
    read: BTreeSet<String>,
    /// What is needed of which pack, with the length that it should have.
    packs: BTreeMap<u128, (u64, Vec<Image>)>,
    report: Report<'a>,
}

impl Check<'_> {
    /// Reports damage; other errors end the check.
    fn damage<T>(&mut self, found: Result<T>) -> Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.code() == SqlState::DATA_CORRUPTED => {
                (self.report)(Finding::Damage(e));
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    fn state(&mut self) -> Result<State> {
        let key = self.layout.state();
        self.read.insert(key.clone());
        let found = State::read(self.store, self.layout).and_then(|s| s.ok_or_else(|| object::missing(&key)));
        let state = self.damage(found)?.unwrap_or_default();
        if state.unconditional {
            let note = format!("{} overwrites objects that it was asked not to", self.store.name());
            (self.report)(Finding::Note(note));
        }
        Ok(state)
    }

    fn snapshots(&mut self, state: &State) -> Result<Vec<Manifest>> {
        let listed = Manifest::list(self.store, self.layout)?;
        let ids: BTreeSet<Lsn> = listed.into_iter().chain(state.snapshots.iter().copied()).collect();
        let mut manifests = Vec::new();
        for id in ids {
            self.read.insert(self.layout.manifest(id));
            let found = Manifest::read(self.store, self.layout, id);
            if let Some(manifest) = self.damage(found)? {
                let mapped = self.map(&manifest);
                self.damage(mapped)?;
                manifests.push(manifest);
            }
        }
        Ok(manifests)
    }

    /// Reads a snapshot's map, and notes what it needs.
    fn map(&mut self, manifest: &Manifest) -> Result<()> {
        let key = self.layout.map(manifest.id());
        self.read.insert(key.clone());
        let content = object::read(self.store, &key)?;
        let mut map = MapReader::new(&key, &content)?;
        let mut needed: Vec<Vec<Image>> = vec![Vec::new(); manifest.packs.len()];
        let mut pages = 0;
        while let Some(entry) = map.next()? {
            let of_pack = needed.get_mut(entry.pack as usize);
            let of_pack = of_pack.ok_or_else(|| object::damaged(&key, "it names a pack that is none"))?;
            of_pack.push((entry.slot, entry.pid, entry.home.epoch));
            pages += 1;
        }
        if pages != manifest.pages {
            return Err(object::damaged(&key, format_args!("it has {pages} of {} pages", manifest.pages)));
        }
        for (info, images) in manifest.packs.iter().zip(needed) {
            if images.len() != info.pages as usize {
                return Err(object::damaged(&key, "it and its manifest differ in what they need"));
            }
            self.packs.entry(info.name).or_insert((info.bytes, Vec::new())).1.extend(images);
        }
        Ok(())
    }

    fn packs(&mut self) -> Result<()> {
        // All snapshots of a data file have pages of one size; a pack says its own.
        for (name, (bytes, mut images)) in std::mem::take(&mut self.packs) {
            let key = self.layout.pack(name);
            self.read.insert(key.clone());
            images.sort_unstable();
            images.dedup();
            let checked = match self.objects.get(&key) {
                None => Err(object::missing(&key)),
                Some(there) if *there != bytes => {
                    Err(object::damaged(&key, format_args!("it has {there} bytes, and {bytes} were written")))
                }
                Some(_) => self.pack(&key, &images),
            };
            self.damage(checked)?;
        }
        Ok(())
    }

    fn pack(&self, key: &str, images: &[Image]) -> Result<()> {
        let content = object::read(self.store, key)?;
        let page_bytes = pack::page_bytes(key, &content)?;
        let mut expected = images.iter();
        pack::visit(key, &content, page_bytes, images.iter().map(|(slot, ..)| *slot), &mut |slot, image| {
            let (_, pid, epoch) = expected.next().expect("one for each slot");
            storage::check_image(image, *pid, *epoch)
                .map_err(|why| object::damaged(key, format_args!("slot {slot}, page {pid}: {why}")))
        })
    }

    /// Follows the log from its first piece to its end; answers how many records there are.
    fn log(&mut self, state: &State, manifests: &[Manifest]) -> Result<u64> {
        let pieces = Pieces::list(self.store, self.layout)?;
        let mut places: BTreeMap<Lsn, &Manifest> = manifests.iter().map(|m| (m.id(), m)).collect();
        let mut records = 0;
        let mut end: Option<Place> = None;
        let mut at = state.log_from;
        while at < state.log_to {
            let Some((start, stop)) = pieces.at(at) else {
                at = self.gap(state, &pieces, at);
                end = None;
                continue;
            };
            let key = self.layout.chunk(start, stop);
            self.read.insert(key.clone());
            let read = object::read(self.store, &key).and_then(|content| Chunk::decode(&key, &content));
            let followed = read.and_then(|chunk| {
                if end.is_some_and(|end| end.at == chunk.start.at && end != chunk.start) {
                    return Err(object::damaged(&key, "it does not continue the piece before it"));
                }
                let mut place = chunk.start;
                self.place(&mut places, place)?;
                chunk.records(&key, &mut |record| {
                    records += 1;
                    place.follow(record.bytes)?;
                    self.place(&mut places, place)
                })?;
                Ok(chunk.end)
            });
            end = self.damage(followed)?;
            at = stop;
        }
        for (id, manifest) in places {
            // A place at which no record ends, or of which the log is not there.
            let outlived = manifest.on_demand && id < state.log_from;
            if end.is_none_or(|end| end.at != id) && !outlived && !self.is_within_damage(state, id) {
                let why = format!("the archive has no log at its place, {id}");
                (self.report)(Finding::Damage(object::damaged(&self.layout.manifest(id), why)));
            }
        }
        Ok(records)
    }

    /// Takes the snapshot of this place off the list.
    fn place(&self, places: &mut BTreeMap<Lsn, &Manifest>, place: Place) -> Result<()> {
        match places.remove(&place.at) {
            Some(manifest) if manifest.place != place => {
                Err(object::damaged(&self.layout.manifest(place.at), "it is of another history than the log"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it was told already that there is no whole log around a position.
    fn is_within_damage(&self, state: &State, at: Lsn) -> bool {
        at == state.log_from || state.log_to == Lsn::ZERO || state.gaps.iter().any(|(from, to)| *from < at && at < *to)
    }

    /// There is no piece at this position. Answers where the log goes on.
    fn gap(&mut self, state: &State, pieces: &Pieces, at: Lsn) -> Lsn {
        if let Some((from, to)) = state.gaps.iter().find(|(from, to)| *from <= at && at < *to) {
            let note =
                format!("{} has no log from {from} to {to}: no moment in it can be restored", self.layout.root());
            (self.report)(Finding::Note(note));
            return *to;
        }
        let next = pieces.start_behind(at).unwrap_or(state.log_to).min(state.log_to);
        (self.report)(Finding::Damage(object::missing(&self.layout.chunk(at, next))));
        next
    }

    fn rest(&mut self) -> Result<()> {
        let rest: Vec<String> = self.objects.keys().filter(|key| !self.read.contains(*key)).cloned().collect();
        for key in rest {
            match self.layout.parse(&key) {
                Some(Kind::State | Kind::Chunk(..) | Kind::Pack(_) | Kind::Map(_) | Kind::Manifest(_)) => {
                    let whole = object::read(self.store, &key);
                    self.damage(whole)?;
                }
                None => (self.report)(Finding::Note(format!("object \"{key}\" is no part of a backup"))),
            }
        }
        Ok(())
    }
}
