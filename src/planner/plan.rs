//! The physical plan: what the executor runs and EXPLAIN prints.
//!
//! A tree of [`Plan`]s. Every expression in it reads its input by position (`Expr::Input`), a statement parameter
//! (`Expr::Param`), or a slot that an enclosing nested loop or correlated sub-select has filled (`Expr::Exec`); no
//! `Expr::Column` is left. The particulars of a node sit behind an `Arc`, so that an operator can keep them without a
//! copy and without borrowing the plan: a plan is shared by all executions of a prepared statement.
//!
//! The plans of sub-selects in expressions lie beside the tree in [`PreparedPlan::subplans`], by `SubqueryId`; those of
//! WITH queries that are computed once in [`PreparedPlan::ctes`].

use super::definitions::Definition;
use crate::base::Error;
use crate::catalog::SystemTable;
use crate::expr::Expr;
pub use crate::table::ScanColumn;
use crate::table::TableDef;
use crate::types::SqlType;
use std::sync::Arc;

/// The parts that need no change on the way from the logical to the physical plan; in a physical plan their
/// expressions read by position.
pub use crate::binder::rel::{
    AggCall, Frame, FrameBound, FrameExclude, FrameOffset, FrameUnit, FunctionSource, LockStrength, LockWait,
    OutputColumn, SetCall, SetOpKind, SortKey, StatementKind, WindowCall,
};

/// Everything that running a statement needs, immutable and shared.
#[derive(Debug)]
pub struct PreparedPlan {
    pub root: Plan,
    /// By `SubqueryId`. A sub-select that the planner turned into a join leaves `None`.
    pub subplans: Vec<Option<Subplan>>,
    /// WITH queries that are computed once and read through [`Node::CteScan`].
    pub ctes: Vec<Cte>,
    pub params: Vec<SqlType>,
    /// Names, types and origins of the columns that the client sees.
    pub output: Vec<OutputColumn>,
    /// How many [`RecursiveUnion`]s there are.
    pub worktables: usize,
    /// How many values the slots of `Expr::Exec` take.
    pub exec_slots: usize,
    /// Provably little work (bounded by a unique key or a tiny LIMIT over an index): it may run on the reactor's thread.
    pub is_short: bool,
    pub access: Access,
    /// A statement on one row by its full unique key that locks it: the lock comes first, then the snapshot, so it
    /// never restarts.
    pub lock_first: bool,
    pub kind: StatementKind,
    /// The relations touched and how, as the binder saw them: for privileges and for invalidation.
    pub relations: Vec<crate::binder::rel::Access>,
    /// See `Query::literals_unstable`.
    pub unstable: bool,
    /// A constant in it cannot be computed, so that it must not run, even if no row would get there.
    pub failure: Option<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads only: the durable prefix is enough.
    Read,
    /// Changes or locks rows: it must see the applied prefix.
    Write,
}

/// A sub-select inside an expression.
#[derive(Debug)]
pub struct Subplan {
    pub plan: Plan,
    /// No outer value enters it: it runs once and its result is kept.
    pub uncorrelated: bool,
    /// For `= ANY (SELECT ...)` without outer values: answer from a hash table of the result.
    pub hashed: bool,
    /// It is compared with a left side, row by row or by hash.
    pub quantified: bool,
}

/// A WITH query that is computed once for each state of what its rows depend on.
#[derive(Debug)]
pub struct Cte {
    pub name: Arc<str>,
    pub plan: Plan,
    /// It changes rows: it runs to its end whether or not it is read.
    pub modifies: bool,
    /// The slots of outer columns that it reads, also through other WITH queries.
    pub slots: Vec<usize>,
    /// The work tables of recursive queries around it that it reads, likewise.
    pub worktables: Vec<usize>,
}

/// What EXPLAIN ANALYZE counted at one node, over all its rounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actual {
    pub rows: u64,
    pub loops: u64,
    pub startup_us: i64,
    pub total_us: i64,
}

/// A node and what the planner believes about it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub node: Node,
    pub types: Vec<SqlType>,
    pub estimate: Estimate,
}

