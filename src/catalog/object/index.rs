//! Indexes. The primary key that a table's rows are ordered by has an `Index` too, over the table's own tree.

use super::Address;
use crate::base::{Oid, TreeId};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub oid: Oid,
    pub table: Oid,
    /// Always the table's schema; kept here so that a name can be looked up without the table.
    pub schema: Oid,
    pub name: String,
    pub owner: Oid,
    /// Its own tree; the table's tree if `clustered`.
    pub tree: TreeId,
    /// The table's rows are ordered by it, so it has no entries of its own.
    #[serde(default)]
    pub clustered: bool,
    /// The access method's name: `btree`, or `hash`, which is kept in the same form.
    pub method: String,
    pub keys: Vec<IndexKey>,
    /// `INCLUDE`, by attribute number.
    #[serde(default)]
    pub include: Vec<i16>,
    pub unique: bool,
    #[serde(default)]
    pub nulls_not_distinct: bool,
    pub primary: bool,
    /// Of a deferrable constraint: checked at the end of the statement or transaction instead of at once.
    #[serde(default = "yes")]
    pub immediate: bool,
    /// The condition of a partial index, SQL source text.
    #[serde(default)]
    pub predicate: Option<String>,
    /// The condition as PostgreSQL's deparser prints it: `(a > 0)`.
    #[serde(default)]
    pub predicate_display: Option<String>,
    /// The columns that expressions and the predicate mention, besides plain key columns.
    #[serde(default)]
    pub mentions: Vec<i16>,
    /// False while it is being built concurrently: writers maintain it, readers do not use it.
    #[serde(default = "yes")]
    pub valid: bool,
    /// The primary key or unique constraint that it implements.
    #[serde(default)]
    pub constraint: Option<Oid>,
    #[serde(default)]
    pub options: Vec<(String, String)>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexKey {
    pub part: KeyPart,
    pub type_oid: Oid,
    #[serde(default = "minus_one")]
    pub typmod: i32,
    /// Zero where the type has no collation.
    #[serde(default)]
    pub collation: Oid,
    /// Zero for the type's default operator class.
    #[serde(default)]
    pub opclass: Oid,
    #[serde(default)]
    pub descending: bool,
    #[serde(default)]
    pub nulls_first: bool,
}

fn minus_one() -> i32 {
    -1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KeyPart {
    Column(i16),
    Expression {
        /// SQL source text.
        source: String,
        /// As PostgreSQL's deparser prints it: `lower(name)`, `(a + b)`.
        display: String,
    },
}

impl Index {
    /// The key columns, if no part is an expression.
    pub fn key_columns(&self) -> Option<Vec<i16>> {
        self.keys
            .iter()
            .map(|k| match k.part {
                KeyPart::Column(n) => Some(n),
                KeyPart::Expression { .. } => None,
            })
            .collect()
    }

    /// Every column that the index depends on.
    pub fn columns(&self) -> Vec<i16> {
        let mut all: Vec<i16> = self
            .keys
            .iter()
            .filter_map(|k| match k.part {
                KeyPart::Column(n) => Some(n),
                KeyPart::Expression { .. } => None,
            })
            .chain(self.include.iter().copied())
            .chain(self.mentions.iter().copied())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    pub fn address(&self) -> Address {
        Address::relation(self.oid)
    }
}
