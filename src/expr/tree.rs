//! The expression tree. Every node knows its type; names are already resolved and casts are explicit nodes.
//!
//! One tree serves logical and physical plans. Logical plans refer to values by [`Expr::Column`], whose [`ColId`] is
//! unique in a statement, so moving an expression between nodes of a plan never renumbers it; the planner replaces
//! columns by [`Expr::Input`] positions at the end.

use super::function::{Function, Operator};
use crate::types::{Datum, SqlType, oid};

/// A column of some relation in one statement's logical plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColId(pub u32);

/// A subquery of one statement; its plan is kept beside the expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubqueryId(pub u32);

/// How a call was written: what EXPLAIN and view definitions print. Evaluation does not look at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Call,
    Operator(&'static Operator),
    /// `x::t` or `CAST(x AS t)`.
    Cast,
    /// A cast nobody wrote.
    ImplicitCast,
}

#[derive(Clone, Debug)]
pub enum Coercion {
    /// The value's form in memory does not change (`varchar` to `text`, `int4` to `oid` does change and is a call).
    Relabel,
    /// Through text: the source's output function, then the target's input function.
    InOut,
    /// Applies the modifier of the node's type to a value of that type already: `varchar(3)`, `numeric(5,2)`.
    /// An explicit coercion truncates text silently.
    Typmod { explicit: bool },
    /// Each element of an array; [`Expr::CaseValue`] inside stands for the element.
    Elements(Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolTest {
    True,
    NotTrue,
    False,
    NotFalse,
    Unknown,
    NotUnknown,
}

/// The comparison of rows as wholes: `(a, b) < (c, d)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    Lt,
    Le,
    Gt,
    Ge,
}

/// How the pairwise tests of a row comparison combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowTest {
    /// All of them hold: `=`.
    Every,
    /// One of them holds: `<>`.
    Some,
    /// Lexicographic order.
    Order(RowOrder),
}

/// `left op ANY (subquery)`: `ops[i]` compares `left[i]` with the subquery's column `i`.
#[derive(Clone, Debug)]
pub struct Quantified {
    pub left: Vec<Expr>,
    pub ops: Vec<&'static Function>,
    pub test: RowTest,
    /// ALL rather than ANY.
    pub all: bool,
}

#[derive(Clone, Debug)]
pub enum SubqueryKind {
    /// The one value of a query of at most one row; NULL when there is none.
    Scalar,
    Exists,
    /// `ARRAY(SELECT ..)`.
    Array,
    Quantified(Box<Quantified>),
}

/// One dimension of `a[..]`. `lower` only in slices; a missing bound of a slice is the array's own.
#[derive(Clone, Debug)]
pub enum Index {
    At(Expr),
    Slice { lower: Option<Expr>, upper: Option<Expr> },
}

#[derive(Clone, Debug)]
pub enum Expr {
    Const {
        value: Datum,
        ty: SqlType,
    },
    /// A column of a logical plan, possibly of an outer query.
    Column {
        id: ColId,
        ty: SqlType,
    },
    /// A column of the input batch, in physical plans.
    Input {
        index: usize,
        ty: SqlType,
    },
    /// A parameter of the statement; `$1` is index 0.
    Param {
        index: usize,
        ty: SqlType,
    },
    /// A value that an enclosing nested loop or correlated subquery sets: [`EvalContext::exec`](super::EvalContext).
    Exec {
        slot: usize,
        ty: SqlType,
    },
    /// A function, operator or cast function. Spelled-out variadic arguments are packed into an [`Expr::Array`] already.
    Call {
        func: &'static Function,
        args: Vec<Expr>,
        ty: SqlType,
        form: Form,
    },
    Coerce {
        arg: Box<Expr>,
        ty: SqlType,
        how: Coercion,
        implicit: bool,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// IS [NOT] NULL. With `row`, the argument is a row and each of its fields must be (not) null.
    IsNull {
        arg: Box<Expr>,
        negated: bool,
        row: bool,
    },
    IsBool {
        arg: Box<Expr>,
        test: BoolTest,
    },
    /// IS [NOT] DISTINCT FROM.
    IsDistinct {
        left: Box<Expr>,
        right: Box<Expr>,
        equal: &'static Function,
        negated: bool,
    },
    /// NULLIF(left, right).
    NullIf {
        left: Box<Expr>,
        right: Box<Expr>,
        equal: &'static Function,
        ty: SqlType,
    },
    /// With `operand`, the tests of `whens` refer to its value as [`Expr::CaseValue`].
    Case {
        operand: Option<Box<Expr>>,
        whens: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
        ty: SqlType,
    },
    /// The operand of the innermost enclosing [`Expr::Case`], or the element in [`Coercion::Elements`].
    CaseValue {
        ty: SqlType,
    },
    Coalesce {
        args: Vec<Expr>,
        ty: SqlType,
    },
    /// GREATEST and LEAST.
    MinMax {
        args: Vec<Expr>,
        greatest: bool,
        ty: SqlType,
    },
    /// `ARRAY[..]`. With `nested`, the items are arrays of `ty` that become the sub-arrays of one more dimension.
    Array {
        items: Vec<Expr>,
        ty: SqlType,
        nested: bool,
    },
    Row {
        fields: Vec<Expr>,
        ty: SqlType,
    },
    /// `(a, b) < (c, d)` and kin; `=` and `<>` become AND and OR instead. `less` and `equal` are the operators of each pair.
    RowCompare {
        left: Vec<Expr>,
        right: Vec<Expr>,
        less: Vec<&'static Function>,
        equal: Vec<&'static Function>,
        order: RowOrder,
    },
    Subscript {
        arg: Box<Expr>,
        indexes: Vec<Index>,
        ty: SqlType,
    },
    /// `a[i] := value` in UPDATE and INSERT: the array with that element or slice replaced.
    SubscriptAssign {
        arg: Box<Expr>,
        indexes: Vec<Index>,
        value: Box<Expr>,
        ty: SqlType,
    },
    /// Field `index` of a row, from 0.
    Field {
        arg: Box<Expr>,
        index: usize,
        ty: SqlType,
    },
    /// `left op ANY (array)` and `left op ALL (array)`; an IN list of constants is `= ANY` of a constant array.
    AnyAll {
        func: &'static Function,
        left: Box<Expr>,
        array: Box<Expr>,
        all: bool,
        form: Form,
    },
    /// A subquery. `args` are filled by the planner: before the subplan runs for a row, each slot of
    /// [`EvalContext::exec`](super::EvalContext) is set to its expression's value.
    Subquery {
        id: SubqueryId,
        kind: SubqueryKind,
        args: Vec<(usize, Expr)>,
        ty: SqlType,
    },
    /// DEFAULT in VALUES and SET; the binder replaces it before planning.
    Default {
        ty: SqlType,
    },
}

impl Expr {
    pub fn constant(value: impl Into<Datum>, ty: SqlType) -> Expr {
        Expr::Const { value: value.into(), ty }
    }