/// PostgreSQL's cost units.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimate {
    pub startup: f64,
    pub total: f64,
    pub rows: f64,
    /// Average bytes of a row.
    pub width: u32,
}

#[derive(Clone, Debug)]
pub enum Node {
    /// One computed row, or none when the condition fails: `SELECT 1`.
    Result(Arc<ResultRow>),
    /// All of the input or nothing, by a condition without columns.
    Gate(Arc<Gate>),
    Values(Arc<Values>),
    /// At most one row, by all columns of a unique key.
    Lookup(Arc<Lookup>),
    /// Rows of a table in key order, or of some ranges of it.
    SeqScan(Arc<Scan>),
    IndexScan(Arc<Scan>),
    /// A table of `pg_catalog` or `information_schema` that is a projection of the catalog.
    SystemScan(Arc<SystemScan>),
    FunctionScan(Arc<FunctionScan>),
    CteScan(Arc<CteScan>),
    WorkTableScan(Arc<WorkTableScan>),
    Filter(Arc<Filter>),
    Project(Arc<Project>),
    ProjectSet(Arc<ProjectSet>),
    NestedLoop(Arc<NestedLoop>),
    HashJoin(Arc<HashJoin>),
    Aggregate(Arc<Aggregate>),
    Window(Arc<Window>),
    Distinct(Arc<Distinct>),
    Sort(Arc<Sort>),
    Limit(Arc<Limit>),
    SetOp(Arc<SetOp>),
    Append(Arc<Append>),
    RecursiveUnion(Arc<RecursiveUnion>),
    LockRows(Arc<LockRows>),
    Insert(Arc<Insert>),
    Update(Arc<Update>),
    Delete(Arc<Delete>),
    Merge(Arc<Merge>),
}

impl PreparedPlan {
    /// The plan of no statement.
    pub fn nothing() -> PreparedPlan {
        let node = Node::Result(Arc::new(ResultRow { exprs: vec![], condition: None }));
        PreparedPlan {
            root: Plan { node, types: vec![], estimate: Estimate::default() },
            subplans: vec![],
            ctes: vec![],
            params: vec![],
            output: vec![],
            worktables: 0,
            exec_slots: 0,
            is_short: true,
            access: Access::Read,
            lock_first: false,
            kind: StatementKind::Select,
            relations: vec![],
            unstable: false,
            failure: None,
        }
    }

    /// The main tree, the CTEs, then the sub-selects: the order in which nodes are numbered for [`Actual`]s.
    pub fn parts(&self) -> impl Iterator<Item = Option<&Plan>> {
        std::iter::once(Some(&self.root))
            .chain(self.ctes.iter().map(|c| Some(&c.plan)))
            .chain(self.subplans.iter().map(|s| s.as_ref().map(|s| &s.plan)))
    }
}

impl Plan {
    /// The inputs, outer side first.
    pub fn children(&self) -> Vec<&Plan> {
        match &self.node {
            Node::Result(_)
            | Node::Values(_)
            | Node::Lookup(_)
            | Node::SeqScan(_)
            | Node::IndexScan(_)
            | Node::SystemScan(_)
            | Node::FunctionScan(_)
            | Node::CteScan(_)
            | Node::WorkTableScan(_) => vec![],
            Node::Gate(n) => vec![&n.input],
            Node::Filter(n) => vec![&n.input],
            Node::Project(n) => vec![&n.input],
            Node::ProjectSet(n) => vec![&n.input],
            Node::Aggregate(n) => vec![&n.input],
            Node::Window(n) => vec![&n.input],
            Node::Distinct(n) => vec![&n.input],
            Node::Sort(n) => vec![&n.input],
            Node::Limit(n) => vec![&n.input],
            Node::LockRows(n) => vec![&n.input],
            Node::Insert(n) => vec![&n.input],
            Node::Update(n) => vec![&n.input],
            Node::Delete(n) => vec![&n.input],
            Node::Merge(n) => vec![&n.input],
            Node::NestedLoop(n) => vec![&n.left, &n.right],
            Node::HashJoin(n) => vec![&n.left, &n.right],
            Node::SetOp(n) => vec![&n.left, &n.right],
            Node::RecursiveUnion(n) => vec![&n.seed, &n.step],
            Node::Append(n) => n.inputs.iter().collect(),
        }
    }

