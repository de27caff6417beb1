//! A disk over another one that it never changes: what is written stays in memory and is gone with it. Whatever changes
//! files when it opens them, as recovery does, can so be run on files that must stay as they are.
//!
//! Names are looked up here first, then below. A file keeps the chunks that were written since; all else is read from the
//! file below. There is nothing to sync: a crash loses it all.

use super::disk::{Disk, DiskLock, File};
use crate::base::{Error, Result, SqlState};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

const CHUNK_BYTES: usize = 4096;

pub struct OverlayDisk {
    below: Arc<dyn Disk>,
    names: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    /// Files that were opened, made or renamed here; None where one was removed or renamed away.
    files: BTreeMap<String, Option<Arc<Content>>>,
    dirs: BTreeSet<String>,
}

struct Content {
    below: Option<Box<dyn File>>,
    changes: RwLock<Changes>,
}

struct Changes {
    len: u64,
    /// So much of the file below is still to be seen where no chunk is.
    below_bytes: u64,
    /// By number; None is all zeros.
    chunks: BTreeMap<u64, Option<Box<[u8; CHUNK_BYTES]>>>,
}

impl OverlayDisk {
    pub fn new(below: Arc<dyn Disk>) -> OverlayDisk {
        OverlayDisk { below, names: Mutex::default() }
    }

