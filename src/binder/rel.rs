//! The logical plan: what the binder makes of a statement, before anyone thinks about how to run it.
//!
//! A [`Rel`] is a relation: a bag of rows whose columns are named by [`ColId`]s. A column gets its id where it is
//! born (a scan, a projection, an aggregate, ...) and keeps it through every node that passes it on, so that expressions
//! above need no renumbering when nodes move. An expression may mention a column that its own input does not
//! produce: that is a reference to an enclosing query, or, under a lateral join, to the join's left side.
//!
//! Ids are dense from 0 within a statement and shared by the main tree and all subqueries; [`Query::columns`] tells the
//! name and type of each. Every relation in a FROM clause is a fresh instance with fresh ids, CTEs and views included,
//! so one id never stands for two things. The one thing to keep in mind: an outer join passes the ids of its nullable
//! side on, but above the join they may be null where below it they were not.
//!
//! Subqueries in expressions are [`Expr::Subquery`](crate::expr::Expr) nodes whose plan is `subqueries[id]`; their
//! `args` are empty here, the planner fills in which outer columns they need.

use crate::base::Oid;
use crate::catalog::{SystemTable, Table};
use crate::expr::{ColId, Expr, Function};
use crate::types::SqlType;
use std::sync::Arc;

/// A bound SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE.
#[derive(Debug, Clone)]
pub struct Query {
    pub kind: StatementKind,
    pub root: Rel,
    /// What the client sees, in order. Columns of `root` that are not listed (sort keys) are dropped; one column may
    /// be listed twice.
    pub output: Vec<OutputColumn>,
    /// Indexed by `SubqueryId`: the plans of `Expr::Subquery`.
    pub subqueries: Vec<Subquery>,
    /// Indexed by `ColId`.
    pub columns: Vec<ColumnInfo>,
    /// The type of each parameter, `$1` first.
    pub params: Vec<SqlType>,
    /// The relations touched, and how: for privileges and for invalidation.
    pub access: Vec<Access>,
    /// True if nothing in it writes or locks rows (functions aside).
    pub read_only: bool,
    /// One more than the highest CTE id in use.
    pub cte_count: usize,
    /// A literal was read that depends on the time or on settings (`'now'::timestamptz`, `'public.t'::regclass`): the
    /// plan must not outlive the transaction in a cache.
    pub literals_unstable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementKind {
    Select,
    Insert,
    Update,
    Delete,
    Merge,
}

/// A column of the result, as RowDescription tells it.
#[derive(Debug, Clone)]
pub struct OutputColumn {
    pub name: String,
    pub id: ColId,
    pub ty: SqlType,
    /// The table and attribute number when the column is a plain column of a table.
    pub origin: Option<(Oid, i16)>,
}

/// What a `ColId` stands for.
#[derive(Debug, Clone)]
pub struct ColumnInfo {
    /// The alias of the FROM item that it belongs to; none for computed columns.
    pub relation: Option<Arc<str>>,
    pub name: Arc<str>,
    pub ty: SqlType,
}

/// The plan of a subquery in an expression.
#[derive(Debug, Clone)]
pub struct Subquery {
    pub root: Rel,
    /// Its visible columns: one for a scalar or ARRAY subquery, as many as there are left operands for IN / ANY / ALL,
    /// none for EXISTS.
    pub output: Vec<ColId>,
}

/// What a statement does to a relation, and to which of its columns (attribute numbers; empty: the relation as a whole).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub relation: Oid,
    pub mode: AccessMode,
    pub columns: Vec<i16>,
    /// The role whose rights are asked for, when it is not the current one: the owner of the view in between.
    pub role: Option<Oid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessMode {
    Select,
    /// Its rows are locked, which needs the right to change them.
    Lock,
    Insert,
    Update,
    Delete,
}

#[derive(Debug, Clone)]
pub enum Rel {
    /// One row without columns: `SELECT 1` has it under its projection.
    Unit,
    /// No rows, with these columns.
    Empty {
        columns: Vec<ColId>,
    },
    Scan(Scan),
    SystemScan(SystemScan),
    /// Rows of expressions; there may be none, and they may have no columns.
    Values {
        columns: Vec<ColId>,
        rows: Vec<Vec<Expr>>,
    },
    /// Functions in FROM.
    Function(FunctionScan),
    Filter {
        input: Box<Rel>,
        predicate: Expr,
    },
    /// Exactly these columns; the input's are passed on only where listed as `Expr::Column` under their own id.
    Project {
        input: Box<Rel>,
        exprs: Vec<(ColId, Expr)>,
    },
    /// Set-returning functions of a target list: all input columns and one column for each call. They run in lockstep, as
    /// many rows as the longest gives, the others padded with NULL; an input row for which all are empty is dropped.
    ProjectSet {
        input: Box<Rel>,
        calls: Vec<(ColId, SetCall)>,
    },
    Join(Join),
    Aggregate(Aggregate),
    Window(Window),
    /// DISTINCT over all `columns`, or DISTINCT ON over `on` (the first row of each group in the order of the input, whose
    /// Sort begins with the same expressions in some order). Passes on all input columns; with plain DISTINCT the input has no others
    /// than `columns`.
    Distinct {
        input: Box<Rel>,
        on: DistinctOn,
    },
    /// Passes on all input columns.
    Sort {
        input: Box<Rel>,
        keys: Vec<SortKey>,
    },
    Limit(Limit),
    SetOp(SetOp),
    /// `definition`, which `body` (and subqueries in it) reads through [`Rel::CteRef`].
    Cte {
        cte: Box<Cte>,
        body: Box<Rel>,
    },
    CteRef(CteRef),
    /// WITH RECURSIVE: always the definition of a CTE.
    Recursive(Box<Recursive>),
    /// Inside a recursive step: the rows that the last round added.
    WorkTable(CteRef),
    /// FOR UPDATE and its kin. Passes on all input columns.
    LockRows {
        input: Box<Rel>,
        targets: Vec<LockTarget>,
    },
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),
}

