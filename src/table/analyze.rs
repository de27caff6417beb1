//! ANALYZE: counts the rows and samples them, and says what the planner wants to know of each column.
//!
//! The estimators are PostgreSQL's (`commands/analyze.c`): Duj1 for the number of distinct values, most common values
//! from those met more than once, a histogram of equal height over the rest, and the correlation between the order of
//! the values and the order of the rows.

use super::def::TableDef;
use super::layout::RowView;
use crate::base::Result;
use crate::catalog::{ColumnStats, TableStats};
use crate::expr::EvalContext;
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{ReadView, Txn};
use crate::types::{Datum, DatumRef, FormatContext, SqlType, compare, write_text};
use std::cmp::Ordering;

/// Buckets and common values kept for a column; 300 rows are sampled for each.
const TARGET: usize = 100;
const SAMPLE: usize = 300 * TARGET;
/// Longer values are counted but not kept, as in PostgreSQL.
const WIDTH_MAX: usize = 1024;

/// The rows that were drawn, in the order of the table.
struct Sample {
    rows: Vec<(u64, Vec<u8>)>,
    total: u64,
    bytes: u64,
}

impl TableDef {
    /// Statistics of all rows that `view` shows. `cx` is only asked whether to stop.
    pub fn analyze(&self, txn: &Txn, cx: &EvalContext<'_>, view: &ReadView) -> Result<TableStats> {
        let sample = self.sample(txn, cx, view)?;
        let live = self.table.columns.iter().enumerate().filter(|(_, c)| !c.dropped);
        let columns = live
            .filter(|(_, c)| c.statistics_target != 0)
            .map(|(at, c)| ColumnStats { attnum: c.attnum, ..self.analyze_column(&sample, at) })
            .collect();
        Ok(TableStats { table: self.table.oid, rows: sample.total as f64, pages: sample.bytes.div_ceil(8192), columns })
    }

    /// Reads the whole table and keeps a uniform sample (algorithm R). The draw is from a generator with a fixed seed, so
    /// that two runs over the same rows agree.
    fn sample(&self, txn: &Txn, cx: &EvalContext<'_>, view: &ReadView) -> Result<Sample> {
        let mut scan = txn.scan(view.clone(), self.tree, KeyRange::all(), Direction::Forward);
        let mut entries = Entries::new();
        let mut sample = Sample { rows: Vec::new(), total: 0, bytes: 0 };
        let mut random = 0x9e37_79b9_7f4a_7c15u64;
        loop {
            let more = scan.next(txn, &mut entries, 1024)?;
            cx.check_cancelled()?;
            for (key, value) in entries.iter() {
                sample.total += 1;
                sample.bytes += (key.len() + value.len() + 16) as u64;
                if sample.rows.len() < SAMPLE {
                    sample.rows.push((sample.total, value.to_vec()));
                    continue;
                }
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let slot = usize::try_from(random % sample.total).unwrap_or(usize::MAX);
                if slot < SAMPLE {
                    sample.rows[slot] = (sample.total, value.to_vec());
                }
            }
            if !more {
                sample.rows.sort_unstable_by_key(|(n, _)| *n);
                return Ok(sample);
            }
        }
    }

    fn analyze_column(&self, sample: &Sample, at: usize) -> ColumnStats {
        let ty = self.types[at];
        let mut values = Vec::new();
        let (mut nulls, mut width, mut too_wide) = (0usize, 0usize, 0usize);
        for (order, (_, bytes)) in sample.rows.iter().enumerate() {
            let value = RowView::new(bytes).get(&self.layout, at);
            if value.is_null() {
                nulls += 1;
                continue;
            }
            let bytes = value_width(value);
            width += bytes;
            if bytes > WIDTH_MAX {
                too_wide += 1;
            } else {
                values.push((value.to_owned(), order));
            }
        }
        let rows = sample.rows.len();
        if rows == 0 {
            return ColumnStats::default();
        }
        let mut stats = ColumnStats {
            null_fraction: nulls as f32 / rows as f32,
            width: i32::try_from(width / (rows - nulls).max(1)).unwrap_or(i32::MAX),
            ..ColumnStats::default()
        };
        if values.is_empty() {
            // Too wide to compare: taken to be unique, as PostgreSQL does.
            stats.distinct = if too_wide > 0 { -1.0 + stats.null_fraction } else { 0.0 };
            return stats;
        }
        values.sort_by(|a, b| compare(ty, a.0.as_ref(), b.0.as_ref()).then(a.1.cmp(&b.1)));
        summarize(&mut stats, ty, &values, sample, too_wide, rows - nulls);
        stats
    }
}

