//! `min` and `max` of types that are compared through [`compare`], `bool_and`, `bool_or`.

use super::per_group::{PerGroup, State};
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::types::{Datum, DatumRef, SqlType, compare};

/// The best value so far. Of equal ones the latest stays, as with PostgreSQL's `larger` functions.
struct Extreme<const MAX: bool>(Datum);

impl<const MAX: bool> State for Extreme<MAX> {
    type Shared = SqlType;

    fn empty(_: &SqlType) -> Self {
        Extreme(Datum::Null)
    }

    fn add(&mut self, ty: &SqlType, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        let best = self.0.as_ref();
        if !best.is_null() {
            let order = compare(*ty, best, args[0]);
            let stays = if MAX { order.is_gt() } else { order.is_lt() };
            // Equal texts are the same text.
            if stays || (order.is_eq() && matches!(best, DatumRef::Text(_))) {
                return Ok(());
            }
        }
        self.0 = args[0].to_owned();
        Ok(())
    }

    fn finish(&self, _: &SqlType, _: &mut EvalContext<'_>) -> Result<Datum> {
        Ok(self.0.clone())
    }

    fn merge(&mut self, ty: &SqlType, other: Self) -> Result<bool> {
        if other.0.is_null() {
            return Ok(true);
        }
        let order = compare(*ty, self.0.as_ref(), other.0.as_ref());
        if self.0.is_null() || if MAX { order.is_le() } else { order.is_ge() } {
            self.0 = other.0;
        }
        Ok(true)
    }

    fn heap(&self) -> usize {
        match &self.0 {
            Datum::Text(t) => t.len(),
            Datum::Bytes(b) => b.len(),
            Datum::Array(a) => a.items.len() * size_of::<Datum>(),
            _ => 0,
        }
    }
}

pub fn min(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Extreme<false>>::new(types, true, types.args[0])))
}

pub fn max(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Extreme<true>>::new(types, true, types.args[0])))
}

struct Every<const ALL: bool>(Option<bool>);

impl<const ALL: bool> State for Every<ALL> {
    type Shared = ();

    fn empty((): &()) -> Self {
        Every(None)
    }

    fn add(&mut self, (): &(), _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        let value = matches!(args[0], DatumRef::Bool(true));
        self.0 = Some(match self.0 {
            None => value,
            Some(so_far) if ALL => so_far && value,
            Some(so_far) => so_far || value,
        });
        Ok(())
    }

    fn finish(&self, (): &(), _: &mut EvalContext<'_>) -> Result<Datum> {
        Ok(self.0.map_or(Datum::Null, Datum::Bool))
    }

    fn merge(&mut self, (): &(), other: Self) -> Result<bool> {
        self.0 = match (self.0, other.0) {
            (Some(a), Some(b)) => Some(if ALL { a && b } else { a || b }),
            (a, b) => a.or(b),
        };
        Ok(true)
    }
}

pub fn bool_and(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Every<true>>::new(types, true, ())))
}

pub fn bool_or(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Every<false>>::new(types, true, ())))
}
