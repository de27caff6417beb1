//! SQL text to syntax tree, as PostgreSQL 15 reads it.
//!
//! The grammar is PostgreSQL's own (`gram.y`, `scan.l`), followed production by production by a hand-written lexer and
//! a recursive-descent parser with precedence climbing, so that what PostgreSQL accepts is accepted, what it rejects
//! is rejected with the same words at the same byte, and no statement is read differently.
//!
//! Entry points: [`parse`] for the text of a query message, [`parse_expression`] and [`parse_type_name`] for fragments
//! that the catalog keeps as text, [`quote_ident`](keywords::quote_ident) to write a name so that it reads back,
//! [`lift_literals`](fingerprint::lift_literals) for the text that a cached plan may be found by.
//!
//! Must not know: catalogs, what types mean, sessions.
//!
//! Invariants:
//! 1. Parsing never backtracks and takes time linear in the text.
//! 2. Recursion is at most [`MAX_NESTING`] levels deep, takes at most 1.5 MiB of stack, and a tree is at most
//!    [`MAX_HEIGHT`] nodes high; more is 54001.
//! 3. Nothing here keeps state, does I/O or blocks; any thread may call anything.
//!
//! Read in this order: `ast/mod.rs`, `lexer.rs`, `cursor.rs`, `statement.rs`, `expr.rs`, `primary.rs`, `select.rs`;
//! then whichever statement is in question.

pub mod ast;
pub mod fingerprint;
pub mod keywords;
pub mod lexer;

mod cursor;
mod ddl;
mod dml;
mod expr;
mod from;
mod function;
mod literal;
mod names;
mod primary;
mod select;
mod statement;
mod types;
mod utility;

#[cfg(test)]
mod tests;

pub use fingerprint::lift_literals;
pub use keywords::quote_ident;

use crate::base::Result;
use ast::{Expr, RawStatement, TypeName};
use cursor::Parser;
use lexer::Tok;

/// How deep the parser recurses, counted in parentheses, subqueries and operands.
pub const MAX_NESTING: usize = 2000;

/// No tree handed out is higher than this many nodes, so that recursion over one is safe.
pub const MAX_HEIGHT: usize = 2000;

/// The statements of a text, separated by semicolons; empty ones vanish.
///
/// Errors: 42601 with the position of the token that no statement allows; the lexer's errors; 54001 for a statement
/// that nests too deeply.
pub fn parse(text: &str) -> Result<Vec<RawStatement>> {
    Parser::new(text)?.statements()
}

/// An expression by itself: a stored default, a check, an index key.
pub fn parse_expression(text: &str) -> Result<Expr> {
    let mut parser = Parser::new(text)?;
    let expr = parser.a_expr()?;
    parser.expect(Tok::Eof)?;
    Ok(expr)
}

/// The name of a type by itself, as `'int4[]'::regtype` and the catalog spell it.
pub fn parse_type_name(text: &str) -> Result<TypeName> {
    let mut parser = Parser::new(text)?;
    let name = parser.type_name()?;
    parser.expect(Tok::Eof)?;
    Ok(name)
}
