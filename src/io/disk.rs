//! What the engine asks of a file system, small enough that a simulation can keep every promise and break every other.
//!
//! Positions are explicit, so a file may be read and written by many threads at once and has no cursor to share.

use crate::base::{Error, Result, SqlState};
use std::any::Any;
use std::ops::Range;

/// The unit that a device writes whole or not at all.
pub const SECTOR_BYTES: u64 = 512;

pub(super) static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];

/// A folder of files. Paths are relative to it.
pub trait Disk: Send + Sync {
    /// Makes an empty file that must not exist yet. Its name is durable only after [`Disk::sync_dir`].
    fn create(&self, path: &str) -> Result<Box<dyn File>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> Result<Box<dyn File>>;

    fn exists(&self, path: &str) -> Result<bool>;

    /// The names (not paths) of the files and folders in a folder, sorted.
    fn list(&self, dir: &str) -> Result<Vec<String>>;

    /// Gives a file another name, in place of what had it, atomically; durable on return.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file; durable on return.
    fn remove(&self, path: &str) -> Result<()>;

    /// Makes a folder and those above it; fine when it exists; durable on return.
    fn create_dir(&self, path: &str) -> Result<()>;

    /// Removes a folder and all in it, not atomically; fine when it does not exist.
    fn remove_dir(&self, path: &str) -> Result<()>;

    /// Makes the names in a folder durable. The root is `""`.
    fn sync_dir(&self, path: &str) -> Result<()>;

    /// Takes a folder for this process until the lock is dropped; 55006 when another has it.
    fn lock(&self, dir: &str) -> Result<DiskLock>;

    /// Bytes that may still be written.
    fn free_bytes(&self) -> Result<u64>;

    /// Room for bytes that are worth nothing after a restart, on the device when memory is short.
    ///
    /// Errors: 53100 when there is no room for all of it; using it does not fail later.
    fn scratch(&self, len: usize) -> Result<Box<dyn Scratch>> {
        Ok(Box::new(vec![0; len]))
    }
}

/// See [`Disk::scratch`]. Dropping it gives the room back.
pub trait Scratch: Send + Sync {
    fn bytes(&self) -> &[u8];
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl Scratch for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// One open file.
pub trait File: Send + Sync {
    /// Reads up to `buf.len()` bytes; fewer only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize>;

    /// Writes all of `bytes`, making the file longer as needed.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// [`File::write_at`] of what nobody will soon read from this file: it need not be in the system's cache afterwards.
    fn write_unread_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.write_at(bytes, offset)
    }

    /// Writes zeros, so that a later write there allocates nothing and its sync touches no metadata.
    fn fill_zero(&self, offset: u64, len: u64) -> Result<()>;

    /// Makes the content and the length durable. After an error the content is unknown: never call it again, stop.
    fn sync_data(&self) -> Result<()>;

    fn set_len(&self, len: u64) -> Result<()>;

    /// Makes the file `len` bytes longer, with room on the device for them where the file system can promise it.
    fn extend(&self, len: u64) -> Result<()> {
        self.set_len(self.len()? + len)
    }

    /// Tells that a range will be read soon. A hint.
    fn will_read(&self, offset: u64, len: u64) {
        let _ = (offset, len);
    }

    fn len(&self) -> Result<u64>;

    /// Forgets what the cache holds of this file beyond the device, so that the next read tells what a failed sync of
    /// an earlier process really left there. A hint; dirty pages stay.
    fn drop_cache(&self) -> Result<()>;

    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The smallest range within `range` outside which all its bytes are zero; none when all are. What lies behind the end
    /// of the file counts as zero.
    fn find_nonzero(&self, range: Range<u64>) -> Result<Option<Range<u64>>> {
        let mut found: Option<Range<u64>> = None;
        let mut buffer = vec![0; ZEROS.len().min(range.end.saturating_sub(range.start) as usize)];
        let mut at = range.start;
        while at < range.end {
            let wanted = buffer.len().min((range.end - at) as usize);
            let n = self.read_at(&mut buffer[..wanted], at)?;
            // The comparison of slices is many times as fast as a loop over their bytes.
            if buffer[..n] != ZEROS[..n] {
                let first = buffer[..n].iter().position(|&b| b != 0).expect("they differ") as u64;
                let last = buffer[..n].iter().rposition(|&b| b != 0).expect("they differ") as u64;
                found = Some(found.map_or(at + first, |f| f.start)..at + last + 1);
            }
            if n < wanted {
                break;
            }
            at += n as u64;
        }
        Ok(found)
    }

    /// Fills `buf` or answers XX001.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let n = self.read_at(buf, offset)?;
        if n == buf.len() {
            return Ok(());
        }
        let message = format!("could not read {} bytes at offset {offset}: read only {n}", buf.len());
        Err(Error::new(SqlState::DATA_CORRUPTED, message))
    }
}

/// Holds a folder for this process; dropping it lets go.
pub struct DiskLock(#[allow(dead_code)] Box<dyn Any + Send + Sync>);

impl DiskLock {
    pub(super) fn new(held: impl Any + Send + Sync) -> DiskLock {
        DiskLock(Box::new(held))
    }
}

/// 55006, as a second server on one folder gets it.
pub(super) fn locked(dir: &str) -> Error {
    let what = if dir.is_empty() { String::new() } else { format!("folder \"{dir}\" is ") };
    Error::new(SqlState::OBJECT_IN_USE, format!("{what}in use by another process"))
        .hint("Is another server running on this data folder?")
}
