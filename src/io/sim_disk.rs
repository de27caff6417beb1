//! A disk in memory that loses power. It keeps exactly the promises of [`Disk`] and breaks all others by a seed.
//!
//! Each file has its content as programs see it and its content on the device. A write enters the former at once; for
//! the latter, each sector it touches keeps a list of the versions written since the last sync. Power loss picks, sector
//! by sector, the old content or any of those versions: so writes are torn, reordered, lost or kept. Names work alike:
//! each change waits for a sync of its folder, and power loss applies an arbitrary part of those that wait.
//!
//! `crash_at(n)` lets n more changing operations through; the next one takes effect like any unsynced one, or not
//! at all, and it and every later call fails until [`SimDisk::reboot`].

use super::disk::{Disk, DiskLock, File, SECTOR_BYTES, locked};
use super::entropy::Rng;
use crate::base::{Error, Result, SqlState};
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Sector = [u8; SECTOR_BYTES as usize];

/// What an operation is made to fail with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Error 58030. When a sync fails so, an arbitrary part of what it should have written is lost for good, yet stays
    /// readable from the cache: what Linux does.
    Io,
    /// Error 53100.
    NoSpace,
}

/// Shared handle: clones are the same disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    rng: Rng,
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    device_names: BTreeMap<String, usize>,
    /// Changes of names since the last sync of their folders.
    name_changes: Vec<NameChange>,
    dirs: BTreeSet<String>,
    locks: BTreeSet<String>,
    /// Counts processes: a handle of an earlier one is dead.
    life: u64,
    crashed: bool,
    operations: u64,
    crash_at: Option<u64>,
    faults: BTreeMap<u64, Fault>,
    capacity: u64,
}

#[derive(Default)]
struct Inode {
    content: Vec<u8>,
    device: Vec<u8>,
    /// Versions of a sector written since the last sync, oldest first.
    versions: BTreeMap<u64, Vec<Sector>>,
    /// Lengths since the last sync.
    lengths: Vec<usize>,
}

/// One atomic change: names with the file they lead to from then on.
struct NameChange {
    set: Vec<(String, Option<usize>)>,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl SimDisk {
    pub fn new(seed: u64) -> SimDisk {
        let state = State {
            rng: Rng::new(seed),
            inodes: Vec::new(),
            names: BTreeMap::new(),
            device_names: BTreeMap::new(),
            name_changes: Vec::new(),
            dirs: BTreeSet::from([String::new()]),
            locks: BTreeSet::new(),
            life: 0,
            crashed: false,
            operations: 0,
            crash_at: None,
            faults: BTreeMap::new(),
            capacity: u64::MAX,
        };
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Changing operations so far (reads do not count).
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// Loses power at the n-th changing operation from now (0: the next one).
    pub fn crash_at(&self, n: u64) {
        let mut s = self.state.lock();
        s.crash_at = Some(s.operations + n);
    }

    pub fn has_crashed(&self) -> bool {
        self.state.lock().crashed
    }

    /// Makes the n-th changing operation from now (0: the next one) fail.
    pub fn fail_at(&self, n: u64, fault: Fault) {
        let mut s = self.state.lock();
        let at = s.operations + n;
        s.faults.insert(at, fault);
    }

    /// How many bytes all files together may have before a write or a longer length gets 53100.
    pub fn set_capacity(&self, bytes: u64) {
        self.state.lock().capacity = bytes;
    }

    /// The power fails (if it has not yet) and comes back: unsynced changes are lost in part. Old handles are dead.
    pub fn reboot(&self) {
        let s = &mut *self.state.lock();
        let changes = std::mem::take(&mut s.name_changes);
        for change in changes {
            if s.rng.chance(1, 2) {
                change.apply(&mut s.device_names);
            }
        }
        s.names = s.device_names.clone();
        for inode in &mut s.inodes {
            inode.lose_power(&mut s.rng);
        }
        s.begin_life();
    }

    /// The process dies and a new one begins, the power stays: the cache survives, handles and locks do not.
    pub fn restart(&self) {
        self.state.lock().begin_life();
    }

    fn file(&self, inode: usize, path: &str, life: u64) -> Box<dyn File> {
        Box::new(SimFile { state: self.state.clone(), inode, path: path.to_string(), life })
    }

    fn reading(&self) -> Result<MutexGuard<'_, State>> {
        let s = self.state.lock();
        if s.crashed { Err(power_lost()) } else { Ok(s) }
    }
}

fn power_lost() -> Error {
    Error::new(SqlState::IO_ERROR, "simulated power loss")
}

fn missing(what: &str, path: &str) -> Error {
    Error::new(SqlState::UNDEFINED_FILE, format!("could not {what} \"{path}\": No such file or directory"))
}

fn full(path: &str) -> Error {
    Error::new(SqlState::DISK_FULL, format!("could not write to file \"{path}\": No space left on device"))
}

/// What a changing operation may do.
enum Turn {
    Go,
    /// Do it, unsynced, and then fail: the power goes while it runs.
    Last,
    Fail(Fault),
}

impl State {
    /// Every changing operation asks first.
    fn turn(&mut self) -> Result<Turn> {
        if self.crashed {
            return Err(power_lost());
        }
        let n = self.operations;
        self.operations += 1;
        if self.crash_at == Some(n) {
            self.crashed = true;
            return if self.rng.chance(1, 2) { Ok(Turn::Last) } else { Err(power_lost()) };
        }
        Ok(self.faults.remove(&n).map_or(Turn::Go, Turn::Fail))
    }

