//! A portal: a statement with its parameters, on its way to the client. Cursors are portals that SQL names.

use super::plans::CachedPlan;
use super::prepare::{Prepared, returns_rows};
use super::sink::{Formats, Tag};
use crate::binder::rel::OutputColumn;
use crate::executor::{self, Execution};
use crate::txn::Statement;
use crate::types::{Batch, Datum};
use ahash::AHashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where a portal's rows come from.
pub enum Source {
    /// No statement at all.
    Empty,
    /// The run of a plan, which its first step begins.
    Query(Box<Run>),
    /// A utility statement that has not run yet.
    Utility(Arc<Prepared>),
    /// Rows that are there already (SHOW, EXPLAIN, a cursor that outlived its transaction), and the tag that follows them.
    Rows { columns: Arc<[OutputColumn]>, batches: VecDeque<Batch>, tag: RowsTag },
    /// It has run to its end.
    Finished,
}

/// The command tag once the rows are out.
#[derive(Clone, Debug)]
pub enum RowsTag {
    Text(String),
    /// These words and the number of rows.
    Counted(&'static str),
}

impl RowsTag {
    pub fn tag(&self, rows: u64) -> Tag {
        match self {
            RowsTag::Text(text) => Tag::Text(text.clone()),
            RowsTag::Counted(words) => Tag::Counted(words, rows),
        }
    }
}

/// A plan on its way through the executor.
pub struct Run {
    pub plan: Arc<CachedPlan>,
    pub execution: Execution,
    /// None until it has begun, and while it waits to begin again.
    pub statement: Option<Statement>,
    /// What had been put off before it.
    pub deferred: usize,
    /// Produced, but past the row limit of the last fetch.
    pub rest: Option<Batch>,
    /// Rows handed out by the last fetches.
    pub sent: u64,
}

impl Run {
    pub fn new(plan: Arc<CachedPlan>, params: Vec<Datum>) -> Run {
        let execution = executor::start(plan.plan.clone(), params);
        Run { plan, execution, statement: None, deferred: 0, rest: None, sent: 0 }
    }

    pub fn tag(&self) -> Tag {
        let rows = if self.plan.tag == "SELECT" { self.sent } else { self.execution.rows_affected() };
        Tag::Counted(self.plan.tag, rows)
    }
}

/// How many runs a session keeps for later.
const IDLE_RUNS: usize = 16;

/// Runs that have ended, kept for the next execution of the same plan: what a short statement would allocate each time is
/// there already. The one used last is the last.
// A portal holds its run in the same box; it comes and goes without being copied.
#[allow(clippy::vec_box)]
#[derive(Default)]
pub struct IdleRuns(Vec<Box<Run>>);

impl IdleRuns {
    /// A run of the plan.
    pub fn take(&mut self, plan: &Arc<CachedPlan>, params: Vec<Datum>) -> Box<Run> {
        match self.0.iter().rposition(|r| Arc::ptr_eq(&r.plan, plan)) {
            Some(at) => {
                let mut run = self.0.remove(at);
                run.execution.set_params(params);
                run
            }
            None => Box::new(Run::new(plan.clone(), params)),
        }
    }

    /// Takes back a run that has ended; its parameters' memory is handed out again.
    pub fn keep(&mut self, mut run: Box<Run>) -> Vec<Datum> {
        let mut params = run.execution.give_params();
        params.clear();
        if !run.plan.stable || !run.plan.plan.is_short || !run.execution.recycle() {
            return params;
        }
        (run.statement, run.rest, run.sent) = (None, None, 0);
        if self.0.len() == IDLE_RUNS {
            self.0.remove(0);
        }
        self.0.push(run);
        params
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A session's portals. The unnamed one, which most statements go through, needs no look-up.
#[derive(Default)]
pub struct Portals {
    unnamed: Option<Portal>,
    named: AHashMap<String, Portal>,
}

impl Portals {
    pub fn get(&self, name: &str) -> Option<&Portal> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name) }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn insert(&mut self, name: &str, portal: Portal) {
        match name.is_empty() {
            true => self.unnamed = Some(portal),
            false => drop(self.named.insert(name.to_owned(), portal)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Portal> {
        if name.is_empty() { self.unnamed.take() } else { self.named.remove(name) }
    }

    /// The cursors, by name.
    pub fn cursors(&self) -> impl Iterator<Item = (&str, &Portal, &Cursor)> {
        self.named.iter().filter_map(|(name, p)| p.cursor.as_deref().map(|c| (name.as_str(), p, c)))
    }

    /// All but the cursors that outlive their transaction.
    pub fn end_transaction(&mut self) {
        self.unnamed = None;
        if !self.named.is_empty() {
            self.named.retain(|_, p| p.is_held());
        }
    }

    pub fn close_cursors(&mut self) {
        self.named.retain(|_, p| p.cursor.is_none());
    }

    pub fn clear(&mut self) {
        self.unnamed = None;
        self.named.clear();
    }
}

pub struct Portal {
    pub source: Source,
    /// The statement's text, for `pg_cursors` and error positions.
    pub text: Arc<str>,
    pub formats: Formats,
    /// Made by DECLARE.
    pub cursor: Option<Box<Cursor>>,
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
            Source::Query(run) => Some(run.plan.output()).filter(|_| returns_rows(&run.plan)),
            Source::Rows { columns, .. } => Some(columns),
            Source::Utility(prepared) => prepared.output.as_deref(),
            Source::Empty | Source::Finished => None,
        }
    }
}
