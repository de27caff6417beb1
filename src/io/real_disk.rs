//! A folder of the machine's file system.
//!
//! Writes are plain buffered `pwrite`; large ones of what will not be read soon go past the system's cache (`O_DIRECT`).
//! `fdatasync` ends both. On ext4, for 4 KiB into a zero-filled file, `O_DSYNC`, `O_DIRECT` and `RWF_DSYNC` take the same time within noise
//! (94-105 us), while blocks that are not yet written cost half as much again (154 us reserved by `fallocate`, 169 us past
//! the end): so what matters there is filling with zeros first. For 900 MiB in a row, the cache's pages alone cost 2.9 s
//! of processor time on a virtual machine that has to get the memory from its host; past the cache it is 0.2 s.

use super::direct_file::{DirectFile, direct_part};
use super::disk::{Disk, DiskLock, File, Scratch, ZEROS, locked};
use crate::base::{Error, Result, SqlState};
use rustix::fs::{Advice, FallocateFlags, FlockOperation};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const LOCK_FILE: &str = "lock";
/// Names scratch files for the moment until they have none.
static SCRATCH_FILES: AtomicU64 = AtomicU64::new(0);

pub struct RealDisk {
    root: PathBuf,
    read_only: bool,
}

impl RealDisk {
    /// Makes the folder when it is missing. A new one is readable by its owner only.
    pub fn open(root: impl Into<PathBuf>) -> Result<RealDisk> {
        let root = root.into();
        make_dirs(&root).map_err(|e| failed("create folder", &root, &e))?;
        Ok(RealDisk { root, read_only: false })
    }

    /// A folder that must be there and stays as it is: every change of it fails.
    pub fn open_read_only(root: impl Into<PathBuf>) -> Result<RealDisk> {
        let root = root.into();
        fs::read_dir(&root).map_err(|e| failed("open folder", &root, &e))?;
        Ok(RealDisk { root, read_only: true })
    }

    fn may_change(&self, what: &str, path: &Path) -> Result<()> {
        if self.read_only {
            return Err(failed(what, path, &io::Error::from(ErrorKind::ReadOnlyFilesystem)));
        }
        Ok(())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, path: &str) -> PathBuf {
        assert!(
            Path::new(path).components().all(|c| matches!(c, Component::Normal(_))),
            "a path stays below the root: {path:?}"
        );
        self.root.join(path)
    }
}

/// The error for a refused operation, in PostgreSQL's words (`could not open file "x": No such file or directory`).
fn failed(what: &str, path: &Path, e: &io::Error) -> Error {
    let code = match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SqlState::DISK_FULL,
        ErrorKind::NotFound => SqlState::UNDEFINED_FILE,
        ErrorKind::AlreadyExists => SqlState::DUPLICATE_FILE,
        _ => SqlState::IO_ERROR,
    };
    let text = e.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    Error::new(code, format!("could not {what} \"{}\": {reason}", path.display()))
}

fn make_dirs(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    make_dirs(parent)?;
    match std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        other => other?,
    }
    fs::File::open(parent)?.sync_all()
}

fn sync_folder(path: &Path) -> Result<()> {
    let dir = fs::File::open(path).map_err(|e| failed("open folder", path, &e))?;
    dir.sync_all().map_err(|e| failed("fsync folder", path, &e))
}

fn sync_parent(path: &Path) -> Result<()> {
    sync_folder(path.parent().expect("a path below the root has a parent"))
}

