//! The buffer pool and the page map: pages live in frames, and in a data file whose checkpoints are always whole.

mod guard;
mod head;
mod pool;
mod write;

pub use guard::{PageMut, PageRead};
pub use head::{HEAD_BYTES, PAGE_BYTES};
pub use pool::{CheckpointPin, Pager, PagerOptions, PagerStats, Progress, Root};
pub use write::PageWriter;