/// A table's rows.
#[derive(Debug, Clone)]
pub struct Scan {
    pub table: Arc<Table>,
    pub alias: Arc<str>,
    /// The columns read: the id and the position in `table.columns`. All columns that are not dropped, until the planner has
    /// removed what nobody mentions.
    pub columns: Vec<(ColId, usize)>,
    /// The row's key as `bytea`, when something above changes or locks rows of this scan.
    pub key: Option<ColId>,
    /// The `tableoid` system column, if mentioned.
    pub tableoid: Option<ColId>,
}

/// Rows of a `pg_catalog` table, computed from the catalog.
#[derive(Debug, Clone)]
pub struct SystemScan {
    pub table: &'static SystemTable,
    pub alias: Arc<str>,
    /// The id and the position in the table's columns.
    pub columns: Vec<(ColId, usize)>,
    pub tableoid: Option<ColId>,
}

/// `FROM f(x)`, `ROWS FROM (f(x), g(y))`: several run in lockstep, padded with NULL.
#[derive(Debug, Clone)]
pub struct FunctionScan {
    pub alias: Arc<str>,
    pub functions: Vec<TableFunction>,
    /// WITH ORDINALITY: `int8` from 1.
    pub ordinality: Option<ColId>,
}

#[derive(Debug, Clone)]
pub struct TableFunction {
    pub source: FunctionSource,
    /// What it contributes: one column for a scalar result; a column for each field of a row result, where a NULL row
    /// gives NULLs.
    pub columns: Vec<ColId>,
    /// The result is a row to be taken apart.
    pub row: bool,
}

#[derive(Debug, Clone)]
pub enum FunctionSource {
    Set(SetCall),
    /// Not set-returning: one row.
    Scalar(Expr),
}

/// The call of a set-returning function.
#[derive(Debug, Clone)]
pub struct SetCall {
    pub func: &'static Function,
    pub args: Vec<Expr>,
    /// The type of one result.
    pub ty: SqlType,
}

#[derive(Debug, Clone)]
pub struct Join {
    pub kind: JoinKind,
    pub left: Box<Rel>,
    pub right: Box<Rel>,
    /// None for a cross join.
    pub on: Option<Expr>,
    /// The right side mentions columns of the left: it is computed again for each left row.
    pub lateral: bool,
}

/// The binder itself makes no `Semi` and `Anti`; the planner does, of EXISTS and IN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Semi,
    Anti,
}

