//! The only door to files, object stores, clocks and randomness, each with a simulated twin.
//!
//! Entry points: [`Disk`] and [`File`] ([`RealDisk`], [`SimDisk`], and [`OverlayDisk`] over either), [`ObjectStore`] ([`RealObjects`],
//! [`SimObjects`]), [`Clock`] ([`RealClock`], [`SimClock`]),
//! [`Entropy`] ([`RealEntropy`], [`SimEntropy`]), and [`Rng`] for random numbers that need not be secret; [`OutsideFile`], without a twin, for a file
//! that a statement names.
//!
//! Must not know: what the bytes mean.
//!
//! Invariants:
//! 1. Nothing outside this folder names `std::fs`, `std::time::{SystemTime, Instant}` or `rand`.
//! 2. A path is relative to the disk's root, with `/` between its parts; it never leads outside.
//! 3. What a file holds is durable after `sync_data`; that a name leads to it is durable after `sync_dir` of its folder.
//!    `rename`, `remove` and `create_dir` do the latter themselves; `create` does not.
//! 4. An error names the file or object. A full disk is 53100, a missing file 58P01, an existing one 58P02, anything else 58030.
//! 5. `SimDisk` behaves the same for the same seed and the same calls.
//!
//! Threads: every type is `Sync` and may be called from any thread; real file operations block the caller.
//!
//! After a crash: unsynced writes may be there, not there, or there in part, sector by sector, in any order.
//!
//! Read in this order: `disk.rs`, `real_disk.rs`, `direct_file.rs`, `overlay_disk.rs`, `sim_disk.rs`, `objects.rs`, `real_objects.rs`,
//! `sim_objects.rs`, `clock.rs`, `entropy.rs`, `machine.rs`, `outside_file.rs`.

mod clock;
mod direct_file;
mod disk;
mod entropy;
mod machine;
mod objects;
mod outside_file;
mod overlay_disk;
mod real_disk;
mod real_objects;
mod sim_disk;
mod sim_objects;

pub use clock::{Clock, RealClock, SimClock};
pub use disk::{Disk, DiskLock, File, SECTOR_BYTES, Scratch};
#[cfg(test)]
pub use entropy::seeds;
pub use entropy::{Entropy, RealEntropy, Rng, SimEntropy};
pub use machine::{memory_bytes, work_in_the_background};
pub use objects::{ObjectInfo, ObjectStore};
pub use outside_file::OutsideFile;
pub use overlay_disk::OverlayDisk;
pub use real_disk::RealDisk;
pub use real_objects::RealObjects;
pub use sim_disk::{Fault, SimDisk};
pub use sim_objects::SimObjects;
