//! `Catalog`: everything that exists in one database at one moment, as an immutable value with maps to find it by.
//!
//! The maps sit behind their own `Arc`s, so that a change copies only the maps it touches; objects are never copied.

use super::change::Change;
use super::object::{
    Address, Comment, ConstraintKind, Database, Index, Kind, Object, ObjectKey, Role, Schema, Sequence, Table,
    TableStats, TypeObject,
};
use super::system::{self, SystemTable};
use crate::base::{Lsn, Oid};
use ahash::AHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `pg_catalog`.
pub const PG_CATALOG: Oid = Oid(11);
/// `pg_toast`.
pub const PG_TOAST: Oid = Oid(99);
/// `public`.
pub const PUBLIC: Oid = Oid(2200);
/// `information_schema`.
pub const INFORMATION_SCHEMA: Oid = Oid(13207);
/// The role that bootstrap creates.
pub const POSTGRES_ROLE: Oid = Oid(10);

type Map<K, V> = Arc<AHashMap<K, V>>;

/// What one name in a `FROM` clause or a DDL statement can mean: the things that share `pg_class`'s namespace.
#[derive(Clone, Debug)]
pub enum Relation {
    Table(Arc<Table>),
    Index(Arc<Index>),
    Sequence(Arc<Sequence>),
    System(&'static SystemTable),
}

impl Relation {
    pub fn oid(&self) -> Oid {
        match self {
            Relation::Table(t) => t.oid,
            Relation::Index(i) => i.oid,
            Relation::Sequence(s) => s.oid,
            Relation::System(s) => s.oid,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Relation::Table(t) => &t.name,
            Relation::Index(i) => &i.name,
            Relation::Sequence(s) => &s.name,
            Relation::System(s) => s.name,
        }
    }

    pub fn schema(&self) -> Oid {
        match self {
            Relation::Table(t) => t.schema,
            Relation::Index(i) => i.schema,
            Relation::Sequence(s) => s.schema,
            Relation::System(s) => s.schema,
        }
    }

    pub fn owner(&self) -> Oid {
        match self {
            Relation::Table(t) => t.owner,
            Relation::Index(i) => i.owner,
            Relation::Sequence(s) => s.owner,
            Relation::System(_) => POSTGRES_ROLE,
        }
    }

    /// `pg_class.relkind`.
    pub fn relkind(&self) -> u8 {
        match self {
            Relation::Table(t) => t.kind.relkind(),
            Relation::Index(_) => b'i',
            Relation::Sequence(_) => b'S',
            Relation::System(s) => s.relkind,
        }
    }

    /// As messages name it: `"t" is not a ...`, `cannot drop sequence s because ...`.
    pub fn noun(&self) -> &'static str {
        match self {
            Relation::Table(t) => t.kind.noun(),
            Relation::Index(_) => "index",
            Relation::Sequence(_) => "sequence",
            Relation::System(s) if s.relkind == b'v' => "view",
            Relation::System(_) => "table",
        }
    }
}

/// The names of one schema.
#[derive(Clone, Default)]
struct Names {
    relations: BTreeMap<Box<str>, Relation>,
    types: BTreeMap<Box<str>, Oid>,
}

/// What a type oid from the user range stands for.
#[derive(Clone, Debug)]
pub enum UserType {
    /// An enum, domain or range.
    Object(Arc<TypeObject>),
    /// The row type of a table, view or composite type.
    Row(Arc<Table>),
    /// The array type over the type with this oid.
    ArrayOf(Oid),
}

/// A foreign key seen from the table that it points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The table that has the foreign key.
    pub table: Oid,
    pub constraint: Oid,
}