impl Disk for RealDisk {
    fn create(&self, path: &str) -> Result<Box<dyn File>> {
        let path = self.path(path);
        self.may_change("create file", &path)?;
        let mut how = fs::OpenOptions::new();
        how.read(true).write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
        let file = how.open(&path).map_err(|e| failed("create file", &path, &e))?;
        Ok(Box::new(RealFile::new(file, path)))
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>> {
        let path = self.path(path);
        let file = fs::OpenOptions::new().read(true).write(!self.read_only).open(&path);
        let file = file.map_err(|e| failed("open file", &path, &e))?;
        Ok(Box::new(RealFile::new(file, path)))
    }

    fn exists(&self, path: &str) -> Result<bool> {
        let path = self.path(path);
        path.try_exists().map_err(|e| failed("stat file", &path, &e))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>> {
        let path = self.path(dir);
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&path)? {
                // Names that are not UTF-8 are not ours.
                names.extend(entry?.file_name().into_string().ok());
            }
            names.sort();
            Ok(names)
        };
        read().map_err(|e| failed("open folder", &path, &e))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.path(from), self.path(to));
        self.may_change("rename file", &from)?;
        fs::rename(&from, &to).map_err(|e| failed("rename file", &from, &e))?;
        if from.parent() != to.parent() {
            sync_parent(&from)?;
        }
        sync_parent(&to)
    }

    fn remove(&self, path: &str) -> Result<()> {
        let path = self.path(path);
        self.may_change("remove file", &path)?;
        fs::remove_file(&path).map_err(|e| failed("remove file", &path, &e))?;
        sync_parent(&path)
    }

    fn create_dir(&self, path: &str) -> Result<()> {
        let path = self.path(path);
        self.may_change("create folder", &path)?;
        make_dirs(&path).map_err(|e| failed("create folder", &path, &e))
    }

    fn remove_dir(&self, path: &str) -> Result<()> {
        let path = self.path(path);
        self.may_change("remove folder", &path)?;
        match fs::remove_dir_all(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            Err(e) => Err(failed("remove folder", &path, &e)),
            Ok(()) => sync_parent(&path),
        }
    }

    fn sync_dir(&self, path: &str) -> Result<()> {
        sync_folder(&self.path(path))
    }

    fn lock(&self, dir: &str) -> Result<DiskLock> {
        let path = self.path(dir).join(LOCK_FILE);
        let mut how = fs::OpenOptions::new();
        match self.read_only {
            // Whoever has the folder has made the file.
            true if !self.exists(format!("{dir}/{LOCK_FILE}").trim_start_matches('/'))? => {
                return Ok(DiskLock::new(()));
            }
            true => how.read(true),
            false => how.write(true).create(true).truncate(false),
        };
        let file = how.open(&path);
        let file = file.map_err(|e| failed("open lock file", &path, &e))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(DiskLock::new(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(locked(dir)),
            Err(e) => Err(failed("lock file", &path, &e.into())),
        }
    }

    fn free_bytes(&self) -> Result<u64> {
        let stat = rustix::fs::statvfs(&self.root).map_err(|e| failed("stat file system of", &self.root, &e.into()))?;
        Ok(stat.f_bavail * stat.f_frsize)
    }

    /// A file without a name, mapped: the system keeps in memory what is used, and no crash leaves anything behind. Its
    /// blocks are reserved first, since a mapped page without room ends the process.
    fn scratch(&self, len: usize) -> Result<Box<dyn Scratch>> {
        let path = self.root.join(format!(".scratch-{}", SCRATCH_FILES.fetch_add(1, Ordering::Relaxed)));
        self.may_change("create file", &path)?;
        let mut how = fs::OpenOptions::new();
        how.read(true).write(true).create(true).truncate(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
        let file = how.open(&path).map_err(|e| failed("create file", &path, &e))?;
        fs::remove_file(&path).map_err(|e| failed("remove file", &path, &e))?;
        let reserved = rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, len as u64);
        reserved.map_err(|e| failed("extend file", &path, &e.into()))?;
        // SAFETY: the file has no name, so nobody else changes or shortens it.
        let map = unsafe { memmap2::MmapMut::map_mut(&file) };
        Ok(Box::new(map.map_err(|e| failed("map file", &path, &e))?))
    }
}

