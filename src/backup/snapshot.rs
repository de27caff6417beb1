//! Taking a snapshot: the pages of one checkpoint, while work goes on and newer checkpoints are made.
//!
//! 1. A checkpoint is pinned: its images stay where they are until the pin is dropped. Its place in the log is noted.
//! 2. The map of the newest earlier snapshot of the same data file says which images the store has: those of the same
//!    block and epoch. The number of a checkpoint that was lost is not given to another (`storage::pager`). A pack of which little is still needed is not counted: its pages move, so that it can go.
//! 3. The other images are read and uploaded in packs, page by page, at a pace.
//! 4. The map, then the manifest, which is written only if there is none: from here on the snapshot exists.
//! 5. The state object tells of it.
//!
//! What an attempt leaves that fails half way, no manifest refers to; expiry removes it.

use super::Shared;
use super::layout::Kind;
use super::manifest::{Manifest, PackInfo};
use super::map::{Entry, MapReader, MapWriter};
use super::object;
use super::pack::PackWriter;
use crate::base::{Error, Lsn, PageId, Result, SqlState};
use crate::engine::Engine;
use crate::io::Clock;
use crate::storage::{CheckpointPin, Epoch, Home};
use crate::wal::Place;
use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// A pack of which less than one page in so many is needed is given up.
const LIVE_SHARE: u32 = 4;

/// Called with the bytes of pages that were just dealt with; it may sleep. An error ends the snapshot.
pub type Pace<'a> = &'a dyn Fn(u64) -> Result<()>;

pub struct Snapshotter {
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    /// Checkpoints of this data file: those before it was opened, which were its past then,
    opened: Epoch,
    /// and those since of which there are snapshots.
    taken: Mutex<Vec<Lsn>>,
}

/// A snapshot that was taken, or was there already.
#[derive(Clone, Debug)]
pub struct Taken {
    pub manifest: Manifest,
    /// Nothing has changed since it was taken.
    pub already_there: bool,
}

/// An earlier snapshot, whose packs are used again.
struct Base {
    manifest: Manifest,
    key: String,
    map: Bytes,
    /// For each of its packs, whether it is.
    usable: Vec<bool>,
}

impl Snapshotter {
    pub fn new(shared: Arc<Shared>, engine: Arc<Engine>, clock: Arc<dyn Clock>) -> Snapshotter {
        let opened = Epoch(engine.pager_stats().checkpoint);
        Snapshotter { shared, engine, clock, opened, taken: Mutex::default() }
    }

    /// `on_demand`: it is kept until it is deleted.
    pub fn take(&self, on_demand: bool, pace: Pace<'_>) -> Result<Taken> {
        self.shared.prepare()?;
        let (pin, place) = self.pin()?; // 1
        let time_us = self.clock.now_us();
        let ids = Manifest::list(&*self.shared.store, &self.shared.layout)?;
        if ids.contains(&place.at) {
            return Ok(Taken { manifest: self.again(place.at, on_demand)?, already_there: true });
        }
        let base = self.base(&ids, &pin)?; // 2
        let mut upload = Upload::new(self, &pin, base.as_ref())?;
        upload.pages(pace)?; // 3
        let manifest = Manifest {
            identity: self.shared.layout.identity,
            place,
            epoch: pin.checkpoint(),
            payload: pin.root().payload.clone(),
            time_us,
            on_demand,
            page_bytes: pin.page_bytes(),
            pages: 0,
            pages_uploaded: 0,
            bytes_uploaded: 0,
            packs: Vec::new(),
        };
        let manifest = upload.finish(manifest)?; // 4
        self.taken.lock().push(place.at);
        self.shared.snapshot_was_taken();
        self.shared.change_state(|state| {
            state.snapshots.push(place.at);
            state.snapshots.sort();
            state.snapshots.dedup();
        })?; // 5
        Ok(Taken { manifest, already_there: false })
    }

    /// A snapshot that is there; from now on it is kept, if it was asked for this time.
    fn again(&self, id: Lsn, on_demand: bool) -> Result<Manifest> {
        let (store, layout) = (&*self.shared.store, &self.shared.layout);
        let mut manifest = Manifest::read(store, layout, id)?;
        if on_demand && !manifest.on_demand {
            manifest.on_demand = true;
            let key = layout.manifest(id);
            store.put(&key, object::seal(&key, manifest.encode()))?;
        }
        Ok(manifest)
    }

