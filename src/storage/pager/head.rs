//! The first bytes of every page.

/// What the pager keeps at the start of each page; the page's owner has the bytes behind.
pub const HEAD_BYTES: usize = 16;

/// The page size when no other is asked for.
pub const PAGE_BYTES: usize = 8192;
