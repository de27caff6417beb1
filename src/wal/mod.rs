//! Appends opaque records to the log, makes them durable in groups, and reads them back in order.
//!
//! A position ([`Lsn`](crate::base::Lsn)) counts the bytes of all records before it; a record is named by the position
//! after it. `append` only copies to memory; one thread writes and syncs what has gathered, and while its sync runs the
//! next group gathers.
//!
//! Entry points: [`Wal::open`] (recovery included), [`Wal::admit`] and [`Wal::append`], [`Wal::wait`],
//! [`Wal::read_from`], [`Wal::hold`], [`Wal::remove_before`]; [`Place`] for records that come from elsewhere, [`LogBuilder`]
//! to make a log of them, [`Wal::append_encoded`] to go on with them; [`verify`], [`end_at_rest`] and [`truncate`]
//! for a log at rest.
//!
//! Must not know: what a payload means.
//!
//! Invariants:
//! 1. What survives a crash is a prefix of what was appended, and holds all that was reported durable.
//! 2. `durable` <= `appended`; both only grow.
//! 3. A segment gets its name after its predecessor and its own head are durable. So damage before the last segment is
//!    never a torn tail, and recovery refuses it instead of cutting the log there.
//! 4. A record verifies only behind the records it was written behind (`record.rs`).
//! 5. After `admit(n)` the next `append` of up to n bytes neither blocks nor fails.
//! 6. Behind the last record of a segment, and in a spare, all is zeros: opening clears what a crash left behind the end.
//! 7. The first failed write or sync of a segment is final: nothing is retried, `on_fatal` ends the process.
//!
//! Threads: anyone appends, waits and reads. `wal-flush` writes and syncs; `wal-prepare` readies files to become
//! segments, so that a commit never waits for one. Both are shells around `Flusher::step` and `Preparer::step`, which
//! the simulation calls itself.
//!
//! Locks: the appender's, then the spare pool's. The waiters' and the demand's are leaves. No lock is held across I/O
//! or a wake-up.
//!
//! May block: `admit` (the window is full, or no segment is ready), `wait_blocking`, `open`, `close`, reading.
//!
//! After a crash: the log ends before the first record that does not verify; `open` continues there.
//!
//! Read in this order: `record.rs`, `segment.rs`, `append.rs`, `progress.rs`, `spares.rs`, `flush.rs`, `read.rs`,
//! `recover.rs`, `hold.rs`, `log.rs`, `verify.rs`, `follow.rs`, `build.rs`.

mod append;
mod build;
mod flush;
mod follow;
mod hold;
mod log;
mod progress;
mod read;
mod record;
mod recover;
mod segment;
mod spares;
mod sync;
mod verify;

#[cfg(test)]
mod shuttle_tests;
#[cfg(test)]
mod sim_tests;
#[cfg(test)]
mod tests;

pub use build::LogBuilder;
pub use follow::Place;
pub use hold::Hold;
pub use log::{DurableWait, Wal, WalOptions};
pub use read::Reader;
pub use record::{KIND_INCARNATION, PAYLOAD_BYTES_MAX, Record};
pub use recover::{end_at_rest, truncate};
pub use segment::Identity;
pub use verify::{LogCheck, verify};

/// The lowest kind that is free for callers.
pub const KIND_FIRST_FREE: u8 = 16;

/// Rules that tests switch off, to see that they notice.
#[cfg(test)]
mod canary {
    use std::cell::Cell;

    thread_local! {
        /// Records are not tied to those before them.
        pub static UNCHAINED: Cell<bool> = const { Cell::new(false) };
        /// A group is reported durable without a sync.
        pub static UNSYNCED: Cell<bool> = const { Cell::new(false) };
        /// Recovery believes what the cache says after a failed sync.
        pub static CACHED: Cell<bool> = const { Cell::new(false) };
        /// Recovery believes names that only the cache may know.
        pub static UNSETTLED: Cell<bool> = const { Cell::new(false) };
        /// Old bytes stay behind the end of the log and in spares.
        pub static UNCLEARED: Cell<bool> = const { Cell::new(false) };
        /// An opening leaves no mark.
        pub static UNMARKED: Cell<bool> = const { Cell::new(false) };
    }
}
