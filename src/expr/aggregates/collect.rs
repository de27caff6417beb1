//! `string_agg` and `array_agg`.

use super::per_group::{PerGroup, State};
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::types::array::count_items;
use crate::types::{ArrayValue, Datum, DatumRef, element_of, oid};

/// Values joined by the delimiters that came with them; none until there is a value.
struct Joined(Option<Vec<u8>>);

fn bytes(value: DatumRef<'_>) -> Option<&[u8]> {
    match value {
        DatumRef::Text(t) => Some(t.as_bytes()),
        DatumRef::Bytes(b) => Some(b),
        _ => None,
    }
}

impl State for Joined {
    /// Whether the values are text.
    type Shared = bool;

    fn empty(_: &bool) -> Joined {
        Joined(None)
    }

    fn add(&mut self, _: &bool, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        let Some(value) = bytes(args[0]) else { return Ok(()) };
        match &mut self.0 {
            None => self.0 = Some(value.to_vec()),
            Some(so_far) => {
                so_far.extend_from_slice(bytes(args[1]).unwrap_or(b""));
                so_far.extend_from_slice(value);
            }
        }
        Ok(())
    }

    fn finish(&self, text: &bool, _: &mut EvalContext<'_>) -> Result<Datum> {
        Ok(match &self.0 {
            None => Datum::Null,
            Some(joined) if *text => Datum::text(std::str::from_utf8(joined).expect("texts join to text").to_owned()),
            Some(joined) => Datum::bytes(joined.clone()),
        })
    }

    fn heap(&self) -> usize {
        self.0.as_ref().map_or(0, Vec::capacity)
    }
}

pub fn string_agg(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Joined>::new(types, false, types.ret.oid == oid::TEXT)))
}

struct Gathered {
    items: Vec<Datum>,
    heap: usize,
}

impl State for Gathered {
    type Shared = Oid;

    fn empty(_: &Oid) -> Gathered {
        Gathered { items: Vec::new(), heap: 0 }
    }

    fn add(&mut self, _: &Oid, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        self.heap += size_of::<Datum>() + bytes(args[0]).map_or(0, <[u8]>::len);
        self.items.push(args[0].to_owned());
        Ok(())
    }

    fn finish(&self, element: &Oid, _: &mut EvalContext<'_>) -> Result<Datum> {
        if self.items.is_empty() {
            return Ok(Datum::Null);
        }
        Ok(Datum::array(ArrayValue::one_dimensional(*element, self.items.clone())))
    }

    fn heap(&self) -> usize {
        self.heap
    }
}

/// `array_agg` of anything but arrays; NULLs are items.
pub fn array_agg(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Gathered>::new(types, false, types.args[0].oid)))
}

/// Arrays of one shape, gathered into one more dimension.
struct Stacked {
    count: i32,
    dims: Vec<(i32, i32)>,
    items: Vec<Datum>,
}

impl State for Stacked {
    type Shared = Oid;

    fn empty(_: &Oid) -> Stacked {
        Stacked { count: 0, dims: Vec::new(), items: Vec::new() }
    }

    fn add(&mut self, _: &Oid, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        let DatumRef::Array(array) = args[0] else {
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"));
        };
        let subscript = |m: &str| Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, m);
        if array.dimensions() == 0 {
            return Err(subscript("cannot accumulate empty arrays"));
        }
        if self.count == 0 {
            self.dims = array.dims();
        } else if self.dims != array.dims() {
            return Err(subscript("cannot accumulate arrays of different dimensionality"));
        }
        count_items(std::iter::once(self.count + 1).chain(self.dims.iter().map(|d| d.0)))?;
        self.count += 1;
        self.items.extend(array.iter().map(DatumRef::to_owned));
        Ok(())
    }

    fn finish(&self, element: &Oid, _: &mut EvalContext<'_>) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        let mut dims = vec![(self.count, 1)];
        dims.extend(&self.dims);
        Ok(Datum::array(ArrayValue { element: *element, dims, items: self.items.clone() }))
    }

    fn heap(&self) -> usize {
        self.items.capacity() * size_of::<Datum>()
    }
}

pub fn array_agg_arrays(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    let element = element_of(types.args[0].oid).unwrap_or(oid::TEXT);
    Ok(Box::new(PerGroup::<Stacked>::new(types, false, element)))
}
