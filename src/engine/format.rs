//! The version of a data directory's format, kept in a file of its own: a directory with that file is whole.

use crate::base::{Error, Result, SqlState};
use crate::io::Disk;

pub const FORMAT_FILE: &str = "format";
pub const FORMAT: u32 = 1;

/// Checks that the directory is of this format, or empty, and makes it one of this format then.
///
/// Errors: 55000 for a directory of another format or with other things in it, XX001 when its format cannot be told.
pub fn settle_format(disk: &dyn Disk) -> Result<()> {
    if disk.exists(FORMAT_FILE)? {
        return check_format(disk);
    }
    check_empty(disk)?;
    write_format(disk)
}

/// Errors: 55000 unless there is nothing in the directory yet.
pub fn check_empty(disk: &dyn Disk) -> Result<()> {
    if disk.list("")?.iter().any(|name| name != "lock" && !name.starts_with('.')) {
        return Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "it is not empty, but holds no Headwater database",
        ));
    }
    Ok(())
}

/// What the directory holds is whole from now on.
pub fn write_format(disk: &dyn Disk) -> Result<()> {
    let temporary = "format.new";
    if disk.exists(temporary)? {
        disk.remove(temporary)?;
    }
    let file = disk.create(temporary)?;
    file.write_at(format!("{FORMAT}\n").as_bytes(), 0)?;
    file.sync_data()?;
    disk.rename(temporary, FORMAT_FILE)?;
    disk.sync_dir("")
}

fn check_format(disk: &dyn Disk) -> Result<()> {
    // A process that was killed may have left the name in the cache alone.
    disk.sync_dir("")?;
    let file = disk.open(FORMAT_FILE)?;
    let mut text = vec![0; file.len()?.min(32) as usize];
    file.read_exact_at(&mut text, 0)?;
    match String::from_utf8_lossy(&text).trim().parse::<u32>() {
        Ok(FORMAT) => Ok(()),
        Ok(found) => {
            let age = if found > FORMAT { "newer" } else { "older" };
            Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("it has the {age} format {found}, and this version of Headwater reads format {FORMAT}"),
            ))
        }
        Err(_) => Err(Error::new(SqlState::DATA_CORRUPTED, "its file \"format\" is damaged")),
    }
}
