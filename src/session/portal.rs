//! A portal: a statement with its parameters, on its way to the client. Cursors are portals that SQL names.

use super::plans::CachedPlan;
use super::prepare::Prepared;
use super::sink::Formats;
use crate::binder::rel::OutputColumn;
use crate::executor::Execution;
use crate::txn::Statement;
use crate::types::{Batch, Datum};
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a portal's rows come from.
pub enum Source {
    /// No statement at all.
    Empty,
    /// A plan, and its execution once it has begun.
    Query { plan: Arc<CachedPlan>, params: Vec<Datum>, run: Option<Box<Run>> },
    /// A utility statement that has not run yet.
    Utility(Arc<Prepared>),
    /// Rows that are there already (SHOW, EXPLAIN, a cursor that outlived its transaction), and the tag that follows them.
    Rows { columns: Arc<[OutputColumn]>, batches: VecDeque<Batch>, tag: Tag },
    /// It has run to its end.
    Finished,
}

/// The command tag once the rows are out.
#[derive(Clone, Debug)]
pub enum Tag {
    Text(String),
    /// These words and the number of rows.
    Counted(&'static str),
}

impl Tag {
    pub fn text(&self, rows: u64) -> String {
        match self {
            Tag::Text(text) => text.clone(),
            Tag::Counted(words) => format!("{words} {rows}"),
        }
    }
}

/// An execution in progress.
pub struct Run {
    pub execution: Execution,
    pub statement: Statement,
    /// What had been put off before it.
    pub deferred: usize,
    /// Produced, but past the row limit of the last fetch.
    pub rest: Option<Batch>,
    /// Rows handed out by the last fetches.
    pub sent: u64,
}

pub struct Portal {
    pub source: Source,
    /// The statement's text, for `pg_cursors` and error positions.
    pub text: Arc<str>,
    pub formats: Formats,
    /// Made by DECLARE.
    pub cursor: Option<Cursor>,
    pub created_us: i64,
}

/// What DECLARE CURSOR adds.
pub struct Cursor {
    pub scroll: bool,
    pub no_scroll: bool,
    pub hold: bool,
    pub binary: bool,
    /// WITH HOLD, and the transaction has committed: `seen` holds all rows.
    pub held: bool,
    /// All rows fetched so far, so that the cursor can go back.
    pub seen: Vec<Batch>,
    pub seen_rows: u64,
    /// 0 is before the first row; `seen_rows + 1` can be after the last.
    pub position: u64,
    pub complete: bool,
}

impl Portal {
    pub fn new(source: Source, text: Arc<str>, formats: Formats, created_us: i64) -> Portal {
        Portal { source, text, formats, cursor: None, created_us }
    }

    /// Whether it survives the end of its transaction.
    pub fn is_held(&self) -> bool {
        self.cursor.as_ref().is_some_and(|c| c.held)
    }

    /// The columns of its rows; none when it returns no rows.
    pub fn columns(&self) -> Option<&[OutputColumn]> {
        match &self.source {
            Source::Query { plan, .. } => Some(plan.output()).filter(|c| !c.is_empty() || plan.tag == "SELECT"),
            Source::Rows { columns, .. } => Some(columns),
            Source::Utility(prepared) => prepared.output.as_deref(),
            Source::Empty | Source::Finished => None,
        }
    }
}
