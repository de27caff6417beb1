//! Running sums for `sum`, `avg`, `variance` and `stddev`.
#![allow(unused_variables)]
use super::{Numeric, NumericRef};
use crate::base::Result;

/// Sum (and, when asked for, sum of squares) of the numbers added so far.
#[derive(Clone, Debug)]
pub struct NumericSum {}

impl NumericSum {
    pub fn new(squares: bool) -> NumericSum {
        todo!()
    }
    pub fn add(&mut self, value: NumericRef<'_>) {
        todo!()
    }
    pub fn add_i64(&mut self, value: i64) {
        todo!()
    }
    /// Takes a number out again, for moving window frames.
    pub fn remove(&mut self, value: NumericRef<'_>) {
        todo!()
    }
    pub fn merge(&mut self, other: &NumericSum) {
        todo!()
    }
    pub fn count(&self) -> i64 {
        todo!()
    }
    /// None when nothing was added: SQL's NULL.
    pub fn sum(&self) -> Result<Option<Numeric>> {
        todo!()
    }
    pub fn avg(&self) -> Result<Option<Numeric>> {
        todo!()
    }
    pub fn variance(&self, sample: bool) -> Result<Option<Numeric>> {
        todo!()
    }
    pub fn stddev(&self, sample: bool) -> Result<Option<Numeric>> {
        todo!()
    }
}
