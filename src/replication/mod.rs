//! The log of one node to others, byte for byte: what a primary sends, what a replica makes of it, and how a replica becomes
//! a primary.
//!
//! Entry points: [`Replication`] on every node; [`prepare`] for the directory of a replica to be, [`Replication::follow`] for
//! its life, [`Replication::request_promotion`] for its end. [`command`], [`message`] and [`base`] are the formats of what the
//! two ends say; the server speaks them for the primary, [`client`] for the replica.
//!
//! Must not know: SQL, sessions, how a server's sockets are handled.
//!
//! Invariants:
//! 1. Only what is durable here is sent.
//! 2. A replica's log is a prefix of its primary's, byte for byte: every record is checked against the chain of checksums
//!    before it is appended, and positions, LSNs and times are the primary's.
//! 3. What a replica shows is the primary's state at the LSN that it has applied; that only grows.
//! 4. A slot keeps the log from its reader's position on, or is lost and says so. A reader without one keeps it while it is
//!    connected.
//! 5. A node writes only when it does not follow. A promotion ends with a record in the log that begins a timeline.
//! 6. What commits wait for counts only once a standby that is waited for has said so, and stays counted. Others are sent no
//!    more than readers here may see.
//! 7. A data directory says whether it is a replica's (`files.rs`), and is opened as nothing else.
//!
//! Threads: one task follows, the thread `replica-apply` applies. Senders are the server's tasks. Locks are leaves.
//!
//! After a crash: a replica goes on where its log ends; a base copy that did not come to its end begins again.
//!
//! Read in this order: `command.rs`, `message.rs`, `base.rs`, `history.rs`, `slots.rs`, `standby_names.rs`, `senders.rs`,
//! `heartbeat.rs`, `node.rs`, `target.rs`, `client.rs`, `files.rs`, `prepare.rs`, `stream.rs`, `apply.rs`, `follow.rs`.

mod apply;
pub mod base;
pub mod client;
pub mod command;
#[cfg(test)]
mod failover_tests;
pub mod files;
mod follow;
mod heartbeat;
mod history;
pub mod message;
mod node;
mod prepare;
#[cfg(test)]
mod promotion_tests;
mod senders;
#[cfg(test)]
mod sim_tests;
mod slots;
mod standby_names;
mod stream;
mod target;
mod text_file;

pub use history::History;
pub use node::{Receiving, Replication, ReplicationOptions};
pub use prepare::{Elsewhere, prepare};
pub use senders::{Lags, Part, Sender, SenderInfo, Senders};
pub use slots::{SlotInfo, Slots};
pub use standby_names::StandbyNames;
pub use stream::newest_timeline;
pub use target::Target;

/// Moves other tasks off this worker thread while `work` runs.
fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
