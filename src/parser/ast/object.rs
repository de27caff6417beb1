//! Objects that are not relations, and the statements that work on objects of every kind.

use super::{
    ColumnDef, DefElem, DropBehavior, Expr, Ident, OperatorName, Pos, QualifiedName, RelationName, RelationRef,
    RoleSpec, Statement, TypeName,
};

macro_rules! object_types {
    ($($variant:ident $name:literal;)*) => {
        /// Every kind of thing that has a name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ObjectType { $($variant,)* }

        impl ObjectType {
            /// `TABLE`, `MATERIALIZED VIEW`.
            pub fn name(self) -> &'static str {
                match self { $(ObjectType::$variant => $name,)* }
            }

            pub fn create_name(self) -> &'static str {
                match self { $(ObjectType::$variant => concat!("CREATE ", $name),)* }
            }

            pub fn alter_name(self) -> &'static str {
                match self { $(ObjectType::$variant => concat!("ALTER ", $name),)* }
            }

            pub fn drop_name(self) -> &'static str {
                match self { $(ObjectType::$variant => concat!("DROP ", $name),)* }
            }
        }
    };
}

object_types! {
    AccessMethod "ACCESS METHOD";
    Aggregate "AGGREGATE";
    Attribute "TYPE";
    Cast "CAST";
    Collation "COLLATION";
    Column "TABLE";
    Conversion "CONVERSION";
    Database "DATABASE";
    Domain "DOMAIN";
    DomainConstraint "DOMAIN";
    EventTrigger "EVENT TRIGGER";
    Extension "EXTENSION";
    ForeignDataWrapper "FOREIGN DATA WRAPPER";
    ForeignTable "FOREIGN TABLE";
    Function "FUNCTION";
    Index "INDEX";
    Language "LANGUAGE";
    LargeObject "LARGE OBJECT";
    MaterializedView "MATERIALIZED VIEW";
    Operator "OPERATOR";
    OperatorClass "OPERATOR CLASS";
    OperatorFamily "OPERATOR FAMILY";
    Parameter "PARAMETER";
    Policy "POLICY";
    Procedure "PROCEDURE";
    Publication "PUBLICATION";
    Role "ROLE";
    Routine "ROUTINE";
    Rule "RULE";
    Schema "SCHEMA";
    Sequence "SEQUENCE";
    Server "SERVER";
    Statistics "STATISTICS";
    Subscription "SUBSCRIPTION";
    Table "TABLE";
    TableConstraint "TABLE";
    Tablespace "TABLESPACE";
    TextSearchConfiguration "TEXT SEARCH CONFIGURATION";
    TextSearchDictionary "TEXT SEARCH DICTIONARY";
    TextSearchParser "TEXT SEARCH PARSER";
    TextSearchTemplate "TEXT SEARCH TEMPLATE";
    Transform "TRANSFORM";
    Trigger "TRIGGER";
    Type "TYPE";
    View "VIEW";
}

/// What identifies one object; the [`ObjectType`] beside it says of which kind.
#[derive(Debug, Clone, PartialEq)]
pub enum ObjectRef {
    /// Kinds without a schema: database, role, schema, extension, language, publication, server, tablespace ...
    Name(Ident),
    /// Kinds in a schema: relations, collations, statistics, text search objects. Of a column, the last part is it.
    Qualified(QualifiedName),
    /// Types and domains.
    Type(TypeName),
    /// Functions, procedures, routines and aggregates.
    Function(FunctionRef),
    Operator(OperatorRef),
    /// Operator classes and families: name USING method.
    WithMethod {
        name: QualifiedName,
        method: Ident,
    },
    Cast {
        source: TypeName,
        target: TypeName,
    },
    Transform {
        type_name: TypeName,
        language: Ident,
    },
    /// Triggers, rules, policies and constraints: name ON relation.
    On {
        name: Ident,
        relation: QualifiedName,
    },
    DomainConstraint {
        name: Ident,
        domain: TypeName,
    },
    LargeObject(String),
}

/// A function by name and, if written, by arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionRef {
    pub name: QualifiedName,
    /// `None` when no parentheses were written; then the name must be unambiguous.
    pub args: Option<Vec<FunctionParameter>>,
    /// Of an aggregate: how many of `args` stand before ORDER BY; `None` without ORDER BY. `(*)` is an empty list.
    pub direct_args: Option<usize>,
}