    pub fn node_count(&self) -> usize {
        1 + self.children().into_iter().map(Plan::node_count).sum::<usize>()
    }
}

#[derive(Debug)]
pub struct ResultRow {
    pub exprs: Vec<Expr>,
    pub condition: Option<Expr>,
}

#[derive(Debug)]
pub struct Gate {
    pub input: Plan,
    pub condition: Expr,
}

#[derive(Debug)]
pub struct Values {
    pub rows: Vec<Vec<Expr>>,
    pub alias: Arc<str>,
}

/// A scan of a table's tree, or of an index and then the table.
#[derive(Debug)]
pub struct Scan {
    pub def: Arc<TableDef>,
    pub alias: Arc<str>,
    /// Position in [`TableDef::indexes`]; none is the table's own tree without regard to its order.
    pub index: Option<usize>,
    /// What is read, in order; `filter` sees these positions.
    pub columns: Vec<ScanColumn>,
    /// The parts of the key space to read, one after another; empty reads everything.
    pub ranges: Vec<KeyRange>,
    pub backward: bool,
    /// The index holds every wanted column: the row is never fetched.
    pub covering: bool,
    pub filter: Option<Expr>,
    /// What `ranges` say, as EXPLAIN's `Index Cond` has it.
    pub range_conditions: Vec<RangeCondition>,
}

/// One comparison of a key column as EXPLAIN prints it.
#[derive(Clone, Debug)]
pub struct RangeCondition {
    /// Over positions in the table's columns.
    pub target: Expr,
    pub operator: &'static str,
    /// None: `IS NULL`.
    pub value: Option<Expr>,
    pub any: bool,
}

/// A part of a tree by its leading key columns.
#[derive(Clone, Debug, Default)]
pub struct KeyRange {
    /// Leading key columns with known values.
    pub prefix: Vec<KeyPart>,
    /// Bounds of the key column after the prefix.
    pub lower: Option<Bound>,
    pub upper: Option<Bound>,
}

/// The value of one leading key column. Expressions read parameters and slots only.
#[derive(Clone, Debug)]
pub enum KeyPart {
    Equal(Expr),
    /// One of an array's elements: `IN (1, 2, 3)`, `= ANY ($1)`.
    Any(Expr),
    Null,
}

#[derive(Clone, Debug)]
pub struct Bound {
    pub value: Expr,
    pub inclusive: bool,
}

/// A row by all columns of its primary key or of a unique index.
#[derive(Debug)]
pub struct Lookup {
    pub def: Arc<TableDef>,
    pub alias: Arc<str>,
    /// Position in [`TableDef::indexes`].
    pub index: usize,
    /// One value for each key column, over parameters and slots, of the key column's type or an integer.
    pub key: Vec<Expr>,
    pub columns: Vec<ScanColumn>,
    pub filter: Option<Expr>,
    /// The output, when it is not `columns` as they are.
    pub project: Option<Vec<Expr>>,
    pub range_conditions: Vec<RangeCondition>,
}

#[derive(Debug)]
pub struct SystemScan {
    pub table: &'static SystemTable,
    pub alias: Arc<str>,
    /// Positions in the table's columns; none is `tableoid`.
    pub columns: Vec<Option<usize>>,
    pub filter: Option<Expr>,
}

/// Set-returning functions in FROM, side by side (`ROWS FROM`).
#[derive(Debug)]
pub struct FunctionScan {
    pub alias: Arc<str>,
    pub calls: Vec<TableFunction>,
    pub ordinality: bool,
}

#[derive(Debug)]
pub struct TableFunction {
    pub source: FunctionSource,
    /// Types of the columns that it contributes.
    pub types: Vec<SqlType>,
    /// The result is a row to be taken apart.
    pub row: bool,
}

