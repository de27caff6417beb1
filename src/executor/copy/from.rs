//! COPY FROM: batches of parsed rows into the table.
//!
//! A small COPY is read and inserted by turns. A large one gets a thread that reads ([`Worker`]) while the session's
//! inserts. Either way rows are inserted in their order, so the first error is the one that is reported.

use super::options::{Format, Options};
use super::read::{Piece, Reader, context};
use super::worker::Worker;
use crate::base::{Error, Flow, Result, SqlState};
use crate::executor::{ExecContext, InsertFailure, foreign_key, insert_batch};
use crate::expr::Expr;
use crate::planner::definitions::Definition;
use crate::txn::{Access, Waited};
use crate::types::{Batch, ColumnBuilder, Datum, DatumRef, FormatContext, constant_column};
use std::sync::Arc;

/// Bytes that are gathered before anything is done with them.
const CHUNK_BYTES: usize = 128 << 10;
/// Bytes that are read before a thread is worth it.
const SMALL_BYTES: usize = 256 << 10;

enum Reading {
    Here(Box<Reader>),
    Beside(Worker),
    /// An error has ended it.
    Over,
}

/// One COPY FROM in progress.
pub struct CopyFrom {
    table: Arc<Definition>,
    binary: bool,
    /// Positions in the table's columns, in the order of the fields.
    positions: Vec<usize>,
    /// What columns without a field get: position, value.
    defaults: Vec<(usize, Expr)>,
    /// WHERE, over the row.
    filter: Option<Expr>,
    reading: Reading,
    gathered: Vec<u8>,
    /// What was put off before the first row.
    held_from: Option<usize>,
    received: usize,
    rows: u64,
}

impl CopyFrom {
    pub fn new(
        table: Arc<Definition>,
        positions: Vec<usize>,
        options: Options,
        defaults: Vec<(usize, Expr)>,
        filter: Option<Expr>,
        format: &FormatContext,
    ) -> Result<CopyFrom> {
        let binary = options.format == Format::Binary;
        let reader = Reader::new(Arc::clone(&table), &positions, options, format.clone())?;
        let reading = Reading::Here(Box::new(reader));
        Ok(CopyFrom {
            table,
            binary,
            positions,
            defaults,
            filter,
            reading,
            gathered: Vec::new(),
            held_from: None,
            received: 0,
            rows: 0,
        })
    }

    pub fn is_binary(&self) -> bool {
        self.binary
    }

    pub fn columns(&self) -> usize {
        self.positions.len()
    }

    /// Takes some more bytes; true when there are enough to call [`CopyFrom::work`].
    pub fn push(&mut self, data: &[u8]) -> bool {
        self.received += data.len();
        if self.received > SMALL_BYTES && self.gathered.capacity() == 0 {
            self.gathered.reserve(CHUNK_BYTES + CHUNK_BYTES / 4);
        }
        self.gathered.extend_from_slice(data);
        self.gathered.len() >= CHUNK_BYTES
    }

    /// Reads what has come and inserts rows.
    ///
    /// Errors: 22P04 for a malformed row, what input functions say of a value, and what inserting a row can raise, with
    /// the line in CONTEXT.
    pub fn work(&mut self, cx: &mut ExecContext<'_>) -> Result<()> {
        if self.received > SMALL_BYTES && matches!(self.reading, Reading::Here(_)) {
            self.start_worker();
        }
        self.take_pieces(cx, false)
    }

    /// Takes in what is left; returns the number of rows.
    pub fn finish(&mut self, cx: &mut ExecContext<'_>) -> Result<u64> {
        self.take_pieces(cx, true)?;
        let Some(mark) = self.held_from else { return Ok(self.rows) };
        loop {
            let statement = cx.txn.begin_statement(Access::Write)?;
            match foreign_key::run_held(cx, mark) {
                Ok(()) => return Ok(self.rows),
                Err(e) if e.flow() == Flow::Fail => return Err(e),
                Err(e) => {
                    cx.txn.undo_statement(statement);
                    if e.flow() == Flow::Wait {
                        wait(cx)?;
                    }
                }
            }
        }
    }

