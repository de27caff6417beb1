//! Rules that tests switch off, to see that they notice.

use std::cell::Cell;

thread_local! {
    /// A frozen page is changed without a copy.
    pub static NO_COPY: Cell<bool> = const { Cell::new(false) };
    /// A superseded block is free at once.
    pub static EAGER: Cell<bool> = const { Cell::new(false) };
    /// The superblock is written before what it leads to is durable.
    pub static UNSYNCED: Cell<bool> = const { Cell::new(false) };
    /// The superblock is written before the log is durable up to the checkpoint's LSN.
    pub static AHEAD_OF_LOG: Cell<bool> = const { Cell::new(false) };
    /// Pins hold nothing.
    pub static NO_PIN: Cell<bool> = const { Cell::new(false) };
    /// Of two images of one epoch the last to land wins.
    pub static NO_ORDER: Cell<bool> = const { Cell::new(false) };
    /// An image of a page that was freed meanwhile counts.
    pub static STALE_IMAGES: Cell<bool> = const { Cell::new(false) };
    /// Dirty frames may be evicted.
    pub static EVICT_DIRTY: Cell<bool> = const { Cell::new(false) };
    /// Who waits for a latch waits until it comes.
    pub static PATIENT: Cell<bool> = const { Cell::new(false) };
    /// Opening believes the cache.
    pub static CACHED: Cell<bool> = const { Cell::new(false) };
}