/// Produces `group`, `aggs` and `grouping`. Without `group` and `sets` it gives exactly one row.
#[derive(Debug, Clone)]
pub struct Aggregate {
    pub input: Box<Rel>,
    pub group: Vec<(ColId, Expr)>,
    /// `group[dependent_from..]` follow from the others (columns of a table grouped by its primary key): they are constant
    /// within a group and need not be compared.
    pub dependent_from: usize,
    /// GROUPING SETS, ROLLUP, CUBE: positions in `group`, one list for each set; a column absent from the row's set is NULL.
    pub sets: Option<Vec<Vec<usize>>>,
    pub aggs: Vec<(ColId, AggCall)>,
    /// GROUPING(...): the positions in `group` of its arguments, whose bits (1 = absent from the row's set, the last
    /// argument lowest) make an `int4`.
    pub grouping: Vec<(ColId, Vec<usize>)>,
}

#[derive(Debug, Clone)]
pub struct AggCall {
    pub func: &'static Function,
    /// The values aggregated; empty for `count(*)`.
    pub args: Vec<Expr>,
    /// Arguments before WITHIN GROUP: constant within a group.
    pub direct: Vec<Expr>,
    pub distinct: bool,
    /// The order in which values arrive; of an ordered-set aggregate, the WITHIN GROUP order, whose expressions are `args`.
    pub order: Vec<SortKey>,
    pub filter: Option<Expr>,
    pub ty: SqlType,
}

/// Passes on all input columns and adds those of the calls.
#[derive(Debug, Clone)]
pub struct Window {
    pub input: Box<Rel>,
    pub specs: Vec<WindowSpec>,
}

/// Calls over the same partitions, order and frame.
#[derive(Debug, Clone)]
pub struct WindowSpec {
    pub partition: Vec<Expr>,
    pub order: Vec<SortKey>,
    pub frame: Frame,
    pub calls: Vec<(ColId, WindowCall)>,
}

/// `func` is a window function or an aggregate.
#[derive(Debug, Clone)]
pub struct WindowCall {
    pub func: &'static Function,
    pub args: Vec<Expr>,
    pub filter: Option<Expr>,
    pub ty: SqlType,
}

#[derive(Debug, Clone)]
pub struct Frame {
    pub unit: FrameUnit,
    pub start: FrameBound,
    pub end: FrameBound,
    pub exclude: FrameExclude,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameUnit {
    Rows,
    Range,
    Groups,
}

/// Offsets are `int8` for ROWS and GROUPS. For RANGE, `Offset::minus` and `plus` move the value of the one sort key.
#[derive(Debug, Clone)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(FrameOffset),
    CurrentRow,
    Following(FrameOffset),
    UnboundedFollowing,
}

