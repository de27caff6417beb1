//! The built-in aggregates, and the declarations of window functions.

use super::function::Function;

pub static TABLES: &[&[Function]] = &[];
