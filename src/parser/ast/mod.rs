//! The syntax tree: what a statement says, before anyone asks whether it means anything.
//!
//! It follows PostgreSQL's raw parse tree (`src/include/nodes/parsenodes.h`) construct for construct, as Rust enums.
//! Two rules hold everywhere. Identifiers are already folded to lower case and cut to 63 bytes, as the catalog holds
//! them. Every expression and every name carries a [`Pos`], the byte offset in the text given to
//! [`parse`](super::parse) of the token PostgreSQL would point at in an error, so that the binder can report it.
//!
//! Trees are finite in height: the parser refuses any whose height exceeds [`MAX_HEIGHT`](super::MAX_HEIGHT), so plain
//! recursion over a tree is safe.
//!
//! Read in this order: `mod.rs`, `expr.rs`, `types.rs`, `select.rs`, `dml.rs`, `table.rs`, `object.rs`, `utility.rs`.

mod dml;
mod expr;
mod object;
mod select;
mod table;
mod types;
mod utility;

pub use dml::*;
pub use expr::*;
pub use object::*;
pub use select::*;
pub use table::*;
pub use types::*;
pub use utility::*;

/// Byte offset, from 0, in the text that was parsed.
pub type Pos = usize;

/// One statement of a text and the bytes it spans, without surrounding white space and without its semicolon.
#[derive(Debug, Clone, PartialEq)]
pub struct RawStatement {
    pub stmt: Statement,
    pub start: usize,
    pub end: usize,
}

/// One name, folded and truncated.
#[derive(Debug, Clone, PartialEq)]
pub struct Ident {
    pub name: String,
    pub pos: Pos,
}

impl Ident {
    pub fn new(name: impl Into<String>, pos: Pos) -> Ident {
        Ident { name: name.into(), pos }
    }
}

impl std::ops::Deref for Ident {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// A possibly qualified name of a type, function, sequence, collation ...: `a`, `a.b`, `a.b.c`. Never empty. How many
/// parts make sense is for the binder to say, as in PostgreSQL (`improper qualified name (too many dotted names)`).
#[derive(Debug, Clone, PartialEq)]
pub struct QualifiedName {
    pub parts: Vec<Ident>,
}

impl QualifiedName {
    pub fn pos(&self) -> Pos {
        self.parts[0].pos
    }

    /// The last part: the object's own name.
    pub fn name(&self) -> &str {
        &self.parts[self.parts.len() - 1].name
    }

    /// The part before the last, if there is one.
    pub fn schema(&self) -> Option<&str> {
        self.parts.len().checked_sub(2).map(|i| self.parts[i].name.as_str())
    }
}

impl std::fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            write!(f, "{}{part}", if i > 0 { "." } else { "" })?;
        }
        Ok(())
    }
}

/// The name of a relation, PostgreSQL's RangeVar without its alias: `[[catalog.]schema.]name`.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationName {
    pub catalog: Option<String>,
    pub schema: Option<String>,
    pub name: String,
    pub pos: Pos,
}

impl std::fmt::Display for RelationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.catalog, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

/// A relation as DML and many utilities name it: `[ONLY] name [*]`.
#[derive(Debug, Clone, PartialEq)]
pub struct RelationRef {
    pub name: RelationName,
    /// False after ONLY: inheritance children and partitions are left out.
    pub children: bool,
}

/// `AS name [(columns)]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Alias {
    pub name: String,
    pub columns: Vec<Ident>,
    pub pos: Pos,
}

/// CASCADE or RESTRICT, with RESTRICT the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropBehavior {
    Restrict,
    Cascade,
}

/// One `name [= value]` of the many option lists: WITH (...), COPY and EXPLAIN options, role options, definitions of
/// types, operators and aggregates.
#[derive(Debug, Clone, PartialEq)]
pub struct DefElem {
    /// `toast` in `toast.autovacuum_enabled`.
    pub namespace: Option<String>,
    pub name: String,
    pub value: Option<DefValue>,
    pub action: DefAction,
    pub pos: Pos,
}

/// What ALTER ... OPTIONS (ADD | SET | DROP name value) does; elsewhere `Plain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefAction {
    Plain,
    Set,
    Add,
    Drop,
}