    fn content(&self, names: &mut Names, path: &str) -> Result<Arc<Content>> {
        match names.files.get(path) {
            Some(Some(content)) => Ok(content.clone()),
            Some(None) => Err(Error::new(SqlState::UNDEFINED_FILE, format!("file \"{path}\" does not exist"))),
            None => {
                let content = Arc::new(Content::new(Some(self.below.open(path)?))?);
                names.files.insert(path.to_string(), Some(content.clone()));
                Ok(content)
            }
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(dir, _)| dir)
}

impl Disk for OverlayDisk {
    fn create(&self, path: &str) -> Result<Box<dyn File>> {
        if self.exists(path)? {
            return Err(Error::new(SqlState::DUPLICATE_FILE, format!("file \"{path}\" exists")));
        }
        let content = Arc::new(Content::new(None)?);
        self.names.lock().files.insert(path.to_string(), Some(content.clone()));
        Ok(Box::new(OverlayFile(content)))
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>> {
        Ok(Box::new(OverlayFile(self.content(&mut self.names.lock(), path)?)))
    }

    fn exists(&self, path: &str) -> Result<bool> {
        let names = self.names.lock();
        match names.files.get(path) {
            Some(content) => Ok(content.is_some()),
            None => Ok(names.dirs.contains(path) || self.below.exists(path)?),
        }
    }

    fn list(&self, dir: &str) -> Result<Vec<String>> {
        let names = self.names.lock();
        let only_here = names.dirs.contains(dir) && !self.below.exists(dir)?;
        let mut found: BTreeSet<String> =
            if only_here { BTreeSet::new() } else { self.below.list(dir)?.into_iter().collect() };
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
        for (path, content) in names.files.iter().filter(|(path, _)| parent(path) == dir) {
            match content {
                Some(_) => found.insert(name(path)),
                None => found.remove(&name(path)),
            };
        }
        found.extend(names.dirs.iter().filter(|path| parent(path) == dir && !path.is_empty()).map(|path| name(path)));
        Ok(found.into_iter().collect())
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut names = self.names.lock();
        let content = self.content(&mut names, from)?;
        names.files.insert(from.to_string(), None);
        names.files.insert(to.to_string(), Some(content));
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<()> {
        let mut names = self.names.lock();
        self.content(&mut names, path)?;
        names.files.insert(path.to_string(), None);
        Ok(())
    }

    fn create_dir(&self, path: &str) -> Result<()> {
        self.names.lock().dirs.insert(path.to_string());
        Ok(())
    }

    /// The folder stays, empty.
    fn remove_dir(&self, path: &str) -> Result<()> {
        if self.exists(path)? {
            for name in self.list(path)? {
                self.names.lock().files.insert(format!("{path}/{name}"), None);
            }
        }
        Ok(())
    }

    fn sync_dir(&self, _: &str) -> Result<()> {
        Ok(())
    }

    fn lock(&self, dir: &str) -> Result<DiskLock> {
        self.below.lock(dir)
    }

    /// Memory is not counted.
    fn free_bytes(&self) -> Result<u64> {
        Ok(u64::MAX)
    }
}

impl Content {
    fn new(below: Option<Box<dyn File>>) -> Result<Content> {
        let len = below.as_ref().map_or(Ok(0), |file| file.len())?;
        Ok(Content { below, changes: RwLock::new(Changes { len, below_bytes: len, chunks: BTreeMap::new() }) })
    }

    fn read(&self, changes: &Changes, buf: &mut [u8], offset: u64) -> Result<usize> {
        let n = buf.len().min(changes.len.saturating_sub(offset) as usize);
        let buf = &mut buf[..n];
        let below = n.min(changes.below_bytes.saturating_sub(offset) as usize);
        if let Some(file) = self.below.as_ref().filter(|_| below > 0) {
            file.read_exact_at(&mut buf[..below], offset)?;
        }
        buf[below..].fill(0);
        for (number, chunk) in changes.chunks.range(chunks_of(offset, n as u64)) {
            let (from, to) = part(*number, offset, n);
            let out = &mut buf[(number * CHUNK_BYTES as u64 + from as u64 - offset) as usize..][..to - from];
            match chunk {
                Some(bytes) => out.copy_from_slice(&bytes[from..to]),
                None => out.fill(0),
            }
        }
        Ok(n)
    }

    /// None writes zeros.
    fn write(&self, bytes: Option<&[u8]>, offset: u64, len: u64) -> Result<()> {
        let mut changes = self.changes.write();
        for number in chunks_of(offset, len) {
            let start = number * CHUNK_BYTES as u64;
            let from = offset.max(start);
            let to = (offset + len).min(start + CHUNK_BYTES as u64);
            if bytes.is_none() && to - from == CHUNK_BYTES as u64 {
                changes.chunks.insert(number, None);
                continue;
            }
            let mut chunk = Box::new([0; CHUNK_BYTES]);
            self.read(&changes, &mut chunk[..], start)?;
            let inside = &mut chunk[(from - start) as usize..(to - start) as usize];
            match bytes {
                Some(bytes) => inside.copy_from_slice(&bytes[(from - offset) as usize..(to - offset) as usize]),
                None => inside.fill(0),
            }
            changes.chunks.insert(number, Some(chunk));
        }
        changes.len = changes.len.max(offset + len);
        Ok(())
    }

    fn set_len(&self, len: u64) {
        let mut changes = self.changes.write();
        if len < changes.len {
            changes.below_bytes = changes.below_bytes.min(len);
            changes.chunks.split_off(&len.div_ceil(CHUNK_BYTES as u64));
            // What was behind the new end reads as zeros should the file grow again.
            if let Some(Some(last)) = changes.chunks.get_mut(&(len / CHUNK_BYTES as u64)) {
                last[(len % CHUNK_BYTES as u64) as usize..].fill(0);
            }
        }
        changes.len = len;
    }
}

/// The numbers of the chunks that a range touches.
fn chunks_of(offset: u64, len: u64) -> Range<u64> {
    offset / CHUNK_BYTES as u64..(offset + len).div_ceil(CHUNK_BYTES as u64)
}

/// The part of a chunk that a range covers.
fn part(number: u64, offset: u64, len: usize) -> (usize, usize) {
    let start = number * CHUNK_BYTES as u64;
    let from = offset.saturating_sub(start) as usize;
    (from, ((offset + len as u64 - start) as usize).min(CHUNK_BYTES))
}

struct OverlayFile(Arc<Content>);

impl File for OverlayFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        self.0.read(&self.0.changes.read(), buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.0.write(Some(bytes), offset, bytes.len() as u64)
    }

    fn fill_zero(&self, offset: u64, len: u64) -> Result<()> {
        self.0.write(None, offset, len)
    }

    fn sync_data(&self) -> Result<()> {
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.0.set_len(len);
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(self.0.changes.read().len)
    }

    fn drop_cache(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::SimDisk;
    use super::*;
    use crate::io::Rng;

    #[test]
    fn a_file_reads_as_if_it_were_written() {
        for seed in 0..20 {
            let mut rng = Rng::new(seed);
            let below = SimDisk::new(seed);
            let start: Vec<u8> = (0..rng.below(20_000)).map(|n| n as u8 | 1).collect();
            below.create("x").unwrap().write_at(&start, 0).unwrap();
            let disk = OverlayDisk::new(Arc::new(below.clone()));
            let (file, mut expected) = (disk.open("x").unwrap(), start.clone());
            for _ in 0..60 {
                let (at, len) = (rng.below(22_000) as usize, rng.below(9000) as usize);
                let grow = |v: &mut Vec<u8>| v.resize(v.len().max(at + len), 0);
                match rng.below(4) {
                    0 => {
                        grow(&mut expected);
                        expected[at..at + len].fill(0);
                        file.fill_zero(at as u64, len as u64).unwrap();
                    }
                    1 if rng.chance(1, 3) => {
                        expected.resize(at, 0);
                        file.set_len(at as u64).unwrap();
                    }
                    2 => {
                        grow(&mut expected);
                        expected[at..at + len].fill(len as u8);
                        file.write_at(&vec![len as u8; len], at as u64).unwrap();
                    }
                    _ => {
                        let mut buf = vec![7; len];
                        let n = disk.open("x").unwrap().read_at(&mut buf, at as u64).unwrap();
                        let there = &expected[at.min(expected.len())..(at + len).min(expected.len())];
                        assert_eq!(&buf[..n], there, "seed {seed}");
                    }
                }
                assert_eq!(file.len().unwrap(), expected.len() as u64);
            }
            let mut below_now = vec![0; start.len() + 1];
            assert_eq!(below.open("x").unwrap().read_at(&mut below_now, 0).unwrap(), start.len());
            assert_eq!(below_now[..start.len()], start);
        }
    }

    #[test]
    fn names_change_here_alone() {
        let below = SimDisk::new(1);
        below.create_dir("d").unwrap();
        for name in ["a", "d/b", "d/c"] {
            below.create(name).unwrap().write_at(name.as_bytes(), 0).unwrap();
        }
        let operations = below.operations();
        let disk = OverlayDisk::new(Arc::new(below.clone()));
        disk.rename("d/b", "d/e").unwrap();
        disk.remove("a").unwrap();
        disk.create_dir("f").unwrap();
        disk.create("f/new").unwrap();
        assert!(disk.create("d/e").is_err() && disk.open("a").is_err() && disk.open("d/b").is_err());
        assert_eq!(disk.open("d/e").unwrap().len().unwrap(), 3);
        assert_eq!(disk.list("").unwrap(), ["d", "f"]);
        assert_eq!(
            (disk.list("d").unwrap(), disk.list("f").unwrap()),
            (vec!["c".into(), "e".into()], vec!["new".into()])
        );
        disk.remove_dir("d").unwrap();
        assert!(disk.list("d").unwrap().is_empty());
        assert_eq!((below.list("d").unwrap(), below.operations()), (vec!["b".into(), "c".into()], operations));
    }
}