#[derive(Debug)]
pub struct CteScan {
    /// Position in [`PreparedPlan::ctes`].
    pub cte: usize,
    pub alias: Arc<str>,
    pub name: Arc<str>,
    /// Positions of the output in the query's columns.
    pub columns: Vec<usize>,
}

#[derive(Debug)]
pub struct WorkTableScan {
    /// Which [`RecursiveUnion`] it reads, by its `worktable`.
    pub worktable: usize,
    pub alias: Arc<str>,
    pub columns: Vec<usize>,
}

#[derive(Debug)]
pub struct Filter {
    pub input: Plan,
    pub condition: Expr,
}

#[derive(Debug)]
pub struct Project {
    pub input: Plan,
    pub exprs: Vec<Expr>,
    /// Set for a sub-select in FROM that stays visible as `Subquery Scan on alias`.
    pub alias: Option<Arc<str>>,
}

/// Output: the input, then one column for each call, in lockstep.
#[derive(Debug)]
pub struct ProjectSet {
    pub input: Plan,
    pub calls: Vec<SetCall>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    /// Only of a hash join, as the next.
    Right,
    Full,
    /// Rows of the left side that have a match.
    Semi,
    /// Rows of the left side that have none.
    Anti,
    /// As anti, by NOT IN: a NULL on either side also keeps the row out.
    NullAwareAnti,
}

impl JoinKind {
    /// Whether the output is the left side's columns alone.
    pub fn left_only(self) -> bool {
        matches!(self, JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti)
    }
}

#[derive(Debug)]
pub struct NestedLoop {
    pub kind: JoinKind,
    pub left: Plan,
    pub right: Plan,
    /// Over the left side's columns and then the right side's.
    pub condition: Option<Expr>,
    /// Slots to fill from a left row before the right side starts again: slot, value over the left side. Empty: the
    /// right side is computed once and kept.
    pub slots: Vec<(usize, Expr)>,
    /// The right side returns at most one row for each left row.
    pub inner_unique: bool,
}

#[derive(Debug)]
pub struct HashJoin {
    pub kind: JoinKind,
    pub left: Plan,
    /// The side that is put into the hash table.
    pub right: Plan,
    /// Pairs that must be equal: over the left side, over the right side. Both have one type.
    pub keys: Vec<(Expr, Expr)>,
    /// Further conditions over both sides' columns.
    pub condition: Option<Expr>,
    pub inner_unique: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// No keys: one row, always.
    Plain,
    Hashed,
    /// The input arrives ordered by the keys.
    Sorted,
}

/// Output: the keys, then the calls, then for each entry of `groupings` an `int4`.
#[derive(Debug)]
pub struct Aggregate {
    pub input: Plan,
    pub strategy: Strategy,
    pub keys: Vec<Expr>,
    /// The keys from here on follow from those before and need not be compared.
    pub compared: usize,
    /// Grouping sets as positions in `keys`; one set of all keys for a plain GROUP BY.
    pub sets: Vec<Vec<usize>>,
    pub calls: Vec<AggCall>,
    /// `GROUPING(...)` calls, as positions in `keys`.
    pub groupings: Vec<Vec<usize>>,
}

/// Output: the input, then one column for each call. All calls share partition, order and frame.
#[derive(Debug)]
pub struct Window {
    /// Ordered by partition, then order.
    pub input: Plan,
    pub partition: Vec<Expr>,
    pub order: Vec<SortKey>,
    pub frame: Frame,
    pub calls: Vec<WindowCall>,
}

#[derive(Debug)]
pub struct Distinct {
    pub input: Plan,
    /// DISTINCT ON: expressions; none compares whole rows.
    pub on: Option<Vec<Expr>>,
    /// Equal rows arrive together.
    pub sorted: bool,
}

#[derive(Debug)]
pub struct Sort {
    pub input: Plan,
    pub keys: Vec<SortKey>,
    /// No more rows than this (LIMIT + OFFSET) are asked for.
    pub bound: Option<Expr>,
}

