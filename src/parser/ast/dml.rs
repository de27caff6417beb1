//! INSERT, UPDATE, DELETE and MERGE.

use super::{Alias, Expr, Ident, IndexElement, Indirection, Pos, Query, RelationRef, SelectTarget, TableRef, With};

/// The `RETURNING` list of a DML statement: like a target list. Empty when there is none.
pub type Returning = Vec<SelectTarget>;

#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    pub with: Option<With>,
    pub relation: RelationRef,
    pub alias: Option<Alias>,
    /// Empty when no column list was written.
    pub columns: Vec<AssignTarget>,
    pub overriding: Option<Overriding>,
    pub source: InsertSource,
    pub on_conflict: Option<OnConflict>,
    pub returning: Returning,
}

#[derive(Debug, Clone, PartialEq)]
pub enum InsertSource {
    DefaultValues,
    /// VALUES or any query; of VALUES, expressions may be [`ExprKind::Default`](super::ExprKind::Default).
    Query(Box<Query>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overriding {
    User,
    System,
}

/// A column to assign to, or a part of one: `a`, `a[1]`, `a.b`.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignTarget {
    pub column: Ident,
    pub steps: Vec<Indirection>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OnConflict {
    pub target: Option<ConflictTarget>,
    pub action: ConflictAction,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ConflictTarget {
    Index { elements: Vec<IndexElement>, filter: Option<Expr>, pos: Pos },
    Constraint(Ident),
}

#[derive(Debug, Clone, PartialEq)]
pub enum ConflictAction {
    Nothing,
    Update { assignments: Vec<Assignment>, filter: Option<Expr> },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Assignment {
    Single {
        target: AssignTarget,
        value: Expr,
    },
    /// `(a, b) = source`, the source a row, a subquery or any expression that yields a row.
    Multi {
        targets: Vec<AssignTarget>,
        source: Expr,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    pub with: Option<With>,
    pub relation: RelationRef,
    pub alias: Option<Alias>,
    pub assignments: Vec<Assignment>,
    pub from: Vec<TableRef>,
    pub filter: Option<Expr>,
    pub returning: Returning,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    pub with: Option<With>,
    pub relation: RelationRef,
    pub alias: Option<Alias>,
    pub using: Vec<TableRef>,
    pub filter: Option<Expr>,
    pub returning: Returning,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    pub with: Option<With>,
    pub relation: RelationRef,
    pub alias: Option<Alias>,
    pub source: TableRef,
    pub on: Expr,
    pub whens: Vec<MergeWhen>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MergeWhen {
    pub matched: bool,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Debug, Clone, PartialEq)]
pub enum MergeAction {
    DoNothing,
    Delete,
    Update(Vec<Assignment>),
    Insert {
        columns: Vec<AssignTarget>,
        overriding: Option<Overriding>,
        /// `None` for DEFAULT VALUES.
        values: Option<Vec<Expr>>,
    },
}
