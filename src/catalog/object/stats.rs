//! What ANALYZE has found out about a table.

use crate::base::Oid;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableStats {
    pub table: Oid,
    /// Estimate of live rows.
    pub rows: f64,
    /// Estimate of 8 KiB pages.
    pub pages: u64,
    pub columns: Vec<ColumnStats>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStats {
    pub attnum: i16,
    /// Share of NULLs, 0 to 1.
    pub null_fraction: f32,
    /// Average bytes of a value.
    pub width: i32,
    /// Positive: the number of distinct values; negative: minus their share of the rows (`pg_stats.n_distinct`).
    pub distinct: f32,
    /// Most common values in text form, with their share of the rows.
    #[serde(default)]
    pub common: Vec<(String, f32)>,
    /// Bounds of buckets of equal height over the other values, in text form.
    #[serde(default)]
    pub histogram: Vec<String>,
    /// Between the order of rows and the order of values, -1 to 1.
    #[serde(default)]
    pub correlation: Option<f32>,
}

impl TableStats {
    pub fn column(&self, attnum: i16) -> Option<&ColumnStats> {
        self.columns.iter().find(|c| c.attnum == attnum)
    }
}
