//! Trees of versioned entries.

pub mod entries;
pub mod range;

pub use entries::Entries;
pub use range::{Cursor, Direction, KeyRange, prefix_end};