/// Everything that exists in one database, and the roles and databases of the cluster.
#[derive(Clone)]
pub struct Catalog {
    version: u64,
    lsn: Lsn,
    database: Oid,
    databases: Map<Oid, Arc<Database>>,
    roles: Map<Oid, Arc<Role>>,
    schemas: Map<Oid, Arc<Schema>>,
    tables: Map<Oid, Arc<Table>>,
    indexes: Map<Oid, Arc<Index>>,
    sequences: Map<Oid, Arc<Sequence>>,
    types: Map<Oid, UserType>,
    comments: Arc<BTreeMap<Address, Arc<Comment>>>,
    stats: Map<Oid, Arc<TableStats>>,
    /// By schema.
    names: Map<Oid, Arc<Names>>,
    /// By table, ordered by oid.
    table_indexes: Map<Oid, Vec<Arc<Index>>>,
    /// By the table pointed to.
    incoming: Map<Oid, Vec<Incoming>>,
    /// Schema by name.
    schema_names: Arc<BTreeMap<Box<str>, Oid>>,
}

impl Catalog {
    /// Nothing exists in it.
    pub fn empty(database: Oid) -> Catalog {
        Catalog {
            version: 0,
            lsn: Lsn::ZERO,
            database,
            databases: Map::default(),
            roles: Map::default(),
            schemas: Map::default(),
            tables: Map::default(),
            indexes: Map::default(),
            sequences: Map::default(),
            types: Map::default(),
            comments: Arc::default(),
            stats: Map::default(),
            names: Map::default(),
            table_indexes: Map::default(),
            incoming: Map::default(),
            schema_names: Arc::default(),
        }
    }

    /// A catalog of just these objects: what tests of the layers above bind against.
    #[cfg(test)]
    pub fn of(database: Oid, objects: impl IntoIterator<Item = Object>) -> Catalog {
        let mut catalog = Catalog::empty(database);
        objects.into_iter().for_each(|o| catalog.learn(&o));
        catalog
    }

    /// Grows with every published change, cluster-wide; an uncommitted catalog has a number of its own that is never
    /// published. Plans and bound expressions may be kept under it.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The commit that made this version. Statements that use it must read at least this much
    /// ([`Txn::raise_floor`](crate::txn::Txn::raise_floor)), or a rebuilt table would look empty.
    pub fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The oid of the database that this is the catalog of.
    pub fn database_oid(&self) -> Oid {
        self.database
    }

    pub fn database(&self, oid: Oid) -> Option<&Arc<Database>> {
        self.databases.get(&oid)
    }

    pub fn database_named(&self, name: &str) -> Option<&Arc<Database>> {
        self.databases.values().find(|d| d.name == name)
    }

    pub fn databases(&self) -> Vec<&Arc<Database>> {
        by_oid(self.databases.iter())
    }

    pub fn role(&self, oid: Oid) -> Option<&Arc<Role>> {
        self.roles.get(&oid)
    }

    pub fn role_named(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.values().find(|r| r.name == name)
    }

    pub fn roles(&self) -> Vec<&Arc<Role>> {
        by_oid(self.roles.iter())
    }

    pub fn schema(&self, oid: Oid) -> Option<&Arc<Schema>> {
        self.schemas.get(&oid)
    }

    pub fn schema_named(&self, name: &str) -> Option<&Arc<Schema>> {
        self.schema_names.get(name).and_then(|oid| self.schemas.get(oid))
    }

    pub fn schemas(&self) -> Vec<&Arc<Schema>> {
        by_oid(self.schemas.iter())
    }

    /// The schema's name; of a schema that must exist.
    pub fn schema_name(&self, oid: Oid) -> &str {
        self.schemas.get(&oid).map_or("", |s| &s.name)
    }

    /// A relation by schema and name; system relations included.
    pub fn relation(&self, schema: Oid, name: &str) -> Option<Relation> {
        if let Some(found) = self.names.get(&schema).and_then(|n| n.relations.get(name)) {
            return Some(found.clone());
        }
        system::table_named(schema, name).map(Relation::System)
    }

