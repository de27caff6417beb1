//! Queries: SELECT, VALUES, TABLE, set operations and their clauses.

use super::{
    Alias, ColumnDef, Expr, FunctionCall, Ident, Pos, QualifiedName, RelationName, RelationRef, Statement, TypeName,
    WindowSpec, XmlAttribute,
};

/// A whole query: a body, and the clauses that apply to all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub with: Option<With>,
    pub body: QueryBody,
    pub order_by: Vec<SortBy>,
    pub limit: Option<Limit>,
    pub offset: Option<Expr>,
    /// FOR UPDATE and its kin.
    pub locking: Vec<Locking>,
    /// Where the body begins.
    pub pos: Pos,
}

/// What a query computes before ORDER BY and the rest.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryBody {
    Select(Box<Select>),
    /// Rows of expressions, all of which must have the same length; that is for the binder to check.
    Values(Vec<Vec<Expr>>),
    SetOp(Box<SetOp>),
    /// A parenthesised query with clauses of its own, as an operand of a set operation.
    Query(Box<Query>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct SetOp {
    pub kind: SetOpKind,
    pub all: bool,
    pub left: QueryBody,
    pub right: QueryBody,
    pub pos: Pos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOpKind {
    Union,
    Intersect,
    Except,
}

/// `TABLE t` is `SELECT * FROM t`.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    pub distinct: Option<Distinct>,
    /// May be empty: PostgreSQL allows `SELECT FROM t`.
    pub targets: Vec<SelectTarget>,
    pub into: Option<IntoClause>,
    pub from: Vec<TableRef>,
    pub filter: Option<Expr>,
    pub group_by: Vec<GroupItem>,
    /// GROUP BY DISTINCT.
    pub group_distinct: bool,
    pub having: Option<Expr>,
    pub windows: Vec<WindowDef>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Distinct {
    All,
    On(Vec<Expr>),
}

/// One column of a target list; `*` and `t.*` are column references with a star.
#[derive(Debug, Clone, PartialEq)]
pub struct SelectTarget {
    pub expr: Expr,
    pub alias: Option<Ident>,
}

/// `INTO [TEMP | UNLOGGED] name`, and the target of CREATE TABLE AS.
#[derive(Debug, Clone, PartialEq)]
pub struct IntoClause {
    pub name: RelationName,
    pub persistence: super::Persistence,
}

#[derive(Debug, Clone, PartialEq)]
pub enum GroupItem {
    /// `()`.
    Empty,
    Expr(Expr),
    Rollup(Vec<Expr>),
    Cube(Vec<Expr>),
    /// GROUPING SETS (...), which nest.
    Sets(Vec<GroupItem>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct WindowDef {
    pub name: Ident,
    pub spec: WindowSpec,
}

/// One item of ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub struct SortBy {
    pub expr: Expr,
    pub direction: SortDirection,
    pub nulls: NullsOrder,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SortDirection {
    Default,
    Asc,
    Desc,
    Using(super::OperatorName),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullsOrder {
    Default,
    First,
    Last,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// `None` for LIMIT ALL.
    pub count: Option<Expr>,
    pub with_ties: bool,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Locking {
    pub strength: LockStrength,
    /// The relations after OF; empty for all.
    pub of: Vec<RelationName>,
    pub wait: LockWait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockStrength {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockWait {
    Block,
    SkipLocked,
    NoWait,
}

#[derive(Debug, Clone, PartialEq)]
pub struct With {
    pub recursive: bool,
    pub ctes: Vec<Cte>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    pub name: Ident,
    pub columns: Vec<Ident>,
    /// [NOT] MATERIALIZED, if written.
    pub materialized: Option<bool>,
    /// SELECT, INSERT, UPDATE or DELETE; the grammar also lets MERGE through.
    pub statement: Statement,
    pub search: Option<CteSearch>,
    pub cycle: Option<CteCycle>,
}

/// SEARCH BREADTH | DEPTH FIRST BY columns SET column.
#[derive(Debug, Clone, PartialEq)]
pub struct CteSearch {
    pub breadth_first: bool,
    pub columns: Vec<Ident>,
    pub sequence_column: Ident,
    pub pos: Pos,
}

/// CYCLE columns SET column [TO value DEFAULT value] USING column.
#[derive(Debug, Clone, PartialEq)]
pub struct CteCycle {
    pub columns: Vec<Ident>,
    pub mark_column: Ident,
    /// TRUE and FALSE where not written.
    pub mark_value: Expr,
    pub mark_default: Expr,
    pub path_column: Ident,
    pub pos: Pos,
}

/// One item of FROM.
#[derive(Debug, Clone, PartialEq)]
pub enum TableRef {
    Relation {
        relation: RelationRef,
        alias: Option<Alias>,
        sample: Option<Box<TableSample>>,
    },
    Function(Box<TableFunction>),
    Subquery {
        lateral: bool,
        query: Box<Query>,
        /// PostgreSQL 15 demands one; the parser has checked.
        alias: Option<Alias>,
        pos: Pos,
    },
    Join(Box<Join>),
    XmlTable(Box<XmlTable>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct TableSample {
    pub method: QualifiedName,
    pub args: Vec<Expr>,
    pub repeatable: Option<Expr>,
    pub pos: Pos,
}

/// `f(x)`, or ROWS FROM (f(x), g(y)).
#[derive(Debug, Clone, PartialEq)]
pub struct TableFunction {
    pub lateral: bool,
    /// ROWS FROM was written.
    pub rows_from: bool,
    /// One unless `rows_from`.
    pub functions: Vec<RowsFromItem>,
    pub ordinality: bool,
    pub alias: Option<Alias>,
    /// `AS [alias] (column type, ...)` after the whole.
    pub columns: Vec<ColumnDef>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RowsFromItem {
    /// A function call, or an expression that looks like one (CURRENT_DATE, COALESCE(...), CAST(...)).
    pub function: Expr,
    /// `AS (column type, ...)` of this function.
    pub columns: Vec<ColumnDef>,
}

impl RowsFromItem {
    /// The call, when the function is an ordinary one.
    pub fn call(&self) -> Option<&FunctionCall> {
        match &self.function.kind {
            super::ExprKind::Function(call) => Some(call),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    pub left: TableRef,
    pub right: TableRef,
    pub constraint: JoinConstraint,
    /// `(a JOIN b ...) AS alias`.
    pub alias: Option<Alias>,
    pub pos: Pos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

#[derive(Debug, Clone, PartialEq)]
pub enum JoinConstraint {
    /// Only of CROSS JOIN.
    None,
    On(Expr),
    Using {
        columns: Vec<Ident>,
        /// `USING (...) AS alias`.
        alias: Option<Ident>,
    },
    Natural,
}

#[derive(Debug, Clone, PartialEq)]
pub struct XmlTable {
    pub lateral: bool,
    pub namespaces: Vec<XmlAttribute>,
    pub row: Expr,
    pub document: Expr,
    pub columns: Vec<XmlTableColumn>,
    pub alias: Option<Alias>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct XmlTableColumn {
    pub name: Ident,
    /// `None` for FOR ORDINALITY.
    pub type_name: Option<TypeName>,
    pub path: Option<Expr>,
    pub default: Option<Expr>,
    pub not_null: bool,
}
