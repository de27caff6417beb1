//! Sequences: the definition only. The running value changes without a catalog version and is kept by `table`.

use super::Address;
use super::role::AclItem;
use super::table::Persistence;
use crate::base::Oid;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    pub oid: Oid,
    pub schema: Oid,
    pub name: String,
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<AclItem>>,
    #[serde(default)]
    pub persistence: Persistence,
    /// `int2`, `int4` or `int8`.
    pub type_oid: Oid,
    pub start: i64,
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub cache: i64,
    pub cycle: bool,
    #[serde(default)]
    pub owned_by: Option<Owner>,
    /// Where the running value is kept. A transactional restart takes a new number, so that it can be rolled back.
    pub storage: u32,
    /// What the storage begins with, if not with `start`: the value of the last RESTART.
    #[serde(default)]
    pub first: Option<i64>,
}

/// The column that a sequence goes away with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub table: Oid,
    pub attnum: i16,
    /// It belongs to an identity column: not merely `OWNED BY`.
    pub identity: bool,
}

impl Sequence {
    /// The sequence begun anew, under a storage number that has never been used: ALTER SEQUENCE ... RESTART, TRUNCATE
    /// ... RESTART IDENTITY. It rolls back with the rest of the transaction.
    pub fn restarted(&self, storage: u32, at: Option<i64>) -> Sequence {
        Sequence { storage, first: at, ..self.clone() }
    }

    pub fn address(&self) -> Address {
        Address::relation(self.oid)
    }
}