    /// The first relation of this name along a search path, and so the one that an unqualified name means. The path is
    /// taken as it is: put `pg_catalog` (and the session's temporary schema) where they belong.
    pub fn find_relation(&self, path: &[Oid], name: &str) -> Option<Relation> {
        path.iter().find_map(|&schema| self.relation(schema, name))
    }

    pub fn relation_by_oid(&self, oid: Oid) -> Option<Relation> {
        if oid < Oid::FIRST_USER {
            return system::table(oid).map(Relation::System);
        }
        self.tables
            .get(&oid)
            .cloned()
            .map(Relation::Table)
            .or_else(|| self.indexes.get(&oid).cloned().map(Relation::Index))
            .or_else(|| self.sequences.get(&oid).cloned().map(Relation::Sequence))
    }

    /// Relations that users created, in one schema, by name.
    pub fn relations_in(&self, schema: Oid) -> impl Iterator<Item = &Relation> {
        self.names.get(&schema).into_iter().flat_map(|n| n.relations.values())
    }

    /// A table, view, materialized view or composite type's relation.
    pub fn table(&self, oid: Oid) -> Option<&Arc<Table>> {
        self.tables.get(&oid)
    }

    pub fn tables(&self) -> Vec<&Arc<Table>> {
        by_oid(self.tables.iter())
    }

    pub fn index(&self, oid: Oid) -> Option<&Arc<Index>> {
        self.indexes.get(&oid)
    }

    pub fn indexes(&self) -> Vec<&Arc<Index>> {
        by_oid(self.indexes.iter())
    }

    /// A table's indexes by ascending oid, which is the order in which they are checked and maintained.
    pub fn indexes_of(&self, table: Oid) -> &[Arc<Index>] {
        self.table_indexes.get(&table).map_or(&[], Vec::as_slice)
    }

    pub fn sequence(&self, oid: Oid) -> Option<&Arc<Sequence>> {
        self.sequences.get(&oid)
    }

    pub fn sequences(&self) -> Vec<&Arc<Sequence>> {
        by_oid(self.sequences.iter())
    }

    /// The sequences that go away with a table, or with one column of it.
    pub fn sequences_owned_by(&self, table: Oid, attnum: Option<i16>) -> Vec<&Arc<Sequence>> {
        let mut owned = self.sequences();
        owned.retain(|s| s.owned_by.is_some_and(|o| o.table == table && attnum.is_none_or(|n| n == o.attnum)));
        owned
    }

    /// The foreign keys of any table that point to this one.
    pub fn foreign_keys_to(&self, table: Oid) -> &[Incoming] {
        self.incoming.get(&table).map_or(&[], Vec::as_slice)
    }

    /// What a type oid that is not built in stands for.
    pub fn user_type(&self, oid: Oid) -> Option<&UserType> {
        self.types.get(&oid)
    }

    /// A user's type (row types and array types included) by schema and name.
    pub fn type_named(&self, schema: Oid, name: &str) -> Option<Oid> {
        self.names.get(&schema).and_then(|n| n.types.get(name)).copied()
    }

    pub fn user_types(&self) -> Vec<(Oid, &UserType)> {
        let mut all: Vec<_> = self.types.iter().map(|(oid, t)| (*oid, t)).collect();
        all.sort_unstable_by_key(|(oid, _)| *oid);
        all
    }

    pub fn comment(&self, on: Address) -> Option<&str> {
        self.comments.get(&on).map(|c| c.text.as_str())
    }

    pub fn comments(&self) -> impl Iterator<Item = &Arc<Comment>> {
        self.comments.values()
    }

    pub fn stats(&self, table: Oid) -> Option<&Arc<TableStats>> {
        self.stats.get(&table)
    }