impl Scratch for memmap2::MmapMut {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

struct RealFile {
    file: fs::File,
    /// Where it was when it was opened; for errors.
    path: PathBuf,
    direct: DirectFile,
}

impl RealFile {
    fn new(file: fs::File, path: PathBuf) -> RealFile {
        RealFile { file, path, direct: DirectFile::default() }
    }
}

impl File for RealFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.file.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(failed("read file", &self.path, &e)),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|e| failed("write to file", &self.path, &e))
    }

    fn write_unread_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let aligned = direct_part(offset, bytes.len() as u64);
        let (head, rest) = bytes.split_at(aligned.start as usize);
        let (middle, tail) = rest.split_at((aligned.end - aligned.start) as usize);
        let written = self.direct.write(&self.file, middle, offset + aligned.start);
        let written = written.map_err(|e| failed("write to file", &self.path, &e))?;
        self.write_at(head, offset)?;
        self.write_at(&middle[written..], offset + aligned.start + written as u64)?;
        self.write_at(tail, offset + aligned.end)
    }

    fn fill_zero(&self, offset: u64, len: u64) -> Result<()> {
        let mut done = 0;
        while done < len {
            let n = (len - done).min(ZEROS.len() as u64);
            self.write_unread_at(&ZEROS[..n as usize], offset + done)?;
            done += n;
        }
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| failed("fdatasync file", &self.path, &e))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(|e| failed("truncate file", &self.path, &e))
    }

    fn extend(&self, len: u64) -> Result<()> {
        let end = self.len()?;
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), end, len) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP) => self.set_len(end + len),
            Err(e) => Err(failed("extend file", &self.path, &e.into())),
        }
    }

    fn will_read(&self, offset: u64, len: u64) {
        // Only a hint: without it the read itself waits.
        let _ = rustix::fs::fadvise(&self.file, offset, std::num::NonZeroU64::new(len), Advice::WillNeed);
    }

    fn len(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(|e| failed("stat file", &self.path, &e))?.len())
    }

    fn drop_cache(&self) -> Result<()> {
        let done = rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed);
        done.map_err(|e| failed("drop the cache of file", &self.path, &e.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> (tempfile::TempDir, RealDisk) {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(dir.path().join("a/b")).unwrap();
        (dir, disk)
    }

    #[test]
    fn writes_reads_and_renames() {
        let (_dir, disk) = disk();
        disk.create_dir("log/old").unwrap();
        let file = disk.create("log/x").unwrap();
        file.fill_zero(0, 300_000).unwrap();
        file.write_at(b"hello", 299_999).unwrap();
        file.sync_data().unwrap();
        file.will_read(0, 4096);
        file.drop_cache().unwrap();
        assert_eq!(file.len().unwrap(), 300_004);
        let mut buf = [9; 8];
        assert_eq!(file.read_at(&mut buf, 299_998).unwrap(), 6);
        assert_eq!(&buf[..6], b"\0hello");
        assert!(file.read_exact_at(&mut buf, 299_998).is_err());
        file.extend(96).unwrap();
        assert_eq!(file.len().unwrap(), 300_100);
        file.read_exact_at(&mut buf, 300_092).unwrap();
        assert_eq!(buf, [0; 8]);
        disk.rename("log/x", "log/old/y").unwrap();
        assert_eq!(disk.list("log").unwrap(), ["old"]);
        assert_eq!(disk.list("log/old").unwrap(), ["y"]);
        assert!(disk.exists("log/old/y").unwrap());
        disk.remove("log/old/y").unwrap();
        disk.remove_dir("log").unwrap();
        disk.remove_dir("log").unwrap();
        assert!(disk.free_bytes().unwrap() > 0);
    }

    /// Written past the cache, through it, and both across each other; also after the file has got another name.
    #[test]
    fn large_writes_and_small_ones_meet() {
        let (_dir, disk) = disk();
        let file = disk.create("x").unwrap();
        let mut expected = vec![0; 3 << 20];
        file.fill_zero(0, expected.len() as u64).unwrap();
        disk.rename("x", "y").unwrap();
        let mut write = |offset: usize, len: usize, byte: u8| {
            let bytes: Vec<u8> = (0..len).map(|i| byte.wrapping_add((i / 512) as u8)).collect();
            file.write_unread_at(&bytes, offset as u64).unwrap();
            expected[offset..offset + len].copy_from_slice(&bytes);
            let mut found = vec![0xff; expected.len()];
            file.read_exact_at(&mut found, 0).unwrap();
            assert!(found == expected, "{offset} {len}");
        };
        write(100, 50, 1);
        write(0, 1 << 20, 2);
        write(4096, 8192, 3);
        write(777, 2_000_000, 4);
        write((1 << 20) - 1, 300_001, 5);
        write(3, 8, 6);
        file.sync_data().unwrap();
        assert_eq!(disk.open("y").unwrap().find_nonzero(2_500_000..3 << 20).unwrap(), None);
    }

    #[test]
    fn errors_name_the_file_and_have_codes() {
        let (_dir, disk) = disk();
        let e = disk.open("none").err().unwrap();
        assert_eq!(e.code(), SqlState::UNDEFINED_FILE);
        assert!(e.message().ends_with("a/b/none\": No such file or directory"), "{e}");
        disk.create("x").unwrap();
        assert_eq!(disk.create("x").err().unwrap().code(), SqlState::DUPLICATE_FILE);
        let full = failed("write to file", Path::new("x"), &io::Error::from_raw_os_error(28));
        assert_eq!(format!("{full:?}"), "[53100] could not write to file \"x\": No space left on device");
    }

    #[test]
    fn scratch_room_has_no_name_and_must_be_there() {
        let (_dir, disk) = disk();
        let mut room = disk.scratch(1 << 20).unwrap();
        room.bytes_mut()[(1 << 20) - 1] = 7;
        assert_eq!((room.bytes().len(), room.bytes()[(1 << 20) - 1]), (1 << 20, 7));
        assert!(disk.list("").unwrap().is_empty());
        assert!(disk.scratch(1 << 60).is_err());
    }

    #[test]
    fn a_folder_is_locked_once() {
        let (_dir, disk) = disk();
        let held = disk.lock("").unwrap();
        assert_eq!(disk.lock("").err().unwrap().code(), SqlState::OBJECT_IN_USE);
        drop(held);
        disk.lock("").unwrap();
    }

    #[test]
    fn a_read_only_folder_is_locked_and_stays_as_it_is() {
        let (dir, disk) = disk();
        let open = || RealDisk::open_read_only(dir.path().join("a/b"));
        disk.create("x").unwrap().write_at(b"\0\0hello\0", 0).unwrap();
        drop(open().unwrap().lock("").unwrap());
        assert_eq!(disk.list("").unwrap(), ["x"]);
        let held = disk.lock("").unwrap();
        assert_eq!(open().unwrap().lock("").err().unwrap().code(), SqlState::OBJECT_IN_USE);
        drop(held);
        let (disk, reader) = (open().unwrap(), open().unwrap());
        let _held = disk.lock("").unwrap();
        assert!(reader.lock("").is_err());
        let file = reader.open("x").unwrap();
        assert_eq!(file.find_nonzero(0..8).unwrap(), Some(2..7));
        assert_eq!((file.find_nonzero(0..2).unwrap(), file.find_nonzero(7..99).unwrap()), (None, None));
        assert!(file.write_at(b"y", 0).is_err());
        let refused =
            [reader.create("y").map(drop), reader.rename("x", "y"), reader.remove("x"), reader.create_dir("y")];
        assert!(refused.iter().all(Result::is_err) && reader.remove_dir("y").is_err());
        assert!(RealDisk::open_read_only(dir.path().join("none")).is_err());
    }

    #[test]
    #[should_panic(expected = "stays below the root")]
    fn paths_do_not_leave() {
        let (_dir, disk) = disk();
        let _ = disk.open("../x");
    }
}