    fn start_worker(&mut self) {
        self.reading = match std::mem::replace(&mut self.reading, Reading::Over) {
            Reading::Here(reader) => match Worker::start(reader) {
                Ok(worker) => Reading::Beside(worker),
                Err(reader) => Reading::Here(reader),
            },
            other => other,
        };
    }

    fn take_pieces(&mut self, cx: &mut ExecContext<'_>, last: bool) -> Result<()> {
        if let Reading::Here(reader) = &mut self.reading {
            reader.push(&self.gathered);
            self.gathered.clear();
        }
        loop {
            let piece = match &mut self.reading {
                Reading::Here(reader) => reader.next(last).transpose(),
                Reading::Beside(worker) if last => worker.finish(&mut self.gathered),
                Reading::Beside(worker) => worker.ready(&mut self.gathered),
                Reading::Over => None,
            };
            let Some(piece) = piece else { return Ok(()) };
            if let Err(e) = piece.and_then(|piece| self.insert(cx, piece)) {
                self.reading = Reading::Over;
                return Err(e);
            }
        }
    }

    /// Inserts some rows. A lock is waited for here, holding the thread: the data cannot be asked for again.
    fn insert(&mut self, cx: &mut ExecContext<'_>, piece: Piece) -> Result<()> {
        let Piece { columns, lines } = piece;
        if self.held_from.is_none() {
            self.held_from = Some(cx.deferred.len());
        }
        let batch = self.whole_rows(cx, columns, lines.len())?;
        loop {
            let statement = cx.txn.begin_statement(Access::Write)?;
            let deferred = cx.deferred.len();
            cx.deferred.hold(true);
            let inserted = insert_batch(cx, &self.table, self.filter.as_ref(), batch.clone());
            cx.deferred.hold(false);
            let InsertFailure { error, row } = match inserted {
                Ok(inserted) => {
                    self.rows += inserted;
                    return Ok(());
                }
                Err(failure) => failure,
            };
            if error.flow() == Flow::Fail {
                // What only shows at the end, a missing parent, has no line.
                let line = row.and_then(|row| lines.get(row)).filter(|_| error.fields().context.is_none());
                return Err(match line {
                    Some(line) => error.context(context(&self.table, *line)),
                    None => error,
                });
            }
            cx.txn.undo_statement(statement);
            cx.deferred.truncate(deferred);
            if error.flow() == Flow::Wait {
                wait(cx)?;
            }
        }
    }

    /// A batch in the order of the table's columns, with defaults where there is no field.
    fn whole_rows(&self, cx: &mut ExecContext<'_>, fields: Vec<arrow_array::ArrayRef>, rows: usize) -> Result<Batch> {
        let def = &self.table.def;
        let mut columns: Vec<_> =
            def.types.iter().map(|ty| constant_column(ty.physical(), DatumRef::Null, rows)).collect();
        for (field, at) in fields.into_iter().zip(&self.positions) {
            columns[*at] = field;
        }
        for (at, expr) in &self.defaults {
            let ty = def.types[*at];
            columns[*at] = match expr {
                Expr::Const { value, .. } => constant_column(ty.physical(), value.as_ref(), rows),
                expr => {
                    let mut made = ColumnBuilder::new(ty.physical(), rows);
                    for _ in 0..rows {
                        let value: Datum = cx.evaluate_row(expr)?;
                        made.push(value.as_ref());
                    }
                    made.finish()
                }
            };
        }
        Ok(Batch::new(columns, rows))
    }
}

/// Waits for the lock that the transaction has queued for.
fn wait(cx: &mut ExecContext<'_>) -> Result<()> {
    let place = cx.txn.take_wait().ok_or_else(|| Error::internal("a wait without a place in a queue"))?;
    match place.wait_blocking(None, cx.cancelled)? {
        Waited::Granted => Ok(()),
        _ => Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")),
    }
}
