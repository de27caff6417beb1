//! Small files of lines, replaced as a whole.

use crate::base::{Error, Result, SqlState};
use crate::io::Disk;

/// A longer file is none of ours.
const LENGTH_MAX: u64 = 1 << 20;

/// The text of a file; none when there is no such file.
pub fn read(disk: &dyn Disk, path: &str) -> Result<Option<String>> {
    if !disk.exists(path)? {
        return Ok(None);
    }
    let file = disk.open(path)?;
    let mut bytes = vec![0; file.len()?.min(LENGTH_MAX) as usize];
    file.read_exact_at(&mut bytes, 0)?;
    String::from_utf8(bytes).map(Some).map_err(|_| damaged(path))
}

pub fn damaged(path: &str) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("file \"{path}\" is damaged"))
}

/// Puts a text in place of what the file held, durably; a crash leaves one or the other.
pub fn write(disk: &dyn Disk, path: &str, text: &str) -> Result<()> {
    let unready = format!("{path}.new");
    if disk.exists(&unready)? {
        disk.remove(&unready)?;
    }
    let file = disk.create(&unready)?;
    file.write_at(text.as_bytes(), 0)?;
    file.sync_data()?;
    disk.rename(&unready, path)
}
