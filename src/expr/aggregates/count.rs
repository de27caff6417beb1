//! `count(*)` and `count(x)`.

use super::per_group::passes;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array};
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

#[derive(Default)]
struct Count {
    counts: Vec<i64>,
}

pub fn count(_: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Count::default()))
}

impl Accumulator for Count {
    fn update(
        &mut self,
        _: &mut EvalContext<'_>,
        groups: &[u32],
        group_count: usize,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        if self.counts.len() < group_count {
            self.counts.resize(group_count, 0);
        }
        let nulls = args.first().and_then(|a| a.nulls());
        if filter.is_none() && group_count == 1 {
            let missing = nulls.map_or(0, |n| n.null_count());
            self.counts[0] += (groups.len() - missing) as i64;
            return Ok(());
        }
        for (i, &group) in groups.iter().enumerate() {
            if passes(filter, i) && nulls.is_none_or(|n| n.is_valid(i)) {
                self.counts[group as usize] += 1;
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut EvalContext<'_>, groups: Range<usize>) -> Result<ArrayRef> {
        let counts = groups.map(|g| self.counts.get(g).copied().unwrap_or(0));
        Ok(Arc::new(Int64Array::from_iter_values(counts)))
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32], group_count: usize) -> Result<bool> {
        if self.counts.len() < group_count {
            self.counts.resize(group_count, 0);
        }
        let other = other.into_any().downcast::<Count>().expect("states of the same aggregate");
        for (count, &group) in other.counts.iter().zip(groups) {
            self.counts[group as usize] += count;
        }
        Ok(true)
    }

    fn memory(&self) -> usize {
        self.counts.capacity() * 8
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