/// The right side of a [`DefElem`].
#[derive(Debug, Clone, PartialEq)]
pub enum DefValue {
    /// A word that is an unquoted keyword or a bare option word: `on`, `true`, `none`, `restricted`.
    Word(String),
    /// A quoted string.
    String(String),
    Integer(i32),
    /// A number that is no i32, as written with its sign.
    Float(String),
    Bool(bool),
    /// A type, or a bare name, which is the same to the grammar: `int4`, `my.func`, `SETOF x`.
    Type(TypeName),
    /// An operator: `OPERATOR(s.+)` or bare `+`.
    Operator(OperatorName),
    Name(QualifiedName),
    Names(Vec<Ident>),
    Star,
    List(Vec<DefElem>),
    Roles(Vec<RoleSpec>),
}

/// A role as statements name it.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSpec {
    pub kind: RoleKind,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RoleKind {
    Name(String),
    CurrentRole,
    CurrentUser,
    SessionUser,
    Public,
}

/// One statement. A query is a statement too; so is each DML statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    Select(Box<Query>),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),

    // Relations.
    CreateTable(Box<CreateTable>),
    CreateTableAs(Box<CreateTableAs>),
    CreateView(Box<CreateView>),
    CreateIndex(Box<CreateIndex>),
    CreateSequence(Box<CreateSequence>),
    AlterSequence(Box<AlterSequence>),
    AlterTable(Box<AlterTable>),
    AlterTableAllInTablespace(Box<AlterTableAllInTablespace>),
    CreateTrigger(Box<CreateTrigger>),
    CreateRule(Box<CreateRule>),
    CreatePolicy(Box<CreatePolicy>),
    AlterPolicy(Box<AlterPolicy>),
    CreateStatistics(Box<CreateStatistics>),
    AlterStatistics(Box<AlterStatistics>),
    RefreshMaterializedView(Box<RefreshMaterializedView>),
    Truncate(Box<Truncate>),

    // Other objects.
    CreateSchema(Box<CreateSchema>),
    CreateType(Box<CreateType>),
    CreateDomain(Box<CreateDomain>),
    AlterDomain(Box<AlterDomain>),
    AlterEnum(Box<AlterEnum>),
    AlterType(Box<AlterType>),
    CreateFunction(Box<CreateFunction>),
    AlterFunction(Box<AlterFunction>),
    /// CREATE AGGREGATE / OPERATOR / COLLATION / TEXT SEARCH ... by a list of definitions.
    Define(Box<Define>),
    AlterOperator(Box<AlterOperator>),
    CreateOperatorClass(Box<CreateOperatorClass>),
    CreateOperatorFamily(Box<CreateOperatorFamily>),
    AlterOperatorFamily(Box<AlterOperatorFamily>),
    CreateCast(Box<CreateCast>),
    CreateConversion(Box<CreateConversion>),
    CreateTransform(Box<CreateTransform>),
    CreateLanguage(Box<CreateLanguage>),
    CreateAccessMethod(Box<CreateAccessMethod>),
    CreateExtension(Box<CreateExtension>),
    AlterExtension(Box<AlterExtension>),
    AlterExtensionContents(Box<AlterExtensionContents>),
    CreateEventTrigger(Box<CreateEventTrigger>),
    AlterEventTrigger(Box<AlterEventTrigger>),
    AlterCollation(Box<AlterCollation>),
    AlterTextSearchConfiguration(Box<AlterTextSearchConfiguration>),
    AlterTextSearchDictionary(Box<AlterTextSearchDictionary>),
    CreatePublication(Box<CreatePublication>),
    AlterPublication(Box<AlterPublication>),
    CreateSubscription(Box<CreateSubscription>),
    AlterSubscription(Box<AlterSubscription>),
    DropSubscription(Box<DropSubscription>),
    CreateForeignDataWrapper(Box<CreateForeignDataWrapper>),
    AlterForeignDataWrapper(Box<AlterForeignDataWrapper>),
    CreateServer(Box<CreateServer>),
    AlterServer(Box<AlterServer>),
    CreateUserMapping(Box<CreateUserMapping>),
    AlterUserMapping(Box<AlterUserMapping>),
    DropUserMapping(Box<DropUserMapping>),
    ImportForeignSchema(Box<ImportForeignSchema>),
    /// DROP of anything that an [`ObjectType`] names.
    Drop(Box<Drop>),
    /// ALTER ... RENAME.
    Rename(Box<Rename>),
    /// ALTER ... OWNER TO.
    AlterOwner(Box<AlterOwner>),
    /// ALTER ... SET SCHEMA.
    AlterObjectSchema(Box<AlterObjectSchema>),
    /// ALTER ... [NO] DEPENDS ON EXTENSION.
    AlterObjectDepends(Box<AlterObjectDepends>),
    Comment(Box<Comment>),
    SecurityLabel(Box<SecurityLabel>),

    // Roles, privileges, databases, tablespaces, the server.
    CreateRole(Box<CreateRole>),
    AlterRole(Box<AlterRole>),
    AlterRoleSet(Box<AlterRoleSet>),
    DropRole(Box<DropRole>),
    Grant(Box<Grant>),
    GrantRole(Box<GrantRole>),
    AlterDefaultPrivileges(Box<AlterDefaultPrivileges>),
    DropOwned(Box<DropOwned>),
    ReassignOwned(Box<ReassignOwned>),
    CreateDatabase(Box<CreateDatabase>),
    AlterDatabase(Box<AlterDatabase>),
    AlterDatabaseSet(Box<AlterDatabaseSet>),
    /// ALTER DATABASE name REFRESH COLLATION VERSION.
    AlterDatabaseRefreshCollation(Ident),
    DropDatabase(Box<DropDatabase>),
    CreateTablespace(Box<CreateTablespace>),
    AlterTablespace(Box<AlterTablespace>),
    DropTablespace(Box<DropTablespace>),
    AlterSystem(Box<VariableSet>),

    // The session.
    Transaction(Box<Transaction>),
    /// SET, in all its forms, and RESET.
    Set(Box<VariableSet>),
    Show(ShowTarget),
    SetConstraints(Box<SetConstraints>),
    Prepare(Box<Prepare>),
    Execute(Box<Execute>),
    /// DEALLOCATE name, or ALL for `None`.
    Deallocate(Option<Ident>),
    DeclareCursor(Box<DeclareCursor>),
    Fetch(Box<Fetch>),
    /// CLOSE name, or ALL for `None`.
    ClosePortal(Option<Ident>),
    Listen(Ident),
    /// UNLISTEN name, or * for `None`.
    Unlisten(Option<Ident>),
    Notify(Box<Notify>),
    Discard(Discard),
    Explain(Box<Explain>),
    Copy(Box<Copy>),
    Call(Box<FunctionCall>),
    Do(Box<Do>),
    Load(String),
    Lock(Box<Lock>),
    Vacuum(Box<Vacuum>),
    Cluster(Box<Cluster>),
    Reindex(Box<Reindex>),
    Checkpoint,
    WaitFor(Box<WaitFor>),
}

