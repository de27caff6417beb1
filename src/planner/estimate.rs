//! How many rows, how expensive: PostgreSQL's cost units and its defaults where nothing is known.

use super::Planner;
use super::conjuncts::{comparison, unrelabel};
use crate::catalog::ColumnStats;
use crate::expr::{ColId, Expr};
use crate::types::{Datum, FormatContext, Physical, SqlType, compare, parse_text};
use std::cmp::Ordering;

pub(super) const SEQ_PAGE: f64 = 1.0;
pub(super) const CPU_TUPLE: f64 = 0.01;
pub(super) const CPU_INDEX: f64 = 0.005;
pub(super) const CPU_OPERATOR: f64 = 0.0025;
pub(super) const PAGE_BYTES: f64 = 8192.0;

const DEFAULT_EQUAL: f64 = 0.005;
const DEFAULT_RANGE: f64 = 1.0 / 3.0;
const DEFAULT_MATCH: f64 = 0.005;
const DEFAULT_DISTINCT: f64 = 200.0;
const DEFAULT_NULL: f64 = 0.005;

/// Average bytes of a value.
pub(super) fn width(ty: SqlType) -> u32 {
    match ty.physical() {
        Physical::Bool => 1,
        Physical::Int16 => 2,
        Physical::Int32 | Physical::UInt32 | Physical::Float32 => 4,
        Physical::Int64 | Physical::Float64 => 8,
        Physical::Interval | Physical::Uuid => 16,
        _ => 32,
    }
}

pub(super) fn widths<'a>(types: impl IntoIterator<Item = &'a SqlType>) -> u32 {
    types.into_iter().map(|t| width(*t)).sum()
}