#[derive(Debug, Clone)]
pub struct FrameOffset {
    pub value: Expr,
    /// RANGE only: the functions of `key - offset` and `key + offset`.
    pub range: Option<(&'static Function, &'static Function)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameExclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

#[derive(Debug, Clone)]
pub enum DistinctOn {
    All(Vec<ColId>),
    On(Vec<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    pub expr: Expr,
    pub descending: bool,
    pub nulls_first: bool,
}

/// `limit` and `offset` are `int8`; NULL is none, negative is an error at run time (2201W, 2201X).
#[derive(Debug, Clone)]
pub struct Limit {
    pub input: Box<Rel>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
    /// WITH TIES: rows that equal the last one by these keys follow it. The keys of the Sort below.
    pub ties: Option<Vec<SortKey>>,
}

/// Both sides have been brought to the same types; `columns[i]` is `left_columns[i]` or `right_columns[i]`.
#[derive(Debug, Clone)]
pub struct SetOp {
    pub kind: SetOpKind,
    pub all: bool,
    pub left: Box<Rel>,
    pub left_columns: Vec<ColId>,
    pub right: Box<Rel>,
    pub right_columns: Vec<ColId>,
    pub columns: Vec<ColId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOpKind {
    Union,
    Intersect,
    Except,
}

#[derive(Debug, Clone)]
pub struct Cte {
    pub id: usize,
    pub name: Arc<str>,
    pub definition: Rel,
    /// The definition's columns, in the order that [`CteRef::columns`] counts.
    pub output: Vec<ColId>,
    /// [NOT] MATERIALIZED as written.
    pub materialized: Option<bool>,
    /// How often it is read.
    pub references: usize,
    /// The definition changes rows: it runs exactly once and to its end, even if `references` is 0.
    pub modifies: bool,
}

/// `columns[i]` is this reader's own id for column `i` of the CTE.
#[derive(Debug, Clone)]
pub struct CteRef {
    pub id: usize,
    pub alias: Arc<str>,
    pub columns: Vec<ColId>,
}

/// The seed's rows; then `step` over [`Rel::WorkTable`] holding what the last round added, until a round adds nothing. Unless
/// `all`, rows that have been seen are dropped.
#[derive(Debug, Clone)]
pub struct Recursive {
    /// The id of the CTE: its work table's name.
    pub id: usize,
    pub all: bool,
    pub seed: Rel,
    pub seed_columns: Vec<ColId>,
    pub step: Rel,
    pub step_columns: Vec<ColId>,
    pub columns: Vec<ColId>,
}

#[derive(Debug, Clone)]
pub struct LockTarget {
    pub table: Arc<Table>,
    pub alias: Arc<str>,
    /// The scan's row key; NULL where an outer join has padded.
    pub key: ColId,
    pub strength: LockStrength,
    pub wait: LockWait,
}

pub use crate::parser::ast::{LockStrength, LockWait};

/// New rows: for each row of `source`, the row `values`, one for each of `table.columns`.
#[derive(Debug, Clone)]
pub struct Insert {
    pub table: Arc<Table>,
    pub alias: Arc<str>,
    pub source: Rel,
    /// By position in `table.columns`: an expression over the source's columns (already of the column's type, defaults filled
    /// in), none for dropped columns and for generated columns, which are computed from the finished row.
    pub values: Vec<Option<Expr>>,
    pub on_conflict: Option<OnConflict>,
    /// By position in `table.columns`: the ids under which `returning` sees the row as stored, and DO UPDATE the row that was
    /// there before.
    pub row: Vec<ColId>,
    pub tableoid: Option<ColId>,
    /// None without RETURNING. The columns of this relation.
    pub returning: Option<Vec<(ColId, Expr)>>,
}

#[derive(Debug, Clone)]
pub struct OnConflict {
    /// The unique indexes that decide; empty means any of them.
    pub arbiters: Vec<Oid>,
    pub action: ConflictAction,
}

#[derive(Debug, Clone)]
pub enum ConflictAction {
    Nothing,
    Update {
        /// Position in `table.columns` and the new value, over `Insert::row` and `excluded`.
        assignments: Vec<(usize, Expr)>,
        filter: Option<Expr>,
        /// By position in `table.columns`: the ids of the row proposed for insertion.
        excluded: Vec<ColId>,
    },
}

/// Changes the row that `key` names, for each row of `input` (only once for a key that comes again).
#[derive(Debug, Clone)]
pub struct Update {
    pub table: Arc<Table>,
    pub alias: Arc<str>,
    pub input: Rel,
    pub key: ColId,
    /// By position in `table.columns`: the old row in `input`. Dropped columns have ids that nothing produces.
    pub old: Vec<ColId>,
    /// Position in `table.columns` and the new value, over the input's columns. Generated columns are computed after.
    pub assignments: Vec<(usize, Expr)>,
    /// By position in `table.columns`: the ids under which `returning` sees the new row; it also sees the input's other columns.
    pub new: Vec<ColId>,
    pub tableoid: Option<ColId>,
    pub returning: Option<Vec<(ColId, Expr)>>,
}

/// Does with each row of `input` what the first action that fits it says.
#[derive(Debug, Clone)]
pub struct Merge {
    pub table: Arc<Table>,
    pub alias: Arc<str>,
    /// The source joined to the target.
    pub input: Rel,
    /// Names the target's row; NULL where the source's row has no partner.
    pub key: ColId,
    /// By position in `table.columns`: the old row in `input`.
    pub old: Vec<ColId>,
    pub actions: Vec<MergeAction>,
}

#[derive(Debug, Clone)]
pub struct MergeAction {
    /// For rows with a partner in the target, or for those without.
    pub matched: bool,
    pub condition: Option<Expr>,
    pub deed: MergeDeed,
}

#[derive(Debug, Clone)]
pub enum MergeDeed {
    Nothing,
    Delete,
    /// As [`Update::assignments`].
    Update(Vec<(usize, Expr)>),
    /// As [`Insert::values`].
    Insert(Vec<Option<Expr>>),
}

impl MergeAction {
    pub fn exprs(&self) -> Vec<&Expr> {
        let mut all: Vec<&Expr> = self.condition.iter().collect();
        match &self.deed {
            MergeDeed::Update(set) => all.extend(set.iter().map(|a| &a.1)),
            MergeDeed::Insert(values) => all.extend(values.iter().flatten()),
            MergeDeed::Nothing | MergeDeed::Delete => {}
        }
        all
    }

    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        let mut all: Vec<&mut Expr> = self.condition.iter_mut().collect();
        match &mut self.deed {
            MergeDeed::Update(set) => all.extend(set.iter_mut().map(|a| &mut a.1)),
            MergeDeed::Insert(values) => all.extend(values.iter_mut().flatten()),
            MergeDeed::Nothing | MergeDeed::Delete => {}
        }
        all
    }
}

/// Deletes the row that `key` names, for each row of `input` (only once for a key that comes again).
#[derive(Debug, Clone)]
pub struct Delete {
    pub table: Arc<Table>,
    pub alias: Arc<str>,
    pub input: Rel,
    pub key: ColId,
    /// By position in `table.columns`: the old row in `input`.
    pub old: Vec<ColId>,
    /// Over the input's columns.
    pub returning: Option<Vec<(ColId, Expr)>>,
}

impl Rel {
    /// The ids of the columns that this relation produces, in order.
    pub fn columns(&self) -> Vec<ColId> {
        let mut out = Vec::new();
        self.push_columns(&mut out);
        out
    }