impl Statement {
    /// The statement's family in PostgreSQL's words, for messages: `CREATE POLICY`.
    pub fn kind_name(&self) -> &'static str {
        use Statement::*;
        match self {
            Select(_) => "SELECT",
            Insert(_) => "INSERT",
            Update(_) => "UPDATE",
            Delete(_) => "DELETE",
            Merge(_) => "MERGE",
            CreateTable(s) if s.foreign.is_some() => "CREATE FOREIGN TABLE",
            CreateTable(_) => "CREATE TABLE",
            CreateTableAs(s) if s.materialized => "CREATE MATERIALIZED VIEW",
            CreateTableAs(_) => "CREATE TABLE AS",
            CreateView(_) => "CREATE VIEW",
            CreateIndex(_) => "CREATE INDEX",
            CreateSequence(_) => "CREATE SEQUENCE",
            AlterSequence(_) => "ALTER SEQUENCE",
            AlterTable(s) => s.object.alter_name(),
            AlterTableAllInTablespace(s) => s.object.alter_name(),
            CreateTrigger(_) => "CREATE TRIGGER",
            CreateRule(_) => "CREATE RULE",
            CreatePolicy(_) => "CREATE POLICY",
            AlterPolicy(_) => "ALTER POLICY",
            CreateStatistics(_) => "CREATE STATISTICS",
            AlterStatistics(_) => "ALTER STATISTICS",
            RefreshMaterializedView(_) => "REFRESH MATERIALIZED VIEW",
            Truncate(_) => "TRUNCATE TABLE",
            CreateSchema(_) => "CREATE SCHEMA",
            CreateType(_) => "CREATE TYPE",
            CreateDomain(_) => "CREATE DOMAIN",
            AlterDomain(_) => "ALTER DOMAIN",
            AlterEnum(_) | AlterType(_) => "ALTER TYPE",
            CreateFunction(s) if s.procedure => "CREATE PROCEDURE",
            CreateFunction(_) => "CREATE FUNCTION",
            AlterFunction(s) => s.object.alter_name(),
            Define(s) => s.object.create_name(),
            AlterOperator(_) => "ALTER OPERATOR",
            CreateOperatorClass(_) => "CREATE OPERATOR CLASS",
            CreateOperatorFamily(_) => "CREATE OPERATOR FAMILY",
            AlterOperatorFamily(_) => "ALTER OPERATOR FAMILY",
            CreateCast(_) => "CREATE CAST",
            CreateConversion(_) => "CREATE CONVERSION",
            CreateTransform(_) => "CREATE TRANSFORM",
            CreateLanguage(_) => "CREATE LANGUAGE",
            CreateAccessMethod(_) => "CREATE ACCESS METHOD",
            CreateExtension(_) => "CREATE EXTENSION",
            AlterExtension(_) | AlterExtensionContents(_) => "ALTER EXTENSION",
            CreateEventTrigger(_) => "CREATE EVENT TRIGGER",
            AlterEventTrigger(_) => "ALTER EVENT TRIGGER",
            AlterCollation(_) => "ALTER COLLATION",
            AlterTextSearchConfiguration(_) => "ALTER TEXT SEARCH CONFIGURATION",
            AlterTextSearchDictionary(_) => "ALTER TEXT SEARCH DICTIONARY",
            CreatePublication(_) => "CREATE PUBLICATION",
            AlterPublication(_) => "ALTER PUBLICATION",
            CreateSubscription(_) => "CREATE SUBSCRIPTION",
            AlterSubscription(_) => "ALTER SUBSCRIPTION",
            DropSubscription(_) => "DROP SUBSCRIPTION",
            CreateForeignDataWrapper(_) => "CREATE FOREIGN DATA WRAPPER",
            AlterForeignDataWrapper(_) => "ALTER FOREIGN DATA WRAPPER",
            CreateServer(_) => "CREATE SERVER",
            AlterServer(_) => "ALTER SERVER",
            CreateUserMapping(_) => "CREATE USER MAPPING",
            AlterUserMapping(_) => "ALTER USER MAPPING",
            DropUserMapping(_) => "DROP USER MAPPING",
            ImportForeignSchema(_) => "IMPORT FOREIGN SCHEMA",
            Drop(s) => s.object.drop_name(),
            Rename(s) => s.object.alter_name(),
            AlterOwner(s) => s.object.alter_name(),
            AlterObjectSchema(s) => s.object.alter_name(),
            AlterObjectDepends(s) => s.object.alter_name(),
            Comment(_) => "COMMENT",
            SecurityLabel(_) => "SECURITY LABEL",
            CreateRole(_) => "CREATE ROLE",
            AlterRole(_) | AlterRoleSet(_) => "ALTER ROLE",
            DropRole(_) => "DROP ROLE",
            Grant(s) if s.is_grant => "GRANT",
            Grant(_) => "REVOKE",
            GrantRole(s) if s.is_grant => "GRANT ROLE",
            GrantRole(_) => "REVOKE ROLE",
            AlterDefaultPrivileges(_) => "ALTER DEFAULT PRIVILEGES",
            DropOwned(_) => "DROP OWNED",
            ReassignOwned(_) => "REASSIGN OWNED",
            CreateDatabase(_) => "CREATE DATABASE",
            AlterDatabase(_) | AlterDatabaseSet(_) | AlterDatabaseRefreshCollation(_) => "ALTER DATABASE",
            DropDatabase(_) => "DROP DATABASE",
            CreateTablespace(_) => "CREATE TABLESPACE",
            AlterTablespace(_) => "ALTER TABLESPACE",
            DropTablespace(_) => "DROP TABLESPACE",
            AlterSystem(_) => "ALTER SYSTEM",
            Transaction(t) => t.kind_name(),
            Set(s) if s.is_reset() => "RESET",
            Set(_) => "SET",
            Show(_) => "SHOW",
            SetConstraints(_) => "SET CONSTRAINTS",
            Prepare(_) => "PREPARE",
            Execute(_) => "EXECUTE",
            Deallocate(_) => "DEALLOCATE",
            DeclareCursor(_) => "DECLARE CURSOR",
            Fetch(s) if s.is_move => "MOVE",
            Fetch(_) => "FETCH",
            ClosePortal(_) => "CLOSE CURSOR",
            Listen(_) => "LISTEN",
            Unlisten(_) => "UNLISTEN",
            Notify(_) => "NOTIFY",
            Discard(_) => "DISCARD",
            Explain(_) => "EXPLAIN",
            Copy(_) => "COPY",
            Call(_) => "CALL",
            Do(_) => "DO",
            Load(_) => "LOAD",
            Lock(_) => "LOCK TABLE",
            Vacuum(s) if s.is_vacuum => "VACUUM",
            Vacuum(_) => "ANALYZE",
            Cluster(_) => "CLUSTER",
            Reindex(_) => "REINDEX",
            Checkpoint => "CHECKPOINT",
            WaitFor(_) => "WAIT",
        }
    }
}
