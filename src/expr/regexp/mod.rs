//! PostgreSQL's regular expressions.

/// Compiled patterns by text and flags.
#[derive(Default)]
pub struct RegexCache {}
