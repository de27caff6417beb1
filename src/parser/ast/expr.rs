//! Expressions, PostgreSQL's `a_expr` and everything below it.

use super::{Ident, Pos, QualifiedName, Query, SortBy, TypeName};

/// An expression and the token PostgreSQL would point at: the operator of an operation, `::` of a cast, the first
/// token of anything else.
/// An expression that the catalog will keep, with the bytes that it spans in the text: what is stored is what was
/// written.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceExpr {
    pub expr: Expr,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub pos: Pos,
}

impl Expr {
    pub fn new(kind: ExprKind, pos: Pos) -> Expr {
        Expr { kind, pos }
    }

    /// PostgreSQL's `exprLocation`: where the expression begins, as opposed to `pos`, its own token.
    pub fn location(&self) -> Pos {
        let mut least = self.pos;
        let mut expr = self;
        loop {
            least = least.min(expr.pos);
            expr = match &expr.kind {
                ExprKind::Op { left: Some(e), .. }
                | ExprKind::TypeCast { arg: e, .. }
                | ExprKind::Collate { arg: e, .. }
                | ExprKind::AtTimeZone { arg: e, .. }
                | ExprKind::Like { arg: e, .. }
                | ExprKind::Between { arg: e, .. }
                | ExprKind::InList { arg: e, .. }
                | ExprKind::InSubquery { arg: e, .. }
                | ExprKind::Quantified { left: e, .. }
                | ExprKind::IsDistinctFrom { left: e, .. }
                | ExprKind::IsNull { arg: e, .. }
                | ExprKind::IsBool { arg: e, .. }
                | ExprKind::IsNormalized { arg: e, .. }
                | ExprKind::IsDocument { arg: e, .. }
                | ExprKind::Overlaps { left: e, .. }
                | ExprKind::Indirection { arg: e, .. } => e,
                ExprKind::And(list) | ExprKind::Or(list) => &list[0],
                _ => return least,
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    Column(ColumnRef),
    /// `$n`.
    Param(i32),
    Const(Constant),
    /// Any of the cast forms; for `type 'literal'` the argument is a string constant and `pos` is that constant's.
    TypeCast {
        arg: Box<Expr>,
        target: Box<TypeName>,
        form: CastForm,
    },
    /// An operator; `left` is `None` for a prefix one. Comparison, arithmetic, and all others alike. `!=` is `<>`.
    /// A unary minus on a number is already folded into the constant, as PostgreSQL's `doNegate` does.
    Op {
        op: OperatorName,
        left: Option<Box<Expr>>,
        right: Box<Expr>,
    },
    /// Two or more, flattened: `a AND b AND c` is one node.
    And(Vec<Expr>),
    /// Two or more, flattened.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Like {
        kind: LikeKind,
        negated: bool,
        arg: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
    },
    Between {
        negated: bool,
        symmetric: bool,
        arg: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    InList {
        negated: bool,
        arg: Box<Expr>,
        list: Vec<Expr>,
    },
    InSubquery {
        negated: bool,
        arg: Box<Expr>,
        query: Box<Query>,
    },
    /// `left op ANY|ALL (array expression or subquery)`; SOME is ANY. `op` of LIKE ANY is `~~` and so on.
    Quantified {
        op: OperatorName,
        all: bool,
        left: Box<Expr>,
        right: Quantified,
    },
    IsNull {
        negated: bool,
        arg: Box<Expr>,
    },
    /// IS [NOT] TRUE / FALSE / UNKNOWN.
    IsBool {
        negated: bool,
        test: BoolTest,
        arg: Box<Expr>,
    },
    /// IS [NOT] DISTINCT FROM; `negated` is the NOT.
    IsDistinctFrom {
        negated: bool,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// IS [NOT] [form] NORMALIZED.
    IsNormalized {
        negated: bool,
        form: Option<NormalForm>,
        arg: Box<Expr>,
    },
    IsDocument {
        negated: bool,
        arg: Box<Expr>,
    },
    /// `(a, b) OVERLAPS (c, d)`; both sides hold two expressions.
    Overlaps {
        left: Box<Expr>,
        right: Box<Expr>,
    },
    AtTimeZone {
        arg: Box<Expr>,
        zone: Box<Expr>,
    },
    Collate {
        arg: Box<Expr>,
        collation: QualifiedName,
    },
    /// A scalar subquery.
    Subquery(Box<Query>),
    Exists(Box<Query>),
    /// `ARRAY(SELECT ...)`.
    ArraySubquery(Box<Query>),
    /// `ARRAY[...]`; inner brackets of `ARRAY[[1,2],[3,4]]` are nested `Array`s.
    Array(Vec<Expr>),
    Row {
        /// True when the word ROW was written.
        explicit: bool,
        fields: Vec<Expr>,
    },
    Case(Box<Case>),
    Coalesce(Vec<Expr>),
    NullIf(Box<Expr>, Box<Expr>),
    Greatest(Vec<Expr>),
    Least(Vec<Expr>),
    Function(Box<FunctionCall>),
    /// The functions with a syntax of their own.
    Special(Box<SpecialFunction>),
    /// CURRENT_DATE and its kin, with the precision in parentheses if there is one.
    SqlValue {
        function: SqlValueFunction,
        precision: Option<i32>,
    },
    /// `arg[..]`, `(arg).field`, `(arg).*`, in the order written; never empty.
    Indirection {
        arg: Box<Expr>,
        steps: Vec<Indirection>,
    },
    /// GROUPING(...).
    Grouping(Vec<Expr>),
    /// DEFAULT, only in INSERT ... VALUES and UPDATE ... SET.
    Default,
    /// CURRENT OF cursor, only as a whole WHERE.
    CurrentOf(Ident),
    Xml(Box<XmlExpr>),
}

/// `a`, `a.b`, `a.b.c`, `a.*`, `*`. A subscript ends a column reference; what follows is an `Indirection` around it.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnRef {
    /// Empty only for a bare `*`.
    pub parts: Vec<Ident>,
    /// Ends in `*`.
    pub star: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    Null,
    Bool(bool),
    /// A number without point or exponent that fits.
    Integer(i32),
    /// Any other number, as written, with a `-` in front when a unary minus was folded in.
    Float(String),
    /// The string's value, escapes undone.
    String(String),
    /// `B'101'` as `b101`, `X'1F'` as `x1F`: PostgreSQL's internal spelling.
    BitString(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastForm {
    /// `CAST(x AS t)`.
    Cast,
    /// `x::t`.
    Colons,
    /// `t 'literal'`, including INTERVAL with its fields and TRUE/FALSE's cousins.
    Literal,
}

/// `+`, or `OPERATOR(schema.+)`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorName {
    /// Empty unless written with OPERATOR(...).
    pub schema: Vec<Ident>,
    pub name: String,
    pub pos: Pos,
}

impl OperatorName {
    pub fn plain(name: impl Into<String>, pos: Pos) -> OperatorName {
        OperatorName { schema: Vec::new(), name: name.into(), pos }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeKind {
    Like,
    ILike,
    SimilarTo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoolTest {
    True,
    False,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormalForm {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Quantified {
    Subquery(Box<Query>),
    /// An expression that yields an array.
    Array(Box<Expr>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub operand: Option<Expr>,
    pub whens: Vec<When>,
    pub otherwise: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct When {
    pub condition: Expr,
    pub result: Expr,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCall {
    pub name: QualifiedName,
    pub args: Vec<FunctionArg>,
    /// `f(*)`.
    pub star: bool,
    pub distinct: bool,
    /// The last argument is VARIADIC.
    pub variadic: bool,
    /// ORDER BY among the arguments, or of WITHIN GROUP.
    pub order_by: Vec<SortBy>,
    /// ORDER BY came from WITHIN GROUP.
    pub within_group: bool,
    pub filter: Option<Expr>,
    pub over: Option<Over>,
    pub pos: Pos,
}

/// `value`, `name => value`, `name := value`.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionArg {
    pub name: Option<Ident>,
    pub value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// `OVER w`.
    Name(Ident),
    /// `OVER (...)`.
    Spec(WindowSpec),
}

/// The inside of `OVER (...)` and of `WINDOW w AS (...)`.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowSpec {
    /// The window that this one builds on.
    pub base: Option<Ident>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortBy>,
    pub frame: Option<WindowFrame>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct WindowFrame {
    pub mode: FrameMode,
    pub start: FrameBound,
    /// CURRENT ROW where BETWEEN was not written.
    pub end: FrameBound,
    /// BETWEEN was written.
    pub between: bool,
    pub exclude: FrameExclusion,
    pub pos: Pos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameMode {
    Range,
    Rows,
    Groups,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expr>),
    CurrentRow,
    Following(Box<Expr>),
    UnboundedFollowing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameExclusion {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// Functions whose arguments are separated by words. PostgreSQL turns each into a call of the `pg_catalog` function
/// named beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum SpecialFunction {
    /// EXTRACT(field FROM source): `extract(text, source)`. The field is folded to lower case unless quoted as a string.
    Extract { field: Ident, source: Expr },
    /// SUBSTRING(s FROM p FOR n) and its shorter forms: `substring(s, p, n)`; `FOR n` alone starts at 1 with `n` cast
    /// to int4.
    Substring { string: Expr, from: Option<Expr>, length: Option<Expr> },
    /// SUBSTRING(s SIMILAR p ESCAPE e): `substring(s, p, e)`.
    SubstringSimilar { string: Expr, pattern: Expr, escape: Expr },
    /// POSITION(sub IN s): `position(s, sub)`.
    Position { substring: Expr, string: Expr },
    /// OVERLAY(s PLACING r FROM p [FOR n]): `overlay(s, r, p, n)`.
    Overlay { string: Expr, replacement: Expr, from: Expr, length: Option<Expr> },
    /// TRIM([side] [chars FROM] list): `btrim`, `ltrim`, `rtrim` with the list first, then `chars`.
    Trim { side: TrimSide, chars: Option<Expr>, args: Vec<Expr> },
    /// NORMALIZE(s [, form]): `normalize(s, form)`.
    Normalize { string: Expr, form: Option<NormalForm> },
    /// TREAT(x AS t): a call of the function named as the type.
    Treat { arg: Expr, target: TypeName },
    /// COLLATION FOR (x): `pg_collation_for(x)`.
    CollationFor { arg: Expr },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrimSide {
    Both,
    Leading,
    Trailing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlValueFunction {
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    LocalTime,
    LocalTimestamp,
    CurrentRole,
    CurrentUser,
    SessionUser,
    User,
    CurrentCatalog,
    CurrentSchema,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Indirection {
    Field(Ident),
    Star,
    Index(Expr),
    /// `[lower:upper]`, either side optional.
    Slice(Option<Expr>, Option<Expr>),
}

/// The SQL/XML constructs.
#[derive(Debug, Clone, PartialEq)]
pub enum XmlExpr {
    Concat(Vec<Expr>),
    Element {
        name: Ident,
        attributes: Vec<XmlAttribute>,
        content: Vec<Expr>,
    },
    Exists {
        pattern: Expr,
        document: Expr,
    },
    Forest(Vec<XmlAttribute>),
    /// XMLPARSE(DOCUMENT | CONTENT x [PRESERVE | STRIP WHITESPACE]).
    Parse {
        document: bool,
        arg: Expr,
        preserve_whitespace: bool,
    },
    Pi {
        name: Ident,
        content: Option<Expr>,
    },
    /// `version` is `None` for NO VALUE; `standalone` is `None` when not written.
    Root {
        arg: Expr,
        version: Option<Expr>,
        standalone: Option<XmlStandalone>,
    },
    Serialize {
        document: bool,
        arg: Expr,
        target: TypeName,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XmlStandalone {
    Yes,
    No,
    NoValue,
}

#[derive(Debug, Clone, PartialEq)]
pub struct XmlAttribute {
    pub value: Expr,
    pub name: Option<Ident>,
}
