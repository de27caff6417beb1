//! Databases, roles, schemas and privileges.

use crate::base::Oid;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Database {
    pub oid: Oid,
    pub name: String,
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<AclItem>>,
    pub is_template: bool,
    pub allow_connections: bool,
    /// -1: unlimited.
    pub connection_limit: i32,
    /// `ALTER DATABASE ... SET`.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    pub oid: Oid,
    pub name: String,
    pub superuser: bool,
    pub inherit: bool,
    pub create_role: bool,
    pub create_db: bool,
    pub login: bool,
    pub replication: bool,
    pub bypass_rls: bool,
    /// -1: unlimited.
    pub connection_limit: i32,
    /// A SCRAM verifier in PostgreSQL's text form; never clear text.
    #[serde(default)]
    pub password: Option<String>,
    /// `VALID UNTIL`, microseconds since 2000-01-01 UTC.
    #[serde(default)]
    pub valid_until: Option<i64>,
    /// The roles that this one is a member of.
    #[serde(default)]
    pub member_of: Vec<Membership>,
    /// `ALTER ROLE ... SET`, for all databases (zero) or for one.
    #[serde(default)]
    pub settings: Vec<(Oid, String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    pub role: Oid,
    pub grantor: Oid,
    pub admin: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    pub oid: Oid,
    pub name: String,
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<AclItem>>,
}

/// One entry of an access list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclItem {
    /// Zero is PUBLIC.
    pub grantee: Oid,
    pub grantor: Oid,
    /// Bits as in PostgreSQL's `acl.h`.
    pub privileges: u32,
    pub grantable: u32,
}

impl AclItem {
    pub const INSERT: u32 = 1;
    pub const SELECT: u32 = 1 << 1;
    pub const UPDATE: u32 = 1 << 2;
    pub const DELETE: u32 = 1 << 3;
    pub const TRUNCATE: u32 = 1 << 4;
    pub const REFERENCES: u32 = 1 << 5;
    pub const TRIGGER: u32 = 1 << 6;
    pub const EXECUTE: u32 = 1 << 7;
    pub const USAGE: u32 = 1 << 8;
    pub const CREATE: u32 = 1 << 9;
    pub const TEMPORARY: u32 = 1 << 10;
    pub const CONNECT: u32 = 1 << 11;

    const LETTERS: &'static [u8] = b"arwdDxtXUCTc";

    /// PostgreSQL's text form, `joe=arw*/postgres`, given the names of the two roles.
    pub fn text(&self, grantee: &str, grantor: &str) -> String {
        let mut out = String::from(grantee);
        out.push('=');
        for (bit, letter) in AclItem::LETTERS.iter().enumerate() {
            if self.privileges >> bit & 1 == 1 {
                out.push(char::from(*letter));
                if self.grantable >> bit & 1 == 1 {
                    out.push('*');
                }
            }
        }
        out.push('/');
        out.push_str(grantor);
        out
    }
}
