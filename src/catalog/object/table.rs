//! Relations with columns: tables, views, materialized views and the relations behind composite types.

use super::Address;
use super::role::AclItem;
use crate::base::{Oid, TreeId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableKind {
    Table,
    View,
    MaterializedView,
    /// The relation of a stand-alone composite type.
    Composite,
    Partitioned,
}

impl TableKind {
    /// `pg_class.relkind`.
    pub fn relkind(self) -> u8 {
        match self {
            TableKind::Table => b'r',
            TableKind::View => b'v',
            TableKind::MaterializedView => b'm',
            TableKind::Composite => b'c',
            TableKind::Partitioned => b'p',
        }
    }

    /// As messages name it: `cannot drop view v because ...`.
    pub fn noun(self) -> &'static str {
        match self {
            TableKind::Table | TableKind::Partitioned => "table",
            TableKind::View => "view",
            TableKind::MaterializedView => "materialized view",
            TableKind::Composite => "composite type",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Persistence {
    #[default]
    Permanent,
    Unlogged,
    Temporary,
}

impl Persistence {
    /// `pg_class.relpersistence`.
    pub fn code(self) -> u8 {
        match self {
            Persistence::Permanent => b'p',
            Persistence::Unlogged => b'u',
            Persistence::Temporary => b't',
        }
    }
}

/// A relation with columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub oid: Oid,
    pub schema: Oid,
    pub name: String,
    pub kind: TableKind,
    #[serde(default)]
    pub persistence: Persistence,
    pub owner: Oid,
    /// `None`: the built-in default privileges.
    #[serde(default)]
    pub acl: Option<Vec<AclItem>>,
    /// The composite type of its rows and the array type over that.
    pub row_type: Oid,
    pub array_type: Oid,
    /// Where the rows are; zero for a view.
    #[serde(default)]
    pub tree: TreeId,
    #[serde(default)]
    pub row_key: RowKey,
    /// By attribute number, from 1, dropped ones included: `columns[attnum - 1]`.
    pub columns: Vec<Column>,
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    /// Of views and materialized views.
    #[serde(default)]
    pub view: Option<View>,
    /// `WITH (...)`, kept to be shown.
    #[serde(default)]
    pub options: Vec<(String, String)>,
    /// What a session does with a temporary table at commit: `None` for other tables.
    #[serde(default)]
    pub on_commit_delete: bool,
    #[serde(default)]
    pub on_commit_drop: bool,
    #[serde(default)]
    pub row_security: bool,
    #[serde(default)]
    pub force_row_security: bool,
    /// `REPLICA IDENTITY`: `d`efault, `n`othing, `f`ull, `i`ndex; zero reads as default.
    #[serde(default)]
    pub replica_identity: u8,
}

/// How the rows of a table are keyed in its tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RowKey {
    /// A hidden 8-byte number, ascending in order of insertion.
    #[default]
    RowId,
    /// The primary key's columns by attribute number; `index` is the primary key's index.
    Columns { index: Oid, attnums: Vec<i16> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// From 1; never reused.
    pub attnum: i16,
    pub name: String,
    pub type_oid: Oid,
    pub typmod: i32,
    /// Array dimensions as declared; `integer[][]` is 2.
    #[serde(default)]
    pub dimensions: i16,
    /// Zero for types that have none.
    #[serde(default)]
    pub collation: Oid,
    #[serde(default)]
    pub not_null: bool,
    #[serde(default)]
    pub default: Option<Default>,
    #[serde(default)]
    pub identity: Option<Identity>,
    #[serde(default)]
    pub generated: Option<Generated>,
    /// A dropped column keeps its place and its type, since rows written before still hold it.
    #[serde(default)]
    pub dropped: bool,
    /// What rows read that were written before the column was added: the value in its type's text form under the
    /// default settings; `None` is NULL.
    #[serde(default)]
    pub missing: Option<String>,
    /// `SET STORAGE` and `SET COMPRESSION`, kept to be shown; zero is the type's own.
    #[serde(default)]
    pub storage: u8,
    #[serde(default)]
    pub compression: u8,
    /// `SET STATISTICS`; -1 is the default target.
    #[serde(default = "minus_one")]
    pub statistics_target: i16,
    #[serde(default)]
    pub options: Vec<(String, String)>,
    #[serde(default)]
    pub acl: Option<Vec<AclItem>>,
}

fn minus_one() -> i16 {
    -1
}

impl Column {
    /// A plain nullable column.
    pub fn new(attnum: i16, name: impl Into<String>, type_oid: Oid, typmod: i32) -> Column {
        Column {
            attnum,
            name: name.into(),
            type_oid,
            typmod,
            dimensions: 0,
            collation: Oid::INVALID,
            not_null: false,
            default: None,
            identity: None,
            generated: None,
            dropped: false,
            missing: None,
            storage: 0,
            compression: 0,
            statistics_target: -1,
            options: Vec::new(),
            acl: None,
        }
    }
}

/// A column's default, or the expression of a generated column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Default {
    /// Of the `pg_attrdef` row.
    pub oid: Oid,
    /// SQL source text of the expression.
    pub source: String,
    /// As PostgreSQL's deparser prints it, `nextval('t_id_seq'::regclass)`; what catalogs show.
    pub display: String,
    /// Sequences and other objects named in it.
    #[serde(default)]
    pub depends: Vec<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    Always,
    ByDefault,
}

impl Identity {
    /// `pg_attribute.attidentity`.
    pub fn code(self) -> u8 {
        match self {
            Identity::Always => b'a',
            Identity::ByDefault => b'd',
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Generated {
    Stored,
}

/// The definition behind a view or a materialized view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Of the `pg_rewrite` row.
    pub rule: Oid,
    /// SQL source text of the query.
    pub query: String,
    /// As `pg_get_viewdef` prints it; the source text where no deparsed form was made.
    #[serde(default)]
    pub display: Option<String>,
    /// The search path that the source text is to be bound under, by schema oid.
    #[serde(default)]
    pub search_path: Vec<Oid>,
    #[serde(default)]
    pub check_option: CheckOption,
    #[serde(default)]
    pub security_barrier: bool,
    #[serde(default)]
    pub security_invoker: bool,
    /// Whether a materialized view has been filled; views always are.
    #[serde(default = "yes")]
    pub populated: bool,
    /// Whether rows can be inserted, updated and deleted through it.
    #[serde(default)]
    pub updatable: bool,
    /// Relations (and columns of them) that the query reads.
    #[serde(default)]
    pub depends: Vec<Address>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, std::default::Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckOption {
    #[default]
    None,
    Local,
    Cascaded,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    pub oid: Oid,
    pub name: String,
    pub kind: ConstraintKind,
    #[serde(default)]
    pub deferrable: bool,
    #[serde(default)]
    pub initially_deferred: bool,
    /// False for `NOT VALID`.
    #[serde(default = "yes")]
    pub validated: bool,
    #[serde(default)]
    pub no_inherit: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConstraintKind {
    PrimaryKey {
        index: Oid,
        columns: Vec<i16>,
    },
    Unique {
        index: Oid,
        columns: Vec<i16>,
    },
    Check {
        /// SQL source text of the condition, without the outer parentheses.
        source: String,
        /// As PostgreSQL's deparser prints it, with one pair of parentheses: `(a > 0)`.
        display: String,
        /// The columns it mentions.
        columns: Vec<i16>,
    },
    ForeignKey {
        columns: Vec<i16>,
        parent: Oid,
        parent_columns: Vec<i16>,
        /// The parent's unique index that the key refers to.
        parent_index: Oid,
        matching: FkMatch,
        on_update: FkAction,
        on_delete: FkAction,
        /// `ON DELETE SET NULL (a, b)`; empty means all.
        #[serde(default)]
        set_columns: Vec<i16>,
    },
}

impl ConstraintKind {
    /// `pg_constraint.contype`.
    pub fn code(&self) -> u8 {
        match self {
            ConstraintKind::PrimaryKey { .. } => b'p',
            ConstraintKind::Unique { .. } => b'u',
            ConstraintKind::Check { .. } => b'c',
            ConstraintKind::ForeignKey { .. } => b'f',
        }
    }

    /// The columns of its own table.
    pub fn columns(&self) -> &[i16] {
        match self {
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::Check { columns, .. }
            | ConstraintKind::ForeignKey { columns, .. } => columns,
        }
    }

    /// The index that a primary key or unique constraint stands on.
    pub fn index(&self) -> Option<Oid> {
        match self {
            ConstraintKind::PrimaryKey { index, .. } | ConstraintKind::Unique { index, .. } => Some(*index),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FkMatch {
    Simple,
    Full,
}

impl FkMatch {
    /// `pg_constraint.confmatchtype`.
    pub fn code(self) -> u8 {
        match self {
            FkMatch::Simple => b's',
            FkMatch::Full => b'f',
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FkAction {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

impl FkAction {
    /// `pg_constraint.confupdtype`.
    pub fn code(self) -> u8 {
        match self {
            FkAction::NoAction => b'a',
            FkAction::Restrict => b'r',
            FkAction::Cascade => b'c',
            FkAction::SetNull => b'n',
            FkAction::SetDefault => b'd',
        }
    }

    /// As SQL writes it.
    pub fn sql(self) -> &'static str {
        match self {
            FkAction::NoAction => "NO ACTION",
            FkAction::Restrict => "RESTRICT",
            FkAction::Cascade => "CASCADE",
            FkAction::SetNull => "SET NULL",
            FkAction::SetDefault => "SET DEFAULT",
        }
    }
}

impl Table {
    /// A column by number; also a dropped one.
    pub fn column(&self, attnum: i16) -> Option<&Column> {
        usize::try_from(attnum).ok().and_then(|n| n.checked_sub(1)).and_then(|i| self.columns.get(i))
    }

    /// A live column by name.
    pub fn column_named(&self, name: &str) -> Option<&Column> {
        self.live_columns().find(|c| c.name == name)
    }

    /// The columns that exist, in order.
    pub fn live_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !c.dropped)
    }

    pub fn constraint_named(&self, name: &str) -> Option<&Constraint> {
        self.constraints.iter().find(|c| c.name == name)
    }

    pub fn constraint(&self, oid: Oid) -> Option<&Constraint> {
        self.constraints.iter().find(|c| c.oid == oid)
    }

    pub fn primary_key(&self) -> Option<&Constraint> {
        self.constraints.iter().find(|c| matches!(c.kind, ConstraintKind::PrimaryKey { .. }))
    }

    /// Whether rows are stored: tables and materialized views.
    pub fn has_rows(&self) -> bool {
        matches!(self.kind, TableKind::Table | TableKind::MaterializedView)
    }

    pub fn is_view(&self) -> bool {
        self.kind == TableKind::View
    }

    pub fn address(&self) -> Address {
        Address::relation(self.oid)
    }
}
