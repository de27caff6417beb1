//! `bit_and`, `bit_or` and `bit_xor` of bit strings.

use super::per_group::{PerGroup, State};
use crate::base::Result;
use crate::expr::context::EvalContext;
use crate::expr::function::{Accumulator, CallTypes};
use crate::expr::functions::bit::{Joint, joined};
use crate::types::{Datum, DatumRef};

/// The bits so far; none before the first string.
struct Bits(Option<String>);

impl Bits {
    fn join(&mut self, joint: Joint, bits: &str) -> Result<()> {
        self.0 = Some(match &self.0 {
            Some(so_far) => joined(so_far, bits, joint)?,
            None => bits.to_owned(),
        });
        Ok(())
    }
}

impl State for Bits {
    type Shared = Joint;

    fn empty(_: &Joint) -> Self {
        Bits(None)
    }

    fn add(&mut self, joint: &Joint, _: &mut EvalContext<'_>, args: &[DatumRef<'_>]) -> Result<()> {
        match args[0] {
            DatumRef::Text(bits) => self.join(*joint, bits),
            other => panic!("{other:?} as a bit string"),
        }
    }

    fn finish(&self, _: &Joint, _: &mut EvalContext<'_>) -> Result<Datum> {
        Ok(self.0.as_deref().map_or(Datum::Null, Datum::from))
    }

    fn merge(&mut self, joint: &Joint, other: Self) -> Result<bool> {
        if let Some(bits) = &other.0 {
            self.join(*joint, bits)?;
        }
        Ok(true)
    }

    fn heap(&self) -> usize {
        self.0.as_ref().map_or(0, String::len)
    }
}

pub fn and(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Bits>::new(types, true, Joint::And)))
}

pub fn or(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Bits>::new(types, true, Joint::Or)))
}

pub fn xor(types: CallTypes<'_>) -> Result<Box<dyn Accumulator>> {
    Ok(Box::new(PerGroup::<Bits>::new(types, true, Joint::Xor)))
}