/// `op (left, right)`, where NONE is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorRef {
    pub name: OperatorName,
    pub left: Option<TypeName>,
    pub right: Option<TypeName>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Drop {
    pub object: ObjectType,
    pub objects: Vec<ObjectRef>,
    pub if_exists: bool,
    pub behavior: DropBehavior,
    /// DROP INDEX CONCURRENTLY.
    pub concurrently: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rename {
    /// What is renamed; `Column`, `Attribute` and the constraints are parts of `target`.
    pub object: ObjectType,
    /// The kind that the statement named: Table of ALTER TABLE ... RENAME COLUMN, View of ALTER VIEW ... RENAME COLUMN.
    pub relation_type: ObjectType,
    pub target: RenameTarget,
    pub new_name: Ident,
    pub if_exists: bool,
    /// Of RENAME ATTRIBUTE.
    pub behavior: DropBehavior,
}

#[derive(Debug, Clone, PartialEq)]
pub enum RenameTarget {
    Object(ObjectRef),
    /// The relation itself, or, with `part`, its column, constraint, trigger, rule or policy.
    Relation {
        relation: RelationRef,
        part: Option<Ident>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterOwner {
    pub object: ObjectType,
    pub target: ObjectRef,
    pub new_owner: RoleSpec,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterObjectSchema {
    pub object: ObjectType,
    pub target: RenameTarget,
    pub new_schema: Ident,
    pub if_exists: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterObjectDepends {
    pub object: ObjectType,
    pub target: RenameTarget,
    pub extension: Ident,
    pub remove: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    pub object: ObjectType,
    pub target: ObjectRef,
    /// `None` for IS NULL.
    pub text: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SecurityLabel {
    pub provider: Option<String>,
    pub object: ObjectType,
    pub target: ObjectRef,
    pub label: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateSchema {
    /// `None` for the authorized role's name.
    pub name: Option<Ident>,
    pub authorization: Option<RoleSpec>,
    pub if_not_exists: bool,
    /// CREATE TABLE / INDEX / SEQUENCE / TRIGGER / VIEW and GRANT statements.
    pub elements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateType {
    pub name: QualifiedName,
    pub kind: TypeKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    Composite(Vec<ColumnDef>),
    Enum(Vec<String>),
    Range(Vec<DefElem>),
    /// CREATE TYPE name (INPUT = ..., ...).
    Base(Vec<DefElem>),
    /// CREATE TYPE name.
    Shell,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateDomain {
    pub name: QualifiedName,
    pub type_name: TypeName,
    pub collation: Option<QualifiedName>,
    pub constraints: Vec<super::ColumnConstraint>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterDomain {
    pub name: QualifiedName,
    pub action: AlterDomainAction,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlterDomainAction {
    SetDefault(Expr),
    DropDefault,
    SetNotNull,
    DropNotNull,
    AddConstraint(super::TableConstraint),
    DropConstraint { name: Ident, if_exists: bool, behavior: DropBehavior },
    ValidateConstraint(Ident),
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterEnum {
    pub name: QualifiedName,
    pub action: AlterEnumAction,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlterEnumAction {
    AddValue { value: String, if_not_exists: bool, place: EnumPlace },
    RenameValue { old: String, new: String },
}

#[derive(Debug, Clone, PartialEq)]
pub enum EnumPlace {
    Last,
    Before(String),
    After(String),
}

/// ALTER TYPE name SET (...).
#[derive(Debug, Clone, PartialEq)]
pub struct AlterType {
    pub name: QualifiedName,
    pub options: Vec<DefElem>,
}

/// CREATE FUNCTION and CREATE PROCEDURE.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFunction {
    pub procedure: bool,
    pub or_replace: bool,
    pub name: QualifiedName,
    pub parameters: Vec<FunctionParameter>,
    /// RETURNS type; with RETURNS TABLE it is `None` and the columns are parameters of mode Table.
    pub returns: Option<TypeName>,
    pub options: Vec<FunctionOption>,
    /// A body in SQL proper: RETURN expression, or BEGIN ATOMIC ... END.
    pub sql_body: Option<SqlBody>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SqlBody {
    Return(Expr),
    Atomic(Vec<SqlBodyStatement>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum SqlBodyStatement {
    Statement(Statement),
    Return(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub struct FunctionParameter {
    pub name: Option<Ident>,
    pub type_name: TypeName,
    pub mode: ParameterMode,
    pub default: Option<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterMode {
    /// Nothing was written: IN.
    Default,
    In,
    Out,
    InOut,
    Variadic,
    /// A column of RETURNS TABLE.
    Table,
}

#[derive(Debug, Clone, PartialEq)]
pub struct FunctionOption {
    pub kind: FunctionOptionKind,
    pub pos: Pos,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FunctionOptionKind {
    /// AS 'body', or AS 'object file', 'symbol'.
    As(Vec<String>),
    Language(String),
    Transform(Vec<TypeName>),
    Window,
    /// CALLED ON NULL INPUT is false; STRICT and RETURNS NULL ON NULL INPUT are true.
    Strict(bool),
    Volatility(Volatility),
    SecurityDefiner(bool),
    Leakproof(bool),
    /// A number as written.
    Cost(String),
    Rows(String),
    Support(QualifiedName),
    Set(super::VariableSet),
    Parallel(Ident),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterFunction {
    /// Function, Procedure or Routine.
    pub object: ObjectType,
    pub function: FunctionRef,
    pub options: Vec<FunctionOption>,
}

/// CREATE AGGREGATE / OPERATOR / COLLATION / TEXT SEARCH PARSER | DICTIONARY | TEMPLATE | CONFIGURATION.
#[derive(Debug, Clone, PartialEq)]
pub struct Define {
    pub object: ObjectType,
    pub or_replace: bool,
    /// CREATE AGGREGATE name (basetype = ..., ...).
    pub old_style: bool,
    pub if_not_exists: bool,
    pub name: DefineName,
    /// Of a new-style aggregate.
    pub args: Vec<FunctionParameter>,
    pub direct_args: Option<usize>,
    pub definition: Vec<DefElem>,
    /// CREATE COLLATION name FROM other.
    pub from: Option<QualifiedName>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum DefineName {
    Qualified(QualifiedName),
    Operator(OperatorName),
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterOperator {
    pub operator: OperatorRef,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateOperatorClass {
    pub name: QualifiedName,
    pub default: bool,
    pub type_name: TypeName,
    pub method: Ident,
    pub family: Option<QualifiedName>,
    pub items: Vec<OperatorClassItem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateOperatorFamily {
    pub name: QualifiedName,
    pub method: Ident,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterOperatorFamily {
    pub name: QualifiedName,
    pub method: Ident,
    /// DROP rather than ADD.
    pub drop: bool,
    pub items: Vec<OperatorClassItem>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OperatorClassItem {
    Operator {
        number: i32,
        name: OperatorName,
        types: Option<(Option<TypeName>, Option<TypeName>)>,
        /// FOR ORDER BY family.
        order_family: Option<QualifiedName>,
        recheck: bool,
    },
    Function {
        number: i32,
        /// The types in parentheses after the number.
        types: Vec<TypeName>,
        function: FunctionRef,
    },
    Storage(TypeName),
    DropOperator {
        number: i32,
        types: Vec<TypeName>,
    },
    DropFunction {
        number: i32,
        types: Vec<TypeName>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateCast {
    pub source: TypeName,
    pub target: TypeName,
    pub method: CastMethod,
    pub context: CastContext,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CastMethod {
    Function(FunctionRef),
    WithoutFunction,
    InOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastContext {
    Explicit,
    Assignment,
    Implicit,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateConversion {
    pub default: bool,
    pub name: QualifiedName,
    pub source: String,
    pub target: String,
    pub function: QualifiedName,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateTransform {
    pub or_replace: bool,
    pub type_name: TypeName,
    pub language: Ident,
    pub from_sql: Option<FunctionRef>,
    pub to_sql: Option<FunctionRef>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateLanguage {
    pub or_replace: bool,
    pub trusted: bool,
    pub name: Ident,
    /// Without it the statement is CREATE EXTENSION under an old name.
    pub handler: Option<QualifiedName>,
    pub inline: Option<QualifiedName>,
    pub validator: Option<QualifiedName>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateAccessMethod {
    pub name: Ident,
    /// TYPE TABLE rather than TYPE INDEX.
    pub table: bool,
    pub handler: QualifiedName,
}

/// Options: `schema`, `new_version`, `cascade`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateExtension {
    pub name: Ident,
    pub if_not_exists: bool,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterExtension {
    pub name: Ident,
    /// `new_version`, at most.
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterExtensionContents {
    pub name: Ident,
    pub add: bool,
    pub object: ObjectType,
    pub target: ObjectRef,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateEventTrigger {
    pub name: Ident,
    pub event: Ident,
    /// WHEN variable IN (values) AND ...
    pub when: Vec<(Ident, Vec<String>)>,
    pub function: QualifiedName,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterEventTrigger {
    pub name: Ident,
    pub mode: super::EnableMode,
}

/// ALTER COLLATION name REFRESH VERSION.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterCollation {
    pub name: QualifiedName,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterTextSearchConfiguration {
    pub name: QualifiedName,
    pub action: TextSearchMapping,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TextSearchMapping {
    Add {
        tokens: Vec<Ident>,
        dictionaries: Vec<QualifiedName>,
    },
    Alter {
        tokens: Vec<Ident>,
        dictionaries: Vec<QualifiedName>,
    },
    /// ALTER MAPPING [FOR tokens] REPLACE old WITH new.
    Replace {
        tokens: Vec<Ident>,
        old: QualifiedName,
        new: QualifiedName,
    },
    Drop {
        tokens: Vec<Ident>,
        if_exists: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterTextSearchDictionary {
    pub name: QualifiedName,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreatePublication {
    pub name: Ident,
    pub for_all_tables: bool,
    pub objects: Vec<PublicationObject>,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PublicationObject {
    Table {
        relation: RelationRef,
        columns: Vec<Ident>,
        filter: Option<Expr>,
    },
    /// `None` for CURRENT_SCHEMA.
    TablesInSchema(Option<Ident>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterPublication {
    pub name: Ident,
    pub action: AlterPublicationAction,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlterPublicationAction {
    SetOptions(Vec<DefElem>),
    Add(Vec<PublicationObject>),
    Set(Vec<PublicationObject>),
    Drop(Vec<PublicationObject>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateSubscription {
    pub name: Ident,
    pub connection: String,
    pub publications: Vec<Ident>,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterSubscription {
    pub name: Ident,
    pub action: AlterSubscriptionAction,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlterSubscriptionAction {
    Options(Vec<DefElem>),
    Connection(String),
    Refresh(Vec<DefElem>),
    AddPublication { publications: Vec<Ident>, options: Vec<DefElem> },
    DropPublication { publications: Vec<Ident>, options: Vec<DefElem> },
    SetPublication { publications: Vec<Ident>, options: Vec<DefElem> },
    Enable,
    Disable,
    Skip(Vec<DefElem>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct DropSubscription {
    pub name: Ident,
    pub if_exists: bool,
    pub behavior: DropBehavior,
}

/// `functions` are HANDLER and VALIDATOR definitions, without value for NO HANDLER.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateForeignDataWrapper {
    pub name: Ident,
    pub functions: Vec<DefElem>,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterForeignDataWrapper {
    pub name: Ident,
    pub functions: Vec<DefElem>,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CreateServer {
    pub name: Ident,
    pub if_not_exists: bool,
    pub server_type: Option<String>,
    pub version: Option<String>,
    pub wrapper: Ident,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterServer {
    pub name: Ident,
    /// Outer `None`: VERSION was not written; inner: VERSION NULL.
    pub version: Option<Option<String>>,
    pub options: Vec<DefElem>,
}

/// USER of a mapping is a role, USER (the current one), or PUBLIC.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateUserMapping {
    pub if_not_exists: bool,
    pub user: RoleSpec,
    pub server: Ident,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AlterUserMapping {
    pub user: RoleSpec,
    pub server: Ident,
    pub options: Vec<DefElem>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DropUserMapping {
    pub if_exists: bool,
    pub user: RoleSpec,
    pub server: Ident,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ImportForeignSchema {
    pub remote_schema: Ident,
    /// `Some(true)` for LIMIT TO, `Some(false)` for EXCEPT.
    pub limit_to: Option<bool>,
    pub tables: Vec<RelationName>,
    pub server: Ident,
    pub local_schema: Ident,
    pub options: Vec<DefElem>,
}
