//! A file of the machine that a statement names, such as COPY's: read or written once, from its beginning to its end.
//!
//! It may be anywhere, and be a pipe or a device, so it does not belong to a [`Disk`](super::Disk), whose files are all
//! below one folder. There is no simulated twin: nothing that the engine promises rests on such a file.

use crate::base::{Error, SqlState};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

pub struct OutsideFile(fs::File);

impl OutsideFile {
    /// Opens a file for writing; what it held is gone. A new one can be read by all and written by its owner.
    pub fn create(path: &Path) -> io::Result<OutsideFile> {
        let mut how = fs::OpenOptions::new();
        how.write(true).create(true).truncate(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o644);
        Ok(OutsideFile(how.open(path)?))
    }

    /// Opens a file for reading.
    pub fn open(path: &Path) -> io::Result<OutsideFile> {
        Ok(OutsideFile(fs::File::open(path)?))
    }

    pub fn is_folder(&self) -> io::Result<bool> {
        Ok(self.0.metadata()?.is_dir())
    }

    /// Some bytes of what follows; none at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// `could not WHAT: No such file or directory`, with the SQLSTATE that PostgreSQL gives it
    /// (`errcode_for_file_access`, `src/backend/utils/error/elog.c`).
    pub fn failed(what: impl std::fmt::Display, e: &io::Error) -> Error {
        let code = match e.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => SqlState::INSUFFICIENT_PRIVILEGE,
            ErrorKind::NotFound => SqlState::UNDEFINED_FILE,
            ErrorKind::AlreadyExists => SqlState::DUPLICATE_FILE,
            ErrorKind::NotADirectory | ErrorKind::IsADirectory => SqlState::WRONG_OBJECT_TYPE,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SqlState::DISK_FULL,
            _ if [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE]
                .iter()
                .any(|errno| Some(errno.raw_os_error()) == e.raw_os_error()) =>
            {
                SqlState::INSUFFICIENT_RESOURCES
            }
            _ => SqlState::IO_ERROR,
        };
        let text = e.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text);
        Error::new(code, format!("could not {what}: {reason}"))
    }
}
