//! Headwater: a PostgreSQL-wire relational database in one binary. `ARCHITECTURE.md` is the map.

pub mod base;
pub mod catalog;
pub mod engine;
pub mod io;
pub mod parser;
pub mod storage;
pub mod txn;
pub mod expr;
pub mod types;
pub mod wal;