    pub fn null(ty: SqlType) -> Expr {
        Expr::Const { value: Datum::Null, ty }
    }

    pub fn call(func: &'static Function, args: Vec<Expr>, ty: SqlType) -> Expr {
        Expr::Call { func, args, ty, form: Form::Call }
    }

    pub fn operator(op: &'static Operator, args: Vec<Expr>, ty: SqlType) -> Expr {
        Expr::Call { func: op.function(), args, ty, form: Form::Operator(op) }
    }

    /// AND of the parts; TRUE of none.
    pub fn and(mut parts: Vec<Expr>) -> Expr {
        match parts.len() {
            0 => Expr::constant(true, SqlType::BOOL),
            1 => parts.pop().expect("one part"),
            _ => Expr::And(parts),
        }
    }

    /// OR of the parts; FALSE of none.
    pub fn or(mut parts: Vec<Expr>) -> Expr {
        match parts.len() {
            0 => Expr::constant(false, SqlType::BOOL),
            1 => parts.pop().expect("one part"),
            _ => Expr::Or(parts),
        }
    }

    #[allow(clippy::should_implement_trait)]
    pub fn not(arg: Expr) -> Expr {
        Expr::Not(Box::new(arg))
    }

    pub fn is_null(arg: Expr, negated: bool) -> Expr {
        Expr::IsNull { arg: Box::new(arg), negated, row: false }
    }

    pub fn ty(&self) -> SqlType {
        match self {
            Expr::Const { ty, .. }
            | Expr::Column { ty, .. }
            | Expr::Input { ty, .. }
            | Expr::Param { ty, .. }
            | Expr::Exec { ty, .. }
            | Expr::Call { ty, .. }
            | Expr::Coerce { ty, .. }
            | Expr::NullIf { ty, .. }
            | Expr::Case { ty, .. }
            | Expr::CaseValue { ty }
            | Expr::Coalesce { ty, .. }
            | Expr::MinMax { ty, .. }
            | Expr::Array { ty, .. }
            | Expr::Row { ty, .. }
            | Expr::Subscript { ty, .. }
            | Expr::SubscriptAssign { ty, .. }
            | Expr::Field { ty, .. }
            | Expr::Subquery { ty, .. }
            | Expr::Default { ty } => *ty,
            Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull { .. }
            | Expr::IsBool { .. }
            | Expr::IsDistinct { .. }
            | Expr::RowCompare { .. }
            | Expr::AnyAll { .. } => SqlType::BOOL,
        }
    }

    /// The value of a constant.
    pub fn as_const(&self) -> Option<&Datum> {
        match self {
            Expr::Const { value, .. } => Some(value),
            _ => None,
        }
    }

    /// A string literal whose type is not yet known, or an untyped NULL.
    pub fn is_unknown_literal(&self) -> bool {
        matches!(self, Expr::Const { ty, .. } if ty.oid == oid::UNKNOWN)
    }
}
