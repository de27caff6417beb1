//! An accumulator from the state of one group: what an aggregate says of one row, for all groups and rows.

use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::types::{ColumnBuilder, ColumnReader, Datum, DatumRef, Physical, SqlType};
use arrow_array::{Array, ArrayRef, BooleanArray};
use std::any::Any;
use std::ops::Range;

/// The running state of one group.
pub trait State: Send + 'static {
    /// What all groups share: the types of the call, mostly.
    type Shared: Send + Clone + 'static;

    fn empty(shared: &Self::Shared) -> Self;

    fn add(&mut self, shared: &Self::Shared, cx: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()>;

    fn finish(&self, shared: &Self::Shared, cx: &mut EvalContext<'_>) -> Result<Datum>;

    /// Takes in a state of later rows; false if that cannot be done.
    fn merge(&mut self, _shared: &Self::Shared, _other: Self) -> Result<bool>
    where
        Self: Sized,
    {
        Ok(false)
    }

    /// Bytes beyond the state's own size.
    fn heap(&self) -> usize {
        0
    }
}

pub struct PerGroup<S: State> {
    shared: S::Shared,
    states: Vec<S>,
    forms: Vec<Physical>,
    ret: SqlType,
    /// Rows with a NULL argument are skipped.
    strict: bool,
    heap: usize,
}

impl<S: State> PerGroup<S> {
    pub fn new(types: CallTypes<'_>, strict: bool, shared: S::Shared) -> PerGroup<S> {
        let forms = types.args.iter().map(|t| t.physical()).collect();
        PerGroup { shared, states: Vec::new(), forms, ret: types.ret, strict, heap: 0 }
    }

    fn grow(&mut self, count: usize) {
        let shared = &self.shared;
        if self.states.len() < count {
            self.states.resize_with(count, || S::empty(shared));
        }
    }
}

/// Whether a row is in.
pub fn passes(filter: Option<&BooleanArray>, i: usize) -> bool {
    filter.is_none_or(|f| f.is_valid(i) && f.value(i))
}

impl<S: State> Accumulator for PerGroup<S> {
    fn update(
        &mut self,
        cx: &mut EvalContext<'_>,
        groups: &[u32],
        group_count: usize,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.grow(group_count);
        let readers: Vec<ColumnReader<'_>> =
            args.iter().zip(&self.forms).map(|(a, &form)| ColumnReader::new(form, a)).collect();
        let mut row = Vec::with_capacity(readers.len());
        for (i, &group) in groups.iter().enumerate() {
            if !passes(filter, i) {
                continue;
            }
            row.clear();
            row.extend(readers.iter().map(|r| r.get(i)));
            if self.strict && row.iter().any(|v| v.is_null()) {
                continue;
            }
            let state = &mut self.states[group as usize];
            let before = state.heap();
            state.add(&self.shared, cx, &row)?;
            self.heap += state.heap().saturating_sub(before);
        }
        Ok(())
    }

    fn finish(&self, cx: &mut EvalContext<'_>, groups: Range<usize>) -> Result<ArrayRef> {
        let mut out = ColumnBuilder::new(self.ret.physical(), groups.len());
        for group in groups {
            let value = match self.states.get(group) {
                Some(state) => state.finish(&self.shared, cx)?,
                None => S::empty(&self.shared).finish(&self.shared, cx)?,
            };
            out.push(value.as_ref());
        }
        Ok(out.finish())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32], group_count: usize) -> Result<bool> {
        self.grow(group_count);
        let other = other.into_any().downcast::<PerGroup<S>>().expect("states of the same aggregate");
        for (state, &group) in other.states.into_iter().zip(groups) {
            if !self.states[group as usize].merge(&self.shared, state)? {
                return Ok(false);
            }
        }
        self.heap += other.heap;
        Ok(true)
    }

    fn memory(&self) -> usize {
        self.states.capacity() * size_of::<S>() + self.heap
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
