//! COPY: rows between a table or query and the text, CSV and binary forms (`src/backend/commands/copy*.c`), and to Parquet.
//!
//! [`CopyFrom`] takes bytes as they come, makes batches of whole rows of them and inserts those as INSERT
//! would; [`CopyTo`] turns batches into bytes. Neither touches a socket or a file; [`SourceFile`] and [`TargetFile`] are
//! the files of the server that bytes come from or go to.
//!
//! Read in this order: `options.rs`, `lines.rs`, `binary.rs`, `read.rs`, `worker.rs`, `from.rs`,
//! `to.rs`, `parquet_column.rs`, `parquet_file.rs`, `file.rs`.

mod binary;
mod file;
mod from;
mod lines;
mod options;
mod parquet_column;
mod parquet_file;
#[cfg(test)]
mod parquet_tests;
mod read;
mod to;
mod worker;

pub use file::{SourceFile, TargetFile};
pub use from::CopyFrom;
pub use options::{Format, Options, read as read_options};
pub use to::CopyTo;

use crate::base::{Error, Result, SqlState};
use crate::catalog::Table;
use crate::parser::ast::Ident;

/// Positions in the table's columns: those named, or all that are not generated.
///
/// Errors: 42703 for an unknown column, 42701 for one named twice, 42P10 for a generated one.
pub fn columns(table: &Table, named: &[Ident]) -> Result<Vec<usize>> {
    if named.is_empty() {
        return Ok(table.live_columns().filter(|c| c.generated.is_none()).map(|c| c.attnum as usize - 1).collect());
    }
    let mut positions = Vec::with_capacity(named.len());
    for name in named {
        let column = table.column_named(&name.name).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{}\" of relation \"{}\" does not exist", name.name, table.name),
            )
        })?;
        if column.generated.is_some() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("column \"{}\" is a generated column", name.name),
            )
            .detail("Generated columns cannot be used in COPY."));
        }
        let at = column.attnum as usize - 1;
        if positions.contains(&at) {
            return Err(Error::new(
                SqlState::DUPLICATE_COLUMN,
                format!("column \"{}\" specified more than once", name.name),
            ));
        }
        positions.push(at);
    }
    Ok(positions)
}