/// Fills in what follows from the sorted values (each with its place in the order of rows).
fn summarize(
    stats: &mut ColumnStats,
    ty: SqlType,
    values: &[(Datum, usize)],
    sample: &Sample,
    too_wide: usize,
    not_null: usize,
) {
    let groups = groups(ty, values);
    let repeated = groups.iter().filter(|g| g.1 > 1).count();
    let total = sample.total as f64;
    let present = total * (1.0 - f64::from(stats.null_fraction));
    let distinct = if repeated == 0 {
        present
    } else if too_wide == 0 && repeated == groups.len() {
        groups.len() as f64
    } else {
        let (n, d) = (not_null as f64, (groups.len() + too_wide) as f64);
        let once = (groups.len() - repeated + too_wide) as f64;
        let estimate = n * d / ((n - once) + once * n / present.max(1.0));
        estimate.clamp(d, present).round()
    };
    stats.distinct = match distinct > 0.1 * total {
        true => -(distinct / total) as f32,
        false => distinct as f32,
    };
    let common = common_values(&groups, distinct, not_null, stats.distinct < 0.0);
    let sampled = sample.rows.len() as f32;
    stats.common = common.iter().map(|g| (text(ty, &values[g.0].0), g.1 as f32 / sampled)).collect();
    stats.histogram = histogram(ty, values, &groups, &common);
    stats.correlation = correlation(values);
}

/// Runs of equal values: where each begins, and how many.
fn groups(ty: SqlType, values: &[(Datum, usize)]) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (i, (value, _)) in values.iter().enumerate() {
        match groups.last_mut() {
            Some(g) if compare(ty, values[g.0].0.as_ref(), value.as_ref()) == Ordering::Equal => g.1 += 1,
            _ => groups.push((i, 1)),
        }
    }
    groups
}

/// The groups worth naming: all of them when the column has few values and the sample met them all, otherwise those that are met
/// clearly more often than the average.
fn common_values(groups: &[(usize, usize)], distinct: f64, not_null: usize, scales: bool) -> Vec<(usize, usize)> {
    let mut common: Vec<(usize, usize)> = groups.iter().copied().filter(|g| g.1 > 1).collect();
    common.sort_by_key(|g| (std::cmp::Reverse(g.1), g.0));
    if common.len() == groups.len() && !scales && common.len() <= TARGET {
        return common;
    }
    let average = not_null as f64 / distinct.max(1.0);
    common.truncate(TARGET);
    common.retain(|g| g.1 as f64 > average * 1.25);
    common
}

fn histogram(
    ty: SqlType,
    values: &[(Datum, usize)],
    groups: &[(usize, usize)],
    common: &[(usize, usize)],
) -> Vec<String> {
    let rest: Vec<usize> = groups.iter().filter(|g| !common.contains(g)).flat_map(|g| g.0..g.0 + g.1).collect();
    let distinct = groups.len() - common.len();
    let bounds = distinct.min(TARGET + 1);
    if bounds < 2 {
        return Vec::new();
    }
    (0..bounds).map(|i| text(ty, &values[rest[i * (rest.len() - 1) / (bounds - 1)]].0)).collect()
}

fn correlation(values: &[(Datum, usize)]) -> Option<f32> {
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    // Both sequences are 0 to n - 1, permuted; the places among all rows are close enough to that.
    let mean_x = (n - 1.0) / 2.0;
    let mean_y = values.iter().map(|v| v.1 as f64).sum::<f64>() / n;
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (i, (_, place)) in values.iter().enumerate() {
        let (dx, dy) = (i as f64 - mean_x, *place as f64 - mean_y);
        xy += dx * dy;
        xx += dx * dx;
        yy += dy * dy;
    }
    (yy > 0.0).then(|| (xy / (xx * yy).sqrt()) as f32)
}

fn text(ty: SqlType, value: &Datum) -> String {
    let mut out = Vec::new();
    write_text(&mut out, ty, value.as_ref(), &FormatContext::default());
    String::from_utf8_lossy(&out).into_owned()
}

fn value_width(value: DatumRef<'_>) -> usize {
    let mut bytes = Vec::new();
    match value {
        DatumRef::Text(t) => t.len() + 1,
        DatumRef::Bytes(b) => b.len() + 1,
        other => {
            crate::types::item::write(&mut bytes, other);
            bytes.len()
        }
    }
}