#[derive(Debug)]
pub struct Limit {
    pub input: Plan,
    pub count: Option<Expr>,
    pub offset: Option<Expr>,
    /// WITH TIES: the order whose peers of the last row also come.
    pub ties: Option<Vec<SortKey>>,
}

/// INTERSECT and EXCEPT by hash; UNION is an [`Append`] (and a [`Distinct`]).
#[derive(Debug)]
pub struct SetOp {
    pub kind: SetOpKind,
    pub all: bool,
    pub left: Plan,
    pub right: Plan,
}

#[derive(Debug)]
pub struct Append {
    pub inputs: Vec<Plan>,
}

#[derive(Debug)]
pub struct RecursiveUnion {
    pub worktable: usize,
    pub seed: Plan,
    pub step: Plan,
    /// UNION: a row that was already returned is dropped.
    pub distinct: bool,
}

#[derive(Debug)]
pub struct LockRows {
    pub input: Plan,
    pub targets: Vec<LockTarget>,
}

#[derive(Debug)]
pub struct LockTarget {
    pub def: Arc<TableDef>,
    pub alias: Arc<str>,
    /// Position of the row key in the input; NULL on the missing side of an outer join.
    pub key_column: usize,
    pub strength: LockStrength,
    pub wait: LockWait,
}

/// Output with RETURNING: its expressions. Without: nothing, only the count.
#[derive(Debug)]
pub struct Insert {
    /// Whole rows in `Table::columns` order, NULL where a column is dropped or generated.
    pub input: Plan,
    pub table: Arc<Definition>,
    pub alias: Arc<str>,
    pub conflict: Option<Conflict>,
    /// Over the row as stored and then its `tableoid`.
    pub returning: Option<Vec<Expr>>,
}

#[derive(Debug)]
pub struct Conflict {
    /// Positions in [`TableDef::indexes`]; empty: any unique one.
    pub arbiters: Vec<usize>,
    pub update: Option<ConflictUpdate>,
}

/// Expressions over the existing row and then the row proposed for insertion (`excluded`).
#[derive(Debug)]
pub struct ConflictUpdate {
    pub set: Vec<(usize, Expr)>,
    pub filter: Option<Expr>,
}

#[derive(Debug)]
pub struct Update {
    /// One row for each row to change; a key that comes again is passed over.
    pub input: Plan,
    pub table: Arc<Definition>,
    pub alias: Arc<str>,
    /// Position of the row key in the input.
    pub key_column: usize,
    /// By position in `Table::columns`: where the input has the old value; none for dropped columns.
    pub old: Vec<Option<usize>>,
    /// New values: column of the table, expression over the input.
    pub set: Vec<(usize, Expr)>,
    /// Over the new row, then its `tableoid`, then the input.
    pub returning: Option<Vec<Expr>>,
}

#[derive(Debug)]
pub struct Merge {
    /// The source joined to the target.
    pub input: Plan,
    pub table: Arc<Definition>,
    pub alias: Arc<str>,
    /// Position of the row key in the input; NULL where there is no row in the target.
    pub key_column: usize,
    /// By position in `Table::columns`: where the input has the old value; none for dropped columns.
    pub old: Vec<Option<usize>>,
    pub actions: Vec<MergeAction>,
}

/// All expressions are over the input.
#[derive(Debug)]
pub struct MergeAction {
    pub matched: bool,
    pub condition: Option<Expr>,
    pub deed: MergeDeed,
}

#[derive(Debug)]
pub enum MergeDeed {
    Nothing,
    Delete,
    /// As [`Update::set`].
    Update(Vec<(usize, Expr)>),
    /// A value for each column of the table.
    Insert(Vec<Expr>),
}

#[derive(Debug)]
pub struct Delete {
    pub input: Plan,
    pub table: Arc<Definition>,
    pub alias: Arc<str>,
    pub key_column: usize,
    /// By position in `Table::columns`: where the input has the old value.
    pub old: Vec<Option<usize>>,
    /// Over the input.
    pub returning: Option<Vec<Expr>>,
}
