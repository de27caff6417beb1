//! Plans that are kept: bound and planned statements, shared by all sessions of a node.
//!
//! A plan depends on the text, on how names resolve and on settings that the planner heeds; all of that is in the key
//! ([`PlanKey`]). The catalog's version is checked on use: a plan of an older version is made anew.

use crate::base::Oid;
use crate::binder::rel::{OutputColumn, Query};
use crate::planner::plan::PreparedPlan;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// How many plans a shard keeps before it starts afresh.
const SHARD_PLANS: usize = 256;
const SHARDS: usize = 16;
/// Longer texts are not worth keeping: they are bulk inserts, and seldom come twice. In bytes.
const LONGEST_TEXT: usize = 8 << 10;

/// A statement that is ready to run.
#[derive(Debug)]
pub struct CachedPlan {
    pub plan: Arc<PreparedPlan>,
    pub catalog_version: u64,
    /// What `SELECT`, `INSERT 0`, `UPDATE` ... the command tag begins with.
    pub tag: &'static str,
    /// For privileges: what is read and written.
    pub access: Vec<crate::binder::rel::Access>,
    pub read_only: bool,
    /// Whether another transaction may use it.
    pub stable: bool,
}

impl CachedPlan {
    pub fn output(&self) -> &[OutputColumn] {
        &self.plan.output
    }
}

/// The command tag's words before the row count.
pub fn tag_of(query: &Query) -> &'static str {
    use crate::binder::rel::StatementKind::*;
    match query.kind {
        Select => "SELECT",
        Insert => "INSERT 0",
        Update => "UPDATE",
        Delete => "DELETE",
        Merge => "MERGE",
    }
}

/// What a plan depends on besides the catalog's version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlanKey {
    pub text: Arc<str>,
    /// The declared types of parameters; of lifted literals, their kinds.
    pub params: Arc<[Oid]>,
    /// A hash of the search path, the database, the role and the settings that matter.
    pub environment: u64,
}

/// A sharded map from keys to plans.
#[derive(Debug)]
pub struct PlanCache {
    shards: [Mutex<HashMap<PlanKey, Arc<CachedPlan>, ahash::RandomState>>; SHARDS],
    hasher: ahash::RandomState,
}

impl Default for PlanCache {
    fn default() -> Self {
        PlanCache { shards: std::array::from_fn(|_| Mutex::default()), hasher: ahash::RandomState::new() }
    }
}

impl PlanCache {
    fn shard(&self, key: &PlanKey) -> &Mutex<HashMap<PlanKey, Arc<CachedPlan>, ahash::RandomState>> {
        &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
    }

    /// A plan made under this version of the catalog.
    pub fn get(&self, key: &PlanKey, catalog_version: u64) -> Option<Arc<CachedPlan>> {
        let shard = self.shard(key).lock();
        shard.get(key).filter(|p| p.catalog_version == catalog_version).cloned()
    }

    pub fn put(&self, key: PlanKey, plan: Arc<CachedPlan>) {
        if !plan.stable || key.text.len() > LONGEST_TEXT {
            return;
        }
        let mut shard = self.shard(&key).lock();
        if shard.len() >= SHARD_PLANS && !shard.contains_key(&key) {
            shard.clear();
        }
        shard.insert(key, plan);
    }

    /// DISCARD PLANS.
    pub fn clear(&self) {
        self.shards.iter().for_each(|s| s.lock().clear());
    }
}
