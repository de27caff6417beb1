//! DISTINCT and DISTINCT ON: the first row of each key, as it comes.

use super::key_table::{KeyTable, Keys};
use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::Distinct;
use crate::types::{Batch, SqlType};
use arrow_array::UInt32Array;
use std::sync::Arc;

pub(crate) struct DistinctOp {
    node: Arc<Distinct>,
    input: BoxOperator,
    types: Vec<SqlType>,
    keys: Keys,
    seen: Seen,
    held: usize,
}

enum Seen {
    All(KeyTable),
    /// Equal rows arrive together: the last key is enough.
    Last(Option<Vec<u8>>),
}

impl DistinctOp {
    pub fn new(node: &Arc<Distinct>, input: BoxOperator) -> DistinctOp {
        let types = match &node.on {
            Some(on) => on.iter().map(|e| e.ty()).collect(),
            None => node.input.types.clone(),
        };
        let seen = if node.sorted { Seen::Last(None) } else { Seen::All(KeyTable::default()) };
        DistinctOp { node: Arc::clone(node), input, types, keys: Keys::default(), seen, held: 0 }
    }
}

impl Operator for DistinctOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(cx)? {
            match &self.node.on {
                Some(on) => {
                    let columns = cx.arrays(on, &batch)?;
                    self.keys.encode(&columns, &self.types, batch.rows);
                }
                None => self.keys.encode(&batch.columns, &self.types, batch.rows),
            }
            let rows: Vec<u32> = match &mut self.seen {
                Seen::All(table) => {
                    let before = table.memory();
                    let rows =
                        (0..batch.rows).filter(|&i| table.insert(self.keys.get(i)).1).map(|i| i as u32).collect();
                    let grown = table.memory() - before;
                    self.held += grown;
                    cx.shared.memory.grow_by(grown)?;
                    rows
                }
                Seen::Last(last) => first_of_runs(&self.keys, last),
            };
            match rows.len() {
                0 => {}
                n if n == batch.rows => return Ok(Some(batch)),
                _ => return Ok(Some(batch.take(&UInt32Array::from(rows)))),
            }
        }
        Ok(None)
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        match &mut self.seen {
            Seen::All(table) => table.clear(),
            Seen::Last(last) => *last = None,
        }
        cx.shared.memory.shrink_by(std::mem::take(&mut self.held));
        self.input.rewind(cx)
    }
}

fn first_of_runs(keys: &Keys, last: &mut Option<Vec<u8>>) -> Vec<u32> {
    let mut rows = Vec::new();
    for i in 0..keys.len() {
        if last.as_deref() != Some(keys.get(i)) {
            rows.push(i as u32);
            let last = last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(keys.get(i));
        }
    }
    rows
}
