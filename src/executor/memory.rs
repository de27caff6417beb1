//! Counts the memory of rows that operators keep, and ends the statement before the server runs out.
//!
//! Sorts, hash tables and materialised results report what they hold. `work_mem` is when they start to look for
//! another way (spilling); the cap here is where there is none.

use crate::base::{Error, Result, SqlState};
use crate::types::Batch;
use arrow_array::Array;

/// The most bytes that one statement may hold in its operators.
const CAP_BYTES: usize = 4 << 30;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    held: usize,
}

/// Bytes that a batch's rows take. Columns that are views of one large buffer count their own rows' share.
pub(crate) fn batch_bytes(batch: &Batch) -> usize {
    batch.columns.iter().map(|c| column_bytes(c.as_ref())).sum()
}

fn column_bytes(column: &dyn Array) -> usize {
    use arrow_schema::DataType;
    match column.data_type() {
        DataType::Utf8View | DataType::BinaryView => {
            let views = column.to_data().buffers()[0].clone();
            let views = views.typed_data::<u128>();
            views.iter().take(column.len()).map(|v| 16 + if (*v as u32) > 12 { *v as u32 as usize } else { 0 }).sum()
        }
        DataType::Boolean => column.len() / 8 + 1,
        other => other.primitive_width().unwrap_or(16) * column.len() + column.len() / 8,
    }
}

impl Memory {
    pub fn grow(&mut self, batch: &Batch) -> Result<usize> {
        let bytes = batch_bytes(batch);
        self.grow_by(bytes)?;
        Ok(bytes)
    }

    /// 53200 when the statement holds too much.
    pub fn grow_by(&mut self, bytes: usize) -> Result<()> {
        self.held += bytes;
        if self.held > CAP_BYTES {
            return Err(Error::new(SqlState::OUT_OF_MEMORY, "out of memory").detail(format!(
                "The statement needs more than {} MB for its intermediate results.",
                CAP_BYTES >> 20
            )));
        }
        Ok(())
    }

    pub fn shrink_by(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }
}
