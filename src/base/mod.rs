//! The ground that every other folder stands on: ids, the error type, byte cursors.
//!
//! Entry points: [`Error`] and [`SqlState`] for everything that can go wrong, [`Finding`] for what a check finds, [`Lsn`], [`TreeId`], [`PageId`]
//! and [`Oid`] for naming things, [`bytes`] for reading and writing formats.
//!
//! Must not know: any other folder.
//!
//! Invariants:
//! 1. Nothing here does I/O, allocates threads or keeps global state.
//! 2. A decoder over untrusted bytes returns an error; it never panics and never allocates what a length claims
//!    before the bytes are there.
//!
//! Read in this order: `ids.rs`, `sqlstate.rs`, `error.rs`, `finding.rs`, `bytes.rs`.

pub mod bytes;
pub mod error;
mod finding;
pub mod ids;
pub mod sqlstate;

pub use error::{Error, Flow, Result};
pub use finding::{Finding, Report};
pub use ids::{Lsn, Oid, PageId, TreeId};
pub use sqlstate::SqlState;
