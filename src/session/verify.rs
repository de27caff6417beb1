//! Checks a data directory that no server has open: its format, and what the engine keeps in it. Changes nothing.

use super::database::engine_options;
use super::settings::Defaults;
use crate::base::{Error, Finding, Report, Result, SqlState};
use crate::engine::{Engine, EngineCheck, FORMAT, FORMAT_FILE};
use crate::io::{Clock, Disk, Entropy};
use std::sync::Arc;

/// Checks a data directory from end to end.
///
/// Errors: 55006 when a server has it open, 55000 when it is none or of another format, those of the disk. Damage is
/// reported.
pub fn verify(
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    entropy: &dyn Entropy,
    defaults: &Defaults,
    report: Report<'_>,
) -> Result<EngineCheck> {
    let _lock = disk.lock("")?;
    verify_format(&*disk, report)?;
    Engine::check(disk, clock, entropy, engine_options(defaults), report)
}

fn verify_format(disk: &dyn Disk, report: Report<'_>) -> Result<()> {
    if !disk.exists(FORMAT_FILE)? {
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "it holds no Headwater database"));
    }
    let expected = format!("{FORMAT}\n").into_bytes();
    let file = disk.open(FORMAT_FILE)?;
    let mut found = vec![0; expected.len() + 1];
    let n = file.read_at(&mut found, 0)?;
    if found[..n] != expected {
        let found = String::from_utf8_lossy(&found[..n]).escape_debug().to_string();
        report(Finding::damage(format!("file \"{FORMAT_FILE}\" holds \"{found}\", not format {FORMAT}")));
    }
    Ok(())
}
