//! Aggregates of fixed-width numbers that keep one number for each group: sums, averages of integers, extremes, bits.

use super::per_group::passes;
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::expr::functions::arith::overflow;
use crate::expr::functions::compare::Order;
use crate::expr::functions::vector::Native;
use crate::types::{ColumnBuilder, Datum, Numeric, SqlType};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use std::any::Any;
use std::marker::PhantomData;
use std::ops::Range;

/// How a value enters a group's number.
pub trait Fold<T: Native>: Send + 'static {
    type State: Copy + Send + 'static;

    fn first(value: T) -> Self::State;
    fn add(state: Self::State, value: T) -> Result<Self::State>;
    /// Joins two states; the second is of later rows.
    fn join(a: Self::State, b: Self::State) -> Result<Self::State>;
    fn finish(state: Self::State) -> Result<Datum>;
}

pub struct Folded<T: Native, F: Fold<T>> {
    states: Vec<Option<F::State>>,
    ret: SqlType,
    input: PhantomData<fn(T)>,
}

pub fn folded<T: Native, F: Fold<T>>(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(Folded::<T, F> { states: Vec::new(), ret: types.ret, input: PhantomData }))
}

impl<T: Native, F: Fold<T>> Folded<T, F> {
    fn grow(&mut self, count: usize) {
        if self.states.len() < count {
            self.states.resize(count, None);
        }
    }
}

fn step<T: Native, F: Fold<T>>(state: Option<F::State>, value: T) -> Result<Option<F::State>> {
    Ok(Some(match state {
        Some(state) => F::add(state, value)?,
        None => F::first(value),
    }))
}

impl<T: Native, F: Fold<T>> Accumulator for Folded<T, F> {
    fn update(
        &mut self,
        _: &mut EvalContext<'_>,
        groups: &[u32],
        group_count: usize,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        self.grow(group_count);
        let array = args[0].as_primitive::<T::Arrow>();
        let (values, nulls) = (array.values(), array.nulls());
        if group_count == 1 && filter.is_none() && nulls.is_none() {
            let mut state = self.states[0];
            for &value in values.iter() {
                state = step::<T, F>(state, value)?;
            }
            self.states[0] = state;
            return Ok(());
        }
        for (i, (&group, &value)) in groups.iter().zip(values.iter()).enumerate() {
            if passes(filter, i) && nulls.is_none_or(|n| n.is_valid(i)) {
                let state = &mut self.states[group as usize];
                *state = step::<T, F>(*state, value)?;
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut EvalContext<'_>, groups: Range<usize>) -> Result<ArrayRef> {
        let mut out = ColumnBuilder::new(self.ret.physical(), groups.len());
        for group in groups {
            match self.states.get(group).copied().flatten() {
                Some(state) => out.push(F::finish(state)?.as_ref()),
                None => out.push_null(),
            }
        }
        Ok(out.finish())
    }

    fn merge(&mut self, other: Box<dyn Accumulator>, groups: &[u32], group_count: usize) -> Result<bool> {
        self.grow(group_count);
        let other = other.into_any().downcast::<Folded<T, F>>().expect("states of the same aggregate");
        for (theirs, &group) in other.states.iter().zip(groups) {
            let ours = &mut self.states[group as usize];
            *ours = match (*ours, *theirs) {
                (Some(a), Some(b)) => Some(F::join(a, b)?),
                (a, b) => a.or(b),
            };
        }
        Ok(true)
    }

    fn memory(&self) -> usize {
        self.states.capacity() * size_of::<Option<F::State>>()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// `sum` of `int2` and `int4`: a `bigint`.
pub struct SumInt;

impl<T: Native + Into<i64>> Fold<T> for SumInt {
    type State = i64;

    fn first(value: T) -> i64 {
        value.into()
    }

    fn add(state: i64, value: T) -> Result<i64> {
        Ok(state.wrapping_add(value.into()))
    }

    fn join(a: i64, b: i64) -> Result<i64> {
        Ok(a.wrapping_add(b))
    }

    fn finish(state: i64) -> Result<Datum> {
        Ok(Datum::Int8(state))
    }
}

/// `sum` of `int8`: a `numeric`.
pub struct SumWide;

impl Fold<i64> for SumWide {
    type State = i128;

    fn first(value: i64) -> i128 {
        value.into()
    }

    fn add(state: i128, value: i64) -> Result<i128> {
        Ok(state + i128::from(value))
    }

    fn join(a: i128, b: i128) -> Result<i128> {
        Ok(a + b)
    }

    fn finish(state: i128) -> Result<Datum> {
        Ok(Datum::Numeric(state.into()))
    }
}

/// `avg` of integers: exact, a `numeric`.
pub struct AvgInt;

impl<T: Native + Into<i64>> Fold<T> for AvgInt {
    type State = (i128, i64);

    fn first(value: T) -> (i128, i64) {
        (i128::from(value.into()), 1)
    }

    fn add((sum, count): (i128, i64), value: T) -> Result<(i128, i64)> {
        Ok((sum + i128::from(value.into()), count + 1))
    }

    fn join(a: (i128, i64), b: (i128, i64)) -> Result<(i128, i64)> {
        Ok((a.0 + b.0, a.1 + b.1))
    }

    fn finish((sum, count): (i128, i64)) -> Result<Datum> {
        let (sum, count) = (Numeric::from(sum), Numeric::from(count));
        sum.as_ref().div(count.as_ref()).map(Datum::Numeric)
    }
}

/// `sum` of floats, in their own width.
pub struct SumFloat;

macro_rules! float_sums {
    ($($t:ty)*) => {
        $(impl Fold<$t> for SumFloat {
            type State = $t;

            fn first(value: $t) -> $t {
                value
            }

            fn add(state: $t, value: $t) -> Result<$t> {
                let sum = state + value;
                if sum.is_infinite() && !state.is_infinite() && !value.is_infinite() {
                    return Err(overflow());
                }
                Ok(sum)
            }

            fn join(a: $t, b: $t) -> Result<$t> {
                <SumFloat as Fold<$t>>::add(a, b)
            }

            fn finish(state: $t) -> Result<Datum> {
                Ok(state.datum())
            }
        })*
    };
}

float_sums! { f32 f64 }

pub struct Min;
pub struct Max;

macro_rules! extremes {
    ($($name:ident $method:ident;)*) => {
        $(impl<T: Native + Order + Send> Fold<T> for $name {
            type State = T;

            fn first(value: T) -> T {
                value
            }

            fn add(state: T, value: T) -> Result<T> {
                Ok(if state.order(value).$method() { state } else { value })
            }

            fn join(a: T, b: T) -> Result<T> {
                <$name as Fold<T>>::add(a, b)
            }

            fn finish(state: T) -> Result<Datum> {
                Ok(state.datum())
            }
        })*
    };
}

extremes! {
    Min is_lt;
    Max is_gt;
}

pub struct BitAnd;
pub struct BitOr;
pub struct BitXor;

macro_rules! bits {
    ($($name:ident $op:tt;)*) => {
        $(impl<T> Fold<T> for $name
        where
            T: Native + Send + std::ops::BitAnd<Output = T> + std::ops::BitOr<Output = T> + std::ops::BitXor<Output = T>,
        {
            type State = T;

            fn first(value: T) -> T {
                value
            }

            fn add(state: T, value: T) -> Result<T> {
                Ok(state $op value)
            }

            fn join(a: T, b: T) -> Result<T> {
                Ok(a $op b)
            }

            fn finish(state: T) -> Result<Datum> {
                Ok(state.datum())
            }
        })*
    };
}

bits! {
    BitAnd &;
    BitOr |;
    BitXor ^;
}