    /// A stored object.
    pub fn object(&self, key: ObjectKey) -> Option<Object> {
        let oid = &key.oid;
        match key.kind {
            Kind::Database => self.databases.get(oid).cloned().map(Object::Database),
            Kind::Role => self.roles.get(oid).cloned().map(Object::Role),
            Kind::Schema => self.schemas.get(oid).cloned().map(Object::Schema),
            Kind::Table => self.tables.get(oid).cloned().map(Object::Table),
            Kind::Index => self.indexes.get(oid).cloned().map(Object::Index),
            Kind::Sequence => self.sequences.get(oid).cloned().map(Object::Sequence),
            Kind::Type => match self.types.get(oid) {
                Some(UserType::Object(t)) => Some(Object::Type(t.clone())),
                _ => None,
            },
            Kind::Comment => {
                let on = Address { class: key.class, oid: key.oid, sub: key.sub };
                self.comments.get(&on).cloned().map(Object::Comment)
            }
            Kind::Stats => self.stats.get(oid).cloned().map(Object::Stats),
        }
    }

    /// Takes a change in. Changes of other databases leave it as it is.
    pub(super) fn apply(&mut self, change: &Change) {
        if !change.key.is_shared() && change.database != self.database {
            return;
        }
        if let Some(old) = self.object(change.key) {
            self.forget(&old);
        }
        if let Some(new) = &change.object {
            self.learn(new);
        }
    }

    pub(super) fn stamp(&mut self, version: u64, lsn: Lsn) {
        self.version = version;
        self.lsn = lsn;
    }

    fn learn(&mut self, object: &Object) {
        match object {
            Object::Database(o) => drop(Arc::make_mut(&mut self.databases).insert(o.oid, o.clone())),
            Object::Role(o) => drop(Arc::make_mut(&mut self.roles).insert(o.oid, o.clone())),
            Object::Schema(o) => {
                Arc::make_mut(&mut self.schemas).insert(o.oid, o.clone());
                Arc::make_mut(&mut self.schema_names).insert(o.name.as_str().into(), o.oid);
            }
            Object::Table(o) => self.learn_table(o),
            Object::Index(o) => {
                Arc::make_mut(&mut self.indexes).insert(o.oid, o.clone());
                self.names_mut(o.schema).relations.insert(o.name.as_str().into(), Relation::Index(o.clone()));
                let list = Arc::make_mut(&mut self.table_indexes).entry(o.table).or_default();
                list.push(o.clone());
                list.sort_unstable_by_key(|i| i.oid);
            }
            Object::Sequence(o) => {
                Arc::make_mut(&mut self.sequences).insert(o.oid, o.clone());
                self.names_mut(o.schema).relations.insert(o.name.as_str().into(), Relation::Sequence(o.clone()));
            }
            Object::Type(o) => {
                self.learn_type(o.oid, o.array_type, UserType::Object(o.clone()));
                self.name_type(o.schema, &o.name, o.oid, o.array_type);
            }
            Object::Comment(o) => drop(Arc::make_mut(&mut self.comments).insert(o.on, o.clone())),
            Object::Stats(o) => drop(Arc::make_mut(&mut self.stats).insert(o.table, o.clone())),
        }
    }

    fn learn_table(&mut self, o: &Arc<Table>) {
        Arc::make_mut(&mut self.tables).insert(o.oid, o.clone());
        self.names_mut(o.schema).relations.insert(o.name.as_str().into(), Relation::Table(o.clone()));
        self.learn_type(o.row_type, o.array_type, UserType::Row(o.clone()));
        self.name_type(o.schema, &o.name, o.row_type, o.array_type);
        for (parent, constraint) in outgoing(o) {
            Arc::make_mut(&mut self.incoming).entry(parent).or_default().push(Incoming { table: o.oid, constraint });
        }
    }

    fn learn_type(&mut self, oid: Oid, array: Oid, what: UserType) {
        let types = Arc::make_mut(&mut self.types);
        types.insert(oid, what);
        if array != Oid::INVALID {
            types.insert(array, UserType::ArrayOf(oid));
        }
    }

