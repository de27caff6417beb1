//! Set-returning functions in a select list: for each input row, its columns beside the rows of the calls, in lockstep.
//!
//! One input row may give any number of output rows, so the operator stops in the middle of a row when the batch is full.

use super::function_scan::{SetSource, argument_columns, argument_row, pad};
use super::{BoxOperator, Cx, Operator};
use crate::base::Result;
use crate::planner::plan::ProjectSet;
use crate::types::Batch;
use arrow_array::{ArrayRef, UInt32Array};
use std::sync::Arc;

pub(crate) struct ProjectSetOp {
    node: Arc<ProjectSet>,
    input: BoxOperator,
    /// The input batch in work with the calls' arguments, and the next row of it.
    batch: Option<(Batch, Vec<Vec<ArrayRef>>, usize)>,
    /// The calls of the row before that one, while they still have rows.
    running: Option<Vec<Option<SetSource>>>,
}

impl ProjectSetOp {
    pub fn new(node: &Arc<ProjectSet>, input: BoxOperator) -> ProjectSetOp {
        ProjectSetOp { node: Arc::clone(node), input, batch: None, running: None }
    }

    fn load(&mut self, cx: &mut Cx<'_>) -> Result<bool> {
        if self.batch.as_ref().is_some_and(|(batch, _, row)| *row < batch.rows || self.running.is_some()) {
            return Ok(true);
        }
        let Some(batch) = self.input.next(cx)? else { return Ok(false) };
        let node = Arc::clone(&self.node);
        let args = node.calls.iter().map(|c| argument_columns(cx, c, &batch)).collect::<Result<Vec<_>>>()?;
        self.batch = Some((batch, args, 0));
        Ok(true)
    }

    /// At most `max` rows out of the loaded batch; may be none.
    fn expand(&mut self, cx: &mut Cx<'_>, max: usize) -> Result<Batch> {
        let node = Arc::clone(&self.node);
        let (batch, args, at) = self.batch.as_mut().expect("loaded");
        let running = &mut self.running;
        let mut sources: Vec<u32> = Vec::new();
        let mut pieces: Vec<Batch> = Vec::new();
        cx.with_eval(|ev| -> Result<()> {
            while sources.len() < max && (running.is_some() || *at < batch.rows) {
                if running.is_none() {
                    let calls = node.calls.iter().zip(args.iter());
                    let started = calls.map(|(call, columns)| {
                        let row = argument_row(columns, call, *at);
                        SetSource::start_value(ev, call, &row)
                    });
                    *running = Some(started.collect::<Result<_>>()?);
                    *at += 1;
                }
                let calls = running.as_mut().expect("just started");
                let wanted = max - sources.len();
                let parts = calls
                    .iter_mut()
                    .map(|c| match c {
                        Some(source) => source.next(ev, wanted),
                        None => Ok((vec![], 0)),
                    })
                    .collect::<Result<Vec<_>>>()?;
                let rows = parts.iter().map(|p| p.1).max().unwrap_or(0);
                if rows < wanted {
                    *running = None;
                }
                if rows > 0 {
                    sources.extend(std::iter::repeat_n(*at as u32 - 1, rows));
                    let columns = parts.into_iter().zip(&node.calls);
                    let columns = columns.flat_map(|((arrays, n), call)| pad(arrays, n, rows, &[call.ty])).collect();
                    pieces.push(Batch::new(columns, rows));
                }
            }
            Ok(())
        })?;
        if pieces.is_empty() {
            return Ok(Batch::default());
        }
        let mut out = batch.take(&UInt32Array::from(sources));
        out.columns.extend(Batch::concat(&pieces).columns);
        Ok(out)
    }
}

impl Operator for ProjectSetOp {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        while self.load(cx)? {
            cx.check_cancelled()?;
            let out = self.expand(cx, cx.batch_rows)?;
            if out.rows > 0 {
                return Ok(Some(out));
            }
        }
        Ok(None)
    }

    fn rewind(&mut self, cx: &mut Cx<'_>) -> Result<()> {
        self.batch = None;
        self.running = None;
        self.input.rewind(cx)
    }
}
