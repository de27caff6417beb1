//! Operator classes and families, as `access.txt` lists them.

use crate::base::Oid;
use crate::types::{oid, supported};
use std::sync::LazyLock;

pub struct Family {
    pub oid: Oid,
    pub method: Oid,
    pub name: &'static str,
}

pub struct Class {
    pub oid: Oid,
    pub method: Oid,
    pub name: &'static str,
    pub family: Oid,
    pub input: Oid,
    pub default: bool,
    pub key: Oid,
}

pub struct Member {
    pub oid: Oid,
    pub family: Oid,
    pub left: Oid,
    pub right: Oid,
    /// Strategy or support number.
    pub number: i16,
    /// An operator, or the name of a support function.
    pub what: &'static str,
}

#[derive(Default)]
pub struct Access {
    pub families: Vec<Family>,
    pub classes: Vec<Class>,
    pub operators: Vec<Member>,
    pub supports: Vec<Member>,
}

const BTREE: Oid = Oid(403);
const HASH: Oid = Oid(405);
const WELL_FORMED: &str = "access.txt is well-formed";

pub static ACCESS: LazyLock<Access> = LazyLock::new(|| {
    let mut access = Access::default();
    for line in include_str!("access.txt").lines().filter(|l| !l.starts_with('#')) {
        let words: Vec<&'static str> = line.split(' ').collect();
        let number = |at: usize| Oid(words[at].parse().expect(WELL_FORMED));
        let member = || Member {
            oid: number(1),
            family: number(2),
            left: number(3),
            right: number(4),
            number: words[5].parse().expect(WELL_FORMED),
            what: words[6],
        };
        match words[0] {
            "family" => access.families.push(Family { oid: number(1), method: number(2), name: words[3] }),
            "class" => access.classes.push(Class {
                oid: number(1),
                method: number(2),
                name: words[3],
                family: number(4),
                input: number(5),
                default: words[6] == "t",
                key: number(7),
            }),
            "operator" => access.operators.push(member()),
            "support" => access.supports.push(member()),
            other => unreachable!("{WELL_FORMED}: {other}"),
        }
    }
    access.classes.retain(|c| is_ours(c.input));
    access.families.retain(|f| access.classes.iter().any(|c| c.family == f.oid));
    for members in [&mut access.operators, &mut access.supports] {
        members.retain(|m| access.families.iter().any(|f| f.oid == m.family) && is_ours(m.left) && is_ours(m.right));
    }
    access
});

/// Polymorphic classes stay: arrays, enums, ranges and rows may be of our types.
fn is_ours(ty: Oid) -> bool {
    supported(ty) || matches!(ty, oid::ANYARRAY | oid::ANYENUM | oid::ANYRANGE | oid::RECORD)
}

pub fn method_oid(method: &str) -> Oid {
    if method == "hash" { HASH } else { BTREE }
}

/// The type whose operator class serves a type: `varchar` is indexed as `text`.
fn class_input(ty: Oid) -> Oid {
    match ty {
        oid::VARCHAR => oid::TEXT,
        other if crate::types::element_of(other).is_some() => oid::ANYARRAY,
        other if other >= Oid::FIRST_USER => oid::RECORD,
        other => other,
    }
}

/// The default class of a type.
pub fn default_class(ty: Oid, method: &str) -> Option<&'static Class> {
    let (method, input) = (method_oid(method), class_input(ty));
    ACCESS.classes.iter().find(|c| c.method == method && c.default && c.input == input)
}

/// A class by name that fits a type.
pub fn class_named(name: &str, method: &str, ty: Oid) -> Option<&'static Class> {
    let method = method_oid(method);
    let fits = |c: &&Class| c.input == ty || c.input == class_input(ty);
    ACCESS.classes.iter().filter(|c| c.method == method && c.name == name).find(fits)
}

pub fn class(oid: Oid) -> Option<&'static Class> {
    ACCESS.classes.iter().find(|c| c.oid == oid)
}

/// The name to print after an index's column, if it is not the default class.
pub fn shown(class_oid: Oid, ty: Oid, method: &str) -> Option<&'static str> {
    let class = class(class_oid)?;
    match default_class(ty, method) {
        Some(default) if default.oid == class.oid => None,
        _ => Some(class.name),
    }
}
