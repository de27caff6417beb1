//! What can exist in a cluster, as plain values. Everything above reads these; only `change.rs` alters them.
//!
//! Expressions and queries are kept as SQL source text: binding them is the upper layers' work, on use. All fields
//! added after the first release carry `#[serde(default)]`, which is what lets an old row be read by a new program.

mod index;
mod role;
mod sequence;
mod stats;
mod table;
mod types;

pub use index::{Index, IndexKey, KeyPart};
pub use role::{AclItem, Database, Membership, Role, Schema};
pub use sequence::{Owner, Sequence};
pub use stats::{ColumnStats, TableStats};
pub use table::{
    CheckOption, Column, Constraint, ConstraintKind, Default, FkAction, FkMatch, Generated, Identity, Persistence,
    RowKey, Table, TableKind, View,
};
pub use types::{EnumLabel, TypeKind, TypeObject};

use crate::base::Oid;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The oids of the system relations that give objects their class, as in `pg_depend.classid`.
pub mod class {
    use crate::base::Oid;
    pub const ATTRDEF: Oid = Oid(2604);
    pub const AUTHID: Oid = Oid(1260);
    pub const CAST: Oid = Oid(2605);
    pub const CLASS: Oid = Oid(1259);
    pub const COLLATION: Oid = Oid(3456);
    pub const CONSTRAINT: Oid = Oid(2606);
    pub const DATABASE: Oid = Oid(1262);
    pub const LANGUAGE: Oid = Oid(2612);
    pub const NAMESPACE: Oid = Oid(2615);
    pub const OPERATOR: Oid = Oid(2617);
    pub const PROC: Oid = Oid(1255);
    pub const REWRITE: Oid = Oid(2618);
    pub const TABLESPACE: Oid = Oid(1213);
    pub const TYPE: Oid = Oid(1247);
}

/// Names one object, or one column of a relation, anywhere in the cluster: `pg_depend`'s triple.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    pub class: Oid,
    pub oid: Oid,
    /// A column's number, or 0 for the whole object.
    pub sub: i16,
}

impl Address {
    pub const fn new(class: Oid, oid: Oid) -> Address {
        Address { class, oid, sub: 0 }
    }

    pub const fn relation(oid: Oid) -> Address {
        Address::new(class::CLASS, oid)
    }

    pub const fn column(relation: Oid, attnum: i16) -> Address {
        Address { class: class::CLASS, oid: relation, sub: attnum }
    }

    /// The object that a column belongs to; the address itself otherwise.
    pub const fn whole(self) -> Address {
        Address::new(self.class, self.oid)
    }
}

/// `COMMENT ON`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comment {
    pub on: Address,
    pub text: String,
}

/// One stored object.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Database(Arc<Database>),
    Role(Arc<Role>),
    Schema(Arc<Schema>),
    Table(Arc<Table>),
    Index(Arc<Index>),
    Sequence(Arc<Sequence>),
    Type(Arc<TypeObject>),
    Comment(Arc<Comment>),
    Stats(Arc<TableStats>),
}

/// The kinds of stored object. The numbers are on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    Database = 1,
    Role = 2,
    Schema = 3,
    Table = 4,
    Index = 5,
    Sequence = 6,
    Type = 7,
    Comment = 8,
    Stats = 9,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Database,
        Kind::Role,
        Kind::Schema,
        Kind::Table,
        Kind::Index,
        Kind::Sequence,
        Kind::Type,
        Kind::Comment,
        Kind::Stats,
    ];

    pub fn from_u8(n: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|&k| k as u8 == n)
    }

    /// Databases and roles belong to the cluster, everything else to one database.
    fn is_shared(self) -> bool {
        matches!(self, Kind::Database | Kind::Role)
    }
}

/// Identifies a stored object within its database (or within the cluster, for the shared kinds).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    pub kind: Kind,
    pub oid: Oid,
    /// Class and column of what a comment is on; zero for all other kinds.
    pub class: Oid,
    pub sub: i16,
}

impl ObjectKey {
    pub const fn new(kind: Kind, oid: Oid) -> ObjectKey {
        ObjectKey { kind, oid, class: Oid::INVALID, sub: 0 }
    }

    /// Whether the object belongs to the cluster: databases, roles, and comments on them.
    pub fn is_shared(self) -> bool {
        let on_shared = matches!(self.class, class::DATABASE | class::AUTHID | class::TABLESPACE);
        self.kind.is_shared() || (self.kind == Kind::Comment && on_shared)
    }

    pub const fn comment(on: Address) -> ObjectKey {
        ObjectKey { kind: Kind::Comment, oid: on.oid, class: on.class, sub: on.sub }
    }
}

impl Object {
    pub fn key(&self) -> ObjectKey {
        match self {
            Object::Database(o) => ObjectKey::new(Kind::Database, o.oid),
            Object::Role(o) => ObjectKey::new(Kind::Role, o.oid),
            Object::Schema(o) => ObjectKey::new(Kind::Schema, o.oid),
            Object::Table(o) => ObjectKey::new(Kind::Table, o.oid),
            Object::Index(o) => ObjectKey::new(Kind::Index, o.oid),
            Object::Sequence(o) => ObjectKey::new(Kind::Sequence, o.oid),
            Object::Type(o) => ObjectKey::new(Kind::Type, o.oid),
            Object::Comment(o) => ObjectKey::comment(o.on),
            Object::Stats(o) => ObjectKey::new(Kind::Stats, o.table),
        }
    }
}

macro_rules! into_object {
    ($($kind:ident $ty:ty;)*) => {
        $(
            impl From<$ty> for Object {
                fn from(o: $ty) -> Object {
                    Object::$kind(Arc::new(o))
                }
            }
            impl From<Arc<$ty>> for Object {
                fn from(o: Arc<$ty>) -> Object {
                    Object::$kind(o)
                }
            }
        )*
    };
}

into_object! {
    Database Database;
    Role Role;
    Schema Schema;
    Table Table;
    Index Index;
    Sequence Sequence;
    Type TypeObject;
    Comment Comment;
    Stats TableStats;
}
