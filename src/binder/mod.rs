//! From syntax to meaning: names are looked up, types found out, wrong statements refused with PostgreSQL's SQLSTATE,
//! message and position; what comes out is a logical plan ([`rel`]). It is PostgreSQL's parse analysis
//! (`src/backend/parser`), and functions are named after its steps so that the two can be read side by side.
//!
//! Entry points: [`bind`] for a statement that can be planned; [`table_expression`], [`stored_expression`], [`default_value`]
//! for the expressions kept with tables; [`resolve_type`] and [`find_relation`] for the names in DDL.
//!
//! Must not know: storage, cost, sessions, and how a plan is run.
//!
//! Invariants:
//! 1. A bound statement mentions only objects of the catalog snapshot it was bound against.
//! 2. Every expression in it is fully typed; no literal or parameter of unknown type is left.
//! 3. A [`ColId`](crate::expr::ColId) is born in exactly one node of the statement (see `rel.rs`).
//! 4. Positions in errors are byte offsets into the text that was parsed, or absent.
//!
//! Everything here is a pure function of the syntax tree and the [`Environment`]: no threads, no locks, no I/O.
//!
//! Read in this order: `rel.rs`, `state.rs`, `scope.rs`, `names.rs`, `expr/mod.rs`, `select.rs`, `grouping.rs`, `from.rs`,
//! `join.rs`, then one file for each other statement or clause.

mod access;
mod aggregate;
mod clause;
mod columns;
mod conflict;
mod defaults;
mod delete;
mod entry;
mod expr;
mod from;
mod grouping;
mod insert;
mod join;
mod limit;
mod locking;
mod merge;
mod names;
mod naming;
mod params;
mod regnames;
pub mod rel;
mod relation;
mod returning;
mod scope;
mod select;
mod setop;
mod sort;
mod state;
mod stored;
mod suggest;
mod target;
mod typename;
mod unknowns;
mod update;
mod values;
mod view;
mod view_target;
mod walk;
mod window;
mod with;

#[cfg(test)]
mod tests;

pub use clause::Clause;
pub use entry::{bind, bind_value};
pub use naming::column_name;
pub use regnames::CatalogNames;
pub use rel::{Query, Rel};
pub use relation::{check_database, find_relation, no_schema, resolve_type};
pub use state::{Environment, Parameters};
pub use stored::{default_value, stored_expression, table_expression};
pub use view_target::view_is_updatable;
