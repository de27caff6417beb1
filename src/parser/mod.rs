//! SQL text to syntax tree, as PostgreSQL 15 reads it.
//!
//! The grammar is PostgreSQL's own (`gram.y`, `scan.l`), followed production by production by a hand-written lexer and
//! a recursive-descent parser with precedence climbing, so that what PostgreSQL accepts is accepted, what it rejects
//! is rejected with the same words at the same byte, and no statement is read differently.
//!
//! Must not know: catalogs, types' meanings, sessions.

pub mod ast;

/// No tree handed out is higher than this many nodes, so that recursion over one is safe.
pub const MAX_HEIGHT: usize = 2000;
