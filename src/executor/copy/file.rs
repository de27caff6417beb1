//! The server's files that COPY reads and writes, with the checks and messages of PostgreSQL's `copyto.c` and
//! `copyfromparse.c`.

use crate::base::{Error, Result, SqlState};
use crate::io::OutsideFile;
use std::path::Path;

/// What gathers before it is written, and how much is read at a time, in bytes.
const BUFFER_BYTES: usize = 64 << 10;

/// A file that COPY TO writes.
pub struct TargetFile {
    file: OutsideFile,
    gathered: Vec<u8>,
}

impl TargetFile {
    /// Makes the file, or empties the one that is there.
    ///
    /// Errors: 42602 for a relative path, 42809 for a folder, and what the system says: 58P01, 42501, 53100, 58030.
    pub fn create(path: &str) -> Result<TargetFile> {
        if !path.starts_with('/') {
            return Err(Error::new(SqlState::INVALID_NAME, "relative path not allowed for COPY to file"));
        }
        match OutsideFile::create(Path::new(path)) {
            Ok(file) => Ok(TargetFile { file, gathered: Vec::new() }),
            Err(e) => {
                Err(not_opened("TO", "write", OutsideFile::failed(format!("open file \"{path}\" for writing"), &e)))
            }
        }
    }

    /// Takes some more bytes; [`TargetFile::is_full`] tells when to write them.
    pub fn put(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
    }

    pub fn is_full(&self) -> bool {
        self.gathered.len() >= BUFFER_BYTES
    }

    /// Writes what has gathered.
    pub fn flush(&mut self) -> Result<()> {
        let written = self.file.write_all(&self.gathered);
        self.gathered.clear();
        written.map_err(|e| OutsideFile::failed("write to COPY file", &e))
    }
}

/// A file that COPY FROM reads.
pub struct SourceFile {
    file: OutsideFile,
    buffer: Vec<u8>,
}

impl SourceFile {
    /// Opens a file; a relative path begins at `folder`.
    ///
    /// Errors: 42809 for a folder, and what the system says: 58P01, 42501, 58030.
    pub fn open(path: &str, folder: &str) -> Result<SourceFile> {
        let place = if path.is_empty() { Path::new("").into() } else { Path::new(folder).join(path) };
        let file = OutsideFile::open(&place);
        let file = file.map_err(|e| {
            not_opened("FROM", "read", OutsideFile::failed(format!("open file \"{path}\" for reading"), &e))
        })?;
        match file.is_folder() {
            Ok(false) => Ok(SourceFile { file, buffer: vec![0; BUFFER_BYTES] }),
            Ok(true) => Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{path}\" is a directory"))),
            Err(e) => Err(OutsideFile::failed(format!("stat file \"{path}\""), &e)),
        }
    }

    /// What follows; nothing at the end.
    pub fn read(&mut self) -> Result<&[u8]> {
        let length = self.file.read(&mut self.buffer);
        let length = length.map_err(|e| OutsideFile::failed("read from COPY file", &e))?;
        Ok(&self.buffer[..length])
    }
}

/// Whoever meant a file of the client is told so.
fn not_opened(direction: &str, verb: &str, e: Error) -> Error {
    match e.code() {
        SqlState::UNDEFINED_FILE | SqlState::INSUFFICIENT_PRIVILEGE => e.hint(format!(
            "COPY {direction} instructs the PostgreSQL server process to {verb} a file. You may want a client-side facility \
             such as psql's \\copy."
        )),
        _ => e,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x").to_str().unwrap().to_owned();
        let mut target = TargetFile::create(&path).unwrap();
        let row = [b'x'; 1000];
        for _ in 0..100 {
            target.put(&row);
            if target.is_full() {
                target.flush().unwrap();
            }
        }
        target.flush().unwrap();
        for (name, from) in [(path.as_str(), "nowhere"), ("x", folder.path().to_str().unwrap())] {
            let mut source = SourceFile::open(name, from).unwrap();
            let mut length = 0;
            loop {
                match source.read().unwrap() {
                    [] => break,
                    bytes => length += bytes.len(),
                }
            }
            assert_eq!(length, 100_000);
        }
        let shorter = TargetFile::create(&path).unwrap();
        drop(shorter);
        assert!(SourceFile::open(&path, "").unwrap().read().unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_opened_is_told_as_postgresql_does() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let of = |e: Error| (e.code(), e.message().to_owned(), e.fields().hint.is_some());
        let e = TargetFile::create("x").err().map(of);
        assert_eq!(e, Some((SqlState::INVALID_NAME, "relative path not allowed for COPY to file".into(), false)));
        let e = TargetFile::create(&at("no/x")).err().map(of);
        let text = format!("could not open file \"{}\" for writing: No such file or directory", at("no/x"));
        assert_eq!(e, Some((SqlState::UNDEFINED_FILE, text, true)));
        let e = TargetFile::create(&at("")).err().map(of);
        assert_eq!(e.map(|e| (e.0, e.2)), Some((SqlState::WRONG_OBJECT_TYPE, false)));
        let e = SourceFile::open(&at(""), "").err().map(of);
        assert_eq!(e, Some((SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is a directory", at("")), false)));
        let e = SourceFile::open("", &at("")).err().map(of);
        let text = "could not open file \"\" for reading: No such file or directory".to_owned();
        assert_eq!(e, Some((SqlState::UNDEFINED_FILE, text, true)));
        let mut full = TargetFile::create("/dev/full").unwrap();
        full.put(b"x");
        assert_eq!(full.flush().err().map(|e| e.code()), Some(SqlState::DISK_FULL));
    }
}
