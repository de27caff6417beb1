//! What exists: databases, schemas, tables, indexes, sequences, views, types, roles, and what is known about their
//! contents. Objects are plain values kept as rows of a tree, so DDL commits, rolls back, recovers and replicates like
//! any other write; everybody reads an immutable [`Catalog`].
//!
//! Entry points: [`CatalogStore`] (opened once; `current` gives the newest [`Catalog`], `new_oid` a number),
//! [`CatalogTxn`] (a transaction's own view and changes), [`Catalog`] (lookups), [`object`] (what the objects say),
//! [`depend`] (what a DROP takes with it), [`deparse`] (definitions as SQL), [`system`] (`pg_catalog` and
//! `information_schema`).
//!
//! Must not know: queries. Expressions and views are source text here; upper layers bind them on use.
//!
//! Invariants:
//! 1. A `Catalog` never changes; two catalogs with the same `version` and database are the same value.
//! 2. The committed catalog of LSN `l` equals what the catalog tree holds at `l`: it is published inside the commit.
//! 3. Within a schema a relation's name is unique, and so is a type's: whoever creates one holds its name lock first.
//! 4. Oids are never reused; attribute numbers of a table are never reused.
//! 5. A stored object only ever gains optional fields; a program reads every row that an older one wrote.
//!
//! Threads: any. `CatalogStore::publish` runs under the engine's writer lock; it allocates and takes a mutex that nobody
//! holds for long, and does no I/O. After a crash `CatalogStore::open` reads the tree as recovered.
//!
//! Read in this order: `object/mod.rs`, `object/table.rs`, `snapshot.rs`, `change.rs`, `store.rs`, `codec.rs`; then
//! `trees.rs`, `depend.rs`, `deparse.rs` and `system/mod.rs`.

mod bootstrap;
mod change;
mod codec;
mod database;
pub mod deparse;
pub mod depend;
mod drop;
pub mod object;
mod privileges;
#[cfg(test)]
pub(crate) mod sample;
mod snapshot;
mod store;
pub mod system;
#[cfg(test)]
pub(crate) mod tests;
mod trees;

pub use bootstrap::{POSTGRES_DATABASE, TEMPLATE1, schemas as initial_schemas};
pub use change::{CatalogTxn, Change, Mark};
pub use codec::{SEQUENCE_TREE, TREE};
pub use depend::{DropPlan, plan_drop};
pub use drop::Unclustered;
pub use object::*;
pub use privileges::Grantable;
pub use snapshot::{
    Catalog, INFORMATION_SCHEMA, Incoming, PG_CATALOG, PG_TOAST, POSTGRES_ROLE, PUBLIC, Relation, UserType,
    array_type_name,
};
pub use store::CatalogStore;
pub use system::{Facts, NoFacts, SystemColumn, SystemContext, SystemTable};
pub use trees::trees_at;
