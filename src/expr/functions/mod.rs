//! The built-in functions, one file and one declarative table for each family.

use super::function::Function;

/// Every family's table.
pub static TABLES: &[&[Function]] = &[];
