//! Large writes past the system's cache.
//!
//! What is written in bulk (log segments filled with zeros, large commits, runs of pages) is in memory already, as pages
//! or as a log buffer; a second copy in the cache costs more processor time than the write.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::fs;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

/// What every device takes: positions, lengths and addresses are multiples of it.
const ALIGN: u64 = 4096;

/// Shorter writes go through the cache: its latency is better, and small things are often read back.
const DIRECT_BYTES_MIN: u64 = 128 * 1024;

/// One call writes so much. Fits into a processor's cache, which the copy into the buffer then stays in.
const BUFFER_BYTES: usize = 512 * 1024;

/// The part of a write of `len` bytes at `offset`, counted from its start, that may go past the cache; empty when it is
/// too short to be worth it.
pub fn direct_part(offset: u64, len: u64) -> Range<u64> {
    let start = offset.next_multiple_of(ALIGN) - offset;
    let end = ((offset + len) / ALIGN * ALIGN).saturating_sub(offset);
    if end.saturating_sub(start) < DIRECT_BYTES_MIN { 0..0 } else { start..end }
}

/// A file's second door, opened when it is first needed.
#[derive(Default)]
pub struct DirectFile {
    /// None where the file system or the device refuses.
    file: OnceLock<Option<fs::File>>,
}

impl DirectFile {
    /// Writes as much of `bytes` as the file system takes this way: all or, where there is no such way, nothing. `of` is
    /// the file's first door.
    pub fn write(&self, of: &fs::File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let Some(file) = self.file.get_or_init(|| reopen(of).ok()) else { return Ok(0) };
        BUFFER.with_borrow_mut(|buffer| {
            let mut done = 0;
            for chunk in bytes.chunks(BUFFER_BYTES) {
                let buffer = &mut buffer.bytes_mut()[..chunk.len()];
                buffer.copy_from_slice(chunk);
                match file.write_all_at(buffer, offset + done as u64) {
                    Ok(()) => done += chunk.len(),
                    // The device asks for more than ALIGN, or the file system has no such way after all.
                    Err(e) if e.kind() == io::ErrorKind::InvalidInput => return Ok(done),
                    Err(e) => return Err(e),
                }
            }
            Ok(done)
        })
    }
}

/// By its descriptor: its name may have changed since it was opened.
fn reopen(of: &fs::File) -> io::Result<fs::File> {
    let mut how = fs::OpenOptions::new();
    how.read(true).write(true);
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut how, rustix::fs::OFlags::DIRECT.bits() as i32);
    how.open(format!("/proc/self/fd/{}", of.as_raw_fd()))
}

thread_local! {
    static BUFFER: RefCell<Aligned> = RefCell::new(Aligned::new());
}

/// [`BUFFER_BYTES`] at an address that is a multiple of [`ALIGN`].
struct Aligned(*mut u8);

impl Aligned {
    const LAYOUT: Layout = match Layout::from_size_align(BUFFER_BYTES, ALIGN as usize) {
        Ok(layout) => layout,
        Err(_) => panic!("a power of two, and a small size"),
    };

    fn new() -> Aligned {
        // SAFETY: the size is not zero.
        let start = unsafe { alloc(Aligned::LAYOUT) };
        if start.is_null() {
            handle_alloc_error(Aligned::LAYOUT);
        }
        // SAFETY: just allocated, so long. All of it is set before it is a slice.
        unsafe { start.write_bytes(0, BUFFER_BYTES) };
        Aligned(start)
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: allocated so long, set, and this is the only way to it.
        unsafe { std::slice::from_raw_parts_mut(self.0, BUFFER_BYTES) }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.0, Aligned::LAYOUT) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direct_part_is_aligned_and_large() {
        let min = DIRECT_BYTES_MIN;
        assert_eq!(direct_part(0, min), 0..min);
        assert_eq!(direct_part(0, min - 1), 0..0);
        assert_eq!(direct_part(4095, min), 0..0);
        assert_eq!(direct_part(4095, min + 1), 1..min + 1);
        assert_eq!(direct_part(1, min + 2 * ALIGN), 4095..4095 + min + ALIGN);
        assert_eq!(direct_part(5000, 10), 0..0);
        assert_eq!(direct_part(5000, 0), 0..0);
    }
}
