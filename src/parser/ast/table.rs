//! Relations: tables, views, indexes, sequences, and what hangs on them.

use super::{
    DefElem, DropBehavior, Expr, Ident, IntoClause, ObjectType, Pos, QualifiedName, Query, RelationName, RelationRef,
    RoleSpec, SourceExpr, Statement, TypeName,
};

/// TEMP, UNLOGGED or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    Permanent,
    Unlogged,
    Temporary,
}

/// CREATE TABLE in all its forms, and CREATE FOREIGN TABLE.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    pub name: RelationName,
    pub persistence: Persistence,
    pub if_not_exists: bool,
    /// Columns, table constraints and LIKE clauses in the order written.
    pub elements: Vec<TableElement>,
    pub inherits: Vec<RelationName>,
    /// `OF type`.
    pub of_type: Option<TypeName>,
    pub partition_of: Option<PartitionOf>,
    pub partition_by: Option<PartitionSpec>,
    /// USING method.
    pub access_method: Option<Ident>,
    /// WITH (...); WITHOUT OIDS leaves it empty.
    pub options: Vec<DefElem>,
    pub on_commit: OnCommit,
    pub tablespace: Option<Ident>,
    /// SERVER and OPTIONS of a foreign table.
    pub foreign: Option<ForeignTable>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ForeignTable {
    pub server: Ident,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCommit {
    /// Nothing was written.
    Default,
    PreserveRows,
    DeleteRows,
    Drop,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TableElement {
    Column(ColumnDef),
    Constraint(TableConstraint),
    Like(LikeClause),
}

/// A column of a table, of a composite type, or of a function in FROM. In `CREATE TABLE ... OF` and PARTITION OF,
/// columns come without a type.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    pub name: Ident,
    pub type_name: Option<TypeName>,
    pub collation: Option<QualifiedName>,
    /// COMPRESSION method.
    pub compression: Option<String>,
    pub constraints: Vec<ColumnConstraint>,
    /// OPTIONS (...) of a foreign table's column.
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ColumnConstraint {
    pub name: Option<Ident>,
    pub kind: ColumnConstraintKind,
    pub timing: ConstraintTiming,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ColumnConstraintKind {
    Null,
    NotNull,
    Default(SourceExpr),
    Check {
        expr: SourceExpr,
        no_inherit: bool,
    },
    Unique {
        nulls_not_distinct: bool,
        options: Vec<DefElem>,
        tablespace: Option<Ident>,
    },
    PrimaryKey {
        options: Vec<DefElem>,
        tablespace: Option<Ident>,
    },
    References(References),
    /// GENERATED ALWAYS AS (expr) STORED.
    Generated(SourceExpr),
    /// GENERATED ... AS IDENTITY [(sequence options)].
    Identity {
        always: bool,
        options: Vec<SequenceOption>,
    },
}

/// DEFERRABLE and INITIALLY DEFERRED; `None` where nothing was written. INITIALLY DEFERRED implies DEFERRABLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConstraintTiming {
    pub deferrable: Option<bool>,
    pub initially_deferred: Option<bool>,
    /// NOT VALID (table constraints only).
    pub not_valid: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct References {
    pub table: RelationName,
    /// Empty for the primary key.
    pub columns: Vec<Ident>,
    pub match_type: MatchType,
    pub on_delete: ReferentialAction,
    /// `ON DELETE SET NULL (columns)`.
    pub on_delete_columns: Vec<Ident>,
    pub on_update: ReferentialAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchType {
    Simple,
    Full,
    Partial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferentialAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TableConstraint {
    pub name: Option<Ident>,
    pub kind: TableConstraintKind,
    pub timing: ConstraintTiming,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TableConstraintKind {
    Check {
        expr: SourceExpr,
        no_inherit: bool,
    },
    Unique {
        nulls_not_distinct: bool,
        keys: ConstraintKeys,
    },
    PrimaryKey(ConstraintKeys),
    Exclude {
        /// `gist` where not written, as PostgreSQL has it.
        method: Option<Ident>,
        elements: Vec<ExcludeElement>,
        include: Vec<Ident>,
        options: Vec<DefElem>,
        tablespace: Option<Ident>,
        filter: Option<Expr>,
    },
    ForeignKey {
        columns: Vec<Ident>,
        references: References,
    },
}

/// What a UNIQUE or PRIMARY KEY constraint stands on.
#[derive(Debug, Clone, PartialEq)]
pub enum ConstraintKeys {
    Columns {
        columns: Vec<Ident>,
        include: Vec<Ident>,
        options: Vec<DefElem>,
        tablespace: Option<Ident>,
    },
    /// USING INDEX name.
    Index(Ident),
}

#[derive(Debug, Clone, PartialEq)]
pub struct ExcludeElement {
    pub element: IndexElement,
    pub operator: super::OperatorName,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LikeClause {
    pub table: RelationName,
    /// INCLUDING and EXCLUDING in the order written.
    pub options: Vec<(LikeOption, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeOption {
    Comments,
    Compression,
    Constraints,
    Defaults,
    Identity,
    Generated,
    Indexes,
    Statistics,
    Storage,
    All,
}

/// PARTITION BY strategy (elements).
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionSpec {
    /// As written and folded; PostgreSQL checks it later (`unrecognized partitioning strategy`).
    pub strategy: Ident,
    pub elements: Vec<PartitionElement>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PartitionElement {
    pub key: IndexKey,
    pub collation: Option<QualifiedName>,
    pub operator_class: Option<QualifiedName>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PartitionOf {
    pub parent: RelationName,
    pub bound: PartitionBound,
}

/// FOR VALUES ..., or DEFAULT.
#[derive(Debug, Clone, PartialEq)]
pub enum PartitionBound {
    Default,
    Hash {
        modulus: i32,
        remainder: i32,
        pos: Pos,
    },
    List {
        values: Vec<Expr>,
        pos: Pos,
    },
    /// MINVALUE and MAXVALUE arrive as column references of those names.
    Range {
        from: Vec<Expr>,
        to: Vec<Expr>,
        pos: Pos,
    },
}

/// CREATE TABLE AS query, CREATE MATERIALIZED VIEW, CREATE TABLE AS EXECUTE.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTableAs {
    pub materialized: bool,
    pub into: IntoClause,
    pub columns: Vec<Ident>,
    pub if_not_exists: bool,
    pub access_method: Option<Ident>,
    pub options: Vec<DefElem>,
    pub on_commit: OnCommit,
    pub tablespace: Option<Ident>,
    /// A `Select` or an `Execute`.
    pub source: Statement,
    /// False after WITH NO DATA.
    pub with_data: bool,
    /// Where the query of a materialized view is in the text.
    pub query_start: usize,
    pub query_end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    pub or_replace: bool,
    pub name: RelationName,
    pub persistence: Persistence,
    /// CREATE RECURSIVE VIEW: PostgreSQL reads `query` as `WITH RECURSIVE name (columns) AS (query) SELECT columns FROM
    /// name`, and so has the parser.
    pub recursive: bool,
    pub columns: Vec<Ident>,
    pub options: Vec<DefElem>,
    pub query: Query,
    pub check_option: CheckOption,
    /// The bytes of the query in the text.
    pub query_start: usize,
    pub query_end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOption {
    None,
    Local,
    Cascaded,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    pub name: Option<Ident>,
    pub relation: RelationRef,
    /// USING method; `None` is btree.
    pub method: Option<Ident>,
    pub elements: Vec<IndexElement>,
    pub include: Vec<IndexElement>,
    pub nulls_not_distinct: bool,
    pub options: Vec<DefElem>,
    pub tablespace: Option<Ident>,
    pub filter: Option<SourceExpr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct IndexElement {
    pub key: IndexKey,
    pub collation: Option<QualifiedName>,
    pub operator_class: Option<QualifiedName>,
    pub operator_class_options: Vec<DefElem>,
    pub direction: super::SortDirection,
    pub nulls: super::NullsOrder,
}

#[derive(Debug, Clone, PartialEq)]
pub enum IndexKey {
    Column(Ident),
    Expr(SourceExpr),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateSequence {
    pub name: RelationName,
    pub persistence: Persistence,
    pub if_not_exists: bool,
    pub options: Vec<SequenceOption>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterSequence {
    pub name: RelationName,
    pub if_exists: bool,
    pub options: Vec<SequenceOption>,
}

/// Numbers are kept as written with their sign, for they may exceed what the type holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceOption {
    pub kind: SequenceOptionKind,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SequenceOptionKind {
    As(TypeName),
    Cache(String),
    Cycle(bool),
    Increment(String),
    /// `None` for NO MAXVALUE.
    MaxValue(Option<String>),
    MinValue(Option<String>),
    /// The name may be the single word `none`.
    OwnedBy(QualifiedName),
    SequenceName(QualifiedName),
    Start(String),
    /// RESTART [WITH n].
    Restart(Option<String>),
    /// LOGGED and UNLOGGED, which PostgreSQL's grammar takes and its sequences then refuse.
    Logged(bool),
}

/// ALTER TABLE and its cousins on indexes, views, sequences, materialized views, foreign tables and composite types.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// Table, Index, Sequence, View, MaterializedView, ForeignTable or Type.
    pub object: ObjectType,
    pub relation: RelationRef,
    pub if_exists: bool,
    pub commands: Vec<AlterTableCommand>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlterTableCommand {
    AddColumn {
        column: ColumnDef,
        if_not_exists: bool,
    },
    /// ALTER TYPE ... ADD ATTRIBUTE.
    AddAttribute {
        column: ColumnDef,
        behavior: DropBehavior,
    },
    DropColumn {
        name: Ident,
        if_exists: bool,
        behavior: DropBehavior,
    },
    /// ALTER TYPE ... DROP ATTRIBUTE.
    DropAttribute {
        name: Ident,
        if_exists: bool,
        behavior: DropBehavior,
    },
    /// `None` for DROP DEFAULT.
    ColumnDefault {
        name: Ident,
        value: Option<SourceExpr>,
    },
    DropNotNull(Ident),
    SetNotNull(Ident),
    DropExpression {
        name: Ident,
        if_exists: bool,
    },
    SetStatistics {
        column: ColumnDesignator,
        value: i32,
    },
    SetColumnOptions {
        name: Ident,
        options: Vec<DefElem>,
    },
    ResetColumnOptions {
        name: Ident,
        options: Vec<DefElem>,
    },
    SetStorage {
        name: Ident,
        storage: Ident,
    },
    SetCompression {
        name: Ident,
        method: String,
    },
    AddIdentity {
        name: Ident,
        always: bool,
        options: Vec<SequenceOption>,
    },
    SetIdentity {
        name: Ident,
        options: Vec<IdentityOption>,
    },
    DropIdentity {
        name: Ident,
        if_exists: bool,
    },
    ColumnType {
        name: Ident,
        type_name: TypeName,
        collation: Option<QualifiedName>,
        using: Option<SourceExpr>,
    },
    /// ALTER TYPE ... ALTER ATTRIBUTE.
    AttributeType {
        name: Ident,
        type_name: TypeName,
        collation: Option<QualifiedName>,
        behavior: DropBehavior,
    },
    ForeignColumnOptions {
        name: Ident,
        options: Vec<DefElem>,
    },
    AddConstraint(TableConstraint),
    AlterConstraint {
        name: Ident,
        timing: ConstraintTiming,
    },
    ValidateConstraint(Ident),
    DropConstraint {
        name: Ident,
        if_exists: bool,
        behavior: DropBehavior,
    },
    SetWithoutOids,
    ClusterOn(Ident),
    SetWithoutCluster,
    SetLogged,
    SetUnlogged,
    Trigger {
        which: TriggerSelector,
        mode: EnableMode,
    },
    Rule {
        name: Ident,
        mode: EnableMode,
    },
    Inherit(RelationName),
    NoInherit(RelationName),
    OfType(TypeName),
    NotOf,
    Owner(RoleSpec),
    SetAccessMethod(Ident),
    SetTablespace(Ident),
    SetOptions(Vec<DefElem>),
    ResetOptions(Vec<DefElem>),
    ReplicaIdentity(ReplicaIdentity),
    EnableRowSecurity,
    DisableRowSecurity,
    ForceRowSecurity,
    NoForceRowSecurity,
    ForeignOptions(Vec<DefElem>),
    AttachPartition {
        name: RelationName,
        bound: PartitionBound,
    },
    /// ALTER INDEX ... ATTACH PARTITION.
    AttachIndexPartition(RelationName),
    DetachPartition {
        name: RelationName,
        concurrently: bool,
    },
    DetachPartitionFinalize(RelationName),
    /// ALTER SEQUENCE-like options never arrive here; see [`AlterSequence`].
    DependsOnExtension {
        name: Ident,
        remove: bool,
    },
}

/// A column by name, or of an index by its number.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnDesignator {
    Name(Ident),
    Number(i32),
}

/// ALTER COLUMN ... SET GENERATED / RESTART / SET sequence option.
#[derive(Debug, Clone, PartialEq)]
pub enum IdentityOption {
    Generated { always: bool },
    Sequence(SequenceOption),
}

#[derive(Debug, Clone, PartialEq)]
pub enum TriggerSelector {
    Name(Ident),
    All,
    User,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnableMode {
    Enable,
    EnableAlways,
    EnableReplica,
    Disable,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ReplicaIdentity {
    Nothing,
    Full,
    Default,
    Index(Ident),
}

/// ALTER TABLE | INDEX | MATERIALIZED VIEW ALL IN TABLESPACE.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTableAllInTablespace {
    pub object: ObjectType,
    pub tablespace: Ident,
    pub owned_by: Vec<RoleSpec>,
    pub new_tablespace: Ident,
    pub nowait: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTrigger {
    pub or_replace: bool,
    /// CREATE CONSTRAINT TRIGGER.
    pub constraint: bool,
    pub name: Ident,
    pub relation: RelationName,
    pub timing: TriggerTiming,
    pub events: Vec<TriggerEvent>,
    /// FOR EACH ROW.
    pub row: bool,
    pub when: Option<Expr>,
    pub function: QualifiedName,
    /// Always strings by the time a trigger sees them.
    pub args: Vec<String>,
    pub transitions: Vec<TriggerTransition>,
    pub constraint_timing: ConstraintTiming,
    /// FROM table, of a constraint trigger.
    pub constraint_from: Option<RelationName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerTiming {
    Before,
    After,
    InsteadOf,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TriggerEvent {
    Insert,
    Delete,
    /// The columns of UPDATE OF; empty for any.
    Update(Vec<Ident>),
    Truncate,
}

/// REFERENCING OLD | NEW TABLE | ROW AS name.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerTransition {
    pub name: Ident,
    pub new: bool,
    pub table: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateRule {
    pub or_replace: bool,
    pub name: Ident,
    pub event: RuleEvent,
    pub relation: RelationName,
    pub filter: Option<Expr>,
    pub instead: bool,
    /// Empty for NOTHING.
    pub actions: Vec<Statement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEvent {
    Select,
    Update,
    Delete,
    Insert,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreatePolicy {
    pub name: Ident,
    pub table: RelationName,
    pub permissive: bool,
    /// `all`, `select`, `insert`, `update` or `delete`.
    pub command: &'static str,
    /// PUBLIC where not written.
    pub roles: Vec<RoleSpec>,
    pub using: Option<Expr>,
    pub with_check: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterPolicy {
    pub name: Ident,
    pub table: RelationName,
    /// Empty where not written.
    pub roles: Vec<RoleSpec>,
    pub using: Option<Expr>,
    pub with_check: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateStatistics {
    pub if_not_exists: bool,
    pub name: Option<QualifiedName>,
    pub kinds: Vec<Ident>,
    pub elements: Vec<IndexKey>,
    pub from: Vec<super::TableRef>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterStatistics {
    pub if_exists: bool,
    pub name: QualifiedName,
    pub target: i32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RefreshMaterializedView {
    pub concurrently: bool,
    pub name: RelationName,
    /// False after WITH NO DATA.
    pub with_data: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Truncate {
    pub relations: Vec<RelationRef>,
    pub restart_identity: bool,
    pub behavior: DropBehavior,
}
