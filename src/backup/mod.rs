//! Backups: the log and snapshots of a primary in an object store, and databases made of them.
//!
//! A running primary ships its log (`archive.rs`) and takes snapshots of checkpoints (`snapshot.rs`). From both together a
//! database can be made anew as it was at any moment since the oldest snapshot (`restore.rs`). What nothing needs expires
//! (`expire.rs`). A new primary has a part of the store of its own, which continues the one before it.
//!
//! Entry points: [`Backups::start`], [`Backups::snapshot`] and [`Backups::delete`] for a primary; [`list`], [`restore`] and [`verify`] for a
//! store.
//!
//! Must not know: tables, SQL, clients.
//!
//! Invariants:
//! 1. Only durable log is shipped, whole records, in order; a chunk never changes.
//! 2. Log is let go by the primary when the store has it, or when too much waits. Then the archive has a gap that its
//!    state object tells of, and a snapshot is due.
//! 3. A snapshot exists once its manifest does, and is whole then: packs and map are written before, and deleted after.
//! 4. An image is uploaded again when its block or its epoch is another than in the snapshot before; a snapshot is built
//!    only on one of the same data file and an earlier checkpoint.
//! 5. Every object ends in a checksum of its key and all its bytes. What should be there follows from manifests, the names
//!    of chunks, and the state object; so [`verify`] names any object that is damaged or missing.
//! 6. A timeline writes only to its own part of the store, and only the server does whose log goes on where that part's ends.
//! 7. A restored database has a cluster number of its own: its log and its snapshots are never taken for those of the one
//!    it comes from. A replica has none of either while it is one.
//!
//! Threads: `backup-archive` and `backup-snapshot`, shells around [`archive::Archiver::step`] and
//! [`snapshot::Snapshotter::take`]; the latter runs in a thread `backup-upload`. The first and the last have little weight, so they
//! must not hold a lock that a commit needs for longer than a moment. Locks: the signals', and the state object's, which is held
//! while it is written.
//!
//! May block: everything; no one who commits waits for it.
//!
//! After a crash: the archive goes on behind the newest chunk; a snapshot that was under way has left packs that the
//! next expiry removes.
//!
//! Read in this order: `layout.rs`, `object.rs`, `compress.rs`, `chunk.rs`, `pack.rs`, `map.rs`, `manifest.rs`, `state.rs`,
//! `shared.rs`, `archive.rs`, `snapshot.rs`, `expire.rs`, `schedule.rs`, `service.rs`, `list.rs`, `target.rs`, `restore.rs`,
//! `verify.rs`.

mod archive;
mod chunk;
mod compress;
mod expire;
mod layout;
mod list;
mod manifest;
mod map;
mod object;
mod pack;
mod restore;
mod schedule;
mod service;
mod shared;
mod snapshot;
mod state;
mod target;
mod verify;

#[cfg(test)]
mod sim_tests;

pub use layout::{cluster_name, parse_cluster, parse_id, parse_lsn};
pub use list::{Listed, list};
pub use manifest::Manifest;
pub use restore::{Restored, restore, restore_replica};
pub use schedule::{Schedule, Window};
pub use service::{BackupOptions, Backups};
pub use snapshot::Taken;
pub use target::{Origin, Target};
pub use verify::{BackupCheck, verify};

use crate::base::{Error, Result};
use shared::Shared;

fn check_format(key: &str, found: u32, known: u32) -> Result<()> {
    if found == known {
        return Ok(());
    }
    Err(Error::unsupported(format!("object \"{key}\" of format {found}")))
}
