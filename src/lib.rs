//! Headwater: a PostgreSQL-wire relational database in one binary. `ARCHITECTURE.md` is the map.

pub mod backup;
pub mod base;
pub mod binder;
pub mod catalog;
pub mod engine;
pub mod executor;
pub mod expr;
pub mod io;
pub mod parser;
pub mod planner;
pub mod replication;
pub mod server;
pub mod session;
pub mod storage;
pub mod table;
pub mod txn;
pub mod types;
pub mod wal;
