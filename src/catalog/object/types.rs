//! Types that users create. Row types of tables are not here: every [`Table`](super::Table) knows its own.

use super::Address;
use super::role::AclItem;
use crate::base::Oid;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeObject {
    pub oid: Oid,
    pub schema: Oid,
    pub name: String,
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<AclItem>>,
    pub array_type: Oid,
    pub kind: TypeKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TypeKind {
    /// In sort order.
    Enum(Vec<EnumLabel>),
    Domain {
        base: Oid,
        typmod: i32,
        not_null: bool,
        default: Option<String>,
        /// Oid, name and SQL source text of each CHECK.
        checks: Vec<(Oid, String, String)>,
    },
    Range {
        subtype: Oid,
        multirange: Oid,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnumLabel {
    pub oid: Oid,
    pub sort_order: f32,
    pub label: String,
}

impl TypeObject {
    pub fn address(&self) -> Address {
        Address::new(super::class::TYPE, self.oid)
    }
}