    fn name_type(&mut self, schema: Oid, name: &str, oid: Oid, array: Oid) {
        let names = self.names_mut(schema);
        names.types.insert(name.into(), oid);
        if array != Oid::INVALID {
            names.types.insert(array_type_name(name).into(), array);
        }
    }

    fn forget(&mut self, object: &Object) {
        match object {
            Object::Database(o) => drop(Arc::make_mut(&mut self.databases).remove(&o.oid)),
            Object::Role(o) => drop(Arc::make_mut(&mut self.roles).remove(&o.oid)),
            Object::Schema(o) => {
                Arc::make_mut(&mut self.schemas).remove(&o.oid);
                Arc::make_mut(&mut self.schema_names).remove(o.name.as_str());
            }
            Object::Table(o) => {
                Arc::make_mut(&mut self.tables).remove(&o.oid);
                self.forget_name(o.schema, &o.name, o.oid);
                self.forget_type(o.schema, &o.name, o.row_type, o.array_type);
                for (parent, constraint) in outgoing(o) {
                    if let Some(list) = Arc::make_mut(&mut self.incoming).get_mut(&parent) {
                        list.retain(|i| i.constraint != constraint);
                    }
                }
            }
            Object::Index(o) => {
                Arc::make_mut(&mut self.indexes).remove(&o.oid);
                self.forget_name(o.schema, &o.name, o.oid);
                if let Some(list) = Arc::make_mut(&mut self.table_indexes).get_mut(&o.table) {
                    list.retain(|i| i.oid != o.oid);
                }
            }
            Object::Sequence(o) => {
                Arc::make_mut(&mut self.sequences).remove(&o.oid);
                self.forget_name(o.schema, &o.name, o.oid);
            }
            Object::Type(o) => self.forget_type(o.schema, &o.name, o.oid, o.array_type),
            Object::Comment(o) => drop(Arc::make_mut(&mut self.comments).remove(&o.on)),
            Object::Stats(o) => drop(Arc::make_mut(&mut self.stats).remove(&o.table)),
        }
    }

    /// A rename may have given the name to another object meanwhile, which keeps it.
    fn forget_name(&mut self, schema: Oid, name: &str, oid: Oid) {
        let names = self.names_mut(schema);
        if names.relations.get(name).is_some_and(|r| r.oid() == oid) {
            names.relations.remove(name);
        }
    }

    fn forget_type(&mut self, schema: Oid, name: &str, oid: Oid, array: Oid) {
        let types = Arc::make_mut(&mut self.types);
        types.remove(&oid);
        types.remove(&array);
        let names = self.names_mut(schema);
        for (name, oid) in [(name.to_owned(), oid), (array_type_name(name), array)] {
            if names.types.get(name.as_str()) == Some(&oid) {
                names.types.remove(name.as_str());
            }
        }
    }

    fn names_mut(&mut self, schema: Oid) -> &mut Names {
        Arc::make_mut(Arc::make_mut(&mut self.names).entry(schema).or_default())
    }
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").field("database", &self.database).field("version", &self.version).finish()
    }
}

/// The name of the array type over a type: `_` before it, cut to 63 bytes.
pub fn array_type_name(element: &str) -> String {
    let mut end = element.len().min(62);
    while !element.is_char_boundary(end) {
        end -= 1;
    }
    format!("_{}", &element[..end])
}

fn outgoing(table: &Table) -> Vec<(Oid, Oid)> {
    let parent = |kind: &ConstraintKind| match kind {
        ConstraintKind::ForeignKey { parent, .. } => Some(*parent),
        _ => None,
    };
    table.constraints.iter().filter_map(|c| parent(&c.kind).map(|p| (p, c.oid))).collect()
}

fn by_oid<'a, T: 'a>(items: impl Iterator<Item = (&'a Oid, &'a T)>) -> Vec<&'a T> {
    let mut items: Vec<_> = items.collect();
    items.sort_unstable_by_key(|(oid, _)| **oid);
    items.into_iter().map(|(_, item)| item).collect()
}
