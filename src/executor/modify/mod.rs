//! INSERT, UPDATE, DELETE and MERGE: each reads its input to the end, changes the rows one by one through `table`, and then does
//! what had to wait for the last row: foreign keys and deferrable unique constraints.
//!
//! What RETURNING shows is kept until then too; a statement that must wait for a lock or start again has shown nothing.

mod delete;
mod insert;
mod merge;
mod update;

use super::foreign_key::RowEvents;
use super::nested_loop::take_rows;
use super::{BoxOperator, Cx, Operator};
use crate::base::{Error, Result, SqlState};
use crate::expr::Expr;
use crate::planner::definitions::Definition;
use crate::table::{BatchWriter, Rechecks};
use crate::types::{
    Batch, ColumnBuilder, ColumnReader, Datum, DatumRef, Physical, SqlType, constant_column, equal, key,
};
use arrow_array::ArrayRef;
use std::collections::VecDeque;
use std::sync::Arc;

/// What becomes of a row that the statement has changed already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// It is passed over, as UPDATE and DELETE do.
    Skipped,
    /// Error: 21000.
    Refused,
}

impl Again {
    fn check(self) -> Result<()> {
        if self == Again::Skipped {
            return Ok(());
        }
        let message = "MERGE command cannot affect row a second time";
        Err(Error::new(SqlState::CARDINALITY_VIOLATION, message)
            .hint("Ensure that not more than one source row matches any one target row."))
    }
}

/// The plan of a modification.
pub(crate) trait Modification: Send + Sync {
    fn table(&self) -> &Arc<Definition>;

    /// Does what is to be done with a batch of the input.
    fn change(&self, cx: &mut Cx<'_>, work: &mut Work, batch: Batch) -> Result<()>;
}

/// Reads its input to the end, and shows what RETURNING says after that.
pub(crate) struct ModifyOp<M> {
    node: Arc<M>,
    input: BoxOperator,
    /// What is left of what RETURNING shows, once the modification has run.
    output: Option<VecDeque<Batch>>,
}

impl<M: Modification> ModifyOp<M> {
    pub fn new(node: &Arc<M>, input: BoxOperator) -> ModifyOp<M> {
        ModifyOp { node: Arc::clone(node), input, output: None }
    }

    fn run(&mut self, cx: &mut Cx<'_>) -> Result<VecDeque<Batch>> {
        let mut work = Work::new(cx, self.node.table())?;
        while let Some(batch) = cx.pull_all(&mut self.input)? {
            cx.check_cancelled()?;
            self.node.change(cx, &mut work, batch)?;
        }
        work.finish(cx)
    }
}

impl<M: Modification> Operator for ModifyOp<M> {
    fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Batch>> {
        if self.output.is_none() {
            self.output = Some(self.run(cx)?);
        }
        Ok(self.output.as_mut().and_then(|rows| take_rows(rows, cx.batch_rows)))
    }

    fn rewind(&mut self, _cx: &mut Cx<'_>) -> Result<()> {
        Err(Error::internal("a modification cannot be repeated"))
    }

    fn is_done(&self) -> bool {
        self.output.as_ref().is_some_and(VecDeque::is_empty)
    }

    fn recycle(&mut self) -> bool {
        self.output = None;
        self.input.recycle()
    }
}

/// What a modification gathers while it reads its input.
pub(crate) struct Work {
    table: Arc<Definition>,
    /// The buffers of an INSERT.
    writer: BatchWriter,
    events: RowEvents,
    rechecks: Rechecks,
    out: VecDeque<Batch>,
}

impl Work {
    fn new(cx: &mut Cx<'_>, table: &Arc<Definition>) -> Result<Work> {
        Ok(Work {
            table: Arc::clone(table),
            writer: BatchWriter::default(),
            events: RowEvents::new(cx, &table.def)?,
            rechecks: Rechecks::new(),
            out: VecDeque::new(),
        })
    }

    /// Foreign keys, then deferrable unique constraints; what RETURNING shows.
    fn finish(self, cx: &mut Cx<'_>) -> Result<VecDeque<Batch>> {
        self.events.finish(cx)?;
        super::foreign_key::finish_rechecks(cx, &self.table.def, self.rechecks)?;
        Ok(self.out)
    }

    fn keep(&mut self, cx: &mut Cx<'_>, batch: Batch) -> Result<()> {
        cx.shared.memory.grow(&batch)?;
        self.out.push_back(batch);
        Ok(())
    }
}

/// The values of a batch by row.
fn rows_of(columns: &[ArrayRef], types: &[SqlType], rows: usize) -> Vec<Vec<Datum>> {
    let readers = readers(columns, types);
    (0..rows).map(|i| row_of(&readers, i)).collect()
}

fn readers<'a>(columns: &'a [ArrayRef], types: &[SqlType]) -> Vec<ColumnReader<'a>> {
    columns.iter().zip(types).map(|(c, t)| ColumnReader::new(t.physical(), c)).collect()
}

fn row_of(readers: &[ColumnReader<'_>], i: usize) -> Vec<Datum> {
    readers.iter().map(|r| r.get(i).to_owned()).collect()
}

/// Rows as a batch of a table's columns.
fn batch_of(types: &[SqlType], rows: &[Vec<Datum>]) -> Batch {
    let columns = types.iter().enumerate().map(|(at, ty)| {
        let mut builder = ColumnBuilder::new(ty.physical(), rows.len());
        rows.iter().for_each(|r| builder.push(r[at].as_ref()));
        builder.finish()
    });
    Batch::new(columns.collect(), rows.len())
}

/// Fills in the generated columns of rows in the table's column order.
fn generate(cx: &mut Cx<'_>, table: &Definition, batch: &mut Batch) -> Result<()> {
    let mut made = Vec::with_capacity(table.generated.len());
    for (at, expr) in &table.generated {
        made.push((*at, cx.array(expr, batch)?));
    }
    for (at, column) in made {
        batch.columns[at] = column;
    }
    Ok(())
}

/// RETURNING over stored rows, their `tableoid` and further columns.
fn returning(cx: &mut Cx<'_>, exprs: &[Expr], table: &Definition, mut rows: Batch, rest: &[ArrayRef]) -> Result<Batch> {
    let oid = crate::types::DatumRef::Oid(table.def.table.oid.0);
    rows.columns.push(constant_column(Physical::UInt32, oid, rows.rows));
    rows.columns.extend_from_slice(rest);
    Ok(Batch::new(cx.arrays(exprs, &rows)?, rows.rows))
}

/// The columns among `candidates` whose value is another one now; `values` gives the old one and the new one.
fn changed<'a>(
    table: &Definition,
    candidates: &[usize],
    values: impl Fn(usize) -> (DatumRef<'a>, DatumRef<'a>),
) -> Vec<usize> {
    let types = &table.def.types;
    let same = |at: usize| {
        !key::is_lossy(types[at])
            && match values(at) {
                (DatumRef::Null, DatumRef::Null) => true,
                (DatumRef::Null, _) | (_, DatumRef::Null) => false,
                (old, new) => equal(types[at], old, new),
            }
    };
    candidates.iter().copied().filter(|&at| !same(at)).collect()
}