impl Planner<'_> {
    /// Rows of the table behind a column, and what ANALYZE found out about the column.
    fn stats(&self, id: ColId) -> Option<(f64, Option<&ColumnStats>)> {
        let (table, attnum) = *self.sources.get(&id)?;
        let rows = self.definitions.tables().estimated_rows(self.catalog, table);
        Some((rows, self.catalog.stats(table).and_then(|s| s.column(attnum))))
    }

    /// How many different values a column has.
    pub(super) fn distinct(&self, expr: &Expr) -> Option<f64> {
        let Expr::Column { id, ty } = unrelabel(expr) else { return None };
        let (rows, stats) = self.stats(*id)?;
        let (table, attnum) = self.sources[id];
        let known = match stats {
            Some(s) if s.distinct > 0.0 => f64::from(s.distinct),
            Some(s) if s.distinct < 0.0 => -f64::from(s.distinct) * rows,
            _ if self.is_unique(table, attnum) => rows,
            _ if ty.physical() == Physical::Bool => 2.0,
            _ => DEFAULT_DISTINCT.min(rows),
        };
        Some(known.clamp(1.0, rows.max(1.0)))
    }

    /// Whether a column alone is a key of its table.
    fn is_unique(&self, table: crate::base::Oid, attnum: i16) -> bool {
        self.catalog
            .indexes_of(table)
            .iter()
            .any(|i| i.unique && i.predicate.is_none() && i.key_columns().is_some_and(|k| k.as_slice() == [attnum]))
    }

    fn null_fraction(&self, expr: &Expr) -> f64 {
        match unrelabel(expr) {
            Expr::Column { id, .. } => match self.stats(*id) {
                Some((_, Some(s))) => f64::from(s.null_fraction),
                _ => DEFAULT_NULL,
            },
            _ => DEFAULT_NULL,
        }
    }

    /// The share of rows that satisfy a condition.
    pub(super) fn selectivity(&self, condition: &Expr) -> f64 {
        let s = match condition {
            Expr::Const { value: Datum::Bool(true), .. } => 1.0,
            Expr::Const { .. } => 0.0,
            Expr::And(parts) => parts.iter().map(|p| self.selectivity(p)).product(),
            Expr::Or(parts) => 1.0 - parts.iter().map(|p| 1.0 - self.selectivity(p)).product::<f64>(),
            Expr::Not(inner) => 1.0 - self.selectivity(inner),
            Expr::IsNull { arg, negated, .. } => {
                let nulls = self.null_fraction(arg);
                if *negated { 1.0 - nulls } else { nulls }
            }
            Expr::AnyAll { left, array, all: false, .. } => {
                let n = match &**array {
                    Expr::Const { value: Datum::Array(a), .. } => a.items.len() as f64,
                    Expr::Array { items, .. } => items.len() as f64,
                    _ => 10.0,
                };
                n * self.equal_selectivity(left, None)
            }
            Expr::Column { .. } => 0.5,
            Expr::Subquery { .. } => 0.5,
            other => self.comparison_selectivity(other),
        };
        s.clamp(0.0, 1.0)
    }

    fn comparison_selectivity(&self, condition: &Expr) -> f64 {
        let Some((name, left, right)) = comparison(condition) else { return DEFAULT_RANGE };
        let (left, right) = (unrelabel(left), unrelabel(right));
        let (column, value) = match (left, right) {
            (Expr::Column { .. }, _) => (left, right),
            (_, Expr::Column { .. }) => (right, left),
            _ => (left, right),
        };
        match name {
            "=" => match value {
                Expr::Column { .. } => {
                    let (a, b) = (self.distinct(column), self.distinct(value));
                    match a.into_iter().chain(b).reduce(f64::max) {
                        Some(n) => 1.0 / n,
                        None => DEFAULT_EQUAL,
                    }
                }
                _ => self.equal_selectivity(column, value.as_const()),
            },
            "<>" => 1.0 - self.equal_selectivity(column, value.as_const()),
            "<" | "<=" | ">" | ">=" => {
                let flipped = !std::ptr::eq(column, left);
                let below = matches!(name, "<" | "<=") != flipped;
                self.range_selectivity(column, value, below).unwrap_or(DEFAULT_RANGE)
            }
            "~~" | "~~*" | "~" | "~*" | "@>" | "<@" | "&&" => DEFAULT_MATCH,
            "!~~" | "!~~*" | "!~" | "!~*" => 1.0 - DEFAULT_MATCH,
            _ => DEFAULT_RANGE,
        }
    }

    fn equal_selectivity(&self, column: &Expr, value: Option<&Datum>) -> f64 {
        let Expr::Column { id, ty } = unrelabel(column) else { return DEFAULT_EQUAL };
        let Some((_, stats)) = self.stats(*id) else { return DEFAULT_EQUAL };
        let Some(n) = self.distinct(column) else { return DEFAULT_EQUAL };
        let Some(s) = stats else { return 1.0 / n };
        let common: f64 = s.common.iter().map(|c| f64::from(c.1)).sum();
        if let Some(value) = value {
            let same = |text: &str| {
                parse_text(*ty, text, &FormatContext::default()).is_ok_and(|v| {
                    v.as_ref().physical() == value.as_ref().physical()
                        && compare(*ty, v.as_ref(), value.as_ref()) == Ordering::Equal
                })
            };
            if let Some((_, share)) = s.common.iter().find(|c| same(&c.0)) {
                return f64::from(*share);
            }
        }
        let rest = (1.0 - common - f64::from(s.null_fraction)).max(0.0);
        let others = (n - s.common.len() as f64).max(1.0);
        if value.is_some() { rest / others } else { (1.0 - f64::from(s.null_fraction)) / n }
    }

    /// The share of a column's values below (or above) a constant, by its histogram.
    fn range_selectivity(&self, column: &Expr, value: &Expr, below: bool) -> Option<f64> {
        let Expr::Column { id, ty } = column else { return None };
        let value = value.as_const()?;
        let stats = self.stats(*id)?.1?;
        if stats.histogram.len() < 2 {
            return None;
        }
        let bounds: Vec<Datum> = stats
            .histogram
            .iter()
            .map(|t| parse_text(*ty, t, &FormatContext::default()))
            .collect::<Result<_, _>>()
            .ok()?;
        if value.as_ref().physical() != bounds[0].as_ref().physical() {
            return None;
        }
        let at = bounds.partition_point(|b| compare(*ty, b.as_ref(), value.as_ref()) == Ordering::Less);
        let buckets = (bounds.len() - 1) as f64;
        let share = if at == 0 {
            0.0
        } else if at == bounds.len() {
            1.0
        } else {
            let within = number(&bounds[at - 1])
                .zip(number(&bounds[at]))
                .zip(number(value))
                .map_or(0.5, |((l, h), v)| if h > l { ((v - l) / (h - l)).clamp(0.0, 1.0) } else { 0.5 });
            (at as f64 - 1.0 + within) / buckets
        };
        Some(if below { share } else { 1.0 - share }.max(1e-5))
    }
}

fn number(value: &Datum) -> Option<f64> {
    Some(match value {
        Datum::Int2(n) => f64::from(*n),
        Datum::Int4(n) => f64::from(*n),
        Datum::Int8(n) => *n as f64,
        Datum::Oid(n) => f64::from(*n),
        Datum::Float4(n) => f64::from(*n),
        Datum::Float8(n) => *n,
        _ => return None,
    })
}
