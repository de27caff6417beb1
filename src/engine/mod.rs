//! One open database of trees. (Signatures first; the bodies follow.)

use crate::base::{Lsn, Result};
use crate::txn::{Isolation, Txn};
use std::sync::Arc;

const LATER: &str = "the bodies of these signatures are being written";

pub struct Engine(());

/// Who holds locks beyond transactions: a session. Its transactions never conflict with its session-level locks.
pub struct Owner(());

#[allow(unused_variables)]
impl Engine {
    pub fn begin(self: &Arc<Self>, isolation: Isolation) -> Txn {
        unimplemented!("{LATER}")
    }
    /// `process` is the session's number in deadlock reports and `pg_locks`.
    pub fn owner(self: &Arc<Self>, process: i32) -> Owner {
        unimplemented!("{LATER}")
    }
    pub fn begin_as(self: &Arc<Self>, owner: &Owner, isolation: Isolation) -> Txn {
        unimplemented!("{LATER}")
    }
    pub fn durable(&self) -> Lsn {
        unimplemented!("{LATER}")
    }
    pub fn applied(&self) -> Lsn {
        unimplemented!("{LATER}")
    }
    pub fn wait_durable(&self, lsn: Lsn) -> impl Future<Output = Result<()>> + Send + use<> {
        async { unimplemented!("{LATER}") }
    }
    pub fn wait_durable_blocking(&self, lsn: Lsn) -> Result<()> {
        unimplemented!("{LATER}")
    }
    /// Runs a small transaction of its own and commits it without waiting for durability (sequences).
    pub fn autonomous<T>(self: &Arc<Self>, work: impl FnMut(&mut Txn) -> Result<T>) -> Result<(T, Lsn)> {
        unimplemented!("{LATER}")
    }
    pub fn close(&self) -> Result<()> {
        unimplemented!("{LATER}")
    }
}
