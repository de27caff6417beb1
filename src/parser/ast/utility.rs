//! Statements about roles, databases, the session and maintenance.

use super::{
    DefElem, DropBehavior, Expr, Ident, ObjectRef, ObjectType, Pos, Query, RelationName, RelationRef, RoleSpec,
    Statement, TypeName,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    pub kind: TransactionKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TransactionKind {
    Begin(Vec<TransactionMode>),
    /// START TRANSACTION.
    Start(Vec<TransactionMode>),
    /// COMMIT or END.
    Commit {
        chain: bool,
    },
    /// ROLLBACK or ABORT.
    Rollback {
        chain: bool,
    },
    Savepoint(Ident),
    Release(Ident),
    RollbackTo(Ident),
    PrepareTransaction(String),
    CommitPrepared(String),
    RollbackPrepared(String),
}

impl Transaction {
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            TransactionKind::Begin(_) => "BEGIN",
            TransactionKind::Start(_) => "START TRANSACTION",
            TransactionKind::Commit { .. } => "COMMIT",
            TransactionKind::Rollback { .. } | TransactionKind::RollbackTo(_) => "ROLLBACK",
            TransactionKind::Savepoint(_) => "SAVEPOINT",
            TransactionKind::Release(_) => "RELEASE",
            TransactionKind::PrepareTransaction(_) => "PREPARE TRANSACTION",
            TransactionKind::CommitPrepared(_) => "COMMIT PREPARED",
            TransactionKind::RollbackPrepared(_) => "ROLLBACK PREPARED",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct TransactionMode {
    pub kind: TransactionModeKind,
    pub pos: Pos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionModeKind {
    Isolation(IsolationLevel),
    ReadOnly(bool),
    Deferrable(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// SET and RESET; also inside ALTER ROLE, ALTER DATABASE, ALTER SYSTEM and function definitions.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableSet {
    /// SET LOCAL.
    pub local: bool,
    pub action: VariableAction,
}

impl VariableSet {
    pub fn is_reset(&self) -> bool {
        matches!(self.action, VariableAction::Reset { .. } | VariableAction::ResetAll)
    }
}

/// The special spellings arrive as PostgreSQL's grammar maps them: TIME ZONE as `timezone`, ROLE as `role`, SESSION
/// AUTHORIZATION as `session_authorization`, NAMES as `client_encoding`, SCHEMA as `search_path`, CATALOG is refused,
/// XML OPTION as `xmloption`.
#[derive(Debug, Clone, PartialEq)]
pub enum VariableAction {
    /// SET name = values.
    Set {
        name: String,
        values: Vec<VariableValue>,
    },
    /// SET name TO DEFAULT.
    SetDefault {
        name: String,
    },
    /// SET name FROM CURRENT.
    SetCurrent {
        name: String,
    },
    Reset {
        name: String,
    },
    ResetAll,
    /// SET TRANSACTION modes.
    Transaction(Vec<TransactionMode>),
    /// SET SESSION CHARACTERISTICS AS TRANSACTION modes.
    SessionCharacteristics(Vec<TransactionMode>),
    /// SET TRANSACTION SNAPSHOT 'id'.
    TransactionSnapshot(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct VariableValue {
    pub kind: VariableValueKind,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum VariableValueKind {
    /// A quoted string.
    String(String),
    /// A bare word: `on`, `public`, `warning`.
    Word(String),
    Integer(i32),
    /// With its sign, as written.
    Float(String),
    /// SET TIME ZONE INTERVAL '...' HOUR TO MINUTE.
    Interval {
        value: String,
        target: Box<TypeName>,
    },
}

/// SHOW.
#[derive(Debug, Clone, PartialEq)]
pub enum ShowTarget {
    /// The name as RESET would have it: `timezone` for TIME ZONE, `transaction_isolation` for TRANSACTION ISOLATION
    /// LEVEL.
    Name(String),
    All,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SetConstraints {
    /// Empty for ALL.
    pub constraints: Vec<RelationName>,
    pub deferred: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Prepare {
    pub name: Ident,
    pub types: Vec<TypeName>,
    /// SELECT, INSERT, UPDATE, DELETE or MERGE.
    pub statement: Statement,
    /// The bytes of that statement in the text.
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Execute {
    pub name: Ident,
    pub args: Vec<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DeclareCursor {
    pub name: Ident,
    pub binary: bool,
    /// `None` where neither SCROLL nor NO SCROLL was written.
    pub scroll: Option<bool>,
    /// `None` where neither ASENSITIVE nor INSENSITIVE was written; `Some(true)` for INSENSITIVE.
    pub insensitive: Option<bool>,
    pub hold: bool,
    pub query: Query,
    /// The bytes of the query in the text.
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Fetch {
    pub is_move: bool,
    pub portal: Ident,
    pub direction: FetchDirection,
    /// A count, or a position for Absolute and Relative; `i64::MAX` is ALL.
    pub count: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchDirection {
    Forward,
    Backward,
    Absolute,
    Relative,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Notify {
    pub channel: Ident,
    pub payload: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    All,
    Plans,
    Sequences,
    Temp,
}

/// Options keep their order; the old syntax arrives as `analyze` and `verbose`.
#[derive(Debug, Clone, PartialEq)]
pub struct Explain {
    pub options: Vec<DefElem>,
    pub statement: Statement,
    /// The bytes of that statement in the text.
    pub start: usize,
    pub end: usize,
}

/// COPY. The old syntax's words arrive as the options of the new: `format`, `freeze`, `delimiter`, `null`, `header`,
/// `quote`, `escape`, `force_quote`, `force_not_null`, `force_null`, `encoding`.
#[derive(Debug, Clone, PartialEq)]
pub struct Copy {
    pub source: CopySource,
    /// COPY ... FROM.
    pub is_from: bool,
    pub target: CopyTarget,
    pub options: Vec<DefElem>,
    /// WHERE, only of COPY FROM.
    pub filter: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CopySource {
    Table {
        relation: RelationName,
        /// Empty for all.
        columns: Vec<Ident>,
    },
    /// A parenthesised SELECT, INSERT, UPDATE or DELETE, and its bytes in the text.
    Query { statement: Statement, start: usize, end: usize },
}

#[derive(Debug, Clone, PartialEq)]
pub enum CopyTarget {
    /// STDIN or STDOUT.
    Client,
    File(String),
    Program(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Do {
    /// One or more: the grammar takes any number of each, PostgreSQL refuses repetitions later.
    pub items: Vec<DoItem>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum DoItem {
    Code(String, Pos),
    Language(String, Pos),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    pub relations: Vec<RelationRef>,
    pub mode: TableLockMode,
    pub nowait: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableLockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

/// VACUUM and ANALYZE. The old syntax's words arrive as options.
#[derive(Debug, Clone, PartialEq)]
pub struct Vacuum {
    pub is_vacuum: bool,
    pub options: Vec<DefElem>,
    /// Empty for all.
    pub relations: Vec<VacuumRelation>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VacuumRelation {
    pub relation: RelationRef,
    pub columns: Vec<Ident>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// `None` for all clustered tables.
    pub relation: Option<RelationName>,
    pub index: Option<Ident>,
    pub options: Vec<DefElem>,
}

/// `concurrently` and `verbose` and the rest are options.
#[derive(Debug, Clone, PartialEq)]
pub struct Reindex {
    pub target: ReindexTarget,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ReindexTarget {
    Index(RelationName),
    Table(RelationName),
    Schema(Ident),
    System(Ident),
    Database(Ident),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateRole {
    pub kind: RoleStatementKind,
    pub name: RoleSpec,
    /// As PostgreSQL's grammar names them: `password`, `superuser`, `inherit`, `createrole`, `createdb`, `canlogin`,
    /// `isreplication`, `bypassrls`, `connectionlimit`, `validUntil`, `rolemembers`, `adminmembers`, `addroleto`,
    /// `sysid`.
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleStatementKind {
    Role,
    User,
    Group,
}

/// ALTER ROLE | USER, and ALTER GROUP ... ADD | DROP USER, whose members are the option `rolemembers`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterRole {
    pub role: RoleSpec,
    pub options: Vec<DefElem>,
    /// ALTER GROUP ... DROP USER.
    pub remove_members: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterRoleSet {
    /// `None` for ALL.
    pub role: Option<RoleSpec>,
    pub database: Option<Ident>,
    pub set: VariableSet,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DropRole {
    pub roles: Vec<RoleSpec>,
    pub if_exists: bool,
}

/// GRANT and REVOKE of privileges on objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    pub is_grant: bool,
    /// Empty for ALL PRIVILEGES.
    pub privileges: Vec<Privilege>,
    pub target: GrantTarget,
    pub grantees: Vec<RoleSpec>,
    /// WITH GRANT OPTION, or GRANT OPTION FOR of REVOKE.
    pub grant_option: bool,
    pub granted_by: Option<RoleSpec>,
    pub behavior: DropBehavior,
}

/// `select`, `update (a, b)`, or, with no name, `ALL (a, b)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Privilege {
    pub name: Option<String>,
    pub columns: Vec<Ident>,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum GrantTarget {
    Objects {
        object: ObjectType,
        objects: Vec<ObjectRef>,
    },
    /// ALL TABLES | SEQUENCES | FUNCTIONS | PROCEDURES | ROUTINES IN SCHEMA.
    AllInSchema {
        object: ObjectType,
        schemas: Vec<Ident>,
    },
    /// Of ALTER DEFAULT PRIVILEGES.
    Defaults {
        object: ObjectType,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct GrantRole {
    pub is_grant: bool,
    /// The roles granted.
    pub roles: Vec<Privilege>,
    pub grantees: Vec<RoleSpec>,
    pub admin_option: bool,
    pub granted_by: Option<RoleSpec>,
    pub behavior: DropBehavior,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterDefaultPrivileges {
    pub for_roles: Vec<RoleSpec>,
    pub in_schemas: Vec<Ident>,
    pub action: Grant,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DropOwned {
    pub roles: Vec<RoleSpec>,
    pub behavior: DropBehavior,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ReassignOwned {
    pub roles: Vec<RoleSpec>,
    pub new_role: RoleSpec,
}

/// Options by PostgreSQL's names: `owner`, `template`, `encoding`, `connection_limit` ... A value of DEFAULT is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateDatabase {
    pub name: Ident,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterDatabase {
    pub name: Ident,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterDatabaseSet {
    pub name: Ident,
    pub set: VariableSet,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DropDatabase {
    pub name: Ident,
    pub if_exists: bool,
    /// `force`, at most.
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTablespace {
    pub name: Ident,
    pub owner: Option<RoleSpec>,
    pub location: String,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterTablespace {
    pub name: Ident,
    pub reset: bool,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DropTablespace {
    pub name: Ident,
    pub if_exists: bool,
}

/// WAIT FOR LSN.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitFor {
    pub lsn: String,
    pub options: Vec<DefElem>,
    /// Of the position.
    pub pos: Pos,
}