    fn begin_life(&mut self) {
        self.life += 1;
        self.crashed = false;
        self.crash_at = None;
        self.faults.clear();
        self.locks.clear();
    }

    fn used(&self) -> u64 {
        self.names.values().map(|&i| self.inodes[i].content.len() as u64).sum()
    }

    fn change_names(&mut self, set: Vec<(String, Option<usize>)>) {
        let change = NameChange { set };
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    fn sync_names(&mut self, dir: &str) {
        let (synced, waiting) =
            std::mem::take(&mut self.name_changes).into_iter().partition::<Vec<_>, _>(|c| c.touches(dir));
        self.name_changes = waiting;
        synced.into_iter().for_each(|c| c.apply(&mut self.device_names));
    }

    /// A change of names that is durable on return, unless this is the last operation or a faulty one.
    fn change_names_synced(&mut self, path: &str, set: Vec<(String, Option<usize>)>) -> Result<()> {
        match self.turn()? {
            Turn::Fail(fault) => Err(fault.error("change", path)),
            Turn::Last => {
                self.change_names(set);
                Err(power_lost())
            }
            Turn::Go => {
                let dirs: Vec<String> = set.iter().map(|(p, _)| parent(p).to_string()).collect();
                self.change_names(set);
                dirs.iter().for_each(|d| self.sync_names(d));
                Ok(())
            }
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        for (path, inode) in &self.set {
            match inode {
                Some(i) => names.insert(path.clone(), *i),
                None => names.remove(path),
            };
        }
    }

    fn touches(&self, dir: &str) -> bool {
        self.set.iter().any(|(path, _)| parent(path) == dir)
    }
}

impl Fault {
    fn error(self, what: &str, path: &str) -> Error {
        match self {
            Fault::NoSpace => full(path),
            Fault::Io => {
                Error::new(SqlState::IO_ERROR, format!("could not {what} file \"{path}\": Input/output error"))
            }
        }
    }
}

impl Inode {
    fn set_len(&mut self, len: usize) {
        let old = self.content.len();
        self.content.resize(len, 0);
        if len < old {
            // What was behind the new end reads as zeros should the file grow again.
            self.remember(len, old);
        }
        self.lengths.push(len);
    }

    fn write(&mut self, bytes: &[u8], at: usize) {
        let end = at + bytes.len();
        if end > self.content.len() {
            self.set_len(end);
        }
        self.content[at..end].copy_from_slice(bytes);
        self.remember(at, end);
    }

    /// Notes the sectors of a range as they are now.
    fn remember(&mut self, from: usize, to: usize) {
        let size = SECTOR_BYTES as usize;
        for sector in from / size..to.div_ceil(size) {
            let image = sector_of(&self.content, sector);
            self.versions.entry(sector as u64).or_default().push(image);
        }
    }

    fn sync(&mut self) {
        self.device.resize(self.content.len(), 0);
        for (sector, versions) in std::mem::take(&mut self.versions) {
            put_sector(&mut self.device, sector, versions.last().expect("a listed sector has a version"));
        }
        self.lengths.clear();
    }

    /// The device gets an arbitrary part of what waits; the cache is gone.
    fn lose_power(&mut self, rng: &mut Rng) {
        self.sync_in_part(rng);
        self.content.clone_from(&self.device);
    }

    fn sync_in_part(&mut self, rng: &mut Rng) {
        let lengths = std::mem::take(&mut self.lengths);
        let keep = rng.below(lengths.len() as u64 + 1) as usize;
        if let Some(&len) = lengths.get(keep) {
            self.device.resize(len, 0);
        }
        // Often all or nothing, else sector by sector: the extremes are worth meeting too.
        let mode = rng.below(4);
        for (sector, versions) in std::mem::take(&mut self.versions) {
            let chosen = match mode {
                0 => versions.last(),
                1 => None,
                _ => match rng.below(5) {
                    0 | 1 => versions.last(),
                    2 => versions.get(rng.below(versions.len() as u64) as usize),
                    _ => None,
                },
            };
            if let Some(image) = chosen {
                put_sector(&mut self.device, sector, image);
            }
        }
    }
}

fn sector_of(content: &[u8], sector: usize) -> Sector {
    let mut image = [0; SECTOR_BYTES as usize];
    let from = (sector * image.len()).min(content.len());
    let to = (from + image.len()).min(content.len());
    image[..to - from].copy_from_slice(&content[from..to]);
    image
}

/// Writes the part of a sector that the file's length covers.
fn put_sector(device: &mut [u8], sector: u64, image: &Sector) {
    let from = (sector * SECTOR_BYTES) as usize;
    if from < device.len() {
        let to = (from + image.len()).min(device.len());
        device[from..to].copy_from_slice(&image[..to - from]);
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &str) -> Result<Box<dyn File>> {
        let mut s = self.state.lock();
        let turn = s.turn()?;
        if s.names.contains_key(path) {
            return Err(Error::new(SqlState::DUPLICATE_FILE, format!("could not create file \"{path}\": File exists")));
        }
        if !s.dirs.contains(parent(path)) {
            return Err(missing("create file", path));
        }
        if let Turn::Fail(fault) = turn {
            return Err(fault.error("create", path));
        }
        let inode = s.inodes.len();
        s.inodes.push(Inode::default());
        s.change_names(vec![(path.to_string(), Some(inode))]);
        match turn {
            Turn::Last => Err(power_lost()),
            _ => Ok(self.file(inode, path, s.life)),
        }
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>> {
        let s = self.reading()?;
        let inode = *s.names.get(path).ok_or_else(|| missing("open file", path))?;
        Ok(self.file(inode, path, s.life))
    }

    fn exists(&self, path: &str) -> Result<bool> {
        let s = self.reading()?;
        Ok(s.names.contains_key(path) || s.dirs.contains(path))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>> {
        let s = self.reading()?;
        if !s.dirs.contains(dir) {
            return Err(missing("open folder", dir));
        }
        let all = s.names.keys().chain(s.dirs.iter().filter(|d| !d.is_empty()));
        let mut names: Vec<String> = all
            .filter(|path| parent(path) == dir)
            .map(|path| path.rsplit('/').next().unwrap_or(path).to_string())
            .collect();
        names.sort();
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut s = self.state.lock();
        let inode = s.names.get(from).copied();
        let Some(inode) = inode.filter(|_| s.dirs.contains(parent(to))) else {
            return Err(if s.crashed { power_lost() } else { missing("rename file", from) });
        };
        s.change_names_synced(from, vec![(from.to_string(), None), (to.to_string(), Some(inode))])
    }

    fn remove(&self, path: &str) -> Result<()> {
        let mut s = self.state.lock();
        if !s.crashed && !s.names.contains_key(path) {
            return Err(missing("remove file", path));
        }
        s.change_names_synced(path, vec![(path.to_string(), None)])
    }

    fn create_dir(&self, path: &str) -> Result<()> {
        let mut s = self.state.lock();
        let turn = s.turn()?;
        if let Turn::Fail(fault) = turn {
            return Err(fault.error("create", path));
        }
        let ends = path.match_indices('/').map(|(i, _)| i).chain([path.len()]);
        s.dirs.extend(ends.map(|end| path[..end].to_string()));
        if matches!(turn, Turn::Last) { Err(power_lost()) } else { Ok(()) }
    }

    fn remove_dir(&self, path: &str) -> Result<()> {
        let mut s = self.state.lock();
        let turn = s.turn()?;
        if let Turn::Fail(fault) = turn {
            return Err(fault.error("remove", path));
        }
        let inside = format!("{path}/");
        let files: Vec<String> = s.names.keys().filter(|p| p.starts_with(&inside)).cloned().collect();
        for file in files {
            s.change_names(vec![(file.clone(), None)]);
            if matches!(turn, Turn::Go) {
                s.sync_names(parent(&file));
            }
        }
        if matches!(turn, Turn::Last) {
            return Err(power_lost());
        }
        s.dirs.retain(|d| d != path && !d.starts_with(&inside));
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> Result<()> {
        let mut s = self.state.lock();
        match s.turn()? {
            Turn::Go => {
                s.sync_names(path);
                Ok(())
            }
            Turn::Last => Err(power_lost()),
            Turn::Fail(fault) => Err(fault.error("fsync", path)),
        }
    }

    fn lock(&self, dir: &str) -> Result<DiskLock> {
        let mut s = self.reading()?;
        if !s.locks.insert(dir.to_string()) {
            return Err(locked(dir));
        }
        Ok(DiskLock::new(SimLock { state: self.state.clone(), dir: dir.to_string(), life: s.life }))
    }

    fn free_bytes(&self) -> Result<u64> {
        let s = self.reading()?;
        Ok(s.capacity.saturating_sub(s.used()))
    }
}

struct SimLock {
    state: Arc<Mutex<State>>,
    dir: String,
    life: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut s = self.state.lock();
        if s.life == self.life {
            s.locks.remove(&self.dir);
        }
    }
}

struct SimFile {
    state: Arc<Mutex<State>>,
    inode: usize,
    path: String,
    life: u64,
}

impl SimFile {
    fn state(&self) -> Result<MutexGuard<'_, State>> {
        let s = self.state.lock();
        if s.crashed || s.life != self.life { Err(power_lost()) } else { Ok(s) }
    }

    /// Runs a change of the content, which may make the file `end` bytes long.
    fn change(&self, what: &str, end: u64, change: impl FnOnce(&mut Inode)) -> Result<()> {
        let mut s = self.state()?;
        let turn = s.turn()?;
        let grows = end.saturating_sub(s.inodes[self.inode].content.len() as u64);
        if grows > 0 && s.used() + grows > s.capacity {
            return Err(full(&self.path));
        }
        if let Turn::Fail(fault) = turn {
            return Err(fault.error(what, &self.path));
        }
        change(&mut s.inodes[self.inode]);
        if matches!(turn, Turn::Last) { Err(power_lost()) } else { Ok(()) }
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let s = self.state()?;
        let content = &s.inodes[self.inode].content;
        let from = (offset as usize).min(content.len());
        let n = buf.len().min(content.len() - from);
        buf[..n].copy_from_slice(&content[from..from + n]);
        Ok(n)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.change("write to", offset + bytes.len() as u64, |inode| inode.write(bytes, offset as usize))
    }

    fn fill_zero(&self, offset: u64, len: u64) -> Result<()> {
        self.change("write to", offset + len, |inode| inode.write(&vec![0; len as usize], offset as usize))
    }

    fn sync_data(&self) -> Result<()> {
        let s = &mut *self.state()?;
        match s.turn()? {
            Turn::Go => {
                s.inodes[self.inode].sync();
                Ok(())
            }
            Turn::Last => Err(power_lost()),
            Turn::Fail(fault) => {
                s.inodes[self.inode].sync_in_part(&mut s.rng);
                Err(fault.error("fdatasync", &self.path))
            }
        }
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.change("truncate", len, |inode| inode.set_len(len as usize))
    }

    fn len(&self) -> Result<u64> {
        Ok(self.state()?.inodes[self.inode].content.len() as u64)
    }

    fn drop_cache(&self) -> Result<()> {
        let mut s = self.state()?;
        let inode = &mut s.inodes[self.inode];
        let dirty = std::mem::take(&mut inode.versions);
        let len = if inode.lengths.is_empty() { inode.device.len() } else { inode.content.len() };
        inode.content.clone_from(&inode.device);
        inode.content.resize(len, 0);
        for (sector, versions) in &dirty {
            put_sector(&mut inode.content, *sector, versions.last().expect("a listed sector has a version"));
        }
        inode.versions = dirty;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(disk: &SimDisk, path: &str) -> Option<Vec<u8>> {
        let file = disk.open(path).ok()?;
        let mut out = vec![0; file.len().unwrap() as usize];
        file.read_exact_at(&mut out, 0).unwrap();
        Some(out)
    }

    #[test]
    fn what_is_synced_survives_and_the_rest_may_not() {
        let (mut kept, mut lost, mut torn, mut unnamed) = (0, 0, 0, 0);
        for seed in 0..200 {
            let disk = SimDisk::new(seed);
            let file = disk.create("a").unwrap();
            disk.sync_dir("").unwrap();
            file.fill_zero(0, 2048).unwrap();
            file.sync_data().unwrap();
            file.write_at(&[7; 1024], 512).unwrap();
            disk.create("b").unwrap();
            disk.reboot();
            assert!(file.len().is_err(), "a handle of an earlier life is dead");
            let bytes = read(&disk, "a").expect("its name was synced");
            assert_eq!((bytes.len(), &bytes[..512], &bytes[1536..]), (2048, &[0; 512][..], &[0; 512][..]));
            for sector in bytes.chunks(512) {
                assert!(sector.iter().all(|&b| b == sector[0]), "sectors are whole");
            }
            match (bytes[512], bytes[1024]) {
                (7, 7) => kept += 1,
                (0, 0) => lost += 1,
                _ => torn += 1,
            }
            unnamed += usize::from(!disk.exists("b").unwrap());
        }
        assert!(kept > 20 && lost > 20 && torn > 20 && unnamed > 50, "{kept} {lost} {torn} {unnamed}");
    }

    #[test]
    fn any_version_of_a_sector_can_survive() {
        let mut seen = BTreeSet::new();
        for seed in 0..100 {
            let disk = SimDisk::new(seed);
            let file = disk.create("a").unwrap();
            disk.sync_dir("").unwrap();
            (1..=3u8).for_each(|v| file.write_at(&[v; 512], 0).unwrap());
            disk.reboot();
            seen.insert(read(&disk, "a").unwrap().first().copied());
        }
        assert!(seen.len() >= 4, "{seen:?}");
    }

    #[test]
    fn crash_stops_everything_until_reboot() {
        let disk = SimDisk::new(1);
        let file = disk.create("a").unwrap();
        disk.crash_at(1);
        file.write_at(b"x", 0).unwrap();
        assert!(file.sync_data().is_err() && disk.has_crashed());
        assert!(file.write_at(b"x", 0).is_err() && disk.open("a").is_err() && disk.list("").is_err());
        disk.reboot();
        disk.list("").unwrap();
    }

    #[test]
    fn a_failed_sync_loses_data_that_stays_readable() {
        let mut lost = 0;
        for seed in 0..50 {
            let disk = SimDisk::new(seed);
            let file = disk.create("a").unwrap();
            disk.sync_dir("").unwrap();
            file.fill_zero(0, 512).unwrap();
            file.sync_data().unwrap();
            file.write_at(&[7; 512], 0).unwrap();
            disk.fail_at(0, Fault::Io);
            assert_eq!(file.sync_data().unwrap_err().code(), SqlState::IO_ERROR);
            file.sync_data().unwrap();
            disk.restart();
            assert_eq!(read(&disk, "a").unwrap()[0], 7, "the cache hides the loss");
            disk.open("a").unwrap().drop_cache().unwrap();
            lost += usize::from(read(&disk, "a").unwrap()[0] == 0);
        }
        assert!(lost > 10, "{lost}");
    }

    #[test]
    fn space_runs_out_and_comes_back() {
        let disk = SimDisk::new(1);
        disk.set_capacity(1000);
        let file = disk.create("a").unwrap();
        file.write_at(&[1; 800], 0).unwrap();
        assert_eq!(disk.free_bytes().unwrap(), 200);
        let other = disk.create("b").unwrap();
        assert_eq!(other.fill_zero(0, 300).unwrap_err().code(), SqlState::DISK_FULL);
        disk.remove("a").unwrap();
        other.fill_zero(0, 300).unwrap();
    }

    #[test]
    fn renames_are_durable_and_whole() {
        for seed in 0..50 {
            let disk = SimDisk::new(seed);
            disk.create_dir("d").unwrap();
            let file = disk.create("d/new").unwrap();
            file.write_at(b"new", 0).unwrap();
            file.sync_data().unwrap();
            disk.crash_at(seed % 2);
            let renamed = disk.rename("d/new", "d/name");
            disk.reboot();
            if renamed.is_ok() {
                assert_eq!(read(&disk, "d/name").unwrap(), b"new");
                assert!(!disk.exists("d/new").unwrap());
            } else {
                assert!(!(disk.exists("d/new").unwrap() && disk.exists("d/name").unwrap()));
            }
        }
    }
}