    fn pin(&self) -> Result<(CheckpointPin, Place)> {
        // The log at the checkpoint must not go before its chain is known.
        let _hold = self.engine.wal().hold(Lsn::ZERO);
        let none =
            || Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "there is no checkpoint to take a snapshot of");
        let pin = self.engine.pin().ok_or_else(none)?;
        let place = self.engine.wal().read_from(pin.root().lsn)?.place();
        Ok((pin, place))
    }

    /// The newest snapshot of an earlier checkpoint of this data file.
    fn base(&self, ids: &[Lsn], pin: &CheckpointPin) -> Result<Option<Base>> {
        for id in ids.iter().rev().filter(|id| **id < pin.root().lsn) {
            match self.usable_base(*id, pin) {
                Ok(None) => {}
                // It can be done without.
                Err(e) if e.code() == SqlState::DATA_CORRUPTED => tracing::warn!("no snapshot is built on it: {e}"),
                other => return other,
            }
        }
        Ok(None)
    }

    fn usable_base(&self, id: Lsn, pin: &CheckpointPin) -> Result<Option<Base>> {
        let (store, layout) = (&*self.shared.store, &self.shared.layout);
        let manifest = Manifest::read(store, layout, id)?;
        let same_file = manifest.epoch <= self.opened || self.taken.lock().contains(&id);
        if !same_file || manifest.epoch >= pin.checkpoint() || manifest.page_bytes != pin.page_bytes() {
            return Ok(None);
        }
        let key = layout.map(id);
        let map = object::read(store, &key)?;
        let there: HashMap<u128, u64> = store
            .list(&layout.packs())?
            .iter()
            .filter_map(|object| match layout.parse(&object.key) {
                Some(Kind::Pack(name)) => Some((name, object.bytes)),
                _ => None,
            })
            .collect();
        let usable = manifest.packs.iter().map(|pack| there.get(&pack.name) == Some(&pack.bytes)).collect();
        let mut base = Base { manifest, key, map, usable };
        base.leave_sparse_packs(pin)?;
        Ok(Some(base))
    }
}

/// Walks the pages of a checkpoint together with the entries of an earlier map.
struct Unchanged<'a> {
    base: Option<(&'a Base, MapReader<'a>)>,
    next: Option<Entry>,
}

impl<'a> Unchanged<'a> {
    fn new(base: Option<&'a Base>) -> Result<Unchanged<'a>> {
        let mut base = match base {
            Some(base) => Some((base, MapReader::new(&base.key, &base.map)?)),
            None => None,
        };
        let next = match &mut base {
            Some((_, map)) => map.next()?,
            None => None,
        };
        Ok(Unchanged { base, next })
    }

    /// Where the store has this image, if it does. Pages come in order.
    fn find(&mut self, pid: PageId, home: Home) -> Result<Option<Entry>> {
        let Some((base, map)) = &mut self.base else { return Ok(None) };
        while self.next.is_some_and(|entry| entry.pid < pid) {
            self.next = map.next()?;
        }
        let same = self.next.filter(|entry| entry.pid == pid && entry.home == home);
        Ok(same.filter(|entry| base.usable.get(entry.pack as usize) == Some(&true)))
    }
}

impl Base {
    fn leave_sparse_packs(&mut self, pin: &CheckpointPin) -> Result<()> {
        let mut live = vec![0u32; self.manifest.packs.len()];
        let mut unchanged = Unchanged::new(Some(self))?;
        pin.pages(&mut |pid, home| {
            if let Some(entry) = unchanged.find(pid, home)? {
                live[entry.pack as usize] += 1;
            }
            Ok(())
        })?;
        drop(unchanged);
        for ((usable, live), pack) in self.usable.iter_mut().zip(live).zip(&self.manifest.packs) {
            *usable &= live > 0 && u64::from(live) * u64::from(LIVE_SHARE) >= u64::from(pack.pages_total);
        }
        Ok(())
    }
}

/// A snapshot on its way to the store.
struct Upload<'a> {
    shared: &'a Shared,
    pin: &'a CheckpointPin,
    base: Option<&'a Base>,
    map: MapWriter,
    packs: Vec<PackInfo>,
    /// The numbers that packs of the base have now.
    numbers: HashMap<u32, u32>,
    /// The pack that is being filled, with its number.
    open: Option<(u32, PackWriter)>,
    pages: u64,
    pages_uploaded: u64,
    bytes_uploaded: u64,
}