    fn push_columns(&self, out: &mut Vec<ColId>) {
        match self {
            Rel::Unit => {}
            Rel::Empty { columns } | Rel::Values { columns, .. } => out.extend(columns),
            Rel::Scan(s) => {
                out.extend(s.columns.iter().map(|c| c.0));
                out.extend(s.key);
                out.extend(s.tableoid);
            }
            Rel::SystemScan(s) => {
                out.extend(s.columns.iter().map(|c| c.0));
                out.extend(s.tableoid);
            }
            Rel::Function(f) => {
                out.extend(f.functions.iter().flat_map(|f| &f.columns));
                out.extend(f.ordinality);
            }
            Rel::Project { exprs, .. } => out.extend(exprs.iter().map(|e| e.0)),
            Rel::ProjectSet { input, calls } => {
                input.push_columns(out);
                out.extend(calls.iter().map(|c| c.0));
            }
            Rel::Join(j) => {
                j.left.push_columns(out);
                if !matches!(j.kind, JoinKind::Semi | JoinKind::Anti) {
                    j.right.push_columns(out);
                }
            }
            Rel::Aggregate(a) => {
                out.extend(a.group.iter().map(|g| g.0));
                out.extend(a.aggs.iter().map(|g| g.0));
                out.extend(a.grouping.iter().map(|g| g.0));
            }
            Rel::Window(w) => {
                w.input.push_columns(out);
                out.extend(w.specs.iter().flat_map(|s| &s.calls).map(|c| c.0));
            }
            Rel::Filter { input, .. }
            | Rel::Distinct { input, .. }
            | Rel::Sort { input, .. }
            | Rel::LockRows { input, .. } => input.push_columns(out),
            Rel::Limit(l) => l.input.push_columns(out),
            Rel::SetOp(s) => out.extend(&s.columns),
            Rel::Cte { body, .. } => body.push_columns(out),
            Rel::CteRef(c) | Rel::WorkTable(c) => out.extend(&c.columns),
            Rel::Recursive(r) => out.extend(&r.columns),
            Rel::Insert(i) => push_returning(&i.returning, out),
            Rel::Update(u) => push_returning(&u.returning, out),
            Rel::Delete(d) => push_returning(&d.returning, out),
            Rel::Merge(_) => {}
        }
    }
}

fn push_returning(returning: &Option<Vec<(ColId, Expr)>>, out: &mut Vec<ColId>) {
    out.extend(returning.iter().flatten().map(|r| r.0));
}