impl<'a> Upload<'a> {
    fn new(by: &'a Snapshotter, pin: &'a CheckpointPin, base: Option<&'a Base>) -> Result<Upload<'a>> {
        Ok(Upload {
            shared: &by.shared,
            pin,
            base,
            map: MapWriter::new()?,
            packs: Vec::new(),
            numbers: HashMap::new(),
            open: None,
            pages: 0,
            pages_uploaded: 0,
            bytes_uploaded: 0,
        })
    }

    fn pages(&mut self, pace: Pace<'_>) -> Result<()> {
        let mut unchanged = Unchanged::new(self.base)?;
        let pin = self.pin;
        let mut image = vec![0; pin.page_bytes()];
        pin.pages(&mut |pid, home| {
            self.pages += 1;
            let (pack, slot) = match unchanged.find(pid, home)? {
                Some(entry) => (self.reuse(entry.pack), entry.slot),
                None => {
                    pin.read(pid, home, &mut image)?;
                    let place = self.add(&image)?;
                    pace(image.len() as u64)?;
                    place
                }
            };
            self.packs[pack as usize].pages += 1;
            self.map.add(Entry { pid, home, pack, slot })
        })?;
        self.close_pack()
    }

    /// The number of a pack of the base.
    fn reuse(&mut self, of_base: u32) -> u32 {
        let base = self.base.expect("the page was found in its map");
        let packs = &mut self.packs;
        *self.numbers.entry(of_base).or_insert_with(|| {
            packs.push(PackInfo { pages: 0, ..base.manifest.packs[of_base as usize] });
            packs.len() as u32 - 1
        })
    }

    fn add(&mut self, image: &[u8]) -> Result<(u32, u32)> {
        if self.open.as_ref().is_some_and(|(_, pack)| pack.is_full()) {
            self.close_pack()?;
        }
        if self.open.is_none() {
            let name = self.shared.entropy.u128();
            self.packs.push(PackInfo { name, pages: 0, pages_total: 0, bytes: 0 });
            self.open = Some((self.packs.len() as u32 - 1, PackWriter::new(image.len())?));
        }
        let (number, pack) = self.open.as_mut().expect("it is open");
        self.pages_uploaded += 1;
        Ok((*number, pack.add(image)?))
    }

    fn close_pack(&mut self) -> Result<()> {
        let Some((number, pack)) = self.open.take() else { return Ok(()) };
        let info = &mut self.packs[number as usize];
        info.pages_total = pack.pages();
        let key = self.shared.layout.pack(info.name);
        let sealed = object::seal(&key, pack.finish()?);
        info.bytes = sealed.len() as u64;
        self.bytes_uploaded += info.bytes;
        self.shared.store.put(&key, sealed)
    }

    fn finish(self, manifest: Manifest) -> Result<Manifest> {
        let (store, layout) = (&*self.shared.store, &self.shared.layout);
        let id = manifest.id();
        let key = layout.map(id);
        let map = object::seal(&key, self.map.finish()?);
        let manifest = Manifest {
            pages: self.pages,
            pages_uploaded: self.pages_uploaded,
            bytes_uploaded: self.bytes_uploaded + map.len() as u64,
            packs: self.packs,
            ..manifest
        };
        store.put(&key, map)?;
        let key = layout.manifest(id);
        if store.put_if_absent(&key, object::seal(&key, manifest.encode()))? {
            return Ok(manifest);
        }
        // Perhaps an answer was lost, and it is this one.
        if Manifest::read(store, layout, id)? == manifest {
            return Ok(manifest);
        }
        let message = format!("another server has taken snapshot {} of this database", manifest.name());
        Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .hint("A copy of this database may be running. Give each its own backup.store."))
    }
}
